"""The files that are damaged: what damages each, who reads it, how its checksums are put right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults import readers, state_readers
from tests.faults.forms import FORMS, SAMPLES, known_forms
from tests.faults.mutate import Mutation, damaged_bytes, damaged_json, damaged_text
from tests.faults.mutate_files import (
    damaged_archive,
    damaged_checkpoint,
    damaged_json_line,
    damaged_npz,
    damaged_parquet,
    damaged_safetensors,
    damaged_state,
)
from tests.faults.readers import Reader
from tests.faults.world import HALF_LINE, PENDING_LINE, STEP_LINE, TINY_LINE, world

Seal = Callable[[Path], None]
_STEP = "discover/seed-0/mix/n-05"
_JSON = (damaged_bytes, damaged_text, damaged_json, damaged_json, damaged_json)
_TEXT = (damaged_bytes, damaged_text, damaged_text)


class Format(NamedTuple):
    """A file of a folder."""

    name: str
    inputs: tuple[str, ...]
    """Of the world."""
    path: str
    damage: tuple[Mutation, ...]
    readers: tuple[Reader, ...]
    seal: Seal | None = None
    """Puts the checksums right, in the folder of the inputs."""


@cache
def formats() -> Sequence[Format]:
    """All of them."""
    _write_texts(world())
    return [*_datasets(), *_enumerations(), *_models(), *_runs(), *_discoveries(), *_others(),
            *_texts()]  # fmt: skip


def _datasets() -> Sequence[Format]:
    rows = (readers.dataset("data"), readers.report("data", share=0.1))
    seal = _sealed_manifest("data")
    return [
        Format("manifest.json", ("data",), "data/manifest.json", _JSON, rows, seal),
        Format(
            "part-000001.parquet", ("data",), "data/part-000001.parquet",
            (damaged_bytes, damaged_parquet), rows, seal,
        ),
        Format("run.json of a dataset", ("data",), "data/run.json", _JSON,
               (readers.report("data"),)),
    ]  # fmt: skip


def _enumerations() -> Sequence[Format]:
    seal = _sealed_manifest("tiny")
    rows = (readers.dataset("tiny"), readers.report("tiny", share=0.1))
    again = readers.command(f"{TINY_LINE} --out tiny --json")
    counted = readers.command("enumerate -n 4 -k 2 --no-rows --workers 1 --json --out counts")
    table = readers.command(
        "enumerate -n 4 -k 2 --no-rows --workers 1 --json --out counts", keep="counts"
    )
    return [
        Format("manifest.json of an enumeration", ("tiny",), "tiny/manifest.json", _JSON,
               (*rows, again), seal),
        Format("shard of an enumeration", ("tiny",), "tiny/part-000000.parquet",
               (damaged_bytes, damaged_parquet), rows, seal),
        Format("manifest.json of counts alone", ("counts",), "counts/manifest.json", _JSON,
               (counted, readers.report("counts", share=0.1)), _sealed_manifest("counts")),
        Format("counts.csv", ("counts",), "counts/counts.csv", _TEXT, (table,)),
        Format("pending.parquet", ("begun",), "begun/pending.parquet", (damaged_bytes,),
               (readers.command(PENDING_LINE, keep="begun"),)),
        Format("pending.parquet, whole but changed", ("begun",), "begun/pending.parquet",
               (damaged_state, damaged_parquet), (_resumed(),)),
    ]  # fmt: skip


def _resumed() -> Reader:
    """An enumeration that goes on: its rows must be true."""
    rows = readers.dataset("begun")

    def read(folder: Path) -> str:
        readers.run(PENDING_LINE)
        return rows.read(folder)

    return Reader("enumerate", read, rows.false, vouched=False)


def _models() -> Sequence[Format]:
    seal = _sealed_checksums("model")
    loaded = state_readers.model("model")
    shown = readers.report("model")
    page = ("model", "data")
    evaluated = readers.command(
        "evaluate --model model --data data --workers 1", share=0.01, false=state_readers.not_finite
    )
    return [
        Format("config.json", ("model",), "model/config.json", _JSON, (loaded,), seal),
        Format("model.safetensors", page, "model/model.safetensors",
               (damaged_bytes, damaged_safetensors), (loaded, evaluated), seal),
        Format("checksums.json", ("model",), "model/checksums.json", _JSON, (loaded,)),
        Format("metrics.csv", page, "model/metrics.csv", _TEXT, (shown,), seal),
        Format("evaluation.json", page, "model/evaluation.json", _JSON, (shown,),
               _sealed_json("model/evaluation.json")),
        Format("attributes.csv", page, "model/attributes.csv", _TEXT, (shown,), _sealed_attributes),
        Format("run.json of a model", page, "model/run.json", _JSON, (shown,)),
        Format("resume.pt", ("half", "data"), "half/resume.pt",
               (damaged_bytes, damaged_checkpoint, damaged_checkpoint),
               (state_readers.resumable("half"),
                state_readers.trained(HALF_LINE, "half", share=0.02)), _sealed_checksums("half")),
    ]  # fmt: skip


def _runs() -> Sequence[Format]:
    table = (
        readers.verified("search/candidates.csv"),
        readers.solved("search/candidates.csv", "csv"),
    )
    shown = readers.report("evolve")
    seal = _sealed_checksums("evolve")
    return [
        Format("candidates.csv", ("search",), "search/candidates.csv", _TEXT, table,
               _sealed_checksums("search")),
        Format("candidates.csv on a page", ("evolve",), "evolve/candidates.csv", _TEXT, (shown,),
               seal),
        Format("summary.csv", ("evolve",), "evolve/summary.csv", _TEXT, (shown,), seal),
        Format("run.json of a search", ("evolve",), "evolve/run.json", _JSON, (shown,)),
    ]  # fmt: skip


def _discoveries() -> Sequence[Format]:
    seal = _sealed_checksums(_STEP)
    step, shown = state_readers.step(_STEP), readers.report("discover", share=0.05)
    again = readers.command(f"{STEP_LINE} --out discover", share=0.03, keep="discover")
    settled = readers.command(
        f"{STEP_LINE} --out discover", share=0.05, keep="discover", but="settings.json"
    )
    folder = ("discover",)
    return [
        Format("found.npz", folder, f"{_STEP}/found.npz", (damaged_bytes, damaged_npz, damaged_npz),
               (step, shown, again), seal),
        Format("step.json", folder, f"{_STEP}/step.json", _JSON, (step, shown, again), seal),
        Format("seconds.json", folder, f"{_STEP}/seconds.json", _JSON,
               (step._replace(vouched=False),)),
        Format("settings.json", folder, "discover/settings.json", _JSON,
               (state_readers.settings("discover/settings.json"), settled),
               _sealed_json("discover/settings.json")),
        Format("run.json of a discovery", folder, "discover/run.json", _JSON,
               (shown._replace(share=1.0),)),
        Format("weights of a step", ("undone",), f"undone/{_STEP[9:]}/model.safetensors",
               (damaged_bytes, damaged_safetensors),
               (state_readers.weights(f"undone/{_STEP[9:]}", "undone/settings.json"),
                readers.command(f"{STEP_LINE} --out undone", share=0.05, keep="undone")),
               _sealed_checksums(f"undone/{_STEP[9:]}")),
    ]  # fmt: skip


def _others() -> Sequence[Format]:
    verified = readers.command(
        "archive verify --workers 1 --archive archive.sqlite", share=0.2, vouched=False
    )
    pictures = [
        Format(f"{path.name} of {path.parent.name}", (path.parent.name,),
               f"{path.parent.name}/{path.name}", _TEXT,
               (state_readers.picture(f"{path.parent.name}/{path.name}"),))
        for path in (world() / "evolve" / "hits.svg", world() / "data" / "thresholds.svg",
                     world() / "model" / "training.svg", world() / "discover" / "gaps.svg")
    ]  # fmt: skip
    return [
        Format("archive.sqlite", ("archive.sqlite",), "archive.sqlite",
               (damaged_bytes, damaged_archive, damaged_archive),
               (state_readers.archive_export(), state_readers.archive_list(), verified)),
        *pictures,
        *(Format(name, (name,), name, (damaged_bytes, damaged_text, damaged_json_line),
                 (state_readers.proof(name),)) for name in ("certificate", "refutation")),
    ]  # fmt: skip


def _texts() -> Sequence[Format]:
    """The forms of `solve`."""
    return [
        Format(f"solve: {form}", (f"text.{form}",), f"text.{form}", _TEXT,
               (readers.solved(f"text.{form}", form),
                readers.solved(f"text.{form}", form, auto=True)))
        for form in known_forms()
    ]  # fmt: skip


def _write_texts(folder: Path) -> None:
    """Write the samples of the text forms, and two certificates."""
    from automata import certificate

    for form in known_forms():
        (folder / f"text.{form}").write_text(FORMS[form].write(SAMPLES), encoding="utf-8")
    (folder / "certificate").write_text(certificate(SAMPLES[5]).to_json())
    (folder / "refutation").write_text(certificate(SAMPLES[4]).to_json())


def _sealed_checksums(name: str) -> Seal:
    """Checksums of a `commit_files`."""

    def seal(folder: Path) -> None:
        path = folder / name / "checksums.json"
        recorded: dict[str, str] = json.loads(path.read_text())
        found = {own: _sha256(folder / name / own) for own in recorded}
        path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")

    return seal


def _sealed_manifest(name: str) -> Seal:
    """Checksums of a dataset: of its shards, and of its config."""

    def seal(folder: Path) -> None:
        from data.files import json_sha256, write_sealed

        path = folder / name / "manifest.json"
        try:
            manifest: Any = json.loads(path.read_text(encoding="utf-8"))
            for shard in manifest["shards"]:
                shard["sha256"] = _sha256(folder / name / shard["file"])
            manifest["config_sha256"] = json_sha256(manifest["config"])
            write_sealed(path, manifest)
        except (ValueError, KeyError, TypeError, OSError, RecursionError):
            return  # there is nothing left to put right

    return seal


def _sealed_json(name: str) -> Seal:
    """The checksum that a file of JSON holds of itself."""

    def seal(folder: Path) -> None:
        from data.files import write_sealed

        try:
            write_sealed(folder / name, json.loads((folder / name).read_text(encoding="utf-8")))
        except (ValueError, AttributeError, RecursionError):
            return  # there is nothing left to put right

    return seal


def _sealed_attributes(folder: Path) -> None:
    """The checksum of the attributes of a model, and that of the evaluation which holds it."""
    from data.files import write_sealed

    path = folder / "model" / "evaluation.json"
    found = _sha256(folder / "model" / "attributes.csv")
    write_sealed(path, json.loads(path.read_text()) | {"attributes_sha256": found})


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
