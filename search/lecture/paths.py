"""Paths through the latent space of digits, and the shell that its points lie in."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automata.drawing.colors import BLUE, GREEN, VERMILION
from data.picture import Picture, as_picture
from data.plots import GREY, PALE, chi_density, new_figure, style
from search.lecture.images import show_images
from vae.gaussian import GaussianVAE, Images, decode_images, encode_images
from vae.interpolate import interpolate

STEPS = 14
"""Points of a path, its ends included."""
_PATHS = (("linear", VERMILION, "--"), ("polar", BLUE, "-"))
_DRAWS = 10_000


def path_points(path: str, first: Tensor, second: Tensor, steps: int = STEPS) -> Tensor:
    """Return points on the paths between pairs of points, both ends included.

    Parameters
    ----------
    path : str
        One of `vae.config.PATHS`.
    first, second : tensor, shape (pairs, latent)
    steps : int

    Returns
    -------
    tensor, shape (pairs, steps, latent)

    Examples
    --------
    >>> ends = torch.zeros(1, 1), torch.ones(1, 1)
    >>> path_points("linear", *ends, 3).flatten().tolist()
    [0.0, 0.5, 1.0]
    """
    alphas = torch.linspace(1, 0, steps).repeat(len(first))
    starts, ends = (end.repeat_interleave(steps, 0) for end in (first, second))
    return interpolate(path, starts, ends, alphas).reshape(len(first), steps, -1)


def draw_paths(model: GaussianVAE, firsts: Images, seconds: Images, path: str) -> Picture:
    """Draw images decoded along the paths between pairs of images, the true images outside.

    Parameters
    ----------
    model : GaussianVAE
    firsts, seconds : float32 array, shape (pairs, height, width)
    path : str
        One of `vae.config.PATHS`.
    """
    z = path_points(path, encode_images(model, firsts).mu, encode_images(model, seconds).mu)
    pairs, (height, width) = len(firsts), firsts.shape[1:]
    grid = np.full((pairs, STEPS + 4, height, width), np.nan, np.float32)
    grid[:, 0], grid[:, -1] = firsts, seconds
    grid[:, 2:-2] = decode_images(model, z.flatten(0, 1), height).reshape(pairs, STEPS, height, -1)
    with style():
        figure = new_figure(9, 0.3 + 8.9 * pairs / (STEPS + 4) * height / width)
        tall = figure.get_figheight()
        axes = figure.add_axes((0.005, 0.005, 0.99, (tall - 0.3) / tall))
        show_images(axes, grid)
        for place, label in ((0, "image"), ((STEPS + 3) / 2, f"{path} path"), (STEPS + 3, "image")):
            axes.text(place, -0.62, label, ha="center", va="bottom")
        return as_picture(
            figure, f"{pairs} {path} paths between two digits, each in {STEPS} steps."
        )


def draw_norms(first: Tensor, second: Tensor, name: str) -> Picture:
    """Draw the norm along linear and polar paths between pairs of points, beside the shell.

    Parameters
    ----------
    first, second : tensor, shape (pairs, latent)
    name : str
        What the points are.
    """
    latent, steps = first.shape[1], 41
    radii = np.linspace(0, math.sqrt(latent) + 4, 2000)
    mass = np.cumsum(chi_density(radii, latent)) * (radii[1] - radii[0])
    low, high = np.interp([0.025, 0.975], mass, radii)
    places = np.linspace(0, 1, steps)
    with style():
        figure = new_figure(9, 3.3)
        figure.set_layout_engine("constrained", w_pad=0.1)
        panels = figure.subplots(1, 2, sharey=True)
        middles = {}
        for axes, (path, color, _) in zip(panels, _PATHS, strict=True):
            norms = path_points(path, first, second, steps).norm(dim=2).numpy()  # (pairs, steps)
            axes.axhspan(low, high, color=PALE, lw=0)
            axes.axhline(math.sqrt(latent), color=GREY, ls=":", lw=1)
            axes.plot(places, norms[:30].T, color=color, lw=0.6, alpha=0.4)
            axes.plot(places, norms.mean(0), color=color, lw=2.4)
            middles[path] = f"{norms[:, steps // 2].mean():.2f}"
            axes.set_title(f"{path}: {middles[path]} in the middle")
            axes.set_xlabel("place on the path")
            axes.set_xlim(0, 1)
        panels[0].text(0.02, high, f" 95 % of N(0, I), d = {latent}", color=GREY, va="bottom")
        panels[0].set_ylim(0, max(high * 1.2, panels[0].dataLim.y1 * 1.03))
        panels[0].set_ylabel("norm")
        figure.suptitle(f"Paths between {name}", x=0.01, ha="left")
        return as_picture(
            figure,
            f"Norms along paths between {name}, on average in the middle: linear "
            f"{middles['linear']}, polar {middles['polar']}. The shell of N(0, I) is grey.",
        )


def draw_bubble(dimensions: Sequence[int], rng: np.random.Generator) -> Picture:
    """Draw the norms of normal points in several dimensions, with the density of chi.

    Parameters
    ----------
    dimensions : sequence of int
    rng : Generator
        Draws 10,000 points for each dimension.
    """
    with style():
        figure = new_figure(9, 1 + 0.85 * len(dimensions))
        figure.set_layout_engine("constrained")
        panels: npt.NDArray[np.object_] = figure.subplots(
            len(dimensions), 1, sharex=True, squeeze=False
        )[:, 0]
        right = math.sqrt(max(dimensions)) + 3.5
        radii = np.linspace(0, right, 500)
        edges = np.linspace(0, right, 141)
        for axes, d in zip(panels, dimensions, strict=True):
            norms = np.linalg.norm(rng.standard_normal((_DRAWS, d)), axis=1)
            axes.hist(norms, edges, density=True, color=BLUE, alpha=0.35, histtype="stepfilled")
            axes.plot(radii, chi_density(radii, d), color=BLUE, lw=1.3)
            axes.axvline(math.sqrt(d), color=VERMILION, ls=":", lw=1.3)
            axes.plot(0, 0, "o", color=GREEN, ms=6, clip_on=False)
            axes.set_ylim(bottom=0)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.set_ylabel(f"d = {d}", rotation=0, ha="right", va="center")
            text = f"{norms.mean():.2f} ± {norms.std():.2f}"
            side = 1 if math.sqrt(d) < right / 2 else -1
            axes.annotate(
                text, (math.sqrt(d) + side * 1.9, 0.55), xycoords=axes.get_xaxis_transform(),
                ha="left" if side == 1 else "right",
            )  # fmt: skip
        panels[-1].set_xlabel("norm; dotted: sqrt(d); green: the densest point, the origin")
        return as_picture(
            figure,
            "Histograms of norms of normal points with chi's density, "
            f"in {', '.join(map(str, dimensions))} dimensions: shells of about equal width "
            "at a distance of sqrt(d).",
        )
