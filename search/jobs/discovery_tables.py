"""What is reported: of one run its candidates and sizes, of several their comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.automaton import cerny_bound
from automata.text.formats import format_delta
from data.files import commit_files
from search.candidates import CANDIDATE_COLUMNS, candidate_table
from search.discovery.config import DiscoverConfig
from search.discovery.step import ACTIVITIES, KEEP_SHARE, Elites, Step, Steps
from search.pictures.scores import plot_families, plot_gaps, plot_hits
from search.scoring.comparison import (
    RATIO_COLUMNS,
    assert_distinct,
    compact,
    compare_arms,
    ratios,
)
from search.scoring.scores import Listed, family_rows, score_steps

COMPARISON_TABLES = ("scores.csv", "comparison.csv", "ratios.csv", "families.csv", "starts.csv")
_BASELINE = "insertion"
_CHUNK = 1 << 16
"""Candidates whose words are in memory at a time."""


def report_runs(
    out: Path,
    runs: Mapping[tuple[str, int], Steps],
    config: DiscoverConfig,
    truth: Mapping[int, Listed],
    alone: tuple[str, int] | None,
) -> dict[str, Any]:
    """Write the tables of one run, of the comparison of several, or both; and its pictures.

    Parameters
    ----------
    out : Path
    runs : mapping of (arm, seed) to Steps
    config : DiscoverConfig
    truth : mapping of size to Listed
    alone : (arm, seed) or None
        The run whose candidates are listed.

    Returns
    -------
    dict
        ``table``, what there is to print: of one run its sizes, else the comparison; ``files``.

    Raises
    ------
    RuntimeError
        If two of them did the same.
    """
    tables: dict[str, pd.DataFrame] = {}
    pictures: list[Path] = []
    later = {
        run: {n: step for n, step in steps.items() if n > config.start_to}
        for run, steps in runs.items()
    }
    if alone is not None:
        own = runs[alone]
        tables["candidates.csv"] = candidates(own, config.learn.elites)
        tables["summary.csv"] = table = summary(own)
    if len(runs) > 1:
        assert_distinct(later)
        scores = score_steps(later, min(config.first_look, config.budget), truth, config.classes)
        comparison = compare_arms(scores)
        families = family_rows(later, config.classes)
        contents = (scores, comparison, _ratios(scores), families, _starts(runs, config))
        tables |= dict(zip(COMPARISON_TABLES, contents, strict=True))
        pictures += plot_families(comparison, out / "families")
        pictures += plot_hits(comparison, out / "hits")
        if alone is None:
            table = compact(comparison)
    pictures += plot_gaps(later, out / "gaps")
    commit_files(out, {name: partial(own.to_csv, index=False) for name, own in tables.items()})
    return {"table": table, "files": [*(out / name for name in tables), *pictures]}


def candidates(
    steps: Steps, elites: int, share: float = KEEP_SHARE, *, parents: Steps | None = None
) -> pd.DataFrame:
    """Return every automaton at or above a share of the Černý bound, by size and gap.

    The best of each size are there, wherever they are.

    Parameters
    ----------
    steps : mapping of int to Step
        By size.
    elites : int
        Automata of each size that the model learned from: they name the parents, if they are
        among the steps.
    share : float
        Of the bound; below 0.6 only elites are kept.
    parents : mapping of int to Step, optional
        The whole steps that parents are among, if `steps` are parts of them.

    Returns
    -------
    DataFrame
        The columns of `CANDIDATE_COLUMNS`; the rank counts through all sizes.
    """
    smaller = {n: step.elites(elites) for n, step in (parents or steps).items()}
    tables = [table for n in sorted(steps) for table in _tables(steps[n], smaller, share)]
    found = (
        pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=CANDIDATE_COLUMNS)
    )
    found["rank"] = np.arange(1, len(found) + 1)
    return found


def summary(steps: Steps) -> pd.DataFrame:
    """Return a row for each size: calls, what they found, where the time went."""
    rows = []
    for n, step in sorted(steps.items()):
        top = step.thresholds >= n * n - 4 * n + 6
        row = {
            "n": n,
            "calls": step.calls,
            "first_look": step.first_look,
            "best_threshold": int(step.thresholds.max(initial=-1)),
            "cerny_bound": cerny_bound(n),
            "top": int(top.sum()),
            "top_first_look": int((top & (step.found_at <= step.first_look)).sum()),
        }
        seconds = {name: round(step.seconds.get(name, 0.0), 1) for name in ACTIVITIES}
        rows.append(row | {f"{name}_seconds": spent for name, spent in seconds.items()})
    return pd.DataFrame(rows)


def _tables(step: Step, smaller: dict[int, Elites], share: float) -> Iterator[pd.DataFrame]:
    """Yield the candidates of one size, in order, some at a time."""
    names = np.array(list(step.tallies))
    order = np.lexsort((*step.forms.T[::-1], -step.thresholds))
    least = min(share * cerny_bound(step.n), step.thresholds.max(initial=0))
    order = order[step.thresholds[order] >= least]
    for start in range(0, len(order), _CHUNK):
        rows = order[start : start + _CHUNK]
        yield candidate_table(
            step.n,
            step.k,
            step.forms[rows],
            step.thresholds[rows],
            novel=True,
            mode=names[step.sources[rows]],
            parent_a=_texts(step.parents[rows, 0], smaller),
            parent_b=_texts(step.parents[rows, 1], smaller),
            alpha=step.alpha[rows].round(4),
            round=0,
            repaired=step.repaired[rows],
        )


def _texts(parents: npt.NDArray[np.int32], smaller: dict[int, Elites]) -> list[str]:
    """Return the text of each parent, "" for none."""
    return [
        format_delta(smaller[size].deltas[row]) if size in smaller else ""
        for size, row in parents.tolist()
    ]


def _ratios(scores: pd.DataFrame) -> pd.DataFrame:
    """Return how many times as often each arm hits as insertion, or else as the first arm."""
    arms = list(dict.fromkeys(scores["arm"]))
    baseline = _BASELINE if _BASELINE in arms else arms[0]
    tables = [pd.DataFrame(columns=["method", "baseline_method", *RATIO_COLUMNS])]
    for arm in arms:
        if arm != baseline:
            table = ratios(scores, arm, baseline)
            table.insert(0, "method", arm)
            table.insert(1, "baseline_method", baseline)
            tables.append(table)
    return pd.concat(tables[1:] or tables, ignore_index=True)


def _starts(runs: Mapping[tuple[str, int], Steps], config: DiscoverConfig) -> pd.DataFrame:
    """Return what the start of each seed cost and found."""
    tables = {}
    for (_, seed), steps in runs.items():
        table = summary({n: step for n, step in steps.items() if n <= config.start_to})
        table.insert(0, "seed", seed)
        tables[seed] = table
    return pd.concat(tables.values(), ignore_index=True)
