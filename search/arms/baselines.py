"""The baselines of the latent search, with the same training set and the same budget."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from automata.deltas import Deltas
from automata.evolution import Change, Evolution, evolve
from automata.irreducible import draw_irreducible, is_rare, walk
from automata.mutation import mutate
from automata.properties import in_classes
from automata.sampling import sample_uniform
from automata.solver.exact import Thresholds
from data.dataset import Dataset
from search.arms.account import Arm, drive
from search.arms.oracle import Oracle
from search.arms.proposals import Batches, plain_proposals

BASELINES = ("uniform", "mutation", "evolve")
_IDLE_DRAWS = 1 << 20
"""The uniform arm ends after this many consecutive automata without a new one in the classes."""
_STARTS = 64
"""Walks of the uniform arm begin at this many automata of the classes, or at all that are found."""
_DRAWS = 1 << 18
"""Draws of each letter for the starts of walks at a time."""
_ROUNDS = 8
"""The uniform arm draws starts of walks at most this many times."""


def propose_uniform(
    rng: np.random.Generator, n: int, k: int, batch: int, *, undefined: float | None = None
) -> Batches:
    """Yield batches of uniform random automata without end; each list is for one arm.

    With a share of undefined transitions they are partial; the first letter has none.
    """
    while True:
        drawn = sample_uniform(rng, batch, n, k, undefined=undefined, total=1)
        yield [plain_proposals(drawn, partial=undefined is not None)]


def _propose_walks(rng: np.random.Generator, oracle: Oracle, batch: int) -> Batches:
    """Yield irreducible automata of the oracle's classes from walks; empty batches without any."""
    n, k, classes, workers = oracle.n, oracle.k, oracle.classes, oracle.workers
    starts = sample_uniform(rng, 0, n, k)
    for _ in range(_ROUNDS):
        drawn = draw_irreducible(rng, _DRAWS, n, k, workers=workers)
        starts = np.concatenate([starts, drawn[in_classes(drawn, classes, workers=workers)]])
        if len(starts) >= _STARTS:
            break
    while not len(starts):
        yield [plain_proposals(starts)]
    for places in walk(rng, starts, batch, classes, workers=workers):
        yield [plain_proposals(places)]


def propose_mutations(
    rng: np.random.Generator, training: Dataset, parents: npt.NDArray[np.int64], batch: int
) -> Batches:
    """Yield batches of parents with one redrawn transition, without end.

    Parameters
    ----------
    rng : Generator
    training : Dataset
    parents : int64 array, shape (parents,)
        Rows of the training set: the parents of the latent search.
    batch : int
        Automata at a time.
    """
    while True:
        drawn = parents[rng.integers(len(parents), size=batch)]
        children = mutate(rng, training.deltas[drawn], partial=training.partial)
        yield [plain_proposals(children, drawn, partial=training.partial)]


def run_uniform(
    rng: np.random.Generator,
    arm: Arm,
    batch: int,
    report: Callable[[int], object],
    *,
    undefined: float | None = None,
) -> None:
    """Spend an arm's budget on uniform random automata, partial ones with a share of `undefined`.

    Draws are cheap, so a search within rare classes gets many of them. Where rejection is hopeless
    (`automata.irreducible.is_rare`) the automata come from walks within the classes: each is
    uniformly distributed, but they are not independent.
    """
    oracle = arm.oracle
    if is_rare(oracle.classes, oracle.k, partial=oracle.partial):
        proposals = _propose_walks(rng, oracle, batch)
    else:
        proposals = propose_uniform(rng, oracle.n, oracle.k, batch, undefined=undefined)
    if oracle.classes:
        drive([arm], proposals, report, max(1, _IDLE_DRAWS // batch))
    else:
        drive([arm], proposals, report)


def run_evolution(
    rng: np.random.Generator,
    arm: Arm,
    config: Evolution,
    report: Callable[[int], object],
    start: tuple[Deltas, Thresholds] | None = None,
    change: Change | None = None,
) -> None:
    """Spend an arm's budget on `evolve`, started from labelled or from uniform random automata."""

    def solve(deltas: Deltas) -> Thresholds:
        synchronizing = np.ones(len(deltas), np.bool_)  # `evolve` submits no others
        return arm.submit(plain_proposals(deltas, synchronizing=synchronizing)).thresholds

    evolve(
        rng,
        arm.oracle.n,
        arm.oracle.k,
        config,
        workers=arm.oracle.workers,
        solve=solve,
        change=change,
        start=start,
        progress=report,
    )
