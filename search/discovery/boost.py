"""The loop of PatternBoost and Axplorer at one size: train a transformer, sample, search, again.

Charton, Ellenberg, Wagner, Williamson 2024 (arXiv 2411.00566). A round trains on the best automata
known, samples from the model, and climbs from the best samples by small changes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from automata.mutation import breed
from automata.sampling import sample_uniform
from automata.sizes import UNDEFINED_SHARE
from automata.solver.exact import NOT_SYNCHRONIZING, Thresholds
from search.arms.account import Arm
from search.arms.proposals import Proposals, plain_proposals
from search.arms.ranked import Ranked
from search.arms.seconds import timed
from search.configs import EXCHANGES
from search.discovery.leaps import LeapContext, Source
from search.discovery.step import Elites
from vae.encoding import decode_tokens

_ROUNDS = 4
"""Rounds of a size, with equal shares of the calls."""
_SAMPLED = 0.5
"""Share of a round's calls that samples may take; climbs take the others."""
_CLIMBERS = 2
"""Climbs of a round, from its best samples."""
_RETRAINED = 0.5
"""Share of the steps of training in each round but the first of a size."""
_TEMPERATURE = 0.5
"""Temperature of the first samples of a size."""
_UNIQUE = 0.9
"""Samples grow hotter after a round in which at most this share of them took a call,"""
_HOTTER = 0.1
"""by this temperature."""
_PATIENCE = 1 << 11
"""Samples, and climbs, of a round end after this many in a row without a call;"""
_LEAST_NEW = 0.005
"""a batch counts if more than this share of it has taken one."""


def sampling(context: LeapContext) -> Proposals:
    """Sample automata from the transformer, at the temperature of the settings."""
    config, partial = context.config, context.partial
    tokens = context.writing.model.generate(
        config.batch, context.n, config.temperature, context.generator
    )
    deltas = decode_tokens(tokens.cpu().numpy(), partial=partial)
    return plain_proposals(deltas, partial=partial)


def climbing(context: LeapContext) -> Generator[Proposals, Thresholds, None]:
    """Change each of the best finds a little, and go on from what is not worse than before.

    As long as there are no finds, climbs begin at uniform random automata.
    """
    rng, partial, finds = context.rng, context.partial, context.finds
    if finds:
        best = np.arange(min(_CLIMBERS, len(finds)))
        places, heights = finds.deltas(best), finds.thresholds[best]
    else:
        undefined = UNDEFINED_SHARE if partial else None
        size = _CLIMBERS, context.n, context.k
        places = sample_uniform(rng, *size, undefined=undefined, total=int(partial))
        heights = np.full(_CLIMBERS, NOT_SYNCHRONIZING, np.int32)
    while True:
        order = rng.permutation(len(places))  # the first children exchange, the others redraw
        children = breed(rng, places[order], EXCHANGES, partial=partial)
        thresholds = yield plain_proposals(children, partial=partial)
        taken = thresholds >= heights[order]
        places[order[taken]], heights[order[taken]] = children[taken], thresholds[taken]


def run_boost(
    arm: Arm,
    context: LeapContext,
    sources: Mapping[str, Source],
    report: Callable[[int, str], object],
    seconds: dict[str, float],
) -> None:
    """Spend the budget in rounds: train on the best, sample, climb from the best samples.

    The transformer has been trained for the first round. Before each further one it is trained on
    the finds of this size too. Samples grow hotter after a round in which few were new.

    Parameters
    ----------
    arm : Arm
        Pays for the calls; each source has a tally.
    context : LeapContext
    sources : mapping of str to Source
        `sampling` and `climbing`, by the names of their tallies.
    report : callable
        Called with the number of calls of each batch and an empty text, or with 0 and a text such
        as "training 6/30".
    seconds : dict
        The time of training, proposing and solving is added to it.
    """
    sampled, climbed = sources
    for name in sources:
        arm.open(name)
    finds, temperature = Ranked(arm.oracle, np.empty(0, np.int64)), _TEMPERATURE
    for round in range(_ROUNDS):
        begun, limit = arm.calls, arm.budget * (round + 1) // _ROUNDS
        if limit <= begun:
            continue  # fewer calls than rounds
        if finds:
            with timed(seconds, "train"):
                _learn(context, finds, lambda doing: report(0, doing))
        context = replace(context, config=replace(context.config, temperature=temperature))
        before, most = arm.tallies[sampled], begun + ceil(_SAMPLED * (limit - begun))
        samples = Ranked(
            arm.oracle, _propose(arm, sources[sampled](context), sampled, most, report, seconds)
        )
        after = arm.tallies[sampled]
        seen = replace(context, finds=samples)
        finds.add(samples.numbers)
        finds.add(_propose(arm, sources[climbed](seen), climbed, limit, report, seconds))
        if after.calls - before.calls <= _UNIQUE * (after.valid - before.valid):
            temperature += _HOTTER


def _learn(context: LeapContext, finds: Ranked, report: Callable[[str], object]) -> None:
    """Train on the elites of smaller sizes and on the best finds of this one."""
    learner = context.writing
    best = np.arange(min(len(finds), learner.config.elites))
    own = Elites(finds.deltas(best), finds.thresholds[best])
    elites = {**context.elites, context.n: own}
    learner.learn(context.rng, context.generator, elites, report, _RETRAINED)


def _propose(
    arm: Arm,
    source: Generator[Proposals, Thresholds, None],
    name: str,
    limit: int,
    report: Callable[[int, str], object],
    seconds: dict[str, float],
) -> npt.NDArray[np.int64]:
    """Let a source propose until the arm has spent `limit` calls, or hardly anything is new.

    Returns the numbers of its finds, int64 (found,).
    """
    found, idle = [np.empty(0, np.int64)], 0
    answer: Any = None  # a generator starts with None
    while idle < _PATIENCE and not arm.exhausted(limit):
        with timed(seconds, "sample"):
            proposals = source.send(answer)
        with timed(seconds, "solve"):
            spent = arm.submit(proposals, source=name, limit=limit)
        report(spent.calls, "")
        found.append(spent.found)
        answer, count = spent.thresholds, len(proposals.deltas)
        idle = 0 if spent.calls > _LEAST_NEW * count else idle + count
    return np.concatenate(found)
