"""The adversarial terms: a discriminator judges reconstructions and samples (Larsen et al. 2016).

The discriminator learns to tell training automata from what the decoder writes. The decoder learns
to be taken for real, and to give reconstructions the features, in the discriminator's eyes, of
their originals. What is written is one automaton, a one-hot target a transition; gradients go
through it to the probabilities (straight through, Bengio et al. 2013).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vae.model import VAE, Forward, choose


class AdversaryTerms(NamedTuple):
    """Scalars, means over the batch."""

    discriminator: Tensor
    """Cross-entropy of real and written automata; trains the discriminator alone"""
    generator: Tensor
    """Cross-entropy of written automata if they were to pass as real; trains the model"""
    features: Tensor
    """Squared distance of the features of original and reconstruction, as a share of the variance
    of the originals': their scale, which changes in training, drops out"""


def adversary_terms(
    model: VAE, forward: Forward, tokens: Tensor, generator: torch.Generator
) -> AdversaryTerms:
    """Return the adversarial terms of the loss for one batch.

    One backward pass of their sum trains both sides, each by its own terms: what the discriminator
    judges for its own term has no gradients, and it has none itself in the other terms.

    Parameters
    ----------
    model : VAE
        With a discriminator.
    forward : Forward
        Of the batch.
    tokens : int64 tensor, shape (batch, n, k)
    generator : torch.Generator
        On the model's device.

    Returns
    -------
    AdversaryTerms

    Raises
    ------
    NotFiniteError
        If the model computes probabilities that are not finite.
    """
    judge = model.discriminator
    real = functional.one_hot(tokens, forward.logits.shape[3]).float()  # (batch, n, k, targets)
    copies = _write(forward.logits, _draw(forward.logits, generator))
    samples = _write(*_sample_prior(model, tokens, generator))

    said = [judge(weights.detach())[0] for weights in (real, copies, samples)]
    judged = (_as_real(said[0]) + _as_written(torch.cat(said[1:]))) / 2

    judge.requires_grad_(False)
    copied, copied_features = judge(copies)
    sampled, _ = judge(samples)
    _, real_features = judge(real)
    judge.requires_grad_(True)
    distance = (copied_features - real_features).square().sum(1).mean()
    variance = (real_features - real_features.mean(0)).square().sum(1).mean()
    missed = distance / variance.clamp(min=1e-6)
    return AdversaryTerms(judged, _as_real(torch.cat([copied, sampled])), missed)


def _sample_prior(model: VAE, tokens: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Write automata from points of the prior; return their logits, and what is written."""
    z = model.prior.sample(len(tokens), generator)
    n = tokens.shape[1]
    written = model.decoder.generate(z, n, temperature=1.0, generator=generator).tokens
    return model.decoder(z, written), written


def _draw(logits: Tensor, generator: torch.Generator) -> Tensor:
    """Draw a target for each transition: int64 (batch, n, k)."""
    drawn = choose(logits.detach().flatten(0, 2), 1.0, generator)
    return drawn.view(logits.shape[:3])


def _write(logits: Tensor, tokens: Tensor) -> Tensor:
    """Return targets one-hot, (batch, n, k, targets), with the gradients of their probabilities."""
    probabilities = logits.float().softmax(3)
    chosen = functional.one_hot(tokens, logits.shape[3]).float()
    return chosen + probabilities - probabilities.detach()


def _as_real(logits: Tensor) -> Tensor:
    return functional.softplus(-logits).mean()


def _as_written(logits: Tensor) -> Tensor:
    return functional.softplus(logits).mean()
