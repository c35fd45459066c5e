"""Handwritten digits: what comes with scikit-learn, and IDX files of strangers."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.damage import DataError
from data.digits import load_digits, read_idx
from tests.idx_files import IMAGES, LABELS, idx, write


def some(rows: int = 6, height: int = 5, width: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(rows)
    return rng.integers(0, 256, (rows, height, width)), rng.integers(0, 10, rows)


def test_the_digits_of_scikit_learn() -> None:
    digits = load_digits()
    assert digits.images.shape == (1797, 8, 8) and digits.images.dtype == np.float32
    assert (digits.images.min(), digits.images.max()) == (0, 1)
    assert np.bincount(digits.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    first = load_digits(most=5)
    assert (first.images == digits.images[:5]).all() and (first.labels == digits.labels[:5]).all()


@pytest.mark.parametrize("zipped", ["", ".gz"])
@pytest.mark.parametrize("mark", "-.")
@pytest.mark.parametrize("part", ["train", "t10k"])
def test_idx_files(tmp_path: Path, part: str, mark: str, zipped: str) -> None:
    images, labels = some()
    names = f"{part}-images{mark}idx3-ubyte{zipped}", f"{part}-labels{mark}idx1-ubyte{zipped}"
    digits = load_digits(write(tmp_path, images, labels, names))
    assert digits.images.dtype == np.float32
    np.testing.assert_allclose(digits.images * 255, images, rtol=1e-6)
    assert digits.labels.tolist() == labels.tolist()
    assert len(load_digits(str(tmp_path), most=2).images) == 2


def test_training_digits_come_first(tmp_path: Path) -> None:
    write(tmp_path, *some(3), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"))
    write(tmp_path, *some(4))
    assert len(load_digits(tmp_path).labels) == 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (IMAGES, b"", "not an IDX file"),
        (IMAGES, idx(some()[0])[:-1], "says 210 bytes, but holds 209"),
        (IMAGES, idx(some()[0]) + b"0", "says 210 bytes, but holds more"),
        (IMAGES, idx(some()[1]), "not an IDX file"),
        (IMAGES, b"\0\0\x0d\x03" + idx(some()[0])[4:], "not an IDX file of bytes"),
        (IMAGES, struct.pack(">4I", 0x0803, *[2**32 - 1] * 3), "over the limit of 268435456"),
        (IMAGES, idx(some(5)[0]), "6 labels for 5 images"),
        (IMAGES, idx(some(6, 3, 7)[0]), r"images of 3 x 7 pixels, not 4..128 a side"),
        (IMAGES, idx(some(6, 129, 4)[0]), r"images of 129 x 4 pixels"),
        (LABELS, idx(np.full(6, 10)), "a label of 10, but digits go up to 9"),
    ],
)
def test_damaged_files_get_one_line(tmp_path: Path, name: str, content: bytes, message) -> None:
    write(tmp_path, *some())
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"^{tmp_path}.*{message}") as error:
        load_digits(tmp_path)
    assert "\n" not in str(error.value)


def test_no_images_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no image"):
        load_digits(write(tmp_path, np.zeros((0, 8, 8)), np.zeros(0)))


@pytest.mark.parametrize("end", [5, 30, -9])
def test_damaged_compression(tmp_path: Path, end: int) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx(some(40)[0]))[:end])
    with pytest.raises(DataError, match="images.gz: not an IDX file"):
        read_idx(path, 3)
    path.write_bytes(idx(some()[0]))
    with pytest.raises(DataError, match="images.gz: not an IDX file"):
        read_idx(path, 3)


def test_a_small_file_cannot_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(struct.pack(">2I", 0x0801, 4) + bytes(1 << 24)))
    with pytest.raises(DataError, match="says 4 bytes, but holds more"):
        read_idx(path, 1)


def test_folders_without_digits(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no IDX files"):
        load_digits(tmp_path)
    with pytest.raises(DataError, match="no IDX files"):
        load_digits(tmp_path / "none")
    write(tmp_path, *some())
    (tmp_path / LABELS).unlink()
    with pytest.raises(DataError, match="no IDX files"):
        load_digits(tmp_path)
    os.mkfifo(tmp_path / LABELS)
    with pytest.raises(DataError, match="not a regular file"):
        load_digits(tmp_path)


@given(st.binary(max_size=60), st.sampled_from([1, 3]), st.sampled_from(["", ".gz"]))
def test_any_bytes(tmp_path_factory, content: bytes, dimensions: int, end: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"bytes{end}"
    path.write_bytes(content)
    try:
        assert read_idx(path, dimensions).ndim == dimensions
    except DataError as error:
        assert str(path) in str(error)
