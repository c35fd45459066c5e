"""The engine of discovery: what its steps hold, what they cost, and that they repeat exactly."""

import hashlib
import json
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from automata import evolution, sampling
from automata.canonical import canonical_forms, from_canonical
from automata.deltas import UNDEFINED, Deltas
from automata.evolution import Evolution, evolve
from automata.proof.verification import reprove_thresholds
from automata.properties import in_classes
from automata.runs import find_stretches
from automata.sampling import sample_synchronizing
from automata.sizes import cerny_bound
from automata.solver.either import may_synchronize, thresholds_of
from automata.stretches import LARGEST_PERIOD, stretch
from automata.text.formats import parse_delta
from data.damage import DataError
from search.arms import oracle
from search.arms.account import Answer, Arm
from search.arms.proposals import Proposals, plain_proposals
from search.candidates import CANDIDATE_COLUMNS, RECORD_COLUMNS
from search.discovery import engine as module
from search.discovery import learner as learner_module
from search.discovery import mix, tables
from search.discovery.arms import ARMS, SOURCES, ArmConfig
from search.discovery.editing import edit
from search.discovery.engine import DiscoverConfig, Engine
from search.discovery.leaps import LeapConfig, LeapContext, name_parents, split_parents
from search.discovery.learner import AUTOENCODER, DENOISER, LearnConfig, Learner
from search.discovery.saved import load_step
from search.discovery.step import (
    KEEP_SHARE,
    Elites,
    Step,
    Steps,
    kept_rows,
    save_step,
    step_folder,
)
from search.discovery.tables import candidates, summary
from search.scoring.comparison import assert_distinct
from search.verified import verify_candidates
from tests import naive
from tests.folders import contents
from tests.search.elites import ELITES, make_elites
from vae import numbered
from vae.encoding import decode_tokens, encode_deltas
from vae.schedule import Schedule

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
LEARN = LearnConfig(
    latent=4, embedding=4, channels=8, hidden=16, elites=60, first_steps=6, steps=3, batch=16
)
CONFIG = DiscoverConfig(
    least=3, most=6, start_to=4, start_budget=300, budget=120, first_look=60, parents=60,
    generation=32, learn=LEARN, leap=LeapConfig(batch=8),
)  # fmt: skip
SIZES = [3, 4, 5, 6]
IDLE_BATCHES = 8
ORPHANS = {"evolve", "prior", "cooled", "breeding", "constructive", "sampling", "climbing"}
UNREPAIRED = (ORPHANS - {"prior", "cooled"}) | {"insertion", "stretching", "editing"}
FILES = ["found.npz", "step.json", "model.safetensors"]
LEARNING = [name for name, arm in ARMS.items() if arm.learns]
TRAINING = [name for name in LEARNING if ARMS[name].trains]


class Taken(NamedTuple):
    """A run, and what went through its oracles meanwhile."""

    config: DiscoverConfig
    folder: Path
    steps: Steps
    asked: dict[int, tuple[np.ndarray, np.ndarray]]
    """By size: distinct forms and their thresholds, in order."""
    solved: dict[int, np.ndarray]
    """By size: forms that the solver was given."""
    reported: list[tuple[int, int]]
    """Sizes and calls, as reported."""


def take(config: DiscoverConfig, arm: str, folder: Path, seed: int = 0, **options) -> Taken:
    """Run an arm; nothing may be solved but through its oracles."""
    asked: dict[int, dict[bytes, int]] = {}
    solved: dict[int, list[np.ndarray]] = {}
    reported: list[tuple[int, int]] = []
    solve, submit = oracle.thresholds_of, Arm.submit

    def metered(deltas: Deltas, **options) -> np.ndarray:
        solved.setdefault(deltas.shape[2], []).append(canonical_forms(deltas))
        return solve(deltas, **options)

    def noted(arm: Arm, proposals: Proposals, **options) -> Answer:
        answer = submit(arm, proposals, **options)
        forms = canonical_forms(proposals.deltas)
        for form, threshold in zip(forms, answer.thresholds, strict=True):
            if threshold >= 0:
                asked.setdefault(arm.oracle.n, {}).setdefault(form.tobytes(), threshold)
        return answer

    def refuse(*arguments, **options) -> None:
        raise AssertionError("solved outside the oracle")

    solvers = ("reset_threshold", "reset_thresholds", "reset_bounds", "shortest_reset_words")
    solvers += ("thresholds_of", "shortest_words_of")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_IDLE_BATCHES", IDLE_BATCHES)
        patch.setattr(mix, "_PATIENCE", 1000)
        patch.setitem(ARMS, "mix-late", replace(ARMS["mix-late"], alone=40))
        patch.setattr(evolution, "_CHILD_PATIENCE", 1000)
        for name, loaded in [*sys.modules.items()]:
            ours = name.split(".")[0] in ("data", "vae", "search") and name != "data.recheck"
            if ours or loaded in (sampling, evolution):  # readers solve what they read again
                for solver in solvers:
                    if hasattr(loaded, solver):
                        patch.setattr(loaded, solver, refuse)
        patch.setattr(oracle, "thresholds_of", metered)
        patch.setattr(Arm, "submit", noted)
        run = Engine(config, arm, seed, folder, device=CPU, **options)
        steps = run.run(report=lambda n, calls, doing: reported.append((n, calls)))
    books = {
        n: (
            np.frombuffer(b"".join(book), np.uint8).reshape(len(book), -1),
            np.array([*book.values()], np.int32),
        )
        for n, book in asked.items()
    }
    forms = {n: np.concatenate(parts) for n, parts in solved.items()}
    return Taken(config, folder, steps, books, forms, reported)


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
    """See that every step of a run is sound."""
    config = taken.config
    assert taken.asked.keys() == taken.solved.keys()
    for n, (forms, thresholds) in taken.asked.items():
        step = taken.steps[n]
        starting = n <= config.start_to
        budget = config.start_budget if starting else config.budget
        assert (step.n, step.k) == (n, config.k)
        # the solver was given what was paid for, each once
        assert step.calls == len(forms) == len(taken.solved[n]) <= budget
        assert np.array_equal(np.unique(forms, axis=0), np.unique(taken.solved[n], axis=0))
        assert 0 <= step.first_look <= min(step.calls, config.first_look)
        assert sum(tally.calls for tally in step.tallies.values()) == step.calls
        for tally in step.tallies.values():
            assert tally.proposed >= tally.valid >= tally.calls >= 0
        assert sum(calls for size, calls in taken.reported if size == n) == step.calls
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
    """Each source names the parents that it has, and has no more finds than calls."""
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
        if name in UNREPAIRED:
            assert (step.repaired[rows] == 0).all()
        else:
            assert (step.repaired[rows] <= config.leap.repair).all()
        if name in ORPHANS:
            assert (first[rows] == -1).all()
        else:
            back = LARGEST_PERIOD if name == "stretching" else config.leap.back
            sizes = range(max(config.least, n - back), n)
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


# --- what every arm does ----------------------------------------------------------------------


def test_the_start(started: Taken) -> None:
    assert [*started.steps] == SIZES
    check(started)
    for n in (3, 4):
        step = started.steps[n]
        assert step.first_look == 0
        assert [*step.tallies] == ["evolve"]
        assert (step.parents == -1).all()
    assert 45 < started.steps[3].calls <= 51  # 51 classes synchronize: tests/truth/counts.json
    assert started.steps[4].calls == CONFIG.start_budget


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm(runs: dict[str, Taken], arm: str) -> None:
    taken = runs[arm]
    assert [*taken.steps] == SIZES
    assert (arm == "evolve") == ({*taken.asked} == {*SIZES})
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
            assert step.calls == looking
            assert step.first_look == min(looking, CONFIG.first_look)
        files = {path.name for path in step_folder(taken.folder / arm, n).iterdir()}
        model = {kind.file for kind in ARMS[arm].learns} if arm in TRAINING else set()
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


@pytest.mark.parametrize(
    ("arm", "changes"),
    [
        ("evolve", {"budget": 33, "generation": 50, "parents": 1}),
        ("evolve", {"budget": 10**4, "k": 1}),
        ("vae+insertion", {"budget": 1, "start_budget": 1, "first_look": 1}),
        ("vae+insertion", {"budget": 40, "first_look": 1000, "learn": replace(LEARN, elites=2)}),
        ("vae+insertion", {"budget": 33, "first_look": 1, "leap": LeapConfig(batch=1)}),
        ("vae+insertion", {"budget": 30, "first_look": 20, "k": 3, "leap": LeapConfig(back=1)}),
        ("vae+insertion", {"budget": 10**4, "first_look": 10**4, "k": 1}),
        ("vae+insertion", {"budget": 20, "first_look": 10, "classes": ("eulerian", "basic")}),
        ("insertion", {"budget": 20, "first_look": 10, "classes": ("eulerian", "basic")}),
        ("insertion", {"budget": 7, "first_look": 7, "generation": 1}),
        ("mix", {"budget": 7, "first_look": 7}),
        ("mix", {"budget": 60, "k": 3, "classes": ("eulerian",), "leap": LeapConfig(batch=100)}),
        ("mix", {"budget": 10**4, "k": 1, "leap": LeapConfig(batch=100)}),
        ("axplorer", {"budget": 1, "first_look": 1, "leap": LeapConfig(batch=100)}),
        (
            "axplorer",
            {"budget": 60, "k": 3, "classes": ("eulerian",), "leap": LeapConfig(batch=100)},
        ),
        ("axplorer", {"budget": 10**4, "k": 1, "leap": LeapConfig(batch=100)}),
        ("axplorer", {"start_budget": 20, "budget": 20, "start_to": 1, "least": 1}),
        ("vae-unpolished", {"budget": 7, "first_look": 7}),
        ("vae-unpolished", {"budget": 40, "first_look": 1000}),
        ("vae-unpolished", {"budget": 20, "classes": ("sink",), "leap": LeapConfig(batch=100)}),
        ("vae-unpolished", {"start_budget": 20, "budget": 20, "start_to": 1, "least": 1}),
    ],
    ids=str,
)
def test_budgets_are_never_exceeded(tmp_path: Path, arm: str, changes: dict) -> None:
    config = replace(replace(CONFIG, start_budget=100, most=5), **changes)
    taken = take(config, arm, tmp_path)
    assert [*taken.steps] == [*range(config.least, 6)]
    assert {*taken.asked} == {n for n, step in taken.steps.items() if step.calls}
    check(taken)
    if arm == "vae-unpolished":
        look = [step for n, step in taken.steps.items() if n > config.start_to]
        assert all(step.first_look == min(step.calls, config.first_look) for step in look)


# --- the same again ---------------------------------------------------------------------------


@pytest.mark.parametrize("arm", ["vae+insertion", "mix", "sequence", "edit", "axplorer"])
def test_a_seed_repeats_exactly(runs: dict[str, Taken], tmp_path: Path, arm: str) -> None:
    torch.manual_seed(99)
    state = torch.get_rng_state()
    again = take(CONFIG, arm, tmp_path, workers=2)
    assert torch.equal(torch.get_rng_state(), state)
    for part in ("start", arm):
        assert contents(tmp_path / part) == contents(runs[arm].folder / part)
    assert {n: step.trace for n, step in again.steps.items()} == {
        n: step.trace for n, step in runs[arm].steps.items()
    }


def test_another_seed_is_another_run(runs: dict[str, Taken], tmp_path: Path) -> None:
    take(CONFIG, "vae", tmp_path, seed=1)
    for part, n in [("start", 4), ("vae", 5), ("vae", 6)]:
        own = step_folder(tmp_path / part, n)
        for path in own.iterdir():
            theirs = step_folder(runs["vae"].folder / part, n) / path.name
            assert path.read_bytes() != theirs.read_bytes(), path


def test_arms_that_do_the_same_find_the_same(runs: dict[str, Taken]) -> None:
    own, polished = (runs[arm].steps[5] for arm in ("edit", "edit-polish"))
    look = own.first_look
    assert look == polished.first_look and own.trace != polished.trace
    for first, second in zip(runs["edit"].asked[5], runs["edit-polish"].asked[5], strict=True):
        assert np.array_equal(first[:look], second[:look])
    vae, once, unpolished = (runs[arm] for arm in ("vae", "vae-once", "vae-unpolished"))
    assert vae.steps[5].trace == once.steps[5].trace
    look = vae.steps[5].first_look
    for own, theirs in zip(vae.asked[5], unpolished.asked[5], strict=True):
        assert np.array_equal(own[:look], theirs[:look])


def test_which_arms_change_their_model(runs: dict[str, Taken]) -> None:
    for arm in TRAINING:
        latent = False
        for kind in ARMS[arm].learns:
            first, second = (
                load_file(step_folder(runs[arm].folder / arm, n) / kind.file) for n in (5, 6)
            )
            same = all(torch.equal(first[name], second[name]) for name in first)
            assert same == (not ARMS[arm].retrains), arm
            latent |= any(name.startswith("encoder") for name in first)
        assert latent == (arm not in ("sequence", "edit", "edit-polish", "axplorer"))
    assert {*LEARNING} - {*TRAINING} == {"vae-untrained"}


@pytest.mark.parametrize(
    "arm",
    [
        *("insertion", "mix", "mix-late", "vae", "vae-once", "vae-untrained"),
        *("edit", "edit+vae", "axplorer"),
    ],
)
@pytest.mark.parametrize("left", [[], ["start", "n-05"]])
def test_a_run_goes_on_behind_the_last_step(
    runs: dict[str, Taken], tmp_path: Path, arm: str, left: list[str]
) -> None:
    whole = runs[arm].folder
    if "start" in left:
        shutil.copytree(whole / "start", tmp_path / "start")
    if "n-05" in left:
        shutil.copytree(whole / arm / "n-05", tmp_path / arm / "n-05")
    # what an interruption may leave: nothing of it counts
    broken = tmp_path / arm / "n-06"
    broken.mkdir(parents=True)
    for name in ("found.npz.tmp", "step.json.tmp", "checksums.json.tmp", "seconds.json"):
        (broken / name).write_text("half")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    taken = take(CONFIG, arm, tmp_path)
    for part in ("start", arm):
        assert contents(tmp_path / part) == contents(whole / part)
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    there = [3, 4][: 2 * ("start" in left)] + [5][: "n-05" in left]
    assert sorted(taken.solved) == [n for n in SIZES if n not in there]
    assert all((n, taken.steps[n].calls) in taken.reported for n in there)
    for n, step in taken.steps.items():  # what was read says the same as what was taken
        assert [*step.tallies.items()] == [*runs[arm].steps[n].tallies.items()]
        check_sources(taken, n)


def test_a_run_goes_on_behind_a_size_without_training(tmp_path: Path) -> None:
    config = replace(CONFIG, start_budget=60, budget=30, first_look=30)
    taken = take(config, "mix-late", tmp_path / "whole")
    assert all("train" not in taken.steps[n].seconds for n in SIZES)
    shutil.copytree(tmp_path / "whole" / "start", tmp_path / "part" / "start")
    (tmp_path / "part" / "mix-late").mkdir()
    shutil.copytree(tmp_path / "whole/mix-late/n-05", tmp_path / "part/mix-late/n-05")
    take(config, "mix-late", tmp_path / "part")
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")


def test_the_calls_before_a_training_are_noted(runs: dict[str, Taken]) -> None:
    for n in (5, 6):
        assert 40 <= runs["mix-late"].steps[n].trained_after < 60
        assert 0 < runs["mix"].steps[n].trained_after <= 48  # the rules open


def test_weights_of_before_any_training_are_no_training(tmp_path: Path) -> None:
    learner, path = Learner(AUTOENCODER, 6, 2, LEARN, 0, CPU), tmp_path / "weights"
    learner.save(path)
    learner.load(path)
    assert not learner.trained
    learner.learn(np.random.default_rng(0), torch.Generator(), ELITES)
    learner.save(path)
    other = Learner(AUTOENCODER, 6, 2, LEARN, 0, CPU)
    other.load(path)
    assert other.trained


@pytest.mark.parametrize("arm", ["vae", "mix"])
def test_a_run_goes_on_behind_a_training_that_ended_early(
    monkeypatch, tmp_path: Path, arm: str
) -> None:
    made: list[Schedule] = []

    def watched(most: int) -> Schedule:
        made.append(Schedule(most))
        return made[-1]

    monkeypatch.setattr(learner_module, "Schedule", watched)
    monkeypatch.setattr("vae.schedule._GAIN", 0.9)  # no loss falls so fast
    learn = replace(LEARN, first_steps=90, steps=60)
    config = replace(CONFIG, start_budget=60, budget=60, first_look=60, learn=learn)
    take(config, arm, tmp_path / "whole")
    ended = [(90, 75), (60, 37)] if arm == "vae" else [(90, 75), (45, 37), (60, 37), (30, 30)]
    assert [(schedule.most, schedule.steps) for schedule in made] == ended
    (tmp_path / "part" / arm).mkdir(parents=True)
    for part in ("start", f"{arm}/n-05"):
        shutil.copytree(tmp_path / "whole" / part, tmp_path / "part" / part)
    take(config, arm, tmp_path / "part")
    assert [schedule.most for schedule in made[len(ended) :]] == [60, 30][: len(ended) // 2]
    assert contents(tmp_path / "part" / arm) == contents(tmp_path / "whole" / arm)


def test_what_is_kept_is_in_its_folder(tmp_path: Path) -> None:
    config = replace(CONFIG, start_budget=60, budget=40, most=5)
    run, kept = Engine(config, "insertion", 0, tmp_path, device=CPU), []

    def keep(step: Step) -> None:
        part = "start" if step.n <= config.start_to else "insertion"
        loaded = load_step(step_folder(tmp_path / part, step.n))
        assert loaded is not None and loaded.trace == step.trace
        kept.append(step.n)

    assert [*run.run_start(keep=keep)] == kept == [3, 4]
    run.run(keep=keep)
    assert kept == [3, 4, 3, 4, 5]


def test_an_arm_opens_nothing_but_its_own_steps(tmp_path: Path) -> None:
    take(CONFIG, "vae+insertion", tmp_path / "first")  # all that is imported late has been imported
    opened: list[str] = []
    listening = True

    def listen(event: str, arguments: tuple) -> None:
        if listening and event in ("open", "sqlite3.connect", "socket.connect"):
            opened.extend([] if isinstance(arguments[0], int) else [str(arguments[0])])

    sys.addaudithook(listen)  # for good
    take(CONFIG, "vae+insertion", tmp_path / "second")
    listening = False
    steps = [path for path in opened if path.startswith(f"{tmp_path}/second/")]
    assert any(re.search(r"/model\.safetensors\.\d+-\w{8}\.tmp$", path) for path in steps)
    code = (sys.prefix, sys.base_prefix)  # of libraries
    assert [path for path in opened if not path.startswith(code)] == steps


# --- steps and their folders ------------------------------------------------------------------


@pytest.fixture
def folder(runs: dict[str, Taken], tmp_path: Path) -> Path:
    """A copy of the run of an arm."""
    for part in ("start", "vae"):
        shutil.copytree(runs["vae"].folder / part, tmp_path / part)
    return tmp_path


def test_a_step_is_read_as_it_was_written(runs: dict[str, Taken], tmp_path: Path) -> None:
    for step in runs["latent-search"].steps.values():
        save_step(tmp_path / "a", step)
        loaded = load_step(tmp_path / "a")
        assert loaded is not None
        assert vars(loaded).keys() == vars(step).keys()
        for name, value in vars(step).items():
            if isinstance(value, np.ndarray):
                own = getattr(loaded, name)
                assert own.dtype == value.dtype
                assert np.array_equal(own, value, equal_nan=name == "alpha")
            else:
                assert getattr(loaded, name) == value, name
        assert [*loaded.tallies] == [*step.tallies]  # sources count by their order
    assert load_step(tmp_path / "b") is None
    assert not (tmp_path / "b").exists()


def test_a_commit_that_was_cut_off_is_finished(folder: Path) -> None:
    step = folder / "vae" / "n-05"
    before = contents(step)
    for name in FILES:
        (step / name).rename(step / f"{name}.tmp")
    assert load_step(step) is not None
    assert contents(step) == before


def damage(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:-5])
    elif how == "flipped":
        whole = bytearray(path.read_bytes())
        whole[len(whole) // 2] ^= 1
        path.write_bytes(whole)
    else:
        path.write_text(how)


@pytest.mark.parametrize("how", ["missing", "cut", "flipped", "", "[]"])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_step_is_refused(folder: Path, name: str, how: str) -> None:
    damage(folder / "vae" / "n-05" / name, how)
    with pytest.raises(DataError, match=f"n-05/{name}: "):
        take(CONFIG, "vae", folder)
    assert not (folder / "vae" / "n-05" / f"{name}.tmp").exists()


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *[("checksums.json", how) for how in ("cut", "", "[]", "{}", '{"../x": "y"}')],
        *[("seconds.json", how) for how in ("missing", "cut", "", "[]", '{"train": "long"}')],
    ],
)
def test_damage_beside_a_step_is_refused(folder: Path, name: str, how: str) -> None:
    damage(folder / "start" / "n-04" / name, how)
    with pytest.raises(DataError, match="n-04"):
        take(CONFIG, "vae", folder)


def rewrite(folder: Path, name: str, change) -> None:
    """Write another file in a step's folder, with its checksum."""
    change(folder / name)
    checksums = json.loads((folder / "checksums.json").read_text())
    checksums[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "checksums.json").write_text(json.dumps(checksums))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("step.json", lambda path: path.write_text("[]")),
        ("step.json", lambda path: path.write_text('{"n": 5}')),
        ("step.json", lambda path: path.write_text(path.read_text().replace("calls", "costs"))),
        ("found.npz", lambda path: np.savez(path, forms=np.zeros((1, 10), np.uint8))),
        ("found.npz", lambda path: path.write_text("zip")),
    ],
)
def test_a_step_of_another_kind_is_refused(folder: Path, name: str, change) -> None:
    rewrite(folder / "vae" / "n-05", name, change)
    with pytest.raises(DataError, match=r"n-05/(step\.json|found\.npz): not the finds of a step"):
        take(CONFIG, "vae", folder)


def test_another_model_is_refused(folder: Path) -> None:
    shutil.rmtree(folder / "vae" / "n-06")
    other = Learner(AUTOENCODER, 6, 2, replace(LEARN, hidden=9), 0, CPU)
    rewrite(folder / "vae" / "n-05", "model.safetensors", other.save)
    with pytest.raises(DataError, match=r"n-05/model\.safetensors: not the weights of this model"):
        take(CONFIG, "vae", folder)


@pytest.mark.parametrize("elites", [0, 1, 3, 50])
@pytest.mark.parametrize("n", [1, 2, 6])
def test_what_a_step_keeps(n: int, elites: int) -> None:
    rng = np.random.default_rng(n)
    for size in (0, 1, 20):
        thresholds = rng.integers(0, cerny_bound(n) + 1, size=size).astype(np.int32)
        ranked = sorted(range(size), key=lambda row: (-thresholds[row], row))
        expected = {row for row in range(size) if 10 * thresholds[row] >= 6 * (n - 1) ** 2}
        assert kept_rows(n, thresholds, elites).tolist() == sorted(expected | {*ranked[:elites]})


def test_elites_are_the_best_and_the_older_first(runs: dict[str, Taken]) -> None:
    step = runs["vae"].steps[6]
    for count in (0, 1, 17, 10**6):
        elites = step.elites(count)
        ranked = sorted(range(len(step.forms)), key=lambda row: (-step.thresholds[row], row))
        assert np.array_equal(elites.thresholds, step.thresholds[ranked[:count]])
        assert np.array_equal(elites.deltas, from_canonical(step.forms[ranked[:count]], 6, 2))


# --- the engine -------------------------------------------------------------------------------


def test_sources_propose_in_turn_and_get_the_thresholds(monkeypatch, tmp_path: Path) -> None:
    turns: list[str] = []
    heard: list[tuple[np.ndarray, np.ndarray]] = []

    def source(name: str):
        def propose(context: LeapContext) -> Iterator[Proposals]:
            while True:
                turns.append(name)
                deltas = sampling.sample_uniform(context.rng, 5, context.n, context.k)
                thresholds = yield plain_proposals(deltas)
                heard.append((deltas, thresholds))

        return propose

    monkeypatch.setitem(SOURCES, "insertion", source("one"))
    monkeypatch.setitem(SOURCES, "prior", source("two"))
    monkeypatch.setitem(ARMS, "insertion", ArmConfig(("insertion", "prior", "insertion")))
    config = replace(CONFIG, start_budget=50, budget=40, first_look=40, most=5)
    step = take(config, "insertion", tmp_path).steps[5]
    assert turns == (["one", "two", "one"] * len(turns))[: len(turns)]
    assert [*step.tallies] == ["insertion", "prior", "evolve"]
    assert len(heard) == len(turns) - 2  # the budget ended the last batch of each
    proposed = sum(tally.proposed for tally in step.tallies.values())
    assert 5 * len(turns) - 5 < proposed <= 5 * len(turns)
    for deltas, thresholds in heard:
        expected = [naive.reset_threshold(delta.tolist()) for delta in deltas]
        assert thresholds.tolist() == [-1 if t is None else t for t in expected]


@pytest.mark.parametrize(("batch", "news"), [(3, 0), (3, 1), (200, 1), (199, 1)])
def test_a_look_that_brings_hardly_anything_new_ends(
    monkeypatch, tmp_path: Path, batch: int, news: int
) -> None:
    """A batch is idle where at most 0.005 of it is new."""
    batches = []

    def propose(context: LeapContext) -> Iterator[Proposals]:
        fresh = evolve(context.rng, 5, 2, Evolution(calls=100)).deltas
        while True:
            deltas = np.tile(np.arange(context.n, dtype=np.uint8), (batch, 2, 1))
            deltas[:news] = fresh[len(batches)]
            batches.append(context.n)
            yield plain_proposals(deltas)

    config = replace(CONFIG, start_budget=50, budget=40, first_look=30, most=5)
    started = take(replace(config, most=4), "insertion", tmp_path)
    assert [*started.steps] == [3, 4]
    monkeypatch.setitem(SOURCES, "insertion", propose)
    monkeypatch.setattr(module, "_IDLE_BATCHES", IDLE_BATCHES)
    step = Engine(config, "insertion", 0, tmp_path, device=CPU).run()[5]
    idle = news / batch <= 0.005
    assert len(batches) == (IDLE_BATCHES if idle else 30)
    assert step.first_look == news * len(batches)
    assert step.calls == 40
    check_automata(step.forms, step.thresholds, 5, 2)


def test_nothing_to_leap_from(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(evolution, "_RANDOM_PATIENCE", 2000)
    config = replace(CONFIG, classes=("completely-reachable", "aperiodic"))
    with pytest.raises(DataError, match="nothing found at sizes below n=5"):
        take(config, "insertion", tmp_path)
    steps = take(config, "evolve", tmp_path).steps
    assert [step.calls for step in steps.values()] == [0] * 4
    table = candidates(steps, 60)
    assert (len(table), [*table.columns]) == (0, RECORD_COLUMNS)
    assert summary(steps)["best_threshold"].tolist() == [-1] * 4


def test_a_size_without_anything_is_leapt_over(tmp_path: Path) -> None:
    """Where a size brings nothing, parents are those of the sizes before."""
    taken = take(replace(CONFIG, most=5), "evolve", tmp_path)
    empty = replace(
        taken.steps[4],
        **{
            name: getattr(taken.steps[4], name)[:0]
            for name in ("forms", "thresholds", "found_at", "sources", "parents")
            + ("alpha", "repaired")
        },
    )
    save_step(step_folder(tmp_path / "start", 4), empty)
    for arm in ("insertion", "vae"):
        step = take(replace(CONFIG, most=5), arm, tmp_path).steps[5]
        sizes = step.parents[..., 0]
        assert {*sizes.ravel().tolist()} == {-1, 3}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"k": 0}, r"letters=0 is not in 1\.\.6"),
        ({"k": 7}, r"letters=7 is not in 1\.\.6"),
        ({"most": 65}, r"to=65 is not in 1\.\.64"),
        ({"start_to": 7}, r"start-to=7 is not in 3\.\.6"),
        ({"least": 5}, r"start-to=4 is not in 5\.\.6"),
        ({"least": 0}, r"from=0 is not in 1\.\.6"),
        ({"start_budget": 0}, r"start-budget=0 is not in 1\.\."),
        ({"budget": 0}, r"budget=0 is not in 1\.\."),
        ({"first_look": 0}, r"first-look=0 is not in 1\.\."),
        ({"parents": 0}, r"parents=0 is not in 1\.\."),
        ({"generation": 0}, r"generation=0 is not in 1\.\."),
        ({"softness": 0.0}, r"softness=0\.0 is not in 1e-06\.\."),
        ({"classes": ("best",)}, "unknown class 'best': one of synchronizing, .*not-NAME"),
        ({"most": 21, "classes": ("aperiodic",)}, "n=21 is over the limit of 20"),
    ],
)
def test_configs_out_of_range(value: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **value)


@pytest.mark.parametrize(
    ("config", "value", "message"),
    [
        (LEARN, {"elites": 1}, "elites=1 is not in 2"),
        (LEARN, {"first_steps": -1}, "first-steps=-1 is not in 0"),
        (LEARN, {"steps": -1}, "steps=-1 is not in 0"),
        (LEARN, {"batch": 0}, "batch=0 is not in 1"),
        (LEARN, {"learning_rate": 0.0}, r"learning-rate=0\.0"),
        (LEARN, {"warmup": 1.5}, r"warmup=1\.5 is not in 0\.\.1"),
        (LEARN, {"softness": 0.0}, r"softness=0\.0"),
        (LEARN, {"recency": float("nan")}, "recency=nan"),
        (LEARN, {"latent": -1}, r"latent=-1 is not in 0\.\."),
        (LEARN, {"tokens": "best"}, "unknown tokens 'best': one of"),
        (CONFIG.leap, {"batch": 0}, r"leap-batch=0 is not in 1\.\."),
        (CONFIG.leap, {"back": 0}, r"back=0 is not in 1\.\."),
        (CONFIG.leap, {"softness": 0.0}, r"parent-softness=0\.0"),
        (CONFIG.leap, {"temperature": 0.0}, r"temperature=0\.0"),
        (CONFIG.leap, {"repair": -1}, r"repair=-1 is not in 0\.\."),
    ],
)
def test_parts_of_configs_out_of_range(config, value: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(config, **value)


# --- the learner ------------------------------------------------------------------------------


class Lesson(NamedTuple):
    n: int
    forms: list[bytes]
    ratios: np.ndarray
    beta: float
    learning_rate: float


@pytest.fixture
def lessons(monkeypatch) -> list[Lesson]:
    """The lessons that models get; the models learn nothing, but the loss falls."""
    given = []

    def take_step(model, optimizer, tokens, ratios, generator, config) -> dict[str, float]:
        forms = [form.tobytes() for form in canonical_forms(decode_tokens(tokens.numpy()))]
        rates = config.beta, config.learning_rate
        given.append(Lesson(tokens.shape[1], forms, ratios.numpy(), *rates))
        return {"reconstruction": tokens[0].numel() * 0.99 ** len(given)}

    monkeypatch.setattr(numbered, "take_step", take_step)
    return given


def learn(config: LearnConfig, elites: dict[int, Elites], *, times: int = 1) -> Learner:
    learner = Learner(AUTOENCODER, 6, 2, config, 0, CPU)
    for _ in range(times):
        learner.learn(np.random.default_rng(0), torch.Generator().manual_seed(0), elites)
    return learner


def test_lessons_are_elites_under_many_names(lessons: list[Lesson]) -> None:
    learn(replace(LEARN, first_steps=40), ELITES)
    assert len(lessons) == 40
    assert {lesson.n for lesson in lessons} == {4, 5}
    for lesson in lessons:
        elites = ELITES[lesson.n]
        forms = canonical_forms(elites.deltas)
        known = {
            form.tobytes(): t / cerny_bound(lesson.n)
            for form, t in zip(forms, elites.thresholds, strict=True)
        }
        assert len(lesson.forms) == LEARN.batch
        assert np.allclose([known[form] for form in lesson.forms], lesson.ratios)


def test_first_and_further_lessons(lessons: list[Lesson]) -> None:
    config = replace(LEARN, first_steps=20, steps=5, warmup=0.5, beta=0.3)
    learner = learn(config, ELITES, times=2)
    assert len(lessons) == 25
    betas = [lesson.beta for lesson in lessons]
    assert betas[0] == 0 and betas[:11] == sorted(betas[:11])
    assert betas[10:] == [0.3] * 15
    shares = [lesson.learning_rate / LEARN.learning_rate for lesson in lessons]
    first = [1.0] * 15 + [1 - step / 6 for step in range(1, 6)]
    assert shares == pytest.approx(first + [1 / 3] * 5)
    assert learner.trained and not learner.model.training


def test_the_loss_of_a_transition_ends_a_training(monkeypatch, lessons: list[Lesson]) -> None:
    take_step = numbered.take_step

    def constant(model, optimizer, tokens, *rest) -> dict[str, float]:
        take_step(model, optimizer, tokens, *rest)
        return {"reconstruction": float(tokens[0].numel())}  # larger at larger sizes

    monkeypatch.setattr(numbered, "take_step", constant)
    learner, reported = Learner(AUTOENCODER, 6, 2, replace(LEARN, first_steps=300), 0, CPU), []
    learner.learn(np.random.default_rng(0), torch.Generator(), ELITES, reported.append)
    assert len(lessons) == 150  # at the first look, after 100, it does not fall
    assert reported == [f"training {step}/300" for step in (0, 60, 120, 300)]


def test_recent_sizes_come_more_often(lessons: list[Lesson]) -> None:
    learn(replace(LEARN, first_steps=2000, recency=0.5, batch=1), ELITES)
    share = np.mean([lesson.n == 5 for lesson in lessons])
    expected = 1 / (1 + np.exp(-0.5))
    assert abs(share - expected) < 5 * (expected * (1 - expected) / 2000) ** 0.5


@pytest.mark.parametrize("shuffled", [False, True])
def test_ranks_decide_what_is_learned(lessons: list[Lesson], shuffled: bool) -> None:
    config = replace(LEARN, softness=0.02, shuffled_ranks=shuffled, first_steps=200)
    learn(config, {5: ELITES[5]})
    ratios = ELITES[5].thresholds / cerny_bound(5)
    mean = np.mean([lesson.ratios.mean() for lesson in lessons])
    # weights 1 / (0.02 * 40 + rank), equal thresholds alike
    ranks = np.array([int((ratios > ratio).sum()) for ratio in ratios])
    weights = 1 / (0.8 + ranks)
    expected = (weights * ratios).sum() / weights.sum()
    assert (abs(mean - expected) < 0.01) == (not shuffled)
    often = Counter(form for lesson in lessons for form in lesson.forms)
    if shuffled:  # the same weights, for others
        assert max(often.values()) > 3 * np.mean([*often.values()])
    else:
        best = [often[form.tobytes()] for form in canonical_forms(ELITES[5].deltas)]
        tied = [count for count, rank in zip(best, ranks, strict=True) if rank == 0]
        drawn = 200 * LEARN.batch * weights[0] / weights.sum()
        assert all(abs(count - drawn) < 5 * drawn**0.5 for count in tied)


def test_a_learner_learns(started: Taken) -> None:
    elites = {4: started.steps[4].elites(60)}
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    tokens = torch.from_numpy(encode_deltas(elites[4].deltas))

    def loss(learner: Learner) -> float:
        with torch.no_grad():
            logits = learner.model(tokens, torch.Generator().manual_seed(1)).logits
        return float(torch.nn.functional.cross_entropy(logits.flatten(0, 2), tokens.flatten()))

    learner = Learner(AUTOENCODER, 6, 2, replace(LEARN, first_steps=60, learning_rate=1e-2), 0, CPU)
    before = loss(learner)
    learner.learn(rng, generator, elites)
    assert loss(learner) < 0.9 * before


def test_weights_are_saved_and_taken_up(tmp_path: Path, lessons: list[Lesson]) -> None:
    path = tmp_path / "model"
    first, second = (Learner(AUTOENCODER, 6, 2, LEARN, seed, CPU) for seed in (0, 1))
    weights = first.model.state_dict()
    assert not all(torch.equal(w, second.model.state_dict()[name]) for name, w in weights.items())
    first.save(path)
    second.load(path)
    assert all(torch.equal(w, second.model.state_dict()[name]) for name, w in weights.items())
    second.learn(np.random.default_rng(0), torch.Generator(), ELITES)
    assert len(lessons) == LEARN.steps  # it goes on
    for text in (b"", b"model", path.read_bytes()[:-3]):
        path.write_bytes(text)
        with pytest.raises(DataError, match=f"{path}: not the weights of this model"):
            second.load(path)
    with pytest.raises(DataError, match="missing: no such file"):
        second.load(tmp_path / "missing")


@pytest.mark.parametrize("latent", [0, 3])
def test_encoding(latent: int) -> None:
    learner = Learner(AUTOENCODER, 6, 2, replace(LEARN, latent=latent), 0, CPU)

    def encode(seed: int) -> torch.Tensor:
        rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
        return learner.encode(rng, generator, ELITES[5].deltas)

    points = encode(0)
    assert points.shape == (40, latent)
    assert not points.requires_grad
    assert torch.equal(points, encode(0))
    assert latent == 0 or not torch.equal(points, encode(1))


# --- leaps ------------------------------------------------------------------------------------

DECODING = ["posterior", "posterior-sampled", "interpolation", "encode-decode", "prior"]


@pytest.fixture(scope="module")
def learner() -> Learner:
    """An untrained model for up to 12 states; it writes another automaton at every point."""
    made = Learner(AUTOENCODER, 12, 2, LEARN, 0, CPU)
    weights = torch.Generator().manual_seed(0)
    torch.nn.init.normal_(made.model.decoder.start.weight, std=2.0, generator=weights)
    torch.nn.init.normal_(made.model.decoder.output.weight, std=5.0, generator=weights)
    return made


def make_context(n: int, learner: Learner | None = None, elites=ELITES, **options) -> LeapContext:
    leap = LeapConfig(**({"batch": 30, "softness": 1.0} | options))
    generator = torch.Generator().manual_seed(0)
    return LeapContext(n, 2, elites, learner, np.random.default_rng(0), generator, leap)


@pytest.mark.parametrize(
    ("batch", "back", "shares"),
    [
        (7, 2, [(5, 4), (4, 3)]),
        (7, 1, [(5, 7)]),
        (8, 3, [(5, 3), (4, 3), (2, 2)]),
        (8, 64, [(5, 3), (4, 3), (2, 2)]),
        (1, 2, [(5, 1), (4, 0)]),
    ],
)
def test_shares_cover_the_batch(batch: int, back: int, shares: list[tuple[int, int]]) -> None:
    elites = {2: make_elites(2, 3), **ELITES}
    context = make_context(6, elites=elites, batch=batch, back=back)
    assert context.shares() == shares
    assert context.parent_sizes == [size for size, _ in shares]


@pytest.mark.parametrize("softness", [0.01, 1.0])
def test_parents_of_a_higher_rank_are_drawn_more_often(softness: float) -> None:
    context = make_context(6, softness=softness)
    counts = np.bincount(context.draw(5, 20_000), minlength=40)
    weights = 1 / (softness * 40 + np.arange(40))
    expected = 20_000 * weights / weights.sum()
    assert (abs(counts - expected) < 5 * expected**0.5).all()


@pytest.mark.parametrize("n", [6, 7, 12])
@pytest.mark.parametrize("name", DECODING)
def test_decoded_proposals(learner: Learner, name: str, n: int) -> None:
    source = SOURCES[name](make_context(n, learner))
    seen = set()
    for _ in range(3):
        proposals = next(source)
        assert (proposals.deltas.shape, proposals.deltas.dtype) == ((30, 2, n), np.uint8)
        assert proposals.deltas.max() < n
        assert (proposals.repaired <= 2).all()
        assert (proposals.repaired[proposals.as_decoded] == 0).all()
        for delta, as_decoded in zip(proposals.deltas, proposals.as_decoded, strict=True):
            assert not as_decoded or naive.is_synchronizing(delta.tolist())
        first, second = split_parents(proposals.parents).transpose(1, 0, 2)
        sizes = np.repeat([5, 4], 15) if name != "prior" else np.full(30, -1)
        assert first[:, 0].tolist() == sizes.tolist()
        if name == "interpolation":
            assert sorted(second[:, 0]) == sorted(sizes)
            assert 0 < (first[:, 0] != second[:, 0]).sum() < 30  # within sizes and between them
            assert ((proposals.alpha >= 0) & (proposals.alpha <= 1)).all()
        else:
            assert (second == -1).all()
            assert np.isnan(proposals.alpha).all()
        seen.add(proposals.deltas.tobytes())
    assert len(seen) == 3


def test_insertion_splits_transitions_of_its_parents() -> None:
    proposals = next(SOURCES["insertion"](make_context(6)))
    assert proposals.deltas.shape == (30, 2, 6)
    first, second = split_parents(proposals.parents).transpose(1, 0, 2)
    assert first[:, 0].tolist() == [5] * 15 + [4] * 15
    assert (second == -1).all() and not proposals.repaired.any() and np.isnan(proposals.alpha).all()
    for child, (size, row) in zip(proposals.deltas.astype(int), first.tolist(), strict=True):
        for last in reversed(range(size, 6)):  # undone state by state
            letters, sources = np.nonzero(child[:, :last] == last)
            child[letters, sources] = child[letters, last]
            child = child[:, :last]
        assert np.array_equal(child, ELITES[size].deltas[row])


@pytest.mark.parametrize(("k", "partial"), [(1, False), (2, False), (2, True), (3, False)])
@pytest.mark.parametrize("n", [6, 12])
def test_edits_are_automata_with_one_parent_each(n: int, k: int, partial: bool) -> None:
    elites = {size: make_elites(size, 9, k) for size in (4, 5)}
    editor = Learner(DENOISER, 12, k, LEARN, 0, CPU, partial=partial)
    batches = []
    for _ in range(2):
        context = replace(make_context(n, elites=elites), k=k, partial=partial, editor=editor)
        source = SOURCES["editing"](context)
        batches.append([next(source) for _ in range(2)])
    for proposals, again in zip(*batches, strict=True):  # equal seeds propose the same
        assert all(
            np.array_equal(own, its) for own, its in zip(proposals[:4], again[:4], strict=True)
        )
        assert (proposals.deltas.shape, proposals.deltas.dtype) == ((30, k, n), np.uint8)
        undefined = proposals.deltas == UNDEFINED
        assert ((proposals.deltas < n) | undefined).all()
        assert undefined.any() == partial
        assert np.array_equal(
            proposals.as_decoded, may_synchronize(proposals.deltas, partial=partial)
        )
        first, second = split_parents(proposals.parents).transpose(1, 0, 2)
        assert np.isin(first[:, 0], [4, 5]).all()
        assert (second == -1).all() and not proposals.repaired.any()
    assert len(np.unique(np.concatenate([own.deltas for own in batches[0]]), axis=0)) > 30 or k == 1


def test_the_most_promising_edits_come_first(monkeypatch) -> None:
    editor, drafted = Learner(DENOISER, 12, 2, LEARN, 0, CPU), []
    certainty = editor.model.certainty

    def noted(tokens: torch.Tensor, hidden: torch.Tensor, *given, **how) -> torch.Tensor:
        found = certainty(tokens, hidden, *given, **how)
        drafted.append((decode_tokens(tokens.numpy()), found.numpy()))
        return found

    monkeypatch.setattr(editor.model, "certainty", noted)
    elites = ELITES[5]._replace(thresholds=np.full(40, 7, np.int32))  # no parent is better
    source = SOURCES["editing"](replace(make_context(6, elites={5: elites}), editor=editor))
    first, second = next(source), next(source)
    assert [len(deltas) for deltas, _ in drafted] == [30] * 9
    deltas = np.concatenate([deltas for deltas, _ in drafted])
    certainties = np.concatenate([certainties for _, certainties in drafted])
    early = np.argsort(-certainties[:240], kind="stable")
    assert np.array_equal(first.deltas, deltas[early[:30]])
    left = np.append(early[30:], np.arange(240, 270))
    assert np.array_equal(
        second.deltas, deltas[left[np.argsort(-certainties[left], kind="stable")[:30]]]
    )


def test_edits_of_better_parents_come_first() -> None:
    editor = Learner(DENOISER, 12, 2, LEARN, 0, CPU)
    source = SOURCES["editing"](replace(make_context(6, elites={5: ELITES[5]}), editor=editor))
    early = next(source).parents[:, 0] & 0xFFFF
    assert ELITES[5].thresholds[early].mean() > 1.1 * ELITES[5].thresholds.mean()


@pytest.mark.parametrize(("k", "partial"), [(1, False), (2, False), (2, True), (3, False)])
@pytest.mark.parametrize("n", [1, 2, 6])
def test_edits_at_one_size(n: int, k: int, partial: bool) -> None:
    editor = Learner(DENOISER, 12, k, LEARN, 0, CPU, partial=partial)
    parents = sampling.sample_uniform(np.random.default_rng(0), 50, n, k)
    contexts = [replace(make_context(9), k=k, partial=partial, editor=editor) for _ in range(2)]
    first, again = (edit(context, parents) for context in contexts)
    assert (first.shape, first.dtype) == (parents.shape, np.uint8)
    assert np.array_equal(first, again)
    assert ((first < n) | ((first == UNDEFINED) & partial)).all()
    assert n < 3 or not np.array_equal(first, edit(contexts[0], parents))


def test_edits_keep_most_of_their_parents(monkeypatch) -> None:
    """What is hidden is the new state, what is beside it, and at most a quarter of the rest."""
    editor = Learner(DENOISER, 12, 2, LEARN, 0, CPU)
    asked = []

    def fill(tokens, hidden, generator, **how):
        asked.append((hidden.float().mean().item(), how["temperature"], how["certain_first"]))
        return tokens

    monkeypatch.setattr(editor.model, "fill", fill)
    elites = {11: make_elites(11, 9)}
    context = replace(make_context(12, elites=elites), editor=editor)
    source = SOURCES["editing"](context)
    for _ in range(20):
        next(source)
        kept = canonical_forms(edit(context, elites[11].deltas))
        assert np.array_equal(kept, canonical_forms(elites[11].deltas))  # in another numbering
    shares, temperatures, orders = zip(*asked, strict=True)
    assert 0.2 < np.mean(shares) < 0.45
    assert {*temperatures} == {0.7, 1.0} and {*orders} == {False, True}


def test_stretching_lengthens_the_best_first() -> None:
    source = SOURCES["stretching"](make_context(6))
    batches = [next(source) for _ in range(3)]  # 16, 16 and 8 elites of each size
    assert [len(next(source).deltas) for _ in range(2)] == [0, 0]
    for size in (5, 4):
        elites = ELITES[size].deltas
        grown = [canonical_forms(stretch(find_stretches([one]), 6 - size)) for one in elites]
        seen: set[bytes] = set()
        for number, proposals in enumerate(batches):
            parents = split_parents(proposals.parents)
            assert (parents[:, 1] == -1).all() and not proposals.repaired.any()
            own = parents[:, 0, 0] == size
            children = canonical_forms(proposals.deltas[own])
            rows = parents[own, 0, 1]
            assert all(child in grown[row] for row, child in zip(rows, children, strict=True))
            chunk = range(16 * number, min(16 * number + 16, 40))
            assert {*rows.tolist()} <= {*chunk}
            expected = {form.tobytes() for row in chunk for form in grown[row]}
            assert {*map(bytes, children)} == expected
            seen |= expected
        assert len(seen) > 3


def test_stretching_lengthens_runs_of_each_period() -> None:
    rng = np.random.default_rng(0)
    sizes = (5, 6, 7, 8)
    drawn = {size: sample_synchronizing(rng, 400, size, 2) for size in sizes}
    elites = {size: Elites(own, thresholds_of(own, partial=False)) for size, own in drawn.items()}
    source = SOURCES["stretching"](make_context(9, elites=elites))
    children: dict[int, set[bytes]] = {size: set() for size in sizes}
    for proposals in islice(source, 25):
        parents = split_parents(proposals.parents)[:, 0, 0]
        for size in sizes:
            children[size] |= {*map(bytes, canonical_forms(proposals.deltas[parents == size]))}
    for size, periods in ((8, (1,)), (7, (1, 2)), (6, (3,)), (5, (4,))):
        grown = [stretch(find_stretches(drawn[size], period=p), 9 - size) for p in periods]
        expected = {*map(bytes, canonical_forms(np.concatenate(grown)))}
        assert children[size] == expected and (expected or size == 5)


def test_constructive_automata_have_no_parents() -> None:
    proposals = next(SOURCES["constructive"](make_context(6)))
    assert proposals.deltas.shape[1:] == (2, 6) and 0 < len(proposals.deltas) <= 30
    assert (proposals.parents == -1).all() and not proposals.repaired.any()


@pytest.mark.parametrize("name", [*DECODING, "editing", "sampling"])
def test_a_source_that_needs_a_model(name: str) -> None:
    with pytest.raises(RuntimeError, match="needs a model, but its arm has none"):
        next(SOURCES[name](make_context(6)))


def test_without_a_latent_space(learner: Learner) -> None:
    sequence = Learner(AUTOENCODER, 8, 2, replace(LEARN, latent=0), 0, CPU)
    weights = torch.Generator().manual_seed(0)
    torch.nn.init.normal_(sequence.model.decoder.output.weight, std=2.0, generator=weights)
    distinct = {}
    for name, temperature in [("prior", 0.7), ("cooled", 0.7), ("cooled", 1e-3)]:
        source = SOURCES[name](make_context(7, sequence, batch=60, temperature=temperature))
        distinct[name, temperature] = len(np.unique(next(source).deltas, axis=0))
    assert distinct["prior", 0.7] > distinct["cooled", 0.7] > distinct["cooled", 1e-3] == 1


def test_names_of_parents() -> None:
    for size in (1, 8, 64):
        rows = np.array([0, 1, 2**31 - 1])
        names = np.stack([name_parents(size, rows), np.full(3, -1)], 1)
        assert names.dtype == np.int64
        pairs = split_parents(names)
        assert pairs.dtype == np.int32
        assert pairs.tolist() == [[[size, row], [-1, -1]] for row in rows.tolist()]


# --- what is reported -------------------------------------------------------------------------


@pytest.mark.parametrize("arm", ["vae+insertion", "evolve"])
@pytest.mark.parametrize("share", [0.6, 0.8, 1.0])
def test_candidates(
    runs: dict[str, Taken], tmp_path: Path, monkeypatch, arm: str, share: float
) -> None:
    steps = runs[arm].steps
    table = candidates(steps, LEARN.elites, share)
    assert [*table.columns] == CANDIDATE_COLUMNS
    assert table["rank"].tolist() == [*range(1, len(table) + 1)]
    for n, step in steps.items():
        best = step.thresholds == step.thresholds.max()
        near = (step.thresholds >= share * cerny_bound(n)) | best
        own = table[table["n"] == n]
        forms = [tuple(map(int, form.split())) for form in own["canonical"]]
        assert {*forms} == {*map(tuple, step.forms[near].tolist())}
        order = [(gap, form) for gap, form in zip(own["gap"], forms, strict=True)]
        assert order == sorted(order) and len(order) == near.sum()
    assert table["n"].tolist() == sorted(table["n"])
    table.to_csv(tmp_path / "table.csv", index=False)
    if len(table):
        assert verify_candidates(tmp_path / "table.csv") == len(table)
    monkeypatch.setattr(tables, "_CHUNK", 7)
    pieces = candidates(steps, LEARN.elites, share)
    assert pieces.to_csv() == table.to_csv()


def test_parents_are_given_as_automata(runs: dict[str, Taken]) -> None:
    steps = runs["vae+insertion"].steps
    table = candidates(steps, LEARN.elites).set_index("canonical")
    alone = candidates({6: steps[6]}, LEARN.elites)
    assert (alone[["parent_a", "parent_b"]] == "").all(axis=None)
    named = 0
    for n, step in steps.items():
        for form, mode, parents in zip(
            step.forms.tolist(), step.sources, step.parents.tolist(), strict=True
        ):
            text = " ".join(map(str, form))
            if text not in table.index:
                continue
            row = table.loc[text]
            assert row["mode"] == [*step.tallies][mode]
            for column, (size, place) in zip(("parent_a", "parent_b"), parents, strict=True):
                if size < 0:
                    assert row[column] == ""
                    continue
                parent = parse_delta(row[column])
                assert parent.shape == (2, size) and size in (n - 1, n - 2)
                assert np.array_equal(parent, steps[size].elites(LEARN.elites).deltas[place])
                named += 1
    assert named > 3


def test_a_summary(runs: dict[str, Taken]) -> None:
    steps = runs["insertion"].steps
    table = summary(steps).set_index("n")
    assert table.index.tolist() == SIZES
    for n, (_, thresholds) in {**runs["evolve"].asked, **runs["insertion"].asked}.items():
        row = table.loc[n]
        top = thresholds >= n * n - 4 * n + 6
        assert row["calls"] == len(thresholds)
        assert row["best_threshold"] == thresholds.max()
        assert row["cerny_bound"] == (n - 1) ** 2
        assert row["top"] == top.sum()
        assert row["top_first_look"] == top[: steps[n].first_look].sum()
    assert table["first_look"].tolist() == [steps[n].first_look for n in SIZES]
    assert {f"{name}_seconds" for name in steps[6].seconds} <= {*table.columns}
