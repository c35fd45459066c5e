"""Sources that search the latent space: CMA-ES, gradient ascent, attribute arithmetic."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from cmaes import SepCMA
from torch import Tensor

from automata.automaton import cerny_bound
from automata.solver.exact import UNKNOWN, Thresholds
from search.discovery.leaps import LeapContext, name_parents
from search.proposals import Proposals
from vae.coding import encode_automata
from vae.model import VAE

_POPULATION = 16
"""Points of a CMA-ES in a generation."""
_GENERATIONS = 10
"""After this many generations a CMA-ES starts again at another elite."""
_STEPS = (1, 2, 4, 8, 16)
"""Numbers of steps of gradient ascent, one drawn for each point."""
_LENGTHS = (0.1, 0.2, 0.4)
"""Lengths of a step, one drawn for each point; the prior has standard deviation 1."""
_RIDGE = 0.1
"""Penalty of the ridge regression; the prior has variance 1. Unused dimensions get no weight."""
_FARTHEST = 3.0
"""Largest step of the arithmetic; the prior has standard deviation 1."""


class _Search(NamedTuple):
    """One CMA-ES about a posterior sample of a parent."""

    optimizer: SepCMA
    spread: npt.NDArray[np.float64]
    """float64 (latent,): the posterior's standard deviations, its units of length"""
    parent: np.int64
    """Name of the parent, from `name_parents`."""


def cma_es(context: LeapContext) -> Generator[Proposals, Thresholds, None]:
    """Run many small CMA-ES at once, each from a posterior sample of a smaller elite.

    Each adapts to the thresholds of its own points. It starts again at another elite after some
    generations, when it has converged, or when all its points are equally good. It adapts one
    variance a dimension (sep-CMA-ES, Ros and Hansen 2008). The posterior's dimensions are
    independent too. A full covariance would need more generations, and four times the time.

    Raises
    ------
    ValueError
        If the latent space has fewer than two dimensions.
    """
    if context.model.config.latent < 2:
        raise ValueError(f"latent={context.model.config.latent} is below 2: too few for cma-es")
    searches = _begin(context, max(1, context.config.batch // _POPULATION))
    while True:
        points = np.array(
            [[search.optimizer.ask() for _ in range(_POPULATION)] for search in searches]
        )  # (searches, population, latent)
        scaled = points * np.array([search.spread for search in searches])[:, None]
        z = torch.from_numpy(scaled.reshape(-1, scaled.shape[2])).float().to(context.model.device)
        parents = np.repeat([search.parent for search in searches], _POPULATION)
        thresholds = yield context.decode(z, parents)
        if (thresholds == UNKNOWN).any():
            continue  # the budget is spent
        losses = -thresholds.reshape(-1, _POPULATION) / max(1, cerny_bound(context.n))
        for search, own_points, own_losses in zip(searches, points, losses, strict=True):
            search.optimizer.tell(list(zip(own_points, own_losses, strict=True)))
        going = [
            search
            for search, own_losses in zip(searches, losses, strict=True)
            if np.ptp(own_losses) > 0
            and search.optimizer.generation < _GENERATIONS
            and not search.optimizer.should_stop()
        ]
        searches = going + _begin(context, len(searches) - len(going))


def _begin(context: LeapContext, count: int) -> list[_Search]:
    """Start `count` CMA-ES; their parents are spread evenly over sizes, and drawn by rank."""
    sizes, rng, learner = context.parent_sizes, context.rng, context.model
    searches = []
    turns = (np.arange(count) + rng.integers(len(sizes))) % len(sizes)
    for turn, share in zip(*np.unique(turns, return_counts=True), strict=True):
        size = sizes[turn]
        rows = context.draw(size, share)
        deltas = context.elites[size].deltas[rows]
        starts = learner.encode(rng, context.generator, deltas).double().cpu().numpy()
        posterior = encode_automata(learner.model, deltas)
        spreads = posterior.log_sigma.exp().double().cpu().numpy()
        seeds = rng.integers(2**32, size=share)
        for start, spread, seed, parent in zip(
            starts, spreads, seeds, name_parents(size, rows), strict=True
        ):
            optimizer = SepCMA(start / spread, 1.0, seed=int(seed), population_size=_POPULATION)
            searches.append(_Search(optimizer, spread, parent))
    return searches


def gradient(context: LeapContext) -> Generator[Proposals, Thresholds, None]:
    """Take steps of random number and length up the predicted threshold, from smaller elites."""
    rng = context.rng
    while True:
        z, parents = context.draw_points()
        steps = torch.from_numpy(rng.choice(_STEPS, size=len(z))).to(z.device)
        lengths = torch.from_numpy(rng.choice(_LENGTHS, size=len(z))).to(z)
        yield context.decode(ascend(context.model.model, z, steps, lengths), parents)


def ascend(model: VAE, z: Tensor, steps: Tensor, lengths: Tensor) -> Tensor:
    """Follow the gradient of the predicted threshold / Černý bound.

    Parameters
    ----------
    model : VAE
        Its weights and their gradients do not change.
    z : tensor, shape (batch, latent)
    steps : int64 tensor, shape (batch,)
        Number of steps of each point.
    lengths : tensor, shape (batch,)
        Length of each step of a point, however steep the slope.

    Returns
    -------
    tensor, shape (batch, latent)
    """
    for step in range(int(steps.max())):
        with torch.enable_grad():
            start = z.detach().requires_grad_()
            (slope,) = torch.autograd.grad(model.predict(start).sum(), start)
        unit = slope / slope.norm(dim=1, keepdim=True).clamp(min=1e-12)
        z = z.detach() + ((steps > step) * lengths)[:, None] * unit
    return z


def arithmetic(context: LeapContext) -> Generator[Proposals, Thresholds, None]:
    """Take a step of random length from smaller elites, in the direction of rising thresholds."""
    learner = context.model
    known = [
        (
            encode_automata(learner.model, elites.deltas).mu.double().cpu().numpy(),
            elites.thresholds / max(1, cerny_bound(size)),
        )
        for size, elites in sorted(context.elites.items())
    ]
    direction = torch.from_numpy(rising_direction(known)).float().to(learner.device)
    while True:
        z, parents = context.draw_points()
        lengths = torch.from_numpy(_FARTHEST * context.rng.random(len(z))).to(z)
        yield context.decode(z + lengths[:, None] * direction, parents)


def rising_direction(
    known: Sequence[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]],
) -> npt.NDArray[np.float64]:
    """Return the direction in which threshold / Černý bound rises: ridge regression within sizes.

    Parameters
    ----------
    known : sequence of (float64 array (rows, latent), float64 array (rows,))
        Points of the latent space and their thresholds / Černý bound, size by size.

    Returns
    -------
    float64 array, shape (latent,)
        Of length 1, or zeros if there is no such direction.

    Examples
    --------
    >>> z = np.array([[0.0, 0.0], [0.0, 2.0], [1.0, 0.0], [1.0, 2.0]])
    >>> small, large = (z, np.array([0.5, 0.7, 0.5, 0.7])), (z - 9, np.array([0.0, 0.2, 0.0, 0.2]))
    >>> rising_direction([small, large]).round(3).tolist()
    [0.0, 1.0]
    """
    z = np.concatenate([points - points.mean(0) for points, _ in known])
    ratios = np.concatenate([ratios for _, ratios in known])  # their means drop out of z.T @ ratios
    penalty = _RIDGE * len(z) * np.eye(z.shape[1])
    slope = np.linalg.solve(z.T @ z + penalty, z.T @ ratios)
    norm = np.linalg.norm(slope)
    return np.asarray(slope / norm if norm > 0 else slope)
