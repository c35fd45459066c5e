"""Measures of a model on held-out automata: its reconstruction, the use of its latent space."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from vae.conditions import place_points
from vae.config import TrainConfig
from vae.losses import Losses, at_least_free, prediction_losses
from vae.model import VAE
from vae.posteriors import Posterior, join

_BATCH = 4096
ACTIVE_VARIANCE = 0.01
"""A latent unit is active if the variance of mu exceeds this (Burda et al. 2016).

Points of a sphere are measured as the decoder reads them: the prior's variance is 1 there too.
"""


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
        what training minimises, but for a discriminator's terms, which mean something else in
        every epoch; with a guide ``held_out_guide``, its loss; ``kl_0``, ``kl_1``, ..., nats in
        each latent dimension, if the KL is a sum over them.
    """
    measured, whole = _measure(model, tokens, generator)
    parts = whole.kl.mean(0)  # (parts,)
    seen = model.seen(whole.posterior, whole.z)
    device = seen.device
    terms = Losses(
        torch.tensor(measured["held_out_reconstruction"]),
        parts.sum(),
        at_least_free(parts, config.free_bits, model.config.latent).sum(),
        *prediction_losses(
            model.predict(seen), model.guess(seen), tokens.to(device), ratios.to(device)
        ),
    )
    measured["held_out_ratio"] = float(terms.ratio)
    measured["held_out_objective"] = float(terms.objective(config.beta, config.ratio_weight))
    if terms.guide is not None:
        measured["held_out_guide"] = float(terms.guide)
    if len(parts) == model.config.latent:
        measured |= {f"kl_{i}": float(kl) for i, kl in enumerate(parts)}
    return measured


class _Whole(NamedTuple):
    """All held-out automata in the latent space."""

    posterior: Posterior
    z: Tensor
    """A sample of each posterior: (batch, latent)"""
    kl: Tensor
    """(batch, parts)"""


def _measure(
    model: VAE, tokens: Tensor, generator: torch.Generator
) -> tuple[dict[str, float], _Whole]:
    """Return the `reconstruction_metrics`, and where all automata are in the latent space."""
    model.eval()
    device = next(model.parameters()).device
    n = tokens.shape[1]
    reconstruction = 0.0
    exact_mu = exact_sample = 0
    posteriors, points, kls = [], [], []
    for part in tokens.split(_BATCH):
        part = part.to(device)
        posterior = model.posterior(part)
        drawn = posterior.draw(generator)
        logits = model.decoder(drawn.z, part)
        reconstruction += float(
            functional.cross_entropy(logits.flatten(0, 2), part.flatten(), reduction="sum")
        )
        exact_mu += _count_exact(model.decoder.generate(posterior.mu, n).tokens, part)
        exact_sample += _count_exact(model.decoder.generate(drawn.z, n).tokens, part)
        posteriors.append(posterior)
        points.append(drawn.z)
        kls.append(model.prior.kl(posterior, drawn))
    whole = _Whole(join(posteriors), torch.cat(points), torch.cat(kls))
    mu = place_points(whole.posterior.mu, model.config)
    measured = {
        "held_out_reconstruction": reconstruction / len(tokens),
        "held_out_kl": float(whole.kl.mean(0).sum()),
        "exact_from_mu": exact_mu / len(tokens),
        "exact_from_sample": exact_sample / len(tokens),
        "active_units": int((mu.var(0, correction=0) > ACTIVE_VARIANCE).sum()),
    }
    return measured, whole


def _count_exact(decoded: Tensor, tokens: Tensor) -> int:
    return int((decoded == tokens).flatten(1).all(1).sum())
