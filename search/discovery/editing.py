"""Edits by a denoiser: new states enter smaller elites, or states of an automaton change.

A state that is inserted changes what lies beside it in a numbering, and now and then a transition
elsewhere: these are hidden together with its own transitions.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from automata.deltas import Deltas
from search.arms.proposals import Proposals, plain_proposals
from search.discovery.leaps import LeapContext, name_parents
from vae.denoiser import draw_blocks, hide, insert
from vae.encoding import decode_tokens
from vae.numbered import read_numbered

_PASSES = 8
"""In so many steps a batch is filled in."""
_SHARE = 0.25
"""At most this share of the transitions away from the new states is hidden."""


def editing(context: LeapContext) -> Proposals:
    """Insert states into smaller elites, and fill in what is unknown then."""
    generator = context.generator
    grown, blocks, parents = [], [], []
    for size, count in context.shares():
        rows = context.draw(size, count)
        deltas = context.elites[size].deltas[rows]
        tokens = read_numbered(context.rng, deltas, generator.device, partial=context.partial)
        blocks.append(draw_blocks(count, context.n, context.n - size, generator))
        grown.append(insert(tokens, blocks[-1]))
        parents.append(name_parents(size, rows))
    filled = _hide_and_fill(context, torch.cat(grown), torch.cat(blocks))
    return plain_proposals(filled, np.concatenate(parents), partial=context.partial)


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
    return _hide_and_fill(context, tokens, draw_blocks(batch, n, states, generator))


def _hide_and_fill(context: LeapContext, tokens: Tensor, blocks: Tensor) -> Deltas:
    """Hide blocks, bool (batch, n), and more of tokens (batch, n, k); return them filled in.

    They are filled in at the temperature of `LeapConfig` or at 1, in random order or the most
    certain transitions first.
    """
    rng, generator = context.rng, context.generator
    shares = _SHARE * torch.rand(len(tokens), generator=generator, device=generator.device)
    filled = context.denoiser.fill(
        tokens,
        hide(tokens, blocks, shares, generator),
        generator,
        passes=_PASSES,
        temperature=(context.config.temperature, 1.0)[rng.integers(2)],
        certain_first=bool(rng.integers(2)),
    )
    return decode_tokens(filled.cpu().numpy(), partial=context.partial)
