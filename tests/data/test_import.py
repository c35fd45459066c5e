"""Datasets of automata from a file: the same bytes for the same automata, or one clear line."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import pipeline
from automata import Automaton, canonical_forms, format_delta, from_canonical
from automata.sampling import sample_uniform
from data import importing
from data.damage import DataError
from data.dataset import read_dataset, shard_path
from data.files import json_sha256, sha256, write_sealed
from data.importing import collect, import_automata, import_collection, read_collection
from data.manifest import read_manifest
from tests import naive
from tests.automata.writers import WRITERS
from tests.data.forged import rewrite, with_cell
from tests.pictures import unrendered

CERNY = [[1, 2, 3, 0], [1, 1, 2, 3]]
RENAMED = [[3, 0, 1, 2], [0, 1, 2, 2]]  # the states in the other order
TWO = "[[[1,0],[0,0]],[[1,2,0],[0,0,0]]]"
WIDE, MANY = " ".join(["0"] * 65), "|".join(["0 1"] * 7)
CYCLES = [[1, 0, 3, 2], [0, 1, 2, 3]]


def uniform(count: int = 300, n: int = 5) -> np.ndarray:
    return sample_uniform(np.random.default_rng(0), count, n, 2)


def lines(deltas: Any) -> str:
    return "".join(f"{format_delta(delta)}\n" for delta in deltas)


def run(*words: str) -> Result:
    return CliRunner().invoke(pipeline.cli, ["import", *words])


@contextmanager
def on_standard_input(file: Path) -> Iterator[None]:
    """Standard input is a file: the command reads the descriptor itself."""
    before = os.dup(0)
    with file.open("rb") as given:
        os.dup2(given.fileno(), 0)
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name not in ("run.json", ".lock")}


def refused(message: str) -> Any:
    return pytest.raises(DataError, match=f"^[^\n]*{message}[^\n]*$")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- what is kept -------------------------------------------------------------------------------


def test_one_of_each_class_in_the_order_of_the_file_with_its_threshold(place: Path) -> None:
    deltas = uniform()
    twice = np.concatenate([deltas, deltas[::-1, ::-1]])  # the letters of the copies exchanged
    Path("own.txt").write_text(lines(twice))
    answer = run("own.txt", "--out", "own", "--json")
    assert answer.exit_code == 0, answer.output
    data = read_dataset("own")
    forms = canonical_forms(deltas)
    _, first = np.unique(forms, axis=0, return_index=True)
    assert np.array_equal(data.forms, forms[np.sort(first)])
    assert set(data.sources.tolist()) == {"import"}
    for delta, threshold in zip(data.deltas[::9].tolist(), data.reset_thresholds[::9], strict=True):
        known = naive.reset_threshold(delta)
        assert threshold == (-1 if known is None else known)
    shown = json.loads(answer.stdout)
    assert (shown["automata read"], shown["rows (distinct classes)"]) == (600, len(data))
    assert sum(shown["rows by reset threshold"].values()) == len(data)


def test_equal_input_equal_bytes(place: Path) -> None:
    Path("own.txt").write_text(lines(uniform()))
    for words in (["own.txt", "--out", "a"], ["own.txt", "--workers", "3", "--out", "b"]):
        assert run(*words).exit_code == 0
    Path("other.csv").write_text("delta\n" + lines(uniform()))
    with on_standard_input(Path("other.csv")):
        assert run("-", "--out", "c").exit_code == 0
    import_automata(np.array_split(uniform(), 7), "d")
    whole = contents(place / "a")
    assert contents(place / "b") == contents(place / "c") == whole
    assert contents(place / "d") == {n: b for n, b in whole.items() if "thresholds" not in n}
    before = (place / "a" / "run.json").read_bytes()
    assert run("own.txt", "--out", "a").exit_code == 0  # the same again changes nothing
    assert (place / "a" / "run.json").read_bytes() == before
    assert contents(place / "a") == whole


@pytest.mark.parametrize("form", WRITERS)
def test_every_form(place: Path, form: str) -> None:
    delta = Automaton("1 2 3 0|1 1 2 3|0 0 2 1").delta
    Path("own").write_text(WRITERS[form](delta))
    named = re.split("[; ]", form)[0]
    assert run("own", "--form", named, "--out", "data").exit_code == 0
    data = read_dataset("data")
    assert np.array_equal(data.forms, canonical_forms(delta[None]))
    assert data.reset_thresholds.tolist() == [naive.reset_threshold(delta.tolist())]


def test_automata_objects_and_texts_are_automata(tmp_path: Path) -> None:
    made = import_automata([[Automaton(CERNY)], [format_delta(RENAMED)], [CYCLES]], tmp_path / "d")
    assert made.thresholds == {9: 1, -1: 1}
    assert read_manifest(tmp_path / "d")["config"]["read"] == 3


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lines([CERNY, CERNY, [[1, 2, 0], [0, 1, 2]]]),
         "line 3: n=3, k=2, but line 1 has n=4, k=2: all automata of a dataset have one size"),
        (lines([CERNY]) + "\n1 2 3 0\n", "line 3: n=4, k=1, but line 1 has n=4, k=2"),
        (lines([CERNY]) + "1 2 3 4|1 1 2 3\n", "line 2: letter 0, state 3: '4' is outside 0..3"),
        (lines([CERNY]) + "1 2 3|\n", "line 2: "),
        (TWO, "line 1: n=3, k=2, but line 1 has n=2, k=2"),
        ("", "no automaton: the text is empty"),
        ("# nothing\n", "no automaton: the text is empty"),
        ("automata of mine\n", ""),
        (b"\xff\xfe\x00\x01" * 9, ""),
        (b"\x1b[31m|\x00", ""),
        (WIDE, "line 1: n=65 is over the limit of 64 states"),
        (MANY, "line 1: k=7 is over the limit of 6 letters"),
    ],
)  # fmt: skip
def test_what_is_no_dataset_is_one_line(place: Path, text: str | bytes, message: str) -> None:
    Path("own").write_bytes(text if isinstance(text, bytes) else text.encode())
    form = "lines" if text in (WIDE, MANY) else "json" if text == TWO else None
    with refused(f"^own: {message}"):
        read_collection(Path("own"), form)
    with on_standard_input(Path("own")), refused(f"^standard input: {message}"):
        raised(run("-", "--form", form or "auto", "--out", "data"))
    assert not Path("data").exists()  # nothing is begun


def raised(answer: Result) -> None:
    assert answer.exception is not None
    raise answer.exception


@pytest.mark.parametrize(("file", "message"), [("none", "no such file"), (".", "a folder")])
def test_what_is_no_file(place: Path, file: str, message: str) -> None:
    with refused(f"^{file}: {message}"):
        read_collection(Path(file))


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "no automaton"),
        ([np.empty((0, 2, 3), np.uint8)], "no automaton"),
        ([[CERNY], [[[0.5, 1.0]]]], "batch 2: states are integers"),
        ([[CERNY], [[[1, 2, 0], [0, 1, 3]]]], "batch 2: automaton 0, letter 1, state 2 leads to 3"),
        ([[CERNY], ["1 0|0 1"]], "batch 2: n=2, k=2, but batch 1 has n=4, k=2"),
        ([CERNY], r"batch 1: automata have shape \(batch, k, n\)"),
    ],
)
def test_own_samplers_that_return_no_automata(
    tmp_path: Path, batches: list[Any], message: str
) -> None:
    with refused(message):
        import_automata(batches, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_other_input_is_another_dataset(place: Path) -> None:
    Path("own.txt").write_text(lines(uniform(20)))
    Path("more.txt").write_text(lines(uniform(21)))
    assert run("own.txt", "--out", "data").exit_code == 0
    before = contents(place / "data")
    with refused("data: holds another run .*; --force discards it"):
        raised(run("more.txt", "--out", "data"))
    with refused("a dataset of another config"):
        import_automata([uniform(21)], "data")
    assert contents(place / "data") == before
    assert run("more.txt", "--out", "data", "--force").exit_code == 0
    assert len(read_dataset("data")) == len(np.unique(canonical_forms(uniform(21)), axis=0))


# --- interruptions ------------------------------------------------------------------------------


@pytest.mark.parametrize("shards", range(4))
def test_an_interrupted_import_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shards: int
) -> None:
    monkeypatch.setattr(importing, "SHARD_ROWS", 30)
    collection = collect([("all", uniform(100, 4))])
    import_collection(collection, tmp_path / "whole")
    solve, calls = importing.thresholds_of, []

    def interrupted(*arguments: Any, **options: Any) -> Any:
        if len(calls) == shards:
            raise KeyboardInterrupt
        calls.append(1)
        return solve(*arguments, **options)

    monkeypatch.setattr(importing, "thresholds_of", interrupted)
    if shards < len(read_manifest(tmp_path / "whole")["shards"]):
        with pytest.raises(KeyboardInterrupt):
            import_collection(collection, tmp_path / "part")
        with refused("part: an unfinished dataset; run the same import command again"):
            read_dataset(tmp_path / "part")
    monkeypatch.setattr(importing, "thresholds_of", solve)
    import_collection(collection, tmp_path / "part")
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")
    shard_path(tmp_path / "part", 1).unlink()  # nor does a shard that was removed stay away
    import_collection(collection, tmp_path / "part")
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")


# --- forged folders -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of three shards, not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "SHARD_ROWS", 30)
        import_automata([uniform(80, 4)], folder)
    return folder


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_a_changed_label(copied: Path) -> None:
    before = pq.read_table(shard_path(copied, 1))["reset_threshold"].to_pylist()[3]
    rewrite(copied, 1, with_cell("reset_threshold", 3, before + 1))
    with refused(f"row 4: threshold {before + 1}, but {before} is found"):
        read_dataset(copied)


def test_another_automaton_with_its_true_label(copied: Path) -> None:
    inside = {row.tobytes() for row in read_dataset(copied).forms}
    forms = canonical_forms(uniform(500, 4)[::-1])
    other = next(form for form in forms if form.tobytes() not in inside)
    [delta] = from_canonical(other[None], 4, 2)
    rewrite(copied, 2, with_cell("delta", 0, delta.tobytes()))
    threshold = naive.reset_threshold(delta.tolist())
    rewrite(copied, 2, with_cell("reset_threshold", 0, -1 if threshold is None else threshold))
    with refused("holds other automata than were imported"):
        read_dataset(copied)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["shards"].pop(), "of 3 shards; run the same import command again"),
        (lambda m: m.update(complete=False), "an unfinished dataset; run the same import command"),
        (lambda m: m["config"].update(read=1), "more automata than were read"),
        (lambda m: m["config"].update(n=65), "config.n=65"),
        (lambda m: m["config"].update(sampler="uniform"), "sampler"),
        (lambda m: m["config"].update(sha256="0" * 64), "holds other automata than were imported"),
        (lambda m: m.update(kind="imported"), "manifest.json: not a dataset manifest"),
        (lambda m: m["shards"][0].update(rows=29), "shard 0 has 29 rows, but 30 are wanted"),
        (lambda m: m["shards"][0].update(units=[0, 1]), "units"),
        (lambda m: m.update(exhausted=True), "exhausted"),
    ],
)
def test_a_changed_manifest(
    copied: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    change(manifest)
    manifest["config_sha256"] = json_sha256(manifest["config"])
    write_sealed(copied / "manifest.json", manifest)
    with refused(message):
        read_dataset(copied)


def test_a_shard_of_another_source(copied: Path) -> None:
    rewrite(copied, 0, with_cell("source", 0, "uniform"))
    with refused("not every row is from import"):
        read_dataset(copied)


# --- the commands that read datasets ------------------------------------------------------------


def test_train_evaluate_search_and_report_take_it(place: Path) -> None:
    Path("own.txt").write_text(lines(uniform(400)))
    commands = [
        "import own.txt --out own",
        "train --data own --out model --epochs 1 --batch 64 --latent 4 --embedding 4 --channels 8 "
        "--convolutions 1 --hidden 16",
        "evaluate --model model",
        "search --model model --data own --mode prior --budget 20 --batch 64 --out found",
        "report own", "report found",
    ]  # fmt: skip
    for command in commands:
        words = [*command.split(), *([] if "report" in command else ["--workers", "1"])]
        with unrendered():
            answer = CliRunner().invoke(pipeline.cli, words, catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
    rows = len(read_dataset("own"))
    assert f"The slowest of {rows:,} automata" in Path("own/report.html").read_text()
    assert f"\n{'prior'},0," in Path("found/summary.csv").read_text()
    record = json.loads(Path("own/run.json").read_text())
    assert record["inputs"] == {"file": str(place / "own.txt")}
    assert sha256(shard_path(Path("own"), 0)) == read_manifest("own")["shards"][0]["sha256"]
