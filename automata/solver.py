"""The public solver: exact reset thresholds and shortest reset words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton, Deltas, SizeLimitError, validate_delta, validate_deltas
from automata.kernels import pairs, subsets
from automata.parallel import run_parts

SOLVER_MAX_STATES = 24
NOT_SYNCHRONIZING = -1

Thresholds = npt.NDArray[np.int32]


def reset_threshold(delta: npt.ArrayLike | Automaton) -> int | None:
    """Return the length of the shortest reset word, None if there is no reset word.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)
        n <= 24.

    Raises
    ------
    AutomatonError
        If `delta` is not a complete automaton.
    SizeLimitError
        If n > 24.

    Examples
    --------
    >>> reset_threshold([[1, 2, 3, 0], [0, 1, 2, 0]])
    9
    """
    threshold = int(reset_thresholds(validate_delta(delta)[None])[0])
    return None if threshold == NOT_SYNCHRONIZING else threshold


def reset_thresholds(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> Thresholds:
    """Return the reset threshold of each automaton.

    Breadth-first search over sets of states, from the set of all states, with all images of a set
    packed in one word. Nothing is assumed about the Černý bound.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 24. Time and memory grow with 2^n for slowly synchronizing automata.
    workers : int
        Threads.

    Returns
    -------
    int32 array, shape (batch,)
        ``NOT_SYNCHRONIZING`` (-1) where no reset word exists.

    Raises
    ------
    AutomatonError
        If `deltas` are not complete automata.
    SizeLimitError
        If n > 24.

    Examples
    --------
    >>> reset_thresholds([[[1, 2, 0], [0, 1, 0]], [[1, 2, 0], [1, 2, 0]]]).tolist()
    [4, -1]
    """
    valid = _validate_size(validate_deltas(deltas))
    thresholds = np.empty(len(valid), np.int32)

    def solve(part: slice) -> None:
        subsets.reset_thresholds(valid[part], thresholds[part], *_working_space(valid))

    run_parts(solve, len(valid), workers)
    return thresholds


def shortest_reset_word(delta: npt.ArrayLike | Automaton) -> tuple[int, ...] | None:
    """Return the lexicographically least of the shortest reset words, None if there is none.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)
        n <= 24.

    Raises
    ------
    AutomatonError, SizeLimitError
        As `reset_threshold`.

    Examples
    --------
    >>> shortest_reset_word([[1, 2, 0], [0, 1, 0]])
    (1, 0, 0, 1)
    """
    valid = _validate_size(validate_delta(delta)[None])
    n = valid.shape[2]
    tables, stamps, queue = _working_space(valid)
    stamps[:] = 0
    parents = np.empty(queue.size, np.int32)
    letters = np.empty(queue.size, np.uint8)
    word = np.empty(1 << n, np.uint8)  # a shortest word meets no set twice
    length = subsets.shortest_reset_word(valid[0], tables, stamps, queue, parents, letters, word)
    return None if length < 0 else tuple(word[:length].tolist())


def are_synchronizing(deltas: npt.ArrayLike | Sequence[Automaton]) -> npt.NDArray[np.bool_]:
    """Tell for each automaton whether it has a reset word.

    It has one exactly when every pair of states can be merged (Černý 1964): O(k n^2) a pair table.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 256.

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
    valid = validate_deltas(deltas)
    n = valid.shape[2]
    result = np.empty(len(valid), np.bool_)
    merged = np.empty((n, n), np.bool_)
    pairs.are_synchronizing(valid, result, merged, np.empty((n * n, 2), np.int32))
    return result


def is_synchronizing(delta: npt.ArrayLike | Automaton) -> bool:
    """Tell whether an automaton has a reset word.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)

    Raises
    ------
    AutomatonError, SizeLimitError
        As `validate_deltas`.

    Examples
    --------
    >>> is_synchronizing([[1, 0], [0, 1]])
    False
    """
    return bool(are_synchronizing(validate_delta(delta)[None])[0])


def _validate_size(deltas: Deltas) -> Deltas:
    n = deltas.shape[2]
    if n > SOLVER_MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {SOLVER_MAX_STATES} states")
    return deltas


def _working_space(
    deltas: Deltas,
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    """Return tables, stamps and queue for the kernels; the system gives only pages touched."""
    _, k, n = deltas.shape
    groups = -(-k // subsets.letters_per_word(n))
    tables = np.empty((groups, 16 * -(-n // 4)), np.uint64)
    stamps = np.empty(1 << n, np.uint8)
    queue = np.empty((1 << n) + 1, np.uint32)
    return tables, stamps, queue
