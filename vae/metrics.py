"""Measures of a model on held-out automata: its reconstruction, the use of its latent space."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vae.losses import kl_by_dimension
from vae.model import VAE, Posterior

_BATCH = 4096
ACTIVE_VARIANCE = 0.01
"""A latent unit is active if the variance of mu exceeds this (Burda et al. 2016)."""


@torch.no_grad()
def reconstruction_metrics(
    model: VAE, tokens: Tensor, generator: torch.Generator
) -> dict[str, float]:
    """Return the reconstruction, KL, exact shares and active units on held-out automata.

    Parameters
    ----------
    model : VAE
    tokens : int64 tensor, shape (batch, n, k)
    generator : torch.Generator
        On the model's device.

    Returns
    -------
    dict
        Reconstruction (from z ~ q(z|x), previous outputs given) and KL in nats per automaton;
        the shares of automata decoded exactly, step by step, from mu and from z ~ q(z|x); the
        number of active units.
    """
    model.eval()
    device = next(model.parameters()).device
    n = tokens.shape[1]
    reconstruction = 0.0
    exact_mu = exact_sample = 0
    posteriors = []
    for part in tokens.split(_BATCH):
        part = part.to(device)
        posterior = model.posterior(part)
        z = posterior.sample(generator)
        logits = model.decoder(z, part)
        reconstruction += float(
            functional.cross_entropy(logits.flatten(0, 2), part.flatten(), reduction="sum")
        )
        exact_mu += _count_exact(model.decoder.generate(posterior.mu, n).tokens, part)
        exact_sample += _count_exact(model.decoder.generate(z, n).tokens, part)
        posteriors.append(posterior)
    whole = Posterior(
        torch.cat([posterior.mu for posterior in posteriors]),
        torch.cat([posterior.log_sigma for posterior in posteriors]),
    )
    return {
        "held_out_reconstruction": reconstruction / len(tokens),
        "held_out_kl": float(kl_by_dimension(whole).sum()),
        "exact_from_mu": exact_mu / len(tokens),
        "exact_from_sample": exact_sample / len(tokens),
        "active_units": int((whole.mu.var(0, correction=0) > ACTIVE_VARIANCE).sum()),
    }


def _count_exact(decoded: Tensor, tokens: Tensor) -> int:
    return int((decoded == tokens).flatten(1).all(1).sum())
