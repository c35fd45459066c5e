"""Moves towards longer thresholds: up the model's prediction, or along one straight direction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automata.deltas import Deltas
from automata.sizes import cerny_bound
from automata.solver.exact import Thresholds
from vae.coding import encode_automata
from vae.conditions import place_points, unit
from vae.model import VAE

_STEPS = (1, 2, 4, 8, 16)
"""Numbers of steps of gradient ascent, one drawn for each point."""
_LENGTHS = (0.1, 0.2, 0.4)
"""Lengths of a step, one drawn for each point, in the unit of `vae.conditions.unit`."""
_FARTHEST = 3.0
"""Largest step along a direction, in units of its length."""
_RIDGE = 0.1
"""Penalty of the ridge regression; the prior has variance 1. Unused dimensions get no weight."""
_FLAT = 1e-9
"""A slope of at most this is rounding."""


def climb(model: VAE, z: Tensor, rng: np.random.Generator) -> Tensor:
    """Take steps of random number and length up the predicted threshold from each point.

    Parameters
    ----------
    model : VAE
        Its weights and their gradients do not change.
    z : tensor, shape (batch, latent)
    rng : Generator

    Returns
    -------
    tensor, shape (batch, latent)
    """
    steps = torch.from_numpy(rng.choice(_STEPS, size=len(z))).to(z.device)
    lengths = torch.from_numpy(rng.choice(_LENGTHS, size=len(z))).to(z)
    return ascend(model, z, steps, unit(model.config) * lengths)


def ascend(model: VAE, z: Tensor, steps: Tensor, lengths: Tensor) -> Tensor:
    """Follow the gradient of the predicted threshold / Černý bound.

    Parameters
    ----------
    model : VAE
        Its weights and their gradients do not change.
    z : tensor, shape (batch, latent)
    steps : int64 tensor, shape (batch,)
        Number of steps of each point.
    lengths : tensor, shape (batch,)
        Length of each step of a point, however steep the slope.

    Returns
    -------
    tensor, shape (batch, latent)

    Examples
    --------
    >>> from vae.model import ModelConfig
    >>> model = VAE(ModelConfig(n=4, k=2, latent=2))
    >>> moved = ascend(model, torch.zeros(1, 2), torch.tensor([1]), torch.tensor([0.5]))
    >>> round(moved.norm().item(), 3)
    0.5
    """
    for step in range(int(steps.max())):
        with torch.enable_grad():
            start = z.detach().requires_grad_()
            (slope,) = torch.autograd.grad(model.predict(start).sum(), start)
        uphill = slope / slope.norm(dim=1, keepdim=True).clamp(min=1e-12)
        z = z.detach() + ((steps > step) * lengths)[:, None] * uphill
    return z


def stride(z: Tensor, direction: npt.NDArray[np.float64], rng: np.random.Generator) -> Tensor:
    """Take one step from each point in the same direction, of at most 3 times its length.

    Parameters
    ----------
    z : tensor, shape (batch, latent)
    direction : float64 array, shape (latent,)
        From `learn_direction`.
    rng : Generator

    Returns
    -------
    tensor, shape (batch, latent)

    Examples
    --------
    >>> moved = stride(torch.zeros(9, 2), np.array([0.0, 1.0]), np.random.default_rng(0))
    >>> moved[:, 0].any().item(), (moved[:, 1] > 0).all().item(), (moved[:, 1] < 3).all().item()
    (False, True, True)
    """
    lengths = torch.from_numpy(_FARTHEST * rng.random(len(z))).to(z)
    return z + lengths[:, None] * torch.from_numpy(direction).to(z)


def learn_direction(
    model: VAE, known: Sequence[tuple[Deltas, Thresholds]]
) -> npt.NDArray[np.float64]:
    """Return the direction of rising thresholds, learned from automata of one or more sizes.

    Parameters
    ----------
    model : VAE
    known : sequence of (uint8 array (rows, k, n), int32 array (rows,))
        Synchronizing automata of one size each, and their reset thresholds.

    Returns
    -------
    float64 array, shape (latent,)
        As long as the unit of `vae.conditions.unit`; zeros if there is no such direction.
    """
    points = []
    for deltas, thresholds in known:
        mu = place_points(encode_automata(model, deltas).mu, model.config)
        ratios = thresholds / max(1, cerny_bound(deltas.shape[2]))
        points.append((mu.double().cpu().numpy(), ratios))
    return unit(model.config) * rising_direction(points)


def rising_direction(
    known: Sequence[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]],
) -> npt.NDArray[np.float64]:
    """Return the direction in which threshold / Černý bound rises: ridge regression within sizes.

    Parameters
    ----------
    known : sequence of (float64 array (rows, latent), float64 array (rows,))
        Points of the latent space and their thresholds / Černý bound, size by size.

    Returns
    -------
    float64 array, shape (latent,)
        Of length 1, or zeros if there is no such direction.

    Examples
    --------
    >>> z = np.array([[0.0, 0.0], [0.0, 2.0], [1.0, 0.0], [1.0, 2.0]])
    >>> small, large = (z, np.array([0.5, 0.7, 0.5, 0.7])), (z - 9, np.array([0.0, 0.2, 0.0, 0.2]))
    >>> rising_direction([small, large]).round(3).tolist()
    [0.0, 1.0]
    """
    z = np.concatenate([points - points.mean(0) for points, _ in known])
    ratios = np.concatenate([ratios for _, ratios in known])  # their means drop out of z.T @ ratios
    penalty = _RIDGE * len(z) * np.eye(z.shape[1])
    slope = np.linalg.solve(z.T @ z + penalty, z.T @ ratios)
    norm = np.linalg.norm(slope)
    return np.asarray(slope / norm if norm > _FLAT else np.zeros_like(slope))
