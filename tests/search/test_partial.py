"""Models, searches, discoveries and the archive of partial automata, each against plain Python."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from automata import UNDEFINED, parse_delta
from automata.canonical import canonical_forms
from automata.deltas import Deltas
from automata.partial_families import p_automaton, p_threshold
from automata.runs import find_stretches
from automata.series import series_thresholds
from automata.solver.careful import careful_thresholds
from automata.solver.either import may_synchronize
from automata.solver.exact import UNKNOWN
from automata.solver.once import SolvedOnce
from automata.stretches import Stretches, stretch
from automata.text.formats import format_delta
from data.damage import DataError
from data.run_record import read_run_record
from search.archive import series_search
from search.archive.selection import Selection
from search.archive.series import find_series, summarize
from search.archive.store import Archive, verify_archive
from search.arms.decode import decode_and_repair
from search.discovery.saved import load_step
from search.report.content import LatentMap
from search.report.discoveries import _lengths, read_discovery
from search.report.map_shapes import map_shapes
from search.scoring.comparison import compact
from search.scoring.scores import known_families
from search.verified import verify_candidates
from tests import naive
from tests.commands import command
from tests.known_lengths import pretend
from tests.search.archives import careful_rows
from tests.vae.models import make, seeded

pytestmark = pytest.mark.usefixtures("unrendered", "one_thread", "few_dots")

LEAP = (
    "discover --partial --from 4 --start-to 5 --to 7 --start-budget 900 --budget 150 "
    "--first-look 80 --latent 4 --elites 150 --first-steps 3 --steps 2 --device cpu --workers 1"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A partial dataset, a model of it and a search; discoveries by three arms; one archive."""
    place = tmp_path_factory.mktemp("partial")
    for line in (
        f"generate --partial -n 5 --count 300 --sampler evolved --calls 3000 --ceiling 0.7 "
        f"--workers 1 --out {place}/data",
        f"train --data {place}/data --out {place}/model --epochs 3 --batch 64 --latent 4 "
        "--hidden 24 --channels 12 --convolutions 1 --device cpu --workers 1",
        f"search --model {place}/model --data {place}/data --budget 60 --parents 40 --batch 64 "
        f"--rounds 1 --retrain 2 --retrain-steps 2 --archive-at-least 0.5 --device cpu "
        f"--workers 1 --out {place}/search",
        *(f"{LEAP} --arms {arm} --out {place}/leaps" for arm in ("vae", "stretch", "insertion")),
    ):
        command(line)
    return place


def oracle(text: str) -> int | None:
    """The careful threshold by the oracle of plain Python."""
    delta = [[None if q == UNDEFINED else q for q in row] for row in parse(text).tolist()]
    word = naive.shortest_careful_word(delta)
    return None if word is None else len(word)


def parse(text: str) -> Deltas:
    return parse_delta(text, partial=True)


# --- search -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tokens", ["absolute", "combined"])
def test_repair_changes_what_cannot_be_careful(tokens: str) -> None:
    model = make(partial=True, tokens=tokens)
    z = 2 * torch.randn(300, model.config.latent, generator=seeded(3))
    raw, repaired = (decode_and_repair(model, z, repair=repair) for repair in (0, 4))
    changed = (raw.deltas != repaired.deltas).sum((1, 2))
    assert np.array_equal(changed, repaired.repaired)
    assert np.array_equal(raw.as_decoded, may_synchronize(raw.deltas, partial=True))
    assert not changed[raw.as_decoded].any()
    assert (raw.deltas == UNDEFINED).any()
    assert ((repaired.deltas < model.config.n) | (repaired.deltas == UNDEFINED)).all()
    more = may_synchronize(repaired.deltas, partial=True).sum()
    assert more >= raw.as_decoded.sum()


def test_a_search_finds_new_automata_with_careful_words(folder: Path) -> None:
    rows = pd.read_csv(folder / "search" / "candidates.csv", dtype={"word": str})
    assert [name for name in rows if "bound" in name] == []
    assert (rows["best_known"] == 16).all()
    assert (rows["gap"] == 16 - rows["reset_threshold"]).all()
    assert np.allclose(rows["ratio"], rows["reset_threshold"] / 16, atol=1e-4)
    assert rows["reset_threshold"].is_monotonic_decreasing
    for row in rows.head(60).itertuples():
        assert oracle(row.delta) == row.reset_threshold == len(row.word)
    assert rows["delta"].str.contains("-").any()
    forms = [canonical_forms(parse(text)[None]).tobytes() for text in rows["delta"]]
    assert len({*forms}) == len(forms)
    summary = pd.read_csv(folder / "search" / "summary.csv")
    assert {"uniform", "mutation", "evolve", "retrain", "prior"} <= {*summary["mode"]}
    assert (summary["calls"] <= 60).all()
    assert (summary["calls"] > 0).all()


def test_a_partial_model_is_evaluated(folder: Path) -> None:
    command(f"evaluate --model {folder}/model --device cpu --workers 1")
    results = json.loads((folder / "model" / "evaluation.json").read_text())["results"]
    assert 0 < results["valid_after_repair"] <= 1
    assert max(results["top_thresholds"]) <= 16


def test_a_longer_record_changes_no_report(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = []
    for lengths in ([0, 1, 4, 9, 16], [0, 1, 4, 9, 18], [0, 1, 4, 9]):
        pretend(monkeypatch, lengths)
        command(f"report {folder}/search --out {tmp_path}/page.html")
        pages.append((tmp_path / "page.html").read_bytes())
        assert verify_candidates(folder / "search" / "candidates.csv") > 0
    assert "≥ 10, 0.6 of the longest known".encode() in pages[0]
    assert pages[1] == pages[2] == pages[0]


def test_the_page_of_a_discovery_goes_by_the_lengths_of_its_tables(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.best_known.best_known_length", lambda *size, **kind: 99)
    place = folder / "leaps"
    best = {4: 9.0, 5: 16.0, 6: 26.0, 7: 39.0}
    assert _lengths(place, compared=True) == _lengths(place, compared=False) == best
    content = read_discovery(place, read_run_record(place), 8)
    sizes = content.rows["n"].astype(int)
    assert (content.rows["best_known"].astype(int) == sizes.map(best)).all()
    comparison = pd.read_csv(place / "comparison.csv")
    pd.testing.assert_frame_equal(content.tables[0].rows, compact(comparison))


# --- discovery --------------------------------------------------------------------------------


@pytest.mark.parametrize("arm", ["start", "vae", "stretch", "insertion"])
def test_steps_hold_careful_thresholds(folder: Path, arm: str) -> None:
    for n in (4, 5) if arm == "start" else (6, 7):
        step = load_step(folder / "leaps" / "seed-0" / arm / f"n-{n:02}")
        assert step is not None
        assert step.partial
        assert json.loads(
            (folder / "leaps" / "seed-0" / arm / f"n-{n:02}" / "step.json").read_text()
        )["partial"]
        assert (step.thresholds >= 0).all()
        texts = [format_delta(delta) for delta in step.deltas(slice(20))]
        assert [oracle(text) for text in texts] == step.thresholds[:20].tolist()
        assert step.thresholds.max() > n  # something was found
    if arm == "start":
        assert any("-" in text for text in texts)


def test_a_folder_holds_one_kind(folder: Path) -> None:
    with pytest.raises(DataError, match="partial=True there, False here"):
        command(f"{LEAP} --arms vae --out {folder}/leaps".replace("--partial ", ""))
    settings = json.loads((folder / "leaps" / "settings.json").read_text())
    assert settings["partial"] is True


def test_the_tables_of_a_discovery(folder: Path) -> None:
    rows = pd.read_csv(folder / "leaps" / "candidates.csv")
    best = {4: 9, 5: 16, 6: 26, 7: 39}
    assert (rows["best_known"] == rows["n"].map(best)).all()
    scores = pd.read_csv(folder / "leaps" / "scores.csv")
    assert {*scores["arm"]} == {"vae", "stretch", "insertion"}
    assert (scores["gap"] == scores["n"].map(best) - scores["best_threshold"]).all()
    assert known_families(7, 2, partial=True)[0] == ("P(7,0)",)
    # each hit counts by the longest known length: at n = 6, 0.8 * 26 = 20.8
    step = load_step(folder / "leaps" / "seed-0" / "insertion" / "n-06")
    assert step is not None
    row = scores[(scores["arm"] == "insertion") & (scores["n"] == 6) & (scores["window"] == "all")]
    assert int(row["distinct_0.8"].iloc[0]) == int((step.thresholds >= 21).sum())


@pytest.mark.parametrize("name", ["search", "leaps"])
def test_candidates_are_proved_and_forged_ones_refused(
    folder: Path, tmp_path: Path, name: str
) -> None:
    path = folder / name / "candidates.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False).head(8)
    own = tmp_path / "candidates.csv"
    table.to_csv(own, index=False)
    assert verify_candidates(own) == 8
    for column, value in (("best_known", "17"), ("word", "ab"), ("reset_threshold", "3")):
        forged = table.copy()
        forged.loc[2, column] = value
        forged.to_csv(own, index=False)
        with pytest.raises(DataError, match="row 3"):
            verify_candidates(own)
    forged = table.copy()
    forged.loc[2, "delta"] = forged.loc[2, "delta"].replace("-", "0")
    if (forged != table).any(axis=None):
        forged.to_csv(own, index=False)
        with pytest.raises(DataError, match="row 3"):
            verify_candidates(own)


# --- the archive ------------------------------------------------------------------------------


def test_an_archive_keeps_both_kinds_apart(tmp_path: Path) -> None:
    path = tmp_path / "archive.sqlite"
    cerny = parse_delta("1 2 3 0|1 1 2 3")
    partial = [p_automaton(n, c) for n, c in ((6, 0), (10, 1), (20, 3))]
    with Archive(path) as archive:
        assert archive.add(careful_rows([cerny, *partial]), run="r", arm="a") == 4
        assert archive.add(careful_rows(partial), run="r", arm="b") == 0
        assert archive.rows()["reset_threshold"].tolist() == [9]
        assert [*archive.counts()["cerny_bound"]] == [9]
        found = archive.rows(Selection(partial=True))
        assert found["family"].tolist() == ["P(6,0)", "P(10,1)", "P(20,3)"]
        assert found["reset_threshold"].tolist() == [26, 94, p_threshold(20, 3)]
        assert found["best_known"].tolist()[:2] == [26, 94]
        assert found["gap"].tolist()[:2] == [0, 0]
        assert [parse(text).shape[1] for text in found["delta"]] == [6, 10, 20]
        counts = archive.counts(Selection(partial=True, n=10))
        assert counts["best_threshold"].tolist() == counts["best_known"].tolist() == [94]
        some = archive.rows(Selection(partial=True, at_least=1.0))
        assert {6, 10} <= {*some["n"]}
        assert len(archive.rows(Selection(partial=True, family="P(6,0)"))) == 1
    assert verify_archive(path) == 4
    export = tmp_path / "export.csv"
    command(f"archive export --archive {path} --partial {export}")
    assert verify_candidates(export) == 3
    listed = command(f"archive list --archive {path} --partial --automata --json")
    assert '"best_known": 94' in listed


def test_an_archive_with_slow_automata_opens_quickly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("automata.flags.careful_thresholds", None)  # their words say enough
    identity = np.arange(22, dtype=np.uint8)[None]
    slow = [p_automaton(22, 4), np.concatenate([p_automaton(22, 4), identity])]
    with Archive(tmp_path / "archive.sqlite") as archive:
        archive.add(careful_rows(slow), run="r", arm="a")
        names = archive.rows(Selection(partial=True))["properties"].tolist()
    assert ["irreducible" in name.split(",") for name in names] == [True, False]


def test_an_archive_refuses_what_is_not_careful(tmp_path: Path) -> None:
    rows = careful_rows([p_automaton(6, 0)])
    path = tmp_path / "archive.sqlite"
    with Archive(path) as archive:
        archive.add(rows.assign(word="a" * 26), run="r", arm="a")
        with pytest.raises(DataError, match="all states to one state"):
            archive.rows(Selection(partial=True))
    forged = rows.assign(canonical=rows["canonical"].str.replace("-", "255"))
    with Archive(tmp_path / "other.sqlite") as archive:
        assert archive.add(forged, run="r", arm="a") == 1  # 255 is how it is stored
        with pytest.raises(ValueError, match="not canonical"):
            wrong = rows["canonical"].str.split(" ").map(lambda own: " ".join(own[::-1]))
            archive.add(rows.assign(canonical=wrong), run="r", arm="a")


# --- series -----------------------------------------------------------------------------------


def grown(start: Deltas, way: tuple[str, str, str], by: int) -> Deltas:
    places = (np.array([[int(place)]]) for place in way)
    ways = Stretches(start[None], *places, np.array([0]))
    return stretch(ways, by, partial=True)[0]


@pytest.mark.parametrize("count", [1, pytest.param(3, marks=pytest.mark.exhaustive)])
def test_the_quadratic_series_of_partial_automata_are_true(count: int) -> None:
    texts = ["0 1 2 4 5 0|1 2 3 1 5 -", "1 2 3 4 5 1|- 1 2 3 5 5", "0 1 2 4 3 1|1 2 3 0 5 -"]
    rows = careful_rows([*map(parse, texts[:count])])
    series, sporadic, *_ = find_series(rows, partial=True, prove=True)
    whole = series[series["holds"] == "all n"]
    assert whole["formula"].tolist() == ["n^2-3n-1", "n^2-4n+5", "n^2-5n+10"][:count]
    assert len(sporadic) == 0
    values = [lambda n: n**2 - 3 * n - 1, lambda n: n**2 - 4 * n + 5, lambda n: n**2 - 5 * n + 10]
    for row, value in zip(whole.itertuples(), values[:count], strict=True):
        for by in (0, 1, 4):
            longer = grown(parse(row.delta), (row.start, row.cut, row.stop), by)
            assert (longer == UNDEFINED).any()
            assert oracle(format_delta(longer)) == value(6 + by)


@pytest.mark.parametrize("fib", [True, False])
def test_recurrences_are_found_and_named(monkeypatch: pytest.MonkeyPatch, fib: bool) -> None:
    def lengths(n: int) -> int:
        first, second = 3, 5
        for _ in range(n):
            first, second = second, first + second + 1
        return first if fib else first + (n * n * n) % 7

    def solve(deltas: Deltas, **_: object) -> np.ndarray:
        return np.full(len(deltas), min(lengths(deltas.shape[2]), 2**31 - 1), np.int32)

    monkeypatch.setattr("automata.solver.timed.thresholds_of", solve)
    rows = careful_rows([p_automaton(n, 0) for n in (7, 8)])
    rows["reset_threshold"] = [lengths(7), lengths(8)]
    series, sporadic, *_ = find_series(rows, partial=True)
    assert (len(series) > 0) == fib
    if fib:
        own = series[series["family"] == "P(n,0)"].iloc[0]
        assert (own["formula"], own["holds"], own["sizes"]) == ("L(n-1)+L(n-2)+1", "all n", "7 8")
        assert len(sporadic) == 0
        assert summarize(series)["formula"].iloc[0] == "L(n-1)+L(n-2)+1"


def test_the_family_p_obeys_no_formula() -> None:
    rows = careful_rows([p_automaton(n, 1) for n in (6, 7)])
    series, sporadic, *_ = find_series(rows, partial=True)
    assert "P(n,1)" not in {*series["family"]}
    assert len(sporadic) == 2


def test_a_memory_limit_ends_the_lengthening() -> None:
    ways = find_stretches(p_automaton(22, 0)[None], partial=True).of(np.arange(1))
    solved = SolvedOnce(partial=True, memory_limit=1 << 20)
    found = series_thresholds(ways, 2, 0, partial=True, solve=solved.thresholds)
    assert found.max() == UNKNOWN
    assert careful_thresholds(stretch(ways, 2, partial=True)).min() > 0


@pytest.mark.parametrize("partial", [True, False])
def test_series_have_a_memory_limit(monkeypatch: pytest.MonkeyPatch, partial: bool) -> None:
    limits = set()

    def solve(deltas: Deltas, *, memory_limit: int | None = None, **_: object) -> np.ndarray:
        limits.add(memory_limit)
        return np.full(len(deltas), UNKNOWN, np.int32)

    monkeypatch.setattr("automata.solver.timed.thresholds_of", solve)
    rows = careful_rows([parse("0 1 2 3 0|1 2 3 4 0")])
    for given, limit in (({}, 1 << 22), ({"memory_limit": 1000}, 1000)):
        limits.clear()
        found = find_series(rows, partial=partial, **given)
        assert limits == ({limit, 4 * limit} if partial else {limit})
    ways = [
        find_stretches(["0 1 2 3 0|1 2 3 4 0"], period=period, runs=runs)
        for period, runs in {pattern[:2] for pattern in series_search.PATTERNS}
    ]
    assert found.left_open == sum(len(one.deltas) for one in ways) == 2


# --- pages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["search", "leaps", "archive"])
def test_pages(folder: Path, tmp_path: Path, name: str) -> None:
    page = tmp_path / "page.html"
    of = f"{folder}/{name}"
    if name == "archive":
        of = f"--archive {folder}/archive.sqlite --partial"
    command(f"report {of} --limit 20 --out {page}")
    text = page.read_text()
    assert "careful" in text
    assert "best_known" in text
    assert "Above the Černý bound" not in text
    if name != "archive":  # it has no map
        assert re.search(r'id="ramp"><span>\d+% of the longest known</span>', text)


@pytest.mark.parametrize(
    ("recorded", "unit"), [("94", "the longest known"), ("", "(n-1)²")], ids=["one", "none"]
)
def test_a_map_goes_by_what_is_known_of_its_sizes(recorded: str, unit: str) -> None:
    n = 10 if recorded else 64  # nothing is known of n = 64
    rows = pd.DataFrame([{"n": str(n), "k": "2", "best_known": recorded, "delta": "0 -|1 0"}])
    places = np.array([[0.0, 0.0], [1.0, 1.0]])
    latent_map = LatentMap("", "", (0.5, 0.5), places[:1], rows, places[1:], [])
    automata = [{"n": n, "k": 2, "threshold": 47}] * 2
    share = 47 / (94 if recorded else 63**2)
    assert map_shapes(latent_map, automata, rows)["ramp"] == (share, share, unit)
