"""Handwritten digits: those of scikit-learn, or a folder with files in MNIST's IDX format."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from data.damage import DataError, open_file, reading

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

_MAGIC = {1: 0x0801, 3: 0x0803}
"""The first four bytes of a file of unsigned bytes, by its number of dimensions."""
_PAIRS = (("train-images", "train-labels"), ("t10k-images", "t10k-labels"))
_MOST_BYTES = 1 << 28
_SIDES = range(4, 129)
"""Heights and widths that are read."""


class Digits(NamedTuple):
    """Grey images of handwritten digits."""

    images: Images
    """float32 (rows, height, width): ink, from 0 (none) to 1"""
    labels: Labels
    """int64 (rows,): 0..9"""

    def take(self, rows: npt.NDArray[np.integer]) -> Digits:
        """Return some rows."""
        return Digits(self.images[rows], self.labels[rows])


def load_digits(folder: Path | str | None = None, *, most: int | None = None) -> Digits:
    """Read handwritten digits.

    Parameters
    ----------
    folder : Path or str, optional
        Folder with ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``, the files of MNIST
        (LeCun et al. 1998), or else the two that begin with ``t10k``; each may end in ``.gz``.
        Default: the 1,797 digits of 8 x 8 pixels that scikit-learn brings along (Alpaydin and
        Kaynak 1998).
    most : int, optional
        Return the first rows only, at most this many.

    Returns
    -------
    Digits

    Raises
    ------
    DataError
        If the folder lacks the files, or they are damaged or do not fit each other.

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.images.shape, digits.labels[:4].tolist()
    ((1797, 8, 8), [0, 1, 2, 3])
    """
    most = None if most is None else check_integer("most", most, 1)
    if folder is None:
        from sklearn import datasets

        images, labels = datasets.load_digits(return_X_y=True)
        scaled = (images.reshape(-1, 8, 8) / 16).astype(np.float32)
        return Digits(scaled[:most], labels.astype(np.int64)[:most])
    for names in _PAIRS:
        images_path, labels_path = (_find(Path(folder), name) for name in names)
        if images_path and labels_path:
            return _load_pair(images_path, labels_path, most)
    raise DataError(f"{folder}: no IDX files (train-images-idx3-ubyte, train-labels-idx1-ubyte)")


def _find(folder: Path, name: str) -> Path | None:
    """Return the IDX file of a name; its ending may be written in several ways."""
    kind = "idx3-ubyte" if name.endswith("images") else "idx1-ubyte"
    paths = [folder / f"{name}{mark}{kind}{end}" for mark in "-." for end in ("", ".gz")]
    return next((path for path in paths if path.exists()), None)


def _load_pair(images_path: Path, labels_path: Path, most: int | None) -> Digits:
    """Read the two files of a set of digits."""
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if len(images) != len(labels):
        raise DataError(f"{labels_path}: {len(labels)} labels for {len(images)} images")
    if len(images) == 0:
        raise DataError(f"{images_path}: holds no image")
    height, width = images.shape[1:]
    if height not in _SIDES or width not in _SIDES:
        sides = f"{_SIDES[0]}..{_SIDES[-1]}"
        raise DataError(f"{images_path}: images of {height} x {width} pixels, not {sides} a side")
    if labels.max() > 9:
        raise DataError(f"{labels_path}: a label of {labels.max()}, but digits go up to 9")
    scaled = images[:most].astype(np.float32) / np.float32(255)
    return Digits(scaled, labels[:most].astype(np.int64))


def read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, compressed by gzip if its name ends in ``.gz``.

    Parameters
    ----------
    path : Path
    dimensions : int
        1 (labels) or 3 (images).

    Returns
    -------
    uint8 array
        With as many dimensions.

    Raises
    ------
    DataError
        If it is missing, no such file, shorter or longer than it says, or over 256 MiB.
    """
    with open_file(path) as file, reading(path, "an IDX file"):
        stream = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file
        head = stream.read(4 + 4 * dimensions)
        magic, *shape = struct.unpack(f">{1 + dimensions}I", head)
        if magic != _MAGIC[dimensions]:
            raise DataError(f"{path}: not an IDX file of bytes with {dimensions} dimensions")
        size = int(np.prod([int(length) for length in shape], dtype=object))
        if size > _MOST_BYTES:
            raise DataError(f"{path}: {size} bytes, over the limit of {_MOST_BYTES}")
        content = stream.read(size + 1)
        if len(content) != size:
            had = "more" if len(content) > size else len(content)
            raise DataError(f"{path}: says {size} bytes, but holds {had}")
        return np.frombuffer(content, np.uint8).reshape(shape)
