"""A picture of the lecture: an SVG that shows itself in a notebook, and images in a grid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.report.pictures import shortened

_PLACES = re.compile(r'\b(?:d|x|y|points)="[^"]*"')
"""Attributes with coordinates, in points."""
_DPI = 150
"""Of clouds of points, which are drawn as an image."""


@dataclass(frozen=True)
class Picture:
    """A picture and its content in words."""

    svg: str
    """A whole SVG document."""
    text: str
    """For those who cannot see it: one sentence."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": self.text}


def as_picture(figure: Figure, text: str) -> Picture:
    """Return a figure of matplotlib as a picture; call it within `data.plots.style`."""
    file = BytesIO()
    figure.savefig(file, format="svg", dpi=_DPI, metadata={"Date": None})
    svg = file.getvalue().decode("utf-8")
    short = _PLACES.sub(lambda match: shortened(match[0]), svg[svg.index("<svg") :])
    return Picture(short, text)


def show_images(axes: Axes, images: npt.ArrayLike, *, low: float = 0.0, high: float = 1.0) -> None:
    """Show images as a grid, ink in black.

    Parameters
    ----------
    axes : Axes
        Afterwards one unit is one image; (0, 0) is the middle of the upper left one.
    images : float array, shape (lines, columns, height, width)
        An image of NaN leaves its place empty.
    low, high : float
        The values of white and black.
    """
    grid = np.asarray(images, np.float32)
    lines, columns, height, width = grid.shape
    framed = np.full((lines, columns, height + 1, width + 1), np.nan, np.float32)
    framed[:, :, :height, :width] = grid
    whole = framed.transpose(0, 2, 1, 3).reshape(lines * (height + 1), columns * (width + 1))
    extent = (-0.5, columns - 0.5, lines - 0.5, -0.5)
    axes.imshow(
        np.ma.masked_invalid(whole), cmap="Greys", vmin=low, vmax=high, interpolation="none",
        extent=extent, aspect=height / width,
    )  # fmt: skip
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks([])
    axes.set_yticks([])
