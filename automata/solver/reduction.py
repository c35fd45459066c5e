"""Which sets of a new level of a search are needed: those that no better set can stand in for.

Forward, a set that contains another one met after as many letters or fewer is not needed: whatever
resets the larger resets the smaller. Backward, a set that lies within another one is not. It is
right to drop only some of these sets, so a level is compared with what pays: with the levels before
it, with itself, with both, or with nothing.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.deltas import Deltas
from automata.kernels import state_sets
from automata.parallel import results_in_order
from automata.solver.limits import Budget, OutOfBudget
from automata.solver.trie import Numbers, PackedSets, Trie

_REDUCIBLE = 1024
"""Fewest sets of a level for which a reduction is considered."""
_SAMPLE = 32
"""So many sets of a level are compared with others to see whether a reduction pays."""
_WINDOW = 2
"""So many of the levels before are compared with the sample."""
_PLANTING, _TEST = 3.0, 0.03
"""Costs of planting a word of a set, and of a test, where making and using a new set costs 1."""
_MANY = 0.25
"""Least share of sets for which earlier levels must have a better one to be compared at all."""
_PART = 4096
"""Words of sets that are compared at once, before the time is looked at."""
_ROOM = 12
"""A level is reduced if so many times its tries have room: they come and go, and leave gaps."""


class Met(NamedTuple):
    """What one side of a search has met before the new level, and the sets of that level."""

    sets: PackedSets
    """(sets, words)"""
    letters: npt.NDArray[np.uint8]
    """the letter that made each set of the new level"""
    first: int
    """the number of the first of them"""
    levels: list[Numbers]
    """the numbers of the sets kept of each level before"""


class Reduction:
    """The reductions of the levels of one side of a search.

    Parameters
    ----------
    delta : array of states, shape (k, n)
    backward : bool
        Drop sets that lie within another one, not those that contain another one.
    budget : Budget
        Limits of memory and time.
    workers : int
        Threads.
    """

    def __init__(self, delta: Deltas, backward: bool, budget: Budget, workers: int) -> None:
        self.k, self.n = (int(size) for size in delta.shape)
        self.backward = backward
        self.budget = budget
        self.workers = workers
        self.tries: dict[int, Trie] = {}
        """The sets of the last level by letters, before it was compared with itself; or nothing."""
        self._forest: list[Trie] = []  # of the first `_planted` levels
        self._planted = 0
        every = [*range(self.n)]
        self._permutations = {a for a, row in enumerate(delta.tolist()) if sorted(row) == every}
        guess = 0.0 if self.n <= 64 else 0.3
        self._tests = {"earlier": guess, "level": guess}  # for each pair of sets that are compared
        self._incomparable = False  # whether no set of the last level contains another

    @property
    def bytes(self) -> int:
        """Bytes in use."""
        return sum(trie.bytes for trie in (*self.tries.values(), *self._forest))

    def needed(
        self, met: Met, numbers: Numbers, more: int, room: float, pool: ThreadPoolExecutor | None
    ) -> Numbers:
        """Return the numbers of the sets of a new level that are needed.

        Parameters
        ----------
        met : Met
        numbers : uint32 array, shape (sets,)
            The sets of the new level, the last ones met.
        more : int
            Levels that will likely follow: the more, the sooner a reduction pays.
        room : float
            Bytes that more tries may take.
        pool : ThreadPoolExecutor, optional
            Threads on parts of the level.

        Raises
        ------
        OutOfBudget
            If the time is spent.
        """
        self.tries = {}
        was_incomparable, self._incomparable = self._incomparable, False
        growth = max(1.0, len(numbers) / len(met.levels[-1]))
        spared = sum(growth**level for level in range(1, 1 + min(more, 50)))
        if len(numbers) < _REDUCIBLE or spared == 0:
            return numbers
        level, first, stop = numbers, int(numbers[0]), int(numbers[-1]) + 1
        before = int(met.levels[-min(_WINDOW, len(met.levels))][0])
        a_set = Trie.bytes_a_set(met.sets.shape[1])
        unplanted = sum(map(len, met.levels[self._planted :]))
        if self._pays("earlier", met, numbers, (before, first), spared, _MANY):
            if _ROOM * unplanted * a_set <= room:
                room -= unplanted * a_set
                self._plant(met)
                numbers, tests = self._keep_all(met, numbers, self._forest, pool)
                self._tests["earlier"] = tests / len(level)
        if self._pays("level", met, numbers, (first, stop), spared):
            if _ROOM * len(numbers) * a_set <= room:
                numbers = self._compare_with_itself(met, numbers, was_incomparable, pool)
        return numbers

    def _pays(
        self,
        what: str,
        met: Met,
        numbers: Numbers,
        others: tuple[int, int],
        spared: float,
        least: float = 0.0,
    ) -> bool:
        """Return whether it pays to compare the new level with others: a sample tells."""
        cost = _PLANTING * met.sets.shape[1] + _TEST * self._tests[what] * len(numbers)
        if cost >= spared:
            return False
        sample = numbers[:: max(1, len(numbers) // _SAMPLE)]
        worse = state_sets.count_comparable(met.sets, sample, *others, self.backward)
        return bool(worse > max(least, cost / spared) * len(sample))

    def _compare_with_itself(
        self, met: Met, numbers: Numbers, was_incomparable: bool, pool: ThreadPoolExecutor | None
    ) -> Numbers:
        """Drop the sets of a level for which it has a better one.

        A permutation makes incomparable sets of incomparable ones: these are not compared.
        """
        letters = met.letters[numbers - met.first]
        by_letter = {a: numbers[letters == a] for a in range(self.k)}
        present = [a for a, some in by_letter.items() if len(some)]
        built = results_in_order(
            pool, self.workers, lambda a: self._trie(met, by_letter[a]), present
        )
        self.tries = dict(zip(present, built, strict=True))
        self._incomparable = True
        kept, tests = [], 0.0
        for letter, some in by_letter.items():
            alike = {letter} & self._permutations if was_incomparable else set()
            tries = [trie for other, trie in self.tries.items() if other not in alike]
            needed, each = self._keep_all(met, some, tries, pool)
            kept.append(needed)
            tests += each * len(some) / len(numbers)
        self._tests["level"] = tests / len(numbers)
        if self.backward:  # nobody asks for them there
            self.tries = {}
        return np.sort(np.concatenate(kept))

    def _plant(self, met: Met) -> None:
        """Add a trie of new levels to the forest; it absorbs tries of at most twice its size."""
        if self._planted == len(met.levels):
            return
        numbers = np.concatenate(met.levels[self._planted :])
        self._planted = len(met.levels)
        while self._forest and len(self._forest[-1]) <= 2 * len(numbers):
            numbers = np.concatenate([self._forest.pop().numbers, numbers])
        self._forest.append(self._trie(met, numbers))

    def _trie(self, met: Met, numbers: Numbers) -> Trie:
        likely = met.sets[numbers[:: max(1, len(numbers) // 4096)]]
        return Trie(met.sets, numbers, likely, self.n, self.budget, complements=self.backward)

    def _keep_all(
        self, met: Met, numbers: Numbers, tries: list[Trie], pool: ThreadPoolExecutor | None
    ) -> tuple[Numbers, float]:
        """Return the sets for which the tries have no better one, and the tests that a set took."""

        def keep(part: Numbers) -> tuple[Numbers, int]:
            tests = 0
            for trie in reversed(tries):
                worse, more = trie.contained(met.sets[part])
                part, tests = part[~worse], tests + more
            return part, tests

        step = max(1, _PART // met.sets.shape[1])
        parts = [numbers[at : at + step] for at in range(0, len(numbers), step)]
        kept, tests = [numbers[:0]], 0
        for part, more in results_in_order(pool, self.workers, keep, parts):
            kept.append(part)
            tests += more
            if self.budget.expired:
                raise OutOfBudget("time")
        return np.concatenate(kept), tests / max(1, len(numbers))
