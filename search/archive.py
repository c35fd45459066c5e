"""The archive: one SQLite file of all slowly synchronizing automata that any run ever verified.

Many processes may write to it at once. What `Archive.add` has acknowledged is on disk, whatever
happens to the process afterwards.
"""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd

from automata.formats import format_delta
from data.files import DataError
from data.progress import progress
from search.archive_rows import Part, Record, contradiction, first_problem, parts_of
from search.archive_tables import (
    APPLICATION_ID,
    COUNT_COLUMNS,
    ROW_COLUMNS,
    SCHEMA,
    SELECT_COUNTS,
    SELECT_ROWS,
    SELECT_THRESHOLDS,
    SELECT_UNFOUND,
    VERSION,
    Selection,
)

_EVERYTHING = Selection()
_CHECKED_ROWS = 64
_BUSY = 300.0
"""Seconds to wait for other processes; a transaction takes a few hundredths of one."""
_OUTSIDE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
"""What goes wrong although the file is whole."""


class Archive:
    """An open archive; a context manager. For the thread and the process that opened it alone.

    Parameters
    ----------
    path : Path
    create : bool
        Whether an archive is made where there is none, its folder too.

    Raises
    ------
    DataError
        If the file is no archive, one of another version, damaged, or missing and not to be made;
        methods raise it too where they meet damage.
    OSError
        If it cannot be opened; methods raise it too where the disk is full, for example.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        if path.is_dir():
            raise DataError(f"{path}: a folder, not an archive")
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            raise DataError(f"{path}: no such file")
        uri = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
        with self._errors():
            self._db = sqlite3.connect(uri, timeout=_BUSY, isolation_level=None, uri=True)
        try:
            with self._errors():
                self._db.execute("PRAGMA synchronous = FULL")
                if create and self._is_blank():
                    self._make()
                self._check_header()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(
        self, candidates: pd.DataFrame, *, run: str, arm: str | None = None, workers: int = 1
    ) -> int:
        """Add verified automata; what is there already stays as it is.

        When it returns, all rows are on disk. If it is interrupted, some of them may be: adding
        them once more is always right.

        Parameters
        ----------
        candidates : DataFrame
            Of the columns `search.candidates.CANDIDATE_COLUMNS` it needs n, k, canonical,
            reset_threshold, word and, without `arm`, mode. Any sizes, in any order.
        run : str
            Who found them.
        arm : str, optional
            Which arm of the run; default: the mode of each row.
        workers : int
            Threads that decide the classes of new automata.

        Returns
        -------
        int
            How many automata were new.

        Raises
        ------
        ValueError
            If a column is missing, a form is not canonical, a word not as long as the threshold,
            or `run` or an arm empty; nothing is added.
        RuntimeError
            If an automaton is there, or comes twice, with another threshold: a bug of the solver.
            Nothing is added, or no more of it if another process added that automaton meanwhile.
        """
        if not run:
            raise ValueError("a run has a name, got ''")
        parts = [*parts_of(candidates, arm)]
        found_at = _now()
        with self._errors():
            for part in parts:
                self._compare(part)
            return sum(self._write(part, run, found_at, workers) for part in parts)

    def rows(self, selection: Selection = _EVERYTHING, *, limit: int | None = None) -> pd.DataFrame:
        """Return the chosen automata, each once, by k, n, gap and canonical form.

        Parameters
        ----------
        selection : Selection
        limit : int, optional
            Rows at most.

        Returns
        -------
        DataFrame
            The columns `ROW_COLUMNS`: run, arm and found_at are those of the first find, finds is
            the number of pairs of a run and an arm; with a chosen run all four are of it alone.
        """
        parameters = selection.parameters | {"limit": -1 if limit is None else limit}
        with self._errors():
            cursor = self._db.execute(SELECT_ROWS, parameters)
            names = [column[0] for column in cursor.description]
            table = pd.DataFrame(cursor.fetchall(), columns=names)
        try:
            deltas = [
                format_delta(np.frombuffer(form, np.uint8).reshape(n, k).T)
                for n, k, form in zip(table["n"], table["k"], table["canonical"], strict=True)
            ]
        except ValueError as error:
            raise DataError(f"{self.path}: damaged ({error})") from error
        texts = [" ".join(map(str, form)) for form in table["canonical"]]
        return table.assign(delta=deltas, canonical=texts)[ROW_COLUMNS]

    def counts(self, selection: Selection = _EVERYTHING) -> pd.DataFrame:
        """Count the chosen automata, a row for each k and n.

        Parameters
        ----------
        selection : Selection

        Returns
        -------
        DataFrame
            The columns `COUNT_COLUMNS`: gap is that of the best threshold, no_family the number of
            automata of no known family, first and last are the times of the first and last find.
        """
        with self._errors():
            found = self._db.execute(SELECT_COUNTS, selection.parameters).fetchall()
        return pd.DataFrame(found, columns=COUNT_COLUMNS)

    def records(self) -> list[Record]:
        """Return the automata as they are stored, by k, n and canonical form.

        Raises
        ------
        DataError
            If SQLite finds the file damaged, or an automaton and its finds are not both there.
        """
        with self._errors():
            found = self._pragma("integrity_check(1)")
            if found != "ok":
                raise DataError(f"{self.path}: damaged ({found})")
            if self._db.execute("PRAGMA foreign_key_check").fetchone():
                raise DataError(f"{self.path}: a find of an automaton that is not there")
            if self._db.execute(SELECT_UNFOUND).fetchone():
                raise DataError(f"{self.path}: an automaton that nobody found")
            rows = self._db.execute("SELECT * FROM automata ORDER BY k, n, canonical").fetchall()
        return [Record(*row) for row in rows]

    def _pragma(self, name: str) -> Any:
        return self._db.execute(f"PRAGMA {name}").fetchone()[0]

    def _is_blank(self) -> bool:
        """Tell whether nothing has been made of the file yet."""
        marked = self._pragma("application_id") or self._pragma("user_version")
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        return not (marked or tables)

    def _make(self) -> None:
        """Make the tables, all or nothing, unless another process does."""
        deadline = time.monotonic() + _BUSY
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError:  # where two do so SQLite may refuse one at once
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        with self._transaction():
            if self._is_blank():
                for statement in SCHEMA:
                    self._db.execute(statement)

    def _check_header(self) -> None:
        if self._pragma("application_id") != APPLICATION_ID:
            raise DataError(f"{self.path}: not an archive of automata")
        version = self._pragma("user_version")
        if version != VERSION:
            raise DataError(f"{self.path}: an archive of version {version}, not of {VERSION}")

    def _compare(self, part: Part) -> set[bytes]:
        """Return the forms that are there already, all with the threshold they should have."""
        statement = SELECT_THRESHOLDS.format(", ".join("?" * len(part.forms)))
        held = dict(self._db.execute(statement, [part.n, part.k, *part.forms]).fetchall())
        for form, threshold in zip(part.forms, part.thresholds, strict=True):
            if held.get(form, threshold) != threshold:
                other = f"{held[form]} in {self.path}"
                raise contradiction(part.n, part.k, form, threshold, other)
        return {*held}

    def _write(self, part: Part, run: str, found_at: str, workers: int) -> int:
        """Add a part in one transaction; return how many automata were new."""
        held = self._compare(part)
        rows = [row for row, form in enumerate(part.forms) if form not in held]
        records = part.records(rows, workers=workers)
        finds = [
            (part.n, part.k, form, run, arm, found_at)
            for form, arm in zip(part.forms, part.arms, strict=True)
        ]
        before = self._db.total_changes
        with self._transaction():
            self._db.executemany(
                "INSERT INTO automata VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                records,
            )
            new = self._db.total_changes - before
            if new < len(records):  # another process may have been faster
                self._compare(part)
            self._db.executemany(
                "INSERT INTO finds VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", finds
            )
        return new

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Write all or nothing; no other process writes meanwhile."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # else SQLite has rolled it back
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what SQLite says of the file into one of our errors."""
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _OUTSIDE:
                raise OSError(f"{self.path}: {error}") from error
            raise DataError(f"{self.path}: not an archive, or damaged ({error})") from error


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def verify_archive(path: Path, *, workers: int = 1) -> int:
    """Check all that an archive holds, every threshold by a proof; return the automata.

    Parameters
    ----------
    path : Path
    workers : int
        Processes.

    Raises
    ------
    DataError
        If there is no archive or it is damaged, and at the first automaton, by k, n and canonical
        form, with which something is wrong.
    """
    with Archive(path, create=False) as archive:
        records = archive.records()
    parts = [
        whole[start : start + _CHECKED_ROWS]
        for _, same_size in groupby(records, key=lambda record: record[:2])
        for whole in [[*same_size]]
        for start in range(0, len(whole), _CHECKED_ROWS)
    ]
    with (
        progress(len(records), "verify", "automata") as bar,
        closing(_problems(parts, workers)) as problems,
    ):
        for part, problem in zip(parts, problems, strict=True):
            if problem:
                raise DataError(f"{path}: {problem}")
            bar.update(len(part))
    return len(records)


def _problems(parts: Sequence[Sequence[Record]], workers: int) -> Generator[str, None, None]:
    """Check each part; the proofs are Python, so that threads would be no faster."""
    workers = min(workers, len(parts))
    if workers <= 1:
        yield from map(first_problem, parts)
        return
    # an interruption is the parent's affair
    ignore = signal.signal, (signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(workers, get_context("spawn"), *ignore) as pool:
        yield from pool.map(first_problem, parts)
