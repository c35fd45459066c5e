"""A folder belongs to one process at a time."""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from data.commits import recover
from data.damage import DataError, naming, read_json
from data.files import sweep, write_json

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about the lock file used on systems without locks
    from filelock import FileLock, SoftFileLock, Timeout

_LOCK = ".held" if FileLock is SoftFileLock else ".lock"
"""On systems without locks the existence of ``.held`` is the lock; a ``.lock`` may be left over."""
_OWNER = ".owner.json"


@contextmanager
def claim(folder: Path, work: str) -> Iterator[None]:
    """Make a folder and claim it until the block ends: no other process can claim it meanwhile.

    The operating system releases the lock when the process ends, however it ends. A thread may
    claim its folder again. Temporary files of dead processes are removed. If the block fails and
    has written nothing, a folder that was made for it is removed again.

    Parameters
    ----------
    folder : Path
    work : str
        Name of the work; the error of another process names it.

    Raises
    ------
    DataError
        If another process has claimed the folder, or the folder was removed meanwhile.
    OSError
        If the folder cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: not a folder")
    lock_file = folder / _LOCK
    lock = FileLock(lock_file, timeout=0, is_singleton=True)
    outermost = not lock.is_locked
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise naming(error, folder) from error
    try:
        lock.acquire()
        own = _identity(lock_file)
    except Timeout:
        raise DataError(f"{folder}: {_owner(folder)} is at work there") from None
    except OSError as error:
        raise naming(error, lock_file) from error
    try:
        if outermost:
            with suppress(DataError):  # damaged checksums: their readers raise the error
                recover(folder)
            sweep(folder)
            write_json(folder / _OWNER, _who(work))
        yield
        if _identity(lock_file) != own:
            raise DataError(f"{folder}: was removed while {work} was at work there")
        made = []
    finally:
        try:
            if outermost and _identity(lock_file) == own:
                with suppress(OSError):
                    (folder / _OWNER).unlink()
                    if made and [*folder.iterdir()] == [lock_file]:
                        lock_file.unlink()
        finally:
            lock.release()
            with suppress(OSError):  # not empty, or another process has made it again
                for place in made:
                    place.rmdir()


def _identity(file: Path) -> tuple[int, int] | None:
    """Return (device, inode) of a file, None if there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _who(work: str) -> dict[str, str | int]:
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return {"work": work, "process": os.getpid(), "host": platform.node(), "since": since}


def _owner(folder: Path) -> str:
    """Name the process that has claimed the folder, if its record can be read."""
    try:
        who = read_json(folder / _OWNER)
        return f"{who['work']} (process {who['process']} on {who['host']}, since {who['since']})"
    except (DataError, KeyError, OSError, TypeError):
        return "another process"
