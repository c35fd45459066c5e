"""A discriminator beside the decoder: their losses, and what is written with and without it."""

from __future__ import annotations

import math

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from automata.deltas import Deltas
from automata.drawing.colors import BLACK, BLUE, GREEN, VERMILION
from automata.drawing.compact import compact_reach
from automata.solver.exact import Thresholds, reset_thresholds
from data.picture import Picture, as_picture
from data.plots import GREY, new_figure, style
from search.lecture.learned import Learned
from search.lecture.planes import Plane
from search.pictures.cells import WRONG, Shapes
from vae.coding import decode_points, draw_prior

_LOSSES = (
    ("train_discriminator", "discriminator", VERMILION, "-"),
    ("train_generator", "decoder: written ones pass", BLUE, "--"),
    ("train_features", "decoder: features missed", GREEN, ":"),
)
_UNRELATED = 2.0
"""The squared distance of the features of two automata drawn at random, over their variance."""
_COUNT = 2000
"""Automata that each model writes."""
_COLUMNS, _CELL = 5, 1.08
"""Of them drawn, and the side of a drawing in inches."""


def draw_rivals(
    without: Plane, adversarial: Plane, learned: Learned, generator: torch.Generator
) -> Picture:
    """Draw the losses of both sides, and samples of a model without and one with a discriminator.

    Parameters
    ----------
    without, adversarial : Plane
        With the same prior: both decode the same points.
    learned : Learned
        The samples are compared with its dataset.
    generator : torch.Generator
        Draws the points, and what is written at them.
    """
    z = draw_prior(without.model, _COUNT, generator)
    written = {
        name: decode_points(plane.model, z, temperature=1.0, generator=generator).deltas
        for name, plane in (("without", without), ("with it", adversarial))
    }
    thresholds = {name: reset_thresholds(deltas) for name, deltas in written.items()}
    epochs = [row["epoch"] for row in adversarial.metrics]
    with style():
        width, height = 9.2, 3.3
        figure = new_figure(width, height)
        left = figure.add_axes((0.055, 0.15, 0.3, 0.72))
        for column, label, color, dashes in _LOSSES:
            values = [row[column] for row in adversarial.metrics]
            left.plot(epochs, values, dashes, color=color, lw=1.8, marker=".", label=label)
        left.axhline(math.log(2), color=GREY, lw=0.8)
        left.text(epochs[0], math.log(2), " a coin: log 2", color=GREY, va="bottom", size=8)
        left.axhline(_UNRELATED, color=GREY, lw=0.8)
        left.text(epochs[0], _UNRELATED, " unrelated: 2", color=GREY, va="bottom", size=8)
        left.set_ylim(0, 1.4 * left.dataLim.y1)
        left.xaxis.set_major_locator(MaxNLocator(integer=True))
        left.set_xlabel("epoch")
        left.set_title("losses, nats (features: a ratio)")
        left.legend(frameon=False, loc="upper right", fontsize=8)
        box = (3.8 / width, 0.0, 5.4 / width, 1.0)
        right = figure.add_axes(box)
        right.set_axis_off()
        right.set_xlim(0, 5.4)
        right.set_ylim(0, height)
        shapes = Shapes()
        facts = []
        for line, (name, deltas) in enumerate(written.items()):
            top = height - 0.05 - line * 1.63
            valid = thresholds[name] >= 0
            fact = f"{valid.mean():.1%} valid, mean threshold {thresholds[name][valid].mean():.1f}"
            facts.append(f"{name} {fact}")
            right.text(0.05, top, f"{name}: {fact}", va="top", size=10)
            _add_row(shapes, right, deltas, thresholds[name], top - 0.22)
        shapes.show(right)
        data = learned.data.reset_thresholds
        mean = data[data >= 0].mean()
        return as_picture(
            figure,
            f"{_COUNT:,} automata written at the same points of the prior: {'; '.join(facts)} "
            f"(training set {mean:.1f}). Features missed in the last epoch: "
            f"{adversarial.metrics[-1]['train_features']:.1f}, where two unrelated automata have "
            f"about {_UNRELATED:g}.",
        )


def _add_row(
    shapes: Shapes, axes: Axes, deltas: Deltas, thresholds: Thresholds, top: float
) -> None:
    """Add the first automata of a list as a row, each with its threshold below."""
    for place, (delta, threshold) in enumerate(zip(deltas[:_COLUMNS], thresholds, strict=False)):
        centre = np.array([(place + 0.5) * _CELL, top - _CELL / 2])
        shapes.add(delta, centre, _CELL / 2 / compact_reach(delta.shape[1]))
        caption, color = (f"{threshold}", BLACK) if threshold >= 0 else ("no reset word", WRONG)
        axes.text(
            centre[0], top - _CELL - 0.02, caption, ha="center", va="top", size=8.5, color=color
        )
