"""The finds of an enumeration since its last shard, in memory and in ``pending.parquet``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from automata.deltas import Deltas
from automata.solver.exact import Thresholds
from data.checks import DIGEST, anything, record, whole
from data.counts import (
    Counts,
    Flags,
    check_rows,
    count,
    flags_of,
    from_rows,
    no_counts,
    summed,
    to_rows,
)
from data.damage import DataError, parse_json, reading
from data.dataset import Dataset, concatenate, write_shard
from data.files import json_sha256
from data.manifest import ENUMERATION
from data.recheck import properties_of, recheck
from data.shards import property_types, read_metadata, read_rows, write_rows

PENDING = "pending.parquet"
"""The finds of the units that follow those of the last shard."""
_STATE = record(
    {
        "config_sha256": DIGEST,
        "first": whole(0, 10**15),
        "next": anything,
        "nodes": whole(0, 10**15),
        "counts": anything,
    }
)


class Unit(NamedTuple):
    """The finds of one unit of an enumeration."""

    nodes: int
    counts: Counts
    """Perhaps `data.counts.without_tail`."""
    parts: list[Dataset]
    """Empty if automata are only counted."""


def describe(
    deltas: Deltas, thresholds: Thresholds, flags: Flags, *, partial: bool = False
) -> Dataset:
    """Return automata with all properties of an enumeration.

    Parameters
    ----------
    deltas : uint8 array, shape (rows, k, n)
    thresholds : int32 array, shape (rows,)
    flags : uint16 array, shape (rows,)
        Of `automata.class_flags`.
    partial : bool
        Whether letters may be undefined.
    """
    properties = properties_of(deltas, thresholds, flags, partial=partial)
    return Dataset(deltas, thresholds, np.full(len(deltas), ENUMERATION), properties, partial)


class _State(NamedTuple):
    """The finds of the units first, ..., next - 1."""

    first: int
    next: int
    nodes: int
    counts: Counts
    parts: int
    """Number of the buffer's parts that belong to it."""


class Buffer:
    """The finds of units since the last shard; an interruption at any moment leaves it whole.

    Parameters
    ----------
    config : dict
        Config of the enumeration, from its manifest.
    first : int
        The first unit that is in no shard.
    """

    def __init__(self, config: dict[str, Any], first: int) -> None:
        self._config, self._n, self._k = config, int(config["n"]), int(config["k"])
        self._partial = bool(config.get("partial", False))
        nothing = np.empty((0, self._k, self._n), np.uint8)
        no_thresholds, no_flags = np.empty(0, np.int32), np.empty(0, np.uint16)
        self._parts = [describe(nothing, no_thresholds, no_flags, partial=self._partial)]
        self.state = _State(first, first, 0, no_counts(self._n, partial=self._partial), 1)

    @property
    def classes(self) -> int:
        """Number of automata found."""
        return int(self.state.counts[:, 0].sum())

    def add(self, unit: Unit, units: int = 1) -> None:
        """Add the finds of the next unit, or of the next units together."""
        first, following, nodes, counts, parts = self.state
        del self._parts[parts:]
        self._parts += unit.parts
        self.state = _State(
            first,
            following + units,
            nodes + unit.nodes,
            summed(counts, unit.counts),
            len(self._parts),
        )

    def clear(self) -> None:
        """Remove all finds: a shard holds them now."""
        no_finds = no_counts(self._n, partial=self._partial)
        self.state = _State(self.state.next, self.state.next, 0, no_finds, 1)
        del self._parts[1:]

    def write_shard(self, folder: Path, index: int) -> dict[str, Any]:
        """Write a shard, longest thresholds first; return its entry for the manifest."""
        data = concatenate(self._parts[: self.state.parts])
        data = data.take(np.lexsort([*data.forms.T[::-1], -data.reset_thresholds]))
        more = {"calls": self.state.nodes, "units": [self.state.first, self.state.next]}
        return write_shard(folder, index, data) | more

    def join(self, other: Buffer) -> None:
        """Add the finds of another buffer, whose first unit is the next one here."""
        _, following, nodes, counts, parts = other.state
        unit = Unit(nodes, counts, other._parts[:parts])
        self.add(unit, following - self.state.next)

    def save(self, folder: Path, name: str = PENDING) -> None:
        """Write all finds to a file, by default ``pending.parquet``."""
        first, following, nodes, counts, parts = self.state
        state = json.dumps(
            {
                "config_sha256": json_sha256(self._config),
                "first": first,
                "next": following,
                "nodes": nodes,
                "counts": to_rows(counts),
            }
        )
        metadata = {"state": state, "sha256": hashlib.sha256(state.encode()).hexdigest()}
        write_rows(folder / name, concatenate(self._parts[:parts]).rows, metadata)

    def restore(self, folder: Path, units: int, workers: int, name: str = PENDING) -> None:
        """Read the finds that were saved, unless they are older than the last shard.

        Parameters
        ----------
        folder : Path
        units : int
            Number of units of the whole enumeration.
        workers : int
            Threads that solve all automata again.
        name : str
            The file.

        Raises
        ------
        DataError
            If the file is damaged, or of another config.
        """
        path, config = folder / name, self._config
        if not path.exists():
            return
        state = self.read_state(path, units)
        if state["config_sha256"] != json_sha256(config):
            raise DataError(f"{path}: of another enumeration; it can be deleted")
        if state["first"] != self.state.first:
            return  # saved before the last shard was written
        partial = self._partial
        counts = from_rows(state["counts"], self._n, partial=partial)
        kept = int(counts[:, 0].sum()) if config["rows"] else 0
        types = property_types(self._k, partial=partial)
        rows = read_rows(path, kept, self._n, self._k, ENUMERATION, types, partial=partial)
        recheck(path, rows, config, workers)
        flags = flags_of(rows.properties)
        found = count(rows.reset_thresholds, flags, self._n, partial=partial)
        if config["rows"] and not np.array_equal(found, counts):
            raise DataError(f"{path}: its counts are not those of its rows")
        self._parts.append(Dataset(*rows, partial))
        self.state = _State(state["first"], state["next"], state["nodes"], counts, 2)

    def read_state(self, path: Path, units: int) -> dict[str, Any]:
        """Read the counts and the range of units of a saved buffer, and check them."""
        metadata = read_metadata(path)
        with reading(path, "the finds of an interrupted enumeration; delete it to go on"):
            text, digest = metadata[b"state"], metadata[b"sha256"].decode()
            if hashlib.sha256(text).hexdigest() != digest:
                raise ValueError("another SHA-256 than the recorded one")
            state: dict[str, Any] = parse_json(text)
            _STATE("state", state)
            check_rows("counts", state["counts"], self._n, partial=self._partial)
            whole(state["first"], units)("state.next", state["next"])
        return state
