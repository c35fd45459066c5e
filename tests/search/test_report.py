"""The report: one page of any run, or of the archive, which asks for nothing else."""

import csv
import hashlib
import json
import re
import shutil
import sqlite3
from dataclasses import replace
from functools import cache, cached_property
from html.parser import HTMLParser
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

import pipeline
from automata import reset_thresholds
from automata.drawing.geometry import circle_drawing
from automata.families import FAMILIES
from automata.sampling import sample_synchronizing
from automata.text.formats import format_delta, parse_delta
from data.damage import DataError
from search.archive.store import Archive
from search.arms.baselines import BASELINES
from search.arms.modes import LatentConfig
from search.candidates import CANDIDATE_COLUMNS
from search.pictures import latent as pictures
from search.pictures.strip import StripRow
from search.report.content import Content, LatentMap, known_automata
from search.report.latent_map import draw_map
from search.report.layout import neato_drawing
from search.report.page import render
from search.report.pictures import inline_svg
from search.report.runs import read_run
from search.run import SearchConfig
from tests import naive
from tests.commands import Answer
from tests.naive import apply
from tests.pictures import unrendered
from tests.search.archives import candidates_of
from tests.search.hostile import HOSTILE, hostile_content
from tests.search.partials import partial_content
from vae.trained import load_trained

pytestmark = pytest.mark.usefixtures("few_dots")

RUNS = ["search", "evolve", "discover", "compare", "enumerate", "data", "model"]


class Page(HTMLParser):
    """What a page holds, as a browser reads it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.rows: list[list[str]] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, dict(attributes)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")
        elif tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside == "td":
            self.rows[-1][-1] += data

    @cached_property
    def data(self) -> dict:
        return json.loads(self.scripts[0])

    def automata(self, columns: int) -> list[list[str]]:
        """The rows of the table of automata."""
        count = sum("data-number" in attributes for tag, attributes in self.tags if tag == "tr")
        return [row for row in self.rows if len(row) == columns][:count]


@pytest.fixture
def copied(run_folders: Path, tmp_path: Path) -> Path:
    """A copy of the runs."""
    return Path(shutil.copytree(run_folders, tmp_path / "runs"))


def check_alone(page: Page) -> None:
    """The page loads nothing: no address but names of XML, no source, no import."""
    for tag, attributes in page.tags:
        for name in ("src", "srcset", "data", "poster", "action", "background"):
            assert name not in attributes, (tag, attributes)
        for name in ("href", "xlink:href"):
            assert attributes.get(name, "#").startswith("#")
        assert tag not in ("link", "iframe", "object", "embed", "base", "foreignobject")
        assert not [name for name in attributes if name.startswith("on")]
    assert {*re.findall(r"https?://[^\"' <>)]*", page.text)} <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "@import" not in page.text and "url(http" not in page.text
    assert len(page.scripts) == 2


@pytest.fixture(scope="module")
def reported(run_folders: Path, tmp_path_factory: pytest.TempPathFactory):
    """A function from a run to its page and what `report` printed; each page is made once."""
    folder = tmp_path_factory.mktemp("pages")

    @cache
    def report(name: str) -> tuple[Path, Answer]:
        out = folder / f"{name}.html"
        line = ["report", run_folders / name, "--out", out, "--limit", LIMITS[name], "--json"]
        answer = CliRunner().invoke(pipeline.cli, [*map(str, line)], catch_exceptions=False)
        return out, Answer(answer.exit_code, answer.stdout, answer.stderr)

    return report


@pytest.fixture(scope="module")
def found(run_folders: Path) -> Content:
    """The content of the page of the search, five automata; not to be changed."""
    return read_run(run_folders / "search", 5)


LIMITS = dict.fromkeys(RUNS, 8) | {"search": 25}
TITLES = {
    "evolve": ["Recall", "Arms", "Hits"],
    "enumerate": ["Counts"],
    "compare": ["Arms", "Known families", "Gaps"],
    "discover": ["Sizes"],
    "model": ["Evaluation", "Epochs", "Training"],
}


@pytest.mark.parametrize("name", RUNS)
def test_every_run_has_its_page(run_folders: Path, reported, name: str) -> None:
    out, answer = reported(name)
    assert (answer.code, answer.complaints()) == (0, [])
    printed = json.loads(answer.out)
    assert printed == {"automata": printed["automata"], "bytes": out.stat().st_size,
                       "report": str(out)}  # fmt: skip
    assert 0 < printed["automata"] <= LIMITS[name]
    page = Page(out.read_text())
    check_alone(page)
    for title in TITLES.get(name, []):
        assert f"<h3>{title}</h3>" in page.text
    automata = page.data["automata"]
    assert len(automata) >= printed["automata"]
    columns = [*read_run(run_folders / name, LIMITS[name]).rows]
    rows = page.automata(len(columns))
    assert len(rows) == printed["automata"]
    assert ('id="plane"' in page.text) == (name in ("search", "discover", "compare", "model"))
    for number, entry in enumerate(automata):
        if number < printed["automata"]:
            row = rows[number]
            entry |= {"text": row[columns.index("delta")], "word": row[columns.index("word")]}
        delta = [[int(q) for q in row.split()] for row in entry["text"].split("|")]
        k, n = len(delta), len(delta[0])
        pictured = number >= page.data["mapped"]  # some of these synchronize, some do not
        synchronizing = not pictured or naive.is_synchronizing(delta)
        assert (entry["k"], entry["n"], entry["replayed"]) == (k, n, synchronizing)
        assert len(entry["word"]) == max(0, entry["threshold"])
        if synchronizing:
            letters = ["ab".index(letter) for letter in entry["word"]]
            assert len(apply(delta, range(n), letters)) == 1
        else:
            assert (entry["threshold"], entry["word"]) == (-1, "")
        layouts = ["circle", "neato"] if number < printed["automata"] else ["circle"]
        for layout in layouts:
            assert len(entry[layout]["places"]) == 2 * n
            assert len(entry[layout]["arrows"]) == 12 * k * n


@pytest.mark.parametrize(
    "name",
    ["search", *(pytest.param(name, marks=pytest.mark.exhaustive) for name in RUNS[1:])],
)
def test_the_same_run_gives_the_same_bytes(
    run_folders: Path, tmp_path: Path, reported, call, name: str
) -> None:
    again = tmp_path / "again.html"
    line = ["report", run_folders / name, "--out", again, "--limit", LIMITS[name]]
    assert call(line).code == 0
    assert again.read_bytes() == reported(name)[0].read_bytes()


def test_the_table_is_that_of_the_run(run_folders: Path, reported) -> None:
    out, _ = reported("search")
    with (run_folders / "search" / "candidates.csv").open() as file:
        names, *rows = csv.reader(file)
    assert names == CANDIDATE_COLUMNS
    known = [row[names.index("novel")] == "False" for row in rows]
    first = sorted(sorted(range(len(rows)), key=lambda row: known[row])[:25])
    assert Page(out.read_text()).automata(len(names)) == [rows[row] for row in first]
    text = out.read_text()
    summary = pd.read_csv(run_folders / "search" / "summary.csv")
    assert all(f"<td>{calls:,}</td>" in text for calls in summary["calls"])
    record = json.loads((run_folders / "search" / "run.json").read_text())
    assert record["commit"] in text and str(record["seconds"]) in text
    for title in ("Arms", "Hits", "Thresholds", "Soap bubble", "Training", "Interpolation",
                  "Reconstructions"):  # fmt: skip
        assert f"<h3>{title}</h3>" in text
    assert "Recall" not in text


def test_new_automata_lead_and_those_of_the_training_set_are_marked() -> None:
    families = [f for f in FAMILIES if f.k == 2 and f.exists(6)][:4]
    thresholds = np.array([f.reset_threshold(6) for f in families])
    order = np.argsort(-thresholds, kind="stable")
    rows = known_automata(np.stack([f.delta(6) for f in families])[order], thresholds[order])
    rows["novel"] = ["False", "True", "False", "True"]
    page = render(Content("t", "l", rows, of="73 new automata"))
    head = page[page.index('<p class="found">') : page.index("<nav")]
    assert (
        f"The slowest of 73 new automata has a reset threshold of {thresholds[order][1]}," in head
    )
    assert re.findall(r'data-number="(\d)"', head) == ["1", "3", "0", "2"]
    marked = [cell.startswith(" known") for cell in head.split('class="cell')[1:]]
    assert marked == [False, False, True, True] and head.count("in the training set</span>") == 2
    known = render(Content("t", "l", rows.assign(novel="False")))
    assert "No automaton is new. The slowest of 4 automata on this page has" in known


def test_numbers_say_what_they_count(run_folders: Path, found: Content) -> None:
    content = read_run(run_folders / "data", 8)
    assert content.lead.startswith("300 automata, n = 5, k = 2; 53 of them without a reset word. ")
    assert content.lead.endswith("This page has the 8 slowest.") and content.of == "300 automata"
    novel = pd.read_csv(run_folders / "search" / "candidates.csv")["novel"]
    assert found.of == f"{novel.sum()} new automata"
    assert f": {novel.sum()} new, {(~novel).sum()} in the training set. " in found.lead
    assert (found.rows["novel"] == "True").all()  # more than five are new
    dots = len(found.latent_map.training)
    assert f"Dots are {dots} training automata: " in render(found)


def test_arms_that_ended_early_and_slower_baselines_are_named(copied: Path) -> None:
    folder = copied / "search"
    summary = pd.read_csv(folder / "summary.csv")
    longest = summary["best_threshold"].max()
    summary.loc[summary["mode"] == "prior", "calls"] = 4
    summary.loc[summary["mode"].isin(BASELINES), "best_threshold"] = 4
    summary.loc[summary["mode"] == "mutation", "best_threshold"] = longest + 1
    with (folder / "summary.csv").open("w") as file:
        summary.to_csv(file, index=False)
    checksums = json.loads((folder / "checksums.json").read_text())
    digest = hashlib.sha256((folder / "summary.csv").read_bytes()).hexdigest()
    (folder / "checksums.json").write_text(json.dumps(checksums | {"summary.csv": digest}))
    content = read_run(folder, 5)
    (arms,) = (table for table in content.tables if table.title == "Arms")
    (hits,) = (picture for picture in content.pictures if picture.title == "Hits")
    for text in (arms.text, hits.text):
        assert "prior (4 calls)" in text and "mutation (" not in text
        assert "All others made 60 calls." in text
    assert dict(zip(arms.rows["arm"], arms.rows["kind"], strict=True))["prior"] == "ended early"
    assert f"slower ones, which are not listed here: mutation ({longest + 1}). " in content.found


def test_sizes_share_a_page(run_folders: Path) -> None:
    for name in ("discover", "compare"):
        content = read_run(run_folders / name, 20)
        assert content.rows["n"].value_counts(sort=False).to_dict() == dict.fromkeys("6543", 5)
        best = content.rows.groupby("n")["reset_threshold"].first()
        assert best["3"] == "4" and best["4"] == "9"
        assert content.rows["rank"].tolist() == [str(rank) for rank in range(1, 21)]


def test_arms_stand_in_the_order_of_the_comparison(run_folders: Path) -> None:
    # the arm whose model the map shows is the last of three here
    (table,) = (t for t in read_run(run_folders / "compare", 8).tables if t.title == "Arms")
    compared = pd.read_csv(run_folders / "compare" / "comparison.csv")["arm"]
    assert [*dict.fromkeys(table.rows["arm"])] == [*compared.unique()]


def test_by_default_a_page_lies_in_its_run(copied: Path, call) -> None:
    assert call(["report", copied / "evolve"]).code == 0
    assert (copied / "evolve" / "report.html").stat().st_size > 10_000
    # another run there makes another page
    line = "evolve -n 4 --budget 50 --keep 5 --workers 1 --force --out".split()
    assert call([*line, copied / "evolve"]).code == 0
    assert not (copied / "evolve" / "report.html").exists()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "archive.sqlite"
    with Archive(path) as opened:
        for n in (4, 5, 20):
            deltas = np.stack([f.delta(n) for f in FAMILIES if f.k == 2 and f.exists(n)])
            opened.add(candidates_of(deltas), run="some run", arm=HOSTILE)
    return path


def test_an_archive(archive: Path, tmp_path: Path, call, monkeypatch) -> None:
    out = tmp_path / "report.html"
    assert call(["report", "--archive", archive]).code == 0
    page = Page(out.read_text())
    check_alone(page)
    assert len(page.data["automata"]) > 20
    assert call(["report", "--archive", archive, "--family", "C", "--limit", 2]).code == 0
    entries = Page(out.read_text()).data["automata"]
    assert [(entry["family"], entry["n"]) for entry in entries] == [("C", 20), ("C", 5)]
    assert "2 of 3 automata of the archive archive.sqlite: those with" in out.read_text()
    (tmp_path / "runs").mkdir()
    archive.rename(tmp_path / "runs" / "archive.sqlite")
    monkeypatch.chdir(tmp_path)
    assert call(["report", "--archive", "-n", 20, "--out", "n20.html"]).code == 0
    entries = Page(Path("n20.html").read_text()).data["automata"]
    assert [entry["threshold"] for entry in entries][0] == 361


@pytest.mark.parametrize("count", [40, pytest.param(200, marks=pytest.mark.exhaustive)])
def test_a_large_page_stays_small(found: Content, monkeypatch, count: int) -> None:
    """Two hundred with n = 20, two parents each, with a map and a strip of such automata too.

    Ten drawings of a kind stand in turn for all of them, which would take as much room.
    """
    rng = np.random.default_rng(0)
    cerny = FAMILIES[0].delta(20)
    rows = pd.concat([known_automata(cerny[None], np.array([361]))] * count, ignore_index=True)
    deltas = np.tile(cerny, (count, 1, 1))
    deltas[np.arange(count), 0, rng.integers(1, 19, count)] = rng.integers(0, 20, count)
    rows["delta"] = [format_delta(delta) for delta in deltas]
    rows["parent_a"], rows["parent_b"] = rows["delta"], rows["delta"].iloc[::-1].to_numpy()
    content = replace(found, rows=rows, latent_map=None)
    few = np.array([361] * 9, np.int32)
    for drawing in (circle_drawing, neato_drawing):
        ten = cycle([drawing(delta) for delta in deltas[:10]])
        name = f"search.report.entries.{drawing.__name__}"
        monkeypatch.setattr(name, lambda delta, ten=ten: next(ten))
    strip = [StripRow("path", deltas[:9], few, few > 0)] * 6
    shown = rows.head(count * 5 // 8).reset_index(drop=True)
    places = rng.normal(size=(count + len(shown), 2))
    latent_map = LatentMap("", "", (0.5, 0.5), places[:count], shown, places[count:], [])
    page = render(replace(content, strip=strip, latent_map=latent_map))
    assert len(page.encode()) < 1_000_000 + 6_700 * count


def test_a_start_alone_is_one_run(tmp_path: Path, call) -> None:
    line = "discover --from 3 --start-to 5 --to 5 --start-budget 200 --workers 1 --out"
    assert call([*line.split(), tmp_path / "run"]).code == 0
    content = read_run(tmp_path / "run", 30)
    assert content.lead == "The best automata with n = 3 to 5, k = 2: mix, seed 0."
    summary = pd.read_csv(tmp_path / "run" / "summary.csv")
    assert content.facts["solver calls"] == f"{summary['calls'].sum():,}"


def test_what_several_runs_share_is_counted_once(run_folders: Path) -> None:
    folder = run_folders / "compare"
    content = read_run(folder, 400)
    calls = [json.loads(path.read_text())["calls"] for path in folder.rglob("step.json")]
    assert content.facts["solver calls"] == f"{sum(calls):,}"
    found = content.rows.set_index(["n", "canonical"])["found_by"]
    assert {*found.loc[["3", "4"]]} == {"start"}
    for arm in ("insertion", "stretch", "vae"):
        assert found.loc[["5", "6"]].str.contains(arm).any()
    assert len(read_run(folder, 1).rows) == 1
    record = json.loads((folder / "run.json").read_text())
    assert record["covers"] == {arm: [0, 1] for arm in ("insertion", "stretch", "vae")}


def test_the_strip_is_that_of_the_run(
    run_folders: Path, found: Content, tmp_path: Path, monkeypatch
) -> None:
    record = json.loads((run_folders / "search" / "run.json").read_text())
    folders = (Path(record["inputs"][name]) for name in ("model", "data"))
    model, data, _ = load_trained(*folders, torch.device("cpu"), 1)
    own = record["config"] | {"latent": LatentConfig(**record["config"]["latent"])}
    drawn: list = []
    monkeypatch.setattr(pictures, "plot_strip", lambda rows, *_: drawn.extend(rows) or [])
    with unrendered():
        pictures.draw_search(tmp_path, model, data, np.array([1]), SearchConfig(**own))
    shown = found.strip
    assert [row.label for row in shown] == [row.label for row in drawn]
    best = data.deltas[np.argsort(-data.reset_thresholds, kind="stable")[:2]]
    for one, other in zip(shown, drawn, strict=True):
        assert np.array_equal(one.deltas, other.deltas)
        assert np.array_equal(one.deltas[[0, -1]], best)  # the parents as they are


@pytest.mark.parametrize("latent", [1, 2, 5])
def test_the_map_shows_principal_axes(latent: int) -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(10, latent))

    def place(delta: np.ndarray) -> np.ndarray:
        own = np.zeros(10)
        own[: delta.size] = delta.T.ravel()[:10]
        return own @ mixing

    def encode(deltas: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.stack([place(delta) for delta in deltas]))

    pairs = []
    for n in (4, 5):
        deltas = sample_synchronizing(rng, 60, n, 2)
        pairs.append((deltas, reset_thresholds(deltas)))
    rows = pd.concat([known_automata(*pairs[1]), known_automata(*pairs[0])], ignore_index=True)
    parents = rows["delta"].to_numpy()
    rows.loc[3, ["parent_a", "parent_b", "alpha", "mode"]] = *parents[[70, 80]], "0.25", "linear"
    rows.loc[4, ["parent_a", "mode"]] = parents[70], "neighbourhood"
    found = draw_map("", encode, pairs, rows, rows, "polar")
    points = np.concatenate([encode(deltas).numpy() for deltas, _ in pairs])
    values, vectors = np.linalg.eigh(np.cov(points.T).reshape(latent, latent))
    assert np.allclose(found.shares[0], values[-1] / values.sum())
    axis = vectors[:, -1] * np.sign(vectors[np.abs(vectors[:, -1]).argmax(), -1])

    def along(text: str) -> float:
        return float((place(parse_delta(text)) - points.mean(axis=0)) @ axis)

    assert np.allclose(found.candidates[:, 0], [along(text) for text in rows["delta"]])
    assert np.allclose(found.places[:, 0], [along(text) for text in found.training["delta"]])
    assert {*parents[[70, 80]]} <= {*found.training["delta"]}
    between, beside = found.paths
    ends = [along(text) for text in parents[[70, 80]]]
    assert (between.candidate, beside.candidate) == (3, 4)
    assert np.allclose(between.line[[0, -1], 0], ends)
    assert np.allclose(between.point[0], 0.25 * ends[0] + 0.75 * ends[1])
    assert np.allclose([beside.line[0, 0], beside.point[0]], ends[0])


# --- hostile, empty, damaged ------------------------------------------------------------------


def test_hostile_texts_are_texts() -> None:
    page = Page(render(hostile_content()))
    check_alone(page)
    assert not [tag for tag, _ in page.tags if tag == "img"]
    cells = page.automata(len(CANDIDATE_COLUMNS))
    assert cells[0][CANDIDATE_COLUMNS.index("family")] == HOSTILE
    assert cells[1][CANDIDATE_COLUMNS.index("word")] == "ab" * 200_000
    entries = page.data["automata"]
    assert [entry["replayed"] for entry in entries] == [False, False]
    assert entries[0]["family"] == HOSTILE


def test_a_hostile_archive(archive: Path, call) -> None:
    def change(statement: str) -> None:
        with sqlite3.connect(archive) as database:
            database.execute(statement, [HOSTILE])
        database.close()

    change("UPDATE finds SET run = ?")  # the name of a run is not checked
    assert call(["report", "--archive", archive]).code == 0
    check_alone(Page((archive.parent / "report.html").read_text()))
    (archive.parent / "report.html").unlink()
    change("UPDATE automata SET family = ? WHERE n = 4")
    assert call(["report", "--archive", archive]).code == 3
    assert not (archive.parent / "report.html").exists()


def test_a_word_that_does_not_reset_is_marked() -> None:
    rows = known_automata(FAMILIES[0].delta(4)[None], np.array([9]))
    rows["word"] = "aaaaaaaaa"
    (entry,) = Page(render(Content("t", "l", rows))).data["automata"]
    assert not entry["replayed"]


def test_a_threshold_above_the_bound_is_announced() -> None:
    rows = known_automata(FAMILIES[0].delta(4)[None], np.array([9]))
    assert "Above the" not in render(Content("t", "l", rows))
    rows["reset_threshold"] = "10"
    assert "Above the Černý bound: 1 automaton." in render(Content("t", "l", rows))


def test_partial_automata_have_careful_words_and_no_bound() -> None:
    page = Page(render(partial_content()))
    check_alone(page)
    assert "has a careful threshold of 72 (n = 9, the largest of 4 sizes" in page.text
    assert "Above the" not in page.text and "Černý bound" not in page.text.split("<dialog")[0]
    entries = page.data["automata"]
    assert [entry["bound"] for entry in entries] == [None] * 5
    assert [entry["replayed"] for entry in entries] == [True, True, True, False, False]
    for entry, text in zip(entries, partial_content().rows["delta"], strict=True):
        undefined = text.count("-")
        for layout in ("circle", "neato"):
            assert len(entry[layout]["stubs"]) == 10 * undefined
            assert len(entry[layout]["arrows"]) == 12 * (entry["n"] * entry["k"] - undefined)
    complete = known_automata(FAMILIES[0].delta(4)[None], np.array([9]))
    (entry,) = Page(render(Content("t", "l", complete))).data["automata"]
    assert {*entry["circle"]} == {"box", "places", "arrows"}


@pytest.mark.parametrize("word", ["bbbabbabb", "bbbabbabbc", "a", "", "B", "b" * 200_000])
def test_a_word_that_is_not_careful_is_marked(word: str) -> None:
    content = partial_content()
    assert content.rows.loc[0, "word"] == "bbbabbabbb"
    content.rows.loc[0, "word"] = word
    assert not Page(render(content)).data["automata"][0]["replayed"]


def test_partial_parents_are_solved() -> None:
    content = partial_content()
    rows = content.rows.assign(parent_a=[*content.rows["delta"][1:], ""], parent_b="")
    entries = Page(render(replace(content, rows=rows))).data["automata"]
    thresholds = [entry["parents"][0] and entry["parents"][0]["threshold"] for entry in entries]
    assert thresholds == [72, *(int(text) for text in rows["reset_threshold"][2:]), None]


def test_a_model_whose_data_has_changed(copied: Path, call) -> None:
    line = "generate -n 5 --count 200 --seed 7 --workers 1 --force --out"
    assert call([*line.split(), copied / "data"]).code == 0
    for name in ("search", "model"):
        record = json.loads((copied / name / "run.json").read_text())
        record["inputs"]["data"] = str(copied / "data")
        (copied / name / "run.json").write_text(json.dumps(record))
        assert call(["report", copied / name, "--limit", 5]).code == 0
        text = (copied / name / "report.html").read_text()
        assert "No latent map: " in text and "was trained on" in text


def test_parents_that_no_word_resets(tmp_path: Path, call) -> None:
    """They are no automata to show, and no error."""
    small = "--epochs 1 --latent 4 --hidden 16 --channels 8 --embedding 4 --workers 1"
    for line in (
        f"generate -n 5 -k 2 --count 301 --workers 1 --out {tmp_path / 'data'}",
        f"train --data {tmp_path / 'data'} --out {tmp_path / 'model'} {small}",
        f"search --model {tmp_path / 'model'} --data {tmp_path / 'data'} --budget 30 --mode linear"
        f" --parents 300 --workers 1 --out {tmp_path / 'found'}",
        f"report {tmp_path / 'found'} --limit 3",
    ):
        with unrendered():
            answer = call(line.split())
        assert (answer.code, answer.complaints()) == (0, [])
    parents = pd.read_csv(tmp_path / "found" / "candidates.csv")["parent_a"]
    deltas = [[[*map(int, row.split())] for row in text.split("|")] for text in parents]
    assert not all(naive.is_synchronizing(delta) for delta in deltas)
    assert "Latent map" in (tmp_path / "found" / "report.html").read_text()


def test_a_planted_link_is_not_written_through(copied: Path, tmp_path: Path, call) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for folder in (copied / "evolve", tmp_path / "named"):
        folder.mkdir(exist_ok=True)
        (folder / "report.html").symlink_to(victim)
    assert call(["report", copied / "evolve", "--limit", 3]).code == 0
    assert victim.read_text() == "precious"
    assert not (copied / "evolve" / "report.html").is_symlink()
    named = tmp_path / "named" / "report.html"  # by the user
    assert call(["report", copied / "evolve", "--limit", 3, "--out", named]).code == 0
    assert named.is_symlink() and victim.read_text().startswith("<!DOCTYPE html>")


def test_nothing_found(archive: Path, run_folders: Path, tmp_path: Path, call) -> None:
    assert call(["report", "--archive", archive, "-n", 7]).code == 0
    page = Page((archive.parent / "report.html").read_text())
    check_alone(page)
    assert "There are no automata to show." in page.text
    assert page.data["automata"] == []
    line = "enumerate -n 4 -k 2 --at-least 9 --no-rows --workers 1 --out"
    assert call([*line.split(), tmp_path / "counts"]).code == 0
    assert call(["report", tmp_path / "counts"]).code == 0
    assert "There are no automata to show." in (tmp_path / "counts" / "report.html").read_text()


def test_an_evaluation_that_is_not_what_was_written(copied: Path, call) -> None:
    path = copied / "model" / "evaluation.json"
    line = f"evaluate --model {copied / 'model'} --data {copied / 'data'} --workers 1"
    assert call(line.split()).code == 0
    assert call(["report", copied / "model", "--limit", 5]).code == 0
    whole = json.loads(path.read_text())
    assert "exact_from_mu" in (copied / "model" / "report.html").read_text()
    other = whole | {"model_sha256": "0" * 64, "sha256": None}
    for changed, message in [
        (whole | {"results": whole["results"] | {"exact_from_mu": 1.0}}, "its SHA-256 is another"),
        (whole | {"seed": 8}, "its SHA-256 is another"),
        (other, "weights that were trained further since"),
        ({k: v for k, v in other.items() if k != "model_sha256"}, "of an earlier version"),
        ([], "not the evaluation of a model"),
    ]:
        path.write_text(json.dumps(changed))
        answer = call(["report", copied / "model", "--limit", 5])
        (complaint,) = answer.complaints()
        assert answer.code == 3 and "evaluation.json: " in complaint and message in complaint


def test_a_model_that_is_gone(copied: Path, call) -> None:
    for name in ("search", "model"):
        record = json.loads((copied / name / "run.json").read_text())
        record["inputs"]["data"] = str(copied / "no data")
        (copied / name / "run.json").write_text(json.dumps(record))
        assert call(["report", copied / name, "--limit", 5]).code == 0
        text = (copied / name / "report.html").read_text()
        assert "No latent map: " in text and "no data" in text
        assert 'id="plane"' not in text


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("search", lambda run: (run / "candidates.csv").write_text("rank\n1\n"), "damaged"),
        ("search", lambda run: (run / "summary.csv").unlink(), "summary.csv: no such file"),
        ("search", lambda run: (run / "run.json").write_text("[]"), "not the record of a run"),
        ("search", lambda run: (run / "run.json").write_text('{"command": []}'),
         "not the record of a run"),
        ("search", lambda run: (run / "run.json").write_text("{"), "not JSON"),
        ("search", lambda run: (run / "run.json").write_text('{"command": "search", "config": {}}'),
         "it has no inputs"),
        ("search", lambda run: (run / "norms.svg").write_text("nothing"), "not an SVG"),
        ("model", lambda run: (run / "model.safetensors").write_bytes(b"x"), "damaged"),
        ("discover", lambda run: shutil.rmtree(run / "seed-0"), "n-03: no finished step"),
        ("compare", lambda run: (run / "comparison.csv").write_text(""), "damaged"),
        ("enumerate", lambda run: (run / "manifest.json").write_text("{}"), "manifest.json"),
        ("discover", lambda run: (run / "seed-0/mix/n-06/found.npz").write_bytes(b"x"), "damaged"),
        ("data", lambda run: (run / "part-000000.parquet").write_bytes(b"x"), "damaged"),
        ("search", shutil.rmtree, "search: no such folder"),
        (".", lambda _: None, "finished run: the runs in it are compare, "),
        ("search", lambda run: (run / "run.json").unlink(), "finished run (it has no run.json)"),
        ("search/run.json", lambda _: None, "a file, not a run folder"),
    ],
)  # fmt: skip
def test_damage_is_one_line(copied: Path, call, name: str, damage, message: str) -> None:
    damage(copied / name)
    answer = call(["report", copied / name, "--out", copied / "report.html", "--limit", 5])
    assert (answer.code, answer.out) == (3, "")
    (complaint,) = answer.complaints()
    assert complaint.startswith("Error: ") and message in complaint
    assert not [*copied.glob("report.html*")]


def test_to_standard_output(run_folders: Path, call, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    answer = call(["report", run_folders / "evolve", "--out", "-"])
    assert answer.code == 0 and not [*tmp_path.iterdir()]
    check_alone(Page(answer.out))


def test_where_it_cannot_be_written(run_folders: Path, tmp_path: Path, call) -> None:
    (tmp_path / "file").write_text("")
    for place in ("file/report.html", "/proc/report.html"):
        out = tmp_path / place
        answer = call(["report", run_folders / "evolve", "--out", out, "--limit", 5])
        (complaint,) = answer.complaints()
        assert answer.code == 1 and "Errno" not in complaint and ".tmp" not in complaint


def test_bad_usage(run_folders: Path, tmp_path: Path, call) -> None:
    run, one_of = run_folders / "search", "give a run folder, --archive or --atlas"
    for line, message in [
        ([], one_of),
        ([run, "--atlas"], "give only one of a run folder, --archive or --atlas"),
        (["--atlas", "-n", 5], "options that choose automata are for --archive"),
        ([run, "--archive", tmp_path / "archive.sqlite"], "give only one of a run folder, --arch"),
        ([run, "-n", 5], "are for --archive"),
        ([run, "--limit", 0], "--limit"),
        ([run, "--out", run], "is a directory"),
    ]:
        answer = call(["report", *line])
        assert (answer.code, answer.out) == (2, "")
        assert message in answer.err
    answer = call(["report", "--archive", tmp_path / "none.sqlite"])
    assert (answer.code, answer.out) == (3, "")
    assert answer.err == (
        f"Error: {tmp_path}/none.sqlite: no such file; search, evolve, discover and demo make an "
        "archive beside their run folders\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "<p>", "<svg", "<svgs/>", "\ud800"),
        "<svg>" + "<g>" * 5000 + "</g>" * 5000 + "</svg>",
        "<svg>&lol;</svg>",
        "<svg><!DOCTYPE svg [<!ENTITY x 'x'>]></svg>",
        "<svg><!ENTITY x SYSTEM 'file:///etc/hostname'></svg>",
        "<svg>\0</svg>",
    ],
)
def test_what_is_no_svg_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hits.svg"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError, match="not an SVG"):
        inline_svg(path, "p")


@pytest.mark.parametrize(
    "text",
    [
        "<svg><script>x()</script></svg>",
        '<svg onload="x()"/>',
        "<svg><foreignObject><p>x()</p></foreignObject></svg>",
        '<svg xmlns:xlink="http://www.w3.org/1999/xlink"><a xlink:href="javascript:x()"/></svg>',
        '<svg><use href="http://x.org/#x"/></svg>',
        '<svg><use href="&#106;avascript:x()"/></svg>',
        "<svg><style>x{}</style></svg>",
        '<svg><g style="fill:url(http://x.org)"/></svg>',
        '<svg><g style="background:url(#x) url(http://x.org)"/></svg>',
        '<svg><g style="x:\\75rl(http://x.org)"/></svg>',
        '<svg><image href="x.png"/><animate onbegin="x()"/></svg>',
        '<svg><meta http-equiv="refresh" content="0;url=http://x.org"/></svg>',
        '<svg><g id="x"/></svg>',
        *(
            f'<svg><g style="{style}"/></svg>'
            for style in (
                "fill:uRl(x.png)",
                "fill: URL( x )",
                "fill:url(&quot;x&quot;)",
                "fill:url('x')",
                "fill:url(x.svg#y)",
                "fill:url(#y)url(x)",
                "fill:url (x)",
                "fill:u\\72l(x)",
                "fill:url(data:x)",
                "fill:url(//x.org)",
                "cursor:image-set('x.png' 1x)",
                "fill:src('x')",
                "fill:image('x')",
                "fill:-webkit-image-set(x)",
                "fill:cross-fade(x)",
                "fill:element(x)",
                "width:expression(x)",
                "fill:var(--x)",
                "fill:attr(x)",
                "@import 'x'",
                "fill:red;}x{",
                "fill:&lt;x&gt;",
                "fill:/*x*/",
                "behavior:url(x.htc)",
            )
        ),
        *(
            f"<svg><use {attribute}/></svg>"
            for attribute in (
                'href="x.svg#y"',
                'href="#y x"',
                'href="##x"',
                'href=" #x"',
                'href="data:x"',
                'href="//x.org"',
                'xlink="x"',
                'src="x"',
                'clip-path="url(x)"',
                'clip-path="#x"',
                'clip-path="url(#y) url(x)"',
                'clip-path="URL(x)"',
                'd="url(x)/"',
                'transform="translate(1) url(&quot;x&quot;)"',
                'points="x/"',
                'viewBox="0 0 1 1;x"',
                'onclick="x()"',
                'ONLOAD="x()"',
                'class="x"',
                'fill="url(x)"',
                'filter="url(x)"',
                'mask="url(x)"',
            )
        ),
    ],
)
def test_only_what_charts_have_is_taken_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hits.svg"
    path.write_text(text)
    assert "x" not in inline_svg(path, "p")


def test_a_chart_keeps_its_texts_and_shapes(tmp_path: Path) -> None:
    path = tmp_path / "hits.svg"
    path.write_text(
        '<?xml version="1.0"?><!DOCTYPE svg><svg width="5pt" viewBox="0 0 5 5"><defs>'
        '<clipPath id="c1"><rect x="1.26" width="2.5"/></clipPath></defs>'
        '<g clip-path="url(#c1)" id="axes"><path d="M 1.254 2.346\nL 3 4" '
        'style="fill: #ff0000; stroke-dasharray: 1.25,2"/><text style="font: 9px \'X\'">1.25 &lt; 2'
        "</text></g></svg>"
    )
    assert inline_svg(path, "p0-") == (
        '<svg viewBox="0 0 5 5"><defs><clipPath id="p0-c1"><rect x="1.3" width="2.5" /></clipPath>'
        '</defs><g clip-path="url(#p0-c1)"><path d="M 1.3 2.3 L 3 4" '
        'style="fill: #ff0000; stroke-dasharray: 1.25,2" />'
        "<text style=\"font: 9px 'X'\">1.25 &lt; 2</text></g></svg>"
    )


def test_what_cannot_be_drawn_is_refused() -> None:
    rows = known_automata(FAMILIES[0].delta(4)[None], np.array([9]))
    for text, message in [
        ("0 1|7 0", "'7' is outside 0..1"),
        ("|".join(["0"] * 7), "n=1, k=7 is over"),
    ]:
        with pytest.raises(DataError, match=message):
            render(Content("t", "l", rows.assign(delta=text)))
    rows["parent_a"] = HOSTILE
    with pytest.raises(DataError, match="parent '<script>"):
        render(Content("t", "l", rows))
