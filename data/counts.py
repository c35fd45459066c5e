"""Counts of automata by threshold and class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from automata.classes import CLASSES
from automata.sizes import highest_threshold
from automata.solver.exact import NOT_SYNCHRONIZING, Thresholds
from data.checks import list_of, record, whole

Flags = npt.NDArray[np.uint16]
Counts = npt.NDArray[np.int64]
"""(thresholds, 1 + classes): row t + 1 counts the automata with threshold t, all and by class."""


def column_name(name: str) -> str:
    """Return the name of a class's column."""
    return name.replace("-", "_")


COUNT_COLUMNS = ("reset_threshold", "classes", *map(column_name, CLASSES))
"""The columns of ``counts.csv``, in order."""


def has_class(flags: Flags, bit: int) -> npt.NDArray[np.bool_]:
    """Return whether bit `bit` of each of `automata.class_flags` is set: bool (rows,)."""
    return np.asarray(flags >> np.uint16(bit) & np.uint16(1), np.bool_)


def no_counts(n: int, *, partial: bool = False) -> Counts:
    """Return `Counts` of zeros for n states."""
    highest = highest_threshold(n, partial=partial)
    return np.zeros((highest + 2, len(COUNT_COLUMNS) - 1), np.int64)


def flags_of(columns: Mapping[str, npt.NDArray[Any]]) -> Flags:
    """Return the `automata.class_flags`, uint16 (rows,), from a bool column (rows,) per class."""
    bits = [columns[column_name(name)].astype(np.uint16) << bit for bit, name in enumerate(CLASSES)]
    return np.asarray(np.bitwise_or.reduce(bits), np.uint16)


def count(thresholds: Thresholds, flags: Flags, n: int, *, partial: bool = False) -> Counts:
    """Count automata of n states by threshold, int32 (rows,), and flags, uint16 (rows,)."""
    counts, places = no_counts(n, partial=partial), thresholds + 1
    counts[:, 0] = np.bincount(places, minlength=len(counts))
    for bit in range(len(CLASSES)):
        counts[:, 1 + bit] = np.bincount(places[has_class(flags, bit)], minlength=len(counts))
    return counts


def without_tail(counts: Counts) -> Counts:
    """Return counts up to the longest threshold that occurs; `summed` takes such counts too."""
    return counts[: np.flatnonzero(counts[:, 0]).max(initial=-1) + 1]


def summed(*parts: Counts) -> Counts:
    """Return the sum of counts, with a row for each threshold of any of them.

    Examples
    --------
    >>> summed(no_counts(2), without_tail(no_counts(2))).shape == no_counts(2).shape
    True
    """
    total = np.zeros((max(map(len, parts)), len(COUNT_COLUMNS) - 1), np.int64)
    for counts in parts:
        total[: len(counts)] += counts
    return total


def to_rows(counts: Counts) -> list[dict[str, int]]:
    """Return a row for each threshold that occurs, -1 first, in the form of manifests.

    Examples
    --------
    >>> counts = no_counts(2)
    >>> counts[2, 0] = 4
    >>> [(row["reset_threshold"], row["classes"], row["sink"]) for row in to_rows(counts)]
    [(1, 4, 0)]
    """
    return [
        dict(zip(COUNT_COLUMNS, [place - 1, *counts[place].tolist()], strict=True))
        for place in np.flatnonzero(counts[:, 0]).tolist()
    ]


def from_rows(rows: Sequence[dict[str, int]], n: int, *, partial: bool = False) -> Counts:
    """Return `Counts` from rows of `to_rows`."""
    counts = no_counts(n, partial=partial)
    for row in rows:
        counts[row["reset_threshold"] + 1] = [row[name] for name in COUNT_COLUMNS[1:]]
    return counts


def check_rows(place: str, rows: Any, n: int, *, partial: bool = False) -> None:
    """Raise ValueError unless `to_rows` could have made these rows, which come from a file."""
    low, high, most = NOT_SYNCHRONIZING, highest_threshold(n, partial=partial), 2**62
    list_of(
        record(
            {
                name: whole(low, high) if name == COUNT_COLUMNS[0] else whole(0, most)
                for name in COUNT_COLUMNS
            }
        )
    )(place, rows)
    thresholds = [row["reset_threshold"] for row in rows]
    if thresholds != sorted({*thresholds}):
        raise ValueError(f"{place}: its thresholds do not rise")
    for row in rows:
        if not max(1, *(row[name] for name in COUNT_COLUMNS[2:])) <= row["classes"]:
            raise ValueError(
                f"{place}: {row['classes']} automata with threshold {row['reset_threshold']}, "
                "but more of one class, or none"
            )
    if sum(row["classes"] for row in rows) > most:
        raise ValueError(f"{place}: more than {most} automata")


def to_csv(rows: Sequence[dict[str, int]]) -> str:
    """Return rows of `to_rows` as CSV."""
    lines = [COUNT_COLUMNS, *([str(row[name]) for name in COUNT_COLUMNS] for row in rows)]
    return "".join(f"{','.join(line)}\n" for line in lines)
