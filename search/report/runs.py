"""What there is to show of a run folder, of whatever command, or of the archive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from data.dataset import Dataset, read_dataset
from data.files import DataError, check_files, read_json
from data.manifest import read_manifest
from search.archive import Archive
from search.archive_tables import Selection
from search.baselines import BASELINES
from search.candidates import CANDIDATE_COLUMNS
from search.decode import encode_automata
from search.discovery.comparison import three_digits
from search.hits_plot import arm_names, wilson_interval
from search.interpolate import PATHS
from search.model_jobs import load_trained
from search.modes import LatentConfig
from search.pictures import picture_space, strip_rows
from search.report.content import (
    SEARCHED,
    Content,
    LatentMap,
    Picture,
    Table,
    flatten,
    known_automata,
    texts_of,
    title_of,
)
from search.report.discoveries import read_discovery
from search.report.latent_map import draw_map
from search.run import SearchConfig
from search.verified import read_candidates
from vae.model import VAE

_CPU = torch.device("cpu")
_PICTURES = {
    "hits": ("Hits", "How often each arm hits, each with the same budget of solver calls."),
    "recall": ("Recall", "Which share of all automata with such thresholds each arm found."),
    "families": ("Known families", "How many of those that exist were found."),
    "gaps": ("Gaps", "The best gap to the Černý bound against solver calls."),
    "thresholds": ("Thresholds", "The histogram of reset thresholds."),
    "training": ("Training", "The curves of the model's training."),
    "norms": ("Soap bubble", "Where latent points lie: the prior's mass is a thin shell."),
}
_HITS = ("hits_top", "hits_0.8", "hits_0.7", "hits_0.6")


def read_run(folder: Path, limit: int) -> Content:
    """Read what there is to show of a run folder.

    Parameters
    ----------
    folder : Path
        Of `search`, `evolve`, `discover`, `generate`, `enumerate`, or `train` and `evaluate`.
    limit : int
        Automata at most; where there are several sizes, about equally many of each.

    Raises
    ------
    DataError
        If it is no run folder, or damaged.
    """
    if not folder.is_dir():
        what = "a file, not a run folder" if folder.exists() else "no such folder"
        raise DataError(f"{folder}: {what}")
    if not (folder / "run.json").exists():
        within = sorted(path.parent.name for path in folder.glob("*/run.json"))
        runs = f": the runs in it are {', '.join(within)}" if within else " (it has no run.json)"
        raise DataError(f"{folder}: not the folder of a finished run{runs}")
    record = read_json(folder / "run.json")
    try:
        content = _READERS[record["command"]](folder, record, limit)
        content.facts = _facts(record) | content.facts
    except DataError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{folder}: not a run that can be shown ({reason})") from error
    for name, words in _PICTURES.items():
        path = folder / f"{name}.svg"
        if path.exists():
            content.pictures.append(Picture(*words, path))
    return content


def read_archive(path: Path, selection: Selection, limit: int) -> Content:
    """Read what there is to show of an archive.

    Parameters
    ----------
    path : Path
    selection : Selection
    limit : int
        As in `read_run`.

    Raises
    ------
    DataError
        If there is none, or it is damaged.
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
    lead = f"The automata of the archive {path.name} with the longest thresholds of each size."
    table = Table("What the archive holds", "Counts of all that were chosen.", counts)
    chosen = {name: own for name, own in vars(selection).items() if own not in (None, ())}
    content = Content(f"Archive {path.name}", lead, texts_of(rows), flatten(chosen), [table])
    content.source = "The archive"
    return content


def _search(folder: Path, record: Mapping[str, Any], limit: int) -> Content:
    """Read a folder of `search` or of `evolve`."""
    check_files(folder, "candidates.csv", "summary.csv")
    rows = read_candidates(folder / "candidates.csv")
    summary = pd.read_csv(folder / "summary.csv", keep_default_na=False, na_values=[""])
    command, config = record["command"], record["config"]
    calls = f"{summary['calls'].sum():,} of the arms"
    if "labelling_calls" in summary and summary["labelling_calls"].max():
        calls += f", {summary['labelling_calls'].max():,} of labelling the training set"
    size = f"n = {rows['n'][0]}, k = {rows['k'][0]}" if len(rows) else "nothing found"
    content = Content(
        title_of(command, folder),
        f"The best {min(limit, len(rows)):,} of {len(rows):,} candidates, {size}.",
        rows.head(limit),
        {"solver calls": calls},
        [_arms(summary)],
    )
    if (folder / "recall.csv").exists():
        recall = pd.read_csv(folder / "recall.csv")
        last = recall[
            recall["calls"] == recall.groupby(["mode", "round"])["calls"].transform("max")
        ]
        text = "Share of all automata with such a threshold, after all calls of the arm."
        content.tables.append(Table("Recall", text, texts_of(last)))
    if command == "search":
        _add_latent(content, config, record["inputs"])
    return content


def _arms(summary: pd.DataFrame) -> Table:
    """Return the table of a search's arms, hits with their intervals."""
    table = pd.DataFrame({"arm": arm_names(summary)})
    table["kind"] = np.where(summary["mode"].isin(BASELINES), "baseline", "")
    for name in ("calls", "decoded", "valid_after_repair", "distinct", "novel"):
        table[name.replace("_", " ")] = [f"{value:,}" for value in summary[name]]
    for name in ("mean_threshold", "best_threshold"):
        table[name.replace("_", " ")] = texts_of(summary[[name]])[name]
    for name in _HITS:
        ends = wilson_interval(summary[name], summary["calls"])
        table[name.replace("hits_", "≥ ").replace("≥ top", "≥ n²-4n+6")] = [
            f"{three_digits(rate)} [{three_digits(low)}, {three_digits(high)}]"
            for rate, low, high in zip(summary[name], *ends, strict=True)
        ]
    text = (
        "All arms may call the solver equally often. The last columns: new automata at or above "
        "a share of the Černý bound per 1,000 calls, with 95 % Wilson intervals."
    )
    return Table("Arms", text, table)


def _add_latent(content: Content, config: Mapping[str, Any], inputs: Mapping[str, str]) -> None:
    """Add what the model of a search tells: strip, map, and the curves of its training.

    It lies outside the run: what is wrong with it is told on the page.
    """
    model_folder, data_folder = Path(inputs["model"]), Path(inputs["data"])
    try:
        model, training = load_trained(model_folder, data_folder, _CPU, torch.get_num_threads())
        names = {name: config[name] for name in ("mode", "budget", "keep", "seed")}
        latent = LatentConfig(**config["latent"])
        settings = SearchConfig(**names, classes=tuple(config.get("classes", ())), latent=latent)
        content.strip = strip_rows(picture_space(model, training, settings, "strip"), training)
        content.latent_map = _map(model, training, content.rows, latent.path)
    except (KeyError, TypeError, ValueError) as error:
        content.notes.append(f"No latent map: {error}")
    curves = model_folder / "training.svg"
    if curves.exists():
        content.pictures.append(Picture(*_PICTURES["training"], curves))


def _map(model: VAE, training: Dataset, rows: pd.DataFrame, path: str) -> LatentMap:
    """Draw the map of a model and its dataset."""
    known = training.select(at_least=0)
    text = f"{len(known):,} training automata and the candidates of this page, each at its mean mu"
    pair = known.deltas, known.reset_thresholds
    decoded = rows[~rows["mode"].isin(BASELINES)]
    return draw_map(
        text, lambda deltas: encode_automata(model, deltas).mu, [pair], rows, decoded, path
    )


def _dataset(folder: Path, record: Mapping[str, Any], limit: int) -> Content:
    """Read a folder of `generate` or `enumerate`."""
    manifest = read_manifest(folder)
    config = manifest["config"]
    size = f"n = {config['n']}, k = {config['k']}"
    title = title_of(record["command"], folder)
    tables = []
    if "totals" in manifest:
        counts = pd.DataFrame(manifest["totals"]["counts"])
        text = "How many automata, up to isomorphism, have each threshold, in all and by class."
        tables.append(Table("Counts", text, texts_of(counts.iloc[::-1])))
    if not manifest["shards"]:
        lead = f"Counts of all automata with {size}; the automata were not kept."
        return Content(title, lead, pd.DataFrame(columns=CANDIDATE_COLUMNS), {}, tables)
    dataset = read_dataset(folder)
    lead = f"The slowest of {len(dataset):,} automata, {size}."
    calls = {"solver calls or nodes": f"{sum(shard['calls'] for shard in manifest['shards']):,}"}
    return Content(title, lead, _slowest(dataset, limit), calls, tables)


def _slowest(dataset: Dataset, limit: int) -> pd.DataFrame:
    """Return the automata of a dataset with the longest thresholds."""
    known = dataset.select(at_least=0)
    order = np.lexsort((*known.forms.T[::-1], -known.reset_thresholds))[:limit]
    rows = known_automata(known.deltas[order], known.reset_thresholds[order])
    return rows.drop(columns=[*SEARCHED])


def _model(folder: Path, record: Mapping[str, Any], limit: int) -> Content:
    """Read a model folder, evaluated or not."""
    check_files(folder)
    data = Path(record["inputs"]["data"])
    metrics = pd.read_csv(folder / "metrics.csv")
    title = title_of("model", folder)
    lead = "What the model learned from, the slowest automata first."
    nothing = pd.DataFrame(columns=CANDIDATE_COLUMNS)
    content = Content(title, lead, nothing, {}, [Table("Epochs", "", texts_of(metrics.round(4)))])
    if (folder / "evaluation.json").exists():
        results = read_json(folder / "evaluation.json")["results"]
        flat = pd.DataFrame(flatten(results).items(), columns=["measure", "value"])
        text = "Held-out reconstruction, and samples of the prior."
        content.tables.insert(0, Table("Evaluation", text, texts_of(flat)))
    try:
        model, training = load_trained(folder, data, _CPU, torch.get_num_threads())
    except DataError as error:  # the dataset lies outside the folder, which has been checked
        content.notes.append(f"No latent map: {error}")
        return content
    content.rows = _slowest(training, limit)
    rows = content.rows.reindex(columns=CANDIDATE_COLUMNS, fill_value="")
    content.latent_map = _map(model, training, rows, PATHS[0])
    return content


def _facts(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the record of a run, flat."""
    facts = {"command": str(record["command"])} | flatten(record["config"])
    facts |= flatten({"covers": record.get("covers", {})})
    facts |= {name: Path(place).name for name, place in record.get("inputs", {}).items()}
    facts |= {f"version of {name}": text for name, text in record.get("versions", {}).items()}
    return facts | {
        "commit": str(record.get("commit") or "unknown"),
        "seconds": str(record.get("seconds", "unknown")),
    }


_READERS: dict[Any, Callable[[Path, Mapping[str, Any], int], Content]] = {
    "search": _search,
    "evolve": _search,
    "discover": read_discovery,
    "generate": _dataset,
    "enumerate": _dataset,
    "train": _model,
}
