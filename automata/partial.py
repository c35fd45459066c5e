"""What partial automata have, and complete ones do not: letters undefined on states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton
from automata.classes import MAX_STATES_SUBSETS
from automata.deltas import Deltas, undefined_entries, validate_deltas
from automata.solver.careful import careful_thresholds
from automata.solver.either import may_synchronize


def undefined_counts(deltas: npt.ArrayLike | Sequence[Automaton]) -> npt.NDArray[np.int64]:
    """Return for each automaton the number of undefined transitions, of its n*k.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Complete or partial.

    Returns
    -------
    int64 array, shape (batch,)

    Raises
    ------
    AutomatonError, SizeLimitError
        As `automata.deltas.validate_deltas`.

    Examples
    --------
    >>> undefined_counts(["1 -|- -", "1 0|0 0"]).tolist()
    [3, 0]
    """
    valid = validate_deltas(deltas, partial=True)
    return np.bincount(undefined_entries(valid)[:, 0], minlength=len(valid))


def have_total_letter(deltas: npt.ArrayLike | Sequence[Automaton]) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether some letter is defined on all states.

    A careful word of two or more states begins with such a letter. The function is a class of your
    own for `automata.properties.in_classes`.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Complete or partial.

    Returns
    -------
    bool array, shape (batch,)

    Raises
    ------
    AutomatonError, SizeLimitError
        As `automata.deltas.validate_deltas`.

    Examples
    --------
    >>> have_total_letter(["1 -|0 0", "1 -|- 0"]).tolist()
    [True, False]
    """
    total = total_letters(validate_deltas(deltas, partial=True))
    found: npt.NDArray[np.bool_] = np.any(total, axis=1)
    return found


def total_letters(valid: Deltas) -> npt.NDArray[np.bool_]:
    """Return which letters of validated automata are defined on all states: bool (batch, k)."""
    total = np.ones(valid.shape[:2], np.bool_)
    missing = undefined_entries(valid)
    total[missing[:, 0], missing[:, 1]] = False
    return total


def with_trap(valid: Deltas) -> Deltas:
    """Return validated automata with one more state, n, to which undefined transitions lead.

    No letter leaves it. n <= 254.

    Examples
    --------
    >>> with_trap(validate_deltas(["1 -|0 0"], partial=True)).tolist()
    [[[1, 2, 2], [0, 0, 2]]]
    """
    batch, k, n = valid.shape
    completed: Deltas = np.full((batch, k, n + 1), n, valid.dtype)
    np.minimum(valid, n, out=completed[:, :, :n])
    return completed


def need_all_letters(valid: Deltas, workers: int) -> npt.NDArray[np.bool_]:
    """Return whether no careful word is left once any one letter is dropped: bool (batch,).

    For n > `MAX_STATES_SUBSETS` only whether pairs of states prove it.
    """
    batch, k, n = valid.shape
    needed = np.full(batch, n > 1, np.bool_)
    for letter in range(k if k > 1 else 0):
        rows = np.flatnonzero(needed)
        fewer = np.delete(valid[rows], letter, axis=1)
        left = may_synchronize(fewer, partial=True, workers=workers)
        if n <= MAX_STATES_SUBSETS:
            left[left] = careful_thresholds(fewer[left], workers=workers) >= 0
        needed[rows] = ~left
    return needed
