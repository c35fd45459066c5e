"""Small drawings: large states on a narrow circle, for many automata side by side."""

from __future__ import annotations

from automata.automaton import AutomatonLike
from automata.drawing.geometry import Drawing, circle_drawing

_LEAST, _STATE_ROOM, _OUTSIDE = 5.2, 0.78, 4.15
"""Least radius of the circle, the radius for each state, and how far loops reach beyond it."""


def compact_radius(n: int) -> float:
    """Return the radius of the circle of n states, in radii of a state."""
    return max(_LEAST, _STATE_ROOM * n) if n > 1 else 0.0


def compact_reach(n: int) -> float:
    """Return half the side of a square around the middle that holds any such drawing."""
    return compact_radius(n) + _OUTSIDE


def compact_drawing(delta: AutomatonLike) -> Drawing:
    """Draw an automaton on a circle that is as narrow as is legible: state 0 on top, clockwise.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Complete or partial.

    Returns
    -------
    Drawing

    Raises
    ------
    AutomatonError
        If `delta` is not an automaton.

    Examples
    --------
    >>> compact_drawing([[1, 2, 0], [0, 1, 0]]).places.round(3).tolist()
    [[0.0, -5.2], [4.503, 2.6], [-4.503, 2.6]]
    """
    return circle_drawing(delta, radius=compact_radius)
