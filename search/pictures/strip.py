"""The interpolation strip: paths through the latent space as rows of small automata."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.deltas import Deltas
from automata.solver.exact import Thresholds
from data.drawn import Cell, word_kind
from data.plots import save, style
from search.pictures.cells import changed_from, draw_cells

_TITLE = (
    "Outside: the two parents; between them: decoded. Yellow: differs from the column before. "
    "Below: the {} threshold"
)


class StripRow(NamedTuple):
    """The automata along one path: the first parent, decoded points, the second parent."""

    label: str
    """The mode or round; long ones are wrapped."""
    deltas: Deltas
    """uint8 (columns, k, n); the first and the last column are the parents, not decoded."""
    thresholds: Thresholds
    """int32 (columns,), -1 for non-synchronizing automata"""
    in_training: npt.NDArray[np.bool_]
    """bool (columns,), up to isomorphism"""
    partial: bool = False
    """Whether the thresholds are careful."""

    def cells(self) -> list[Cell]:
        """Return the cells of the row; marked is what differs from the column before."""
        last, none = len(self.deltas) - 1, f"no {word_kind(self.partial)} word"
        return [
            Cell(
                delta,
                f"{threshold}" if threshold >= 0 else none,
                changed_from(delta, self.deltas[max(0, column - 1)]),
                known=bool(known),
                wrong=bool(threshold < 0),
                given=column in (0, last),
            )
            for column, (delta, threshold, known) in enumerate(
                zip(self.deltas, self.thresholds, self.in_training, strict=True)
            )
        ]


def strip_heads(alphas: npt.ArrayLike) -> list[str]:
    """Return the heads of a strip's columns.

    Parameters
    ----------
    alphas : array of float, shape (points,)
        The places of the decoded points on their path, 1 to 0.

    Examples
    --------
    >>> strip_heads([1, 0.5, 0])
    ['parent A', 'α = 1', 'α = 0.5', 'α = 0', 'parent B']
    """
    places = np.atleast_1d(np.asarray(alphas, np.float64)).tolist()
    return ["parent A", *(f"α = {alpha:.2g}" for alpha in places), "parent B"]


def plot_strip(rows: Sequence[StripRow], alphas: npt.ArrayLike, stem: Path) -> list[Path]:
    """Draw the automata along paths through the latent space, one row for each path.

    Parameters
    ----------
    rows : sequence of StripRow
        One row for each mode or round, with the parents and one point for each alpha.
    alphas : array of float, shape (points,)
        The places of the points on their path, 1 to 0.
    stem : Path
        The path of the pictures, without an ending.

    Returns
    -------
    list of Path
        The PNG and the SVG.

    Raises
    ------
    ValueError
        If the number of a row's columns is not that of the alphas and two parents.
    """
    heads = strip_heads(alphas)
    for row in rows:
        if any(len(field) != len(heads) for field in row[1:4]):
            raise ValueError(
                f"row {row.label!r} has not two parents and one point for each of "
                f"{len(heads) - 2} alphas"
            )
    with style():
        figure = draw_cells(
            [(row.label, row.cells()) for row in rows],
            heads=heads if rows else (),
            title=_TITLE.format(word_kind(rows[0].partial)) if rows else "No rows to show",
        )
        return save(figure, stem)
