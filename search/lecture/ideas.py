"""The ideas before any training: two ways to learn, the graphical model, the bound."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from sklearn.linear_model import LogisticRegression

from automata.drawing.colors import BLACK, BLUE, GREEN, VERMILION
from data.digits import Digits
from data.picture import Picture, as_picture
from data.plots import GREY, PALE, new_figure, style
from vae.axes import fit_axes

Floats = npt.NDArray[np.floating]

_COLORS = (BLUE, VERMILION)


def draw_two_ways(digits: Digits, pair: tuple[int, int], rng: np.random.Generator) -> Picture:
    """Draw two digits on two axes: a border between them, and a density for each.

    Parameters
    ----------
    digits : Digits
    pair : tuple of int
        The two digits.
    rng : Generator
        Draws the new points of the densities.
    """
    chosen = np.isin(digits.labels, pair)
    is_second = digits.labels[chosen] == pair[1]
    images = digits.images[chosen].reshape(chosen.sum(), -1)
    points = fit_axes(images).project(images)
    classes = [points[is_second == kind] for kind in range(2)]
    means, covs = [own.mean(0) for own in classes], [np.cov(own.T) for own in classes]
    # an ellipse of three standard deviations reaches as far along each axis
    reaches = [3.1 * np.sqrt(np.diag(cov)) for cov in covs]
    away = [
        mean + sign * reach for mean, reach in zip(means, reaches, strict=True) for sign in (-1, 1)
    ]
    every = np.concatenate([points, away])
    low, high = every.min(0), every.max(0)
    grid = np.stack(np.meshgrid(*np.linspace(low, high, 60).T), -1)  # (y, x, 2)
    with style():
        figure = new_figure(9, 4.1)
        figure.set_layout_engine("constrained")
        left, right = figure.subplots(1, 2, sharex=True, sharey=True)
        border = LogisticRegression().fit(points, is_second)
        share = border.predict_proba(grid.reshape(-1, 2))[:, 1].reshape(grid.shape[:2])
        field = (grid[..., 0], grid[..., 1])
        left.contourf(*field, share, levels=np.linspace(0, 1, 11), cmap="RdBu_r", alpha=0.45)
        left.contour(*field, share, levels=[0.5], colors=BLACK, linewidths=1.2)
        left.set_title(f"discriminative: p(y | x), is it a {pair[0]} or a {pair[1]}?")
        for kind, color in enumerate(_COLORS):
            own, mean, cov = classes[kind], means[kind], covs[kind]
            offset = grid - mean
            distance = np.einsum("...i,ij,...j", offset, np.linalg.inv(cov), offset)
            right.contour(*field, distance, levels=[1, 4, 9], colors=color, linewidths=1)
            new = rng.multivariate_normal(mean, cov, 40)
            right.plot(*new.T, "x", color=color, ms=5, label=f"{pair[kind]}, drawn anew")
            for axes in (left, right):
                axes.plot(
                    *own.T, ".", color=color, ms=3, alpha=0.5, label=f"{pair[kind]}",
                    rasterized=True,
                )  # fmt: skip
        right.set_title("generative: p(x | y), how does each look?")
        right.legend(frameon=False, ncols=2, loc="upper right", bbox_to_anchor=(1, -0.02))
        for axes in (left, right):
            axes.set_xticks([])
            axes.set_yticks([])
        left.set_xlabel("first principal axis of the images")
        left.set_ylabel("second principal axis")
        return as_picture(
            figure,
            f"Images of {pair[0]} and {pair[1]} in two dimensions: on the left a border between "
            "them, on the right a normal density for each, and points drawn from it.",
        )


def draw_graphical_model() -> Picture:
    """Draw the graphical model: z generates x, and q(z|x) leads back."""
    with style():
        figure = new_figure(9, 3.4)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, 9)  # one unit is one inch
        axes.set_ylim(0, 3.4)
        for x, first, second, parameter, label, dashed in (
            (0.4, "z", "x", r"\theta", "generate", False),
            (4.9, "x", "z", r"\varphi", "infer", True),
        ):
            color = VERMILION if dashed else BLUE
            axes.text(x, 3.05, label, size=13, weight="bold", color=color)
            axes.add_patch(
                FancyBboxPatch(
                    (x + 1.1, 0.35), 2.8, 2.35, boxstyle="round,pad=0.02,rounding_size=0.12",
                    fill=False, ec=GREY,
                )
            )  # fmt: skip
            axes.text(x + 3.8, 0.47, "each of N images", ha="right", size=9, color=GREY)
            _node(axes, (x + 1.9, 2.15), first, first == "x")
            _node(axes, (x + 1.9, 1.0), second, second == "x")
            _arrow(axes, (x + 1.9, 2.15), (x + 1.9, 1.0), color, dashed)
            axes.text(x + 0.45, 1.0, f"${parameter}$", size=17, ha="center", va="center")
            _arrow(axes, (x + 0.33, 1.0), (x + 1.9, 1.0), color, dashed)
        axes.text(2.75, 2.15, "$p(z)=N(0, I)$", size=12, va="center")
        axes.text(2.75, 1.0, r"$p_\theta(x|z)$", size=12, va="center")
        axes.text(7.25, 1.0, r"$q_\varphi(z|x)$", size=12, va="center")
        return as_picture(
            figure,
            "Two graphs: z leads to x with parameters theta; x leads to z with parameters phi. "
            "x is shaded, since it is observed; z is hidden.",
        )


def _node(axes: Axes, centre: tuple[float, float], name: str, observed: bool) -> None:
    axes.add_patch(Circle(centre, 0.33, fc=PALE if observed else "white", ec=BLACK, lw=1.4))
    axes.text(*centre, f"${name}$", size=17, ha="center", va="center")


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], color: str, dashed: bool
) -> None:
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=15, lw=1.6, color=color,
            ls=(0, (4, 2)) if dashed else "-", shrinkA=26, shrinkB=25,
        )
    )  # fmt: skip


def draw_bound(x: float = 1.6, sigma: float = 0.6) -> Picture:
    """Draw evidence, posterior and ELBO of a model with one hidden and one observed number.

    The model is z ~ N(0, 1), x ~ N(2 tanh z, sigma^2); in one dimension the integral over z is a
    sum over a fine grid.

    Parameters
    ----------
    x : float
        The observed number.
    sigma : float
        Standard deviation of x, given z.
    """
    z = np.linspace(-4, 6, 501)
    width = z[1] - z[0]
    log_likelihood = _log_normal(x, 2 * np.tanh(z), sigma)
    joint = np.exp(_log_normal(z, 0, 1) + log_likelihood)
    evidence = joint.sum() * width
    centres = np.linspace(0, 2.4, 121)
    widths = np.linspace(0.2, 1.5, 131)
    reconstruction = np.empty((len(centres), len(widths)))
    for place, sigma_q in enumerate(widths):  # all at once would take 180 MiB
        q = np.exp(_log_normal(z, centres[:, None], sigma_q))  # (mu, z)
        reconstruction[:, place] = -(q * log_likelihood).sum(1) * width
    kl = 0.5 * (centres[:, None] ** 2 + widths**2 - 1) - np.log(widths)
    elbo = -reconstruction - kl  # (mu, sigma)
    best = np.unravel_index(elbo.argmax(), elbo.shape)
    best_q = np.exp(_log_normal(z, centres[best[0]], widths[best[1]]))
    with style():
        figure = new_figure(9, 3.6)
        figure.set_layout_engine("constrained", w_pad=0.12)
        left, right = figure.subplots(1, 2)
        near = (z > -2.8) & (z < 3.6)
        left.fill_between(z[near], np.exp(_log_normal(z[near], 0, 1)), color=PALE, lw=0)
        left.text(-1.15, 0.07, "prior p(z)", color=GREY, ha="center")
        left.plot(z[near], np.exp(log_likelihood)[near], ":", color=GREEN, label="p(x|z)")
        left.plot(z[near], (joint / evidence)[near], color=BLACK, label="p(z|x)")
        left.plot(z[near], best_q[near], "--", color=VERMILION, label="q(z|x), the best normal")
        left.set_ylim(0, 1.22 * max(best_q.max(), (joint / evidence).max()))
        left.set_xlabel("z")
        left.set_yticks([])
        left.spines["left"].set_visible(False)
        left.legend(frameon=False, loc="upper left")
        left.set_title(f"one hidden number z, one observed x = {x:g}")
        curve = elbo[:, best[1]]
        right.axhline(math.log(evidence), color=BLACK)
        right.text(centres[-1], math.log(evidence) + 0.04, "log p(x)", ha="right")
        right.plot(centres, curve, "--", color=VERMILION)
        right.fill_between(centres, curve, math.log(evidence), color=VERMILION, alpha=0.15, lw=0)
        right.text(1.0, elbo.max() - 0.2, "ELBO", color=VERMILION, ha="center")
        right.text(centres[-2], math.log(evidence) - 0.5, "KL(q || p(z|x))", ha="right")
        right.set_ylim(math.log(evidence) - 2.2, math.log(evidence) + 0.35)
        right.set_xlabel("mean of q")
        right.set_ylabel("nats")
        gap = math.log(evidence) - elbo.max()
        right.set_title(f"the gap is a KL divergence; here {gap:.3f} nats at best")
        return as_picture(
            figure,
            "Left: a prior, a likelihood, the true posterior, and the normal closest to it. "
            "Right: the ELBO as a curve below log p(x).",
        )


def _log_normal(x: npt.ArrayLike, mu: npt.ArrayLike, sigma: npt.ArrayLike) -> Floats:
    scale = np.asarray(sigma, np.float64)
    away = (np.asarray(x) - np.asarray(mu)) / scale
    return np.asarray(-0.5 * away**2 - np.log(scale) - 0.5 * math.log(2 * math.pi))
