"""Rows of small automata: one cell each, with a caption, and marks on changed transitions."""

from __future__ import annotations

import math
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import (
    EllipseCollection,
    LineCollection,
    PathCollection,
    PolyCollection,
)
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.path import Path as Curve

from automata.deltas import Deltas, undefined_entries
from automata.drawing.colors import BLACK, MARK, line_color
from automata.drawing.compact import compact_drawing, compact_reach
from automata.text.words import format_word
from data.drawn import Cell
from data.plots import GREY, PALE, Floats, line_style, new_figure

# Lengths are in inches. A cell is a square with the drawing, and a line with the caption below.
_SIDE, _LINE, _GAP, _LEFT, _TOP = 1.56, 0.28, 0.1, 1.8, 0.75
_LEGEND_LINE, _LEGEND_WIDTH, _LEAST_WIDTH, _LEAST_HEIGHT = 0.3, 2.1, 9.0, 1.2
_LABEL = 17
"""Characters of a line of a row's label."""
WRONG, KNOWN, SHADE = "#B00020", "#3B6FB5", "#E6EEF8"
"""Frame of what does not synchronize, frame and ground of what is in the training set."""


def changed_from(delta: Deltas, before: Deltas) -> npt.NDArray[np.bool_]:
    """Return which transitions (k, n) of an automaton differ from those of another.

    Examples
    --------
    >>> changed_from(np.array([[1, 0], [0, 0]]), np.array([[1, 0], [0, 1]])).tolist()
    [[False, False], [False, True]]
    """
    return np.asarray(delta != before)


def draw_cells(
    rows: Sequence[tuple[str, Sequence[Cell]]], *, heads: Sequence[str] = (), title: str = ""
) -> Figure:
    """Draw rows of automata of one size as a figure; call it within `data.plots.style`.

    Parameters
    ----------
    rows : sequence of (label, cells)
        Long labels are wrapped, after their own line breaks.
    heads : sequence of str
        Heads of the columns.
    title : str
        A line above all.

    Returns
    -------
    Figure
        Axes of one unit an inch.
    """
    cells = [cell for _, own in rows for cell in own]
    n = max((cell.delta.shape[1] for cell in cells), default=1)
    side = cell_side(n)
    across, down = side + _GAP, side + _LINE + _GAP
    columns = max((len(own) for _, own in rows), default=0)
    width = max(_LEFT + across * columns + _GAP, _LEAST_WIDTH)
    handles = _legend(cells)
    per_line = max(1, min(len(handles), int(width / _LEGEND_WIDTH)))
    bottom = _LEGEND_LINE * math.ceil(len(handles) / per_line) + 0.2
    height = max(_LEAST_HEIGHT, bottom + down * len(rows) + (_TOP if heads else _TOP - 0.3))
    top = bottom + down * len(rows)
    figure = new_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    if handles:
        axes.legend(
            handles=handles, loc="lower center", ncols=per_line, frameon=False, handlelength=2.8,
            handleheight=1.1, borderaxespad=0.3, columnspacing=1.5, fontsize=11,
        )  # fmt: skip
    axes.text(_GAP, height - 0.22, title, va="center", size=11)
    for j, head in enumerate(heads):
        x = _LEFT + across * j + side / 2
        axes.text(x, top + 0.06, head, ha="center", va="bottom", size=12)
    shapes = Shapes()
    for i, (label, own) in enumerate(rows):
        y = top - down * i - side / 2
        axes.text(_LEFT - 0.12, y, _wrap(label), ha="right", va="center", size=11, parse_math=False)
        for j, cell in enumerate(own):
            centre = np.array([_LEFT + across * j + side / 2, y])
            _frame(axes, cell, centre, side)
            shapes.add(cell.delta, centre, side / 2 / compact_reach(n), cell.changed)
    shapes.show(axes)
    return figure


def cell_side(n: int) -> float:
    """Return the side of the square, in inches, in which n states are drawn."""
    return _SIDE * min(2.0, max(1.0, n / 10))


def _wrap(label: str) -> str:
    return "\n".join(textwrap.fill(line, _LABEL) for line in label.splitlines())


def _legend(cells: Sequence[Cell]) -> list[Artist]:
    """Return the entries of the legend: the letters, and the marks that occur."""
    letters: Iterable[Artist] = (
        Line2D(
            [], [], color=line_color(a), ls=line_style(a), lw=1.8,
            label=f"letter {format_word((a,))}",
        )
        for a in range(max((len(cell.delta) for cell in cells), default=0))
    )  # fmt: skip
    marks = [
        (
            any(len(undefined_entries(cell.delta)) for cell in cells),
            Line2D([], [], color=GREY, ls=":", lw=1.8, label="undefined"),
        ),
        (
            any(cell.changed is not None and cell.changed.any() for cell in cells),
            Line2D([], [], color=MARK, lw=7, label="changed"),
        ),
        (
            any(cell.given for cell in cells),
            Patch(facecolor="white", edgecolor=BLACK, lw=1.8, label="given, not decoded"),
        ),
        (
            any(cell.known for cell in cells),
            Patch(facecolor=SHADE, edgecolor=KNOWN, lw=1.8, label="in the training set"),
        ),
        (
            any(cell.wrong for cell in cells),
            Patch(facecolor="white", edgecolor=WRONG, ls="--", lw=1.8, label=_no_word(cells)),
        ),
    ]
    return [*letters, *(mark for occurs, mark in marks if occurs)]


def _no_word(cells: Sequence[Cell]) -> str:
    """Return what is said of automata that no word synchronizes."""
    careful = "no careful word"
    return careful if any(cell.caption == careful for cell in cells) else "no reset word"


def _frame(axes: Axes, cell: Cell, centre: Floats, side: float) -> None:
    """Draw the ground, the frames and the caption of a cell."""
    x, y = centre - (side / 2, side / 2 + _LINE)

    def frame(inset: float, **kwargs: object) -> None:
        size = side - 2 * inset, side + _LINE - 2 * inset
        axes.add_patch(Rectangle((x + inset, y + inset), *size, **kwargs))  # type: ignore[arg-type]

    frame(0, facecolor=SHADE if cell.known else "white", edgecolor=PALE, lw=0.8)
    frames = [
        *([{"edgecolor": BLACK, "lw": 2.0}] if cell.given else []),
        *([{"edgecolor": KNOWN, "lw": 1.8}] if cell.known and not cell.given else []),
        *([{"edgecolor": WRONG, "lw": 1.8, "ls": "--"}] if cell.wrong else []),
    ]
    for place, own in enumerate(frames):
        frame(0.01 + 0.035 * place, fill=False, **own)
    axes.text(
        centre[0], y + 0.15, cell.caption, ha="center", va="center",
        color=WRONG if cell.wrong else BLACK, size=12 if len(cell.caption) < 12 else 9.5,
        weight="bold",
    )  # fmt: skip


class Shapes:
    """The shapes of all automata of a picture, drawn as a few collections: much faster."""

    def __init__(self) -> None:
        self.marks: list[Curve] = []
        self.curves: dict[int, list[Curve]] = defaultdict(list)
        self.heads: dict[int, list[Floats]] = defaultdict(list)
        self.stubs: dict[int, list[Floats]] = defaultdict(list)
        self.bars: dict[int, list[Floats]] = defaultdict(list)
        self.states: list[tuple[Floats, float, int]] = []

    def add(
        self,
        delta: Deltas,
        centre: Floats,
        scale: float,
        changed: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Add an automaton, (k, n), around a point; `scale` is the radius of a state in inches."""
        drawing = compact_drawing(delta)

        def put(points: Floats) -> Floats:
            return np.asarray(centre + scale * points * (1, -1))  # y goes up here

        self.states += [(place, scale, q) for q, place in enumerate(put(drawing.places))]
        for arrow in drawing.arrows:
            curve = put(arrow.curve)
            codes = [Curve.MOVETO, *[Curve.CURVE4] * (len(curve) - 1)]
            self.curves[arrow.letter].append(Curve(curve, codes))
            self.heads[arrow.letter].append(put(arrow.triangle))
            if changed is not None and changed[arrow.letter, arrow.source]:
                whole = np.vstack([curve, put(arrow.tip)])
                self.marks.append(Curve(whole, [*codes, Curve.LINETO]))
        for stub in drawing.stubs:
            self.stubs[stub.letter].append(put(stub.line))
            self.bars[stub.letter].append(put(stub.bar))
            if changed is not None and changed[stub.letter, stub.source]:
                self.marks.append(Curve(put(stub.line)))

    def show(self, axes: Axes) -> None:
        """Draw everything that was added."""
        if self.marks:
            axes.add_collection(
                PathCollection(
                    self.marks, facecolors="none", edgecolors=MARK, linewidths=5.5, zorder=1.5,
                    capstyle="round",
                )
            )  # fmt: skip
        for letter, curves in sorted(self.curves.items()):
            color = line_color(letter)
            axes.add_collection(
                PathCollection(
                    curves, facecolors="none", edgecolors=color, linewidths=1.4,
                    linestyles=[line_style(letter)], zorder=2,
                )
            )  # fmt: skip
            heads = PolyCollection(self.heads[letter], facecolors=color, linewidths=0, zorder=3)
            axes.add_collection(heads)
        for letter, lines in sorted(self.stubs.items()):
            color = line_color(letter)
            axes.add_collection(LineCollection(lines, colors=color, lw=1.4, ls=":", zorder=2))
            bars = LineCollection(self.bars[letter], colors=color, lw=2.4, zorder=3)
            axes.add_collection(bars)
        if self.states:
            sizes = [2 * radius for _, radius, _ in self.states]
            circles = EllipseCollection(
                sizes, sizes, 0, units="xy", offsets=[place for place, _, _ in self.states],
                offset_transform=axes.transData, facecolors="white", edgecolors=GREY,
                linewidths=0.8, zorder=4,
            )  # fmt: skip
            axes.add_collection(circles)
        for (x, y), radius, q in self.states:
            axes.text(
                x, y - 0.002, f"{q}", ha="center", va="center_baseline",
                size=72 * radius * (1.25 if q < 10 else 0.95), zorder=5,
            )  # fmt: skip
