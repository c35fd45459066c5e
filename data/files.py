"""Files that are whole or absent.

A file is written under a temporary name beside it and then renamed. Such names hold the number of
the writing process: two writers never share one, and nobody removes what a living process writes.
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
"""Temporary names that do not say whose they are."""
_MOST_NAME = 200
"""Characters of a file's name that its temporary name repeats; file systems allow 255 bytes."""
_SPECIAL = ("/dev/", "/proc/")
"""Whatever lies there is written to as it is, also where it leads to a regular file."""
_SEAL = "sha256"
_SQLITE = b"SQLite format 3\0"
_RECORDS = {"run.json", "manifest.json", "checksums.json", "settings.json", "evaluation.json"}
_LOOKS, _PAUSE = 10, 0.1
"""How often a reader looks again for a writer to finish, and after how many seconds."""


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary path beside `path`, then rename it: all or nothing.

    The folder must be there: one that was removed meanwhile does not come back.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written; it names `path`, and nothing is left.
    """
    with _temporary(path) as temporary:
        write(temporary)
        _sync(temporary)
        os.replace(temporary, path)
    with _named(path):
        _sync(path.parent)


def write_output(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file that a person has asked for by name.

    A regular file is replaced whole, also where a symbolic link leads to it; a device or a pipe is
    written to. Missing folders are made.

    Raises
    ------
    DataError
        If the file is an archive, or one of those that a run's record speaks of.
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
    """Refuse to replace what nobody means to lose: archives, and the files of a run."""
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
    """Write a JSON file that holds the SHA-256 of all else that it holds."""
    content = {name: own for name, own in value.items() if name != _SEAL}
    write_json(path, content | {_SEAL: json_sha256(content)})


def open_seal(value: Any) -> None:
    """Take the SHA-256 out of what `write_sealed` wrote; files of earlier versions have none.

    Raises
    ------
    ValueError
        If it is that of another value, or this is no object.

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
    """Return the SHA-256 of a value as JSON, whose keys are in order."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Make a new empty file beside a path; remove it where the block fails."""
    name = f"{path.name[:_MOST_NAME]}.{os.getpid()}-{secrets.token_hex(4)}.tmp"
    temporary = path.with_name(name)
    with _named(path):
        # a file or a link that somebody put there is not opened
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            yield temporary
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let the system's errors name a path rather than a temporary one or none."""
    try:
        yield
    except OSError as error:
        raise naming(error, path) from error


def _sync(path: Path) -> None:
    """See to it that a file, or the names in a folder, are on the disk."""
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
    """Remove what interrupted writes left in a folder, of one file or of all; what resists, stays.

    Only the process that claims the folder may remove those of all files.
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
    """Write several files and ``checksums.json``, as one: after a crash all are old or all new.

    The new files wait under temporary names while the checksums are replaced; `recover` finishes
    the renaming if that is as far as it came. The folder is made, its parents are not.
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
        if not _are_recorded(folder, sums):  # what is recorded needs the files that wait
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

    Readers call it too. Where another process finishes it at the same time, both are right.

    Raises
    ------
    DataError
        If ``checksums.json`` is damaged.
    OSError
        If there is something to rename, and the folder cannot be written.
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
    """Return the recorded SHA-256 of each file of a `commit_files`.

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
    """Finish an interrupted `commit_files`, and compare every file of it with its checksum.

    Raises
    ------
    DataError
        If a file is missing or damaged, or a required one is not recorded.
    """
    patience = _LOOKS
    while True:
        try:
            recover(folder)
        except OSError:  # who may not rename waits for the writer, who is at it
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
                continue  # a writer was faster
            raise
        return
