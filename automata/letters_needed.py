"""How many letters a threshold needs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton
from automata.deltas import check_thresholds, validate_deltas
from automata.solver.either import thresholds_of
from automata.solver.exact import Thresholds


def letters_needed(
    deltas: npt.ArrayLike | Sequence[Automaton],
    thresholds: Thresholds,
    *,
    partial: bool = False,
    workers: int = 1,
) -> npt.NDArray[np.int64]:
    """Return the least number of letters with which each automaton keeps its threshold.

    That is, the size of a smallest set of its letters for which the automaton with these letters
    alone has the same threshold. An irreducible automaton (`automata.properties.are_irreducible`)
    needs all its letters; so does one that is only slower without one of them. One state needs
    none.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        All synchronizing.
    thresholds : int32 array, shape (batch,)
        Their thresholds.
    partial : bool
        Whether letters may be undefined on states; thresholds are careful then.
    workers : int
        Threads.

    Returns
    -------
    int64 array, shape (batch,)

    Raises
    ------
    AutomatonError
        If `deltas` are not automata, or not complete where `partial` is False.
    ValueError
        If `thresholds` does not have one threshold for each automaton.

    Examples
    --------
    The third letter of the first automaton does not help:

    >>> deltas = [[[1, 2, 0], [0, 1, 0], [0, 1, 2]], [[1, 2, 0], [0, 1, 0], [0, 0, 1]]]
    >>> letters_needed(deltas, [4, 2]).tolist()
    [2, 1]
    """
    valid = validate_deltas(deltas, partial=partial)
    batch, k, n = valid.shape
    wanted = check_thresholds(thresholds, batch)
    needed = np.full(batch, k if n > 1 else 0, np.int64)
    for count in range(1, k if n > 1 else 0):
        for letters in combinations(range(k), count):
            rows = np.flatnonzero(needed > count)
            fewer = valid[rows][:, letters]
            kept = thresholds_of(fewer, partial=partial, workers=workers) == wanted[rows]
            needed[rows[kept]] = count
    return needed
