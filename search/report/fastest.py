"""Which arm meets each record with the fewest solver calls, from comparisons of ``discover``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.commits import check_files
from data.damage import DataError
from data.records import Record, landscape_of, records
from search.discovery.settings import read_settings
from search.scoring.running_times import RUNNING_TIMES
from search.tables import GAPPED, NUMBER, TEXT, WHOLE, read_table

_TIMES = "running_times.csv"
_KINDS = (
    dict.fromkeys(RUNNING_TIMES, GAPPED)
    | dict.fromkeys(("arm", "calls_baseline", "seconds_baseline"), TEXT)
    | dict.fromkeys(("n", "record", "seeds", "reached"), WHOLE)
    | dict.fromkeys(("calls_time", "seconds_time"), NUMBER)
)


def fastest_records(folders: Sequence[Path]) -> dict[tuple[str, int], Record]:
    """Return the records that arms of comparisons met, each with the arm of fewest expected calls.

    Calls and seconds are those of ``running_times.csv``: all that the seeds of the arm spent at the
    size, divided by the number of seeds that met the record. A comparison whose records were
    shorter than those of today says nothing of these.

    Parameters
    ----------
    folders : sequence of Path
        Folders of ``discover`` that compare several runs, or folders of such folders.

    Returns
    -------
    dict of (str, int) to Record
        By landscape and n; only those that an arm met.

    Raises
    ------
    DataError
        If a folder compares nothing, is damaged, or is of automata of no landscape.
    """
    met: dict[tuple[str, int], list[Record]] = {}
    for folder in (own for place in folders for own in _comparisons(place)):
        settings = read_settings(folder / "settings.json")
        landscape = landscape_of(
            settings["k"], settings["classes"], partial=settings.get("partial", False)
        )
        if landscape is None:
            classes = ", ".join(settings["classes"]) or "all"
            raise DataError(f"{folder}: k={settings['k']}, classes {classes}: no landscape")
        check_files(folder, _TIMES)
        for row in read_table(folder / _TIMES, _KINDS).to_dict("records"):
            key = landscape.name, row["n"]
            if key in records() and math.isfinite(row["calls_time"]):
                met.setdefault(key, []).extend(_met(records()[key], row))
    return {key: min(own, key=_calls) for key, own in met.items() if own}


def _comparisons(place: Path) -> list[Path]:
    """Return a folder of ``discover`` itself, or those in it."""
    found = [place] if (place / "settings.json").exists() else []
    found = found or sorted(path.parent for path in place.glob("*/settings.json"))
    for folder in found:
        if not (folder / _TIMES).exists():
            raise DataError(f"{folder}: no {_TIMES}; discover with several arms or seeds makes it")
    if not found:
        raise DataError(f"{place}: no folder of discover, and none in it")
    return found


def _met(own: Record, row: Mapping[str, Any]) -> list[Record]:
    """Return a record with an arm that met it; nothing if another threshold was met."""
    if row["record"] != own.threshold:
        return []
    calls, seconds = max(1, round(row["calls_time"])), float(f"{row['seconds_time']:.3g}")
    return [replace(own, arm=row["arm"], calls=calls, seconds=seconds, seeds=row["seeds"])]


def _calls(own: Record) -> tuple[float, float]:
    return own.calls or math.inf, own.seconds or math.inf
