"""The archive: nothing is lost, nothing is there twice, and false entries are found."""

import io
import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import pipeline
from automata import canonical_forms, cerny_bound, from_canonical
from automata.classes import CLASSES
from automata.identification import known
from automata.proof.checker import CertificateError
from automata.properties import in_classes
from automata.text.formats import format_delta, parse_delta
from data.damage import DataError
from search.archive import checks as archive_checks
from search.archive import rows as archive_rows
from search.archive import store as module
from search.archive.series import find_series, summarize
from search.archive.store import Archive, verify_archive
from search.archive.tables import COUNT_COLUMNS, ROW_COLUMNS, Selection
from search.verified import verify_candidates
from tests import naive
from tests.search.archives import (
    PROCESSES,
    alter,
    keys,
    known_rows,
    query,
    random_rows,
    write_shared_and_own,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def mixed() -> pd.DataFrame:
    """Automata of several sizes, of families and of none, not in any order."""
    tables = [known_rows(5), known_rows(6), known_rows(4, 3)]
    tables += [random_rows(1, 60), random_rows(2, 20, 3), random_rows(3, 9, 1)]
    return pd.concat(tables).sample(frac=1, random_state=0).reset_index(drop=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "archive.sqlite"


@pytest.fixture
def filled(path: Path, mixed: pd.DataFrame) -> Path:
    with Archive(path) as archive:
        archive.add(mixed, run="first")
    return path


# --- what is put in comes out -------------------------------------------------------------------


def test_round_trip(filled, mixed):
    with Archive(filled, create=False) as archive:
        table = archive.rows()
    assert [*table.columns] == ROW_COLUMNS
    assert keys(table) == keys(mixed)
    given = mixed.set_index(["n", "k", "canonical"])
    bytes_of = [bytes(map(int, text.split())) for text in table["canonical"]]
    order = [*zip(table["k"], table["n"], table["gap"], bytes_of, strict=True)]
    assert order == sorted(order)
    names = {
        format_delta(from_canonical(canonical_forms(delta[None]), n, k)[0]): name
        for n, k in [(5, 2), (6, 2), (4, 3), (3, 2), (1, 2)]
        for name, delta in reversed(known(n, k))
    }
    for row in table.itertuples():
        source = given.loc[(row.n, row.k, row.canonical)]
        delta = parse_delta(row.delta)
        assert delta.shape == (row.k, row.n)
        assert canonical_forms(delta[None])[0].tolist() == [*map(int, row.canonical.split())]
        assert naive.reset_threshold(delta) == row.reset_threshold == source["reset_threshold"]
        assert (row.cerny_bound, row.gap) == ((row.n - 1) ** 2, row.cerny_bound - len(row.word))
        assert row.word == source["word"]
        assert row.family == names.get(row.delta, "")
        flags = [name for name in CLASSES if in_classes(delta[None], [name])[0]]
        assert row.properties.split(",") == flags
        assert (row.run, row.arm, row.finds) == ("first", "evolve", 1)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row.found_at)
    assert {"C", ""} < {*table["family"]}
    assert verify_archive(filled) == len(mixed)


def test_a_search_is_archived(path):
    """The archive takes a table of candidates, also as it is read from its file."""
    from search.evolve import EvolveConfig, evolve_from_random

    found = evolve_from_random(EvolveConfig(n=5, budget=300, batch=64, keep=50)).candidates
    with Archive(path) as archive:
        assert archive.add(found, run="evolve") == 50
        text = io.StringIO(found.to_csv(index=False))
        assert archive.add(pd.read_csv(text, keep_default_na=False), run="evolve") == 0
        table = archive.rows()
    same = ["n", "k", "reset_threshold", "cerny_bound", "gap", "word", "delta", "family"]
    ordered = found.sort_values(["gap", "canonical"]).reset_index(drop=True)
    assert table[same].to_numpy().tolist() == ordered[same].to_numpy().tolist()
    assert {*table["arm"]} == {"evolve"}


def test_adding_again_changes_nothing(path, mixed, monkeypatch):
    with Archive(path) as archive:
        assert archive.add(mixed.iloc[:50], run="one") == 50
        stored = "SELECT * FROM automata ORDER BY n, k, canonical"
        old, finds = query(path, stored), query(path, "SELECT * FROM finds")
        monkeypatch.setattr(module, "_now", lambda: "2999-01-01T00:00:00Z")
        again = mixed.iloc[:50].sample(frac=1, random_state=1)
        assert archive.add(again, run="one") == 0
        assert archive.add(again.iloc[:0], run="one") == 0
        assert (query(path, stored), query(path, "SELECT * FROM finds")) == (old, finds)
        assert archive.add(mixed, run="one") == len(mixed) - 50
        assert query(path, "SELECT count(*) FROM finds WHERE found_at < '2999'") == [(50,)]


def test_two_runs_find_the_same(path, monkeypatch):
    table = known_rows(6)
    times = iter(f"2030-01-0{day}T00:00:00Z" for day in range(1, 9))
    monkeypatch.setattr(module, "_now", lambda: next(times))
    with Archive(path) as archive:
        assert archive.add(table.iloc[:4], run="late", arm="prior") == 4
        assert archive.add(table.iloc[2:], run="early") == len(table) - 4
        assert archive.add(table.iloc[:4].assign(mode="uniform"), run="late") == 0
        both = archive.rows().set_index("canonical").loc[table["canonical"]]
        early = archive.rows(Selection(run="early")).set_index("canonical")
        none = archive.rows(Selection(run="never"))
        counts = archive.counts()
    assert both["finds"].tolist() == [2, 2, 3, 3, *[1] * (len(table) - 4)]
    assert both["run"].tolist() == ["late"] * 4 + ["early"] * (len(table) - 4)
    assert both["arm"].tolist() == ["prior"] * 4 + ["evolve"] * (len(table) - 4)
    assert {*early.index} == {*table["canonical"][2:]}
    assert {*early["run"]} == {"early"} and {*early["finds"]} == {1}
    assert {*early["found_at"]} == {"2030-01-02T00:00:00Z"}
    assert len(none) == 0
    with Archive(path) as archive:
        archive.add(table.iloc[:2], run="early/seed-7")
        assert {*archive.rows(Selection(run="early"))["canonical"]} == {*table["canonical"]}
        assert len(archive.rows(Selection(run="earl"))) == 0
        assert archive.counts(Selection(run="early/seed-7"))["automata"].tolist() == [2]
    assert counts.loc[0, ["first", "last"]].tolist() == [
        "2030-01-01T00:00:00Z",
        "2030-01-03T00:00:00Z",
    ]


def test_many_transactions(path, mixed, monkeypatch):
    monkeypatch.setattr(archive_rows, "_PART_ROWS", 7)
    doubled = pd.concat([mixed, mixed.assign(mode="prior")], ignore_index=True)
    with Archive(path) as archive:
        assert archive.add(doubled, run="run") == len(mixed)
        assert {*archive.rows()["finds"]} == {2}


def test_more_states_than_all_classes_are_decided_for(path):
    with Archive(path) as archive:
        assert archive.add(known_rows(21), run="run") == len(known_rows(21))
        table = archive.rows()
        cerny = table[table["family"] == "C"].iloc[0]
        assert cerny["gap"] == 0
        decided = {*CLASSES} - {"aperiodic", "completely-reachable"}
        assert {*cerny["properties"].split(",")} == decided - {"sink", "defect-2", "eulerian"}
        for name in ("aperiodic", "not-aperiodic", "completely-reachable"):
            assert len(archive.rows(Selection(classes=(name,)))) == 0
        assert len(archive.rows(Selection(classes=("not-sink",)))) == len(table)
    assert verify_archive(path) == len(table)


# --- filters ------------------------------------------------------------------------------------

SELECTIONS = [
    Selection(n=5),
    Selection(k=3),
    Selection(n=6, k=2),
    Selection(n=7),
    Selection(at_least=0),
    Selection(at_least=0.5),
    Selection(at_least=0.5625),  # 9 / 16
    Selection(at_least=1),
    Selection(family="C"),
    Selection(family="D'"),
    Selection(family=""),
    Selection(family="no such"),
    Selection(classes=("sink",)),
    Selection(classes=("not-aperiodic",)),
    Selection(classes=("strongly-connected", "not-permutation-letter", "not-eulerian"), n=5),
    Selection(run="first"),
    Selection(run="second"),
]


@pytest.mark.parametrize("selection", SELECTIONS, ids=str)
def test_filters(filled, selection):
    with Archive(filled, create=False) as archive:
        whole, table = archive.rows(), archive.rows(selection)
        limited, counts = archive.rows(selection, limit=3), archive.counts(selection)
    keep = np.ones(len(whole), np.bool_)
    for name in ("n", "k", "family", "run"):
        if getattr(selection, name) is not None:
            keep &= whole[name] == getattr(selection, name)
    if selection.at_least is not None:
        keep &= whole["reset_threshold"] >= selection.at_least * (whole["n"] - 1) ** 2
    for name in selection.classes:
        flags = [
            in_classes(parse_delta(delta)[None], [name.removeprefix("not-")])[0]
            for delta in whole["delta"]
        ]
        keep &= np.array(flags) != name.startswith("not-")
    expected = whole[keep].reset_index(drop=True)
    assert table.equals(expected) or len(table) == len(expected) == 0
    assert keys(limited) == sorted(keys(expected[:3]))
    rows = [
        [k, n, len(own), own["reset_threshold"].max(), cerny_bound(n), own["gap"].min()]
        + [(own["family"] == "").sum(), own["found_at"].min(), own["found_at"].max()]
        for (k, n), own in expected.groupby(["k", "n"])
    ]
    assert [*counts.columns] == COUNT_COLUMNS
    assert counts.to_numpy().tolist() == rows


def test_a_share_that_floats_miss(path):
    """0.28 * 25 is more than 7."""
    table = random_rows(0, 500, 6)
    sevens, over = (table["reset_threshold"] == 7).sum(), (table["reset_threshold"] > 7).sum()
    assert sevens and over
    with Archive(path) as archive:
        archive.add(table, run="run")
        assert len(archive.rows(Selection(at_least=0.28))) == sevens + over
        assert len(archive.rows(Selection(at_least=0.281))) == over


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n": 0}, r"n=0 is not in 1\.\.64"),
        ({"n": 65}, r"n=65 is not in 1\.\.64"),
        ({"k": 7}, r"k=7 is not in 1\.\.6"),
        ({"at_least": -0.1}, r"at-least=-0.1 is not in 0\.\.1"),
        ({"at_least": 1.1}, r"at-least=1.1 is not in 0\.\.1"),
        ({"at_least": float("nan")}, "at-least=nan is not a finite number"),
        ({"classes": ("best",)}, "unknown class 'best'"),
    ],
)
def test_bad_selections(changes, message):
    with pytest.raises(ValueError, match=message):
        Selection(**changes)


# --- what is refused ----------------------------------------------------------------------------


def states(path: Path) -> tuple:
    return tuple(query(path, f"SELECT * FROM {name}") for name in ("automata", "finds"))


def worse(table: pd.DataFrame, row: int) -> pd.DataFrame:
    """The table with another threshold in a row."""
    table = table.copy()
    table.loc[row, "reset_threshold"] += 1
    table.loc[row, "word"] += "a"
    return table


@pytest.mark.parametrize("row", [0, 99])
def test_another_threshold(path, monkeypatch, row):
    monkeypatch.setattr(archive_rows, "_PART_ROWS", 30)
    table = random_rows(0, 200)[:100]
    with Archive(path) as archive:
        archive.add(table.iloc[[0, 99]], run="one")
        before = states(path)
        with pytest.raises(RuntimeError, match=f"solver bug: n=5, k=2, .* but .* in {path}"):
            archive.add(worse(table, row), run="two")
        assert states(path) == before
        assert archive.add(table, run="two") == 98


def test_two_thresholds_at_once(path, monkeypatch):
    monkeypatch.setattr(archive_rows, "_PART_ROWS", 30)
    table = random_rows(0, 200)[:100]
    with Archive(path) as archive:
        with pytest.raises(RuntimeError, match="solver bug: .* in another row"):
            archive.add(pd.concat([table, worse(table, 7)], ignore_index=True), run="one")
        assert states(path) == ([], [])


def test_another_threshold_from_a_faster_process(path, monkeypatch):
    """Another process adds the automata after this one has looked for them."""
    table, records = random_rows(0, 30), archive_rows.Part.records

    def overtaken(self, rows, *, workers):
        with Archive(path) as other:
            monkeypatch.setattr(archive_rows.Part, "records", records)
            other.add(worse(table, 3), run="other")
        return self.records(rows, workers=workers)

    with Archive(path) as archive:
        monkeypatch.setattr(archive_rows.Part, "records", overtaken)
        with pytest.raises(DataError, match=rf"^{path}: damaged \(n=5, .* is proved\)$"):
            archive.add(table, run="slow")
        assert query(path, "SELECT DISTINCT run FROM finds") == [("other",)]
        monkeypatch.setattr(archive_rows.Part, "records", records)
        assert archive.add(table.drop(3), run="slow") == 0


@pytest.mark.parametrize("changed", [-1, 1, 7, -9, 2**40])
def test_a_threshold_that_was_changed_in_the_file(path, changed):
    """A proof decides that the archive is wrong, not the solver."""
    table = known_rows(6)
    with Archive(path) as archive:
        archive.add(table, run="one")
    alter(
        path,
        f"UPDATE automata SET reset_threshold = reset_threshold + {changed} WHERE family = 'C'",
    )
    before = states(path)
    with Archive(path) as archive:
        where = rf"^{path}: damaged \(n=6, k=2, canonical form \d( \d){{11}} has threshold "
        with pytest.raises(DataError, match=rf"{where}{25 + changed}, but 25 is proved\)$"):
            archive.add(table.assign(mode="prior"), run="two")
        assert states(path) == before
        assert archive.add(table[table["reset_threshold"] < 25], run="two") == 0


def test_a_threshold_without_a_proof(path, monkeypatch):
    def fail(*_) -> None:
        raise CertificateError("proves nothing")

    table = known_rows(6)
    with Archive(path) as archive:
        archive.add(table, run="one")
        monkeypatch.setattr(archive_checks, "proved_threshold", fail)
        with pytest.raises(RuntimeError, match=f"solver bug: .* in {path}, and no proof: proves"):
            archive.add(worse(table, 0), run="two")


def test_what_takes_long_is_checked_by_verify_alone(path, monkeypatch):
    """These are long searches and two properties of large automata."""
    with Archive(path) as archive:
        archive.add(known_rows(14), run="run")
    with monkeypatch.context() as patch:
        unknown = np.full(len(known_rows(14)), -2, np.int32)
        patch.setattr(archive_checks, "thresholds_of", lambda *_, **__: unknown)
        with Archive(path, create=False) as archive:
            assert len(archive.rows()) == len(unknown)
    for name, raised in [("completely-reachable", False), ("irreducible", True)]:
        alter(path, f"UPDATE automata SET properties = replace(properties, ',{name}', '')")
        with Archive(path, create=False) as archive:
            if raised:
                with pytest.raises(DataError, match="properties is"):
                    archive.rows()
            else:
                assert len(archive.rows()) == len(unknown)
        with pytest.raises(DataError, match="properties is"):
            verify_archive(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="word"), "no column 'word'"),
        (lambda t: t.drop(columns="mode"), "no column 'mode'"),
        (lambda t: t.assign(word=t["word"] + "a"), "candidate 0: the word is not as long"),
        (lambda t: t.assign(mode=[*"ab", ""]), "candidate 2: found by no arm"),
        (lambda t: t.assign(mode=["a", None, "c"]), "candidate 1: found by no arm"),
        (lambda t: t.assign(mode=[*"ab", "c" * 4097]), "candidate 2: the name of its arm has over"),
        (lambda t: t.assign(canonical=t["canonical"] + " 0"), "candidate 0: not a form of 10"),
        (lambda t: t.assign(canonical="0 " * 9 + "5"), "leads to 5, outside 0..4"),
        (lambda t: t.assign(canonical="0 " * 9 + "x"), "x"),
        (lambda t: t.assign(canonical="4 " * 9 + "4"), "candidate 0: the form is not canonical"),
        (lambda t: t.assign(n=4), "candidate 0: not a form of 8 entries"),
    ],
)
def test_bad_candidates(path, change, message):
    with Archive(path) as archive:
        with pytest.raises(ValueError, match=message):
            archive.add(change(random_rows(0, 9)[:3]), run="run")
        for run in ("", "x" * 4097, "\x1b" * 1025):
            with pytest.raises(ValueError, match="a run has a name of 1 to 4096 letters"):
                archive.add(random_rows(0, 9), run=run)
        assert states(path) == ([], [])


def text(path: Path) -> None:
    path.write_text("n,k,canonical\n")


def random_bytes(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(20_000))


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE automata (n, k)")


def later(path: Path) -> None:
    with Archive(path):
        pass
    alter(path, "PRAGMA user_version = 2")


def half(path: Path) -> None:
    """The first half of an archive."""
    with Archive(path) as archive:
        archive.add(random_rows(0, 300), run="run")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (text, "not an archive, or damaged"),
        (random_bytes, "not an archive, or damaged"),
        (foreign, "not an archive of automata"),
        (later, "an archive of version 2, not of 1"),
        (half, "not an archive, or damaged"),
        (Path.mkdir, "a folder, not an archive"),
    ],
)
@pytest.mark.parametrize("create", [True, False])
def test_files_that_are_no_archive(tmp_path, make, message, create):
    path = tmp_path / "file"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(DataError, match=f"^{path}: {message}"), Archive(path, create=create) as db:
        db.rows()
    assert before == (path.read_bytes() if path.is_file() else None)
    assert [*tmp_path.iterdir()] == [path]


def test_no_archive_to_read(tmp_path):
    for path in (tmp_path / "none", tmp_path / "no" / "folder"):
        with pytest.raises(DataError, match=f"^{path}: no such file; search, evolve, discover and"):
            Archive(path, create=False)
    (tmp_path / "empty").touch()
    with pytest.raises(DataError, match="not an archive"):
        Archive(tmp_path / "empty", create=False)
    assert [*tmp_path.iterdir()] == [tmp_path / "empty"]


def test_an_empty_file_becomes_one(tmp_path):
    """A process may be killed when it has opened the file and made nothing of it."""
    (tmp_path / "empty").touch()
    with Archive(tmp_path / "empty") as archive:
        assert archive.add(random_rows(0, 9), run="run")


@pytest.mark.parametrize("name", ["a b", "what?mode=ro", "100%25", "č#1"])
def test_odd_names(tmp_path, name):
    with Archive(tmp_path / name) as archive:
        archive.add(random_rows(0, 9), run="run")
    with Archive(tmp_path / name, create=False) as archive:
        assert len(archive.rows())
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_lost_file_beside_what_is_left_of_it(path):
    """A log without its file, after kill -9 and `rm`, does not become part of the next file."""
    with Archive(path) as archive:
        archive.add(random_rows(0, 30), run="old")
        log = Path(f"{path}-wal").read_bytes()
    path.unlink()
    Path(f"{path}-wal").write_bytes(log)
    with Archive(path) as archive:
        assert len(archive.rows()) == 0


def test_a_full_disk(path, monkeypatch):
    with Archive(path) as archive:
        table = random_rows(0, 3000)
        archive.add(table[:10], run="run")
        db = archive._source._db
        ((pages,),) = db.execute("PRAGMA page_count")
        db.execute(f"PRAGMA max_page_count = {pages + 2}").fetchall()
        with pytest.raises(OSError, match=f"{path}: .*full"):
            archive.add(table, run="run")
        db.execute("PRAGMA max_page_count = 1000000").fetchall()
        assert (len(archive.rows()), verify_archive(path)) == (10, 10)
        assert archive.add(table, run="run") == len(table) - 10


# --- many processes -----------------------------------------------------------------------------


def test_several_writers(path):
    barrier = PROCESSES.Barrier(3)
    processes = [
        PROCESSES.Process(target=write_shared_and_own, args=(path, i, barrier)) for i in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    shared, own = random_rows(0, 300), [random_rows(100 + i, 300, 6) for i in range(3)]
    expected = pd.concat([shared, *own]).drop_duplicates(["n", "canonical"])
    with Archive(path, create=False) as archive:
        assert keys(archive.rows()) == keys(expected)
        for i in range(3):
            found = archive.rows(Selection(run=f"run {i}"))
            assert keys(found) == keys(pd.concat([shared, own[i]]))
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


# Makes archives, four processes at once, a few times; then writes to one and is killed, many times.
CHILDREN = """
import os, random, signal, sys, time
from pathlib import Path
from search.archive.store import Archive
from tests.search.archives import random_rows

def fork(work, *arguments):
    child = os.fork()
    if child == 0:
        try:
            work(*arguments)
            os._exit(0)
        finally:
            os._exit(1)
    return child

def status(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

table = random_rows(0, 1500, 6)
folder, kills = Path(sys.argv[1]), int(sys.argv[2])
with Archive(folder / "warm") as archive:
    archive.add(table, run="warm")

def create(path, start):
    time.sleep(max(0, start - time.monotonic()))
    with Archive(path) as archive:
        archive.add(table[:5], run="run")

for attempt in range(5):
    path, start = folder / f"made {attempt}", time.monotonic() + 0.02
    assert [status(child) for child in [fork(create, path, start) for _ in range(4)]] == [0] * 4

def work(attempt, pipe):
    chance = random.Random(attempt)
    with Archive(folder / "killed") as archive:
        for batch in range(10**6):
            start = chance.randrange(len(table))
            size = chance.choice([1, 20, 400])
            archive.add(table[start : start + size], run=f"{attempt} {batch}")
            os.write(pipe, f"{attempt} {batch} {start} {size}\\n".encode())

for attempt in range(kills):
    reading, writing = os.pipe()
    child = fork(work, attempt, writing)
    os.close(writing)
    chance = random.Random(-1 - attempt)
    with os.fdopen(reading) as lines:
        for _ in range(chance.randrange(6)):  # at first it may be killed while it opens the file
            print(lines.readline(), end="")
        time.sleep(chance.random() / 20)
        os.kill(child, signal.SIGKILL)
        print(lines.read(), end="")  # acknowledged before it was dead
    assert status(child) == -signal.SIGKILL
"""


@pytest.mark.parametrize("kills", [8, pytest.param(500, marks=pytest.mark.exhaustive)])
def test_killed_again_and_again(tmp_path, kills):
    command = [sys.executable, "-c", CHILDREN, str(tmp_path), str(kills)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    table = random_rows(0, 1500, 6)
    path = tmp_path / "killed"
    stored = {form for (form,) in query(path, "SELECT canonical FROM automata")}
    finds = {*query(path, "SELECT run, canonical FROM finds")}
    forms = [bytes(map(int, form.split())) for form in table["canonical"]]
    acknowledged = [tuple(map(int, line.split())) for line in answer.stdout.splitlines()]
    assert len({attempt for attempt, *_ in acknowledged}) > kills // 2
    for attempt, batch, start, size in acknowledged:
        for form in forms[start : start + size]:
            assert form in stored
            assert (f"{attempt} {batch}", form) in finds
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert {form for _, form in finds} == stored <= {*forms}
    with Archive(path, create=False) as archive:
        columns = ["reset_threshold", "word", "canonical"]
        rows = {*archive.rows()[columns].itertuples(index=False, name=None)}
        assert len(rows) == len(stored)
        assert rows <= {*table[columns].itertuples(index=False, name=None)}
    for attempt in range(5):
        with Archive(tmp_path / f"made {attempt}") as archive:
            assert keys(archive.rows()) == keys(table[:5])


# --- verification -------------------------------------------------------------------------------

SHORTER = "reset_threshold = reset_threshold - 1, gap = gap + 1, word = substr(word, 2)"
LONGER = "reset_threshold = reset_threshold + 1, gap = gap - 1, word = word || 'a'"
SWAPPED = "word = replace(replace(replace(word, 'a', 'x'), 'b', 'a'), 'x', 'b')"


@pytest.fixture
def sixes(path: Path) -> Path:
    """The known automata with n = 6, and some with n = 5."""
    with Archive(path) as archive:
        archive.add(pd.concat([known_rows(6), random_rows(0, 100)]), run="run")
    return path


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (SHORTER, "the word does not send all states to one state"),
        (LONGER, "threshold 26, but 25 is proved"),
        (SWAPPED, "the word does not send all states to one state"),
        ("word = replace(word, 'b', 'c')", "the word does not send all states to one state"),
        ("word = replace(word, 'b', '!')", "'!' is not a letter.*"),
        ("word = 'a1' || substr(word, 3)", "a word of 24 letters for the threshold 25"),
        ("family = 'W'", "family is W, but should be C"),
        ("family = ''", "family is , but should be C"),
        ("properties = replace(properties, ',basic', '')", "properties is .*, but should be .*"),
        ("properties = properties || ',sink'", "properties is .*sink, but should be .*basic"),
        ("properties = ''", "properties is , but should be synchronizing,.*"),
    ],
)
def test_false_entries_are_found(sixes, changed, message):
    alter(sixes, f"UPDATE automata SET {changed} WHERE n = 6 AND family = 'C'")
    with pytest.raises(DataError) as caught:
        verify_archive(sixes)
    where = rf"{sixes}: n=6, k=2, canonical form \d( \d){{11}}: "
    assert re.fullmatch(where + message, str(caught.value))
    with Archive(sixes, create=False) as archive:  # nor is it shown
        for look in (archive.rows, archive.counts):
            with pytest.raises(DataError, match=f"^{where}"):
                look(Selection(classes=("basic",)))
        if "properties" in changed:
            rows = len(known_rows(6)) + len(random_rows(0, 100))
            assert archive.counts()["automata"].sum() == rows
        else:
            with pytest.raises(DataError, match=f"^{where}"):
                archive.counts(Selection(n=5))


@pytest.mark.parametrize("entry", [4, 6, 200])
def test_forms_that_are_not_canonical_are_found(sixes, entry):
    """Another member of the class, and what is no automaton."""
    ((form,),) = query(sixes, "SELECT canonical FROM automata WHERE n = 6 AND family = 'C'")
    if entry < 6:
        delta = from_canonical([list(form)], 6, 2)[0]
        names = np.array([1, 2, 3, 4, 5, 0])
        moved = np.empty_like(delta)
        moved[:, names] = names[delta]
        other = bytes(moved.T.ravel().tolist())
    else:
        other = form[:-1] + bytes([entry])
    for table in ("automata", "finds"):
        alter(
            sixes,
            f"UPDATE {table} SET canonical = x'{other.hex()}' WHERE canonical = x'{form.hex()}'",
        )
    message = f"canonical form {' '.join(map(str, other))}: it is not canonical"
    with pytest.raises(DataError, match=message):
        verify_archive(sixes)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE automata SET gap = gap + 1", r"damaged \(CHECK constraint failed in automata\)"),
        ("UPDATE automata SET word = word || 'a'", r"damaged \(CHECK constraint failed in"),
        ("UPDATE automata SET canonical = x'00'", r"damaged \(CHECK constraint failed in"),
        ("DELETE FROM automata WHERE family = 'C'", "a find of an automaton that is not there"),
        ("DELETE FROM finds WHERE n = 5", "an automaton that nobody found"),
        ("DROP TABLE finds", r"damaged \(no table 'finds'\)"),
    ],
)
def test_what_does_not_fit_together_is_found(sixes, statement, message):
    if "x'00'" in statement:
        statement += " WHERE rowid = 1"
    alter(sixes, statement)
    with pytest.raises(DataError, match=f"^{sixes}: .*{message}"):
        verify_archive(sixes)


def test_a_damaged_page_is_found(sixes):
    content = bytearray(sixes.read_bytes())
    for start in range(4096 + 200, len(content), 4096):
        content[start : start + 600] = bytes(600)
    sixes.write_bytes(content)
    with pytest.raises(DataError, match=f"^{sixes}: .*damaged"):
        verify_archive(sixes)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_first_of_the_bad_is_named(sixes, monkeypatch, workers):
    monkeypatch.setattr(module, "_CHECKED_ROWS", 40)
    assert verify_archive(sixes, workers=workers) == len(known_rows(6)) + len(random_rows(0, 100))
    forms = sorted(bytes(map(int, text.split())) for text in random_rows(0, 100)["canonical"])
    for form in forms[-1], forms[50]:
        alter(sixes, f"UPDATE automata SET family = 'W' WHERE canonical = x'{form.hex()}'")
    alter(sixes, "UPDATE automata SET family = 'E' WHERE n = 6")
    message = f"n=5, k=2, canonical form {' '.join(map(str, forms[50]))}: family is W"
    with pytest.raises(DataError, match=message):
        verify_archive(sixes, workers=workers)


def test_the_example_of_the_documentation(path, monkeypatch, capsys):
    with Archive(path) as archive:
        archive.add(pd.concat([known_rows(9), random_rows(0, 50, 9)]), run="run")
        own = archive.rows(Selection(family="", classes=("irreducible",)))
        first = archive.rows()["delta"].tolist()
    monkeypatch.chdir(path.parents[1])
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(import sqlite3.*?)```", text, re.DOTALL)
    names = {}
    exec(example, names)
    assert capsys.readouterr().out == f"9 {own['reset_threshold'].max()} {len(own)}\n"
    assert format_delta(names["delta"]) in first


def test_an_empty_archive(path):
    with Archive(path) as archive:
        assert archive.add(random_rows(0, 9)[:0], run="run") == 0
        assert [*archive.rows().columns] == ROW_COLUMNS
        assert [*archive.counts().columns] == COUNT_COLUMNS
    assert verify_archive(path) == 0


# --- the commands -------------------------------------------------------------------------------


def run(*words: object):
    return CliRunner().invoke(pipeline.cli, ["archive", *map(str, words)])


@pytest.mark.parametrize("name", ["list", "export", "series", "verify"])
def test_help(name):
    command = pipeline.cli.commands["archive"].commands[name]
    answer = run(name, "--help")
    assert answer.exit_code == 0
    assert command.help
    for option in command.params:
        assert isinstance(option, click.Argument) or option.help
        assert isinstance(option, click.Argument) or option.opts[0] in answer.stdout


def test_list(filled, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with Archive(filled) as archive:
        counts, rows = archive.counts(), archive.rows(Selection(n=5))
    answer = run("list", "--archive", filled)
    assert answer.exit_code == 0, answer.output
    shown = counts.rename(columns={"best_threshold": "best", "cerny_bound": "bound"})
    assert answer.stdout == shown.to_string(index=False) + "\n"
    answer = run("list", "--archive", filled, "--json")
    assert json.loads(answer.stdout) == {"counts": counts.to_dict("records")}
    answer = run("list", "--archive", filled, "--automata", "-n", 5, "--limit", 3)
    lines = answer.stdout.splitlines()
    assert lines[0].split() == "n k threshold gap delta family run arm found_at".split()
    for line, row in zip(lines[1:4], rows[:3].itertuples(), strict=True):
        assert row.delta in line and row.found_at in line
    assert lines[4].startswith("The first 3: --limit N lists more")
    answer = run("list", "--archive", filled, "--automata", "-n", 5, "--json", "--limit", 10**6)
    assert json.loads(answer.stdout) == {"automata": rows.to_dict("records")}
    answer = run("list", "--archive", filled, "-n", 64)
    assert (answer.exit_code, answer.stdout) == (0, "no automata\n")


FILTERS = [
    ("-n 5 -k 2", Selection(n=5, k=2)),
    ("--at-least 0.8", Selection(at_least=0.8)),
    ("--class not-sink --class basic", Selection(classes=("not-sink", "basic"))),
    ("--family C", Selection(family="C")),
    ("--run second", Selection(run="second")),
]


@pytest.mark.parametrize(("words", "selection"), FILTERS)
def test_export(filled, tmp_path, words, selection):
    with Archive(filled) as archive:
        archive.add(known_rows(5), run="second", arm="prior")
        table = archive.rows(selection)
    out = tmp_path / "new" / "rows.csv"
    answer = run("export", out, "--archive", filled, *words.split())
    assert (answer.exit_code, answer.stdout) == (0, f"automata: {len(table)}\nfile: {out}\n")
    assert 0 < len(table) < 100
    assert [path.name for path in out.parent.iterdir()] == ["rows.csv"]
    assert pd.read_csv(out, keep_default_na=False).equals(table)
    answer = run("export", "-", "--archive", filled, *words.split(), "--json")
    assert answer.stdout == out.read_text()
    answer = run("export", out, "--archive", filled, *words.split(), "--json")
    assert json.loads(answer.stdout) == {"automata": len(table), "file": str(out)}
    listed = json.loads(run("list", "--archive", filled, *words.split(), "--json").stdout)
    assert sum(row["automata"] for row in listed["counts"]) == len(table)


def test_an_export_replaces_an_export_alone(filled, tmp_path):
    out = tmp_path / "rows.csv"
    out.write_text("mine\n")
    answer = run("export", out, "--archive", filled)
    assert str(answer.exception) == (
        f"{out}: is there, and no file of archive export; --force replaces it"
    )
    assert out.read_text() == "mine\n"
    for words in (["--force"], ["-n", 5]):
        assert run("export", out, "--archive", filled, *words).exit_code == 0
    assert {*pd.read_csv(out)["n"]} == {5}


@pytest.mark.parametrize("name", ["list", "export -", "series"])
def test_runs_and_families_that_there_are_not(filled, name):
    answer = run(*name.split(), "--archive", filled, "--run", "nope")
    assert str(answer.exception) == f"{filled}: has no finds of the run 'nope'"
    answer = run(*name.split(), "--archive", filled, "--family", "nope")
    assert answer.exit_code == 2 and "unknown family 'nope': one of C, " in answer.output
    assert run("list", "--archive", filled, "--family", "Wielandt(60,59)").exit_code == 0


def test_verify_takes_an_export(filled, tmp_path, mixed):
    with Archive(filled) as archive:
        archive.add(known_rows(4), run="=1+1", arm="@prior")  # cells that a spreadsheet would run
        number = archive.counts()["automata"].sum()
    out = tmp_path / "rows.csv"
    run("export", out, "--archive", filled)
    answer = CliRunner().invoke(pipeline.cli, ["verify", str(out)])
    assert (answer.exit_code, answer.stdout) == (0, f"rows verified: {number}\n")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("n", "7", "n is 7, but should be 5"),
        ("k", "3", "k is 3, but should be 2"),
        ("reset_threshold", "17", "gap is"),
        ("reset_threshold", "many", "reset_threshold 'many' is not a whole number"),
        ("cerny_bound", "25", "cerny_bound is 25, but should be 16"),
        ("gap", "-1", "gap is -1, but should be"),
        ("word", "ab", "a word of 2 letters for the threshold"),
        ("word", "a" * 16, "the word does not send all states to one state"),
        ("delta", "0 0 0 0 0|1 1 1 1 1", "canonical is"),
        ("delta", "1 2 3|", "letter 1 has"),
        ("canonical", "0 1 2 3 4 0 1 2 3 4", "canonical is"),
        ("family", "X", "family is X, but should be C"),
        ("properties", "sink", "properties is sink, but should be"),
        ("run", "", "found by run ''"),
        ("arm", "", "found by run 'first', arm ''"),
        ("finds", "0", "found by run 'first', arm 'evolve', 0 times"),
        ("found_at", "yesterday", "found_at 'yesterday' is not a time"),
    ],
)
def test_verify_refuses_a_forged_export(filled, tmp_path, column, value, message):
    out = tmp_path / "rows.csv"
    run("export", out, "--archive", filled, "-n", 5, "-k", 2, "--at-least", 0.8)
    table = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert table.loc[0, "family"] == "C"
    table.loc[0, column] = value
    table.to_csv(out, index=False)
    with pytest.raises(DataError, match=f"^{re.escape(str(out))}: row 1: {message}"):
        verify_candidates(out)


def test_verify_refuses_an_export_that_claims_more(filled, tmp_path):
    out = tmp_path / "rows.csv"
    run("export", out, "--archive", filled, "-n", 5, "-k", 2, "--at-least", 0.8)
    table = pd.read_csv(out, keep_default_na=False)
    table.loc[0, ["reset_threshold", "gap", "word"]] = [17, -1, table.loc[0, "word"] + "a"]
    table.to_csv(out, index=False)
    with pytest.raises(DataError, match="row 1: threshold 17, but 16 is proved"):
        verify_candidates(out)
    table.loc[0, ["reset_threshold", "gap"]] = [16, 0]
    table.loc[0, "word"] = table.loc[0, "word"][:-1]
    table.loc[0, "delta"] = "|".join(reversed(table.loc[0, "delta"].split("|")))
    table.to_csv(out, index=False)
    with pytest.raises(DataError, match="row 1: delta is .*, but should be"):
        verify_candidates(out)
    run("export", out, "--archive", filled, "-n", 5)
    first, *rows = out.read_text().splitlines(keepends=True)
    out.write_text("".join([first, rows[1], rows[0], *rows[2:]]))
    with pytest.raises(DataError, match="row 2: out of order, or the same automaton again"):
        verify_candidates(out)
    out.write_text("".join([first, *rows])[:-1])
    with pytest.raises(DataError, match="the file is cut off"):
        verify_candidates(out)


@pytest.mark.parametrize("column", ROW_COLUMNS)
def test_verify_names_what_an_export_lacks(filled, tmp_path, column):
    out = tmp_path / "rows.csv"
    run("export", out, "--archive", filled, "-n", 5)
    pd.read_csv(out, dtype=str).drop(columns=column).to_csv(out, index=False)
    kind, lost = ("a candidates file", "rank") if column == "found_at" else (None, column)
    message = f"not {kind or 'a file of archive export'}, no column '{lost}'; verify takes the"
    with pytest.raises(DataError, match=message):
        verify_candidates(out)


def test_an_export_is_whole_or_absent(filled, tmp_path, monkeypatch):
    def torn(self, path, **options):
        Path(path).write_text("n,k")
        raise OSError("no space left")

    monkeypatch.setattr(pd.DataFrame, "to_csv", torn)
    answer = run("export", tmp_path / "new" / "rows.csv", "--archive", filled)
    assert isinstance(answer.exception, OSError)
    assert not [*(tmp_path / "new").iterdir()]


def test_series(filled, tmp_path):
    with Archive(filled) as archive:
        rows = archive.rows(Selection(at_least=0.7))
    found = find_series(rows, at_least=0.7)
    assert {"C", "D'"} < {*found.series["family"]}
    out = tmp_path / "new" / "series.csv"
    words = ("series", "--archive", filled, "--at-least", 0.7, "--prove")
    answer = run(*words, "--out", out)
    assert answer.exit_code == 0, answer.output
    *table, note, sporadic, name = answer.stdout.splitlines()
    assert "conjecture" in note
    assert "\n".join(table) == summarize(found.series).to_string(index=False)
    for (k, n), own in found.sporadic.groupby(["k", "n"]):
        assert f"{len(own)} with n={n}, k={k}" in sporadic
    assert name == str(out)
    assert (
        pd.read_csv(out, keep_default_na=False)
        .astype(dict.fromkeys(("sizes", "start", "cut", "stop"), str))
        .equals(found.series)
    )
    answer = run(*words, "--json")
    tables = {"series": found.series, "sporadic": found.sporadic, "left": found.left}
    rows_of = {name: own.to_dict("records") for name, own in tables.items()}
    assert json.loads(answer.stdout) == {**rows_of, "left_open": 0, "slow": 0}
    assert run(*words, "--out", "-").stdout == out.read_text()
    answer = run("series", "--archive", filled, "-n", 64)
    assert (answer.exit_code, answer.stdout) == (0, "no series\nAutomata in no series: none\n")


def test_series_within_a_time(filled, tmp_path):
    whole = run("series", "--archive", filled, "--at-least", 0.7).stdout
    words = ("series", "--archive", filled, "--at-least", 0.7, "--time-limit")
    answer = run(*words, "0.000001", "--out", tmp_path / "series.csv")
    assert answer.exit_code == 0
    with Archive(filled) as archive:
        sizes = archive.rows(Selection(at_least=0.7)).groupby(["k", "n"]).size()
    left = ", ".join(f"{count} with n={n}, k={k}" for (k, n), count in sizes.items())
    assert answer.stdout.splitlines() == [
        "no series",
        "Automata in no series: none",
        f"Automata that the time limit left: {left}. The same command goes on from here.",
        str(tmp_path / "series.csv"),
    ]
    answer = run(*words, "0.000001", "--json")
    assert len(json.loads(answer.stdout)["left"]) == sizes.sum()
    assert run(*words, 1e9).stdout == whole
    assert filled.with_name("archive-series.parquet").exists()
    filled.with_name("archive-series.parquet").write_text("PAR1")
    answer = run(*words, 1e9)
    assert isinstance(answer.exception, DataError)
    assert run(*words, 0).exit_code == run(*words, "nan").exit_code == 2


def test_series_of_automata_that_are_too_large(filled, monkeypatch):
    monkeypatch.setattr("search.archive.series.SERIES_MAX_STATES", 4)
    answer = run("series", "--archive", filled)
    assert answer.exit_code == 2
    assert re.search(r"n=\d+ is over the limit of 4 for series: -n chooses one size", answer.stderr)


def test_verify(filled, mixed):
    answer = run("verify", "--archive", filled, "--workers", 1)
    assert (answer.exit_code, answer.stdout) == (0, f"automata verified: {len(mixed)}\n")
    answer = run("verify", "--archive", filled, "--workers", 1, "--json")
    assert json.loads(answer.stdout) == {"automata verified": len(mixed)}


@pytest.mark.parametrize(
    "words", ["list", "list --automata", "export -", "series", "verify --workers 1"]
)
def test_exit_codes(sixes, monkeypatch, capsys, words):
    def code_of(path: Path) -> int:
        command = ["pipeline.py", "archive", *words.split(), "--archive", str(path)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as caught:
            pipeline.main()
        printed = capsys.readouterr()
        assert len(re.findall("^Error: ", printed.err, re.M)) == (caught.value.code != 0)
        assert bool(printed.out) == (caught.value.code == 0)
        return caught.value.code

    assert code_of(sixes) == 0
    assert code_of(sixes.parent) == code_of(sixes.parent / "none") == 3
    assert not (sixes.parent / "none").exists()
    alter(sixes, "UPDATE automata SET family = 'W' WHERE family = 'C'")
    assert code_of(sixes) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("list -n 0", "n=0 is not in"),
        ("list --class best", "unknown class 'best'"),
        ("list --limit 0", "--limit"),
        ("export - --at-least -1", "at-least=-1.0 is not"),
        ("export", "FILE"),
        ("verify --workers 0", "--workers"),
        ("series --at-least x", "--at-least"),
        ("vrify", "No such command"),
    ],
)
def test_bad_usage(filled, words, message):
    name, *rest = words.split()
    place = [] if name == "vrify" else ["--archive", filled]
    answer = run(name, *place, *rest)
    assert answer.exit_code == 2
    assert message in answer.output
