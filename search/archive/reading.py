"""Reading an archive without changing it, for any user and on any medium."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from data.damage import DataError
from search.archive.file import (
    beside,
    connect,
    errors,
    find_file,
    may_write,
    open_checked,
    patiently,
    size_of,
    watch,
)

T = TypeVar("T")

_TRIES = 20
_TICK = 0.05
"""Resolution of a file's time of change, in seconds: two changes within it may look like one."""

State = tuple[int, int, int]
"""Inode, size in bytes and time of change in ns: they change when a file is written to."""


class Reader:
    """An archive, read as it was when it was opened.

    A user who may write to the file and its folder reads under SQLite's locks, for which SQLite
    needs files beside the archive. Other users read without locks, and read again if the file has
    changed meanwhile. If there is a log beside the file, they read a copy of both.

    Parameters
    ----------
    path : Path
    check : callable
        Called with each new connection; raises `DataError` if the file is no good archive.

    Raises
    ------
    DataError
        If there is no file, or it fails the check. `read` raises it too.
    OSError
        If the file cannot be read. `read` raises it too.
    """

    def __init__(self, path: Path, check: Callable[[sqlite3.Connection], object]) -> None:
        self._path, self._check = path, check
        self._file = find_file(path)
        if not self._file.exists():
            raise DataError(
                f"{path}: no such file; search, evolve, discover and demo make an archive beside "
                "their run folders"
            )
        self._db: sqlite3.Connection | None = None
        self._state: State | None = None
        self._copy: TemporaryDirectory[str] | None = None
        self.read(lambda _: None)

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Call `work` within a reading transaction; again if the file has changed meanwhile."""
        for _ in range(_TRIES):
            try:
                found = self._do(work)
            except DataError:
                if self._is_unchanged():
                    self.close()
                    raise
            except BaseException:
                self.close()
                raise
            else:
                if self._is_unchanged():
                    return found
            self.close()
        raise OSError(f"{self._path}: it is written to all the time; try again")

    def close(self) -> None:
        """Close the file; a further `read` opens it again."""
        if self._db is not None:
            self._db.close()
        if self._copy is not None:
            self._copy.cleanup()
        self._db = self._state = self._copy = None

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._db is None:
            self._open()
        assert self._db is not None  # noqa: S101  # for the type checker
        watch(self._db, self._file)
        with errors(self._path):
            return patiently(self._path, partial(work, self._db))

    def _open(self) -> None:
        failed: OSError | None = None
        for way in self._ways():
            try:
                with errors(self._path):
                    self._db = way()
                    watch(self._db, self._file)
                    self._db.execute("PRAGMA query_only = ON")
                    self._db.execute("BEGIN")
                    patiently(self._path, partial(self._check, self._db))
                return
            except OSError as error:
                failed = failed or error
                self.close()
        raise failed or OSError(f"{self._path}: cannot be opened")

    def _ways(self) -> Iterator[Callable[[], sqlite3.Connection]]:
        """Yield ways to open the file, the best first; use the first that does not fail."""
        if may_write(self._file):
            yield partial(open_checked, self._path, self._file, "mode=rw", self._check)
        # The other ways use no locks, or a copy. A process that closes a file loses all its locks
        # on that file. Here it has none: it may not write, or SQLite could not make its files.
        if self._is_at_rest():
            yield partial(connect, self._file, "mode=ro&immutable=1")
            return
        if beside(self._file, "-shm").exists():
            yield partial(connect, self._file, "mode=ro")
        yield self._open_copy

    def _is_at_rest(self) -> bool:
        """Return whether the file has no log beside it; note the state of the file."""
        for _ in range(_TRIES):
            if not 0 <= time.time() - self._file.stat().st_mtime < _TICK:
                break
            time.sleep(_TICK)
        self._state = state_of(self._file)
        if size_of(beside(self._file, "-wal")):
            self._state = None
        return self._state is not None

    def _is_unchanged(self) -> bool:
        return self._state is None or self._state == state_of(self._file)

    def _open_copy(self) -> sqlite3.Connection:
        """Copy the file and its log, both of one moment, and open the copy."""
        self._copy = TemporaryDirectory(prefix="archive-")
        place = Path(self._copy.name, "copy")
        pairs = [(beside(self._file, suffix), beside(place, suffix)) for suffix in ("", "-wal")]
        for _ in range(_TRIES):
            before = [state_of(source) for source, _ in pairs]
            for source, target in pairs:
                target.unlink(missing_ok=True)
                if source.exists():
                    shutil.copyfile(source, target)
            if before == [state_of(source) for source, _ in pairs]:
                return connect(place, "mode=rw")
        raise OSError(f"{self._path}: it is written to all the time; try again")


def state_of(file: Path) -> State | None:
    """Return the state of a file, None if there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
