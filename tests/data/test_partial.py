"""Datasets of partial automata: what they hold, what they refuse, and how they go on."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import pipeline
from automata import (
    UNDEFINED,
    canonical_forms,
    careful_thresholds,
    certificate,
    check_certificate,
    format_delta,
    parse_delta,
)
from automata.partial_families import p_threshold
from automata.sampling import sample_uniform
from automata.settings import record_of
from data import generate as module
from data.best_known import Scale, best_known_length
from data.configs import GenerateConfig
from data.dataset import read_dataset, shard_path
from data.generate import generate
from data.importing import collect, import_automata, import_collection
from data.manifest import is_partial
from data.plots import plot_thresholds
from data.records import Record
from tests.damaging import refused
from tests.folders import contents

CONFIG = GenerateConfig(n=4, count=300, shard_rows=120, partial=True, undefined=0.3)


def partials(count: int = 80) -> np.ndarray:
    return sample_uniform(np.random.default_rng(5), count, 4, 2, undefined=0.2, total=1)


def test_complete_datasets_do_not_say_that_they_are_complete(tmp_path: Path) -> None:
    complete = GenerateConfig(n=3, count=20)
    assert not {"partial", "undefined"} & {*record_of(complete)}
    manifest, _ = generate(complete, tmp_path)
    assert not is_partial(manifest) and not {"partial", "undefined"} & {*manifest["config"]}
    assert not read_dataset(tmp_path).partial


def test_partial_datasets_say_so(tmp_path: Path) -> None:
    manifest, thresholds = generate(CONFIG, tmp_path)
    assert is_partial(manifest)
    assert manifest["config"]["partial"] is True and manifest["config"]["undefined"] == 0.3
    data = read_dataset(tmp_path)
    assert data.partial and data.scale == Scale(4, 2, True) and data.scale.best == 9
    assert data.select(at_least=3).partial
    assert all(part.partial for part in data.split())
    assert thresholds == Counter(data.reset_thresholds.tolist())
    assert thresholds[-1] > 0 and thresholds[2] > 0


@pytest.mark.parametrize("shards", range(3))
def test_an_interrupted_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shards: int
) -> None:
    generate(CONFIG, tmp_path / "whole")
    write, written = module.write_shard, []

    def interrupted(*arguments):
        if len(written) == shards:
            raise KeyboardInterrupt
        written.append(1)
        return write(*arguments)

    monkeypatch.setattr(module, "write_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate(CONFIG, tmp_path / "part")
    monkeypatch.setattr(module, "write_shard", write)
    with refused("another config .undefined=0.3 there, 0.2 here"):
        generate(replace(CONFIG, undefined=0.2), tmp_path / "part")
    generate(CONFIG, tmp_path / "part")
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")
    shard_path(tmp_path / "part", 1).unlink()
    generate(CONFIG, tmp_path / "part")
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"undefined": 0.1}, "^undefined=0.1 is only for partial automata: --partial$"),
        ({"partial": True, "undefined": 1.0}, r"^undefined=1.0 is not in \[0, 1\)$"),
        ({"partial": 1}, "^partial=1 is not True or False$"),
        (
            {"partial": True, "n": 41, "ceiling": 0.5},
            "^ceiling=0.5 is a share of the longest known careful threshold, and none is known for "
            "n=41, k=2$",
        ),
        (
            {"best_known": 5},
            "^best-known=5 is the length that a ceiling of partial automata is a share of, and "
            "there is none$",
        ),
        (
            {"partial": True, "best_known": 5},
            "^best-known=5 is the length that a ceiling of partial automata is a share of, and "
            "there is none$",
        ),
        ({"partial": True, "ceiling": 0.5, "best_known": -1}, "^best-known=-1 is not in 0.."),
    ],
)
def test_configs_that_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GenerateConfig(**values)  # type: ignore[arg-type]


def test_a_longer_record_changes_no_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, ceiling=0.5)
    manifest, thresholds = generate(config, tmp_path / "before")
    assert manifest["config"]["best_known"] == config.best_known == 9
    assert max(thresholds) == config.highest_threshold == 4

    def known(threshold: int) -> None:
        record = Record("partial-binary", 4, threshold, "found")
        monkeypatch.setattr("data.best_known.best_known_record", lambda *size, partial: record)

    known(14)
    assert read_dataset(tmp_path / "before").reset_thresholds.max() == 4
    page = CliRunner().invoke(pipeline.cli, f"report {tmp_path}/before --out {tmp_path}/page.html")
    assert "run.json" in str(page.exception)  # the library writes none; the data were read
    with refused("another config .best_known=9 there, 14 here"):
        generate(replace(CONFIG, ceiling=0.5), tmp_path / "before")
    again = replace(CONFIG, ceiling=0.5, best_known=9)
    assert generate(again, tmp_path / "before").thresholds == thresholds
    assert generate(again, tmp_path / "after").thresholds == thresholds
    assert contents(tmp_path / "after") == contents(tmp_path / "before")
    assert replace(CONFIG, ceiling=0.5).highest_threshold == 7
    forged = json.loads((tmp_path / "before" / "manifest.json").read_text())["config"]
    assert forged["best_known"] == 9
    known(2)  # a smaller one neither
    assert len(read_dataset(tmp_path / "before")) == sum(thresholds.values())


def test_the_best_known_lengths() -> None:
    # maxima for n <= 10 (arXiv:1801.10436, 2108.13927), and the family's lengths beyond
    lengths = [4, 9, 16, 26, 39, 55, 73, 94, 119, 146, 176, 211, 248, 288, 332, 379]
    assert [best_known_length(n, 2, partial=True) for n in range(3, 19)] == lengths
    for n in range(11, 41):
        family = max(p_threshold(n, c) for c in range(n - 2))
        assert best_known_length(n, 2, partial=True) == family
    assert best_known_length(41, 2, partial=True) is None
    assert best_known_length(13, 3, partial=True) is None
    assert [best_known_length(n, 3, partial=True) for n in (2, 3, 4)] == [1, 4, 10]
    assert [best_known_length(n, 1, partial=True) for n in (1, 2, 9)] == [0, 1, 8]
    assert best_known_length(19, 2, partial=False) == 324
    for n in (2, 3):  # every table, by one letter
        tables = np.array([*np.ndindex(*[n + 1] * n)], np.uint8)[:, None]
        tables[tables == n] = UNDEFINED
        assert careful_thresholds(tables).max() == best_known_length(n, 1, partial=True)


@pytest.mark.parametrize(
    "text",
    [
        "0 1 2 3 4 5 2|0 2 1 - - - 4|1 0 3 4 5 6 2",
        "0 1 2 3 4 5 7 2|0 2 1 - - - - 4|1 0 3 4 5 6 - 2",
        "0 1 2 3 4 5 6 4 8|1 2 0 5 6 7 8 4 3|1 3 4 - - - - 0 -",
        "0 1 2 3 4 5 6 7 8 2|0 2 - 5 - - - - - 3|1 3 4 0 6 7 5 8 9 2",
        "0 1 2 3 4 5 6 7 8 10 2|0 2 - 5 - - - - - - 3|1 3 4 0 6 7 5 8 9 - 2",
        "0 1 2 3 4 5 6 7 8 5 10 11|0 2 - 5 - - 1 - - 6 - -|1 3 4 6 7 8 0 9 10 5 11 2",
        "0 1 2 3 2|0 1 3 4 2|0 2 - - 3|1 2 - - 0",
        "0 1 2 3 4 3|0 1 2 4 5 3|0 1 3 - - 4|1 2 3 - - 0",
        "0 1 2 3 4 5 3|0 1 2 4 5 6 3|0 1 3 - - - 5|1 2 3 - - - 0",
        "0 1 2 3 4 5 6 4|0 2 1 5 6 7 3 4|0 3 4 - - - - 2|1 4 - 0 - - - 2",
    ],
)
def test_our_finds_with_three_and_four_letters(text: str) -> None:  # docs/findings.md
    delta = parse_delta(text, partial=True)
    k, n = delta.shape
    proof = certificate(delta)
    check_certificate(proof)
    assert proof.threshold == best_known_length(n, k, partial=True)


# --- import -----------------------------------------------------------------------------------


def test_own_partial_automata(tmp_path: Path) -> None:
    own = partials()
    texts = [format_delta(delta) for delta in own[:30]]
    made = import_automata([texts, own[30:]], tmp_path / "own", partial=True)
    data = read_dataset(tmp_path / "own")
    assert data.partial and made.manifest["config"]["partial"] is True
    assert np.array_equal(data.reset_thresholds, careful_thresholds(data.deltas))
    expected = np.unique(canonical_forms(own), axis=0)
    assert np.array_equal(np.unique(data.forms, axis=0), expected)
    before = contents(tmp_path / "own")
    import_collection(collect([("all", own)], partial=True), tmp_path / "own")
    assert contents(tmp_path / "own") == before
    with refused("batch 1: automaton [0-9]+, letter 1 is undefined on state [0-3]: not complete"):
        import_automata([own], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_complete_automata_may_be_imported_as_either(tmp_path: Path) -> None:
    complete = sample_uniform(np.random.default_rng(0), 20, 3, 2)
    import_automata([complete], tmp_path / "a")
    with refused("a dataset of another config .partial=False there, True here"):
        import_automata([complete], tmp_path / "a", partial=True)
    import_automata([complete], tmp_path / "b", partial=True)
    one, other = read_dataset(tmp_path / "a"), read_dataset(tmp_path / "b")
    assert np.array_equal(one.reset_thresholds, other.reset_thresholds)
    assert (one.partial, other.partial) == (False, True)


# --- commands ---------------------------------------------------------------------------------


def run(line: str) -> str:
    answer = CliRunner().invoke(pipeline.cli, line, catch_exceptions=False)
    assert answer.exit_code == 0, answer.stderr
    return answer.stdout


def test_import_as_a_command(tmp_path: Path) -> None:
    own = partials(30)
    (tmp_path / "own.txt").write_text("".join(f"{format_delta(delta)}\n" for delta in own))
    (tmp_path / "own.json").write_text(
        "".join(f"{json.dumps(delta)}\n" for delta in own.tolist()).replace("255", "null")
    )
    for name in ("txt", "json"):
        line = f"import {tmp_path}/own.{name} --out {tmp_path}/{name} --workers 1"
        assert "rows by careful threshold:" in run(f"{line} --partial")
    assert np.array_equal(
        read_dataset(tmp_path / "txt").deltas, read_dataset(tmp_path / "json").deltas
    )
    for name, reason in (("txt", "is undefined, not complete"), ("json", "'null")):
        answer = CliRunner().invoke(
            pipeline.cli, f"import {tmp_path}/own.{name} --out {tmp_path}/no --workers 1"
        )
        assert re.search(f"[^\n]*{reason}[^\n]* \\(see --partial\\)$", str(answer.exception))
        assert not (tmp_path / "no").exists()


def test_generate_as_a_command(tmp_path: Path) -> None:
    line = f"generate -n 4 --count 200 --partial --undefined 0.3 --out {tmp_path}/out --workers 1"
    shown = json.loads(run(f"{line} --json"))
    assert sum(shown["rows by careful threshold"].values()) == 200
    data = read_dataset(tmp_path / "out")
    assert shown["rows (distinct classes)"] == len(data) == 200
    before = contents(tmp_path / "out")
    run(line)
    assert contents(tmp_path / "out") == before
    picture = (tmp_path / "out" / "thresholds.svg").read_text()
    for words in ("200 partial automata, n = 4", "longest known 9", "careful threshold", "careful"):
        assert words in picture
    assert "Černý" not in picture
    page = CliRunner().invoke(pipeline.cli, f"report {tmp_path}/out --out {tmp_path}/page.html")
    assert page.exit_code == 0
    text = (tmp_path / "page.html").read_text()
    assert re.search(r"has a careful threshold of \d, where the longest known is 9 ", text)


def test_a_picture_without_a_record(tmp_path: Path) -> None:
    plot_thresholds(np.array([-1, 3, 700], np.int32), Scale(41, 2, True), tmp_path / "wide")
    picture = (tmp_path / "wide.svg").read_text()
    assert "longest known" not in picture and "longest threshold 700" in picture
    plot_thresholds(np.full(3, -1, np.int32), Scale(4, 2, True), tmp_path / "none")
    assert "no careful word" in (tmp_path / "none.svg").read_text()
