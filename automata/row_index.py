"""An exact hash table of canonical forms, for dedupe and novelty."""

from __future__ import annotations

from threading import Lock

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.kernels import rows as kernel

Rows = npt.NDArray[np.uint8]


class RowIndex:
    """Distinct byte rows, numbered 0, 1, 2, ... in the order in which they were added.

    Its methods take rows as uint8 arrays (batch, width); others raise ValueError. Threads may share
    an index: a lock admits one at a time.

    Parameters
    ----------
    width : int
        Bytes a row.

    Examples
    --------
    >>> index = RowIndex(2)
    >>> index.add(np.array([[1, 2], [3, 4], [1, 2]], np.uint8)).tolist()
    [0, 1, 0]
    >>> index.find(np.array([[3, 4], [5, 6]], np.uint8)).tolist(), len(index)
    ([1, -1], 2)
    """

    def __init__(self, width: int) -> None:
        self._count = 0
        self._lock = Lock()
        self._stored = np.empty((512, check_integer("width", width, 1)), np.uint8)
        self._slots = np.full(1024, -1, np.int64)

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> Rows:
        """The distinct rows by number, uint8 (len, width); a view."""
        return self._stored[: self._count]

    def find(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return the number of each row, -1 for those not stored: int64 (batch,)."""
        rows = _own(rows, self._stored.shape[1])
        ids = np.empty(len(rows), np.int64)
        with self._lock:
            kernel.find_rows(self._slots, self._stored, rows, ids)
        return ids

    def add(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Store the rows not yet present; return the number of each row: int64 (batch,)."""
        return self._add(rows)[0]

    def add_new(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Store the rows; return the positions of the new ones, rising, the first of equal ones."""
        ids, known = self._add(rows)
        fresh, first = np.unique(ids, return_index=True)
        return np.sort(first[fresh >= known])

    def _add(self, rows: Rows) -> tuple[npt.NDArray[np.int64], int]:
        """Store the rows not yet present; return the number of each row, and the old length."""
        rows = _own(rows, self._stored.shape[1])
        ids = np.empty(len(rows), np.int64)
        with self._lock:
            known = self._count
            self._reserve(known + len(rows))
            self._count = kernel.add_rows(self._slots, self._stored, known, rows, ids)
        return ids, known

    def _reserve(self, count: int) -> None:
        """Make room for `count` rows at a load of at most one half."""
        if count <= len(self._stored):
            return
        capacity = 1 << (count - 1).bit_length()
        stored = np.empty((capacity, self._stored.shape[1]), np.uint8)
        stored[: self._count] = self.rows
        self._stored = stored
        self._slots = np.full(2 * capacity, -1, np.int64)
        ids = np.empty(self._count, np.int64)
        kernel.add_rows(self._slots, self._stored, 0, stored[: self._count], ids)


def hash_rows(rows: Rows) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash of each row, the same on every machine and in every run.

    Parameters
    ----------
    rows : uint8 array, shape (batch, width)

    Returns
    -------
    uint64 array, shape (batch,)

    Raises
    ------
    ValueError
        If `rows` have another dtype or shape.

    Examples
    --------
    >>> bool(hash_rows(np.zeros((1, 3), np.uint8)) == hash_rows(np.zeros((1, 3), np.uint8)))
    True
    """
    rows = _own(rows)
    hashes = np.empty(len(rows), np.uint64)
    kernel.hash_rows(rows, hashes)
    return hashes


def _own(rows: Rows, width: int | None = None) -> Rows:
    """Return a private copy of rows; raise ValueError if they are not rows of bytes."""
    found = np.array(rows, order="C")
    if found.dtype != np.uint8 or found.ndim != 2 or found.shape[1] != (width or found.shape[1]):
        expected = f"(rows, {'bytes' if width is None else width})"
        raise ValueError(
            f"rows are uint8 of shape {expected}, got {found.dtype} of shape {found.shape}"
        )
    return found
