"""Files that are not quite archives are refused unchanged; busy archives are waited for."""

import os
import re
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from data.damage import DataError
from search.archive import file as archive_file
from search.archive import reading as archive_reading
from search.archive.intake import ArchiveRule
from search.archive.store import Archive
from search.archive.tables import SCHEMA
from tests.commands import Answer
from tests.search.archives import (
    PROCESSES,
    alter,
    keys,
    known_rows,
    query,
    random_rows,
    write_bit_by_bit,
)

READING = [
    *("archive list", "archive list --automata", "archive export -", "archive series"),
    *("archive verify --workers 1", "report --out -"),
]
COUNTING = "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An archive in a folder of its own."""
    path = tmp_path / "own" / "archive.sqlite"
    with Archive(path) as archive:
        archive.add(random_rows(0, 60), run="first")
    return path


def rows_of(path: Path) -> pd.DataFrame:
    with Archive(path, create=False) as archive:
        return archive.rows()


@pytest.fixture
def refuse(call: Callable[[list], Answer]) -> Callable[..., None]:
    """See that a file is refused in one line, and that it and its folder stay as they are.

    Commands that read end with exit code 3 and print nothing else.
    """

    def refused(path: Path, message: str, name: str = "", *, commands: int = 9) -> None:
        files = {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
        line = f"{re.escape(str(path))}{name}: {message}"
        for opening in (
            lambda: Archive(path),
            lambda: Archive(path, create=False),
            lambda: ArchiveRule(path).open(),
            lambda: ArchiveRule(path).add(random_rows(0, 9).assign(cerny_bound=16), run="run"),
        ):
            with pytest.raises(DataError) as caught:
                opening()
            assert re.fullmatch(line, str(caught.value))
        for command in READING[:commands]:
            answer = call([*command.split(), "--archive", path])
            assert (answer.code, answer.out) == (3, "")
            assert re.fullmatch(f"Error: {line}\n", answer.err)
        kept = {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
        assert kept == files

    return refused


# --- the schema ---------------------------------------------------------------------------------


def remake(path: Path, schema: list[str]) -> None:
    """Make the file anew with another schema, and what it held where there is room for it."""
    rows = {name: query(path, f"SELECT * FROM {name}") for name in ("automata", "finds")}
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        for statement in schema:
            db.execute(statement)
        for name, own in rows.items():
            found = db.execute("SELECT type FROM sqlite_schema WHERE name = ?", [name]).fetchone()
            if found == ("table",):
                room = len(db.execute(f"PRAGMA table_info({name})").fetchall())
                marks = ", ".join("?" * room)
                db.executemany(f"INSERT INTO {name} VALUES ({marks})", [row[:room] for row in own])
        db.commit()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "CREATE TRIGGER emptied AFTER INSERT ON finds BEGIN "
            "DELETE FROM finds; DELETE FROM automata; END",
            "trigger 'emptied'",
        ),
        ("CREATE TRIGGER t BEFORE INSERT ON automata BEGIN SELECT 1; END", "trigger 't'"),
        ("CREATE VIEW more AS SELECT * FROM automata", "view 'more'"),
        (f"CREATE VIEW more AS {COUNTING} SELECT i FROM t", "view 'more'"),
        ("CREATE TABLE more (x)", "table 'more'"),
        ("CREATE TABLE '\x1b[2J' (x)", r"table '\\x1b\[2J'"),
        ("CREATE INDEX quick ON automata (gap)", "index 'quick'"),
        ("CREATE VIRTUAL TABLE more USING fts5(x)", "table 'more'"),
        ("ALTER TABLE automata ADD COLUMN more INTEGER", "table 'automata'"),
        ("ALTER TABLE automata ADD COLUMN x INTEGER AS (n + 1)", "table 'automata'"),
        ("ALTER TABLE finds RENAME COLUMN arm TO leg", "table 'finds'"),
        ("ANALYZE", "table 'sqlite_stat1'"),
    ],
)
def test_tables_and_triggers_that_no_archive_has_are_refused(path, refuse, statement, message):
    path.with_name("x").touch()  # other files in the folder stay too
    alter(path, statement)
    refuse(path, rf"damaged \(archives have no such {message}\)")


STRICT = [SCHEMA[0].replace("STRICT", ""), SCHEMA[1].replace("STRICT, ", ""), *SCHEMA[2:]]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (STRICT, "archives have no such table 'automata'"),
        ([SCHEMA[0].replace("word TEXT", "word ANY"), *SCHEMA[1:]], ".* 'automata'"),
        ([SCHEMA[0].replace(" CHECK (length(word) = reset_threshold)", ""), *SCHEMA[1:]], ".*"),
        ([SCHEMA[0], SCHEMA[1].replace(", WITHOUT ROWID", ""), *SCHEMA[2:]], ".* 'finds'"),
        ([SCHEMA[0].replace("(n, k,", "(k, n,"), *SCHEMA[1:]], ".* 'automata'"),
        ([SCHEMA[0], *SCHEMA[2:]], "no table 'finds'"),
        (
            [
                *SCHEMA[1:],
                f"CREATE VIEW automata AS {COUNTING} SELECT 9 AS n, 2 AS k, x'' AS canonical, "
                "64 AS reset_threshold, 0 AS gap, '' AS word, 'C' AS family, '' AS properties "
                "FROM t",
            ],
            "archives have no such view 'automata'",
        ),
        (
            [
                SCHEMA[0].replace("automata", "kept"),
                *SCHEMA[1:],
                "CREATE VIEW automata AS SELECT n, k, canonical, 64 AS reset_threshold, 0 AS gap, "
                "word, family, properties FROM kept",
            ],
            "archives have no such .* 'kept'",
        ),
        (["CREATE TABLE automata (x)", *SCHEMA[2:]], ".* 'automata'"),
        (SCHEMA[2:], ".*"),
    ],
)
def test_other_tables(path, refuse, schema, message):
    remake(path, schema)
    refuse(path, rf"damaged \({message}\)")


def test_another_encoding(path, refuse):
    remake(path, ["PRAGMA encoding = 'UTF-16le'", *SCHEMA])
    refuse(path, "texts in UTF-16le, not in UTF-8 as in archives")


@pytest.mark.parametrize("size", [512, 65536])
def test_pages_of_another_size(path, size):
    """They are read, and so is what `VACUUM INTO` leaves: no log, other blanks in the schema."""
    before = rows_of(path)
    spaced = [statement.replace("\n    ", "\n\t ") for statement in SCHEMA]
    remake(path, [f"PRAGMA page_size = {size}", *spaced])
    with Archive(path) as archive:
        assert archive.rows().equals(before)
        assert archive.add(known_rows(6), run="second")
    assert query(path, "PRAGMA journal_mode") == [("wal",)]
    assert query(path, "PRAGMA page_size") == [(size,)]


def test_names_that_are_not_utf8(path, refuse):
    content = path.read_bytes()
    assert content.count(b"TABLE finds") == 1
    path.write_bytes(content.replace(b"TABLE finds", b"TABLE \xff\x1bnds"))
    refuse(path, r"not an archive, or damaged \([ -~]*\)")


def leaf(cells: list[bytes]) -> bytearray:
    """A page of a table: rows."""
    return page(13, b"", cells)


def interior(children: list[int], skip: int = 0) -> bytearray:
    """A page of a table: other pages."""
    *left, last = children
    return page(5, struct.pack(">I", last), [struct.pack(">IB", child, 3) for child in left], skip)


def page(kind: int, right: bytes, cells: list[bytes], skip: int = 0) -> bytearray:
    made, end, places = bytearray(4096), 4096, []
    for cell in cells:
        end -= len(cell)
        made[end : end + len(cell)] = cell
        places.append(end)
    head = struct.pack(">BHHHB", kind, 0, len(cells), end, 0) + right
    head += struct.pack(f">{len(places)}H", *places)
    made[skip : skip + len(head)] = head
    return made


def test_an_endless_schema(path, refuse):
    """Pages that hold each other again and again: to read them all would take 400^8 steps."""
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    (count,) = struct.unpack_from(">H", content, 103)
    cells = []
    for place in sorted(struct.unpack_from(f">{count}H", content, 108), reverse=True):
        end = cells[-1][0] if cells else 4096
        cells.append((place, bytes(content[place:end])))
    whole = [cell for _, cell in cells]
    (index,) = [cell for cell in whole if b"autoindex" in cell]
    more = [leaf(whole), leaf([index])]
    for child in range(pages + 2, pages + 10):
        more.append(interior([child] * 400))
    content[100:4096] = interior([pages + 1] + [pages + len(more)] * 300, 100)[100:]
    content += b"".join(more)
    content[28:32] = struct.pack(">I", len(content) // 4096)
    path.write_bytes(content)
    refuse(
        path,
        r"not an archive, or damaged \(it takes more work than any archive of its size\)",
        commands=1,
    )


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "CREATE TRIGGER emptied AFTER INSERT ON finds BEGIN DELETE FROM finds; END",
            r"damaged \(archives have no such trigger 'emptied'\)",
        ),
        ("UPDATE automata SET gap = 1", r"damaged \(CHECK constraint failed in automata\)"),
        (
            "UPDATE automata SET reset_threshold = 10, gap = -1, word = word || 'a' "
            "WHERE family = 'C'",
            r"damaged \(n=4, k=2, .* has threshold 10, but 9 is proved\)",
        ),
        (
            "UPDATE automata SET reset_threshold = 8, gap = 1, word = substr(word, 2) "
            "WHERE family = 'C'",
            r"damaged \(n=4, k=2, .* has threshold 8, but 9 is proved\)",
        ),
    ],
)
def test_a_run_beside_a_damaged_archive(tmp_path, call, statement, message):
    """One line and exit code 3; the archive stays as it is."""
    path = tmp_path / "archive.sqlite"
    words = ["evolve", "-n", 4, "--budget", 1000, "--keep", 30, "--workers", 1]
    assert call([*words, "--out", tmp_path / "one"]).code == 0
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(statement)
        db.commit()
    content = path.read_bytes()
    answer = call([*words, "--seed", 1, "--out", tmp_path / "two"])
    assert answer.code == 3
    (complaint,) = answer.complaints()
    assert re.fullmatch(f"Error: {path}: {message}", complaint)
    assert path.read_bytes() == content


# --- what lies beside it ------------------------------------------------------------------------


def killed(path: Path, *statements: str) -> None:
    """Leave a log with changes beside the file, as a process that was killed does."""
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()
        shutil.copytree(path.parent, path.parent.with_name("killed"))
    shutil.rmtree(path.parent)
    path.parent.with_name("killed").rename(path.parent)
    assert path.with_name(f"{path.name}-wal").stat().st_size


def test_a_log_that_holds_more_than_archives_have(path, refuse):
    killed(path, "CREATE VIEW more AS SELECT * FROM automata")
    Path(f"{path}-shm").unlink()
    with pytest.raises(DataError):  # it makes a new one
        Archive(path, create=False)
    shared = Path(f"{path}-shm").read_bytes()
    refuse(path, r"damaged \(archives have no such view 'more'\)")
    assert Path(f"{path}-shm").read_bytes() == shared


@pytest.mark.parametrize("content", [b"\0" * 5000, b"\x37\x7f\x06\x82" + b"\x01" * 5000, b"x"])
def test_a_log_of_something_else(path, content):
    before = rows_of(path)
    Path(f"{path}-wal").write_bytes(content)
    Path(f"{path}-shm").write_bytes(content[::-1])
    with Archive(path, create=False) as archive:
        assert archive.rows().equals(before)
    assert [*path.parent.iterdir()] == [path]


def test_a_rollback_journal(path, refuse):
    """It may hold anything, and name another file that SQLite would delete."""
    journal, victim = Path(f"{path}-journal"), path.with_name("victim")
    victim.write_text("kept")
    journal.write_bytes(bytes.fromhex("d9d505f920a163d7") + bytes(504) + str(victim).encode())
    refuse(path, ".* program sqlite3", "-journal")
    journal.write_bytes(bytes(600))  # not in use
    with Archive(path) as archive:
        assert len(archive.rows())


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
@pytest.mark.parametrize(
    "make", [lambda place, to: place.symlink_to(to), lambda place, _: os.mkfifo(place)]
)
def test_links_and_pipes_beside_it(path, refuse, suffix, make):
    victim = path.with_name("victim")
    victim.write_text("kept")
    make(Path(f"{path}{suffix}"), victim)
    refuse(path, "not a plain file", suffix)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to(path)])
def test_what_is_no_file(path, refuse, make):
    path.unlink()
    make(path)
    refuse(path, "not a plain file")


def test_a_link_to_an_archive(path, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(path)
    with Archive(link) as archive:
        archive.add(known_rows(6), run="second")
        copies = tmp_path / "killed"
        shutil.copytree(path.parent, copies)
    link.unlink()
    link.symlink_to(copies / path.name)
    with Archive(link, create=False) as archive:
        assert keys(archive.rows()) == keys(pd.concat([random_rows(0, 60), known_rows(6)]))
    assert [*copies.iterdir()] == [copies / path.name]


# --- waiting ------------------------------------------------------------------------------------


@pytest.fixture
def busy(path: Path) -> Iterator[sqlite3.Connection]:
    """Another process that writes to the archive."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield db


def sleeping(monkeypatch, *what: Callable[[], object]) -> list[float]:
    """Do something else at each pause; return a list that will hold the pauses."""
    pauses, left = [], [*what]

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        left.pop(0)()

    monkeypatch.setattr(archive_file.time, "sleep", sleep)
    return pauses


def test_a_writer_waits_and_says_so_once(path, busy, monkeypatch, capsys):
    monkeypatch.setattr(archive_file, "_SILENCE", 0)
    pauses = sleeping(monkeypatch, int, int, lambda: busy.execute("COMMIT"))
    with Archive(path) as archive:
        assert archive.add(known_rows(6), run="second") == len(known_rows(6))
    assert len(pauses) == 3 and max(pauses) < 0.1
    line = f"{path}: waiting for another process that writes to it, 300 s at most\n"
    assert capsys.readouterr() == ("", line)


def test_a_short_wait_is_silent(path, busy, monkeypatch, capsys):
    clock = iter([100, 100.5, 100.9])
    monkeypatch.setattr(archive_file.time, "monotonic", lambda: next(clock))
    sleeping(monkeypatch, int, lambda: busy.execute("COMMIT"))
    Archive(path).close()
    assert capsys.readouterr().err == ""


def test_a_wait_has_an_end(path, busy, monkeypatch):
    monkeypatch.setattr(archive_file, "_PATIENCE", 0)
    with pytest.raises(OSError, match=f"^{path}: .*another process has kept it busy for 0 s"):
        Archive(path)


def test_a_wait_can_be_interrupted(path, busy, monkeypatch):
    def interrupt() -> None:
        raise KeyboardInterrupt

    assert len(sleeping(monkeypatch, interrupt)) == 0
    with pytest.raises(KeyboardInterrupt):
        Archive(path)
    busy.execute("COMMIT")
    with Archive(path) as archive:
        assert archive.add(known_rows(6), run="second") == len(known_rows(6))


def test_readers_do_not_wait_for_writers(path, busy, monkeypatch):
    sleeping(monkeypatch)
    with Archive(path, create=False) as archive:
        assert len(archive.rows())


def test_nothing_is_added_twice_after_a_wait(path, monkeypatch):
    """A transaction that is refused at its very end is begun again."""
    table, pauses = known_rows(6), sleeping(monkeypatch, int)
    with Archive(path) as archive:
        real, refused = archive._source._db, []

        class Refusing:
            def __getattr__(self, name):
                return getattr(real, name)

            def execute(self, statement, *values):
                if statement == "COMMIT" and real.total_changes and not refused:
                    refused.append(statement)
                    error = sqlite3.OperationalError("database is locked")
                    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
                    raise error
                return real.execute(statement, *values)

        archive._source._db = Refusing()
        assert archive.add(table, run="second") == len(table)
    assert (len(refused), len(pauses)) == (1, 1)
    with Archive(path, create=False) as archive:
        assert len(archive.rows()) == len(table) + len(random_rows(0, 60))


# --- reading without locks ----------------------------------------------------------------------


@pytest.fixture
def unlocked(monkeypatch) -> None:
    """Read as a user who may not write to archives."""
    monkeypatch.setattr(archive_reading, "may_write", lambda file: False)


def add(path: Path, table: pd.DataFrame) -> None:
    with Archive(path) as archive:
        archive.add(table, run="second")


def test_what_is_written_meanwhile_is_read(path, unlocked, monkeypatch):
    later = [known_rows(6), known_rows(7)]
    with Archive(path, create=False) as archive:
        add(path, later[0])
        first = archive.rows()
        check = archive._check_claims

        def checked(*given) -> None:
            check(*given)
            if len(later) == 2:
                add(path, later.pop())

        monkeypatch.setattr(archive, "_check_claims", checked)
        second = archive.rows()
    assert keys(first) == keys(pd.concat([random_rows(0, 60), known_rows(6)]))
    assert keys(second) == keys(pd.concat([random_rows(0, 60), known_rows(6), known_rows(7)]))


@pytest.mark.parametrize(("moment", "copies", "run"), [(1, 4, "third"), (2, 3, "second")])
def test_a_reader_s_copy_is_of_one_moment(path, unlocked, monkeypatch, moment, copies, run):
    """Another process writes when the file has been copied, or when its log has been."""
    killed(path, "DELETE FROM finds", "DELETE FROM automata")
    shared = Path(f"{path}-shm")
    shared.unlink()
    copy, copied = shutil.copyfile, []

    def interrupted(source, target, **options) -> None:
        copy(source, target, **options)
        if not Path(target).name.startswith("copy"):  # it is not the reader that copies
            return
        copied.append(source)
        if len(copied) == moment:
            add(path, known_rows(6))
            if moment == 1:
                killed(path, "UPDATE finds SET run = 'third'")
                shared.unlink()

    monkeypatch.setattr(shutil, "copyfile", interrupted)
    with Archive(path, create=False) as archive:
        table = archive.rows()
    assert len(copied) == copies
    assert keys(table) == keys(known_rows(6)) and {*table["run"]} == {run}


@pytest.mark.parametrize("locked", [True, False])
def test_readers_beside_a_writer(path, monkeypatch, locked):
    """Whenever they look, they see what was written up to some moment."""
    if not locked:
        monkeypatch.setattr(archive_reading, "may_write", lambda file: False)
    before, table = random_rows(0, 60), pd.concat([known_rows(n) for n in (6, 7)])
    writer = PROCESSES.Process(target=write_bit_by_bit, args=(path, table))
    writer.start()
    seen, last = [], False
    while not last:
        last = not writer.is_alive()
        with Archive(path, create=False) as archive:
            seen.append(keys(archive.rows()))
    writer.join()
    assert writer.exitcode == 0
    for found in seen:
        assert found == keys(pd.concat([before, table[: len(found) - len(before)]]))
    assert [*map(len, seen)] == sorted(map(len, seen))
    assert len(seen[-1]) == len(before) + len(table)


def test_an_archive_that_changes_all_the_time_is_an_error(path, unlocked, monkeypatch):
    moments = iter(range(10**6))
    monkeypatch.setattr(archive_reading, "state_of", lambda file: (0, 0, next(moments)))
    with pytest.raises(OSError, match=f"^{path}: it is written to all the time"):
        Archive(path, create=False)


def test_what_is_only_read_is_not_added_to(path):
    with Archive(path, create=False) as archive, pytest.raises(ValueError, match="reading alone"):
        archive.add(known_rows(6), run="second")
