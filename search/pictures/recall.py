"""The picture of recall: the share of all classes found, against solver calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from automata.drawing.colors import line_color
from data.plots import line_style, new_figure, save, say_empty, style
from search.scoring.recall import ArmCurve, RecallPanel

_ROUNDS = 5
"""Most rounds of encode-decode that are drawn."""
_POINTS = 400
"""Points of a curve."""
_DECADES = 4
"""Powers of ten of calls on the axis."""


def plot_recall(panels: Sequence[RecallPanel], n: int, stem: Path) -> list[Path]:
    """Draw recall against solver calls, a line for each arm, a panel for each threshold.

    Parameters
    ----------
    panels : sequence of RecallPanel
        At most four, with the same arms.
    n : int
        Number of states.
    stem : Path
        The path of the pictures, without an ending.

    Returns
    -------
    list of Path
        The PNG and the SVG.
    """
    columns = 2 if len(panels) == 4 else max(1, len(panels))
    rows = 2 if len(panels) == 4 else 1
    arms = _drawn(panels[0]) if panels else []
    legend_rows = -(-len(arms) // 4)
    calls = max((arm.calls for arm in arms), default=1)
    with style():
        figure = new_figure(9, 1 + 2.6 * rows + 0.22 * legend_rows)
        figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.08)
        figure.suptitle(f"Recall, n = {n}: classes found, of all there are", x=0.01, ha="left")
        grid = figure.subplots(rows, columns, sharex=True, squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            _draw_panel(axes, panel)
            axes.set_xscale("log")
            axes.set_xlim(max(1, 10 ** (len(str(calls)) - _DECADES)), max(10, 1.1 * calls))
        if not panels:
            grid[0, 0].set_axis_off()
            say_empty(grid[0, 0], "no class to be found")
            return save(figure, stem)
        for axes in grid[:, 0]:
            axes.set_ylabel("share found")
        for axes in grid[-1]:
            axes.set_xlabel("solver calls")
        figure.legend(
            *grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4,
            frameon=False, handlelength=3.4,
        )  # fmt: skip
        return save(figure, stem)


def _draw_panel(axes: Axes, panel: RecallPanel) -> None:
    """Draw the curves of one threshold; the axis ends just above the highest."""
    number = f"{panel.classes:,} class" + ("es" if panel.classes > 1 else "")
    axes.set_title(f"threshold ≥ {panel.threshold}: {number}")
    highest = 0.0
    for place, arm in enumerate(_drawn(panel)):
        calls = np.unique(np.geomspace(1, max(1, arm.calls), _POINTS).astype(np.int64))
        found = np.searchsorted(arm.found_at, calls, side="right") / panel.classes
        highest = max(highest, float(found[-1]))
        axes.plot(
            calls, found, color=line_color(place), ls=line_style(place), lw=1.4,
            drawstyle="steps-post", label=_label(arm),
        )  # fmt: skip
    axes.set_ylim(-0.03 * (highest or 1), 1.06 * (highest or 1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _drawn(panel: RecallPanel) -> list[ArmCurve]:
    return [arm for arm in panel.curves if arm.round <= _ROUNDS]


def _label(arm: ArmCurve) -> str:
    return f"{arm.mode}, round {arm.round}" if arm.round else arm.mode
