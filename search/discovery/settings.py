"""``settings.json``: the settings that all runs of a folder share, and torch's threads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.checks import anything, build, names_of, one_of
from data.damage import read_json, reading
from data.files import json_sha256, write_json
from data.record import plain
from search.discovery.config import DiscoverConfig
from vae.checkpoint import recorded_threads

_DIGEST = "sha256"


def write_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Write settings with a digest of their own: the bits of a model depend on the threads."""
    own = plain(dict(settings))
    write_json(path, own | {_DIGEST: json_sha256(own)})


def read_settings(path: Path) -> dict[str, Any]:
    """Read settings: the fields of a `DiscoverConfig`, ``device`` and ``threads``.

    Raises
    ------
    DataError
        If there are none, or they are not those that were written.
    """
    found: dict[str, Any] = read_json(path)
    with reading(path, "the settings of a run"):
        names_of(anything)("settings", found)
        digest = found.pop(_DIGEST, None)  # older files have none
        if digest is not None and digest != json_sha256(found):
            raise ValueError("they have changed since they were written: another SHA-256")
        one_of("cpu", "cuda")("device", found.get("device"))
        recorded_threads(found, path)
        own = {name: value for name, value in found.items() if name not in ("device", "threads")}
        build(DiscoverConfig, own, "settings")
    return found
