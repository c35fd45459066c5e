"""The file of an archive: opened safely, compared with the schema, and waited for if it is busy."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any, TypeVar

from data.damage import DataError
from data.terminal import printable
from search.archive.tables import APPLICATION_ID, SCHEMA, VERSION

T = TypeVar("T")

_PATIENCE = 300.0
"""Seconds to wait for other processes; a transaction takes a few hundredths of a second."""
_SILENCE = 1.0
"""Seconds to wait before a line on stderr reports the waiting."""
_PAUSE = 0.02
"""Seconds between two attempts."""
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_OUTSIDE = _BUSY | {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
"""Errors that do not mean that the file is damaged."""
_LONGEST = 1 << 20
"""Most bytes of a text or a blob; words, names and lists of classes are much shorter."""
_SHOWN = 100
_STEP = 10**5
_STEPS, _BYTES_PER_STEP = 30, 5000
"""A step is _STEP instructions of SQLite's virtual machine. One reading or writing may take _STEPS
steps, and one more for each _BYTES_PER_STEP bytes of the file. That is many times the need.
The limit ends the reading of a forged file whose pages form a cycle."""


def _unspaced(sql: str | None) -> str | None:
    return None if sql is None else " ".join(sql.split())


_TABLES = {
    ("table", "automata", "automata", _unspaced(SCHEMA[0])),
    ("index", "sqlite_autoindex_automata_1", "automata", None),
    ("table", "finds", "finds", _unspaced(SCHEMA[1])),
}
"""The whole schema of an archive: type, name, table and SQL of each entry."""


def beside(file: Path, suffix: str) -> Path:
    """Return the path of a file that SQLite keeps beside a database: -wal, -shm or -journal."""
    return file.with_name(file.name + suffix)


def size_of(file: Path) -> int:
    """Return the size of a file in bytes, 0 if there is none."""
    try:
        return file.lstat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0


def may_write(file: Path) -> bool:
    """Return whether this user may write to a file and to its folder."""
    effective = os.access in os.supports_effective_ids
    return os.access(file, os.W_OK, effective_ids=effective) and os.access(
        file.parent, os.W_OK | os.X_OK, effective_ids=effective
    )


def find_file(path: Path) -> Path:
    """Return the file that a path leads to; it need not exist yet.

    Raises
    ------
    DataError
        If the path leads to a folder or device, or one of SQLite's files beside it is one. Also if
        there is a rollback journal: archives have none, so it may belong to another database.
    """
    if path.is_dir():
        raise DataError(f"{path}: a folder, not an archive")
    file = Path(os.path.realpath(path))  # SQLite follows links too, and keeps its log there
    journal = beside(file, "-journal")
    for place in (file, journal, beside(file, "-wal"), beside(file, "-shm")):
        try:
            mode = place.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not stat.S_ISREG(mode):
            raise DataError(f"{place}: not a plain file")
    if size_of(journal):
        with journal.open("rb") as opened:
            unused = opened.read(1) == b"\0"
        if not unused:
            raise DataError(
                f"{journal}: a rollback journal, which archives do not have; if it belongs to "
                f"{file.name}, open that once with the program sqlite3"
            )
    return file


def connect(file: Path, options: str) -> sqlite3.Connection:
    """Open a file by a URI, without reading it yet; a busy file raises an error at once."""
    uri = f"{file.as_uri()}?{options}"
    db = sqlite3.connect(uri, timeout=0, isolation_level=None, uri=True)
    db.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    return db


def watch(db: sqlite3.Connection, file: Path) -> None:
    """Limit the work of SQLite from now on, by the size of the file."""
    steps = _STEPS + (size_of(file) + size_of(beside(file, "-wal"))) // _BYTES_PER_STEP
    # a handler in Python code would lose an interruption
    db.set_progress_handler(repeat(0, steps).__next__, _STEP)


def open_checked(
    path: Path, file: Path, options: str, check: Callable[[sqlite3.Connection], object]
) -> sqlite3.Connection:
    """Open a file for writing; a file that fails the check does not change.

    SQLite copies a write-ahead log into the file, at the latest when it closes the file. So if
    there is a log, a connection that cannot write runs the check first.
    """
    if size_of(file) and size_of(beside(file, "-wal")):
        with errors(path), closing(connect(file, "mode=ro")) as looking:
            watch(looking, file)
            patiently(path, lambda: check(looking))
    return connect(file, options)


def pragma(db: sqlite3.Connection, name: str) -> Any:
    """Return the value of a pragma."""
    return db.execute(f"PRAGMA {name}").fetchone()[0]


def is_blank(db: sqlite3.Connection) -> bool:
    """Return whether a database is empty and unmarked."""
    marked = pragma(db, "application_id") or pragma(db, "user_version")
    return not marked and db.execute("SELECT 1 FROM sqlite_schema").fetchone() is None


def check_schema(path: Path, db: sqlite3.Connection) -> None:
    """Compare the identity, version, encoding and schema of a file with those of archives.

    Raises
    ------
    DataError
        If the file is no archive, has another version, or has other tables, columns, views,
        triggers or indexes.
    """
    if pragma(db, "application_id") != APPLICATION_ID:
        raise DataError(f"{path}: not an archive of automata")
    version = pragma(db, "user_version")
    if version != VERSION:
        raise DataError(f"{path}: an archive of version {version}, not of {VERSION}")
    encoding = pragma(db, "encoding")
    if encoding != "UTF-8":
        raise DataError(f"{path}: texts in {encoding}, not in UTF-8 as in archives")
    rows = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema LIMIT 9").fetchall()
    found = [(*row[:3], _unspaced(row[3])) for row in rows]
    for kind, name, *_ in [entry for entry in found if entry not in _TABLES]:
        extra = f"{printable(str(kind))} {name!r}"[:_SHOWN]
        raise DataError(f"{path}: damaged (archives have no such {extra})")
    for kind, name, *_ in sorted(_TABLES - {*found}, key=str):
        raise DataError(f"{path}: damaged (no {kind} {name!r})")
    if len(found) > len(_TABLES):
        raise DataError(f"{path}: damaged (a table is there twice)")


def patiently(path: Path, work: Callable[[], T]) -> T:
    """Call `work`, again and again from its start while another process keeps the file busy."""
    start = time.monotonic()
    reported = False
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            waited = time.monotonic() - start
            if _code(error) not in _BUSY or waited > _PATIENCE:
                raise
        if waited > _SILENCE and not reported:
            reported = True
            print(
                f"{path}: waiting for another process that writes to it, {_PATIENCE:.0f} s at most",
                file=sys.stderr,
                flush=True,
            )
        time.sleep(_PAUSE)


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into `DataError` or OSError with the name of the file."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        code = _code(error)
        reason = printable(str(error))
        if code in _BUSY:
            reason = f"{reason}: another process has kept it busy for {_PATIENCE:.0f} s"
        if code == sqlite3.SQLITE_CANTOPEN:
            reason += _obstacle(path)
        if code in _OUTSIDE:
            raise OSError(f"{path}: {reason} ({error.sqlite_errorname})") from error
        if code == sqlite3.SQLITE_INTERRUPT:
            reason = "it takes more work than any archive of its size"
        raise DataError(f"{path}: not an archive, or damaged ({reason})") from error
    except UnicodeDecodeError as error:  # SQLite's message quotes the file
        raise DataError(f"{path}: not an archive, or damaged (names not in UTF-8)") from error


def _obstacle(path: Path) -> str:
    """Return why no file can be made beside another, "" if one can: SQLite does not say."""
    try:
        tempfile.TemporaryFile(dir=Path(os.path.realpath(path)).parent).close()
    except OSError as error:
        return f": {error.strerror}"
    return ""


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary code, 0 where Python itself raised the error."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
