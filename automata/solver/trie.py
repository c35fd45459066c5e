"""A trie of many sets of states that finds those within many others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from automata.kernels import containment, state_sets
from automata.solver.limits import Budget, OutOfBudget

PackedSets = npt.NDArray[np.uint64]
"""uint64 (sets, words): bit q of a row is state q"""
Numbers = npt.NDArray[np.uint32]
"""uint32 (sets,): which of the sets of a list"""

LISTED = 1 << 17
"""Most queries in all lists together on the way through a trie."""
_QUERIES = 2048
"""Most queries at once."""


class Trie:
    """A family of sets, the members, indexed to be found within other sets, the queries.

    Parameters
    ----------
    sets : uint64 array, shape (sets, words)
    numbers : uint32 array, shape (members,)
        Which of the sets are members.
    likely : uint64 array, shape (queries, words)
        A sample of likely queries, for which the trie is optimised.
    n : int
        Number of states.
    budget : Budget
        Only its time limit is used.
    complements : bool
        The complements of the members, and of the queries of `contained`, take their places.

    Raises
    ------
    OutOfBudget
        If the time is spent.
    """

    def __init__(
        self,
        sets: PackedSets,
        numbers: Numbers,
        likely: PackedSets,
        n: int,
        budget: Budget,
        complements: bool = False,
    ) -> None:
        self.n = n
        self.everything = _all_states(n)
        self.complements = complements
        self.members = np.empty((sets.shape[1], len(numbers)), np.uint64)
        self.numbers = numbers.copy()
        self.sizes = np.empty(len(numbers), np.int32)
        flipped = self.everything if complements else np.zeros_like(self.everything)
        containment.gather(sets, numbers, flipped, self.members, self.sizes)
        self.nodes = np.empty((len(numbers) // 2 + 16, containment.COLUMNS), np.int32)
        self.nodes[0] = 0, len(numbers), 0, -1, 0
        self.shared = np.empty(len(self.nodes), np.uint64)
        seen = np.empty(n, np.int64)
        state_sets.count_states(likely, 0, len(likely), 1, seen)
        present = seen / len(likely)
        absent = present if complements else 1.0 - present
        stack, progress = np.zeros((n + 2, 2), np.int64), np.array([1, 1, 0])
        while not containment.build(
            self.members, self.sizes, self.numbers, absent, self.nodes, self.shared, stack, progress
        ):
            if budget.expired:
                raise OutOfBudget("time")
        self.depth = int(progress[2])

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def bytes(self) -> int:
        """Bytes in use."""
        return len(self) * self.bytes_a_set(len(self.members))

    @staticmethod
    def bytes_a_set(words: int) -> int:
        """Return the bytes that a member takes."""
        return 8 * words + 8 + (4 * containment.COLUMNS + 8) // 2

    def find(self, rows: PackedSets, a_row: int) -> tuple[int, int] | None:
        """Return a query and the number of a member within it, None if there is none.

        `rows` (uint64) holds `a_row` queries a row, side by side.
        """
        words = len(self.members)
        queries = rows[:, : a_row * words].reshape(-1, words)
        for at, part in self._parts(queries):
            query, member, _ = self._search(part, False, np.empty(0, np.bool_))
            if query >= 0:
                return at + query, int(self.numbers[member])
        return None

    def contained(self, rows: PackedSets) -> tuple[npt.NDArray[np.bool_], int]:
        """Return for each row (queries, words) whether it properly contains a member.

        The number of tests that were made, which measures the work, comes with it.
        """
        found = np.zeros(len(rows), np.bool_)
        tests = 0
        for at, part in self._parts(rows):
            tests += self._search(part, self.complements, found[at : at + len(part)])[2]
        return found, tests

    @staticmethod
    def bytes_of_queries(queries: int, words: int) -> int:
        """Return the bytes of working space for `queries` queries at once."""
        return min(queries, _QUERIES) * 16 * words + 4 * min(LISTED, 512 * queries)

    def _parts(self, queries: PackedSets) -> Iterator[tuple[int, PackedSets]]:
        step = max(1, min(_QUERIES, LISTED // (self.depth + 2)))
        for at in range(0, len(queries), step):
            yield at, queries[at : at + step]

    def _search(
        self, queries: PackedSets, complements: bool, found: npt.NDArray[np.bool_]
    ) -> tuple[int, int, int]:
        count, words = queries.shape
        missing = np.empty((words, count), np.uint64)
        sizes, order = np.empty(count, np.int32), np.empty(count, np.int32)
        tally = np.empty(self.n + 2, np.int64)
        containment.sort_queries(
            queries, self.everything, complements, missing, sizes, order, tally
        )
        lists = np.empty((self.depth + 2, count), np.int32)
        stack = np.empty((self.depth + 2, 3), np.int64)
        members = self.members, self.sizes, self.nodes, self.shared
        query, member, tests = containment.find(
            missing, sizes, order, *members, lists, stack, found
        )
        return int(query), int(member), int(tests)


def _all_states(n: int) -> PackedSets:
    """Return the set of all states, (words,)."""
    states = np.full(-(-n // 64), 2**64 - 1, np.uint64)
    states[-1] >>= np.uint64(-n % 64)
    return states
