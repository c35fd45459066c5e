"""z -> valid automata: decode and repair.

Valid means complete on n states and synchronizing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automata.arguments import check_integer, check_number
from automata.automaton import Automaton, Deltas, validate_deltas
from automata.canonical import canonical_forms_of_valid, from_canonical
from automata.solver.ranks import are_synchronizing
from data.damage import DataError
from vae.encoding import decode_tokens, encode_deltas
from vae.model import VAE, NotFiniteError, Posterior, check_rows


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
    gets its next most probable target, up to `repair` times.

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
    temperature = check_number("temperature", temperature, 0)
    decoded = model.decoder.generate(z, n, temperature=temperature, generator=generator)
    deltas = decode_tokens(decoded.tokens.cpu().numpy())  # (batch, k, n)
    _, k, n = deltas.shape
    repaired = np.zeros(len(deltas), np.int64)
    as_decoded = are_synchronizing(deltas)

    broken = np.flatnonzero(~as_decoded)
    flat = deltas[broken].reshape(-1, k * n)
    scores = decoded.log_probabilities.cpu().numpy()[broken]  # (broken, n, k, n)
    choices = scores.transpose(0, 2, 1, 3).reshape(-1, k * n, n)
    rows = np.arange(len(broken))
    certainty = np.take_along_axis(choices, flat[:, :, None].astype(np.int64), 2)[:, :, 0]
    least_certain = certainty.argsort(1, kind="stable")
    np.put_along_axis(choices, flat[:, :, None].astype(np.int64), -np.inf, 2)
    for change in range(min(repair, k * n) if n > 1 else 0):
        position = least_certain[rows, change]
        flat[rows, position] = choices[rows, position].argmax(1)
        deltas[broken[rows]] = flat[rows].reshape(-1, k, n)
        repaired[broken[rows]] += 1
        rows = rows[~are_synchronizing(deltas[broken[rows]])]
    return Repaired(deltas, as_decoded, repaired)


@torch.no_grad()
def encode_automata(model: VAE, deltas: npt.ArrayLike | Sequence[Automaton]) -> Posterior:
    """Return the posterior of automata, each encoded in its canonical form.

    Parameters
    ----------
    model : VAE
    deltas : array of int, shape (batch, k, n)

    Returns
    -------
    Posterior
        On the model's device.

    Raises
    ------
    AutomatonError
        If `deltas` are not complete automata.
    NotFiniteError
        If the model encodes one as numbers that are not finite.
    """
    valid = validate_deltas(deltas)
    forms = canonical_forms_of_valid(valid)
    canonical = from_canonical(forms, valid.shape[2], valid.shape[1])
    tokens = torch.from_numpy(encode_deltas(canonical))
    device = next(model.parameters()).device
    parts = [model.posterior(part.to(device)) for part in tokens.split(4096)]
    posterior = Posterior(*(torch.cat(columns) for columns in zip(*parts, strict=True)))
    for name, column in posterior._asdict().items():
        check_rows(column.isfinite(), f"is encoded with a {name} that is not finite")
    return posterior
