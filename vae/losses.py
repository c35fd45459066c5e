"""The terms of the loss, each in nats per automaton."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vae.model import Forward, Posterior


class Losses(NamedTuple):
    """Scalars: sums over positions or latent dimensions, means over the batch, unweighted."""

    reconstruction: Tensor
    kl: Tensor
    kl_free: Tensor
    """KL, each dimension at least the free bits: the term that training minimises."""
    ratio: Tensor
    """Squared error of the predicted threshold / Černý bound, synchronizing automata only."""


def losses(forward: Forward, tokens: Tensor, ratios: Tensor, free_bits: float = 0.0) -> Losses:
    """Return the terms of the loss for one batch.

    Parameters
    ----------
    forward : Forward
    tokens : int64 tensor, shape (batch, n, k)
    ratios : float tensor, shape (batch,)
        Reset threshold / Černý bound, negative for non-synchronizing automata.
    free_bits : float
        The least cost of a latent dimension's mean KL, in nats (Kingma et al. 2016).

    Returns
    -------
    Losses
    """
    reconstruction = functional.cross_entropy(
        forward.logits.flatten(0, 2).float(), tokens.flatten(), reduction="sum"
    ) / len(tokens)
    by_dimension = kl_by_dimension(forward.posterior)
    known = ratios >= 0
    errors = (forward.ratio.float() - ratios).square() * known
    return Losses(
        reconstruction,
        by_dimension.sum(),
        by_dimension.clamp(min=free_bits).sum(),
        errors.sum() / known.sum().clamp(min=1),
    )


def kl_by_dimension(posterior: Posterior) -> Tensor:
    """Return KL(q(z|x) || N(0, I)) for each latent dimension, mean over the batch: (latent,)."""
    mu, log_sigma = posterior.mu.float(), posterior.log_sigma.float()
    kl = 0.5 * (mu.square() + torch.exp(2 * log_sigma) - 1) - log_sigma  # (batch, latent)
    return kl.mean(0)
