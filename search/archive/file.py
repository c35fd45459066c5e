"""The file of an archive: opened without trust, compared with the schema, and waited for."""

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
"""Seconds to wait for other processes; a transaction takes a few hundredths of one."""
_SILENCE = 1.0
"""Seconds to wait before a line on stderr says so."""
_PAUSE = 0.02
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_OUTSIDE = _BUSY | {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
"""What goes wrong although the file is whole."""
_LONGEST = 1 << 20
"""Bytes of a text or a blob; no word, name or list of classes comes near."""
_SHOWN = 100
_STEP = 10**5
_STEPS, _BYTES_PER_STEP = 30, 5000
"""Instructions of SQLite's machine in a step, and the steps that one reading or writing may take:
many times what it needs, so that a file whose pages go round in a circle ends it soon."""


def _unspaced(sql: str | None) -> str | None:
    return None if sql is None else " ".join(sql.split())


_TABLES = {
    ("table", "automata", "automata", _unspaced(SCHEMA[0])),
    ("index", "sqlite_autoindex_automata_1", "automata", None),
    ("table", "finds", "finds", _unspaced(SCHEMA[1])),
}
"""All that the schema of an archive holds: type, name, table, SQL."""


def beside(file: Path, suffix: str) -> Path:
    """Return the place of what SQLite keeps beside a file: -wal, -shm or -journal."""
    return file.with_name(file.name + suffix)


def size_of(file: Path) -> int:
    """Return the bytes of a file, 0 where there is none."""
    try:
        return file.lstat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0


def may_write(file: Path) -> bool:
    """Return whether this user may write to a file, and beside it."""
    effective = os.access in os.supports_effective_ids
    return os.access(file, os.W_OK, effective_ids=effective) and os.access(
        file.parent, os.W_OK | os.X_OK, effective_ids=effective
    )


def find_file(path: Path) -> Path:
    """Return the file that a path leads to, whether or not it is there yet.

    Raises
    ------
    DataError
        If something else than a file is there, or beside it where SQLite would write; or if a
        rollback journal is there, which could belong to anything: archives keep a write-ahead log.
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
    """Open a file by a URI; nothing is read yet, and nothing is waited for."""
    uri = f"{file.as_uri()}?{options}"
    db = sqlite3.connect(uri, timeout=0, isolation_level=None, uri=True)
    db.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA cell_size_check = ON")
    return db


def watch(db: sqlite3.Connection, file: Path) -> None:
    """Limit what SQLite does from now on."""
    steps = _STEPS + (size_of(file) + size_of(beside(file, "-wal"))) // _BYTES_PER_STEP
    # a handler of Python code would swallow an interruption
    db.set_progress_handler(repeat(0, steps).__next__, _STEP)


def open_checked(
    path: Path, file: Path, options: str, check: Callable[[sqlite3.Connection], object]
) -> sqlite3.Connection:
    """Open a file that may be written to; what fails the check is left as it is.

    SQLite writes what it finds in a log into the file, at the latest when it closes it. So where
    there is one, it is first looked at by a connection that cannot.
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
    """Return whether nothing has been made of a file yet."""
    marked = pragma(db, "application_id") or pragma(db, "user_version")
    return not marked and db.execute("SELECT 1 FROM sqlite_schema").fetchone() is None


def check_schema(path: Path, db: sqlite3.Connection) -> None:
    """Compare what a file says about itself with what archives say.

    Raises
    ------
    DataError
        If the file is no archive, one of another version, or has anything that archives have not:
        other tables, views, triggers, indexes, columns.
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
    """Do a work as soon as no other process is in its way; it is begun again from its start."""
    start = time.monotonic()
    told = False
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            waited = time.monotonic() - start
            if _code(error) not in _BUSY or waited > _PATIENCE:
                raise
        if waited > _SILENCE and not told:
            told = True
            print(
                f"{path}: waiting for another process that writes to it, {_PATIENCE:.0f} s at most",
                file=sys.stderr,
                flush=True,
            )
        time.sleep(_PAUSE)


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a file into one of our errors."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        code = _code(error)
        told = printable(str(error))
        if code in _BUSY:
            told = f"{told}: another process has kept it busy for {_PATIENCE:.0f} s"
        if code == sqlite3.SQLITE_CANTOPEN:
            told += _obstacle(path)
        if code in _OUTSIDE:
            raise OSError(f"{path}: {told} ({error.sqlite_errorname})") from error
        if code == sqlite3.SQLITE_INTERRUPT:
            told = "it takes more work than any archive of its size"
        raise DataError(f"{path}: not an archive, or damaged ({told})") from error
    except UnicodeDecodeError as error:  # a message of SQLite's that quotes the file
        raise DataError(f"{path}: not an archive, or damaged (names not in UTF-8)") from error


def _obstacle(path: Path) -> str:
    """Return why no file can be made beside another, which SQLite does not tell; "" if one can."""
    try:
        tempfile.TemporaryFile(dir=Path(os.path.realpath(path)).parent).close()
    except OSError as error:
        return f": {error.strerror}"
    return ""


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary code, 0 where Python itself raised the error."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
