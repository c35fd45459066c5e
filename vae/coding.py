"""Automata <-> points of the latent space, both ways, and points of the prior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automata.arguments import check_number
from automata.automaton import Automaton
from automata.canonical import canonical_forms_of_valid, from_canonical
from automata.deltas import Deltas, validate_deltas
from vae.encoding import decode_tokens, encode_deltas
from vae.model import VAE, check_points, check_rows
from vae.posteriors import Posterior, join


class Decoding(NamedTuple):
    """Automata as the model writes them, and how certain it is."""

    deltas: Deltas
    """uint8 (batch, k, n); some may not synchronize"""
    log_probabilities: npt.NDArray[np.float32]
    """float32 (batch, n, k, targets): one for each target state, and undefined if partial"""


@torch.no_grad()
def decode_points(
    model: VAE,
    z: Tensor,
    *,
    n: int | None = None,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
) -> Decoding:
    """Decode points of the latent space; nothing is repaired.

    Parameters
    ----------
    model : VAE
    z : tensor, shape (batch, latent)
    n : int, optional
        Number of states, for a model of any size.
    temperature : float
        0 decodes the most probable tokens; a higher one samples them.
    generator : torch.Generator, optional
        For a temperature > 0, on the model's device.

    Returns
    -------
    Decoding

    Raises
    ------
    NotFiniteError
        If a point, or a probability that the model computes, is not finite.
    ValueError
        If `temperature` is negative, or n is no size of the model.
    """
    temperature = check_number("temperature", temperature, 0)
    check_points(z)  # for decoders of one's own
    written = model.decoder.generate(z, n, temperature=temperature, generator=generator)
    deltas = decode_tokens(written.tokens.cpu().numpy(), partial=model.config.partial)
    return Decoding(deltas, written.log_probabilities.cpu().numpy())


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
        If `deltas` are not automata, complete ones unless the model is of partial automata.
    NotFiniteError
        If the model encodes one as numbers that are not finite.
    """
    partial = model.config.partial
    valid = validate_deltas(deltas, partial=partial)
    forms = canonical_forms_of_valid(valid)
    canonical = from_canonical(forms, valid.shape[2], valid.shape[1], partial=partial)
    tokens = torch.from_numpy(encode_deltas(canonical, partial=partial))
    device = next(model.parameters()).device
    parts = [model.posterior(part.to(device)) for part in tokens.split(4096)]
    posterior = join(parts)
    for name in ("mu", "log_sigma", "context"):
        finite = getattr(posterior, name).isfinite()
        check_rows(finite, f"is encoded with a {name} that is not finite")
    return posterior


def draw_prior(model: VAE, count: int, generator: torch.Generator) -> Tensor:
    """Draw points from the model's prior: (count, latent), on the generator's device."""
    return model.prior.sample(count, generator)
