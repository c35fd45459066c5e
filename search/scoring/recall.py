"""Recall: the share of a complete enumeration that each arm found, by number of calls.

No other module reads the truth. This one takes traces of arms that have ended, so no code that
proposes automata can see the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.canonical import from_canonical
from automata.row_index import RowIndex
from automata.solver.exact import NOT_SYNCHRONIZING, Thresholds
from automata.text.formats import format_delta
from data.best_known import Scale
from data.damage import DataError
from data.dataset import read_shards
from data.manifest import ENUMERATION, check_whole, is_partial, read_manifest
from search.arms.account import Trace
from search.summary import hit_thresholds

RECALL_COLUMNS = ["mode", "round", "threshold", "classes", "calls", "found", "recall"]
_CALLS = [10**power for power in range(3, 15)]
_PANELS = 4
"""Most panels of the picture."""
_SHOWN = 10
"""The printed table has this many of the longest thresholds, and those of hits."""


class ArmCurve(NamedTuple):
    """The finds of one arm with thresholds from some threshold on."""

    mode: str
    round: int
    calls: int
    """All calls of the arm."""
    found_at: npt.NDArray[np.int64]
    """int64 (found,): calls spent up to each find, not falling"""


class RecallPanel(NamedTuple):
    """The curves of all arms for one threshold."""

    threshold: int
    classes: int
    """Number of isomorphism classes with this threshold or a longer one."""
    curves: list[ArmCurve]


@dataclass(frozen=True)
class Truth:
    """A complete enumeration that fits a search; only its manifest has been read."""

    folder: Path
    n: int
    k: int
    at_least: int
    """Least threshold: it holds all automata of `classes` from this threshold on."""
    classes: tuple[str, ...]
    """The classes that are searched; its other automata are ignored."""
    partial: bool = False
    """Whether its automata are partial."""


class Recall(NamedTuple):
    """The share of the truth that each arm found."""

    table: pd.DataFrame
    """`RECALL_COLUMNS`: a row for each arm, threshold, and number of calls"""
    thresholds: list[int]
    """the thresholds of the table"""
    shown: list[int]
    """the thresholds to print: those of hits, and the longest"""
    panels: list[RecallPanel]
    """the panels of its picture"""

    def extend(self, summary: pd.DataFrame) -> pd.DataFrame:
        """Return a summary of the arms with a column ``recall_T`` for each threshold T.

        It holds the recall after all calls of the arm.
        """
        last = self.table.groupby(["mode", "round", "threshold"])["recall"].last()
        arms = [*zip(summary["mode"], summary["round"], strict=True)]
        columns = {
            f"recall_{threshold}": [last[mode, round, threshold] for mode, round in arms]
            for threshold in self.thresholds
        }
        return summary.assign(**columns)

    def compact(self) -> pd.DataFrame:
        """Return the table to print: a row for each arm and number of calls."""
        rows = self.table[self.table["threshold"].isin(self.shown)]
        names = rows["threshold"].astype(str) + " (" + rows["classes"].astype(str) + ")"
        names = ">=" + names
        wide = rows.assign(name=names).pivot_table(
            "recall", ["mode", "round", "calls"], "name", sort=False
        )
        return wide.reset_index().rename_axis(columns=None)


def open_truth(
    folder: Path | str, n: int, k: int, classes: Sequence[str], *, partial: bool = False
) -> Truth:
    """Check that an enumeration can score a search; only its manifest is read.

    Parameters
    ----------
    folder : Path or str
        A folder made by ``enumerate``.
    n, k : int
        States and letters of the search.
    classes : sequence of str
        The classes that are searched.
    partial : bool
        Whether partial automata are searched.

    Raises
    ------
    DataError
        If the folder is no complete enumeration of this size, or leaves out automata that the
        search may find.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    config = manifest["config"]
    if manifest.get("kind") != ENUMERATION:
        raise DataError(f"{folder}: not a folder of enumerate")
    check_whole(folder, manifest)
    if not config["rows"]:
        raise DataError(f"{folder}: holds counts alone, no automata (enumerated with --no-rows)")
    if (config["n"], config["k"]) != (n, k):
        raise DataError(
            f"{folder}: enumerates n={config['n']}, k={config['k']}, but n={n}, k={k} is searched"
        )
    if is_partial(manifest) != partial:
        theirs, ours = ("complete", "partial") if partial else ("partial", "complete")
        raise DataError(f"{folder}: enumerates {theirs} automata, but {ours} ones are searched")
    # All finds of an arm synchronize.
    outside = [name for name in config["classes"] if name not in ("synchronizing", *classes)]
    if outside:
        raise DataError(
            f"{folder}: enumerates class {', '.join(outside)} alone, but the search is not "
            "restricted to it"
        )
    return Truth(folder, n, k, config["at_least"], tuple(classes), partial)


def score(truth: Truth, traces: Sequence[Trace], *, workers: int = 1) -> Recall:
    """Return the share of the truth that each arm found.

    An arm has found the automata that it proposed itself, training automata too. Automata that are
    only in the training set, or only found by another arm, do not count. The calls of a find are
    all calls that the arm had paid for up to then.

    Parameters
    ----------
    truth : Truth
    traces : sequence of Trace
        One for each arm; all arms have ended.
    workers : int
        Threads.

    Raises
    ------
    DataError
        If the truth is damaged, or lacks a find, or has another threshold for it.
    """
    counts = _compare(truth, traces, workers)
    lowest = max(1, truth.at_least)
    # at_least[t]: number of classes with threshold t or more
    at_least = np.cumsum(counts[::-1])[::-1]
    thresholds = [*range(lowest, len(counts))]
    rows = []
    for trace in traces:
        for threshold in thresholds:
            found_at = trace.found_at[trace.thresholds >= threshold]
            for calls in [*(power for power in _CALLS if power < trace.calls), trace.calls]:
                found, classes = int((found_at <= calls).sum()), int(at_least[threshold])
                share = round(found / classes, 6)
                rows.append((trace.mode, trace.round, threshold, classes, calls, found, share))
    longest = np.flatnonzero(counts)[-_SHOWN:]
    scale = Scale(truth.n, truth.k, truth.partial, classes=truth.classes)
    hits = {int(np.ceil(least)) for least in hit_thresholds(scale).values() if least >= 0}
    return Recall(
        pd.DataFrame(rows, columns=RECALL_COLUMNS),
        thresholds,
        [t for t in thresholds if t in hits or t in longest],
        [_panel(t, int(at_least[t]), traces) for t in _drawn(thresholds, hits)],
    )


def _compare(truth: Truth, traces: Sequence[Trace], workers: int) -> npt.NDArray[np.int64]:
    """Count the truth's classes by threshold, and compare its labels with those of all finds."""
    index = RowIndex(truth.n * truth.k)
    for trace in traces:
        index.add(trace.forms)
    thresholds: Thresholds = np.empty(len(index), np.int32)
    for trace in traces:
        thresholds[index.find(trace.forms)] = trace.thresholds
    lacking = thresholds >= truth.at_least
    counts = np.zeros(1, np.int64)
    manifest = read_manifest(truth.folder)
    for whole in read_shards(truth.folder, manifest, workers=workers):
        shard = whole.of_classes(truth.classes, workers=workers)
        labels = shard.reset_thresholds
        numbers = index.find(shard.forms)
        rows = np.flatnonzero(numbers >= 0)
        found = numbers[rows]
        wrong = np.flatnonzero(thresholds[found] != labels[rows])
        if len(wrong):
            delta, label = shard.deltas[rows[wrong[0]]], labels[rows[wrong[0]]]
            raise DataError(
                f"{truth.folder}: {format_delta(delta)} has threshold {label} there, "
                f"but {thresholds[found[wrong[0]]]} was found"
            )
        lacking[found] = False
        new = np.bincount(labels[labels > NOT_SYNCHRONIZING])
        counts = np.pad(counts, (0, max(0, len(new) - len(counts))))
        counts[: len(new)] += new
    if lacking.any():
        first = np.flatnonzero(lacking)[:1]
        (delta,) = from_canonical(index.rows[first], truth.n, truth.k, partial=truth.partial)
        raise DataError(
            f"{truth.folder}: lacks {format_delta(delta)} with threshold {thresholds[first][0]}, "
            "which was found"
        )
    return counts


def _drawn(thresholds: list[int], hits: set[int]) -> list[int]:
    """Choose the thresholds of the panels: least, longest, and those of hits between them."""
    if not thresholds:
        return []
    chosen = sorted({thresholds[0], thresholds[-1]} | (hits & {*thresholds}))
    places = np.linspace(0, len(chosen) - 1, min(_PANELS, len(chosen))).round().astype(int)
    return [chosen[place] for place in places]


def _panel(threshold: int, classes: int, traces: Sequence[Trace]) -> RecallPanel:
    curves = [
        ArmCurve(
            trace.mode,
            trace.round,
            trace.calls,
            trace.found_at[trace.thresholds >= threshold],
        )
        for trace in traces
    ]
    return RecallPanel(threshold, classes, curves)
