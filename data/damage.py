"""Reading files that may be damaged or forged: every fault becomes an error of one line."""

from __future__ import annotations

import csv
import errno
import json
import os
import pickle  # noqa: S403 - for the name of an error
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.terminal import printable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_JSON_BYTES = 1 << 28

_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    csv.Error,
    pickle.UnpicklingError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""Errors that readers raise for damaged files. An OSError without an error number is another."""
_LIBRARIES = {"pyarrow", "safetensors", "safetensors_rust"}
"""While a file is read, any error of these libraries means damage too."""
_MISSING = {errno.ENOENT, errno.ENOTDIR}


class DataError(ValueError):
    """Data that is missing, damaged, or does not fit the other data it is used with."""


@contextmanager
def reading(path: Path, expected: str = "readable") -> Iterator[None]:
    """Turn the errors that a damaged file causes in its reader into a `DataError` with its name.

    Parameters
    ----------
    path : Path
    expected : str
        The kind of file that was expected, for the message "not <expected>".

    Raises
    ------
    DataError
        If the file is missing, a folder, or damaged.
    OSError
        If the system cannot read the file; the error names it.

    Examples
    --------
    >>> with reading(Path("run.json"), "the record of a run"):
    ...     {}["config"]
    Traceback (most recent call last):
    data.damage.DataError: run.json: not the record of a run (KeyError: 'config')
    """
    try:
        yield
    except DataError:
        raise
    except OSError as error:
        if error.errno in _MISSING:
            raise DataError(f"{path}: no such file") from None
        if error.errno == errno.EISDIR:
            raise DataError(f"{path}: a folder, not a file") from None
        if error.errno not in (None, errno.EINVAL):  # EINVAL: a seek to before byte 0
            raise naming(error, path) from error
        raise DataError(f"{path}: not {expected} ({_reason(error)})") from error
    except Exception as error:
        known = isinstance(error, _DAMAGE) or type(error).__module__.split(".")[0] in _LIBRARIES
        if not known:
            raise
        raise DataError(f"{path}: not {expected} ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    """Return the first line of an error; if that is one word, with the error's type."""
    lines = str(error).strip().splitlines() or [""]
    first = printable(lines[0])[:200]
    return first if " " in first else f"{type(error).__name__}: {first}"


def naming(error: OSError, path: Path) -> OSError:
    """Return an error of the system with the path of its file.

    Examples
    --------
    >>> str(naming(OSError(28, "No space left on device"), Path("part-000000.parquet")))
    "[Errno 28] No space left on device: 'part-000000.parquet'"
    """
    if error.errno is None:
        return OSError(f"{path}: {_reason(error)}")
    return OSError(error.errno, os.strerror(error.errno), str(path))


class NamedFile(FileIO):
    """A file for reading whose errors name it.

    Parameters
    ----------
    file : Path or int
        A path, or an open descriptor, which is not closed.
    name : str
        Name of the file in errors.
    flags : int
        Further flags of ``os.open`` for a path.
    """

    def __init__(self, file: Path | int, name: str, flags: int = 0) -> None:
        def opener(path: str, usual: int) -> int:
            return os.open(path, usual | flags)

        is_open = isinstance(file, int)
        super().__init__(file, closefd=not is_open, opener=None if is_open else opener)
        self._name = name

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read into a buffer."""
        with self._naming():
            return super().readinto(buffer)

    def readall(self) -> bytes:
        """Read the rest of the file."""
        with self._naming():
            return super().readall()

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            error.filename = self._name
            raise


def open_file(path: Path) -> BufferedReader:
    """Open a regular file for reading; refuse a pipe or a device without waiting for it.

    Raises
    ------
    DataError
        If it is missing or not a regular file.
    """
    with reading(path):
        file = NamedFile(path, str(path), getattr(os, "O_NONBLOCK", 0))
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISREG(mode):
            return BufferedReader(file)
        file.close()
        raise DataError(f"{path}: not a regular file")


def read_json(path: Path) -> Any:
    """Read a JSON file in which each name occurs once and every number is finite.

    Raises
    ------
    DataError
        If it is missing or not such a file.
    """
    with open_file(path) as file, reading(path, "JSON"):
        content = file.read(MAX_JSON_BYTES + 1)
        if len(content) > MAX_JSON_BYTES:
            raise DataError(f"{path}: over the limit of {MAX_JSON_BYTES} bytes for JSON")
        return parse_json(content)


def parse_json(content: bytes) -> Any:
    """Return the value of a JSON text in which names occur once and numbers are finite.

    Raises
    ------
    ValueError, RecursionError
        If the text is not such JSON. Within `reading`, errors name the file.

    Examples
    --------
    >>> parse_json(b'{"n": 8, "n": 9}')
    Traceback (most recent call last):
    ValueError: the name 'n' occurs twice
    """
    return json.loads(
        content.decode("utf-8"),
        parse_constant=_refuse_constant,
        parse_float=_finite,
        object_pairs_hook=_distinct,
    )


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _finite(text: str) -> float:
    if abs(number := float(text)) == float("inf"):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice[:40]!r} occurs twice")
    return found
