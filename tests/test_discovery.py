"""The engine of discovery: what its steps hold, what they cost, and that they repeat exactly."""

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from automata import sampling
from automata.automaton import Deltas, cerny_bound
from automata.canonical import canonical_forms, from_canonical
from automata.formats import parse_delta
from automata.properties import in_classes
from automata.solver import UNKNOWN
from automata.verification import reprove_thresholds
from data.files import DataError
from search import oracle
from search.candidates import CANDIDATE_COLUMNS
from search.discovery import engine as module
from search.discovery.arms import ARMS, SOURCES
from search.discovery.comparison import assert_distinct
from search.discovery.engine import DiscoverConfig, Engine, Steps
from search.discovery.leaps import Ground, LeapConfig, name_parents, split_parents
from search.discovery.learner import LearnConfig, Learner
from search.discovery.report import candidates, summary
from search.discovery.step import (
    KEEP_SHARE,
    Elites,
    kept_rows,
    load_step,
    save_step,
    step_folder,
)
from tests import naive

CPU = torch.device("cpu")
LEARN = LearnConfig(
    latent=4, embedding=4, channels=8, hidden=16, elites=60, first_steps=6, steps=3, batch=16
)
CONFIG = DiscoverConfig(
    least=3, most=6, start_to=4, start_budget=300, budget=150, first_look=50, parents=60,
    generation=32, learn=LEARN, leap=LeapConfig(batch=32),
)  # fmt: skip
SIZES = [3, 4, 5, 6]
FILES = ["found.npz", "step.json", "model.safetensors"]
LEARNING = [name for name, arm in ARMS.items() if arm.learns]
TRAINING = [name for name in LEARNING if ARMS[name].trains]


class Taken(NamedTuple):
    """A run, and what the solver was asked meanwhile."""

    config: DiscoverConfig
    folder: Path
    steps: Steps
    solved: dict[int, tuple[np.ndarray, np.ndarray]]
    """By size: forms and thresholds, in order."""
    told: list[tuple[int, int]]
    """Sizes and calls, as reported."""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def take(config: DiscoverConfig, arm: str, folder: Path, seed: int = 0, **options) -> Taken:
    """Run an arm; nothing may be solved but by its oracles, and they keep no book of it."""
    solved: dict[int, list] = {}
    told: list[tuple[int, int]] = []
    solve = oracle.reset_thresholds

    def meter(deltas: Deltas, **options) -> np.ndarray:
        thresholds = solve(deltas, **options)
        solved.setdefault(deltas.shape[2], []).append((canonical_forms(deltas), thresholds))
        return thresholds

    def refuse(*arguments, **options) -> None:
        raise AssertionError("solved outside the oracle")

    solvers = ("reset_threshold", "reset_thresholds", "reset_bounds", "shortest_reset_words")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_VAIN_BATCHES", 6)
        patch.setattr(sampling, "_VAIN_CHILDREN", 1000)
        for name, loaded in [*sys.modules.items()]:
            if name.split(".")[0] in ("data", "vae", "search") or name == sampling.__name__:
                for solver in solvers:
                    if hasattr(loaded, solver):
                        patch.setattr(loaded, solver, refuse)
        patch.setattr(oracle, "reset_thresholds", meter)
        run = Engine(config, arm, seed, folder, device=CPU, **options)
        steps = run.run(report=lambda n, calls: told.append((n, calls)))
    joined = {
        n: tuple(np.concatenate(parts) for parts in zip(*found, strict=True))
        for n, found in solved.items()
    }
    return Taken(config, folder, steps, joined, told)


@pytest.fixture(scope="module")
def started(tmp_path_factory) -> Taken:
    """The sizes that all arms start from, and evolution."""
    return take(CONFIG, "evolve", tmp_path_factory.mktemp("started"))


@pytest.fixture(scope="module")
def runs(started, tmp_path_factory) -> dict[str, Taken]:
    """Every arm, in one folder."""
    folder = tmp_path_factory.mktemp("runs")
    shutil.copytree(started.folder, folder, dirs_exist_ok=True)
    return {arm: take(CONFIG, arm, folder) for arm in ARMS} | {"evolve": started}


def check(taken: Taken) -> None:
    """All that holds of the steps that a run has taken."""
    config = taken.config
    for n, (forms, thresholds) in taken.solved.items():
        step = taken.steps[n]
        starting = n <= config.start_to
        budget = config.start_budget if starting else config.budget
        assert (step.n, step.k) == (n, config.k)
        # one oracle a step, and it solved what was paid for, each once
        assert step.calls == len(forms) == len(np.unique(forms, axis=0)) <= budget
        assert 0 <= step.first_look <= min(step.calls, config.first_look)
        assert sum(tally.calls for tally in step.tallies.values()) == step.calls
        for tally in step.tallies.values():
            assert tally.proposed >= tally.valid >= tally.calls >= 0
        assert sum(calls for size, calls in taken.told if size == n) == step.calls
        digest = hashlib.sha256(forms.tobytes() + thresholds.astype("<i4").tobytes())
        assert step.trace == digest.hexdigest()
        assert {*step.seconds} <= {"train", "sample", "solve", "evolve"}
        assert all(seconds >= 0 for seconds in step.seconds.values())
        # all at or above 0.6 of the bound is kept, and the best that there are
        near = {*np.flatnonzero(thresholds >= KEEP_SHARE * cerny_bound(n)).tolist()}
        ranked = sorted(range(len(forms)), key=lambda row: (-thresholds[row], row))
        kept = sorted(near | {*ranked[: config.learn.elites]})
        assert np.array_equal(step.forms, forms[kept])
        assert np.array_equal(step.thresholds, thresholds[kept])
        assert (step.found_at - 1).tolist() == kept
        check_automata(step.forms, step.thresholds, n, config.k)
        if config.classes:
            assert in_classes(from_canonical(step.forms, n, config.k), config.classes).all()
        check_sources(taken, n)


def check_automata(forms: np.ndarray, thresholds: np.ndarray, n: int, k: int) -> None:
    """Forms are canonical, and thresholds right."""
    deltas = from_canonical(forms, n, k)
    assert np.array_equal(canonical_forms(deltas), forms)
    assert np.array_equal(reprove_thresholds(deltas), thresholds)
    assert naive.reset_threshold(deltas[-1].tolist()) == thresholds[-1]


def check_sources(taken: Taken, n: int) -> None:
    """Each source comes with what it had to name, and with no more than it has found."""
    config, step = taken.config, taken.steps[n]
    names = [*step.tallies]
    assert step.sources.max(initial=0) < len(names)
    first, second = step.parents[:, 0], step.parents[:, 1]
    for number, name in enumerate(names):
        rows = step.sources == number
        assert rows.sum() <= step.tallies[name].calls
        if name == "evolve":
            assert (step.found_at[rows] > step.first_look).all()
            assert (step.parents[rows] == -1).all()
        else:
            assert name in SOURCES
        if name in ("evolve", "insertion"):
            assert (step.repaired[rows] == 0).all()
        else:
            assert (step.repaired[rows] <= config.leap.repair).all()
        if name in ("evolve", "prior", "cooled"):
            assert (first[rows] == -1).all()
        else:
            sizes = range(max(config.least, n - config.leap.back), n)
            assert np.isin(first[rows, 0], sizes).all()
        if name == "interpolation":
            assert np.isin(second[rows, 0], sizes).all()
            assert ((step.alpha[rows] >= 0) & (step.alpha[rows] <= 1)).all()
        else:
            assert (second[rows] == -1).all()
            assert np.isnan(step.alpha[rows]).all()
    for size, row in step.parents.reshape(-1, 2).tolist():
        if size >= 0:
            elites = taken.steps[size].elites(config.learn.elites)
            assert 0 <= row < len(elites.deltas)


def contents(folder: Path, *, but: str = "seconds.json") -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != but]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


# --- what every arm does ----------------------------------------------------------------------


def test_the_start(started: Taken) -> None:
    assert [*started.steps] == SIZES
    check(started)
    for n in (3, 4):
        step = started.steps[n]
        assert step.first_look == 0
        assert [*step.tallies] == ["evolve"]
        assert (step.parents == -1).all()
    assert 45 < started.steps[3].calls <= 51  # so many synchronize: tests/truth/counts.json
    assert started.steps[4].calls == CONFIG.start_budget


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm(runs: dict[str, Taken], arm: str) -> None:
    taken = runs[arm]
    assert [*taken.steps] == SIZES
    assert (arm == "evolve") == ({*taken.solved} == {*SIZES})
    check(taken)
    for n in (5, 6):
        step = taken.steps[n]
        looks = [name for name in step.tallies if name != "evolve"]
        looking = sum(step.tallies[name].calls for name in looks)
        if ARMS[arm].polishes:
            assert [*step.tallies] == [*dict.fromkeys(ARMS[arm].sources), "evolve"]
            assert step.first_look == looking
            assert step.calls == CONFIG.budget
        else:
            assert looks == [*step.tallies] == [*dict.fromkeys(ARMS[arm].sources)]
            assert step.first_look == CONFIG.first_look < looking == step.calls
        files = {path.name for path in step_folder(taken.folder / arm, n).iterdir()}
        model = {"model.safetensors"} if arm in TRAINING else set()
        assert files == {"checksums.json", "found.npz", "seconds.json", "step.json"} | model


def test_all_arms_have_the_same_start(runs: dict[str, Taken], started: Taken) -> None:
    for taken in runs.values():
        for n in (3, 4):
            assert taken.steps[n].trace == started.steps[n].trace
            assert np.array_equal(taken.steps[n].forms, started.steps[n].forms)
    folder = runs["vae"].folder
    assert contents(folder / "start") == contents(started.folder / "start")
    assert {path.name for path in folder.iterdir()} == {"start", *ARMS}


def test_no_two_arms_do_the_same(runs: dict[str, Taken]) -> None:
    later = {
        (arm, 0): {n: step for n, step in taken.steps.items() if n > CONFIG.start_to}
        for arm, taken in runs.items()
    }
    assert_distinct(later)
    traces = {arm: steps[6].trace for (arm, _), steps in later.items()}
    assert len({*traces.values()}) == len(ARMS)


@pytest.mark.parametrize("arm", ["insertion", "vae+insertion", "vae-unpolished", "evolve"])
@pytest.mark.parametrize(
    "changes",
    [
        {"budget": 1, "start_budget": 1, "first_look": 1},
        {"budget": 7, "first_look": 7, "generation": 1},
        {"budget": 40, "first_look": 1000, "learn": replace(LEARN, elites=2)},
        {"budget": 33, "first_look": 1, "leap": LeapConfig(batch=1), "parents": 1},
        {"budget": 30, "first_look": 20, "k": 3, "leap": LeapConfig(batch=16, back=1)},
        {"budget": 10**4, "first_look": 10**4, "k": 1},
        {"budget": 20, "first_look": 10, "classes": ("strongly-connected", "not-one-cluster")},
        {"budget": 20, "first_look": 10, "classes": ("sink",), "leap": LeapConfig(batch=100)},
        {"start_budget": 20, "budget": 20, "first_look": 10, "start_to": 1, "least": 1, "most": 4},
    ],
    ids=str,
)
def test_budgets_are_never_exceeded(tmp_path: Path, arm: str, changes: dict) -> None:
    config = replace(CONFIG, start_budget=100, most=5)
    config = replace(config, **changes)
    taken = take(config, arm, tmp_path)
    assert [*taken.steps] == [*range(config.least, config.most + 1)]
    assert {*taken.solved} == {n for n, step in taken.steps.items() if step.calls}
    check(taken)


def test_an_unpolished_arm_spends_all_on_its_look(tmp_path: Path) -> None:
    step = take(replace(CONFIG, first_look=1000), "vae-unpolished", tmp_path).steps[5]
    assert step.first_look == step.calls == CONFIG.budget
