"""The public solver: exact reset thresholds and shortest reset words, for n <= 1,024.

This module chooses the search for each automaton, by its size and by whether quicker searches
finish. The results do not depend on the choice. docs/solver.md explains the searches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.arguments import check_workers
from automata.automaton import Automaton, AutomatonLike, validate_delta
from automata.deltas import Deltas, validate_deltas
from automata.errors import SizeLimitError
from automata.kernels import both_ends
from automata.parallel import run_parts
from automata.sizes import cerny_bound
from automata.solver.limits import (
    Budget,
    LimitReached,
    OutOfBudget,
    ResetBounds,
    WordBounds,
    WordLimitReached,
)
from automata.solver.many_sets import ManySets, Word
from automata.solver.quick import (
    BATCH_MAX_STATES,
    UNFINISHED,
    FewSets,
    both_ends_space,
    search_few_again,
    search_few_sets,
    solve_apart,
    solve_quickly,
)
from automata.solver.short_words import greedy_word

SOLVER_MAX_STATES = 1024
NOT_SYNCHRONIZING = -1
"""In an array of thresholds: the automaton has no reset word."""
UNKNOWN = -2
"""In an array of thresholds: a limit ended the search before the threshold was proved."""

Thresholds = npt.NDArray[np.int32]


class Words(NamedTuple):
    """A word for each of many automata."""

    letters: npt.NDArray[np.int8]
    """int8 (batch, longest): letters, applied left to right, then -1."""
    lengths: Thresholds
    """int32 (batch,): 0 for the empty word, ``NOT_SYNCHRONIZING`` (-1) where there is no word,
    ``UNKNOWN`` (-2) where a limit ended the search."""

    def to_list(self) -> list[tuple[int, ...] | None]:
        """Return the words as tuples of letters, None where no word exists or none was found.

        Examples
        --------
        >>> Words(np.array([[1, 0], [0, -1], [-1, -1]], np.int8), np.array([2, 1, -1])).to_list()
        [(1, 0), (0,), None]
        """
        rows = zip(self.letters.tolist(), self.lengths.tolist(), strict=True)
        return [tuple(word[:length]) if length >= 0 else None for word, length in rows]


def reset_threshold(
    delta: AutomatonLike,
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> int | None:
    """Return the length of the shortest reset word, None if there is no reset word.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        n <= 1,024. Complexity and papers: see `reset_bounds`.
    workers, memory_limit, time_limit
        As in `reset_bounds`.

    Returns
    -------
    int or None

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError
        As `reset_bounds`.
    LimitReached
        If a limit ends the search; ``bounds`` are those proved by then.

    Examples
    --------
    >>> reset_threshold([[1, 2, 3, 0], [0, 1, 2, 0]])
    9
    """
    (valid,), workers = _validate(validate_delta(delta)[None], workers)
    budget = Budget(memory_limit, time_limit)
    threshold = _threshold(valid, search_few_sets(valid), budget, workers)
    return None if threshold == NOT_SYNCHRONIZING else threshold


def reset_thresholds(
    deltas: npt.ArrayLike | Sequence[Automaton],
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> Thresholds:
    """Return the reset threshold of each automaton.

    Nothing is assumed about the Černý bound. Complexity and papers: see `reset_bounds`; a random
    automaton with n = 8, k = 2 takes about 0.1 microseconds.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 1,024.
    workers : int
        Threads.
    memory_limit, time_limit
        Limits for each automaton, as in `reset_bounds`; `workers` automata are solved at once.

    Returns
    -------
    int32 array, shape (batch,)
        ``NOT_SYNCHRONIZING`` (-1) where no reset word exists, ``UNKNOWN`` (-2) where a limit ended
        the search.

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError
        As `reset_bounds`.

    Examples
    --------
    >>> reset_thresholds([[[1, 2, 0], [0, 1, 0]], [[1, 2, 0], [1, 2, 0]]]).tolist()
    [4, -1]
    """
    valid, workers = _validate(validate_deltas(deltas), workers)
    Budget(memory_limit, time_limit)  # checks the limits
    thresholds = solve_quickly(valid, workers)

    def solve(row: int, together: int) -> None:
        budget = Budget(memory_limit, time_limit)
        try:
            few = search_few_again(valid[row])
            thresholds[row] = _threshold(valid[row], few, budget, together)
        except LimitReached:
            thresholds[row] = UNKNOWN

    solve_apart(solve, thresholds, workers)
    return thresholds


def shortest_reset_word(
    delta: AutomatonLike,
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> tuple[int, ...] | None:
    """Return a shortest reset word, None if there is no reset word.

    For n <= 24 it is the lexicographically least of the shortest ones.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        n <= 1,024. Complexity and papers: see `reset_bounds`.
    workers, memory_limit, time_limit
        As in `reset_bounds`.

    Returns
    -------
    tuple of int or None
        Letters, applied left to right.

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError, LimitReached
        As `reset_threshold`.

    Examples
    --------
    >>> shortest_reset_word([[1, 2, 0], [0, 1, 0]])
    (1, 0, 0, 1)
    """
    (valid,), workers = _validate(validate_delta(delta)[None], workers)
    bounds = _prove(valid, Budget(memory_limit, time_limit), workers)
    return None if bounds is None else bounds.word


def shortest_reset_words(
    deltas: npt.ArrayLike | Sequence[Automaton],
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> Words:
    """Return for each automaton the shortest reset word that `shortest_reset_word` returns.

    Complexity and papers: see `reset_bounds`; an automaton with n = 16, k = 2 and a threshold over
    half the Černý bound takes about 15 microseconds.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 1,024.
    workers : int
        Threads; the words do not depend on them.
    memory_limit, time_limit
        Limits for each automaton, as in `reset_thresholds`.

    Returns
    -------
    Words
        ``letters`` is as wide as the longest word; `Words.to_list` makes tuples of them.

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError
        As `reset_thresholds`.

    Examples
    --------
    >>> words = shortest_reset_words([[[1, 2, 0], [0, 1, 0]], [[0, 0, 0], [1, 2, 0]]])
    >>> words.letters.tolist(), words.lengths.tolist()
    ([[1, 0, 0, 1], [0, -1, -1, -1]], [4, 1])
    >>> words.to_list()
    [(1, 0, 0, 1), (0,)]
    """
    valid, workers = _validate(validate_deltas(deltas), workers)
    Budget(memory_limit, time_limit)  # checks the limits

    def prove(row: int, together: int) -> ResetBounds | None:
        return _prove(valid[row], Budget(memory_limit, time_limit), together)

    return find_words(valid, workers, cerny_bound(valid.shape[2]), prove)


def find_words(
    deltas: Deltas,
    workers: int,
    longest: int,
    prove: Callable[[int, int], ResetBounds | WordBounds | None],
) -> Words:
    """Return a shortest word for each automaton: by the kernel for few sets, or else by `prove`.

    Parameters
    ----------
    deltas : array of states, shape (batch, k, n)
        Validated; partial ones get careful words.
    workers : int
        Threads.
    longest : int
        Most letters of a word that the kernel has room for.
    prove : function
        Of a row and a number of workers: the row's exact bounds, None without a word. It raises
        `LimitReached` or `WordLimitReached` if a limit ends the search.
    """
    batch, k, n = deltas.shape
    lengths = np.full(batch, UNFINISHED, np.int32)
    found: list[tuple[int, npt.NDArray[np.int8]]] = []  # a first row, and words from there on

    def solve_quickly(part: slice) -> None:
        some = deltas[part]
        letters = np.full((len(some), longest), -1, np.int8)
        own = lengths[part]
        space = both_ends_space(n, k, batch=True)
        both_ends.shortest_reset_words(some, letters.view(np.uint8), own, *space)
        found.append((part.start, letters[:, : own.max(initial=0)].copy()))

    def solve(row: int, together: int) -> None:
        try:
            bounds = prove(row, together)
        except (LimitReached, WordLimitReached):
            lengths[row] = UNKNOWN
            return
        lengths[row] = NOT_SYNCHRONIZING if bounds is None else bounds.lower
        if bounds is not None:
            found.append((row, np.array([bounds.word], np.int8)))

    if n <= BATCH_MAX_STATES:
        run_parts(solve_quickly, batch, workers)
    solve_apart(solve, lengths, workers)
    letters = np.full((batch, lengths.max(initial=0)), -1, np.int8)
    for row, some in found:  # those solved apart come last
        letters[row : row + len(some), : some.shape[1]] = some
    return Words(letters, lengths)


def reset_bounds(
    delta: AutomatonLike,
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> ResetBounds | None:
    """Return the bounds on the reset threshold proved within limits, None without reset word.

    Breadth-first search over sets of states from both ends (Szykuła and Zyzik 2022,
    arXiv:2207.05495): O(k n 2^n) time and O(n 2^n) bits at worst, as the problem is hard (Eppstein
    1990; Olschewski and Ummels 2010); about n sets a level for slowly synchronizing automata. The
    first upper bound is Eppstein's greedy word, O(k n^2 + n^3).

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        n <= 1,024.
    workers : int
        Threads; more than 1,024 count as 1,024.
    memory_limit : int, optional
        Bytes of working space for the sets of a long search. The automaton, its pairs of states
        (5 n^2 / 2 bytes), the greedy word, the first few thousand sets (6 MB at most for each
        worker) and compiled code do not count.
    time_limit : float, optional
        Seconds; the search may take one second and the time of the greedy word longer. Whether a
        reset word exists is decided in any case.

    Returns
    -------
    ResetBounds or None
        ``lower`` is proved by a complete search of all shorter words, ``upper`` by a word.

    Raises
    ------
    AutomatonError
        If `delta` is not a complete automaton.
    SizeLimitError
        If n > 1,024.
    ValueError
        If a limit is not a positive finite number, or `workers` is not an integer of at least 1.

    Examples
    --------
    >>> reset_bounds([[1, 2, 0], [0, 1, 0]], time_limit=1)
    ResetBounds(lower=4, upper=4, word=(1, 0, 0, 1))
    """
    (valid,), workers = _validate(validate_delta(delta)[None], workers)
    try:
        return _prove(valid, Budget(memory_limit, time_limit), workers)
    except LimitReached as reached:
        return reached.bounds


def _threshold(delta: Deltas, few: FewSets, budget: Budget, workers: int) -> int:
    """Return the threshold, after a search of few sets; raise `LimitReached`."""
    if few.threshold != UNFINISHED:
        return few.threshold
    return _search_many(delta, few, budget, workers, words=False)[0]


def _prove(delta: Deltas, budget: Budget, workers: int) -> ResetBounds | None:
    """Find the threshold and a shortest word, the least if n <= 24; raise `LimitReached`."""
    few = search_few_sets(delta, words=True)
    threshold, word = few.threshold, few.word
    if threshold == UNFINISHED:
        threshold, word = _search_many(delta, few, budget, workers, words=True)
    return None if word is None else ResetBounds(threshold, threshold, word)


def _search_many(
    delta: Deltas, few: FewSets, budget: Budget, workers: int, words: bool
) -> tuple[int, Word]:
    """Find the threshold, and a shortest word, of an automaton that needs many sets."""
    letters, left = greedy_word(delta)
    if left > 1:
        return NOT_SYNCHRONIZING, None
    word = tuple(letters.tolist())
    search = ManySets(delta, few, word, budget, workers)
    try:
        return search.run(words)
    except OutOfBudget as spent:
        word = search.word or word
        raise LimitReached(str(spent), ResetBounds(search.lower, len(word), word)) from None


def _validate(deltas: Deltas, workers: int) -> tuple[Deltas, int]:
    n = deltas.shape[2]
    if n > SOLVER_MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {SOLVER_MAX_STATES} states")
    return deltas, check_workers(workers)
