"""The picture of a training: its curves, one panel a measure, with the epoch that is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from automata.drawing.colors import BLACK, BLUE, GREEN, PURPLE, VERMILION
from data.plots import GREY, new_figure, save, say_empty, style

Epoch = Mapping[str, float]
_NATS = "nats per automaton"


class _Line(NamedTuple):
    column: str
    label: str
    color: str
    dashes: str


class _Panel(NamedTuple):
    title: str
    unit: str
    lines: tuple[_Line, ...]


def _both(term: str) -> tuple[_Line, ...]:
    return (
        _Line(f"train_{term}", "train", BLUE, "-"),
        _Line(f"held_out_{term}", "held out", VERMILION, "--"),
    )


# fmt: off
_PANELS = (
    _Panel("Objective, held out", _NATS, (_Line("held_out_objective", "", BLACK, "-"),)),
    _Panel("Reconstruction", _NATS, _both("reconstruction")),
    _Panel("KL", _NATS, _both("kl")),
    _Panel("KL of each dimension", "nats", ()),
    _Panel("Exact, held out", "share of automata",
     (_Line("exact_from_mu", "from mu", GREEN, "-"),
      _Line("exact_from_sample", "from z ~ q", PURPLE, "--"))),
    _Panel("Active units", "latent dimensions", (_Line("active_units", "", BLACK, "-"),)),
    _Panel("Discriminator", "nats per judgement",
     (_Line("train_discriminator", "discriminator", GREEN, "-"),
      _Line("train_generator", "decoder", PURPLE, "--"))),
    _Panel("Features missed", "share of variance", (_Line("train_features", "", BLACK, "-"),)),
    _Panel("Guide, held out", _NATS, (_Line("held_out_guide", "", BLACK, "-"),)),
    _Panel("Beta", "weight of the KL", (_Line("beta", "", BLACK, "-"),)),
    _Panel("Learning rate", "", (_Line("learning_rate", "", BLACK, "-"),)),
)
# fmt: on


def plot_training(metrics: Sequence[Epoch], stem: Path) -> list[Path]:
    """Draw the training curves; a panel whose measure is not in the metrics is left out.

    Parameters
    ----------
    metrics : sequence of mappings
        The rows of ``metrics.csv``; a missing value leaves a gap. The epoch with ``kept`` = 1 is
        marked.
    stem : Path
        The path of the pictures, without an ending.

    Returns
    -------
    list of Path
        The PNG and the SVG.
    """
    shown = [(panel, lines) for panel in _PANELS if (lines := _lines(panel, metrics))]
    kept = [int(row["epoch"]) for row in metrics if row.get("kept")]
    epochs = [int(row["epoch"]) for row in metrics] or [1]
    columns = min(4, max(1, len(shown)))
    rows = math.ceil(max(1, len(shown)) / columns)
    with style():
        figure = new_figure(3.3 * columns, 2.7 * rows + 0.4)
        figure.set_layout_engine("constrained", h_pad=0.06, w_pad=0.06)
        grid = [*figure.subplots(rows, columns, squeeze=False).flat]
        for axes, (panel, lines) in zip(grid, shown, strict=False):
            _draw(axes, panel, metrics, lines, kept)
            axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        for axes in grid[len(shown) :]:
            axes.set_axis_off()
            if not shown:
                say_empty(axes, "no epoch yet")
        if kept:
            figure.suptitle(f"Dotted: epoch {kept[0]}, whose weights are kept", x=0.01, ha="left")
        return save(figure, stem)


def _lines(panel: _Panel, metrics: Sequence[Epoch]) -> list[_Line]:
    """Return the lines of a panel that have values; the KL's dimensions have a thin line each."""
    names = dict.fromkeys(name for row in metrics for name in row)
    lines = [*panel.lines] or [
        _Line(name, "", GREY, "-") for name in names if name.startswith("kl_")
    ]
    return [line for line in lines if np.isfinite(_column(metrics, line.column)).any()]


def _draw(
    axes: Axes, panel: _Panel, metrics: Sequence[Epoch], lines: Sequence[_Line], kept: list[int]
) -> None:
    """Draw a panel: its lines against epochs, the legend under the title."""
    thin = not panel.lines
    axes.set_title(panel.title, pad=20, weight="bold")
    axes.set_ylabel(panel.unit)
    for epoch in kept:
        axes.axvline(epoch, color=GREY, lw=1, ls=":", zorder=0)
    epochs = _column(metrics, "epoch")
    for column, label, color, dashes in lines:
        axes.plot(
            epochs, _column(metrics, column), dashes, label=label, color=color, marker=".",
            markersize=2 if thin else 4, lw=0.6 if thin else 1.5, alpha=0.7 if thin else 1,
        )  # fmt: skip
    top = axes.dataLim.y1
    if panel.unit == "share of automata":
        axes.set_ylim(-0.03, 1.03)
    elif panel.title == "Reconstruction" and top > 5 * axes.dataLim.minposy:
        axes.set_yscale("log")  # it falls over orders of magnitude
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter("")
    elif top > 0 and not panel.title.endswith(", held out"):
        axes.set_ylim(0, 1.06 * top)
    if len(lines) > 1 and not thin:
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderaxespad=0.1,
            borderpad=0.1, handlelength=3,
        )  # fmt: skip


def _column(metrics: Sequence[Epoch], name: str) -> npt.NDArray[np.float64]:
    return np.array([row.get(name, math.nan) for row in metrics], np.float64)  # (epochs,)
