"""Enumerated datasets: known counts, the same bytes however they came about, refusals."""

import csv
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pipeline
from automata import NOT_SYNCHRONIZING, UNDEFINED, canonical_forms, from_canonical
from automata.classes import CLASSES
from automata.enumeration import Enumeration, Found, Part
from automata.invariants import automorphism_orders, defects, ranks
from automata.properties import in_classes
from automata.solver.either import thresholds_of
from automata.units import Lost, here
from data import buffer, finding, recheck
from data import enumerate as module
from data.best_known import Scale
from data.counts import COUNT_COLUMNS
from data.dataset import read_dataset, read_shard, shard_path
from data.enumerate import EnumerateConfig, enumerate_dataset
from data.files import sha256
from data.generate import GenerateConfig, generate
from data.manifest import read_manifest, write_manifest
from tests import naive
from tests.counts import COUNTS
from tests.damaging import edited, refused
from tests.folders import contents, copied, made_once

ROOT = Path(__file__).parents[2]
COLUMNS = {"all": "classes", "sc": "strongly_connected", "irr": "irreducible", "basic": "basic"}

CONFIGS = {
    "all": EnumerateConfig(n=3),
    "four": EnumerateConfig(n=4, at_least=2),
    "class": EnumerateConfig(n=3, classes=("not-strongly-connected", "irreducible")),
    "counts": EnumerateConfig(n=3, rows=False),
    "nothing": EnumerateConfig(n=3, at_least=5),
    "impossible": EnumerateConfig(n=3, at_least=10_000),
    "ternary": EnumerateConfig(n=2, k=3, at_least=1),
    "one state": EnumerateConfig(n=1, k=2),
    "partial": EnumerateConfig(n=3, partial=True),
    "partial, long": EnumerateConfig(n=4, at_least=5, partial=True),
    "partial, class": EnumerateConfig(n=2, k=3, classes=("irreducible",), partial=True),
    "partial, counts": EnumerateConfig(n=3, rows=False, partial=True),
    "partial, impossible": EnumerateConfig(n=3, at_least=5, partial=True),
}
ALL = CONFIGS["all"]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARD_ROWS", 20)
    monkeypatch.setattr(module, "_PAUSE", 0.0)  # pending.parquet after every unit


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A finished folder of each config, made once; not to be changed."""
    root = tmp_path_factory.mktemp("finished")
    return made_once(root, lambda name, folder: enumerate_dataset(CONFIGS[name], folder))


@pytest.fixture
def folder(finished: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the folder of all automata, to be damaged."""
    return copied(finished("all"), tmp_path / "copy")


# --- what a folder holds ----------------------------------------------------------------------


def check_counts(config: EnumerateConfig, folder: Path) -> None:
    """Compare a complete enumeration with the known counts."""
    manifest = enumerate_dataset(config, folder, workers=2)
    table = COUNTS[f"{'binary' if config.k == 2 else 'ternary'}_n{config.n}"]
    found = {row["reset_threshold"]: row for row in manifest["totals"]["counts"]}
    apart = found.pop(NOT_SYNCHRONIZING)
    assert manifest["totals"]["classes"] == table["total"]
    assert apart["classes"] == table["non_synchronizing"]
    assert apart["strongly_connected"] == table["non_synchronizing_strongly_connected"]
    known = table["per_reset_threshold"]
    assert {*found} == {int(threshold) for threshold in known}
    for threshold, row in known.items():
        for name in COLUMNS.keys() & row.keys():
            assert found[int(threshold)][COLUMNS[name]] == row[name], (threshold, name)


@pytest.mark.parametrize(("n", "k"), [(2, 2), (3, 2), (4, 2), (5, 2), (2, 3), (3, 3)])
def test_known_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int, k: int) -> None:
    monkeypatch.setattr(module, "SHARD_ROWS", 20_000)
    monkeypatch.setattr(module, "_PAUSE", 10.0)
    config = EnumerateConfig(n=n, k=k)
    check_counts(config, tmp_path)
    data = read_dataset(tmp_path)  # canonical and distinct
    assert len(data) == COUNTS[f"{'binary' if k == 2 else 'ternary'}_n{n}"]["total"]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("n", "k", "rows"), [(6, 2, True), (4, 3, True), (6, 2, False)])
def test_known_counts_of_large_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int, k: int, rows: bool
) -> None:
    monkeypatch.setattr(module, "SHARD_ROWS", 1 << 18)
    monkeypatch.setattr(module, "_PAUSE", 1.0)
    check_counts(EnumerateConfig(n=n, k=k, rows=rows), tmp_path)
    if rows:
        data = read_dataset(tmp_path)
        assert len(data) == COUNTS[f"{'binary' if k == 2 else 'ternary'}_n{n}"]["total"]


@pytest.mark.parametrize("name", sorted({*CONFIGS} - {"counts", "partial, counts"}))
def test_rows(finished: Callable[[str], Path], name: str) -> None:
    config, manifest = CONFIGS[name], read_manifest(finished(name))
    data = read_dataset(finished(name))
    n, k, rows = config.n, config.k, len(data)
    if n < 4:
        every = naive.all_partial_automata if config.partial else naive.all_automata
        everything = [[[*letter] for letter in delta] for delta in every(n, k)]
        expected = np.unique(canonical_forms(everything), axis=0)
        deltas = from_canonical(expected, n, k, partial=config.partial)
        kept = thresholds_of(deltas, partial=config.partial) >= (config.at_least or -1)
        kept &= in_classes(deltas, config.classes)
        assert {*map(bytes, data.forms)} == {*map(bytes, expected[kept])}
    assert (rows, data.n, data.k) == (manifest["totals"]["classes"], n, k)
    assert {*data.sources.tolist()} <= {"enumeration"}
    for delta, threshold in [*zip(data.deltas.tolist(), data.reset_thresholds, strict=True)][::7]:
        letters = [[None if q == UNDEFINED else q for q in letter] for letter in delta]
        word = naive.shortest_careful_word(letters)
        assert threshold == (-1 if word is None else len(word))
    assert data.partial == config.partial
    shards = manifest["shards"]
    assert (len(shards) > 2) == (name in ("all", "four", "partial", "partial, long"))
    if name.endswith("impossible"):
        assert (manifest["units"], [shard["units"] for shard in shards]) == (0, [[0, 0]])
    starts, ends = zip(*(shard["units"] for shard in shards), strict=True)
    assert [*starts, manifest["units"]] == [0, *ends]
    assert all(shard["rows"] >= 20 for shard in shards[:-1])
    for index in range(len(shards)):
        part = read_shard(finished(name), index, manifest)
        keys = [(-part.reset_thresholds[row], bytes(part.forms[row])) for row in range(len(part))]
        assert keys == sorted(keys)


def test_properties_are_those_of_the_rows(finished: Callable[[str], Path]) -> None:
    data = read_dataset(finished("four"))
    names = [name.replace("-", "_") for name in CLASSES]
    assert [*data.properties] == [*names, "rank", "automorphisms", "defects"]
    for name in CLASSES:
        column = data.properties[name.replace("-", "_")]
        assert column.dtype == np.bool_
        assert np.array_equal(column, in_classes(data.deltas, [name]))
    assert np.array_equal(data.properties["synchronizing"], data.reset_thresholds >= 0)
    assert np.array_equal(data.properties["rank"], ranks(data.deltas))
    assert np.array_equal(data.properties["automorphisms"], automorphism_orders(data.deltas))
    assert np.array_equal(data.properties["defects"], defects(data.deltas))
    some = data.take(np.arange(5, 9))
    assert all(np.array_equal(some.properties[x], data.properties[x][5:9]) for x in names)
    schema = pq.read_schema(shard_path(finished("four"), 0))
    assert schema.names == ["delta", "reset_threshold", "source", *data.properties]
    kinds = {name: schema.field(name).type for name in ("sink", "rank", "automorphisms", "defects")}
    assert [*kinds.values()] == [pa.bool_(), pa.uint8(), pa.int64(), pa.binary(2)]


def test_properties_of_partial_automata(finished: Callable[[str], Path]) -> None:
    data = read_dataset(finished("partial"))
    names = [name.replace("-", "_") for name in CLASSES]
    assert [*data.properties] == [*names, "automorphisms", "defects"]  # they have two ranks
    for name in CLASSES:
        found = data.properties[name.replace("-", "_")]
        assert np.array_equal(found, in_classes(data.deltas, [name]))
    assert np.array_equal(data.properties["automorphisms"], automorphism_orders(data.deltas))
    assert np.array_equal(data.properties["defects"], defects(data.deltas))


def test_only_partial_datasets_say_so(finished: Callable[[str], Path]) -> None:
    assert "partial" not in read_manifest(finished("all"))["config"]
    assert read_manifest(finished("partial"))["config"]["partial"] is True


@pytest.mark.parametrize(
    "name", ["all", "class", "counts", "nothing", "partial", "partial, counts"]
)
def test_the_counts_are_those_of_the_rows(finished: Callable[[str], Path], name: str) -> None:
    data = read_dataset(finished({"counts": "all", "partial, counts": "partial"}.get(name, name)))
    with (finished(name) / "counts.csv").open() as file:
        table = [*csv.DictReader(file)]
    assert len(table) == len(np.unique(data.reset_thresholds))
    for row in table:
        rows = data.reset_thresholds == int(row["reset_threshold"])
        assert int(row["classes"]) == np.count_nonzero(rows)
        for class_ in CLASSES:
            column = class_.replace("-", "_")
            assert int(row[column]) == np.count_nonzero(data.properties[column][rows])
    totals = read_manifest(finished(name))["totals"]
    assert [{key: str(value) for key, value in row.items()} for row in totals["counts"]] == [
        {key: row[key] for key in sorted(row)} for row in table
    ]
    assert table == [] or list(table[0])[:2] == ["reset_threshold", "classes"]


def test_nodes_are_those_of_the_engine(finished: Callable[[str], Path]) -> None:
    for name in ("all", "four", "counts", "partial", "partial, long"):
        config, manifest = CONFIGS[name], read_manifest(finished(name))
        units = Enumeration(config.n, config.k, at_least=config.at_least, partial=config.partial)
        nodes = [sum(found.nodes for found in units.run(unit)) for unit in range(len(units))]
        assert manifest["totals"]["nodes"] == units.planned_nodes + sum(nodes)
        for shard in manifest["shards"]:
            assert shard["calls"] == sum(nodes[slice(*shard["units"])])


def test_only_counts(finished: Callable[[str], Path]) -> None:
    assert {*contents(finished("counts"))} == {"manifest.json", "counts.csv"}
    with refused("counts alone, no automata .*--no-rows"):
        read_dataset(finished("counts"))


@pytest.mark.parametrize("name", ["sink", "nodes", "classes", "reset_threshold"])
def test_counts_alone_that_were_changed(
    finished: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    whole = finished("counts")
    text = (whole / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(
        re.sub(f'("{name}": )([0-9])', r"\g<1>1\2", text, count=1)
    )
    with refused("manifest.json: .*its SHA-256 is another"):
        enumerate_dataset(CONFIGS["counts"], tmp_path)
    (tmp_path / "manifest.json").write_text(text)
    (tmp_path / "counts.csv").write_text("changed")
    again = enumerate_dataset(CONFIGS["counts"], tmp_path)
    assert contents(tmp_path) == contents(whole)
    assert [*again["totals"]["counts"][0]] == [*COUNT_COLUMNS]  # printed in the same order


def test_rows_of_classes(finished: Callable[[str], Path], tmp_path: Path) -> None:
    data = read_dataset(finished("all"))
    chosen = ["strongly-connected", "not-one-cluster"]
    kept = read_dataset(finished("all"), chosen)
    assert 0 < len(kept) < len(data)
    expected = data.take(data.properties["strongly_connected"] & ~data.properties["one_cluster"])
    for some in (kept, data.of_classes(chosen, workers=2)):
        assert np.array_equal(some.deltas, expected.deltas)
        assert np.array_equal(some.reset_thresholds, expected.reset_thresholds)
    assert len(read_dataset(finished("all"), ["synchronizing", "not-synchronizing"])) == 0
    with pytest.raises(ValueError, match="unknown class 'odd'"):
        read_dataset(finished("all"), ["odd"])
    generate(GenerateConfig(n=3, count=50, shard_rows=30), tmp_path)  # other folders too
    sample = read_dataset(tmp_path)
    assert sample.properties == {}
    kept = read_dataset(tmp_path, chosen)
    assert np.array_equal(kept.deltas, sample.of_classes(chosen).deltas)
    assert {*map(bytes, kept.forms)} == {*map(bytes, sample.forms)} & {*map(bytes, expected.forms)}


# --- the same bytes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "workers"),
    [("all", 2), ("all", 3), ("counts", 2), ("class", 3), ("partial", 2), ("partial, long", 3)],
)
def test_any_number_of_workers(
    finished: Callable[[str], Path], tmp_path: Path, name: str, workers: int
) -> None:
    enumerate_dataset(CONFIGS[name], tmp_path, workers=workers)
    assert contents(tmp_path) == contents(finished(name))


@pytest.mark.parametrize(
    ("name", "place", "function"),
    [
        ("all", module, "_commit"),
        ("all", module, "write_manifest"),
        ("all", buffer, "write_shard"),  # then it has all rows of a shard to save
        ("all", buffer, "write_rows"),
        ("all", buffer.Buffer, "add"),
        ("all", buffer.Buffer, "clear"),  # between the manifest and the next unit
        ("all", module, "write_text"),
        ("counts", module, "write_manifest"),
        ("counts", buffer.Buffer, "add"),
        ("partial", module, "_commit"),
        ("partial, long", buffer.Buffer, "add"),
    ],
)
def test_interrupted(
    finished: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    place: Any,
    function: str,
) -> None:
    original = getattr(place, function)
    for after in (0, 3, 1):  # from the second on in a resumed run
        calls: list[object] = []

        def interrupted(*args: Any, calls: Any = calls, after: Any = after, **options: Any) -> Any:
            calls.append(args)
            if len(calls) == after + 1:
                raise KeyboardInterrupt
            return original(*args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(place, function, interrupted)
            try:
                enumerate_dataset(CONFIGS[name], tmp_path)
            except KeyboardInterrupt:
                pass
        assert not [*tmp_path.glob("*.tmp")]
    enumerate_dataset(CONFIGS[name], tmp_path, workers=2)
    assert contents(tmp_path) == contents(finished(name))


def test_a_signal_stops_all_threads(
    finished: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_PAUSE", 1e9)  # nothing but the signal makes it save
    run_part, place, begun = Enumeration.run_part, len(Enumeration(3, 2)) // 2, []

    def signalled(*args: Any) -> Any:
        begun.append(args)
        if len(begun) == place:
            os.kill(os.getpid(), signal.SIGINT)
        return run_part(*args)

    monkeypatch.setattr(finding, "_MOST_UNITS", 1)
    threads = threading.active_count()
    with monkeypatch.context() as patch:
        patch.setattr(Enumeration, "run_part", signalled)
        with pytest.raises(KeyboardInterrupt):
            enumerate_dataset(ALL, tmp_path, workers=2)
    assert threading.active_count() == threads
    assert len(begun) <= place + 9
    assert (tmp_path / buffer.PENDING).exists()
    assert not read_manifest(tmp_path)["complete"]
    assert 0 < units_run(tmp_path, monkeypatch)[0] <= place
    assert contents(tmp_path) == contents(finished("all"))


KILLER = """
import json, shutil, sys
from pathlib import Path
from data import enumerate as module
from tests.killing import die_at_renamings, killed_until_done

module.SHARD_ROWS, module._PAUSE = 20, 0.0
module.enumerate_dataset(module.EnumerateConfig(n=3), Path(sys.argv[2]) / "warm")
for number, settings in enumerate(json.loads(sys.argv[1])):
    settings["classes"] = tuple(settings["classes"])
    config, folder = module.EnumerateConfig(**settings), Path(sys.argv[2]) / str(number)

    def work(attempt):
        die_at_renamings(100 * number + attempt, 0.06)
        module.enumerate_dataset(config, folder, workers=1 + attempt % 3)

    killed_until_done(work, lambda: shutil.rmtree(folder), kills=4, longest=0.05)
"""


def test_killed_again_and_again(finished: Callable[[str], Path], tmp_path: Path) -> None:
    names = ["all", "counts"]
    configs = json.dumps([asdict(CONFIGS[name]) for name in names])
    command = [sys.executable, "-c", KILLER, configs, str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    for number, name in enumerate(names):
        assert contents(tmp_path / str(number)) == contents(finished(name))


@pytest.mark.parametrize("index", [0, 1, 3])
def test_a_deleted_shard_is_made_again(
    finished: Callable[[str], Path], folder: Path, index: int
) -> None:
    shard_path(folder, index).unlink()
    (folder / "counts.csv").unlink()
    enumerate_dataset(ALL, folder)
    assert contents(folder) == contents(finished("all"))


def test_a_finished_folder_is_left_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(folder)
    for name in ("part-000001.parquet.tmp", "manifest.json.tmp", buffer.PENDING):
        (folder / name).write_bytes(b"stale")
    monkeypatch.setattr(Enumeration, "part", lambda *_: pytest.fail("nothing is left to do"))
    assert enumerate_dataset(ALL, folder) == read_manifest(folder)
    assert contents(folder) == before


# --- pending.parquet --------------------------------------------------------------------------


def begin(folder: Path, monkeypatch: pytest.MonkeyPatch, shards: int) -> Path:
    """Make a folder that is interrupted after some shards."""
    monkeypatch.setattr(module, "_PAUSE", 1e9)
    function, seen = buffer.Buffer.add, []

    def add(self: buffer.Buffer, unit: buffer.Unit) -> None:
        function(self, unit)
        seen.append(self.state.first)
        if len({*seen}) == shards + 1 and unit.parts:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(buffer.Buffer, "add", add)
        with pytest.raises(KeyboardInterrupt):
            enumerate_dataset(ALL, folder)
    assert len(read_manifest(folder)["shards"]) == shards
    return folder


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that was interrupted between its shards 1 and 2."""
    return begin(tmp_path / "begun", monkeypatch, 2)


def units_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, config: EnumerateConfig = ALL
) -> list[int]:
    """The units that are run to finish a folder."""
    function, units = Enumeration.part, []
    with monkeypatch.context() as patch:
        patch.setattr(Enumeration, "part", lambda *a: units.append(a[1]) or function(*a))
        enumerate_dataset(config, folder)
    return units


def test_pending_work_is_not_done_again(
    finished: Callable[[str], Path], begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = pq.read_schema(begun / buffer.PENDING).metadata[b"state"]
    state, end = json.loads(pending), read_manifest(begun)["totals"]["units"]
    assert state["first"] == end < state["next"]
    assert units_run(begun, monkeypatch)[0] == state["next"]
    assert contents(begun) == contents(finished("all"))


def test_stale_pending_work_is_ignored(
    finished: Callable[[str], Path], begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = (begun / buffer.PENDING).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(buffer.Buffer, "clear", lambda self: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(OSError, match="full"):
            enumerate_dataset(ALL, begun)  # until shard 2 is there
    (begun / buffer.PENDING).write_bytes(stale)
    end = read_manifest(begun)["totals"]["units"]
    assert (
        units_run(begun, monkeypatch)[0]
        == end
        > json.loads(pq.read_metadata(pa.BufferReader(stale)).metadata[b"state"])["first"]
    )
    assert contents(begun) == contents(finished("all"))


def test_damaged_pending_work(begun: Path) -> None:
    path = begun / buffer.PENDING
    whole, table = path.read_bytes(), pq.read_table(path)
    column = pq.read_metadata(path).row_group(0).column(0)
    last = column.data_page_offset + column.total_compressed_size - 1  # of the deltas
    flipped = whole[:last] + bytes([whole[last] ^ 1]) + whole[last + 1 :]
    damages = [b"", b"PAR1", whole[:-1], whole[:200], whole + b"\0", flipped]
    state, digest = (table.schema.metadata[name] for name in (b"state", b"sha256"))
    other = re.sub(rb'"nodes": [0-9]+', b'"nodes": 777', state)
    for metadata in [{"state": other, "sha256": digest}, {"state": state}, {"sha256": digest}, {}]:
        sink = pa.BufferOutputStream()
        pq.write_table(table.replace_schema_metadata(metadata), sink)
        damages.append(sink.getvalue().to_pybytes())
    for damage in damages:
        path.write_bytes(damage)
        before = contents(begun)
        with refused("pending.parquet: "):
            enumerate_dataset(ALL, begun)
        assert contents(begun) == before


@pytest.mark.parametrize("units", [0, -1])
@pytest.mark.parametrize("shards", [0, 2])
def test_pending_work_that_says_other_units(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, units: int, shards: int
) -> None:
    """What is counted twice is found by Burnside's lemma, and is no bug."""
    begun = begin(tmp_path / "begun", monkeypatch, shards)
    path = begun / buffer.PENDING
    table = pq.read_table(path)
    state = json.loads(table.schema.metadata[b"state"])
    state["next"] = state["first"] if units == 0 else state["next"] + units
    text = json.dumps(state).encode()
    metadata = {b"state": text, b"sha256": hashlib.sha256(text).hexdigest().encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    with refused("pending.parquet or a shard is damaged: .* by Burnside's lemma"):
        enumerate_dataset(ALL, begun)


def test_pending_work_of_something_else(
    begun: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = begun / buffer.PENDING
    whole = pending.read_bytes()
    pending.write_bytes(shard_path(folder, 0).read_bytes())
    with refused("pending.parquet: not the finds of .* delete it"):
        enumerate_dataset(ALL, begun)
    other = buffer.Buffer(asdict(CONFIGS["nothing"]), 0)
    other.save(begun)
    with refused("pending.parquet: of another enumeration"):
        enumerate_dataset(ALL, begun)
    pending.write_bytes(whole)
    data, metadata = pq.read_table(pending), pq.read_schema(pending).metadata
    pq.write_table(data.slice(1).replace_schema_metadata(metadata), pending)
    with refused("pending.parquet: not [0-9]+ labelled automata"):
        enumerate_dataset(ALL, begun)
    pending.unlink()
    assert len(units_run(begun, monkeypatch)) > 0


# --- lost units -------------------------------------------------------------------------------


def lose(patch: pytest.MonkeyPatch, config: EnumerateConfig, *numbers: int) -> None:
    """Let units end every worker that takes them up."""
    kind = {"at_least": config.at_least, "partial": config.partial}
    enumeration = Enumeration(config.n, config.k, **kind)
    lost = [enumeration.part(number) for number in numbers]
    run_part = Enumeration.run_part

    def ended(self: Enumeration, part: Part, *nodes: int) -> Any:
        for one in lost:
            start = part.position[: one.top]
            if np.array_equal(part.first, one.first) and np.array_equal(
                start, one.position[: one.top]
            ):
                raise Lost("it ended 3 workers")
        return run_part(self, part, *nodes)

    patch.setattr(Enumeration, "run_part", ended)


@pytest.mark.parametrize("name", ["all", "partial", "counts"])
def test_a_lost_unit_is_set_aside_and_the_rest_goes_on(
    name: str, finished: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind it each unit is run once: later runs read its finds, and shards end as they would."""
    monkeypatch.setattr(module, "_PAUSE", 1e9)
    config, lost = CONFIGS[name], (3, 4, 9)
    with monkeypatch.context() as patch, here() as pool:
        lose(patch, config, *lost)
        with pytest.raises(
            Lost, match=r"without 3 of [0-9]+ units \(3, 4, 9\): it ended 3 workers"
        ):
            enumerate_dataset(config, tmp_path, pool=pool)
    assert not read_manifest(tmp_path)["complete"]
    with monkeypatch.context() as patch, here() as pool:
        lose(patch, config, 9)
        with pytest.raises(Lost, match=r"without 1 of [0-9]+ units \(9\)"):
            enumerate_dataset(config, tmp_path, pool=pool)
    assert units_run(tmp_path, monkeypatch, config) == [9]
    assert contents(tmp_path) == contents(finished(name))


def test_damaged_finds_behind_a_lost_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, here() as pool:
        lose(patch, ALL, 3)
        with pytest.raises(Lost):
            enumerate_dataset(ALL, tmp_path, pool=pool)
    paths = sorted(tmp_path.glob("pending-*.parquet"))
    paths[1].write_bytes(paths[0].read_bytes())
    with refused(f"{paths[1].name}: of other units"):
        enumerate_dataset(ALL, tmp_path)
    paths[1].write_bytes(b"PAR1")
    with refused(f"{paths[1].name}: "):
        enumerate_dataset(ALL, tmp_path)


# --- refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"n": 0}, r"n=0 is not in 1\.\.11"),
        ({"n": 12}, r"n=12 is not in 1\.\.11"),
        ({"k": 0}, r"k=0 is not in 1\.\.6"),
        ({"k": 7}, r"k=7 is not in 1\.\.6"),
        ({"at_least": -1}, "at-least=-1 is not in"),
        ({"at_least": 10_001}, "at-least=10001 is not in"),
        ({"classes": ("sink", "odd")}, "unknown class 'odd'"),
        ({"rows": 1}, "rows=1 is not True or False"),
    ],
)
def test_configs_out_of_range(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EnumerateConfig(**value)


def test_another_config(folder: Path, tmp_path: Path) -> None:
    before = contents(folder)
    for config in (CONFIGS["nothing"], CONFIGS["class"], CONFIGS["counts"], CONFIGS["four"]):
        with refused("another config"):
            enumerate_dataset(config, folder)
    assert contents(folder) == before
    generate(GenerateConfig(n=3, count=20), tmp_path / "generated")
    with refused("another config"):
        enumerate_dataset(ALL, tmp_path / "generated")
    (tmp_path / "file").touch()
    with refused("not a folder"):
        enumerate_dataset(ALL, tmp_path / "file")


def test_a_wrong_total_is_a_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "count_classes", lambda n, k, *, partial: 75)
    with pytest.raises(RuntimeError, match="74 classes enumerated, but 75 by Burnside's lemma"):
        enumerate_dataset(ALL, tmp_path)
    assert not read_manifest(tmp_path)["complete"]
    enumerate_dataset(CONFIGS["class"], tmp_path / "part")  # there it says nothing


def forge(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], object]:
    """Replace a shard by another with its right SHA-256."""

    def forged(folder: Path) -> None:
        path = shard_path(folder, 1)
        pq.write_table(change(pq.read_table(path)), path)
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["shards"][1]["sha256"] = sha256(path)
        write_manifest(folder, manifest)

    return forged


def repeated(table: pa.Table) -> pa.Table:
    """Shard 1 with a row in the place of another."""
    return pa.concat_tables([table.slice(0, 1), table.slice(0, 1), table.slice(2)])


DAMAGE = {
    "shard missing": (lambda folder: shard_path(folder, 1).unlink(), "no such file"),
    "shard empty": (lambda folder: shard_path(folder, 1).write_bytes(b""), "damaged"),
    "no ranks": (forge(lambda table: table.drop(["rank"])), "not 24 labelled automata"),
    "other ranks": (
        forge(lambda table: table.set_column(15, "rank", table["automorphisms"])),
        "labelled automata",
    ),
    "a row twice": (forge(repeated), "part-000001.parquet: the same automaton twice"),
    "unfinished": (edited(complete=False), "run the same enumerate command again"),
    "another kind": (edited(kind="census"), "not a dataset manifest"),
    "no totals": (edited(totals=None), "not a dataset manifest"),
    "no counts": (
        edited(totals={"units": 0, "classes": 0, "nodes": 0}),
        "not a dataset manifest",
    ),
    "no units": (edited(units=None), "not a dataset manifest"),
    "no shards": (edited(shards=[]), "not a dataset manifest"),
    "another config": (edited(config={"n": 3, "k": 2}), "not a dataset manifest"),
    "far too large": (
        edited(config={"n": 40, "k": 4, "at_least": 0, "classes": [], "rows": True}),
        r"n=40 is not a whole number in 1\.\.11",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage(folder: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    damage(folder)
    with refused(message):
        read_dataset(folder)


@pytest.mark.parametrize("name", ["shard empty", "no totals", "no units", "another config"])
def test_damage_is_not_resumed(folder: Path, name: str) -> None:
    DAMAGE[name][0](folder)
    before = contents(folder)
    with refused(DAMAGE[name][1]):
        enumerate_dataset(ALL, folder)
    assert contents(folder) == before


def test_begun_in_other_units(begun: Path, folder: Path) -> None:
    edited(units=3)(begun)
    with refused("an enumeration in 3 units, not"):
        enumerate_dataset(ALL, begun)
    edited(versions={})(begun)
    with refused("begun with other versions"):
        enumerate_dataset(ALL, begun)


# --- the command ------------------------------------------------------------------------------


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What pictures are asked for; nothing is drawn."""
    pictures: list[Any] = []
    monkeypatch.setattr(
        "data.jobs.plot_thresholds",
        lambda thresholds, scale, stem, counts: pictures.append(
            (np.repeat(thresholds, counts), scale, stem)
        ),
    )
    return pictures


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    drawn: list[Any],
) -> Callable[..., tuple[int, str, list[str]]]:
    """Run a command line; return the exit code, stdout, and the lines of stderr but progress."""
    monkeypatch.chdir(tmp_path)

    def called(words: str) -> tuple[int, str, list[str]]:
        monkeypatch.setattr(sys, "argv", ["pipeline.py", *words.split()])
        with pytest.raises(SystemExit) as end:
            pipeline.main()
        out, err = capsys.readouterr()
        lines = [line for line in err.splitlines() if not re.match("enumerate: |$", line)]
        assert isinstance(end.value.code, int)
        return end.value.code, out, lines

    return called


def test_the_command(
    call: Any, tmp_path: Path, finished: Callable[[str], Path], drawn: list[Any]
) -> None:
    code, out, errors = call("enumerate -n 3 -k 2 --out all --workers 2")
    assert (code, errors) == (0, [])
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["threshold", "classes", "strongly", "connected", "irreducible", "basic"]
    known = COUNTS["binary_n3"]["per_reset_threshold"]
    for threshold, row in known.items():
        found = next(cells for cells in rows if cells[0] == threshold)
        assert [int(cell) for cell in found[1:4]] == [row["all"], row["sc"], row["irr"]]
    assert rows[1][:4] == ["-1", "23", "8", "0"]
    assert ["all", "74", "29"] in [cells[:3] for cells in rows]
    for line in ("classes: 74", "classes by Burnside's lemma: 74", r"nodes: \d+", r"seconds: .*"):
        assert re.search(f"^{line}$", out, re.MULTILINE)
    assert contents(tmp_path / "all") == contents(finished("all"))
    assert (tmp_path / "all" / "run.json").exists()
    expected = read_dataset(tmp_path / "all").reset_thresholds
    thresholds, scale, stem = drawn.pop()
    assert (scale, stem) == (Scale(3, 2), Path("all/thresholds"))
    assert np.array_equal(np.sort(thresholds), np.sort(expected))
    code, out, _ = call("enumerate -n 3 -k 2 --out all --json")  # again
    printed = json.loads(out)
    assert (code, printed["classes"], "seconds" in printed) == (0, 74, False)
    assert printed["counts"] == read_manifest(tmp_path / "all")["totals"]["counts"]
    assert contents(tmp_path / "all") == contents(finished("all"))


def test_the_command_for_partial_automata(
    call: Any, tmp_path: Path, finished: Callable[[str], Path], drawn: list[Any]
) -> None:
    code, out, errors = call("enumerate -n 4 -k 2 --partial --at-least 5 --out long --workers 2")
    assert (code, errors) == (0, [])
    counts = [129, 40, 17, 5, 2]
    rows = [line.split()[:2] for line in out.splitlines()[1:6]]
    assert rows == [[str(t), str(count)] for t, count in enumerate(counts, 5)]
    assert contents(tmp_path / "long") == contents(finished("partial, long"))
    assert drawn.pop()[1:] == (Scale(4, 2, partial=True), Path("long/thresholds"))
    code, out, errors = call("enumerate -n 4 -k 2 --at-least 5 --out long")
    assert (code, out, len(errors)) == (3, "", 1)
    assert "--force discards it" in errors[0]


def test_other_folders_are_refused_unless_forced(
    call: Any, tmp_path: Path, drawn: list[Any]
) -> None:
    assert call("enumerate -n 3 -k 2 --out some --class sink")[0] == 0
    assert 0 < len(read_dataset(tmp_path / "some")) < 74
    before = contents(tmp_path / "some")
    (tmp_path / "some" / "notes.txt").write_text("mine")
    (tmp_path / "some" / buffer.PENDING).write_bytes(b"left")
    for words in ("enumerate -n 4", "enumerate -n 3 --no-rows --class sink", "generate -n 3"):
        code, out, errors = call(f"{words} -k 2 --out some")
        assert (code, out, len(errors)) == (3, "", 1)
        assert "--force discards it" in errors[0]
    assert contents(tmp_path / "some").items() >= before.items()
    (tmp_path / "some" / "thresholds.png").touch()
    drawn.clear()
    code, out, errors = call("enumerate -n 3 -k 2 --no-rows --out some --force")
    assert (code, errors, drawn) == (0, [], [])
    assert {*contents(tmp_path / "some")} == {"manifest.json", "counts.csv", "notes.txt"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("-n 12 --out new", 2, r"n=12 is not in 1\.\.11"),
        ("-n 10 --out new --force", 2, "n=10 is over the limit of 9 states for at-least=0"),
        ("-n 3 -k 9 --out new", 2, r"k=9 is not in 1\.\.6"),
        ("-n 3 --at-least -1 --out new", 2, "at-least=-1 is not in"),
        ("-n 3 --class odd --out new", 2, "unknown class 'odd'"),
        ("-n 3", 2, "--out"),
        ("-n 3 --workers 0 --out new", 2, "--workers"),
        ("-n 3 --out file", 3, "file: not a folder"),
        ("--out new", 2, "n=8, k=2: all 3,540,691,525 automata would be written. --at-least T "),
        ("--partial --out new", 2, "n=8, k=2: all 23,382,665,063 automata would be written"),
        ("-n 6 -k 3 --out new", 2, "--no-rows counts alone, .*; --at-least 0 writes them all"),
    ],
)
def test_bad_usage(call: Any, tmp_path: Path, words: str, code: int, message: str) -> None:
    (tmp_path / "file").touch()
    found, out, errors = call(
        f"enumerate -k 2 {words}" if "-k" not in words else f"enumerate {words}"
    )
    assert (found, out, len(errors)) == (code, "", 1)
    assert re.search(message, errors[0])
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "words", ["", "-n 7", "--at-least 0", "--at-least 36", "--no-rows", "--class sink"]
)
def test_billions_of_rows_are_written_when_asked_for(
    call: Any, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    begun: list[EnumerateConfig] = []

    def begin(config: EnumerateConfig, out: Path, **_: object) -> None:
        begun.append(config)
        raise KeyboardInterrupt

    monkeypatch.setattr("data.jobs.run_enumerate", begin)
    code, out, _ = call(f"enumerate {words} --out new")
    assert (code, out, len(begun)) == ((130, "", 1) if words else (2, "", 0))


def test_interrupted_command(
    call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, finished: Callable[[str], Path]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_commit", interrupted)
        said = "Error: interrupted: the same command goes on from here"
        assert call("enumerate -n 3 -k 2 --out new") == (130, "", [said])
    assert {*contents(tmp_path / "new")} == {"manifest.json", buffer.PENDING}
    assert call("enumerate -n 3 -k 2 --out new")[0] == 0
    assert contents(finished("all")).items() <= contents(tmp_path / "new").items()


def test_a_threshold_above_the_bound_is_announced_and_kept(
    call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    original = Enumeration.run_part

    def longer(found: Found) -> Found:
        lengths = np.where(found.reset_thresholds == 9, 10, found.reset_thresholds)
        return found._replace(reset_thresholds=lengths.astype(np.int32))

    def too_long(*args: Any) -> Any:
        found, rest = original(*args)
        return [*map(longer, found)], rest

    monkeypatch.setattr(Enumeration, "run_part", too_long)
    code, out, errors = call("enumerate -n 4 -k 2 --at-least 8 --out new")
    assert code == 0
    assert re.match("ABOVE THE ČERNÝ BOUND: 2 automata with n=4 .* up to 10 > 9", errors[0])
    with refused("row 1: threshold 10, but 9 is found"):
        read_dataset(tmp_path / "new")
    solve = recheck.thresholds_of
    monkeypatch.setattr(
        recheck, "thresholds_of", lambda *a, **b: np.where((t := solve(*a, **b)) == 9, 10, t)
    )
    assert sorted(read_dataset(tmp_path / "new").reset_thresholds) == [8] * 5 + [10] * 2


def test_no_automaton_is_a_finding(call: Any, tmp_path: Path) -> None:
    code, out, errors = call("enumerate -n 3 -k 2 --at-least 5 --out none")
    assert (code, errors) == (0, [])
    assert re.search(r"^ +all +0 +0 +0 +0$", out, re.MULTILINE)
    data = read_dataset(tmp_path / "none")
    assert (len(data), data.n, data.k) == (0, 3, 2)
    assert call("enumerate -n 3 -k 2 --at-least 10000 --out none --force")[0] == 0
    assert len(read_dataset(tmp_path / "none")) == 0
