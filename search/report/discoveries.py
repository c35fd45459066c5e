"""What there is to show of a discovery across sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from data.files import DataError
from search.decode import encode_automata
from search.discovery.arms import ARMS
from search.discovery.comparison import compact
from search.discovery.engine import DiscoverConfig, Steps
from search.discovery.leaps import LeapConfig
from search.discovery.learner import LearnConfig, Learner
from search.discovery.report import candidates
from search.discovery.step import load_step, step_folder
from search.report.content import Content, Table, texts_of, title_of
from search.report.latent_map import draw_map

_CPU = torch.device("cpu")


def read_discovery(folder: Path, record: Mapping[str, Any], limit: int) -> Content:
    """Read what there is to show of a folder of `discover`: one run, or several.

    Parameters
    ----------
    folder : Path
    record : mapping
        Its ``run.json``.
    limit : int
        Automata at most, about equally many of each size.

    Raises
    ------
    DataError
        If it holds no finished run, or is damaged.
    """
    config = _discover_config(record["config"])
    runs = _runs_of(folder, config)
    if not runs:
        raise DataError(f"{folder}: holds no finished run")
    sizes = range(config.least, config.most + 1)
    each = max(1, limit // len(sizes))
    tables = []
    for (arm, seed), steps in runs.items():
        best = _best(steps, each)
        found = candidates(best, config.learn.elites, share=0.0, parents=steps)
        tables.append(found.assign(run=f"{arm}, seed {seed}"))
    rows = pd.concat(tables).sort_values(["n", "gap"], kind="stable")
    rows = rows.drop_duplicates(["n", "canonical"]).groupby("n", sort=False).head(each)
    rows["rank"] = np.arange(1, len(rows) + 1)
    if len(runs) == 1:
        rows = rows.drop(columns="run")
    calls = sum(step.calls for steps in runs.values() for step in steps.values())
    seeds = {arm: sum(name == arm for name, _ in runs) for arm, _ in runs}
    if len(runs) == 1:
        ((arm, seed),) = runs
        who = f"{arm}, seed {seed}"
    else:
        who = ", ".join(f"{arm} ({count} seeds)" for arm, count in seeds.items())
    content = Content(
        title_of("discovery", folder),
        f"The best automata with n = {config.least} to {config.most}, k = {config.k}, {who}.",
        texts_of(rows),
        {"solver calls": f"{calls:,}"},
    )
    if (folder / "comparison.csv").exists():
        comparison = pd.read_csv(folder / "comparison.csv")
        text = (
            "Means over the seeds, with bootstrap 95 % intervals. Rates are distinct automata per "
            "1,000 distinct solver calls of the first look, before evolution goes on from them."
        )
        content.tables.append(Table("Arms", text, compact(comparison)))
    if (folder / "summary.csv").exists():
        sizes_table = pd.read_csv(folder / "summary.csv")
        content.tables.append(Table("Sizes", "One run, size by size.", texts_of(sizes_table)))
    _add_discovery_map(content, folder, config, runs)
    return content


def _discover_config(settings: dict[str, Any]) -> DiscoverConfig:
    own = {name: value for name, value in settings.items() if name != "device"}
    own["classes"] = tuple(own["classes"])
    own["learn"], own["leap"] = LearnConfig(**own["learn"]), LeapConfig(**own["leap"])
    return DiscoverConfig(**own)


def _runs_of(folder: Path, config: DiscoverConfig) -> dict[tuple[str, int], Steps]:
    """Read the finished runs of a folder, by arm and seed."""
    runs: dict[tuple[str, int], Steps] = {}
    for place in sorted(folder.glob("seed-*"), key=lambda path: int(path.name[5:])):
        for arm in ARMS:
            steps: Steps = {}
            for n in range(config.least, config.most + 1):
                own = place / ("start" if n <= config.start_to else arm)
                step = load_step(step_folder(own, n))
                if step is None:
                    break
                steps[n] = step
            begun = config.most == config.start_to or (place / arm).exists()
            if begun and len(steps) == config.most - config.least + 1:
                runs[arm, int(place.name[5:])] = steps
    return runs


def _best(steps: Steps, each: int) -> Steps:
    """Return steps with the automata alone that have the longest thresholds."""
    best = {}
    for n, step in steps.items():
        rows = np.lexsort((*step.forms.T[::-1], -step.thresholds))[:each]
        names = ("forms", "thresholds", "found_at", "sources", "parents", "alpha", "repaired")
        best[n] = replace(step, **{name: getattr(step, name)[rows] for name in names})
    return best


def _add_discovery_map(
    content: Content, folder: Path, config: DiscoverConfig, runs: Mapping[tuple[str, int], Steps]
) -> None:
    """Add the map of the first run whose model has a latent space."""
    for (arm, seed), steps in runs.items():
        learn = ARMS[arm].adapt(config.learn)
        weights = step_folder(folder / f"seed-{seed}" / arm, config.most) / "model.safetensors"
        if learn.latent < 2 or not weights.exists():
            continue
        learner = Learner(config.most, config.k, learn, 0, _CPU)
        learner.load(weights)
        elites = [step.elites(learn.elites) for n, step in steps.items() if n < config.most]
        model = learner.model
        text = (
            f"the elites of {arm}, seed {seed}, with fewer than {config.most} states and the "
            "automata of this page, each at its mean mu"
        )
        content.latent_map = draw_map(
            text,
            lambda deltas, model=model: encode_automata(model, deltas).mu,  # type: ignore[misc]
            [(own.deltas, own.thresholds) for own in elites if len(own.deltas)],
            content.rows,
            "polar",
        )
        return
    content.notes.append("No latent map: no run here has a model with a latent space.")
