"""Evolution from random automata, beside uniform sampling, in any class."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import pipeline
from automata import UNDEFINED, careful_thresholds, verify
from automata.canonical import canonical_forms, from_canonical
from automata.properties import in_classes
from automata.solver.either import may_synchronize, thresholds_of
from automata.text.formats import parse_delta, parse_word
from data.damage import DataError
from search.archive.selection import Selection
from search.archive.store import Archive
from search.arms import oracle as metered
from search.candidates import RECORD_COLUMNS, candidate_columns
from search.evolve import EvolveConfig, evolve_from_random
from search.jobs.best import best_automata
from search.run import write_tables
from search.summary import HIT_COLUMNS, SUMMARY_COLUMNS
from search.verified import verify_candidates
from tests import naive
from tests.known_lengths import pretend

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
    monkeypatch.setattr("data.best_known.Scale.limit", 5)
    again = evolve_from_random(replace(CONFIG, keep=10_000))
    assert {*again.candidates["mode"]} == {"evolve", "uniform"}
    # the arms themselves are not different
    pd.testing.assert_frame_equal(again.summary, result.summary)


@pytest.mark.parametrize("classes", [("eulerian",), ("not-strongly-connected", "sink")])
def test_nothing_outside_the_classes_is_solved_or_kept(classes, monkeypatch):
    solved = []

    def solve(deltas, **options):
        solved.append(deltas)
        return thresholds_of(deltas, **options)

    monkeypatch.setattr(metered, "thresholds_of", solve)
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
    monkeypatch.setattr("automata.evolution._RANDOM_PATIENCE", 5000)
    with pytest.raises(DataError, match="class completely-reachable, aperiodic with n=5, k=2"):
        evolve_from_random(replace(CONFIG, classes=("completely-reachable", "aperiodic")))


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
    pretend(monkeypatch, [0, 1, 2, 3, 5], ["strongly-connected"])
    command = f"evolve -n 5 -k 2 --budget 100 --class strongly-connected --out {tmp_path}/out"
    answer = CliRunner().invoke(pipeline.cli, command, catch_exceptions=False)
    assert answer.exit_code == 0
    assert "ABOVE THE LONGEST KNOWN THRESHOLD IN CLASS STRONGLY-CONNECTED" in answer.stderr
    for word in ("Best candidates", "uniform", "Solver calls of the arms: 200\n", "candidates.csv"):
        assert word in answer.stdout


# --- partial automata -------------------------------------------------------------------------

PARTIAL = replace(CONFIG, partial=True)


def with_none(delta):
    return [[None if q == UNDEFINED else q for q in letter] for letter in delta.tolist()]


@pytest.fixture(scope="module")
def partial_result():
    return evolve_from_random(PARTIAL)


def test_arms_pay_for_what_turns_out_to_have_no_careful_word(partial_result, monkeypatch):
    asked = []

    def solve(deltas, **options):
        asked.append(deltas)
        return thresholds_of(deltas, **options)

    monkeypatch.setattr(metered, "thresholds_of", solve)
    assert texts(evolve_from_random(PARTIAL)) == texts(partial_result)
    deltas = np.concatenate(asked)
    assert may_synchronize(deltas, partial=True).all()
    without = int((careful_thresholds(deltas) < 0).sum())
    assert without > 0
    summary = partial_result.summary
    assert (summary["calls"] == 300).all() and (summary["distinct"] < 300).any()
    assert summary["distinct"].sum() <= 600 - without
    for trace in partial_result.traces:
        words = [
            naive.shortest_careful_word(with_none(delta))
            for delta in from_canonical(trace.forms, 5, 2, partial=True)
        ]
        assert trace.thresholds.tolist() == [len(word) for word in words]  # None: a TypeError
        assert (np.diff(trace.found_at) > 0).all() and trace.found_at[-1] <= 300


def test_partial_candidates_have_the_record_for_a_scale(partial_result):
    table = partial_result.candidates
    assert [*table] == RECORD_COLUMNS and len(table) == 80
    assert table["reset_threshold"].is_monotonic_decreasing
    assert (table["best_known"] == 16).all()
    assert (table["gap"] == 16 - table["reset_threshold"]).all()
    assert table["delta"].str.contains("-").any()
    for row in table.itertuples():
        delta, word = parse_delta(row.delta, partial=True), parse_word(row.word)
        assert verify(delta, word) and len(word) == row.reset_threshold
        assert naive.shortest_careful_word(with_none(delta)) == word
        entries = [UNDEFINED if q == "-" else int(q) for q in row.canonical.split()]
        assert entries == canonical_forms(delta[None])[0].tolist()
    assert table["canonical"].is_unique


def test_a_size_of_which_no_length_is_known(tmp_path):
    config = replace(PARTIAL, n=5, k=5, budget=60)
    result = evolve_from_random(config)
    assert result.candidates[["best_known", "gap", "ratio"]].isna().all(axis=None)
    assert result.summary[HIT_COLUMNS].isna().all(axis=None)
    assert "threshold of best known" in best_automata(result.candidates)
    write_tables(tmp_path, result)


def test_the_same_seed_gives_the_same_partial_tables(partial_result):
    assert texts(evolve_from_random(PARTIAL, workers=2)) == texts(partial_result)
    other = evolve_from_random(replace(PARTIAL, undefined=0.5))
    assert texts(other)[0] != texts(partial_result)[0]
    assert PARTIAL.undefined == 0.2 and CONFIG.undefined is None


def test_evolution_of_partial_automata_as_a_command(tmp_path, monkeypatch):
    pretend(monkeypatch, [0, 1, 4, 6])
    command = f"evolve -n 4 --partial --budget 300 --keep 20 --workers 1 --out {tmp_path}/out"
    answer = CliRunner().invoke(pipeline.cli, command, catch_exceptions=False)
    assert answer.exit_code == 0
    assert "ABOVE THE LONGEST KNOWN CAREFUL THRESHOLD: " in answer.stderr
    assert "> 6, in " in answer.stderr
    with Archive(tmp_path / "archive.sqlite", create=False) as archive:
        kept = archive.rows(Selection(partial=True))
    assert len(kept) > 0
    assert kept["delta"].str.contains("-").all()
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["config"]["partial"] is True and record["config"]["undefined"] == 0.2
    again = CliRunner().invoke(pipeline.cli, command.replace("--partial", ""))
    assert "holds another run (partial=True there, False here" in str(again.exception)
    page = CliRunner().invoke(pipeline.cli, f"report {tmp_path}/out --out {tmp_path}/page.html")
    assert page.exit_code == 0
    text = (tmp_path / "page.html").read_text()
    assert re.search(r"has a careful threshold of \d, where the longest known is 6 ", text)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--undefined 0.5", "undefined=0.5 is only for partial automata: --partial"),
        ("--partial --undefined 1", r"undefined=1.0 is not in [0, 1)"),
        ("--partial --undefined -1", r"undefined=-1.0 is not in [0, 1)"),
    ],
)
@pytest.mark.parametrize("command", ["evolve", "generate"])
def test_shares_that_are_refused(tmp_path, command, words, message):
    answer = CliRunner().invoke(pipeline.cli, f"{command} {words} --out {tmp_path}/out")
    assert answer.exit_code == 2 and message in answer.stderr
    assert not (tmp_path / "out").exists()


def test_what_does_not_synchronize_is_nothing_to_evolve_from(monkeypatch):
    monkeypatch.setattr("automata.evolution._RANDOM_PATIENCE", 5000)
    with pytest.raises(DataError, match="no synchronizing automaton of class not-synchronizing"):
        evolve_from_random(EvolveConfig(n=4, budget=50, classes=("not-synchronizing",)))


TERNARY = replace(CONFIG, n=4, k=3, classes=("irreducible",))


def test_irreducible_automata_of_many_letters_come_from_the_class():
    found = evolve_from_random(replace(TERNARY, budget=60))
    evolved, uniform = found.traces
    assert uniform.calls == 60 and evolved.calls == 60
    deltas = from_canonical(uniform.forms, 4, 3)
    assert all(naive.is_irreducible(delta) for delta in deltas.tolist())
    assert (found.summary["decoded"] == found.summary["valid_after_repair"]).all()
    assert (found.candidates["letters_needed"] == 3).all()


def test_a_baseline_that_keeps_none_says_so(tmp_path, monkeypatch):
    def constant(rng, count, n, k, **kind):
        return np.zeros((count, k, n), np.uint8)

    monkeypatch.setattr("search.arms.baselines.sample_uniform", constant)
    command = f"evolve -n 4 --class eulerian --budget 20 --out {tmp_path}/out"
    answer = CliRunner().invoke(pipeline.cli, command)
    assert answer.exit_code == 0, answer.output
    assert "uniform kept none of the 4,096 automata that it drew." in answer.stdout


def test_letters_that_are_not_needed_are_counted(tmp_path):
    result = evolve_from_random(replace(TERNARY, classes=(), budget=200))
    table = result.candidates
    assert [*table] == candidate_columns(3)
    needed = [naive.letters_needed(parse_delta(text).tolist()) for text in table["delta"]]
    assert table["letters_needed"].tolist() == needed and min(needed) < 3
    shown = best_automata(table)
    assert "letters needed" in shown and "--class irreducible" in shown
    assert "--class irreducible" not in best_automata(table[table["letters_needed"] == 3])
    write_tables(tmp_path, result)
    path = tmp_path / "candidates.csv"
    assert verify_candidates(path) == len(table)
    path = tmp_path / "wrong.csv"
    path.write_text(table.assign(letters_needed=3).to_csv(index=False))
    with pytest.raises(DataError, match=r"letters_needed is 3, but should be [12]"):
        verify_candidates(path)


def test_the_page_shows_the_letters_needed(tmp_path):
    for words in (
        f"evolve -n 4 -k 3 --budget 60 --workers 1 --out {tmp_path}/out",
        f"report {tmp_path}/out --limit 20 --out {tmp_path}/page.html",
    ):
        answer = CliRunner().invoke(pipeline.cli, words)
        assert answer.exit_code == 0, answer.output
    assert "letters_needed" in (tmp_path / "page.html").read_text()
