"""The job and the command of discovery: folders, kills, refusals, tables, archives."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from filelock import FileLock

import pipeline
from automata import evolution, units
from automata.canonical import canonical_forms
from automata.properties import in_classes
from automata.text.formats import parse_delta
from data.dataset import read_dataset
from data.files import json_sha256
from search.candidates import CANDIDATE_COLUMNS
from search.discovery import engine
from search.discovery.config import DiscoverConfig
from search.discovery.saved import load_step
from search.discovery.step import step_folder
from search.jobs import discovery as job
from search.jobs import discovery_tables as report
from search.scoring.comparison import COMPARISON_COLUMNS, RATIO_COLUMNS
from search.scoring.scores import FAMILY_COLUMNS, SCORE_COLUMNS
from tests.commands import PROGRESS

ROOT = Path(__file__).parents[2]
OPTIONS = {
    "from": 3, "to": 6, "start-to": 4, "start-budget": 300, "budget": 120, "first-look": 60,
    "elites": 60, "first-steps": 3, "steps": 2, "latent": 4, "arms": "insertion", "workers": 1,
}  # fmt: skip
SIZES = [3, 4, 5, 6]
PICTURES = [f"{name}.{kind}" for name in ("families", "hits", "gaps") for kind in ("png", "svg")]
COMPARISON = ["scores.csv", "comparison.csv", "ratios.csv", "families.csv", "starts.csv"]
COMPARISON += ["records.csv", "running_times.csv", "best.csv"]

pytestmark = pytest.mark.usefixtures("one_thread")


def words(**changes) -> list[str]:
    """A command line: the options as above, with some changes."""
    options = {name.replace("_", "-"): value for name, value in changes.items()}
    pairs = (OPTIONS | options).items()
    return ["discover", *(word for name, value in pairs for word in ("--" + name, str(value)))]


def draw(_: object, stem: Path, **_options: object) -> list[Path]:
    """Draw nothing."""
    pictures = [stem.with_suffix(f".{kind}") for kind in ("png", "svg")]
    for picture in pictures:
        picture.touch()
    return pictures


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(job, "processes", lambda workers: units.here())
    monkeypatch.setattr(engine, "_IDLE_BATCHES", 6)
    monkeypatch.setattr(evolution, "_RANDOM_PATIENCE", 5000)
    monkeypatch.setattr(evolution, "_CHILD_PATIENCE", 5000)
    for name in ("plot_families", "plot_hits", "plot_gaps"):
        monkeypatch.setattr(report, name, draw)


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Iterator[Path]:
    """Holds run, of one arm, and runs, of three with two seeds; not to be changed."""
    folder = tmp_path_factory.mktemp("folders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "processes", lambda workers: units.here())
        patch.setattr(engine, "_IDLE_BATCHES", 6)
        for line in (
            words(arms="vae+insertion", out=folder / "one" / "run"),
            words(arms="evolve,insertion,vae", seeds=2, out=folder / "several" / "runs"),
        ):
            pipeline.cli.main([*line], standalone_mode=False)
    yield folder


@pytest.fixture
def run(folders: Path, tmp_path: Path) -> Path:
    """A copy of the run of one arm, its archive beside it."""
    shutil.copytree(folders / "one", tmp_path, dirs_exist_ok=True)
    return tmp_path / "run"


@pytest.fixture
def runs(folders: Path, tmp_path: Path) -> Path:
    """A copy of the three arms."""
    shutil.copytree(folders / "several", tmp_path, dirs_exist_ok=True)
    return tmp_path / "runs"


def contents(folder: Path) -> dict[str, object]:
    """All that a folder of runs holds, but for times; of pictures the names alone."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.name in ("summary.csv", *COMPARISON):
            table = pd.read_csv(path)
            found[name] = table[[c for c in table if "second" not in c]].to_csv()
        elif path.name == "run.json":
            found[name] = {**json.loads(path.read_text()), "seconds": 0}
        elif name == "checksums.json":
            found[name] = sorted(json.loads(path.read_text()))
        elif path.suffix in (".png", ".svg"):
            found[name] = b""
        elif path.is_file() and path.name != "seconds.json":
            found[name] = path.read_bytes()
    return found


def archived(path: Path) -> dict[str, list]:
    """All that an archive holds, but for times."""
    with sqlite3.connect(path) as database:
        automata = database.execute("SELECT n, k, canonical, reset_threshold, word FROM automata")
        finds = database.execute("SELECT n, k, canonical, run, arm FROM finds")
        tables = {"automata": sorted(automata), "finds": sorted(finds)}
    database.close()
    return tables


def taken(folder: Path) -> dict[str, int]:
    """When each step was written."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("found.npz")
    }


# --- one run ----------------------------------------------------------------------------------


def test_what_one_run_leaves(run: Path) -> None:
    steps = [f"seed-0/start/n-0{n}" for n in (3, 4)]
    steps += [f"seed-0/vae+insertion/n-0{n}" for n in (5, 6)]
    files = {".lock", "candidates.csv", "summary.csv", "gaps.png", "gaps.svg"}
    files |= {f"{name}.json" for name in ("checksums", "run", "settings")}
    for step in steps:
        files |= {f"{step}/{name}" for name in ("checksums.json", "found.npz", "step.json")}
        files |= {f"{step}/seconds.json"}
        files |= {f"{step}/model.safetensors"} if "vae" in step else set()
    paths = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert paths == files
    record = json.loads((run / "run.json").read_text())
    assert record["command"] == "discover"
    assert record["covers"] == {"vae+insertion": [0]}
    settings = json.loads((run / "settings.json").read_text())
    digest = settings.pop("sha256")
    assert settings == {**record["config"], "threads": 1}
    assert digest == json_sha256(settings)
    assert "seed" not in settings and settings["learn"]["steps"] == 2


def test_progress_ends_at_all_calls_though_not_all_are_spent(tmp_path: Path, call) -> None:
    answer = call(words(to=5, out=tmp_path / "run"))
    spent = pd.read_csv(tmp_path / "run" / "summary.csv")["calls"].sum()
    assert spent < 300 + 300 + 120
    assert f"discover n=5: {spent}/{spent} calls (100%)" in answer.err.splitlines()[-1]


def test_the_tables_of_one_run(run: Path, call) -> None:
    summary = pd.read_csv(run / "summary.csv")
    assert summary["n"].tolist() == SIZES
    assert (summary["calls"] <= [300, 300, 120, 120]).all()
    assert summary["first_look"].tolist()[:2] == [0, 0]
    assert summary["first_look"][2:].between(1, 60).all()
    candidates = pd.read_csv(run / "candidates.csv", keep_default_na=False)
    assert [*candidates] == CANDIDATE_COLUMNS
    assert {*candidates["n"]} == {*SIZES}
    modes = {*candidates["mode"]}
    assert "evolve" in modes and len(modes) > 1
    for row in candidates.itertuples():
        parents = [text for text in (row.parent_a, row.parent_b) if text]
        assert all(parse_delta(text).shape[1] in (row.n - 1, row.n - 2) for text in parents)
        assert bool(parents) == (row.mode not in ("evolve", "prior"))
    answer = call(["verify", run / "candidates.csv", "--json"])
    assert json.loads(answer.out) == {"rows verified": len(candidates)}


@pytest.mark.parametrize("share", [0.6, 0.8, 1.0])
def test_the_archive_of_one_run(tmp_path: Path, call, share: float) -> None:
    path = tmp_path / "other.sqlite"
    line = words(out=tmp_path / "run", archive=path, archive_at_least=share)
    assert call(line).code == 0
    candidates = pd.read_csv(tmp_path / "run" / "candidates.csv")
    near = candidates[candidates["reset_threshold"] >= share * candidates["cerny_bound"]]
    texts = {" ".join(map(str, form)) for _, _, form, *_ in archived(path)["automata"]}
    assert texts == {*near["canonical"]}
    assert len(texts) == len(archived(path)["finds"]) > 0
    assert not (tmp_path / "archive.sqlite").exists()
    for n, _, _, run, arm in archived(path)["finds"]:
        assert (run, arm) == ("run/seed-0", "start" if n <= 4 else "insertion")
    answer = call(["archive", "verify", "--archive", path, "--workers", "1", "--json"])
    assert json.loads(answer.out) == {"automata verified": len(texts)}


def test_the_archive_of_what_is_far_below_the_bound(tmp_path: Path, call) -> None:
    path = tmp_path / "archive.sqlite"
    assert call(words(out=tmp_path / "run", archive_at_least=0.3)).code == 0
    candidates = pd.read_csv(tmp_path / "run" / "candidates.csv")
    shares = [threshold / (n - 1) ** 2 for n, _, _, threshold, *_ in archived(path)["automata"]]
    assert 0.3 <= min(shares) < 0.6
    assert (
        sum(share >= 0.6 for share in shares)
        == (candidates["reset_threshold"] >= 0.6 * candidates["cerny_bound"]).sum()
    )


def strict(text: str):
    """Parse JSON as the standard has it: without NaN."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_the_same_again_takes_nothing(run: Path, call) -> None:
    before, times, archive = contents(run), taken(run), archived(run.parent / "archive.sqlite")
    record = (run / "run.json").read_text()
    line = words(arms="vae+insertion", out=run)
    answer = call([*line, "--json"])
    assert (answer.code, answer.complaints()) == (0, [])
    printed = strict(answer.out)
    assert [row["n"] for row in printed["sizes"]] == SIZES
    names = ("candidates.csv", "summary.csv", "gaps.png", "gaps.svg")
    assert printed["files"] == [str(run / name) for name in names]
    assert contents(run) == before
    assert taken(run) == times
    assert (run / "run.json").read_text() == record
    assert archived(run.parent / "archive.sqlite") == archive
    answer = call(line)
    assert answer.code == 0
    assert "best_threshold" in answer.out and f"{run}/candidates.csv" in answer.out


def test_more_workers_change_nothing(run: Path, tmp_path: Path, call) -> None:
    """Threads of the solver; those of torch are as at the beginning."""
    shutil.rmtree(run / "seed-0" / "vae+insertion" / "n-06")
    before = {name: data for name, data in contents(run).items() if "n-06" not in name}
    assert call(words(arms="vae+insertion", out=run, workers=2)).code == 0
    after = contents(run)
    assert {name: after[name] for name in before} == before
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"budget": 121}, "budget=120 there, 121 here"),
        ({"letters": 3}, "k=2 there, 3 here"),
        ({"from": 4}, "least=3 there, 4 here"),
        ({"to": 7}, "most=6 there, 7 here"),
        ({"start-to": 5}, "start_to=4 there, 5 here"),
        ({"start-budget": 1}, "start_budget=300 there, 1 here"),
        ({"first-look": 59}, "first_look=60 there, 59 here"),
        ({"elites": 61, "steps": 3}, "learn.elites=60 there, 61 here; learn.steps=2 there, 3 here"),
        ({"latent": 5}, "learn.latent=4 there, 5 here"),
        ({"class": "sink"}, "classes=[] there, ['sink'] here"),
    ],
)
@pytest.mark.parametrize("ended", [True, False])
def test_other_settings_are_refused(
    run: Path, call, ended: bool, changes: dict, difference: str
) -> None:
    if not ended:
        (run / "run.json").unlink()
    before = contents(run)
    answer = call(words(**{"arms": "vae+insertion", "out": run} | changes))
    holds = "another run" if ended else "runs of other settings"
    message = f"Error: {run}: holds {holds} ({difference}); --force discards it"
    assert (answer.code, answer.out, answer.complaints()) == (3, "", [message])
    assert contents(run) == before


def test_force_discards_what_runs_have_left(run: Path, tmp_path: Path, call) -> None:
    (run / "notes.txt").write_text("mine")
    (run / "seed-0-old").mkdir()
    (run / "seed-9" / "vae").mkdir(parents=True)
    assert call([*words(budget=50, out=run), "--force"]).code == 0
    assert call(words(budget=50, out=tmp_path / "fresh" / "run")).code == 0
    mine = {"notes.txt"}
    assert (run / "seed-0-old").is_dir() and not (run / "seed-9").exists()
    after = contents(run)
    assert {name: after[name] for name in after.keys() - mine} == contents(
        tmp_path / "fresh" / "run"
    )


def test_force_discards_a_comparison(runs: Path, call) -> None:
    assert call([*words(budget=50, out=runs), "--force"]).code == 0
    assert not [name for name in COMPARISON if (runs / name).exists()]
    assert {path.name for path in runs.glob("seed-*")} == {"seed-0"}


@pytest.mark.parametrize("moment", ["settings", "seeds"])
def test_a_forced_run_that_is_cut_off_leaves_nothing_of_two_kinds(
    run: Path, call, monkeypatch, moment: str
) -> None:
    """Wherever it stops, steps of the old settings are never taken for those of the new ones."""
    original = shutil.rmtree

    def cut(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if moment == "seeds":
            patch.setattr(job.shutil, "rmtree", cut)
        else:
            patch.setattr(job, "write_settings", cut)
        assert call([*words(budget=50, out=run), "--force"]).code == 130
    assert shutil.rmtree is original
    answer = call(words(budget=50, out=run))
    if answer.code == 0:
        steps = [load_step(path.parent) for path in run.rglob("found.npz")]
        assert max(step.calls for step in steps if step is not None and step.n > 4) == 50
    else:
        assert answer.code == 3 and "--force" in answer.complaints()[0]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *[("settings.json", text) for text in ("", "[]", '{"threads": "1"}', "{}")],
        ("run.json", "{"),
        ("seed-0/start/n-04/found.npz", "zip"),
        ("seed-0/start/n-03/step.json", "{}"),
        ("seed-0/vae+insertion/n-05/model.safetensors", ""),
        ("seed-0/vae+insertion/n-06/checksums.json", "{"),
    ],
)
def test_damage_is_named(run: Path, call, name: str, how: str) -> None:
    (run / name).write_text(how)
    answer = call(words(arms="vae+insertion", out=run))
    (complaint,) = answer.complaints()
    assert answer.code == 3
    assert complaint.startswith(f"Error: {run / name}: ")


@pytest.mark.parametrize("threads", [0, 3, -1, True, 1.0, "1", 10**6, 10**30, None])
@pytest.mark.parametrize("digest", [True, False])
def test_changed_settings_are_refused(run: Path, call, threads: object, digest: bool) -> None:
    """Whether they name themselves, or are older: 3 threads could be the number of an older run."""
    settings = json.loads((run / "settings.json").read_text())
    assert settings["threads"] == 1
    settings["threads"] = threads
    if not digest:
        del settings["sha256"]
    (run / "settings.json").write_text(json.dumps(settings))
    answer = call(words(arms="vae+insertion", out=run))
    if threads == 3 and not digest:
        assert answer.code == 0
        return
    (complaint,) = answer.complaints()
    assert answer.code == 3 and complaint.startswith(f"Error: {run / 'settings.json'}: ")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *[("k", value) for value in (True, 2.0, "2", 10**9)],
        *[("most", value) for value in (65, [], None)],
        *[("learn", value) for value in ([], 3, {"latent": True}, {"more": 1})],
        *[("classes", value) for value in ("sink", ["odd"], [[]])],
        *[("device", value) for value in ("tpu", 1, None)],
        ("more", "x" * 10**6),
    ],
)
def test_settings_that_cannot_be(run: Path, call, place: str, value: object) -> None:
    settings = json.loads((run / "settings.json").read_text())
    del settings["sha256"]
    settings[place] = value
    (run / "settings.json").write_text(json.dumps(settings))
    answer = call(words(arms="vae+insertion", out=run))
    (complaint,) = answer.complaints()
    assert answer.code == 3 and len(complaint) < 1000
    assert complaint.startswith(f"Error: {run / 'settings.json'}: not the settings of a run")


def test_steps_without_their_settings_are_refused(run: Path, call) -> None:
    (run / "settings.json").unlink()
    answer = call(words(arms="vae+insertion", out=run))
    assert answer.code == 3
    assert answer.complaints() == [
        f"Error: {run}: holds runs without their settings.json; --force discards them"
    ]


def test_a_folder_where_another_process_works_is_refused(run: Path, call) -> None:
    before = contents(run)
    with FileLock(run / ".lock"):
        for force in ([], ["--force"]):
            answer = call([*words(arms="vae+insertion", out=run), *force])
            assert answer.code == 3
            assert answer.complaints() == [f"Error: {run}: another process is at work there"]
    assert contents(run) == before


def test_an_archive_that_is_none_is_refused_at_once(tmp_path: Path, call) -> None:
    (tmp_path / "archive.sqlite").write_text("no archive of anything")
    answer = call(words(out=tmp_path / "run"))
    assert answer.code == 3
    assert len(answer.complaints()) == 1 and "archive.sqlite: " in answer.complaints()[0]
    assert not [*tmp_path.rglob("found.npz")]


# --- options ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"from": 5}, "start-to=4 is not in 5..6"),
        ({"start-to": 7}, "start-to=7 is not in 3..6"),
        ({"to": 65}, "to=65 is not in 1..64"),
        ({"letters": 0}, "letters=0 is not in 1..6"),
        ({"budget": 0}, "budget=0 is not in 1.."),
        ({"first-look": 0}, "first-look=0 is not in 1.."),
        ({"elites": 1}, "elites=1 is not in 2.."),
        ({"steps": -1}, "steps=-1 is not in 0.."),
        ({"latent": -1}, "latent=-1 is not in 0.."),
        ({"latent": 0, "arms": "vae"}, "latent=0 is too small for the arm vae: at least 1"),
        ({"latent": 0, "arms": "insertion,arithmetic"}, "arm arithmetic: at least 1"),
        ({"latent": 1, "arms": "latent-search"}, "arm latent-search: at least 2"),
        ({"latent": 1, "prior": "flow"}, "latent=1 is below 2: too few for prior=flow"),
        ({"prior": "vamp", "posterior": "iaf"}, "prior=vamp needs posterior=diagonal, not iaf"),
        (
            {"arms": "vae,best"},
            "unknown arm 'best': one of evolve, insertion, stretch, constructive,",
        ),
        ({"arms": "vae,vae"}, "arms=vae,vae"),
        ({"arms": ""}, "unknown arm ''"),
        ({"arms": "vae,"}, "unknown arm ''"),
        ({"arms": "start"}, "unknown arm 'start'"),
        ({"seeds": 0}, "--seeds"),
        ({"seed": -1}, "--seed"),
        ({"seeds": "two"}, "'two' is not a valid integer"),
        ({"workers": 0}, "--workers"),
        ({"class": "nonsense"}, "unknown class 'nonsense': one of synchronizing"),
        ({"class": "not-aperiodic", "to": 21}, "n=21 is over the limit of 20"),
        ({"archive-at-least": 2}, "archive-at-least=2.0 is not in 0..1"),
        ({"archive-at-least": "nan"}, "archive-at-least=nan"),
        ({"device": "tpu"}, "--device"),
        ({"to": 4, "arms": "insertion,evolve"}, "to=4, start-to=4: no size is left to compare"),
        ({"to": 4, "seeds": 2}, "to=4, start-to=4: no size is left to compare"),
        ({"to": 5, "arms": "vae,vae-once"}, "vae and vae-once are the same"),
    ],
)
def test_bad_usage(tmp_path: Path, call, changes: dict, message: str) -> None:
    answer = call(words(**{"out": tmp_path / "run"} | changes))
    assert (answer.code, answer.out) == (2, "")
    (complaint,) = answer.complaints()
    assert complaint.startswith("Error: ") and message in complaint
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("sizes", "start"), [((3, 4), 4), ((9, 9), 9), ((7, 8), 8), ((3, 10), 8), ((9, 12), 9)]
)
def test_without_start_to_it_is_8_or_the_nearest_size(sizes: tuple, start: int) -> None:
    config = DiscoverConfig(least=sizes[0], most=sizes[1])
    assert (config.start_to, replace(config, k=3).start_to) == (start, start)


def test_sizes_below_8_need_no_start_to(tmp_path: Path, call) -> None:
    line = "discover --from 3 --to 4 --start-budget 100 --workers 1 --out"
    answer = call([*line.split(), tmp_path / "run"])
    assert (answer.code, answer.complaints()) == (0, [])
    assert json.loads((tmp_path / "run" / "settings.json").read_text())["start_to"] == 4


def candidates_of(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "candidates.csv", keep_default_na=False)


@pytest.mark.parametrize("arm", ["vae", "insertion"])
@pytest.mark.parametrize("names", [("eulerian", "basic"), ("not-sink",)])
def test_within_classes(tmp_path: Path, call, arm: str, names: tuple[str, ...]) -> None:
    line = words(arms=arm, out=tmp_path / "run", budget=60, first_look=30)
    for name in names:
        line += ["--class", name]
    assert call(line).code == 0
    for path in tmp_path.rglob("found.npz"):
        step = load_step(path.parent)
        assert step is not None
        deltas = [np.array(form).reshape(step.n, 2).T for form in step.forms.tolist()]
        assert len(deltas) and in_classes(np.array(deltas), names).all()
    found = candidates_of(tmp_path / "run")
    assert len(found) > 5
    for text in found["delta"]:
        assert in_classes(parse_delta(text)[None], ("synchronizing", *names)).all()
    assert call(["verify", tmp_path / "run" / "candidates.csv"]).code == 0


@pytest.mark.parametrize("k", [1, 3])
def test_other_numbers_of_letters(tmp_path: Path, call, k: int) -> None:
    out = tmp_path / "run"
    answer = call(words(arms="vae", letters=k, out=out, **{"first-look": 20, "budget": 40}))
    assert (answer.code, answer.complaints()) == (0, [])
    found = candidates_of(out)
    assert {*found["k"]} == {k} and {*found["n"]} == {*SIZES}
    assert call(["verify", out / "candidates.csv"]).code == 0
    if k == 1:  # all trees, and the path is the slowest
        summary = pd.read_csv(out / "summary.csv")
        assert summary["best_threshold"].tolist() == [2, 3, 4, 5]
        assert summary["calls"].tolist()[:2] == [2, 4]
        assert summary["calls"].tolist()[2:] == [9, 20]


def test_a_start_alone(tmp_path: Path, call) -> None:
    answer = call(words(to=4, out=tmp_path / "run", arms="vae"))
    assert (answer.code, answer.complaints()) == (0, [])
    assert {*candidates_of(tmp_path / "run")["n"]} == {3, 4}


def test_a_class_without_members(tmp_path: Path, call) -> None:
    """With two letters and n > 2 one letter has to be a cycle of all states, and none may be."""
    line = words(out=tmp_path / "run", **{"class": "completely-reachable"})
    line += ["--class", "aperiodic"]
    answer = call(line)
    assert (answer.code, answer.out) == (3, "")
    assert answer.complaints() == ["Error: nothing found at sizes below n=5: nothing to leap from"]
    answer = call([*line, "--arms", "evolve"])
    assert (answer.code, answer.complaints()) == (0, [])
    assert len(candidates_of(tmp_path / "run")) == 0


def test_above_the_bound_it_is_loud(tmp_path: Path, call, monkeypatch) -> None:
    monkeypatch.setattr("data.best_known.cerny_bound", lambda n: 7)
    for arms in ("insertion", "insertion,evolve"):
        answer = call(words(out=tmp_path / "run", arms=arms))
        assert answer.code == 0
        assert any("ABOVE THE ČERNÝ BOUND" in line for line in answer.complaints())


# --- several runs -----------------------------------------------------------------------------


def test_the_slowest_of_a_comparison_can_be_verified(runs: Path, call) -> None:
    best, scores = (pd.read_csv(runs / name) for name in ("best.csv", "scores.csv"))
    assert call(["verify", runs / "best.csv"]).code == 0
    assert best["rank"].tolist() == [*range(1, len(best) + 1)]
    assert not best.duplicated(["n", "delta"]).any()
    found = {n: {*own["reset_threshold"]} for n, own in best.groupby("n")}
    assert [*found] == SIZES
    for n in (5, 6):
        assert found[n] == {scores.loc[scores["n"] == n, "best_threshold"].max()}


def test_what_a_comparison_leaves(runs: Path) -> None:
    arms = ["evolve", "insertion", "vae"]
    for seed in (0, 1):
        folder = runs / f"seed-{seed}"
        assert sorted(path.name for path in folder.iterdir()) == sorted(["start", *arms])
    names = {path.name for path in runs.iterdir()} - {"seed-0", "seed-1", ".lock"}
    assert names == {*COMPARISON, *PICTURES, "checksums.json", "run.json", "settings.json"}
    assert all((runs / name).stat().st_size > 1000 for name in PICTURES)
    for name in PICTURES:
        start = b"\x89PNG" if name.endswith("png") else b"<?xml"
        assert (runs / name).read_bytes().startswith(start)
    tables = {name: pd.read_csv(runs / name) for name in COMPARISON}
    assert [*tables["scores.csv"]] == SCORE_COLUMNS
    assert [*tables["comparison.csv"]] == COMPARISON_COLUMNS
    assert [*tables["families.csv"]] == FAMILY_COLUMNS
    assert [*tables["ratios.csv"]] == ["method", "baseline_method", *RATIO_COLUMNS]
    assert {*tables["ratios.csv"]["baseline_method"]} == {"insertion"}
    scores = tables["scores.csv"]
    whole = scores[scores["window"] == "all"]
    assert len(whole) == 3 * 2 * 2
    assert [*dict.fromkeys(whole["arm"])] == arms
    assert {*whole["n"]} == {5, 6} and {*whole["seed"]} == {0, 1}
    assert (whole["calls"] == 120).all()
    assert tables["starts.csv"][["seed", "n"]].to_numpy().tolist() == [
        [0, 3], [0, 4], [1, 3], [1, 4]
    ]  # fmt: skip
    finds = archived(runs.parent / "archive.sqlite")["finds"]
    assert {run for *_, run, _ in finds} == {"runs/seed-0", "runs/seed-1"}
    assert {arm for n, *_, arm in finds if n <= 4} == {"start"}
    assert {arm for n, *_, arm in finds if n > 4} == {*arms}


def test_arms_of_a_comparison_are_as_alone(runs: Path, tmp_path: Path, call) -> None:
    assert call(words(arms="vae", seed=1, out=tmp_path / "alone")).code == 0
    own = contents(tmp_path / "alone" / "seed-1")
    theirs = contents(runs / "seed-1")
    assert own == {name: data for name, data in theirs.items() if name in own}
    assert any(name.startswith("vae/n-06") for name in own)


def test_more_arms_and_seeds_take_only_what_is_missing(runs: Path, call) -> None:
    times, before = taken(runs), contents(runs)
    answer = call([*words(arms="insertion,vae-prior", seeds=3, out=runs), "--json"])
    assert (answer.code, answer.complaints()) == (0, [])
    printed = strict(answer.out)
    assert printed["files"] == [str(runs / name) for name in (*COMPARISON, *PICTURES)]
    arms = ["evolve", "insertion", "vae", "vae-prior"]
    assert [row["arm"] for row in printed["sizes"]] == [arm for arm in arms for _ in (5, 6)]
    assert [row["seeds"] for row in printed["sizes"]] == [*"22332233"]
    after = taken(runs)
    assert {name: after[name] for name in times} == times
    new = {*after} - {*times}
    expected = [f"seed-{seed}/vae-prior/n-0{n}" for seed in range(3) for n in (5, 6)]
    expected += [f"seed-2/insertion/n-0{n}" for n in (5, 6)]
    expected += [f"seed-2/start/n-0{n}" for n in (3, 4)]
    assert new == {f"{name}/found.npz" for name in expected}
    steps = {name: data for name, data in before.items() if name.startswith("seed-")}
    assert steps.items() <= contents(runs).items()
    record = json.loads((runs / "run.json").read_text())
    two, three = [0, 1], [0, 1, 2]
    covers = {"evolve": two, "insertion": three, "vae": two, "vae-prior": three}
    assert record["covers"] == covers
    # and one of them alone: its candidates beside the comparison of all
    tables = {name: (runs / name).read_bytes() for name in COMPARISON}
    assert call(words(arms="insertion", seed=2, out=runs)).code == 0
    assert taken(runs) == after
    assert {*candidates_of(runs)["n"]} == {*SIZES}
    assert {name: (runs / name).read_bytes() for name in COMPARISON} == tables
    assert {*json.loads((runs / "checksums.json").read_text())} > {"candidates.csv", *COMPARISON}
    assert json.loads((runs / "run.json").read_text()) == record


def test_a_run_joins_a_comparison(run: Path, call) -> None:
    times = taken(run)
    answer = call(words(arms="vae+insertion,evolve", out=run))
    assert (answer.code, answer.complaints()) == (0, [])
    after = taken(run)
    assert {name: after[name] for name in times} == times
    assert {*after} - {*times} == {f"seed-0/evolve/n-0{n}/found.npz" for n in (5, 6)}


def test_a_run_with_more_threads_is_joined(tmp_path: Path, call, monkeypatch) -> None:
    out = tmp_path / "run"
    few = {"to": 5, "budget": 30, "first_look": 20, "out": out}
    with monkeypatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "2")  # torch has read it already: it is told once more
        torch.set_num_threads(2)
        assert call(words(arms="vae", workers=2, **few)).code == 0
    torch.set_num_threads(1)
    for seeds, workers in ((1, 1), (2, 4)):
        assert call(words(arms="vae,insertion", seeds=seeds, workers=workers, **few)).code == 0
        assert json.loads((out / "settings.json").read_text())["threads"] == 2
    assert {*pd.read_csv(out / "scores.csv")["seed"]} == {0, 1}


def test_two_arms_that_do_the_same_are_a_bug(runs: Path, call, monkeypatch) -> None:
    for n in (5, 6):
        shutil.rmtree(step_folder(runs / "seed-0" / "insertion", n))
        shutil.copytree(
            step_folder(runs / "seed-0" / "vae", n), step_folder(runs / "seed-0" / "insertion", n)
        )
    line = words(arms="vae,insertion", out=runs)
    monkeypatch.setattr(sys, "argv", ["pipeline.py", *map(str, line)])
    with pytest.raises(RuntimeError, match="arms 'insertion' and 'vae' of seed 0"):
        pipeline.main()


@pytest.fixture(scope="module")
def truths(tmp_path_factory) -> dict[int, Path]:
    """Enumerations: at n = 5 of more than is kept, at n = 6 of less."""
    folder = tmp_path_factory.mktemp("truths")
    for n, least in [(5, 7), (6, 20)]:
        line = f"enumerate -n {n} -k 2 --at-least {least} --workers 1 --out {folder / str(n)}"
        pipeline.cli.main(line.split(), standalone_mode=False)
    return {5: folder / "5", 6: folder / "6"}


def test_recall(runs: Path, truths: dict[int, Path], call) -> None:
    line = words(arms="evolve,insertion,vae", seeds=2, out=runs)
    answer = call([*line, "--truth", truths[6], "--truth", truths[5]])
    assert (answer.code, answer.complaints()) == (0, [])
    scores = pd.read_csv(runs / "scores.csv")
    whole = scores[scores["window"] == "all"]
    assert (whole["recall"] > 0).sum() > 3
    for row in whole.itertuples():
        least = {5: 10, 6: 20}[row.n]  # 0.6 of the bound, and where the list begins
        listed = read_dataset(truths[row.n]).select(at_least=least).forms
        step = load_step(step_folder(runs / f"seed-{row.seed}" / row.arm, row.n))
        assert step is not None
        found = {*map(bytes, step.forms)} & {*map(bytes, canonical_forms_of(listed, row.n))}
        assert (row.listed, row.listed_found) == (len(listed), len(found))
        assert row.recall == pytest.approx(len(found) / len(listed))
    names = {f"truth {n}": str(truths[n].resolve()) for n in (5, 6)}
    assert json.loads((runs / "run.json").read_text())["inputs"] == names
    # one run more, without a word of the truth: what was scored stays so
    assert call(words(arms="stretch", seed=1, out=runs)).code == 0
    wider = pd.read_csv(runs / "scores.csv")
    assert {*wider["arm"]} == {"evolve", "insertion", "stretch", "vae"}
    assert wider[wider["window"] == "all"]["recall"].notna().all()
    assert json.loads((runs / "run.json").read_text())["inputs"] == names


def canonical_forms_of(forms: np.ndarray, n: int) -> np.ndarray:
    return canonical_forms(forms.reshape(-1, n, 2).transpose(0, 2, 1))


@pytest.mark.parametrize(
    ("changes", "folders", "message"),
    [
        ({}, [6], "nothing of this size is compared"),  # one run
        ({"seeds": 2}, [6, 6], "a second list of n=6"),
        ({"seeds": 2, "to": 5}, [6], "nothing of this size is compared"),
        ({"seeds": 2, "start-to": 5}, [5], "nothing of this size is compared"),
        ({"seeds": 2, "letters": 3}, [6], "enumerates n=6, k=2, but n=6, k=3 is searched"),
        ({"seeds": 2}, ["missing"], "missing"),
    ],
)
def test_truths_that_do_not_fit(
    tmp_path: Path, truths: dict[int, Path], call, changes: dict, folders: list, message: str
) -> None:
    line = words(**{"out": tmp_path / "run"} | changes)
    for name in folders:
        line += ["--truth", str(truths.get(name, tmp_path / "missing"))]
    answer = call(line)
    assert answer.code == 3
    (complaint,) = answer.complaints()
    assert message in complaint
    assert not [*tmp_path.rglob("found.npz")]


def test_whether_there_is_a_truth_changes_no_step(
    runs: Path, truths: dict[int, Path], tmp_path: Path, call
) -> None:
    line = words(arms="evolve,insertion", seeds=2, out=tmp_path / "other" / "runs")
    assert call([*line, "--truth", truths[6]]).code == 0
    own = contents(tmp_path / "other" / "runs")
    theirs = contents(runs)
    steps = {name: data for name, data in own.items() if name.startswith("seed-")}
    assert len(steps) == 2 * (2 + 2 * 2) * 3
    assert {name: theirs[name] for name in steps} == steps


# --- other processes, and kills ---------------------------------------------------------------


# Runs a command, then again and again in children that are killed.
KILLER = """
import json, os, shutil, sys
from pathlib import Path
import pipeline
from tests.killing import die_at_renamings, killed_until_done

words, start, warm, out = json.loads(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]

def run(out):
    sys.argv = ["pipeline.py", *words, "--out", out]
    try:
        pipeline.main()
    except SystemExit as end:
        assert end.code == 0, end.code

def work(attempt):
    die_at_renamings(start + attempt, 0.1)
    run(out)

run(warm)
killed_until_done(work, lambda: shutil.rmtree(Path(out).parent), kills=3, longest=1.0)
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize("start", range(0, 2000, 100))
def test_killed_again_and_again(run: Path, tmp_path: Path, start: int) -> None:
    out = tmp_path / "killed" / "run"
    line = words(arms="vae+insertion")
    command = [sys.executable, "-c", KILLER, json.dumps(line), str(start)]
    command += [str(tmp_path / "warm" / "run"), str(out)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    for own in (out, tmp_path / "warm" / "run"):
        assert contents(own) == contents(run)
        archive = archived(own.parent / "archive.sqlite")
        assert archive == archived(run.parent / "archive.sqlite")
    assert not [*out.rglob("*.tmp")]


def begin(out: Path, **changes) -> subprocess.Popen:
    """Begin a comparison, in a session of its own, and wait until it has begun its work."""
    command = [sys.executable, "pipeline.py", *words(**{"out": out} | changes)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    while process.poll() is None and not (out / "seed-0" / "insertion").exists():
        time.sleep(0.02)
    return process


def wait_for_children(session: int) -> None:
    """Wait until no process of a session is at work any more."""
    deadline = time.monotonic() + 60
    while True:
        listed = subprocess.run(
            ["ps", "-o", "stat=", "-g", str(session)], capture_output=True, text=True
        )
        if not [line for line in listed.stdout.split() if not line.startswith("Z")]:
            return
        assert time.monotonic() < deadline, listed.stdout
        time.sleep(0.05)


@pytest.mark.parametrize(
    "end", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.exhaustive)]
)
def test_runs_in_processes(
    runs: Path, tmp_path: Path, call, monkeypatch, end: signal.Signals
) -> None:
    """They end with the command, and what they have begun is begun again."""
    out = tmp_path / "apart" / "runs"
    process = begin(out, arms="insertion,evolve", seeds=2)
    os.kill(process.pid, end)
    _, complaints = process.communicate()
    wait_for_children(process.pid)
    assert not (out / "run.json").exists()
    if end == signal.SIGINT:
        assert process.returncode == 130
        errors = [line for line in complaints.splitlines() if not PROGRESS.fullmatch(line)]
        assert [line for line in errors if line] == [
            "Error: interrupted: the same command goes on from here"
        ]
    monkeypatch.setattr(job, "processes", units.processes)
    assert call(words(arms="evolve,insertion", seeds=2, out=out)).code == 0
    own, theirs = contents(out), contents(runs)
    steps = {name: data for name, data in own.items() if name.startswith("seed-")}
    assert {name: theirs[name] for name in steps} == steps
    assert len(steps) == 2 * (2 + 2 * 2) * 3
