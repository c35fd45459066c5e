"""One search: arms on one oracle, then tables and pictures."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.evolution import Evolution
from automata.sizes import UNDEFINED_SHARE
from automata.solver.exact import Thresholds
from data.commits import commit_files
from data.dataset import Dataset
from data.files import write_json
from data.progress import progress
from data.streams import stream
from search.arms.account import Arm, Trace, drive
from search.arms.baselines import BASELINES, propose_mutations, run_evolution, run_uniform
from search.arms.cma_es import LEAST_LATENT, check_latent
from search.arms.guided import GUIDES
from search.arms.modes import Proposer, parent_rows
from search.arms.oracle import Oracle
from search.arms.proposals import Batches
from search.arms.retrain import run_retraining
from search.arms.seconds import timed
from search.candidates import rank_candidates
from search.configs import EXCHANGES, GUIDED, LEARNING, MODES, UNGUIDED
from search.configs import SearchConfig as SearchConfig
from search.summary import count_sources, oracle_scale, summarize
from vae.model import VAE
from vae.train import check_size

_STREAMS = (*UNGUIDED, *BASELINES, *LEARNING, *GUIDED)
"""Arms by the index of their random stream: new ones come last, so that no older one changes."""


@dataclass(frozen=True)
class SearchResult:
    """The tables of a search, and the data for its pictures and its score."""

    candidates: pd.DataFrame
    summary: pd.DataFrame
    found: Thresholds
    """int32 (found,): thresholds of the distinct novel automata of all arms but the baselines"""
    traces: list[Trace]
    """The finds of each arm, in the order of the summary."""
    sources: pd.DataFrame
    """`search.summary.SOURCE_COLUMNS`: the counts of each source of the arms that learn"""
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    """Wall time by mode and activity: ``all``, and ``train`` of the arms that learn."""


def search(
    model: VAE,
    training: Dataset,
    config: SearchConfig,
    *,
    labelling_calls: int = 0,
    workers: int = 1,
) -> SearchResult:
    """Run the modes and the baselines, each with the same budget of solver calls.

    Parameters
    ----------
    model : VAE
    training : Dataset
        The dataset that the model was trained on. Parents come from it; automata outside are novel.
    config : SearchConfig
    labelling_calls : int
        Solver calls that labelled the training set, for the summary.
    workers : int
        Threads of the solver; the result does not depend on their number.

    Returns
    -------
    SearchResult

    Raises
    ------
    DataError
        If the (n, k) of model and data differ, fewer than two training automata are in the
        classes, or the latent space has too few dimensions for the mode.
    """
    check_size(training, model.config)
    modes = running_modes(config, model.config.latent)
    oracle = Oracle(training.n, training.k, training, classes=config.classes, workers=workers)
    parents = parent_rows(training, config.latent.parents, config.classes, workers=workers)
    allowed = training.of_classes(config.classes, workers=workers)
    undefined = UNDEFINED_SHARE if training.partial else None
    found: list[Arm] = []
    baselines: list[Arm] = []
    seconds: dict[str, dict[str, float]] = {}
    for mode in (*MODES, *BASELINES, *LEARNING):
        if mode not in (*modes, *BASELINES):
            continue
        # an arm's random numbers do not depend on which other arms run
        rng = stream(config.seed, "search", _STREAMS.index(mode))
        rounds = range(1, config.latent.rounds + 1) if mode == "encode-decode" else [0]
        arms = [Arm(oracle, mode, round, config.budget) for round in rounds]
        spent = seconds[mode] = {}
        with (
            progress(config.budget * len(arms), f"search {mode}", "calls") as bar,
            timed(spent, "all"),
        ):
            if mode == "uniform":
                run_uniform(rng, arms[0], config.latent.batch, bar.update, undefined=undefined)
            elif mode == "evolve":
                labelled = allowed.deltas, allowed.reset_thresholds
                run_evolution(rng, arms[0], _evolution(config, undefined), bar.update, labelled)
            elif mode in LEARNING:
                run_retraining(rng, arms[0], model, allowed, config, bar.update, spent)
            else:
                drive(arms, _proposals(mode, model, training, parents, config, rng), bar.update)
        (baselines if mode in BASELINES else found).extend(arms)
    result = collect(oracle, found, baselines, config.keep, labelling_calls)
    return replace(result, seconds=seconds)


def running_modes(config: SearchConfig, latent: int) -> tuple[str, ...]:
    """Return the modes that run with a latent space of `latent` dimensions, and what learns.

    The mode ``all`` leaves out ``cma-es`` where there are too few dimensions for it.

    Raises
    ------
    DataError
        If ``cma-es`` alone is asked for, and there are too few.

    Examples
    --------
    >>> "cma-es" in running_modes(SearchConfig(), 2), "cma-es" in running_modes(SearchConfig(), 1)
    (True, False)
    """
    if config.mode == "cma-es":
        check_latent(latent)
    return tuple(mode for mode in config.modes if mode != "cma-es" or latent >= LEAST_LATENT)


def collect(
    oracle: Oracle,
    found: list[Arm],
    baselines: list[Arm],
    keep: int,
    labelling_calls: int = 0,
) -> SearchResult:
    """Return the tables and traces of arms that have ended.

    Parameters
    ----------
    oracle : Oracle
    found, baselines : list of Arm
        Candidates come from `found`; from a baseline only if it found one above the Černý bound, or
        above the longest threshold known of partial automata or of the classes.
    keep : int
        Candidates at most.
    labelling_calls : int
        Solver calls that labelled the training set.
    """
    numbers = np.unique(np.concatenate([arm.found()[0] for arm in found]))
    # A counterexample to Černý's conjecture, or a record, is kept, even from a baseline.
    limit = oracle_scale(oracle).limit
    records = [arm for arm in baselines if limit is not None and arm.best() > limit]
    return SearchResult(
        rank_candidates(oracle, found + records, keep),
        summarize(oracle, found + baselines, labelling_calls),
        oracle.thresholds(numbers[numbers >= oracle.training_rows]),
        [arm.trace() for arm in found + baselines],
        count_sources(oracle, [arm for arm in found if arm.mode in LEARNING]),
    )


def _evolution(config: SearchConfig, undefined: float | None) -> Evolution:
    """Return the settings of the baseline ``evolve``.

    Its archive has as many automata as the latent search has parents. Generations are small: with
    larger ones a search of this length has too few of them. Half of the children exchange targets.
    That hits several times as often, and redrawn transitions hardly ever stay in some classes, such
    as the Eulerian automata.
    """
    return Evolution(
        calls=config.budget,
        archive_size=config.latent.parents,
        batch=256,
        exchanges=EXCHANGES,
        classes=config.classes,
        undefined=undefined,
    )


def _proposals(
    mode: str,
    model: VAE,
    training: Dataset,
    parents: npt.NDArray[np.int64],
    config: SearchConfig,
    rng: np.random.Generator,
) -> Batches:
    """Return the endless proposals of a latent mode or of ``mutation``, a list over its arms."""
    latent = config.latent
    if mode == "mutation":
        return propose_mutations(rng, training, parents, latent.batch)
    space = Proposer(model, training, parents, latent, rng)
    return GUIDES[mode](space) if mode in GUIDES else space.propose(mode)


def write_tables(folder: Path, result: SearchResult, recall: pd.DataFrame | None = None) -> None:
    """Write the tables of a search with their checksums, all or nothing.

    The files are ``candidates.csv``, ``summary.csv`` and, with a recall table, ``recall.csv``;
    ``sources.csv`` and the wall times, ``seconds.json``, if an arm learned from its finds.
    """
    tables = {"candidates.csv": result.candidates, "summary.csv": result.summary}
    if len(result.sources):
        tables["sources.csv"] = result.sources
        write_json(folder / "seconds.json", result.seconds)
    if recall is not None:
        tables["recall.csv"] = recall
    commit_files(
        folder,
        {name: partial(table.to_csv, index=False) for name, table in tables.items()},
    )
