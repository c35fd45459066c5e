"""Evolution from random automata, beside uniform sampling with the same budget."""

from __future__ import annotations

from automata.evolution import Evolution
from data.damage import DataError
from data.progress import progress
from data.streams import stream
from search.arms.account import Arm
from search.arms.baselines import run_evolution, run_uniform
from search.arms.oracle import Oracle
from search.configs import EvolveConfig as EvolveConfig
from search.run import SearchResult, collect

_UNIFORM_BATCH = 4096


def evolve_from_random(config: EvolveConfig, *, workers: int = 1) -> SearchResult:
    """Evolve automata from uniform random ones, without known automata.

    Parameters
    ----------
    config : EvolveConfig
    workers : int
        Threads; the result does not depend on their number.

    Returns
    -------
    SearchResult
        Of the arms ``evolve`` and ``uniform``. Without a training set every automaton is novel.

    Raises
    ------
    DataError
        If no random automaton is in the classes: evolution cannot begin.
    """
    oracle = Oracle(
        config.n, config.k, classes=config.classes, partial=config.partial, workers=workers
    )
    evolved, uniform = (Arm(oracle, mode, 0, config.budget) for mode in ("evolve", "uniform"))
    evolution = Evolution(
        calls=config.budget,
        archive_size=config.parents,
        batch=config.batch,
        softness=config.softness,
        exchanges=config.exchanges,
        classes=config.classes,
        undefined=config.undefined,
    )
    with progress(config.budget, "evolve", "calls") as bar:
        run_evolution(stream(config.seed, "evolve", 0), evolved, evolution, bar.update)
    if evolved.calls == 0:
        raise DataError(
            f"no synchronizing automaton of class {', '.join(config.classes) or 'any'} with "
            f"n={config.n}, k={config.k} among random ones: nothing to evolve from"
        )
    with progress(config.budget, "uniform", "calls") as bar:
        rng = stream(config.seed, "evolve", 1)
        run_uniform(rng, uniform, _UNIFORM_BATCH, bar.update, undefined=config.undefined)
    return collect(oracle, [evolved], [uniform], config.keep)
