"""Scores by records: what it takes to reach the longest threshold known, in every landscape.

A share of (n-1)^2 says nothing in classes whose records are far below it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.best_known import best_known_length
from search.discovery.step import EVOLVE, Step
from search.scoring.comparison import three_digits, with_interval
from search.scoring.scores import Runs, ordered

NEARLY = 0.95
"""The share of a record that is nearly reaching it."""
WITHIN = {"within_1": 0.99, "within_2": 0.98, "within_5": NEARLY}
"""Columns of rates, and the share of the record that they count from."""
RECORD_SCORES = [
    *("arm", "seed", "n", "record", "best_threshold", "calls", "calls_to_record", "calls_to_95"),
    *WITHIN,
    *("seconds", "seconds_to_record", "seconds_to_95"),
]
_RATIOS = ("calls ratio", "seconds ratio")
_COMPACT = [
    *("arm", "n", "record", "best", "seeds with it", "calls: median", "most", "seconds"),
    *("calls to 95 %", "within 5 % per 1,000", *_RATIOS),
]


def record_length(n: int, k: int, classes: tuple[str, ...] = (), *, partial: bool) -> int | None:
    """Return the longest threshold known of a size, None if none is.

    It is `data.best_known.best_known_length`, but for a single letter: its powers merge two states
    at least, until one is left.

    Examples
    --------
    >>> record_length(6, 1, partial=False)
    5
    >>> record_length(10, 2, ("eulerian",), partial=False), record_length(6, 5, partial=False)
    (45, 25)
    >>> record_length(10, 2, ("sink", "aperiodic"), partial=False) is None
    True
    """
    if k == 1 and not classes:
        return n - 1
    return best_known_length(n, k, classes, partial=partial)


def score_records(runs: Runs, classes: tuple[str, ...] = ()) -> pd.DataFrame:
    """Score each step by the record of its size: `RECORD_SCORES`.

    - ``calls_to_record``, ``calls_to_95``: solver calls up to the first automaton at or above the
      record, and 0.95 of it; nan if there is none.
    - ``seconds_to_record``, ``seconds_to_95``: seconds of the step up to it, with its training if
      that came before. Of sampling, solving and evolution it is the share that its calls are of
      all calls of the sources, or of those of evolution.
    - ``seconds``: of the whole step.
    - ``within_1``, ``within_2``, ``within_5``: distinct automata within 1, 2 and 5 % of the record
      per 1,000 calls of the step.

    A step of partial automata keeps its elites and what is at or above 0.6 of (n-1)^2. If more than
    the elites lie within 5 % of a record below that, the others are not counted.

    Parameters
    ----------
    runs : mapping of (arm, seed) to mapping of size to Step
    classes : tuple of str
        The classes that the runs were restricted to.

    Returns
    -------
    DataFrame
        One row for each arm, seed and size with a record.
    """
    rows = []
    for arm, seed, step in ordered(runs):
        record = record_length(step.n, step.k, classes, partial=step.partial)
        if record is not None:
            facts = {"arm": arm, "seed": seed, "n": step.n, "record": record, "calls": step.calls}
            rows.append(facts | _score(step, record))
    return pd.DataFrame(rows, columns=RECORD_SCORES)


def compact_records(scores: pd.DataFrame, times: pd.DataFrame) -> pd.DataFrame:
    """Return the table to print, every cell a text: a row for each arm and size.

    Calls and seconds are medians over the seeds that reach the record, ``most`` is the largest
    number of calls; rates are means over all seeds. The ratios are to the best arm without a model;
    without such an arm they are left out.

    Parameters
    ----------
    scores : DataFrame
        As `score_records` returns it.
    times : DataFrame
        The running times of these scores, as `search.scoring.running_times.running_times` returns
        them.

    Returns
    -------
    DataFrame
    """
    rows = []
    ratios = times.to_dict("records")
    for ((arm, n), own), ratio in zip(
        scores.groupby(["arm", "n"], sort=False), ratios, strict=True
    ):
        reached = own["calls_to_record"].dropna()
        row = {
            "arm": arm,
            "n": str(n),
            "record": str(own["record"].iloc[0]),
            "best": three_digits(own["best_threshold"].max()),
            "seeds with it": f"{len(reached)} of {len(own)}",
            "calls: median": _whole(reached.median()),
            "most": _whole(reached.max()),
            "seconds": three_digits(own["seconds_to_record"].median()),
            "calls to 95 %": _whole(own["calls_to_95"].median()),
            "within 5 % per 1,000": three_digits(own["within_5"].mean()),
            "calls ratio": with_interval(ratio, "calls_ratio"),
            "seconds ratio": with_interval(ratio, "seconds_ratio"),
        }
        rows.append(row)
    table = pd.DataFrame(rows, columns=_COMPACT)
    return table.drop(columns=[name for name in _RATIOS if (table[name] == "-").all()])


def _score(step: Step, record: int) -> dict[str, float]:
    facts: dict[str, float] = {"best_threshold": step.thresholds.max(initial=-1)}
    facts["seconds"] = sum(step.seconds.values())
    for name, share in (("record", 1.0), ("95", NEARLY)):
        reached = step.found_at[step.thresholds >= _least(record, share)]
        calls = int(reached.min()) if len(reached) else None
        facts[f"calls_to_{name}"] = np.nan if calls is None else calls
        facts[f"seconds_to_{name}"] = np.nan if calls is None else _seconds(step, calls)
    for name, share in WITHIN.items():
        distinct = int((step.thresholds >= _least(record, share)).sum())
        facts[name] = 1000 * distinct / step.calls if step.calls else np.nan
    return facts


def _least(record: int, share: float) -> float:
    return share * record - 1e-9  # for rounding: as floats, 0.55 * 100 > 55


def _seconds(step: Step, calls: int) -> float:
    """Return the seconds of a step up to some number of its calls."""
    spent = dict(step.seconds)
    evolving, training = spent.pop(EVOLVE, 0.0), spent.pop("train", 0.0)
    evolved = step.tallies[EVOLVE].calls if EVOLVE in step.tallies else 0
    leapt, leaping = step.calls - evolved, sum(spent.values())
    if calls <= step.trained_after:
        training = 0.0
    if calls <= leapt:
        return training + leaping * calls / leapt
    return training + leaping + evolving * (calls - leapt) / evolved


def _whole(number: float) -> str:
    return "-" if np.isnan(number) else f"{number:,.0f}"
