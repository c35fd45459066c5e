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

    def objective(self, beta: float, ratio_weight: float) -> Tensor:
        """Return what training minimises: the weighted sum of the terms."""
        return self.reconstruction + beta * self.kl_free + ratio_weight * self.ratio


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
    return Losses(
        reconstruction,
        by_dimension.sum(),
        by_dimension.clamp(min=free_bits).sum(),
        ratio_error(forward.ratio, ratios),
    )


def ratio_error(predicted: Tensor, ratios: Tensor) -> Tensor:
    """Return the mean squared error of predicted ratios, both (batch,); negative ones are left out.

    Examples
    --------
    >>> ratio_error(torch.tensor([0.5, 0.5]), torch.tensor([1.0, -1.0])).item()
    0.25
    """
    known = ratios >= 0
    errors = (predicted.float() - ratios).square() * known
    return errors.sum() / known.sum().clamp(min=1)


def kl_by_dimension(posterior: Posterior) -> Tensor:
    """Return KL(q(z|x) || N(0, I)) for each latent dimension, mean over the batch: (latent,)."""
    mu, log_sigma = posterior.mu.float(), posterior.log_sigma.float()
    kl = 0.5 * (mu.square() + torch.exp(2 * log_sigma) - 1) - log_sigma  # (batch, latent)
    return kl.mean(0)
