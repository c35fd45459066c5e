"""Reading the CSV tables of a run: every cell is checked for its kind and its range."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from data.damage import open_file, reading
from data.terminal import printable

MAX_TABLE_BYTES = 1 << 26
_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?([0-9]{1,40}(\.[0-9]{0,40})?(e[-+]?[0-9]{1,4})?|inf)", re.ASCII)
_LONGEST = 1000


class Kind(NamedTuple):
    """The kind and the range of a column's cells."""

    name: str
    """``whole``, ``number`` or ``text``."""
    low: float = -math.inf
    high: float = math.inf
    gaps: bool = False
    """Whether a number may be missing; it is read as nan."""


WHOLE = Kind("whole", 0)
NUMBER = Kind("number", 0)
GAPPED = Kind("number", gaps=True)
SHARE = Kind("number", 0, 1)
TEXT = Kind("text")


def read_table(
    path: Path,
    columns: Mapping[str, Kind],
    more: Callable[[str], Kind | None] = lambda name: None,
) -> pd.DataFrame:
    """Read a table and check its columns and cells.

    Parameters
    ----------
    path : Path
    columns : mapping of str to Kind
        The required columns, in the order of the file.
    more : callable
        Returns the kind of a further column by its name, None if such a column is not allowed.

    Raises
    ------
    DataError
        If the file is missing, or a column or a cell is not as it must be.
    """
    with open_file(path) as file, reading(path, "the table of a run"):
        content = file.read(MAX_TABLE_BYTES + 1)
        if len(content) > MAX_TABLE_BYTES:
            raise ValueError(f"over {MAX_TABLE_BYTES} bytes")
        rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        names = next(rows, [])
        kinds = [*columns.values()]
        kinds += [kind for name in names[len(kinds) :] if (kind := more(name)) is not None]
        same = names[: len(columns)] == [*columns] and len({*names}) == len(names) == len(kinds)
        if not same:
            raise ValueError(f"its columns are not {', '.join(columns)}"[:200])
        cells: list[list[float | int | str]] = [[] for _ in names]
        for number, row in enumerate(rows, 1):
            if len(row) != len(names):
                raise ValueError(f"row {number} has {len(row)} cells, not {len(names)}")
            for name, kind, own, cell in zip(names, kinds, cells, row, strict=True):
                own.append(_read(cell, kind, f"row {number}: {name}"))
    types = {"whole": "int64", "number": "float64", "text": "object"}
    return pd.DataFrame(
        {
            name: pd.Series(own, dtype=types[kind.name])
            for name, own, kind in zip(names, cells, kinds, strict=True)
        }
    )


def _read(cell: str, kind: Kind, place: str) -> float | int | str:
    """Return the value of a cell."""
    if kind.name == "text":
        if len(cell) > _LONGEST or not cell.isprintable():
            raise ValueError(f"{place} is no text that is shown: {printable(cell[:40])}")
        return cell
    if kind.gaps and cell == "":
        return math.nan
    pattern = _WHOLE if kind.name == "whole" else _NUMBER
    value = (int if kind.name == "whole" else float)(cell) if pattern.fullmatch(cell) else math.nan
    if not kind.low <= value <= kind.high:
        wanted = f"a {kind.name} number in {kind.low}..{kind.high}".replace("a number num", "a num")
        raise ValueError(f"{place} {printable(cell[:40])!r} is not {wanted}")
    return value
