"""What the networks know besides transitions: names of targets, size, places, and points."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.config import ModelConfig
from vae.encoding import name_targets, vocabulary_size


class Vocabulary(nn.Module):
    """The names of target states at every size."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        most, kind, partial = config.n, config.tokens, config.partial
        self.size = vocabulary_size(most, kind, partial=partial)
        for n in range(1 if config.any_size else most, most + 1):
            table = torch.from_numpy(name_targets(n, most, kind, partial=partial))
            self.register_buffer(f"names_{n}", table, persistent=False)

    def table(self, n: int) -> Tensor:
        """Return the names of target t seen from state q: (names, n, targets), [:, q, t]."""
        return self.get_buffer(f"names_{n}")

    def name(self, tokens: Tensor) -> Tensor:
        """Return the names of tokens (batch, n, k): (names, batch, n, k)."""
        states = torch.arange(tokens.shape[1], device=tokens.device)
        return self.table(tokens.shape[1])[:, states[:, None], tokens]


def sum_names(scores: Tensor, table: Tensor) -> Tensor:
    """Return the logits of targets: each the sum of the scores (..., vocabulary) of its names.

    ``table`` (names, ..., targets) broadcasts against the scores.
    """
    shape = (*scores.shape[:-1], table.shape[-1])
    return torch.stack([scores.gather(-1, names.expand(shape)) for names in table]).sum(0)


class Size(nn.Module):
    """The number of states as a condition; a model of one size has none."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.most = config.n
        self.width = config.embedding if config.any_size else 0
        if self.width:
            self.linear = nn.Linear(3, self.width)

    def forward(self, z: Tensor, n: int) -> Tensor:
        """Append the condition to z (batch, d): (batch, d + width)."""
        if self.width == 0:
            return z
        features = z.new_tensor([n / self.most, 1 / n, n % 2])
        return torch.cat([z, self.linear(features).expand(len(z), -1)], 1)


class Places(nn.Module):
    """The place of each state, counted from both ends, as a condition; one size has none."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.width = config.embedding if config.any_size else 0
        if self.width:
            self.from_start = zeros(nn.Embedding(config.n, self.width))
            self.from_end = zeros(nn.Embedding(config.n, self.width))

    def forward(self, features: Tensor) -> Tensor:
        """Append the places to features (batch, n, d): (batch, n, d + width)."""
        if self.width == 0:
            return features
        batch, n, _ = features.shape
        places = self.from_start.weight[:n] + self.from_end.weight[:n].flip(0)
        return torch.cat([features, places.expand(batch, -1, -1)], 2)


def place_points(z: Tensor, config: ModelConfig) -> Tensor:
    """Return points (batch, latent) as decoder and predictor read them.

    With a spherical prior, all points of a ray are one, of the norm that a normal prior gives.
    """
    return functional.normalize(z) * config.latent**0.5 if config.spherical else z


def unit(config: ModelConfig) -> float:
    """Return the unit of lengths of steps: the standard deviation of a normal prior, 1.

    On the sphere of radius 1 it is that of the uniform prior in each dimension. Learned priors have
    none that is known beforehand, and take 1 too.
    """
    return config.latent**-0.5 if config.spherical else 1.0


Module = TypeVar("Module", nn.Linear, nn.Embedding)


def zeros(module: Module) -> Module:
    """Set the weights to zero, so that those not yet trained change nothing."""
    for weight in module.parameters():
        nn.init.zeros_(weight)
    return module
