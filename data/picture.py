"""A picture that shows itself in a notebook: an SVG, and its content in words."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from data.files import write_text

_DPI = 150
"""Of clouds of points, which are drawn as an image."""


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
        """Write the SVG to a file, whole or not at all."""
        write_text(Path(path), self.svg)

    def __repr__(self) -> str:
        return f"Picture({self.text!r})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": self.text}


def as_picture(figure: Figure, text: str) -> Picture:
    """Return a figure of matplotlib as a picture; call it within `data.plots.style`."""
    file = BytesIO()
    figure.savefig(file, format="svg", dpi=_DPI, metadata={"Date": None})
    svg = file.getvalue().decode("utf-8")
    return Picture(svg[svg.index("<svg") :], text)
