"""Lengths for all sets of states: words to each of them, and words that merge them."""

from typing import Any

import numpy as np
import pytest

from automata import (
    AutomatonError,
    SizeLimitError,
    are_completely_reachable,
    longest_by_size,
    reach_lengths,
    reset_thresholds,
    shortest_word_lengths,
    subset_thresholds,
)
from automata.families import FAMILIES
from automata.solver.careful import careful_thresholds
from tests import naive
from tests.automata.examples import every_partial, uniform, uniform_partial, with_none

CERNY = FAMILIES[0]


def members(mask: int) -> list[int]:
    return [q for q in range(mask.bit_length()) if mask >> q & 1]


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 2), (3, 3), (6, 2), (8, 4), (9, 2)])
def test_words_to_each_set(n: int, k: int) -> None:
    deltas = uniform_partial(48, n, k)
    for delta, lengths in zip(deltas, reach_lengths(deltas, workers=2).tolist(), strict=True):
        words = dict(naive.sets_reached(with_none(delta)))
        known = {sum(1 << q for q in states): len(word) for states, word in words.items()}
        assert lengths == [known.get(mask, -1) for mask in range(1 << n)]


@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 2), (3, 3), (5, 2), (6, 4)])
def test_words_that_merge_each_set(n: int, k: int) -> None:
    deltas = uniform_partial(32, n, k)
    table = subset_thresholds(deltas, workers=2)
    assert table[:, 0].tolist() == [-1] * len(deltas)
    for mask in range(1, 1 << n):
        words = [naive.shortest_word(with_none(d), from_states=members(mask)) for d in deltas]
        assert table[:, mask].tolist() == [-1 if word is None else len(word) for word in words]


def test_every_table_of_three_states() -> None:
    deltas = every_partial(3, 2)
    table = subset_thresholds(deltas)
    for mask in range(1, 8):
        found = shortest_word_lengths(deltas, from_states=members(mask))
        assert table[:, mask].tolist() == found.tolist()


@pytest.mark.parametrize("n", [10, 12])
def test_the_set_of_all_states_has_the_threshold(n: int) -> None:
    deltas = np.concatenate([uniform(40, n, 2), [CERNY.delta(n)]])
    assert subset_thresholds(deltas)[:, -1].tolist() == reset_thresholds(deltas).tolist()
    reached = reach_lengths(deltas)[:, np.left_shift(1, np.arange(n))]
    shortest = np.where(reached < 0, 1 << n, reached).min(axis=1)
    assert np.where(shortest == 1 << n, -1, shortest).tolist() == reset_thresholds(deltas).tolist()
    partial = uniform_partial(40, n, 2)
    assert subset_thresholds(partial)[:, -1].tolist() == careful_thresholds(partial).tolist()


def test_completely_reachable_automata_reach_every_set() -> None:
    deltas = uniform(300, 4, 3)
    everywhere = (reach_lengths(deltas)[:, 1:] >= 0).all(axis=1)
    assert everywhere.tolist() == are_completely_reachable(deltas).tolist()
    assert everywhere.any() and not everywhere.all()


def test_longest_of_each_size() -> None:
    lengths = subset_thresholds([CERNY.delta(6)])
    by_size = [max(lengths[0, m] for m in range(64) if m.bit_count() == s) for s in range(7)]
    assert longest_by_size(lengths).tolist() == [by_size]
    assert by_size[2] == 15 and by_size[6] == 25
    reached = longest_by_size(reach_lengths([CERNY.delta(6)]))
    assert reached.shape == (1, 7) and reached[0, 6] == 0 < reached[0, 5] < reached[0, 1]
    assert longest_by_size(np.zeros((0, 8))).shape == (0, 4)
    assert longest_by_size([[-1, 0]]).tolist() == [[-1, 0]]


def test_large_ones() -> None:
    lengths = reach_lengths([CERNY.delta(16)])
    assert lengths.max() == 240 and longest_by_size(lengths)[0, 1] >= 225
    assert subset_thresholds([CERNY.delta(16)])[0, -1] == 225


@pytest.mark.parametrize("function", [reach_lengths, subset_thresholds])
def test_what_is_refused(function: Any) -> None:
    with pytest.raises(SizeLimitError, match="^n=25 is over the limit of 24 states$"):
        function(np.zeros((1, 2, 25), int))
    with pytest.raises(AutomatonError, match="shape"):
        function([[0, 1]])
    assert function(np.zeros((0, 2, 4), int)).shape == (0, 16)
    for shape in ((3,), (2, 3), (2, 0), (1, 2, 4)):
        with pytest.raises(ValueError, match=r"^lengths have shape \(batch, 2\^n\), got shape"):
            longest_by_size(np.zeros(shape))
