"""Checks of an archive: of the file, of its rows, and of the values in each row."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automata.canonical import (
    CANONICAL_MAX_LETTERS,
    CANONICAL_MAX_STATES,
    canonical_forms,
    from_canonical,
)
from automata.classes import MAX_STATES_SUBSETS
from automata.deltas import UNDEFINED, Deltas, has_undefined
from automata.identification import identify
from automata.proof.certify import proved_threshold
from automata.proof.checker import CertificateError
from automata.proof.verification import verify, verify_words
from automata.sizes import cerny_bound, highest_threshold
from automata.solver.either import thresholds_of
from automata.solver.exact import UNKNOWN, Words
from automata.text.formats import parse_word
from data.damage import DataError
from data.terminal import printable
from search.archive.file import pragma
from search.archive.rows import UNDECIDED, Record, class_names, contradiction
from search.archive.tables import SELECT_MISFITS, SELECT_UNFOUND
from search.candidates import form_text

_ROWS = 1024
"""Rows checked at a time."""
_UNDECIDED_QUICK = 12
"""Up to this many states the classes in `UNDECIDED` take about 0.1 ms an automaton."""
_SOLVER_MEMORY = 1 << 16
"""Bytes of solver memory in a quick check: enough for slow automata, whose search is short."""
_SHOWN = 200
_NO_LETTER = 127


def check_file(path: Path, db: sqlite3.Connection) -> None:
    """Check the integrity of the file, that each automaton has finds, and the names in them.

    Raises
    ------
    DataError
        If a check fails.
    """
    found = pragma(db, "integrity_check(1)")
    if found != "ok":
        raise DataError(f"{path}: damaged ({printable(str(found))})")
    if db.execute("PRAGMA foreign_key_check").fetchone():
        raise DataError(f"{path}: a find of an automaton that is not there")
    if db.execute(SELECT_UNFOUND).fetchone():
        raise DataError(f"{path}: an automaton that nobody found")
    if db.execute(SELECT_MISFITS).fetchone():
        raise DataError(f"{path}: damaged (a find without run, arm or time)")


def check_claims(path: Path, db: sqlite3.Connection, *, classes: bool) -> None:
    """Check the file, and its automata by the quick checks of `first_problem`.

    Parameters
    ----------
    path : Path
    db : Connection
    classes : bool
        Whether to check the classes of each automaton too.

    Raises
    ------
    DataError
        If a check fails; the error names the first automaton that fails.
    """
    check_file(path, db)
    cursor = db.execute("SELECT * FROM automata ORDER BY n, k, canonical")
    while rows := cursor.fetchmany(_ROWS):
        check_records(path, [*map(Record._make, rows)], classes=classes)


def check_records(path: Path, records: Sequence[Record], *, classes: bool) -> None:
    """Check automata, grouped by size, by the quick checks of `first_problem`.

    Raises
    ------
    DataError
        If a check fails; the error names the first automaton that fails.
    """
    check_shapes(path, records)
    for _, same_size in groupby(records, key=lambda record: record[:2]):
        if problem := first_problem([*same_size], prove=False, classes=classes):
            raise DataError(f"{path}: {problem}")


def check_shapes(path: Path, records: Sequence[Record]) -> None:
    """Check the types, lengths and ranges of the cells in rows.

    Raises
    ------
    DataError
        If a check fails; the error names the first row that fails.
    """
    types = [int, int, bytes, int, int, str, str, str]
    for record in records:
        fits = [type(value) for value in record] == types
        if not (
            fits
            and 1 <= record.n <= CANONICAL_MAX_STATES
            and 1 <= record.k <= CANONICAL_MAX_LETTERS
            and len(record.canonical) == record.n * record.k
            and 0 <= record.reset_threshold == len(record.word)
            and record.reset_threshold
            <= highest_threshold(record.n, partial=UNDEFINED in record.canonical)
        ):
            row = f"n={_short(record.n)}, k={_short(record.k)}"
            threshold = _short(record.reset_threshold)
            raise DataError(f"{path}: damaged (no automaton: {row}, reset threshold {threshold})")


def first_problem(records: Sequence[Record], *, prove: bool = True, classes: bool = True) -> str:
    """Check automata of one size; return the error of the first that fails, "" if all pass.

    Parameters
    ----------
    records : sequence of Record
        They pass `check_shapes`.
    prove : bool
        Whether to prove each threshold as `search.verified.verify_candidates` does: the word is
        replayed and a certificate made, which a checker without compiled code accepts. Otherwise
        compiled code replays the word, the solver finds the threshold unless the search is long,
        and the classes in `UNDECIDED` are not checked for n > 12.
    classes : bool
        Whether to check the classes.
    """
    n, k = records[0].n, records[0].k
    forms = np.frombuffer(b"".join(record.canonical for record in records), np.uint8)
    forms = forms.reshape(len(records), n * k)
    valid = np.logical_and.reduce((forms < n) | (forms == UNDEFINED), axis=1)
    deltas = from_canonical(np.where(valid[:, None], forms, 0), n, k, partial=True)
    canonical = valid & (canonical_forms(deltas) == forms).all(axis=1)
    families = identify(deltas)
    undecided = not prove and _UNDECIDED_QUICK < n <= MAX_STATES_SUBSETS
    names = [""] * len(records)
    if classes:  # that they synchronize is what their words say, which are replayed
        synchronizing = np.ones(len(records), np.bool_)
        names = class_names(deltas, undecided=undecided, synchronizing=synchronizing)
    untrue = [""] * len(records) if prove else _unsolved(deltas, records)
    for row, record in enumerate(records):
        properties = record.properties
        if undecided:
            properties = ",".join(own for own in properties.split(",") if own not in UNDECIDED)
        claims = {
            "gap": (record.gap, cerny_bound(n) - record.reset_threshold),
            "family": (record.family, families[row]),
            "properties": (properties if classes else "", names[row]),
        }
        problem = "" if canonical[row] else "it is not canonical"
        for name, (claimed, true) in claims.items():
            if not problem and claimed != true:
                problem = f"{name} is {_short(claimed)}, but should be {true}"
        problem = problem or untrue[row]
        if prove and not problem:
            problem = _unproved(deltas[row], record)
        if problem:
            return f"{record.name}: {problem}"
    return ""


def settle(
    path: Path, n: int, k: int, form: bytes, held: object, threshold: int
) -> DataError | RuntimeError:
    """Return the error for an automaton with two thresholds, of the archive or of the solver.

    Parameters
    ----------
    path : Path
    n, k : int
    form : bytes
        Canonical form, n*k bytes.
    held : object
        The threshold in the archive.
    threshold : int
        The threshold that the solver has found since.

    Returns
    -------
    DataError
        If a certificate proves the solver's threshold: the archive is damaged.
    RuntimeError
        Otherwise: the solver has a bug.
    """
    other = f"{_short(held)} in {path}"
    (delta,) = from_canonical(np.frombuffer(form, np.uint8)[None], n, k, partial=True)
    try:
        proved = proved_threshold(delta)
    except CertificateError as error:
        return contradiction(n, k, form, threshold, f"{other}, and no proof: {error}")
    if proved != threshold:
        return contradiction(n, k, form, threshold, f"{other}, and {proved} is proved")
    return DataError(
        f"{path}: damaged (n={n}, k={k}, canonical form {form_text(form)} has threshold "
        f"{_short(held)}, but {threshold} is proved)"
    )


def _unsolved(deltas: Deltas, records: Sequence[Record]) -> list[str]:
    """Return for each automaton the error in its word or threshold, "" if there is none."""
    lengths = np.array([record.reset_threshold for record in records], np.int32)
    letters = np.full((len(records), lengths.max()), -1, np.int8)
    letters[np.arange(lengths.max()) < lengths[:, None]] = _letters(records)
    resets = verify_words(deltas, Words(letters, lengths))
    found = thresholds_of(deltas, partial=has_undefined(deltas), memory_limit=_SOLVER_MEMORY)
    problems = [""] * len(records)
    wrong = ~resets | ((found != UNKNOWN) & (found != lengths))
    for row in np.flatnonzero(wrong).tolist():
        if resets[row]:
            problems[row] = f"threshold {lengths[row]}, but the solver finds {found[row]}"
        else:
            problems[row] = "the word does not send all states to one state"
    return problems


def _letters(records: Sequence[Record]) -> npt.NDArray[np.int8]:
    """Return the letters of all words, concatenated: int8, 0 for a; other signs: `_NO_LETTER`."""
    text = "".join(record.word for record in records)
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    known = (codes >= ord("a")) & (codes <= ord("z"))
    return np.where(known, codes - np.uint32(ord("a")), _NO_LETTER).astype(np.int8)


def _unproved(delta: Deltas, record: Record) -> str:
    """Return the error in a word or threshold, "" if the threshold is proved."""
    threshold = record.reset_threshold
    try:
        word = parse_word(record.word)
        if len(word) != threshold:
            return f"a word of {len(word)} letters for the threshold {threshold}"
        if not verify(delta, word):
            return "the word does not send all states to one state"
        proved = proved_threshold(delta)
    except ValueError as error:
        return printable(str(error))
    return "" if proved == threshold else f"threshold {threshold}, but {proved} is proved"


def _short(value: object) -> str:
    """Return a value from a file as a short text."""
    text = str(value)
    return printable(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
