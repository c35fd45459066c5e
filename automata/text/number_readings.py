"""Text of numbers only: the forms that fit the lines read so far.

A form that the user does not name must have a usual layout: counts on one line or two, then a row
for each state, a row for each letter, or all entries on one line. With ``--form`` the layout is
freer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import partial
from itertools import groupby
from typing import NamedTuple

import numpy as np

from automata.deltas import MAX_LETTERS, MAX_STATES
from automata.text.edges import ORDERS

Table = list[list[int]]
"""Images, a list for each letter; states count from 0."""


_MOST_NUMBERS = MAX_STATES * MAX_LETTERS + 2
"""Most numbers in a line: all entries of an automaton, and its size."""


class Row(NamedTuple):
    """The numbers of a line."""

    values: list[int]
    low: int
    """The smallest; -1 if a word is not a number in 0..10^9 - 1."""
    high: int

    def is_within(self, first: int, n: int) -> bool:
        """Return whether all are states: first, ..., first + n - 1."""
        return first <= self.low and self.high < n + first


def row_of(line: bytes) -> Row:
    r"""Read a line of at least one word, numbers separated only by blanks or only by tabs.

    Examples
    --------
    >>> row_of(b"2 0 3"), row_of(b"1 x"), row_of(b"1 0\t0 1").values
    (Row(values=[2, 0, 3], low=0, high=3), Row(values=[], low=-1, high=-1), [])
    """
    words = line.split(b"\t" if b"\t" in line else b" ")
    words = [word for word in words if word]
    if len(words) > _MOST_NUMBERS or not all(word.isdigit() and len(word) < 10 for word in words):
        return Row([], -1, -1)
    values = [*map(int, words)]
    return Row(values, min(values), max(values))


class _UnfitError(Exception):
    """The rows do not fit this form."""


_Reader = Generator[list[Table], Row | None, list[Table]]
"""Receives rows, then None at the end of the text, which may not come within an automaton; yields
the automata complete so far."""


def _sized(letters_first: bool, by_letter: bool, first: int) -> _Reader:
    """Read sizes, each before the rows of an automaton or before all its entries on one line."""
    found: list[Table] = []
    while row := (yield found):
        counts = row.values
        if len(counts) == 1:
            counts = counts + (yield from _more(found)).values
        in_one_line = len(row.values) > 2 and not by_letter
        if len(counts) < 2 or (len(counts) > 2 and not in_one_line) or min(counts[:2]) < 1:
            raise _UnfitError
        k, n = counts[:2] if letters_first else counts[1::-1]
        if in_one_line:
            entries = counts[2:]
            if len(entries) != n * k or not first <= min(entries) <= max(entries) < n + first:
                raise _UnfitError
        else:
            shapes = {(n, k)} if by_letter else {(k, n), (n * k, 1)}
            if len(row.values) == 1:
                shapes.add((1, n * k))
            entries = yield from _entries(found, dict(shapes), first, n)
        cut = [slice(a * n, a * n + n) if by_letter else slice(a, None, k) for a in range(k)]
        found.append([[q - first for q in entries[part]] for part in cut])
    return found


def _entries(
    found: list[Table], heights: Mapping[int, int], first: int, n: int
) -> Generator[list[Table], Row | None, list[int]]:
    """Receive the rows of an automaton; `heights` has their number by the length of a row."""
    row = yield from _more(found)
    width = len(row.values)
    entries = list[int]()
    for count in range(heights.get(width, 0), 0, -1):
        if len(row.values) != width or not row.is_within(first, n):
            raise _UnfitError
        entries += row.values
        row = (yield from _more(found)) if count > 1 else row
    if not entries:
        raise _UnfitError
    return entries


def _more(found: list[Table]) -> Generator[list[Table], Row | None, Row]:
    """Receive a row; the text must not end here."""
    row = yield found
    if row is None:
        raise _UnfitError
    return row


def _rows(first: int) -> Generator[list[Table], Row | None, list[list[int]]]:
    """Receive all rows, of one length."""
    rows: list[list[int]] = []
    while row := (yield []):
        if row.low < first or (rows and len(row.values) != len(rows[0])):
            raise _UnfitError
        rows.append([q - first for q in row.values])
    return rows


def _lines(first: int) -> _Reader:
    """Read an automaton of one letter from each row."""
    rows = yield from _rows(first)
    if max(map(max, rows)) >= len(rows[0]):
        raise _UnfitError
    return [[row] for row in rows]


def _table(by_letter: bool, first: int) -> _Reader:
    """Read one automaton from all rows."""
    rows = yield from _rows(first)
    table = rows if by_letter else [*map(list, zip(*rows, strict=True))]
    if max(map(max, rows)) >= len(table[0]):
        raise _UnfitError
    return [table]


def _edges(order: str, counted: bool, first: int) -> _Reader:
    """Read one automaton from its edges; counts are one to four numbers on lines before them."""
    rows: list[list[int]] = []
    counts: list[list[int]] = []
    while row := (yield []):
        if counted and not counts and 1 <= len(row.values) <= 4:
            counts.append(row.values)
        elif counts and not rows and len(row.values) == len(counts[0]) == 1 and len(counts) < 4:
            counts.append(row.values)
        elif len(row.values) == 3:
            rows.append(row.values)
        else:
            raise _UnfitError
    if not rows or counted != bool(counts):
        raise _UnfitError
    edges = np.unique(np.array(rows)[:, ORDERS[order]] - [first, 0, first], axis=0)
    sources, letters, targets = edges.T
    names, places = np.unique(letters, return_inverse=True)
    n, k = int(sources.max()) + 1, len(names)
    if sources.min() < 0 or targets.min() < 0 or targets.max() >= n or len(edges) != n * k:
        raise _UnfitError
    known = {n, k, len(rows)}
    if counted and n == 1:
        raise _UnfitError
    if any(not known.issuperset(line) for line in counts if len(line) != 3):
        raise _UnfitError
    table = np.full((k, n), -1)
    table[places, sources] = targets
    if table.min() < 0:
        raise _UnfitError
    return [table.tolist()]


_READERS: dict[str, Callable[[int], _Reader]] = {
    "lines": _lines,
    "synchrowords": partial(_sized, True, False),
    "synchrowords-1.0": partial(_sized, False, False),
    "contest-letters": partial(_sized, False, True),
    "table": partial(_table, False),
    "table-letters": partial(_table, True),
    **{order: partial(_edges, order, False) for order in ORDERS},
    **{f"{order} after counts": partial(_edges, order, True) for order in ORDERS},
}
FORMS_OF_NUMBERS = [name for name in _READERS if not name.endswith("counts")]
"""The forms that ``--form`` accepts."""


class Readings:
    """The forms that fit the rows so far, and the automata that each has read.

    Parameters
    ----------
    first : int
        The number of the first state, 0 or 1. With 1, rows with an entry 0 fit no form.

    Examples
    --------
    >>> found = Readings()
    >>> for line in (b"3 6", b"0 2 2 0 0 2", b"1 1 0 0 0 1"):
    ...     found.take(row_of(line))
    >>> found.so_far
    {'synchrowords-1.0': []}
    >>> found.take(row_of(b"1 0 1 2 2 2"))
    >>> [*found.end()]
    ['synchrowords-1.0']
    """

    def __init__(self, first: int = 0) -> None:
        self._readers = {form: read(first) for form, read in _READERS.items()}
        self.so_far: dict[str, list[Table]] = {
            form: next(reader) for form, reader in self._readers.items()
        }
        """The automata complete so far in each form that still fits."""

    def take(self, row: Row) -> None:
        """Read one more row, and drop the forms that it does not fit."""
        for form in [*self.so_far]:
            try:
                self.so_far[form] = self._readers[form].send(row)
            except _UnfitError:
                del self.so_far[form]

    def end(self) -> dict[str, list[Table]]:
        """Return the automata of each form that fits the whole text; no more rows may follow."""
        found: dict[str, list[Table]] = {}
        for form in self.so_far:
            try:
                self._readers[form].send(None)
            except StopIteration as stop:
                found[form] = stop.value
            except _UnfitError:
                pass
        return found


def distinct(found: Mapping[str, list[Table]]) -> list[str]:
    """Return the first form of each group of forms that read the same automata.

    Examples
    --------
    >>> distinct({"lines": [[[0]]], "table": [[[0]]], "synchrowords": [[[0]], [[0]]]})
    ['lines', 'synchrowords']
    """
    names: list[str] = []
    for name, reading in found.items():
        if not any(reading == found[other] for other in names):
            names.append(name)
    return names


def listed(names: list[str]) -> str:
    """Return the number of forms and their names, as text.

    Examples
    --------
    >>> listed(["json", "gap"])
    'two forms, json and gap'
    """
    count = {2: "two", 3: "three"}.get(len(names), str(len(names)))
    return f"{count} forms, {' and '.join(names)}"


def describe(name: str, reading: list[Table]) -> str:
    """Return the name of a form with the sizes that it reads.

    Examples
    --------
    >>> describe("table", [[[1, 2, 0]]])
    'table (n=3, k=1)'
    """
    sizes = [size for size, _ in groupby((len(table), len(table[0])) for table in reading[:3])]
    shown = ", ".join(f"n={n}, k={k}" for k, n in sizes[:1])
    more = "" if len(reading) < 2 else f", {len(reading)} automata"
    kind = "" if name in FORMS_OF_NUMBERS else "; no form"
    return f"{name} ({shown}{more}{kind})" if shown else name
