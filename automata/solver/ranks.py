"""Ranks: the least number of states that a word can send all states to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.automaton import (
    Automaton,
    AutomatonLike,
    Deltas,
    SizeLimitError,
    validate_delta,
    validate_deltas,
)
from automata.kernels import pairs
from automata.parallel import run_parts
from automata.solver.frontier import Frontier
from automata.solver.limits import Budget, LimitReached, OutOfBudget, ResetBounds
from automata.solver.short_words import greedy_word

RANK_WORD_MAX_STATES = 1024


def are_synchronizing(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether it has a reset word.

    It has one exactly when every pair of states can be merged (Černý 1964). All pairs are searched
    backward from the diagonal, in O(k n^2) time and 5 n^2 / 2 bytes a worker (62.5 MB for
    n = 5,000).

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 5,000.
    workers : int
        Threads.

    Returns
    -------
    bool array, shape (batch,)

    Raises
    ------
    AutomatonError, SizeLimitError
        As `validate_deltas`.

    Examples
    --------
    >>> are_synchronizing([[[1, 2, 0], [0, 1, 0]], [[1, 2, 0], [1, 2, 0]]]).tolist()
    [True, False]
    """
    return _are_synchronizing(validate_deltas(deltas), workers)


def _are_synchronizing(valid: Deltas, workers: int = 1) -> npt.NDArray[np.bool_]:
    """Search the pairs of valid automata."""
    _, k, n = valid.shape
    result = np.empty(len(valid), np.bool_)

    def solve(part: slice) -> None:
        letters = np.empty(n * (n - 1) // 2, np.uint8)
        queue = np.empty(letters.size, np.int32)
        lists = np.empty((2, k, n), np.int32)
        own = valid[part].astype(np.uint16)  # one type: one compilation
        pairs.all_mergeable(own, result[part], letters, queue, lists[0], lists[1])

    run_parts(solve, len(valid), workers)
    return result


def is_synchronizing(delta: AutomatonLike) -> bool:
    """Return whether an automaton has a reset word, by its pairs of states as `are_synchronizing`.

    O(k n^2) time, 5 n^2 / 2 bytes (Černý 1964).

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        n <= 5,000.

    Returns
    -------
    bool

    Raises
    ------
    AutomatonError, SizeLimitError
        As `validate_deltas`.

    Examples
    --------
    >>> is_synchronizing([[1, 0], [0, 1]])
    False
    """
    return bool(_are_synchronizing(validate_delta(delta)[None])[0])


def rank(delta: AutomatonLike) -> int:
    """Return the rank of an automaton: the least number of states a word can send all states to.

    Pairs of states are merged until no two states of S = Q w can be. Then no word has a lower rank:
    every word v sends the states of S to different states, so Q v has at least as many. Time:
    O(k n^2 + n^3), and O(n) for each letter of the greedy word w (Eppstein 1990). Memory:
    5 n^2 / 2 bytes.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        n <= 5,000.

    Returns
    -------
    int
        1 where the automaton is synchronizing, n where every letter is a permutation.

    Raises
    ------
    AutomatonError, SizeLimitError
        As `validate_deltas`.

    Examples
    --------
    >>> rank([[1, 2, 0], [0, 1, 0]]), rank([[1, 0, 3, 2], [0, 0, 2, 2]]), rank([[1, 2, 0]])
    (1, 2, 3)
    """
    valid = validate_delta(delta)
    return 1 if _are_synchronizing(valid[None])[0] else greedy_word(valid)[1]


def shortest_word_of_rank(
    delta: AutomatonLike,
    r: int,
    *,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> tuple[int, ...] | None:
    """Return the lexicographically least of the shortest words that send all states to r or fewer.

    Breadth-first search over sets of states, from the set of all states: O(k n 2^n) at worst.
    To decide whether such a word of a given length exists is NP-hard (Eppstein 1990, for r = 1).

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        n <= 1,024.
    r : int
        At least 1, which asks for a shortest reset word.
    memory_limit : int, optional
        Bytes of working space for the sets; the 5 n^2 / 2 bytes of `rank` do not count.
    time_limit : float, optional
        Seconds.

    Returns
    -------
    tuple of int or None
        None if the automaton's `rank` is over r.

    Raises
    ------
    AutomatonError
        If `delta` is not a complete automaton.
    SizeLimitError
        If n > 1,024.
    ValueError
        If `r` is not an integer of at least 1, or a limit is not a positive finite number.
    LimitReached
        If a limit ends the search; ``bounds`` has a greedy word of the upper length.

    Examples
    --------
    >>> delta = [[1, 2, 3, 0], [0, 1, 2, 0]]
    >>> [shortest_word_of_rank(delta, r) for r in (4, 3, 2)]
    [(), (1,), (1, 0, 0, 1)]
    """
    valid = validate_delta(delta)
    n = valid.shape[1]
    if n > RANK_WORD_MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {RANK_WORD_MAX_STATES} states")
    r = check_integer("r", r, 1)
    budget = Budget(memory_limit, time_limit)
    if r >= n:
        return ()
    short, left = greedy_word(valid, r)
    if left > r:
        return None
    return _search(valid, r, tuple(short.tolist()), budget)


def _search(delta: Deltas, r: int, short: tuple[int, ...], budget: Budget) -> tuple[int, ...]:
    """Search forward until a set has at most r states; ``short`` is a word to such a set."""
    met = Frontier(delta, False, budget, plain=True)
    while True:
        for numbers, sets in met.parts(met.depth):
            few = np.bitwise_count(sets).sum(axis=1, dtype=np.int64) <= r
            if few.any():
                return tuple(reversed(met.path(int(numbers[np.argmax(few)]))))
        try:
            met.expand(met.buffers, None)
        except OutOfBudget as spent:
            bounds = ResetBounds(met.depth + 1, len(short), short)
            limit = f"no shortest word within the {spent.limit} limit"
            raise LimitReached(limit, bounds) from None
