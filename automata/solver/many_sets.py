"""Searches of automata that need many sets of states: from both ends, or through all 2^n sets.

A set met from both ends costs many times as much as one of the search through all sets. Up to
n = 28 that one takes over where the search from both ends has met so many that all are quicker, and
gives back where memory does not suffice. The results do not depend on the choice.
"""

from __future__ import annotations

import math

from automata.deltas import Deltas
from automata.solver.dense import DENSE_MAX_STATES, NOT_SYNCHRONIZING, DenseSearch
from automata.solver.limits import Budget, OutOfBudget
from automata.solver.quick import ALL_SETS_FIRST_MAX_STATES, FewSets
from automata.solver.two_ended import Search

LEAST_WORD_MAX_STATES = 24
_EXHAUSTIVE_MAX_STATES = DENSE_MAX_STATES
_SHARE = 96
"""So many of all sets are searched in the time of one from both ends, or more."""

Word = tuple[int, ...] | None


class ManySets:
    """The search of one automaton that few sets do not solve.

    Parameters
    ----------
    delta : array of states, shape (k, n)
        n >= 2. Of a partial automaton the words are careful.
    few : FewSets
        What the search of few sets has proved, and its levels.
    word : tuple of int or None
        Any word that does it; None: none is known, and there may be none.
    budget : Budget
        Limits of memory and time.
    workers : int
        Threads. Without a memory limit the result does not depend on them.
    """

    lower: int
    """No word that does it is shorter: it is proved."""
    word: Word
    """The shortest word known."""

    def __init__(
        self, delta: Deltas, few: FewSets, word: Word, budget: Budget, workers: int
    ) -> None:
        self.lower = few.lower
        self.word = word
        self._delta = delta
        self._few = few
        self._budget = budget
        self._workers = workers

    def run(self, words: bool) -> tuple[int, Word]:
        """Return the length of the shortest words and, if asked for, one of them.

        It is the least one for n <= 24. Without a word the length is `NOT_SYNCHRONIZING`.

        Raises
        ------
        OutOfBudget
            If a limit ends the search; `lower` and `word` are what is proved by then.
        """
        n = self._delta.shape[1]
        most = _most_from_both_ends(self._delta)
        least = words and n <= LEAST_WORD_MAX_STATES and most < math.inf
        all_first = n <= min(ALL_SETS_FIRST_MAX_STATES, _EXHAUSTIVE_MAX_STATES)
        both_ends_first = not (all_first or least)
        search = self._begin() if both_ends_first else None
        try:
            if search and self._go_on(search, most):
                return _result(search)
        except OutOfBudget as spent:
            if spent.limit != "memory" or most == math.inf:
                raise
            search = None  # all sets may need less memory
        try:
            return self._search_all(search.bytes() if search else 0, words)
        except OutOfBudget as spent:
            if spent.limit != "memory" or (both_ends_first and search is None):
                raise
        search = search or self._begin()
        self._go_on(search, math.inf)
        if least and search.word is not None:
            raise OutOfBudget("memory")  # it may not be the least
        return _result(search)

    def _begin(self) -> Search:
        """Begin a search from both ends."""
        few = self._few
        return Search(self._delta, self.word, self._budget, self._workers, self.lower, few.made)

    def _go_on(self, search: Search, most: float) -> bool:
        """Search from both ends; return whether it has ended, see `Search.run`."""
        search.lower = max(search.lower, self.lower)
        try:
            return search.run(most)
        finally:
            self.lower, self.word = search.lower, search.word

    def _search_all(self, used: int, words: bool) -> tuple[int, Word]:
        """Search forward, with a bit for each of the 2^n sets, while `used` bytes are in use."""
        budget = self._budget.besides(used)
        dense = DenseSearch(self._delta, workers=self._workers, keep_levels=words, partial=True)
        try:
            dense.run(budget)
        finally:
            self.lower = max(self.lower, dense.depth + 1)
        if not words or dense.status == NOT_SYNCHRONIZING:
            return dense.status, None
        self.word = dense.least_word(budget)
        return dense.status, self.word


def _most_from_both_ends(delta: Deltas) -> float:
    """Return the number of sets after which all 2^n are quicker."""
    n = delta.shape[1]
    return (1 << n) // _SHARE if n <= _EXHAUSTIVE_MAX_STATES else math.inf


def _result(search: Search) -> tuple[int, Word]:
    """Return what a search from both ends has proved."""
    word = search.word
    return NOT_SYNCHRONIZING if word is None else len(word), word
