"""Thresholds and words of complete or of partial automata, whichever the caller has."""

from __future__ import annotations

from contextlib import closing
from functools import partial as bound_to

import numpy as np
import numpy.typing as npt

from automata.deltas import Deltas, validate_deltas
from automata.solver.careful import careful_thresholds, shortest_careful_words
from automata.solver.exact import Thresholds, Words, reset_thresholds, shortest_reset_words
from automata.solver.ranks import are_synchronizing, are_synchronizing_valid
from automata.units import Lost, Pool, results_of_chunks

_CHUNK = 1024
"""Automata of a unit of work."""


def thresholds_of(
    deltas: Deltas,
    *,
    partial: bool,
    workers: int = 1,
    memory_limit: int | None = None,
    time_limit: float | None = None,
    pool: Pool | None = None,
) -> Thresholds:
    """Return the careful thresholds of partial automata, or the reset thresholds of complete ones.

    Parameters
    ----------
    deltas : array of states, shape (batch, k, n)
    partial : bool
        Whether letters may be undefined. The thresholds of a complete automaton are equal.
    workers : int
        Threads.
    memory_limit, time_limit : optional
        Bytes and seconds for each automaton, as in `automata.solver.exact.reset_thresholds`.
    pool : Pool, optional
        Where the automata are solved instead.

    Returns
    -------
    int32 array, shape (batch,)
        ``NOT_SYNCHRONIZING`` (-1) where there is no word, ``UNKNOWN`` (-2) where the limit ended
        the search.

    Raises
    ------
    Lost
        If an automaton ended its workers.

    Examples
    --------
    >>> partial = validate_deltas([[[1, None, 0], [0, 0, 2]]], partial=True)
    >>> thresholds_of(partial, partial=True).tolist()
    [3]
    """
    solve = careful_thresholds if partial else reset_thresholds
    if pool is None:
        return solve(deltas, workers=workers, memory_limit=memory_limit, time_limit=time_limit)
    chunks = (deltas[start : start + _CHUNK] for start in range(0, len(deltas), _CHUNK))
    thresholds = [np.empty(0, np.int32)]
    limited = bound_to(solve, memory_limit=memory_limit, time_limit=time_limit)
    with closing(results_of_chunks(pool, limited, chunks)) as found:
        for chunk, solved in found:
            if isinstance(solved, Lost):
                raise Lost(f"the automaton {chunk[0].tolist()} is not solved: {solved}")
            thresholds.append(solved)
    return np.concatenate(thresholds)


def shortest_words_of(deltas: Deltas, *, partial: bool, workers: int = 1) -> Words:
    """Return shortest careful words of partial automata, or shortest reset words of complete ones.

    The parameters are those of `thresholds_of`.

    Examples
    --------
    >>> partial = validate_deltas([[[1, None, 0], [0, 0, 2]]], partial=True)
    >>> shortest_words_of(partial, partial=True).to_list()
    [(1, 0, 1)]
    """
    find = shortest_careful_words if partial else shortest_reset_words
    return find(deltas, workers=workers)


def may_synchronize(
    deltas: npt.ArrayLike, *, partial: bool, workers: int = 1
) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether a search for a word may succeed, without such a search.

    For complete automata the answer is that of `are_synchronizing`, which is exact. For partial
    ones it is what a careful word needs at least: a letter that is defined everywhere and merges
    two states, since every first change of the set of all states is by such a letter, and for every
    pair of states a word that is defined on both and merges them.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
    partial : bool
        Whether letters may be undefined.
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
    >>> deltas = [[[1, None, 0], [0, 0, 2]], [[1, None, 0], [0, 0, None]], [[1, 2, 0], [2, 1, 0]]]
    >>> may_synchronize(deltas, partial=True).tolist()
    [True, False, False]
    """
    if not partial:
        return are_synchronizing(deltas, workers=workers)
    valid = validate_deltas(deltas, partial=True)
    n = valid.shape[2]
    if n == 1:
        return np.ones(len(valid), np.bool_)
    ordered = np.sort(valid, axis=2)
    merging = (ordered[:, :, 1:] == ordered[:, :, :-1]).any(axis=2)
    total = ordered[:, :, -1] < n
    may = (merging & total).any(axis=1)
    may[may] = are_synchronizing_valid(valid[may], workers)
    return np.asarray(may)
