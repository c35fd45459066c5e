"""Steps whose checksums are right but whose contents are not: refused in one line."""

import json
import shutil
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from automata.canonical import canonical_forms, from_canonical
from data.files import sha256
from search.discovery import found, saved
from search.discovery.config import DiscoverConfig
from search.discovery.engine import Engine
from search.discovery.leaps import LeapConfig
from search.discovery.learner import LearnConfig
from search.discovery.saved import load_step, read_step
from search.discovery.step import Steps
from tests.damaging import put, refused

CONFIG = DiscoverConfig(
    least=3, most=6, start_to=4, start_budget=300, budget=120, first_look=60, parents=60,
    generation=32, learn=LearnConfig(elites=60), leap=LeapConfig(batch=8),
)  # fmt: skip
ARM, N = "insertion", 6


def engine(folder: Path) -> Engine:
    return Engine(CONFIG, ARM, 0, folder, device=torch.device("cpu"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of an arm without a model, not to be changed."""
    folder = tmp_path_factory.mktemp("run")
    engine(folder).run()
    return folder


@pytest.fixture
def seed(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it; nothing in it has been solved by this process."""
    monkeypatch.setattr(saved, "_solved", set())
    return Path(shutil.copytree(run, tmp_path / "seed"))


@pytest.fixture
def folder(seed: Path) -> Path:
    """The folder of its last step."""
    return seed / ARM / f"n-{N:02}"


def put_right(folder: Path) -> None:
    """Put the checksums of a step right."""
    sums = json.loads((folder / "checksums.json").read_text())
    sums = {name: sha256(folder / name) for name in sums}
    (folder / "checksums.json").write_text(json.dumps(sums))


def change_facts(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    facts = json.loads((folder / "step.json").read_text())
    change(facts)
    (folder / "step.json").write_text(json.dumps(facts))
    put_right(folder)


def change_columns(folder: Path, **changes: Any) -> None:
    """Write other columns; a callable gets the column there is, None leaves one out."""
    with np.load(folder / "found.npz") as archive:
        columns = dict(archive)
    for name, change in changes.items():
        if change is None:
            del columns[name]
        else:
            columns[name] = change(columns[name].copy()) if callable(change) else change
    np.savez_compressed(folder / "found.npz", **columns)
    put_right(folder)


def with_row(row: int, value: Any) -> Callable[[Any], Any]:
    def change(column: Any) -> Any:
        column[row] = value
        return column

    return change


def read(seed: Path, n: int = N) -> Steps:
    """Read the steps of a run up to a size."""
    steps: Steps = {}
    for size in range(CONFIG.least, n + 1):
        place = seed / ("start" if size <= CONFIG.start_to else ARM) / f"n-{size:02}"
        step = read_step(place, CONFIG, size, steps)
        assert step is not None
        steps[size] = step
    return steps


def test_what_was_written_is_read(seed: Path) -> None:
    steps = read(seed)
    assert [*steps] == [3, 4, 5, 6]
    assert all(len(step.forms) for step in steps.values())
    assert any((step.parents >= 0).any() for step in steps.values())


def test_labels_are_computed_again(seed: Path, folder: Path) -> None:
    step = load_step(folder)
    assert step is not None
    saved._solved.clear()
    for row, value in [(0, step.thresholds[0] + 1), (3, -5), (5, 2**31 - 1), (2, -1)]:
        change_columns(folder, thresholds=with_row(row, value))
        with refused(f"row {row + 1}: threshold {value}, but {step.thresholds[row]} is found"):
            read(seed)
        change_columns(folder, thresholds=step.thresholds)
    with refused("threshold"):
        change_columns(folder, thresholds=lambda column: column[::-1])
        engine(seed).run()


def test_they_are_computed_again_once(seed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[Path] = []
    check = saved.check_automata

    def counted(path: Path, *rest: Any, **kind: bool) -> None:
        checked.append(path)
        check(path, *rest, **kind)

    monkeypatch.setattr(saved, "check_automata", counted)
    for _ in range(2):
        read(seed)
    assert len(checked) == len({*checked}) == 4
    engine(seed.parent / "new").run()  # what it made itself
    assert len(checked) == 4


def swapped(column: Any) -> Any:
    """Forms of isomorphic automata that are not canonical."""
    deltas = from_canonical(column, N, 2)
    return np.concatenate([deltas[:1, ::-1].transpose(0, 2, 1).reshape(1, -1), column[1:]])


COLUMNS: dict[str, tuple[dict[str, Any], str]] = {
    "another type": ({"thresholds": lambda c: c.astype(np.int64)}, "of another type or shape"),
    "a bigger end": ({"thresholds": lambda c: c.astype(">i4")}, "of another type or shape"),
    "another shape": ({"parents": lambda c: c[:, :, 0]}, "of another type or shape"),
    "scalar": ({"alpha": np.float64(1)}, "of another type or shape"),
    "wide forms": ({"forms": lambda c: np.pad(c, ((0, 0), (0, 1)))}, "of another type or shape"),
    "columns first": ({"forms": np.asfortranarray}, "of another type or shape"),
    "fewer rows": ({"alpha": lambda c: c[1:]}, "rows, but [0-9]+ are wanted"),
    "more rows": ({"repaired": lambda c: np.append(c, 0)}, "rows, but [0-9]+ are wanted"),
    "a column less": ({"alpha": None}, "does not hold"),
    "a column more": ({"mine": np.zeros(3)}, "does not hold"),
    "objects": ({"alpha": lambda c: c.astype(object)}, "of another type or shape"),
    "texts": ({"alpha": lambda c: c.astype("U9")}, "of another type or shape"),
    "fields": ({"alpha": lambda c: c.view([("a", "f8")])}, "of another type or shape"),
    "one form twice": ({"forms": lambda c: np.concatenate([c[:1], c[:-1]])}, "twice"),
    "no states": ({"forms": with_row(0, 200)}, "outside"),
    "not canonical": ({"forms": swapped}, "not in canonical form"),
    "found before any call": ({"found_at": with_row(0, 0)}, "found_at 0 cannot be"),
    "found before": ({"found_at": lambda c: c[::-1]}, "found_at [0-9]+ cannot be"),
    "found long before": ({"found_at": with_row(-1, -(2**63))}, "found_at -[0-9]+ cannot be"),
    "found later": ({"found_at": with_row(-1, 10**9)}, "found_at 1000000000 cannot be"),
    "another source": ({"sources": with_row(0, 7)}, "sources 7 cannot be"),
    "evolved at once": ({"sources": with_row(0, 1)}, "sources 1 cannot be"),
    "half a parent": ({"parents": with_row(0, [[5, -1], [-1, -1]])}, r"parents .* cannot be"),
    "a larger parent": ({"parents": with_row(0, [[6, 0], [-1, -1]])}, r"parents .* cannot be"),
    "a parent of no size": ({"parents": with_row(0, [[0, 0], [-1, -1]])}, r"parents .* cannot be"),
    "no such parent": ({"parents": with_row(0, [[5, 10**6], [-1, -1]])}, "parents that no smaller"),
    "a parent too small": ({"parents": with_row(0, [[2, 0], [-1, -1]])}, "parents that no smaller"),
    "beyond the path": ({"alpha": with_row(0, 1.5)}, "alpha 1.5 cannot be"),
    "infinitely far": ({"alpha": with_row(0, -np.inf)}, "alpha -inf cannot be"),
    "repaired below": ({"repaired": with_row(0, -1)}, "repaired -1 cannot be"),
    "repaired all over": ({"repaired": with_row(0, 13)}, "repaired 13 cannot be"),
}  # fmt: skip


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_that_cannot_be(seed: Path, folder: Path, name: str) -> None:
    changes, message = COLUMNS[name]
    change_columns(folder, **changes)
    with refused(rf"found\.npz: .*{message}"):
        read(seed)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *[("n", value) for value in (True, 0, 65, 10**9, 6.0, "6", 5)],
        *[("k", value) for value in (0, 7, False, 1, 3)],
        *[("calls", value) for value in (-1, 10**10, True, 1, 10**6)],
        *[("first_look", value) for value in (-1, 121, 1.0)],
        *[("trace", value) for value in ("", 5, "0" * 65)],
        *[("tallies", value) for value in ({}, [], [[]], 3, [{}])],
        *[("tallies.0.source", value) for value in ("evolve", "", 3, "\x1b[2J", "x" * 99)],
        *[("tallies.0.calls", value) for value in (-1, True, 0, 10**9)],
        *[("tallies.0.valid", value) for value in (0, 10**16, 1.5)],
        *[("tallies.0.proposed", value) for value in (0, None)],
        ("more", 1),
        ("tallies.0.more", 1),
        *[(name, None) for name in ("n", "calls", "tallies", "trace")],
    ],
)
def test_facts_that_cannot_be(seed: Path, folder: Path, place: str, value: Any) -> None:
    change_facts(folder, put(place, value))
    with refused("n-06"):
        read(seed)


def test_a_step_of_another_run(seed: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(seed / ARM / "n-05", folder)
    with refused("a step with n=5, k=2, .* not n=6"):
        read(seed)


@pytest.mark.parametrize(
    "content",
    ["[]", "3", "{", '{"train": NaN}', '{"train": -1}', '{"train": true}', '{"dream": 1}'],
)
def test_times_that_cannot_be(seed: Path, folder: Path, content: str) -> None:
    (folder / "seconds.json").write_text(content)
    with refused(r"seconds\.json: not "):
        read(seed)


def test_zip_files_of_other_kinds(seed: Path, folder: Path) -> None:
    path = folder / "found.npz"
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for content in (b"", b"PK\x05\x06" + bytes(18), whole[:-30], whole[:200], b"PK" + whole[30:]):
        path.write_bytes(content)
        put_right(folder)
        with refused(r"found\.npz: not the finds of a step"):
            read(seed)
    repeated = [*parts.items(), ("alpha.npy", parts["alpha.npy"])]
    pickled = {**parts, "alpha.npy": np.lib.format.magic(1, 0) + b"\x80\x04N."}
    longer = {**parts, "alpha.npy": parts["alpha.npy"] + bytes(8)}
    shorter = {**parts, "alpha.npy": parts["alpha.npy"][:-1]}
    later = {**parts, "alpha.npy": np.lib.format.magic(3, 0) + parts["alpha.npy"][8:]}
    for entries in (repeated, *(other.items() for other in (pickled, longer, shorter, later))):
        with pytest.warns(UserWarning) if entries is repeated else nullcontext():
            with zipfile.ZipFile(path, "w") as archive:
                for name, content in entries:
                    archive.writestr(name, content)
        put_right(folder)
        with refused(r"found\.npz: not the finds of a step"):
            read(seed)


def test_a_bomb_is_refused_before_it_is_unpacked(
    seed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file that says it holds a hundred million rows: only the first block is unpacked."""
    rows = 10**8
    change_facts(folder, put("calls", rows))
    change_facts(folder, lambda facts: facts.update(tallies=[
        {"source": "evolve", "proposed": rows, "valid": rows, "calls": rows}
    ]))  # fmt: skip
    header = np.lib.format.magic(1, 0)
    text = str({"descr": "|u1", "fortran_order": False, "shape": (rows, 2 * N)}).encode()
    header += len(text).to_bytes(2, "little") + text
    with zipfile.ZipFile(folder / "found.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("forms.npy", "w") as stream:
            stream.write(header)
            for _ in range(40):
                stream.write(bytes(10**6))
        for name in ("thresholds", "found_at", "sources", "parents", "alpha", "repaired"):
            archive.writestr(f"{name}.npy", b"")
    put_right(folder)
    unpacked: list[int] = []
    blocks = found._blocks

    def counted(*rest: Any) -> Any:
        for block in blocks(*rest):
            unpacked.append(len(block))
            yield block

    monkeypatch.setattr(found, "_blocks", counted)
    with refused("the same automaton twice"):
        load_step(folder)
    assert unpacked == [1 << 16]


def test_automata_outside_the_classes(seed: Path) -> None:
    config = replace(CONFIG, classes=("eulerian",))
    with refused("not of the classes of the run"):
        read_step(seed / "start" / "n-04", config, 4, {})


def test_what_does_not_synchronize(seed: Path, folder: Path) -> None:
    identity = np.tile(np.arange(N, dtype=np.uint8)[:, None], (1, 2)).reshape(1, -1)
    form = canonical_forms(from_canonical(identity, N, 2))
    change_columns(folder, forms=with_row(0, form[0]), thresholds=with_row(0, -1))
    with refused("not of the classes of the run"):
        read(seed)
