"""Files that are whole or absent.

A file is written under a temporary name in its folder and then renamed. The temporary name holds
the number of the writing process. So two writers never share a name, and no process removes a file
that a living process is writing.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from data.damage import DataError, naming, open_file, read_json

_TEMPORARY = re.compile(r".*\.([0-9]{1,9})-[0-9a-f]{8}\.tmp", re.DOTALL)
_OF_EARLIER_VERSIONS = re.compile(
    r"(known-\w+|[\w-]+\.(csv|json|npz|parquet|png|pt|safetensors|svg|html))\.tmp|\.tmp\w{6}"
)
"""Temporary names without a process number."""
_MOST_NAME = 200
"""Characters of a file's name that its temporary name repeats; file systems allow 255 bytes."""
_SPECIAL = ("/dev/", "/proc/")
"""Files in these folders are written to in place, even if they lead to a regular file."""
_SEAL = "sha256"
_SQLITE = b"SQLite format 3\0"
_RECORDS = {
    *("run.json", "manifest.json", "checksums.json", "settings.json"),
    *("evaluation.json", "attributes.csv"),
}
_LOOKS, _PAUSE = 10, 0.1
"""A reader waits for a writer by looking again this often, with a pause in seconds between."""


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary path in the same folder, then rename it: all or nothing.

    The folder must exist. It is not made, so that a folder removed meanwhile stays removed.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written. It names `path`; no file is left.
    """
    with _temporary(path) as temporary:
        write(temporary)
        _sync(temporary)
        os.replace(temporary, path)
    with _named(path):
        _sync(path.parent)


def write_output(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file that a person has asked for by name.

    A regular file is replaced as a whole, even behind a symbolic link. A device or pipe is written
    to. Missing folders are made.

    Raises
    ------
    DataError
        If the file is an archive, or belongs to a run.
    OSError
        As `write_file`.
    """
    with _named(path):
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


def write_text(path: Path, text: str) -> None:
    """Write a text file, all or nothing."""
    write_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, all or nothing."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def write_sealed(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object with the SHA-256 of all its other values."""
    content = {name: own for name, own in value.items() if name != _SEAL}
    write_json(path, content | {_SEAL: json_sha256(content)})


def open_seal(value: Any) -> None:
    """Check the SHA-256 in a value of `write_sealed`, and remove it from the value.

    Files of earlier versions have none.

    Raises
    ------
    ValueError
        If the SHA-256 is not that of the value, or the value is no object.

    Examples
    --------
    >>> open_seal({"n": 8, "sha256": "0"})
    Traceback (most recent call last):
    ValueError: changed since it was written: its SHA-256 is another
    """
    if not isinstance(value, dict):
        raise ValueError("no object")
    sealed = value.pop(_SEAL, None)
    if sealed is not None and sealed != json_sha256(value):
        raise ValueError("changed since it was written: its SHA-256 is another")


def json_sha256(value: Any) -> str:
    """Return the SHA-256, in hexadecimal digits, of a value as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Make an empty temporary file in the folder of a path; remove it if the block fails."""
    name = f"{path.name[:_MOST_NAME]}.{os.getpid()}-{secrets.token_hex(4)}.tmp"
    temporary = path.with_name(name)
    with _named(path):
        # O_EXCL: never open a file or link that somebody else put there
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            yield temporary
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Make errors of the system name this path, instead of a temporary one or none."""
    try:
        yield
    except OSError as error:
        raise naming(error, path) from error


def _sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not path.is_dir() or error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise  # some file systems sync no folders
    finally:
        os.close(descriptor)


def sweep(folder: Path, name: str | None = None) -> None:
    """Remove temporary files that interrupted writes left in a folder.

    Files that cannot be removed stay.

    Parameters
    ----------
    folder : Path
    name : str, optional
        Remove only the temporary files of this file. Default: of all files; only a process that
        has claimed the folder may do that.
    """
    for stale in [*folder.glob("*.tmp"), *folder.glob(".tmp*")]:
        match = _TEMPORARY.fullmatch(stale.name)
        if match is None:
            is_stale = name is None and _OF_EARLIER_VERSIONS.fullmatch(stale.name) is not None
        else:
            is_asked = name is None or stale.name.startswith(f"{name[:_MOST_NAME]}.{match[1]}-")
            is_stale = is_asked and not psutil.pid_exists(int(match[1]))
        if is_stale and (stale.is_symlink() or not stale.is_dir()):
            with suppress(OSError):
                stale.unlink()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a regular file as hexadecimal digits.

    Raises
    ------
    DataError
        If the file is missing.
    """
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str) -> None:
    """Compare a file with its recorded SHA-256.

    Raises
    ------
    DataError
        If the file is missing or differs.
    """
    if sha256(path) != expected:
        raise DataError(f"{path}: damaged (its SHA-256 is not the recorded one)")


def commit_files(folder: Path, writers: dict[str, Callable[[Path], object]]) -> None:
    """Write several files and ``checksums.json`` as one: after a crash all are old or all are new.

    First the new files are written under temporary names. Then ``checksums.json`` is replaced. Then
    the files are renamed; if that is interrupted, `recover` finishes it. The folder is made, its
    parents are not.

    Parameters
    ----------
    folder : Path
    writers : dict of str to callable
        For each file name a function that writes the file to a given path.
    """
    with _named(folder):
        folder.mkdir(exist_ok=True)
    recover(folder)
    sweep(folder)
    waiting: dict[str, Path] = {}
    sums: dict[str, str] = {}
    try:
        for name, write in writers.items():
            with _temporary(folder / name) as temporary:
                waiting[name] = temporary
                write(temporary)
                _sync(temporary)
        sums = {name: sha256(temporary) for name, temporary in waiting.items()}
        write_json(folder / "checksums.json", sums)
    except BaseException:
        if not _are_recorded(folder, sums):  # recorded checksums need the temporary files
            for temporary in waiting.values():
                temporary.unlink(missing_ok=True)
        raise
    recover(folder)


def _are_recorded(folder: Path, sums: Mapping[str, str]) -> bool:
    try:
        return read_checksums(folder) == sums
    except (DataError, OSError):
        return False


def recover(folder: Path) -> None:
    """Finish the renaming of an interrupted `commit_files`; other files are not touched.

    Readers call it too. Two processes may do so at the same time.

    Raises
    ------
    DataError
        If ``checksums.json`` is damaged.
    OSError
        If a file must be renamed and the folder cannot be written.
    """
    if not (folder / "checksums.json").exists():
        return
    left = {path.name for path in folder.glob("*.tmp") if path.is_file() and not path.is_symlink()}
    for name, expected in read_checksums(folder).items() if left else ():
        for waiting in sorted(other for other in left if other.startswith(f"{name}.")):
            try:
                if sha256(folder / waiting) == expected:
                    os.replace(folder / waiting, folder / name)
            except (DataError, FileNotFoundError):
                continue  # renamed by another process
            except OSError as error:
                raise naming(error, folder / name) from error


def read_checksums(folder: Path) -> dict[str, str]:
    """Return the recorded SHA-256 of each file that `commit_files` wrote, by file name.

    Raises
    ------
    DataError
        If there is no such record, or it is damaged.
    """
    checksums = read_json(folder / "checksums.json")
    if not isinstance(checksums, dict) or not all(
        isinstance(value, str) and Path(name).name == name for name, value in checksums.items()
    ):
        raise DataError(f"{folder / 'checksums.json'}: not a record of checksums")
    return checksums


def check_files(folder: Path, *required: str) -> None:
    """Finish an interrupted `commit_files`, and compare every recorded file with its checksum.

    Raises
    ------
    DataError
        If a file is missing or damaged, or a required one is not recorded.
    """
    patience = _LOOKS
    while True:
        try:
            recover(folder)
        except OSError:  # without permission to rename: wait for the writer to do it
            if not patience:
                raise
            patience -= 1
            time.sleep(_PAUSE)
            continue
        checksums = read_checksums(folder)
        for name in required:
            if name not in checksums:
                raise DataError(f"{folder / 'checksums.json'}: has no checksum of {name}")
        try:
            for name, expected in checksums.items():
                check_sha256(folder / name, expected)
        except DataError:
            if read_checksums(folder) != checksums:
                continue  # a writer has replaced the files meanwhile
            raise
        return
