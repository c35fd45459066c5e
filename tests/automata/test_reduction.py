"""Reduced levels: what is dropped has a better set that is kept, and thresholds stay the same."""

import numpy as np
import pytest

from automata.deltas import Deltas
from automata.kernels import both_ends, state_sets
from automata.solver import reduction, two_ended
from automata.solver.frontier import Frontier, pack
from automata.solver.limits import Budget
from automata.solver.reduction import Met, Numbers, Reduction
from automata.solver.short_words import greedy_word
from automata.solver.two_ended import Search
from tests import naive
from tests.automata.examples import changed, uniform

ALWAYS = {
    "_REDUCIBLE": 1,
    "_SAMPLE": 10**9,
    "_WINDOW": 10**9,
    "_PLANTING": 0.0,
    "_TEST": 0.0,
    "_MANY": 0.0,
}
"""Settings with which every level is compared with itself and with all levels before it."""


def reduce_always(monkeypatch: pytest.MonkeyPatch, **changes: float) -> None:
    for name, value in (ALWAYS | changes).items():
        monkeypatch.setattr(reduction, name, value)


def frontiers(delta: Deltas, depth: int) -> list[Frontier]:
    """Both sides, down to a depth."""
    sides = [Frontier(delta, backward, Budget()) for backward in (False, True)]
    for side in sides:
        while side.depth < depth and side.size:
            side.expand(0, None, 5)
    return sides


def ints(side: Frontier, numbers: Numbers) -> list[int]:
    rows = side.sets[numbers].tolist()
    return [sum(word << 64 * w for w, word in enumerate(row)) for row in rows]


def better(side: Frontier, one: int, other: int) -> bool:
    """Whether a set can stand in for another one that was met no sooner."""
    inside, outside = (other, one) if side.backward else (one, other)
    return inside & ~outside == 0


@pytest.mark.parametrize("n", [7, 12, 20, 66])
@pytest.mark.parametrize("permutation", [False, True])
def test_exactly_the_sets_without_a_better_one_are_kept(
    monkeypatch: pytest.MonkeyPatch, n: int, permutation: bool
) -> None:
    reduce_always(monkeypatch)
    dropped = 0
    for seed, delta in enumerate(uniform(4, n, 2)):
        if permutation:
            delta[0] = np.random.default_rng(seed).permutation(n)
        for side in frontiers(delta, 8 if n < 20 else 6):
            kept: list[int] = []
            for depth, numbers in enumerate(side.levels):
                whole = ints(side, np.arange(numbers[0], side.count)) if len(numbers) else []
                level = ints(side, numbers)
                assert all(
                    not better(side, one, other) for one in [*kept, *level] for other in level
                    if one != other
                ), depth  # fmt: skip
                kept += level
                assert len(whole) >= len(level)
            missing = set(ints(side, np.arange(side.count))) - set(kept)
            assert all(any(better(side, one, other) for one in kept) for other in missing)
            dropped += len(missing)
    assert dropped > n


@pytest.mark.parametrize("backward", [False, True])
def test_a_level_is_compared_with_what_pays(
    monkeypatch: pytest.MonkeyPatch, backward: bool
) -> None:
    delta = uniform(1, 16, 2)[0]

    def kept(**changes: float) -> Frontier:
        reduce_always(monkeypatch, **changes)
        return frontiers(delta, 9)[backward]

    both, alone, none = kept(), kept(_MANY=1.0), kept(_PLANTING=1e9)
    sizes = [sum(map(len, side.levels)) for side in (both, alone, none)]
    assert sizes[0] < sizes[1] < sizes[2] == none.count
    for numbers in alone.levels:  # no set of a level has a better one there
        level = ints(alone, numbers)
        assert not any(
            better(alone, one, other) for one in level for other in level if one != other
        )


def test_nothing_is_dropped_without_room(monkeypatch: pytest.MonkeyPatch) -> None:
    reduce_always(monkeypatch)
    delta = uniform(1, 12, 2)[0]
    for backward in (False, True):
        side = Frontier(delta, backward, Budget())
        for _ in range(6):
            side.expand(0, None)
        one = Reduction(delta, backward, Budget(), 1)
        numbers = side.levels[-1]
        # whichever letters made the sets: here none is a permutation
        letters = np.zeros(len(numbers), np.uint8)
        met = Met(side.sets, letters, int(numbers[0]), side.levels[:-1])
        assert one.needed(met, numbers, 5, 0, None) is numbers
        assert one.bytes == 0
        assert len(one.needed(met, numbers, 5, np.inf, None)) < len(numbers)
        assert one.bytes > 0
        assert one.needed(met, numbers, 0, np.inf, None) is numbers  # nothing follows


def threshold(delta: Deltas, workers: int = 1) -> int:
    """The threshold by the search from both ends; its word is replayed."""
    letters, left = greedy_word(delta)
    if left > 1:
        return -1
    search = Search(delta, tuple(letters.tolist()), Budget(), workers)
    search.run()
    assert len(search.word) == search.lower
    assert len(naive.apply(delta.tolist(), range(delta.shape[1]), search.word)) == 1
    return search.lower


@pytest.mark.parametrize("settings", ["as they are", "always", "level alone"])
@pytest.mark.parametrize("workers", [1, 2])
def test_thresholds_of_changed_families(
    monkeypatch: pytest.MonkeyPatch, settings: str, workers: int
) -> None:
    if settings != "as they are":
        reduce_always(monkeypatch, _MANY=1.0 if settings == "level alone" else 0.0)
    monkeypatch.setattr(Frontier, "can_march", lambda side: False)
    for n, count in [(8, 30), (13, 20)]:
        for delta in changed(n, count, 2):
            truth = naive.reset_threshold(delta.tolist())
            assert threshold(delta, workers) == (-1 if truth is None else truth)
    deltas = changed(20, 40, 1)
    found = np.full(len(deltas), both_ends.UNFINISHED, np.int32)
    space = both_ends.working_space(20, 2, 1 << 18)
    both_ends.reset_thresholds(deltas, np.arange(len(deltas)), found, *space)
    assert (found != both_ends.UNFINISHED).all()
    assert [threshold(delta, workers) for delta in deltas] == found.tolist()


@pytest.mark.parametrize(
    ("side", "n"), [("forward", 18), ("backward", 18), ("both", 18), ("both", 70)]
)
def test_reduced_sides_meet_where_others_do(
    monkeypatch: pytest.MonkeyPatch, side: str, n: int
) -> None:
    """One side alone goes all the way, or both meet: the words come out as long as before."""
    deltas = [delta for delta in uniform(6, n, 2) if greedy_word(delta)[1] == 1]
    before = [threshold(delta) for delta in deltas]
    dropped = 0
    whole = Reduction.needed

    def needed(self: Reduction, met: Met, numbers: Numbers, *rest: object) -> Numbers:
        nonlocal dropped
        kept = whole(self, met, numbers, *rest)  # type: ignore[arg-type]
        dropped += len(numbers) - len(kept)
        return kept

    reduce_always(monkeypatch, _SAMPLE=64, _WINDOW=4)
    monkeypatch.setattr(two_ended, "_BEAM_FROM", 0)  # before it, larger n are not reduced
    monkeypatch.setattr(Reduction, "needed", needed)
    monkeypatch.setattr(Frontier, "can_march", lambda side: False)
    if side != "both":
        last = side == "forward"
        monkeypatch.setattr(
            two_ended, "_cost_of_next", lambda one, use: float(one.backward == last)
        )
    assert [threshold(delta) for delta in deltas] == before
    assert dropped > 10


@pytest.mark.parametrize("n", [10, 64, 70])
@pytest.mark.parametrize("upward", [False, True])
def test_a_sample_counts_what_has_a_better_one(n: int, upward: bool) -> None:
    rng = np.random.default_rng(n)
    members = np.unique(rng.random((1300, n)) < rng.random((1300, 1)), axis=0)
    rng.shuffle(members)
    sets = pack(members)
    sample = rng.choice(len(sets), 40, replace=False)
    for first, stop in [(0, len(sets)), (100, len(sets) - 50), (5, 6), (9, 9)]:
        better = members[first:stop] if upward else ~members[first:stop]
        expected = 0
        for i in sample:
            own = members[i] if upward else ~members[i]
            holds = (better | ~own).all(1) & (better != own).any(1)
            expected += holds.any()
        assert state_sets.count_comparable(sets, sample, first, stop, upward) == expected
