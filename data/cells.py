"""Tables for other programs: CSV without formulas, JSON without NaN."""

from __future__ import annotations

from typing import Any

import pandas as pd

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Beginnings of cells that some spreadsheet reads as a formula; the last four are full-width."""


def plain_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before each text that a spreadsheet could read as a formula.

    Parameters
    ----------
    table : DataFrame
        Numbers do not change, not even negative ones.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> plain_cells(pd.DataFrame({"gap": [-1], "run": ["=1+1"]})).to_csv(index=False).split()
    ['gap,run', "-1,'=1+1"]
    """
    texts = [name for name in table if not pd.api.types.is_numeric_dtype(table[name].dtype)]
    return table.assign(**{name: table[name].map(_plain) for name in texts})


def json_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as mappings, with None for NaN.

    Examples
    --------
    >>> json_rows(pd.DataFrame({"mode": ["prior", "uniform"], "best": [4.0, float("nan")]}))
    [{'mode': 'prior', 'best': 4.0}, {'mode': 'uniform', 'best': None}]
    """
    rows: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows


def _plain(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell
