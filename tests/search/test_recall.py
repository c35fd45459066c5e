"""Recall: what is counted, what is refused, and that nothing but the score sees the truth."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner

import pipeline
from automata.canonical import canonical_forms, from_canonical
from automata.properties import class_flags, in_classes
from automata.sampling import sample_uniform
from automata.solver.exact import reset_thresholds
from data import dataset
from data.buffer import describe
from data.counts import count, flags_of, to_rows
from data.damage import DataError, read_json
from data.dataset import read_dataset, write_shard
from data.files import json_sha256, sha256, write_sealed
from data.generate import GenerateConfig, generate
from data.manifest import write_manifest
from data.record import versions
from search.archive.intake import ArchiveRule
from search.arms.account import Arm, Trace
from search.arms.oracle import Oracle
from search.arms.proposals import plain_proposals
from search.jobs.models import run_search
from search.run import SearchConfig
from search.scoring import recall as module
from search.scoring.recall import RECALL_COLUMNS, open_truth, score
from tests.folders import contents

N, K = 4, 2
EVOLVE = f"evolve -n {N} -k {K} --budget 300 --batch 32 --parents 50 --keep 20 --workers 1"


def write_truth(folder: Path, forms, at_least=0, classes=(), **changes) -> Path:
    """Write an enumeration of two shards: those of the forms that are above the threshold."""
    folder.mkdir()
    deltas = from_canonical(forms, N, K)
    thresholds = reset_thresholds(deltas)
    keep = (thresholds >= at_least if at_least else True) & in_classes(deltas, classes)
    data = describe(deltas, thresholds, class_flags(deltas)).take(np.flatnonzero(keep))
    config = {"n": N, "k": K, "at_least": at_least, "classes": list(classes), "rows": True}
    config |= changes.pop("config", {})
    shards = []
    for index, rows in enumerate(np.array_split(np.arange(len(data)), 2)):
        entry = write_shard(folder, index, data.take(rows))
        shards.append(entry | {"calls": 1, "units": [index, index + 1]})
    counts = to_rows(count(data.reset_thresholds, flags_of(data.properties), N))
    manifest = {
        "kind": "enumeration",
        "config": config,
        "config_sha256": json_sha256(config),
        "versions": versions("numpy"),
        "units": 2,
        "shards": shards,
        "totals": {"units": 2, "classes": len(data), "nodes": 2, "counts": counts},
        "complete": True,
    }
    write_manifest(folder, manifest | changes)
    return folder


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr("search.jobs.models.plot_thresholds", lambda *_: [])
    monkeypatch.setattr("search.pictures.recall.save", lambda _, stem: [stem.with_suffix(".png")])


@pytest.fixture(scope="module")
def everything():
    deltas = np.indices((N,) * (K * N), np.uint8).reshape(K * N, -1).T.reshape(-1, K, N)
    return np.unique(canonical_forms(np.ascontiguousarray(deltas)), axis=0)


@pytest.fixture(scope="module")
def whole(everything, tmp_path_factory) -> Path:
    """All automata, the non-synchronizing too."""
    return write_truth(tmp_path_factory.mktemp("truth") / "whole", everything)


@pytest.fixture(scope="module")
def slow(everything, tmp_path_factory) -> Path:
    """All automata with threshold 6 or more."""
    return write_truth(tmp_path_factory.mktemp("truth") / "slow", everything, at_least=6)


def traces_of(*batches: np.ndarray, **options) -> list[Trace]:
    """The traces of one arm for each array of automata, submitted 50 at a time."""
    oracle = Oracle(N, K, **options)
    traces = []
    for round, deltas in enumerate(batches):
        arm = Arm(oracle, "mode", round, 10**6)
        for start in range(0, len(deltas), 50):
            arm.submit(plain_proposals(deltas[start : start + 50]))
        traces.append(arm.trace())
    return traces


# --- what is counted --------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [(), ("sink",), ("not-sink", "basic")])
def test_as_counted_one_by_one(everything, whole, classes, monkeypatch):
    monkeypatch.setattr(module, "_CALLS", [10**power for power in range(1, 13)])
    rng = np.random.default_rng(0)
    batches = [sample_uniform(rng, size, N, K) for size in (400, 3000)]
    traces = traces_of(*batches, classes=classes)
    table = score(open_truth(whole, N, K, classes), traces).table
    assert [*table.columns] == RECALL_COLUMNS

    deltas = from_canonical(everything, N, K)
    deltas = deltas[in_classes(deltas, classes)]
    truth = {
        form.tobytes(): t
        for form, t in zip(canonical_forms(deltas), reset_thresholds(deltas), strict=True)
    }
    expected = []
    for round, batch in enumerate(batches):
        met = {}  # form -> number of its call
        for form in canonical_forms(batch):
            if truth.get(form.tobytes(), -1) >= 0:
                met.setdefault(form.tobytes(), len(met) + 1)
        for threshold in range(1, max(truth.values()) + 1):
            sought = {form for form, length in truth.items() if length >= threshold}
            for calls in [*(10**e for e in range(1, 5) if 10**e < len(met)), len(met)]:
                found = sum(form in sought and call <= calls for form, call in met.items())
                share = pytest.approx(found / len(sought), abs=1e-6)
                expected.append(["mode", round, threshold, len(sought), calls, found, share])
    assert table.to_numpy().tolist() == expected


def test_training_automata_count_once_an_arm_proposes_them(everything, whole):
    training = read_dataset(whole).select(at_least=6)
    others = np.array([[[0, 0, 0, 0], [1, 2, 3, 0]]], np.uint8)
    silent, repeating = traces_of(
        others, np.concatenate([others, training.deltas]), training=training
    )
    assert (silent.calls, repeating.calls) == (1, 1)
    assert repeating.found_at.tolist() == [1] * len(repeating.forms)
    table = score(open_truth(whole, N, K, ()), [silent, repeating]).table
    at_6 = table[table["threshold"] == 6]
    assert at_6["found"].tolist() == [0, len(training)]
    assert at_6["recall"].tolist() == [0, 1]


def test_the_truth_begins_at_its_least_threshold(slow):
    recall = score(open_truth(slow, N, K, ()), traces_of(np.zeros((1, K, N), np.uint8)))
    assert recall.thresholds == [6, 7, 8, 9]
    assert recall.table["classes"].is_monotonic_decreasing
    assert not recall.table["found"].any()
    assert [panel.threshold for panel in recall.panels] == [6, 7, 8, 9]
    assert [*recall.compact().columns][:3] == ["mode", "round", "calls"]


def test_an_empty_truth(everything, tmp_path):
    folder = write_truth(tmp_path / "none", everything, at_least=10)
    recall = score(open_truth(folder, N, K, ()), traces_of(np.zeros((1, K, N), np.uint8)))
    assert (len(recall.table), recall.thresholds, recall.panels) == (0, [], [])
    answer = run(f"{EVOLVE} --truth {folder} --out {tmp_path}/out")
    assert answer.exit_code == 0, answer.output


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "classes", "message"),
    [
        ({"complete": False}, (), "unfinished dataset; run the same enumerate command again"),
        ({"config": {"n": 5}}, (), "enumerates n=5, k=2, but n=4, k=2 is searched"),
        ({"config": {"k": 3}}, (), "enumerates n=4, k=3"),
        ({"config": {"rows": False}, "shards": []}, (), "holds counts alone"),
        ({"classes": ("sink",)}, (), "class sink alone"),
        ({"classes": ("sink", "basic")}, ("basic", "not-sink"), "class sink alone"),
        ({"classes": ("not-sink",)}, ("sink",), "class not-sink alone"),
    ],
)
def test_a_truth_that_does_not_fit(everything, tmp_path, changes, classes, message):
    least = 0 if changes.get("classes") else 1
    folder = write_truth(tmp_path / "truth", everything[:40], at_least=least, **changes)
    with pytest.raises(DataError, match=message):
        open_truth(folder, N, K, classes)


def test_no_truth(tmp_path):
    generate(GenerateConfig(n=N, count=20), tmp_path / "generated")
    with pytest.raises(DataError, match="not a folder of enumerate"):
        open_truth(tmp_path / "generated", N, K, ())
    with pytest.raises(DataError, match="no such folder"):
        open_truth(tmp_path / "none", N, K, ())


@pytest.mark.parametrize(
    ("restricted", "classes"),
    [((), ("sink",)), (("sink",), ("sink",)), (("sink",), ("basic", "sink"))],
)
def test_a_wider_truth_is_filtered(everything, tmp_path, restricted, classes):
    folder = write_truth(tmp_path / "truth", everything, classes=("synchronizing", *restricted))
    truth = open_truth(folder, N, K, classes)
    table = score(truth, traces_of(np.zeros((1, K, N), np.uint8), classes=classes)).table
    deltas = from_canonical(everything, N, K)
    thresholds = reset_thresholds(deltas[in_classes(deltas, classes)])
    by_threshold = table.groupby("threshold")["classes"].first()
    assert by_threshold.to_dict() == {
        t: (thresholds >= t).sum() for t in range(1, thresholds.max() + 1)
    }


def test_a_truth_that_lacks_what_was_found(everything, tmp_path):
    cerny = np.array([[[1, 2, 3, 0], [1, 1, 2, 3]]], np.uint8)
    others = everything[(everything != canonical_forms(cerny)[0]).any(axis=1)]
    folder = write_truth(tmp_path / "truth", others, at_least=1)
    with pytest.raises(DataError, match=r"lacks .*\|.* with threshold 9, which was found"):
        score(open_truth(folder, N, K, ()), traces_of(cerny))


def test_a_truth_that_labels_otherwise(whole):
    (trace,) = traces_of(np.array([[[1, 2, 3, 0], [1, 1, 2, 3]]], np.uint8))
    with pytest.raises(DataError, match="has threshold 9 there, but 8 was found"):
        score(open_truth(whole, N, K, ()), [trace._replace(thresholds=trace.thresholds - 1)])


# --- nothing else sees it ---------------------------------------------------------------------


def run(command: str):
    return CliRunner().invoke(pipeline.cli, command)


def test_all_but_recall_is_the_same_without(whole, tmp_path):
    assert run(f"{EVOLVE} --out {tmp_path}/with --truth {whole}").exit_code == 0
    assert run(f"{EVOLVE} --out {tmp_path}/without").exit_code == 0
    scored, plain = contents(tmp_path / "with"), contents(tmp_path / "without")
    assert scored.keys() - plain.keys() == {"recall.csv"}
    for name in plain.keys() - {"summary.csv", "checksums.json"}:
        assert scored[name] == plain[name], name
    summary = pd.read_csv(tmp_path / "with" / "summary.csv")
    added = [name for name in summary if name.startswith("recall_")]
    assert added == [f"recall_{threshold}" for threshold in range(1, 10)]
    assert summary.drop(columns=added).to_csv(index=False).encode() == plain["summary.csv"]
    record, other = (read_json(tmp_path / name / "run.json") for name in ("with", "without"))
    assert record["config"] == other["config"]
    assert record["inputs"] == {"truth": str(whole)}
    # the score goes with the run that it scores
    assert run(f"{EVOLVE} --out {tmp_path}/with").exit_code == 0
    assert contents(tmp_path / "with").keys() == plain.keys()


def test_its_rows_are_read_when_all_arms_have_ended(whole, tmp_path, monkeypatch):
    events = []

    def noting(name, function):
        def called(*args, **kwargs):
            events.append(name)
            return function(*args, **kwargs)

        return called

    monkeypatch.setattr(Arm, "submit", noting("submit", Arm.submit))
    monkeypatch.setattr(dataset, "read_shard", noting("read", dataset.read_shard))
    assert run(f"{EVOLVE} --out {tmp_path}/out --truth {whole}").exit_code == 0
    assert events.count("read") == 2
    assert events.index("read") > len(events) - 1 - events[::-1].index("submit")


def test_a_damaged_truth_costs_the_score_alone(whole, tmp_path):
    truth = Path(shutil.copytree(whole, tmp_path / "truth"))
    (truth / "part-000001.parquet").unlink()
    answer = run(f"{EVOLVE} --out {tmp_path}/out --truth {truth}")
    assert isinstance(answer.exception, DataError)
    assert {"candidates.csv", "summary.csv", "checksums.json"} == contents(tmp_path / "out").keys()


def test_a_truth_with_a_changed_label_is_refused(whole, tmp_path):
    """Its checksums are right, and the label is one that an automaton may have."""
    truth = Path(shutil.copytree(whole, tmp_path / "truth"))
    path = truth / "part-000001.parquet"
    table = pq.read_table(path)
    labels = table["reset_threshold"].to_pylist()
    labels[7] += 1
    pq.write_table(table.set_column(1, "reset_threshold", pa.array(labels, pa.int32())), path)
    manifest = json.loads((truth / "manifest.json").read_text())
    manifest["shards"][1]["sha256"] = sha256(path)
    write_sealed(truth / "manifest.json", manifest)
    answer = run(f"{EVOLVE} --out {tmp_path}/out --truth {truth}")
    assert isinstance(answer.exception, DataError)
    assert re.search(r"part-000001\.parquet: row 8: threshold .* is found$", str(answer.exception))


def test_a_truth_that_does_not_fit_is_refused_at_once(everything, tmp_path, monkeypatch):
    truth = write_truth(tmp_path / "truth", everything[:40], classes=("sink",))
    monkeypatch.setattr(Arm, "submit", lambda *_: pytest.fail("searched"))
    answer = run(f"{EVOLVE} --out {tmp_path}/out --truth {truth}")
    assert isinstance(answer.exception, DataError)  # exit code 3
    assert not (tmp_path / "out").exists()


def test_what_is_printed(slow, tmp_path):
    answer = run(f"{EVOLVE} --out {tmp_path}/out --truth {slow}")
    assert answer.exit_code == 0
    assert "Recall: share of the automata with threshold >= T that are found" in answer.stdout
    assert re.search(r" mode +round +calls +>=6 \(\d+\).* >=9 \(\d\)\n", answer.stdout)
    answer = run(f"{EVOLVE} --out {tmp_path}/out --truth {slow} --json")
    printed = json.loads(answer.stdout)
    table = pd.read_csv(tmp_path / "out" / "recall.csv")
    assert pd.DataFrame(printed["recall"]).equals(table)
    assert f"{tmp_path}/out/recall.png" in printed["files"]


def test_a_model_that_knows_the_truth_is_not_scored(whole, tmp_path):
    with pytest.raises(DataError, match="an enumeration; a model that knows the truth"):
        run_search(
            tmp_path / "model",
            whole,
            tmp_path / "out",
            SearchConfig(),
            rule=ArchiveRule(tmp_path / "archive.sqlite"),
            truth=whole,
            device=torch.device("cpu"),
            workers=1,
            force=False,
        )
    assert not (tmp_path / "out").exists()
