"""The sharded dataset: a folder of parquet files and their manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from automata.automaton import AutomatonError, Deltas, validate_deltas
from automata.canonical import Forms, canonical_forms
from automata.row_index import RowIndex, hash_rows
from automata.solver import Thresholds
from data.files import DataError, check_sha256, read_json, sha256, write_file, write_json

FORMAT = 1
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
        return Dataset(self.deltas[rows], self.reset_thresholds[rows], self.sources[rows])

    def select(self, *, at_least: int = -1, at_most: int | None = None) -> Dataset:
        """Return the rows whose threshold lies in a range."""
        keep = self.reset_thresholds >= at_least
        if at_most is not None:
            keep &= self.reset_thresholds <= at_most
        return self.take(keep)

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


def read_dataset(folder: Path) -> Dataset:
    """Read a whole dataset folder and check it.

    Raises
    ------
    DataError
        If the folder is missing, empty, unfinished, or damaged: each shard is compared with its
        recorded SHA-256, and each automaton with its canonical form.
    """
    manifest = read_manifest(folder)
    if not manifest["complete"]:
        raise DataError(f"{folder}: an unfinished dataset; run the same generate command again")
    shards = [read_shard(folder, index, manifest) for index in range(len(manifest["shards"]))]
    data = Dataset(
        np.concatenate([shard.deltas for shard in shards]),
        np.concatenate([shard.reset_thresholds for shard in shards]),
        np.concatenate([shard.sources for shard in shards]),
    )
    if len(data) == 0:
        raise DataError(f"{folder}: a dataset without rows")
    distinct = RowIndex(data.n * data.k)
    distinct.add(data.forms)
    if len(distinct) < len(data):
        raise DataError(f"{folder}: {len(data)} rows, but only {len(distinct)} classes")
    return data


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a dataset folder.

    Raises
    ------
    DataError
        If there is none or it is not one of this format.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    if not (folder / "manifest.json").exists():
        raise DataError(f"{folder}: not a dataset folder (it has no manifest.json)")
    manifest = read_json(folder / "manifest.json")
    try:
        valid = (
            manifest["format"] == FORMAT
            and manifest["config_sha256"] == config_digest(manifest["config"])
            and all(isinstance(manifest["config"][name], int) for name in ("n", "k"))
            and isinstance(manifest["complete"], bool)
            and isinstance(manifest["versions"], dict)
            and all(
                isinstance(shard["file"], str)
                and isinstance(shard["sha256"], str)
                and isinstance(shard["rows"], int)
                and isinstance(shard["calls"], int)
                for shard in manifest["shards"]
            )
        )
    except (KeyError, TypeError):
        valid = False
    if not valid or (manifest["complete"] and not manifest["shards"]):
        raise DataError(f"{folder}: manifest.json is not a dataset manifest of format {FORMAT}")
    checked: dict[str, Any] = manifest
    return checked


def config_digest(config: dict[str, Any]) -> str:
    """Return the SHA-256 of a generator's config."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def shard_path(folder: Path, index: int) -> Path:
    """Return the path of a shard."""
    return folder / f"part-{index:06d}.parquet"


def write_shard(folder: Path, index: int, data: Dataset) -> dict[str, Any]:
    """Write one shard; return its entry for the manifest."""
    rows, k, n = data.deltas.shape
    letter_major = pa.py_buffer(np.ascontiguousarray(data.deltas))
    table = pa.table(
        {
            "delta": pa.Array.from_buffers(pa.binary(n * k), rows, [None, letter_major]),
            "reset_threshold": pa.array(data.reset_thresholds, pa.int32()),
            "source": pa.array(data.sources, pa.string()).dictionary_encode(),
        }
    )
    path = shard_path(folder, index)

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
    return {"file": path.name, "rows": rows, "sha256": sha256(path)}


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
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        column = table["delta"].combine_chunks()
        labels = table["reset_threshold"].combine_chunks()
        sources = table["source"].cast(pa.string()).to_numpy(zero_copy_only=False)
    except (pa.ArrowException, KeyError) as error:
        raise DataError(f"{path}: not a shard of a dataset ({error})") from error
    nulls = column.null_count + labels.null_count + table["source"].null_count
    kinds = [column.type, labels.type]
    if kinds != [pa.binary(n * k), pa.int32()] or len(column) != entry["rows"] or nulls:
        raise DataError(f"{path}: not {entry['rows']} labelled automata with n={n}, k={k}")
    flat = np.frombuffer(column.buffers()[1] or b"", np.uint8, count=len(column) * n * k)
    try:
        deltas = validate_deltas(flat.reshape(-1, k, n))
    except AutomatonError as error:
        raise DataError(f"{path}: {error}") from error
    data = Dataset(deltas, labels.to_numpy(), sources.astype(np.str_))
    if not np.array_equal(canonical_forms(data.deltas), data.forms):
        raise DataError(f"{path}: holds automata that are not in canonical form")
    return data


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest of a dataset folder, all or nothing."""
    write_json(folder / "manifest.json", {"format": FORMAT} | manifest)
