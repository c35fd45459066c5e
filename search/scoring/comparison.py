"""Comparison of arms: means over the seeds with intervals, ratios, and a check for copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from search.evaluation.intervals import (
    RESAMPLES,
    percentile_interval,
    ratio_interval,
    resampled_counts,
)
from search.scoring.scores import ALL, FIRST_LOOK, SECONDS, Floats, Runs
from search.summary import HIT_COLUMNS

MEASURES = [
    "calls", *HIT_COLUMNS, "families_found", "all_families", "calls_to_families", "gap", "recall",
    "duplicates", *SECONDS,
]  # fmt: skip
"""The measures; the interval of each has the columns ``<measure>_low``, ``<measure>_high``."""
COMPARISON_COLUMNS = ["arm", "n", "window", "seeds", "families_known"] + [
    name + end for name in MEASURES for end in ("", "_low", "_high")
]
RATIO_COLUMNS = ["n", "window", "threshold", "seeds", "baseline_seeds"] + [
    name + end for name in ("arm", "baseline", "ratio") for end in ("", "_low", "_high")
] + ["apart"]  # fmt: skip

_COMPACT_COLUMNS = [
    "arm", "n", "seeds", "calls", "first look", "top per 1,000", "0.8 per 1,000",
    "families first/all/known", "best gap", "seconds",
]  # fmt: skip


def compare_arms(scores: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Return the means over the seeds, with bootstrap intervals: `COMPARISON_COLUMNS`.

    An interval has the percentiles 2.5 and 97.5 of 10,000 resamples of the seeds; with one seed it
    is nan. ``all_families`` is the share of seeds that found all known families. If a seed lacks a
    measure, its mean is nan: a mean over the other seeds would hide the gap.

    Parameters
    ----------
    scores : DataFrame
        As `search.scoring.scores.score_steps` returns it.
    seed : int
        Seed of the resamples. The intervals of an arm do not depend on the other arms.

    Returns
    -------
    DataFrame
        One row for each arm, size and window, in the order of `scores`.
    """
    rows = []
    for key, group in _with_all_families(scores).groupby(["arm", "n", "window"], sort=False):
        values = group.sort_values("seed")[MEASURES].to_numpy(np.float64)  # (seeds, measures)
        known = group["families_known"].iloc[0]
        estimates = np.stack(_estimate(values, seed), axis=1)  # (measures, 3)
        rows.append((*key, len(values), known, *estimates.ravel().tolist()))
    return pd.DataFrame(rows, columns=COMPARISON_COLUMNS)


def ratios(scores: pd.DataFrame, arm: str, baseline: str, *, seed: int = 0) -> pd.DataFrame:
    """Return the hit rate of an arm divided by that of a baseline: `RATIO_COLUMNS`.

    The ratio is that of the mean rates over the seeds: inf if only the baseline's rate is 0, nan if
    both are. Its interval has the percentiles of `compare_arms`. If both arms have the same seeds,
    these are resampled together, else independently. A resample in which both rates are 0 carries
    no information. It counts as 0 for the lower end and as inf for the upper end, so it can only
    widen the interval. ``apart`` is whether the intervals of the two rates (see `compare_arms`)
    are disjoint; with one seed it is False. If no seed hits, the bootstrap interval of the rate is
    0 to 0, however few calls there were.

    Parameters
    ----------
    scores : DataFrame
        As `search.scoring.scores.score_steps` returns it.
    arm, baseline : str
    seed : int
        As in `compare_arms`.

    Returns
    -------
    DataFrame
        One row for each size, window and threshold (a name in `HIT_COLUMNS`) that both arms have.

    Raises
    ------
    ValueError
        If one of the arms has no scores.
    """
    groups = []
    for name in (arm, baseline):
        own = scores[scores["arm"] == name].sort_values("seed")
        if own.empty:
            arms = ", ".join(dict.fromkeys(scores["arm"]))
            raise ValueError(f"no arm {name!r}: the arms are {arms or 'none'}")
        groups.append({key: group for key, group in own.groupby(["n", "window"], sort=False)})
    rows = []
    for key in [key for key in groups[0] if key in groups[1]]:
        first, second = (group[key] for group in groups)
        one, other = (group[HIT_COLUMNS].to_numpy(np.float64) for group in (first, second))
        paired = first["seed"].tolist() == second["seed"].tolist()
        estimates = [*_estimate(one, seed), *_estimate(other, seed)]
        estimates += _estimate_ratio(one, other, paired, seed)
        for name, numbers in zip(HIT_COLUMNS, np.stack(estimates, axis=1).tolist(), strict=True):
            apart = numbers[1] > numbers[5] or numbers[2] < numbers[4]
            rows.append((*key, name, len(one), len(other), *numbers, apart))
    return pd.DataFrame(rows, columns=RATIO_COLUMNS)


def _with_all_families(scores: pd.DataFrame) -> pd.DataFrame:
    """Add the column ``all_families``: 1 if all known families were found, nan if none is known."""
    complete = scores["families_found"] == scores["families_known"]
    return scores.assign(all_families=complete.astype(float).where(scores["families_known"] > 0))


def _estimate(values: Floats, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return mean, lower and upper end of each column of (seeds, measures)."""
    means = _resampled_means(values, seed, 0)
    return _mean(values), *percentile_interval(means, means)


def _estimate_ratio(
    one: Floats, other: Floats, paired: bool, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Return the ratio of the means and its interval, for each column of (seeds, measures)."""
    first = _resampled_means(one, seed, 0)
    second = _resampled_means(other, seed, 0 if paired else 1)
    undecided = (first == 0) & (second == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        resampled = first / second
        ratio = _mean(one) / _mean(other)
    return ratio, *ratio_interval(resampled, undecided)


def _mean(values: Floats) -> Floats:
    """Return the mean of each column, clipped to its values' range against rounding."""
    mean: Floats = np.clip(values.mean(axis=0), values.min(axis=0), values.max(axis=0))
    return mean


def _resampled_means(values: Floats, seed: int, stream: int) -> Floats:
    """Return the means of resampled seeds: (seeds, measures) to (measures, resamples)."""
    if len(values) == 1:
        return np.full((values.shape[1], RESAMPLES), np.nan)
    draws = resampled_counts(len(values), seed=seed, stream=stream)
    # einsum: unlike those of a matrix product, its sums do not depend on the number of threads
    means: Floats = np.einsum("sm,sr->mr", values, draws) / len(values)  # (measures, resamples)
    return np.clip(means, values.min(axis=0)[:, None], values.max(axis=0)[:, None])


def assert_distinct(steps: Runs) -> None:
    """Check that no two arms of a seed, and no two seeds of an arm, have equal traces.

    Traces of common sizes are compared. `steps` must not hold the start, which arms share.

    Parameters
    ----------
    steps : mapping of (arm, seed) to mapping of size to Step

    Raises
    ------
    RuntimeError
        If two have equal traces; the error names both.
    """
    for one, other in combinations(sorted(steps), 2):
        if one[0] != other[0] and one[1] != other[1]:
            continue
        sizes = steps[one].keys() & steps[other].keys()
        if sizes and all(steps[one][n].trace == steps[other][n].trace for n in sizes):
            if one[1] == other[1]:
                who = f"the arms {one[0]!r} and {other[0]!r} of seed {one[1]}"
            else:
                who = f"the seeds {one[1]} and {other[1]} of the arm {one[0]!r}"
            raise RuntimeError(f"{who} have the same trace, n={min(sizes)} to {max(sizes)}")


def compact(comparison: pd.DataFrame) -> pd.DataFrame:
    """Return the table to print, every cell a text: a row for each arm and size.

    Hits are per 1,000 distinct calls of the first look, with intervals. Families are the numbers
    found in the first look, found in all calls, and known.

    Parameters
    ----------
    comparison : DataFrame
        As `compare_arms` returns it.

    Returns
    -------
    DataFrame
    """
    looks = comparison[comparison["window"] == FIRST_LOOK]
    whole = comparison[comparison["window"] == ALL]
    rows = []
    for look, every in zip(looks.to_dict("records"), whole.to_dict("records"), strict=True):
        at_once = look["families_found"] if look["calls"] else np.nan
        families = [at_once, every["families_found"], every["families_known"]]
        row = {
            "arm": every["arm"],
            "n": str(every["n"]),
            "seeds": str(every["seeds"]),
            "calls": f"{every['calls']:,.0f}",
            "first look": f"{look['calls']:,.0f}",
            "top per 1,000": with_interval(look, "hits_top"),
            "0.8 per 1,000": with_interval(look, "hits_0.8"),
            "families first/all/known": " / ".join(map(three_digits, families)),
            "best gap": three_digits(every["gap"]),
            "seconds": f"{every['seconds']:,.0f}",
        }
        rows.append(row)
    return pd.DataFrame(rows, columns=_COMPACT_COLUMNS)


def with_interval(row: Mapping[str, float], name: str) -> str:
    """Write the number in a column of a row, with the interval in the two columns of its ends."""
    ends: Sequence[float] = (row[f"{name}_low"], row[f"{name}_high"])
    interval = "" if np.isnan(ends).any() else f" [{', '.join(map(three_digits, ends))}]"
    return three_digits(row[name]) + interval


def three_digits(number: float) -> str:
    """Write a number with three digits, "-" for nan."""
    if np.isnan(number):
        return "-"
    return np.format_float_positional(number, 3, fractional=False, trim="-")
