"""Checks that share no code with the solver's search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton, SizeLimitError, validate_delta, validate_deltas
from automata.kernels import backward
from automata.solver import Thresholds

REPROOF_MAX_STATES = 24


def verify(delta: npt.ArrayLike | Automaton, word: Sequence[int]) -> bool:
    """Replay a word in plain Python and tell whether it sends every state to one state.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)
    word : sequence of int
        Letters 0..k-1, applied left to right.

    Returns
    -------
    bool
        False also where the word holds something that is not a letter.

    Raises
    ------
    AutomatonError
        If `delta` is not a complete automaton.

    Examples
    --------
    >>> verify([[1, 2, 0], [0, 1, 0]], (1, 0, 0, 1)), verify([[1, 2, 0], [0, 1, 0]], (1, 0, 1))
    (True, False)
    """
    rows = validate_delta(delta).tolist()
    states = set(range(len(rows[0])))
    for letter in word:
        if not 0 <= letter < len(rows):
            return False
        states = {rows[letter][q] for q in states}
    return len(states) == 1


def reprove_thresholds(deltas: npt.ArrayLike | Sequence[Automaton]) -> Thresholds:
    """Return the reset thresholds again, by breadth-first search backward from the singletons.

    A set of states can be sent to one state by a word of length d exactly when it lies within a
    preimage of a singleton under such a word; the threshold is the first level that holds the set
    of all states. Direction, tables and code differ from the solver's.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 24.

    Returns
    -------
    int32 array, shape (batch,)
        -1 where no reset word exists.

    Raises
    ------
    AutomatonError, SizeLimitError
        As `automata.solver.reset_thresholds`.

    Examples
    --------
    >>> reprove_thresholds([[[1, 2, 0], [0, 1, 0]]]).tolist()
    [4]
    """
    valid = validate_deltas(deltas)
    n = valid.shape[2]
    if n > REPROOF_MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {REPROOF_MAX_STATES} states")
    thresholds = np.empty(len(valid), np.int32)
    stamps = np.empty(1 << n, np.uint8)
    queue = np.empty(1 << n, np.uint32)
    backward.reset_thresholds(valid, thresholds, stamps, queue)
    return thresholds
