"""Making and writing archives: every transaction is all or nothing, and waits for others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from search.archive.file import (
    check_schema,
    errors,
    find_file,
    is_blank,
    may_write,
    open_checked,
    patiently,
    pragma,
    size_of,
    watch,
)
from search.archive.tables import SCHEMA

T = TypeVar("T")


class Writer:
    """An archive opened for writing; it and its folder are made if they do not exist.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataError
        If the file is no archive, or damaged; it does not change. `read` and `write` raise it too.
    OSError
        If the file cannot be written to. `read` and `write` raise it too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = find_file(path)
        if size_of(self._file) and not may_write(self._file):
            raise OSError(f"{path}: this user may not write to it, or not beside it")
        with errors(path):
            self._db = open_checked(path, self._file, "mode=rwc", self._check_unless_blank)
        try:
            with errors(path):
                watch(self._db, self._file)
                patiently(path, self._make)
        except BaseException:
            self.close()
            raise

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Call `work` within a reading transaction; return its result."""
        return self._take("BEGIN", work)

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Call `work` within a writing transaction: all or nothing, with no other writer.

        When it returns, the changes are on disk.
        """
        return self._take("BEGIN IMMEDIATE", work)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _take(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        def checked(db: sqlite3.Connection) -> T:
            check_schema(self._path, db)
            return work(db)

        watch(self._db, self._file)
        with errors(self._path):
            return patiently(self._path, partial(self._transact, begin, checked))

    def _transact(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        self._db.execute(begin)
        try:
            found = work(self._db)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # otherwise SQLite has rolled it back
                self._db.execute("ROLLBACK")
            raise
        return found

    def _make(self) -> None:
        """Make the tables, all or nothing, unless another process has made them."""
        self._check_unless_blank(self._db)
        self._db.execute("PRAGMA synchronous = FULL")
        if is_blank(self._db) and pragma(self._db, "journal_mode") != "wal":
            self._db.execute("PRAGMA journal_mode = MEMORY")  # a kill leaves no journal
        if pragma(self._db, "journal_mode = WAL") != "wal":
            raise OSError(f"{self._path}: SQLite can keep no write-ahead log there")
        self._transact("BEGIN IMMEDIATE", _create)

    def _check_unless_blank(self, db: sqlite3.Connection) -> None:
        if not is_blank(db):
            check_schema(self._path, db)


def _create(db: sqlite3.Connection) -> None:
    if is_blank(db):
        for statement in SCHEMA:
            db.execute(statement)
