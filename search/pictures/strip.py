"""The interpolation strip: paths through the latent space as rows of small automata."""

from __future__ import annotations

import math
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, PathCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.path import Path as Curve

from automata.automaton import Deltas
from automata.drawing.geometry import BLACK, circle_drawing, circle_radius, line_color
from automata.solver.exact import Thresholds
from automata.text.words import format_word
from data.plots import (
    GREY,
    PALE,
    Floats,
    line_style,
    new_figure,
    save,
    style,
)

# Lengths are in inches. A cell is a square with the drawing, and a line with the threshold below.
_LINE, _GAP, _LEFT, _TOP = 0.24, 0.1, 1.6, 0.7
_LEGEND_LINE, _LEAST_WIDTH = 0.25, 7.5
_STATE, _MARGIN = 0.067, 0.66

_WRONG, _KNOWN = "#B00020", "#3B6FB5"


class StripRow(NamedTuple):
    """The automata along one path."""

    label: str
    """The mode or round; long ones are wrapped."""
    deltas: Deltas
    """uint8 (points, k, n)"""
    synchronizing: npt.NDArray[np.bool_]
    """bool (points,)"""
    thresholds: Thresholds
    """int32 (points,), -1 for non-synchronizing automata"""
    in_training: npt.NDArray[np.bool_]
    """bool (points,), up to isomorphism"""


def plot_strip(rows: Sequence[StripRow], alphas: npt.ArrayLike, stem: Path) -> list[Path]:
    """Draw the automata along paths through the latent space, one row for each path.

    Parameters
    ----------
    rows : sequence of StripRow
        One row for each mode or round, with one point for each alpha.
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
        If the number of a row's points is not that of the alphas.
    """
    columns = np.atleast_1d(np.asarray(alphas, np.float64)).tolist()
    for row in rows:
        if any(len(field) != len(columns) for field in row[1:]):
            raise ValueError(
                f"row {row.label!r} has not one point for each of {len(columns)} alphas"
            )
    columns = columns if rows else []
    circle = _circle(max((row.deltas.shape[2] for row in rows), default=1))
    cell = 2 * circle + _MARGIN
    across, down = cell + _GAP, cell + _LINE + _GAP
    width = max(_LEFT + across * len(columns) + _GAP, _LEAST_WIDTH)
    handles = _legend(max((row.deltas.shape[1] for row in rows), default=0))
    per_line = min(len(handles), int(width / 1.7))
    bottom = _LEGEND_LINE * math.ceil(len(handles) / per_line) + 0.2
    height = bottom + down * len(rows) + _TOP
    with style():
        figure = new_figure(width, height)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, width)  # one unit is one inch
        axes.set_ylim(0, height)
        axes.legend(
            handles=handles, loc="lower center", ncols=per_line, frameon=False, handlelength=3.2,
            handleheight=1.1, borderaxespad=0.3, columnspacing=1.5,
        )  # fmt: skip
        axes.text(
            _GAP, height - 0.22, "State 0 on top, then clockwise; below, the reset threshold"
            if rows else "No rows to show", va="center",
        )  # fmt: skip
        shapes = _Shapes()
        for i, row in enumerate(rows):
            y = height - _TOP - down * i - cell / 2
            axes.text(
                _LEFT - 0.12, y, _wrap(row.label), ha="right", va="center", size=10,
                parse_math=False,
            )  # fmt: skip
            for j in range(len(columns)):
                centre = np.array([_LEFT + across * j + cell / 2, y])
                _draw_frame(axes, row, j, centre, cell)
                shapes.add(row.deltas[j], centre, circle)
        for j, alpha in enumerate(columns):
            x = _LEFT + across * j + cell / 2
            axes.text(x, height - _TOP + 0.12, f"α = {alpha:.3g}", ha="center", size=10)
        shapes.show(axes)
        return save(figure, stem)


def _legend(k: int) -> list[Artist]:
    """Return the entries of the legend: k letters and two kinds of frames."""
    letters = [
        Line2D(
            [],
            [],
            color=line_color(a),
            ls=line_style(a),
            lw=1.4,
            label=f"letter {format_word((a,))}",
        )
        for a in range(k)
    ]
    known = Patch(facecolor="#E6EEF8", edgecolor=_KNOWN, lw=1.8, label="in the training set")
    wrong = Patch(facecolor="white", edgecolor=_WRONG, ls="--", lw=1.8, label="✗ not synchronizing")
    return [*letters, known, wrong]


def _wrap(label: str) -> str:
    """Break a label into lines of at most 17 characters, after its own line breaks."""
    return "\n".join(textwrap.fill(line, 17) for line in label.splitlines())


def _circle(n: int) -> float:
    """Return the radius, in inches, of the circle of n states."""
    return 0.46 * min(2.0, max(1.0, n / 10))


def _draw_frame(axes: Axes, row: StripRow, j: int, centre: Floats, cell: float) -> None:
    """Draw the frame, the marks and the threshold of a cell."""
    x, y = centre - (cell / 2, cell / 2 + _LINE)

    def frame(inset: float, **kwargs: object) -> None:
        size = cell - 2 * inset, cell + _LINE - 2 * inset
        axes.add_patch(Rectangle((x + inset, y + inset), *size, **kwargs))  # type: ignore[arg-type]

    valid, known = bool(row.synchronizing[j]), bool(row.in_training[j])
    frame(0, facecolor="#E6EEF8" if known else "white", edgecolor=PALE, lw=0.8)
    if known:
        frame(0.01, fill=False, edgecolor=_KNOWN, lw=1.8)
    if not valid:
        frame(0.045 if known else 0.01, fill=False, edgecolor=_WRONG, lw=1.8, ls="--")
    axes.text(
        centre[0], y + 0.12, f"{row.thresholds[j]}" if valid else "✗ not synchronizing",
        ha="center", va="center", color=BLACK if valid else _WRONG, size=10 if valid else 7.5,
        weight="bold",
    )  # fmt: skip


class _Shapes:
    """The shapes of all automata of a picture, drawn as a few collections: much faster."""

    def __init__(self) -> None:
        self.curves: dict[int, list[Curve]] = defaultdict(list)
        self.heads: dict[int, list[Floats]] = defaultdict(list)
        self.states: list[tuple[Floats, float, int]] = []

    def add(self, delta: Deltas, centre: Floats, circle: float) -> None:
        """Add an automaton, (k, n): its states are on a circle around a point."""
        drawing = circle_drawing(delta)
        scale = min(_STATE, circle / max(1.0, circle_radius(delta.shape[1])))

        def put(points: Floats) -> Floats:
            return np.asarray(centre + scale * points * (1, -1))  # y goes up here

        self.states += [(place, scale, q) for q, place in enumerate(put(drawing.places))]
        for arrow in drawing.arrows:
            curve = put(arrow.curve)
            codes = [Curve.MOVETO, *[Curve.CURVE4] * (len(curve) - 1)]
            self.curves[arrow.letter].append(Curve(curve, codes))
            self.heads[arrow.letter].append(put(arrow.triangle))

    def show(self, axes: Axes) -> None:
        """Draw everything that was added."""
        for letter, curves in sorted(self.curves.items()):
            color = line_color(letter)
            axes.add_collection(
                PathCollection(
                    curves, facecolors="none", edgecolors=color, linewidths=1.1,
                    linestyles=[line_style(letter)], zorder=2,
                )
            )  # fmt: skip
            heads = PolyCollection(self.heads[letter], facecolors=color, linewidths=0, zorder=3)
            axes.add_collection(heads)
        if self.states:
            sizes = [2 * radius for _, radius, _ in self.states]
            circles = EllipseCollection(
                sizes, sizes, 0, units="xy", offsets=[place for place, _, _ in self.states],
                offset_transform=axes.transData, facecolors="white", edgecolors=GREY,
                linewidths=0.7, zorder=4,
            )  # fmt: skip
            axes.add_collection(circles)
        for (x, y), radius, q in self.states:
            axes.text(
                x, y - 0.002, f"{q}", ha="center", va="center_baseline",
                size=72 * radius * (1.15 if q < 10 else 0.9), zorder=5,
            )  # fmt: skip
