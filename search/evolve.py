"""Evolution from nothing, beside uniform sampling with as many solver calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automata.arguments import check_setting
from automata.canonical import CANONICAL_MAX_LETTERS, CANONICAL_MAX_STATES
from automata.properties import in_classes
from automata.sampling import Evolution
from data.damage import DataError
from data.progress import progress
from data.streams import stream
from search.baselines import EXCHANGES, run_evolution, run_uniform
from search.oracle import Arm, Oracle
from search.run import SearchResult, collect

_UNIFORM_BATCH = 4096


@dataclass(frozen=True)
class EvolveConfig:
    """What is evolved and what it may cost."""

    n: int = 8
    k: int = 2
    budget: int = 1_000_000
    """Solver calls of each arm."""
    parents: int = 2000
    """Distinct automata kept to breed from, those with the longest thresholds."""
    batch: int = 256
    """Children a generation."""
    softness: float = 0.02
    """Parents are drawn with weights 1 / (softness*parents + rank)."""
    exchanges: float = EXCHANGES
    """Share of the children that exchange two targets; the others redraw one or two."""
    keep: int = 1000
    """Candidates in the report."""
    seed: int = 0
    classes: tuple[str, ...] = ()
    """Only automata of all these classes count: NAME or not-NAME."""

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        for name, value, low, high in [
            ("n", self.n, 1, CANONICAL_MAX_STATES),
            ("k", self.k, 1, CANONICAL_MAX_LETTERS),
            ("budget", self.budget, 1, 10**9),
            ("parents", self.parents, 1, 10**8),
            ("batch", self.batch, 1, 10**6),
            ("softness", self.softness, 1e-6, 10**6),
            ("exchanges", self.exchanges, 0.0, 1),
            ("keep", self.keep, 1, 10**7),
            ("seed", self.seed, 0, 2**63 - 1),
        ]:
            check_setting(name, value, low, high)
        in_classes(np.empty((0, self.k, self.n), np.uint8), self.classes)  # known, not too large


def evolve(config: EvolveConfig, *, workers: int = 1) -> SearchResult:
    """Evolve automata from uniform random ones, nothing put in by hand.

    Parameters
    ----------
    config : EvolveConfig
    workers : int
        Threads; the result does not depend on them.

    Returns
    -------
    SearchResult
        The arms ``evolve`` and ``uniform``; all they find is new.

    Raises
    ------
    DataError
        If no random automaton is of the classes, so that there is nothing to begin with.
    """
    oracle = Oracle(config.n, config.k, classes=config.classes, workers=workers)
    evolved, uniform = (Arm(oracle, mode, 0, config.budget) for mode in ("evolve", "uniform"))
    evolution = Evolution(
        calls=config.budget,
        archive_size=config.parents,
        batch=config.batch,
        softness=config.softness,
        exchanges=config.exchanges,
        classes=config.classes,
    )
    with progress(config.budget, "evolve", "calls") as bar:
        run_evolution(stream(config.seed, "evolve", 0), evolved, evolution, bar.update)
    if evolved.calls == 0:
        raise DataError(
            f"no synchronizing automaton of class {', '.join(config.classes) or 'any'} with "
            f"n={config.n}, k={config.k} among random ones: nothing to evolve from"
        )
    with progress(config.budget, "uniform", "calls") as bar:
        run_uniform(stream(config.seed, "evolve", 1), uniform, _UNIFORM_BATCH, bar.update)
    return collect(oracle, [evolved], [uniform], config.keep)
