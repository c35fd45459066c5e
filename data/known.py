"""The set of automata in a dataset so far: exact answers in bounded memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedRandom
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.canonical import Forms
from automata.row_filter import Hashes, RowFilter
from automata.row_index import RowIndex, hash_rows
from data.damage import naming


class _Part(NamedTuple):
    """A shard in the file: sorted hashes from byte `start` on, then the forms in the same order."""

    start: int
    rows: int


class KnownForms:
    """A set of canonical forms; only those of the current shard are in memory.

    The forms of finished shards are in a temporary file, sorted by hash. A filter in memory rejects
    most forms that are not there; the others are looked up in the file. The file is in the
    dataset's folder and needs nearly as much space as the dataset. It has no name if the system
    allows that, else one that ends in ``.tmp``. It is removed when the process ends.

    Parameters
    ----------
    folder : Path
        Folder of the dataset.
    width : int
        Bytes of a form.
    expected : int
        Number of forms in the end. It sets the size of the filter and changes no answer.

    Examples
    --------
    >>> with KnownForms(Path("."), 2, 100) as known:
    ...     known.add(np.array([[0, 1], [1, 0]], np.uint8))
    ...     known.holds(np.array([[1, 0], [1, 1]], np.uint8)).tolist()
    [True, False]
    """

    def __init__(self, folder: Path, width: int, expected: int) -> None:
        self._folder, self._width, self._expected = folder, width, expected
        self._recent = RowIndex(width)
        self._parts: list[_Part] = []
        self._file: BufferedRandom | None = None
        self._filter: RowFilter | None = None

    def __enter__(self) -> KnownForms:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            with suppress(OSError):  # the file is not needed any more, written or not
                self._file.close()

    @property
    def recent(self) -> Forms:
        """Forms added since the last `store`, in order: uint8 (rows, width)."""
        return self._recent.rows

    def holds(self, forms: Forms) -> npt.NDArray[np.bool_]:
        """Return for each form whether it was added before: bool (batch,)."""
        known: npt.NDArray[np.bool_] = self._recent.find(forms) >= 0
        if self._filter is not None and self._file is not None:
            places = np.flatnonzero(~known)
            hashes = hash_rows(forms[places])
            passed = self._filter.may_hold(hashes)
            places, hashes = places[passed], hashes[passed]
            for part in self._parts:
                found = _look_up(self._file, part, forms[places], hashes)
                known[places[found]] = True
                places, hashes = places[~found], hashes[~found]
        return known

    def add(self, forms: Forms) -> None:
        """Add distinct forms, uint8 (rows, width), that the set does not hold, to this shard."""
        self._recent.add(forms)

    def store(self) -> None:
        """Finish the current shard: move its forms from memory to the file.

        Raises
        ------
        OSError
            If the disk is full or the folder cannot be written.
        """
        forms = self.recent
        if len(forms) == 0:
            return
        hashes = hash_rows(forms)
        order = np.argsort(hashes, kind="stable")
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(
                    dir=self._folder, prefix="known-", suffix=".tmp"
                )
            start = self._file.seek(0, 2)
            self._file.write(hashes[order].data)
            for rows in _slices(len(order)):
                self._file.write(forms[order[rows]].data)
            self._file.flush()
        except OSError as error:
            raise naming(error, self._folder) from error
        self._filter = self._filter or RowFilter(self._expected)
        self._filter.add(hashes)
        self._parts.append(_Part(start, len(order)))
        self._recent = RowIndex(self._width)


def _look_up(
    file: BufferedRandom, part: _Part, forms: Forms, hashes: Hashes
) -> npt.NDArray[np.bool_]:
    """Return which forms are in a finished shard: bool (batch,)."""
    found = np.zeros(len(forms), np.bool_)
    if len(forms) == 0:
        return found
    # mapped only during the call: unmapped pages take no memory of this process
    there = np.memmap(file, np.uint64, "r", part.start, (part.rows,))
    first = np.searchsorted(there, hashes, "left")
    end = np.searchsorted(there, hashes, "right")
    shape = (part.rows, forms.shape[1])
    rows = np.memmap(file, np.uint8, "r", part.start + there.nbytes, shape)
    for step in range(int((end - first).max())):  # one step, unless forms share a hash
        left = np.flatnonzero(~found & (first + step < end))
        found[left] = (rows[first[left] + step] == forms[left]).all(axis=1)
    return found


def _slices(count: int) -> Iterator[slice]:
    """Cut `count` rows into slices, so that a copy of one slice is small."""
    for start in range(0, count, 1 << 16):
        yield slice(start, start + (1 << 16))
