"""The public solver: exact reset thresholds and shortest reset words, whatever the size.

Which search solves an automaton is chosen here, by its size and by what the quicker ones find; the
results do not depend on it. docs/solver.md explains the searches.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton, Deltas, SizeLimitError, validate_delta, validate_deltas
from automata.kernels import both_ends, forward, forward_filtered
from automata.limits import Budget, LimitReached, OutOfBudget, ResetBounds
from automata.parallel import run_parts
from automata.rank import is_synchronizing
from automata.short_words import greedy_word
from automata.two_ended import Search

SOLVER_MAX_STATES = 1024
LEAST_WORD_MAX_STATES = 24
NOT_SYNCHRONIZING = -1
UNKNOWN = -2

Thresholds = npt.NDArray[np.int32]

_UNFINISHED = forward.UNFINISHED
_BOTH_ENDS_MAX_STATES = 64
_BOTH_ENDS_SETS = 1 << 13
"""Sets a side after which other searches are quicker."""


def reset_threshold(
    delta: npt.ArrayLike | Automaton,
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> int | None:
    """Return the length of the shortest reset word, None if there is no reset word.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)
        n <= 1,024.
    workers, memory_limit, time_limit
        As in `reset_bounds`.

    Raises
    ------
    AutomatonError
        If `delta` is not a complete automaton.
    SizeLimitError
        If n > 1,024.
    LimitReached
        If a limit ends the search; it carries the bounds proved by then.

    Examples
    --------
    >>> reset_threshold([[1, 2, 3, 0], [0, 1, 2, 0]])
    9
    """
    valid = _validate_size(validate_delta(delta)[None])
    threshold = int(_solve_quickly(valid, 1)[0])
    if threshold == _UNFINISHED:
        bounds = _prove(valid[0], Budget(memory_limit, time_limit), workers)
        return None if bounds is None else bounds.upper
    return None if threshold == NOT_SYNCHRONIZING else threshold


def reset_thresholds(
    deltas: npt.ArrayLike | Sequence[Automaton],
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> Thresholds:
    """Return the reset threshold of each automaton.

    Nothing is assumed about the Černý bound.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 1,024.
    workers : int
        Threads.
    memory_limit, time_limit
        What one automaton may use, as in `reset_bounds`; several are solved at once if there are
        several workers.

    Returns
    -------
    int32 array, shape (batch,)
        ``NOT_SYNCHRONIZING`` (-1) where no reset word exists, ``UNKNOWN`` (-2) where a limit ended
        the search.

    Raises
    ------
    AutomatonError
        If `deltas` are not complete automata.
    SizeLimitError
        If n > 1,024.

    Examples
    --------
    >>> reset_thresholds([[[1, 2, 0], [0, 1, 0]], [[1, 2, 0], [1, 2, 0]]]).tolist()
    [4, -1]
    """
    valid = _validate_size(validate_deltas(deltas))
    Budget(memory_limit, time_limit)  # are they valid?
    thresholds = _solve_quickly(valid, workers)
    left = np.flatnonzero(thresholds == _UNFINISHED).tolist()
    together = max(1, workers) if len(left) < 2 * workers else 1

    def solve(row: int) -> None:
        try:
            bounds = _prove(valid[row], Budget(memory_limit, time_limit), together)
        except LimitReached:
            thresholds[row] = UNKNOWN
        else:
            thresholds[row] = NOT_SYNCHRONIZING if bounds is None else bounds.upper

    if together > 1 or workers <= 1:
        for row in left:
            solve(row)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(solve, left))
    return thresholds


def shortest_reset_word(
    delta: npt.ArrayLike | Automaton,
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> tuple[int, ...] | None:
    """Return a shortest reset word, None if there is no reset word.

    For n <= 24 it is the lexicographically least of the shortest ones.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)
        n <= 1,024.
    workers, memory_limit, time_limit
        As in `reset_bounds`.

    Raises
    ------
    AutomatonError, SizeLimitError, LimitReached
        As `reset_threshold`.

    Examples
    --------
    >>> shortest_reset_word([[1, 2, 0], [0, 1, 0]])
    (1, 0, 0, 1)
    """
    valid = _validate_size(validate_delta(delta)[None])[0]
    bounds = _prove(valid, Budget(memory_limit, time_limit), workers)
    return None if bounds is None else bounds.word


def reset_bounds(
    delta: npt.ArrayLike | Automaton,
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> ResetBounds | None:
    """Return what can be proved about the reset threshold within limits, None without reset word.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)
        n <= 1,024.
    workers : int
        Threads.
    memory_limit : int, optional
        Bytes of working space for sets of states. The automaton itself, pairs of states (5 n^2 / 2
        bytes) and compiled code do not count.
    time_limit : float, optional
        Seconds, kept within one. Whether there is a reset word at all is always found out.

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

    Examples
    --------
    >>> reset_bounds([[1, 2, 0], [0, 1, 0]], time_limit=1)
    ResetBounds(lower=4, upper=4, word=(1, 0, 0, 1))
    """
    valid = _validate_size(validate_delta(delta)[None])[0]
    try:
        return _prove(valid, Budget(memory_limit, time_limit), workers)
    except LimitReached as reached:
        return reached.bounds


def _solve_quickly(deltas: Deltas, workers: int) -> Thresholds:
    """Return the thresholds of those that a few thousand sets suffice for, the others unfinished.

    Random automata need few sets forward, slow ones few from both ends.
    """
    batch, k, n = deltas.shape
    thresholds = np.full(batch, _UNFINISHED, np.int32)
    if n > _BOTH_ENDS_MAX_STATES:
        return thresholds

    def solve(part: slice) -> None:
        # one type, writable: read-only arrays would be compiled for a second time
        some = np.require(deltas[part], np.uint8, ["C", "W"])
        found = thresholds[part]
        if n <= forward_filtered.MAX_STATES:
            search = forward if n <= forward.MAX_STATES else forward_filtered
            limit = _forward_sets(n)
            search.reset_thresholds(some, found, limit, search.working_space(n, k, limit))
        left = np.flatnonzero(found == _UNFINISHED)
        if len(left):
            space = both_ends.working_space(n, k, _BOTH_ENDS_SETS)
            both_ends.reset_thresholds(some, left, found, *space)

    run_parts(solve, batch, workers)
    return thresholds


def _forward_sets(n: int) -> int:
    """Return after how many forward sets to search from both ends."""
    return 1 << min(n, 9)


def _prove(delta: Deltas, budget: Budget, workers: int) -> ResetBounds | None:
    """Find the reset threshold and a shortest word; raise `LimitReached` with the bounds."""
    if delta.shape[1] <= _BOTH_ENDS_MAX_STATES:
        length, word = _least_word(delta)
        if length == NOT_SYNCHRONIZING:
            return None
        if length == len(word):
            return ResetBounds(length, length, word)
    if not is_synchronizing(delta):
        return None
    search = Search(delta, tuple(greedy_word(delta)[0].tolist()), budget, workers)
    try:
        search.run()
    except OutOfBudget as spent:
        raise LimitReached(f"out of {spent.limit}", search.bounds) from None
    return search.bounds


def _least_word(delta: Deltas) -> tuple[int, tuple[int, ...]]:
    """Return the reset threshold and the least shortest reset word, if few sets suffice."""
    k, n = delta.shape
    letters = np.empty(1 << 16, np.uint8)
    space = both_ends.working_space(n, k, _BOTH_ENDS_SETS)
    own = np.array(delta, np.uint8)  # writable
    length = int(both_ends.shortest_reset_word(own, *space, letters))
    return length, tuple(letters[: max(0, length)].tolist())


def _validate_size(deltas: Deltas) -> Deltas:
    n = deltas.shape[2]
    if n > SOLVER_MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {SOLVER_MAX_STATES} states")
    return deltas
