"""Proposals: the automata that an arm submits to the oracle, with their parents."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.deltas import Deltas
from automata.solver.either import may_synchronize
from automata.solver.exact import Thresholds


class Proposals(NamedTuple):
    """A batch of automata that an arm proposes, with their parents."""

    deltas: Deltas
    """uint8 (batch, k, n); complete, unless partial automata are searched"""
    as_decoded: npt.NDArray[np.bool_]
    """bool (batch,): synchronizing without repair"""
    repaired: npt.NDArray[np.int64]
    """int64 (batch,): transitions changed by repair"""
    parents: npt.NDArray[np.int64]
    """int64 (batch, 2): rows of the training set, or other names of parents; -1 for none"""
    alpha: npt.NDArray[np.float64]
    """float64 (batch,): place on the path from the first parent to the second, nan for none"""

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Proposals:
        """Return the proposals of an index array or a mask."""
        return Proposals._make(column[rows] for column in self)


Batches = Generator[list[Proposals], list[Thresholds], None]
"""Batches without end, one for each of a list of arms; is sent the thresholds of each batch."""


def plain_proposals(
    deltas: Deltas,
    parents: npt.NDArray[np.int64] | None = None,
    synchronizing: npt.NDArray[np.bool_] | None = None,
    *,
    partial: bool = False,
) -> Proposals:
    """Return proposals that no model decoded: none is repaired, none is on a path.

    Parameters
    ----------
    deltas : array of states, shape (batch, k, n)
    parents : int64 array, shape (batch,), optional
        Default: none.
    synchronizing : bool array, shape (batch,), optional
        Which automata synchronize. Default: which may, by `may_synchronize`.
    partial : bool
        Whether letters may be undefined on states.

    Examples
    --------
    >>> plain_proposals(np.zeros((2, 1, 3), np.uint8)).parents.tolist()
    [[-1, -1], [-1, -1]]
    """
    count = len(deltas)
    origin = np.full((count, 2), -1, np.int64)
    if parents is not None:
        origin[:, 0] = parents
    return Proposals(
        deltas,
        may_synchronize(deltas, partial=partial) if synchronizing is None else synchronizing,
        np.zeros(count, np.int64),
        origin,
        np.full(count, np.nan),
    )


def concatenate(parts: Sequence[Proposals]) -> Proposals:
    """Return the proposals of several batches as one."""
    return Proposals._make(np.concatenate(columns) for columns in zip(*parts, strict=True))
