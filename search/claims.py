"""What each row of a candidates file or of a file of ``archive export`` claims, checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.canonical import canonical_forms, from_canonical
from automata.deltas import UNDEFINED, Deltas, has_undefined
from automata.errors import AutomatonError
from automata.identification import identify
from automata.letters_needed import letters_needed
from automata.proof.verification import verify
from automata.sizes import cerny_bound
from automata.text.formats import format_delta, parse_delta, parse_word
from data.damage import DataError
from search.archive.rows import class_names
from search.archive.tables import ROW_COLUMNS
from search.arms.baselines import BASELINES
from search.candidates import CANDIDATE_COLUMNS, LETTERS_NEEDED, form_text
from search.configs import LEARNING, MODES
from search.discovery.config import SOURCE_NAMES

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?(e[-+][0-9]{2})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class FileKind(NamedTuple):
    """A kind of file, and what is true of its rows."""

    name: str
    columns: list[str]
    problem: Callable[[Any, int, Deltas, int], str]
    """The first error in a row, by its position, automaton and threshold; "" if there is none."""
    place: Callable[[Any], tuple[Any, ...]]
    """Grows from row to row."""
    partial: bool = False
    """Whether letters may be undefined on states."""

    def fitting(self, table: pd.DataFrame) -> FileKind:
        """Return this kind of file with the columns of records, if a table has them.

        Letters may then be undefined. The letters needed are a column of newer candidates with
        many letters.
        """
        kind = self
        if LETTERS_NEEDED in table and self.columns == CANDIDATE_COLUMNS:
            kind = kind._replace(columns=[*self.columns, LETTERS_NEEDED])
        if "best_known" not in table or "cerny_bound" in table:
            return kind
        names = ["best_known" if name == "cerny_bound" else name for name in kind.columns]
        return kind._replace(columns=names, partial=True)


def checked_rows(
    path: Path, table: pd.DataFrame, kind: FileKind
) -> Iterator[tuple[int, Deltas, int]]:
    """Yield position, automaton and threshold of each row, after checking all its other cells."""
    last: tuple[Any, ...] | None = None
    for position, row in enumerate(table[kind.columns].itertuples(index=False), 1):
        try:
            delta, threshold = (
                parse_delta(row.delta, partial=kind.partial),
                _whole("reset_threshold", row.reset_threshold),
            )
            problem = kind.problem(row, position, delta, threshold)
        except (AutomatonError, ValueError) as error:
            raise DataError(f"{path}: row {position}: {error}") from error
        if problem:
            raise DataError(f"{path}: row {position}: {problem}")
        yield position, delta, threshold
        place = kind.place(row)
        if last is not None and place <= last:
            raise DataError(f"{path}: row {position}: out of order, or the same automaton again")
        last = place


def _whole(name: str, text: str) -> int:
    """Parse a whole number of a table."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{name} {text[:40]!r} is not a whole number")
    return int(text)


def _number(name: str, text: str) -> float:
    """Parse a number of a table."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{name} {text[:40]!r} is not a number")
    return float(text)


def _may_be_parent(delta: npt.NDArray[Any], k: int, n: int) -> bool:
    return bool(delta.shape[0] == k and delta.shape[1] <= n)


def _form(row: Any) -> list[int]:
    return [UNDEFINED if q == "-" else int(q) for q in row.canonical.split()]


def candidate_place(row: Any) -> tuple[Any, ...]:
    """Return what the rows of a candidates file are sorted by, of a named tuple of its columns."""
    return int(row.n), -int(row.reset_threshold), row.novel == "False", _form(row)


def _exported_place(row: Any) -> tuple[Any, ...]:
    return int(row.k), int(row.n), -int(row.reset_threshold), _form(row)


def _bound(row: Any, delta: Deltas) -> int | None:
    """Return the length that a row compares its threshold with, None if there is none.

    A record is what was known when the row was written: records are broken.
    """
    if hasattr(row, "best_known"):
        return _whole("best_known", row.best_known) if row.best_known else None
    return cerny_bound(delta.shape[1])


def _candidate_problem(row: Any, position: int, delta: Deltas, threshold: int) -> str:
    """Return the first error in a row of candidates; the threshold is not checked."""
    k, n = delta.shape
    may_be_partial, bound = hasattr(row, "best_known"), _bound(row, delta)
    for parent in (row.parent_a, row.parent_b):
        if parent and not _may_be_parent(parse_delta(parent, partial=may_be_partial), k, n):
            return f"a parent of more states or other letters: {parent[:100]}"
    if row.novel not in ("True", "False"):
        return f"novel is {row.novel[:40]}, but should be True or False"
    if (
        row.mode not in (*MODES, *LEARNING, *BASELINES, *SOURCE_NAMES)
        or _whole("round", row.round) < 0
        or _whole("repaired", row.repaired) < 0
    ):
        return f"mode {row.mode[:40]}, round {row.round}, repaired {row.repaired}"
    if row.alpha and not 0 <= _number("alpha", row.alpha) <= 1:
        return f"alpha is {row.alpha}, but should be in 0..1"
    further: dict[str, tuple[str | float, Any]] = {"rank": (row.rank, position)}
    if bound is None:
        further["ratio"] = row.ratio, ""
    else:
        further["ratio"] = _number("ratio", row.ratio), round(threshold / max(1, bound), 4)
    if hasattr(row, LETTERS_NEEDED):
        needed = letters_needed(delta[None], np.array([threshold]), partial=has_undefined(delta))
        further[LETTERS_NEEDED] = row.letters_needed, needed[0]
    return _untrue(row, delta, threshold, further)


def _exported_problem(row: Any, position: int, delta: Deltas, threshold: int) -> str:
    """Return the first error in a row of an archive; the threshold is not checked."""
    if not row.run or not row.arm or _whole("finds", row.finds) < 1:
        return f"found by run {row.run[:40]!r}, arm {row.arm[:40]!r}, {row.finds} times"
    if not _TIME.fullmatch(row.found_at):
        return f"found_at {row.found_at[:40]!r} is not a time"
    (own,) = from_canonical(canonical_forms(delta[None]), *delta.shape[::-1], partial=True)
    further = {
        "delta": (row.delta, format_delta(own)),
        "properties": (
            row.properties,
            class_names(delta[None], synchronizing=np.array([threshold >= 0]))[0],
        ),
    }
    return _untrue(row, delta, threshold, further)


def _untrue(
    row: Any, delta: Deltas, threshold: int, further: dict[str, tuple[str | float, Any]]
) -> str:
    """Return the first error in what all kinds of files say, or in further claims.

    A claim is what stands there, and what should.
    """
    k, n = delta.shape
    bound = _bound(row, delta)
    name = "best_known" if hasattr(row, "best_known") else "cerny_bound"
    lengths = {name: bound, "gap": None if bound is None else bound - threshold}
    claims: dict[str, tuple[str | float, Any]] = {
        "n": (row.n, n),
        "k": (row.k, k),
        **{own: _claimed(getattr(row, own), length) for own, length in lengths.items()},
        "canonical": (row.canonical, form_text(canonical_forms(delta[None])[0].tolist())),
        "family": (row.family, identify(delta[None])[0]),
    } | further
    for name, (claimed, true) in claims.items():
        if claimed != (true if isinstance(claimed, float) else str(true)):
            return f"{name} is {str(claimed)[:200]}, but should be {true}"
    word = parse_word(row.word)
    if len(word) != threshold:
        return f"a word of {len(word)} letters for the threshold {threshold}"
    if not verify(delta, word):
        return "the word does not send all states to one state"
    return ""


def _claimed(cell: str, length: int | None) -> tuple[str, str]:
    """Return a cell and what should stand there; in a column with empty cells as a float."""
    true = "" if length is None else str(length)
    return (true if length is not None and cell == f"{length}.0" else cell), true


CANDIDATES = FileKind("a candidates file", CANDIDATE_COLUMNS, _candidate_problem, candidate_place)
EXPORTED = FileKind("a file of archive export", ROW_COLUMNS, _exported_problem, _exported_place)
