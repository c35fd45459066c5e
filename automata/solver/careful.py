"""Careful synchronization of partial automata: exact thresholds and shortest careful words.

A word is *careful* if it is defined on every state that it meets and leads all states to one. The
searches are those of complete automata. Where a letter is undefined on a state, the kernels are
told that the image is all states: this set has been met at the start, so it is dropped. Backward,
a state on which a letter is undefined lies in no preimage. Whether there is a careful word is
PSPACE-complete (Martyugin 2010), and it may be exponentially long: without limits a search may
take time and memory in proportion to the 2^n sets of states.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt

from automata.arguments import check_workers
from automata.automaton import Automaton, AutomatonLike, validate_delta
from automata.deltas import Deltas, check_partial_size, validate_deltas
from automata.sizes import cerny_bound
from automata.solver.exact import NOT_SYNCHRONIZING, UNKNOWN, Thresholds, Words, find_words
from automata.solver.limits import (
    Budget,
    OutOfBudget,
    WordBounds,
    WordLimitReached,
)
from automata.solver.many_sets import ManySets, Word
from automata.solver.quick import (
    UNFINISHED,
    FewSets,
    search_few_again,
    search_few_sets,
    solve_apart,
    solve_quickly,
)


def careful_threshold(
    delta: AutomatonLike,
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> int | None:
    """Return the length of the shortest careful words, None if there is none.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Partial or complete, as `automata.automaton.validate_delta` takes it.
    workers, memory_limit, time_limit
        As in `careful_bounds`.

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError
        As `careful_bounds`.
    WordLimitReached
        If a limit ends the search; its ``bounds`` are those proved by then.

    Examples
    --------
    >>> careful_threshold("1 2 3 - -|1 1 2 4 0"), careful_threshold("1 -|0 -")
    (10, None)
    """
    (valid,), workers = _validate(validate_delta(delta, partial=True)[None], workers)
    budget = Budget(memory_limit, time_limit)
    threshold = _threshold(valid, search_few_sets(valid), budget, workers)
    return None if threshold == NOT_SYNCHRONIZING else threshold


def careful_thresholds(
    deltas: npt.ArrayLike | Sequence[Automaton],
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> Thresholds:
    """Return the careful threshold of each automaton.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        As `automata.deltas.validate_deltas` takes them.
    workers, memory_limit, time_limit
        As in `careful_bounds`, the limits for each automaton.

    Returns
    -------
    int32 array, shape (batch,)
        ``NOT_SYNCHRONIZING`` (-1) where there is no careful word, ``UNKNOWN`` (-2) where a limit
        ended the search.

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError
        As `careful_bounds`.

    Examples
    --------
    >>> careful_thresholds([[[1, 2, 0], [0, 1, 0]], [[1, None, 0], [0, 1, 2]]]).tolist()
    [4, -1]
    """
    valid, workers = _validate(validate_deltas(deltas, partial=True), workers)
    Budget(memory_limit, time_limit)  # checks the limits
    thresholds = solve_quickly(valid, workers, partial=True)

    def solve(row: int, together: int) -> None:
        budget = Budget(memory_limit, time_limit)
        try:
            few = search_few_again(valid[row])
            thresholds[row] = _threshold(valid[row], few, budget, together)
        except WordLimitReached:
            thresholds[row] = UNKNOWN

    solve_apart(solve, thresholds, workers)
    return thresholds


def shortest_careful_word(
    delta: AutomatonLike,
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> tuple[int, ...] | None:
    """Return a shortest careful word, None if there is none.

    For n <= 24 it is the lexicographically least of the shortest ones.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        As in `careful_threshold`.
    workers, memory_limit, time_limit
        As in `careful_bounds`.

    Returns
    -------
    tuple of int or None
        Letters, applied left to right.

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError, WordLimitReached
        As `careful_threshold`.

    Examples
    --------
    >>> shortest_careful_word("1 2 3 - -|1 1 2 4 0")
    (1, 1, 1, 0, 1, 1, 0, 1, 1, 1)
    """
    (valid,), workers = _validate(validate_delta(delta, partial=True)[None], workers)
    bounds = _prove(valid, Budget(memory_limit, time_limit), workers)
    return None if bounds is None else bounds.word


def shortest_careful_words(
    deltas: npt.ArrayLike | Sequence[Automaton],
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> Words:
    """Return for each automaton the shortest careful word that `shortest_careful_word` returns.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        As `automata.deltas.validate_deltas` takes them.
    workers, memory_limit, time_limit
        As in `careful_thresholds`; the words do not depend on the workers.

    Returns
    -------
    Words
        As `automata.solver.exact.shortest_reset_words` returns them.

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError
        As `careful_bounds`.

    Examples
    --------
    >>> shortest_careful_words(["1 2 -|1 1 0", "1 - -|0 1 2"]).to_list()
    [(1, 1), None]
    """
    valid, workers = _validate(validate_deltas(deltas, partial=True), workers)
    Budget(memory_limit, time_limit)  # checks the limits

    def prove(row: int, together: int) -> WordBounds | None:
        return _prove(valid[row], Budget(memory_limit, time_limit), together)

    return find_words(valid, workers, 2 * cerny_bound(valid.shape[2]), prove)


def is_carefully_synchronizing(
    delta: AutomatonLike,
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> bool:
    """Return whether there is a careful word. It is searched for: this may take long.

    The parameters and errors are those of `careful_threshold`.

    Examples
    --------
    >>> is_carefully_synchronizing("1 2 -|1 1 0"), is_carefully_synchronizing("1 -|0 -")
    (True, False)
    """
    limits = {"memory_limit": memory_limit, "time_limit": time_limit}
    return careful_threshold(delta, workers=workers, **limits) is not None  # type: ignore[arg-type]


def careful_bounds(
    delta: AutomatonLike,
    *,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> WordBounds | None:
    """Return the bounds on the careful threshold proved within limits, None without careful word.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Partial or complete, n <= 255. The search is that of `automata.solver.exact.reset_bounds`.
    workers : int
        Threads.
    memory_limit : int, optional
        Bytes of working space for the sets of a long search; the first few thousand sets (6 MB at
        most for each worker) do not count.
    time_limit : float, optional
        Seconds; the search may take one second longer.

    Raises
    ------
    AutomatonError
        If `delta` is no partial automaton.
    SizeLimitError
        If n > 255 or k > 64.
    ValueError
        If a limit is not a positive finite number, or `workers` is not an integer of at least 1.

    Examples
    --------
    >>> careful_bounds("1 2 -|1 1 0")
    WordBounds(lower=2, upper=2, word=(1, 1))
    """
    (valid,), workers = _validate(validate_delta(delta, partial=True)[None], workers)
    try:
        return _prove(valid, Budget(memory_limit, time_limit), workers)
    except WordLimitReached as reached:
        return reached.bounds


def _validate(deltas: Deltas, workers: int) -> tuple[Deltas, int]:
    """Check the number of states, which kernels for partial automata keep in a byte."""
    check_partial_size(deltas.shape[2])
    return deltas, check_workers(workers)


def _threshold(delta: Deltas, few: FewSets, budget: Budget, workers: int) -> int:
    """Return the threshold, after a search of few sets; raise `WordLimitReached`."""
    if few.threshold != UNFINISHED:
        return few.threshold
    return _search_many(delta, few, budget, workers, words=False)[0]


def _prove(delta: Deltas, budget: Budget, workers: int) -> WordBounds | None:
    """Find the threshold and a shortest word; raise `WordLimitReached`."""
    few = search_few_sets(delta, words=True)
    threshold, word = few.threshold, few.word
    if threshold == UNFINISHED:
        threshold, word = _search_many(delta, few, budget, workers, words=True)
    return None if word is None else WordBounds(threshold, threshold, word)


def _search_many(
    delta: Deltas, few: FewSets, budget: Budget, workers: int, words: bool
) -> tuple[int, Word]:
    """Find the threshold, and a shortest word, of an automaton that needs many sets."""
    search = ManySets(delta, few, None, budget, workers)
    try:
        return search.run(words)
    except OutOfBudget as spent:
        word = search.word
        bounds = WordBounds(search.lower, None if word is None else len(word), word)
        raise WordLimitReached(spent.limit, bounds) from None
