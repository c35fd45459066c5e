"""The modes of latent search: each chooses points of the latent space to decode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automata.properties import in_classes
from data.damage import DataError
from data.dataset import Dataset
from search.arms.decode import Repaired, decode_and_repair
from search.arms.proposals import Batches, Proposals
from search.configs import MODES as MODES
from search.configs import LatentConfig as LatentConfig
from vae.coding import draw_prior, encode_automata
from vae.interpolate import interpolate
from vae.model import VAE
from vae.posteriors import Posterior


class Points(NamedTuple):
    """Points of the latent space and their parents."""

    z: Tensor
    """(batch, latent)"""
    parents: npt.NDArray[np.int64]
    """int64 (batch, 2): rows of the training set, -1 for none"""
    alpha: npt.NDArray[np.float64]
    """float64 (batch,): place on the path, nan for none"""


class Proposer:
    """What proposes automata: a model, its encoded parents, and one stream of random numbers.

    Parameters
    ----------
    model : VAE
    training : Dataset
    parents : int64 array, shape (parents,)
        Rows of the training set.
    config : LatentConfig
    rng : Generator
        Also seeds torch's generator.
    """

    def __init__(
        self,
        model: VAE,
        training: Dataset,
        parents: npt.NDArray[np.int64],
        config: LatentConfig,
        rng: np.random.Generator,
    ) -> None:
        self.model = model
        self.training = training
        self.config = config
        self.rng = rng
        self.device = next(model.parameters()).device
        self.generator = torch.Generator(self.device)
        self.generator.manual_seed(int(rng.integers(2**62)))
        self.parents = parents
        self.posterior = encode_automata(model, training.deltas[parents])

    def propose(self, mode: str) -> Batches:
        """Yield a list with the batch of each round, of a mode in `search.configs.UNGUIDED`."""
        while True:
            if mode == "encode-decode":
                yield self._encode_decode(self.draw_path(self.config.path))
                continue
            if mode == "prior":
                points = self.draw_prior()
            elif mode == "neighbourhood":
                points = self.draw_neighbourhood()
            else:
                points = self.draw_path(mode)
            yield [self.proposals(points)]

    def draw_path(self, path: str) -> Points:
        """Draw points on paths between the posterior means of random pairs of parents."""
        count = self.config.batch
        first = self.rng.integers(len(self.parents), size=count)
        others = self.rng.integers(1, max(2, len(self.parents)), size=count)
        second = (first + others) % len(self.parents)
        alpha = self.rng.random(count)
        mu = self.posterior.mu
        z = interpolate(
            path,
            mu[torch.from_numpy(first).to(self.device)],
            mu[torch.from_numpy(second).to(self.device)],
            torch.from_numpy(alpha).to(mu),
            sphere=self.model.config.spherical,
        )
        return Points(z, np.stack([self.parents[first], self.parents[second]], 1), alpha)

    def draw_prior(self) -> Points:
        """Draw points from the model's prior."""
        z = draw_prior(self.model, self.config.batch, self.generator)
        return Points(z, np.full((len(z), 2), -1), np.full(len(z), np.nan))

    def draw_neighbourhood(self) -> Points:
        """Draw points from the widened posteriors of random parents."""
        return self.draw_samples(self.config.spread)

    def draw_samples(self, spread: float = 1.0) -> Points:
        """Draw points from the posteriors of random parents, `spread` times as wide."""
        posterior, rows = self.draw_parents(self.config.batch)
        return of_one_parent(posterior.sample(self.generator, spread), rows)

    def draw_parents(self, count: int) -> tuple[Posterior, npt.NDArray[np.int64]]:
        """Draw parents evenly: their posteriors, and their rows of the training set."""
        rows = self.rng.integers(len(self.parents), size=count)
        picked = torch.from_numpy(rows).to(self.device)
        return self.posterior.take(picked), self.parents[rows]

    def proposals(self, points: Points) -> Proposals:
        """Decode and repair points; keep their parents."""
        return Proposals(*self.decode(points.z), points.parents, points.alpha)

    def decode(self, z: Tensor) -> Repaired:
        """Decode and repair points, (batch, latent)."""
        return decode_and_repair(
            self.model,
            z,
            repair=self.config.repair,
            temperature=self.config.temperature,
            generator=self.generator,
        )

    def reencode(self, decoded: Repaired) -> Tensor:
        """Encode decoded automata: a posterior sample of each, or its mu; (batch, latent)."""
        posterior = encode_automata(self.model, decoded.deltas)
        return posterior.mu if self.config.reencode == "mu" else posterior.sample(self.generator)

    def _encode_decode(self, points: Points) -> list[Proposals]:
        """Return the proposals of rounds 1, 2, ...; the points on the path are round 0."""
        decoded = self.decode(points.z)
        rounds = []
        for _ in range(self.config.rounds):
            decoded = self.decode(self.reencode(decoded))
            rounds.append(Proposals(*decoded, points.parents, points.alpha))
        return rounds


def of_one_parent(z: Tensor, rows: npt.NDArray[np.int64]) -> Points:
    """Return points, (batch, latent), that come from one row of the training set each."""
    parents = np.stack([rows, np.full(len(rows), -1)], 1)
    return Points(z, parents, np.full(len(rows), np.nan))


def parent_rows(
    training: Dataset, count: int, classes: Sequence[str] = (), *, workers: int = 1
) -> npt.NDArray[np.int64]:
    """Return the rows of the training automata with the longest thresholds: int64 (rows,).

    Parameters
    ----------
    training : Dataset
    count : int
        Rows at most.
    classes : sequence of str
        NAME or not-NAME. Only automata of all these classes are returned.
    workers : int
        Threads.

    Raises
    ------
    DataError
        If classes are given, and fewer than two training automata are in them.
    """
    longest_first = np.argsort(-training.reset_thresholds, kind="stable")
    if classes:
        inside = in_classes(training.deltas, classes, workers=workers)
        longest_first = longest_first[inside[longest_first]]
        if len(longest_first) < 2:
            raise DataError(
                f"{len(longest_first)} of {len(training)} training automata are of class "
                f"{', '.join(classes)}, but a search needs two parents"
            )
    return longest_first[:count]
