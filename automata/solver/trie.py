"""A trie of many sets of states that finds those within many others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from automata.kernels import containment, state_sets
from automata.solver.limits import Budget, OutOfBudget

PackedSets = npt.NDArray[np.uint64]
"""uint64 (sets, words): bit q of a row is state q"""

LISTED = 1 << 18
"""Most queries in all lists together on the way through a trie."""


class Trie:
    """A family of sets, the members, indexed to be found within other sets, the queries.

    Parameters
    ----------
    members : uint64 array, shape (sets, words)
        Permuted in place.
    numbers : int64 array, shape (sets,)
        The numbers of the members, which `find` returns.
    likely : uint64 array, shape (queries, words)
        A sample of likely queries, for which the trie is optimised.
    n : int
        Number of states.
    budget : Budget
        Only its time limit is used.

    Raises
    ------
    OutOfBudget
        If the time is spent.
    """

    def __init__(
        self,
        members: PackedSets,
        numbers: npt.NDArray[np.int64],
        likely: PackedSets,
        n: int,
        budget: Budget,
    ) -> None:
        count = len(members)
        self.members = members
        self.numbers = numbers.copy()
        self.traits = np.zeros((count, 2), np.int32)
        self.nodes = np.empty((count // 4 + 16, containment.COLUMNS), np.int32)
        self.nodes[0, containment.FIRST] = self.nodes[0, containment.REMOVED] = 0
        self.nodes[0, containment.END] = count
        self.height = n + 2
        containment.measure(members, self.traits)
        seen, step = np.empty(n, np.int64), max(1, len(likely) // 4096)
        state_sets.count_states(likely, 0, len(likely), step, seen)
        absent = 1.0 - seen / len(likely[::step])
        stack, progress = np.zeros(self.height, np.int64), np.array([1, 1, 0])
        while not containment.build(
            members, self.traits, self.numbers, absent, self.nodes, stack, progress
        ):
            if budget.expired:
                raise OutOfBudget("time")
        self.lists = 1 + int(progress[2])

    def __len__(self) -> int:
        return len(self.members)

    @staticmethod
    def bytes_a_set(words: int) -> int:
        """Return the bytes that a member takes."""
        return 8 * words + 24

    def find(self, rows: PackedSets, a_row: int) -> tuple[int, int] | None:
        """Return a query and the number of a member within it, None if there is none.

        `rows` (uint64) holds `a_row` queries a row, side by side.
        """
        step = self._rows_at_once(a_row)
        for at in range(0, len(rows), step):
            query, member = self._search(rows[at : at + step], a_row, np.empty(0, np.bool_))
            if query >= 0:
                return at * a_row + query, int(self.numbers[member])
        return None

    def contained(self, rows: PackedSets) -> npt.NDArray[np.bool_]:
        """Return for each row (queries, words) whether it properly contains a member."""
        proper = np.zeros(len(rows), np.bool_)
        step = self._rows_at_once(1)
        for at in range(0, len(rows), step):
            self._search(rows[at : at + step], 1, proper[at : at + step])
        return proper

    @staticmethod
    def bytes_of_queries(queries: int, words: int) -> int:
        """Return the bytes of working space for `queries` queries at once."""
        return queries * (8 * words + 8) + 4 * min(LISTED, 512 * queries)

    def _rows_at_once(self, a_row: int) -> int:
        return max(1, LISTED // (self.lists * a_row))

    def _search(
        self, rows: PackedSets, a_row: int, proper: npt.NDArray[np.bool_]
    ) -> tuple[int, int]:
        words, count = self.members.shape[1], len(rows) * a_row
        columns = np.empty((words, count), np.uint64)
        sizes, order = np.empty(count, np.int32), np.empty(count, np.int32)
        tally = np.empty(64 * words + 1, np.int64)
        containment.sort_queries(rows, count, words, a_row, columns, sizes, order, tally)
        lists = np.empty(self.lists * count, np.int32)
        stack = np.empty((self.height, 3), np.int64)
        query, member = containment.find(
            columns, sizes, order, self.members, self.traits, self.nodes, lists, stack, proper
        )
        return int(query), int(member)
