"""The results of ``search``, ``evolve`` and ``evaluate``: their tables as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from data.best_known import Scale
from data.cells import json_rows
from data.printing import printed_table, wrapped
from data.results import Summary
from search.evaluation.attribute_table import in_words, shown_briefly
from search.jobs.best import best_automata
from search.scoring.recall import Recall
from search.summary import hits_in_words


class SearchOutcome(NamedTuple):
    """The tables and files of a run."""

    candidates: pd.DataFrame
    summary: pd.DataFrame
    """One row for each arm."""
    recall: Recall | None
    files: list[Path]
    sources: pd.DataFrame
    """One row for each source of each arm that learns; no row without such an arm."""
    times: pd.DataFrame
    """Wall time and hits per second of each mode; no row without an arm that learns."""
    scale: Scale
    """The length that thresholds are compared with."""

    @property
    def calls(self) -> int:
        """Solver calls of all arms."""
        return int(self.summary["calls"].sum())

    @property
    def labelling_calls(self) -> int:
        """Solver calls that labelled the training set."""
        return int(self.summary["labelling_calls"].max())

    def text(self) -> str:
        """Return the comparison of the arms, recall, the files, and the best candidates."""
        hidden = ["labelling_calls", *(name for name in self.summary if name.startswith("recall_"))]
        lines = [
            "\nArms: hits per 1,000 solver calls (summary.csv)",
            printed_table(self.summary.drop(columns=hidden), keys=2, na_rep="-"),
            wrapped(hits_in_words(self.scale)),
        ]
        if (self.summary["calls"] < self.summary["calls"].max()).any():
            lines.append(
                "Arms with fewer calls ended early: too few of their automata were new or allowed."
            )
        lines += [
            f"{row.mode} kept none of the {row.decoded:,} automata that it drew."
            for row in self.summary[self.summary["calls"] == 0].itertuples()
            if row.distinct == 0
        ]
        if self.recall is not None:
            lines += [
                "\nRecall: share of the automata with threshold >= T that are found (recall.csv)",
                printed_table(self.recall.compact(), keys=3, float_format="%.3f"),
            ]
        if len(self.sources):
            lines += [
                "\nSources of the arms that learn, hits per 1,000 solver calls (sources.csv)",
                printed_table(self.sources, keys=2, na_rep="-"),
                "\nWall time, and hits per second (seconds.json)",
                printed_table(self.times, na_rep="-"),
            ]
        calls = f"\nSolver calls of the arms: {self.calls}"
        if self.labelling_calls:
            calls += f"; of labelling the training set: {self.labelling_calls}"
        lines.append(calls)
        best = "\nBest candidates (candidates.csv has all of them)"
        return "\n".join([*lines, *map(str, self.files), best, best_automata(self.candidates)])

    def as_json(self) -> dict[str, Any]:
        """Return the number of candidates, the comparison of the arms, recall and the files."""
        recall = {} if self.recall is None else {"recall": self.recall.table.to_dict("records")}
        learning = {"sources": json_rows(self.sources), "times": json_rows(self.times)}
        return {
            "candidates": len(self.candidates),
            "summary": json_rows(self.summary),
            "calls": self.calls,
            "labelling calls": self.labelling_calls,
            "files": [*map(str, self.files)],
            **recall,
            **(learning if len(self.sources) else {}),
        }


class EvaluationOutcome(NamedTuple):
    """The measures of a model."""

    measures: Mapping[str, Any]
    attributes: pd.DataFrame
    """A row for each attribute; `search.evaluation.attribute_table` has the columns."""

    def text(self) -> str:
        """Return a line for each measure, and who gains which attribute."""
        lines = [Summary(self.measures).text()]
        if len(self.attributes):
            lines += [
                "\nAttribute arithmetic: held-out automata that gain what they lack, after a step "
                "along its direction (attributes.csv)",
                shown_briefly(self.attributes),
                *in_words(self.attributes),
            ]
        elif not self.measures["latent"]:
            lines.append("attribute arithmetic: not measured, the model has no latent space")
        else:
            lines.append(
                "attribute arithmetic: not measured, too few automata have an attribute or lack it"
            )
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the measures by their names, and the rows of the attributes."""
        return {**self.measures, "attributes": json_rows(self.attributes)}
