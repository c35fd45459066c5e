"""Thresholds of automata that come again and again: each is solved once, up to isomorphism."""

from __future__ import annotations

from functools import partial as bound_to

import numpy as np

from automata.canonical import canonical_forms
from automata.deltas import Deltas
from automata.row_index import RowIndex
from automata.solver.either import thresholds_of
from automata.solver.exact import Thresholds
from automata.units import Pool


class SolvedOnce:
    """A solver that keeps the thresholds of all automata that it was given.

    Isomorphic automata have the same threshold. Whether the memory suffices for it is decided by
    the first of them. One thread at a time may ask; nothing is forgotten.

    Parameters
    ----------
    partial : bool
        Whether letters may be undefined on states; then thresholds are careful.
    memory_limit : int, optional
        Bytes for each automaton.
    pool : Pool, optional
        Where the automata are solved; by default in this thread.

    Examples
    --------
    >>> solved = SolvedOnce(partial=False)
    >>> solved.thresholds(np.array([[[1, 2, 0], [0, 1, 0]], [[0, 1, 0], [1, 2, 0]]])).tolist()
    [4, 4]
    """

    def __init__(
        self, *, partial: bool, memory_limit: int | None = None, pool: Pool | None = None
    ) -> None:
        self._solve = bound_to(thresholds_of, partial=partial, memory_limit=memory_limit, pool=pool)
        self._known: dict[tuple[int, int], tuple[RowIndex, Thresholds]] = {}  # by k and n

    def thresholds(self, deltas: Deltas) -> Thresholds:
        """Return the thresholds as `automata.solver.either.thresholds_of` does.

        Parameters
        ----------
        deltas : array of states, shape (batch, k, n)
            n <= 64, k <= 6.

        Returns
        -------
        int32 array, shape (batch,)

        Raises
        ------
        Lost
            If an automaton ended its workers.
        """
        _, k, n = deltas.shape
        index, known = self._known.get((k, n), (RowIndex(k * n), np.empty(0, np.int32)))
        forms = canonical_forms(deltas)
        new = np.flatnonzero(index.find(forms) < 0)
        new = new[RowIndex(k * n).add_new(forms[new])]  # the first of isomorphic ones
        found = self._solve(deltas[new])
        index.add(forms[new])
        self._known[k, n] = index, np.append(known, found)
        return self._known[k, n][1][index.find(forms)]
