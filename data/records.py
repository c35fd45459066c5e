"""The records: the longest thresholds that anyone knows, landscape by landscape, size by size.

They stand in one file, ``records.json``, each with its source and, where one is known, an automaton
that attains it. No arm, sampler or model reads them: an import contract checks this. What is scored
by them is scored when a run has ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

STATUSES = {
    "maximum": "proved by a complete list",
    "published": "in a paper, not proved here",
    "found": "found here; a longer one may exist",
}
"""What is known of a record, and what it means."""


@dataclass(frozen=True)
class Landscape:
    """A kind of automata whose slowest members are looked for.

    Parameters
    ----------
    name, title : str
    k : int
        Number of letters.
    classes : tuple of str
        Only automata of all these classes belong to it.
    partial : bool
        Whether letters may be undefined on states; then thresholds are careful.
    about : str
        Sentences about its formulas and sources.
    """

    name: str
    title: str
    k: int
    classes: tuple[str, ...]
    partial: bool
    about: str


@dataclass(frozen=True)
class Record:
    """The longest threshold known of one landscape and size."""

    landscape: str
    n: int
    threshold: int
    status: str
    """One of `STATUSES`."""
    count: int | None = None
    """How many automata attain it, up to isomorphism, where a complete list says so: a list in a
    paper if the status is "published"."""
    formula: str = ""
    """A formula in n that gives the threshold, of a family or series that the automaton is in."""
    published: int | None = None
    """The longest threshold that we know from the literature, if it is another one or the same."""
    source: str = ""
    """Who published it."""
    origin: str = ""
    """Where the automaton comes from: a family, a command, a page."""
    arm: str = ""
    """The arm that found it, where one did."""
    calls: int | None = None
    """Solver calls of that arm at this size, up to the find."""
    seconds: float | None = None
    """Seconds of that arm at this size up to the find, with training."""
    seeds: int | None = None
    """Seeds that calls and seconds are expected running times of, where several runs say so."""
    automaton: str = ""
    """An automaton with this threshold, as text; empty where none is at hand."""
    word: str = ""
    """A shortest word of the automaton."""


@cache
def landscapes() -> dict[str, Landscape]:
    """Return all landscapes by name.

    Examples
    --------
    >>> landscapes()["eulerian"].classes
    ('eulerian',)
    """
    rows = _content()["landscapes"]
    made = [Landscape(**row | {"classes": tuple(row["classes"])}) for row in rows]
    return {landscape.name: landscape for landscape in made}


@cache
def records() -> dict[tuple[str, int], Record]:
    """Return all records by landscape and n, in the order of the landscapes.

    Examples
    --------
    >>> records()["sink", 9].threshold, records()["sink", 9].status
    (31, 'maximum')
    """
    made = [Record(**row) for row in _content()["records"]]
    return {(record.landscape, record.n): record for record in made}


def landscape_of(k: int, classes: Sequence[str] = (), *, partial: bool = False) -> Landscape | None:
    """Return the landscape of all automata with k letters in some classes, None if it has no name.

    Examples
    --------
    >>> landscape_of(2, ["sink"]).title
    'Binary automata with a sink'
    >>> landscape_of(5) is None
    True
    """
    asked = (k, {*classes}, partial)
    for own in landscapes().values():
        if (own.k, {*own.classes}, own.partial) == asked:
            return own
    return None


def best_known_record(
    n: int, k: int, classes: Sequence[str] = (), *, partial: bool = False
) -> Record | None:
    """Return the record of a size, None if none is known.

    Parameters
    ----------
    n, k : int
        States and letters.
    classes : sequence of str
        The classes that the automata are restricted to.
    partial : bool
        Whether letters may be undefined.

    Examples
    --------
    >>> best_known_record(10, 2, ["eulerian"]).threshold
    45
    >>> best_known_record(10, 2, partial=True).threshold
    94
    """
    landscape = landscape_of(k, classes, partial=partial)
    return None if landscape is None else records().get((landscape.name, n))


def as_text(known: Iterable[Landscape], best: Iterable[Record]) -> str:
    """Return the content of ``records.json``: a line for each landscape and each record."""
    parts = []
    for name, rows in (("landscapes", known), ("records", best)):
        lines = [f"  {json.dumps(_row(own), ensure_ascii=False)}" for own in rows]
        parts.append(f'"{name}": [\n' + ",\n".join(lines) + "\n ]")
    return "{\n " + ",\n ".join(['"version": 1', *parts]) + "\n}\n"


def _row(own: Landscape | Record) -> dict[str, Any]:
    """Return the fields of a line; those of a record that say nothing are left out."""
    fields = asdict(own)
    if isinstance(own, Landscape):
        return fields
    return {name: value for name, value in fields.items() if value not in ("", None)}


def file_text() -> str:
    """Return the text of ``records.json``."""
    return files("data").joinpath("records.json").read_text(encoding="utf-8")


def _content() -> Mapping[str, Any]:
    content: dict[str, Any] = json.loads(file_text())
    return content
