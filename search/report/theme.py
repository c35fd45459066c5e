"""Colours of drawings and charts as variables of the page's style: they follow the theme."""

from __future__ import annotations

import re

from automata.drawing.colors import BLACK, BLUE, GREEN, MARK, PURPLE, VERMILION, line_color
from data.plots import GREY, PALE
from search.pictures.cells import KNOWN, SHADE, WRONG

_ROLES = {
    "#FFFFFF": "ground", BLACK: "ink", GREY: "soft", PALE: "line", SHADE: "known", WRONG: "wrong",
    MARK: "mark",
}  # fmt: skip
"""Colours that the style of the page has already, in capitals."""
_LINES = (BLUE, VERMILION, GREEN, PURPLE, line_color(5), KNOWN)
"""Colours of lines and areas: in the dark they are lighter."""
_NAMES = _ROLES | {color.upper(): f"drawn-{place}" for place, color in enumerate(_LINES)}
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}\b")


def themed(svg: str) -> str:
    """Return SVG with our colours replaced by variables; other colours are kept.

    Examples
    --------
    >>> themed('<path fill="#ffffff" stroke="#0072b2" style="color: #123456"/>')
    '<path fill="var(--ground)" stroke="var(--drawn-0)" style="color: #123456"/>'
    """

    def replaced(color: re.Match[str]) -> str:
        name = _NAMES.get(color[0].upper())
        return f"var(--{name})" if name else color[0]

    return _COLOR.sub(replaced, svg)


def drawn_colors() -> list[str]:
    """Return the colours of the variables ``--drawn-0``, ``--drawn-1``, ..., for a light page."""
    return [*_LINES]
