"""Files that are whole or absent."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class DataError(ValueError):
    """Data that is missing, damaged, or does not belong to what it is used with."""


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary path beside `path`, then rename it: all or nothing.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_text(path: Path, text: str) -> None:
    """Write a text file, all or nothing."""
    write_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file, all or nothing."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    DataError
        If it is missing or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{path}: no such file") from None
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})") from None


def sweep(folder: Path) -> None:
    """Remove what interrupted writes left in a folder."""
    for stale in folder.glob("*.tmp"):
        stale.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path, expected: str) -> None:
    """Compare a file with its recorded SHA-256.

    Raises
    ------
    DataError
        If the file is missing or differs.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if sha256(path) != expected:
        raise DataError(f"{path}: damaged (its SHA-256 is not the recorded one)")


def commit_files(folder: Path, writers: dict[str, Callable[[Path], object]]) -> None:
    """Write several files and ``checksums.json``, as one: after a crash all are old or all new.

    The new files wait under temporary names while the checksums are replaced; `recover` finishes
    the renaming if that is as far as it came.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recover(folder)
    sweep(folder)
    waiting = {name: folder / f"{name}.tmp" for name in writers}
    try:
        for name, write in writers.items():
            write(waiting[name])
            with waiting[name].open("rb") as file:
                os.fsync(file.fileno())
        write_json(
            folder / "checksums.json", {name: sha256(path) for name, path in waiting.items()}
        )
    except BaseException:
        sweep(folder)
        raise
    recover(folder)


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Keep other processes that would claim the folder out of it, until they or this one end.

    Raises
    ------
    DataError
        If another process is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"{folder}: another process is at work there") from None
        yield


def recover(folder: Path) -> None:
    """Finish the renaming of an interrupted `commit_files`; other files are not touched."""
    if not (folder / "checksums.json").exists():
        return
    for name, expected in read_checksums(folder).items():
        waiting = folder / f"{name}.tmp"
        if waiting.exists() and sha256(waiting) == expected:
            os.replace(waiting, folder / name)


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
    """Compare every file of a `commit_files` with its checksum.

    Raises
    ------
    DataError
        If a file is missing or damaged, or a required one is not recorded.
    """
    checksums = read_checksums(folder)
    for name in required:
        if name not in checksums:
            raise DataError(f"{folder / 'checksums.json'}: has no checksum of {name}")
    for name, expected in checksums.items():
        check_sha256(folder / name, expected)
