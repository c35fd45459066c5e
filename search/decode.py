"""z -> valid automata: decode and repair.

Valid means complete on n states and synchronizing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automata.automaton import Deltas
from automata.canonical import canonical_forms, from_canonical
from automata.rank import are_synchronizing
from vae.encoding import decode_tokens, encode_deltas, target_tokens
from vae.model import VAE, Posterior


class Repaired(NamedTuple):
    """Decoded automata after repair."""

    deltas: Deltas
    """uint8 (batch, k, n), complete, not always synchronizing"""
    as_decoded: npt.NDArray[np.bool_]
    """bool (batch,): complete and synchronizing without repair"""
    repaired: npt.NDArray[np.int64]
    """int64 (batch,): transitions changed"""


@torch.no_grad()
def decode_and_repair(
    model: VAE,
    z: Tensor,
    *,
    repair: int,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
) -> Repaired:
    """Decode points of the latent space and repair what is not valid.

    An entry outside 0..n-1 becomes the most probable state. While an automaton does not
    synchronize, its least certain transition not yet changed leads to its next most probable
    target instead, up to `repair` times.

    Parameters
    ----------
    model : VAE
    z : tensor, shape (batch, latent)
    repair : int
        Transitions of a non-synchronizing automaton that may change.
    temperature : float
        0 decodes the most probable tokens, more samples them.
    generator : torch.Generator, optional
        For a temperature > 0, on the model's device.

    Returns
    -------
    Repaired
    """
    config = model.config
    n, k = config.n, config.k
    decoded = model.decoder.generate(z, temperature=temperature, generator=generator)
    targets = decode_tokens(decoded.tokens.cpu().numpy(), config.tokens)  # (batch, k, n)
    states = torch.from_numpy(target_tokens(n, config.tokens)).to(z.device)  # (n, n)
    index = states[None, :, None].expand(len(z), n, k, n)
    scores = decoded.log_probabilities.gather(3, index).cpu().numpy()  # (batch, n, k, n)
    scores = scores.transpose(0, 2, 1, 3)  # (batch, k, n, n)

    outside = (targets < 0) | (targets >= n)
    targets = np.where(outside, scores.argmax(3), targets)
    repaired = outside.sum((1, 2))
    deltas = targets.astype(np.uint8)
    synchronizing = are_synchronizing(deltas)
    as_decoded = synchronizing & (repaired == 0)

    broken = np.flatnonzero(~synchronizing)
    flat = deltas[broken].reshape(-1, k * n)
    choices = scores[broken].reshape(-1, k * n, n)
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
def encode_automata(model: VAE, deltas: Deltas) -> Posterior:
    """Return the posterior of automata, each read in its canonical form.

    Parameters
    ----------
    model : VAE
    deltas : uint8 array, shape (batch, k, n)

    Returns
    -------
    Posterior
        On the model's device.
    """
    canonical = from_canonical(canonical_forms(deltas), deltas.shape[2], deltas.shape[1])
    tokens = torch.from_numpy(encode_deltas(canonical, model.config.tokens))
    device = next(model.parameters()).device
    parts = [model.encoder(part.to(device)) for part in tokens.split(4096)]
    return Posterior(*(torch.cat(columns) for columns in zip(*parts, strict=True)))
