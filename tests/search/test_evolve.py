"""Evolution from random automata, beside uniform sampling, in any class."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import pipeline
from automata.canonical import from_canonical
from automata.properties import in_classes
from automata.solver.exact import reset_thresholds
from automata.text.formats import parse_delta
from data.damage import DataError
from search.arms import oracle as metered
from search.candidates import SUMMARY_COLUMNS
from search.evolve import EvolveConfig, evolve_from_random
from search.run import write_tables
from search.verified import verify_candidates
from tests import naive

CONFIG = EvolveConfig(n=5, k=2, budget=300, parents=60, batch=32, keep=80, seed=1)
EULERIAN = replace(CONFIG, classes=("eulerian",), budget=50)


def texts(result):
    return result.candidates.to_csv(index=False), result.summary.to_csv(index=False)


@pytest.fixture(scope="module")
def result():
    return evolve_from_random(CONFIG)


def test_the_same_seed_gives_the_same_tables(result):
    assert texts(evolve_from_random(CONFIG, workers=2)) == texts(result)
    other = evolve_from_random(replace(CONFIG, seed=2))
    assert all(own != its for own, its in zip(texts(result), texts(other), strict=True))


def test_two_arms_with_as_many_calls(result):
    table = result.summary
    assert [*table.columns] == SUMMARY_COLUMNS
    assert table["mode"].tolist() == ["evolve", "uniform"]
    assert (table["calls"] == 300).all() and (table["novel"] == 300).all()
    assert not table["labelling_calls"].any()
    for trace in result.traces:
        assert trace.calls == 300 == len(np.unique(trace.forms, axis=0))
        assert trace.found_at.tolist() == [*range(1, 301)]  # nothing is free
        deltas = from_canonical(trace.forms, 5, 2)
        assert trace.thresholds.tolist() == [naive.reset_threshold(delta) for delta in deltas]


def test_candidates_are_what_evolution_found(result, tmp_path):
    table = result.candidates
    assert {*table["mode"]} == {"evolve"} and table["novel"].all() and len(table) == 80
    assert not table["parent_a"].any() and not table["repaired"].any()
    lengths = np.sort(result.traces[0].thresholds)[::-1]
    assert table["reset_threshold"].tolist() == lengths[:80].tolist()
    assert sorted(result.found.tolist(), reverse=True) == lengths.tolist()
    write_tables(tmp_path, result)
    assert verify_candidates(tmp_path / "candidates.csv") == 80


def test_what_uniform_finds_above_the_bound_is_kept_too(result, monkeypatch):
    monkeypatch.setattr("search.run.cerny_bound", lambda n: 5)
    again = evolve_from_random(replace(CONFIG, keep=10_000))
    assert {*again.candidates["mode"]} == {"evolve", "uniform"}
    # the arms themselves are not different
    pd.testing.assert_frame_equal(again.summary, result.summary)


@pytest.mark.parametrize("classes", [("eulerian",), ("not-strongly-connected", "sink")])
def test_nothing_outside_the_classes_is_solved_or_kept(classes, monkeypatch):
    solved = []

    def solve(deltas, **options):
        solved.append(deltas)
        return reset_thresholds(deltas, **options)

    monkeypatch.setattr(metered, "reset_thresholds", solve)
    found = evolve_from_random(replace(CONFIG, classes=classes, budget=60))
    deltas = np.concatenate(solved)
    assert in_classes(deltas, ("synchronizing", *classes)).all()
    assert len(deltas) <= found.summary["calls"].sum()
    for text in found.candidates["delta"]:
        assert in_classes(parse_delta(text)[None], classes).all()
    # uniform pays for few of those it draws, and its count of the valid says so
    uniform = found.summary.iloc[1]
    assert uniform["decoded"] > 5 * uniform["valid_after_repair"]
    assert uniform["valid_as_decoded"] == uniform["valid_after_repair"] >= uniform["calls"]


def test_an_arm_that_hardly_meets_the_class_ends():
    found = evolve_from_random(replace(EULERIAN, n=6, budget=20))
    uniform = found.summary.iloc[1]
    assert uniform["calls"] < 20
    outside = uniform["decoded"] - uniform["valid_after_repair"]
    assert 20 * 100 <= outside < 20 * 100 + 4096 * 2


def test_nothing_to_begin_with(monkeypatch):
    monkeypatch.setattr("automata.sampling._RANDOM_PATIENCE", 5000)
    with pytest.raises(DataError, match="class sink, eulerian with n=5, k=2 among random ones"):
        evolve_from_random(replace(CONFIG, classes=("sink", "eulerian")))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"n": 0}, r"n=0 is not in 1\.\.64"),
        ({"k": 7}, r"k=7 is not in 1\.\.6"),
        ({"budget": 0}, "budget=0"),
        ({"parents": 0}, "parents=0"),
        ({"batch": 0}, "batch=0"),
        ({"softness": 0}, "softness=0"),
        ({"exchanges": 1.1}, r"exchanges=1\.1 is not in 0\.\.1"),
        ({"keep": 0}, "keep=0"),
        ({"seed": -1}, "seed=-1"),
        ({"classes": ("best",)}, "unknown class 'best': one of synchronizing, .*not-NAME"),
        ({"n": 21, "classes": ("not-aperiodic",)}, "n=21 is over the limit of 20"),
    ],
)
def test_configs_out_of_range(value, message):
    with pytest.raises(ValueError, match=message):
        EvolveConfig(**value)


def test_the_command(tmp_path, monkeypatch):
    for module in ("search.candidates", "search.run", "data.jobs"):
        monkeypatch.setattr(f"{module}.cerny_bound", lambda n: 5)
    command = f"evolve -n 5 -k 2 --budget 100 --class strongly-connected --out {tmp_path}/out"
    answer = CliRunner().invoke(pipeline.cli, command, catch_exceptions=False)
    assert answer.exit_code == 0
    assert "ABOVE THE ČERNÝ BOUND" in answer.stderr
    for word in ("Best candidates", "uniform", "Solver calls of the arms: 200\n", "candidates.csv"):
        assert word in answer.stdout


def test_what_does_not_synchronize_is_nothing_to_evolve_from(monkeypatch):
    monkeypatch.setattr("automata.sampling._RANDOM_PATIENCE", 5000)
    with pytest.raises(DataError, match="no synchronizing automaton of class not-synchronizing"):
        evolve_from_random(EvolveConfig(n=4, budget=50, classes=("not-synchronizing",)))
