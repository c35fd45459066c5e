"""The Gaussian VAE on digits: its data, losses, reconstructions, samples and bounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.ticker import FuncFormatter

from automata.drawing.colors import BLACK, BLUE, VERMILION
from data.digits import Digits
from data.picture import Picture, as_picture
from data.plots import GREY, new_figure, style
from search.lecture.images import show_images
from vae.gaussian import (
    GaussianVAE,
    Images,
    Measured,
    decode_images,
    encode_images,
    log_likelihood,
    reconstruct,
)

_COLUMNS = 14
_PARTS = (("train", BLUE, "-", "training"), ("held_out", VERMILION, "--", "held out"))


def some_of_each(digits: Digits, each: int) -> npt.NDArray[np.int64]:
    """Return the first rows of every digit, zeros first: int64 (digits * each,).

    Examples
    --------
    >>> some_of_each(Digits(np.zeros((4, 8, 8), np.float32), np.array([1, 0, 0, 1])), 1).tolist()
    [1, 0]
    """
    rows = [np.flatnonzero(digits.labels == label)[:each] for label in np.unique(digits.labels)]
    return np.concatenate(rows)


def draw_digits(digits: Digits) -> Picture:
    """Draw some images of every digit."""
    labels = np.unique(digits.labels)
    height, width = digits.images.shape[1:]
    grid = np.full((len(labels), 2 * _COLUMNS, height, width), np.nan, np.float32)
    for line, label in enumerate(labels):
        own = digits.images[digits.labels == label][: 2 * _COLUMNS]
        grid[line, : len(own)] = own
    with style():
        figure = new_figure(9, 9 * len(labels) / (2 * _COLUMNS) * height / width)
        show_images(figure.add_axes((0.01, 0.01, 0.98, 0.98)), grid)
        return as_picture(figure, f"{2 * _COLUMNS} handwritten images of each digit.")


def draw_losses(curve: Sequence[Measured]) -> Picture:
    """Draw the negative log-likelihood, the KL, and their sum while training."""
    steps = [point.step for point in curve]
    with style():
        figure = new_figure(9, 3.3)
        figure.set_layout_engine("constrained", w_pad=0.1)
        panels = figure.subplots(1, 3, sharex=True)
        titles = ("negative log-likelihood", "KL(q || p)", "their sum, -ELBO")
        for axes, title in zip(panels, titles, strict=True):
            axes.set_title(title)
            axes.set_xlabel("step")
        for part, color, dashes, label in _PARTS:
            nll = np.array([getattr(point, f"{part}_nll") for point in curve])
            kl = np.array([getattr(point, f"{part}_kl") for point in curve])
            for axes, values in zip(panels, (nll, kl, nll + kl), strict=True):
                axes.plot(steps, values, dashes, color=color, label=label)
        for axes in (panels[0], panels[2]):  # the first steps would hide all others
            low, high = axes.dataLim.y0, np.quantile(axes.lines[0].get_ydata(), 0.97)
            axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        panels[1].set_ylim(bottom=0)
        panels[0].set_ylabel("nats per image")
        panels[0].legend(frameon=False)
        last = curve[-1]
        return as_picture(
            figure,
            f"Loss curves in nats per image; at the end, held out: negative log-likelihood "
            f"{last.held_out_nll:.1f}, KL {last.held_out_kl:.1f}.",
        )


def draw_reconstructions(model: GaussianVAE, images: Images) -> Picture:
    """Draw images, and below each its reconstruction and the sigma of its pixels."""
    shown = images[: 2 * _COLUMNS]
    posterior = encode_images(model, shown)
    with torch.no_grad():
        sigma = model.decode(posterior.mu).log_sigma.exp().numpy().reshape(shown.shape)
    halves = [slice(0, _COLUMNS), slice(_COLUMNS, 2 * _COLUMNS)]
    rows = [shown, reconstruct(model, shown), sigma / max(sigma.max(), 1e-9)]
    names = ["image", "reconstruction", "its sigma"] * 2
    grid = np.full((6, _COLUMNS, *shown.shape[1:]), np.nan, np.float32)
    for part, half in enumerate(halves):
        for line, row in enumerate(rows):
            grid[3 * part + line, : len(row[half])] = row[half]
    return _named_grid(
        grid, names, f"{len(shown)} held-out images, below each its reconstruction and its sigma."
    )


def draw_samples(model: GaussianVAE, generator: torch.Generator, side: int) -> Picture:
    """Draw images decoded from points of the prior: their means, and one draw of the pixels."""
    z = torch.randn(4 * _COLUMNS, model.config.latent, generator=generator)
    means = decode_images(model, z, side).reshape(4, _COLUMNS, side, -1)
    with torch.no_grad():
        pixels = model.decode(z[:_COLUMNS]).sample(generator).numpy().clip(0, 1)
    grid = np.concatenate([means, pixels.reshape(1, *means.shape[1:])])
    names = ["mu of p(x|z)", "", "", "", "x ~ p(x|z), of\nthe first line"]
    return _named_grid(grid, names, f"{len(z)} images decoded from points z ~ N(0, I).")


def _named_grid(grid: npt.NDArray[np.floating], names: Sequence[str], text: str) -> Picture:
    """Draw a grid of images with a name for each line."""
    lines, columns, height, width = grid.shape
    with style():
        figure = new_figure(9, 7.7 * lines / columns * height / width)
        axes = figure.add_axes((0.135, 0.005, 0.86, 0.99))
        show_images(axes, grid)
        axes.set_yticks(range(lines), names)
        return as_picture(figure, text)


def draw_bounds(
    model: GaussianVAE, images: Images, generator: torch.Generator, samples: int = 200
) -> Picture:
    """Draw estimates of log p(x) against the number of points, from the prior and from q(z|x)."""
    guided = log_likelihood(model, images, samples, generator).mean(1)
    blind = log_likelihood(model, images, samples, generator, from_prior=True).mean(1)
    counts = np.arange(1, samples + 1)
    with style():
        figure = new_figure(9, 3.5)
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        axes.plot(counts, guided, color=BLUE)
        axes.plot(counts, blind, "--", color=VERMILION)
        axes.text(samples, guided[-1], "  z ~ q(z|x)", color=BLUE, va="center")
        axes.text(samples, blind[-1], "  z ~ p(z)", color=VERMILION, va="center")
        axes.plot(1, guided[0], "o", color=BLACK)
        axes.annotate(
            f"one z ~ q: the ELBO, {guided[0]:.1f}", (1, guided[0]), xytext=(12, 14),
            textcoords="offset points", va="center",
        )  # fmt: skip
        spread = np.ptp(guided)
        axes.set_ylim(min(blind[-1], guided[0]) - 3 * spread - 20, guided.max() + 2 * spread + 8)
        axes.set_xscale("log")
        axes.set_xlim(0.9, samples * 2.2)
        axes.set_xticks([count for count in (1, 10, 100, 1000) if count <= samples])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:g}"))
        axes.xaxis.minorticks_off()
        axes.set_xlabel("points z for each image")
        axes.set_ylabel("log p(x), nats per image")
        axes.grid(axis="y", color=GREY, alpha=0.15)
        return as_picture(
            figure,
            f"Estimates of log p(x) of held-out images: with one point of q {guided[0]:.1f} nats, "
            f"with {samples} points {guided[-1]:.1f}; with {samples} points of the prior "
            f"{blind[-1]:.1f}.",
        )
