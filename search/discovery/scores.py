"""The scores of discovery: what each arm found at each size, in how many calls, over all seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.automaton import cerny_bound
from automata.canonical import Forms, canonical_forms, from_canonical
from automata.families import FAMILIES
from automata.formats import format_delta
from automata.properties import are_irreducible
from automata.row_index import RowIndex
from data.files import DataError
from search.candidates import HIT_COLUMNS, hit_thresholds
from search.discovery.step import KEEP_SHARE, Step

Steps = Mapping[tuple[str, int], Mapping[int, Step]]
"""By arm and seed, then by size."""
Floats = npt.NDArray[np.float64]

WINDOWS = (500, 1_000, 5_000, 20_000)
"""First calls of a first look that are scored on their own."""
FIRST_LOOK, ALL = "first look", "all"
EVOLVE = "evolve"
"""The source of what is found after the first look."""
ACTIVITIES = ("train", "sample", "solve", "evolve")

_DISTINCT = [name.replace("hits", "distinct") for name in HIT_COLUMNS]
_SECONDS = ["seconds", *(f"seconds_{activity}" for activity in ACTIVITIES)]
SCORE_COLUMNS = [
    "arm", "seed", "n", "window", "calls", *_DISTINCT, *HIT_COLUMNS, "best_threshold", "gap",
    "families_known", "families_found", "calls_to_families", "listed", "listed_found", "recall",
    "duplicates", *_SECONDS,
]  # fmt: skip
FAMILY_COLUMNS = ["arm", "seed", "n", "family", "found_at", "in_first_look"]
MEASURES = [
    "calls", *HIT_COLUMNS, "families_found", "all_families", "calls_to_families", "gap", "recall",
    "duplicates", *_SECONDS,
]  # fmt: skip
"""What is compared: each with its interval, ``<measure>_low`` and ``<measure>_high``."""
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

_RESAMPLES = 10_000
_TAIL = 0.025


class Listed(NamedTuple):
    """All automata of one size from a threshold on, as enumerated."""

    forms: Forms
    """uint8 (rows, n*k): canonical forms"""
    at_least: int
    """The least threshold of the list."""


@cache
def known_families(n: int, k: int) -> tuple[tuple[str, ...], Forms]:
    """Return the known families with an irreducible member of this size: names and members.

    A member that is not irreducible is one of fewer letters, and has some added. Where two
    families coincide, the first gives its name.

    Parameters
    ----------
    n, k : int
        Numbers of states and letters.

    Returns
    -------
    names : tuple of str
    forms : uint8 array, shape (names, n*k)
        Canonical forms, all different; read-only.

    Examples
    --------
    >>> known_families(10, 2)[0]
    ('C', "D'", 'W', "D''", 'E', 'H', 'H2')
    >>> known_families(10, 3)[0]
    ('T3', 'T2')
    """
    families = [family for family in FAMILIES if family.k == k and family.exists(n)]
    forms = np.empty((0, n * k), np.uint8)
    if families:
        members = np.stack([family.delta(n) for family in families])  # (families, k, n)
        chosen = np.flatnonzero(are_irreducible(members))
        forms = canonical_forms(members[chosen])
        first = RowIndex(n * k).add_new(forms)
        families, forms = [families[place] for place in chosen[first]], forms[first]
    forms.flags.writeable = False
    return tuple(family.name for family in families), forms


def score_steps(
    steps: Steps, asked: int, truth: Mapping[int, Listed] | None = None
) -> pd.DataFrame:
    """Score each step in each window, the columns `SCORE_COLUMNS`.

    The windows are the first calls of the first look, as in `WINDOWS` (``500``, ...), the whole
    ``first look``, and ``all`` calls of the step. A first look shorter than a window is taken as
    it is, its own number of calls the denominator; that of an arm that never evolves is all its
    calls, so that it compares with others in the windows of a number alone. Of each window:

    - ``distinct_*``: automata at or above the thresholds of `hit_thresholds`, each counted once;
      ``hits_*``: the same per 1,000 calls, nan without a call;
    - ``best_threshold`` and ``gap`` to the Černý bound, nan where the step kept nothing;
    - ``families_known``, how many of them were found, and ``calls_to_families``: the calls after
      which the last of them was found, nan where one is missing;
    - ``listed``, ``listed_found`` and their quotient ``recall``, nan where no list is given;
    - ``duplicates``: the share of valid proposals that cost no call, since they were repeated;
      for the two whole windows only;
    - ``seconds`` altogether and by activity; for ``all`` only.

    Parameters
    ----------
    steps : mapping of (arm, seed) to mapping of size to Step
    asked : int
        Calls asked of the first look; longer windows are left out.
    truth : mapping of size to Listed, optional

    Returns
    -------
    DataFrame
        One row an arm, seed, size and window: arms as they come, seeds and sizes rising.

    Raises
    ------
    ValueError
        If a list begins below the thresholds that steps keep.
    DataError
        If a step found what a list should hold and lacks, or the other way round.
    """
    lists = {n: (listed.at_least, _index(listed, n)) for n, listed in (truth or {}).items()}
    rows = []
    for arm, seed, step in _ordered(steps):
        families = _families_found_at(step)
        listed = _listed_found_at(step, *lists[step.n]) if step.n in lists else None
        for window, calls in _windows(step, asked):
            facts = {"arm": arm, "seed": seed, "n": step.n, "window": window, "calls": calls}
            facts |= _hits(step, calls) | _family_facts(families, calls)
            facts |= _recall(listed, calls) | _costs(step, window)
            rows.append(facts)
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def family_rows(steps: Steps) -> pd.DataFrame:
    """Return after how many calls each known family was found, the columns `FAMILY_COLUMNS`.

    ``found_at`` is nan where it was not.

    Parameters
    ----------
    steps : mapping of (arm, seed) to mapping of size to Step

    Returns
    -------
    DataFrame
        One row an arm, seed, size and known family.
    """
    rows = [
        (arm, seed, step.n, name, found_at, found_at <= step.first_look)
        for arm, seed, step in _ordered(steps)
        for name, found_at in zip(
            known_families(step.n, step.k)[0], _families_found_at(step).tolist(), strict=True
        )
    ]
    return pd.DataFrame(rows, columns=FAMILY_COLUMNS)


def _ordered(steps: Steps) -> Iterator[tuple[str, int, Step]]:
    """Give all steps: arms as they come, seeds and sizes rising."""
    for arm in dict.fromkeys(arm for arm, _ in steps):
        for seed in sorted(seed for name, seed in steps if name == arm):
            sizes = steps[arm, seed]
            for n in sorted(sizes):
                yield arm, seed, sizes[n]


def _windows(step: Step, asked: int) -> list[tuple[str, int]]:
    """Name the windows, and count the calls that fall into each."""
    first = [(str(calls), min(calls, step.first_look)) for calls in WINDOWS if calls <= asked]
    return [*first, (FIRST_LOOK, step.first_look), (ALL, step.calls)]


def _hits(step: Step, calls: int) -> dict[str, float]:
    thresholds = step.thresholds[step.found_at <= calls]
    facts: dict[str, float] = {}
    for name, least in hit_thresholds(step.n).items():
        distinct = int((thresholds >= least).sum())
        facts[name.replace("hits", "distinct")] = distinct
        facts[name] = 1000 * distinct / calls if calls else np.nan
    best = float(thresholds.max()) if len(thresholds) else np.nan
    return facts | {"best_threshold": best, "gap": cerny_bound(step.n) - best}


def _families_found_at(step: Step) -> Floats:
    """Return the calls spent when each known family was found, nan for never."""
    _, forms = known_families(step.n, step.k)
    index = RowIndex(step.n * step.k)
    index.add(forms)
    return _found_at(step, index.find(step.forms), len(forms))


def _family_facts(found_at: Floats, calls: int) -> dict[str, float]:
    inside = found_at <= calls
    complete = len(found_at) > 0 and inside.all()
    return {
        "families_known": len(found_at),
        "families_found": int(inside.sum()),
        "calls_to_families": float(found_at.max()) if complete else np.nan,
    }


def _index(listed: Listed, n: int) -> RowIndex:
    if listed.at_least < KEEP_SHARE * cerny_bound(n):
        raise ValueError(
            f"a list of n={n} from threshold {listed.at_least} on, but only what is at least "
            f"{KEEP_SHARE} of {cerny_bound(n)} is kept"
        )
    index = RowIndex(listed.forms.shape[1])
    index.add(listed.forms)
    return index


def _listed_found_at(step: Step, at_least: int, index: RowIndex) -> Floats:
    """Return the calls spent when each listed automaton was found, nan for never."""
    numbers = index.find(step.forms)
    wrong = np.flatnonzero((numbers >= 0) != (step.thresholds >= at_least))
    if len(wrong):
        delta = from_canonical(step.forms[wrong[:1]], step.n, step.k)[0]
        holds = "holds" if numbers[wrong[0]] >= 0 else "lacks"
        raise DataError(
            f"the list of n={step.n} from threshold {at_least} on {holds} {format_delta(delta)}, "
            f"which was found with threshold {step.thresholds[wrong[0]]}"
        )
    return _found_at(step, numbers, len(index))


def _found_at(step: Step, numbers: npt.NDArray[np.int64], count: int) -> Floats:
    """Return `found_at` by number, nan for numbers that no row of the step has."""
    found_at = np.full(count, np.nan)
    rows = np.flatnonzero(numbers >= 0)
    found_at[numbers[rows]] = step.found_at[rows]
    return found_at


def _recall(found_at: Floats | None, calls: int) -> dict[str, float]:
    if found_at is None:
        return {}
    found = int((found_at <= calls).sum())
    recall = found / len(found_at) if len(found_at) else np.nan
    return {"listed": len(found_at), "listed_found": found, "recall": recall}


def _costs(step: Step, window: str) -> dict[str, float]:
    """Return duplicates and seconds, where they are known."""
    if window not in (FIRST_LOOK, ALL):
        return {}
    tallies = [t for name, t in step.tallies.items() if window == ALL or name != EVOLVE]
    valid, calls = sum(t.valid for t in tallies), sum(t.calls for t in tallies)
    facts: dict[str, float] = {"duplicates": 1 - calls / valid if valid else np.nan}
    if window == ALL:
        facts["seconds"] = sum(step.seconds.values())
        facts |= {f"seconds_{name}": step.seconds.get(name, 0.0) for name in ACTIVITIES}
    return facts


def compare_arms(scores: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Return the means over the seeds and their bootstrap intervals: `COMPARISON_COLUMNS`.

    Intervals are the percentiles 2.5 and 97.5 of 10,000 resamples of the seeds, nan where there
    is one seed. ``all_families`` is the share of seeds that found all known families. A measure
    that one of the seeds lacks is nan: a mean over the others would hide why.

    Parameters
    ----------
    scores : DataFrame
        As `score_steps` returns it.
    seed : int
        Of the resamples; an arm's intervals do not depend on which other arms there are.

    Returns
    -------
    DataFrame
        One row an arm, size and window, in the order of `scores`.
    """
    rows = []
    for key, group in _with_all_families(scores).groupby(["arm", "n", "window"], sort=False):
        values = group.sort_values("seed")[MEASURES].to_numpy(np.float64)  # (seeds, measures)
        known = group["families_known"].iloc[0]
        estimates = np.stack(_estimate(values, seed), axis=1)  # (measures, 3)
        rows.append((*key, len(values), known, *estimates.ravel().tolist()))
    return pd.DataFrame(rows, columns=COMPARISON_COLUMNS)


def ratios(scores: pd.DataFrame, arm: str, baseline: str, *, seed: int = 0) -> pd.DataFrame:
    """Return how many times as often an arm hits as a baseline, the columns `RATIO_COLUMNS`.

    The ratio is of the mean rates. Where the baseline's is 0, it is inf; where both are, it is
    nan, since nothing tells them apart. Its interval is that of `compare_arms`: seeds are
    resampled together where both have the same ones, and otherwise independently. A resample in
    which both rates are 0 counts as 0 for the lower end and as inf for the upper: it says nothing,
    so the interval may only grow. ``apart`` tells whether the intervals of the two rates, which are
    those of `compare_arms`, have no point in common; never with one seed. Where no seed hits, the
    interval of the rate is 0 alone, however few calls there were: a bootstrap sees no more.

    Parameters
    ----------
    scores : DataFrame
        As `score_steps` returns it.
    arm, baseline : str
    seed : int
        As in `compare_arms`.

    Returns
    -------
    DataFrame
        One row a size, window and threshold (the name in `HIT_COLUMNS`) that both have.

    Raises
    ------
    ValueError
        If the scores have no such arm.
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
    """Add whether all known families were found, nan where none is known."""
    complete = scores["families_found"] == scores["families_known"]
    return scores.assign(all_families=complete.astype(float).where(scores["families_known"] > 0))


def _estimate(values: Floats, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return mean and interval of each column of (seeds, measures)."""
    means = _resampled_means(values, seed, 0)
    return _mean(values), *_interval(means, means)


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
    low, high = _interval(np.where(undecided, 0, resampled), np.where(undecided, np.inf, resampled))
    return ratio, low, high


def _mean(values: Floats) -> Floats:
    """Return the mean of each column, not rounded out of the range of its values."""
    mean: Floats = np.clip(values.mean(axis=0), values.min(axis=0), values.max(axis=0))
    return mean


def _resampled_means(values: Floats, seed: int, stream: int) -> Floats:
    """Return the means of each column of (seeds, measures) over resamples of the seeds."""
    if len(values) == 1:
        return np.full((values.shape[1], _RESAMPLES), np.nan)
    draws = _draws(len(values), seed, stream)
    # einsum, not a matrix product: its sums do not depend on the number of threads
    means: Floats = np.einsum("sm,sr->mr", values, draws) / len(values)  # (measures, resamples)
    return np.clip(means, values.min(axis=0)[:, None], values.max(axis=0)[:, None])


@cache
def _draws(seeds: int, seed: int, stream: int) -> Floats:
    """Return how often each resample draws each seed: (seeds, resamples)."""
    rng = np.random.default_rng([seed, stream])
    return rng.multinomial(seeds, np.full(seeds, 1 / seeds), _RESAMPLES).T.astype(np.float64)


def _interval(lows: Floats, highs: Floats) -> tuple[Floats, Floats]:
    """Return the lower and the upper percentile of each row, both of them drawn values."""
    place = int(_TAIL * (_RESAMPLES - 1))
    low = np.partition(lows, place, axis=1)[:, place]
    return low, np.partition(highs, -1 - place, axis=1)[:, -1 - place]


def assert_distinct(steps: Steps) -> None:
    """Check that no two arms, and no two seeds of an arm, did the same.

    Compared are the traces of the sizes that both have; `steps` holds no size that arms share.

    Parameters
    ----------
    steps : mapping of (arm, seed) to mapping of size to Step

    Raises
    ------
    RuntimeError
        If two arms of one seed, or two seeds of one arm, have the same traces; it names both.
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
    """Return the table to print, all of it text: a row for each arm and size.

    Hits are per 1,000 distinct calls of the first look, with their intervals; families are those
    found at the first look, those found in all, and those known.

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
            "top per 1,000": _with_interval(look, "hits_top"),
            "0.8 per 1,000": _with_interval(look, "hits_0.8"),
            "families first/all/known": " / ".join(map(_short, families)),
            "best gap": _short(every["gap"]),
            "seconds": f"{every['seconds']:,.0f}",
        }
        rows.append(row)
    return pd.DataFrame(rows, columns=_COMPACT_COLUMNS)


def _with_interval(row: Mapping[str, float], name: str) -> str:
    ends: Sequence[float] = (row[f"{name}_low"], row[f"{name}_high"])
    interval = "" if np.isnan(ends).any() else f" [{', '.join(map(_short, ends))}]"
    return _short(row[name]) + interval


def _short(number: float) -> str:
    """Write three digits, "-" for nan."""
    if np.isnan(number):
        return "-"
    return np.format_float_positional(number, 3, fractional=False, trim="-")
