"""z -> valid automata: decode and repair.

Valid means complete on n states and synchronizing. Of partial automata it means that they
`may_synchronize`: no careful word is searched for here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automata.arguments import check_integer
from automata.deltas import UNDEFINED, Deltas, with_n_undefined
from automata.solver.either import may_synchronize
from data.damage import DataError
from vae.coding import decode_points
from vae.model import VAE, NotFiniteError


@contextmanager
def computing(model: Path) -> Iterator[None]:
    """Turn a `NotFiniteError` into one that names the model, a file or a folder."""
    try:
        yield
    except NotFiniteError as error:
        raise DataError(f"{model}: computes numbers that are not finite ({error})") from error


class Repaired(NamedTuple):
    """Decoded automata after repair."""

    deltas: Deltas
    """uint8 (batch, k, n); some may still not synchronize"""
    as_decoded: npt.NDArray[np.bool_]
    """bool (batch,): synchronizing without repair"""
    repaired: npt.NDArray[np.int64]
    """int64 (batch,): transitions changed"""


@torch.no_grad()
def decode_and_repair(
    model: VAE,
    z: Tensor,
    *,
    repair: int,
    n: int | None = None,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
) -> Repaired:
    """Decode points of the latent space and repair automata that do not synchronize.

    While an automaton does not synchronize, the least certain transition that has not changed yet
    gets its next most probable target, up to `repair` times. In a partial automaton undefined is
    one of the targets.

    Parameters
    ----------
    model : VAE
    z : tensor, shape (batch, latent)
    repair : int
        Most transitions that may change in an automaton.
    n : int, optional
        Number of states, for a model of any size.
    temperature : float
        0 decodes the most probable tokens; a higher one samples them.
    generator : torch.Generator, optional
        For a temperature > 0, on the model's device.

    Returns
    -------
    Repaired

    Raises
    ------
    NotFiniteError
        If a point, or a probability that the model computes, is not finite.
    ValueError
        If `repair` or `temperature` is negative, or n is no size of the model.
    """
    repair = check_integer("repair", repair, 0)
    deltas, scores = decode_points(
        model, z, n=n, temperature=temperature, generator=generator
    )  # (batch, k, n), (batch, n, k, targets)
    _, k, n = deltas.shape
    partial, targets = model.config.partial, scores.shape[3]
    repaired = np.zeros(len(deltas), np.int64)
    as_decoded = may_synchronize(deltas, partial=partial)

    broken = np.flatnonzero(~as_decoded)
    flat = with_n_undefined(deltas[broken]).reshape(-1, k * n)
    choices = scores[broken].transpose(0, 2, 1, 3).reshape(-1, k * n, targets)
    rows = np.arange(len(broken))
    certainty = np.take_along_axis(choices, flat[:, :, None].astype(np.int64), 2)[:, :, 0]
    least_certain = certainty.argsort(1, kind="stable")
    np.put_along_axis(choices, flat[:, :, None].astype(np.int64), -np.inf, 2)
    for change in range(min(repair, k * n) if targets > 1 else 0):
        position = least_certain[rows, change]
        flat[rows, position] = choices[rows, position].argmax(1)
        changed = flat[rows].reshape(-1, k, n)
        deltas[broken[rows]] = np.where(changed == n, UNDEFINED, changed) if partial else changed
        repaired[broken[rows]] += 1
        rows = rows[~may_synchronize(deltas[broken[rows]], partial=partial)]
    return Repaired(deltas, as_decoded, repaired)
