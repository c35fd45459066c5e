"""The archive: one SQLite file of the slowly synchronizing automata of all runs, each verified.

Many processes may write to it at once. When `Archive.add` returns, its rows are on disk:
they stay there if the process is killed afterwards.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pandas as pd

from automata.text.formats import format_delta
from automata.units import Lost, Pool, here, processes, results_of_chunks
from data.best_known import Scale
from data.damage import DataError
from data.progress import progress
from data.terminal import printable
from search.archive.checks import (
    check_claims,
    check_file,
    check_records,
    check_shapes,
    first_problem,
    settle,
)
from search.archive.file import check_schema, pragma
from search.archive.reading import Reader
from search.archive.rows import NAME_MAX_LENGTH, Part, Record, parts_of
from search.archive.tables import (
    COUNT_COLUMNS,
    ROW_COLUMNS,
    SELECT_COUNTS,
    SELECT_ROWS,
    SELECT_THRESHOLDS,
    Selection,
)
from search.archive.writing import Writer
from search.candidates import form_text

_EVERYTHING = Selection()
_CHECKED_ROWS = 64


class Archive:
    """An open archive, a context manager. Only the thread and process that opened it may use it.

    Parameters
    ----------
    path : Path or str
    create : bool
        Whether to open the archive for writing; it and its folder are made if they do not exist.
        Otherwise it is only read, as it was when it was opened, from any medium.

    Raises
    ------
    DataError
        If the file is no archive, has another version, is damaged, or is missing and must not be
        made. Methods raise it too, for damage that they find.
    OSError
        If it cannot be opened. Methods raise it too, for example if the disk is full.
    """

    def __init__(self, path: Path | str, *, create: bool = True) -> None:
        path = Path(path)
        self.path = path
        self._writer = Writer(path) if create else None
        self._source = self._writer or Reader(path, partial(check_schema, path))
        self._checked: object = None

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
        self._source.close()

    def check(self) -> None:
        """Check the integrity of the file; raise `DataError` if it is damaged."""
        self._source.read(partial(check_file, self.path))

    def add(
        self, candidates: pd.DataFrame, *, run: str, arm: str | None = None, workers: int = 1
    ) -> int:
        r"""Add verified automata; stored automata do not change.

        When it returns, all rows are on disk. If it is interrupted, some may be. Adding the same
        rows again does no harm.

        Parameters
        ----------
        candidates : DataFrame
            Of the columns `search.candidates.CANDIDATE_COLUMNS`: n, k, canonical, reset_threshold,
            word and, without `arm`, mode. Automata of any sizes, in any order.
        run : str
            The run that found them. Control characters are stored escaped, as ``\x1b``.
        arm : str, optional
            The arm that found them. Default: the mode of each row.
        workers : int
            Threads that decide the classes of new automata.

        Returns
        -------
        int
            The number of automata that were new.

        Raises
        ------
        ValueError
            If a column is missing, a form is not canonical, the length of a word is not the
            threshold, or the name of a run or an arm is empty or too long. Nothing is added.
        DataError
            If an automaton is stored with a threshold that a proof refutes.
        RuntimeError
            If an automaton has two thresholds, and no proof refutes the stored one: the solver has
            a bug. Nothing is added, or only a part if another process has added that automaton
            meanwhile.
        """
        if self._writer is None:
            raise ValueError(f"{self.path} was opened for reading alone")
        run = printable(run)
        if not 1 <= len(run) <= NAME_MAX_LENGTH:
            raise ValueError(
                f"a run has a name of 1 to {NAME_MAX_LENGTH} letters, got one of {len(run)}"
            )
        parts = [*parts_of(candidates, arm)]
        found_at = _now()
        for part in parts:
            self._writer.read(partial(self._compare, part))
        return sum(self._add(self._writer, part, run, found_at, workers) for part in parts)

    def rows(self, selection: Selection = _EVERYTHING, *, limit: int | None = None) -> pd.DataFrame:
        """Return the selected automata, each once, by k, n, gap and canonical form.

        Parameters
        ----------
        selection : Selection
        limit : int, optional
            Rows at most.

        Returns
        -------
        DataFrame
            The columns `ROW_COLUMNS`: run, arm and found_at are those of the first find; finds is
            the number of (run, arm) pairs that found it. If the selection names a run, these four
            count its finds only. Of partial automata cerny_bound is named best_known, the longest
            known careful threshold, and the gap is that to it; both are empty where none is known.
        """
        parameters = selection.parameters | {"limit": -1 if limit is None else limit}

        def select(db: sqlite3.Connection) -> pd.DataFrame:
            self._check_claims(db, selection)
            cursor = db.execute(SELECT_ROWS, parameters)
            names = [column[0] for column in cursor.description]
            rows = cursor.fetchall()
            places = [names.index(name) for name in Record._fields]
            records = [Record(*(row[place] for place in places)) for row in rows]
            check_records(self.path, records, classes=True)
            return pd.DataFrame(rows, columns=names)

        table = self._source.read(select)
        deltas = [
            format_delta(np.frombuffer(form, np.uint8).reshape(n, k).T)
            for n, k, form in zip(table["n"], table["k"], table["canonical"], strict=True)
        ]
        texts = [form_text(form) for form in table["canonical"]]
        who = {name: table[name].map(printable) for name in ("run", "arm")}
        table = table.assign(delta=deltas, canonical=texts, **who)[ROW_COLUMNS]
        return _by_known(table, "reset_threshold") if selection.partial else table

    def counts(self, selection: Selection = _EVERYTHING) -> pd.DataFrame:
        """Count the selected automata, with a row for each k and n.

        Parameters
        ----------
        selection : Selection

        Returns
        -------
        DataFrame
            The columns `COUNT_COLUMNS`: gap is that of the best threshold; no_family is the number
            of automata of no known family; first and last are the times (UTC) of the first and last
            find. Of partial automata cerny_bound is named best_known, as in `rows`.
        """

        def select(db: sqlite3.Connection) -> list[tuple[object, ...]]:
            self._check_claims(db, selection)
            return db.execute(SELECT_COUNTS, selection.parameters).fetchall()

        table = pd.DataFrame(self._source.read(select), columns=COUNT_COLUMNS)
        return _by_known(table, "best_threshold") if selection.partial else table

    def records(self) -> list[Record]:
        """Return the stored automata, by k, n and canonical form.

        Raises
        ------
        DataError
            If the file fails `check_file`, or a row fails `check_shapes`.
        """

        def select(db: sqlite3.Connection) -> list[Record]:
            check_file(self.path, db)
            rows = db.execute("SELECT * FROM automata ORDER BY k, n, canonical").fetchall()
            records = [*map(Record._make, rows)]
            check_shapes(self.path, records)
            return records

        return self._source.read(select)

    def _check_claims(self, db: sqlite3.Connection, selection: Selection) -> None:
        """Check the whole archive, unless it was checked and has not changed since."""
        classes = bool(selection.classes)
        state = db, db.total_changes, pragma(db, "data_version"), classes
        if state != self._checked:
            check_claims(self.path, db, classes=classes)
            self._checked = state

    def _compare(self, part: Part, db: sqlite3.Connection) -> set[bytes]:
        """Return the forms that are stored already, after comparing their thresholds."""
        statement = SELECT_THRESHOLDS.format(", ".join("?" * len(part.forms)))
        held = dict(db.execute(statement, [part.n, part.k, *part.forms]).fetchall())
        for form, threshold in zip(part.forms, part.thresholds, strict=True):
            if held.get(form, threshold) != threshold:
                raise settle(self.path, part.n, part.k, form, held[form], threshold)
        return {*held}

    def _add(self, writer: Writer, part: Part, run: str, found_at: str, workers: int) -> int:
        """Add a part in one transaction; return the number of new automata."""
        held = writer.read(partial(self._compare, part))
        rows = [row for row, form in enumerate(part.forms) if form not in held]
        records = part.records(rows, workers=workers)
        finds = [
            (part.n, part.k, form, run, arm, found_at)
            for form, arm in zip(part.forms, part.arms, strict=True)
        ]

        def insert(db: sqlite3.Connection) -> int:
            before = db.total_changes
            db.executemany(
                "INSERT INTO automata VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                records,
            )
            new = db.total_changes - before
            if new < len(records):  # another process has added some meanwhile
                self._compare(part, db)
            db.executemany(
                "INSERT INTO finds VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", finds
            )
            return new

        return writer.write(insert)


def _by_known(table: pd.DataFrame, threshold: str) -> pd.DataFrame:
    """Return a table of partial automata with the longest known lengths, and the gaps to these."""
    sizes = zip(table["n"].tolist(), table["k"].tolist(), strict=True)
    best = [Scale(n, k, partial=True).best for n, k in sizes]
    gaps = [
        None if length is None else length - own
        for length, own in zip(best, table[threshold].tolist(), strict=True)
    ]
    known = table.assign(
        cerny_bound=pd.Series(best, table.index, object), gap=pd.Series(gaps, table.index, object)
    )
    return known.rename(columns={"cerny_bound": "best_known"})


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def verify_archive(path: Path | str, *, workers: int = 1, pool: Pool | None = None) -> int:
    """Check an archive, prove every threshold again, and count the automata.

    Parameters
    ----------
    path : Path or str
    workers : int
        Processes. The proofs are in Python: threads would not be faster.
    pool : Pool, optional
        Where the automata are checked instead.

    Raises
    ------
    DataError
        If there is no archive, if it is damaged, or if an automaton is wrong; the error names the
        first one, by k, n and canonical form.
    Lost
        If automata ended their workers; all others are checked.
    """
    path = Path(path)
    with Archive(path, create=False) as archive:
        records = archive.records()
    parts = [
        whole[start : start + _CHECKED_ROWS]
        for _, same_size in groupby(records, key=lambda record: record[:2])
        for whole in [[*same_size]]
        for start in range(0, len(whole), _CHECKED_ROWS)
    ]
    several = min(workers, len(parts))
    lost: list[str] = []
    with (
        nullcontext(pool) if pool else processes(several) if several > 1 else here() as place,
        progress(len(records), "verify", "automata") as bar,
        closing(results_of_chunks(place, first_problem, parts)) as problems,
    ):
        for part, problem in problems:
            if isinstance(problem, Lost):
                lost.append(f"{part[0].name}: {problem}")
            elif problem:
                raise DataError(f"{path}: {problem}")
            bar.update(len(part))
    if lost:
        raise Lost(f"{path}: {len(lost)} automata are not checked; {lost[0]}")
    return len(records)
