"""The sources of a leap: they make the first automata of a size from smaller ones."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automata.constructive import sample_constructive
from automata.mutation import breed, insert_states
from automata.runs import find_stretches, stretch_max_states
from automata.sampling import rank_weights, sample_uniform
from automata.sizes import UNDEFINED_SHARE
from automata.solver.exact import Thresholds
from automata.stretches import LARGEST_PERIOD, stretch
from search.arms.decode import decode_and_repair
from search.arms.proposals import Proposals, concatenate, plain_proposals
from search.arms.ranked import Ranked
from search.configs import EXCHANGES
from search.discovery.config import LeapConfig as LeapConfig
from search.discovery.learner import Learner, Network
from search.discovery.step import Elites
from vae.coding import draw_prior
from vae.denoiser import Denoiser
from vae.encoding import decode_tokens
from vae.interpolate import interpolate
from vae.model import VAE
from vae.transformer import Transformer

_NO_PARENT = -1
_STRETCHED = 16
"""Elites of each size that are lengthened at a time."""
_BRED_FROM = 64
"""Children are bred from this many automata at least, the best of their own size,"""
_BRED_SHARE = 0.01
"""or from this share of all."""
_BRED_SOFTNESS = 0.1
_PART, _PARTS = 8, 8
"""Parts have eight automata at least, and an eighth of those before."""
_ROWS = 32
"""A parent is named ``size << _ROWS | row``, its row among the elites of that size."""


@dataclass(frozen=True)
class LeapContext:
    """The data that a leap to n states starts from."""

    n: int
    k: int
    elites: Mapping[int, Elites]
    """The elites of every smaller size."""
    learner: Learner[VAE] | None
    rng: np.random.Generator
    generator: torch.Generator
    """On the model's device."""
    config: LeapConfig
    partial: bool = False
    """Whether letters may be undefined on states."""
    editor: Learner[Denoiser] | None = None
    """The model that fills in, if the arm has one."""
    finds: Ranked | None = None
    """The finds at n states so far, if the arm keeps them up to date."""
    writer: Learner[Transformer] | None = None
    """The model that writes, if the arm has one."""

    @property
    def parent_sizes(self) -> list[int]:
        """The sizes of parents, the largest first."""
        return sorted(self.elites, reverse=True)[: self.config.back]

    @property
    def model(self) -> Learner[VAE]:
        """The learner; ``RuntimeError`` if the arm has none."""
        return _needed(self.learner)

    @property
    def denoiser(self) -> Denoiser:
        """The model of the editor; ``RuntimeError`` if the arm has none."""
        return _needed(self.editor).model

    @property
    def writing(self) -> Learner[Transformer]:
        """The learner of the writer; ``RuntimeError`` if the arm has none."""
        return _needed(self.writer)

    def draw(self, size: int, count: int) -> npt.NDArray[np.int64]:
        """Draw parents of a size by rank; return rows of its elites, int64 (count,)."""
        weights = rank_weights(len(self.elites[size].deltas), self.config.softness)
        return self.rng.choice(len(weights), size=count, p=weights)

    def shares(self) -> list[tuple[int, int]]:
        """Divide a batch evenly over the parent sizes; return (size, count) of each."""
        sizes = self.parent_sizes
        parts = np.array_split(np.arange(self.config.batch), len(sizes))
        return [(size, len(part)) for size, part in zip(sizes, parts, strict=True)]

    def draw_points(self) -> tuple[Tensor, npt.NDArray[np.int64]]:
        """Draw parents: a posterior sample of each, (batch, latent), and names, int64 (batch,)."""
        points, parents = [], []
        for size, count in self.shares():
            rows = self.draw(size, count)
            points.append(
                self.model.encode(self.rng, self.generator, self.elites[size].deltas[rows])
            )
            parents.append(name_parents(size, rows))
        return torch.cat(points), np.concatenate(parents)

    def decode(
        self,
        z: Tensor,
        parents: npt.NDArray[np.int64],
        *,
        temperature: float = 0.0,
        alpha: npt.NDArray[np.float64] | None = None,
    ) -> Proposals:
        """Decode points to automata with n states.

        Parameters
        ----------
        z : tensor, shape (batch, latent)
        parents : int64 array, shape (batch,) or (batch, 2)
            Names of one or two parents of each point.
        temperature : float
            0 decodes the most probable automaton; a higher one samples.
        alpha : float64 array, shape (batch,), optional
            Place on the path between two parents.
        """
        if parents.ndim == 1:
            parents = np.stack([parents, np.full(len(parents), _NO_PARENT)], 1)
        decoded = decode_and_repair(
            self.model.model,
            z,
            repair=self.config.repair,
            n=self.n,
            temperature=temperature,
            generator=self.generator,
        )
        return Proposals(*decoded, parents, np.full(len(z), np.nan) if alpha is None else alpha)


def _needed(learner: Learner[Network] | None) -> Learner[Network]:
    """Return a learner that a source needs; raise ``RuntimeError`` if there is none."""
    if learner is None:
        raise RuntimeError("this source needs a model, but its arm has none")
    return learner


Source = Callable[[LeapContext], Generator[Proposals, Thresholds, None]]
"""Yields batches of automata without end; is sent the thresholds of each, int32 (batch,)."""


def posterior(context: LeapContext) -> Proposals:
    """Decode the most probable automata at posterior samples of smaller elites."""
    z, parents = context.draw_points()
    return context.decode(z, parents)


def posterior_sampled(context: LeapContext) -> Proposals:
    """Sample automata at posterior samples of smaller elites."""
    z, parents = context.draw_points()
    return context.decode(z, parents, temperature=context.config.temperature)


def interpolation(context: LeapContext) -> Proposals:
    """Decode points on polar paths between posterior samples of two smaller elites."""
    first, one = context.draw_points()
    second, two = context.draw_points()
    order = context.rng.permutation(len(two))
    alpha = context.rng.random(len(one))
    shuffled = second[torch.from_numpy(order).to(second.device)]
    sphere = context.model.model.config.spherical
    z = interpolate("polar", first, shuffled, torch.from_numpy(alpha).to(first), sphere=sphere)
    return context.decode(z, np.stack([one, two[order]], 1), alpha=alpha)


def encode_decode(context: LeapContext) -> Proposals:
    """Decode posterior samples of smaller elites, encode the results, and decode again."""
    z, parents = context.draw_points()
    tokens = context.model.model.decoder.generate(z, context.n).tokens
    written = decode_tokens(tokens.cpu().numpy(), partial=context.partial)
    again = context.model.encode(context.rng, context.generator, written)
    return context.decode(again, parents)


def prior(context: LeapContext) -> Proposals:
    """Decode points of the prior; without a latent space, sample at temperature 1."""
    z = draw_prior(context.model.model, context.config.batch, context.generator)
    orphans = np.full(len(z), _NO_PARENT)
    return context.decode(z, orphans, temperature=0.0 if context.model.config.latent else 1.0)


def cooled(context: LeapContext) -> Proposals:
    """Sample at the temperature of `LeapConfig`, without a latent space."""
    z = torch.zeros(context.config.batch, 0, device=context.model.device)
    return context.decode(z, np.full(len(z), _NO_PARENT), temperature=context.config.temperature)


def insertion(context: LeapContext) -> Proposals:
    """Insert new states into random transitions of smaller elites."""
    parts = []
    for size, count in context.shares():
        rows = context.draw(size, count)
        deltas, states = context.elites[size].deltas[rows], context.n - size
        grown = insert_states(context.rng, deltas, states, partial=context.partial)
        parts.append(plain_proposals(grown, name_parents(size, rows), partial=context.partial))
    return concatenate(parts)


def constructive(context: LeapContext) -> Proposals:
    """Draw complete automata that need each of their permutations; they have no parents."""
    drawn = sample_constructive(context.rng, context.config.batch, context.n, context.k)
    return plain_proposals(drawn, partial=context.partial)


def stretching(context: LeapContext) -> Generator[Proposals, Thresholds, None]:
    """Lengthen smaller elites where states behave alike, the best elites first.

    Those of the parent sizes are lengthened in runs of period 1; for each longer period p those of
    size n-p in its runs. Elites with more than `stretch_max_states` states are left out.
    """
    nothing = plain_proposals(np.empty((0, context.k, context.n), np.uint8))
    sources = [(1, size) for size in context.parent_sizes]
    sources += [(period, context.n - period) for period in range(2, LARGEST_PERIOD + 1)]
    sources = [
        (period, size)
        for period, size in sources
        if size in context.elites and size <= stretch_max_states(period)
    ]
    most = max((len(context.elites[size].deltas) for _, size in sources), default=0)
    for first in range(0, most, _STRETCHED):
        parts = [nothing]
        for period, size in sources:
            deltas = context.elites[size].deltas[first : first + _STRETCHED]
            ways = find_stretches(deltas, period=period, partial=context.partial)
            grown = stretch(ways, context.n - size, partial=context.partial)
            parents = name_parents(size, first + ways.sources)
            parts.append(plain_proposals(grown, parents, partial=context.partial))
        proposals = concatenate(parts)
        if len(proposals.deltas):
            yield proposals
    while True:
        yield nothing


def breeding(context: LeapContext) -> Proposals:
    """Return children of the finds at the same size, as evolution has them: no elite is a parent.

    As long as there are no finds, return uniform random automata.
    """
    rng, partial, finds = context.rng, context.partial, context.finds
    count = portion(len(finds or ()), context.config.batch)
    if not finds:
        undefined = UNDEFINED_SHARE if partial else None
        total = int(partial)
        drawn = sample_uniform(rng, count, context.n, context.k, undefined=undefined, total=total)
    else:
        best = max(_BRED_FROM, round(_BRED_SHARE * len(finds)))
        parents = finds.deltas(finds.draw(rng, count, best, _BRED_SOFTNESS))
        drawn = breed(rng, parents, EXCHANGES, partial=partial)
    return plain_proposals(drawn, partial=partial)


def portion(done: int, batch: int) -> int:
    """Return how many automata to propose after `done` others: few at first, a batch at most.

    Examples
    --------
    >>> [portion(done, batch=256) for done in (0, 100, 1000, 10_000)]
    [8, 12, 125, 256]
    """
    return min(max(_PART, done // _PARTS), batch)


def without_feedback(propose: Callable[[LeapContext], Proposals]) -> Source:
    """Return a source that calls `propose` for each batch and ignores thresholds."""

    def source(context: LeapContext) -> Generator[Proposals, Thresholds, None]:
        while True:
            yield propose(context)

    return source


def name_parents(size: int, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return names of elites of a size, from their rows: int64 (batch,)."""
    return rows + (size << _ROWS)


def split_parents(parents: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Return (size, row) of each named elite, -1 for none: int32 (..., 2).

    Examples
    --------
    >>> split_parents(np.append(name_parents(9, np.array([7])), -1)).tolist()
    [[9, 7], [-1, -1]]
    """
    pairs = np.stack([parents >> _ROWS, parents & ((1 << _ROWS) - 1)], -1)
    pairs[parents < 0] = -1
    return pairs.astype(np.int32)
