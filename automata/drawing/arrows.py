"""Arrows between states in the plane: straight, bent around other states, or loops.

Lengths are in radii of a state.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

LONGEST_HEAD, _LOOP = 1.12, 3.0
"""Longest head of an arrow, and how far the control points of a loop reach."""
_SPREAD = 1.25
"""Largest distance between the middles of neighbouring arrows between two states."""
_SHIFT, _CLEAR = 0.3, 1.5
"""Step by which arrows move off other states, and the distance from their centres that suffices."""
_CHECKED = np.linspace(0.03, 0.97, 25)
"""Curve parameters at which the distance from other states is checked."""
SAMPLES = 33
"""Number of sample points along an arrow."""


class Arrow(NamedTuple):
    """One transition."""

    letter: int
    source: int
    target: int
    curve: Floats
    """(4, 2): a cubic Bézier curve that ends within the head."""
    tip: Floats
    """(2,): the point where the head touches the target."""
    head: float
    """Length of the head."""

    @property
    def triangle(self) -> Floats:
        """(3, 2): the corners of the head."""
        back = unit(self.curve[-2] - self.tip)
        side = 0.38 * self.head * np.array([-back[1], back[0]])
        foot = self.tip + self.head * back
        return np.array([self.tip, foot + side, foot - side])


def bundles(delta: npt.NDArray[np.integer]) -> dict[tuple[int, int], list[tuple[int, int, int]]]:
    """Return the transitions (source, target, letter) by pair of states (lower, higher)."""
    found: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    n = delta.shape[1]
    for a, row in enumerate(delta.tolist()):
        for p, q in enumerate(row):
            if q < n:  # otherwise the letter is undefined
                found[min(p, q), max(p, q)].append((p, q, a))
    return {pair: sorted(bundle) for pair, bundle in found.items()}


def bends_of(places: Floats, low: int, high: int, inward: Floats, count: int) -> Floats:
    """Return how far inward to shift the middle of each of `count` arrows between two states."""
    one, other = places[low], places[high]
    length = float(np.linalg.norm(one - other))
    bends = min(_SPREAD, 0.9 * length / count) * (np.arange(count) - (count - 1) / 2)
    near = np.delete(places, [low, high], axis=0)
    best, clearest = 0.0, -1.0
    for shift in (sign * step for step in np.arange(0, length, _SHIFT) for sign in (1, -1)):
        middles = (one + other) / 2 + (bends + shift)[:, None] * inward
        outer = middles[[0, -1]]  # the other arrows are between these
        t = _CHECKED[:, None, None]
        points = (
            (1 - t) ** 2 * one + 2 * t * (1 - t) * (2 * outer - (one + other) / 2) + t**2 * other
        )
        apart = np.linalg.norm(points[..., None, :] - near, axis=-1)
        clear = float(apart.min(initial=np.inf))
        if clear > clearest:
            best, clearest = float(shift), clear
        if clear >= _CLEAR:
            break
    return bends + best


def bent_arrow(letter: int, source: int, target: int, places: Floats, bend: Floats) -> Arrow:
    """Return an arrow between two states whose control point is off the middle by `bend`."""
    control = (places[source] + places[target]) / 2 + bend
    start = places[source] + unit(control - places[source])
    back = unit(control - places[target])
    tip = places[target] + back
    gap = float(np.linalg.norm(places[source] - places[target])) - 2
    head = min(LONGEST_HEAD, 0.45 * gap)
    end = tip + 0.8 * head * back
    # the quadratic curve as a cubic one
    curve = np.array([start, (start + 2 * control) / 3, (end + 2 * control) / 3, end])
    return Arrow(letter, source, target, curve, tip, head)


def loop_arrow(letter: int, state: int, place: Floats, angle: float, share: float) -> Arrow:
    """Return a loop outside the circle; `share` is its share of the full size, signed by direction.

    The loops of several letters nest, and their heads fall on both sides.
    """
    size = abs(share)
    reach = 1 + size * _LOOP
    half, wide = (math.copysign(turn, share) for turn in (0.3 + 0.5 * size, 0.25 + 0.35 * size))
    tip = place + direction(angle + half)
    third = place + 1.3 * reach * direction(angle + wide)
    head = min(LONGEST_HEAD, 0.4 * reach)
    curve = np.array(
        [
            place + direction(angle - half),
            place + 1.3 * reach * direction(angle - wide),
            third,
            tip + 0.8 * head * unit(third - tip),
        ]
    )
    return Arrow(letter, state, state, curve, tip, head)


def points_along(curve: Floats) -> Floats:
    """Return points along a cubic curve, (samples, 2)."""
    t = np.linspace(0, 1, SAMPLES)
    weights = np.stack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], axis=1)
    return np.asarray(weights @ curve)


def direction(angle: npt.ArrayLike) -> Floats:
    """Return unit vectors (..., 2) of angles."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def unit(vector: Floats) -> Floats:
    """Return the unit vector in the direction of another, (2,)."""
    return np.asarray(vector / np.linalg.norm(vector))


def inward_normal(low: Floats, high: Floats, centre: Floats) -> Floats:
    """Return the unit normal of a chord, towards the centre; either one for a diameter."""
    x, y = unit(high - low)
    normal = np.array([-y, x])
    return normal if normal @ (centre - (low + high) / 2) >= 0 else -normal
