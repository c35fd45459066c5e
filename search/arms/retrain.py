"""Search that learns from its finds: train on them, propose from the best, solve, and again.

Weighted retraining (Tripp, Daxberger, Hernández-Lobato 2020), a share of the budget in each round.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automata.deltas import Deltas
from automata.mutation import breed
from automata.sampling import threshold_weights
from data.damage import DataError
from data.dataset import Dataset
from search.arms.account import Arm
from search.arms.decode import decode_and_repair
from search.arms.proposals import Proposals, plain_proposals
from search.arms.ranked import Ranked
from search.arms.seconds import timed
from search.configs import EVOLVING, EXCHANGES, LatentConfig, RetrainConfig, SearchConfig
from vae.interpolate import interpolate
from vae.model import VAE
from vae.numbered import Training, read_numbered, step_on_numberings
from vae.steps import StepConfig, learning_rate_share

_IDLE_BATCHES = 8
"""A source gives way to the next after this many consecutive batches with hardly any new one."""
_VIEWS = 4
"""Numberings of each automaton in which its threshold is predicted; the mean counts."""
_LEAST_BATCH = 64
"""Automata that a source proposes at a time, at least."""


@dataclass(frozen=True)
class Learning:
    """A model that learns, what it learns from, and its random numbers."""

    model: VAE
    ranked: Ranked
    config: RetrainConfig
    latent: LatentConfig
    rng: np.random.Generator
    generator: torch.Generator
    """On the model's device."""

    def learn(self) -> None:
        """Train for the steps of one round, with a new optimizer."""
        config = self.config
        optimizer = torch.optim.AdamW(self.model.parameters(), config.retrain_rate)
        weights = threshold_weights(self.ranked.thresholds, config.retrain_softness)
        size = config.retrain_steps, config.retrain_batch
        drawn = self.rng.choice(len(weights), size=size, p=weights)
        for step, rows in enumerate(drawn):
            own = StepConfig(
                learning_rate=config.retrain_rate * learning_rate_share((step + 1) / len(drawn)),
                beta=config.retrain_beta,
                clip=1.0,
                ratio_weight=config.retrain_ratio_weight,
            )
            training = Training(optimizer, self.rng, self.generator, own)
            deltas, thresholds = self.ranked.deltas(rows), self.ranked.thresholds[rows]
            step_on_numberings(self.model, deltas, thresholds, training)
        self.model.eval()

    def draw_parents(self, count: int) -> npt.NDArray[np.int64]:
        """Draw parents by rank; return their places among what is known: int64 (count,)."""
        config = self.config
        return self.ranked.draw(self.rng, count, config.retrain_parents, config.parent_softness)

    @torch.no_grad()
    def draw_points(self, count: int) -> tuple[Tensor, npt.NDArray[np.int64]]:
        """Draw parents by rank; return a posterior sample of each, and their numbers."""
        rows = self.draw_parents(count)
        tokens = self.read(self.ranked.deltas(rows))
        return self.model.posterior(tokens).sample(self.generator), self.ranked.numbers[rows]

    def read(self, deltas: Deltas) -> Tensor:
        """Return the tokens of automata in random numberings: (batch, n, k)."""
        partial = self.model.config.partial
        return read_numbered(self.rng, deltas, self.generator.device, partial=partial)

    def decode(
        self,
        z: Tensor,
        first: npt.NDArray[np.int64],
        second: npt.NDArray[np.int64] | None = None,
        alpha: npt.NDArray[np.float64] | None = None,
    ) -> Proposals:
        """Decode and repair points that come from one or two parents each."""
        decoded = decode_and_repair(
            self.model,
            z,
            repair=self.latent.repair,
            temperature=self.latent.temperature,
            generator=self.generator,
        )
        other = np.full(len(z), -1) if second is None else second
        place = np.full(len(z), np.nan) if alpha is None else alpha
        return Proposals(*decoded, np.stack([first, other], 1), place)

    @torch.no_grad()
    def predict(self, proposals: Proposals) -> npt.NDArray[np.float32]:
        """Return the predicted threshold / Černý bound of each proposal: float32 (batch,)."""
        views = []
        for _ in range(_VIEWS):
            tokens = self.read(proposals.deltas)
            views.append(self.model.predict(self.model.posterior(tokens).mu))
        mean: npt.NDArray[np.float32] = torch.stack(views).mean(0).cpu().numpy()
        return mean


def posterior(learning: Learning, count: int) -> Proposals:
    """Decode posterior samples of parents."""
    return learning.decode(*learning.draw_points(count))


def interpolation(learning: Learning, count: int) -> Proposals:
    """Decode points on polar paths between posterior samples of two parents."""
    first, one = learning.draw_points(count)
    second, two = learning.draw_points(count)
    alpha = learning.rng.random(count)
    places = torch.from_numpy(alpha).to(first)
    z = interpolate("polar", first, second, places, sphere=learning.model.config.spherical)
    return learning.decode(z, one, two, alpha)


def encode_decode(learning: Learning, count: int) -> Proposals:
    """Decode posterior samples of parents, encode the results, and decode samples of these."""
    z, parents = learning.draw_points(count)
    once = learning.decode(z, parents)
    with torch.no_grad():
        again = learning.model.posterior(learning.read(once.deltas)).sample(learning.generator)
    return learning.decode(again, parents)


def evolution(learning: Learning, count: int) -> Proposals:
    """Breed children of parents, as the baseline ``evolve`` does."""
    rows = learning.draw_parents(count)
    partial = learning.model.config.partial
    children = breed(learning.rng, learning.ranked.deltas(rows), EXCHANGES, partial=partial)
    proposals = plain_proposals(children, learning.ranked.numbers[rows], partial=partial)
    return proposals.take(learning.rng.permutation(count))  # those that exchange come first


Source = Callable[[Learning, int], Proposals]
SOURCES: dict[str, Source] = {
    "posterior": posterior,
    "interpolation": interpolation,
    "encode-decode": encode_decode,
    "evolution": evolution,
}
_SHARES = {"posterior": 0.4, "interpolation": 0.2, "encode-decode": 0.4}
"""Shares of the latent sources. Interpolation hits less than half as often as the others."""


def run_retraining(
    rng: np.random.Generator,
    arm: Arm,
    model: VAE,
    training: Dataset,
    config: SearchConfig,
    report: Callable[[int], object],
    seconds: dict[str, float],
) -> None:
    """Spend an arm's budget in rounds: learn, then let each source propose for its share.

    Parameters
    ----------
    rng : Generator
    arm : Arm
        Its mode is one of `search.configs.LEARNING`.
    model : VAE
        A copy of it learns; it does not change itself.
    training : Dataset
        Automata of the arm's classes; they are learned from, and are the first parents.
    config : SearchConfig
        Also gives repair, temperature, and the most automata decoded at a time.
    report : callable
        Called with the number of calls of each batch.
    seconds : dict of float
        Gets the wall time of training.

    Raises
    ------
    DataError
        If no training automaton synchronizes.
    """
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
    ranked = Ranked(arm.oracle, arm.oracle.number(training.forms))
    if len(ranked) == 0:
        raise DataError("no training automaton synchronizes: nothing to learn from")
    own = config.learning
    learning = Learning(copy.deepcopy(model), ranked, own, config.latent, rng, generator)
    shares = _shares(own.evolution if arm.mode == EVOLVING else 0.0)
    for round in range(own.retrain):
        before = arm.calls
        if before == arm.budget * (round + 1) // own.retrain:
            continue  # fewer calls than rounds
        with timed(seconds, "train"):
            learning.learn()
        for name, share in shares.items():
            limit = int(arm.budget * (round + share) / own.retrain)
            _propose(arm, learning, name, limit, report)
        if arm.exhausted() or arm.calls == before:
            return


def _shares(evolution: float) -> dict[str, float]:
    """Return the share of a round that is spent when each source has proposed.

    Examples
    --------
    >>> _shares(0.25)
    {'posterior': 0.3, 'interpolation': 0.45, 'encode-decode': 0.75, 'evolution': 1.0}
    """
    ends = np.cumsum([(1 - evolution) * share for share in _SHARES.values()])
    shares = {name: round(float(end), 9) for name, end in zip(_SHARES, ends, strict=True)}
    return shares | ({"evolution": 1.0} if evolution else {})


def _propose(
    arm: Arm,
    learning: Learning,
    name: str,
    limit: int,
    report: Callable[[int], object],
) -> None:
    """Let a source propose until the arm has spent `limit` calls, or few proposals are new.

    Of each batch only the automata with the longest predicted thresholds are solved.
    """
    screen, idle = learning.config.screen, 0
    while idle < _IDLE_BATCHES and not arm.exhausted(limit):
        count = min(max(_LEAST_BATCH, screen * arm.left(limit)), learning.latent.batch)
        proposals = SOURCES[name](learning, count)
        if screen > 1:
            longest_first = np.argsort(-learning.predict(proposals), kind="stable")
            proposals = proposals.take(longest_first)
        most = arm.calls + -(-count // screen)  # known automata and duplicates are free
        answer = arm.submit(proposals, source=name, limit=min(limit, most))
        learning.ranked.add(answer.found[answer.found >= arm.oracle.training_rows])
        report(answer.calls)
        idle = idle + 1 if answer.idle else 0
