"""Where a forward search begins: the states that are left after some letters."""

from itertools import product

import numpy as np
import pytest

from automata.deltas import Deltas
from automata.solver.exact import reset_bounds, reset_threshold
from automata.solver.start import begin_later
from tests import naive
from tests.automata.examples import cerny, uniform


def two_part(n: int, small: int, seed: int) -> Deltas:
    """Letters lead all states to the first ones, on which they act as a random automaton does."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, small, (2, n)).astype(np.uint8)


@pytest.mark.parametrize("delta", [*uniform(4, 150, 2), uniform(1, 66, 3)[0], two_part(90, 20, 1)])
def test_the_rest_of_the_automaton(delta: Deltas) -> None:
    later = begin_later(delta)
    assert later is not None
    inner, start = later
    n = delta.shape[1]
    letters = len(start.words[0])
    images = {}
    for word in product(range(len(delta)), repeat=letters):
        images[word] = naive.apply(delta.tolist(), range(n), word)
    left = sorted(set().union(*images.values()))
    assert inner.shape == (len(delta), len(left)) and inner.dtype == delta.dtype
    assert [[left[q] for q in row] for row in inner.tolist()] == delta[:, left].tolist()
    found = {tuple(np.array(left)[states].tolist()) for states in start.sets}
    assert found == {tuple(sorted(image)) for image in images.values()}
    assert len(start.words) == len(found)
    for states, word in zip(start.sets, start.words, strict=True):
        assert set(np.array(left)[states].tolist()) == images[word]


def test_where_nothing_is_saved_or_a_word_is_too_short() -> None:
    assert begin_later(cerny(100)) is None  # a letter permutes all states
    assert begin_later(np.zeros((2, 70), np.uint8)) is None
    assert begin_later(cerny(100)[:1]) is None  # one letter


@pytest.mark.parametrize("seed", range(6))
def test_thresholds_and_words_are_those_of_the_whole(seed: int) -> None:
    """The small part alone is solved by plain Python, from the images of all states."""
    delta = two_part(80, 9, seed)
    threshold = reset_threshold(delta)
    expected = naive.reset_threshold(delta.tolist())
    assert threshold == expected
    bounds = reset_bounds(delta)
    if expected is None:
        assert bounds is None
    else:
        assert bounds is not None and bounds.lower == bounds.upper == expected
        assert len(naive.apply(delta.tolist(), range(80), bounds.word)) == 1
