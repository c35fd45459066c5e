"""The layout of an automaton by Graphviz: joined states are close to each other."""

from __future__ import annotations

import math

import numpy as np
from pygraphviz import AGraph

from automata.automaton import AutomatonLike, validate_delta
from automata.deltas import Deltas
from automata.drawing.arrows import Floats
from automata.drawing.geometry import Drawing, draw

_RADIUS = 0.18
"""Radius of a state, in inches."""
_POINT = 1 / (72 * _RADIUS)
"""A point (1/72 inch), Graphviz's unit, in radii of a state."""


def neato_drawing(delta: AutomatonLike) -> Drawing:
    """Draw an automaton with states placed by Graphviz's ``neato``, a deterministic spring model.

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
    >>> [arrow[:3] for arrow in neato_drawing([[1, 0], [1, 1]]).arrows]
    [(0, 0, 1), (1, 0, 1), (0, 1, 0), (1, 1, 1)]
    """
    valid = validate_delta(delta, partial=True)
    n = valid.shape[1]
    graph = AGraph(directed=True, start="1", overlap="false", sep="+20", splines="false")
    graph.node_attr.update(shape="circle", fixedsize="true", width=str(2 * _RADIUS), label="")
    graph.edge_attr.update(len="1.1")
    graph.add_nodes_from(range(n))
    graph.add_edges_from((p, q) for row in valid.tolist() for p, q in enumerate(row) if p != q < n)
    graph.layout(prog="neato")
    texts = [graph.get_node(q).attr["pos"].split(",") for q in range(n)]
    places = np.array(texts, np.float64) * (_POINT, -_POINT)  # (n, 2), y turned to point down
    angles = [_widest_gap(places, q, _neighbours(valid, q)) for q in range(n)]
    return draw(valid, places, np.array(angles))


def _neighbours(delta: Deltas, q: int) -> list[int]:
    """Return the other states that are joined to state q."""
    joined = {*delta[:, q].tolist(), *np.nonzero(delta == q)[1].tolist()}
    return sorted(joined.intersection(range(delta.shape[1])) - {q})


def _widest_gap(places: Floats, q: int, neighbours: list[int]) -> float:
    """Return the angle, in radians, in the middle of the widest gap between neighbours."""
    if not neighbours:
        return -math.pi / 2
    x, y = (places[neighbours] - places[q]).T
    angles = np.sort(np.arctan2(y, x))
    gaps = np.diff(angles, append=angles[0] + 2 * math.pi)
    widest = int(gaps.argmax())
    return float(angles[widest] + gaps[widest] / 2)
