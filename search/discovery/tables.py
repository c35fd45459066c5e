"""The tables of one discovery: its candidates, and a row for each size."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.text.formats import format_delta
from data.best_known import Scale
from search.candidates import CANDIDATE_COLUMNS, RECORD_COLUMNS, candidate_table
from search.discovery.step import ACTIVITIES, KEEP_SHARE, Elites, Step, Steps
from search.summary import hit_thresholds

_CHUNK = 1 << 16
"""Candidates whose words are in memory at a time."""


def candidates(
    steps: Steps, elites: int, share: float = KEEP_SHARE, *, parents: Steps | None = None
) -> pd.DataFrame:
    """Return every automaton at or above a share of the length of its size, by size and gap.

    The best automata of each size are listed even if they are below that share.

    Parameters
    ----------
    steps : mapping of int to Step
        By size.
    elites : int
        Number of elites of each size. Rows of parents refer to them.
    share : float
        Share of the Černý bound, or for partial automata and in classes of the longest known
        threshold. Below 0.6, steps have kept only their elites.
    parents : mapping of int to Step, optional
        The complete steps, to look up parents, if `steps` holds only some of their rows.

    Returns
    -------
    DataFrame
        The columns of `search.candidates.candidate_columns`; ranks count over all sizes.
    """
    smaller = {n: step.elites(elites) for n, step in (parents or steps).items()}
    tables = [table for n in sorted(steps) for table in _tables(steps[n], smaller, share)]
    by_record = any(scale_of(step).by_record for step in steps.values())
    empty = pd.DataFrame(columns=RECORD_COLUMNS if by_record else CANDIDATE_COLUMNS)
    found = pd.concat(tables, ignore_index=True) if tables else empty
    found["rank"] = np.arange(1, len(found) + 1)
    if by_record:  # empty cells where no length is known; else these are whole numbers
        found = found.astype({"best_known": "Int64", "gap": "Int64"})
    return found


def scale_of(step: Step) -> Scale:
    """Return the length that the thresholds of a step are compared with."""
    return Scale(step.n, step.k, step.partial, step.recorded, step.classes)


def summary(steps: Steps) -> pd.DataFrame:
    """Return a row for each size: calls, finds, and seconds by activity.

    Cells of the longest known length and of the finds at it are missing where none is known.
    """
    rows = []
    for n, step in sorted(steps.items()):
        least = hit_thresholds(scale_of(step))["hits_top"]
        top = step.thresholds >= least
        row = {
            "n": n,
            "calls": step.calls,
            "first_look": step.first_look,
            "best_threshold": int(step.thresholds.max(initial=-1)),
            "best_known" if scale_of(step).by_record else "cerny_bound": scale_of(step).best,
            "top": int(top.sum()),
            "top_first_look": int((top & (step.found_at <= step.first_look)).sum()),
        }
        if math.isnan(least):
            row |= dict.fromkeys(("top", "top_first_look"))
        seconds = {name: round(step.seconds.get(name, 0.0), 1) for name in ACTIVITIES}
        rows.append(row | {f"{name}_seconds": spent for name, spent in seconds.items()})
    table = pd.DataFrame(rows)
    gapped = [name for name in ("best_known", "top", "top_first_look") if name in table]
    return table.astype(dict.fromkeys(gapped, "Int64"))  # whole numbers even beside empty cells


def summary_in_words(scale: Scale) -> str:
    """Say what the columns of `summary` are, for sizes of one kind.

    Examples
    --------
    >>> print(summary_in_words(Scale(8, 2)))
    top: automata with a threshold of n²-4n+6 or more; top_first_look: within first_look calls.
    """
    if scale.by_record:
        top = f"the {scale.name} (docs/records.md; empty where none is known)"
    else:
        top = "a threshold of n²-4n+6 or more"
    return f"top: automata with {top}; top_first_look: within first_look calls."


def _tables(step: Step, smaller: dict[int, Elites], share: float) -> Iterator[pd.DataFrame]:
    """Yield the candidates of one size, in order, at most `_CHUNK` at a time."""
    names = np.array(list(step.tallies))
    order = np.lexsort((*step.forms.T[::-1], -step.thresholds))
    least = min(scale_of(step).least(share), step.thresholds.max(initial=0))
    order = order[step.thresholds[order] >= least]
    for start in range(0, len(order), _CHUNK):
        rows = order[start : start + _CHUNK]
        yield candidate_table(
            scale_of(step),
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
