"""The picture of norms: where latent points lie, and how far paths leave the prior's shell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from automata.drawing.colors import BLACK, BLUE, line_color
from data.plots import (
    GREY,
    PALE,
    Floats,
    chi_density,
    line_style,
    new_figure,
    save,
    say_empty,
    style,
)

_SHELL = 0.025, 0.975
"""Quantiles of the norm of prior samples between which the shell lies."""


def shell(latent: int) -> tuple[float, float]:
    """Return the norms between which 95 % of a standard normal vector's norms lie.

    Parameters
    ----------
    latent : int
        Its dimension, at least 1.

    Examples
    --------
    >>> [round(norm, 2) for norm in shell(1)]  # half the quantiles of |x|
    [0.03, 2.24]
    """
    norms = np.linspace(0, math.sqrt(latent) + 6, 20_001)
    mass = np.cumsum(chi_density(norms, latent))
    low, high = np.interp(_SHELL, mass / mass[-1], norms).tolist()
    return low, high


def plot_norms(
    clouds: Mapping[str, Floats],
    latent: int,
    stem: Path,
    *,
    paths: Mapping[str, Floats] | None = None,
    prior: Floats | None = None,
) -> list[Path]:
    """Save the picture that `draw_norms` draws, as PNG and SVG; return their paths.

    Parameters
    ----------
    clouds, latent, paths, prior
        As `draw_norms`.
    stem : Path
        The path of the pictures, without an ending.
    """
    with style():
        return save(draw_norms(clouds, latent, paths, prior), stem)


def draw_norms(
    clouds: Mapping[str, Floats],
    latent: int,
    paths: Mapping[str, Floats] | None = None,
    prior: Floats | None = None,
) -> Figure:
    """Draw the "soap bubble": norms of latent points beside those of the prior, and along paths.

    The norm of a sample of N(0, I) in d dimensions has the chi distribution and is close to
    sqrt(d): most of its mass is in a thin shell. Straight paths between its points leave it.
    The norms of another prior are estimated from its samples. They may all be equal, as on a
    sphere; so every curve is then drawn as high as its row.

    Parameters
    ----------
    clouds : mapping of str to float array, shape (points,)
        The norms of each named cloud; all rows have one scale.
    latent : int
        The dimension d of the latent space.
    paths : mapping of str to float array, shape (pairs, places), optional
        The norms along each kind of path, at evenly spread alphas from 1 to 0: a second column.
    prior : float array, shape (samples,), optional
        The norms of samples of the model's prior. Default: the prior is N(0, I).

    Returns
    -------
    Figure
    """
    given = {name: np.asarray(cloud, np.float64).ravel() for name, cloud in clouds.items()}
    given = {name: cloud for name, cloud in given.items() if len(cloud)}
    # A few outliers do not shrink the rest.
    tops = [float(np.quantile(cloud, 0.998)) for cloud in given.values()]
    farthest = math.sqrt(latent) + 2.5 if prior is None else float(np.quantile(prior, 0.998))
    right = 1.03 * max([farthest, *tops])
    rows = max(1, len(given))
    with style():
        figure = new_figure(11 if paths else 8, max(1.3 + 0.85 * rows, 3.6 if paths else 0))
        figure.set_layout_engine("constrained", h_pad=0.03, w_pad=0.1)
        columns = 2 if paths else 1
        grid = figure.add_gridspec(rows, columns, width_ratios=[3, 2][:columns])
        left = [figure.add_subplot(grid[row, 0]) for row in range(rows)]
        middle = math.sqrt(latent) if prior is None else float(np.mean(prior))
        if prior is None:
            title = (
                f"Norms (blue) and the chi density of {latent} dimensions (grey); "
                f"dotted: sqrt({latent}) = {middle:.2f}"
            )
            name, bounds = "N(0, I)", shell(latent)
            _draw_beside_chi(left, given, latent, right)
        else:
            title = (
                "Norms (blue) and those of the model's prior (grey), each as high as the row;\n"
                f"dotted: the mean norm of the model's prior, {middle:.2f}"
            )
            low, high = np.quantile(prior, _SHELL).tolist()
            name, bounds = "the model's prior", (low, high)
            _draw_beside_samples(left, given, prior, right)
        _finish_clouds(left, given, middle, right)
        if paths:
            _draw_paths(figure.add_subplot(grid[:, 1]), paths, middle, bounds, name)
        figure.suptitle(title)
        return figure


def _draw_beside_chi(
    grid: list[Axes], clouds: Mapping[str, Floats], latent: int, right: float
) -> None:
    """Draw the density of each cloud over that of N(0, I), all on one scale."""
    edges, fine = np.linspace(0, right, 121), np.linspace(0, right, 400)
    prior = chi_density(fine, latent)
    densities = [
        np.histogram(cloud, edges)[0] / (len(cloud) * (edges[1] - edges[0]))
        for cloud in clouds.values()
    ]
    # a cloud in one point does not flatten the rest
    top = min(max([prior.max(), *(own.max() for own in densities)]), 3 * prior.max())
    for axes in grid:
        axes.fill_between(fine, prior, color=PALE, lw=0)
        axes.set_ylim(0, 1.05 * top)
    for axes, density in zip(grid, densities, strict=False):
        axes.stairs(density, edges, color=BLUE, lw=1.3)


def _draw_beside_samples(
    grid: list[Axes], clouds: Mapping[str, Floats], prior: Floats, right: float
) -> None:
    """Draw the histogram of each cloud over that of samples of the prior, each to one height."""
    edges = np.linspace(0, right, 121)
    for axes in grid:
        counts = np.histogram(prior, edges)[0]
        axes.stairs(counts / counts.max(), edges, fill=True, color=PALE)
        axes.set_ylim(0, 1.05)
    for axes, cloud in zip(grid, clouds.values(), strict=False):
        counts = np.histogram(cloud, edges)[0]
        axes.stairs(counts / counts.max(), edges, color=BLUE, lw=1.3)


def _finish_clouds(
    grid: list[Axes], clouds: Mapping[str, Floats], middle: float, right: float
) -> None:
    """Draw the axes of clouds, their names, and the mean or the square root of d."""
    for axes in grid:
        axes.axvline(middle, color=BLACK, lw=1, ls=":")
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlim(0, right)
        axes.tick_params(labelbottom=axes is grid[-1])
    for axes, (name, cloud) in zip(grid, clouds.items(), strict=False):
        axes.set_ylabel(
            f"{name}\nmean {cloud.mean():.2f}", rotation=0, ha="right", va="center",
            parse_math=False,
        )  # fmt: skip
    grid[-1].set_xlabel("norm")
    if not clouds:
        say_empty(grid[0], "no points")


def _draw_paths(
    axes: Axes,
    paths: Mapping[str, Floats],
    middle: float,
    bounds: tuple[float, float],
    prior: str,
) -> None:
    """Draw the mean norm along each kind of path, with its middle 80 %, over the shell."""
    low, high = bounds
    axes.axhspan(low, high, color=PALE, lw=0)
    axes.axhline(middle, color=BLACK, lw=1, ls=":")
    axes.text(0.98, high, f"95 % of {prior}", ha="left", va="bottom", color=GREY)
    most = high
    for kind, (name, norms) in enumerate(paths.items()):
        alphas = np.linspace(1, 0, norms.shape[1])
        bottom, top = np.quantile(norms, [0.1, 0.9], axis=0)
        color = line_color(kind)
        axes.fill_between(alphas, bottom, top, color=color, alpha=0.13, lw=0)
        axes.plot(alphas, norms.mean(axis=0), color=color, ls=line_style(kind), lw=2, label=name)
        most = max(most, float(top.max()))
    axes.set_xlim(1, 0)
    axes.set_ylim(0, 1.08 * most)
    axes.set_xlabel("alpha, from one parent to the other")
    axes.set_title("Norm along paths, the middle 80 % of pairs shaded")
    axes.legend(loc="lower center", frameon=False, ncols=len(paths), handlelength=3)
