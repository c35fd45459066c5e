"""The record of a run, ``run.json``, read and checked: anyone may have written it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.checks import DIGEST, TEXT, Check, anything, names_of, number, or_none
from data.damage import DataError, read_json, reading

_REQUIRED: Mapping[str, Check] = {
    "command": TEXT,
    "config": names_of(anything),
    "inputs": names_of(TEXT),
}
_OPTIONAL: Mapping[str, Check] = {
    "covers": names_of(anything),
    "inputs_sha256": names_of(DIGEST),
    "versions": names_of(TEXT),
    "commit": or_none(TEXT),
    "seconds": number(0, 1e12),
}


def read_run_record(folder: Path | str) -> dict[str, Any]:
    """Read the record of a run in its folder.

    Returns
    -------
    dict
        ``command``, ``config`` and ``inputs``; if recorded, also ``covers``, ``inputs_sha256``,
        ``versions``, ``commit`` and ``seconds``.

    Raises
    ------
    DataError
        If there is none, or it is damaged.
    """
    folder = Path(folder)
    path = folder / "run.json"
    found: dict[str, Any] = read_json(path)
    with reading(path, "the record of a run"):
        names_of(anything)("record", found)
        for name, check in _REQUIRED.items():
            if name not in found:
                raise ValueError(f"it has no {name}")
            check(name, found[name])
        for name, check in _OPTIONAL.items():
            if name in found:
                check(name, found[name])
    return found


def input_folder(folder: Path, record: Mapping[str, Any], name: str) -> Path:
    """Return the folder that a run read, under the name that its record gives it.

    Raises
    ------
    DataError
        If the record has no input of this name.
    """
    if name not in record["inputs"]:
        raise DataError(f"{folder / 'run.json'}: names no {name}")
    return Path(record["inputs"][name])
