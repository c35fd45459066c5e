"""Automata in random breadth-first numberings: their tokens, and a step of training on them.

A few extreme automata give many examples: n k! numberings each at most.
"""

from __future__ import annotations

from typing import NamedTuple

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


class Training(NamedTuple):
    """What steps of training share."""

    optimizer: torch.optim.Optimizer
    """Of the model's weights."""
    rng: np.random.Generator
    """Draws the numberings."""
    generator: torch.Generator
    """On the model's device."""
    config: StepConfig


def step_on_numberings(
    model: VAE,
    deltas: Deltas,
    thresholds: Thresholds,
    training: Training,
) -> float:
    """Take one step of training on automata, each in a random breadth-first numbering.

    Parameters
    ----------
    model : VAE
    deltas : array of states, shape (batch, k, n)
    thresholds : int32 array, shape (batch,)
    training : Training

    Returns
    -------
    float
        The mean reconstruction loss of a transition, in nats.
    """
    tokens = _read(model, deltas, training)
    ratios = thresholds / max(1, cerny_bound(deltas.shape[2]))
    own = torch.from_numpy(ratios.astype(np.float32)).to(tokens.device)
    terms = take_step(model, training.optimizer, tokens, own, training.generator, training.config)
    return terms["reconstruction"] / tokens[0].numel()


def denoise_numberings(
    model: Denoiser,
    deltas: Deltas,
    thresholds: Thresholds,
    training: Training,
) -> float:
    """Take one step of training a denoiser; as `step_on_numberings`.

    The loss is that of the hidden transitions. The denoiser does not read thresholds: which
    automata it learns from is all it knows of them.
    """
    tokens = _read(model, deltas, training)
    loss = model.loss(tokens, training.generator)
    descend(model, training.optimizer, loss, training.config)
    return loss.item()


def write_numberings(
    model: Transformer,
    deltas: Deltas,
    thresholds: Thresholds,
    training: Training,
) -> float:
    """Take one step of training a transformer; as `step_on_numberings`.

    Like the denoiser it does not read thresholds.
    """
    tokens = _read(model, deltas, training)
    loss = model.loss(tokens)
    descend(model, training.optimizer, loss, training.config)
    return loss.item()


def _read(model: VAE | Denoiser | Transformer, deltas: Deltas, training: Training) -> Tensor:
    """Return the tokens that a model reads, on its device."""
    partial = model.config.partial
    return read_numbered(training.rng, deltas, training.generator.device, partial=partial)
