"""``settings.json``: the settings of all runs of a folder, and torch's number of threads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.checks import build, one_of
from data.damage import read_json, reading
from data.files import open_seal, write_sealed
from data.record import plain
from search.discovery.config import DiscoverConfig
from vae.checkpoint import recorded_threads


def write_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Write settings with their SHA-256.

    The number of threads is among them: the last bits of a model's weights depend on it.
    """
    write_sealed(path, plain(dict(settings)))


def read_settings(path: Path) -> dict[str, Any]:
    """Read settings: the fields of a `DiscoverConfig`, ``device`` and ``threads``.

    Raises
    ------
    DataError
        If the file is missing, or has changed since it was written.
    """
    found: dict[str, Any] = read_json(path)
    with reading(path, "the settings of a run"):
        open_seal(found)
        one_of("cpu", "cuda")("device", found.get("device"))
        recorded_threads(found, path)
        own = {name: value for name, value in found.items() if name not in ("device", "threads")}
        build(DiscoverConfig, own, "settings")
    return found
