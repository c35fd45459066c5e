"""The exhaustive forward search of one automaton that reaches most sets of states."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from automata.arguments import check_workers
from automata.automaton import AutomatonLike, validate_delta
from automata.deltas import Deltas
from automata.errors import SizeLimitError
from automata.kernels import dense
from automata.solver.limits import Budget, OutOfBudget

DENSE_MAX_STATES = 28
RUNNING = -4
NOT_SYNCHRONIZING = -1

_IMAGES = 1 << 18  # of one part of a level: one or two milliseconds
_LEAST_PART = 1 << 15  # sets; fewer are not worth a thread
_PARTS = 4  # parts for each thread in one call of `advance`

Sets = npt.NDArray[np.uint32]


class DenseSearch:
    """A breadth-first search that can be stopped between parts of a level.

    By default it goes from the set of all states to a singleton.

    Memory, in bytes: 2^n / 8 for the sets met, 4 for each set of the current level, 8 for each of
    the next one (while its parts are joined), and about a million for each part under way; see
    `memory_needed`. `keep_levels` adds 4 for each set met, 2^(n+2) at most; `least_word` takes at
    most as much again.

    Time: O(k 2^n); about 10 ns a set met for two letters.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        n <= 28: the tables and bits of larger automata would not fit the memory.
    workers : int
        Threads. The threshold and the word do not depend on them.
    keep_levels : bool
        Keep the levels, which `least_word` needs.
    partial : bool
        `delta` may be a partial automaton; its words are the careful ones.
    start : int, optional
        The set where the search begins: bit q for state q. Default: all states.
    goal : pair of int, optional
        The most states of a set where the search ends, and the bits of the states that it may have.

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError
        If `delta` is not a complete automaton, n > 28, or `workers` is less than 1.

    Examples
    --------
    >>> search = DenseSearch(np.array([[1, 2, 3, 0], [0, 1, 2, 0]], np.uint8), keep_levels=True)
    >>> search.run(Budget())
    >>> search.status, search.least_word()
    (9, (1, 0, 0, 0, 1, 0, 0, 0, 1))
    """

    status: int
    """The length of the shortest words, `NOT_SYNCHRONIZING` if there are none, or `RUNNING`."""
    depth: int
    """No word of this length or less leads to a goal, unless the search has ended."""

    def __init__(
        self,
        delta: AutomatonLike,
        *,
        workers: int = 1,
        keep_levels: bool = False,
        partial: bool = False,
        start: int | None = None,
        goal: tuple[int, int] | None = None,
    ) -> None:
        workers = check_workers(workers)
        self._delta: Deltas = validate_delta(delta, partial=partial)
        self._k, self._n = k, n = [int(size) for size in self._delta.shape]
        if n > DENSE_MAX_STATES:
            raise SizeLimitError(f"n={n} is over the limit of {DENSE_MAX_STATES} states")
        self._tables = dense.empty_tables(n, k)
        dense.fill_tables(self._delta, self._tables)
        full = (1 << n) - 1
        begin = full if start is None else start
        self._begin: Sets = np.array([begin], np.uint32)
        self._level = self._begin
        self._most, self._allowed = (1, full) if goal is None else goal
        self._goal = None if goal is None else (np.uint64(goal[0]), np.uint64(goal[1]))
        self._visited = np.empty(0, np.uint8)  # until the first call of `advance`
        self._start = 0
        self._following: list[Sets] = []
        self._levels: list[Sets] | None = [] if keep_levels else None
        self._workers = workers
        self._buffers: list[Sets] = []
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None
        self.depth = 0
        self.status = 0 if self._is_goal(begin) else RUNNING

    def run(self, budget: Budget) -> None:
        """Search to the end.

        Raises
        ------
        OutOfBudget
            If a limit ends the search before, or memory is not there; `depth` tells how far it got.
        """
        try:
            while self.status == RUNNING:
                limit = budget.exceeded_by(self.memory_needed())
                if limit:
                    raise OutOfBudget(limit)
                self.advance()
        except MemoryError:
            raise OutOfBudget("memory") from None

    def memory_needed(self) -> int:
        """Return the most bytes in use until the next call of `advance` has ended."""
        following = sum(part.nbytes for part in self._following)
        images = min(self._k * (self._stop() - self._start), 1 << self._n)
        kept = sum(level.nbytes for level in self._levels or ())
        buffers = 4 * self._workers * (_IMAGES + self._k + 1)
        fixed = (1 << self._n) // 8 + self._tables.nbytes + buffers
        return fixed + kept + self._level.nbytes + 2 * (following + 4 * images)

    def advance(self) -> None:
        """Expand the next parts of the level, for about ten milliseconds."""
        if self._visited.size == 0:
            self._allocate()
        size = self._part_size()
        stop = self._stop()
        parts = [self._level[at : at + size] for at in range(self._start, stop, size)]
        run = map if self._pool is None or len(parts) == 1 else self._pool.map
        found = [*run(self._expand, parts)]
        ended = any(part is None for part in found)
        self._following += [part for part in found if part is not None]
        self._start = stop
        if self._levels is not None and (ended or stop == self._level.size):
            self._levels.append(self._level)
        if ended:
            self.status = self.depth + 1
        elif stop == self._level.size:
            self._level = np.concatenate(self._following)
            self._following = []
            self._start = 0
            self.depth += 1
            if self._level.size == 0:
                self.status = NOT_SYNCHRONIZING

    def least_word(self, budget: Budget | None = None) -> tuple[int, ...]:
        """Return the lexicographically least of the shortest words, once their length is known.

        From the last level back, each level is reduced to the sets that still lead to a goal in
        time. At each step the word takes the least letter that leads to such a set. The time is
        about that of the search.

        Raises
        ------
        OutOfBudget
            If the time of the budget is spent, or memory is not there.
        ValueError
            If the search has found no word, or the levels were not kept.
        """
        if self._levels is None or self.status < 0:
            raise ValueError(f"no least word with status {self.status} and no levels kept")
        if self.status == 0:  # nothing was searched, so there are no bits of sets
            return ()
        try:
            leading = self._leading(self._levels, budget or Budget())
        except MemoryError:
            raise OutOfBudget("memory") from None
        states = {q for q in range(self._n) if int(self._begin[0]) >> q & 1}
        word: list[int] = []
        for place in range(self.status):
            # of the next level, or of the goals, which are not stored
            wanted = leading[-2 - place] if place + 1 < self.status else None
            for letter, row in enumerate(self._delta.tolist()):
                image = {row[q] for q in states}
                mask = sum(1 << q for q in image)
                if self._is_goal(mask) if wanted is None else np.any(wanted == mask):
                    word.append(letter)
                    states = image
                    break
        return tuple(word)

    def _leading(self, levels: list[Sets], budget: Budget) -> list[Sets]:
        """Return the sets of each level, the last level first, that lead to a goal in time."""
        self._visited[:] = 0
        dense.mark_goals(self._n, self._goal, self._visited)
        leading: list[Sets] = []
        for level in reversed(levels):
            # marked sets are of deeper levels, and no image is more than one level deeper
            parts = []
            for at in range(0, level.size, _IMAGES // self._k):
                if budget.expired:
                    raise OutOfBudget("time")
                part = level[at : at + _IMAGES // self._k]
                kept = np.empty(part.size + 1, np.uint32)
                count = dense.keep_leading(
                    self._k, self._n, part, kept, self._visited, self._tables
                )
                parts.append(kept[:count].copy())
            leading.append(np.concatenate(parts))
            dense.mark(leading[-1], self._visited)
        return leading

    def _allocate(self) -> None:
        """Make the bits of all sets, and a buffer for each thread."""
        n, k = self._n, self._k
        self._visited = np.zeros(max(1, (1 << n) // 8), np.uint8)
        # all states: the image under a letter that is not defined everywhere
        dense.mark(np.array([self._begin[0], (1 << n) - 1], np.uint32), self._visited)
        self._buffers = [np.empty(_IMAGES + k + 1, np.uint32) for _ in range(self._workers)]

    def _is_goal(self, states: int) -> bool:
        """Return whether the search ends at a set, which may have undefined entries."""
        return states.bit_count() <= self._most and not states & ~self._allowed

    def _part_size(self) -> int:
        """Return the number of sets of a part: a thread's share of the level, within limits."""
        share = -(-self._level.size // self._workers)
        return max(1, min(_IMAGES // self._k, max(_LEAST_PART, share)))

    def _stop(self) -> int:
        """Return where the parts of the next call of `advance` end."""
        return min(self._level.size, self._start + _PARTS * self._workers * self._part_size())

    def _expand(self, sets: Sets) -> Sets | None:
        """Return the images not met before, None if an image is a goal."""
        following = self._buffers.pop()  # one for each thread
        count = dense.expand(
            self._k, self._n, sets, following, self._visited, self._tables, self._goal
        )
        found = None if count < 0 else following[:count].copy()
        self._buffers.append(following)
        return found
