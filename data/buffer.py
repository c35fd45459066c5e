"""What an enumeration has found since its last shard, in memory and in ``pending.parquet``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from automata.automaton import Deltas
from automata.properties import CLASSES, automorphism_orders, defects, ranks
from automata.solver import NOT_SYNCHRONIZING, Thresholds
from data.counts import Counts, Flags, from_rows, has_class, no_counts, to_rows
from data.dataset import (
    Dataset,
    concatenate,
    property_types,
    read_rows,
    write_rows,
    write_shard,
)
from data.files import DataError
from data.manifest import ENUMERATION, column_name, config_digest

PENDING = "pending.parquet"


class Unit(NamedTuple):
    """What one unit of an enumeration has found."""

    nodes: int
    counts: Counts
    parts: list[Dataset]
    """Nothing where automata are only counted."""


def describe(deltas: Deltas, thresholds: Thresholds, flags: Flags) -> Dataset:
    """Return automata with their `class_flags` and all other properties."""
    properties: dict[str, npt.NDArray[Any]] = {
        column_name(name): has_class(flags, bit) for bit, name in enumerate(CLASSES)
    }
    properties["rank"] = np.ones(len(deltas), np.uint8)
    apart = thresholds == NOT_SYNCHRONIZING
    properties["rank"][apart] = ranks(deltas[apart])
    properties["automorphisms"] = automorphism_orders(deltas)
    properties["defects"] = defects(deltas)
    return Dataset(deltas, thresholds, np.full(len(deltas), ENUMERATION), properties)


class _State(NamedTuple):
    """What the units first, ..., next - 1 have found."""

    first: int
    next: int
    nodes: int
    counts: Counts
    parts: int
    """So many of the buffer's parts belong to it."""


class Buffer:
    """What units have found since the last shard; an interruption at any moment leaves it whole.

    Parameters
    ----------
    config : dict
        Of the enumeration, as its manifest has it.
    first : int
        The first unit that is in no shard.
    """

    def __init__(self, config: dict[str, Any], first: int) -> None:
        self._config, self._n, self._k = config, int(config["n"]), int(config["k"])
        nothing = np.empty((0, self._k, self._n), np.uint8)
        self._parts = [describe(nothing, np.empty(0, np.int32), np.empty(0, np.uint16))]
        self.state = _State(first, first, 0, no_counts(self._n), 1)

    @property
    def classes(self) -> int:
        """How many automata were found."""
        return int(self.state.counts[:, 0].sum())

    def add(self, unit: Unit) -> None:
        """Take in the next unit."""
        first, following, nodes, counts, parts = self.state
        del self._parts[parts:]
        self._parts += unit.parts
        self.state = _State(
            first, following + 1, nodes + unit.nodes, counts + unit.counts, len(self._parts)
        )

    def clear(self) -> None:
        """Let go of what is in a shard by now."""
        self.state = _State(self.state.next, self.state.next, 0, no_counts(self._n), 1)
        del self._parts[1:]

    def write_shard(self, folder: Path, index: int) -> dict[str, Any]:
        """Write a shard, longest thresholds first; return its entry for the manifest."""
        data = concatenate(self._parts[: self.state.parts])
        data = data.take(np.lexsort([*data.forms.T[::-1], -data.reset_thresholds]))
        more = {"calls": self.state.nodes, "units": [self.state.first, self.state.next]}
        return write_shard(folder, index, data) | more

    def save(self, folder: Path) -> None:
        """Write all of it as one file."""
        first, following, nodes, counts, parts = self.state
        state = json.dumps(
            {
                "config_sha256": config_digest(self._config),
                "first": first,
                "next": following,
                "nodes": nodes,
                "counts": to_rows(counts),
            }
        )
        metadata = {"state": state, "sha256": hashlib.sha256(state.encode()).hexdigest()}
        write_rows(folder / PENDING, concatenate(self._parts[:parts]), metadata)

    def restore(self, folder: Path) -> None:
        """Take in what was saved, if that goes on where the last shard ends.

        Raises
        ------
        DataError
            If it is damaged, or of another config.
        """
        path, config = folder / PENDING, self._config
        if not path.exists():
            return
        state = _read_state(path)
        if state["config_sha256"] != config_digest(config):
            raise DataError(f"{path}: of another enumeration; it can be deleted")
        if state["first"] != self.state.first:
            return  # saved before the last shard was written
        counts = from_rows(state["counts"], self._n)
        rows = int(counts[:, 0].sum()) if config["rows"] else 0
        data = read_rows(path, rows, self._n, self._k, property_types(self._k))
        self._parts.append(data)
        self.state = _State(state["first"], state["next"], state["nodes"], counts, 2)


def _read_state(path: Path) -> dict[str, Any]:
    """Read what a saved buffer says of its rows, and check it."""
    try:
        metadata = pq.read_schema(path).metadata
        text, digest = metadata[b"state"], metadata[b"sha256"].decode()
    except (pa.ArrowException, KeyError, TypeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: damaged; delete it to go on from the last shard") from error
    if hashlib.sha256(text).hexdigest() != digest:
        raise DataError(f"{path}: damaged; delete it to go on from the last shard")
    state: dict[str, Any] = json.loads(text)
    return state
