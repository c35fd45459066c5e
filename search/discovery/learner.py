"""One model for all sizes, learned from elites again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save
from torch import Tensor

from automata.automaton import Deltas, cerny_bound
from automata.numbering import random_numberings
from automata.sampling import rank_weights
from search.discovery.config import LearnConfig as LearnConfig
from search.discovery.step import Elites
from vae.checkpoint import read_weights
from vae.encoding import encode_deltas
from vae.model import VAE
from vae.steps import StepConfig, learning_rate_share, take_step, warm_up

_REPORTS = 5
"""How often training reports how far it is."""


class Learner:
    """A model, and how it learns, writes and reads automata.

    Parameters
    ----------
    most, k : int
        The largest size, and the number of letters.
    config : LearnConfig
    seed : int
        Of the first weights.
    device : torch.device
    """

    def __init__(
        self, most: int, k: int, config: LearnConfig, seed: int, device: torch.device
    ) -> None:
        self.config = config
        self.device = device
        self.trained = False
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = VAE(config.model(most, k)).to(device).eval()

    def learn(
        self,
        rng: np.random.Generator,
        generator: torch.Generator,
        elites: Mapping[int, Elites],
        report: Callable[[str], object] = lambda doing: None,
    ) -> None:
        """Take the steps before a leap, on the elites of all sizes so far.

        Every step draws a size, automata of it by rank, and a random breadth-first numbering of
        each, so that the few extreme ones of a size become many examples. `report` is called a few
        times with how far training is.
        """
        config = self.config
        steps = config.steps if self.trained else config.first_steps
        sizes = sorted(n for n in elites if len(elites[n].deltas))
        recent = np.exp(-config.recency * (sizes[-1] - np.array(sizes)))
        weights = {n: self._weights(rng, elites[n].thresholds) for n in sizes}
        optimizer = torch.optim.AdamW(
            self.model.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        for step in range(steps):
            if step % max(1, steps // _REPORTS) == 0:
                report(f"training {step}/{steps}")
            n = sizes[rng.choice(len(sizes), p=recent / recent.sum())]
            rows = rng.choice(len(weights[n]), size=config.batch, p=weights[n])
            ratios = elites[n].thresholds[rows] / max(1, cerny_bound(n))
            take_step(
                self.model,
                optimizer,
                self._read(rng, elites[n].deltas[rows]),
                torch.from_numpy(ratios.astype(np.float32)).to(self.device),
                generator,
                self._step_config(step / steps),
            )
        self.trained = True
        self.model.eval()

    @torch.no_grad()
    def encode(
        self, rng: np.random.Generator, generator: torch.Generator, deltas: Deltas
    ) -> Tensor:
        """Return a posterior sample of each automaton, randomly numbered: (batch, latent)."""
        return self.model.posterior(self._read(rng, deltas)).sample(generator)

    def save(self, path: Path) -> None:
        """Write the weights."""
        path.write_bytes(
            save({name: t.contiguous() for name, t in self.model.state_dict().items()})
        )

    def load(self, path: Path) -> None:
        """Take up the weights of `save`.

        Raises
        ------
        DataError
            If they are not those of such a model.
        """
        self.model.load_state_dict(read_weights(path, self.model))
        self.trained = True

    def _step_config(self, done: float) -> StepConfig:
        """Return how the step is taken that is `done` of the way to the next leap."""
        config = self.config
        warmed_up = 1.0 if self.trained else warm_up(done, config.warmup)
        return StepConfig(
            learning_rate=config.learning_rate * learning_rate_share(done),
            beta=config.beta * warmed_up,
            clip=config.clip,
        )

    def _read(self, rng: np.random.Generator, deltas: Deltas) -> Tensor:
        """Return the tokens of automata, each in a random breadth-first numbering."""
        return torch.from_numpy(encode_deltas(random_numberings(rng, deltas))).to(self.device)

    def _weights(
        self, rng: np.random.Generator, thresholds: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float64]:
        """Return how often automata are drawn; equal thresholds tie."""
        ranks = np.searchsorted(-thresholds, -thresholds)  # falling thresholds
        weights = rank_weights(len(thresholds), self.config.softness)[ranks]
        if self.config.shuffled_ranks:
            rng.shuffle(weights)
        return np.asarray(weights / weights.sum())
