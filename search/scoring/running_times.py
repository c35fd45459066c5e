"""Expected running times until a record, beside those of the best unlearned arm.

The expected running time is all that the seeds of an arm spent until the record, or until their end
if they missed it, divided by the number of seeds that reached it (Hansen et al. 2021, COCO). So
an arm pays for the seeds in which it fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from search.discovery.arms import ARMS
from search.evaluation.intervals import (
    RESAMPLES,
    percentile_interval,
    ratio_interval,
    resampled_counts,
)
from search.scoring.scores import Floats

UNITS = ("calls", "seconds")


class Estimate(NamedTuple):
    """An expected running time, and its ratio to that of the baseline."""

    time: float
    low: float
    high: float
    baseline: str
    """Empty without one."""
    ratio: float
    ratio_low: float
    ratio_high: float


RUNNING_TIMES = [
    *("arm", "n", "record", "seeds", "reached"),
    *(f"{unit}_{part}" for unit in UNITS for part in Estimate._fields),
]


def running_times(scores: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Return the expected running times of all arms, and their ratios: `RUNNING_TIMES`.

    The baseline of a size is the arm without a model whose expected running time is the shortest
    there; by calls it may be another arm than by seconds. It is chosen with hindsight, which
    intervals do not show. If no arm without a model reaches the record, there is no baseline,
    and the ratio of arms that do is 0. Intervals have the percentiles 2.5 and 97.5 of
    10,000 resamples of the seeds; if both arms have the same seeds, these are resampled together. A
    resample in which neither reaches the record can only widen the interval. With one seed the ends
    are nan.

    Parameters
    ----------
    scores : DataFrame
        As `search.scoring.records.score_records` returns it.
    seed : int
        Seed of the resamples.

    Returns
    -------
    DataFrame
        One row for each arm and size, in the order of `scores`.
    """
    in_order = scores.groupby(["arm", "n"], sort=False)
    groups = {key: own.sort_values("seed") for key, own in in_order}
    rows = []
    for (arm, n), own in groups.items():
        unlearned = {
            name: other
            for (name, size), other in groups.items()
            if size == n and not ARMS[name].learns
        }
        facts = [arm, n, own["record"].iloc[0], len(own), own["calls_to_record"].count()]
        estimates = [_estimate(own, unlearned, unit, seed) for unit in UNITS]
        rows.append([*facts, *(value for estimate in estimates for value in estimate)])
    return pd.DataFrame(rows, columns=RUNNING_TIMES)


def _estimate(
    own: pd.DataFrame, unlearned: Mapping[str, pd.DataFrame], unit: str, seed: int
) -> Estimate:
    """Return the estimate of one arm at one size from the scores of its seeds there."""
    time, times = _time(own, unit), _times(own, unit, seed, 0)
    ends = _plain(percentile_interval(times[None], times[None]))
    if not unlearned:
        return Estimate(time, *ends, "", np.nan, np.nan, np.nan)
    baseline = min(unlearned, key=lambda name: _time(unlearned[name], unit))
    other = unlearned[baseline]
    if np.isinf(_time(other, unit)):
        ratio = 0.0 if time < np.inf else np.nan
        return Estimate(time, *ends, "", ratio, np.nan, np.nan)
    paired = own["seed"].tolist() == other["seed"].tolist()
    others = _times(other, unit, seed, 0 if paired else 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, ratios = np.divide(time, _time(other, unit)), times / others
    missed = np.isinf(times) & np.isinf(others)
    ratio_ends = _plain(ratio_interval(ratios[None], missed[None]))
    return Estimate(time, *ends, baseline, float(ratio), *ratio_ends)


def _time(own: pd.DataFrame, unit: str) -> float:
    return float(_expected(own, unit, np.ones((len(own), 1)))[0])


def _times(own: pd.DataFrame, unit: str, seed: int, stream: int) -> Floats:
    """Return the expected running times of all resamples; all nan of one seed."""
    if len(own) == 1:
        return np.full(RESAMPLES, np.nan)
    return _expected(own, unit, resampled_counts(len(own), seed=seed, stream=stream))


def _expected(own: pd.DataFrame, unit: str, draws: Floats) -> Floats:
    """Return the expected running times if each seed is drawn some times: (seeds, resamples)."""
    until = own[f"{unit}_to_record"]
    spent = until.fillna(own[unit]).to_numpy(np.float64)
    # einsum: unlike those of a matrix product, its sums do not depend on the number of threads
    total = np.einsum("s,sr->r", spent, draws)
    reached = np.einsum("s,sr->r", until.notna().to_numpy(np.float64), draws)
    return np.where(reached > 0, total / np.maximum(reached, 1), np.inf)


def _plain(ends: tuple[Floats, Floats]) -> tuple[float, float]:
    """Return the ends of the interval of one measure as numbers."""
    low, high = ends
    return float(low[0]), float(high[0])
