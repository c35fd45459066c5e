"""The pictures of a discovery: families, hits and gaps of the arms. Each as PNG and as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from automata.drawing.colors import line_color
from automata.sizes import cerny_bound
from data.plots import GREY, PALE, line_style, new_figure, save, say_empty, style
from search.discovery.step import Step
from search.discovery.tables import scale_of
from search.scoring.scores import ALL, FIRST_LOOK, Runs

_MARKERS = "osD^vPX"
_MEANS = "mean over the seeds, 95 % bootstrap interval"
_SPREAD = 0.6
"""Width of the arms of one size, as a share of the distance between two sizes."""
_POINTS = 300
"""Points of a curve of gaps."""
_SIZES = 9
"""Most panels of gaps."""
_BANDS = 4
"""Most arms with bands: more bands would hide each other."""
_DECADES = 5
"""Powers of ten of calls on the axis."""


def plot_families(comparison: pd.DataFrame, stem: Path) -> list[Path]:
    """Draw the number of known families found against n, in the first look and in all calls.

    The grey steps are the families that exist at each size.

    Parameters
    ----------
    comparison : DataFrame
        As `search.scoring.comparison.compare_arms` returns it.
    stem : Path
        The path of the pictures, without an ending.

    Returns
    -------
    list of Path
        The PNG and the SVG.
    """
    panels = [
        ("At the first look", _looks(comparison)),
        ("After all calls", comparison[comparison["window"] == ALL]),
    ]
    known = comparison.groupby("n")["families_known"].first()
    top = max([1, *known.tolist()])
    with style():
        figure, grid = _new_rows(comparison, f"Known families found: {_MEANS}")
        for axes, (title, rows) in zip(grid, panels, strict=True):
            axes.set_title(title)
            axes.set_ylabel("families")
            edges = np.append(known.index.to_numpy() - 0.5, known.index.max() + 0.5)
            if len(known):
                axes.stairs(known.to_numpy(), edges, fill=True, color=PALE, alpha=0.5, lw=0)
                axes.stairs(known.to_numpy(), edges, color=GREY, lw=1.2, label="known")
            _draw_arms(axes, rows, "families_found", _arms(comparison))
            axes.set_ylim(-0.04 * top, 1.06 * top)
            axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        return _finish(figure, grid, comparison, stem)


def plot_hits(comparison: pd.DataFrame, stem: Path, *, by_record: bool = False) -> list[Path]:
    """Draw distinct hits per 1,000 distinct calls of the first look against n, on a log scale.

    Rates of 0 are in a separate grey row below the scale. Sizes of which no length is known have no
    rates.

    Parameters
    ----------
    comparison : DataFrame
        As `search.scoring.comparison.compare_arms` returns it.
    stem : Path
        The path of the pictures, without an ending.
    by_record : bool
        Whether hits are counted from records on, as in `data.best_known.Scale`.

    Returns
    -------
    list of Path
        The PNG and the SVG.
    """
    panels = [("Threshold ≥ n² - 4n + 6", "hits_top"), ("Threshold ≥ 0.8 (n - 1)²", "hits_0.8")]
    if by_record:
        panels = [("Threshold ≥ the longest known", "hits_top")]
        panels.append(("Threshold ≥ 0.8 of the longest known", "hits_0.8"))
    looks = _looks(comparison)
    with style():
        figure, grid = _new_rows(comparison, f"Distinct hits at the first look: {_MEANS}")
        for axes, (title, name) in zip(grid, panels, strict=True):
            axes.set_title(title)
            axes.set_ylabel("per 1,000 calls")
            zero = _set_log_scale(axes, looks[[name, f"{name}_low", f"{name}_high"]])
            _draw_arms(axes, looks, name, _arms(comparison), zero)
            if len(looks) and looks[name].isna().all():
                say_empty(axes, "no length is known")
        return _finish(figure, grid, comparison, stem)


def plot_gaps(steps: Runs, stem: Path, *, sizes: Sequence[int] | None = None) -> list[Path]:
    """Draw the best gap to the bound against solver calls, one panel a size.

    The gap of partial automata, and in classes, is that to the longest known threshold, or to
    (n-1)^2 where none is known; it is negative for a record.

    Lines are medians over the seeds. A dot marks the end of the first look. With at most four arms,
    bands go from the lower to the upper quartile. A line begins when more than half of the seeds
    have kept an automaton.

    Parameters
    ----------
    steps : mapping of (arm, seed) to mapping of size to Step
    stem : Path
        The path of the pictures, without an ending.
    sizes : sequence of int, optional
        The sizes to draw, at most nine. Default: spread evenly over all.

    Returns
    -------
    list of Path
        The PNG and the SVG.

    Raises
    ------
    ValueError
        If there are more than nine sizes.
    """
    if sizes is None:
        every = sorted({n for own in steps.values() for n in own})
        places = np.linspace(0, len(every) - 1, min(_SIZES, len(every))).round().astype(int)
        sizes = [every[place] for place in places]
    if len(sizes) > _SIZES:
        raise ValueError(f"{len(sizes)} sizes are over the limit of {_SIZES} panels")
    arms = [*dict.fromkeys(arm for arm, _ in steps)]
    columns = min(3, max(1, len(sizes)))
    rows = max(1, -(-len(sizes) // columns))
    with style():
        figure = new_figure(3.4 + 2.7 * columns, 1.2 + max(2.4 * rows, 0.2 * len(arms)))
        figure.set_layout_engine("constrained", h_pad=0.06, w_pad=0.06)
        every_step = [step for own in steps.values() for step in own.values()]
        to = scale_of(every_step[0]).kind if every_step else "Černý bound"
        title = f"Best gap to the {to}\nmedian over the seeds"
        title += ", quartiles" if len(arms) <= _BANDS else ""
        figure.suptitle(f"{title}; a dot ends the first look", x=0.01, ha="left")
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat[max(1, len(sizes)) :]:
            axes.set_axis_off()
        if not sizes:
            grid[0, 0].set_axis_off()
            say_empty(grid[0, 0], "no size yet")
            return save(figure, stem)
        for axes, n in zip(grid.flat, sizes, strict=False):
            _draw_gaps(axes, steps, arms, n)
        for axes in grid[:, 0]:
            axes.set_ylabel("gap")
        for axes in grid.flat[max(0, len(sizes) - columns) : len(sizes)]:
            axes.set_xlabel("solver calls")
        figure.legend(
            *grid[0, 0].get_legend_handles_labels(), loc="outside right upper", frameon=False,
            handlelength=3.4,
        )  # fmt: skip
        return save(figure, stem)


def _looks(comparison: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the first look, for arms that have one."""
    return comparison[(comparison["window"] == FIRST_LOOK) & (comparison["calls"] > 0)]


def _arms(rows: pd.DataFrame) -> list[str]:
    return [*dict.fromkeys(rows["arm"])]


def _new_rows(rows: pd.DataFrame, title: str) -> tuple[Figure, npt.NDArray[Any]]:
    """Make a figure with two panels, one above the other."""
    width = 4.5 + 0.55 * max(6, rows["n"].nunique())
    figure = new_figure(width, max(6.4, 1.2 + 0.2 * len(_arms(rows))))
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08)
    figure.suptitle(title, x=0.01, ha="left")
    return figure, figure.subplots(2, 1, sharex=True)


def _draw_arms(
    axes: Axes, rows: pd.DataFrame, name: str, arms: Sequence[str], zero: float | None = None
) -> None:
    """Draw a measure of each arm against n, with intervals, the arms side by side."""
    shifts = _SPREAD * (np.arange(len(arms)) + 0.5) / max(1, len(arms)) - _SPREAD / 2
    for place, (arm, shift) in enumerate(zip(arms, shifts, strict=True)):
        own = rows[rows["arm"] == arm].sort_values("n")
        if own.empty:
            continue
        middle, low, high = (own[name + end].to_numpy(np.float64) for end in ("", "_low", "_high"))
        if zero is not None:
            middle, low, high = (np.where(x == 0, zero, x) for x in (middle, low, high))
        x, color = own["n"].to_numpy() + shift, line_color(place)
        axes.vlines(x, low, high, color=color, lw=1.1, alpha=0.6)
        axes.plot(
            x, middle, color=color, ls=line_style(place), lw=1, label=arm,
            marker=_MARKERS[place % len(_MARKERS)], markersize=4,
        )  # fmt: skip
    if rows.empty:
        say_empty(axes, "nothing yet")


def _set_log_scale(axes: Axes, rates: pd.DataFrame) -> float:
    """Scale the axis to whole decades around the rates; return the place below them for 0."""
    numbers = rates.to_numpy(np.float64)
    positive = numbers[numbers > 0]
    first = math.floor(math.log10(positive.min())) if len(positive) else -2
    last = max(first + 1, math.ceil(math.log10(positive.max())) if len(positive) else 0)
    marks = [10.0**power for power in range(first, last + 1)]
    labels = [f"{mark:g}" for mark in marks]
    zero, bottom = 10 ** (first - 0.5), 10 ** (first - 0.1)
    axes.set_yscale("log")
    if (numbers == 0).any():
        bottom = 10 ** (first - 0.7)
        axes.axhspan(bottom, 10 ** (first - 0.25), color=PALE, alpha=0.5, lw=0)
        marks, labels = [zero, *marks], ["0", *labels]
    axes.set_yticks(marks, labels)
    fine = [digit * 10.0**power for power in range(first, last) for digit in range(2, 10)]
    axes.set_yticks(fine, minor=True, labels=[""] * len(fine))
    axes.set_ylim(bottom, 10 ** (last + 0.05))
    return zero


def _finish(figure: Figure, grid: npt.NDArray[Any], rows: pd.DataFrame, stem: Path) -> list[Path]:
    """Label n, put the legend beside the panels, and save."""
    grid[-1].set_xlabel("n")
    grid[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if not rows.empty:
        grid[-1].set_xlim(rows["n"].min() - 0.55, rows["n"].max() + 0.55)
        for axes in grid:
            for n in range(int(rows["n"].min()), int(rows["n"].max())):
                axes.axvline(n + 0.5, color=PALE, lw=0.6, zorder=0)
    handles: dict[str, Artist] = {}
    for axes in grid:
        drawn, labels = axes.get_legend_handles_labels()
        handles |= zip(labels, drawn, strict=True)
    order = [name for name in ["known", *_arms(rows)] if name in handles]
    figure.legend(
        [handles[name] for name in order], order, loc="outside right upper", frameon=False,
        handlelength=3.4,
    )  # fmt: skip
    return save(figure, stem)


def _draw_gaps(axes: Axes, steps: Runs, arms: Sequence[str], n: int) -> None:
    """Draw the gaps of all arms at one size."""
    bound, name = float(cerny_bound(n)), "bound"
    lowest, most, highest = 0.0, 1, 1.0
    curves = []
    for place, arm in enumerate(arms):
        color, dashes = line_color(place), line_style(place)
        axes.plot([], [], color=color, ls=dashes, lw=1.4, label=arm)
        own = [sizes[n] for (name, _), sizes in steps.items() if name == arm and n in sizes]
        if own:
            scale = scale_of(own[0])
            bound = scale.least(1)
            if scale.by_record:
                name = "(n - 1)²" if scale.best is None else "longest known"
            most = max(most, *(step.calls for step in own))
            curves.append((color, dashes, own))
    start = max(1, 10 ** (len(str(most)) - _DECADES))
    for color, dashes, own in curves:
        last = max(1, *(step.calls for step in own))
        look = np.median([step.first_look for step in own])
        calls = np.unique([*np.geomspace(1, last, _POINTS).round(), max(1, look)])
        gaps = np.sort([_gap_at(step, calls) for step in own], axis=0)  # (seeds, points)
        middle = np.median(gaps, axis=0)
        drawn = np.isfinite(middle)
        axes.step(calls[drawn], middle[drawn], where="post", color=color, ls=dashes, lw=1.4)
        if len(arms) <= _BANDS:
            quarter = (len(gaps) - 1) / 4
            low = gaps[math.floor(quarter), drawn]
            high = np.minimum(gaps[math.ceil(3 * quarter), drawn], bound)
            axes.fill_between(calls[drawn], low, high, color=color, alpha=0.15, lw=0, step="post")
        at = np.searchsorted(calls, look)
        if look and drawn[at]:
            axes.plot(look, middle[at], "o", color=color, markersize=4)
        highest = max(highest, np.max(middle[drawn & (calls >= start)], initial=0))
        lowest = min(lowest, np.min(middle[drawn], initial=0))
    axes.set_title(f"n = {n}, {name} {bound:.0f}")
    axes.set_xscale("log")
    axes.set_xlim(start, max(10, 1.1 * most))
    axes.set_ylim(lowest - 0.04 * highest, 1.06 * highest)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if not curves:
        say_empty(axes, "nothing yet")


def _gap_at(step: Step, calls: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the best gap among kept automata after each number of calls, inf if none."""
    order = np.argsort(step.found_at, kind="stable")
    best = np.maximum.accumulate(step.thresholds[order])
    gaps = np.append(np.inf, scale_of(step).least(1) - best)
    return gaps[np.searchsorted(step.found_at[order], calls, side="right")]
