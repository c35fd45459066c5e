"""The manifest of a dataset folder: what it holds, of which config, and whether it is finished."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from automata.properties import CLASSES
from data.files import DataError, read_json, write_json
from data.record import differing

FORMAT = 1
ENUMERATION = "enumeration"
"""The kind of a dataset that holds all automata; generated ones name no kind."""


def column_name(name: str) -> str:
    """Return the name of a class's column."""
    return name.replace("-", "_")


COUNT_COLUMNS = ("reset_threshold", "classes", *map(column_name, CLASSES))
"""What an enumeration counts, in the order of ``counts.csv``."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a dataset folder.

    Raises
    ------
    DataError
        If there is none or it is not one of this format.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    if not (folder / "manifest.json").exists():
        raise DataError(f"{folder}: not a dataset folder (it has no manifest.json)")
    manifest = read_json(folder / "manifest.json")
    try:
        valid = _is_valid(manifest)
    except (AttributeError, KeyError, TypeError):
        valid = False
    if not valid:
        raise DataError(f"{folder}: manifest.json is not a dataset manifest of format {FORMAT}")
    checked: dict[str, Any] = manifest
    return checked


def _is_valid(manifest: Any) -> bool:
    """Whether it is a manifest of this format; one of the usual errors says no too."""
    kind = manifest.get("kind")
    return (
        manifest["format"] == FORMAT
        and kind in (None, ENUMERATION)
        and manifest["config_sha256"] == config_digest(manifest["config"])
        and all(isinstance(manifest["config"][name], int) for name in ("n", "k"))
        and isinstance(manifest["complete"], bool)
        and isinstance(manifest["versions"], dict)
        and all(
            isinstance(shard["file"], str)
            and isinstance(shard["sha256"], str)
            and isinstance(shard["rows"], int)
            and isinstance(shard["calls"], int)
            for shard in manifest["shards"]
        )
        and (bool(manifest["shards"]) or not manifest["complete"] or _counts_alone(manifest))
        and (kind is None or _is_enumeration(manifest))
    )


def _counts_alone(manifest: Any) -> bool:
    return manifest.get("kind") == ENUMERATION and manifest["config"]["rows"] is False


def _is_enumeration(manifest: Any) -> bool:
    """Whether a manifest has what only those of enumerations have."""
    config, totals = manifest["config"], manifest["totals"]
    ends = [0, *(unit for shard in manifest["shards"] for unit in shard["units"]), totals["units"]]
    return (
        isinstance(config["at_least"], int)
        and isinstance(config["rows"], bool)
        and all(isinstance(name, str) for name in config["classes"])
        and all(isinstance(value, int) for value in [manifest["units"], *ends])
        and (ends[::2] == ends[1::2] or not config["rows"])  # shards hold one unit after another
        and all(isinstance(totals[name], int) for name in ("classes", "nodes"))
        and all(
            {*row} == {*COUNT_COLUMNS} and all(isinstance(value, int) for value in row.values())
            for row in totals["counts"]
        )
    )


def open_manifest(folder: Path, fresh: dict[str, Any]) -> dict[str, Any]:
    """Create a dataset folder, or read the manifest of one with the same config and versions.

    Parameters
    ----------
    folder : Path
    fresh : dict
        The manifest of a dataset that has only been begun: config, versions and more.

    Raises
    ------
    DataError
        If the folder holds something else.
    """
    digest = config_digest(fresh["config"])
    if not (folder / "manifest.json").exists():
        if folder.exists() and any(folder.glob("part-*.parquet")):
            raise DataError(f"{folder}: holds shards but no manifest.json")
        write_manifest(folder, fresh | {"config_sha256": digest})
        return read_manifest(folder)
    manifest = read_manifest(folder)
    if manifest["config_sha256"] != digest:
        differences = differing(manifest["config"], fresh["config"])
        raise DataError(f"{folder}: a dataset of another config ({differences})")
    if not manifest["complete"] and manifest["versions"] != fresh["versions"]:
        raise DataError(f"{folder}: begun with other versions of Python or its packages")
    return manifest


def config_digest(config: dict[str, Any]) -> str:
    """Return the SHA-256 of a generator's config."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest of a dataset folder, all or nothing."""
    write_json(folder / "manifest.json", {"format": FORMAT} | manifest)
