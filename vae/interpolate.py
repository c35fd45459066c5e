"""Paths between two points of the latent space."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vae.config import PATHS as PATHS


def interpolate(
    path: str, first: Tensor, second: Tensor, alpha: Tensor, *, sphere: bool = False
) -> Tensor:
    """Return a point on the path between two points, for each pair.

    With a = alpha, *linear* is a*z1 + (1-a)*z2; its norm is smaller in the middle. *Polar* is
    sqrt(a)*z1 + sqrt(1-a)*z2; it keeps the expected squared norm of independent normal points.
    *Great-circle* interpolates the direction by angle and the norm linearly (White 2016).

    Parameters
    ----------
    path : str
        ``linear``, ``polar`` or ``great-circle``.
    first, second : tensor, shape (batch, latent)
    alpha : tensor, shape (batch,)
        1 at the first point, 0 at the second.
    sphere : bool
        Whether the latent space is the sphere of radius 1, ``config.spherical``: then *polar* and
        *great-circle* stay on it. *Linear* leads through the ball.

    Returns
    -------
    tensor, shape (batch, latent)

    Raises
    ------
    ValueError
        If there is no such path.

    Examples
    --------
    >>> ends = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    >>> [round(interpolate(path, *ends, torch.tensor([0.5])).norm().item(), 3) for path in PATHS]
    [1.414, 2.0, 2.0]
    """
    share = alpha[:, None]
    if path == "linear":
        return share * first + (1 - share) * second
    if path == "polar":
        z = share.sqrt() * first + (1 - share).sqrt() * second
    elif path == "great-circle":
        z = _great_circle(first, second, share)
    else:
        raise ValueError(f"unknown path {path!r}: one of {', '.join(PATHS)}")
    return functional.normalize(z) if sphere else z


def _great_circle(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Spherical interpolation of the directions, linear interpolation of the norms."""
    norms = first.norm(dim=1, keepdim=True), second.norm(dim=1, keepdim=True)
    units = first / norms[0].clamp(min=1e-12), second / norms[1].clamp(min=1e-12)
    cosine = (units[0] * units[1]).sum(1, keepdim=True).clamp(-1, 1)
    angle = cosine.arccos()
    sine = angle.sin()
    # For (nearly) equal or opposite directions the arc is undetermined: take the straight line.
    straight = share * units[0] + (1 - share) * units[1]
    arc = ((share * angle).sin() * units[0] + ((1 - share) * angle).sin() * units[1]) / sine.clamp(
        min=1e-12
    )
    direction = torch.where(sine < 1e-4, straight, arc)
    on_arc: Tensor = direction * (share * norms[0] + (1 - share) * norms[1])
    return on_arc
