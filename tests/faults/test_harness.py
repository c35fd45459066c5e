"""The harness sees what it is there to see."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from automata import certificate, check_certificate
from tests import naive
from tests.faults import forgeries, mutate, pairs, tallies
from tests.faults.folders import differences, facts, is_leftover
from tests.faults.forms import FORMS, SAMPLES, wrong_answers
from tests.faults.kills import judge
from tests.faults.kinds import KINDS
from tests.faults.random_automata import random_batch
from tests.faults.readers import false_row
from tests.faults.server import HANG, Answer
from tests.faults.tallies import ROOT, Case, Kind, Line, Tally


def answer(code: int, err: str = "") -> Answer:
    return Answer(code, "", err, 1.0, 100)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run.json").write_text('{"command": "x", "seconds": 1.5}')
    (tmp_path / "summary.csv").write_text("n,calls,train_seconds\n5,10,0.2\n")
    (tmp_path / "checksums.json").write_text("{}")
    return tmp_path


def test_times_do_not_count(folder: Path) -> None:
    before = facts(folder)
    (folder / "run.json").write_text('{"seconds": 7, "command": "x"}')
    (folder / "summary.csv").write_text("n,calls,train_seconds\n5,10,9\n")
    assert facts(folder) == before


@pytest.mark.parametrize(
    ("name", "content", "difference"),
    [
        ("run.json", '{"command": "y", "seconds": 1.5}', "run.json differs"),
        ("summary.csv", "n,calls,train_seconds\n5,11,0.2\n", "summary.csv differs"),
        ("part.parquet.tmp", "", "part.parquet.tmp is left over"),
        ("more", "", "more is left over"),
    ],
)
def test_what_differs(folder: Path, name: str, content: str, difference: str) -> None:
    before = facts(folder)
    (folder / name).write_text(content)
    assert differences(facts(folder), before) == [difference]
    assert is_leftover(difference) == name.endswith(".tmp")


def test_what_is_missing_or_not_as_recorded(folder: Path) -> None:
    before = facts(folder)
    (folder / "summary.csv").unlink()
    (folder / "checksums.json").write_text(json.dumps({"run.json": "0" * 64}))
    first, second = differences(facts(folder), before)
    assert first.startswith("checksums.json differs, unreadable (ValueError: run.json is not")
    assert second == "summary.csv is missing"


def test_archives_are_read_with_their_logs(tmp_path: Path) -> None:
    archive = sqlite3.connect(tmp_path / "archive.sqlite")
    archive.execute("PRAGMA journal_mode = WAL")
    archive.execute("CREATE TABLE automata (n, k, canonical)")
    archive.execute("CREATE TABLE finds (n, k, canonical, run, arm, found_at)")
    archive.commit()
    before = facts(tmp_path)["archive.sqlite"]
    archive.execute("INSERT INTO finds VALUES (1, 1, x'00', 'run', 'arm', 'today')")
    archive.commit()
    after = facts(tmp_path)["archive.sqlite"]
    archive.execute("UPDATE finds SET found_at = 'yesterday'")
    archive.commit()
    assert before != after == facts(tmp_path)["archive.sqlite"]
    archive.close()


@pytest.mark.parametrize(
    ("code", "found", "column"),
    [
        (0, {"a": "1"}, "whole"),
        (0, {"a": "2"}, "differ"),
        (0, {}, "differ"),
        (0, {"a": "1", "b.tmp": "3"}, "leftovers"),
        (3, {"a": "1"}, "refused"),
    ],
)
def test_a_run_that_was_taken_up_again(code: int, found: dict[str, str], column: str) -> None:
    tally = judge("line", answer(code), found, {"a": "1"}, 2)
    assert tally.counts == {"kills": 2, column: 1}
    assert bool(tally.failures) == (column != "whole")


@pytest.mark.parametrize(
    ("code", "err", "wrong"),
    [
        (0, "", ""),
        (3, "Error: out: train (process 7) is at work there", ""),
        (3, "Error: out: holds another run (seed=0 there, 1 here); --force discards it", ""),
        (1, "Error: out/hits.svg: No such file or directory", "not told who"),
        (1, "Traceback (most recent call last):\nError: x is at work", "not refused in one line"),
        (2, "Error: out: another process is at work there", "not refused in one line"),
        (HANG, "", "no end after"),
    ],
)
def test_how_the_second_process_ends(code: int, err: str, wrong: str) -> None:
    found = pairs._wrong(answer(code, err))
    assert found.startswith(wrong) and bool(found) == bool(wrong)


# --- the judges of numbers --------------------------------------------------------------------


def said(text: str, form: str) -> list[dict]:
    """Answers that are right."""
    answers = []
    for line, delta in FORMS[form].read(text)[0].items():
        word = naive.shortest_reset_word(delta)
        length = None if word is None else len(word)
        letters = None if word is None else "".join(chr(97 + letter) for letter in word)
        answers.append(
            {"line": line, "n": len(delta[0]), "k": len(delta), "threshold": length}
            | {"lower": length, "upper": length, "word": letters}
        )
    return answers


def judged(text: str, form: str, answers: list[dict], complaints: int = 0) -> str:
    return wrong_answers(text, form, False, "\n".join(map(json.dumps, answers)), complaints)


@pytest.mark.parametrize("form", [*FORMS])
def test_answers_of_solve(form: str) -> None:
    text = FORMS[form].write(SAMPLES)
    answers = said(text, form)
    whole = form in ("lines", "csv", "synchrowords", "synchrowords-1.0")
    assert len(answers) == (len(SAMPLES) if whole else 1)
    assert not judged(text, form, answers)
    first = answers[0]
    for change in (
        {"threshold": 8, "lower": 8, "upper": 8, "word": first["word"][:-1]},
        {"threshold": 10, "lower": 10, "upper": 10, "word": first["word"] + "a"},
        {"word": "a" * 9},
        {"word": None},
        {"n": 5},
        {"line": first["line"] + 40},
        {"lower": 1},
    ):
        assert judged(text, form, [first | change, *answers[1:]])
    assert "nothing was said" in judged(text, form, answers[1:])
    assert not judged(text, form, answers[1:], complaints=1)


def test_a_guess_is_right_where_no_other_form_fits() -> None:
    text = FORMS["table"].write(SAMPLES)
    answers = "\n".join(map(json.dumps, said(text, "table")))
    assert wrong_answers(text, "table-letters", False, answers, 0)
    assert not wrong_answers(text, "table-letters", True, answers, 0)
    assert wrong_answers(FORMS["lines"].write(SAMPLES), "lines", True, answers, 0)


def test_rows_of_tables() -> None:
    row = {"delta": "1 2 0|0 1 0", "reset_threshold": "4", "word": "baab", "gap": "0", "n": "3"}
    assert not false_row(row)
    for change in ({"reset_threshold": "5"}, {"word": "baaa"}, {"gap": "1"}, {"n": "4"}):
        assert false_row(row | change)


# --- damage ------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [mutate.damaged_bytes, mutate.damaged_text, mutate.damaged_json])
def test_damage_is_the_same_again(damage: mutate.Mutation) -> None:
    tree = {"a": [1, 2.5, None], "b": {"c": "text", "d": True}}
    data = json.dumps(tree, indent=1).encode()
    results = [damage(data, random.Random(i)) for i in range(300)]
    assert results == [damage(data, random.Random(i)) for i in range(300)]
    assert len({content for content, _ in results}) > 80
    assert sum(content == data for content, _ in results) < 20


def test_forgeries_are_of_all_kinds() -> None:
    chance = random.Random(0)
    proof = certificate([[1, 2, 0], [0, 1, 0]])
    refused = 0
    for forge in {*forgeries._FORGERIES}:
        for _ in range(40):
            try:
                check_certificate(forge(proof, chance))
            except ValueError:
                refused += 1
                break
    assert refused == len({*forgeries._FORGERIES})


def test_random_automata_are_of_all_kinds() -> None:
    deltas = random_batch(np.random.default_rng(0), 400, 5, 2)
    found = [naive.reset_threshold(delta) for delta in deltas.tolist()]
    assert deltas.max() < 5
    assert {None, 1, 2, 3, 4, 5, 6} <= {*found}
    assert sum(t is None for t in found) < 300


# --- tallies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_the_page_says_what_the_harness_does(kind: Kind) -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    section = page.partition(f"## {kind.name}\n")[2].partition("\n## ")[0]
    about, head, *_ = (" ".join(part.split()) for part in section.strip().split("\n\n"))
    assert about == f"{kind.about} Must be zero: {', '.join(kind.bad)}."
    assert head.startswith(f"| case | rounds | {' | '.join(kind.columns)} | seconds a round |")
    assert {*kind.bad} <= {*kind.columns}


KIND = Kind("kind", "About.", ("kills", "differ"), ("differ",), lambda scale: [],
            lambda case, number: Tally({}))  # fmt: skip


def test_rounds_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "FOLDER", tmp_path)
    for number in range(3):
        line = Line("case", number, "new", 0.5 * number, {"kills": 2, "differ": number // 2}, [])
        tallies.append("kind", line)
    tallies.append("kind", Line("case", 0, "old", 1.0, {"kills": 100}, ["text"]))
    with (tmp_path / "kind.jsonl").open("a") as file:
        file.write('{"case": "cut o')
    lines = tallies.read("kind", "new")
    assert [line.round for line in lines] == [0, 1, 2]
    assert len(tallies.read("kind", None)) == 4
    assert tallies.failed(KIND, lines) == 1
    assert tallies.table(KIND, lines).splitlines()[2] == "| case | 3 | 6 | 1 | 0.50 |"


def test_rounds_of_a_scale() -> None:
    assert [Case("", 200).wanted(scale) for scale in (1, 0.5, 0.01, 0)] == [200, 100, 2, 1]


def test_the_code_that_was_tried() -> None:
    assert tallies.code_digest() == tallies.code_digest()
    assert len(tallies.code_digest()) == 12
