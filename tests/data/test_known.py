"""The forms that a dataset has, in bounded memory: against sets, and against what is on disk."""

import errno
import hashlib
import signal
import subprocess
import sys
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automata import canonical_forms
from automata.row_filter import RowFilter
from automata.row_index import Rows, hash_rows
from automata.sampling import sample_synchronizing, sample_uniform
from data import generate as generate_module
from data import known as module
from data.best_known import Scale
from data.damage import DataError
from data.dataset import Dataset, read_dataset, shard_path, write_shard
from data.generate import GenerateConfig, generate
from data.jobs import run_generate
from data.known import KnownForms
from data.manifest import read_manifest, shard_name, write_manifest
from data.plots import plot_thresholds
from data.streams import stream
from tests.folders import contents

ROOT = Path(__file__).parents[2]


# --- the filter -------------------------------------------------------------------------------


@pytest.mark.parametrize("expected", [0, 1, 1000, 10**5])
def test_what_was_added_always_passes(expected: int) -> None:
    hashes = np.random.default_rng(0).integers(0, 2**64, 20_000, dtype=np.uint64)
    known = RowFilter(expected)
    for part in np.array_split(hashes[:10_000], 7):
        known.add(part)
        assert known.may_hold(part).all()
    assert known.may_hold(hashes[:10_000]).all()
    if expected >= 1000:
        passed = np.mean(known.may_hold(hashes[10_000:]))
        assert passed < (0.6 if expected == 1000 else 1e-3)


def test_a_filter_has_a_size_of_its_own() -> None:
    assert RowFilter(0).nbytes == 16
    assert RowFilter(10**7).nbytes == 2**25
    assert RowFilter(10**12).nbytes == 2**27
    assert not RowFilter(10**12).may_hold(np.arange(9, dtype=np.uint64)).any()


# --- exact, whatever the hashes ---------------------------------------------------------------


def equal_hashes(rows: Rows) -> Any:
    return np.full(len(rows), 2**63, np.uint64)


def few_hashes(rows: Rows) -> Any:
    return (rows[:, 0].astype(np.uint64) % np.uint64(3)) << np.uint64(62)


@st.composite
def batches(draw: st.DrawFn) -> list[list[bytes] | None]:
    """Batches of rows of few values, so that rows repeat; None: a shard ends."""
    row = st.lists(st.sampled_from([0, 1, 7, 255]), min_size=3, max_size=3).map(bytes)
    return draw(st.lists(st.none() | st.lists(row, max_size=25), max_size=12))


@pytest.mark.parametrize("hashed", [hash_rows, equal_hashes, few_hashes])
@settings(max_examples=60)
@given(batches())
def test_against_a_set(hashed: Callable[[Rows], Any], drawn: list[list[bytes] | None]) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as folder,
        KnownForms(Path(folder), 3, 10) as known,
    ):
        patch.setattr(module, "hash_rows", hashed)
        seen: set[bytes] = set()
        recent: list[bytes] = []
        for batch in drawn:
            if batch is None:
                known.store()
                recent = []
                continue
            rows = np.frombuffer(b"".join(batch), np.uint8).reshape(-1, 3)
            assert known.holds(rows).tolist() == [row in seen for row in batch]
            fresh = [row for row in dict.fromkeys(batch) if row not in seen]
            known.add(np.frombuffer(b"".join(fresh), np.uint8).reshape(-1, 3))
            recent += fresh
            seen |= {*batch}
            assert [bytes(row) for row in known.recent] == recent
            assert known.holds(rows).all()


def test_a_filter_that_lets_all_pass_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = GenerateConfig(n=4, count=1200, shard_rows=100)
    generate(config, tmp_path / "with")
    monkeypatch.setattr(RowFilter, "may_hold", lambda self, hashes: np.ones(len(hashes), np.bool_))
    generate(config, tmp_path / "without")
    assert contents(tmp_path / "with") == contents(tmp_path / "without")


# --- bounded ----------------------------------------------------------------------------------


def peak_of(rows: int, shards: int, folder: Path) -> int:
    """The peak of memory in bytes while `rows` rows are added in `shards` shards."""
    tracemalloc.start()
    with KnownForms(folder, 16, rows) as known:
        for shard in range(shards):
            part = np.zeros((rows // shards, 16), np.uint8)
            part[:, :8] = (shard * len(part) + np.arange(len(part)))[:, None].view(np.uint8)
            known.add(part)
            known.store()
        assert known.holds(part).all()
        part[:, 15] = 1
        assert not known.holds(part).any()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_is_that_of_a_shard(tmp_path: Path) -> None:
    few = peak_of(60_000, 4, tmp_path)
    many = peak_of(600_000, 40, tmp_path)
    assert many < 2 * few + RowFilter(600_000).nbytes
    assert many < 600_000 * 16


PEAK = """
import sys
from pathlib import Path
from data.generate import GenerateConfig
from data.jobs import run_generate
from tests.peaks import peak_bytes

run_generate(GenerateConfig(count=int(sys.argv[1])), Path(sys.argv[2]), workers=2, force=False)
print(peak_bytes())
"""


@pytest.mark.exhaustive
def test_ten_million_rows(tmp_path: Path) -> None:
    peaks = []
    for count in (10**6, 10**7):
        command = [sys.executable, "-c", PEAK, str(count), tmp_path / str(count)]
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr[-2000:]
        peaks.append(int(answer.stdout) >> 20)
    assert peaks[1] < 600  # MiB
    assert peaks[1] < 1.25 * peaks[0]


# --- files ------------------------------------------------------------------------------------


def rows(first: int, count: int = 1000) -> Rows:
    return (first + np.arange(count, dtype=np.uint64))[:, None].view(np.uint8)


def test_no_file_is_left(tmp_path: Path) -> None:
    with KnownForms(tmp_path, 8, 10) as known:
        for first in (0, 1000, 2000):
            known.add(rows(first))
            known.store()
            assert all(path.suffix == ".tmp" for path in tmp_path.iterdir())
    assert not [*tmp_path.iterdir()]
    with pytest.raises(KeyboardInterrupt), KnownForms(tmp_path, 8, 10) as known:
        known.add(rows(0))
        known.store()
        raise KeyboardInterrupt
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("unnamed", [True, False])
def test_a_killed_process_leaves_nothing(tmp_path: Path, unnamed: bool) -> None:
    script = f"""
import os, signal
if not {unnamed}:  # elsewhere a file has a name, if only for a moment
    del os.O_TMPFILE
from pathlib import Path
from data.known import KnownForms
from tests.data.test_known import rows

known = KnownForms(Path({str(tmp_path)!r}), 8, 10)
known.add(rows(0))
known.store()
os.kill(os.getpid(), signal.SIGKILL)
"""
    answer = subprocess.run([sys.executable, "-c", script], cwd=ROOT)
    assert answer.returncode == -signal.SIGKILL
    assert not [*tmp_path.iterdir()]


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.tempfile, "TemporaryFile", lambda **_: open("/dev/full", "w+b"))
    with (
        pytest.raises(OSError, match="No space left") as error,
        KnownForms(tmp_path, 8, 9) as known,
    ):
        known.add(rows(0))
        known.store()
    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(tmp_path))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(OSError, match="No such file") as error, KnownForms(gone, 8, 9) as known:
        known.add(rows(0))
        known.store()
    assert error.value.filename == str(gone)
    assert not gone.exists()


# --- datasets ---------------------------------------------------------------------------------


def naive_shards(config: GenerateConfig, draw: int) -> list[tuple[list[bytes], int]]:
    """What each shard holds, and its solver calls: all known forms in one set."""
    known: set[bytes] = set()
    shards = []
    for index, start in enumerate(range(0, config.count, config.shard_rows)):
        rng = stream(config.seed, "generate", index)
        wanted = min(config.shard_rows, config.count - start)
        sample = {"uniform": sample_uniform, "synchronizing": sample_synchronizing}[config.sampler]
        kept: list[bytes] = []
        calls = 0
        while len(kept) < wanted:
            forms = [*map(bytes, canonical_forms(sample(rng, draw, config.n, config.k)))]
            fresh = [form for form in dict.fromkeys(forms) if form not in known]
            calls += len(fresh)
            if not fresh:
                break
            own = fresh[: wanted - len(kept)]
            known |= {*own}
            kept += own
        if not kept:
            break
        shards.append((kept, calls))
        if len(kept) < wanted:
            break
    return shards


@pytest.mark.parametrize(
    "config",
    [
        GenerateConfig(n=4, count=900, shard_rows=70, seed=2),
        GenerateConfig(n=3, count=200, shard_rows=9),  # all 74 that there are
        GenerateConfig(n=5, count=700, shard_rows=100, sampler="synchronizing"),
        GenerateConfig(n=3, k=3, count=300, shard_rows=299),
    ],
)
def test_shards_are_those_of_one_set(
    config: GenerateConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate_module, "_DRAW", 64)
    manifest, _ = generate(config, tmp_path)
    data = read_dataset(tmp_path)
    expected = naive_shards(config, 64)
    assert [shard["calls"] for shard in manifest["shards"]] == [calls for _, calls in expected]
    assert [*map(bytes, data.forms)] == [form for kept, _ in expected for form in kept]
    before = contents(tmp_path)
    for index in (0, len(expected) // 2, len(expected) - 1):  # what is made again is the same
        shard_path(tmp_path, index).unlink()
        generate(config, tmp_path)
        assert contents(tmp_path) == before


def test_a_shard_that_repeats_another_is_damage(tmp_path: Path) -> None:
    config = GenerateConfig(n=5, count=300, shard_rows=100)
    manifest, _ = generate(config, tmp_path)
    data = read_dataset(tmp_path)
    cases = [
        ([*range(100, 199), 5], "100 rows, but only 99 new classes"),  # of another
        ([*range(100, 199), 100], "the same automaton twice"),  # of its own
    ]
    for repeated, message in cases:
        entry = write_shard(tmp_path, 1, data.take(np.array(repeated)))
        manifest["shards"][1] |= entry
        write_manifest(tmp_path, manifest)
        with pytest.raises(DataError, match=f"part-000001.parquet: {message}"):
            generate(config, tmp_path)


# --- what comes out beside the files ----------------------------------------------------------

COUNTED = [
    GenerateConfig(n=5, count=700, shard_rows=90),
    GenerateConfig(n=3, count=400, shard_rows=30),  # exhausted
    GenerateConfig(n=5, count=300, shard_rows=90, sampler="evolved", calls=500),
]


@pytest.mark.parametrize("config", COUNTED)
def test_thresholds_are_counted_as_shards_are_made_or_read(
    config: GenerateConfig, tmp_path: Path
) -> None:
    made = generate(config, tmp_path)
    assert made.manifest == read_manifest(tmp_path)
    labels = read_dataset(tmp_path).reset_thresholds.tolist()
    assert made.thresholds == Counter(labels)
    for missing in ([], [0], [1, 2]):
        for index in missing:
            shard_path(tmp_path, index).unlink()
        assert generate(config, tmp_path) == made


def test_what_was_written_is_not_read_again(tmp_path: Path) -> None:
    """It is written under another name: who opens it by its own reads it."""
    config = "GenerateConfig(n=4, count=200, shard_rows=90)"
    code = f"""
import sys
from pathlib import Path
from data.configs import GenerateConfig
from data.jobs import run_generate

def note(event, given):
    if event == "open" and str(given[0]).endswith(".parquet"):
        print("opened", Path(given[0]).name)

sys.addaudithook(note)
for _ in range(2):
    run_generate({config}, Path({str(tmp_path / "new")!r}), workers=1, force=False)
    print("made")
"""
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    first, *second, last = answer.stdout.splitlines()
    assert (first, last) == ("made", "made")
    shards = len(read_manifest(tmp_path / "new")["shards"])
    assert {*second} == {f"opened {shard_name(index)}" for index in range(shards)}


def test_the_recorded_hash_is_that_of_the_file(tmp_path: Path) -> None:
    data = Dataset(
        np.array([[[1, 2, 0], [0, 1, 0]]], np.uint8), np.array([4], np.int32), np.array(["uniform"])
    )
    entry = write_shard(tmp_path, 0, data)
    content = (tmp_path / entry["file"]).read_bytes()
    assert entry["sha256"] == hashlib.sha256(content).hexdigest()


def test_the_summary_of_generate(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.best_known.cerny_bound", lambda n: 9)
    result = run_generate(
        GenerateConfig(n=5, count=800, shard_rows=90), tmp_path / "a", workers=1, force=False
    )
    summary = result.as_json()
    labels = read_dataset(tmp_path / "a").reset_thresholds
    assert summary["rows (distinct classes)"] == len(labels) == 800
    assert summary["rows by reset threshold"] == {
        threshold: int((labels == threshold).sum()) for threshold in sorted({*labels.tolist()})
    }
    above = labels[labels > 9]
    assert len(above) > 0
    said = f"{len(above)} automata with n=5 and thresholds up to {above.max()} > 9, in {tmp_path}"
    assert said in capsys.readouterr().err
    plot_thresholds(labels, Scale(5, 2), tmp_path / "whole")
    svg = (tmp_path / "a" / "thresholds.svg").read_bytes()
    assert svg == (tmp_path / "whole.svg").read_bytes()
