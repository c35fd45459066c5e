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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from data.damage import DataError, naming, open_file

_TEMPORARY = re.compile(r".*\.([0-9]{1,9})-[0-9a-f]{8}\.tmp", re.DOTALL)
_OF_EARLIER_VERSIONS = re.compile(
    r"(known-\w+|[\w-]+\.(csv|json|npz|parquet|png|pt|safetensors|svg|html))\.tmp|\.tmp\w{6}"
)
"""Temporary names without a process number."""
_MOST_NAME = 200
"""Characters of a file's name that its temporary name repeats; file systems allow 255 bytes."""
_SEAL = "sha256"


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary path in the same folder, then rename it: all or nothing.

    The folder must exist. It is not made, so that a folder removed meanwhile stays removed.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written. It names `path`; no file is left.
    """
    with temporary_file(path) as temporary:
        write(temporary)
        sync(temporary)
        os.replace(temporary, path)
    with named(path):
        sync(path.parent)


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
def temporary_file(path: Path) -> Iterator[Path]:
    """Make an empty temporary file in the folder of a path; remove it if the block fails."""
    name = f"{path.name[:_MOST_NAME]}.{os.getpid()}-{secrets.token_hex(4)}.tmp"
    temporary = path.with_name(name)
    with named(path):
        # O_EXCL: never open a file or link that somebody else put there
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            yield temporary
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Make errors of the system name this path, instead of a temporary one or none."""
    try:
        yield
    except OSError as error:
        raise naming(error, path) from error


def sync(path: Path) -> None:
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
