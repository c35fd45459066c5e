"""Pictures of a latent space: automata in rows, the soap bubble, the map, the manifold."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from automata.arguments import check_integer, check_number, shown
from automata.automaton import AutomatonLike
from automata.classes import Predicate
from automata.deltas import Deltas
from automata.drawing.colors import BLUE, VERMILION
from automata.properties import in_classes
from automata.solver.either import thresholds_of
from data.drawn import Cell, columns_at_most, draw_rows, word_kind
from data.norms import draw_norms
from data.picture import Picture, as_picture
from data.plots import PALE, new_figure, style
from vae.boundary import AutomataLike, Prior, as_array, as_delta, as_deltas, canonical
from vae.coding import draw_prior, encode_automata
from vae.config import PATHS
from vae.directions import is_threshold
from vae.interpolate import interpolate

if TYPE_CHECKING:
    from vae.latent_space import LatentSpace

_CLOUD = 10_000
"""Points of a cloud in the soap bubble."""
_SHOWN = 20_000
"""Most automata on the map: an even choice over the training set."""
_DRAWN = 1000
"""Most automata of a row, or of a whole picture without rows."""
_FARTHEST = 1e6
"""Longest reach along a direction, in lengths of it."""
_COLUMNS = 6
"""Most reconstructions side by side."""


def draw_reconstructions(space: LatentSpace, automata: AutomataLike | None) -> Picture:
    """Draw automata in canonical form, and below each what its posterior mean decodes to.

    Changed transitions are marked.
    """
    given = _slowest(space, _COLUMNS) if automata is None else automata
    originals = canonical(as_deltas(given, space.model.config))
    check_integer("automata", len(originals), 1, _DRAWN)
    rebuilt = space.reconstruct(originals)
    changed = rebuilt != originals  # (batch, k, n)
    rows, columns = [], min(_COLUMNS, columns_at_most(originals.shape[2]))
    for start in range(0, len(originals), columns):
        part = slice(start, start + columns)
        above = [cell._replace(given=True) for cell in _cells(space, originals[part])]
        rows += [
            ("original", above),
            ("reconstruction", _cells(space, rebuilt[part], changed[part])),
        ]
    exact = int((~changed.any((1, 2))).sum())
    return draw_rows(rows, f"{len(originals)} automata and their reconstructions: {exact} exact.")


def draw_paths(
    space: LatentSpace,
    a: AutomatonLike,
    b: AutomatonLike,
    paths: Sequence[str],
    steps: int,
    seed: int,
) -> Picture:
    """Draw a row for each path; the two automata themselves stand at its ends.

    Transitions that differ from the automaton on the left are marked.
    """
    ends = [canonical(as_delta(end, space.model.config)) for end in (a, b)]
    check_integer("steps", steps, 2, _DRAWN)
    named = [paths] if isinstance(paths, str) else paths
    if not isinstance(named, Sequence) or not named:
        raise ValueError(f"paths={shown(paths)} names no path")
    rows = []
    for path in named:
        inner = space.interpolate(a, b, path=path, steps=steps, seed=seed).deltas[1:-1]
        whole = np.concatenate([ends[0], inner, ends[1]])
        changed = np.zeros(whole.shape, np.bool_)
        changed[1:] = whole[1:] != whole[:-1]
        cells = _cells(space, whole, changed, space.is_known(whole))
        for end in (0, -1):
            cells[end] = cells[end]._replace(given=True)
        rows.append((path, cells))
    return draw_rows(rows, f"Automata decoded between two, by paths: {', '.join(named)}.")


def draw_samples(space: LatentSpace, count: int, prior: Prior | None, seed: int) -> Picture:
    """Draw automata decoded from points of a prior."""
    check_integer("count", count, 1, _DRAWN)
    deltas = space.sample(count, prior=prior, seed=seed)
    cells = _cells(space, deltas, known=space.is_known(deltas))
    return draw_rows([("samples", cells)], f"{count} automata decoded from points of the prior.")


def draw_neighbours(space: LatentSpace, automaton: AutomatonLike, count: int) -> Picture:
    """Draw an automaton, then the training automata whose posterior means are nearest."""
    found = space.neighbours(automaton, check_integer("count", count, 0, _DRAWN))
    own = canonical(as_delta(automaton, space.model.config))
    cells = [_cells(space, own)[0]._replace(given=True)]
    for cell, distance in zip(_cells(space, found.deltas), found.distances.tolist(), strict=True):
        cells.append(cell._replace(caption=f"{cell.caption}, at {distance:.2f}"))
    return draw_rows([("nearest", cells)], f"An automaton and {len(cells) - 1} nearest neighbours.")


def draw_direction(
    space: LatentSpace,
    attribute: str | Predicate,
    automaton: AutomatonLike | None,
    reach: float,
    steps: int,
) -> Picture:
    """Draw what is decoded along the direction of an attribute, through an automaton.

    The caption says where the automaton has the attribute.
    """
    steps = check_integer("steps", steps, 2, _DRAWN)
    reach = check_number("reach", reach, -_FARTHEST, _FARTHEST)
    given = _slowest(space, 1)[0] if automaton is None else automaton
    own = canonical(as_delta(given, space.model.config))
    places = np.linspace(-reach, reach, steps)
    z = space.encode(own).mu + places[:, None] * space.direction(attribute)
    decoded = space.decode(z, n=own.shape[2])
    cells = _cells(space, decoded, decoded != own, space.is_known(decoded))
    name = _name(attribute)
    has = [""] * steps
    if not is_threshold(attribute):
        inside = in_classes(decoded, [attribute]).tolist()
        has = [f"\n{name}" if own else "" for own in inside]
    cells = [
        cell._replace(caption=f"{place:+.2g}: {cell.caption}{more}")
        for cell, place, more in zip(cells, places.tolist(), has, strict=True)
    ]
    return draw_rows([(name, cells)], f"Automata decoded along the direction {name}.")


def draw_soap_bubble(space: LatentSpace, seed: int) -> Picture:
    """Draw the norms of prior samples, of encoded training automata, and of points on paths.

    The ends of paths are random pairs of posterior means.
    """
    check_integer("seed", seed, 0)
    rng, model = np.random.default_rng(seed), space.model
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
    rows = rng.integers(len(space.means), size=(3, _CLOUD))
    posterior = encode_automata(model, space.training.deltas[rows[0]])
    first, second = (torch.from_numpy(space.means[own]) for own in rows[1:])
    alpha = torch.from_numpy(rng.random(_CLOUD, np.float32))
    clouds = {
        "prior samples": draw_prior(model, _CLOUD, generator),
        "encoded data, mu": posterior.mu,
        "encoded data, z ~ q": posterior.sample(generator),
        **{
            f"{path} paths": interpolate(path, first, second, alpha, sphere=model.config.spherical)
            for path in PATHS
        },
    }
    norms = {name: as_array(z.norm(dim=1)) for name, z in clouds.items()}
    with style():
        means = ", ".join(f"{name} {norm.mean():.2f}" for name, norm in norms.items())
        prior = None if model.config.options.prior == "normal" else norms["prior samples"]
        figure = draw_norms(norms, space.latent, prior=prior)
        return as_picture(figure, f"Mean norms: {means}.")


def draw_map(space: LatentSpace, color: str | Predicate, points: Any) -> Picture:
    """Draw the training automata on their two principal axes.

    Colour is the reset threshold, or it marks the automata of a class. A line joins given points.
    """
    found, axes = space.map(), space.map().axes
    rows = np.unique(np.linspace(0, len(found.places) - 1, _SHOWN).round().astype(np.int64))
    (x, y), thresholds = found.places[rows].T, found.reset_thresholds[rows]
    with style():
        figure = new_figure(7.5, 5.5)
        figure.set_layout_engine("constrained")
        plane = figure.subplots()
        size = 3 if len(rows) > 3000 else 8
        if is_threshold(color):
            order = np.argsort(thresholds, kind="stable")  # the slowest lie on top
            dots = plane.scatter(
                x[order], y[order], c=thresholds[order], s=size, cmap="viridis", rasterized=True
            )
            figure.colorbar(dots, label="reset threshold", shrink=0.8)
            text = f"{len(rows)} training automata, coloured by reset threshold."
        else:
            inside = in_classes(found.deltas[rows], [color])
            plane.scatter(x[~inside], y[~inside], c=PALE, s=size, rasterized=True)
            name = _name(color)
            plane.scatter(x[inside], y[inside], c=BLUE, s=3 * size, label=name, rasterized=True)
            plane.legend(frameon=False)
            text = f"{inside.sum()} of {len(rows)} training automata are of class {name}."
        if points is not None:
            line = axes.project(as_array(space.as_points(points)))
            plane.plot(line[:, 0], line[:, 1], ".-", color=VERMILION, lw=1.5)
        plane.set_xlabel(f"first principal axis, {100 * axes.shares[0]:.0f} % of the variance")
        plane.set_ylabel(f"second, {100 * axes.shares[1]:.0f} %")
        return as_picture(figure, text)


def draw_manifold(space: LatentSpace, side: int) -> Picture:
    """Draw the automata decoded on a grid in the plane of the two principal axes.

    Its places are at equal steps of probability of a normal cloud with the spread of the data.
    """
    side = check_integer("side", side, 2, 20)
    axes = space.map().axes
    steps = np.array([NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)])
    across, up = steps * axes.spreads[0], steps[::-1] * axes.spreads[1]
    places = np.stack(np.meshgrid(across, up), -1).reshape(-1, 2)  # the first row is on top
    decoded = space.decode(axes.lift(places), n=space.training.n)
    cells = _cells(space, decoded, known=space.is_known(decoded))
    labels = [f"{place:+.2g}" for place in up.tolist()]
    rows = [(label, cells[at * side : (at + 1) * side]) for at, label in enumerate(labels)]
    text = f"{side} x {side} automata decoded in the plane of the principal axes."
    return draw_rows(rows, text, fold=False)


def _cells(
    space: LatentSpace,
    deltas: Deltas,
    changed: npt.NDArray[np.bool_] | None = None,
    known: npt.NDArray[np.bool_] | None = None,
) -> list[Cell]:
    """Return a cell for each automaton, captioned with its threshold."""
    partial = space.model.config.partial
    thresholds = thresholds_of(deltas, partial=partial).tolist()
    none = f"no {word_kind(partial)} word"
    return [
        Cell(
            delta,
            f"{threshold}" if threshold >= 0 else none,
            None if changed is None else changed[row],
            known=known is not None and bool(known[row]),
            wrong=threshold < 0,
        )
        for row, (delta, threshold) in enumerate(zip(deltas, thresholds, strict=True))
    ]


def _slowest(space: LatentSpace, count: int) -> Deltas:
    """Return the training automata with the longest thresholds."""
    order = np.argsort(-space.training.reset_thresholds, kind="stable")
    return space.training.deltas[order[:count]]


def _name(attribute: str | Predicate) -> str:
    return attribute if isinstance(attribute, str) else getattr(attribute, "__name__", "own")
