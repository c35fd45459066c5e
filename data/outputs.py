"""Files that a person has asked for by name: no archive and no file of a run is lost to one."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from data.commits import read_checksums
from data.damage import DataError, open_file
from data.files import named, sweep, write_file

_SPECIAL = ("/dev/", "/proc/")
"""Files in these folders are written to in place, even if they lead to a regular file."""
_SQLITE = b"SQLite format 3\0"
_RECORDS = {
    *("run.json", "manifest.json", "checksums.json", "settings.json"),
    *("evaluation.json", "attributes.csv"),
}


def write_output(
    path: Path,
    write: Callable[[Path], object],
    *,
    check: Callable[[Path], object] = lambda target: None,
) -> None:
    """Write a file that a person has asked for by name.

    A regular file is replaced as a whole, even behind a symbolic link. A device or pipe is written
    to. Missing folders are made. `check` is called with a regular file that would be replaced.

    Raises
    ------
    DataError
        If the file is an archive, or belongs to a run; or what `check` raises.
    OSError
        As `data.files.write_file`.
    """
    with named(path):
        there = path.exists() and not stat.S_ISREG(path.stat().st_mode)
        if there or str(path.absolute()).startswith(_SPECIAL):
            with tempfile.TemporaryDirectory() as scratch:
                whole = Path(scratch) / "output"
                write(whole)
                with whole.open("rb") as source, path.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
            return
        target = Path(os.path.realpath(path))
        if target.is_symlink():
            raise OSError(errno.ELOOP, "")
        _check_replaceable(path, target)
        if target.exists():
            check(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep(target.parent, target.name)
    write_file(target, write)


def _check_replaceable(path: Path, target: Path) -> None:
    """Raise `DataError` if the file is an archive or belongs to a run: it would be lost."""
    if not target.exists():
        return
    with open_file(target) as file:
        if file.read(len(_SQLITE)) == _SQLITE:
            raise DataError(f"{path}: is an archive; it would be lost")
    recorded: Collection[str] = ()
    with suppress(DataError):
        recorded = read_checksums(target.parent)
    if target.name in (*recorded, *_RECORDS) or re.fullmatch(r"part-[0-9]+\.parquet", target.name):
        raise DataError(f"{path}: is a file of a run; it would be lost")
