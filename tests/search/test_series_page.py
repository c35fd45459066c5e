"""The page of series: each formula, and the first members of one of its series, drawn."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import pipeline
from automata.canonical import canonical_forms
from automata.deltas import UNDEFINED
from automata.families import FAMILIES
from automata.solver.timed import Item, solve_within
from automata.text.formats import format_delta, parse_delta
from automata.units import Lost
from search.archive.series import find_series
from search.archive.store import Archive
from search.archive.tables import Selection
from search.report.series import first_members, render_series
from tests import naive
from tests.commands import call_here
from tests.search.archives import candidates_of, careful_rows
from tests.search.formulas import value

PARTIAL = "0 1 2 4 5 0|1 2 3 1 5 -"
"""It begins a series."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Binary families, two of which share a formula, a ternary one, and a partial automaton."""
    path = tmp_path_factory.mktemp("archive") / "archive.sqlite"
    with Archive(path) as archive:
        for n, k, names in ((5, 2, "C D'"), (8, 2, "D'' E"), (6, 3, "T3")):
            own = [f.delta(n) for f in FAMILIES if f.k == k and f.name in names.split()]
            archive.add(candidates_of(np.stack(own)), run="run")
        archive.add(careful_rows([parse_delta(PARTIAL, partial=True)]), run="run", arm="evolve")
    return path


def series_of(archive: Path, *, partial: bool = False) -> pd.DataFrame:
    with Archive(archive, create=False) as opened:
        rows = opened.rows(Selection(partial=partial))
    return find_series(rows, at_least=0.7, partial=partial).series


def run(archive: Path, *words: object) -> Result:
    command = ["archive", "series", "--archive", archive, "--at-least", 0.7, *words]
    return CliRunner().invoke(pipeline.cli, [*map(str, command)])


@pytest.mark.parametrize("partial", [False, True])
def test_what_a_formula_rests_on(archive: Path, partial: bool) -> None:
    series = series_of(archive, partial=partial)
    assert len(series) > 0
    for _, row in series.iterrows():
        sizes, thresholds = ([*map(int, row[name].split())] for name in ("solved", "thresholds"))
        assert thresholds == [value(row["formula"], n) for n in sizes]
        assert sizes == sorted({*sizes}) and len(sizes) % 7 == 0 and sizes[0] > row["n"]
        members = [*first_members(row)]
        assert [threshold for threshold, _ in members] == thresholds[:3]
        for (threshold, delta), size in zip(members, sizes, strict=False):
            assert delta.shape == (row["k"], size)
            assert (delta == UNDEFINED).any() == partial
            letters = [[None if q == UNDEFINED else q for q in own] for own in delta.tolist()]
            word = naive.shortest_careful_word(letters)
            assert word is not None and len(word) == threshold


def test_each_formula_is_shown_once_with_three_members(archive: Path) -> None:
    series = series_of(archive)
    page = render_series(series, proved=False)
    formulas = series.groupby(["k", "formula", "holds"], sort=False)
    sections = page.split("<section")[1:]
    assert len(sections) == len(formulas) < len(series)
    for section, ((k, formula, holds), own) in zip(sections, formulas, strict=True):
        title = formula.replace("^2", "²")
        assert f">{title} <small>for {holds}, {k} letters</small>" in section
        assert f"<p>{len(own)} series" in section and "Computed at n = " in section
        assert section.count("<figure>") == section.count("<svg") == 3
        for threshold, delta in first_members(own.iloc[0]):
            assert f"n = {delta.shape[1]}: <b>{threshold}</b>" in section
            assert f"<code>{format_delta(delta)}</code>" in section
        for text in own["delta"][1:]:
            assert f"<code>{text}</code>" in section
        for name in filter(None, own["family"]):
            assert name.replace("'", "&#39;") in section
    assert "undefined" not in page and "letter c" in page
    assert "<script" not in page and not re.findall(r"(?:src|url)\s*[=(]", page)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len({*ids}) == len(formulas)


def test_partial_automata_and_none_at_all(archive: Path) -> None:
    page = render_series(series_of(archive, partial=True), proved=True)
    assert "</svg> undefined" in page and "letter c" not in page
    assert "Proved at n = 7, 8, 9" in page and "were proved by certificates" in page
    page = render_series(series_of(archive)[:0], proved=False)
    assert "No series" in page and "<svg" not in page


def test_the_command_writes_the_page(archive: Path, tmp_path: Path) -> None:
    page, table = tmp_path / "new" / "series.html", tmp_path / "series.csv"
    answer = run(archive, "--prove", "--out", table, "--page", page)
    assert answer.exit_code == 0 and answer.stdout.endswith(f"\n{table}\n{page}\n")
    assert page.read_text(encoding="utf-8") == render_series(series_of(archive), proved=True)
    answer = run(archive, "-k", 3, "--page", page, "--out", "-")
    assert answer.stdout.startswith("k,formula,") and "letter c" in page.read_text("utf-8")
    answer = run(archive, "-n", 4, "--page", page)
    assert answer.exit_code == 0 and "No series" in page.read_text("utf-8")


def test_what_ends_its_workers_is_named_and_the_rest_is_written(
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (cerny,) = (f for f in FAMILIES if f.name == "C")
    killer = canonical_forms(cerny.delta(9)[None])

    def solve(chunk: list[Item], **how: Any) -> list[tuple[int, float]]:
        if any(
            d.shape == (2, 9) and np.array_equal(canonical_forms([d]), killer) for d, _ in chunk
        ):
            raise Lost("it ended 3 workers")
        return solve_within(chunk, **how)

    monkeypatch.setattr("automata.solver.once.solve_within", solve)
    table = tmp_path / "series.csv"
    line = ["archive", "series", "--archive", archive, "-k", 2, "--at-least", 0.7, "--out", table]
    answer = call_here(line, monkeypatch, capfd)
    assert answer.code == 1 and not answer.out
    assert f"{archive}: without the series of 1 automata: the automaton [[" in answer.err
    assert answer.err.endswith("it ended 3 workers. The same command tries again\n")
    named = pd.read_csv(table, keep_default_na=False)["family"].tolist()
    assert {"D'", "D''", "E"} <= {*named}


def test_no_archive_is_lost_to_a_page(
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = archive.read_bytes()
    line = ["archive", "series", "--archive", archive, "-k", 3, "--page"]
    answer = call_here([*line, archive], monkeypatch, capfd)
    assert answer.code == 3 and f"{archive}: is an archive; it would be lost" in answer.err
    assert archive.read_bytes() == before
    for page in ("-", tmp_path / "one.csv"):
        answer = call_here([*line, page, "--out", tmp_path / "one.csv"], monkeypatch, capfd)
        assert (answer.code, answer.err.splitlines()[-1]) == (
            2, f"Error: --page {page}: a page needs a file of its own",
        )  # fmt: skip
        assert not (tmp_path / "one.csv").exists()
    answer = call_here([*line, tmp_path], monkeypatch, capfd)
    assert answer.code != 0 and str(tmp_path) in answer.err
