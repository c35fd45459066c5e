"""The records as pages: docs/records.md, and the atlas, which asks for nothing else."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import pipeline
from data.records import landscapes, records
from search.report import records as module
from search.report.atlas import render_atlas
from search.report.records import cells_of, records_of, records_page

ROOT = Path(__file__).parents[2]
FEW = [("binary", 3), ("sink", 5), ("partial-ternary", 4), ("partial-binary", 40)]


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
