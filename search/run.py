"""One search: arms on one oracle, then tables and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from automata.automaton import cerny_bound
from automata.solver import Thresholds
from data.dataset import Dataset
from data.files import commit_files
from data.progress import progress
from data.streams import stream
from search.baselines import BASELINES, propose_mutations, propose_uniform, run_evolution
from search.candidates import rank_candidates, summarize
from search.modes import MODES, LatentConfig, LatentSpace
from search.oracle import Arm, Oracle, Proposals
from vae.model import VAE
from vae.train import check_size


@dataclass(frozen=True)
class SearchConfig:
    """What a search does and what it may spend."""

    mode: str = "all"
    """One of the modes, or ``all``."""
    budget: int = 100_000
    """Solver calls of each arm: of each mode, each round of encode-decode, each baseline."""
    keep: int = 1000
    """Candidates in the report."""
    seed: int = 0
    latent: LatentConfig = field(default_factory=LatentConfig)

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        if self.mode not in (*MODES, "all"):
            raise ValueError(f"unknown mode {self.mode!r}: one of {', '.join(MODES)}, all")
        for name, value, low, high in [
            ("budget", self.budget, 1, 10**9),
            ("keep", self.keep, 1, 10**7),
            ("seed", self.seed, 0, 2**63 - 1),
        ]:
            if not low <= value <= high:
                raise ValueError(f"{name}={value} is not in {low}..{high}")

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that run."""
        return MODES if self.mode == "all" else (self.mode,)


@dataclass(frozen=True)
class SearchResult:
    """The tables of a search, and what its pictures need."""

    candidates: pd.DataFrame
    summary: pd.DataFrame
    found: Thresholds
    """int32: thresholds of the distinct novel automata that the latent modes found"""


_VAIN_BATCHES = 16
"""So many batches in a row without a new automaton end an arm before its budget is spent."""


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
        What the model was trained on: it gives the parents and decides what is new.
    config : SearchConfig
    labelling_calls : int
        Solver calls that labelling the training set took, for the summary.
    workers : int
        Threads of the solver; the result does not depend on them.

    Returns
    -------
    SearchResult

    Raises
    ------
    DataError
        If model and data have another (n, k).
    """
    check_size(training, model.config)
    oracle = Oracle(training, workers)
    found: list[Arm] = []
    baselines: list[Arm] = []
    for index, mode in enumerate((*MODES, *BASELINES)):
        if mode not in (*config.modes, *BASELINES):
            continue
        # an arm's random numbers do not depend on which other arms run
        rng = stream(config.seed, "search", index)
        rounds = range(1, config.latent.rounds + 1) if mode == "encode-decode" else [0]
        arms = [Arm(oracle, mode, round, config.budget) for round in rounds]
        with progress(config.budget * len(arms), f"search {mode}", "calls") as bar:
            if mode == "evolve":
                run_evolution(rng, training, arms[0], config.latent.parents, bar.update)
            else:
                _drive(arms, _proposals(mode, model, training, config, rng), bar.update)
        (baselines if mode in BASELINES else found).extend(arms)
    numbers = np.unique(np.concatenate([arm.found()[0] for arm in found]))
    # A counterexample to Černý's conjecture is kept, whoever finds it.
    sensations = [arm for arm in baselines if arm.best() > cerny_bound(training.n)]
    return SearchResult(
        rank_candidates(oracle, found + sensations, training, config.keep),
        summarize(oracle, found + baselines, labelling_calls),
        oracle.thresholds(numbers[numbers >= oracle.training_rows]),
    )


def _proposals(
    mode: str, model: VAE, training: Dataset, config: SearchConfig, rng: np.random.Generator
) -> Iterator[list[Proposals]]:
    """Return the endless proposals of a mode or baseline, a list over its arms."""
    latent = config.latent
    if mode == "uniform":
        return propose_uniform(rng, training.n, training.k, latent.batch)
    if mode == "mutation":
        return propose_mutations(rng, training, latent.parents, latent.batch)
    return LatentSpace(model, training, latent, rng).propose(mode)


def _drive(
    arms: list[Arm], proposals: Iterator[list[Proposals]], report: Callable[[int], object]
) -> None:
    """Submit batches to the arms until all have spent their budgets, or propose in vain."""
    vain = 0
    for batches in proposals:
        before = sum(arm.calls for arm in arms)
        for arm, batch in zip(arms, batches, strict=True):
            arm.submit(batch)
        new = sum(arm.calls for arm in arms) - before
        report(new)
        vain = 0 if new else vain + 1
        if vain == _VAIN_BATCHES or all(arm.exhausted for arm in arms):
            return


def write_tables(folder: Path, result: SearchResult) -> None:
    """Write ``candidates.csv`` and ``summary.csv`` with their checksums, all or nothing."""
    commit_files(
        folder,
        {
            "candidates.csv": lambda path: result.candidates.to_csv(path, index=False),
            "summary.csv": lambda path: result.summary.to_csv(path, index=False),
        },
    )
