"""The source that edits: new states enter smaller elites, a denoiser fills in what is unknown.

A state that is inserted changes what lies beside it in a numbering, and now and then a transition
elsewhere: these are hidden together with its own transitions.
"""

from __future__ import annotations

import numpy as np
import torch

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
    """Insert states into smaller elites, and fill in what is unknown then.

    The batch is filled in at the temperature of `LeapConfig` or at 1, in random order or the most
    certain transitions first.
    """
    rng, generator, model = context.rng, context.generator, context.denoiser
    grown, blocks, parents = [], [], []
    for size, count in context.shares():
        rows = context.draw(size, count)
        deltas = context.elites[size].deltas[rows]
        tokens = read_numbered(rng, deltas, generator.device, partial=context.partial)
        blocks.append(draw_blocks(count, context.n, context.n - size, generator))
        grown.append(insert(tokens, blocks[-1]))
        parents.append(name_parents(size, rows))
    tokens = torch.cat(grown)  # (batch, n, k)
    shares = torch.rand(len(tokens), generator=generator, device=generator.device)
    filled = model.fill(
        tokens,
        hide(tokens, torch.cat(blocks), _SHARE * shares, generator),
        generator,
        passes=_PASSES,
        temperature=(context.config.temperature, 1.0)[rng.integers(2)],
        certain_first=bool(rng.integers(2)),
    )
    deltas = decode_tokens(filled.cpu().numpy(), partial=context.partial)
    return plain_proposals(deltas, np.concatenate(parents), partial=context.partial)
