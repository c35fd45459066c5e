"""Counts of automata by threshold and class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automata.properties import CLASSES
from automata.solver import Thresholds
from data.manifest import COUNT_COLUMNS

Flags = npt.NDArray[np.uint16]
Counts = npt.NDArray[np.int64]
"""(thresholds, 1 + classes): row t + 1 counts the automata with threshold t, all and by class."""


def has_class(flags: Flags, bit: int) -> npt.NDArray[np.bool_]:
    """Tell which of `class_flags` say that class number `bit` holds: bool (rows,)."""
    return np.asarray(flags >> np.uint16(bit) & np.uint16(1), np.bool_)


def no_counts(n: int) -> Counts:
    """Return the counts of nothing."""
    # no threshold is above (n^3 - n) / 6 (Frankl 1982, Pin 1983)
    return np.zeros(((n**3 - n) // 6 + 2, len(COUNT_COLUMNS) - 1), np.int64)


def count(thresholds: Thresholds, flags: Flags, n: int) -> Counts:
    """Count automata of n states by their thresholds and `class_flags`."""
    counts, places = no_counts(n), thresholds + 1
    counts[:, 0] = np.bincount(places, minlength=len(counts))
    for bit in range(len(CLASSES)):
        counts[:, 1 + bit] = np.bincount(places[has_class(flags, bit)], minlength=len(counts))
    return counts


def to_rows(counts: Counts) -> list[dict[str, int]]:
    """Return a row for each threshold that occurs, as manifests have them; -1 comes first.

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


def from_rows(rows: Sequence[dict[str, int]], n: int) -> Counts:
    """Return the counts that `to_rows` made rows of."""
    counts = no_counts(n)
    for row in rows:
        counts[row["reset_threshold"] + 1] = [row[name] for name in COUNT_COLUMNS[1:]]
    return counts


def to_csv(rows: Sequence[dict[str, int]]) -> str:
    """Return rows of `to_rows` as CSV."""
    lines = [COUNT_COLUMNS, *([str(row[name]) for name in COUNT_COLUMNS] for row in rows)]
    return "".join(f"{','.join(line)}\n" for line in lines)
