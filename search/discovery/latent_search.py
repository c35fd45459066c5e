"""Sources that search the latent space: CMA-ES, gradient ascent, attribute arithmetic."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

import numpy as np

from automata.solver.exact import Thresholds
from search.arms.cma_es import POPULATION, SmallSearch, check_latent, run_searches, start_searches
from search.arms.proposals import Proposals
from search.discovery.leaps import LeapContext, name_parents
from vae.ascent import climb, learn_direction, stride
from vae.coding import encode_automata


def cma_es(context: LeapContext) -> Generator[Proposals, Thresholds, None]:
    """Run many small CMA-ES at once, each from a posterior sample of a smaller elite.

    Raises
    ------
    DataError
        If the latent space has fewer than two dimensions.
    """
    check_latent(context.model.config.latent)
    count = max(1, context.config.batch // POPULATION)
    searches = run_searches(partial(_begin, context), count)
    asked = next(searches)
    while True:
        z = asked.z.to(context.model.device)
        thresholds = yield context.decode(z, asked.parents)
        asked = searches.send(thresholds)


def _begin(context: LeapContext, count: int) -> list[SmallSearch]:
    """Start `count` CMA-ES; their parents are spread evenly over sizes, and drawn by rank."""
    sizes, rng, learner = context.parent_sizes, context.rng, context.model
    searches = []
    turns = (np.arange(count) + rng.integers(len(sizes))) % len(sizes)
    for turn, share in zip(*np.unique(turns, return_counts=True), strict=True):
        size = sizes[turn]
        rows = context.draw(size, share)
        deltas = context.elites[size].deltas[rows]
        starts = learner.encode(rng, context.generator, deltas)
        spreads = encode_automata(learner.model, deltas).log_sigma.exp()
        searches += start_searches(rng, starts, spreads, name_parents(size, rows))
    return searches


def gradient(context: LeapContext) -> Generator[Proposals, Thresholds, None]:
    """Take steps of random number and length up the predicted threshold, from smaller elites."""
    while True:
        z, parents = context.draw_points()
        yield context.decode(climb(context.model.model, z, context.rng), parents)


def arithmetic(context: LeapContext) -> Generator[Proposals, Thresholds, None]:
    """Take a step of random length from smaller elites, in the direction of rising thresholds."""
    elites = [context.elites[size] for size in sorted(context.elites)]
    known = [(own.deltas, own.thresholds) for own in elites]
    direction = learn_direction(context.model.model, known)
    while True:
        z, parents = context.draw_points()
        yield context.decode(stride(z, direction, context.rng), parents)
