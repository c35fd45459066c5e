"""The picture of hits: the hit rates of a search's arms, with intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.ticker import MaxNLocator

from automata.drawing.geometry import line_color
from data.plots import GREY, Floats, new_figure, save, say_empty, style
from search.baselines import BASELINES

_Z = 1.959964
"""The quantile of the normal distribution for 95 % intervals."""
_PANELS = (
    ("Threshold ≥ n² - 4n + 6", "hits_top"),
    ("≥ 0.8 (n - 1)²", "hits_0.8"),
    ("≥ 0.7 (n - 1)²", "hits_0.7"),
    ("≥ 0.6 (n - 1)²", "hits_0.6"),
)


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
    share = np.asarray(rates, np.float64) / 1000
    count = np.asarray(calls, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = 1 + _Z**2 / count
        middle = (share + _Z**2 / (2 * count)) / weight
        half = _Z / weight * np.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    # if no call or every call hits, one end is exact
    low = np.where(share == 0, 0, middle - half)
    return 1000 * low, 1000 * np.where(share == 1, 1, middle + half)


def arm_names(summary: pd.DataFrame) -> list[str]:
    """Return the names of a summary's arms: the mode, and the round if it is not 0."""
    return [
        f"{mode} {round}" if int(round) else str(mode)
        for mode, round in zip(summary["mode"], summary["round"], strict=True)
    ]


def plot_arm_hits(summary: pd.DataFrame, stem: Path) -> list[Path]:
    """Draw hits per 1,000 solver calls, one row for each arm; baselines are grey.

    Parameters
    ----------
    summary : DataFrame
        The columns ``SUMMARY_COLUMNS``.
    stem : Path
        The path of the pictures, without an ending.

    Returns
    -------
    list of Path
        The PNG and the SVG.
    """
    rows = np.arange(len(summary))
    colors = [GREY if mode in BASELINES else line_color(0) for mode in summary["mode"]]
    with style():
        figure = new_figure(10, 1.5 + 0.26 * max(3, len(rows)))
        figure.set_layout_engine("constrained")
        figure.suptitle("New automata per 1,000 solver calls, 95 % intervals; baselines grey")
        grid = figure.subplots(1, len(_PANELS), sharey=True)
        for axes, (title, name) in zip(grid, _PANELS, strict=True):
            rates = summary[name].to_numpy(np.float64)
            low, high = wilson_interval(rates, summary["calls"])
            axes.set_title(title)
            axes.barh(rows, np.nan_to_num(rates), height=0.6, color=colors, alpha=0.45)
            axes.hlines(rows, low, high, colors=colors, lw=1.6)
            axes.set_xlim(0, 1.06 * max([0.001, *np.nan_to_num(high).tolist()]))
            axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        grid[0].set_yticks(rows, arm_names(summary), parse_math=False)
        grid[0].set_ylim(max(len(rows), 1) - 0.5, -0.5)
        if not len(rows):
            say_empty(grid[0], "no arm")
        return save(figure, stem)
