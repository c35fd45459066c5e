"""Looking for longer thresholds: the guide's predictions, and what searches find with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from matplotlib.ticker import MaxNLocator

from automata.drawing.colors import BLUE, GREEN, VERMILION
from automata.sizes import cerny_bound
from automata.solver.exact import reset_thresholds
from data.picture import Picture, as_picture
from data.plots import GREY, Floats, line_style, new_figure, style
from search.arms.account import Trace
from search.evaluation.attribute_table import in_words
from search.lecture.learned import Learned
from search.lecture.planes import Plane
from vae.ascent import ascend
from vae.coding import decode_points, encode_automata
from vae.conditions import unit
from vae.model import VAE

_CLIMBERS, _SHOWN = 300, 14
"""Held-out automata that climb, and those of them whose paths are drawn."""
_STEPS, _LENGTH = 20, 0.2
"""Steps of gradient ascent, and their length in standard deviations of the prior."""
_SIDE = 81
"""Points along each side of a grid."""
_HIT = 0.6
"""A hit is above this share of the Černý bound."""
_PARTS = 5
"""Parts of a budget whose hits are counted apart."""
_COLORS = (BLUE, VERMILION, GREEN, "#CC79A7", "#999933")


def draw_ascent(plane: Plane, learned: Learned) -> Picture:
    """Draw the predicted and the true threshold over the plane, and along gradient ascent.

    The climbers begin at the posterior means of held-out automata, in the plane and in the latent
    space of the larger model.

    Parameters
    ----------
    plane : Plane
    learned : Learned
    """
    bound = cerny_bound(learned.data.n)
    deltas = learned.held_out.deltas[:_CLIMBERS]
    models = plane.model, learned.model
    paths = [climb_paths(model, encode_automata(model, deltas).mu) for model in models]
    seen = paths[0][:, :_SHOWN].numpy()
    reach = max(3.0, 1.05 * float(np.abs(seen).max(initial=0)))
    places = np.linspace(-reach, reach, _SIDE)
    grid = torch.from_numpy(np.stack(np.meshgrid(places, places), -1).reshape(-1, 2)).float()
    fields = {
        "predicted threshold": _predict(plane.model, grid, bound),
        "true threshold of what is decoded": _solve(plane.model, grid),
    }
    high = float(np.nanmax(np.concatenate([*fields.values()])))
    with style():
        figure = new_figure(9.4, 3.6)
        figure.set_layout_engine("constrained")
        *planes, right = figure.subplots(1, 3)
        for axes, (name, field) in zip(planes, fields.items(), strict=True):
            image = axes.imshow(
                field.reshape(_SIDE, _SIDE), origin="lower", extent=(-reach, reach) * 2,
                cmap="viridis", vmin=0, vmax=high, interpolation="none",
            )  # fmt: skip
            axes.plot(*seen.transpose(2, 0, 1), color="white", lw=0.9)
            axes.plot(*seen[0].T, "o", color="white", ms=2.5)
            axes.set_title(name)
            axes.set_xticks([])
            axes.set_yticks([])
        figure.colorbar(image, ax=planes, orientation="horizontal", aspect=50, shrink=0.9)
        facts = []
        for model, own, color in zip(models, paths, (VERMILION, BLUE), strict=True):
            along = _along(model, own, bound)
            for name, mean, dashes in (
                ("predicted", along.predicted, "--"),
                ("true", along.true, "-"),
            ):
                label = f"{name}, d = {model.config.latent}"
                right.plot(mean, dashes, color=color, lw=2, label=label)
            facts.append(f"In {model.config.latent} dimensions {along.in_words()}")
        right.set_ylim(0, 1.5 * right.dataLim.y1)
        right.legend(frameon=False, loc="upper left", ncols=2, fontsize=8, columnspacing=1)
        right.xaxis.set_major_locator(MaxNLocator(integer=True))
        right.set_xlabel(f"steps of gradient ascent, {_LENGTH:g} long")
        right.set_title("mean threshold along the way")
        return as_picture(
            figure,
            f"{len(deltas)} held-out automata climb {_STEPS} steps. {' '.join(facts)} Blank: what "
            "is decoded there has no reset word; such automata are left out of the true means.",
        )


class Climb(NamedTuple):
    """What gradient ascent leads to, at each step: float64 (steps,) each."""

    predicted: Floats
    """Mean predicted threshold."""
    true: Floats
    """Mean threshold of what is decoded, without what has no reset word."""
    lost: Floats
    """Share of what is decoded that has no reset word."""

    def in_words(self) -> str:
        """Say what was predicted, what is true, and whether the one led to the other.

        Examples
        --------
        >>> Climb(*np.array([[9, 12], [9, 7], [0, 0.5]])).in_words()[-64:]
        ' At the end 50% of the automata have no reset word, at first 0%.'
        """
        (before, predicted), (start, true) = self.predicted[[0, -1]], self.true[[0, -1]]
        verdict = "follows" if true > start else "does not follow"
        return (
            f"the predicted mean goes from {before:.1f} to {predicted:.1f}; the true one "
            f"{verdict}: from {start:.1f} to {true:.1f}. At the end {self.lost[-1]:.0%} of the "
            f"automata have no reset word, at first {self.lost[0]:.0%}."
        )


def _along(model: VAE, paths: torch.Tensor, bound: int) -> Climb:
    steps, climbers, _ = paths.shape
    flat = paths.flatten(0, 1)
    true = _solve(model, flat).reshape(steps, climbers)
    counts = np.isfinite(true).sum(1)
    return Climb(
        _predict(model, flat, bound).reshape(steps, climbers).mean(1),
        np.nansum(true, axis=1) / np.maximum(counts, 1),
        1 - counts / climbers,
    )


def climb_paths(model: VAE, starts: torch.Tensor) -> torch.Tensor:
    """Return the points of gradient ascent, the starts first: (steps + 1, climbers, latent)."""
    ones = torch.ones(len(starts), dtype=torch.int64)
    lengths = torch.full((len(starts),), _LENGTH * unit(model.config))
    paths = [starts]
    for _ in range(_STEPS):
        paths.append(ascend(model, paths[-1], ones, lengths))
    return torch.stack(paths).detach()


@torch.no_grad()
def _predict(model: VAE, z: torch.Tensor, bound: int) -> Floats:
    """Return the predicted threshold of points, in letters: (points,)."""
    return np.asarray(model.predict(z).numpy() * bound, np.float64)


def _solve(model: VAE, z: torch.Tensor) -> Floats:
    """Return the threshold of what is decoded at points, nan where nothing resets: (points,)."""
    thresholds = reset_thresholds(decode_points(model, z).deltas).astype(np.float64)
    return np.where(thresholds < 0, np.nan, thresholds)


def draw_finds(
    traces: Sequence[Trace],
    modes: Sequence[str],
    n: int,
    beside: Sequence[str] = ("evolve", "mutation"),
) -> Picture:
    """Draw how many hits arms had after how many solver calls, and how dense hits are.

    Parameters
    ----------
    traces : sequence of Trace
        Of a search: `search.run.SearchResult.traces`.
    modes : sequence of str
        The arms to look at.
    n : int
        Number of states.
    beside : sequence of str
        Baselines, in grey.
    """
    level = int(_HIT * cerny_bound(n)) + 1
    arms = {trace.mode: trace for trace in traces if trace.mode in (*modes, *beside)}
    allowed = max(trace.calls for trace in arms.values())
    most = max(1, allowed)
    edges = np.linspace(0, most, _PARTS + 1)
    results = []
    with style():
        figure = new_figure(9, 3.5)
        figure.set_layout_engine("constrained", w_pad=0.1)
        left, right = figure.subplots(1, 2)
        for place, mode in enumerate(name for name in (*modes, *beside) if name in arms):
            trace = arms[mode]
            at = hits(trace, level)
            own = mode in modes
            look = {
                "color": _COLORS[place] if own else GREY,
                "ls": "-" if own else line_style(1 + list(beside).index(mode)),
                "lw": 2 if own else 1.3,
            }
            so_far = [*range(len(at) + 1), len(at)]
            left.step([0, *at, trace.calls], so_far, where="post", label=mode, **look)
            widths = np.clip(trace.calls - edges[:-1], 0, np.diff(edges))
            parts = np.histogram(at, edges)[0]
            rates = np.where(widths > 0, 1000 * parts / np.maximum(widths, 1e-9), np.nan)
            right.plot((edges[1:] + edges[:-1]) / 2, rates, marker=".", **look)
            early = f" (ended after {trace.calls:,})" if trace.calls < allowed else ""
            results.append(f"{mode} {1000 * len(at) / max(1, trace.calls):.0f}{early}")
        left.legend(frameon=False, loc="upper left")
        left.set_title(f"hits so far: thresholds of at least {level}")
        right.set_title("hits in each fifth of the budget, per 1,000 calls")
        for axes in (left, right):
            axes.set_xlim(0, most)
            axes.set_ylim(bottom=0)
            axes.set_xlabel("solver calls")
        return as_picture(
            figure,
            f"Hits (thresholds of at least {level}, new to the training set) per 1,000 solver "
            f"calls, of up to {allowed:,}: {', '.join(results)}.",
        )


def hits(trace: Trace, level: int) -> Floats:
    """Return after how many calls each hit was found. What cost no call, as it was known, is none.

    Examples
    --------
    >>> forms = np.zeros((3, 4), np.uint8)
    >>> trace = Trace("evolve", 0, 5, forms, np.array([9, 9, 3], np.int32), np.array([0, 1, 2]))
    >>> hits(trace, 5).tolist()
    [1]
    """
    paid = np.diff(trace.found_at, prepend=0) > 0
    return np.asarray(trace.found_at[paid & (trace.thresholds >= level)])


def draw_arithmetic(table: pd.DataFrame) -> Picture:
    """Draw the success of a step along each attribute's direction, beside chance and mutation.

    Parameters
    ----------
    table : DataFrame
        Of `search.evaluation.attributes.measure_arithmetic`.
    """
    shown = table.sort_values("gained", kind="stable")
    rows = np.arange(len(shown))
    kinds = (
        ("gained", "a step along the direction", BLUE, "o"),
        ("chance", "a random step of that length", GREY, "x"),
        ("mutation_alike", "as many transitions redrawn", VERMILION, "+"),
    )
    with style():
        figure = new_figure(9, 1.2 + 0.3 * max(1, len(shown)))
        figure.set_layout_engine("constrained")
        axes = figure.subplots()
        for name, label, color, marker in kinds:
            low, high = (100 * shown[f"{name}{end}"] for end in ("_low", "_high"))
            axes.hlines(rows, low, high, color=color, lw=1.6, alpha=0.6)
            axes.plot(100 * shown[name], rows, marker, color=color, ms=6, mew=1.6, label=label)
        axes.set_yticks(rows, shown["attribute"])
        axes.set_xlim(-1, 101)
        axes.set_ylim(-0.7, len(shown) - 0.3)
        axes.grid(axis="x", color=GREY, alpha=0.15)
        axes.set_xlabel("% of held-out automata that gain the attribute; lines: 95 % intervals")
        figure.legend(loc="outside upper left", ncols=3, frameon=False)
        return as_picture(figure, " ".join(in_words(table)) or "Too few automata to measure.")
