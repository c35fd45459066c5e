"""A picture that shows itself in a notebook: an SVG, and its content in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from automata.arguments import check_path
from data.files import write_text

_DPI = 150
"""Of clouds of points, which are drawn as an image."""
_PLACES = re.compile(r'\b(?:d|x|y|points)="[^"]*"')
"""Attributes with coordinates, in points; one decimal is enough."""


@dataclass(frozen=True)
class Picture:
    """A picture and its content in words.

    Examples
    --------
    >>> Picture("<svg/>", "Nothing.")
    Picture('Nothing.')
    """

    svg: str
    """A whole SVG document."""
    text: str
    """For those who cannot see it: one sentence."""

    def save(self, path: Path | str) -> None:
        """Write the SVG to a file, whole or not at all.

        Raises
        ------
        ValueError
            If the name of the file does not end with ``.svg``.
        """
        file = check_path("path", path)
        if file.suffix.lower() != ".svg":
            raise ValueError(f"{file}: suffix {file.suffix!r}, not '.svg': a picture is an SVG")
        write_text(file, self.svg)

    def __repr__(self) -> str:
        return f"Picture({self.text!r})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": self.text}


def as_picture(figure: Figure, text: str) -> Picture:
    """Return a figure of matplotlib as a picture; call it within `data.plots.style`.

    Coordinates are rounded to a tenth of a point.
    """
    file = BytesIO()
    figure.savefig(file, format="svg", dpi=_DPI, metadata={"Date": None})
    svg = file.getvalue().decode("utf-8")
    short = _PLACES.sub(lambda match: shortened(match[0]), svg[svg.index("<svg") :])
    return Picture(short, text)


def shortened(numbers: str) -> str:
    """Return a text with its numbers rounded to one decimal, on one line.

    Examples
    --------
    >>> shortened("M 1.2345 20.08 L 3 4.0")
    'M 1.2 20.1 L 3 4.0'
    """
    short = re.sub(r"\d+\.\d{2,}", lambda number: f"{float(number[0]):.1f}", numbers)
    return re.sub(r"\s+", " ", short).strip()
