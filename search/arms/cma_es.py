"""Many small CMA-ES at once, each about one parent: the points to decode, and what they teach.

Each adapts one variance a dimension to the thresholds of its own points (sep-CMA-ES, Ros and Hansen
2008), because a posterior's dimensions are independent too. A full covariance would need more
generations, and four times the time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from cmaes import SepCMA
from torch import Tensor

from automata.solver.exact import UNKNOWN, Thresholds
from data.damage import DataError

LEAST_LATENT = 2
"""Dimensions of the latent space, at least."""
POPULATION = 16
"""Points of a CMA-ES in a generation."""
_GENERATIONS = 10
"""After this many generations a CMA-ES starts again at another parent."""


class SmallSearch(NamedTuple):
    """One CMA-ES about a posterior sample of a parent."""

    optimizer: SepCMA
    spread: npt.NDArray[np.float64]
    """float64 (latent,): the posterior's standard deviations, its units of length"""
    parent: np.int64


class Asked(NamedTuple):
    """One generation of all the searches."""

    z: Tensor
    """float (searches * POPULATION, latent), on the CPU"""
    parents: npt.NDArray[np.int64]
    """int64 (searches * POPULATION,)"""


def check_latent(latent: int) -> None:
    """Raise `DataError` if a latent space has too few dimensions for CMA-ES.

    Examples
    --------
    >>> check_latent(1)
    Traceback (most recent call last):
    data.damage.DataError: latent=1 is below 2: too few for cma-es
    """
    if latent < LEAST_LATENT:
        raise DataError(f"latent={latent} is below {LEAST_LATENT}: too few for cma-es")


def start_searches(
    rng: np.random.Generator, starts: Tensor, spreads: Tensor, parents: npt.NDArray[np.int64]
) -> list[SmallSearch]:
    """Start a CMA-ES at each point.

    Parameters
    ----------
    rng : Generator
        Seeds them.
    starts : tensor, shape (searches, latent)
    spreads : tensor, shape (searches, latent)
        Standard deviations of the first generation.
    parents : int64 array, shape (searches,)
        Names of the parents.
    """
    seeds = rng.integers(2**32, size=len(parents))
    columns = (tensor.double().cpu().numpy() for tensor in (starts, spreads))
    return [
        SmallSearch(
            SepCMA(start / spread, 1.0, seed=int(seed), population_size=POPULATION), spread, parent
        )
        for start, spread, seed, parent in zip(*columns, seeds, parents, strict=True)
    ]


def run_searches(
    begin: Callable[[int], list[SmallSearch]], count: int
) -> Generator[Asked, Thresholds, None]:
    """Yield the generations of `count` searches without end; learn from their thresholds.

    A search gives way to a new one after some generations, when it has converged, or when all its
    points are equally good.

    Parameters
    ----------
    begin : callable
        Returns this many new searches.
    count : int
        Searches at a time.

    Yields
    ------
    Asked
        It is sent the threshold of each point, int32 (searches * POPULATION,). If one is `UNKNOWN`,
        the generation teaches nothing.
    """
    searches = begin(count)
    while True:
        points = np.array(
            [[search.optimizer.ask() for _ in range(POPULATION)] for search in searches]
        )  # (searches, POPULATION, latent)
        scaled = points * np.array([search.spread for search in searches])[:, None]
        parents = np.repeat([search.parent for search in searches], POPULATION)
        flat = torch.from_numpy(scaled.reshape(-1, scaled.shape[2])).float()
        thresholds = yield Asked(flat, parents)
        if (thresholds == UNKNOWN).any():
            continue  # the budget is spent
        losses = -thresholds.reshape(-1, POPULATION).astype(np.float64)
        for search, own_points, own_losses in zip(searches, points, losses, strict=True):
            search.optimizer.tell(list(zip(own_points, own_losses, strict=True)))
        going = [
            search
            for search, own_losses in zip(searches, losses, strict=True)
            if np.ptp(own_losses) > 0
            and search.optimizer.generation < _GENERATIONS
            and not search.optimizer.should_stop()
        ]
        searches = going + begin(len(searches) - len(going))
