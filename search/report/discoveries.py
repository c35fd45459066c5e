"""Reading a folder of ``discover`` for a page."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from automata.deltas import Deltas
from data.best_known import Scale
from data.checks import build, list_of, one_of, whole
from data.commits import check_files
from data.damage import DataError, reading
from search.arms.decode import computing
from search.discovery.arms import ARMS
from search.discovery.config import DiscoverConfig
from search.discovery.learner import AUTOENCODER, Learner
from search.discovery.saved import read_step
from search.discovery.settings import read_settings
from search.discovery.step import Steps, step_folder
from search.discovery.tables import candidates, summary
from search.report.content import Content, LatentMap, Table, texts_of, title_of
from search.report.latent_map import draw_map
from search.scoring.comparison import compact, compare_arms
from search.scoring.records import compact_records, score_records
from search.scoring.running_times import running_times
from search.scoring.scores import SCORE_COLUMNS, score_steps
from search.summary import hits_in_words
from search.tables import GAPPED, TEXT, read_table
from vae.coding import encode_automata

_SCORES = {name: TEXT if name in ("arm", "window") else GAPPED for name in SCORE_COLUMNS}
_DECODED = ("posterior", "posterior-sampled", "interpolation", "encode-decode", "arithmetic")
"""Sources that decode a point near a parent, or between two."""


def read_discovery(folder: Path, record: Mapping[str, Any], limit: int) -> Content:
    """Read the content of a page from a folder of ``discover``, with one run or several.

    Parameters
    ----------
    folder : Path
    record : mapping
        Its ``run.json``.
    limit : int
        Most automata on the page, about equally many of each size.

    Raises
    ------
    DataError
        If the folder holds no finished run, or is damaged.
    """
    settings = read_settings(folder / "settings.json")
    if record["config"] != {name: own for name, own in settings.items() if name != "threads"}:
        raise DataError(f"{folder / 'run.json'}: of another run than settings.json")
    config = _discover_config(settings)
    with reading(folder / "run.json", "the record of a discovery"):
        covers = _covered(record["covers"])
    runs = _runs_of(folder, config, covers)
    by_record = config.partial or config.classes
    lengths = _lengths(folder, compared=len(runs) > 1) if by_record else None
    if lengths is not None:
        runs = {
            run: {n: replace(step, recorded=lengths.get(n, math.nan)) for n, step in own.items()}
            for run, own in runs.items()
        }
    mapped = _mapped(folder, config, runs)
    if mapped is not None:  # first: of duplicates its rows stay
        runs = {mapped: runs[mapped]} | runs
    rows = _rows(config, runs, limit)
    steps = {
        (seed, arm if n > config.start_to else "start", n): step.calls
        for (arm, seed), own in runs.items()
        for n, step in own.items()
    }
    seeds = Counter(arm for arm, _ in runs)
    who = ", ".join(f"{arm} ({count} seeds)" for arm, count in seeds.items())
    if len(runs) == 1:
        ((arm, seed),) = runs
        who = f"{arm}, seed {seed}"
    content = Content(
        title_of("discovery", folder),
        f"The best automata with n = {config.least} to {config.most}, k = {config.k}: {who}.",
        rows.drop(columns="run" if len(runs) > 1 else ["run", "found_by"]),
        {"solver calls": f"{sum(steps.values()):,}"},
    )
    if len(runs) > 1:
        check_files(folder, "comparison.csv")
        numbers = sorted({seed for _, seed in runs})
        order = [(arm, seed) for seed in numbers for arm in ARMS if (arm, seed) in runs]
        later = {run: _later(runs[run], config) for run in order}  # as in comparison.csv
        asked = min(config.first_look, config.budget)
        comparison = compare_arms(score_steps(later, asked, classes=config.classes))
        text = (
            "Means over the seeds, with bootstrap 95 % intervals. Rates are distinct automata per "
            "1,000 distinct solver calls of the first look, before evolution goes on from them. "
        ) + hits_in_words(Scale(config.most, config.k, config.partial, classes=config.classes))
        content.tables.append(Table("Arms", text, compact(comparison)))
    if len(
        by_records := score_records(
            {run: _later(own, config) for run, own in runs.items()}, config.classes
        )
    ):
        text = (
            "What it took to reach the longest threshold known (docs/records.md): the seeds that "
            "did, and their solver calls and seconds at the size, with all training before it. "
            "Ratios of expected running times are to the best arm without a model, if one ran."
        )
        table = compact_records(by_records, running_times(by_records))
        content.tables.append(Table("Records", text, table))
    if len(runs) == 1:
        content.tables.append(Table("Sizes", "Size by size.", texts_of(summary(runs[arm, seed]))))
    if mapped is None:
        content.notes.append("No latent map: no run here has a model with a latent space.")
        return content
    content.latent_map = _map(folder, config, runs, mapped, rows)
    return content


def _discover_config(settings: Mapping[str, Any]) -> DiscoverConfig:
    own = {name: value for name, value in settings.items() if name not in ("device", "threads")}
    return build(DiscoverConfig, own, "settings")


def _covered(covers: Mapping[str, Any]) -> Mapping[str, list[int]]:
    """Return the seeds of each arm in a record; raise ValueError if the record is wrong."""
    if "seeds" in covers:  # records of older versions
        list_of(one_of(*ARMS))("covers.arms", covers["arms"])
        covers = dict.fromkeys(covers["arms"], covers["seeds"])
    for arm, seeds in covers.items():
        one_of(*ARMS)("an arm", arm)
        list_of(whole(0, 2**63 - 1))(f"the seeds of {arm}", seeds)
        if not seeds or len({*seeds}) < len(seeds):
            raise ValueError(f"the seeds of {arm}: none, or one twice")
    if not covers:
        raise ValueError("no run")
    return covers


def _lengths(folder: Path, *, compared: bool) -> dict[int, float] | None:
    """Return the longest known length of each size that the tables of the folder go by.

    Sizes of which none was known are left out. None if the tables go by the Černý bound, as older
    ones of classes do: their page goes by the records of today.
    """
    sizes = "starts.csv" if compared else "summary.csv"
    check_files(folder, sizes, *(["scores.csv"] if compared else []))
    table = read_table(folder / sizes, {}, lambda _: GAPPED)
    if "best_known" not in table:
        return None
    lengths = [table[["n", "best_known"]]]
    if compared:
        scores = read_table(folder / "scores.csv", _SCORES)
        best = scores["best_threshold"] + scores["gap"]
        lengths.append(pd.DataFrame({"n": scores["n"], "best_known": best}))
    known = pd.concat(lengths).dropna()
    return dict(zip(known["n"].astype(int), known["best_known"], strict=True))


def _later(steps: Steps, config: DiscoverConfig) -> Steps:
    """Return the steps of the sizes after the start."""
    return {n: step for n, step in steps.items() if n > config.start_to}


def _runs_of(
    folder: Path, config: DiscoverConfig, covers: Mapping[str, list[int]]
) -> dict[tuple[str, int], Steps]:
    """Read the runs that a record covers, by arm and seed.

    Raises
    ------
    DataError
        If a step is missing or damaged.
    """
    runs: dict[tuple[str, int], Steps] = {}
    threads = torch.get_num_threads()
    for arm, seeds in covers.items():
        for seed in seeds:
            own: Steps = {}
            for n in range(config.least, config.most + 1):
                place = folder / f"seed-{seed}" / ("start" if n <= config.start_to else arm)
                step = read_step(step_folder(place, n), config, n, own, workers=threads)
                if step is None:
                    raise DataError(f"{step_folder(place, n)}: no finished step")
                own[n] = step
            runs[arm, seed] = own
    return runs


def _rows(
    config: DiscoverConfig, runs: Mapping[tuple[str, int], Steps], limit: int
) -> pd.DataFrame:
    """Return the best automata of each size, largest sizes first, with all arms that found them."""
    sizes = range(config.least, config.most + 1)
    each = max(1, limit // len(sizes))
    tables = []
    for (arm, seed), steps in runs.items():
        found = candidates(_best(steps, each), config.learn.elites, share=0.0, parents=steps)
        starting = found["n"] <= config.start_to
        arms = np.where(starting, "start", arm)
        tables.append(found.assign(found_by=arms, run=f"{arm} {seed}"))
    order = ["n", "reset_threshold"]  # the gap of partial automata may be unknown
    rows = pd.concat(tables).sort_values(order, ascending=[True, False], kind="stable")
    same = rows.groupby(["n", "canonical"], sort=False)["found_by"]
    rows["found_by"] = same.transform(lambda arms: ", ".join(dict.fromkeys(arms)))
    rows = rows.drop_duplicates(["n", "canonical"]).groupby("n", sort=False).head(each)
    rows = rows.sort_values(order, ascending=False, kind="stable").head(limit)
    rows["rank"] = np.arange(1, len(rows) + 1)
    return texts_of(rows)


def _best(steps: Steps, each: int) -> Steps:
    """Return copies of steps with only the `each` automata of longest thresholds."""
    best = {}
    for n, step in steps.items():
        rows = np.lexsort((*step.forms.T[::-1], -step.thresholds))[:each]
        names = ("forms", "thresholds", "found_at", "sources", "parents", "alpha", "repaired")
        best[n] = replace(step, **{name: getattr(step, name)[rows] for name in names})
    return best


def _mapped(
    folder: Path, config: DiscoverConfig, runs: Mapping[tuple[str, int], Steps]
) -> tuple[str, int] | None:
    """Return the first run whose model has a latent space of at least two dimensions."""
    for arm, seed in runs:
        latent = ARMS[arm].adapt(config.learn).latent
        if latent > 1 and _weights(folder, config, arm, seed).exists():
            return arm, seed
    return None


def _weights(folder: Path, config: DiscoverConfig, arm: str, seed: int) -> Path:
    """Return the file of a run's last VAE."""
    return step_folder(folder / f"seed-{seed}" / arm, config.most) / AUTOENCODER.file


def _map(
    folder: Path,
    config: DiscoverConfig,
    runs: Mapping[tuple[str, int], Steps],
    mapped: tuple[str, int],
    rows: pd.DataFrame,
) -> LatentMap:
    """Draw the latent map of a run's last model, with paths to automata that it decoded."""
    arm, seed = mapped
    learn = ARMS[arm].adapt(config.learn)
    learner = Learner(
        *(AUTOENCODER, config.most, config.k, learn, 0, torch.device("cpu")), partial=config.partial
    )
    weights = _weights(folder, config, arm, seed)
    learner.load(weights)

    def encode(deltas: Deltas) -> Tensor:
        with computing(weights):
            return encode_automata(learner.model, deltas).mu

    elites = [step.elites(learn.elites) for n, step in runs[mapped].items() if n < config.most]
    own = rows[(rows["run"] == f"{arm} {seed}") & rows["mode"].isin(_DECODED)]
    return draw_map(
        f"elites of {arm}, seed {seed}, with fewer than {config.most} states",
        encode,
        [(known.deltas, known.thresholds) for known in elites if len(known.deltas)],
        rows,
        own,
        "polar",
    )
