"""Datasets whose checksums are right but whose contents are not: refused in one line."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data import buffer, shards
from data import enumerate as enumerate_module
from data.damage import DataError
from data.dataset import read_dataset, shard_path
from data.enumerate import EnumerateConfig, enumerate_dataset
from data.files import sha256
from data.generate import GenerateConfig, generate
from data.manifest import finish, read_manifest
from data.shards import property_types
from tests.damaging import put, refused
from tests.data.forged import edit, rewrite, with_cell
from tests.folders import contents

UNIFORM = GenerateConfig(n=4, count=600, shard_rows=150, seed=1)
EVOLVED = GenerateConfig(
    n=5, count=300, shard_rows=100, sampler="evolved", calls=1500, ceiling=0.6, seed=3
)
ALL = EnumerateConfig(n=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of each kind, not to be changed."""
    root = tmp_path_factory.mktemp("made")
    generate(UNIFORM, root / "uniform")
    generate(EVOLVED, root / "evolved")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enumerate_module, "SHARD_ROWS", 20)
        enumerate_dataset(ALL, root / "all")
        enumerate_dataset(replace(ALL, at_least=3, classes=("basic",)), root / "some")
    return root


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return Path(shutil.copytree(made, tmp_path / "copied"))


@pytest.mark.parametrize("kind", ["uniform", "evolved", "all"])
@pytest.mark.parametrize("value", [-5, -2, 11, 2**31 - 1, -(2**31), None])
def test_a_changed_label(copied: Path, kind: str, value: int | None) -> None:
    before = pq.read_table(shard_path(copied / kind, 1))["reset_threshold"].to_pylist()[3]
    said = before + 1 if value is None else value  # another possible one
    rewrite(copied / kind, 1, with_cell("reset_threshold", 3, said))
    complaint = rf"part-000001\.parquet: row 4: threshold {said}, but {before} is found"
    with refused(complaint):
        read_dataset(copied / kind)
    if kind == "uniform":  # nor is it taken up
        edit(copied / kind, lambda manifest: manifest.update(complete=False))
        with refused(complaint):
            generate(UNIFORM, copied / kind)
    if kind == "all":
        with refused(complaint):
            enumerate_dataset(ALL, copied / kind)


@pytest.mark.parametrize("name", property_types(2))
def test_a_changed_property(copied: Path, name: str) -> None:
    value = pq.read_table(shard_path(copied / "all", 0))[name].to_pylist()[5]
    other = {bool: lambda: not value, int: lambda: value + 1, bytes: lambda: b"\x07" + value[1:]}
    rewrite(copied / "all", 0, with_cell(name, 5, other[type(value)]()))
    with refused(rf"part-000000\.parquet: row 6: {name} .* is wrong"):
        read_dataset(copied / "all")


@pytest.mark.parametrize("source", ["evolved", "", "enumeration", "x" * 10**6, "\x1b[2J"])
def test_another_source(copied: Path, source: str) -> None:
    rewrite(copied / "uniform", 0, with_cell("source", 0, source))
    with refused("not every row is from uniform"):
        read_dataset(copied / "uniform")


def test_what_lies_outside_the_config(copied: Path) -> None:
    edit(copied / "evolved", lambda manifest: manifest["config"].update(ceiling=0.5))
    with refused("threshold 9, above the ceiling"):
        read_dataset(copied / "evolved")

    def narrow(manifest: dict[str, Any]) -> None:
        manifest["config"]["classes"] = ["basic", "eulerian"]

    edit(copied / "some", narrow)
    with refused("outside the classes"):
        read_dataset(copied / "some")


def test_a_dataset_without_its_last_shard(copied: Path) -> None:
    folder = copied / "uniform"
    whole = contents(folder)
    edit(folder, lambda manifest: manifest["shards"].pop())
    with refused("450 of 600 rows, 3 of 4 shards; run the same generate command again"):
        read_dataset(folder)
    generate(UNIFORM, folder)
    assert contents(folder) == whole
    shard_path(folder, 3).unlink()
    edit(folder, lambda manifest: manifest["shards"].pop())
    with refused("450 of 600 rows"):
        read_dataset(folder)
    generate(UNIFORM, folder)
    assert contents(folder) == whole


def test_an_evolved_dataset_without_its_last_shard(copied: Path) -> None:
    folder = copied / "evolved"
    whole = contents(folder)
    shards = len(read_manifest(folder)["shards"])
    edit(folder, lambda manifest: manifest["shards"].pop())
    with refused(f"{shards - 1} of 3 shards"):
        read_dataset(folder)
    generate(EVOLVED, folder)
    assert contents(folder) == whole


def test_a_dataset_that_ends_at_the_edge_of_a_shard(tmp_path: Path) -> None:
    config = GenerateConfig(n=3, count=200, shard_rows=37)  # two shards hold all 74 classes
    generate(config, tmp_path)
    assert read_manifest(tmp_path)["exhausted"] is True
    assert len(read_dataset(tmp_path)) == 74
    before = contents(tmp_path)
    generate(config, tmp_path)
    assert contents(tmp_path) == before
    edit(tmp_path, lambda manifest: manifest.pop("exhausted"))
    with refused("74 of 200 rows, 2 of 6 shards"):
        read_dataset(tmp_path)
    generate(config, tmp_path)
    assert contents(tmp_path) == before


def test_others_do_not_say_that_nothing_is_left(made: Path) -> None:
    for kind in ("uniform", "evolved", "all"):
        manifest = read_manifest(made / kind)
        assert "exhausted" not in manifest
        finish(manifest)
        assert manifest == read_manifest(made / kind)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *[("format", value) for value in (True, 1.0, "1", 2)],
        *[("complete", value) for value in (1, "true", [])],
        *[("exhausted", value) for value in (False, 1, "true")],
        *[("versions", value) for value in ([], {"numpy": 2}, {"numpy": ["2"]})],
        *[("shards", value) for value in ({}, [[]], [{}], "shards")],
        *[("shards.0.rows", value) for value in (True, 150.0, "150", -1, 0, 151, 10**15)],
        *[("shards.0.calls", value) for value in (True, -1, 10**30, 1.5, [])],
        *[("shards.0.sha256", value) for value in ("", "0" * 63, "G" * 64, 7)],
        *[("shards.0.file", value) for value in ("../x", "/etc/passwd", "part-000001.parquet", 0)],
        *[("config.n", value) for value in (True, 0, 65, 10**9, 4.0, "4")],
        *[("config.k", value) for value in (0, 7, 10**9, False)],
        *[("config.count", value) for value in (0, 300, 10**13, 600.0, True)],
        *[("config.shard_rows", value) for value in (0, 100, 10**9)],
        *[("config.sampler", value) for value in ("best", 3, "", ["uniform"])],
        *[("config.ceiling", value) for value in (-1, 2, "0.5", True)],
        *[("config.seed", value) for value in (-1, 2**63, 1.0)],
        ("config.more", 1),
        ("more", 1),
        ("kind", "enumeration"),
        *[(name, None) for name in ("format", "config.n", "versions", "shards", "complete")],
        *[(f"shards.0.{name}", None) for name in ("file", "rows", "calls", "sha256")],
        *[(f"config.{name}", None) for name in ("count", "seed", "ceiling", "shard_rows")],
    ],
)
def test_a_manifest_that_cannot_be(copied: Path, place: str, value: Any) -> None:
    folder = copied / "uniform"
    edit(folder, put(place, value))
    before = contents(folder)
    with refused(r"manifest\.json: not a dataset manifest of format 1 \(.*\)"):
        read_dataset(folder)
    with refused(r"manifest\.json: not a dataset manifest of format 1 \(.*\)"):
        generate(UNIFORM, folder)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *[("units", value) for value in (True, -1, 10**16, 1)],
        *[("totals.units", value) for value in (0, 1.0, 10**16)],
        *[("totals.classes", value) for value in (73, "74", True)],
        *[("totals.nodes", value) for value in (-1, 0.5)],
        *[("totals.counts", value) for value in ({}, [], [1], [{}])],
        *[("totals.counts.1.reset_threshold", value) for value in (-5, 5, -1, 2**31, 0.0)],
        *[("totals.counts.1.classes", value) for value in (0, -1, 1, 10**18)],
        *[("totals.counts.1.sink", value) for value in (-1, 10**6, True)],
        ("totals.counts.1.synchronizing", None),
        ("totals.counts.1.more", 0),
        *[("shards.0.units", value) for value in ([], [0], [0, 1, 2], [1, 2], [True, 1], 3)],
        *[("shards.0.rows", value) for value in (-1, 10**6, True)],
        *[("config.n", value) for value in (True, 12, 10**9)],
        *[("config.at_least", value) for value in (-1, 3, False)],
        *[("config.classes", value) for value in (["odd"], "sink", [3])],
        *[("config.rows", value) for value in (False, 1)],
        *[("kind", value) for value in ("census", 1, [])],
    ],
)
def test_a_manifest_of_an_enumeration_that_cannot_be(copied: Path, place: str, value: Any) -> None:
    folder = copied / "all"
    edit(folder, put(place, value))
    with refused(r"manifest\.json: not a dataset manifest of format 1 \(.*\)"):
        read_dataset(folder)


def drop_a_row(folder: Path) -> None:
    """Remove a row of an enumeration, and count what is left as its manifest would."""
    table = pq.read_table(shard_path(folder, 0))
    row = {name: table[name].to_pylist()[0] for name in table.column_names}
    rewrite(folder, 0, lambda table: table.slice(1))

    def change(manifest: dict[str, Any]) -> None:
        manifest["totals"]["classes"] -= 1
        (counted,) = [
            own
            for own in manifest["totals"]["counts"]
            if own["reset_threshold"] == row["reset_threshold"]
        ]
        for name in counted:
            counted[name] -= name == "classes" or (name != "reset_threshold" and row[name])

    edit(folder, change)


def test_an_enumeration_of_all_that_lacks_one(copied: Path) -> None:
    drop_a_row(copied / "all")
    with refused(r"73 automata, but \[73, 73, 74\] by counts, rows or Burnside"):
        read_dataset(copied / "all")


def test_counts_that_are_not_those_of_the_rows(copied: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        counted = manifest["totals"]["counts"][0]
        counted["sink"] += 1 if counted["sink"] < counted["classes"] else -1

    edit(copied / "some", change)
    with refused("the counts in manifest.json are not those of the rows"):
        read_dataset(copied / "some")
    with refused("the counts in manifest.json are not those of the rows"):
        enumerate_dataset(replace(ALL, at_least=3, classes=("basic",)), copied / "some")


def test_one_automaton_in_two_shards(copied: Path) -> None:
    folder = copied / "uniform"
    first = pq.read_table(shard_path(folder, 0)).slice(0, 1)
    rewrite(folder, 1, lambda table: pa.concat_tables([first, table.slice(1)]))
    with refused("600 rows, 1 of them repeated"):
        read_dataset(folder)


# --- what parquet can do ----------------------------------------------------------------------


def test_other_parquet_files(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows, or many more, in other shapes: refused, or read as they are."""
    folder = copied / "uniform"
    path, table = shard_path(folder, 0), pq.read_table(shard_path(folder, 0))
    truth = read_dataset(folder)
    longer = table["reset_threshold"].cast("int64")
    plain = table.set_column(2, "source", pa.array(["uniform"] * 150))
    tables = {
        "small groups": (table, {"row_group_size": 10}),
        "another order": (table.select(["source", "delta", "reset_threshold"]), {}),
        "twice the column": (table.append_column("delta", table["delta"]), {}),
        "a column more": (table.append_column("mine", table["delta"]), {}),
        "wide": (
            table.set_column(1, "reset_threshold", longer),
            {},
        ),
        "a list": (table.set_column(1, "reset_threshold", pa.array([[0]] * 150)), {}),
        "gaps": (table.set_column(0, "delta", pa.array([None] * 150, pa.binary(8))), {}),
        "variable": (table.set_column(0, "delta", table["delta"].cast(pa.binary())), {}),
        "all alike": (pa.concat_tables([table.slice(0, 1)] * 150), {}),
        "plain sources": (plain, {"use_dictionary": False}),
        "snappy": (table, {"compression": "snappy"}),
        "a dictionary": (table, {"use_dictionary": True}),
        "other metadata": (table.replace_schema_metadata({"a": "b" * 10**5}), {}),
        "without the schema": (plain, {"store_schema": False}),
    }
    for name, (other, options) in tables.items():
        pq.write_table(other, path, **options)
        edit(folder, put("shards.0.sha256", sha256(path)))
        try:
            data = read_dataset(folder)
        except DataError as error:
            assert "\n" not in str(error) and "part-000000.parquet: " in str(error), name
        else:
            assert np.array_equal(data.forms, truth.forms), name


def test_a_bomb_is_refused_before_it_is_unpacked(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few kilobytes that say they hold a million rows: only the first group is read."""
    folder = copied / "uniform"
    table = pq.read_table(shard_path(folder, 0)).slice(0, 1)
    monkeypatch.setattr(shards, "ROW_GROUP", 1 << 10)
    bomb = pa.concat_tables([table] * (1 << 14)).combine_chunks()
    pq.write_table(bomb, shard_path(folder, 0), row_group_size=1 << 10, compression="zstd")
    digest = sha256(shard_path(folder, 0))

    def change(manifest: dict[str, Any]) -> None:
        manifest["config"] |= {"count": 1 << 14, "shard_rows": 1 << 14}
        manifest["shards"] = [manifest["shards"][0] | {"rows": 1 << 14, "sha256": digest}]

    edit(folder, change)
    read: list[int] = []
    original = pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile,
        "read_row_group",
        lambda self, group, **options: read.append(group) or original(self, group, **options),
    )
    with refused("the same automaton twice"):
        read_dataset(folder)
    assert read == [0]


# --- pending.parquet --------------------------------------------------------------------------


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An enumeration that was interrupted when its first shard was half full."""
    monkeypatch.setattr(enumerate_module, "SHARD_ROWS", 40)
    add = buffer.Buffer.add

    def interrupted(self: buffer.Buffer, unit: buffer.Unit) -> None:
        add(self, unit)
        if self.classes >= 20:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(buffer.Buffer, "add", interrupted)
        with pytest.raises(KeyboardInterrupt):
            enumerate_dataset(ALL, tmp_path / "begun")
    return tmp_path / "begun"


def save(
    begun: Path, change: Callable[[Any], object], rows: Callable[[pa.Table], pa.Table] | None = None
) -> None:
    """Change the state in pending.parquet, and its rows; put its SHA-256 right."""
    path = begun / buffer.PENDING
    table = pq.read_table(path)
    state = json.loads(table.schema.metadata[b"state"])
    changed = change(state)
    text = json.dumps(state if changed is None else changed)
    digest = buffer.hashlib.sha256(text.encode()).hexdigest()
    table = table if rows is None else rows(table)
    pq.write_table(table.replace_schema_metadata({"state": text, "sha256": digest}), path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *[("next", value) for value in (-1, 10**9, True, "3", None)],
        *[("first", value) for value in (-1, True, 10**20, 1.0)],
        *[("nodes", value) for value in (-1, 10**16, 0.5, None)],
        *[("counts", value) for value in ({}, [], [{}], 3, None)],
        *[("counts.0.classes", value) for value in (0, -1, True, 10**18, 10**30, 1)],
        *[("counts.0.reset_threshold", value) for value in (-5, 4, 2**31)],
        *[("config_sha256", value) for value in ("", 3, None)],
        ("more", 1),
    ],
)
def test_pending_work_that_cannot_be(begun: Path, place: str, value: Any) -> None:
    save(begun, put(place, value))
    before = contents(begun)
    with refused("pending.parquet: "):
        enumerate_dataset(ALL, begun)
    assert contents(begun) == before


@pytest.mark.parametrize("state", [[], 3, "state", {}])
def test_pending_work_of_another_kind(begun: Path, state: Any) -> None:
    save(begun, lambda _: state)
    with refused("pending.parquet: not the finds of an interrupted enumeration; delete it"):
        enumerate_dataset(ALL, begun)


def test_pending_rows_are_computed_again(begun: Path) -> None:
    for name, value in [("reset_threshold", 4), ("rank", 9), ("source", "uniform")]:
        whole = (begun / buffer.PENDING).read_bytes()
        save(begun, lambda state: None, with_cell(name, 1, value))
        with refused("pending.parquet: (row 2: |not every row is from enumeration)"):
            enumerate_dataset(ALL, begun)
        (begun / buffer.PENDING).write_bytes(whole)
    enumerate_dataset(ALL, begun)
    assert len(read_dataset(begun)) == 74
