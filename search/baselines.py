"""What the latent search must beat, from the same training set at the same budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from automata.automaton import Deltas
from automata.sampling import Evolution, evolve, mutate, sample_uniform
from automata.solver import Thresholds
from data.dataset import Dataset
from search.modes import parent_rows
from search.oracle import Arm, Proposals, plain_proposals

BASELINES = ("uniform", "mutation", "evolve")


def propose_uniform(
    rng: np.random.Generator, n: int, k: int, batch: int
) -> Iterator[list[Proposals]]:
    """Yield uniform random automata without end."""
    while True:
        yield [plain_proposals(sample_uniform(rng, batch, n, k))]


def propose_mutations(
    rng: np.random.Generator, training: Dataset, parents: int, batch: int
) -> Iterator[list[Proposals]]:
    """Yield parents with one redrawn transition without end: the parents of the latent search."""
    rows = parent_rows(training, parents)
    while True:
        drawn = rows[rng.integers(len(rows), size=batch)]
        yield [plain_proposals(mutate(rng, training.deltas[drawn]), drawn)]


def run_evolution(
    rng: np.random.Generator,
    training: Dataset,
    arm: Arm,
    parents: int,
    report: Callable[[int], object],
) -> None:
    """Spend an arm's budget on `evolve`, started from the training set.

    The archive is as large as the latent search has parents, and generations are small: with
    larger ones a search of this length hardly builds on what it finds.
    """

    def solve(deltas: Deltas) -> Thresholds:
        return arm.submit(plain_proposals(deltas))

    evolve(
        rng,
        training.n,
        training.k,
        Evolution(calls=arm.budget, archive_size=parents, batch=256),
        workers=arm.oracle.workers,
        solve=solve,
        start=(training.deltas, training.reset_thresholds),
        progress=report,
    )
