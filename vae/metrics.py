"""Measures of a model on held-out automata: its reconstruction, the use of its latent space."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vae.config import TrainConfig
from vae.losses import Losses, kl_by_dimension, ratio_error
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

    Raises
    ------
    NotFiniteError
        If the model computes numbers that are not finite.
    """
    return _measure(model, tokens, generator)[0]


@torch.no_grad()
def held_out_metrics(
    model: VAE, tokens: Tensor, ratios: Tensor, generator: torch.Generator, config: TrainConfig
) -> dict[str, float]:
    """Return the `reconstruction_metrics`, the objective at the full beta, and the KL's parts.

    Parameters
    ----------
    model : VAE
    tokens : int64 tensor, shape (batch, n, k)
    ratios : float tensor, shape (batch,)
        Reset threshold / Černý bound, negative for non-synchronizing automata.
    generator : torch.Generator
        On the model's device.
    config : TrainConfig
        Its weights of the terms.

    Returns
    -------
    dict
        ``held_out_ratio``, the mean squared error of the predicted ratio; ``held_out_objective``,
        what training minimises; ``kl_0``, ``kl_1``, ..., nats in each latent dimension.
    """
    measured, posterior = _measure(model, tokens, generator)
    by_dimension = kl_by_dimension(posterior)
    terms = Losses(
        torch.tensor(measured["held_out_reconstruction"]),
        by_dimension.sum(),
        by_dimension.clamp(min=config.free_bits).sum(),
        ratio_error(model.predict(posterior.mu), ratios.to(posterior.mu.device)),
    )
    measured["held_out_ratio"] = float(terms.ratio)
    measured["held_out_objective"] = float(terms.objective(config.beta, config.ratio_weight))
    return measured | {f"kl_{i}": float(kl) for i, kl in enumerate(by_dimension)}


def _measure(
    model: VAE, tokens: Tensor, generator: torch.Generator
) -> tuple[dict[str, float], Posterior]:
    """Return the `reconstruction_metrics` and the posterior of all automata."""
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
    measured = {
        "held_out_reconstruction": reconstruction / len(tokens),
        "held_out_kl": float(kl_by_dimension(whole).sum()),
        "exact_from_mu": exact_mu / len(tokens),
        "exact_from_sample": exact_sample / len(tokens),
        "active_units": int((whole.mu.var(0, correction=0) > ACTIVE_VARIANCE).sum()),
    }
    return measured, whole


def _count_exact(decoded: Tensor, tokens: Tensor) -> int:
    return int((decoded == tokens).flatten(1).all(1).sum())
