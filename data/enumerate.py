"""Enumeration -> canonical form, properties, counts -> shards."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from automata.burnside import count_classes
from automata.canonical import canonical_forms, from_canonical
from automata.enumeration import Enumeration
from automata.parallel import results_in_order
from automata.properties import class_flags
from automata.settings import record_of
from data.buffer import PENDING, Buffer, Unit, describe
from data.claim import claim
from data.configs import EnumerateConfig as EnumerateConfig
from data.counts import count, from_rows, no_counts, to_csv, to_rows
from data.damage import DataError
from data.dataset import read_shards, shard_path
from data.files import write_text
from data.manifest import ENUMERATION, open_manifest, write_manifest
from data.progress import progress
from data.record import versions

_Run = Callable[[int, int], Generator[Unit, None, None]]  # the units first, ..., end - 1

SHARD_ROWS = 1 << 20
"""A shard ends with the unit that brings it to this many rows."""
_PAUSE = 10.0
"""Seconds between two writings of ``pending.parquet``."""


class MiscountError(RuntimeError):
    """The number of enumerated automata differs from that of Burnside's lemma."""


def enumerate_dataset(
    config: EnumerateConfig, folder: Path | str, *, workers: int = 1
) -> dict[str, Any]:
    """Make a dataset folder of all automata of a size, or finish one that was interrupted.

    A shard holds consecutive whole units of the enumeration. So a folder has the same bytes for any
    number of workers and of interruptions. ``pending.parquet`` holds the finds since the last
    shard; it is written about every 10 seconds.

    Parameters
    ----------
    config : EnumerateConfig
    folder : Path or str
    workers : int
        Threads; the result does not depend on their number.

    Returns
    -------
    dict
        The manifest: config, versions, shards, and the counts in "totals".

    Raises
    ------
    DataError
        If the folder holds a dataset of another config or other versions, or damaged files, or
        another process has claimed it.
    MiscountError
        If the number of automata differs from that of Burnside's lemma: a bug.
    """
    folder = Path(folder)
    with claim(folder, "enumerate"):
        return _enumerate_dataset(config, folder, workers)


def _enumerate_dataset(config: EnumerateConfig, folder: Path, workers: int) -> dict[str, Any]:
    """Make the dataset in a claimed folder."""
    enumeration = Enumeration(
        config.n,
        config.k,
        at_least=config.at_least,
        partial=config.partial,
        classes=config.classes,
    )
    fresh = {
        "kind": ENUMERATION,
        "config": record_of(config),
        "versions": versions("numpy", "numba", "pyarrow"),
        "units": len(enumeration),
        "shards": [],
        "totals": {"units": 0, "classes": 0, "nodes": enumeration.planned_nodes, "counts": []},
        "complete": False,
    }
    return _take_up(enumeration, config, folder, fresh, workers)


def _take_up(
    enumeration: Enumeration,
    config: EnumerateConfig,
    folder: Path,
    fresh: dict[str, Any],
    workers: int,
) -> dict[str, Any]:
    """Check the shards of a claimed folder, and make the missing ones."""
    manifest = open_manifest(folder, fresh)
    missing = [
        index for index in range(len(manifest["shards"])) if not shard_path(folder, index).exists()
    ]
    if (missing or not manifest["complete"]) and manifest["units"] != len(enumeration):
        raise DataError(
            f"{folder}: an enumeration in {manifest['units']} units, not {len(enumeration)}"
        )
    run = partial(_run, enumeration, config, workers)
    for index in missing:
        _make_again(run, folder, index, manifest)
    for _ in read_shards(folder, manifest, workers=workers):
        pass  # reading checks each shard
    if not manifest["complete"]:
        buffer = Buffer(manifest["config"], manifest["totals"]["units"])
        resumed = manifest["totals"]["units"] > 0 or (folder / PENDING).exists()
        buffer.restore(folder, manifest["units"], workers)
        try:
            _enumerate(run, config, folder, manifest, buffer)
        except KeyboardInterrupt:
            buffer.save(folder)
            raise
        except MiscountError as error:
            if resumed:
                raise DataError(f"{folder / PENDING} or a shard is damaged: {error}") from error
            raise
    (folder / PENDING).unlink(missing_ok=True)
    write_text(folder / "counts.csv", to_csv(manifest["totals"]["counts"]))
    return manifest


def _make_again(run: _Run, folder: Path, index: int, manifest: dict[str, Any]) -> None:
    """Make a deleted shard again."""
    recorded = manifest["shards"][index]
    first, end = recorded["units"]
    buffer = Buffer(manifest["config"], first)
    with (
        progress(end - first, "enumerate", "units") as bar,
        closing(run(first, end)) as units,
    ):
        for unit in units:
            buffer.add(unit)
            bar.update()
    if buffer.write_shard(folder, index) != recorded:
        shard_path(folder, index).unlink()
        raise DataError(f"{shard_path(folder, index)}: made again, but not as recorded")


def _enumerate(
    run: _Run, config: EnumerateConfig, folder: Path, manifest: dict[str, Any], buffer: Buffer
) -> None:
    """Run the remaining units; write shards, and the pending finds every `_PAUSE` seconds."""

    def is_full() -> bool:
        return buffer.state.next == end or (config.rows and buffer.classes >= SHARD_ROWS)

    end, saved = manifest["units"], time.monotonic()
    if is_full():  # interrupted while the shard was written, or no units at all
        _commit(config, folder, manifest, buffer)
    first = buffer.state.next
    with (
        progress(end, "enumerate", "units", done=first) as bar,
        closing(run(first, end)) as units,
    ):
        for unit in units:
            buffer.add(unit)
            bar.update()
            if is_full():
                _commit(config, folder, manifest, buffer)
                saved = time.monotonic()
            elif time.monotonic() - saved >= _PAUSE:
                buffer.save(folder)
                saved = time.monotonic()


def _commit(
    config: EnumerateConfig, folder: Path, manifest: dict[str, Any], buffer: Buffer
) -> None:
    """Write the buffer as the next shard, then the manifest; empty the buffer."""
    state, totals = buffer.state, manifest["totals"]
    counts = state.counts + from_rows(totals["counts"], config.n, partial=config.partial)
    classes, complete = int(counts[:, 0].sum()), state.next == manifest["units"]
    if complete and config.at_least == 0 and not config.classes:
        expected = count_classes(config.n, config.k, partial=config.partial)
        if classes != expected:
            raise MiscountError(
                f"{folder}: {classes} classes enumerated, but {expected} by Burnside's lemma"
            )
    if config.rows:
        shard = buffer.write_shard(folder, len(manifest["shards"]))
        manifest["shards"] = [*manifest["shards"], shard]
    manifest["totals"] = {
        "units": state.next,
        "classes": classes,
        "nodes": totals["nodes"] + state.nodes,
        "counts": to_rows(counts),
    }
    manifest["complete"] = complete
    write_manifest(folder, manifest)
    buffer.clear()


def _run(
    enumeration: Enumeration, config: EnumerateConfig, workers: int, first: int, end: int
) -> Generator[Unit, None, None]:
    """Run units in threads and yield their finds in order."""
    stopped = Event()
    work = partial(_run_unit, enumeration, config, stopped)
    with closing(results_in_order(work, range(first, end), workers)) as units:
        try:
            yield from units
        finally:
            stopped.set()


def _run_unit(
    enumeration: Enumeration, config: EnumerateConfig, stopped: Event, index: int
) -> Unit:
    """Rename, describe and count the finds of a unit."""
    n, k, kind = config.n, config.k, {"partial": config.partial}
    nodes, counts, parts = 0, no_counts(n, **kind), []
    for deltas, thresholds, visited in enumeration.run(index):
        if stopped.is_set():
            raise CancelledError
        nodes += visited
        if len(deltas) == 0:
            continue
        if config.rows:  # before the properties: defects follow the order of the letters
            deltas = from_canonical(canonical_forms(deltas), n, k, **kind)
        flags = class_flags(deltas, synchronizing=thresholds >= 0)
        counts += count(thresholds, flags, n, **kind)
        if config.rows:
            parts.append(describe(deltas, thresholds, flags, **kind))
    return Unit(nodes, counts, parts)
