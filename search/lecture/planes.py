"""Models of automata with two latent dimensions, one for each option, and pictures of priors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.ticker import MaxNLocator

from automata.deltas import Deltas
from automata.drawing.colors import BLACK, VERMILION
from automata.drawing.compact import compact_reach
from automata.solver.exact import Thresholds, reset_thresholds
from data.picture import Picture, as_picture
from data.plots import GREY, Floats, new_figure, style
from search.lecture.config import LectureConfig
from search.lecture.learned import Learned
from search.pictures.cells import Shapes
from vae.checkpoint import load_model
from vae.coding import decode_points, draw_prior, encode_automata
from vae.config import ModelConfig, ModelOptions, TrainConfig
from vae.encoding import decode_tokens
from vae.history import Metrics
from vae.model import VAE
from vae.priors import MixturePrior, VampPrior
from vae.train import train

_ROWS = 4000
"""Automata of an epoch, at most: two dimensions are soon full."""
_SHOWN = 400
"""Most encoded automata in a panel."""
_SAMPLES = 1000
"""Points of the prior that are decoded and solved."""
MASSES = (0.95, 0.8, 0.6, 0.4, 0.2)
"""Shares of the probability within the contours of a density."""
SHADES = ("#EFEFEF", "#E2E2E2", "#D2D2D2", "#C0C0C0", "#ACACAC")
"""Greys within them."""
_SIDE = 60
"""Points along each side of a grid."""
_BINS = 90
"""Parts of a circle in which points are stacked."""
_PANEL, _EDGE, _HEAD, _BAR = 2.8, 0.12, 0.42, 0.85
"""In inches: side of a panel, space around it, room for its title, for the bar of colours."""


class Plane(NamedTuple):
    """A model with two latent dimensions, and its training."""

    model: VAE
    metrics: Metrics
    """The rows of ``metrics.csv``, one an epoch"""

    @property
    def kept(self) -> dict[str, float]:
        """The row of the epoch whose weights are kept."""
        return next(row for row in self.metrics if row["kept"])


def train_plane(
    learned: Learned, config: LectureConfig, folder: Path, options: ModelOptions | None = None
) -> Plane:
    """Train a small model with two latent dimensions on the dataset of another, with beta 1.

    Parameters
    ----------
    learned : Learned
    config : LectureConfig
    folder : Path
        The model folder.
    options : ModelOptions, optional
        Default: a normal prior and a diagonal posterior.
    """
    data = learned.data
    shape = ModelConfig(
        n=data.n, k=data.k, latent=2, decoder="repeat", embedding=8, channels=32,
        convolutions=2, hidden=48,
        options=options or ModelOptions(),
    )  # fmt: skip
    training = TrainConfig(
        epochs=config.epochs, epoch_rows=min(_ROWS, len(data)), batch=128, beta=1.0,
        learning_rate=4e-3, weights="uniform", held_out=learned.share,
        seed=config.seed,
    )  # fmt: skip
    metrics = train(data, folder, shape, training, device="cpu")
    return Plane(load_model(folder), metrics)


def draw_priors(
    planes: Mapping[str, Plane], learned: Learned, generator: torch.Generator
) -> Picture:
    """Draw each prior in grey, held-out automata on it, and the pseudo-inputs of a VampPrior.

    Parameters
    ----------
    planes : mapping
        Names, and models whose latent spaces have two dimensions.
    learned : Learned
        Its held-out automata are encoded.
    generator : torch.Generator
        Draws points from the priors.
    """
    rows = np.arange(len(learned.held_out))[:_SHOWN]
    shown = learned.held_out.take(rows)
    lines = math.ceil((len(planes) + 1) / 3)
    width, height = 3 * (_PANEL + 2 * _EDGE) + _BAR, lines * (_PANEL + _HEAD + _EDGE)
    results = []
    with style():
        figure = new_figure(width, height)

        def panel(place: int) -> Axes:
            line, column = divmod(place, 3)
            left = _EDGE + column * (_PANEL + 2 * _EDGE)
            bottom = height - (line + 1) * (_PANEL + _HEAD + _EDGE) + _EDGE
            box = (left / width, bottom / height, _PANEL / width, _PANEL / height)
            axes = figure.add_axes(box)
            axes.set_xticks([])
            axes.set_yticks([])
            return axes

        for place, (name, plane) in enumerate(planes.items()):
            axes = panel(place)
            dots = draw_encoded(axes, plane.model, shown.deltas, shown.reset_thresholds)
            valid = float((_sample_thresholds(plane.model, generator) >= 0).mean())
            loss, kl = _bound(plane), plane.kept["held_out_kl"]
            axes.set_title(
                f"{name}: ELBO {-loss:.2f}, KL {kl:.2f} nats\n{valid:.0%} of samples valid"
            )
            results.append(f"{name} {-loss:.2f} nats ({valid:.0%} of its samples valid)")
        vamp = [p.model for p in planes.values() if isinstance(p.model.prior, VampPrior)]
        for model in vamp[:1]:
            draw_pseudo_inputs(panel(len(planes)), model)
        bar = figure.add_axes((1 - 0.74 / width, 0.25, 0.14 / width, 0.5))
        figure.colorbar(dots, cax=bar, label="reset threshold", ticks=MaxNLocator(integer=True))
        return as_picture(
            figure,
            f"Priors p(z) in grey, {len(shown)} held-out automata on them. ELBO, held out: "
            f"{', '.join(results)}.",
        )


def _bound(plane: Plane) -> float:
    """Return minus the ELBO of held-out automata, in nats."""
    return plane.kept["held_out_reconstruction"] + plane.kept["held_out_kl"]


def _sample_thresholds(model: VAE, generator: torch.Generator) -> Thresholds:
    return reset_thresholds(decode_points(model, draw_prior(model, _SAMPLES, generator)).deltas)


def draw_encoded(axes: Axes, model: VAE, deltas: Deltas, thresholds: Thresholds) -> PathCollection:
    """Draw the prior's density, and on it the posterior means of automata coloured by threshold.

    On a circle equal directions are stacked outwards.
    """
    points = shown = encode_automata(model, deltas).mu.numpy()
    if model.config.options.prior == "sphere":
        turn = np.linspace(0, 2 * np.pi, 200)
        circle = np.stack([np.cos(turn), np.sin(turn)], 1)
        axes.plot(*circle.T, color=GREY, lw=3, alpha=0.4)
        points = stack_outwards(points, thresholds)
        shown = np.concatenate([points, circle])
    ends = np.stack([shown.min(0), shown.max(0)])
    reach = max(1.0, 0.62 * float(np.ptp(ends, axis=0).max()))
    low, high = ends.mean(0) - reach, ends.mean(0) + reach
    if model.config.options.prior != "sphere":
        _draw_density(axes, model, low, high)
    order = np.argsort(thresholds, kind="stable")  # the slowest lie on top
    x, y = points[order].T
    dots = axes.scatter(x, y, s=7, c=thresholds[order], lw=0, cmap="viridis", rasterized=True)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    left, bottom = low + 0.08 * reach
    axes.plot([left, left + 1], [bottom, bottom], color=BLACK, lw=1.5)
    axes.text(left + 1.05, bottom, "1", va="center", size=8)
    if isinstance(model.prior, MixturePrior):
        axes.plot(*model.prior.mu.detach().numpy().T, "+", color=VERMILION, ms=9, mew=1.8)
    if isinstance(model.prior, VampPrior):
        with torch.no_grad():
            centres = model.prior.components().mu.numpy()
        for number, (x, y) in enumerate(centres, 1):
            axes.text(
                x, y, f"{number}", ha="center", va="center", size=7.5, weight="bold", color="white",
                bbox={"boxstyle": "circle,pad=0.18", "fc": VERMILION, "ec": "white", "lw": 0.8},
            )  # fmt: skip
    return dots


@torch.no_grad()
def _draw_density(axes: Axes, model: VAE, low: Floats, high: Floats) -> None:
    """Draw the density of a prior as contours that hold shares of its probability there."""
    x, y = np.linspace(low, high, _SIDE).T
    flat = torch.from_numpy(np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)).float()
    density = model.prior.log_density(flat).exp().numpy().reshape(_SIDE, _SIDE)
    levels = mass_levels(density, MASSES)
    axes.contourf(x, y, density, levels=[*levels, np.inf], colors=SHADES)


def mass_levels(density: Floats, masses: tuple[float, ...]) -> list[float]:
    """Return the levels above which a density on a grid holds some shares of its mass.

    Parameters
    ----------
    density : float array
    masses : tuple of float
        Falling.

    Examples
    --------
    >>> mass_levels(np.array([1.0, 2.0, 3.0, 4.0]), (0.9, 0.4))
    [2.0, 4.0]
    """
    falling = np.sort(density.ravel())[::-1]
    held = np.cumsum(falling) / falling.sum()
    return [float(falling[np.searchsorted(held, mass)]) for mass in masses]


def stack_outwards(points: Floats, thresholds: Thresholds) -> Floats:
    """Move points of a circle outwards so that none covers another, long thresholds outside.

    Parameters
    ----------
    points : float array, shape (points, 2)
        Of length 1.
    thresholds : int array, shape (points,)

    Returns
    -------
    float array, shape (points, 2)
        In the middle of the part of the circle that a point is in.

    Examples
    --------
    >>> places = stack_outwards(np.array([[1.0, 0.01], [1.0, 0.02]]), np.array([5, 3]))
    >>> np.linalg.norm(places, axis=1).round(2).tolist()
    [1.11, 1.06]
    """
    bins = np.floor(np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) * _BINS).astype(np.int64)
    radii = np.empty(len(points))
    for part in np.unique(bins):
        own = np.flatnonzero(bins == part)
        radii[own[np.argsort(thresholds[own], kind="stable")]] = np.arange(len(own))
    turn = (bins + 0.5) * 2 * np.pi / _BINS
    step = min(0.05, 1.0 / max(1.0, radii.max(initial=0)))
    return np.asarray((1.06 + step * radii)[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1))


def draw_pseudo_inputs(axes: Axes, model: VAE, most: int = 9) -> None:
    """Draw the pseudo-inputs of a VampPrior as automata: each transition to its likeliest target.

    The axes are a square, as `draw_priors` makes them.
    """
    prior = model.prior
    if not isinstance(prior, VampPrior):
        raise ValueError(f"prior={model.config.options.prior} has no pseudo-inputs")
    deltas = decode_tokens(prior.inputs.detach().argmax(-1).numpy())[:most]
    shares = prior.logits.detach().softmax(0).numpy()
    side = math.ceil(math.sqrt(len(deltas)))
    cell = _PANEL / side
    shapes = Shapes()
    for place, delta in enumerate(deltas):
        line, column = divmod(place, side)
        x, y = column * cell, _PANEL - (line + 1) * cell
        centre = np.array([x + cell / 2, y + cell / 2 - 0.06])
        shapes.add(delta, centre, (cell / 2 - 0.1) / compact_reach(delta.shape[1]))
        axes.text(
            x + 0.04, y + cell - 0.03, f"{place + 1}", va="top", weight="bold", color=VERMILION
        )
        weight = f"{shares[place]:.0%}"
        axes.text(x + cell - 0.04, y + cell - 0.05, weight, va="top", ha="right", size=7)
    axes.set_xlim(0, _PANEL)
    axes.set_ylim(0, _PANEL)
    shapes.show(axes)
    axes.set_title(f"{len(deltas)} pseudo-inputs of the VampPrior,\nwith their weights")
    for spine in axes.spines.values():
        spine.set_visible(False)
