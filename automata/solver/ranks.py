"""Ranks: the least number of states that a word can send all states to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton, AutomatonLike, validate_delta
from automata.deltas import Deltas, validate_deltas
from automata.kernels import pairs
from automata.parallel import run_parts
from automata.solver.short_words import greedy_word


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
    return are_synchronizing_valid(validate_deltas(deltas), workers)


def are_synchronizing_valid(valid: Deltas, workers: int = 1) -> npt.NDArray[np.bool_]:
    """As `are_synchronizing`, for automata that `validate_deltas` has returned: copies nothing.

    Of partial automata: whether for every pair of states a word is defined on both and merges them.
    """
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
    return bool(are_synchronizing_valid(validate_delta(delta)[None])[0])


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
    return 1 if are_synchronizing_valid(valid[None])[0] else greedy_word(valid)[1]
