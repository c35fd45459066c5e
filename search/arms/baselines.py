"""The baselines of the latent search, with the same training set and the same budget."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from automata.deltas import Deltas
from automata.evolution import Evolution, evolve
from automata.mutation import mutate
from automata.sampling import sample_uniform
from automata.solver.exact import Thresholds
from data.dataset import Dataset
from search.arms.account import Arm, drive
from search.arms.proposals import Batches, plain_proposals

BASELINES = ("uniform", "mutation", "evolve")
_IDLE_DRAWS = 1 << 20
"""The uniform arm ends after this many consecutive automata without a new one in the classes."""


def propose_uniform(
    rng: np.random.Generator, n: int, k: int, batch: int, *, undefined: float | None = None
) -> Batches:
    """Yield batches of uniform random automata without end; each list is for one arm.

    With a share of undefined transitions they are partial; the first letter has none.
    """
    while True:
        drawn = sample_uniform(rng, batch, n, k, undefined=undefined, total=1)
        yield [plain_proposals(drawn, partial=undefined is not None)]


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

    Draws are cheap, so a search within rare classes gets many of them.
    """
    oracle = arm.oracle
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
        start=start,
        progress=report,
    )
