"""Searches for series that time or a person ends: what they found is true, and is not lost."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from automata.enumeration import enumerate_automata
from automata.families import FAMILIES
from automata.runs import find_stretches
from automata.solver import timed
from automata.solver.either import thresholds_of
from automata.solver.timed import Clock
from automata.stretches import stretch
from data.damage import DataError
from search.archive import kept, series_search, series_solvers
from search.archive.series import SeriesFound, find_series
from search.archive.store import Archive
from tests.clocks import Ticks
from tests.search.archives import candidates_of


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Slow automata of three sizes, some of them longer ones of others."""
    fives = enumerate_automata(5, 2, at_least=13).deltas
    with Archive(tmp_path_factory.mktemp("archive") / "archive.sqlite") as archive:
        for deltas in (fives, stretch(find_stretches(fives), 2)[::2]):
            archive.add(candidates_of(deltas), run="run")
        for n in (4, 8):
            known = [f.delta(n) for f in FAMILIES if f.k == 3 and f.exists(n)]
            archive.add(candidates_of(np.stack(known)), run="run")
        return archive.rows()


@pytest.fixture(scope="module", params=[False, True], ids=["", "proved"])
def whole(request: pytest.FixtureRequest, rows: pd.DataFrame) -> tuple[bool, SeriesFound]:
    return request.param, find_series(rows, at_least=0.6, prove=request.param)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many automata the solver was given, and how many proofs were asked for."""
    counts = [0, 0]

    def solve(deltas, **options):
        counts[0] += len(deltas)
        return thresholds_of(deltas, **options)

    def prove(*arguments):
        counts[1] += 1
        return honest(*arguments)

    honest = series_solvers._prove
    monkeypatch.setattr(timed, "thresholds_of", solve)
    monkeypatch.setattr(series_solvers, "_prove", prove)
    monkeypatch.setattr(series_search, "_PART", 4)
    return counts


def texts(table: pd.DataFrame) -> set[tuple[str, ...]]:
    return {*map(tuple, table.astype(str).to_numpy().tolist())}


@pytest.mark.parametrize("ticks", [1, 30, 200])
def test_one_search_after_the_other_finds_all(
    rows: pd.DataFrame,
    whole: tuple[bool, SeriesFound],
    asked: list[int],
    tmp_path: Path,
    ticks: int,
) -> None:
    prove, expected = whole
    keep, ended = tmp_path / "kept.parquet", 0
    find_series(rows, at_least=0.6, prove=prove)
    needed, asked[:] = [*asked], (0, 0)
    for attempt in range(1000):
        clock = Ticks(ticks + 20 * attempt)  # what is known takes some reads too
        found = find_series(rows, at_least=0.6, prove=prove, clock=clock, keep=keep)
        assert texts(found.series) <= texts(expected.series)
        assert texts(found.sporadic) <= texts(expected.sporadic)
        assert not texts(found.sporadic) & texts(found.left)
        if not len(found.left):
            break
        ended += 1
    assert ended > 0
    assert found.series.equals(expected.series) and found.sporadic.equals(expected.sporadic)
    assert (found.left_open, found.slow) == (expected.left_open, 0)
    assert asked == needed  # nothing was computed twice
    asked[:] = 0, 0
    again = find_series(rows, at_least=0.6, prove=prove, keep=keep)
    assert again.series.equals(expected.series) and asked == [0, 0]


def test_no_time_at_all(rows: pd.DataFrame) -> None:
    found = find_series(rows, clock=Ticks(0))
    assert (len(found.series), len(found.sporadic)) == (0, 0)
    assert texts(found.left) == texts(rows)


def test_a_clock_that_does_not_expire_changes_nothing(
    rows: pd.DataFrame, whole: tuple[bool, SeriesFound]
) -> None:
    prove, expected = whole
    found = find_series(rows, at_least=0.6, prove=prove, clock=Clock(1e9))
    assert found.series.equals(expected.series) and found.sporadic.equals(expected.sporadic)
    assert not len(found.left)


def test_an_interrupted_search_goes_on(
    rows: pd.DataFrame, asked: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = tmp_path / "kept.parquet"
    expected = find_series(rows)
    needed, asked[:] = [*asked], (0, 0)
    honest, calls = series_search.series_thresholds, 0

    def interrupted(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == 20:
            raise KeyboardInterrupt
        return honest(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(series_search, "series_thresholds", interrupted)
        with pytest.raises(KeyboardInterrupt):
            find_series(rows, keep=keep)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.parquet"]
    assert 0 < asked[0] < needed[0]
    found = find_series(rows, keep=keep)
    assert found.series.equals(expected.series) and asked == needed


def test_a_search_that_is_quick_and_done_writes_nothing(rows: pd.DataFrame, tmp_path: Path) -> None:
    find_series(rows[:3], keep=tmp_path / "kept.parquet")
    assert not [*tmp_path.iterdir()]
    find_series(rows[:3], keep=tmp_path / "kept.parquet", clock=Clock(1e9))
    assert [*tmp_path.iterdir()]


def test_partial_automata_are_kept_apart(
    rows: pd.DataFrame, asked: list[int], tmp_path: Path
) -> None:
    keep = tmp_path / "kept.parquet"
    complete = find_series(rows[:4], keep=keep, clock=Clock(1e9))
    partial = find_series(rows[:4], partial=True, keep=keep, clock=Clock(1e9))
    asked[:] = 0, 0
    assert find_series(rows[:4], keep=keep).series.equals(complete.series)
    assert find_series(rows[:4], partial=True, keep=keep).series.equals(partial.series)
    assert asked == [0, 0]


def test_a_file_that_cannot_be_written_is_a_warning(
    rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "write_output", full)
    find_series(rows[:3], keep=tmp_path / "kept.parquet", clock=Clock(1e9))
    warning = "Warning: thresholds are not kept: [Errno 28] No space left on device"
    assert warning in capsys.readouterr().err


@pytest.fixture
def file(rows: pd.DataFrame, tmp_path: Path) -> Path:
    keep = tmp_path / "kept.parquet"
    find_series(rows[:4], keep=keep, clock=Clock(1e9))
    return keep


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("k", 0, "automata with n="),
        ("k", 7, "automata with n="),
        ("n", 0, "automata with n=0"),
        ("n", 65, "automata with n=65"),
        ("canonical", b"", "forms of no automata"),
        ("canonical", b"\xf0", "forms of no automata"),
        ("threshold", -4, "thresholds that there are not"),
        ("threshold", -3, "thresholds that there are not"),
        ("seconds", 1.0, "thresholds that there are not"),
        ("seconds", -1.0, "times that there are not"),
        ("seconds", float("inf"), "thresholds that there are not"),
    ],
)
def test_a_damaged_file_is_named(
    rows: pd.DataFrame, file: Path, column: str, value: object, reason: str
) -> None:
    table = pq.read_table(file)
    frame = table.to_pandas()
    long = value * len(frame.loc[0, "canonical"]) if isinstance(value, bytes) else value
    frame[column] = frame[column].mask(frame.index == 0, long)
    pq.write_table(type(table).from_pandas(frame, table.schema), file)
    with pytest.raises(DataError, match=f"kept.parquet: not thresholds .*{reason}"):
        find_series(rows[:4], keep=file)


def test_a_file_of_another_kind_is_named(rows: pd.DataFrame, file: Path) -> None:
    whole = file.read_bytes()
    table = pq.read_table(file)
    for content in (b"", b"PAR1", whole[:-9], whole[: len(whole) // 2] + whole[-20:]):
        file.write_bytes(content)
        with pytest.raises(DataError, match="kept.parquet: not thresholds"):
            find_series(rows[:4], keep=file)
    pq.write_table(table.drop_columns(["seconds"]), file)
    with pytest.raises(DataError, match="other columns"):
        find_series(rows[:4], keep=file)
    frame = table.to_pandas()
    pq.write_table(type(table).from_pandas(pd.concat([frame, frame]), table.schema), file)
    with pytest.raises(DataError, match="the same automaton twice"):
        find_series(rows[:4], keep=file)
