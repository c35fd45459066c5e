"""Automata as networkx graphs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networkx as nx
import numpy as np

from automata.automaton import AutomatonLike, validate_delta
from automata.deltas import MAX_LETTERS, Deltas, validate_table
from automata.errors import AutomatonError
from automata.text.dot import split_label
from automata.text.names import number_letters, number_states
from automata.text.words import format_word


def to_networkx(delta: AutomatonLike) -> nx.MultiDiGraph:
    """Return an automaton as a graph: nodes 0..n-1, one edge for each state and letter.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        The automaton, complete or partial.

    Returns
    -------
    networkx.MultiDiGraph
        Each edge has its letter as key and as attribute ``letter``, and its name as attribute
        ``label``. Where a letter is undefined there is no edge; if some letter has no edge, the
        graph has the number of letters as attribute ``letters``.

    Raises
    ------
    AutomatonError
        If `delta` is not an automaton.

    Examples
    --------
    >>> graph = to_networkx([[1, 1], [1, 0]])
    >>> list(graph.edges(data="label"))
    [(0, 1, 'a'), (0, 1, 'b'), (1, 1, 'a'), (1, 0, 'b')]
    """
    table = validate_delta(delta, partial=True).tolist()
    graph = nx.MultiDiGraph()
    n = len(table[0])
    graph.add_nodes_from(range(n))
    for a, row in enumerate(table):
        edges = [(p, q, a) for p, q in enumerate(row) if q < n]
        graph.add_edges_from(edges, letter=a, label=format_word((a,)))
        if not edges:
            graph.graph["letters"] = len(table)
    return graph


def from_networkx(graph: nx.DiGraph, *, partial: bool = False) -> Deltas:
    """Read an automaton from a graph as `to_networkx` makes it.

    Parameters
    ----------
    graph : networkx.MultiDiGraph or networkx.DiGraph
        Nodes are 0..n-1 in any order, or names, numbered in order of appearance. Edges have
        an attribute ``letter``, 0..63, or a ``label`` such as ``a`` or ``a,b``.
    partial : bool
        Whether edges may be missing, so that letters are undefined on states. Then the graph may
        have the number of letters as attribute ``letters``.

    Returns
    -------
    array of states, shape (k, n)
        `automata.deltas.UNDEFINED` where a letter is undefined.

    Raises
    ------
    AutomatonError
        If the nodes are not 0..n-1, an edge has no letter, or a letter leads a state to two states
        (nondeterministic) or, unless `partial`, nowhere (incomplete).

    Examples
    --------
    >>> from_networkx(to_networkx([[1, 1], [1, 0]])).tolist()
    [[1, 1], [1, 0]]
    """
    n = len(graph)
    if not graph.is_directed():
        raise AutomatonError("an automaton is a directed graph, this one is undirected")
    names = list(graph)
    if names and all(isinstance(name, str) for name in names):
        numbers = number_states(names)
    elif set(names) == set(range(n)):
        numbers = {name: int(name) for name in names}
    else:
        raise AutomatonError(f"the {n} nodes of an automaton are 0..{n - 1}, these are not")
    targets: dict[tuple[int, int], int] = {}
    for source, target, letter in _transitions(graph):
        p, q = numbers[source], numbers[target]
        if not isinstance(letter, int | np.integer) or not 0 <= letter < MAX_LETTERS:
            raise AutomatonError(
                f"the edge {p} -> {q} has letter {letter!r}, not one of 0..{MAX_LETTERS - 1}"
            )
        other = targets.setdefault((int(letter), p), q)
        if other != q:
            raise AutomatonError(f"nondeterministic: letter {letter} leads {p} to {other} and {q}")
    k = 1 + max((letter for letter, _ in targets), default=-1)
    if partial:
        letters = graph.graph.get("letters", k)
        if not isinstance(letters, int | np.integer) or not k <= letters <= MAX_LETTERS:
            raise AutomatonError(
                f"the graph has letters={letters!r}, not one of {k}..{MAX_LETTERS}"
            )
        k = int(letters)
    if k == 0 or n == 0:
        raise AutomatonError("a graph without edges is no automaton")
    for a in range(0 if partial else k):
        for p in range(n):
            if (a, p) not in targets:
                raise AutomatonError(f"incomplete: letter {a} leads {p} nowhere")
    table: Any = [[targets.get((a, p)) for p in range(n)] for a in range(k)]
    return validate_table(table, partial=partial)


def _transitions(graph: nx.DiGraph) -> Iterator[tuple[Any, Any, Any]]:
    """Yield source, target and the letter's number; labels are read if no edge has a letter."""
    edges = list(graph.edges(data=True))
    labelled = all("letter" not in data and "label" in data for *_, data in edges)
    if not labelled:
        for source, target, data in edges:
            yield source, target, data.get("letter")
        return
    labels = [split_label(str(data["label"]).strip('"')) for *_, data in edges]
    numbers = number_letters({letter for letters in labels for letter in letters})
    for (source, target, _), letters in zip(edges, labels, strict=True):
        for letter in letters:
            yield source, target, numbers[letter]
