"""Edits by a denoiser: new states enter smaller elites, or states of an automaton change.

A state that is inserted changes what lies beside it in a numbering, and now and then a transition
elsewhere: these are hidden together with its own transitions.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automata.deltas import Deltas
from automata.solver.exact import Thresholds
from search.arms.proposals import Proposals, concatenate, plain_proposals
from search.discovery.leaps import LeapContext, name_parents
from vae.denoiser import draw_blocks, hide, insert
from vae.encoding import decode_tokens
from vae.numbered import read_numbered

_PASSES = 8
"""Passes in which a batch is filled in."""
_CHECKS = 4
"""Passes in which the model says how likely it finds what it has filled in."""
_SHARE = 0.25
"""At most this share of the transitions away from the block is hidden."""
_POOL = 8
"""Batches of drafts from which the most promising ones are proposed."""
_PARENT = 3.0
"""The weight of the parent's threshold, beside log-probabilities, in what a draft promises."""


def editing(context: LeapContext) -> Generator[Proposals, Thresholds, None]:
    """Insert states into smaller elites and fill in what is unknown; the most promising ones first.

    An automaton promises the more, the likelier the denoiser finds what it has filled in, and the
    longer the threshold of the parent is.
    """
    return _promising(context, from_z=False)


def editing_from_z(context: LeapContext) -> Generator[Proposals, Thresholds, None]:
    """Do as `editing`, with a point of the parent in the latent space that the denoiser reads."""
    return _promising(context, from_z=True)


def edit(context: LeapContext, deltas: Deltas) -> Deltas:
    """Hide one or two states of each automaton with what touches them, and fill in anew.

    Parameters
    ----------
    context : LeapContext
    deltas : array of states, shape (batch, k, n)

    Returns
    -------
    uint8 array, shape (batch, k, n)
    """
    generator, (batch, _, n) = context.generator, deltas.shape
    tokens = read_numbered(context.rng, deltas, generator.device, partial=context.partial)
    states = min(n, int(context.rng.integers(1, 3)))
    filled, _ = _hide_and_fill(context, tokens, draw_blocks(batch, n, states, generator))
    return decode_tokens(filled.cpu().numpy(), partial=context.partial)


def _promising(context: LeapContext, *, from_z: bool) -> Generator[Proposals, Thresholds, None]:
    """Yield batches of edits, the most promising of all drafts so far."""
    parts = [_leap(context, from_z) for _ in range(_POOL - 1)]
    while True:
        parts.append(_leap(context, from_z))
        proposals = concatenate([own for own, _ in parts])
        promise = np.concatenate([own for _, own in parts])
        order = np.argsort(-promise, kind="stable")
        first, rest = np.split(order, [context.config.batch])
        parts = [(proposals.take(rest), promise[rest])]
        yield proposals.take(first)


def _leap(context: LeapContext, from_z: bool) -> tuple[Proposals, npt.NDArray[np.float64]]:
    """Return what a batch of smaller elites becomes, and what each promises, float64 (batch,)."""
    generator, partial = context.generator, context.partial
    grown, blocks, points, parents, ratios = [], [], [], [], []
    for size, count in context.shares():
        rows, elites = context.draw(size, count), context.elites[size]
        tokens = read_numbered(context.rng, elites.deltas[rows], generator.device, partial=partial)
        blocks.append(draw_blocks(count, context.n, context.n - size, generator))
        grown.append(insert(tokens, blocks[-1]))
        if from_z:
            points.append(context.denoiser.points(tokens, generator))
        parents.append(name_parents(size, rows))
        ratios.append(elites.thresholds[rows] / max(1, elites.thresholds[0]))
    z = torch.cat(points) if from_z else None
    filled, hidden = _hide_and_fill(context, torch.cat(grown), torch.cat(blocks), z)
    certainty = context.denoiser.certainty(filled, hidden, generator, passes=_CHECKS, z=z)
    deltas = decode_tokens(filled.cpu().numpy(), partial=partial)
    proposals = plain_proposals(deltas, np.concatenate(parents), partial=partial)
    return proposals, certainty.cpu().numpy() + _PARENT * np.concatenate(ratios)


def _hide_and_fill(
    context: LeapContext, tokens: Tensor, blocks: Tensor, z: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Hide blocks, bool (batch, n), and more of tokens (batch, n, k), and fill in what is hidden.

    ``z`` (batch, latent) are points of the parents, if the denoiser is to read them. Returns the
    tokens, and what was hidden. They are filled in at the temperature of `LeapConfig` or at 1, in
    random order or the most certain transitions first.
    """
    rng, generator = context.rng, context.generator
    shares = _SHARE * torch.rand(len(tokens), generator=generator, device=generator.device)
    hidden = hide(tokens, blocks, shares, generator)
    filled = context.denoiser.fill(
        tokens,
        hidden,
        generator,
        passes=_PASSES,
        temperature=(context.config.temperature, 1.0)[rng.integers(2)],
        certain_first=bool(rng.integers(2)),
        z=z,
    )
    return filled, hidden
