"""The exact search for any number of states: from both ends, with proved bounds at every stop.

*Forward*: the images of the set of all states. *Backward*: the preimages of the singletons. A word
of length f + b resets the automaton exactly when some forward set of level f lies within some
backward set of level b; to *ask* about f + b is to test this. A level holds only sets that no
earlier level of its side has. A shortest reset word meets no set twice, from either end: its own
sets are never left out as long as every shorter length has been asked about first. So lengths are
asked about in order, and the first that is affirmed is the reset threshold.

The design follows Szykuła and Zyzik, ESA 2022 (arXiv:2207.05495): what the next steps cost decides
which side is expanded and when to ask, and the last level is never stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from automata.automaton import Deltas
from automata.kernels import containment, state_sets
from automata.limits import Budget, ResetBounds

_EXPAND, _BUILD, _QUERY = 2.0, 4.0, 2.5
"""What a set costs: to make, to put into a trie, to look up there. Measured, in 100 ns."""
_PATIENCE = 0.3
"""Ask when that costs at most this share of what the way to the upper bound costs."""
_MARCH_LEVELS, _MARCH_SETS, _MARCH_TARGETS = 1024, 256, 1024
"""Levels made in one compiled loop, and the most sets on either side for that."""
_MOST_SETS = 2**32 - 1

_Words = npt.NDArray[np.uint64]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class OutOfBudget(Exception):  # noqa: N818
    """What a search may use is spent."""

    def __init__(self, limit: str) -> None:
        super().__init__(f"out of {limit}")
        self.limit = limit


class _Side:
    """The sets met from one end, level by level."""

    def __init__(self, delta: Deltas, backward: bool) -> None:
        self.k, self.n = delta.shape
        self.words = -(-self.n // 64)
        self.table = _image_table(delta, backward)
        self.roots = self.n if backward else 1
        self.count = self.roots
        first = np.eye(self.n, dtype=np.bool_) if backward else np.ones((1, self.n), np.bool_)
        self.sets = _pack(first)  # (sets, words)
        self.origins = np.zeros(self.count, np.uint32)
        """k * parent + letter"""
        self.places = np.zeros(1 << (2 * self.count).bit_length(), np.uint64)
        state_sets.enter(self.sets, 0, self.count, self.places)
        self.levels = [0, self.count]
        """level i: the sets levels[i] .. levels[i+1] - 1"""
        self.part = max(16, min(2048, 2**24 // self.table.size))

    @property
    def depth(self) -> int:
        """The number of the last level."""
        return len(self.levels) - 2

    @property
    def size(self) -> int:
        """Sets of the last level."""
        return self.levels[-1] - self.levels[-2]

    @property
    def growth(self) -> float:
        """Sets of the last level for each of the level before, at least 1."""
        if self.depth == 0:
            return self.k
        return float(max(1.0, self.size / (self.levels[-2] - self.levels[-3])))

    @property
    def bytes(self) -> int:
        """Memory in use."""
        return self.sets.nbytes + self.origins.nbytes + self.places.nbytes

    def parts(self, level: int) -> Iterator[tuple[int, _Words]]:
        """Cut a level into parts of a fair size, each with the number of its first set."""
        start, stop = self.levels[level], self.levels[level + 1]
        for at in range(start, stop, self.part):
            # a copy: other threads read it while the list moves
            yield at, self.sets[at : min(at + self.part, stop)].copy()

    def images(self, sets: _Words) -> tuple[_Words, _Words]:
        """Return the images of sets under all letters, as rows of `table`, and their hashes."""
        images = np.empty((len(sets), self.table.shape[1]), np.uint64)
        hashes = np.empty((len(sets), self.k), np.uint64)
        members = np.empty(self.n, np.uint64)
        state_sets.images(self.table, sets, self.words, images, hashes, members)
        return images, hashes

    def expand(self, budget: Budget, used: int, pool: ThreadPoolExecutor | None) -> None:
        """Make the next level, or leave all as it is; `used` is memory in use elsewhere."""
        pool = pool if self.size > self.part else None
        made = _ahead(pool, lambda part: (part[0], *self.images(part[1])), self.parts(self.depth))
        try:
            for first, images, hashes in made:
                if budget.expired:
                    raise OutOfBudget("time")
                self._reserve(self.count + hashes.size, budget, used)
                state_sets.touch(hashes, self.places)
                self.count = state_sets.append_new(
                    images, hashes, first, self.sets, self.origins, self.places, self.count
                )
        except BaseException:
            self.count = self.levels[-1]
            self.places[:] = 0
            state_sets.enter(self.sets, 0, self.count, self.places)
            raise
        self.levels.append(self.count)

    def march(self, other: _Side, levels: int, budget: Budget) -> bool:
        """Make up to so many small levels; tell whether the last one meets the other side."""
        most = min(_MARCH_LEVELS, levels)
        self._reserve(self.count + self.k * (self.size + most * self.k), budget, other.bytes)
        ends = np.zeros(most + 2, np.int64)
        ends[:2] = self.levels[-2:]
        hashes = np.empty((_MARCH_SETS, self.k), np.uint64)
        targets = other.sets[other.levels[-2] : other.levels[-1]]
        made, met = state_sets.march(
            self.table, hashes, self.sets, self.origins, self.places, ends, targets,
            other.roots == 1,
        )  # fmt: skip
        self.levels += ends[2 : made + 2].tolist()
        self.count = self.levels[-1]
        return bool(met)

    def path(self, index: int) -> list[int]:
        """Return the letters from a set back to where the search began."""
        letters = []
        while index >= self.roots:
            index, letter = divmod(int(self.origins[index]), self.k)
            letters.append(letter)
        return letters

    def _reserve(self, count: int, budget: Budget, used: int) -> None:
        """Make room for so many sets."""
        if count > len(self.sets):
            a_set = self.sets.itemsize * self.words + self.origins.itemsize
            most = min((budget.memory - used - self.places.nbytes) // a_set, _MOST_SETS // self.k)
            capacity = int(min(max(count, len(self.sets) * 3 // 2), most))
            if capacity < count:
                raise OutOfBudget("memory")
            self.sets.resize((capacity, self.words), refcheck=False)
            self.origins.resize(capacity, refcheck=False)
        while 3 * count > 2 * len(self.places):
            if not budget.fits(used + self.bytes + 2 * self.places.nbytes):
                raise OutOfBudget("memory")
            places = np.zeros(2 * len(self.places), np.uint64)
            state_sets.move(self.places, places)
            self.places = places


class _Trie:
    """Forward sets, ready to be looked up within backward sets."""

    def __init__(self, sets: _Words, absent: npt.NDArray[np.float64], budget: Budget) -> None:
        n, count = len(absent), len(sets)
        self.members = sets.copy()
        self.order = np.arange(count, dtype=np.int32)
        self.keys = np.empty(count, np.uint8)
        self.nodes = np.empty((count // 4 + 16, containment.COLUMNS), np.int32)
        self.nodes[0, containment.FIRST] = self.nodes[0, containment.ASKED] = 0
        self.nodes[0, containment.END] = count
        self.depth = n + 2
        sizes = np.empty(count, np.int32)
        containment.measure(self.members, sizes)
        stack, progress = np.zeros(self.depth, np.int64), np.array([1, 1, 0])
        whole = False
        while not whole:
            if budget.expired:
                raise OutOfBudget("time")
            whole = containment.build(
                self.members, sizes, self.keys, self.order, absent, self.nodes, stack, progress
            )
        self.lists = int(progress[2]) + 1

    @staticmethod
    def bytes_a_set(words: int) -> int:
        """Memory a set takes."""
        return 8 * words + 19

    def find(self, rows: _Words, a_row: int) -> tuple[int, int] | None:
        """Return a query and a set within it, None if there is none.

        Each of `rows` holds `a_row` queries side by side.
        """
        words = self.members.shape[1]
        count = len(rows) * a_row
        columns = np.empty((words, count), np.uint64)
        sizes, order = np.empty(count, np.int32), np.empty(count, np.int32)
        containment.sort_queries(rows, count, words, a_row, columns, sizes, order,
                                 np.empty(64 * words + 1, np.int64))  # fmt: skip
        lists = np.empty(self.lists * count, np.int32)
        stack = np.empty((self.depth, 3), np.int64)
        query, member = containment.find(
            columns, sizes, order, count, self.members, self.keys, self.nodes, lists, stack
        )
        return None if query < 0 else (int(query), int(self.order[member]))


class Search:
    """One search, which tells at any time what it has proved.

    Parameters
    ----------
    delta : array of states, shape (k, n)
        Synchronizing, n >= 2.
    word : tuple of int
        Any reset word: the first upper bound.
    budget : Budget
    workers : int
        Threads. The result does not depend on them.
    """

    def __init__(
        self, delta: Deltas, word: tuple[int, ...], budget: Budget, workers: int = 1
    ) -> None:
        self.forward = _Side(delta, backward=False)
        self.backward = _Side(delta, backward=True)
        self.lower = 1
        self.word = word
        self.budget = budget
        self.workers = workers
        self._trie: _Trie | None = None  # of the last forward level

    @property
    def bounds(self) -> ResetBounds:
        """What is proved so far."""
        return ResetBounds(self.lower, len(self.word), self.word)

    def run(self) -> None:
        """Search until the bounds meet.

        Raises
        ------
        OutOfBudget
            If a limit ends the search before.
        """
        if self.workers <= 1:
            self._run(None)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            self._run(pool)

    def _run(self, pool: ThreadPoolExecutor | None) -> None:
        forward, backward = self.forward, self.backward
        while self.lower < len(self.word):
            left = len(self.word) - 1 - forward.depth - backward.depth
            expand_forward = _cost_of_next(forward, _BUILD) < _cost_of_next(backward, _QUERY)
            if self.budget.expired:
                raise OutOfBudget("time")
            if left == 0 or (left == 1 and not expand_forward):
                self._ask(left, pool)
            elif self._is_time_to_ask(left, expand_forward):
                self._ask(0, pool)
            elif not expand_forward and self._can_march():
                self._march(left, pool)
            else:
                self._expand(forward if expand_forward else backward, left, pool)

    def _is_time_to_ask(self, left: int, expand_forward: bool) -> bool:
        forward, backward = self.forward, self.backward
        if self.lower > forward.depth + backward.depth:
            return False  # nothing new to ask about
        if expand_forward and self.lower == forward.depth:
            return True  # or this length could not be asked about again
        first, last = backward.levels[self.lower - forward.depth], backward.levels[-1]
        cost = (last - first) * _QUERY + (forward.size * _BUILD if self._trie is None else 0)
        return cost <= _PATIENCE * _forecast(forward, backward, left)

    def _expand(self, side: _Side, left: int, pool: ThreadPoolExecutor | None) -> None:
        """Make the next level of a side; where memory does not suffice, finish without or stop."""
        forward, backward = self.forward, self.backward
        next_trie = forward.size
        if side is forward:
            self._trie = None
            next_trie = int(forward.size * forward.growth)
        other = backward if side is forward else forward
        used = other.bytes + self._buffers + next_trie * _Trie.bytes_a_set(forward.words)
        try:
            side.expand(self.budget, used, pool)
        except OutOfBudget as spent:
            if spent.limit == "memory":
                self._ask(min(left, _unstored_levels(side.k)), pool)
            if self.lower < len(self.word):
                raise
            return
        if side.size == 0:  # it has all its sets, so that what is asked now will be affirmed
            side.levels.pop()
            self._ask(0, pool)

    def _can_march(self) -> bool:
        forward, backward = self.forward, self.backward
        small = backward.size <= _MARCH_SETS // 2 and forward.size <= _MARCH_TARGETS
        return small and self.lower > forward.depth + backward.depth

    def _march(self, left: int, pool: ThreadPoolExecutor | None) -> None:
        """Make small backward levels and ask about each."""
        met = self.backward.march(self.forward, left, self.budget)
        self.lower = self.forward.depth + self.backward.depth + (not met)
        if met:
            self._ask(0, pool)

    def _ask(self, unstored: int, pool: ThreadPoolExecutor | None) -> None:
        """Ask about all lengths up to the depth of both sides, and so many backward levels more."""
        forward = self.forward
        start, stop = forward.levels[-2:]
        step = self._sets_a_trie()
        lengths = range(self.lower, forward.depth + self.backward.depth + unstored + 1)
        affirmed = lengths.stop
        for at in range(start, stop, step):
            trie = self._trie or self._build(at, min(at + step, stop))
            for length in range(lengths.start, affirmed):
                found = self._look_up(trie, length - forward.depth, pool)
                if found is not None:
                    affirmed = length
                    member, letters = found
                    self.word = (*reversed(forward.path(at + member)), *letters)
                    break
                if step >= stop - start:
                    self.lower = length + 1
            if step >= stop - start:
                self._trie = trie
        self.lower = affirmed

    def _build(self, start: int, stop: int) -> _Trie:
        backward = self.backward
        first, end = backward.levels[-2:]
        counts = np.empty(backward.n, np.int64)
        step = max(1, (end - first) // 4096)
        state_sets.count_states(backward.sets, first, end, step, counts)
        absent = 1.0 - counts / len(range(first, end, step))
        return _Trie(self.forward.sets[start:stop], absent, self.budget)

    def _look_up(
        self, trie: _Trie, level: int, pool: ThreadPoolExecutor | None
    ) -> tuple[int, list[int]] | None:
        """Find a backward set of a level, stored or not, with a member of the trie within it.

        Return the number of the member and the letters from there to a singleton.
        """
        backward = self.backward
        unstored = max(0, level - backward.depth)

        def find(part: tuple[int, _Words]) -> tuple[int, int, list[int]] | None:
            found = self._find_below(trie, part[1], unstored)
            return found and (found[0], part[0] + found[1], found[2])

        pool = pool if backward.size > backward.part else None
        for found in _ahead(pool, find, backward.parts(level - unstored)):
            if found is not None:
                member, index, letters = found
                return member, letters + backward.path(index)
            if self.budget.expired:
                raise OutOfBudget("time")
        return None

    def _find_below(
        self, trie: _Trie, sets: _Words, levels: int
    ) -> tuple[int, int, list[int]] | None:
        """Find a member within a preimage of one of the sets under a word of so many letters.

        Return the numbers of the member and the set, and the word.
        """
        if self.budget.expired:
            raise OutOfBudget("time")
        if levels == 0:
            found = trie.find(sets, 1)
            return found and (found[1], found[0], [])
        k, words = self.backward.k, self.backward.words
        images, _ = self.backward.images(sets)
        if levels == 1:
            found = trie.find(images, k)
            return found and (found[1], found[0] // k, [found[0] % k])
        below = np.ascontiguousarray(images[:, : k * words]).reshape(-1, words)
        for at in range(0, len(below), self.backward.part):
            deeper = self._find_below(trie, below[at : at + self.backward.part], levels - 1)
            if deeper is not None:
                member, index, letters = deeper
                return member, (at + index) // k, [*letters, (at + index) % k]
        return None

    @property
    def _buffers(self) -> int:
        """Bytes of working space for the parts under way."""
        a_query = 8 * self.forward.words + 200
        a_set = 8 * self.forward.table.shape[1] + self.forward.k * (8 + a_query)
        return 2 * (self.workers + 1) * self.forward.part * a_set

    def _sets_a_trie(self) -> int:
        """Return how many sets of the last forward level fit a trie."""
        size = self.forward.size
        used = self.forward.bytes + self.backward.bytes + self._buffers
        room = (self.budget.memory - used) / _Trie.bytes_a_set(self.forward.words)
        if room < min(size, 1024):
            raise OutOfBudget("memory")
        return int(min(float(size), room))


def _pack(members: npt.NDArray[np.bool_]) -> _Words:
    """Return sets as words: (sets, n) to (sets, ceil(n / 64))."""
    count, n = members.shape
    padded = np.zeros((count, -(-n // 64) * 64), np.bool_)
    padded[:, :n] = members
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def _image_table(delta: Deltas, backward: bool) -> _Words:
    """Return the images (or preimages) of each state under all letters side by side, padded."""
    k, n = delta.shape
    words = -(-n // 64)
    table = np.zeros((n, -(-k * words // 4) * 4), np.uint64)
    for a in range(k):
        graph = np.zeros((n, n), np.bool_)
        graph[np.arange(n), delta[a]] = True
        table[:, a * words : (a + 1) * words] = _pack(graph.T if backward else graph)
    return table


def _cost_of_next(side: _Side, use: float) -> float:
    return side.size * side.growth * (_EXPAND + use)


def _forecast(forward: _Side, backward: _Side, left: int) -> float:
    """Return what the way to the upper bound costs, if both sides grow as they did."""
    ahead, behind, cost = float(forward.size), float(backward.size), 0.0
    steps = min(left, 40)
    for _ in range(steps):
        more, less = ahead * forward.growth, behind * backward.growth
        if more * (_EXPAND + _BUILD) < less * (_EXPAND + _QUERY):
            ahead = more
            cost += more * _EXPAND
        else:
            behind = less
            cost += less * _EXPAND
    return cost * (left / steps) + ahead * _BUILD + behind * _QUERY


def _unstored_levels(k: int) -> int:
    return max(levels for levels in range(1, 5) if k**levels <= 16 or levels == 1)


def _ahead(
    pool: ThreadPoolExecutor | None, work: Callable[[_Item], _Result], items: Iterable[_Item]
) -> Iterator[_Result]:
    """Yield the results in order; threads work ahead."""
    if pool is None:
        yield from map(work, items)
        return
    waiting: deque[Future[_Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 4:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
