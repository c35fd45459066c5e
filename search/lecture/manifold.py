"""The manifold of digits: a two-dimensional latent space, and the main axes of a larger one."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator

from data.digits import Digits
from data.picture import Picture, as_picture
from data.plots import Floats, new_figure, style
from search.lecture.images import show_images
from vae.axes import fit_axes
from vae.gaussian import GaussianVAE, decode_images, encode_images

# Ten colours that differ in hue and lightness (Okabe and Ito's, and two more).
_COLORS = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#999933",
    "#0072B2", "#D55E00", "#CC79A7", "#7F7F7F", "#882255",
)  # fmt: skip


def draw_manifold(model: GaussianVAE, digits: Digits, side: int = 18) -> Picture:
    """Draw the digits decoded on a grid in two dimensions, and where the data lie.

    Parameters
    ----------
    model : GaussianVAE
        With two latent dimensions. The grid is at equal steps of the prior's probability.
    digits : Digits
    side : int
        Images along each side of the grid.

    Raises
    ------
    ValueError
        If the model has not two latent dimensions.
    """
    if model.config.latent != 2:
        raise ValueError(f"latent={model.config.latent} is not 2, the dimensions of a picture")
    places = [NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)]
    z = torch.tensor([(x, y) for y in places[::-1] for x in places])
    height, width = digits.images.shape[1:]
    grid = decode_images(model, z, height).reshape(side, side, height, width)
    points = encode_images(model, digits.images).mu.numpy()
    with style():
        figure = new_figure(9, 4.7)
        show_images(figure.add_axes((0.005, 0.01, 0.485, 0.94)), grid)
        axes = figure.add_axes((0.53, 0.1, 0.46, 0.84))
        _draw_cloud(axes, points, digits.labels)
        reach = max(3.0, float(np.quantile(np.abs(points), 0.995)) * 1.1)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-reach, reach)
        axes.set_aspect("equal")
        axes.set_xlabel("first latent dimension")
        axes.set_ylabel("second", labelpad=-4)
        return as_picture(
            figure,
            f"Left: {side} x {side} images decoded from a grid in two dimensions; neighbours look "
            "alike. Right: the encoded digits, coloured by label.",
        )


def draw_principal(model: GaussianVAE, digits: Digits) -> Picture:
    """Draw encoded digits on their two main axes, and how much of the variance each axis has."""
    mu = encode_images(model, digits.images).mu.numpy()
    main = fit_axes(mu)
    points, shares = main.project(mu), main.shares
    with style():
        figure = new_figure(9, 4.4)
        figure.set_layout_engine("constrained", w_pad=0.1)
        left, right = figure.subplots(1, 2, width_ratios=[3, 2])
        _draw_cloud(left, points, digits.labels)
        left.set_xlabel(f"first principal axis, {100 * shares[0]:.0f} % of the variance")
        left.set_ylabel(f"second, {100 * shares[1]:.0f} %")
        left.margins(0.02)
        numbers = np.arange(1, len(shares) + 1)
        right.bar(numbers, 100 * shares, color="#0072B2")
        right.plot(numbers, 100 * shares.cumsum(), ".-", color="#D55E00")
        needed = int((shares.cumsum() < 0.95).sum()) + 1
        right.set_title(f"95 % of the variance is in {needed} of {len(shares)} axes")
        right.set_ylim(0, 104)
        right.xaxis.set_major_locator(MaxNLocator(integer=True))
        right.set_xlabel("principal axis")
        right.set_ylabel("% of the variance; line: sum")
        return as_picture(
            figure,
            f"Left: encoded digits on the two main axes of {len(shares)}, coloured by label. "
            f"Right: the share of each axis; {needed} axes have 95 %.",
        )


def _draw_cloud(axes: Axes, points: Floats, labels: np.ndarray) -> None:
    """Draw points coloured by digit, with the digit's name where it is densest."""
    shown = slice(None, None, max(1, len(points) // 2000))
    for label in np.unique(labels):
        color = _COLORS[label]
        own = points[shown][labels[shown] == label]
        axes.plot(*own.T, ".", color=color, ms=3.5, alpha=0.55, rasterized=True)
        x, y = _densest(own)
        light = sum(to_rgb(color)) > 1.6
        axes.text(
            x,
            y, f"{label}", ha="center", va="center", weight="bold",
            color="black" if light else "white",
            bbox={"boxstyle": "circle,pad=0.25", "fc": color, "ec": "white", "lw": 1},
        )  # fmt: skip


def _densest(points: Floats, near: int = 20) -> Floats:
    """Return the point whose neighbours are nearest."""
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    distances.sort(axis=1)
    return np.asarray(points[distances[:, min(near, len(points) - 1)].argmin()])
