"""Reading ``found.npz``, a zip file of numpy arrays that anyone may have written."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import BufferedReader
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from automata.row_index import RowIndex

_BLOCK = 1 << 16
"""Rows unpacked at a time. The rows of a zip bomb are equal: its first block is refused."""
_MOST_HEADER = 10_000
_KINDS: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "forms": (np.uint8, (-1,)),
    "thresholds": (np.int32, ()),
    "found_at": (np.int64, ()),
    "sources": (np.uint8, ()),
    "parents": (np.int32, (2, 2)),
    "alpha": (np.float64, ()),
    "repaired": (np.int64, ()),
}
"""Type and row shape of each column; a form has n*k bytes."""


def read_columns(file: BufferedReader, width: int, most: int) -> dict[str, npt.NDArray[Any]]:
    """Read the columns of ``found.npz``.

    Parameters
    ----------
    file : BufferedReader
    width : int
        Bytes of a form: n*k.
    most : int
        Rows at most.

    Returns
    -------
    dict of str to array
        The columns, equally long; the forms are distinct.

    Raises
    ------
    ValueError, zipfile.BadZipFile, ...
        If the file is not such; `data.damage.reading` adds its name.
    """
    with zipfile.ZipFile(file) as archive:
        names = [entry.filename for entry in archive.infolist()]
        if sorted(names) != sorted(f"{name}.npy" for name in _KINDS):
            raise ValueError(f"it does not hold {', '.join(_KINDS)} alone")
        columns: dict[str, npt.NDArray[Any]] = {}
        for name, (kind, shape) in _KINDS.items():
            row = (width,) if name == "forms" else shape
            with archive.open(f"{name}.npy") as stream:
                rows = _rows(stream, name, np.dtype(kind), row)
                expected = len(columns["forms"]) if columns else rows
                if not 0 <= rows <= most or rows != expected:
                    raise ValueError(f"{name}: {rows} rows, but {min(most, expected)} are wanted")
                blocks = _blocks(stream, rows, np.dtype(kind), row)
                if name == "forms":
                    columns[name] = _distinct(blocks, width)
                else:
                    columns[name] = np.concatenate([np.empty((0, *row), kind), *blocks])
                if stream.read(1):
                    raise ValueError(f"{name}: more than {rows} rows")
    return columns


def _rows(stream: IO[bytes], name: str, kind: np.dtype[Any], row: tuple[int, ...]) -> int:
    """Return the number of rows of an array; refuse another type or row shape."""
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(f"{name}: another format of arrays")
    shape, fortran, own = np.lib.format.read_array_header_1_0(stream, _MOST_HEADER)
    if own != kind or fortran or tuple(shape[1:]) != row or len(shape) != 1 + len(row):
        raise ValueError(f"{name}: an array of another type or shape")
    return int(shape[0])


def _blocks(
    stream: IO[bytes], rows: int, kind: np.dtype[Any], row: tuple[int, ...]
) -> Iterator[npt.NDArray[Any]]:
    """Yield the rows of an array in blocks."""
    size = kind.itemsize * int(np.prod(row, dtype=np.int64))
    for start in range(0, rows, _BLOCK):
        count = min(_BLOCK, rows - start)
        content = stream.read(count * size)
        if len(content) < count * size:
            raise ValueError(f"an array that ends after {start} of {rows} rows")
        yield np.frombuffer(content, kind).reshape(count, *row)


def _distinct(blocks: Iterator[npt.NDArray[np.uint8]], width: int) -> npt.NDArray[np.uint8]:
    """Return all rows of blocks; refuse equal rows."""
    index, rows = RowIndex(width), 0
    for block in blocks:
        index.add(block)
        rows += len(block)
        if len(index) < rows:
            raise ValueError("forms: the same automaton twice")
    return index.rows.copy()
