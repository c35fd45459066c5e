"""The terms of the loss, each in nats per automaton."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from vae.guide import class_targets, guide_loss
from vae.model import Forward


class Losses(NamedTuple):
    """Scalars: sums over positions or parts of the KL, means over the batch, unweighted."""

    reconstruction: Tensor
    kl: Tensor
    kl_free: Tensor
    """KL, at least the free bits in each dimension: the term that training minimises."""
    ratio: Tensor
    """Squared error of the predicted threshold / Černý bound, synchronizing automata only."""
    guide: Tensor | None = None
    """Negative log-likelihood of thresholds and classes, for a model with a guide"""

    def objective(self, beta: float, ratio_weight: float) -> Tensor:
        """Return what training minimises: the weighted sum of the terms."""
        predicted = self.ratio if self.guide is None else self.guide
        return self.reconstruction + beta * self.kl_free + ratio_weight * predicted


def losses(forward: Forward, tokens: Tensor, ratios: Tensor, free_bits: float = 0.0) -> Losses:
    """Return the terms of the loss for one batch.

    Parameters
    ----------
    forward : Forward
    tokens : int64 tensor, shape (batch, n, k)
    ratios : float tensor, shape (batch,)
        Reset threshold / Černý bound, negative for non-synchronizing automata.
    free_bits : float
        The least cost of a latent dimension's mean KL, in nats (Kingma et al. 2016). A KL that is
        no sum over dimensions costs at least that of all together.

    Returns
    -------
    Losses
    """
    reconstruction = functional.cross_entropy(
        forward.logits.flatten(0, 2).float(), tokens.flatten(), reduction="sum"
    ) / len(tokens)
    parts = forward.kl.float().mean(0)  # (parts,)
    return Losses(
        reconstruction,
        parts.sum(),
        at_least_free(parts, free_bits, forward.posterior.mu.shape[1]).sum(),
        *prediction_losses(forward.ratio, forward.guess, tokens, ratios),
    )


def at_least_free(parts: Tensor, free_bits: float, latent: int) -> Tensor:
    """Return the parts of a KL, (parts,), each at least the free bits of its dimensions."""
    return parts.clamp(min=free_bits * latent / max(1, len(parts)))


def prediction_losses(
    ratio: Tensor, guess: Tensor, tokens: Tensor, ratios: Tensor
) -> tuple[Tensor, Tensor | None]:
    """Return `Losses.ratio` and `Losses.guide` of predictions.

    Parameters
    ----------
    ratio, guess : tensor
        As in `vae.model.Forward`.
    tokens, ratios : tensor
        As `losses` takes them.
    """
    if guess.shape[1] == 0:
        return ratio_error(ratio, ratios), None
    classes = class_targets(tokens) if guess.shape[1] > 1 else guess[:, 1:]
    return ratio_error(ratio, ratios), guide_loss(ratio, guess, ratios, classes)


def ratio_error(predicted: Tensor, ratios: Tensor) -> Tensor:
    """Return the mean squared error of predicted ratios, both (batch,); negative ones are left out.

    Examples
    --------
    >>> import torch
    >>> ratio_error(torch.tensor([0.5, 0.5]), torch.tensor([1.0, -1.0])).item()
    0.25
    """
    known = ratios >= 0
    errors = (predicted.float() - ratios).square() * known
    return errors.sum() / known.sum().clamp(min=1)
