"""Text of numbers alone: every form that it fits, as far as it has arrived."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from automata.automaton import MAX_LETTERS, MAX_STATES
from automata.edges import ORDERS

Ints = npt.NDArray[np.int32]
Reading = Sequence[npt.NDArray[Any]]
"""The automata that are complete, each of shape (k, n)."""


class Numbers:
    """Lines of numbers; what is not a number from 0 to 10^9 - 1 is -1, which fits nothing.

    Examples
    --------
    >>> numbers = Numbers([b"2 3", b"1 x"])
    >>> numbers.values.tolist(), numbers.ends.tolist()
    ([2, 3, 1, -1], [2, 4])
    """

    def __init__(self, lines: list[bytes]) -> None:
        rows = [line.split() for line in lines]
        self.values: Ints = np.array([_value(token) for row in rows for token in row], np.int32)
        self.widths = np.array([len(row) for row in rows])
        """Numbers in each line."""
        self.ends = np.cumsum(self.widths)
        """How many numbers stand before the end of each line."""


def _value(token: bytes) -> int:
    return int(token) if token.isdigit() and len(token) <= 9 else -1


def readings(numbers: Numbers, *, ended: bool, first: int = 0) -> dict[str, Reading]:
    """Return the forms that fit, and what they read.

    Parameters
    ----------
    numbers : Numbers
    ended : bool
        Whether this is the whole text; else a form fits if it may still fit the whole.
    first : int
        The number of the first state. With 1, only what has no entry 0 fits.

    Returns
    -------
    dict of str to list of arrays of int, shape (k, n)

    Examples
    --------
    >>> numbers = Numbers([b"3 6", b"0 2 2 0 0 2", b"1 1 0 0 0 1", b"1 0 1 2 2 2"])
    >>> [*readings(numbers, ended=True)]
    ['synchrowords-1.0']
    >>> [*readings(Numbers([b"1 0", b"0 0"]), ended=True)]
    ['lines', 'table', 'table-letters']
    """
    found: dict[str, Reading] = {}
    for form, read in _READERS.items():
        reading = read(numbers, ended, first)
        if reading is not None:
            found[form] = reading
    return found


def _sized(states_first: bool, numbers: Numbers, ended: bool, first: int) -> Reading | None:
    """Read sizes, each before its table, state by state."""
    values = numbers.values
    found: list[Ints] = []
    at = 0
    while at < len(values):
        if at + 1 == len(values):
            return None if ended else found
        k, n = int(values[at]), int(values[at + 1])
        if states_first:
            k, n = n, k
        if not (1 <= k <= MAX_LETTERS and 1 <= n <= MAX_STATES):
            return None
        body = values[at + 2 : at + 2 + n * k]
        if len(body) and not first <= int(body.min()) <= int(body.max()) < n + first:
            return None
        if len(body) < n * k:
            return None if ended else found
        if not _rows_agree(numbers, at, n, k):
            return None
        found.append(body.reshape(n, k).T - first)
        at += 2 + n * k
    return found


def _rows_agree(numbers: Numbers, at: int, n: int, k: int) -> bool:
    """Tell whether a table on lines of one length, below its size, has a state on each."""
    start, end = np.searchsorted(numbers.ends, [at + 2, at + 2 + n * k])
    if end - start < 2 or numbers.ends[start] != at + 2 or numbers.widths[start] != 2:
        return True
    if end == len(numbers.ends) or numbers.ends[end] != at + 2 + n * k:
        return True
    widths = numbers.widths[start + 1 : end + 1]
    width = int(widths[0])
    return width == 1 or width == k or bool(np.any(widths != width))


def _sized_letters(numbers: Numbers, ended: bool, first: int) -> Reading | None:
    """Read sizes ``n k``, each before a line for each letter."""
    lines = np.split(numbers.values, numbers.ends[:-1])
    found: list[Ints] = []
    at = 0
    while at < len(lines):
        if len(lines[at]) != 2:
            return None
        n, k = lines[at].tolist()
        if not (1 <= k <= MAX_LETTERS and 1 <= n <= MAX_STATES):
            return None
        rows = lines[at + 1 : at + 1 + k]
        if not all(len(row) == n and _within(row, first, n + first) for row in rows):
            return None
        if len(rows) < k:
            return None if ended else found
        found.append(np.stack(rows) - first)
        at += 1 + k
    return found


def _lines(numbers: Numbers, ended: bool, first: int) -> Reading | None:
    """Read an automaton of one letter from each line."""
    limits = np.repeat(numbers.widths, numbers.widths) + first
    if int(numbers.widths.max()) > MAX_STATES or not _within(numbers.values, first, limits):
        return None
    return [row[None] - first for row in np.split(numbers.values, numbers.ends[:-1])]


def _within(values: Ints, first: int, limits: npt.NDArray[np.int64] | int) -> bool:
    return bool(np.all((values >= first) & (values < limits)))


def _table(by_letter: bool, numbers: Numbers, ended: bool, first: int) -> Reading | None:
    """Read one automaton from rows of one length."""
    width, rows = int(numbers.widths[0]), len(numbers.widths)
    if np.any(numbers.widths != width) or int(numbers.values.min()) < first:
        return None
    k, n = (rows, width) if by_letter else (width, rows)
    if k > MAX_LETTERS or n > MAX_STATES:
        return None
    if (ended or by_letter) and int(numbers.values.max()) >= n + first:
        return None
    if int(numbers.values.max()) >= MAX_STATES + first:
        return None
    table = numbers.values.reshape(rows, width) - first
    return [table if by_letter else table.T] if ended else []


def _edges(order: str, numbers: Numbers, ended: bool, first: int) -> Reading | None:
    """Read one automaton from its edges."""
    if np.any(numbers.widths != 3):
        return None
    sources, letters, targets = numbers.values.reshape(-1, 3)[:, ORDERS[order]].T
    if letters.min() < 0 or min(sources.min(), targets.min()) < first:
        return None
    if not ended:
        return []
    edges = np.unique(np.stack([letters, sources - first, targets - first]), axis=1)
    letters, sources, targets = edges
    names, places = np.unique(letters, return_inverse=True)
    k, n = len(names), int(sources.max()) + 1
    if k > MAX_LETTERS or n > MAX_STATES or int(targets.max()) >= n or edges.shape[1] != n * k:
        return None
    table = np.full((k, n), -1, np.int32)
    table[places, sources] = targets
    return None if table.min() < 0 else [table]


_READERS: dict[str, Callable[[Numbers, bool, int], Reading | None]] = {
    "lines": _lines,
    "synchrowords": partial(_sized, False),
    "synchrowords-1.0": partial(_sized, True),
    "contest-letters": _sized_letters,
    "table": partial(_table, False),
    "table-letters": partial(_table, True),
    **{order: partial(_edges, order) for order in ORDERS},
}


def distinct(found: Mapping[str, Reading]) -> list[str]:
    """Return the first form of each group that reads the same automata.

    Examples
    --------
    >>> one = np.array([[0]])
    >>> distinct({"lines": [one], "table": [one], "synchrowords": [one, one]})
    ['lines', 'synchrowords']
    """
    names: list[str] = []
    for name, reading in found.items():
        if not any(are_equal(reading, found[other]) for other in names):
            names.append(name)
    return names


def are_equal(some: Reading, others: Reading) -> bool:
    """Tell whether two readings are of the same automata.

    Examples
    --------
    >>> are_equal([np.array([[0]])], [np.array([[0], [0]])])
    False
    """
    return len(some) == len(others) and all(map(np.array_equal, some, others))


def listed(names: list[str]) -> str:
    """Say how many forms these are, and which.

    Examples
    --------
    >>> listed(["json", "gap"])
    'two forms, json and gap'
    """
    count = {2: "two", 3: "three"}.get(len(names), str(len(names)))
    return f"{count} forms, {' and '.join(names)}"


def describe(name: str, reading: Reading) -> str:
    """Name a reading and its sizes.

    Examples
    --------
    >>> describe("table", [np.array([[1, 2, 0]])])
    'table (n=3, k=1)'
    """
    sizes = [size for size, _ in groupby(delta.shape for delta in reading[:3])]
    shown = ", ".join(f"n={n}, k={k}" for k, n in sizes[:1])
    more = "" if len(reading) < 2 else f", {len(reading)} automata"
    return f"{name} ({shown}{more})" if shown else name
