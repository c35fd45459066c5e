"""Files of certificates: `verify --certificates` writes them, `verify` accepts no forged ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import pipeline
from automata import Certificate, check_certificate, parse_delta
from data.damage import DataError
from search.proofs import verify_certificates
from search.verified import verify_candidates


def run(line: str) -> Result:
    return CliRunner().invoke(pipeline.cli, line.split())


@pytest.fixture(scope="module", params=["", "--partial"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The candidates of a small evolution, complete or partial, and their certificates."""
    place = tmp_path_factory.mktemp("proofs")
    for line in (
        f"evolve -n 5 {request.param} --budget 80 --keep 30 --parents 40 --batch 32 --workers 1 "
        f"--archive-at-least 0.3 --out {place}/found",
        f"verify {place}/found/candidates.csv --certificates {place}/proofs.jsonl",
    ):
        answer = run(line)
        assert answer.exit_code == 0, answer.output
    return place


def test_each_row_has_a_certificate(folder: Path) -> None:
    rows = pd.read_csv(folder / "found" / "candidates.csv", dtype=str, keep_default_na=False)
    lines = (folder / "proofs.jsonl").read_text().splitlines()
    assert len(lines) == len(rows) == 30
    for line, row in zip(lines, rows.itertuples(), strict=True):
        proof = Certificate.from_json(line)
        check_certificate(proof)
        assert proof.delta.tolist() == parse_delta(row.delta, partial=True).tolist()
        assert proof.threshold == len(row.word) == int(row.reset_threshold)
    answer = run(f"verify {folder}/proofs.jsonl --json")
    assert json.loads(answer.stdout) == {"certificates verified": 30}


def test_an_archive_is_certified_by_its_export(folder: Path, tmp_path: Path) -> None:
    archive = f"--archive {folder}/archive.sqlite"
    partial = "--partial" if "null" in (folder / "proofs.jsonl").read_text() else ""
    assert run(f"archive export {tmp_path}/all.csv {archive} {partial}").exit_code == 0
    answer = run(f"verify {tmp_path}/all.csv --certificates {tmp_path}/proofs.jsonl --json")
    count = len(pd.read_csv(tmp_path / "all.csv"))
    assert json.loads(answer.stdout)["rows verified"] == count > 0
    assert verify_certificates(tmp_path / "proofs.jsonl") == count


def test_nothing_is_written_for_a_wrong_row(folder: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(folder / "found" / "candidates.csv", dtype=str, keep_default_na=False)
    rows.loc[len(rows) - 1, "word"] = "a"
    rows.to_csv(tmp_path / "candidates.csv", index=False)
    with pytest.raises(DataError, match="row 30"):
        verify_candidates(tmp_path / "candidates.csv", tmp_path / "proofs.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["candidates.csv"]


FORGERIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a shorter threshold": lambda proof: proof.update(
        threshold=proof["threshold"] - 1, word=proof["word"][1:]
    ),
    "a longer one": lambda proof: proof.update(
        threshold=proof["threshold"] + 1, word=[*proof["word"], 0]
    ),
    "no threshold": lambda proof: proof.update(threshold=None),
    "another automaton": lambda proof: proof["delta"].reverse(),
    "an undefined letter": lambda proof: proof["delta"][proof["word"][0]].__setitem__(0, None),
    "a level less": lambda proof: proof["forward"].pop(),
    "an empty level": lambda proof: proof["forward"].__setitem__(-1, ""),
    "no sets": lambda proof: proof["backward"].__setitem__(0, "zz"),
    "a missing name": lambda proof: proof.pop("word"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_certificates_are_refused(folder: Path, tmp_path: Path, name: str) -> None:
    lines = (folder / "proofs.jsonl").read_text().splitlines()
    proof = json.loads(lines[1])
    FORGERIES[name](proof)
    own = tmp_path / "proofs.jsonl"
    own.write_text("\n".join([lines[0], json.dumps(proof), *lines[2:]]) + "\n")
    with pytest.raises(DataError, match=r"^[^\n]*proofs.jsonl: line 2: [^\n]+$"):
        verify_certificates(own)
    assert run(f"verify {own}").exit_code != 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{\n", "line 1: not a certificate"),
        (b"{}\n", "line 1: not a certificate: no 'word'"),
        (b"{\xff}\n", "line 1: not a certificate"),
        (b'{"delta":[[0]],"threshold":0,"word":[],"forward":[],"backward":[]}', "is cut off"),
        (b'{"delta":[[0]],"threshold":0,"word":[],"forward":[],"backward":[]}\n\n', "line 2: "),
        (b"{" + b"[" * 100_000 + b"\n", "line 1: not a certificate"),
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    own = tmp_path / "proofs.jsonl"
    own.write_bytes(content)
    with pytest.raises(DataError, match=rf"^[^\n]*proofs.jsonl: [^\n]*{message}[^\n]*$"):
        verify_certificates(own)


def test_certificates_need_rows(folder: Path, tmp_path: Path) -> None:
    answer = run(f"verify {folder}/proofs.jsonl --certificates {tmp_path}/more.jsonl")
    assert answer.exit_code == 2
    assert "holds certificates itself" in answer.output
    assert not any(tmp_path.iterdir())
