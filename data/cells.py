"""Cells of CSV that a spreadsheet shows and does not run."""

from __future__ import annotations

import pandas as pd

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How cells begin that some spreadsheet takes for a formula; the last four are of full width."""


def plain_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before each text that a spreadsheet could take for a formula.

    Parameters
    ----------
    table : DataFrame
        Numbers stay as they are, negative ones too.

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


def _plain(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell
