"""Sampler -> canonical form, dedupe -> solver -> shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial as bound_to
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from automata.canonical import Forms, canonical_forms, from_canonical
from automata.deltas import Deltas
from automata.evolution import Evolution, evolve
from automata.row_index import RowIndex
from automata.sampling import sample_synchronizing, sample_uniform
from automata.settings import record_of
from automata.solver.either import thresholds_of
from automata.solver.exact import Thresholds
from automata.units import Pool
from data.claim import claim
from data.configs import GenerateConfig as GenerateConfig
from data.damage import DataError
from data.dataset import Dataset, read_shard, shard_path, write_shard
from data.known import KnownForms
from data.manifest import finish, open_manifest, write_manifest
from data.progress import progress
from data.record import versions
from data.streams import stream

_DRAW = 1 << 16
"""Automata drawn at a time; a draw without a new isomorphism class ends a shard."""
_EMPTY_DRAWS = 16
"""A shard also ends after this many consecutive draws with nothing under the ceiling."""


class Generated(NamedTuple):
    """A finished dataset."""

    manifest: dict[str, Any]
    """Config, versions, shards with rows, calls and SHA-256."""
    thresholds: Counter[int]
    """Number of automata with each reset threshold; -1 for non-synchronizing ones."""


def generate(
    config: GenerateConfig, folder: Path | str, *, workers: int = 1, pool: Pool | None = None
) -> Generated:
    """Make a dataset folder, or finish one that was interrupted.

    Shard i depends only on the config and the shards before it. So interruptions do not change the
    bytes of a dataset. Memory holds one shard, and a filter of at most 128 MB.

    Parameters
    ----------
    config : GenerateConfig
    folder : Path or str
    workers : int
        Threads; the result does not depend on their number.
    pool : Pool, optional
        Where the automata are labelled. Default: in threads.

    Returns
    -------
    Generated

    Raises
    ------
    DataError
        If the folder holds a dataset of another config or other versions, or damaged shards, or
        another process has claimed it.
    Lost
        If an automaton ended its workers.
    """
    folder = Path(folder)
    with claim(folder, "generate"):
        return _generate(config, folder, workers, pool)


def _generate(config: GenerateConfig, folder: Path, workers: int, pool: Pool | None) -> Generated:
    """Make the dataset in a claimed folder."""
    fresh = {
        "config": record_of(config),
        "versions": versions("numpy", "numba", "pyarrow"),
        "shards": [],
        "complete": False,
    }
    manifest = open_manifest(folder, fresh)
    shards = -(-config.count // config.shard_rows)
    thresholds: Counter[int] = Counter()
    evolved = config.sampler == "evolved"
    with (
        KnownForms(folder, config.n * config.k, config.count) as known,
        _progress(config, manifest, shards) as bar,
    ):
        for index in range(len(manifest["shards"]) if manifest["complete"] else shards):
            known.store()  # the shard before
            if index < len(manifest["shards"]) and shard_path(folder, index).exists():
                labels, is_last = _take_in(folder, index, manifest, known, workers), False
                taken = config.calls if evolved else len(labels)
                bar.initial += taken  # it says nothing of the pace
                bar.update(taken)
            else:
                report = bar.update
                labels = _make_shard(config, folder, index, manifest, known, workers, pool, report)
                is_short = len(labels) < _rows_wanted(config, index)
                is_last = len(labels) == 0 or (is_short and not evolved)
                if evolved:  # it may end before its calls are spent
                    bar.update((index + 1) * config.calls - bar.n)
            values, rows = np.unique(labels, return_counts=True)
            thresholds.update(dict(zip(values.tolist(), rows.tolist(), strict=True)))
            if is_last:  # the space is exhausted
                bar.total = bar.n
                break
    if not manifest["complete"]:
        finish(manifest)
        write_manifest(folder, manifest)
    return Generated(manifest, thresholds)


def _progress(config: GenerateConfig, manifest: dict[str, Any], shards: int) -> tqdm[Any]:
    """Return the counter of all shards together: of rows, or of the calls of evolution."""
    complete, made = manifest["complete"], manifest["shards"]
    if config.sampler == "evolved":
        total = (len(made) if complete else shards) * config.calls
        return progress(total, "evolve", "calls")
    rows = sum(shard["rows"] for shard in made) if complete else config.count
    return progress(rows, "generate", "automata")


def _rows_wanted(config: GenerateConfig, index: int) -> int:
    """Return the most rows that a shard may have."""
    return min(config.shard_rows, config.count - index * config.shard_rows)


def _make_shard(
    config: GenerateConfig,
    folder: Path,
    index: int,
    manifest: dict[str, Any],
    known: KnownForms,
    workers: int,
    pool: Pool | None,
    report: Callable[[int], object],
) -> Thresholds:
    """Make a shard, record it if it is new, and return its thresholds; empty if none is left."""
    make = _evolve_shard if config.sampler == "evolved" else _sample_shard
    rng, rows = stream(config.seed, "generate", index), _rows_wanted(config, index)
    shard, calls = make(config, rng, rows, known, workers, pool, report)
    if len(shard) == 0 and index == 0:
        if not manifest["shards"]:
            (folder / "manifest.json").unlink()
        raise DataError(f"{folder}: no automaton found that may enter, after {calls} calls")
    if len(shard) == 0:
        return shard.reset_thresholds
    entry = write_shard(folder, index, shard) | {"calls": calls}
    if index == len(manifest["shards"]):
        manifest["shards"].append(entry)
        write_manifest(folder, manifest)
    elif entry != manifest["shards"][index]:
        shard_path(folder, index).unlink()
        raise DataError(f"{shard_path(folder, index)}: made again, but not as recorded")
    return shard.reset_thresholds


def _take_in(
    folder: Path, index: int, manifest: dict[str, Any], known: KnownForms, workers: int
) -> Thresholds:
    """Read an existing shard, check it, and return its thresholds."""
    shard = read_shard(folder, index, manifest, workers=workers)
    forms = shard.forms
    known.add(forms[~known.holds(forms)])
    if len(known.recent) < len(forms):
        classes = len(known.recent)
        raise DataError(
            f"{shard_path(folder, index)}: {len(forms)} rows, but only {classes} new classes"
        )
    return shard.reset_thresholds


def _sample_shard(
    config: GenerateConfig,
    rng: np.random.Generator,
    rows: int,
    known: KnownForms,
    workers: int,
    pool: Pool | None,
    report: Callable[[int], object],
) -> tuple[Dataset, int]:
    """Draw, deduplicate and label one shard; return it with its number of solver calls."""
    n, k, partial = config.n, config.k, config.partial
    thresholds: list[Thresholds] = [np.empty(0, np.int32)]
    calls = empty = 0
    while len(known.recent) < rows:
        drawn = canonical_forms(_draw(config, rng), workers=workers)
        drawn = drawn[RowIndex(drawn.shape[1]).add_new(drawn)]
        drawn = drawn[~known.holds(drawn)]
        deltas = from_canonical(drawn, n, k, partial=partial)
        labels = thresholds_of(deltas, partial=partial, workers=workers, pool=pool)
        calls += len(drawn)
        if len(drawn) == 0:
            break
        if config.highest_threshold is not None:
            low = labels <= config.highest_threshold
            drawn, labels = drawn[low], labels[low]
        empty = 0 if len(drawn) else empty + 1
        if empty == _EMPTY_DRAWS:
            break
        # Add only kept automata: a resumed run reads no others back.
        left = rows - len(known.recent)
        drawn, labels = drawn[:left], labels[:left]
        known.add(drawn)
        thresholds.append(labels)
        report(len(drawn))
    return _dataset(config, known.recent, np.concatenate(thresholds)), calls


def _draw(config: GenerateConfig, rng: np.random.Generator) -> Deltas:
    """Draw random automata; of partial ones the first letter is defined everywhere."""
    if config.sampler == "uniform":
        return sample_uniform(rng, _DRAW, config.n, config.k, undefined=config.undefined, total=1)
    return sample_synchronizing(rng, _DRAW, config.n, config.k, undefined=config.undefined)


def _evolve_shard(
    config: GenerateConfig,
    rng: np.random.Generator,
    rows: int,
    known: KnownForms,
    workers: int,
    pool: Pool | None,
    report: Callable[[int], object],
) -> tuple[Dataset, int]:
    """Evolve one shard from random automata; return it with its number of solver calls."""
    evolution = Evolution(
        calls=config.calls,
        archive_size=rows,
        ceiling=config.highest_threshold,
        undefined=config.undefined,
    )
    solve = bound_to(thresholds_of, partial=config.partial, workers=workers, pool=pool)
    archive = evolve(
        *(rng, config.n, config.k, evolution),
        workers=workers,
        solve=solve,
        progress=report,
    )
    forms = canonical_forms(archive.deltas)
    fresh = ~known.holds(forms)
    known.add(forms[fresh])
    return _dataset(config, forms[fresh], archive.reset_thresholds[fresh]), archive.calls


def _dataset(config: GenerateConfig, forms: Forms, thresholds: Thresholds) -> Dataset:
    deltas = from_canonical(forms, config.n, config.k, partial=config.partial)
    sources = np.full(len(forms), config.sampler)
    return Dataset(deltas, thresholds, sources, partial=config.partial)
