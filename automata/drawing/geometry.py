"""Drawings of automata as geometry: places of states, an arrow and a label for each transition.

A transition that is undefined is a stub: a short line that leaves its state and ends at a bar.

Lengths are in radii of a state. `circle_drawing` puts the states on a circle; `draw` takes any
places. `automata.drawing.svg` writes drawings as SVG.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.automaton import AutomatonLike, validate_delta
from automata.drawing.arrows import (
    LONGEST_HEAD,
    SAMPLES,
    Arrow,
    Floats,
    bends_of,
    bent_arrow,
    bundles,
    direction,
    inward_normal,
    loop_arrow,
    points_along,
    unit,
)

DRAWN_MAX_STATES = 64
_CIRCLE, _STATE_ROOM = 6.9, 0.8
"""Least radius of the circle of states, and the radius for each state if there are many."""
_LABEL = 0.75
"""Half the size of a label."""
_MARGIN = 0.4
_SPOTS = range(4, SAMPLES - 4)
"""The sample points of an arrow where its label may be."""
_STUB, _BAR, _TURNS = 0.9, 0.38, 60
"""Length of a stub, half the length of its bar, and the number of directions that it may have."""


class Stub(NamedTuple):
    """One undefined transition."""

    letter: int
    source: int
    line: Floats
    """(2, 2): from the edge of the state to the bar."""

    @property
    def bar(self) -> Floats:
        """(2, 2): the ends of the bar."""
        end = self.line[1]
        x, y = unit(end - self.line[0])
        return np.array([end + _BAR * np.array([-y, x]), end - _BAR * np.array([-y, x])])

    @property
    def label(self) -> Floats:
        """(2,): the centre of the label, beyond the bar."""
        start, end = self.line
        return np.asarray(end + _LABEL * unit(end - start))


class Drawing(NamedTuple):
    """An automaton in the plane, x to the right and y down."""

    places: Floats
    """(n, 2): the centres of the states"""
    arrows: list[Arrow]
    labels: Floats
    """(arrows, 2): the centres of the labels of arrows"""
    stubs: Sequence[Stub] = ()

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the whole drawing with its margin."""
        parts = [self.places - 1, self.places + 1, self.labels - _LABEL, self.labels + _LABEL]
        points = np.concatenate([*parts, *(points_along(arrow.curve) for arrow in self.arrows)])
        for stub in self.stubs:
            points = np.concatenate([points, [stub.label - _LABEL, stub.label + _LABEL]])
        left, top = (points.min(axis=0) - _MARGIN).tolist()
        right, bottom = (points.max(axis=0) + _MARGIN).tolist()
        return left, top, right - left, bottom - top


def circle_radius(n: int) -> float:
    """Return the radius of a circle of n states, in radii of a state."""
    return max(_CIRCLE, _STATE_ROOM * n) if n > 1 else 0.0


def circle_drawing(
    delta: AutomatonLike, *, radius: Callable[[int], float] = circle_radius
) -> Drawing:
    """Draw an automaton with its states on a circle: state 0 on top, then clockwise.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Complete or partial.
    radius : callable
        The radius of the circle of n states, in radii of a state.

    Returns
    -------
    Drawing

    Raises
    ------
    AutomatonError
        If `delta` is not an automaton.

    Examples
    --------
    >>> circle_drawing([[1, 2, 0], [0, 1, 0]]).places.round(3).tolist()
    [[0.0, -6.9], [5.976, 3.45], [-5.976, 3.45]]
    """
    valid = validate_delta(delta, partial=True)
    n = valid.shape[1]
    angles = 2 * math.pi * np.arange(n) / n - math.pi / 2
    return draw(valid, radius(n) * direction(angles), angles)


def draw(delta: npt.NDArray[np.integer], places: Floats, loop_angles: Floats) -> Drawing:
    """Draw an automaton with its states at given places.

    The arrows between two states spread around the straight line, or around a curve clear of all
    other states.

    Parameters
    ----------
    delta : array of states, shape (k, n)
        An automaton, complete or partial; it is not checked.
    places : float array, shape (n, 2)
        Centres of the states, x to the right and y down, in radii of a state.
    loop_angles : float array, shape (n,)
        Direction from the centre of a state to its loops, in radians.

    Returns
    -------
    Drawing
    """
    arrows = []
    for (low, high), bundle in bundles(delta).items():
        if low == high:
            for j, (_, _, a) in enumerate(bundle):
                share = (j + 1) / len(bundle) * (-1) ** j
                arrows.append(loop_arrow(a, low, places[low], float(loop_angles[low]), share))
            continue
        inward = inward_normal(places[low], places[high], places.mean(axis=0))
        bends = bends_of(places, low, high, inward, len(bundle))
        for (p, q, a), bend in zip(bundle, bends, strict=True):
            arrows.append(bent_arrow(a, p, q, places, 2 * bend * inward))
    labels = _place_labels(places, arrows)
    return Drawing(places, arrows, labels, _stubs(delta, places, loop_angles, arrows, labels))


def _place_labels(places: Floats, arrows: Sequence[Arrow]) -> Floats:
    """Place the label of each arrow on it, if possible off all states, heads and other labels.

    Short arrows choose first. Of the free points, those that few other arrows pass are preferred.
    """
    if not arrows:
        return np.empty((0, 2))
    paths = np.stack([points_along(arrow.curve) for arrow in arrows])  # (arrows, samples, 2)
    spots = paths[:, _SPOTS]  # (arrows, spots, 2)
    heads = np.stack([arrow.triangle.mean(axis=0) for arrow in arrows])
    cost = (  # (arrows, spots)
        300 * _near(spots, places, 1 + _LABEL)
        + 50 * _near(spots, heads, _LABEL + LONGEST_HEAD / 2)
        + 0.02 * np.abs(np.array(_SPOTS) - SAMPLES // 2)  # the middle is preferred
    )
    flat = paths.reshape(-1, 2)
    for i, own in enumerate(spots):  # one by one: all at once takes gigabytes for many arrows
        cost[i] += _near(own, flat, _LABEL) - _near(own, paths[i], _LABEL)
    labels = np.full((len(arrows), 2), np.inf)
    lengths = np.linalg.norm(np.diff(paths, axis=1), axis=2).sum(axis=1)
    # two rounds: in the second all other labels have places
    for i in 2 * np.argsort(lengths, kind="stable").tolist():
        labels[i] = np.inf
        apart = np.linalg.norm(spots[i, :, None] - labels, axis=2)  # (spots, arrows)
        over = (1000 * (apart < 1.4 * _LABEL) + 10 * (apart < 2 * _LABEL)).sum(axis=1)
        labels[i] = spots[i, (cost[i] + over).argmin()]
    return labels


def _stubs(
    delta: npt.NDArray[np.integer],
    places: Floats,
    loop_angles: Floats,
    arrows: Sequence[Arrow],
    labels: Floats,
) -> list[Stub]:
    """Return a stub for each undefined transition, if possible clear of all else.

    Of the free directions, that of the loops is preferred.
    """
    stubs: list[Stub] = []
    turns = np.arange(_TURNS) * (2 * math.pi / _TURNS)
    turns = np.where(turns > math.pi, turns - 2 * math.pi, turns)
    parts = [part for arrow in arrows for part in (points_along(arrow.curve), arrow.triangle)]
    flat = np.concatenate([np.empty((0, 2)), *parts])
    for state, letter in np.argwhere(delta.T >= len(places)).tolist():
        place = places[state]
        ways = direction(loop_angles[state] + turns)  # (turns, 2)
        spots = place + (1 + _STUB + _LABEL) * ways
        near = flat[np.linalg.norm(flat - place, axis=1) < 2 + _STUB + 2 * _LABEL]
        others = np.concatenate([labels, *([stub.label] for stub in stubs)])
        cost = (  # (turns,)
            300 * _near(spots, np.delete(places, state, axis=0), 1 + _LABEL)
            + 200 * _near(spots, others, 1.5 * _LABEL)
            + 20 * _near(spots, near, _LABEL)
            + np.abs(turns)
        )
        for share in (0.3, 0.65, 1):  # of the line
            points = place + (1 + share * _STUB) * ways
            cost += 20 * _near(points, near, _BAR) + 100 * _near(points, others, _LABEL)
        way = ways[cost.argmin()]
        stubs.append(Stub(letter, state, np.array([place + way, place + (1 + _STUB) * way])))
    return stubs


def _near(spots: Floats, points: Floats, distance: float) -> npt.NDArray[np.int64]:
    """Count the points (points, 2) nearer than a distance to each spot (..., 2)."""
    x, y = (
        spots[..., axis, None].astype(np.float32) - points[:, axis].astype(np.float32)
        for axis in (0, 1)
    )
    return np.asarray(np.count_nonzero(x * x + y * y < distance**2, axis=-1))
