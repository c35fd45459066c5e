"""Attributes of digits that one can measure, and arithmetic with them in the latent space.

The direction of an attribute is the difference of two means (Larsen et al. 2016): of the encoded
images that have most of it, and of those that have least.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor, nn

from automata.drawing.colors import BLUE
from data.damage import DataError
from data.digits import Digits, Images
from data.picture import Picture, as_picture
from data.plots import GREY, Floats, new_figure, style
from search.lecture.images import show_images
from vae.gaussian import GaussianVAE, decode_images, encode_images

_TAIL = 0.25
"""Share of the images that have most of an attribute, or least."""
_NEEDED = 0.5
"""Standard deviations by which an attribute must rise."""
_CHANCE = 20
"""Directions of shuffled attributes that stand for chance."""
STEP = 1.5
"""Length of the step along a direction."""


@dataclass(frozen=True)
class Attribute:
    """A measurable attribute of images."""

    name: str
    measure: Callable[[Images], Floats]
    """Images (rows, height, width) -> float (rows,)."""
    label: int | None = None
    """The one digit that it is an attribute of; None: every digit."""

    def rows(self, digits: Digits) -> npt.NDArray[np.int64]:
        """Return the rows of the digits that may have it."""
        mine = np.ones(len(digits.labels), bool) if self.label is None else None
        return np.flatnonzero(digits.labels == self.label if mine is None else mine)


def thickness(images: Images) -> Floats:
    """Return the thickness of strokes of images: their ink over the length of their edges.

    Examples
    --------
    >>> thin, thick = np.zeros((2, 8, 8), np.float32)
    >>> thin[:, 3], thick[:, 3:5] = 1, 1
    >>> thickness(np.stack([thin, thick])).round(6).tolist()
    [0.444444, 0.8]
    """
    padded = np.pad(np.asarray(images, np.float64), ((0, 0), (1, 1), (1, 1)))
    edges = sum(np.abs(np.diff(padded, axis=axis)).sum((1, 2)) for axis in (1, 2))
    return np.asarray(padded.sum((1, 2)) / np.maximum(edges, 1e-9))


def slant(images: Images) -> Floats:
    """Return the slant of images: columns to the right for each row upwards.

    It is minus the covariance of column and row, weighted by ink, over the variance of the row.

    Examples
    --------
    >>> slant(np.stack([np.eye(8), np.eye(8)[::-1]]).astype(np.float32)).round(6).tolist()
    [-1.0, 1.0]
    """
    ink = np.asarray(images, np.float64)
    ink = ink / np.maximum(ink.sum((1, 2), keepdims=True), 1e-9)
    y, x = np.mgrid[: images.shape[1], : images.shape[2]].astype(np.float64)
    rows, columns = ((ink * place).sum((1, 2), keepdims=True) for place in (y, x))
    covariance = (ink * (y - rows) * (x - columns)).sum((1, 2))
    return np.asarray(-covariance / np.maximum((ink * (y - rows) ** 2).sum((1, 2)), 1e-9))


def bar(images: Images) -> Floats:
    """Return the mean ink left of a seven's stem, at half its height: much, if it has a bar.

    Examples
    --------
    >>> images = np.zeros((2, 8, 8), np.float32)
    >>> images[1, 4, 1:3] = 1
    >>> bar(images).round(6).tolist()
    [0.0, 0.333333]
    """
    height, width = images.shape[1:]
    rows = slice(round(height * 3 / 8), round(height * 6 / 8))
    window = images[:, rows, round(width / 8) : round(width * 3 / 8)]
    return np.asarray(window.mean((1, 2)), np.float64)


ATTRIBUTES = (
    Attribute("thicker", thickness),
    Attribute("tilted", slant),
    Attribute("7 with a bar", bar, label=7),
)


def direction(
    model: GaussianVAE,
    digits: Digits,
    attribute: Attribute,
    shuffler: np.random.Generator | None = None,
) -> Tensor:
    """Return the direction of an attribute: (latent,), its length 1.

    The means are taken digit by digit, so that the direction does not lead to digits that have more
    of the attribute.

    Parameters
    ----------
    model : GaussianVAE
    digits : Digits
        Those that the model was trained on.
    attribute : Attribute
    shuffler : Generator, optional
        Shuffles the attribute among the images of each digit: the direction that chance gives.
    """
    own = digits.take(attribute.rows(digits))
    mu, values = encode_images(model, own.images).mu, attribute.measure(own.images)
    difference = torch.zeros(mu.shape[1])
    for label in np.unique(own.labels):
        rows = np.flatnonzero(own.labels == label)
        order = rows[values[rows].argsort(kind="stable")]
        if shuffler is not None:
            order = shuffler.permutation(order)
        tail = max(1, round(_TAIL * len(order)))
        difference += mu[order[-tail:]].mean(0) - mu[order[:tail]].mean(0)
    return nn.functional.normalize(difference, dim=0)


class Success(NamedTuple):
    """Shares of held-out images."""

    gained: float
    """Of those decoded after the step, how many have clearly more of the attribute."""
    by_chance: float
    """The same after a step in the direction of a shuffled attribute."""
    same_digit: float
    """Of those decoded after the step, how many are still read as the same digit."""
    unmoved_digit: float
    """The same without a step."""


def success(
    model: GaussianVAE,
    training: Digits,
    held_out: Digits,
    attribute: Attribute,
    rng: np.random.Generator,
) -> Success:
    """Measure how often a step of length `STEP` along an attribute's direction has success.

    An image gains if the attribute of what is decoded after the step is higher by half a standard
    deviation (over the training images) than of what is decoded without it. Digits are read by
    the nearest training image.

    Parameters
    ----------
    model : GaussianVAE
    training, held_out : Digits
        The direction is learned on one, the rates are measured on the other.
    attribute : Attribute
    rng : Generator
        Shuffles attributes.

    Raises
    ------
    DataError
        If no held-out image may have the attribute.
    """
    own = held_out.take(attribute.rows(held_out))
    if len(own.labels) == 0:
        raise DataError(f"no held-out image of the digit {attribute.label}")
    height = own.images.shape[1]
    mu = encode_images(model, own.images).mu
    needed = _NEEDED * attribute.measure(training.take(attribute.rows(training)).images).std()
    before = decode_images(model, mu, height)
    reader = KNeighborsClassifier(n_neighbors=1)
    reader.fit(training.images.reshape(len(training.images), -1), training.labels)

    def gained(images: Images) -> float:
        return float((attribute.measure(images) >= attribute.measure(before) + needed).mean())

    def kept(images: Images) -> float:
        return float((reader.predict(images.reshape(len(images), -1)) == own.labels).mean())

    def moved(shuffler: np.random.Generator | None) -> Images:
        along = direction(model, training, attribute, shuffler)
        return decode_images(model, mu + STEP * along, height)

    after = moved(None)
    chance = [gained(moved(rng)) for _ in range(_CHANCE)]
    return Success(gained(after), float(np.mean(chance)), kept(after), kept(before))


def draw_attribute(
    model: GaussianVAE, training: Digits, held_out: Digits, attribute: Attribute, steps: int = 7
) -> Picture:
    """Draw held-out images with less and more of an attribute, unmoved in the middle."""
    rows = attribute.rows(held_out)
    if attribute.label is None:  # one of each digit
        rows = np.array([rows[held_out.labels[rows] == d][0] for d in np.unique(held_out.labels)])
    shown = held_out.images[rows[:10]]
    along = direction(model, training, attribute)
    mu = encode_images(model, shown).mu
    places = torch.linspace(-1.5 * STEP, 1.5 * STEP, steps)
    z = mu[:, None] + places[:, None] * along  # (images, steps, latent)
    height, width = shown.shape[1:]
    decoded = decode_images(model, z.flatten(0, 1), height)
    lines = decoded.reshape(len(shown), steps, height, width).swapaxes(0, 1)
    grid = np.concatenate([shown[None], np.full((1, *shown.shape), np.nan, np.float32), lines])
    measured = attribute.measure(lines.reshape(-1, height, width)).reshape(steps, -1)
    with style():
        figure = new_figure(9, 4.4)
        pictures = figure.add_axes((0.07, 0.01, 0.53, 0.92))
        show_images(pictures, grid)
        names = (f"{place:+.2f}" if place else "0" for place in places.tolist())
        pictures.set_yticks([0, *range(2, steps + 2)], ["image", *names])
        pictures.set_title(f"steps along “{attribute.name}”")
        axes = figure.add_axes((0.68, 0.12, 0.31, 0.81))
        axes.plot(places, measured, color=GREY, lw=0.8, alpha=0.6)
        axes.plot(places, measured.mean(1), ".-", color=BLUE, lw=2)
        axes.set_xlabel("step")
        axes.set_title(f"{attribute.measure.__name__}, measured")
        return as_picture(
            figure,
            f"{len(shown)} digits decoded at {steps} steps along the direction “{attribute.name}”, "
            f"and the attribute as measured: on average {measured[0].mean():.2f} at the start, "
            f"{measured[-1].mean():.2f} at the end.",
        )


def draw_success(rates: Mapping[str, Success]) -> Picture:
    """Draw the success of each attribute beside chance, and how often the digit stays."""
    bars = (
        ("gains the attribute", "gained", BLUE, None),
        ("by chance", "by_chance", "#BBBBBB", "///"),
        ("same digit after the step", "same_digit", "#009E73", None),
        ("same digit, only reconstructed", "unmoved_digit", "#A6D8C8", "///"),
    )
    with style():
        figure = new_figure(9, 1.1 + 1.05 * len(rates))
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        for place, (label, field, color, hatch) in enumerate(bars):
            shares = [100 * getattr(rate, field) for rate in rates.values()]
            spots = np.arange(len(rates)) + 0.21 * (place - 1.5)
            axes.barh(spots, shares, 0.2, color=color, hatch=hatch, ec="white", label=label)
            for spot, share in zip(spots, shares, strict=True):
                axes.text(share + 0.7, spot, f"{share:.0f} %", va="center", size=8)
        axes.set_yticks(range(len(rates)), [*rates])
        axes.invert_yaxis()
        axes.set_xlim(0, 107)
        axes.set_xlabel("% of held-out images")
        axes.tick_params(axis="y", length=0)
        figure.legend(loc="outside upper left", ncols=2, frameon=False)
        return as_picture(
            figure,
            "; ".join(
                f"{name}: {100 * rate.gained:.0f} % gain it, {100 * rate.by_chance:.0f} % by "
                f"chance, {100 * rate.same_digit:.0f} % are read as the same digit"
                for name, rate in rates.items()
            )
            + ".",
        )
