"""One model for all sizes, learned from elites again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save
from torch import Tensor

from automata.arguments import check_setting
from automata.automaton import Deltas, cerny_bound
from automata.numbering import random_numberings
from automata.sampling import rank_weights
from search.discovery.step import Elites
from vae.checkpoint import read_weights
from vae.encoding import encode_deltas
from vae.model import VAE, ModelConfig
from vae.steps import learning_rate_share, take_step, warm_up

_TOLD = 5
"""How often training says how far it is."""


@dataclass(frozen=True)
class LearnConfig:
    """The shape of the model, and how it learns."""

    tokens: str = "combined"
    latent: int = 24
    """Dimensions of z; 0: an autoregressive model of token strings alone."""
    embedding: int = 16
    channels: int = 64
    hidden: int = 128
    elites: int = 4000
    """Automata of each size that it learns from, those with the longest thresholds."""
    first_steps: int = 1500
    """Steps before the first leap."""
    steps: int = 300
    """Steps before each further one."""
    batch: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    clip: float = 1.0
    """Largest gradient norm."""
    beta: float = 0.1
    warmup: float = 0.2
    """Share of the first steps over which beta rises from 0."""
    softness: float = 0.003
    """Within a size automata are drawn with weights 1 / (softness*elites + rank)."""
    recency: float = 0.3
    """Sizes are drawn with weights exp(-recency * (largest size - n))."""
    shuffled_ranks: bool = False
    """Whether the ranks say nothing: an ablation."""

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        for name, value, low, high in [
            ("elites", self.elites, 2, 10**7),
            ("first-steps", self.first_steps, 0, 10**7),
            ("steps", self.steps, 0, 10**7),
            ("batch", self.batch, 1, 10**6),
            ("learning-rate", self.learning_rate, 1e-9, 10),
            ("weight-decay", self.weight_decay, 0.0, 10**6),
            ("clip", self.clip, 1e-9, 10**9),
            ("beta", self.beta, 0.0, 10**6),
            ("warmup", self.warmup, 0.0, 1),
            ("softness", self.softness, 1e-6, 10**6),
            ("recency", self.recency, 0.0, 100),
        ]:
            check_setting(name, value, low, high)
        self.model(1, 1)

    def model(self, most: int, k: int) -> ModelConfig:
        """Return the shape of the model for sizes up to `most`."""
        return ModelConfig(
            n=most,
            k=k,
            tokens=self.tokens,
            any_size=True,
            latent=self.latent,
            embedding=self.embedding,
            channels=self.channels,
            hidden=self.hidden,
        )


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
        tell: Callable[[str], object] = lambda doing: None,
    ) -> None:
        """Take the steps before a leap, on the elites of all sizes so far.

        Every step draws a size, automata of it by rank, and a random breadth-first numbering of
        each, so that the few extreme ones of a size become many examples. `tell` hears a few times
        how far it is.
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
            if step % max(1, steps // _TOLD) == 0:
                tell(f"training {step}/{steps}")
            n = sizes[rng.choice(len(sizes), p=recent / recent.sum())]
            rows = rng.choice(len(weights[n]), size=config.batch, p=weights[n])
            ratios = elites[n].thresholds[rows] / max(1, cerny_bound(n))
            take_step(
                self.model,
                optimizer,
                self._read(rng, elites[n].deltas[rows]),
                torch.from_numpy(ratios.astype(np.float32)).to(self.device),
                generator,
                learning_rate=config.learning_rate * learning_rate_share(step / steps),
                beta=config.beta * (1.0 if self.trained else warm_up(step / steps, config.warmup)),
                clip=config.clip,
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
