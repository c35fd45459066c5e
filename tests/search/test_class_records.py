"""Runs within classes go by the longest threshold known there, not by the Černý bound."""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automata.properties import in_classes
from automata.units import here
from data.best_known import Scale, best_known_length
from data.jobs import announce
from data.records import landscapes, records
from search.archive.selection import Selection
from search.archive.store import Archive
from search.discovery.step import kept_from, kept_rows
from search.scoring.records import record_length
from search.summary import distinct_hits, hit_thresholds, hits_in_words
from search.verified import verify_candidates
from tests.commands import command
from tests.known_lengths import pretend

pytestmark = pytest.mark.usefixtures("unrendered", "one_thread", "few_dots")

SIZES = "--from 4 --start-to 5 --to 7 --start-budget 900 --budget 300 --first-look 150"
SINK = {4: 6, 5: 9, 6: 13, 7: 18}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Discoveries and evolutions of automata with a sink, and of a class without records."""
    place = tmp_path_factory.mktemp("classes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.jobs.discovery.processes", lambda workers: here())
        _run_all(place)
    return place


def _run_all(place: Path) -> None:
    for line in (
        f"discover --class sink {SIZES} --arms insertion,evolve --out {place}/both",
        f"discover --class sink {SIZES} --arms insertion --out {place}/both",
        f"evolve -n 7 --class sink --budget 6000 --out {place}/evolve",
        f"evolve -n 6 --class sink --class aperiodic --budget 600 --archive {place}/none.sqlite "
        f"--out {place}/none",
    ):
        command(f"{line} --workers 1")


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"word": str}, keep_default_na=False, na_values=[""])


# --- the length that thresholds are compared with ----------------------------------------------


def test_every_landscape_has_its_records_as_lengths() -> None:
    for (name, n), own in records().items():
        landscape = landscapes()[name]
        asked = {"classes": landscape.classes, "partial": landscape.partial}
        assert best_known_length(n, landscape.k, **asked) == own.threshold
        assert record_length(n, landscape.k, **asked) == own.threshold


def test_a_class_of_a_record_has_the_length_of_that_record() -> None:
    # family C is strongly connected and has no sink
    assert best_known_length(9, 2, ("strongly-connected",), partial=False) == 64
    assert best_known_length(9, 2, ("not-sink", "permutation-letter"), partial=False) == 64
    assert best_known_length(9, 2, ("eulerian", "strongly-connected"), partial=False) == 38
    assert best_known_length(9, 2, ("sink", "aperiodic"), partial=False) is None
    assert best_known_length(9, 2, (lambda deltas: deltas[:, 0, 0] >= 0,), partial=False) == 64
    assert best_known_length(23, 2, ("sink",), partial=False) is None
    assert best_known_length(6, 3, ("eulerian",), partial=False) is None


def test_hits_of_a_class_are_counted_from_its_record_on() -> None:
    sink = Scale(9, 2, classes=("sink",))
    assert sink.by_record and sink.best == 31 and sink.least(0.8) == pytest.approx(24.8)
    assert hit_thresholds(sink)["hits_top"] == 31
    assert hit_thresholds(sink)["hits_0.6"] == pytest.approx(18.6)
    unknown = Scale(9, 2, classes=("sink", "aperiodic"))
    assert all(math.isnan(least) for least in hit_thresholds(unknown).values())
    assert unknown.least(0.5) == 32 and distinct_hits(unknown) == []
    assert not Scale(9, 2).by_record and Scale(9, 2, partial=True).by_record


def test_words_say_what_shares_are_shares_of() -> None:
    assert "(n-1)²" in hits_in_words(Scale(8, 2)) and "n²-4n+6" in hits_in_words(Scale(8, 2))
    assert "longest known threshold in class sink" in hits_in_words(Scale(8, 2, classes=("sink",)))
    assert "longest known careful threshold" in hits_in_words(Scale(8, 2, True))


def test_steps_of_a_class_keep_a_share_of_their_own_longest() -> None:
    thresholds = np.array([3, 18, 11, 10, 1, 2], np.int32)
    assert kept_from(9, 18, ("sink",)) == pytest.approx(10.8)
    assert kept_from(9, 18) == kept_from(9, 70, ("sink",)) == pytest.approx(38.4)
    assert kept_rows(9, thresholds, 0, ("sink",)).tolist() == [1, 2]
    assert kept_rows(9, thresholds, 0).tolist() == []
    assert kept_rows(9, thresholds[:0], 4, ("sink",)).tolist() == []


def test_a_record_of_a_class_is_announced(capsys: pytest.CaptureFixture[str]) -> None:
    announce([31, 32, 33], Scale(9, 2, classes=("sink",)), "here")
    announce([31], Scale(9, 2, classes=("sink",)), "nowhere")
    error = capsys.readouterr().err
    assert "ABOVE THE LONGEST KNOWN THRESHOLD IN CLASS SINK: 2 automata" in error
    assert "33 > 31" in error and "nowhere" not in error
    announce([65], Scale(9, 2, classes=("sink", "aperiodic")), "bound")
    assert "ABOVE THE ČERNÝ BOUND" in capsys.readouterr().err


# --- discover ----------------------------------------------------------------------------------


def test_candidates_are_at_or_above_a_share_of_the_record(folder: Path) -> None:
    rows = table(folder / "both" / "candidates.csv")
    assert "cerny_bound" not in rows
    assert (rows["best_known"] == rows["n"].map(SINK)).all()
    assert (rows["gap"] == rows["best_known"] - rows["reset_threshold"]).all()
    assert (rows["reset_threshold"] >= 0.6 * rows["best_known"]).all()
    assert (rows["reset_threshold"] < 0.6 * (rows["n"] - 1) ** 2).any()
    assert {*rows["n"]} == {*SINK}
    assert verify_candidates(folder / "both" / "candidates.csv") == len(rows)


def test_records_of_a_class_reach_the_archive(folder: Path) -> None:
    rows = table(folder / "both" / "candidates.csv")
    kept = rows[rows["reset_threshold"] >= 0.8 * rows["best_known"]]
    with Archive(folder / "archive.sqlite", create=False) as archive:
        archived = archive.rows()
    shares = archived["reset_threshold"] / archived["n"].map(SINK)
    assert (shares >= 0.8).all() and (shares == 1).any()
    assert {*kept["canonical"]} <= {*archived["canonical"]}


def test_the_archive_is_listed_from_shares_of_the_record(folder: Path) -> None:
    with Archive(folder / "archive.sqlite", create=False) as archive:
        listed = archive.rows(Selection(classes=("sink",), at_least=1))
        whole = archive.rows()
    records = whole["reset_threshold"] == whole["n"].map(SINK)
    assert len(listed) and listed["canonical"].tolist() == whole[records]["canonical"].tolist()
    assert len(Selection(classes=("not-aperiodic",), at_least=0.5).parameters["lengths"]) > 100


def test_tables_count_hits_by_the_record(folder: Path) -> None:
    summary = table(folder / "both" / "summary.csv")
    assert summary["best_known"].tolist() == [*SINK.values()]
    best = summary["best_threshold"] == summary["best_known"]
    assert best.any() and ((summary["top"] > 0) == best).all()
    scores = table(folder / "both" / "scores.csv")
    whole = scores[scores["window"] == "all"]
    assert (whole[whole["arm"] == "insertion"]["hits_0.6"] > 0).all()
    assert (whole["gap"] == whole["n"].map(SINK) - whole["best_threshold"]).all()
    assert (whole["hits_0.8"] > 0).any()


def test_what_is_printed_says_what_shares_are_of(folder: Path) -> None:
    line = f"discover --class sink {SIZES} --arms insertion,evolve --out {folder}/both --workers 1"
    for words in (line, line.replace(",evolve", "")):
        assert "longest known threshold in class sink" in command(words)


@pytest.mark.parametrize("run", ["both", "evolve"])
def test_pages_go_by_what_the_run_recorded(
    folder: Path, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = command(f"report {folder}/{run} --limit 20 --out -")
    assert re.search("reset threshold of [0-9]+, where the longest known is 18", page)
    assert "0.8 of the longest known" in page or "longest known threshold in class sink" in page
    pretend(monkeypatch, [*range(90, 99)], ["sink"])
    assert "where the longest known is 18" in command(f"report {folder}/{run} --limit 20 --out -")


def test_recall_in_a_class_has_a_list(folder: Path, tmp_path: Path) -> None:
    command(f"enumerate -n 6 --class sink --at-least 7 --workers 1 --out {tmp_path}/six")
    command(
        f"discover --class sink {SIZES} --arms insertion,evolve --workers 1 "
        f"--truth {tmp_path}/six --out {folder}/both"
    )
    scores = table(folder / "both" / "scores.csv")
    six = scores[(scores["n"] == 6) & (scores["window"] == "all")]
    assert (six["listed"] > 0).all() and (six["recall"] > 0).all()


# --- evolve ------------------------------------------------------------------------------------


def test_an_evolution_counts_hits_by_the_record(folder: Path) -> None:
    summary = table(folder / "evolve" / "summary.csv").set_index("mode")
    assert (summary["hits_0.6"] > 0).all() and summary.loc["evolve", "hits_0.8"] > 0
    rows = table(folder / "evolve" / "candidates.csv")
    assert (rows["best_known"] == 18).all() and rows["reset_threshold"].max() >= 16
    assert verify_candidates(folder / "evolve" / "candidates.csv") == len(rows)


def test_without_a_record_hits_are_empty(folder: Path) -> None:
    summary = table(folder / "none" / "summary.csv")
    assert summary[["hits_top", "hits_0.6", "hits_0.7", "hits_0.8"]].isna().all(axis=None)
    rows = table(folder / "none" / "candidates.csv")
    assert rows[["best_known", "gap", "ratio"]].isna().all(axis=None)
    deltas = [[*map(int, letter.split())] for letter in rows["delta"][0].split("|")]
    assert in_classes([deltas], ["sink", "aperiodic"]).all()
    assert verify_candidates(folder / "none" / "candidates.csv") == len(rows)
    page = command(f"report {folder}/none --limit 5 --out -")
    assert "where the longest known" not in page and "Černý bound" not in page.partition("<svg")[0]
