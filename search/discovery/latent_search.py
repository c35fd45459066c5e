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
from search.decode import encode_automata
from search.discovery.leaps import LeapContext, name_parents
from search.proposals import Proposals
from vae.model import VAE

_POPULATION = 16
"""Points of one CMA-ES a generation."""
_GENERATIONS = 10
"""Generations after which a CMA-ES begins anew elsewhere."""
_STEPS = (1, 2, 4, 8, 16)
"""Steps of gradient ascent."""
_LENGTHS = (0.1, 0.2, 0.4)
"""Of each of these steps, where the prior has standard deviation 1."""
_RIDGE = 0.1
"""Penalty of the regression, where the prior has variance 1: unused dimensions weigh nothing."""
_FARTHEST = 3.0
"""Largest step of the arithmetic, where the prior has standard deviation 1."""


class _Search(NamedTuple):
    """One CMA-ES about a posterior sample of a parent."""

    optimizer: SepCMA
    spread: npt.NDArray[np.float64]
    """float64 (latent,): its unit of length, the posterior's standard deviation"""
    parent: np.int64
    """The parent's name."""


def cma_es(context: LeapContext) -> Generator[Proposals, Thresholds, None]:
    """Many small CMA-ES at once, each about a posterior sample of a smaller elite.

    Each adapts to the thresholds of its own points, and begins anew about another elite after some
    generations, when it has converged, or when all its points are equally good. Variances are
    adapted dimension by dimension (Ros and Hansen 2008): the posterior's are independent too, a
    full covariance cannot be learned in a few generations, and it costs four times as much.

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
        for search, asked, told in zip(searches, points, losses, strict=True):
            search.optimizer.tell(list(zip(asked, told, strict=True)))
        going = [
            search
            for search, told in zip(searches, losses, strict=True)
            if np.ptp(told) > 0
            and search.optimizer.generation < _GENERATIONS
            and not search.optimizer.should_stop()
        ]
        searches = going + _begin(context, len(searches) - len(going))


def _begin(context: LeapContext, count: int) -> list[_Search]:
    """Begin as many CMA-ES, their parents drawn by size, evenly, and by rank."""
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
    """Few or many, short or long steps up the predicted threshold from smaller elites."""
    rng = context.rng
    while True:
        z, parents = context.draw_points()
        steps = torch.from_numpy(rng.choice(_STEPS, size=len(z))).to(z.device)
        lengths = torch.from_numpy(rng.choice(_LENGTHS, size=len(z))).to(z)
        yield context.decode(ascend(context.model.model, z, steps, lengths), parents)


def ascend(model: VAE, z: Tensor, steps: Tensor, lengths: Tensor) -> Tensor:
    """Follow the gradient of the predicted ratio.

    Parameters
    ----------
    model : VAE
        Its weights, and their gradients, stay as they are.
    z : tensor, shape (batch, latent)
    steps : int64 tensor, shape (batch,)
        How many each point takes.
    lengths : tensor, shape (batch,)
        Of each step of a point, however steep it is there.

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
    """Random steps along the direction in which thresholds rise, from smaller elites."""
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
    """Return the direction in which ratios rise, by ridge regression within sizes.

    Parameters
    ----------
    known : sequence of (float64 array (rows, latent), float64 array (rows,))
        Points of the latent space and their thresholds / Černý bound, size by size.

    Returns
    -------
    float64 array, shape (latent,)
        Of length 1, or all zeros where there is no such direction.

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
