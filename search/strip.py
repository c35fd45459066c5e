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
from automata.solver import Thresholds
from automata.words import format_word
from search.plots import (
    BLACK,
    GREY,
    PALE,
    Floats,
    line_color,
    line_dashes,
    new_figure,
    save,
    style,
)

# Lengths are in inches. A cell is a square for the drawing and a line below for the threshold.
_LINE, _GAP, _LEFT, _TOP = 0.24, 0.1, 1.6, 0.7
_LEGEND_LINE, _LEAST_WIDTH = 0.25, 7.5
_STATE, _HEAD, _LOOP, _MARGIN = 0.067, 0.075, 0.2, 0.66

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
    """Draw the automata along paths through the latent space, one row a path.

    Parameters
    ----------
    rows : sequence of StripRow
        One row a mode or round, each with as many points as there are alphas.
    alphas : array of float, shape (points,)
        The positions of the points on their path.
    stem : Path
        The path of the pictures, without an ending.

    Returns
    -------
    list of Path
        The PNG and the SVG.

    Raises
    ------
    ValueError
        If a row has another number of points than there are alphas.
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
        drawing = _Drawing(circle)
        for i, row in enumerate(rows):
            y = height - _TOP - down * i - cell / 2
            axes.text(
                _LEFT - 0.12, y, _wrap(row.label), ha="right", va="center", size=10,
                parse_math=False,
            )  # fmt: skip
            for j in range(len(columns)):
                centre = np.array([_LEFT + across * j + cell / 2, y])
                _draw_frame(axes, row, j, centre, cell)
                drawing.add(row.deltas[j], centre)
        for j, alpha in enumerate(columns):
            x = _LEFT + across * j + cell / 2
            axes.text(x, height - _TOP + 0.12, f"α = {alpha:.3g}", ha="center", size=10)
        drawing.show(axes)
        return save(figure, stem)


def _legend(k: int) -> list[Artist]:
    """Return the entries of the legend: k letters and the marks of frames."""
    letters = [
        Line2D(
            [],
            [],
            color=line_color(a),
            ls=line_dashes(a),
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
    """Return the radius of the circle of states: more of them need more room."""
    return 0.46 * min(2.0, max(1.0, n / 10))


def _draw_frame(axes: Axes, row: StripRow, j: int, centre: Floats, cell: float) -> None:
    """Draw a cell without its automaton: frame, marks, threshold."""
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


class _Drawing:
    """The shapes of all automata of a picture, drawn at once: a few collections, not thousands."""

    def __init__(self, circle: float) -> None:
        self.circle = circle
        self.curves: dict[int, list[Curve]] = defaultdict(list)
        self.heads: dict[int, list[Floats]] = defaultdict(list)
        self.states: list[tuple[Floats, float, int]] = []

    def add(self, delta: Deltas, centre: Floats) -> None:
        """Add an automaton (k, n): states on a circle around a point, transitions as arrows."""
        k, n = delta.shape
        angles = math.pi / 2 - 2 * math.pi * np.arange(n) / n
        places = centre + (self.circle if n > 1 else 0) * _direction(angles)  # (n, 2)
        radius = min(_STATE, 1.9 * self.circle / n)
        self.states += [(place, radius, q) for q, place in enumerate(places)]
        # The letters between two states, in both directions, are kept apart by their curvature.
        bundles: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        for a in range(k):
            for p, q in enumerate(delta[a].tolist()):
                bundles[min(p, q), max(p, q)].append((p, q, a))
        for (low, high), bundle in bundles.items():
            bundle.sort()
            if low == high:
                for j, (_, _, a) in enumerate(bundle):
                    share = (j + 1) / len(bundle) * (-1) ** j
                    self._loop(a, places[low], angles[low], radius, share)
                continue
            inward = _inward(places[low], places[high], centre)
            bends = self._bends(n, high - low, len(bundle), radius)
            for (p, q, a), bend in zip(bundle, bends, strict=True):
                control = (places[p] + places[q]) / 2 + 2 * bend * inward
                start = places[p] + radius * _unit(control - places[p])
                back = _unit(control - places[q])
                gap = float(np.linalg.norm(places[p] - places[q])) - 2 * radius
                self._arrow(a, [start, control], places[q] + radius * back, back, 0.45 * gap)

    def _bends(self, n: int, distance: int, count: int, radius: float) -> Floats:
        """Return how far inward the middle of each of `count` arrows between two states lies.

        They spread around the straight line, but keep clear of the states between the two.
        """
        distance = min(distance, n - distance)
        spread = min(0.17 * self.circle, 0.55 * self.circle / count)
        bends = spread * (np.arange(count) - (count - 1) / 2)
        # How far the arc's next state lies outside the middle of the chord.
        turn = math.pi / n
        clear = self.circle * (math.cos(turn * (distance % 2)) - math.cos(turn * distance))
        if distance > 1:
            bends += max(0.0, 1.5 * radius - clear - float(bends[0]))
        return bends

    def _loop(self, letter: int, place: Floats, angle: float, radius: float, share: float) -> None:
        """Add a loop outside the circle; `share` of the full size, negative the other way round.

        The loops of several letters nest, and their arrow heads fall on both sides.
        """
        size = abs(share)
        # A smaller circle of states has smaller loops.
        reach = radius + size * _LOOP * min(1.0, radius / _STATE)
        half, wide = (math.copysign(turn, share) for turn in (0.3 + 0.5 * size, 0.25 + 0.35 * size))
        points = [
            place + radius * _direction(angle - half),
            place + 1.3 * reach * _direction(angle - wide),
            place + 1.3 * reach * _direction(angle + wide),
        ]
        tip = place + radius * _direction(angle + half)
        self._arrow(letter, points, tip, _unit(points[-1] - tip), 0.4 * reach)

    def _arrow(
        self, letter: int, points: list[Floats], tip: Floats, back: Floats, room: float
    ) -> None:
        """Add a Bezier curve that ends in an arrow head; `back` points from its tip to its foot."""
        size = min(_HEAD, room)
        side = 0.38 * size * np.array([-back[1], back[0]])
        foot = tip + size * back
        self.heads[letter].append(np.array([tip, foot + side, foot - side]))
        code = Curve.CURVE3 if len(points) == 2 else Curve.CURVE4
        vertices = np.array([*points, tip + 0.8 * size * back])
        self.curves[letter].append(Curve(vertices, [Curve.MOVETO, *[code] * len(points)]))

    def show(self, axes: Axes) -> None:
        """Draw everything that was added."""
        for letter, curves in sorted(self.curves.items()):
            color = line_color(letter)
            axes.add_collection(
                PathCollection(
                    curves, facecolors="none", edgecolors=color, linewidths=1.1,
                    linestyles=[line_dashes(letter)], zorder=2,
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


def _direction(angle: npt.ArrayLike) -> Floats:
    """Return unit vectors (..., 2) of angles."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector))


def _inward(low: Floats, high: Floats, centre: Floats) -> Floats:
    """Return the unit normal of a chord, towards the centre; either one for a diameter."""
    x, y = _unit(high - low)
    normal = np.array([-y, x])
    return normal if normal @ (centre - (low + high) / 2) >= 0 else -normal
