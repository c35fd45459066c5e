"""The record of a run."""

import json
from pathlib import Path

import pytest

from data.damage import DataError
from data.record import differing, plain, recorded, versions


def test_a_run_leaves_its_record(tmp_path: Path) -> None:
    with recorded(tmp_path, "train", {"seed": 3, "shape": (1, 2)}, force=False) as run:
        pass
    record = json.loads((tmp_path / "run.json").read_text())
    assert {*record} == {"command", "config", "versions", "commit", "seconds", "inputs"}
    assert record["command"] == "train"
    assert record["config"] == {"seed": 3, "shape": [1, 2]}
    assert {"python", "numpy", "torch"} <= {*record["versions"]}
    assert 0 <= record["seconds"] <= run.seconds


def test_a_failed_run_leaves_none(tmp_path: Path) -> None:
    with pytest.raises(KeyError), recorded(tmp_path, "train", {}, force=False):
        raise KeyError
    assert not (tmp_path / "run.json").exists()


@pytest.mark.parametrize(
    ("command", "config"), [("search", {"seed": 3}), ("train", {"seed": 4}), ("train", {})]
)
def test_another_run_is_refused(tmp_path: Path, command: str, config: dict[str, int]) -> None:
    with recorded(tmp_path, "train", {"seed": 3}, force=False):
        pass
    with (
        pytest.raises(DataError, match="holds a(nother)? run"),
        recorded(tmp_path, command, config, force=False),
    ):
        pass
    with recorded(tmp_path, "train", {"seed": 3}, force=False):
        pass  # the same again is welcome
    with recorded(tmp_path, command, config, force=True):
        pass


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_damaged_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(DataError), recorded(tmp_path, "train", {}, force=False):
        pass


def test_versions_name_python_and_this_project() -> None:
    assert {*versions("numpy")} == {"python", "synchronizing-automata", "numpy"}


def test_force_discards_what_a_run_writes_and_nothing_else(tmp_path: Path) -> None:
    ours = ["run.json", "manifest.json", "part-000000.parquet", "candidates.csv", "hits.svg"]
    theirs = ["notes.json", "table.csv", "part-0.parquet", "other.svg"]
    for name in ours + theirs:
        (tmp_path / name).write_text("{}")
    with recorded(tmp_path, "train", {}, force=True):
        left = {path.name for path in tmp_path.iterdir()}
        assert left - {".lock", ".owner.json"} == {*theirs}


def test_force_waits_until_the_run_begins(tmp_path: Path) -> None:
    with recorded(tmp_path, "train", {"seed": 3}, force=False):
        pass
    recorded(tmp_path, "train", {"seed": 4}, force=True)
    assert (tmp_path / "run.json").exists()


def test_a_run_does_not_write_into_its_inputs(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match="cannot write there"),
        recorded(tmp_path, "search", {}, {"data": tmp_path / "x" / ".."}, force=True),
    ):
        pass


def test_repeating_a_run_keeps_its_record(tmp_path: Path) -> None:
    for _ in range(2):
        with recorded(tmp_path, "train", {}, {"data": tmp_path / "a"}, force=False):
            pass
        record = (tmp_path / "run.json").read_text()
        (tmp_path / "run.json").write_text(record.replace('"seconds": 0', '"seconds": 9'))
    assert '"seconds": 9' in (tmp_path / "run.json").read_text()


def covering(folder: Path, covers: dict[str, object] | None, seed: int = 3) -> dict[str, object]:
    with recorded(folder, "discover", {"seed": seed}, covers=covers, force=False):
        pass
    record: dict[str, object] = json.loads((folder / "run.json").read_text())
    return record


def test_a_record_says_what_the_run_covers(tmp_path: Path) -> None:
    assert "covers" not in covering(tmp_path / "none", None)
    first = covering(tmp_path, {"arms": ("a", "b"), "seeds": (0,)})
    assert first["covers"] == {"arms": ["a", "b"], "seeds": [0]}
    assert first["config"] == {"seed": 3}


def test_a_run_that_covers_more_is_the_same_run(tmp_path: Path) -> None:
    covering(tmp_path, {"seeds": (0,)})
    path = tmp_path / "run.json"
    for covers in [{"seeds": (0, 1)}, {"seeds": (0,)}, {}]:
        path.write_text(path.read_text().replace('"seconds": 0', '"seconds": 9'))
        record = covering(tmp_path, covers)
        assert record["covers"] == plain(covers)
        assert record["seconds"] < 9  # that of the run that covered this
    covering(tmp_path, {"seeds": (0, 1)})
    path.write_text(path.read_text().replace('"seconds": 0', '"seconds": 9'))
    assert covering(tmp_path, {"seeds": [0, 1]})["seconds"] >= 9  # nothing was left to do
    with pytest.raises(DataError, match="seed=3 there, 4 here"):
        covering(tmp_path, {"seeds": (0, 1)}, seed=4)


def test_a_failed_run_keeps_what_was_covered(tmp_path: Path) -> None:
    before = covering(tmp_path, {"seeds": (0,)})
    with (
        pytest.raises(KeyError),
        recorded(tmp_path, "discover", {"seed": 3}, covers={"seeds": (0, 1)}, force=False),
    ):
        raise KeyError
    assert json.loads((tmp_path / "run.json").read_text()) == before


def made(folder: Path, model: str, place: str = "m", force: bool = False) -> dict[str, object]:
    """Return the record of a command that makes its files anew each time."""
    inputs, contents = {"model": folder / place}, {"model": model}
    options = {"contents": contents, "renews": True, "force": force}
    with recorded(folder, "search", {"seed": 3}, inputs, **options):
        pass
    record: dict[str, object] = json.loads((folder / "run.json").read_text())
    return record


def test_another_model_is_another_run(tmp_path: Path) -> None:
    before = made(tmp_path, "aa")
    with pytest.raises(DataError, match="another model"):
        made(tmp_path, "bb")
    assert json.loads((tmp_path / "run.json").read_text()) == before
    assert made(tmp_path, "bb", force=True)["inputs_sha256"] == {"model": "bb"}


def test_a_renewed_run_has_a_renewed_record(tmp_path: Path) -> None:
    made(tmp_path, "aa")
    record = made(tmp_path, "aa", "moved")
    assert str(record["inputs"]).count("moved") == 1
    path = tmp_path / "run.json"
    del record["inputs_sha256"]  # as older ones
    path.write_text(json.dumps(record | {"versions": "old"}))
    assert made(tmp_path, "aa")["versions"] == versions(
        "numpy", "numba", "pandas", "pyarrow", "torch"
    )


@pytest.mark.parametrize("contents", ["[]", "3", '"aa"', "null"])
def test_damaged_contents_are_refused(tmp_path: Path, contents: str) -> None:
    made(tmp_path, "aa")
    path = tmp_path / "run.json"
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"inputs_sha256": json.loads(contents)})
    )
    with pytest.raises(DataError, match="not the record"):
        made(tmp_path, "aa")


def test_plain_values() -> None:
    value = {"a": (1, (2.5, None)), "b": {"c": ()}, 3: True}
    assert plain(value) == {"a": [1, [2.5, None]], "b": {"c": []}, "3": True}
    assert plain(plain(value)) == plain(value)
    with pytest.raises(TypeError):
        plain({1, 2})


def test_differences_are_named() -> None:
    there = {"n": 8, "learn": {"batch": 1, "beta": 2, "deep": {"x": [1]}}, "old": 0}
    assert differing(there, there) == ""
    here = {"n": 9, "learn": {"batch": 1, "beta": 3, "deep": {"x": [2]}}, "new": None}
    assert differing(there, here) == (
        "n=8 there, 9 here; learn.beta=2 there, 3 here; learn.deep.x=[1] there, [2] here; "
        "old=0 there, None here"
    )
    assert differing({"learn": {"beta": 2}}, {"learn": 0}) == "learn={'beta': 2} there, 0 here"
    long = differing({f"{i}{'x' * 1000}": "y" * 1000 for i in range(1000)}, {})
    assert len(long) < 10 * 250 and long.endswith("; 990 more")
    assert differing({}, {"learn": {"beta": 2}}) == "learn=None there, {'beta': 2} here"
