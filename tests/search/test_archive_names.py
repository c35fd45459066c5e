"""Names of runs come from folders: no terminal and no spreadsheet may run them as code."""

import csv
import io
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import pipeline
from data.cells import plain_cells
from data.terminal import printable
from search.archive.intake import ArchiveRule
from search.archive.store import Archive
from search.archive.tables import Selection
from tests.commands import call_here
from tests.search.archives import alter, keys, known_rows, query, random_rows

ODD = {
    "\x1b[2J": r"\x1b[2J",
    "a\nb\tc\r": r"a\nb\tc\r",
    "\x7f\x9b31m": r"\x7f\x9b31m",
    "run\u202egnp": r"run\u202egnp",
    os.fsdecode(b"caf\xe9"): r"caf\udce9",
    "Černý 1": "Černý 1",
    "a\\x1b": r"a\x1b",
    "\0": r"\x00",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archive.sqlite"


def run(path: Path, *words: str) -> str:
    answer = CliRunner().invoke(pipeline.cli, ["archive", *words, "--archive", str(path)])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


@pytest.mark.parametrize("name", ODD)
def test_what_no_terminal_prints_is_stored_escaped(path, name):
    table = known_rows(5).assign(cerny_bound=16)
    for _ in range(2):
        ArchiveRule(path, 0).add(table, run=f"{name}/seed-1")
        ArchiveRule(path, 0).add(table, run=name, arm=name)
    stored = {f"{ODD[name]}/seed-1", ODD[name]}
    assert {*query(path, "SELECT DISTINCT run FROM finds")} == {(own,) for own in stored}
    assert {*query(path, "SELECT DISTINCT arm FROM finds")} == {("evolve",), (ODD[name],)}
    for own in (name, ODD[name]):
        with Archive(path, create=False) as archive:
            found = archive.rows(Selection(run=own))
            counts = archive.counts(Selection(run=own))
        assert keys(found) == keys(table)
        assert {*found["finds"]} == {2} and {*found["run"]} <= stored
        assert counts["automata"].tolist() == [len(table)]
    for words in (["list", "--automata"], ["export", "-"]):
        text = run(path, *words)
        assert ODD[name] in text and text.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", [name for name in ODD if name.isascii() and name != "\0"])
def test_what_older_archives_hold_is_escaped_when_it_is_shown(path, name):
    with Archive(path) as archive:
        archive.add(known_rows(5), run="x", arm="x")
    alter(path, f"UPDATE finds SET run = '{name}', arm = '{name}'")
    for own in (name, f"{name}/seed-1"):
        with Archive(path, create=False) as archive:
            table = archive.rows(Selection(run=name))
        assert {*table["run"]} == {printable(own)} and {*table["arm"]} == {ODD[name]}
        alter(path, f"UPDATE finds SET run = '{name}/seed-1'")
    text = run(path, "list", "--automata")
    assert ODD[name] in text and text.replace("\n", "").isprintable()


def test_names_that_are_not_utf8_are_shown_escaped(path, monkeypatch, capfd):
    with Archive(path) as archive:
        archive.add(known_rows(5), run="x")
    alter(path, "UPDATE finds SET run = CAST(x'ff1b' AS TEXT)")
    assert r"\xff\x1b" in run(path, "list", "--automata")
    for option, code in (("--run", 3), ("--family", 2)):
        line = ["archive", "list", option, os.fsdecode(b"\xff"), "--archive", path]
        answer = call_here(line, monkeypatch, capfd)
        assert answer.code == code and r"\udcff" in answer.complaints()[-1]


# --- spreadsheets -------------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@SUM(1)", '=cmd|"/c calc"!A0', "＝1", "-", "=", "\t=1", "\n=1"]


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_are_texts(path, tmp_path, name):
    with Archive(path) as archive:
        archive.add(known_rows(5), run=name, arm=name)
        table = archive.rows()
    out = tmp_path / "rows.csv"
    run(path, "export", str(out))
    for text in (out.read_text(encoding="utf-8"), run(path, "export", "-")):
        cells = [row for row in csv.reader(io.StringIO(text))]
        assert not any(cell.startswith(tuple("=+-@＝\t\n")) for row in cells for cell in row)
        read = pd.read_csv(io.StringIO(text), keep_default_na=False)
        shown = name if name[0] in "\t\n" else f"'{name}"  # tabs and line ends are escaped
        assert {*read["run"]} == {*read["arm"]} == {printable(shown)}
        rest = table.columns.difference(["run", "arm"])
        assert read[rest].equals(table[rest])
    shown = json.loads(run(path, "list", "--automata", "--json"))["automata"]
    assert {row["run"] for row in shown} == {printable(name)}  # no program runs what JSON holds


@pytest.mark.parametrize("name", FORMULAS)
def test_cells(name):
    table = pd.DataFrame(
        {"text": [name, f"x{name}", "", "x"], "number": [-1, 0, 1, 2], "share": [-0.5, 1, 2, None]}
    )
    changed = plain_cells(table)
    assert changed["text"].tolist() == [f"'{name}", f"x{name}", "", "x"]
    assert changed[["number", "share"]].equals(table[["number", "share"]])
    assert table["text"][0] == name
    mixed = pd.DataFrame({"any": [name, -1, None, True]}, dtype=object)
    assert plain_cells(mixed)["any"].tolist() == [f"'{name}", -1, None, True]


def test_cells_of_series(path, tmp_path, monkeypatch):
    """Their cells are escaped like those of all tables, though none comes from outside."""
    with Archive(path) as archive:
        archive.add(pd.concat([known_rows(6), known_rows(7), random_rows(0, 9)]), run="run")
    monkeypatch.setattr("search.archive.series.format_delta", lambda _: "=1+1")
    out = tmp_path / "series.csv"
    run(path, "series", "--at-least", "0.7", "--out", str(out))
    for text in (out.read_text(), run(path, "series", "--at-least", "0.7", "--out", "-")):
        assert {*pd.read_csv(io.StringIO(text))["delta"]} == {"'=1+1"}
