"""Reading a run folder of any command, or the archive, for a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from data.checks import build
from data.counts import COUNT_COLUMNS
from data.damage import DataError, reading
from data.dataset import Dataset, read_dataset
from data.drawn import word_kind
from data.manifest import check_whole, read_manifest
from data.run_record import input_folder, read_run_record
from data.terminal import printable
from search.archive.store import Archive
from search.archive.tables import Selection
from search.candidates import CANDIDATE_COLUMNS
from search.evaluation.measures import read_evaluation
from search.report.attributes import attribute_tables
from search.report.content import (
    SEARCHED,
    Content,
    Picture,
    Table,
    flatten,
    known_automata,
    texts_of,
    title_of,
)
from search.report.discoveries import read_discovery
from search.report.finds import counted
from search.report.searches import CPU, TRAINING, dataset_map, read_search
from vae.checkpoint import model_shape, read_config
from vae.config import ModelConfig, TrainConfig
from vae.history import read_metrics
from vae.interpolate import PATHS
from vae.trained import load_trained

_PICTURES = {
    "hits": ("Hits", "How often each arm hits, each with the same budget of solver calls."),
    "recall": ("Recall", "The share of all automata with such thresholds that each arm found."),
    "families": ("Known families", "The number of known families found, of those that exist."),
    "gaps": ("Gaps", "The best gap to the bound, or to the longest known length, by calls."),
    "thresholds": ("Thresholds", "The histogram of thresholds."),
    "training": TRAINING,
    "norms": ("Soap bubble", "How far latent points lie from the origin, and the model's prior."),
}


def read_run(folder: Path, limit: int) -> Content:
    """Read the content of a page from a run folder.

    Parameters
    ----------
    folder : Path
        A folder of ``search``, ``evolve``, ``discover``, ``generate``, ``enumerate``, ``import``,
        ``train`` or ``evaluate``.
    limit : int
        Most automata on the page; of several sizes, about equally many of each.

    Raises
    ------
    DataError
        If the folder is no run folder, or damaged.
    """
    if not folder.is_dir():
        problem = "a file, not a run folder" if folder.exists() else "no such folder"
        raise DataError(f"{folder}: {problem}")
    if not (folder / "run.json").exists():
        within = sorted(path.parent.name for path in folder.glob("*/run.json"))
        runs = f": the runs in it are {', '.join(within)}" if within else " (it has no run.json)"
        raise DataError(f"{folder}: not the folder of a finished run{runs}")
    record = read_run_record(folder)
    if record["command"] not in _READERS:
        raise DataError(f"{folder}: not a run that can be shown ({record['command'][:40]})")
    content = _READERS[record["command"]](folder, record, limit)
    content.facts = _facts(record) | content.facts
    for name, (title, text) in _PICTURES.items():
        path = folder / f"{name}.svg"
        if path.exists():
            content.pictures.append(Picture(title, content.captions.get(name, text), path))
    return content


def read_archive(path: Path, selection: Selection, limit: int) -> Content:
    """Read the content of a page from an archive.

    Parameters
    ----------
    path : Path
    selection : Selection
    limit : int
        As in `read_run`.

    Raises
    ------
    DataError
        If there is no archive, or it is damaged.
    """
    with Archive(path, create=False) as archive:
        counts = archive.counts(selection)
        each = max(1, limit // max(1, len(counts)))
        sizes = counts[["n", "k"]].to_numpy().tolist()
        parts = [
            archive.rows(replace(selection, n=n, k=k), limit=each)
            for n, k in sorted(sizes, reverse=True)[:limit]
        ]
        rows = pd.concat(parts) if parts else archive.rows(selection, limit=1)
    total = int(counts["automata"].sum())
    shown = "The automata" if len(rows) == total else f"{len(rows):,} of {counted(total)}"
    lead = f"{shown} of the archive {path.name}: those with the longest thresholds of each size."
    table = Table("Automata in the archive", "Counts of all selected automata.", counts)
    chosen = {name: own for name, own in vars(selection).items() if own not in (None, ())}
    content = Content(f"Archive {path.name}", lead, texts_of(rows), flatten(chosen), [table])
    content.source, content.of = "The archive", counted(total)
    return content


def _dataset(folder: Path, record: Mapping[str, Any], limit: int) -> Content:
    """Read a folder of ``generate``, ``enumerate`` or ``import``."""
    manifest = read_manifest(folder)
    check_whole(folder, manifest)
    config = manifest["config"]
    _compare(folder, record, config, "manifest.json")
    size = f"n = {config['n']}, k = {config['k']}"
    title = title_of(record["command"], folder)
    tables = []
    if "totals" in manifest:
        counts = pd.DataFrame(manifest["totals"]["counts"], columns=COUNT_COLUMNS)
        text = "How many automata, up to isomorphism, have each threshold, in all and by class."
        tables.append(Table("Counts", text, texts_of(counts.iloc[::-1])))
    if not manifest["shards"]:
        lead = f"Counts of all automata with {size}; the automata were not kept."
        return Content(title, lead, pd.DataFrame(columns=CANDIDATE_COLUMNS), {}, tables)
    dataset = read_dataset(folder, workers=torch.get_num_threads())
    known = dataset.select(at_least=0)
    lead = f"{counted(len(dataset))}, {size}"
    if len(known) < len(dataset):
        word = f"{word_kind(dataset.partial)} word"
        lead += f"; {len(dataset) - len(known):,} of them without a {word}"
    if limit < len(known):
        lead += f". This page has the {limit:,} slowest"
    calls = {"solver calls or nodes": f"{sum(shard['calls'] for shard in manifest['shards']):,}"}
    of = counted(len(dataset))
    return Content(title, f"{lead}.", _slowest(known, limit), calls, tables, of=of)


def _compare(folder: Path, record: Mapping[str, Any], config: Mapping[str, Any], name: str) -> None:
    """Raise `DataError` if the config in a record is not that of a file in its folder."""
    if record["config"] != config:
        raise DataError(f"{folder / 'run.json'}: of another run than {name}")


def _slowest(known: Dataset, limit: int) -> pd.DataFrame:
    """Return the automata of a dataset, all synchronizing, with the longest thresholds."""
    order = np.lexsort((*known.forms.T[::-1], -known.reset_thresholds))[:limit]
    rows = known_automata(known.deltas[order], known.reset_thresholds[order])
    return rows.drop(columns=[*SEARCHED])


def _model(folder: Path, record: Mapping[str, Any], limit: int) -> Content:
    """Read a model folder, evaluated or not."""
    config = read_config(folder)
    with reading(folder / "run.json", "the record of a training run"):
        own = {
            "model": asdict(build(ModelConfig, record["config"]["model"], "model")),
            "train": asdict(build(TrainConfig, record["config"]["train"], "train")),
        }
    shape = {"model": config["model"], "train": config["train"]}
    _compare(folder, {"config": own}, shape, "config.json")
    data = input_folder(folder, record, "data")
    metrics = pd.DataFrame(read_metrics(folder, model_shape(config)))
    metrics = metrics[[name for name in metrics if not name.startswith("kl_")]]
    title = title_of("model", folder)
    lead = "The training automata of the model, the slowest first."
    nothing = pd.DataFrame(columns=CANDIDATE_COLUMNS)
    content = Content(title, lead, nothing, {}, [Table("Epochs", "", texts_of(metrics.round(4)))])
    results = read_evaluation(folder)
    if results is not None:
        flat = pd.DataFrame(flatten(results).items(), columns=["measure", "value"])
        text = "Held-out reconstruction, and samples of the prior."
        content.tables = [
            Table("Evaluation", text, texts_of(flat)),
            *attribute_tables(folder),
            *content.tables,
        ]
    try:
        model, training, _ = load_trained(folder, data, CPU, torch.get_num_threads())
        known = training.select(at_least=0)
        rows = _slowest(known, limit)
        content.of = counted(len(known), "training")
        candidates = rows.reindex(columns=CANDIDATE_COLUMNS, fill_value="")
        content.rows = rows
        content.latent_map = dataset_map(model, training, candidates, PATHS[0])
    except (DataError, OSError) as error:  # the dataset is outside the folder
        content.notes.append(f"No latent map: {printable(str(error))}")
    return content


def _facts(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the record of a run as texts by name."""
    facts = {"command": str(record["command"])} | flatten(record["config"])
    facts |= flatten({"covers": record.get("covers", {})})
    facts |= {name: Path(place).name for name, place in record.get("inputs", {}).items()}
    facts |= {f"version of {name}": text for name, text in record.get("versions", {}).items()}
    return facts | {
        "commit": str(record.get("commit") or "unknown"),
        "seconds": str(record.get("seconds", "unknown")),
    }


_READERS: dict[Any, Callable[[Path, Mapping[str, Any], int], Content]] = {
    "search": read_search,
    "evolve": read_search,
    "discover": read_discovery,
    "generate": _dataset,
    "enumerate": _dataset,
    "import": _dataset,
    "train": _model,
}
