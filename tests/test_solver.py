"""The solver against the oracle, the literature and itself."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automata import (
    Automaton,
    SizeLimitError,
    are_synchronizing,
    cerny_bound,
    is_synchronizing,
    reprove_thresholds,
    reset_bounds,
    reset_threshold,
    reset_thresholds,
    shortest_reset_word,
    verify,
)
from automata.automaton import Deltas
from tests import naive
from tests.strategies import automata, rename, renamings


def cerny(n: int) -> Deltas:
    """Černý's automaton C_n (1964)."""
    cycle = np.roll(np.arange(n), -1)
    merging = np.arange(n)
    merging[-1] = 0
    return np.array([cycle, merging], np.uint8)


def oracle(deltas: Deltas) -> list[int]:
    found = map(naive.reset_threshold, deltas.tolist())
    return [-1 if threshold is None else threshold for threshold in found]


@pytest.mark.parametrize(("n", "k", "words"), [(1, 3, 1), (2, 3, 1), (3, 2, 1), (4, 2, 61)])
def test_every_automaton(n: int, k: int, words: int) -> None:
    deltas = np.array([*naive.all_automata(n, k)], np.uint8)
    assert len(deltas) == n ** (n * k)
    thresholds = reset_thresholds(deltas)
    assert thresholds.tolist() == oracle(deltas)
    assert np.array_equal(reprove_thresholds(deltas), thresholds)
    assert np.array_equal(are_synchronizing(deltas), thresholds >= 0)
    for delta in deltas[::words]:
        assert shortest_reset_word(delta) == naive.shortest_reset_word(delta.tolist())


@settings(deadline=None)
@given(automata())
def test_any_automaton(delta: Deltas) -> None:
    threshold, word = reset_threshold(delta), shortest_reset_word(delta)
    assert threshold == naive.reset_threshold(delta.tolist())
    assert word == naive.shortest_reset_word(delta.tolist())  # the lexicographically least
    assert is_synchronizing(delta) == naive.is_synchronizing(delta.tolist())
    assert (threshold is not None) == (word is not None) == is_synchronizing(delta)
    assert reprove_thresholds(delta[None]).tolist() == reset_thresholds(delta[None]).tolist()
    if word is not None:
        assert len(word) == threshold
        assert verify(delta, word)
        assert not any(verify(delta, word[:i] + word[i + 1 :]) for i in range(len(word)))


@settings(deadline=None)
@given(automata(max_n=9), st.data())
def test_what_leaves_a_threshold_as_it_is(delta: Deltas, data: st.DataObject) -> None:
    k, n = delta.shape
    threshold = reset_threshold(delta)
    renamed = rename(delta, *data.draw(renamings(n, k)))
    assert reset_threshold(renamed) == threshold
    place, letter = data.draw(st.integers(0, k)), data.draw(st.integers(0, k - 1))
    repeated = np.insert(delta, place, delta[letter], axis=0)
    assert reset_threshold(repeated) == threshold
    assert reset_threshold(np.insert(delta, 0, np.arange(n), axis=0)) == threshold  # the identity


@settings(deadline=None)
@given(automata(max_n=9), st.data())
def test_an_added_letter_never_lengthens(delta: Deltas, data: st.DataObject) -> None:
    k, n = delta.shape
    letter = data.draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))
    before = reset_threshold(delta)
    place = data.draw(st.integers(0, k))
    after = reset_threshold(np.insert(delta, place, letter, axis=0))
    assert before is None or (after is not None and after <= before)


@pytest.mark.parametrize("n", [*range(2, 17), 17, 18])
def test_cerny(n: int) -> None:
    delta = cerny(n)
    threshold = reset_threshold(delta)  # over 255 from n = 17 on
    assert threshold == (n - 1) ** 2 == cerny_bound(n)
    assert reprove_thresholds(delta[None]).tolist() == [threshold]
    word = shortest_reset_word(delta)
    assert word == (1, *((0,) * (n - 1) + (1,)) * (n - 2))  # Černý's word, the only shortest
    assert verify(delta, word)


@pytest.mark.parametrize(("n", "k"), [(9, 16), (13, 3), (16, 2), (20, 2), (24, 2), (24, 16)])
def test_larger_ones_agree_with_the_backward_search(n: int, k: int) -> None:
    deltas = np.random.default_rng(n).integers(0, n, (3, k, n), dtype=np.uint8)
    thresholds = reset_thresholds(deltas)
    assert np.array_equal(are_synchronizing(deltas), thresholds >= 0)
    if n <= 20:
        assert np.array_equal(reprove_thresholds(deltas), thresholds)
    for delta, threshold in zip(deltas, thresholds, strict=True):
        word = shortest_reset_word(delta)
        assert threshold == (-1 if word is None else len(word))
        assert word is None or verify(delta, word)


def test_the_limits_are_named() -> None:
    delta = np.zeros((2, 1025), int)
    for call in (reset_threshold, shortest_reset_word, reset_bounds):
        with pytest.raises(SizeLimitError, match="^n=1025 is over the limit of 1024 states$"):
            call(delta)
    with pytest.raises(SizeLimitError, match="^n=1025 is over the limit of 1024 states$"):
        reset_thresholds(delta[None])
    with pytest.raises(SizeLimitError, match="^n=25 is over the limit of 24 states$"):
        reprove_thresholds(delta[None, :, :25])
    assert is_synchronizing(delta)


def test_pairs_decide_synchronization_for_every_n() -> None:
    cycle = np.roll(np.arange(256), -1)
    assert is_synchronizing([cycle, [0, *range(255)]])  # 0 and 1 merge, and the cycle does the rest
    assert not is_synchronizing([cycle, cycle[::-1]])
    assert are_synchronizing(np.zeros((0, 2, 256), int)).tolist() == []


@pytest.mark.parametrize("code", ["i1", "u1", ">i2", "u2", "i4", ">u4", "i8", "u8"])
def test_any_integer_dtype(code: str) -> None:
    assert reset_threshold(cerny(5).astype(code)) == 16
    assert len(shortest_reset_word(cerny(5).astype(code)) or ()) == 16
    assert reset_thresholds(cerny(5).astype(code)[None]).tolist() == [16]


@pytest.mark.parametrize(
    "form", [Automaton, np.asfortranarray, np.ndarray.tolist, lambda d: tuple(map(tuple, d))]
)
def test_any_form(form: Any) -> None:
    one = form(cerny(4))
    threshold, word = reset_threshold(one), shortest_reset_word(one)
    assert (threshold, word) == (9, (1, 0, 0, 0, 1, 0, 0, 0, 1))
    assert type(threshold) is int
    assert word is not None
    assert {*map(type, word)} == {int}
    assert is_synchronizing(one) is True
    assert verify(one, word) is True
    assert reset_thresholds([one, one]).tolist() == [9, 9]


def test_batches() -> None:
    deltas = np.random.default_rng(0).integers(0, 6, (1001, 2, 6), dtype=np.uint8)
    thresholds = reset_thresholds(deltas)
    assert thresholds.dtype == np.int32
    assert thresholds.tolist() == oracle(deltas)
    for workers in (2, 3, 2000):
        assert np.array_equal(reset_thresholds(deltas, workers=workers), thresholds)
    assert reset_thresholds(deltas[:0]).shape == (0,)
    assert reset_thresholds(deltas[:0], workers=2).shape == (0,)
    assert reprove_thresholds(deltas[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("word", "resets"),
    [
        ((1, 0, 0, 0, 1, 0, 0, 0, 1), True),
        ((1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1), True),
        (np.array([1, 0, 0, 0, 1, 0, 0, 0, 1], np.uint8), True),
        ((1, 0, 0, 0, 1, 0, 0, 1), False),
        ((), False),
        ((1, 0, 0, 0, 1, 0, 0, 0, 1, 2), False),  # not a letter
        ((1, 0, 0, 0, 1, 0, 0, 0, -1), False),  # nor from the end
    ],
)
def test_verify(word: Any, resets: bool) -> None:
    assert verify(cerny(4), word) is resets
    assert verify([[0]], ()) is True
