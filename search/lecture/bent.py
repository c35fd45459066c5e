"""Posteriors in two latent dimensions: what a model takes for p(z|x), beside what it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from automata.drawing.colors import BLUE
from data.picture import Picture, as_picture
from data.plots import Floats, new_figure, style
from search.lecture.learned import Learned
from search.lecture.planes import MASSES, SHADES, Plane, mass_levels
from vae.coding import encode_automata
from vae.encoding import encode_deltas
from vae.model import VAE
from vae.posteriors import Posterior

_MEASURED, _DRAWN = 60, 400
"""Held-out automata whose gap is measured, and points drawn from the posterior of each."""
_CLOUD = 1000
"""Points in a panel."""
_COARSE, _FINE, _WIDEST = 81, 100, 5.0
"""Points along each side of the grids that find the posterior and show it; reach of the first."""


class Window(NamedTuple):
    """A true posterior on a grid."""

    x: Floats
    """(side,)"""
    y: Floats
    """(side,)"""
    density: Floats
    """(y, x), not normalized"""


@torch.no_grad()
def log_joint(model: VAE, z: Tensor, tokens: Tensor) -> Tensor:
    """Return log p(x|z) + log p(z) of pairs of an automaton and a point, in nats: (batch,).

    Parameters
    ----------
    model : VAE
    z : tensor, shape (batch, latent)
    tokens : int64 tensor, shape (batch, n, k)
    """
    logits = model.decoder(z, tokens)
    nats = functional.cross_entropy(logits.flatten(0, 2), tokens.flatten(), reduction="none")
    return model.prior.log_density(z) - nats.view(len(z), -1).sum(1)


@torch.no_grad()
def gaps(model: VAE, posterior: Posterior, tokens: Tensor, generator: torch.Generator) -> Floats:
    """Return log p(x) - ELBO = KL(q(z|x) || p(z|x)) of automata, in nats: (batch,).

    An average of weights stands for p(x) (Burda et al. 2016), of the same points as the ELBO.

    Parameters
    ----------
    model : VAE
    posterior : Posterior
        Of the automata.
    tokens : int64 tensor, shape (batch, n, k)
    generator : torch.Generator
    """
    rows = torch.arange(len(tokens)).repeat_interleave(_DRAWN)
    drawn = posterior.take(rows).draw(generator)
    weights = log_joint(model, drawn.z, tokens[rows]) - drawn.log_density
    weights = weights.view(len(tokens), _DRAWN).double()
    log_evidence = weights.logsumexp(1) - math.log(_DRAWN)
    return np.asarray((log_evidence - weights.mean(1)).numpy())


def draw_posteriors(
    planes: Mapping[str, Plane], learned: Learned, generator: torch.Generator
) -> Picture:
    """Draw points of the posterior of one automaton under each model, on the true posterior.

    It is the held-out automaton whose gap is largest under the first model.

    Parameters
    ----------
    planes : mapping
        Names, and models whose latent spaces have two dimensions.
    learned : Learned
        Gaps are measured on its first held-out automata.
    generator : torch.Generator
        Draws points from the posteriors.
    """
    deltas = learned.held_out.deltas[:_MEASURED]
    tokens = torch.from_numpy(encode_deltas(deltas))
    posteriors = {name: encode_automata(plane.model, deltas) for name, plane in planes.items()}
    gap = {
        name: gaps(plane.model, posteriors[name], tokens, generator)
        for name, plane in planes.items()
    }
    hardest = int(next(iter(gap.values())).argmax())
    with style():
        figure = new_figure(9, 3.5)
        figure.set_layout_engine("constrained")
        panels = figure.subplots(1, len(planes), squeeze=False)[0]
        for axes, (name, plane) in zip(panels, planes.items(), strict=True):
            own = tokens[hardest : hardest + 1]
            with torch.no_grad():
                cloud = posteriors[name].take(torch.full((_CLOUD,), hardest)).sample(generator)
            window = true_posterior(plane.model, own)
            levels = mass_levels(window.density, MASSES)
            axes.set_rasterization_zorder(2)
            axes.contourf(
                window.x, window.y, window.density, levels=[*levels, np.inf], colors=SHADES,
                zorder=1,
            )  # fmt: skip
            axes.plot(*cloud.numpy().T, ".", color=BLUE, ms=3, alpha=0.7, mew=0, zorder=1.5)
            axes.set_xlim(window.x[0], window.x[-1])
            axes.set_ylim(window.y[0], window.y[-1])
            axes.set_aspect("equal")
            axes.set_title(
                f"{name}\ngap {gap[name][hardest]:.2f} nats, mean {gap[name].mean():.2f}"
            )
        means = ", ".join(f"{name} {own.mean():.2f}" for name, own in gap.items())
        return as_picture(
            figure,
            f"Grey: p(z|x) of one held-out automaton under each model; blue: points of q(z|x). "
            f"The gap log p(x) - ELBO, mean of {len(deltas)} held-out automata, in nats: {means}.",
        )


def true_posterior(model: VAE, tokens: Tensor) -> Window:
    """Return p(z|x) of one automaton, int64 (1, n, k), on a square grid that holds its mass."""
    places = np.linspace(-_WIDEST, _WIDEST, _COARSE)
    coarse = _density(model, tokens, places, places)
    (level,) = mass_levels(coarse, (0.995,))
    y, x = (places[found] for found in np.nonzero(coarse >= level))
    reach = max(np.ptp(x), np.ptp(y)) / 2 + 2 * (places[1] - places[0])
    middles = [(side.min() + side.max()) / 2 for side in (x, y)]
    across, up = (np.linspace(middle - reach, middle + reach, _FINE) for middle in middles)
    return Window(across, up, _density(model, tokens, across, up))


def _density(model: VAE, tokens: Tensor, x: Floats, y: Floats) -> Floats:
    """Return p(x, z) on a grid, divided by its largest value: (y, x)."""
    grid = torch.from_numpy(np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)).float()
    logs = log_joint(model, grid, tokens.expand(len(grid), -1, -1)).double()
    return np.asarray((logs - logs.max()).exp().view(len(y), len(x)).numpy())
