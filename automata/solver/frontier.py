"""The sets of states met from one end of a search, level by level."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.deltas import Deltas
from automata.kernels import state_sets
from automata.parallel import WINDOW, results_in_order
from automata.solver.limits import Budget, OutOfBudget
from automata.solver.reduction import Met, Reduction
from automata.solver.start import Start
from automata.solver.trie import Numbers, PackedSets, Trie

_MARCH_LEVELS, _MARCH_SETS = 1024, 256
"""Most levels made in one compiled loop, and most sets of one of them."""
_MOST_SETS = 2**32 * 2 // 3
_TRACED = 1 << 18
"""Sets through which a way is traced at once."""
_PART_BYTES = 1 << 20
"""Bytes of a part of a level: its sets, their images and the hashes of these."""


class Levels(NamedTuple):
    """The first levels of a side, made by another search."""

    sets: PackedSets
    """(sets, words), level by level; sets that follow the last level count as met"""
    ends: list[int]
    """where each level ends"""


class Frontier:
    """Images of the set of all states (forward) or preimages of the singletons (backward).

    Another `start` takes the place of that set, or of the singletons.

    A level holds no set twice, and none of an earlier level. Where it pays, levels are *reduced*:
    they drop sets for which there is a better one (`automata.solver.reduction`).

    Parameters
    ----------
    delta : array of states, shape (k, n)
    backward : bool
        Preimages of the singletons instead of images of the set of all states.
    budget : Budget
        Limits of memory and time.
    workers : int
        Threads, for `expand`.
    plain : bool
        Never reduce a level: its sets are then in the order of their least words.
    start : Start, optional
        The first level. Default: the set of all states, or the singletons.
    made : Levels, optional
        Levels from which the search goes on, with the first one. Their sets become its own: they
        are moved and added to.
    """

    def __init__(
        self,
        delta: Deltas,
        backward: bool,
        budget: Budget,
        workers: int = 1,
        plain: bool = False,
        start: Start | None = None,
        made: Levels | None = None,
    ) -> None:
        self.k, self.n = (int(size) for size in delta.shape)
        self.backward = backward
        self.budget = budget
        self.words = -(-self.n // 64)
        if start is None:
            first = np.eye(self.n, dtype=np.bool_) if backward else np.ones((1, self.n), np.bool_)
            start = Start(first, [()] * len(first))
        self.start = start
        if made is None:
            made = Levels(pack(start.sets), [len(start.words)])
        self.sets = made.sets  # (sets, words)
        self.count = len(self.sets)
        self.places = np.zeros(1 << (2 * self.count).bit_length(), np.uint32)
        state_sets.enter(self.sets, 0, self.count, self.places)
        numbers = np.arange(self.count, dtype=np.uint32)
        self.levels = [numbers[at:end] for at, end in pairwise([0, *made.ends])]
        """the numbers of the sets of each level"""
        self.growth = max(1.0, self.size / len(self.levels[-2])) if made.ends[1:] else float(self.k)
        """the sets that a set of the level before has led to, on average, at least 1"""
        self.table = _image_table(delta, backward)  # (n, k * words and padding)
        self.workers = workers
        self.part = max(16, min(8192, _PART_BYTES // self._bytes_a_row()))
        self.reduction = None if plain else Reduction(delta, backward, budget, workers)

    @property
    def tries(self) -> list[Trie]:
        """Tries of the last level, if it was reduced on the way forward; none otherwise."""
        return [] if self.reduction is None else [*self.reduction.tries.values()]

    @property
    def depth(self) -> int:
        """The number of letters to the last level."""
        return len(self.start.words[0]) + len(self.levels) - 1

    @property
    def size(self) -> int:
        """The number of sets of the last level."""
        return len(self.levels[-1])

    @property
    def bytes(self) -> int:
        """Bytes in use."""
        tries = 0 if self.reduction is None else self.reduction.bytes
        lists = self.sets.nbytes + 4 * self.count
        return self.table.nbytes + lists + self.places.nbytes + tries

    @property
    def buffers(self) -> int:
        """Bytes for the parts of a level that are expanded at once, and the letters of the next."""
        rows = min(self.part, self.size)
        images = rows * self._bytes_a_row()
        queries = Trie.bytes_of_queries(rows * self.k, self.words)
        letters = self.k * self.size
        parts = 3 if self.workers == 1 else WINDOW * self.workers + 1
        return parts * images + self.workers * queries + letters

    def parts(self, level: int) -> Iterator[tuple[Numbers, PackedSets]]:
        """Yield the parts of a level: the numbers of sets (sets,), and the sets (sets, words)."""
        numbers = self.levels[level]
        for at in range(0, len(numbers), self.part):
            part = numbers[at : at + self.part]
            first, end = part[0], part[-1] + 1
            whole = end - first == len(part)  # a slice is quicker to copy
            # copies, because other threads read them while `sets` may be moved in memory
            yield part, self.sets[first:end].copy() if whole else self.sets[part]

    def images(self, sets: PackedSets) -> tuple[PackedSets, PackedSets]:
        """Return the images of sets under all letters, as rows of `table`, and their hashes."""
        images = np.empty((len(sets), self.table.shape[1]), np.uint64)
        hashes = np.empty((len(sets), self.k), np.uint64)
        members = np.empty(self.n, np.uint64)
        state_sets.images(self.table, sets, self.words, images, hashes, members)
        return images, hashes

    def expand(
        self,
        used: int,
        pool: ThreadPoolExecutor | None,
        more: int = 0,
        sift: Callable[[PackedSets, PackedSets], None] | None = None,
    ) -> None:
        """Make the next level.

        Parameters
        ----------
        used : int
            Bytes in use elsewhere.
        pool : ThreadPoolExecutor, optional
            Threads on parts of the level.
        more : int
            Levels that will likely follow: the more, the sooner it pays to reduce this one.
        sift : function, optional
            Of what `images` returns: it makes images empty that need not be kept.

        Raises
        ------
        OutOfBudget
            If the level does not fit the memory, or the time is spent; nothing has changed then.
        """
        before = self.count
        letters = np.empty(self.k * self.size, np.uint8)
        pool = pool if self.size > self.part else None
        parts = self.parts(-1)

        def make(part: tuple[Numbers, PackedSets]) -> tuple[PackedSets, PackedSets]:
            images, hashes = self.images(part[1])
            if sift is not None:
                sift(images, hashes)
            return images, hashes

        made = results_in_order(pool, self.workers, make, parts)
        try:
            for images, hashes in made:
                if self.budget.expired:
                    raise OutOfBudget("time")
                self._reserve(self.count + hashes.size, used)
                state_sets.touch(hashes, self.places)
                self.count = state_sets.append_new(
                    images, hashes, self.sets, letters, before, self.places, self.count
                )
            numbers = np.arange(before, self.count, dtype=np.uint32)
            if self.reduction is not None and len(numbers):
                met = Met(self.sets, letters, before, self.levels)
                room = self.budget.memory - used - self.bytes
                numbers = self.reduction.needed(met, numbers, more, room, pool)
            self.growth = max(1.0, len(numbers) / max(1, self.size))
            self.levels.append(numbers)
        except BaseException:
            self.count = before
            self.places[:] = 0
            state_sets.enter(self.sets, 0, self.count, self.places)
            raise

    def can_march(self) -> bool:
        """Return whether the last level is small and was not reduced."""
        return self.size <= _MARCH_SETS // 2 and self.count - self.size == self.levels[-1][0]

    def march(self, other: Frontier, most: int, used: int) -> bool:
        """Make at most `most` small levels; return whether the last meets the other frontier.

        Raises
        ------
        OutOfBudget
            If one level may not fit the memory.
        """
        most = max(1, min(most, _MARCH_LEVELS, 2**23 // int(self.table.size)))
        self._reserve(self.count + self.k * self.size, used)
        ends = np.zeros(most + 2, np.int64)
        ends[:2] = self.levels[-1][0], self.count
        hashes = np.empty((_MARCH_SETS, self.k), np.uint64)
        targets = other.sets[other.levels[-1]]
        made, met = state_sets.march(self.table, hashes, self.sets, self.places, ends, targets)
        stops = ends[1 : made + 2].tolist()
        numbers = np.arange(stops[0], stops[-1], dtype=np.uint32)
        cuts = [stop - stops[0] for stop in stops]
        self.levels += [numbers[at:end] for at, end in pairwise(cuts)]
        self.count = stops[-1]
        self.growth = max(1.0, self.size / max(1, len(self.levels[-2])))
        return bool(met)

    def keep(self, numbers: Numbers) -> None:
        """Keep these sets of the last level; tries of it go if most of its sets do."""
        if self.reduction is not None and 2 * len(numbers) < self.size:
            self.reduction.tries = {}
        self.levels[-1] = numbers

    def drop_last(self) -> None:
        """Go back to the level before the last one."""
        self.levels.pop()
        if self.reduction is not None:
            self.reduction.tries = {}

    def path(self, number: int, level: int) -> list[int]:
        """Return the letters on the way from a set of a level back to where the search begins."""
        step = max(1, _TRACED // max(map(len, self.levels)))
        letters: list[int] = []
        for stop in range(level, 0, -step):
            levels = self.levels[max(0, stop - step) : stop]
            way = np.empty(len(levels), np.int64)
            ends = np.cumsum([0, *map(len, levels)])
            number = state_sets.trace(
                self.table, self.sets, np.concatenate(levels), ends, number, self.k, way
            )
            letters += way[::-1].tolist()
        return [*letters, *reversed(self.start.words[number])]

    def _bytes_a_row(self) -> int:
        """Return the bytes for a set of a part, its images and their hashes."""
        width = int(self.table.shape[1])
        return 8 * (self.words + self.k + width)

    def _reserve(self, count: int, used: int) -> None:
        """Make room for `count` sets, or raise `OutOfBudget`."""
        if count > len(self.sets):
            a_set = 8 * self.words + 4
            room = self.budget.memory - used - (self.bytes - a_set * len(self.sets))
            capacity = min(max(count, len(self.sets) * 5 // 4 + 256), _MOST_SETS)
            if capacity * a_set > room:
                capacity = int(room // a_set)
            if capacity < count:
                raise OutOfBudget("memory")
            self.sets.resize((capacity, self.words), refcheck=False)
        while 3 * count > 2 * len(self.places):
            if not self.budget.fits(used + self.bytes + 2 * self.places.nbytes):
                raise OutOfBudget("memory")
            places = np.zeros(2 * len(self.places), np.uint32)
            state_sets.enter(self.sets, 0, self.count, places)
            self.places = places


def pack(members: npt.NDArray[np.bool_]) -> PackedSets:
    """Return sets of states as uint64 words: (sets, n) to (sets, ceil(n / 64))."""
    count, n = members.shape
    padded = np.zeros((count, -(-n // 64) * 64), np.bool_)
    padded[:, :n] = members
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def _image_table(delta: Deltas, backward: bool) -> PackedSets:
    """Return the (pre)images of each state under all letters side by side, padded: (n, words).

    Where a letter is undefined, the image is all states, which have been met.
    """
    k, n = delta.shape
    words = -(-n // 64)
    table = np.zeros((n, -(-k * words // 4) * 4), np.uint64)
    for a in range(k):
        graph = delta[a][:, None] == np.arange(n)
        if not backward:
            graph |= (delta[a] >= n)[:, None]
        table[:, a * words : (a + 1) * words] = pack(graph.T if backward else graph)
    return table
