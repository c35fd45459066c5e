"""How pictures are drawn and saved, each as PNG and as SVG; the histogram of thresholds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from automata import NOT_SYNCHRONIZING
from automata.drawing.colors import BLACK, BLUE, VERMILION, line_dashes
from data.best_known import Scale
from data.files import write_file

Floats = npt.NDArray[np.floating]

GREY, PALE = "#6B6B6B", "#DADADA"

_DPI = 150
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "synchronizing-automata",  # equal pictures have equal bytes
    "svg.fonttype": "none",  # text as text, not as outlines
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.titlesize": 11,
    "font.size": 9,
}


@contextmanager
def style() -> Iterator[None]:
    """Use our style and ignore the user's matplotlib configuration."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Make a figure, its size in inches, that pyplot does not register."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write ``<stem>.png`` and ``<stem>.svg``, both or neither.

    Parameters
    ----------
    figure : Figure
    stem : Path
        The path without its ending; dots in the name are kept.

    Returns
    -------
    list of Path

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    png, svg = (stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg"))

    def write_both(temporary: Path) -> None:
        figure.savefig(temporary, format="png", dpi=_DPI)
        # Nested: the PNG is renamed only after the SVG.
        write_file(svg, lambda path: figure.savefig(path, format="svg", metadata={"Date": None}))

    write_file(png, write_both)
    return [png, svg]


def line_style(kind: int) -> tuple[float, tuple[float, ...] | None]:
    """Return the dashes of a letter or an arm for matplotlib: (offset, lengths in points)."""
    return 0, line_dashes(kind) or None


def say_empty(axes: Axes, text: str) -> None:
    """Write a line in the middle of axes that have nothing to show."""
    axes.text(0.5, 0.5, text, ha="center", va="center", color=GREY, transform=axes.transAxes)


def plot_thresholds(
    thresholds: npt.NDArray[np.integer],
    scale: Scale,
    stem: Path,
    *,
    counts: npt.NDArray[np.integer] | None = None,
    ceiling: int | None = None,
    label: str = "ceiling",
) -> list[Path]:
    """Draw the histogram of thresholds, with the Černý bound or the longest known one marked.

    Parameters
    ----------
    thresholds : int array, shape (rows,)
        -1 for non-synchronizing automata: they have a separate bar, if there are any.
    scale : Scale
        The size of the automata, whether they are partial, and their classes.
    stem : Path
        The path of the pictures, without an ending.
    counts : int array, shape (rows,), optional
        Number of automata with each threshold, if `thresholds` are distinct. Default: one each.
    ceiling : int, optional
        The longest threshold that was kept; marked as well.
    label : str
        Label of that mark.

    Returns
    -------
    list of Path
        The PNG and the SVG.
    """
    if counts is None:
        thresholds, counts = np.unique(thresholds, return_counts=True)
    apart = int(counts[thresholds == NOT_SYNCHRONIZING].sum())
    bound, partial = scale.best, scale.partial
    total = int(counts.sum())
    what = "partial " * partial + ("automaton" if total == 1 else "automata")
    title = f"{total:,} {what}, n = {scale.n}"
    lengths, counts = thresholds[thresholds >= 0], counts[thresholds >= 0]
    if len(lengths):
        title += f", longest threshold {lengths[-1]}"
    with style():
        figure = new_figure(8, 4)
        panels = figure.subplots(
            1, 2 if apart else 1, sharey=True, squeeze=False,
            width_ratios=[1, 10] if apart else [1],
            gridspec_kw={"left": 0.09, "right": 0.97, "bottom": 0.17, "top": 0.78, "wspace": 0.06},
        )[0]  # fmt: skip
        right = panels[-1]
        figure.suptitle(title, x=0.09, ha="left")
        panels[0].set_ylim(0.5, 2 * max([apart, *counts.tolist(), 5]))
        panels[0].set_yscale("log")
        panels[0].set_ylabel("automata")
        if apart:
            left = panels[0]
            left.bar([0], [apart], width=0.85, color=PALE, edgecolor=GREY, hatch="///")
            left.set_xlim(-0.8, 0.8)
            none = "no careful\nword" if partial else "not\nsynchronizing"
            left.set_xticks([0], [f"{none}\n{apart:,}"], size=8)
            right.tick_params(which="both", left=False)
            right.spines["left"].set_visible(False)
        right.bar(lengths, counts, width=0.85, color=BLUE)
        right.set_xlim(-0.7, 1.01 * max([bound or 0, ceiling or 0, *lengths.tolist()]) + 0.7)
        right.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12, min_n_ticks=1))
        right.set_xlabel("careful threshold" if partial else "reset threshold")
        name = "longest known" if scale.by_record else "Černý bound"
        marks = [] if bound is None else [(bound, f"{name} {bound}", VERMILION, "-")]
        if ceiling is not None:
            marks.append((ceiling, f"{label} {ceiling}", BLACK, "--"))
        # Labels stand above the axes, the left one lower: no label crosses the other's line.
        for height, mark in zip((1.03, 1.11), sorted(marks), strict=False):
            _mark(right, height, *mark)
        if not len(lengths):
            say_empty(right, "no careful word" if partial else "no synchronizing automaton")
        return save(figure, stem)


def _mark(axes: Axes, height: float, x: float, label: str, color: str, dashes: str) -> None:
    """Draw a vertical line at x up to a height above the axes, its label beside the end."""
    frame = axes.get_xaxis_transform()
    axes.plot(
        [x, x], [0, height + 0.05], dashes, color=color, lw=1.2, transform=frame, clip_on=False
    )
    late = x > 0.25 * axes.get_xlim()[1]
    axes.annotate(
        label, (x, height), xycoords=frame, xytext=(-4 if late else 4, 0),
        textcoords="offset points", ha="right" if late else "left", color=color,
        annotation_clip=False,
    )  # fmt: skip


def chi_density(x: npt.ArrayLike, degrees: int) -> Floats:
    """Return the density of the chi distribution, the norm of a standard normal vector.

    Parameters
    ----------
    x : array of float
        Norms, at least 0.
    degrees : int
        The dimension of the vector, at least 1.

    Returns
    -------
    float array, the shape of `x`

    Examples
    --------
    >>> chi_density([0, 1, 2], degrees=2).round(4).tolist()
    [0.0, 0.6065, 0.2707]
    """
    norms = np.asarray(x, np.float64)
    scale = (degrees / 2 - 1) * math.log(2) + math.lgamma(degrees / 2)
    logs = (degrees - 1) * np.log(np.maximum(norms, np.finfo(np.float64).tiny))
    return np.asarray(np.exp(logs - norms**2 / 2 - scale))
