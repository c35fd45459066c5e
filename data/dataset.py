"""The sharded dataset: a folder of parquet files and their manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from automata.automaton import AutomatonError, Deltas, validate_deltas
from automata.canonical import Forms, canonical_forms
from automata.properties import CLASSES, in_classes
from automata.row_index import RowIndex, hash_rows
from automata.solver import Thresholds
from data.files import DataError, check_sha256, sha256, write_file
from data.manifest import ENUMERATION, column_name, read_manifest

ROW_GROUP = 1 << 18


@dataclass(frozen=True)
class Dataset:
    """Labelled automata of one size: canonical, distinct, in memory.

    Examples
    --------
    >>> automaton = np.array([[[0, 0, 2], [1, 2, 0]]], np.uint8)
    >>> data = Dataset(automaton, np.array([4], np.int32), np.array(["uniform"]))
    >>> len(data), data.n, data.k, len(data.select(at_least=5))
    (1, 3, 2, 0)
    """

    deltas: Deltas
    """uint8 (rows, k, n), in canonical form"""
    reset_thresholds: Thresholds
    """int32 (rows,), -1 for non-synchronizing"""
    sources: npt.NDArray[np.str_]
    """str (rows,): the sampler each row comes from"""
    properties: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    """Columns of an enumeration, (rows, ...) each; `property_types` names them."""

    def __len__(self) -> int:
        return len(self.deltas)

    @property
    def n(self) -> int:
        """Number of states."""
        return int(self.deltas.shape[2])

    @property
    def k(self) -> int:
        """Number of letters."""
        return int(self.deltas.shape[1])

    @cached_property
    def forms(self) -> Forms:
        """Canonical forms, uint8 (rows, n*k)."""
        flat = self.deltas.transpose(0, 2, 1).reshape(len(self), self.n * self.k)
        return np.asarray(flat, np.uint8)

    def take(self, rows: npt.NDArray[Any]) -> Dataset:
        """Return the rows of an index array or a mask."""
        return Dataset(
            self.deltas[rows],
            self.reset_thresholds[rows],
            self.sources[rows],
            {name: column[rows] for name, column in self.properties.items()},
        )

    def select(self, *, at_least: int = -1, at_most: int | None = None) -> Dataset:
        """Return the rows whose threshold lies in a range."""
        keep = self.reset_thresholds >= at_least
        if at_most is not None:
            keep &= self.reset_thresholds <= at_most
        return self.take(keep)

    def of_classes(self, classes: Sequence[str], *, workers: int = 1) -> Dataset:
        """Return the rows that are in all the classes, of which `in_classes` tells."""
        return self.take(in_classes(self.deltas, classes, workers=workers)) if classes else self

    def split(self, held_out: float = 0.05) -> tuple[Dataset, Dataset]:
        """Return (training, held-out) rows; the canonical form alone decides where a row goes."""
        apart = hash_rows(self.forms) % np.uint64(10_000) < np.uint64(round(held_out * 10_000))
        return self.take(~apart), self.take(apart)

    def batches(self, rng: np.random.Generator, size: int) -> Iterator[tuple[Deltas, Thresholds]]:
        """Yield all rows once, shuffled, in batches (deltas, thresholds); the last may be short."""
        order = rng.permutation(len(self))
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            yield self.deltas[rows], self.reset_thresholds[rows]


def concatenate(parts: Sequence[Dataset]) -> Dataset:
    """Return the rows of one or more datasets of one kind and size, one after the other."""
    return Dataset(
        np.concatenate([part.deltas for part in parts]),
        np.concatenate([part.reset_thresholds for part in parts]),
        np.concatenate([part.sources for part in parts]),
        {
            name: np.concatenate([part.properties[name] for part in parts])
            for name in parts[0].properties
        },
    )


def read_dataset(folder: Path, classes: Sequence[str] = ()) -> Dataset:
    """Read the rows of a dataset folder that are in all the classes, and check them.

    Parameters
    ----------
    folder : Path
        Made by `generate` or by `enumerate`.
    classes : sequence of str
        Names in `automata.properties.CLASSES`, or not-NAME.

    Returns
    -------
    Dataset
        Without rows where an enumeration has found none, or none is in the classes.

    Raises
    ------
    DataError
        If the folder is missing, empty, unfinished, or damaged: each shard is compared with its
        recorded SHA-256, and each automaton with its canonical form.
    ValueError
        If there is no such class.
    """
    manifest = read_manifest(folder)
    kind = manifest.get("kind")
    if not manifest["complete"]:
        command = "generate" if kind is None else "enumerate"
        raise DataError(f"{folder}: an unfinished dataset; run the same {command} command again")
    if not manifest["shards"]:
        raise DataError(f"{folder}: holds counts alone, no automata (enumerated with --no-rows)")
    if kind is None and not any(shard["rows"] for shard in manifest["shards"]):
        raise DataError(f"{folder}: a dataset without rows")
    data = concatenate(
        [
            read_shard(folder, index, manifest).of_classes(classes)
            for index in range(len(manifest["shards"]))
        ]
    )
    distinct = RowIndex(data.n * data.k)
    distinct.add(data.forms)
    if len(distinct) < len(data):
        raise DataError(f"{folder}: {len(data)} rows, but only {len(distinct)} classes")
    return data


def shard_path(folder: Path, index: int) -> Path:
    """Return the path of a shard."""
    return folder / f"part-{index:06d}.parquet"


def property_types(k: int) -> dict[str, pa.DataType]:
    """Return the columns that enumerated datasets have beside those of generated ones."""
    return {
        **{column_name(name): pa.bool_() for name in CLASSES},
        "rank": pa.uint8(),
        "automorphisms": pa.int64(),
        "defects": pa.binary(k),  # a byte each letter
    }


def write_shard(folder: Path, index: int, data: Dataset) -> dict[str, Any]:
    """Write one shard; return its entry for the manifest."""
    path = shard_path(folder, index)
    write_rows(path, data)
    return {"file": path.name, "rows": len(data), "sha256": sha256(path)}


def write_rows(path: Path, data: Dataset, metadata: Mapping[str, str] | None = None) -> None:
    """Write the rows, and the metadata if there is any, as one parquet file: all or nothing."""
    _, k, n = data.deltas.shape
    columns = {
        "delta": _binary(data.deltas, n * k),
        "reset_threshold": pa.array(data.reset_thresholds, pa.int32()),
        "source": pa.array(data.sources, pa.string()).dictionary_encode(),
    }
    types = property_types(k)
    for name, values in data.properties.items():
        binary = values.ndim == 2
        columns[name] = _binary(values, k) if binary else pa.array(values, types[name])
    table = pa.table(columns, metadata=metadata)

    def write(temporary: Path) -> None:
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            compression_level=1,
            row_group_size=ROW_GROUP,
            write_page_checksum=True,
            use_dictionary=["source"],
        )

    write_file(path, write)


def _binary(values: npt.NDArray[Any], width: int) -> pa.Array:
    """Return a column of so many bytes a row."""
    content = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.binary(width), len(values), [None, content])


def read_shard(folder: Path, index: int, manifest: dict[str, Any]) -> Dataset:
    """Read one shard and check it against the manifest.

    Raises
    ------
    DataError
        If it is missing or damaged.
    """
    entry, n, k = manifest["shards"][index], manifest["config"]["n"], manifest["config"]["k"]
    path = folder / entry["file"]
    check_sha256(path, entry["sha256"])
    types = property_types(k) if manifest.get("kind") == ENUMERATION else {}
    data = read_rows(path, entry["rows"], n, k, types)
    if not np.array_equal(canonical_forms(data.deltas), data.forms):
        raise DataError(f"{path}: holds automata that are not in canonical form")
    return data


def read_rows(
    path: Path, rows: int, n: int, k: int, property_types: Mapping[str, pa.DataType]
) -> Dataset:
    """Read a file of `write_rows` that has so many rows, of one size, and these properties.

    Raises
    ------
    DataError
        If it is something else.
    """
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        column = table["delta"].combine_chunks()
        labels = table["reset_threshold"].combine_chunks()
        sources = table["source"].cast(pa.string()).to_numpy(zero_copy_only=False)
        found = {name: table[name].combine_chunks() for name in property_types}
    except (pa.ArrowException, OSError, KeyError) as error:  # OSError: a page is damaged
        raise DataError(f"{path}: not a shard of a dataset ({error})") from error
    nulls = sum(table[name].null_count for name in table.column_names)
    kinds = [column.type, labels.type, *(values.type for values in found.values())]
    expected = [pa.binary(n * k), pa.int32(), *property_types.values()]
    if kinds != expected or len(column) != rows or nulls:
        raise DataError(f"{path}: not {rows} labelled automata with n={n}, k={k}")
    try:
        deltas = validate_deltas(_bytes(column).reshape(-1, k, n))
    except AutomatonError as error:
        raise DataError(f"{path}: {error}") from error
    properties = {
        name: _bytes(values)
        if pa.types.is_fixed_size_binary(values.type)
        else values.to_numpy(zero_copy_only=False)
        for name, values in found.items()
    }
    return Dataset(deltas, labels.to_numpy(), sources.astype(np.str_), properties)


def _bytes(column: pa.Array) -> npt.NDArray[np.uint8]:
    """Return the content of a column of bytes, uint8 (rows, width)."""
    rows, width = len(column), column.type.byte_width
    content = column.buffers()[1] or b""
    return np.frombuffer(content, np.uint8, count=rows * width).reshape(rows, width)
