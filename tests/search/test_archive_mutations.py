"""Archives with a fault anywhere: what is shown is true, or one line names the fault."""

import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from automata.text.formats import parse_delta, parse_word
from data.damage import DataError
from search.archive.store import Archive, verify_archive
from search.archive.tables import ROW_COLUMNS
from tests import naive
from tests.search.archives import known_rows, random_rows

PAGE = 4096
TABLE = pd.concat([known_rows(5), known_rows(4, 3), random_rows(1, 40)], ignore_index=True)
CHECKED = [name for name in ROW_COLUMNS if name not in ("word", "run", "arm", "found_at")]
"""Columns that are checked: not words, of which several are right, nor names and times."""

many = pytest.mark.parametrize(
    "seeds",
    [range(200), pytest.param(range(200, 11_000), marks=pytest.mark.exhaustive)],
    ids=["200", "10800"],
)
fewer = pytest.mark.parametrize(
    "seeds",
    [range(100), pytest.param(range(100, 5300), marks=pytest.mark.exhaustive)],
    ids=["100", "5200"],
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "own" / "archive.sqlite"
    with Archive(path) as archive:
        archive.add(TABLE, run="first")
        archive.add(TABLE[:9], run="second")
    return path


@cache
def resets(text: str, word: str) -> bool:
    delta = parse_delta(text)
    return len(naive.apply(delta, range(delta.shape[1]), parse_word(word))) == 1


def shown(path: Path) -> tuple[list, list]:
    """The checked columns of all rows, and of the counts."""
    with Archive(path, create=False) as archive:
        rows, counts = archive.rows(), archive.counts()
    for text, word, length in rows[["delta", "word", "reset_threshold"]].to_numpy().tolist():
        assert resets(text, word) and len(word) == length
    return rows[CHECKED].to_numpy().tolist(), counts.iloc[:, :7].to_numpy().tolist()


def outcome(path: Path, true: list[tuple[list, list]]) -> str:
    """Read an archive; the file stays as it is, and a refusal is one line."""
    files = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    try:
        found = shown(path)
    except (DataError, OSError) as error:
        text = str(error)
        assert text.startswith(str(path)) and text.isprintable() and len(text) < 2000
        result = type(error).__name__
    else:
        assert found in true
        result = "true"
    if f"{path.name}-wal" not in files:
        assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == files
    return result


def damage(content: bytes, chance: random.Random) -> bytes:
    """Change some bytes anywhere, in the header, or at the head of a page; cut, repeat, blank."""
    changed = bytearray(content)
    kind = chance.randrange(7)
    if kind == 0:
        for _ in range(chance.choice([1, 1, 1, 2, 8])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    elif kind == 1:
        changed[chance.randrange(min(100, len(changed)))] = chance.randrange(256)
    elif kind == 2:
        start = chance.randrange(len(changed) // PAGE + 1) * PAGE
        for _ in range(chance.choice([1, 2, 4])):
            place = min(start + chance.randrange(120), len(changed) - 1)
            changed[place] = chance.randrange(256)
    elif kind == 3:
        del changed[chance.randrange(len(changed)) :]
    elif kind == 4:
        source, target = (chance.randrange(len(changed) // PAGE + 1) * PAGE for _ in range(2))
        changed[target : target + PAGE] = content[source : source + PAGE]
    elif kind == 5:
        start, size = chance.randrange(len(changed)), chance.choice([1, 4, 50, 600])
        size = min(size, len(changed) - start)
        changed[start : start + size] = bytes([chance.choice([0, 65, 255])]) * size
    else:
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def alone(path: Path) -> None:
    """Remove what lies beside a file."""
    for file in path.parent.iterdir():
        if file != path:
            file.unlink()


@many
def test_bytes(path, seeds):
    content, true, found = path.read_bytes(), [shown(path)], Counter()
    for seed in seeds:
        path.write_bytes(damage(content, random.Random(seed)))
        alone(path)
        found[outcome(path, true)] += 1
        if seed % 4 == 0:
            try:
                with Archive(path) as archive:
                    archive.add(TABLE, run="third")
            except (DataError, OSError) as error:
                found[f"add: {type(error).__name__}"] += 1
    assert found["true"] and found["DataError"] and found["add: DataError"]


@fewer
def test_bytes_of_a_log(path, seeds):
    """What is read is the archive before or after each transaction, or nothing."""
    true = [shown(path)]
    with Archive(path) as archive:
        for n in (6, 7):
            archive.add(known_rows(n), run="third")
            shutil.rmtree(path.parents[1] / "seen", ignore_errors=True)
            shutil.copytree(path.parent, path.parents[1] / "seen")
            true.append(shown(path.parents[1] / "seen" / path.name))
        content = path.read_bytes()
        log = Path(f"{path}-wal").read_bytes()
    found = Counter()
    for seed in seeds:
        chance = random.Random(seed)
        alone(path)
        path.write_bytes(content if chance.random() < 0.8 else damage(content, chance))
        Path(f"{path}-wal").write_bytes(damage(log, chance))
        if chance.random() < 0.3:
            Path(f"{path}-shm").write_bytes(chance.randbytes(32768))
        found[outcome(path, true)] += 1
    assert found["true"] and found["DataError"]


def any_value(chance: random.Random, old: object) -> object:
    """Another value, of the same type or of another."""
    values = [None, 0, -1, 1, 10**12, -(2**63), 2**63 - 1, 0.5, "", "a", b"", b"\0", "\0", "=1+1"]
    values += ["\x1b[2J", "é" * 9, b"\xff" * 300_000, "a" * 10**6, b"a" * 2_000_000]
    if isinstance(old, int):
        values += [old + 1, old - 1, old * 2, str(old), -old]
    elif isinstance(old, str | bytes):
        turned = [*old]
        chance.shuffle(turned)
        texts = [old + old, old[1:], old[:-1], old[::-1], type(old)().join([old[:3], old[2:]])]
        values += [*texts, "".join(turned) if isinstance(old, str) else bytes(turned)]
    return chance.choice(values)


def change_value(path: Path, seed: int) -> None:
    """Change a cell or drop a row, whatever the tables demand."""
    chance = random.Random(seed)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        schema = db.execute("SELECT name, sql FROM sqlite_schema WHERE sql NOT NULL").fetchall()
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("PRAGMA writable_schema = ON")
        for word in ("STRICT, ", " STRICT", " NOT NULL"):
            db.execute("UPDATE sqlite_schema SET sql = replace(sql, ?, '')", [word])
        db.execute("PRAGMA writable_schema = RESET")
        table = chance.choice(["automata", "automata", "finds"])
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        rows = db.execute(f"SELECT * FROM {table}").fetchall()
        row, name = chance.choice(rows), chance.choice(names)
        where = "(n, k, canonical) = (?, ?, ?)"
        if chance.random() < 0.1:
            db.execute(f"DELETE FROM {table} WHERE {where}", row[:3])
        else:
            value = any_value(chance, row[names.index(name)])
            with suppress(sqlite3.IntegrityError):  # the key of another row, or no key
                db.execute(f"UPDATE {table} SET {name} = ? WHERE {where}", [value, *row[:3]])
        db.execute("PRAGMA writable_schema = ON")
        for own in schema:
            db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", own[::-1])


@fewer
def test_values(path, seeds):
    content, true, found = path.read_bytes(), [shown(path)], Counter()
    for seed in seeds:
        path.write_bytes(content)
        change_value(path, seed)
        found[outcome(path, true)] += 1
        for work in (verify_archive, add) if seed % 3 == 0 else ():
            try:
                work(path)
            except (DataError, OSError) as error:
                found[f"{work.__name__}: {type(error).__name__}"] += 1
    assert found["true"] < found["DataError"]
    assert found["verify_archive: DataError"] > found["add: DataError"] > 0


def add(path: Path) -> None:
    with Archive(path) as archive:
        archive.add(TABLE, run="third")
