"""The library as a researcher meets it: automata and words however they are given, and methods."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import automata
from automata import Automaton, AutomatonError
from automata.families import FAMILIES
from tests import naive
from tests.strategies import automata as some_automata

TEXT = "1 2 3 0|1 1 2 3"
TABLE = [[1, 2, 3, 0], [1, 1, 2, 3]]
WORD = "baaabaaab"

OF_ONE: dict[str, Callable[[Any], Any]] = {
    "Automaton": lambda delta: Automaton(delta).delta.tolist(),
    "apply_word": lambda delta: automata.apply_word(delta, "ab"),
    "are_isomorphic": lambda delta: automata.are_isomorphic(delta, delta),
    "automaton_html": automata.automaton_html,
    "automaton_svg": automata.automaton_svg,
    "careful_bounds": automata.careful_bounds,
    "careful_threshold": automata.careful_threshold,
    "certificate": lambda delta: automata.certificate(delta).to_json(),
    "format_delta": automata.format_delta,
    "format_dot": automata.format_dot,
    "format_gap": automata.format_gap,
    "format_json": automata.format_json,
    "image": lambda delta: automata.image(delta, "ab"),
    "is_carefully_synchronizing": automata.is_carefully_synchronizing,
    "is_synchronizing": automata.is_synchronizing,
    "preimage": lambda delta: automata.preimage(delta, "ab", [0]),
    "rank": automata.rank,
    "reset_bounds": automata.reset_bounds,
    "reset_threshold": automata.reset_threshold,
    "reset_word": automata.reset_word,
    "short_reset_word": automata.short_reset_word,
    "shortest_careful_word": automata.shortest_careful_word,
    "shortest_reset_word": automata.shortest_reset_word,
    "shortest_word": lambda delta: automata.shortest_word(delta, from_states=[0, 2], to_state=1),
    "to_networkx": lambda delta: [*automata.to_networkx(delta).edges(data="label")],
    "transition_monoid": lambda delta: automata.transition_monoid(delta).elements.tolist(),
    "validate_delta": lambda delta: automata.validate_delta(delta).tolist(),
    "verify": lambda delta: automata.verify(delta, WORD),
}


def test_every_function_of_one_automaton_is_listed() -> None:
    public = {name: getattr(automata, name) for name in automata.__all__}
    functions = {name: value for name, value in public.items() if inspect.isfunction(value)}
    takers = {
        name
        for name, function in functions.items()
        if {"delta", "first"} & {*inspect.signature(function).parameters}
    }
    assert takers | {"Automaton"} == {*OF_ONE}


@pytest.mark.parametrize("name", OF_ONE)
def test_one_automaton_is_an_automaton_an_array_or_text(name: str) -> None:
    function = OF_ONE[name]
    expected = function(TABLE)
    for same in (TEXT, f" {TEXT}\n", Automaton(TEXT), np.array(TABLE), np.array(TABLE, np.uint8)):
        assert function(same) == expected


@pytest.mark.parametrize("name", OF_ONE)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "letter 0 has no entries"),
        ("1 2 3 0|1 1 2", "letter 1 has 3 entries, the first has 4"),
        ("1 2 3 0|1 1 2 x", "letter 1, state 3: 'x' is not an integer"),
        ("1 2 3 4", "letter 0, state 3: '4' is outside 0..3"),
        (WORD, "is not an integer"),
    ],
)
def test_text_that_is_no_automaton(name: str, text: str, message: str) -> None:
    with pytest.raises(AutomatonError, match=message) as error:
        OF_ONE[name](text)
    assert "\n" not in str(error.value)


def test_many_are_a_list_of_automata_or_of_texts() -> None:
    expected = automata.reset_thresholds([TABLE, TABLE]).tolist()
    assert automata.reset_thresholds([TEXT, TEXT]).tolist() == expected
    assert automata.reset_thresholds((Automaton(TEXT), Automaton(TEXT))).tolist() == expected
    with pytest.raises(AutomatonError, match="^one text is one automaton: many are a list of"):
        automata.reset_thresholds(TEXT)
    assert automata.reset_thresholds([Automaton(TEXT), TEXT]).tolist() == expected
    with pytest.raises(AutomatonError, match="letter 0, state 0: 'x' is not an integer"):
        automata.reset_thresholds([TEXT, "x"])


@pytest.mark.parametrize(
    "other", ["0 0|0 0", Automaton([[0, 0], [0, 0]]), [[0, 0], [0, 0]], np.zeros((2, 2), int)]
)
def test_automata_of_several_sizes_are_no_batch(other: Any) -> None:
    for first in (TEXT, Automaton(TEXT), TABLE):
        with pytest.raises(AutomatonError) as error:
            automata.reset_thresholds([first, first, other])
        assert str(error.value) == (
            "automata of a batch have one size: automaton 2 has n=2, k=2, "
            "but automaton 0 has n=4, k=2"
        )
    with pytest.raises(AutomatonError, match="^not a rectangular table of states$"):
        automata.reset_thresholds([[[0, 1], [0]]])


def test_a_stored_certificate_holds_numbers() -> None:
    with pytest.raises(automata.CertificateError, match="^not a certificate: states are integers"):
        automata.Certificate.from_json(
            '{"delta":"0","threshold":0,"word":[],"forward":[],"backward":[]}'
        )


@pytest.mark.parametrize("word", ["ba", (1, 0), [1, 0], np.array([1, 0], np.uint8)])
def test_a_word_is_letters_or_text(word: Any) -> None:
    assert automata.apply_word(TEXT, word) == Automaton(TEXT).apply(word) == (2, 2, 3, 0)
    assert automata.image(TEXT, word) == Automaton(TEXT).image(word) == {0, 2, 3}
    assert automata.preimage(TEXT, word, [2]) == Automaton(TEXT).preimage(word, {2}) == {0, 1}
    assert automata.format_word(word) == "ba"
    assert not automata.verify(TEXT, word)


@given(some_automata(max_n=6), st.data())
def test_words_act_as_in_plain_python(delta: Any, data: st.DataObject) -> None:
    k, n = delta.shape
    word = data.draw(st.lists(st.integers(0, k - 1), max_size=6))
    states = data.draw(st.lists(st.integers(0, n - 1)))
    single = [next(iter(naive.apply(delta, [q], word))) for q in range(n)]
    assert automata.apply_word(delta, word) == tuple(single)
    assert automata.apply_word(delta, word, states) == tuple(single[q] for q in states)
    assert automata.image(delta, word) == naive.apply(delta, range(n), word)
    assert automata.image(delta, word, states) == naive.apply(delta, states, word)
    assert automata.preimage(delta, word, states) == {q for q in range(n) if single[q] in states}


def test_letters_and_states_of_another_automaton() -> None:
    for wrong in ("c", [2], [-1], [2**70]):
        with pytest.raises(ValueError, match=r"^letter=.* is not in 0..1$"):
            automata.apply_word(TEXT, wrong)
    for states in ([4], [-1], np.array([9])):
        with pytest.raises(ValueError, match=r"^state=.* is not in 0..3$"):
            automata.image(TEXT, "a", states)
    with pytest.raises(ValueError, match="^state=1.5 is not an integer$"):
        automata.preimage(TEXT, "a", [1.5])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="^states are a sequence of integers, got int$"):
        automata.preimage(TEXT, "a", 1)  # type: ignore[arg-type]


def test_methods_answer_as_the_functions() -> None:
    cerny = Automaton(TEXT)
    assert cerny.reset_threshold() == 9
    assert cerny.reset_word() == automata.shortest_reset_word(TABLE) == automata.parse_word(WORD)
    assert cerny.rank() == 1
    assert cerny.is_synchronizing()
    assert cerny.family() == "C"
    assert cerny.is_isomorphic(FAMILIES[0].delta(4))
    assert not cerny.is_isomorphic("0 0|0 0")
    assert cerny.canonical() == Automaton(FAMILIES[0].delta(4)).canonical()
    assert isinstance(cerny.canonical(), Automaton)
    for name in automata.CLASSES:
        assert (name in cerny.classes()) == automata.in_classes([cerny], [name])[0]
    assert Automaton(cerny.to_text()) == cerny
    assert automata.parse_gap(cerny.to_gap()).tolist() == TABLE
    assert automata.parse_dot(cerny.to_dot()).tolist() == TABLE
    assert automata.parse_json(cerny.to_json()).tolist() == TABLE
    assert automata.from_networkx(cerny.to_networkx()).tolist() == TABLE
    assert cerny.draw() == automata.automaton_svg(TABLE)


def test_methods_of_one_that_does_not_synchronize() -> None:
    swap = Automaton("1 0|0 1")
    assert swap.reset_threshold() is None
    assert swap.reset_word() is None
    assert swap.rank() == 2
    assert not swap.is_synchronizing()
    assert swap.family() is None


def test_limits_reach_the_search() -> None:
    hard = Automaton(FAMILIES[0].delta(300))
    for method in (hard.reset_threshold, hard.reset_word):
        with pytest.raises(automata.LimitReached):
            method(time_limit=1e-9)
        with pytest.raises(automata.LimitReached):
            method(memory_limit=1)
        with pytest.raises(ValueError, match="^time_limit=0 is not positive$"):
            method(time_limit=0)


def test_shortest_words_of_many_within_limits() -> None:
    deltas = np.stack([FAMILIES[0].delta(300), np.zeros((2, 300), int)])
    words = automata.shortest_reset_words(deltas, memory_limit=1)
    assert words.lengths.tolist() == [automata.UNKNOWN, 1]
    assert words.to_list() == [None, (0,)]
    assert automata.verify_words(deltas, words).tolist() == [False, True]
    with pytest.raises(ValueError, match="^memory_limit=-1 is not positive$"):
        automata.shortest_reset_words(deltas, memory_limit=-1)


def test_what_is_exported() -> None:
    assert [*automata.__all__] == sorted(set(automata.__all__))
    for name in automata.__all__:  # and no module is hidden behind a function of its name
        assert not inspect.ismodule(getattr(automata, name))
    modules = {path.stem for path in Path(automata.__file__).parent.iterdir()}
    assert not modules & {*automata.__all__}
    assert automata.reset_word is automata.short_reset_word  # the former name
    assert Path(automata.__file__).with_name("py.typed").exists()
