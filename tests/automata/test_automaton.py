"""The automaton: what it accepts, what it refuses in one clear line, what it promises."""

import copy
import pickle
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import automata
from automata import (
    Automaton,
    AutomatonError,
    SizeLimitError,
    are_isomorphic,
    are_synchronizing,
    canonical_forms,
    cerny_bound,
    is_synchronizing,
    reprove_thresholds,
    reset_threshold,
    reset_thresholds,
    shortest_reset_word,
    validate_deltas,
    verify,
)

CERNY = [[1, 2, 3, 0], [0, 1, 2, 0]]

OF_ONE = [
    Automaton,
    reset_threshold,
    shortest_reset_word,
    is_synchronizing,
    lambda delta: verify(delta, ()),
    lambda delta: are_isomorphic(delta, delta),
]
OF_MANY = [
    validate_deltas,
    reset_thresholds,
    are_synchronizing,
    canonical_forms,
    reprove_thresholds,
]


def refusal(function: Any, value: Any) -> str:
    with pytest.raises(AutomatonError) as error:
        function(value)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_package_is_ours() -> None:
    # automata-lib on PyPI imports under the same name
    assert Path(automata.__file__).parent == Path(__file__).parents[2] / "automata"


@pytest.mark.parametrize(
    ("delta", "message"),
    [
        ([[1, 2, 0], [0, 3, 2]], "letter 1, state 1 leads to 3, outside 0..2"),
        ([[1, 2, 0], [0, 0, -1]], "letter 1, state 2 leads to -1, outside 0..2"),
        ([[256, 0]], "letter 0, state 0 leads to 256, outside 0..1"),  # 0 as uint8
        (np.array([[0, 2**63]], np.uint64), f"state 1 leads to {2**63}, outside 0..1"),
        (np.array([[0, -(2**63)]]), f"state 1 leads to {-(2**63)}, outside 0..1"),
        ([[0, 2**70]], "states are integers, got entries of type object"),
        ([[1.0, 0.0]], "states are integers, got entries of type float64"),
        ([[0, float("nan")]], "states are integers, got entries of type float64"),
        ([[0, {}]], "states are integers, got entries of type object"),
        ([["1", "0"]], "states are integers, got entries of type <U1"),
        ([[True, False]], "states are integers, got entries of type bool"),
        ([[0, 1j]], "states are integers, got entries of type complex128"),
        (None, "states are integers, got entries of type object"),
        ([[1, 0], [1]], "not a rectangular table of states"),
        ([[1, [0]]], "not a rectangular table of states"),
        (np.zeros((0, 2), int), "at least one state and one letter, got n=2, k=0"),
        (np.zeros((2, 0), int), "at least one state and one letter, got n=0, k=2"),
        (0, "shape (k, n), got shape ()"),
        ([1, 0], "shape (k, n), got shape (2,)"),
        ([[[1, 0]]], "shape (k, n), got shape (1, 1, 2)"),
    ],
)
def test_what_is_no_automaton(delta: Any, message: str) -> None:
    for function in OF_ONE:
        assert message in refusal(function, delta)
    for function in OF_MANY:
        refusal(function, [delta])


@pytest.mark.parametrize("nothing", [[], [[]], [[], []]])
def test_nothing_is_not_called_a_float(nothing: Any) -> None:
    assert "float" not in refusal(Automaton, nothing)
    assert "float" not in refusal(validate_deltas, [nothing])


def test_the_automaton_at_fault_is_named() -> None:
    deltas = np.zeros((5, 2, 3), int)
    deltas[3, 1, 2] = 7
    for function in OF_MANY:
        assert refusal(function, deltas) == (
            "automaton 3, letter 1, state 2 leads to 7, outside 0..2"
        )
    assert refusal(reset_thresholds, CERNY) == (
        "automata have shape (batch, k, n), got shape (2, 4): "
        "for one see functions such as reset_threshold"
    )
    assert refusal(reset_threshold, [CERNY]) == (
        "an automaton has shape (k, n), got shape (1, 2, 4): "
        "for many see functions such as reset_thresholds"
    )
    refusal(validate_deltas, [Automaton([[0]]), Automaton([[0, 1]])])


def test_too_large() -> None:
    with pytest.raises(SizeLimitError, match="^n=5001 is over the limit of 5000 states$"):
        Automaton(np.zeros((1, 5001), int))
    with pytest.raises(SizeLimitError, match="^k=65 is over the limit of 64 letters$"):
        Automaton(np.zeros((65, 1), int))
    largest = Automaton(np.full((64, 5000), 4999))
    assert (largest.n, largest.k, largest.delta.max()) == (5000, 64, 4999)


@pytest.mark.parametrize(("n", "dtype"), [(256, np.uint8), (257, np.uint16)])
def test_states_take_as_little_room_as_they_need(n: int, dtype: type) -> None:
    delta = Automaton(np.full((2, n), n - 1)).delta
    assert delta.dtype == dtype
    assert delta.max() == n - 1


def test_properties() -> None:
    cerny = Automaton(CERNY)
    assert (cerny.n, cerny.k, cerny.cerny_bound) == (4, 2, 9)
    assert cerny.delta.dtype == np.uint8
    assert [cerny_bound(n) for n in (1, 2, 3, 256)] == [0, 1, 4, 255**2]


def test_immutable() -> None:
    source = np.array(CERNY, np.uint8)
    automaton = Automaton(source)
    source[:] = 0
    assert automaton.delta.tolist() == CERNY
    for same in (automaton.delta, np.asarray(automaton), Automaton(automaton).delta):
        with pytest.raises(ValueError, match="read-only"):
            same[0, 0] = 0
    with pytest.raises(FrozenInstanceError):
        automaton.delta = source  # type: ignore[misc]
    np.array(automaton)[:] = 0  # a copy of one's own
    assert automaton.delta.tolist() == CERNY


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_clones_are_immutable_too(clone: Any) -> None:
    automaton = clone(Automaton(CERNY))
    assert automaton == Automaton(CERNY)
    with pytest.raises(ValueError, match="read-only"):
        automaton.delta[0, 0] = 0


def test_equality_and_hash() -> None:
    one = Automaton(CERNY)
    assert one == Automaton(np.array(CERNY, np.int64)) == Automaton(one)
    others = [Automaton([[0, 0, 0, 0]]), Automaton([[0, 0], [0, 0], [0, 0], [0, 0]])]
    assert len({one, Automaton(CERNY), Automaton(CERNY[::-1]), *others}) == 4
    assert others[0] != others[1]  # the same bytes
    assert one != CERNY
    assert one != "one"


@pytest.mark.parametrize("code", ["i1", "u1", "i2", ">u2", "i4", ">i4", "u4", "i8", "u8"])
def test_any_integer_dtype(code: str) -> None:
    valid = validate_deltas(np.array([CERNY], code))
    assert valid.dtype == np.uint8
    assert valid.tolist() == [CERNY]


def test_any_layout() -> None:
    wide = np.arange(48).reshape(2, 4, 6) % 3  # of k = 3 letters and n = 3 states
    for view in (wide[:, :3, ::2], wide[::-1, 1:, 3:], np.asfortranarray(wide[:, :3, :3])):
        valid = validate_deltas(view)
        assert valid.flags.c_contiguous
        assert np.array_equal(valid, view)
    ours = np.zeros((2, 1, 3), np.uint8)
    assert not np.shares_memory(validate_deltas(ours), ours)
    assert validate_deltas([Automaton(CERNY), Automaton(CERNY)]).tolist() == [CERNY, CERNY]
    assert validate_deltas(np.zeros((0, 2, 3), int)).shape == (0, 2, 3)
