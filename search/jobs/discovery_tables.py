"""The tables of a discovery: candidates and sizes of one run, or a comparison of several."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from data.best_known import Scale
from data.cells import json_rows
from data.commits import commit_files
from data.printing import printed_table, wrapped
from search.claims import candidate_place
from search.discovery.config import DiscoverConfig
from search.discovery.step import Steps
from search.discovery.tables import candidates, summary, summary_in_words
from search.jobs.best import best_of_sizes
from search.pictures.scores import plot_families, plot_gaps, plot_hits
from search.scoring.comparison import (
    RATIO_COLUMNS,
    assert_distinct,
    compact,
    compare_arms,
    ratios,
)
from search.scoring.records import compact_records, record_length, score_records
from search.scoring.running_times import running_times
from search.scoring.scores import Listed, family_rows, score_steps
from search.summary import hits_in_words

COMPARISON_TABLES = (
    *("scores.csv", "comparison.csv", "ratios.csv", "families.csv", "starts.csv", "records.csv"),
    *("running_times.csv", "best.csv"),
)
_OF_RECORDS = (
    "Calls and seconds until the longest threshold known; a training counts once it has begun"
)
_BASELINE = "insertion"
"""The arm that others are divided by in ``ratios.csv``, if it ran."""


class DiscoveryOutcome(NamedTuple):
    """The result of a discovery."""

    table: pd.DataFrame
    """Of one run a row for each size, of several runs their comparison."""
    files: list[Path]
    best: pd.DataFrame
    """The slowest automata of each size, of all runs."""
    records: Mapping[int, int | None]
    """The longest threshold known of each size."""
    scores: pd.DataFrame
    """What each arm and seed took to reach the records above the start."""
    times: pd.DataFrame
    """The running times of these scores."""
    legend: str
    """Says what columns of the table mean."""

    def text(self) -> str:
        """Return the table, what the records took, the files, and the best of each size."""
        gapped = dict.fromkeys(self.table.columns[self.table.isna().any()], object)
        cells = self.table.astype(gapped).where(self.table.notna(), "-")
        keys = 2 if "arm" in cells else 1
        lines: list[str] = [printed_table(cells, keys=keys), wrapped(self.legend)]
        if len(self.scores):
            own = printed_table(compact_records(self.scores, self.times), keys=2)
            lines += [f"\n{_OF_RECORDS}", own]
        best = "\nBest automaton of each size, beside the longest threshold known"
        shown = best_of_sizes(self.best, self.records)
        return "\n".join([*lines, *map(str, self.files), best, shown])

    def as_json(self) -> dict[str, Any]:
        """Return the rows of the table, of the scores by records, and the files."""
        return {
            "sizes": json_rows(self.table),
            "records": json_rows(self.scores),
            "files": [*map(str, self.files)],
        }


def report_runs(
    out: Path,
    runs: Mapping[tuple[str, int], Steps],
    config: DiscoverConfig,
    truth: Mapping[int, Listed],
    alone: tuple[str, int] | None,
) -> DiscoveryOutcome:
    """Write the tables of one run, of a comparison, or both; and the pictures.

    Parameters
    ----------
    out : Path
    runs : mapping of (arm, seed) to Steps
    config : DiscoverConfig
    truth : mapping of size to Listed
    alone : (arm, seed) or None
        The run whose candidates to list, if one.

    Returns
    -------
    DiscoveryOutcome

    Raises
    ------
    RuntimeError
        If two runs are copies: see `search.scoring.comparison.assert_distinct`.
    """
    tables: dict[str, pd.DataFrame] = {}
    pictures: list[Path] = []
    later = {
        run: {n: step for n, step in steps.items() if n > config.start_to}
        for run, steps in runs.items()
    }
    by_records = score_records(later, config.classes)
    times = running_times(by_records)
    if alone is not None:
        own = runs[alone]
        tables["candidates.csv"] = candidates(own, config.learn.elites)
        tables["summary.csv"] = table = summary(own)
    best = pd.concat([candidates(own, config.learn.elites, share=1.0) for own in runs.values()])
    if len(runs) > 1:
        assert_distinct(later)
        scores = score_steps(later, min(config.first_look, config.budget), truth, config.classes)
        comparison = compare_arms(scores)
        families = family_rows(later, config.classes)
        contents = (
            *(scores, comparison, _ratios(scores), families, _starts(runs, config), by_records),
            *(times, _slowest(best)),
        )
        tables |= dict(zip(COMPARISON_TABLES, contents, strict=True))
        pictures += plot_families(comparison, out / "families")
        pictures += plot_hits(
            comparison, out / "hits", by_record=config.partial or bool(config.classes)
        )
        if alone is None:
            table = compact(comparison)
    pictures += plot_gaps(later, out / "gaps")
    commit_files(out, {name: partial(own.to_csv, index=False) for name, own in tables.items()})
    records = {
        n: record_length(n, config.k, config.classes, partial=config.partial)
        for n in range(config.least, config.most + 1)
    }
    files = [*(out / name for name in tables), *pictures]
    scale = Scale(config.most, config.k, config.partial, classes=config.classes)
    legend = hits_in_words(scale) if alone is None else summary_in_words(scale)
    return DiscoveryOutcome(table, files, best, records, by_records, times, legend)


def _slowest(best: pd.DataFrame) -> pd.DataFrame:
    """Return the slowest automata of each size, each once, in the order of a candidates file."""
    longest = best.groupby("n")["reset_threshold"].transform("max")
    rows = best[best["reset_threshold"] == longest].drop_duplicates(["n", "delta"])
    in_order = sorted(rows.reset_index(drop=True).itertuples(), key=candidate_place)
    rows = rows.iloc[[row.Index for row in in_order]]
    return rows.assign(rank=range(1, len(rows) + 1))


def _ratios(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the hit rates of each arm divided by those of `_BASELINE`, or of the first arm."""
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
    """Return a row for each size of the start, for each seed: calls and finds."""
    tables = {}
    for (_, seed), steps in runs.items():
        table = summary({n: step for n, step in steps.items() if n <= config.start_to})
        table.insert(0, "seed", seed)
        tables[seed] = table
    return pd.concat(tables.values(), ignore_index=True)
