"""Rows of drawn automata as one SVG, with marks on transitions that have changed."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from automata.deltas import Deltas
from automata.drawing.colors import MARK, line_color, line_dashes
from automata.drawing.compact import compact_drawing, compact_reach
from automata.drawing.svg import drawing_svg
from automata.text.words import format_word
from data.picture import Picture

# Lengths are in pixels. A cell is a square with the drawing, and the lines of the caption below.
_STATE, _LEAST_SIDE, _MOST_SIDE = 8.0, 150.0, 320.0
"""Radius of a state, where the side of a square between these limits leaves room for it."""
_GAP, _LEFT, _LINE, _LEGEND_LINE = 8.0, 136.0, 15.0, 30.0
"""Space between cells, room for labels, height of a line of a caption and of the legend."""
_WIDTH, _LEAST_WIDTH, _COLUMNS = 1360.0, 560.0, 7
"""Most width of a line of cells, least width of a picture, most columns of a line."""
_LABEL_SIZE, _CAPTION_SIZE, _MARGIN = 14, 13, 12.0
"""Sizes of letters, and the space beside a label or a caption."""
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


Row = tuple[str, Sequence[Cell]]
"""A label and cells."""


def word_kind(partial: bool) -> str:
    """Return what words and thresholds of automata are called."""
    return "careful" if partial else "reset"


def columns_at_most(n: int) -> int:
    """Return how many automata of n states stand side by side, before a row goes on below.

    Examples
    --------
    >>> [columns_at_most(n) for n in (2, 8, 12, 64)]
    [7, 7, 6, 4]
    """
    return min(_COLUMNS, int(_WIDTH / (_side(n) + _GAP)))


def draw_rows(rows: Sequence[Row], text: str, *, fold: bool = True) -> Picture:
    """Draw rows of automata of one size, each with a label.

    Labels and captions are broken where they break, and where they are too long.

    Parameters
    ----------
    rows : sequence of (label, cells)
    text : str
        What the picture shows, in one sentence.
    fold : bool
        Whether rows of more than `columns_at_most` automata go on in further lines.
    """
    k, n = rows[0][1][0].delta.shape
    lines = [line for row in rows for line in _folded(row, columns_at_most(n))] if fold else rows
    side = _side(n)
    room = side - _MARGIN
    captions = [[_broken(cell.caption, _CAPTION_SIZE, room) for cell in own] for _, own in lines]
    high = side + 7 + _LINE * max(len(words) for own in captions for words in own)
    across, down = side + _GAP, high + _GAP
    width = max(_LEFT + across * max(len(cells) for _, cells in lines), _LEAST_WIDTH)
    parts = []
    for place, ((label, cells), own) in enumerate(zip(lines, captions, strict=True)):
        y = down * place
        words = _broken(label, _LABEL_SIZE, _LEFT - 2 * _MARGIN)
        for number, part in enumerate(words):
            middle = y + side / 2 + 17 * (number - (len(words) - 1) / 2)
            parts.append(
                f'<text x="{_LEFT - _MARGIN:.0f}" y="{middle:.1f}" text-anchor="end" '
                f'dominant-baseline="central" font-size="{_LABEL_SIZE}">{escape(part)}</text>'
            )
        for i, (cell, caption) in enumerate(zip(cells, own, strict=True)):
            parts.append(_cell(cell, caption, _LEFT + across * i, y, (side, high)))
    legend, height = _legend([cell for _, cells in lines for cell in cells], k, width)
    parts.append(f'<g transform="translate(0 {down * len(lines):.0f})">{legend}</g>')
    height += down * len(lines)
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
        'style="font-family:DejaVu Sans,sans-serif;background:white">'
        f"<title>{escape(text)}</title>{''.join(parts)}</svg>",
        text,
    )


def _side(n: int) -> float:
    """Return the side of the square in which n states are drawn."""
    return min(_MOST_SIDE, max(_LEAST_SIDE, 2 * _STATE * compact_reach(n)))


def _folded(row: Row, most: int) -> list[Row]:
    """Return a row as lines of equal length, at most `most` cells each; the first has the label."""
    label, cells = row
    length = math.ceil(len(cells) / math.ceil(len(cells) / most))
    starts = range(0, len(cells), length)
    return [("" if at else label, cells[at : at + length]) for at in starts]


@lru_cache(10_000)
def _broken(text: str, size: int, room: float) -> list[str]:
    """Return the lines of a text, those that are too long for the room broken."""
    lines = []
    for line in text.split("\n"):
        most = len(line)
        while most > 1 and any(_width(part, size) > room for part in textwrap.wrap(line, most)):
            most -= 1
        lines += textwrap.wrap(line, most) if line else []
    return lines


def _width(text: str, size: int) -> float:
    outline = TextPath((0, 0), text, size=size, prop=FontProperties("DejaVu Sans"))
    return float(outline.get_extents().x1)


def _cell(cell: Cell, caption: Sequence[str], x: float, y: float, size: tuple[float, float]) -> str:
    """Return the drawing of a cell with its ground, its marks and its caption.

    The size is the side of the drawing, and the height with the caption.
    """
    side, high = size
    drawing = drawing_svg(compact_drawing(cell.delta), labels=False, changed=cell.changed)
    reach = compact_reach(cell.delta.shape[1])
    ground = _KNOWN if cell.known else "white"
    frame = 'stroke="#000000" stroke-width="2"' if cell.given else 'stroke="#C9C9C9"'
    color = _WRONG if cell.wrong else "#000000"
    lines = "".join(
        f'<text x="{x + side / 2:.0f}" y="{y + side + 11 + _LINE * number:.0f}" '
        f'text-anchor="middle" font-size="{_CAPTION_SIZE}" fill="{color}">{escape(line)}</text>'
        for number, line in enumerate(caption)
    )
    return (
        f'<rect x="{x + 1:.0f}" y="{y + 1:.0f}" width="{side:.0f}" '
        f'height="{high - 2:.0f}" rx="4" fill="{ground}" {frame}/>'
        f'<svg x="{x:.0f}" y="{y:.0f}" width="{side:.0f}" height="{side:.0f}" '
        f'viewBox="{-reach:.2f} {-reach:.2f} {2 * reach:.2f} {2 * reach:.2f}">'
        f"{drawing}</svg>{lines}"
    )


def _legend(cells: Sequence[Cell], k: int, width: float) -> tuple[str, float]:
    """Return the legend, the letters and the marks that occur, and its height."""
    entries = []
    for letter in range(k):
        dashes = " ".join(f"{2 * dash:.3g}" for dash in line_dashes(letter)) or "none"
        line = f'stroke="{line_color(letter)}" stroke-width="2" stroke-dasharray="{dashes}"'
        entries.append((f'<path d="M0 0h34" {line}/>', f"letter {format_word((letter,))}"))
    if any(cell.changed is not None and cell.changed.any() for cell in cells):
        entries.append((f'<path d="M0 0h34" stroke="{MARK}" stroke-width="7"/>', "changed"))
    for occurs, fill, edge, name in (
        (any(cell.known for cell in cells), _KNOWN, "#C9C9C9", "in the dataset"),
        (any(cell.given for cell in cells), "white", "#000000", "given"),
    ):
        if occurs:
            box = f'fill="{fill}" stroke="{edge}" stroke-width="1.5"'
            entries.append((f'<rect y="-8" width="34" height="16" rx="3" {box}/>', name))
    parts, x, y = [], _LEFT, _LEGEND_LINE / 2
    for mark, name in entries:
        room = 68 + 9 * len(name)
        if x + room > width and x > _LEFT:
            x, y = _LEFT, y + _LEGEND_LINE
        parts.append(
            f'<g transform="translate({x:.0f} {y:.0f})">{mark}'
            f'<text x="42" dominant-baseline="central" font-size="{_LABEL_SIZE}">{name}</text></g>'
        )
        x += room
    return "".join(parts), y + _LEGEND_LINE / 2
