"""The sharded dataset: a folder of parquet files and their manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automata.canonical import Forms
from automata.classes import Predicate
from automata.deltas import Deltas
from automata.properties import in_classes
from automata.row_index import RowIndex, hash_rows
from automata.solver.exact import Thresholds
from data.best_known import Scale
from data.counts import count, flags_of, no_counts, to_rows
from data.damage import DataError
from data.files import check_sha256
from data.manifest import (
    ENUMERATION,
    IMPORT,
    check_whole,
    is_partial,
    read_manifest,
    shard_name,
    source_of,
)
from data.recheck import recheck
from data.shards import Rows, property_types, read_rows, write_rows


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
    """uint8 (rows, k, n), in canonical form; 255 where a letter is undefined"""
    reset_thresholds: Thresholds
    """int32 (rows,), -1 for non-synchronizing; careful thresholds of partial automata"""
    sources: npt.NDArray[np.str_]
    """str (rows,): the sampler each row comes from; ``enumeration`` or ``import`` without one"""
    properties: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    """Columns of an enumeration, (rows, ...) each; `property_types` names them."""
    partial: bool = False
    """Whether it is a dataset of partial automata."""

    def __len__(self) -> int:
        return len(self.deltas)

    @property
    def rows(self) -> Rows:
        """All columns, as `write_rows` takes them."""
        return Rows(self.deltas, self.reset_thresholds, self.sources, self.properties)

    @property
    def n(self) -> int:
        """Number of states."""
        return int(self.deltas.shape[2])

    @property
    def k(self) -> int:
        """Number of letters."""
        return int(self.deltas.shape[1])

    @property
    def scale(self) -> Scale:
        """The size, and whether the automata are partial."""
        return Scale(self.n, self.k, self.partial)

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
            self.partial,
        )

    def select(self, *, at_least: int = -1, at_most: int | None = None) -> Dataset:
        """Return the rows with thresholds in at_least..at_most."""
        keep = self.reset_thresholds >= at_least
        if at_most is not None:
            keep &= self.reset_thresholds <= at_most
        return self.take(keep)

    def of_classes(self, classes: Sequence[str | Predicate], *, workers: int = 1) -> Dataset:
        """Return the rows that are in all the classes, as `in_classes` decides."""
        return self.take(in_classes(self.deltas, classes, workers=workers)) if classes else self

    def split(self, held_out: float = 0.05) -> tuple[Dataset, Dataset]:
        """Return (training, held-out) rows, a share `held_out` in the second.

        Which part a row is in depends on its canonical form alone.
        """
        apart = hash_rows(self.forms) % np.uint64(10_000) < np.uint64(round(held_out * 10_000))
        return self.take(~apart), self.take(apart)


def concatenate(parts: Sequence[Dataset]) -> Dataset:
    """Return the rows of several datasets of one kind and size, at least one, as one dataset.

    Raises ValueError if some hold partial automata, and some do not.
    """
    if len({part.partial for part in parts}) > 1:
        raise ValueError("datasets of partial and of complete automata are not one dataset")
    return Dataset(
        np.concatenate([part.deltas for part in parts]),
        np.concatenate([part.reset_thresholds for part in parts]),
        np.concatenate([part.sources for part in parts]),
        {
            name: np.concatenate([part.properties[name] for part in parts])
            for name in parts[0].properties
        },
        parts[0].partial,
    )


def read_dataset(folder: Path | str, classes: Sequence[str] = (), *, workers: int = 1) -> Dataset:
    """Read the rows of a dataset folder that are in all the classes, and check them.

    Parameters
    ----------
    folder : Path or str
        Made by ``generate``, ``enumerate`` or ``import``.
    classes : sequence of str
        Names in `automata.classes.CLASSES`, or not-NAME.
    workers : int
        Threads that solve all automata again.

    Returns
    -------
    Dataset
        It has no rows if the enumeration found none, or none is in the classes.

    Raises
    ------
    DataError
        If the folder is missing, empty, unfinished, or damaged. Each shard is compared with its
        recorded SHA-256; the values of each row are computed again from its automaton.
    ValueError
        If there is no such class.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    check_whole(folder, manifest)
    if not manifest["shards"]:
        raise DataError(f"{folder}: holds counts alone, no automata (enumerated with --no-rows)")
    shards = read_shards(folder, manifest, workers=workers)
    return concatenate([shard.of_classes(classes, workers=workers) for shard in shards])


def read_shards(folder: Path, manifest: dict[str, Any], *, workers: int = 1) -> Iterator[Dataset]:
    """Read the shards of a dataset one after the other; check each, and then all together.

    Raises
    ------
    DataError
        As `read_dataset`. Repeated automata and wrong counts are found after the last shard, and
        whether the automata of an import are those that were read.
    """
    hashes, digest = [], hashlib.sha256()
    partial = is_partial(manifest)
    n = manifest["config"]["n"] if "totals" in manifest else 1
    counts = no_counts(n, partial=partial)
    for index in range(len(manifest["shards"])):
        shard = read_shard(folder, index, manifest, workers=workers)
        hashes.append(hash_rows(shard.forms))
        digest.update(shard.forms.tobytes())
        if shard.properties:
            flags = flags_of(shard.properties)
            counts += count(shard.reset_thresholds, flags, shard.n, partial=partial)
        yield shard
    _check_distinct(folder, manifest, np.concatenate([np.empty(0, np.uint64), *hashes]))
    if len(hashes) and "totals" in manifest and manifest["totals"]["counts"] != to_rows(counts):
        raise DataError(f"{folder}: the counts in manifest.json are not those of the rows")
    imported = manifest.get("kind") == IMPORT and manifest["complete"]
    if imported and digest.hexdigest() != manifest["config"]["sha256"]:
        raise DataError(f"{folder}: holds other automata than were imported")


def _check_distinct(folder: Path, manifest: dict[str, Any], hashes: npt.NDArray[np.uint64]) -> None:
    """Raise `DataError` if an automaton occurs twice, in one shard or in two."""
    values, times = np.unique(hashes, return_counts=True)
    repeated = values[times > 1]
    if len(repeated) == 0:
        return
    config = manifest["config"]
    distinct, rows = RowIndex(config["n"] * config["k"]), 0
    for index in range(len(manifest["shards"])):  # different automata may have equal hashes
        forms = read_shard(folder, index, manifest).forms
        alike = forms[np.isin(hash_rows(forms), repeated)]
        distinct.add(alike)
        rows += len(alike)
    if len(distinct) < rows:
        raise DataError(f"{folder}: {len(hashes)} rows, {rows - len(distinct)} of them repeated")


def shard_path(folder: Path, index: int) -> Path:
    """Return the path of shard number `index`, from 0."""
    return folder / shard_name(index)


def write_shard(folder: Path, index: int, data: Dataset) -> dict[str, Any]:
    """Write one shard; return its entry for the manifest."""
    path = shard_path(folder, index)
    digest = write_rows(path, data.rows)
    return {"file": path.name, "rows": len(data), "sha256": digest}


def read_shard(folder: Path, index: int, manifest: dict[str, Any], *, workers: int = 1) -> Dataset:
    """Read one shard; compare it with the manifest, and compute the values of every row again.

    Raises
    ------
    DataError
        If it is missing or damaged.
    """
    entry, config = manifest["shards"][index], manifest["config"]
    path, n, k = shard_path(folder, index), config["n"], config["k"]
    check_sha256(path, entry["sha256"])
    enumerated = manifest.get("kind") == ENUMERATION
    partial = is_partial(manifest)
    types = property_types(k, partial=partial) if enumerated else {}
    rows = read_rows(path, entry["rows"], n, k, source_of(manifest), types, partial=partial)
    recheck(path, rows, config, workers)
    return Dataset(*rows, partial)
