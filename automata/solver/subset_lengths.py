"""How long the shortest words to each set of states are, and those that merge each set."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton
from automata.deltas import Deltas, validate_deltas
from automata.errors import SizeLimitError
from automata.kernels import dense, subset_lengths
from automata.parallel import run_parts

SUBSETS_MAX_STATES = 24

Lengths = npt.NDArray[np.int32]


def reach_lengths(deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1) -> Lengths:
    """Return for each set S of states the length of the shortest words w with Q w = S.

    Q is the set of all states. An automaton is completely reachable if each set that is not empty
    has such a word (Bondar and Volkov 2016, DCFS). Breadth first: O(k 2^n).

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Complete or partial, n <= 24. Words of partial automata are defined on all states they meet.
    workers : int
        Threads.

    Returns
    -------
    int32 array, shape (batch, 2^n)
        Entry ``S`` is that of the set with bit q for each of its states q; -1 without such a word.

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError
        If an automaton is not valid, n > 24, or `workers` is not an integer of at least 1.

    Examples
    --------
    >>> reach_lengths(["1 2 0|0 1 0"])[0].tolist()  # {}, {0}, {1}, {0, 1}, {2}, ..
    [-1, 4, 5, 1, 6, 3, 2, 0]
    """

    def solve(some: Deltas, lengths: npt.NDArray[np.uint32]) -> None:
        k, n = some.shape[1:]
        queue, tables = np.empty(1 << n, np.uint32), dense.empty_tables(n, k)
        subset_lengths.from_all_states(some, lengths, queue, tables)

    return _of_all_sets(deltas, workers, solve)


def subset_thresholds(deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1) -> Lengths:
    """Return for each set of states the length of the shortest words that lead it to one state.

    Breadth first, backward from the singletons: O(k n 2^n).

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Complete or partial, n <= 24. Words of partial automata are defined on all states they meet.
    workers : int
        Threads.

    Returns
    -------
    int32 array, shape (batch, 2^n)
        As `reach_lengths` returns them; -1 also for the empty set.

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError
        As `reach_lengths`.

    Examples
    --------
    >>> subset_thresholds(["1 2 0|0 1 0"])[0].tolist()
    [-1, 0, 0, 3, 0, 1, 2, 4]
    """

    def solve(some: Deltas, lengths: npt.NDArray[np.uint32]) -> None:
        k, n = some.shape[1:]
        queue, preimages = np.empty(1 << n, np.uint32), np.empty(k * n, np.uint64)
        subset_lengths.to_one_state(some, lengths, queue, preimages)

    return _of_all_sets(deltas, workers, solve)


def longest_by_size(lengths: npt.ArrayLike) -> Lengths:
    """Return the longest length among the sets of each size.

    Parameters
    ----------
    lengths : array of int, shape (batch, 2^n)
        Of `reach_lengths` or `subset_thresholds`.

    Returns
    -------
    int32 array, shape (batch, n + 1)
        Entry m is that of the sets of m states; -1 where none of them has a word.

    Raises
    ------
    ValueError
        If the shape is another.

    Examples
    --------
    >>> longest_by_size(subset_thresholds(["1 2 0|0 1 0"])).tolist()
    [[-1, 0, 3, 4]]
    """
    table = np.asarray(lengths, np.int32)
    n = table.shape[-1].bit_length() - 1 if table.ndim == 2 else -1
    if n < 0 or table.shape[1] != 1 << n:
        raise ValueError(f"lengths have shape (batch, 2^n), got shape {table.shape}")
    sizes = np.bitwise_count(np.arange(1 << n))
    order = np.argsort(sizes, kind="stable")
    starts = np.searchsorted(sizes[order], np.arange(n + 1))
    return np.maximum.reduceat(table[:, order], starts, axis=1)


def _of_all_sets(
    deltas: npt.ArrayLike | Sequence[Automaton],
    workers: int,
    solve: Callable[[Deltas, npt.NDArray[np.uint32]], None],
) -> Lengths:
    """Validate automata, and solve them in parts."""
    valid = validate_deltas(deltas, partial=True)
    batch, _, n = valid.shape
    if n > SUBSETS_MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {SUBSETS_MAX_STATES} states")
    lengths = np.full((batch, 1 << n), subset_lengths.NONE, np.uint32)
    run_parts(lambda part: solve(valid[part], lengths[part]), batch, workers)
    return lengths.view(np.int32)  # NONE is -1
