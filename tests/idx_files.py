"""MNIST's IDX files, for tests."""

import gzip
import struct
from pathlib import Path

import numpy as np

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


def write(folder: Path, images: np.ndarray, labels: np.ndarray, names=(IMAGES, LABELS)) -> Path:
    for name, array in zip(names, (images, labels), strict=True):
        content = idx(array)
        (folder / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return folder
