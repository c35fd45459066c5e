"""The summary of a search: arms, sources and times, with the hits of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from automata.solver.exact import Thresholds
from data.best_known import Scale
from search.arms.account import Arm
from search.arms.oracle import Oracle

HIT_SHARES = (0.6, 0.7, 0.8)
HIT_COLUMNS = ["hits_top", *(f"hits_{share}" for share in HIT_SHARES)]
SUMMARY_COLUMNS = [
    "mode",
    "round",
    "decoded",
    "valid_as_decoded",
    "valid_after_repair",
    "distinct",
    "novel",
    "calls",
    "labelling_calls",
    "mean_threshold",
    "best_threshold",
    *HIT_COLUMNS,
]
TIME_COLUMNS = ["mode", "seconds", "training", "calls", *HIT_COLUMNS]
SOURCE_COLUMNS = ["mode", "source", "proposed", "valid", "calls", "best_threshold", *HIT_COLUMNS]


def hit_thresholds(scale: Scale) -> dict[str, float]:
    """Return the least threshold that counts as a hit, for each of `HIT_COLUMNS`.

    For partial automata and in classes ``hits_top`` is the longest known threshold, and the others
    are shares of it; all are nan where none is known.

    Examples
    --------
    >>> {name: round(least, 1) for name, least in hit_thresholds(Scale(8, 2)).items()}
    {'hits_top': 38, 'hits_0.6': 29.4, 'hits_0.7': 34.3, 'hits_0.8': 39.2}
    >>> {name: round(least, 1) for name, least in hit_thresholds(Scale(8, 2, True)).items()}
    {'hits_top': 55, 'hits_0.6': 33.0, 'hits_0.7': 38.5, 'hits_0.8': 44.0}
    """
    best: float = math.nan if scale.best is None else scale.best
    least = {"hits_top": best if scale.by_record else scale.n**2 - 4 * scale.n + 6}
    return least | {f"hits_{share}": share * best for share in HIT_SHARES}


def distinct_hits(scale: Scale | None = None) -> list[str]:
    """Return `HIT_COLUMNS` as people are shown them, lowest share first, then ``hits_top``.

    With a scale, columns that count the same hits as one before are left out; all are
    where no length is known.

    Examples
    --------
    >>> distinct_hits(Scale(6, 2)), distinct_hits()[-1]
    (['hits_0.6', 'hits_0.7', 'hits_0.8'], 'hits_top')
    """
    shown = [*(f"hits_{share}" for share in HIT_SHARES), "hits_top"]
    if scale is None:
        return shown
    if scale.best is None:
        return []
    least = hit_thresholds(scale)
    first = {math.ceil(least[name]): name for name in reversed(shown)}
    return [name for name in shown if first[math.ceil(least[name])] == name]


def hits_in_words(scale: Scale) -> str:
    """Say in two sentences what the hits at any size are counted from.

    Examples
    --------
    >>> print(hits_in_words(Scale(8, 2)))
    Hits: 0.6, 0.7 and 0.8 are shares of the Černý bound (n-1)², top is n²-4n+6.
    >>> hits_in_words(Scale(8, 2, classes=("sink",)))[:50]
    'Hits: top is the longest known threshold in class '
    """
    shares = "0.6, 0.7 and 0.8 are shares of"
    if not scale.by_record:
        return f"Hits: {shares} the Černý bound (n-1)², top is n²-4n+6."
    known = f"Hits: top is the {scale.name} (docs/records.md), {shares} it."
    return f"{known} Where none is known, cells are empty."


def summarize(oracle: Oracle, arms: Sequence[Arm], labelling_calls: int) -> pd.DataFrame:
    """Return one row for each arm, with the columns `SUMMARY_COLUMNS`.

    Mean, best and hits count automata outside the training set only. Hits are per 1,000 solver
    calls.

    Parameters
    ----------
    oracle : Oracle
    arms : sequence of Arm
    labelling_calls : int
        Solver calls that labelled the training set. All arms but ``uniform`` use it.
    """
    rows = []
    for arm in arms:
        numbers, _ = arm.found()
        novel = numbers[numbers >= oracle.training_rows]
        thresholds = oracle.thresholds(novel)
        row = {
            "mode": arm.mode,
            "round": arm.round,
            "decoded": arm.decoded,
            "valid_as_decoded": arm.as_decoded,
            "valid_after_repair": arm.valid,
            "distinct": len(numbers),
            "novel": len(novel),
            "calls": arm.calls,
            "labelling_calls": 0 if arm.mode == "uniform" else labelling_calls,
            "mean_threshold": round(float(thresholds.mean()), 3) if len(novel) else np.nan,
            "best_threshold": int(thresholds.max()) if len(novel) else -1,
        }
        rows.append(row | _hit_rates(oracle_scale(oracle), thresholds, arm.calls))
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def count_sources(oracle: Oracle, arms: Sequence[Arm]) -> pd.DataFrame:
    """Return one row for each source of each arm, with the columns `SOURCE_COLUMNS`.

    Best and hits count automata outside the training set only. Hits are per 1,000 solver calls of
    the source.
    """
    rows = []
    for arm in arms:
        numbers, _ = arm.found()
        by = arm.found_by()
        for place, (source, tally) in enumerate(arm.tallies.items()):
            own = numbers[by == place]
            thresholds = oracle.thresholds(own[own >= oracle.training_rows])
            row = {
                "mode": arm.mode,
                "source": source,
                **tally._asdict(),
                "best_threshold": int(thresholds.max(initial=-1)),
            }
            rows.append(row | _hit_rates(oracle_scale(oracle), thresholds, tally.calls))
    return pd.DataFrame(rows, columns=SOURCE_COLUMNS)


def time_modes(summary: pd.DataFrame, seconds: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Return wall time and hits per second of each mode; all rounds of encode-decode are one.

    The modes are in the order of the summary.

    Parameters
    ----------
    summary : DataFrame
        The columns `SUMMARY_COLUMNS`.
    seconds : mapping
        Wall time by mode and activity: ``all``, and ``train`` if the mode trains.

    Returns
    -------
    DataFrame
        Columns ``mode``, ``seconds``, ``training`` (seconds), ``calls``, and for each of
        `HIT_COLUMNS` the hits per second.
    """
    rows = []
    for mode, arms in summary.groupby("mode", sort=False):
        if mode not in seconds:
            continue
        spent = seconds[mode]
        row = {
            "mode": mode,
            "seconds": round(spent["all"], 2),
            "training": round(spent.get("train", 0.0), 2),
            "calls": int(arms["calls"].sum()),
        }
        for name in HIT_COLUMNS:
            hits = (arms[name] * arms["calls"]).sum() / 1000
            row[name] = round(hits / spent["all"], 3) if spent["all"] else np.nan
        rows.append(row)
    return pd.DataFrame(rows, columns=TIME_COLUMNS)


def oracle_scale(oracle: Oracle) -> Scale:
    """Return the length that the thresholds of an oracle are compared with."""
    return Scale(oracle.n, oracle.k, oracle.partial, classes=oracle.classes)


def _hit_rates(scale: Scale, thresholds: Thresholds, calls: int) -> dict[str, float]:
    """Return the hits per 1,000 calls for each of `HIT_COLUMNS`, nan without calls or scale."""
    rates = {}
    for name, least in hit_thresholds(scale).items():
        hits = int((thresholds >= least).sum())
        rates[name] = round(1000 * hits / calls, 3) if calls and not math.isnan(least) else np.nan
    return rates
