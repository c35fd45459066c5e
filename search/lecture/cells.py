"""The one source of the lecture, ``lecture.md``: read as cells, run, or made a notebook of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, NamedTuple

_FENCE = re.compile(r"^```python( setup)?\n(.*?)^```\n", re.DOTALL | re.MULTILINE)


class Cell(NamedTuple):
    """A part of the lecture."""

    text: str
    """Markdown with formulas in dollars, or Python."""
    is_code: bool
    is_setup: bool = False
    """Whether it sets what a run of the command gets from its options."""


def read_cells() -> list[Cell]:
    """Return the cells of the lecture, in order.

    Examples
    --------
    >>> first, setup, *_ = read_cells()
    >>> first.text.splitlines()[0], setup.is_code, setup.is_setup
    ('# VAE in search of automata', True, True)
    """
    source = files("search.lecture").joinpath("lecture.md").read_text("utf-8")
    cells, at = [], 0
    for match in _FENCE.finditer(source):
        cells += [Cell(source[at : match.start()].strip(), False)]
        cells += [Cell(match[2].strip(), True, match[1] is not None)]
        at = match.end()
    cells.append(Cell(source[at:].strip(), False))
    return [cell for cell in cells if cell.text]


def run_cells(cells: list[Cell], names: dict[str, Any]) -> Iterator[tuple[Cell, Any]]:
    """Run the code of cells one after the other, as a notebook does.

    Parameters
    ----------
    cells : list of Cell
    names : dict
        What the setup cell would set; it is not run. Gets all that the cells define.

    Yields
    ------
    cell : Cell
    value : object
        The value of the cell's last line, None if that is no expression.

    Examples
    --------
    >>> cells = [Cell("x = 2", True, True), Cell("y = x + 1", True), Cell("y", True)]
    >>> [value for _, value in run_cells(cells, {"x": 5})]
    [None, None, 6]
    """
    for number, cell in enumerate(cells):
        yield cell, _run(cell.text, number, names) if cell.is_code and not cell.is_setup else None


def _run(code: str, number: int, names: dict[str, Any]) -> Any:
    module, name = ast.parse(code), f"<cell {number} of the lecture>"
    last = module.body.pop() if isinstance(module.body[-1], ast.Expr) else None
    exec(compile(module, name, "exec"), names)  # noqa: S102 - our own file
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), name, "eval"), names)  # noqa: S307 - our own


def as_notebook(cells: list[Cell]) -> dict[str, Any]:
    """Return the notebook of some cells, not run, for ``json.dumps``."""
    made: list[dict[str, Any]] = []
    for number, cell in enumerate(cells):
        entry = {"id": f"cell-{number}", "metadata": {}, "source": cell.text.splitlines(True)}
        if cell.is_code:
            made.append({"cell_type": "code", "execution_count": None, "outputs": [], **entry})
        else:
            made.append({"cell_type": "markdown", **entry})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": made,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
