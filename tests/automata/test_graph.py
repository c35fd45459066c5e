"""The networkx view: a round trip, and what is no automaton."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given

from automata.deltas import Deltas
from automata.errors import AutomatonError
from automata.text.graph import from_networkx, to_networkx
from tests.strategies import automata


@given(automata())
def test_round_trip(delta: Deltas) -> None:
    read = from_networkx(to_networkx(delta))
    assert read.dtype == np.uint8
    assert np.array_equal(read, delta)


@given(automata())
def test_one_edge_for_each_state_and_letter(delta: Deltas) -> None:
    k, n = delta.shape
    graph = to_networkx(delta)
    assert list(graph) == list(range(n))
    edges = sorted(graph.edges(keys=True, data="letter"))
    assert edges == sorted((p, int(delta[a, p]), a, a) for a in range(k) for p in range(n))
    assert all("abc"[data["letter"]] == data["label"] for *_, data in graph.edges(data=True))


def graph(*edges: tuple[int, int, object]) -> nx.MultiDiGraph:
    made = nx.MultiDiGraph()
    for p, q, letter in edges:
        made.add_edge(p, q, letter=letter)
    return made


def test_a_graph_made_by_hand() -> None:
    made = graph((1, 0, np.int64(0)), (0, 1, 1), (1, 1, 1), (0, 0, 0))
    assert from_networkx(made).tolist() == [[0, 0], [1, 1]]
    assert from_networkx(nx.DiGraph(graph((0, 1, 0), (1, 0, 0)))).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (nx.Graph(), "directed"),
        (nx.MultiDiGraph(), "without edges"),
        (graph((0, 1, 0)), "incomplete: letter 0 leads 1 nowhere"),
        (graph((0, 0, 1)), "incomplete: letter 0 leads 0 nowhere"),
        (graph((0, 0, 0), (0, 1, 0), (1, 1, 0)), "nondeterministic: letter 0 leads 0 to 0 and 1"),
        (graph((0, 2, 0), (2, 0, 0)), r"the 2 nodes of an automaton are 0\.\.1"),
        (graph((0, 0, None)), "the edge 0 -> 0 has letter None"),
        (graph((0, 0, "a")), "the edge 0 -> 0 has letter 'a'"),
        (graph((0, 0, 64)), r"letter 64, not one of 0\.\.63"),
        (graph((0, 0, -1)), "letter -1"),
    ],
)
def test_what_is_no_automaton(made: nx.Graph, message: str) -> None:
    with pytest.raises(AutomatonError, match=message):
        from_networkx(made)


@given(automata())
def test_names_and_labels_alone(delta: Deltas) -> None:
    made = nx.MultiDiGraph()
    for p in range(delta.shape[1]):
        made.add_node(f"q{p}")
    for a, row in enumerate(delta.tolist()):
        for p, q in enumerate(row):
            made.add_edge(f"q{p}", f"q{q}", label="abc"[a])
    assert np.array_equal(from_networkx(made), delta)


def test_one_edge_for_two_letters() -> None:
    made = nx.DiGraph()
    made.add_edge("even", "odd", label="a,b")
    made.add_edge("odd", "odd", label="b")
    made.add_edge("odd", "even", label='"a"')
    assert from_networkx(made).tolist() == [[1, 0], [1, 1]]
    made.add_edge("odd", "even", label="a?")
    with pytest.raises(AutomatonError, match="is not a letter"):
        from_networkx(made)
