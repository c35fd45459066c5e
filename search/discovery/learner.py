"""Models for all sizes, trained on elites before each leap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save
from torch import Tensor, nn

from automata.deltas import Deltas
from automata.sampling import threshold_weights
from automata.solver.exact import Thresholds
from search.discovery.config import LearnConfig as LearnConfig
from search.discovery.step import Elites
from vae.checkpoint import read_weights
from vae.config import ModelConfig
from vae.denoiser import Denoiser
from vae.model import VAE
from vae.numbered import (
    Training,
    denoise_numberings,
    read_numbered,
    step_on_numberings,
    write_numberings,
)
from vae.schedule import Schedule
from vae.steps import StepConfig, warm_up
from vae.transformer import Transformer

_REPORTS = 5
"""Number of progress reports of a training."""
_FURTHER = 1 / 3
"""The learning rates of further trainings are this share of those of the first one."""

Network = TypeVar("Network", bound=nn.Module)
_Step = Callable[[Network, Deltas, Thresholds, Training], float]


class Kind(NamedTuple, Generic[Network]):
    """A kind of model."""

    file: str
    """The name of the file of its weights."""
    build: Callable[[ModelConfig], Network]
    """Makes the untrained model."""
    step: _Step[Network]
    """Takes one step of training on automata, as `vae.numbered.step_on_numberings`."""
    effort: float
    """The share that it needs of the steps and of the batch in `LearnConfig`."""
    haste: float = 1.0
    """Its learning rate, in units of that in `LearnConfig`."""


AUTOENCODER = Kind("model.safetensors", VAE, step_on_numberings, effort=1.0)
DENOISER = Kind("denoiser.safetensors", Denoiser, denoise_numberings, effort=0.5)
FOLLOWER = Kind(
    DENOISER.file, lambda config: Denoiser(config, conditioned=True), DENOISER.step, DENOISER.effort
)
"""A denoiser that reads points of the latent space of an autoencoder."""
TRANSFORMER = Kind("transformer.safetensors", Transformer, write_numberings, effort=1.0, haste=0.8)


class Learner(Generic[Network]):
    """A model of automata of any size: it learns from elites.

    Parameters
    ----------
    kind : Kind
        `AUTOENCODER` encodes and decodes, `DENOISER` and `FOLLOWER` edit, `TRANSFORMER` writes.
    most, k : int
        The largest size, and the number of letters.
    config : LearnConfig
    seed : int
        Seed of the initial weights.
    device : torch.device
    partial : bool
        Whether it is a model of partial automata.
    """

    def __init__(
        self,
        kind: Kind[Network],
        most: int,
        k: int,
        config: LearnConfig,
        seed: int,
        device: torch.device,
        *,
        partial: bool = False,
    ) -> None:
        self.kind = kind
        self.config = config
        self.device = device
        self.trained = False
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = kind.build(config.model(most, k, partial=partial)).to(device).eval()

    def learn(
        self,
        rng: np.random.Generator,
        generator: torch.Generator,
        elites: Mapping[int, Elites],
        report: Callable[[str], object] = lambda doing: None,
        share: float = 1.0,
    ) -> None:
        """Train before a leap, on the elites of all sizes so far.

        Every step draws a size, automata of that size by rank, and a random breadth-first numbering
        of each: the few extreme automata of a size give many examples. `vae.schedule.Schedule` ends
        the training; the steps in the config are the most.

        Parameters
        ----------
        rng : Generator
        generator : torch.Generator
            On the model's device.
        elites : mapping of int to Elites
            By size.
        report : callable
            Called a few times with a text such as "training 60/300", and with "training 300/300"
            at the end, after fewer steps too.
        share : float
            Share of the most steps that may be taken.
        """
        config, effort = self.config, self.kind.effort
        most = round(share * effort * (config.steps if self.trained else config.first_steps))
        batch = max(1, round(effort * config.batch))
        sizes = sorted(n for n in elites if len(elites[n].deltas))
        recent = np.exp(-config.recency * (sizes[-1] - np.array(sizes)))
        weights = {n: self._weights(rng, elites[n].thresholds) for n in sizes}
        optimizer = torch.optim.AdamW(
            self.model.parameters(), weight_decay=config.weight_decay, fused=True
        )
        schedule = Schedule(most)
        while not schedule.ended:
            if schedule.steps % max(1, most // _REPORTS) == 0:
                report(f"training {schedule.steps}/{most}")
            n = sizes[rng.choice(len(sizes), p=recent / recent.sum())]
            rows = rng.choice(len(weights[n]), size=batch, p=weights[n])
            step = self._step_config(schedule.steps / most, schedule.learning_rate_share)
            training = Training(optimizer, rng, generator, step)
            own = elites[n]
            loss = self.kind.step(self.model, own.deltas[rows], own.thresholds[rows], training)
            schedule.note(loss)
        report(f"training {most}/{most}")
        self.trained = True
        self.model.eval()

    @torch.no_grad()
    def encode(
        self: Learner[VAE],
        rng: np.random.Generator,
        generator: torch.Generator,
        deltas: Deltas,
    ) -> Tensor:
        """Return a posterior sample of each automaton in a random numbering: (batch, latent)."""
        partial = self.model.config.partial
        tokens = read_numbered(rng, deltas, self.device, partial=partial)
        return self.model.posterior(tokens).sample(generator)

    def save(self, path: Path) -> None:
        """Write the weights."""
        path.write_bytes(
            save({name: t.contiguous() for name, t in self.model.state_dict().items()})
        )

    def load(self, path: Path) -> None:
        """Read the weights that `save` wrote; those of a model before any training are no training.

        Raises
        ------
        DataError
            If the file does not hold the weights of such a model.
        """
        weights, own = read_weights(path, self.model), self.model.state_dict()
        self.trained |= any(not torch.equal(own[name], weights[name]) for name in own)
        self.model.load_state_dict(weights)

    def _step_config(self, done: float, share: float) -> StepConfig:
        """Return the settings of a step after the share `done` of the most steps of a training.

        ``share`` is the factor of the learning rate by the schedule.
        """
        config = self.config
        warmed_up = 1.0 if self.trained else warm_up(done, config.warmup)
        return StepConfig(
            learning_rate=self.kind.haste
            * config.learning_rate
            * share
            * (_FURTHER if self.trained else 1.0),
            beta=config.beta * warmed_up,
            clip=config.clip,
        )

    def _weights(
        self, rng: np.random.Generator, thresholds: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float64]:
        """Return the probability of drawing each automaton; equal thresholds get equal ones."""
        weights = threshold_weights(thresholds, self.config.softness)
        if self.config.shuffled_ranks:
            rng.shuffle(weights)
        return weights
