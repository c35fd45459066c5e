"""The manifest of a dataset folder: its config, its shards, and whether it is finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from automata.burnside import count_classes
from automata.classes import check_classes
from automata.settings import Setting, settings_of
from automata.sizes import CANONICAL_MAX_LETTERS, CANONICAL_MAX_STATES
from data.checks import (
    DIGEST,
    FLAG,
    TEXT,
    Check,
    anything,
    list_of,
    names_of,
    number,
    one_of,
    or_none,
    record,
    whole,
)
from data.configs import EnumerateConfig, GenerateConfig
from data.counts import COUNT_COLUMNS, check_rows
from data.damage import DataError, read_json, reading
from data.files import json_sha256, open_seal, write_sealed
from data.record import differing

FORMAT = 1
ENUMERATION, IMPORT = "enumeration", "import"
"""The kinds of enumerated and of imported datasets; generated ones have no kind."""
_COMMANDS = {None: "generate", ENUMERATION: "enumerate", IMPORT: "import"}
"""The commands that make datasets, by kind."""
_MOST = 10**15
"""Upper limit of rows, calls, nodes and units."""


def _check_of(own: Setting) -> Check:
    """Return the check of a setting's value in JSON."""
    if own.choices:
        return one_of(*own.choices)
    if own.kind in (bool, tuple):
        return FLAG if own.kind is bool else list_of(TEXT)
    limits: Any = own.low, own.high
    check = whole(*limits) if own.kind is int else number(*limits)
    return or_none(check) if own.optional else check


def _config(kind: type) -> Check:
    """Return the check of all settings of a config in JSON; those that came later may be absent."""
    checks = {name: _check_of(own) for name, own in settings_of(kind).items()}
    later = {name for name, own in settings_of(kind).items() if own.later}
    required = {name: check for name, check in checks.items() if name not in later}
    return record(required, {name: checks[name] for name in later})


_SHARD = {"file": TEXT, "sha256": DIGEST, "calls": whole(0, _MOST)}
_UNIT = whole(0, _MOST)
_COMMON = {
    "format": one_of(FORMAT),
    "config_sha256": DIGEST,
    "versions": names_of(TEXT),
    "complete": FLAG,
}
_MANIFEST = record(
    {
        **_COMMON,
        "config": _config(GenerateConfig),
        "shards": list_of(record({**_SHARD, "rows": whole(1, _MOST)})),
    },
    {"exhausted": one_of(True)},
)
_IMPORTED = record(
    {
        **_COMMON,
        "kind": one_of(IMPORT),
        "config": record(
            {
                "n": whole(1, CANONICAL_MAX_STATES),
                "k": whole(1, CANONICAL_MAX_LETTERS),
                "read": whole(1, _MOST),
                "count": whole(1, _MOST),
                "shard_rows": whole(1, _MOST),
                "sha256": DIGEST,
            },
            {"partial": one_of(True)},
        ),
        "shards": list_of(record({**_SHARD, "rows": whole(1, _MOST)})),
    }
)
_ENUMERATED = record(
    {
        **_COMMON,
        "kind": one_of(ENUMERATION),
        "config": _config(EnumerateConfig),
        "shards": list_of(record({**_SHARD, "rows": _UNIT, "units": list_of(_UNIT)})),
        "units": _UNIT,
        "totals": record(
            {"units": _UNIT, "classes": _UNIT, "nodes": _UNIT, "counts": list_of(anything)}
        ),
    }
)


def read_manifest(folder: Path | str) -> dict[str, Any]:
    """Read the manifest of a dataset folder.

    Raises
    ------
    DataError
        If there is no manifest, or it has another format.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    path = folder / "manifest.json"
    if not path.exists():
        raise DataError(f"{folder}: not a dataset folder (it has no manifest.json)")
    manifest: dict[str, Any] = read_json(path)
    with reading(path, f"a dataset manifest of format {FORMAT}"):
        open_seal(manifest)
        kind = manifest.get("kind") if isinstance(manifest, dict) else None
        if kind == IMPORT:
            _IMPORTED("manifest", manifest)
            _check_shards(manifest)
            if manifest["config"]["count"] > manifest["config"]["read"]:
                raise ValueError("more automata than were read")
        elif isinstance(manifest, dict) and "kind" in manifest:
            _ENUMERATED("manifest", manifest)
            _check_enumeration(manifest)
            counts = manifest["totals"]["counts"]  # JSON sorts names
            counts[:] = [{name: row[name] for name in COUNT_COLUMNS} for row in counts]
        else:
            _MANIFEST("manifest", manifest)
            GenerateConfig(**manifest["config"])  # checks what settings demand of each other
            _check_shards(manifest)
        if manifest["config_sha256"] != json_sha256(manifest["config"]):
            raise ValueError("config_sha256 is not that of the config")
        for index, shard in enumerate(manifest["shards"]):
            if shard["file"] != shard_name(index):
                raise ValueError(f"shard {index} is not {shard_name(index)}")
    return manifest


def shard_name(index: int) -> str:
    """Return the name of a shard's file.

    Examples
    --------
    >>> shard_name(3)
    'part-000003.parquet'
    """
    return f"part-{index:06d}.parquet"


def check_whole(folder: Path, manifest: dict[str, Any]) -> None:
    """Raise an error unless a dataset is finished and has all shards of its config.

    Raises
    ------
    DataError
        If the dataset is unfinished, or shards are missing.
    """
    command = _COMMANDS[manifest.get("kind")]
    if not manifest["complete"]:
        raise DataError(f"{folder}: an unfinished dataset; run the same {command} command again")
    if not _has_all(manifest):
        found = sum(shard["rows"] for shard in manifest["shards"])
        raise DataError(
            f"{folder}: {found} of {manifest['config']['count']} rows, {len(manifest['shards'])} "
            f"of {_shards_wanted(manifest)} shards; run the same {command} command again"
        )


def is_partial(manifest: dict[str, Any]) -> bool:
    """Return whether a dataset holds partial automata, and so careful thresholds."""
    return bool(manifest["config"].get("partial", False))


def source_of(manifest: dict[str, Any]) -> str:
    """Return the source of all rows of a dataset: its sampler, or its kind."""
    return str(manifest.get("kind") or manifest["config"]["sampler"])


def _shards_wanted(manifest: dict[str, Any]) -> int:
    """Return the number of shards of a dataset, sampled from a space that is not exhausted."""
    config = manifest["config"]
    return int(-(-config["count"] // config["shard_rows"]))


def _wanted(manifest: dict[str, Any], index: int) -> int:
    """Return the most rows that a shard of a sampled or imported dataset may have."""
    config = manifest["config"]
    return int(min(config["shard_rows"], config["count"] - index * config["shard_rows"]))


def _has_all(manifest: dict[str, Any]) -> bool:
    """Return whether no shard is missing: all exist, or the sampler found nothing more."""
    shards = manifest["shards"]
    if manifest.get("kind") == ENUMERATION or manifest.get("exhausted"):
        return True
    if len(shards) == _shards_wanted(manifest):
        return True
    if source_of(manifest) in ("evolved", IMPORT):  # any evolved shard may be short
        return False
    return bool(shards) and shards[-1]["rows"] < _wanted(manifest, len(shards) - 1)


def _check_shards(manifest: dict[str, Any]) -> None:
    """Raise ValueError if the shards of a dataset, not enumerated, cannot be of its config."""
    shards = manifest["shards"]
    if len(shards) > _shards_wanted(manifest):
        raise ValueError(f"{len(shards)} shards, but {_shards_wanted(manifest)} are wanted")
    if manifest["complete"] and not shards:
        raise ValueError("a finished dataset without rows")
    for index, shard in enumerate(shards):
        wanted = _wanted(manifest, index)
        last = index == len(shards) - 1 and manifest.get("kind") != IMPORT
        short = last or source_of(manifest) == "evolved"
        if shard["rows"] > wanted or (shard["rows"] < wanted and not short):
            raise ValueError(f"shard {index} has {shard['rows']} rows, but {wanted} are wanted")


def _check_enumeration(manifest: dict[str, Any]) -> None:
    """Raise ValueError if the parts of an enumeration's manifest contradict each other."""
    config, totals, shards = manifest["config"], manifest["totals"], manifest["shards"]
    check_classes(config["classes"])
    if any(len(shard["units"]) != 2 for shard in shards):
        raise ValueError("the units of a shard are its first and the first after it")
    if shards and not config["rows"]:
        raise ValueError("shards, but only counts are kept")
    ends = [0, *(unit for shard in shards for unit in shard["units"]), totals["units"]]
    if config["rows"] and ends[::2] != ends[1::2]:
        raise ValueError("the units of the shards do not follow each other")
    if manifest["complete"] and totals["units"] != manifest["units"]:
        raise ValueError(f"finished, but {totals['units']} of {manifest['units']} units are there")
    if manifest["complete"] and config["rows"] and not shards:
        raise ValueError("finished, but without shards")
    check_rows("counts", totals["counts"], config["n"], partial=is_partial(manifest))
    found = [sum(row["classes"] for row in totals["counts"])]
    found += [sum(shard["rows"] for shard in shards)] if config["rows"] else []
    if manifest["complete"] and config["at_least"] == 0 and not config["classes"]:
        partial = is_partial(manifest)
        found.append(count_classes(config["n"], config["k"], partial=partial))  # Burnside's lemma
    if any(classes != totals["classes"] for classes in found):
        raise ValueError(f"{totals['classes']} automata, but {found} by counts, rows or Burnside")
    least = totals["counts"][0]["reset_threshold"] if totals["counts"] else config["at_least"]
    if config["at_least"] > max(0, least):
        raise ValueError(f"automata with threshold {least}, below {config['at_least']}")


def open_manifest(folder: Path, fresh: dict[str, Any]) -> dict[str, Any]:
    """Begin a dataset in a claimed folder, or read the manifest of the same dataset there.

    A dataset that is marked as finished, but lacks shards, counts as unfinished.

    Parameters
    ----------
    folder : Path
    fresh : dict
        The manifest of a new dataset: config, versions and more.

    Raises
    ------
    DataError
        If the folder holds another dataset.
    """
    digest = json_sha256(fresh["config"])
    if not (folder / "manifest.json").exists():
        if any(folder.glob("part-*.parquet")):
            raise DataError(f"{folder}: holds shards but no manifest.json")
        write_manifest(folder, fresh | {"config_sha256": digest})
        return read_manifest(folder)
    manifest = read_manifest(folder)
    if manifest["config_sha256"] != digest:
        differences = differing(manifest["config"], fresh["config"])
        raise DataError(f"{folder}: a dataset of another config ({differences})")
    manifest["complete"] = manifest["complete"] and _has_all(manifest)
    if not manifest["complete"] and manifest["versions"] != fresh["versions"]:
        raise DataError(f"{folder}: begun with other versions of Python or its packages")
    return manifest


def finish(manifest: dict[str, Any]) -> None:
    """Mark a sampled dataset as finished, in place; also as exhausted if it has too few shards.

    Exhausted means that the next shard would be empty. Without the mark it would count as missing.
    """
    if not _has_all(manifest):
        manifest["exhausted"] = True
    manifest["complete"] = True


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest of a dataset folder, all or nothing."""
    write_sealed(folder / "manifest.json", {"format": FORMAT} | manifest)
