"""The records as pages: docs/records.md, and the atlas, which asks for nothing else."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import pipeline
from automata.units import here
from data.damage import DataError
from data.records import landscapes, records
from search.report import fastest
from search.report import records as module
from search.report.atlas import render_atlas
from search.report.fastest import fastest_records
from search.report.records import cells_of, records_of, records_page
from tests.pictures import unrendered

ROOT = Path(__file__).parents[2]
FEW = [("binary", 3), ("sink", 6), ("partial-ternary", 4), ("partial-binary", 40)]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of few records: drawing all takes seconds."""
    chosen = {key: records()[key] for key in FEW}
    monkeypatch.setattr(module, "records", lambda: chosen)


def test_the_page_of_records_is_that_of_today() -> None:
    page = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    assert page == records_page(), "run `make docs`: the records have changed"


def test_every_record_is_on_the_page_once() -> None:
    parts = re.split("^## ", records_page(), flags=re.MULTILINE)[1:]
    for landscape, part in zip(landscapes().values(), parts, strict=True):
        rows = re.findall(r"^\| (\d+) \| (\d+) \|", part, re.MULTILINE)
        assert rows == [(str(own.n), str(own.threshold)) for own in records_of(landscape)]


def test_cells_say_how_dear_a_find_was() -> None:
    cells = cells_of(records()["partial-ternary", 12])
    assert cells["arm"] == "insertion, 98,268 calls" and cells["published"] == ""


def test_cells_say_who_has_counted() -> None:
    published, own = (cells_of(records()["eulerian", n])["count"] for n in (11, 10))
    assert (published, own) == ("1 (published)", "1")
    assert cells_of(records()["eulerian", 12])["count"] == ""


# --- the arms of runs -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison that meets the record of automata with a sink at n = 6."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch, unrendered():
        patch.setattr("search.jobs.discovery.processes", lambda workers: here())
        sizes = "--from 4 --start-to 5 --to 6 --start-budget 3000 --budget 3000"
        words = f"discover --class sink {sizes} --arms insertion,evolve --workers 1 --out"
        answer = CliRunner().invoke(pipeline.cli, [*words.split(), str(folder / "sink")])
    assert answer.exit_code == 0, answer.output
    return folder


def test_the_arm_of_fewest_expected_calls_is_named(compared: Path) -> None:
    times = pd.read_csv(compared / "sink" / "running_times.csv")
    best = times.loc[times["calls_time"].idxmin()]
    assert best["reached"] == 1
    for folders in ([compared], [compared / "sink"], [compared, compared / "sink"]):
        [(key, own)] = fastest_records(folders).items()
        assert key == ("sink", 6) and own.threshold == 13
        assert (own.arm, own.calls, own.seeds) == (best["arm"], best["calls_time"], 1)
        assert own.seconds == pytest.approx(best["seconds_time"], rel=0.01)
    words = cells_of(own)["arm"]
    assert words.startswith(f"{own.arm}, {own.calls:,} calls, ") and words.endswith(" s (1 seed)")


def test_what_is_no_comparison_is_refused(compared: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder of discover, and none in it"):
        fastest_records([tmp_path])
    shutil.copytree(compared / "sink", tmp_path / "one")
    (tmp_path / "one" / "running_times.csv").unlink()
    with pytest.raises(DataError, match="one: no running_times.csv; discover with several arms"):
        fastest_records([tmp_path])
    (tmp_path / "one" / "running_times.csv").write_text("arm\n")
    with pytest.raises(DataError, match="running_times.csv"):
        fastest_records([tmp_path])


def test_a_shorter_record_of_old_is_none(compared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    longer = records() | {("sink", 6): replace(records()["sink", 6], threshold=14)}
    monkeypatch.setattr(fastest, "records", lambda: longer)
    assert fastest_records([compared]) == {}


@pytest.mark.usefixtures("few")
def test_the_command_says_who_met_a_record_first(compared: Path, tmp_path: Path) -> None:
    page, kept = tmp_path / "atlas.html", tmp_path / "records.json"
    words = ["atlas", "--runs", compared, "--records", kept, "--out", page]
    answer = CliRunner().invoke(pipeline.cli, [*map(str, words)], catch_exceptions=False)
    assert answer.exit_code == 0 and "records that the runs met: 1" in answer.stdout
    [own] = fastest_records([compared]).values()
    assert f"<td>{cells_of(own)['arm']}</td>" in page.read_text(encoding="utf-8")
    rows = json.loads(kept.read_text(encoding="utf-8"))["records"]
    assert len(rows) == len(records())
    [row] = [row for row in rows if (row["landscape"], row["n"]) == ("sink", 6)]
    assert (row["arm"], row["calls"]) == (own.arm, own.calls)
    answer = CliRunner().invoke(pipeline.cli, ["atlas", "--records", str(kept)])
    assert answer.exit_code == 2 and "--records is for the arms of --runs" in answer.output


@pytest.mark.usefixtures("few")
def test_the_atlas_loads_nothing_and_its_links_lead_somewhere() -> None:
    page = render_atlas()
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert not re.findall(r"(?:src|url)\s*[=(]", page)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len({*ids})
    overview = page[page.index("<table") : page.index("</table>")]
    assert {*re.findall('href="#([^"]+)"', overview)} <= {*ids}
    for landscape, n in FEW:
        own = records()[landscape, n]
        assert (f"<code>{own.word}</code>" in page) == bool(own.automaton)
        assert f"<td>{own.threshold}</td>" in page
    assert page.count("<figure") == 3


@pytest.mark.usefixtures("few")
def test_the_commands_write_the_atlas_and_its_certificates(tmp_path: Path) -> None:
    def run(*words: object) -> str:
        answer = CliRunner().invoke(pipeline.cli, [*map(str, words)], catch_exceptions=False)
        assert answer.exit_code == 0
        return answer.output

    page, proofs = tmp_path / "atlas.html", tmp_path / "proofs.jsonl"
    assert str(page) in run("atlas", "--out", page, "--certificates", proofs)
    assert run("verify", proofs) == "certificates verified: 3\n"
    assert run("atlas", "--out", "-") == page.read_text(encoding="utf-8")
    run("report", "--atlas", "--out", tmp_path / "same.html")
    assert (tmp_path / "same.html").read_bytes() == page.read_bytes()
