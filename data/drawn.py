"""Rows of drawn automata as one SVG, with marks on transitions that have changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from automata.automaton import Deltas
from automata.drawing.compact import compact_drawing, compact_radius
from automata.drawing.geometry import MARK, line_color, line_dashes
from automata.drawing.svg import drawing_svg
from automata.text.words import format_word
from data.picture import Picture

_CELL, _GAP, _LEFT, _CAPTION, _FOOT = 150.0, 8.0, 136.0, 22.0, 30.0
"""Side of a drawing, space between cells, room for labels, for a caption, for the legend."""
_OUTSIDE = 3.6
"""How far a drawing reaches beyond the circle of states."""
_KNOWN, _WRONG = "#DDE8F5", "#B00020"


class Cell(NamedTuple):
    """One drawn automaton."""

    delta: Deltas
    """uint8 (k, n)"""
    caption: str
    changed: npt.NDArray[np.bool_] | None = None
    """bool (k, n): the transitions to mark"""
    known: bool = False
    """Whether it is in the dataset: shaded in blue."""
    wrong: bool = False
    """Whether it does not synchronize: marked in red."""
    given: bool = False
    """Whether it was given, not decoded: in a black frame."""


def draw_rows(rows: Sequence[tuple[str, Sequence[Cell]]], text: str) -> Picture:
    """Draw rows of automata of one size, each with a label, its lines broken where it breaks.

    Parameters
    ----------
    rows : sequence of (label, cells)
    text : str
        What the picture shows, in one sentence.
    """
    columns = max(len(cells) for _, cells in rows)
    k, n = rows[0][1][0].delta.shape
    across, down = _CELL + _GAP, _CELL + _CAPTION + _GAP
    width, height = _LEFT + across * columns, down * len(rows) + _FOOT
    parts = []
    for line, (label, cells) in enumerate(rows):
        y = line * down
        for number, words in enumerate(label.split("\n")):
            middle = y + _CELL / 2 + 17 * (number - label.count("\n") / 2)
            parts.append(
                f'<text x="{_LEFT - 12:.0f}" y="{middle:.1f}" text-anchor="end" '
                f'dominant-baseline="central" font-size="14">{escape(words)}</text>'
            )
        parts += [_cell(cell, _LEFT + across * i, y) for i, cell in enumerate(cells)]
    parts.append(_legend(rows, k, down * len(rows) + _FOOT / 2))
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
        'style="font-family:DejaVu Sans,sans-serif;background:white">'
        f"<title>{escape(text)}</title>{''.join(parts)}</svg>",
        text,
    )


def _cell(cell: Cell, x: float, y: float) -> str:
    """Return the drawing of a cell with its ground, its marks and its caption."""
    drawing = drawing_svg(compact_drawing(cell.delta), labels=False, changed=cell.changed)
    reach = compact_radius(cell.delta.shape[1]) + _OUTSIDE
    ground = _KNOWN if cell.known else "white"
    frame = 'stroke="#000000" stroke-width="2"' if cell.given else 'stroke="#C9C9C9"'
    color = _WRONG if cell.wrong else "#000000"
    return (
        f'<rect x="{x + 1:.0f}" y="{y + 1:.0f}" width="{_CELL:.0f}" '
        f'height="{_CELL + _CAPTION - 2:.0f}" rx="4" fill="{ground}" {frame}/>'
        f'<svg x="{x:.0f}" y="{y:.0f}" width="{_CELL:.0f}" height="{_CELL:.0f}" '
        f'viewBox="{-reach:.2f} {-reach:.2f} {2 * reach:.2f} {2 * reach:.2f}">'
        f"{drawing}</svg>"
        f'<text x="{x + _CELL / 2:.0f}" y="{y + _CELL + 11:.0f}" text-anchor="middle" '
        f'font-size="13" fill="{color}">{escape(cell.caption)}</text>'
    )


def _legend(rows: Sequence[tuple[str, Sequence[Cell]]], k: int, y: float) -> str:
    """Return the legend: the letters, and the marks that occur."""
    cells = [cell for _, row in rows for cell in row]
    parts, x = [], _LEFT
    for letter in range(k):
        dashes = " ".join(f"{2 * dash:.3g}" for dash in line_dashes(letter)) or "none"
        parts.append(
            f'<path d="M{x:.0f} {y:.0f}h34" stroke="{line_color(letter)}" stroke-width="2" '
            f'stroke-dasharray="{dashes}"/>'
        )
        x = _name(parts, x + 42, y, f"letter {format_word((letter,))}")
    if any(cell.changed is not None and cell.changed.any() for cell in cells):
        parts.append(f'<path d="M{x:.0f} {y:.0f}h34" stroke="{MARK}" stroke-width="7"/>')
        x = _name(parts, x + 42, y, "changed")
    for mark, fill, edge, name in (
        ("known", _KNOWN, "#C9C9C9", "in the dataset"),
        ("given", "white", "#000000", "given"),
    ):
        if any(getattr(cell, mark) for cell in cells):
            parts.append(
                f'<rect x="{x:.0f}" y="{y - 8:.0f}" width="26" height="16" rx="3" fill="{fill}" '
                f'stroke="{edge}" stroke-width="1.5"/>'
            )
            x = _name(parts, x + 34, y, name)
    return "".join(parts)


def _name(parts: list[str], x: float, y: float, name: str) -> float:
    """Append the name of a mark; return where the next mark may begin."""
    parts.append(
        f'<text x="{x:.0f}" y="{y:.0f}" dominant-baseline="central" font-size="14">{name}</text>'
    )
    return x + 9 * len(name) + 26
