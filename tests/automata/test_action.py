"""The action of words on the states of partial automata, against plain Python."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automata import apply_word, image, preimage, shortest_careful_word
from automata.automaton import Automaton
from automata.deltas import UNDEFINED, Deltas
from automata.errors import AutomatonError
from tests.strategies import partials

WORDS = st.lists(st.integers(0, 3), max_size=6)


def follow(delta: Deltas, state: int, word: list[int]) -> tuple[int | None, int, int]:
    """Where a word leads a state (None: undefined); how many letters it read, and where it was."""
    for place, letter in enumerate(word):
        target = int(delta[letter, state])
        if target == UNDEFINED:
            return None, place, state
        state = target
    return state, len(word), state


@given(partials(max_n=12, max_k=4), WORDS, st.data())
def test_states_sets_and_preimages(delta: Deltas, word: list[int], data: st.DataObject) -> None:
    k, n = delta.shape
    word = [letter % k for letter in word]
    states = data.draw(st.lists(st.integers(0, n - 1)))
    single = [follow(delta, q, word)[0] for q in range(n)]
    assert apply_word(delta, word) == Automaton(delta).apply(word) == tuple(single)
    assert apply_word(delta, word, states) == tuple(single[q] for q in states)
    led = {q for q in range(n) if single[q] in states}
    assert preimage(delta, word, states) == Automaton(delta).preimage(word, states) == led
    if all(single[q] is not None for q in states):
        expected = {single[q] for q in states}
        assert image(delta, word, states) == Automaton(delta).image(word, states) == expected
        return
    # the first letter that is undefined on a state that is met; of these, the least state
    missing = (follow(delta, q, word)[1:] for q in states if single[q] is None)
    place, state = min(missing)
    with pytest.raises(AutomatonError) as refused:
        image(delta, word, states)
    assert str(refused.value) == (
        f"letter {word[place]} is undefined on state {state}, after {place} letters of the word"
    )


@given(partials(max_n=7, max_k=3))
def test_careful_words_lead_to_one_state_everywhere(delta: Deltas) -> None:
    word = shortest_careful_word(delta)
    if word is None:
        return
    (state,) = {*apply_word(delta, word)}
    assert state is not None and image(delta, word) == {state}
    for length in range(len(word)):  # no shorter prefix is careful
        assert delta.shape[1] == 1 or len(image(delta, word[:length])) > 1


@pytest.mark.parametrize("n", [254, 255, 256, 257])
def test_the_largest_sizes(n: int) -> None:
    delta = np.stack([np.roll(np.arange(n), -1), np.full(n, n - 1)])
    assert apply_word(delta, "a") == (*range(1, n), 0)
    assert image(delta, "b") == {n - 1} and image(delta, "ba") == {0}
    if n <= 255:
        delta[1, 3] = UNDEFINED
        assert apply_word(delta, "b") == tuple(None if q == 3 else n - 1 for q in range(n))


def test_what_is_refused() -> None:
    for call in (apply_word, image):
        with pytest.raises(ValueError, match="state"):
            call("1 -", "a", [2])
        with pytest.raises(ValueError, match="letter"):
            call("1 -", "b")
    with pytest.raises(AutomatonError, match="letter 0 is undefined on state 1, after 0 letters"):
        Automaton("1 -").image("aa")
    assert image("1 -", "a", []) == frozenset() == image("1 -", "aa", [])
