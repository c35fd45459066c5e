"""Datasets: what they hold, the same bytes however they came about, and damage in one line."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from automata import UNDEFINED, canonical_forms
from automata.settings import record_of
from data import generate as module
from data.dataset import Dataset, read_dataset, read_shard, shard_path, write_shard
from data.files import json_sha256, sha256
from data.generate import GenerateConfig, generate
from data.jobs import run_generate
from data.manifest import read_manifest, write_manifest
from tests import naive
from tests.damaging import edited, refused
from tests.folders import contents, copied, made_once

ROOT = Path(__file__).parents[2]

CONFIGS = {
    "uniform": GenerateConfig(n=4, count=700, shard_rows=300, seed=1),
    "synchronizing": GenerateConfig(n=5, count=400, shard_rows=200, sampler="synchronizing"),
    "evolved": GenerateConfig(
        n=5, count=300, shard_rows=120, sampler="evolved", calls=2000, ceiling=0.6
    ),
    "low": GenerateConfig(n=6, count=200, shard_rows=150, seed=2**63 - 1, ceiling=0.12),
    "ternary": GenerateConfig(n=4, k=3, count=150, shard_rows=100),
    "exhausted": GenerateConfig(n=3, count=200, shard_rows=50),
    "partial": GenerateConfig(n=4, count=500, shard_rows=300, partial=True),
    "partial, synchronizing": GenerateConfig(
        n=4, k=3, count=90, shard_rows=60, sampler="synchronizing", partial=True, undefined=0.6
    ),
    "partial, evolved": GenerateConfig(
        n=5, count=200, shard_rows=90, sampler="evolved", calls=1500, ceiling=0.7, partial=True
    ),
}
SMALL = CONFIGS["uniform"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A finished dataset of each config, made once; not to be changed."""
    root = tmp_path_factory.mktemp("finished")
    return made_once(root, lambda name, folder: generate(CONFIGS[name], folder))


@pytest.mark.parametrize("name", ["uniform", "exhausted", "evolved"])
def test_progress_is_that_of_all_shards(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate(CONFIGS[name], tmp_path)
    *before, last = capsys.readouterr().err.splitlines()
    shown = {"uniform": "700/700 automata", "exhausted": "74/74 automata"}
    assert f": {shown.get(name, '6000/6000 calls')} (100%)" in last
    assert not any("100%" in line for line in before)


def test_fewer_rows_than_wanted_are_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for config, why in [
        (CONFIGS["exhausted"], "74 rows, not 200: these are all automata with n=3, k=2"),
        (replace(SMALL, n=3, ceiling=0.5), "not 700: hardly any that is drawn is new and may"),
    ]:
        run_generate(config, tmp_path, workers=1, force=True)
        assert why in capsys.readouterr().err


@pytest.fixture
def folder(finished: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the small dataset, to be damaged."""
    return copied(finished("uniform"), tmp_path / "copy")


# --- what a dataset holds ---------------------------------------------------------------------


@pytest.mark.parametrize("name", CONFIGS)
def test_rows(finished: Callable[[str], Path], name: str) -> None:
    config = CONFIGS[name]
    manifest, data = read_manifest(finished(name)), read_dataset(finished(name))
    rows = [shard["rows"] for shard in manifest["shards"]]
    assert manifest["config"] == record_of(config)
    assert manifest["complete"]
    assert len(data) == sum(rows)
    if name == "exhausted":
        assert rows == [50, 24]  # the 74 classes, tests/truth/counts.json
    else:
        assert len(data) == config.count or config.sampler == "evolved"
        assert max(rows) == config.shard_rows
    assert (data.n, data.k) == (config.n, config.k)
    assert (data.deltas.dtype, data.reset_thresholds.dtype) == (np.uint8, np.int32)
    assert np.array_equal(canonical_forms(data.deltas), data.forms)
    assert len(np.unique(data.forms, axis=0)) == len(data)  # across shards too
    assert set(data.sources.tolist()) == {config.sampler}
    assert config.sampler == "uniform" or (data.reset_thresholds >= 0).all()
    for delta, threshold in zip(data.deltas[::9].tolist(), data.reset_thresholds[::9], strict=True):
        letters = [[None if q == UNDEFINED else q for q in letter] for letter in delta]
        word = naive.shortest_careful_word(letters)
        assert threshold == (-1 if word is None else len(word))
    assert data.partial == config.partial == bool((data.deltas == UNDEFINED).any())
    if config.ceiling is not None:
        assert data.reset_thresholds.max() == config.highest_threshold


@pytest.mark.parametrize("name", ["uniform", "evolved", "partial", "partial, evolved"])
def test_same_config_same_bytes(finished: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    generate(CONFIGS[name], tmp_path / "workers", workers=3)
    assert contents(tmp_path / "workers") == contents(finished(name))
    generate(replace(CONFIGS[name], seed=7), tmp_path / "seed")
    shard = shard_path(tmp_path / "seed", 0).name
    assert contents(tmp_path / "seed")[shard] != contents(finished(name))[shard]


def test_the_manifest_has_what_reproduces_it(finished: Callable[[str], Path]) -> None:
    manifest = read_manifest(finished("uniform"))
    assert manifest["config_sha256"] == json_sha256(record_of(SMALL))
    assert {"python", "numpy", "numba", "pyarrow", "synchronizing-automata"} <= {
        *manifest["versions"]
    }
    for index, shard in enumerate(manifest["shards"]):
        path = shard_path(finished("uniform"), index)
        assert (shard["file"], shard["sha256"]) == (path.name, sha256(path))
        assert shard["calls"] >= shard["rows"]
        schema = pq.read_schema(path)
        assert schema.names == ["delta", "reset_threshold", "source"]
        assert schema.field("delta").type == pa.binary(8)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"n": 0}, r"n=0 is not in 1\.\.64"),
        ({"n": 65}, r"n=65 is not in 1\.\.64"),
        ({"k": 0}, r"k=0 is not in 1\.\.6"),
        ({"k": 7}, r"k=7 is not in 1\.\.6"),
        ({"count": 0}, "count=0 is not in"),
        ({"count": -5}, "count=-5 is not in"),
        ({"seed": -1}, "seed=-1 is not in"),
        ({"seed": 2**63}, "seed=9223372036854775808 is not in"),
        ({"calls": 0}, "calls=0 is not in"),
        ({"shard_rows": 0}, "shard-rows=0 is not in"),
        ({"sampler": "best"}, "unknown sampler 'best': one of uniform, synchronizing, evolved"),
        ({"ceiling": 0.0}, r"ceiling=0\.0 is not in \(0, 1\]"),
        ({"ceiling": 1.01}, r"ceiling=1\.01 is not in \(0, 1\]"),
        ({"ceiling": float("nan")}, "ceiling=nan is not a finite number"),
    ],
)
def test_configs_out_of_range(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GenerateConfig(**value)


def test_a_ceiling_is_a_number_of_json() -> None:
    ceilings = [GenerateConfig(ceiling=value).ceiling for value in (1, np.float32(0.5))]
    assert [type(ceiling) for ceiling in ceilings] == [int, float]


@pytest.mark.parametrize(
    ("n", "ceiling", "highest"),
    [(8, None, None), (8, 0.6, 29), (8, 1.0, 49), (6, 0.6, 15), (11, 0.07, 7), (1, 0.5, 0)],
)
def test_ceilings_in_letters(n: int, ceiling: float | None, highest: int | None) -> None:
    assert GenerateConfig(n=n, ceiling=ceiling).highest_threshold == highest


# --- resume -----------------------------------------------------------------------------------


def interrupt(monkeypatch: pytest.MonkeyPatch, name: str, after: int) -> None:
    """Make a function of `data.generate` raise KeyboardInterrupt at its call number `after`."""
    function, calls = getattr(module, name), []

    def interrupted(*args: Any, **options: Any) -> Any:
        calls.append(args)
        if len(calls) > after:
            raise KeyboardInterrupt
        return function(*args, **options)

    monkeypatch.setattr(module, name, interrupted)


@pytest.mark.parametrize("name", ["uniform", "evolved", "exhausted"])
@pytest.mark.parametrize("at", ["write_shard", "write_manifest", "canonical_forms"])
def test_interrupted(
    finished: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    at: str,
    name: str,
) -> None:
    for after in (0, 2, 1):  # the second and third time a resumed run
        with monkeypatch.context() as patch:
            interrupt(patch, at, after)
            try:
                generate(CONFIGS[name], tmp_path)
            except KeyboardInterrupt:
                manifest = tmp_path / "manifest.json"
                assert not manifest.exists() or not read_manifest(tmp_path)["complete"]
        assert not [*tmp_path.glob("*.tmp")]
    generate(CONFIGS[name], tmp_path)
    assert contents(tmp_path) == contents(finished(name))


# Children that kill themselves -9 before a certain renaming, forked once compiled code is loaded.
KILLED = """
import json, os, signal, sys
from pathlib import Path
from data.generate import GenerateConfig, generate

config, folder = GenerateConfig(**json.loads(sys.argv[1])), Path(sys.argv[2])
rename = os.replace

def killed(renames):
    def replace(*paths):
        nonlocal renames
        if renames == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        renames -= 1
        rename(*paths)

    os.replace = replace
    generate(config, folder / str(renames))

generate(config, folder / "warm")
for renames in range(int(sys.argv[3])):
    child = os.fork()
    if child == 0:
        try:
            killed(renames)
        finally:
            os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
RENAMES = 6  # owner, manifest, shard, manifest, shard, ...


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folders of killed children, by the number of renamings, and how they ended."""
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-c", KILLED, json.dumps(record_of(SMALL)), folder, str(RENAMES)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return folder, answer.stdout.split()


@pytest.mark.parametrize("renames", range(RENAMES))
def test_killed_before_a_renaming(
    finished: Callable[[str], Path], killed: tuple[Path, list[str]], renames: int
) -> None:
    folder = killed[0] / str(renames)
    assert killed[1][renames] == str(-signal.SIGKILL)
    assert len([*folder.glob("*.tmp")]) == 1
    generate(SMALL, folder)
    assert contents(folder) == contents(finished("uniform"))


def test_killed_at_any_time(finished: Callable[[str], Path], tmp_path: Path) -> None:
    script = """
import json, sys
from pathlib import Path
from data.generate import GenerateConfig, generate

generate(GenerateConfig(**json.loads(sys.argv[1])), Path(sys.argv[2]))
"""
    command = [sys.executable, "-c", script, json.dumps(record_of(SMALL)), tmp_path]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        process.stderr.readline()  # it has begun its work; wherever it is by now
        process.kill()
    generate(SMALL, tmp_path)
    assert contents(tmp_path) == contents(finished("uniform"))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_deleted_shard_is_made_again(
    finished: Callable[[str], Path], folder: Path, index: int
) -> None:
    shard_path(folder, index).unlink()
    generate(SMALL, folder)
    assert contents(folder) == contents(finished("uniform"))


def test_a_finished_dataset_is_left_as_it_is(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    before.pop(folder / ".lock", None)
    stale = [folder / "part-000001.parquet.tmp", folder / "manifest.json.tmp"]
    for path in stale:
        path.write_bytes(b"stale")
    assert generate(SMALL, folder).manifest == read_manifest(folder)
    after = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert after.pop(folder / ".lock") and after == before


def test_the_disk_is_full(finished: Callable[[str], Path], tmp_path: Path) -> None:
    # no space for the manifest, then none for a shard; compiled code is loaded before
    script = """
import json, resource, sys
from pathlib import Path
from data.generate import GenerateConfig, generate

config, folder = GenerateConfig(**json.loads(sys.argv[1])), Path(sys.argv[2])
generate(config, folder / "warm")
for limit in (10, 2000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        generate(config, folder / f"full{limit}")
    except OSError as error:
        print(error)
"""
    command = [sys.executable, "-c", script, json.dumps(record_of(SMALL)), tmp_path]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("too large") == 2
    assert {*contents(tmp_path / "full10")} == set()
    assert {*contents(tmp_path / "full2000")} == {"manifest.json"}
    for limit in (10, 2000):
        generate(SMALL, tmp_path / f"full{limit}")
        assert contents(tmp_path / f"full{limit}") == contents(finished("uniform"))


def test_a_shard_that_is_made_again_differently_is_healed_by_repetition(
    folder: Path, finished: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    shard_path(folder, 0).unlink()
    real = module.sample_uniform
    with monkeypatch.context() as patch:
        patch.setattr(
            module,
            "sample_uniform",
            lambda rng, *size, **kind: real(rng.spawn(1)[0], *size, **kind),
        )
        with refused("made again, but not as recorded"):
            generate(SMALL, folder)
    generate(SMALL, folder)
    assert contents(folder) == contents(finished("uniform"))


# --- refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"n": 5}, "another config .*n=4 there, 5 here"),
        ({"k": 3}, "another config .*k=2 there, 3 here"),
        ({"count": 800}, "another config .*count=700 there, 800 here"),
        ({"sampler": "evolved"}, "sampler=uniform there, evolved here"),
        ({"seed": 2, "ceiling": 0.5}, "seed=1 there, 2 here; ceiling=None there, 0.5 here"),
    ],
)
def test_another_config(folder: Path, other: dict[str, Any], message: str) -> None:
    before = contents(folder)
    with refused(message):
        generate(replace(SMALL, **other), folder)
    assert contents(folder) == before


def test_folders_that_are_no_place_for_a_dataset(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with refused("file: not a folder"):
        generate(SMALL, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
    (folder / "manifest.json").unlink()
    with refused("holds shards but no manifest.json"):
        generate(SMALL, folder)
    manifest = {"config": record_of(SMALL), "config_sha256": json_sha256(record_of(SMALL))}
    (tmp_path / "old").mkdir()
    write_manifest(tmp_path / "old", manifest | {"versions": {}, "shards": [], "complete": False})
    with refused("begun with other versions"):
        generate(SMALL, tmp_path / "old")


def manifest_bytes(content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "manifest.json").write_bytes(content)


def shard_bytes(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        path = shard_path(folder, 1)
        path.write_bytes(change(path.read_bytes()))

    return damage


def forge(make: Callable[[pa.Table], pa.Table] | None) -> Callable[[Path], object]:
    """Replace a shard by another with its right SHA-256; by no parquet at all without `make`."""

    def change(folder: Path) -> None:
        path = shard_path(folder, 1)
        if make is None:
            path.write_bytes(b"not parquet")
        else:
            pq.write_table(make(pq.read_table(path)), path)
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["shards"][1]["sha256"] = sha256(path)
        write_manifest(folder, manifest)

    return change


def with_deltas(change: Callable[[Any], Any]) -> Callable[[pa.Table], pa.Table]:
    """Change the deltas, uint8 (rows, k*n), of a table."""

    def changed(table: pa.Table) -> pa.Table:
        flat = np.array([[*row] for row in table["delta"].to_pylist()], np.uint8)
        column = pa.array([row.tobytes() for row in change(flat)], pa.binary(flat.shape[1]))
        return table.set_column(0, "delta", column)

    return changed


DAMAGE = {
    "shard missing": (lambda folder: shard_path(folder, 1).unlink(), "no such file"),
    "shard empty": (shard_bytes(lambda content: b""), "damaged"),
    "shard truncated": (shard_bytes(lambda content: content[:-1]), "damaged"),
    "shard longer": (shard_bytes(lambda content: content + b"\0"), "damaged"),
    "bit flipped": (
        shard_bytes(lambda c: c[:100] + bytes([c[100] ^ 1]) + c[101:]),
        "part-000001.parquet: damaged",
    ),
    "shards swapped": (
        lambda folder: shard_path(folder, 0).replace(shard_path(folder, 1)),
        "no such file|damaged",
    ),
    "no parquet": (forge(None), "part-000001.parquet: not a shard"),
    "no labels": (
        forge(lambda table: table.drop(["reset_threshold"])),
        "not 300 labelled automata with n=4, k=2",
    ),
    "fewer rows": (forge(lambda table: table.slice(1)), "not 300 labelled automata with n=4, k=2"),
    "missing labels": (
        forge(
            lambda table: table.set_column(
                1, "reset_threshold", pa.array([None, *range(299)], pa.int32())
            )
        ),
        "part-000001.parquet",
    ),
    "missing automata": (
        forge(
            lambda table: table.set_column(
                0, "delta", pa.array([None, *table["delta"].to_pylist()[1:]], pa.binary(8))
            )
        ),
        "part-000001.parquet",
    ),
    "not canonical": (forge(with_deltas(lambda flat: flat[:, ::-1])), "not in canonical form"),
    "not states": (forge(with_deltas(lambda flat: flat + np.uint8(9))), "part-000001.parquet"),
    "no manifest": (lambda folder: (folder / "manifest.json").unlink(), "no manifest.json"),
    "empty manifest": (manifest_bytes(b""), "manifest.json: not JSON"),
    "truncated manifest": (manifest_bytes(b'{"format": 1, "shards": ['), "manifest.json: not JSON"),
    "binary manifest": (manifest_bytes(b"\xff\xfe\0"), "manifest.json: not JSON"),
    "a list": (manifest_bytes(b"[]"), "not a dataset manifest of format 1"),
    "nothing in it": (manifest_bytes(b'{"format": 1}'), "manifest"),
    "another format": (edited(format=2), "not a dataset manifest of format 1"),
    "unfinished": (edited(complete=False), "unfinished"),
    "no config": (edited(config=None), "manifest"),
    "another config": (
        edited(config=record_of(replace(SMALL, n=2, k=4))),
        "manifest|part-000000",
    ),
    "config of another n": (
        edited(config=record_of(replace(SMALL, n=5))),
        "manifest|part-000000",
    ),
    "a share of undefined transitions without any": (
        edited(config=record_of(SMALL) | {"undefined": 0.2}),
        "undefined=0.2 is only for partial automata",
    ),
    "a ceiling of a size without a record": (
        edited(config=record_of(replace(SMALL, partial=True)) | {"n": 41, "ceiling": 0.5}),
        "none is known for n=41, k=2",
    ),
    "undefined transitions": (
        forge(with_deltas(lambda flat: np.where(flat == 3, np.uint8(255), flat))),
        "part-000001.parquet: not a shard",
    ),
    "no list of shards": (edited(shards=3), "manifest"),
    "no shards": (edited(shards=[]), "without rows|manifest"),
    "shards without digests": (edited(shards=[{"file": "part-000000.parquet"}]), "manifest"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage(folder: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    damage(folder)
    with refused(message):
        read_dataset(folder)


@pytest.mark.parametrize(
    "name",
    ["bit flipped", "shard truncated", "no parquet", "not canonical", "truncated manifest"]
    + ["nothing in it", "no list of shards"],
)
def test_damage_is_not_resumed(folder: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    damage(folder)
    before = contents(folder)
    with refused(message):
        generate(SMALL, folder)
    assert contents(folder) == before


def test_nothing_to_read(tmp_path: Path) -> None:
    with refused("missing: no such folder"):
        read_dataset(tmp_path / "missing")
    (tmp_path / "file").touch()
    with refused("file: no such folder"):
        read_dataset(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with refused("empty: not a dataset folder"):
        read_dataset(tmp_path / "empty")


# --- in memory --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(finished: Callable[[str], Path]) -> Dataset:
    return read_dataset(finished("uniform"))


def test_a_shard_alone(finished: Callable[[str], Path], data: Dataset) -> None:
    manifest = read_manifest(finished("uniform"))
    shard = read_shard(finished("uniform"), 1, manifest)
    assert np.array_equal(shard.deltas, data.deltas[300:600])
    assert np.array_equal(shard.reset_thresholds, data.reset_thresholds[300:600])


def test_a_shard_without_rows(tmp_path: Path, data: Dataset) -> None:
    nothing = data.take(np.arange(0))
    entry = write_shard(tmp_path, 0, nothing)
    shard = read_shard(tmp_path, 0, {"config": record_of(SMALL), "shards": [entry]})
    assert shard.deltas.shape == (0, 2, 4)
    assert shard.forms.shape == nothing.forms.shape == (0, 8)


def rows_of(data: Dataset) -> set[bytes]:
    return {form.tobytes() for form in data.forms}


@pytest.mark.parametrize("held_out", [0.0, 0.05, 0.3, 1.0])
def test_split(data: Dataset, held_out: float) -> None:
    train, held = data.split(held_out)
    assert abs(len(held) - held_out * 700) <= 5 * (700 * held_out * (1 - held_out)) ** 0.5
    assert len(train) + len(held) == len(data)
    assert rows_of(train).isdisjoint(rows_of(held))
    order = np.random.default_rng(0).permutation(len(data))
    for part in (data.take(order), data.take(order[:100])):  # the form alone decides
        assert rows_of(part.split(held_out)[0]) == rows_of(part) & rows_of(train)
        assert rows_of(part.split(held_out)[1]) == rows_of(part) & rows_of(held)


def test_split_of_nothing(data: Dataset) -> None:
    train, held = data.select(at_least=1000).split()
    assert len(train) == len(held) == 0


def test_splits_are_nested(data: Dataset) -> None:
    assert rows_of(data.split(0.05)[1]) < rows_of(data.split(0.3)[1])


def test_select(data: Dataset) -> None:
    thresholds = data.reset_thresholds
    assert len(data.select()) == len(data)
    assert data.select(at_least=0).reset_thresholds.tolist() == thresholds[thresholds >= 0].tolist()
    assert {*data.select(at_least=3, at_most=5).reset_thresholds.tolist()} == {3, 4, 5}
    assert {*data.select(at_most=-1).reset_thresholds.tolist()} == {-1}
    assert len(data.select(at_least=10)) == 0
    best = data.select(at_least=9)
    assert np.array_equal(best.deltas, data.deltas[thresholds >= 9])
    assert best.sources.tolist() == ["uniform"] * len(best)
