"""The picture of hits: the hit rates of a search's arms, with intervals."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from automata.drawing.colors import line_color
from data.best_known import Scale
from data.plots import GREY, PALE, Floats, new_figure, save, say_empty, style
from search.arms.baselines import BASELINES
from search.evaluation.intervals import share_interval
from search.scoring.comparison import three_digits
from search.summary import HIT_SHARES, distinct_hits, hit_thresholds

HIT_NAMES = {"hits_top": "≥ n² - 4n + 6"} | {
    f"hits_{share}": f"≥ {share} (n - 1)²" for share in HIT_SHARES
}
"""The columns of hits as people are shown them; `hit_names` has those by records."""


def hit_names(scale: Scale | None) -> dict[str, str]:
    """Return the columns of hits as people are shown them.

    Examples
    --------
    >>> [hit_names(Scale(8, 2, partial))["hits_0.6"] for partial in (False, True)]
    ['≥ 0.6 (n - 1)²', '≥ 33, 0.6 of the longest known']
    """
    if scale is None or not scale.by_record or scale.best is None:
        return HIT_NAMES
    least = hit_thresholds(scale)
    names = {"hits_top": f"≥ {scale.best}, the longest known"}
    for share in HIT_SHARES:
        first = math.ceil(round(least[f"hits_{share}"], 9))
        names[f"hits_{share}"] = f"≥ {first}, {share} of the longest known"
    return names


def wilson_interval(rates: npt.ArrayLike, calls: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return 95 % intervals of hits per 1,000 calls (Wilson 1927); calls count as independent.

    Parameters
    ----------
    rates : array of float, shape (arms,)
        Hits per 1,000 calls.
    calls : array of int, shape (arms,)
        Without calls the interval is nan.

    Returns
    -------
    low, high : float array, shape (arms,)
        Per 1,000 calls.

    Examples
    --------
    >>> [round(float(end[0]), 2) for end in wilson_interval([2.5], [20_000])]
    [1.9, 3.29]
    """
    low, high = share_interval(np.asarray(rates, np.float64) / 1000, calls)
    return 1000 * low, 1000 * high


def arm_names(summary: pd.DataFrame) -> list[str]:
    """Return the names of a summary's arms: the mode, and the round if it is not 0."""
    return [
        f"{mode} {round}" if int(round) else str(mode)
        for mode, round in zip(summary["mode"], summary["round"], strict=True)
    ]


def ended_early(summary: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which arms of a summary made fewer calls than others: bool (arms,).

    Examples
    --------
    >>> ended_early(pd.DataFrame({"calls": [4, 1000]})).tolist()
    [True, False]
    """
    calls = summary["calls"].to_numpy()
    return np.asarray(calls < calls.max(initial=0))


def plot_arm_hits(summary: pd.DataFrame, scale: Scale, stem: Path) -> list[Path]:
    """Draw hits per 1,000 solver calls as dots with intervals and values; baselines are grey.

    A panel whose hits no arm has is left out, and named in the title; so is one that would count
    the same hits as another. The label of an arm that ended early says after how many calls.

    Parameters
    ----------
    summary : DataFrame
        The columns ``SUMMARY_COLUMNS``.
    scale : Scale
        Of the automata.
    stem : Path
        The path of the pictures, without an ending.

    Returns
    -------
    list of Path
        The PNG and the SVG.
    """
    rows = np.arange(len(summary))
    colors = [GREY if mode in BASELINES else line_color(0) for mode in summary["mode"]]
    names, titles = distinct_hits(scale), hit_names(scale)
    rates = {name: np.nan_to_num(summary[name].to_numpy(np.float64)) for name in names}
    shown = [name for name in names if rates[name].any()]
    nobody = [titles[name] for name in names if not rates[name].any()] if len(rows) else []
    labels = [
        f"{name} ({calls:,} calls)" if early else name
        for name, calls, early in zip(
            arm_names(summary), summary["calls"], ended_early(summary), strict=True
        )
    ]
    with style():
        width = 2.2 + 2.4 * max(2, len(shown))
        figure = new_figure(width, 1.6 + 0.28 * max(3, len(rows)))
        figure.set_layout_engine("constrained", w_pad=0.08)
        title = "New automata per 1,000 solver calls, 95 % intervals; baselines grey"
        if nobody:
            title += "\nNo arm found any with " + " or ".join(nobody)
        figure.suptitle(title, x=0.01, ha="left")
        if not shown:
            axes = figure.subplots()
            axes.set_axis_off()
            say_empty(axes, "no hit" if len(rows) else "no arm")
            return save(figure, stem)
        grid = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for axes, name in zip(grid, shown, strict=True):
            _draw_panel(axes, titles[name], rates[name], summary["calls"], colors)
        grid[0].set_yticks(rows, labels, parse_math=False)
        grid[0].set_ylim(len(rows) - 0.5, -0.5)
        return save(figure, stem)


def _draw_panel(
    axes: Axes, title: str, rates: Floats, calls: pd.Series[int], colors: list[str]
) -> None:
    """Draw a dot, an interval and a value for each arm; values stand in a column at the right."""
    rows = np.arange(len(rates))
    low, high = wilson_interval(rates, calls)
    axes.set_title(title)
    axes.hlines(rows, low, high, colors=colors, lw=1.8)
    axes.scatter(rates, rows, s=26, c=colors, zorder=3, clip_on=False)
    most = 1.06 * max([0.001, *np.nan_to_num(high).tolist()])
    axes.set_xlim(0, most)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.tick_params(axis="y", length=0)
    for row, (rate, count, color) in enumerate(zip(rates, calls, colors, strict=True)):
        axes.axhline(row, color=PALE, lw=0.6, zorder=0)
        axes.annotate(
            three_digits(rate) if count else "-", (1, row), xycoords=("axes fraction", "data"),
            xytext=(30, 0), textcoords="offset points", ha="right", va="center", color=color,
            weight="bold", annotation_clip=False,
        )  # fmt: skip
