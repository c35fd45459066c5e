"""Tables and sentences for people: no wider than the terminal."""

from __future__ import annotations

import shutil
import textwrap
from typing import Any

import pandas as pd

_WIDTH = 100
"""Columns where the output is no terminal."""


def printed_table(table: pd.DataFrame, *, keys: int = 1, **options: Any) -> str:
    """Return a table as text without its index, in blocks if it is wider than the terminal.

    Every block begins with the first columns; no column is lost, and none is cut.

    Parameters
    ----------
    table : DataFrame
    keys : int
        Number of columns that every block begins with.
    options
        As ``DataFrame.to_string`` takes them.

    Returns
    -------
    str
        Lines of at most as many signs as the terminal is wide, or 100 if there is none. Only the
        blocks of columns that are wider themselves are wider.

    Examples
    --------
    >>> wide = pd.DataFrame({"n": [9], "word": ["ab" * 30], "automaton": ["1 2 0|0 1 0" * 4]})
    >>> [len(line) for line in printed_table(wide).splitlines()]
    [63, 63, 0, 47, 47]
    """
    if not len(table):
        return str(table.to_string(index=False, **options))
    places = range(table.shape[1])
    widths = [
        max(map(len, table.iloc[:, [place]].to_string(index=False, **options).splitlines()))
        for place in places
    ]
    repeated = [*places[:keys]]
    blocks = [[*repeated]]
    for place in places[keys:]:
        block = [*blocks[-1], place]
        if len(blocks[-1]) > keys and _width(widths, block) > terminal_width():
            blocks.append([*repeated, place])
        else:
            blocks[-1] = block
    texts = [table.iloc[:, block].to_string(index=False, **options) for block in blocks]
    return "\n\n".join(texts)


def wrapped(text: str) -> str:
    """Return a text in lines that are no longer than the terminal is wide."""
    return textwrap.fill(text, terminal_width(), break_long_words=False)


def terminal_width() -> int:
    """Return the number of columns of the terminal, 100 where the output goes elsewhere."""
    return shutil.get_terminal_size((_WIDTH, 24)).columns


def _width(widths: list[int], block: list[int]) -> int:
    return sum(widths[place] for place in block) + len(block) - 1
