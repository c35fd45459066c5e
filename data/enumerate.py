"""Enumeration -> canonical form, properties, counts -> shards."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from automata.burnside import count_classes
from automata.enumeration import Enumeration
from automata.settings import record_of
from automata.units import Lost, Pool, threads
from data.ahead import Ahead
from data.buffer import PENDING, Buffer, Unit
from data.claim import claim
from data.configs import EnumerateConfig as EnumerateConfig
from data.counts import from_rows, to_csv, to_rows
from data.damage import DataError
from data.dataset import read_shards, shard_path
from data.files import write_text
from data.finding import finds_of_units
from data.manifest import ENUMERATION, open_manifest, write_manifest
from data.progress import progress
from data.record import versions

_Run = Callable[[Iterable[int]], Generator[tuple[int, Unit | Lost], None, None]]

SHARD_ROWS = 1 << 20
"""A shard ends with the unit that brings it to this many rows."""
_PAUSE = 10.0
"""Seconds between two writings of ``pending.parquet``."""


class MiscountError(RuntimeError):
    """The number of enumerated automata differs from that of Burnside's lemma."""


def enumerate_dataset(
    config: EnumerateConfig, folder: Path | str, *, workers: int = 1, pool: Pool | None = None
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
    pool : Pool, optional
        Where the units are searched. Default: in threads.

    Returns
    -------
    dict
        The manifest: config, versions, shards, and the counts in "totals".

    Raises
    ------
    DataError
        If the folder holds a dataset of another config or other versions, or damaged files, or
        another process has claimed it.
    Lost
        If units ended their workers. All others are done; a later run tries these again.
    MiscountError
        If the number of automata differs from that of Burnside's lemma: a bug.
    """
    folder = Path(folder)
    with claim(folder, "enumerate"), nullcontext(pool) if pool else threads(workers) as place:
        return _enumerate_dataset(config, folder, workers, place)


def _enumerate_dataset(
    config: EnumerateConfig, folder: Path, workers: int, pool: Pool
) -> dict[str, Any]:
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
    return _take_up(enumeration, config, folder, fresh, workers, pool)


def _take_up(
    enumeration: Enumeration,
    config: EnumerateConfig,
    folder: Path,
    fresh: dict[str, Any],
    workers: int,
    pool: Pool,
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
    run = partial(finds_of_units, pool, enumeration, config)
    for index in missing:
        _make_again(run, folder, index, manifest)
    for _ in read_shards(folder, manifest, workers=workers):
        pass  # reading checks each shard
    if not manifest["complete"]:
        buffer = Buffer(manifest["config"], manifest["totals"]["units"])
        resumed = manifest["totals"]["units"] > 0 or (folder / PENDING).exists()
        buffer.restore(folder, manifest["units"], workers)
        ahead = Ahead(folder, manifest["config"], manifest["units"])
        ahead.remove(buffer.state.next)
        try:
            _enumerate(run, config, folder, manifest, buffer, ahead, workers)
        except (KeyboardInterrupt, ConnectionError):
            _save(folder, buffer, ahead)
            raise
        except MiscountError as error:
            if resumed:
                raise DataError(f"{folder / PENDING} or a shard is damaged: {error}") from error
            raise
    for path in folder.glob("pending*.parquet"):
        path.unlink()
    write_text(folder / "counts.csv", to_csv(manifest["totals"]["counts"]))
    return manifest


def _make_again(run: _Run, folder: Path, index: int, manifest: dict[str, Any]) -> None:
    """Make a deleted shard again."""
    recorded = manifest["shards"][index]
    first, end = recorded["units"]
    buffer = Buffer(manifest["config"], first)
    with (
        progress(end - first, "enumerate", "units") as bar,
        closing(run(range(first, end))) as units,
    ):
        for _, unit in units:
            if isinstance(unit, Lost):
                raise unit
            buffer.add(unit)
            bar.update()
    if buffer.write_shard(folder, index) != recorded:
        shard_path(folder, index).unlink()
        raise DataError(f"{shard_path(folder, index)}: made again, but not as recorded")


def _enumerate(
    run: _Run,
    config: EnumerateConfig,
    folder: Path,
    manifest: dict[str, Any],
    buffer: Buffer,
    ahead: Ahead,
    workers: int,
) -> None:
    """Run the remaining units; write shards, and the pending finds every `_PAUSE` seconds."""
    end, saved = manifest["units"], time.monotonic()

    def commit_if_full() -> None:
        if buffer.state.next == end or (config.rows and buffer.classes >= SHARD_ROWS):
            _commit(config, folder, manifest, buffer)
            ahead.remove(buffer.state.next)

    def take_up() -> None:
        """Write the shard if it is full, then add the finds that wait for the next unit."""
        commit_if_full()
        while buffer.state.next in ahead.ranges:
            buffer.join(ahead.take(buffer.state.next, workers))
            commit_if_full()

    take_up()  # interrupted while the shard was written, or no units at all
    found = {number for first in ahead.ranges for number in range(first, ahead.ranges[first])}
    missing = [number for number in range(buffer.state.next, end) if number not in found]
    lost: dict[int, Lost] = {}
    with (
        progress(end, "enumerate", "units", done=end - len(missing)) as bar,
        closing(run(missing)) as units,
    ):
        for number, unit in units:
            bar.update()
            if isinstance(unit, Lost):
                lost[number] = unit
            elif lost:
                ahead.add(number, unit)
            else:
                buffer.add(unit)
                take_up()
            if time.monotonic() - saved >= _PAUSE:
                _save(folder, buffer, ahead)
                saved = time.monotonic()
    if lost:
        _save(folder, buffer, ahead)
        numbers, reason = ", ".join(map(str, lost)), next(iter(lost.values()))
        raise Lost(
            f"{folder}: without {len(lost)} of {end} units ({numbers}): {reason}. "
            "The same command tries again"
        )


def _save(folder: Path, buffer: Buffer, ahead: Ahead) -> None:
    """Write all finds that are in no shard."""
    buffer.save(folder)
    ahead.save()
    ahead.remove(buffer.state.next)


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
