"""One step of training; the schedules of beta and of the learning rate."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vae.adversary import adversary_terms
from vae.losses import losses
from vae.model import VAE


class StepConfig(NamedTuple):
    """The settings of one step."""

    learning_rate: float
    beta: float
    """Weight of the KL term."""
    clip: float
    """Largest gradient norm."""
    free_bits: float = 0.0
    """Nats; see `vae.losses.losses`."""
    ratio_weight: float = 1.0
    """Weight of the predictor's loss, of `vae.losses.Losses`."""
    precision: str = "float32"
    """``float32`` or ``bfloat16``."""


def take_step(
    model: VAE,
    optimizer: torch.optim.Optimizer,
    tokens: Tensor,
    ratios: Tensor,
    generator: torch.Generator,
    config: StepConfig,
) -> dict[str, float]:
    """Take one step on a batch; return the terms of the loss.

    Parameters
    ----------
    model : VAE
    optimizer : Optimizer
        Of the model's weights.
    tokens : int64 tensor, shape (batch, n, k)
    ratios : float tensor, shape (batch,)
        Reset threshold / Černý bound, negative for non-synchronizing automata.
    generator : torch.Generator
        On the model's device.
    config : StepConfig

    Returns
    -------
    dict
        ``reconstruction`` and ``kl``, in nats per automaton, unweighted; with a discriminator
        ``discriminator``, ``generator`` and ``features`` too, see `vae.adversary`.
    """
    model.train()
    half = config.precision == "bfloat16"
    with torch.autocast(tokens.device.type, torch.bfloat16, enabled=half):
        forward = model(tokens, generator)
    terms = losses(forward, tokens, ratios, config.free_bits)
    loss = terms.objective(config.beta, config.ratio_weight)
    taken = {"reconstruction": terms.reconstruction, "kl": terms.kl}
    if weight := model.config.options.adversarial:
        rivals = adversary_terms(model, forward, tokens, generator)
        loss = loss + weight * (rivals.generator + rivals.features) + rivals.discriminator
        taken |= rivals._asdict()
    descend(model, optimizer, loss, config)
    return {name: term.item() for name, term in taken.items()}


def descend(
    model: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, config: StepConfig
) -> None:
    """Change the weights of a model along the gradient of a loss, as the config says."""
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    optimizer.step()


def warm_up(done: float, warmup: float) -> float:
    """Return the factor of beta after a share `done` of all steps: it rises to 1 at `warmup`.

    Examples
    --------
    >>> [warm_up(done, 0.5) for done in (0.0, 0.25, 0.75)]
    [0.0, 0.5, 1.0]
    """
    return min(1.0, done / warmup) if warmup else 1.0


def learning_rate_share(done: float) -> float:
    """Return the factor of the learning rate after a share `done` of all steps.

    It rises linearly over the first 3 % of the steps, and falls as a cosine to one twentieth.

    Examples
    --------
    >>> [round(learning_rate_share(done), 3) for done in (0.0, 0.03, 1.0)]
    [0.0, 0.998, 0.05]
    """
    return min(1.0, done / 0.03) * (0.525 + 0.475 * math.cos(math.pi * done))
