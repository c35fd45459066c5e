"""Sets that no shorter word leads through: bounds against brute force, and searches."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from automata import verify
from automata.deltas import Deltas
from automata.kernels import size_bounds
from automata.solver import pruning, reduction, two_ended
from automata.solver.frontier import Frontier
from automata.solver.limits import Budget, OutOfBudget
from automata.solver.pruning import Pruning
from automata.solver.short_words import greedy_word
from automata.solver.two_ended import Search
from tests import naive
from tests.automata.examples import cerny, changed, uniform
from tests.faults.comparison import ALWAYS
from tests.strategies import automata


def tables(delta: Deltas, letters: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """What the kernels write about words of 0, 1, .. letters."""
    n = delta.shape[1]
    mergeable = np.empty((letters + 1, n), np.uint64)
    growth = np.empty((letters + 1, -(-n // width), 1 << width), np.uint8)
    size_bounds.fill_mergeable(delta, mergeable)
    size_bounds.fill_growth(delta, growth)
    return mergeable, growth


def words(delta: Deltas, letters: int) -> list[np.ndarray]:
    """Where all words of at most so many letters lead the states."""
    k, n = delta.shape
    found = []
    for length in range(letters + 1):
        for word in product(range(k), repeat=length):
            states = np.arange(n)
            for a in word:
                states = delta[a][states]
            found.append(states)
    return found


@given(automata(max_n=7, max_k=3, min_n=2), st.integers(0, 4), st.integers(1, 7))
def test_pairs_that_words_merge_and_preimages_of_parts(
    delta: Deltas, letters: int, width: int
) -> None:
    n = delta.shape[1]
    mergeable, growth = tables(delta, letters, width)
    led = words(delta, letters)
    for p in range(n):
        merged = sum(1 << q for q in range(n) if any(states[p] == states[q] for states in led))
        assert mergeable[letters, p] == merged
    for b, s in product(range(growth.shape[1]), range(1 << width)):
        part = [b * width + i for i in range(width) if s >> i & 1]
        if all(q < n for q in part):
            largest = max(int(np.isin(states, part).sum()) for states in led)
            assert growth[letters, b, s] >= largest
            if letters <= 1 or width >= n:
                assert growth[letters, b, s] == largest


@given(automata(max_n=7, max_k=2, min_n=2), st.integers(0, 4), st.integers(0, 8), st.integers(1, 7))
def test_only_sets_beyond_reach_are_dropped(
    delta: Deltas, letters: int, size: int, width: int
) -> None:
    n = delta.shape[1]
    mergeable, growth = tables(delta, letters, width)
    led = words(delta, letters)
    sets = np.arange(1 << n, dtype=np.uint64)[:, None]
    numbers = np.arange(1 << n, dtype=np.uint32)
    small, large = (np.empty(1 << n, np.bool_) for _ in range(2))
    size_bounds.mark_small(sets, numbers, mergeable[letters], size, small)
    size_bounds.mark_large(sets, numbers, growth[letters], width, size, large)
    for states in range(1 << n):
        members = [q for q in range(n) if states >> q & 1]
        if min(len(set(to[members].tolist())) for to in led) <= size:
            assert small[states]
        if max(np.isin(to, members).sum() for to in led) >= size:
            assert large[states]


def prune_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_SAMPLE", 10**9)
    monkeypatch.setattr(pruning, "_FEWEST", 0)
    monkeypatch.setattr(pruning, "_BLOCK", 5)
    monkeypatch.setattr(Frontier, "can_march", lambda side: False)


def solve(delta: Deltas, more: int = 0, budget: Budget | None = None, workers: int = 1) -> Search:
    """A search whose first upper bound is so many letters longer than a greedy word."""
    letters, left = greedy_word(delta)
    assert left == 1
    word = (0,) * more + tuple(letters.tolist())
    search = Search(delta, word, budget or Budget(), workers)
    try:
        search.run()
    except OutOfBudget:
        assert search.lower < len(search.word)
    else:
        assert search.lower == len(search.word)
    assert verify(delta, search.word)
    return search


@given(automata(max_n=9, max_k=3, min_n=2), st.integers(0, 3))
def test_oracle(delta: Deltas, more: int) -> None:
    assume(naive.is_synchronizing(delta.tolist()))
    with pytest.MonkeyPatch.context() as patch:
        prune_always(patch)
        assert solve(delta, more).lower == naive.reset_threshold(delta.tolist())


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("reduced", [False, True])
def test_slow_automata_with_all_that_can_be_dropped(
    monkeypatch: pytest.MonkeyPatch, workers: int, reduced: bool
) -> None:
    prune_always(monkeypatch)
    if reduced:
        for name, value in ALWAYS.items():
            monkeypatch.setattr(reduction, name, value)
    dropped = emptied = 0
    whole = Pruning.prune

    def prune(self: Pruning, forward: Frontier, backward: Frontier, *rest: float) -> None:
        nonlocal dropped, emptied
        before = forward.size + backward.size
        whole(self, forward, backward, *rest)  # type: ignore[arg-type]
        dropped += before - forward.size - backward.size
        emptied += forward.size == 0 or backward.size == 0

    monkeypatch.setattr(Pruning, "prune", prune)
    for n, count in [(8, 40), (11, 30), (13, 20)]:
        for delta in [*changed(n, count, 2), *uniform(10, n, 2), cerny(n)]:
            if naive.is_synchronizing(delta.tolist()):
                search = solve(delta, workers=workers)
                assert search.lower == naive.reset_threshold(delta.tolist())
                within = solve(delta, 2, Budget(memory_limit=int(search.bytes() // 2)), workers)
                assert within.lower <= search.lower <= len(within.word)
    assert dropped > 300
    assert emptied > 5


def test_a_side_may_end_with_lengths_that_are_not_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All sets of a level go; a word that the levels before have found must not be lost."""
    prune_always(monkeypatch)
    monkeypatch.setattr(two_ended, "_CHEAP", 0.0)  # lengths are asked about as late as possible
    monkeypatch.setattr(two_ended, "_PATIENCE", 0.0)
    for delta in [*changed(9, 40, 1), *uniform(20, 9, 2)]:
        if naive.is_synchronizing(delta.tolist()):
            for more in (0, 3):
                assert solve(delta, more).lower == naive.reset_threshold(delta.tolist())


def test_tables_need_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_FEWEST", 0)
    delta = cerny(9)
    sides = [Frontier(delta, backward, Budget()) for backward in (False, True)]
    bounds = Pruning(delta)
    bounds.prune(*sides, 20, 1000)
    assert bounds.bytes == 0
    bounds.prune(*sides, 20, 1e6)
    assert 0 < bounds.bytes < 1e6
    assert sum(side.size for side in sides) < 10  # no word of 20 letters resets it


def test_larger_automata_are_not_pruned() -> None:
    delta = cerny(70)
    assert Search(delta, (1, 0), Budget()).pruning is None
    assert Search(delta[:, :5] % 5, (1, 0), Budget()).pruning is not None
    assert Search(delta[:, :5] % 5, None, Budget()).pruning is None
