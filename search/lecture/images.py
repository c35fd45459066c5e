"""Images in a grid, as in most pictures of the lecture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes


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
