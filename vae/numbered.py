"""Automata in random breadth-first numberings: their tokens, and a step of training on them.

A few extreme automata give many examples: n k! numberings each at most.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from automata.deltas import Deltas
from automata.numbering import random_numberings
from automata.sizes import cerny_bound
from automata.solver.exact import Thresholds
from vae.denoiser import Denoiser
from vae.encoding import encode_deltas
from vae.model import VAE
from vae.steps import StepConfig, descend, take_step
from vae.transformer import Transformer


def read_numbered(
    rng: np.random.Generator, deltas: Deltas, device: torch.device, *, partial: bool = False
) -> Tensor:
    """Return the tokens of automata, each in a random breadth-first numbering.

    Parameters
    ----------
    rng : Generator
    deltas : array of states, shape (batch, k, n)
    device : torch.device
    partial : bool
        Whether the tokens are for a model of partial automata.

    Returns
    -------
    int64 tensor, shape (batch, n, k)

    Examples
    --------
    >>> cycle = np.array([[[1, 2, 3, 0], [0, 1, 2, 0]]])
    >>> read_numbered(np.random.default_rng(0), cycle, torch.device("cpu")).tolist()
    [[[1, 0], [2, 2], [3, 2], [0, 3]]]
    """
    tokens = encode_deltas(random_numberings(rng, deltas), partial=partial)
    return torch.from_numpy(tokens).to(device)


def step_on_numberings(
    model: VAE,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
    generator: torch.Generator,
    deltas: Deltas,
    thresholds: Thresholds,
    config: StepConfig,
) -> float:
    """Take one step of training on automata, each in a random breadth-first numbering.

    Parameters
    ----------
    model : VAE
    optimizer : Optimizer
        Of the model's weights.
    rng : Generator
    generator : torch.Generator
        On the model's device.
    deltas : array of states, shape (batch, k, n)
    thresholds : int32 array, shape (batch,)
    config : StepConfig

    Returns
    -------
    float
        The mean reconstruction loss of a transition, in nats.
    """
    device = generator.device
    ratios = thresholds / max(1, cerny_bound(deltas.shape[2]))
    tokens = read_numbered(rng, deltas, device, partial=model.config.partial)
    own = torch.from_numpy(ratios.astype(np.float32)).to(device)
    terms = take_step(model, optimizer, tokens, own, generator, config)
    return terms["reconstruction"] / tokens[0].numel()


def denoise_numberings(
    model: Denoiser,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
    generator: torch.Generator,
    deltas: Deltas,
    thresholds: Thresholds,
    config: StepConfig,
) -> float:
    """Take one step of training a denoiser; as `step_on_numberings`.

    The loss is that of the hidden transitions. The denoiser does not read thresholds: which
    automata it learns from is all it knows of them.
    """
    tokens = read_numbered(rng, deltas, generator.device, partial=model.config.partial)
    loss = model.loss(tokens, generator)
    descend(model, optimizer, loss, config)
    return loss.item()


def write_numberings(
    model: Transformer,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
    generator: torch.Generator,
    deltas: Deltas,
    thresholds: Thresholds,
    config: StepConfig,
) -> float:
    """Take one step of training a transformer; as `step_on_numberings`.

    Like the denoiser it does not read thresholds.
    """
    tokens = read_numbered(rng, deltas, generator.device, partial=model.config.partial)
    loss = model.loss(tokens)
    descend(model, optimizer, loss, config)
    return loss.item()
