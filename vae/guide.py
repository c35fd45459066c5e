"""The guide: a predictor of threshold and classes that is trained with the model.

It reads z, so that training arranges the latent space by what is predicted (Gómez-Bombarelli et
al. 2018). Its loss is a negative log-likelihood, in nats like the other terms: it needs no weight
of its own.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from automata.properties import in_classes
from vae.encoding import decode_tokens

GUIDED = (
    *("synchronizing", "strongly-connected", "sink", "permutation-letter", "one-cluster"),
    *("eulerian", "irreducible"),
)
"""The classes that are predicted: those decided fast at every size. Of partial automata some need a
careful word: there the guide predicts the threshold alone."""
_LEAST_LOG_SIGMA = -4.0
"""Of the predicted threshold / Černý bound: a certain guess is no source of large gradients."""


class Guide(nn.Module):
    """z -> log sigma of the predicted threshold / Černý bound, and a logit for each class."""

    def __init__(self, latent: int, *, partial: bool = False) -> None:
        super().__init__()
        guesses = 1 if partial else 1 + len(GUIDED)
        self.layers = nn.Sequential(nn.Linear(latent, 64), nn.GELU(), nn.Linear(64, guesses))

    def forward(self, z: Tensor) -> Tensor:
        """Return the guesses (batch, 1 + classes) about points (batch, latent)."""
        guess: Tensor = self.layers(z)
        return guess


def class_targets(tokens: Tensor) -> Tensor:
    """Return whether automata are in each class of `GUIDED`: float (batch, classes).

    ``tokens`` is int64 (batch, n, k).

    Examples
    --------
    >>> cycle = torch.tensor([[[1, 1], [2, 2], [0, 2]]])  # one letter cycles, one merges 1 and 2
    >>> dict(zip(GUIDED, class_targets(cycle)[0].tolist()))["permutation-letter"]
    1.0
    """
    deltas = decode_tokens(tokens.cpu().numpy())
    inside = [torch.from_numpy(in_classes(deltas, [name])) for name in GUIDED]
    return torch.stack(inside, 1).float().to(tokens.device)


def guide_loss(ratio: Tensor, guess: Tensor, ratios: Tensor, classes: Tensor) -> Tensor:
    """Return the negative log-likelihood of thresholds and classes, in nats per automaton.

    Parameters
    ----------
    ratio : tensor, shape (batch,)
        The predicted threshold / Černý bound, the mean of a normal distribution.
    guess : tensor, shape (batch, 1 + classes)
        What `Guide` returns.
    ratios : tensor, shape (batch,)
        The true one; negative for automata that do not synchronize, which are left out.
    classes : tensor, shape (batch, classes)
        From `class_targets`.
    """
    known = ratios >= 0
    log_sigma = guess[:, 0].float().clamp(min=_LEAST_LOG_SIGMA)
    distance = (ratio.float() - ratios) * torch.exp(-log_sigma)
    nats = distance.square() / 2 + log_sigma + math.log(2 * math.pi) / 2
    logits = guess[:, 1:].float()
    wrong = functional.binary_cross_entropy_with_logits(logits, classes, reduction="sum")
    return (nats * known).sum() / known.sum().clamp(min=1) + wrong / len(guess)
