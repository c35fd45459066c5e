"""The jobs behind ``train``, ``evaluate``, ``search`` and ``evolve``: each fills a folder.

Each returns its result.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from automata.classes import check_restriction
from automata.settings import SettingError, record_of
from data.best_known import Scale
from data.claim import claim
from data.damage import DataError
from data.dataset import Dataset, read_dataset
from data.jobs import announce
from data.manifest import ENUMERATION, read_manifest
from data.plots import plot_thresholds
from data.record import recorded
from data.results import Summary
from data.terminal import warn
from search.archive.intake import ArchiveRule
from search.arms.decode import computing
from search.evaluation.attributes import measure_arithmetic
from search.evaluation.measures import evaluate, monotony, write_evaluation
from search.evolve import EvolveConfig, evolve_from_random
from search.jobs.outcome import EvaluationOutcome, SearchOutcome
from search.pictures.hits import plot_arm_hits
from search.pictures.latent import draw_search
from search.pictures.recall import plot_recall
from search.pictures.training import plot_training
from search.run import SearchConfig, SearchResult, running_modes, search, write_tables
from search.scoring.recall import Truth, open_truth, score
from search.summary import time_modes
from vae.checkpoint import read_config
from vae.history import kept_epoch
from vae.model import VAE, ModelConfig
from vae.threads import torch_threads
from vae.train import TrainConfig, choose_device, train
from vae.trained import doubts, load_trained, training_folder

_GROWING = ("train.epochs", "train.patience")
"""The settings of a training that may grow."""


def run_train(
    data: Path,
    out: Path,
    model_config: ModelConfig,
    config: TrainConfig,
    *,
    classes: tuple[str, ...] = (),
    device: torch.device | str,
    workers: int,
    force: bool,
) -> Summary:
    """Train a model, in a model folder, on the rows of a dataset that are in all the classes.

    The model has the n and k of the dataset, and is of partial automata if that is; those of
    `model_config` are ignored.
    """
    _check_classes(classes, data)
    dataset = read_dataset(data, classes, workers=workers)
    device = choose_device(device)
    torch.set_num_threads(torch_threads())
    model_config = replace(model_config, n=dataset.n, k=dataset.k, partial=dataset.partial)
    settings: dict[str, Any] = {"model": record_of(model_config), "train": asdict(config)}
    if classes:
        settings["classes"] = classes
    with recorded(out, "train", settings, {"data": data}, grows=_GROWING, force=force):
        metrics = train(dataset, out, model_config, config, device=device)
        plot_training(metrics, out / "training")
    kept = metrics[kept_epoch(metrics, config) - 1]
    rounded = {
        name: value if isinstance(value, int) else round(value, 4)
        for name, value in kept.items()
        if not name.startswith("kl_")
    }
    return Summary({"model": str(out)} | rounded)


def run_evaluate(
    folder: Path,
    data: Path | None,
    *,
    classes: tuple[str, ...],
    repair: int,
    seed: int,
    device: torch.device | str,
    workers: int,
) -> EvaluationOutcome:
    """Measure a model, and attribute arithmetic with it; record the results in its folder.

    The default of `data` is the dataset that the model was trained on.
    """
    data = data or training_folder(folder)
    _check_classes(classes, data)
    device = choose_device(device)
    held_out = read_config(folder)["train"]["held_out"]
    with claim(folder, "evaluate"):
        model, dataset, weights = _load(folder, data, device, workers)
        with computing(folder):
            results = evaluate(
                model, dataset, held_out=held_out, repair=repair, seed=seed, classes=classes
            )
            if alike := monotony(results, len(dataset)):
                warn(f"{folder}: {alike}")
            attributes = measure_arithmetic(
                model,
                *dataset.split(held_out),
                repair=repair,
                seed=seed,
                classes=classes,
                workers=workers,
            )
        settings = {"seed": seed, "repair": repair, "classes": classes}
        write_evaluation(folder, settings, results, attributes, weights)
    return EvaluationOutcome(results, attributes)


def run_search(
    folder: Path,
    data: Path,
    out: Path,
    config: SearchConfig,
    *,
    rule: ArchiveRule,
    truth: Path | None = None,
    device: torch.device | str,
    workers: int,
    force: bool,
) -> SearchOutcome:
    """Search with a model, and fill a run folder."""
    _check_classes(config.classes, data)
    device = choose_device(device)
    manifest = read_manifest(data)
    enumerated = manifest.get("kind") == ENUMERATION
    if truth and enumerated:
        raise DataError(f"{data}: an enumeration; a model that knows the truth is not scored by it")
    # shards of an enumeration count nodes as calls: they are no solver calls
    labelling_calls = 0 if enumerated else sum(shard["calls"] for shard in manifest["shards"])
    model, dataset, weights = _load(folder, data, device, workers)
    for mode in {*config.modes}.difference(running_modes(config, model.config.latent)):
        warn(f"{folder}: latent={model.config.latent} is too few dimensions for the mode {mode}")
    size = dataset.n, dataset.k, config.classes
    known = open_truth(truth, *size, partial=dataset.partial) if truth else None
    inputs = {"model": folder, "data": data} | ({"truth": truth} if truth else {})
    contents = {"model": weights}
    with (
        _filling(out, "search", rule),
        recorded(
            out, "search", _record(config), inputs, contents=contents, renews=True, force=force
        ),
        computing(folder),
    ):
        result = search(model, dataset, config, labelling_calls=labelling_calls, workers=workers)
        scale = replace(dataset.scale, classes=config.classes)
        outcome = _report(out, result, scale, rule, known, workers)
        pictures = plot_arm_hits(result.summary, scale, out / "hits")
        held_out = read_config(folder)["train"]["held_out"]
        pictures += draw_search(out, model, dataset, result.found, config, held_out=held_out)
    return outcome._replace(files=outcome.files + pictures)


def run_evolve(
    config: EvolveConfig,
    out: Path,
    rule: ArchiveRule,
    *,
    truth: Path | None,
    workers: int,
    force: bool,
) -> SearchOutcome:
    """Evolve automata from random ones, and fill a run folder."""
    scale = Scale(config.n, config.k, config.partial, classes=config.classes)
    size = config.n, config.k, config.classes
    known = open_truth(truth, *size, partial=config.partial) if truth else None
    inputs = {"truth": truth} if truth else {}
    with (
        _filling(out, "evolve", rule),
        recorded(out, "evolve", _record(config), inputs, renews=True, force=force),
    ):
        result = evolve_from_random(config, workers=workers)
        outcome = _report(out, result, scale, rule, known, workers)
        pictures = plot_arm_hits(result.summary, scale, out / "hits")
        pictures += plot_thresholds(result.found, scale, out / "thresholds")
    return outcome._replace(files=outcome.files + pictures)


def _load(folder: Path, data: Path, device: torch.device, workers: int) -> tuple[VAE, Dataset, str]:
    """Do what `load_trained` does, and warn of a model that may not be worth it yet."""
    trained = load_trained(folder, data, device, workers)
    for doubt in doubts(folder):
        warn(f"{folder}: {doubt}")
    return trained


def _check_classes(classes: tuple[str, ...], data: Path) -> None:
    """Raise `SettingError` for classes that no automaton of a dataset's size can be in."""
    if not classes:
        return
    n = read_manifest(data)["config"]["n"]
    try:
        check_restriction(classes, n)
    except ValueError as error:
        raise SettingError(str(error)) from error


@contextmanager
def _filling(out: Path, command: str, rule: ArchiveRule) -> Iterator[None]:
    """Claim the folder of a run, then open its archive: an error names the one that it is about."""
    with claim(out, command):
        rule.open()
        yield


def _report(
    out: Path,
    result: SearchResult,
    scale: Scale,
    rule: ArchiveRule,
    truth: Truth | None,
    workers: int,
) -> SearchOutcome:
    """Write the tables, add the best to the archive, and score the arms if there is a truth."""
    for name in ("recall.csv", "recall.png", "recall.svg"):
        (out / name).unlink(missing_ok=True)
    write_tables(out, result)  # before reading the truth, which may fail
    announce(result.candidates["reset_threshold"], scale, out / "candidates.csv")
    rule.add(result.candidates, run=out.resolve().name)
    times = time_modes(result.summary, result.seconds)
    files = [out / "candidates.csv", out / "summary.csv"]
    if len(result.sources):
        files += [out / "sources.csv", out / "seconds.json"]
    recall = None
    if truth is not None:
        recall = score(truth, result.traces, workers=workers)
        result = replace(result, summary=recall.extend(result.summary))
        write_tables(out, result, recall.table)
        files += [out / "recall.csv", *plot_recall(recall.panels, scale.n, out / "recall")]
    tables = result.candidates, result.summary, recall, files, result.sources, times
    return SearchOutcome(*tables, scale)


def _record(config: SearchConfig | EvolveConfig) -> dict[str, Any]:
    """Return the config for the record; older records lack the keys that are omitted if unused."""
    record = record_of(config)
    if not config.classes:
        del record["classes"]
    if isinstance(config, SearchConfig) and not config.learning.retrain:
        del record["learning"]
    return record
