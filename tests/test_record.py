"""The record of a run."""

import json
from pathlib import Path

import pytest

from data.files import DataError
from data.record import Run, versions


def test_a_run_leaves_its_record(tmp_path: Path) -> None:
    with Run(tmp_path, "train", {"seed": 3, "shape": (1, 2)}, force=False) as run:
        pass
    record = json.loads((tmp_path / "run.json").read_text())
    assert {*record} == {"command", "config", "versions", "commit", "seconds", "inputs"}
    assert record["command"] == "train"
    assert record["config"] == {"seed": 3, "shape": [1, 2]}
    assert {"python", "numpy", "torch"} <= {*record["versions"]}
    assert 0 <= record["seconds"] == round(run.seconds, 3)


def test_a_failed_run_leaves_none(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Run(tmp_path, "train", {}, force=False):
        raise KeyError
    assert not (tmp_path / "run.json").exists()


@pytest.mark.parametrize(
    ("command", "config"), [("search", {"seed": 3}), ("train", {"seed": 4}), ("train", {})]
)
def test_another_run_is_refused(tmp_path: Path, command: str, config: dict[str, int]) -> None:
    with Run(tmp_path, "train", {"seed": 3}, force=False):
        pass
    with pytest.raises(DataError, match="holds a(nother)? run"):
        Run(tmp_path, command, config, force=False)
    with Run(tmp_path, "train", {"seed": 3}, force=False):
        pass  # the same again is welcome
    with Run(tmp_path, command, config, force=True):
        pass


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_damaged_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(DataError):
        Run(tmp_path, "train", {}, force=False)


def test_versions_name_python_and_this_project() -> None:
    assert {*versions("numpy")} == {"python", "synchronizing-automata", "numpy"}


def test_force_discards_what_a_run_writes_and_nothing_else(tmp_path: Path) -> None:
    ours = ["run.json", "manifest.json", "part-000000.parquet", "candidates.csv", "resume.pt.tmp"]
    theirs = ["notes.json", "table.csv", "part-0.parquet", "other.tmp"]
    for name in ours + theirs:
        (tmp_path / name).write_text("{}")
    with Run(tmp_path, "train", {}, force=True):
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(theirs)


def test_force_waits_until_the_run_begins(tmp_path: Path) -> None:
    with Run(tmp_path, "train", {"seed": 3}, force=False):
        pass
    Run(tmp_path, "train", {"seed": 4}, force=True)
    assert (tmp_path / "run.json").exists()


def test_a_run_does_not_write_into_its_inputs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot write there"):
        Run(tmp_path, "search", {}, {"data": tmp_path / "x" / ".."}, force=True)


def test_repeating_a_run_keeps_its_record(tmp_path: Path) -> None:
    for _ in range(2):
        with Run(tmp_path, "train", {}, {"data": tmp_path / "a"}, force=False):
            pass
        record = (tmp_path / "run.json").read_text()
        (tmp_path / "run.json").write_text(record.replace('"seconds": 0', '"seconds": 9'))
    assert '"seconds": 9' in (tmp_path / "run.json").read_text()
