"""Canonical forms against published counts, the oracle, their definition, and hard automata."""

from collections import Counter
from itertools import combinations, permutations
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automata import (
    Automaton,
    AutomatonError,
    SizeLimitError,
    are_isomorphic,
    canonical_forms,
    from_canonical,
    reset_thresholds,
)
from automata.deltas import Deltas
from tests import naive
from tests.automata.examples import Edges, every, incidence, shuffled
from tests.counts import COUNTS
from tests.strategies import automata, rename, renamings


def classes(n: int, k: int, firsts: Deltas) -> Deltas:
    """One automaton of each class among those whose first letter is one of `firsts`."""
    rest = every(n, k - 1)
    forms = np.empty((0, n * k), np.uint8)
    for first in firsts:
        deltas = np.concatenate([np.broadcast_to(first, (len(rest), 1, n)), rest], axis=1)
        forms = np.concatenate([forms, np.unique(canonical_forms(deltas), axis=0)])
    return from_canonical(np.unique(forms, axis=0), n, k)


def one_of_each_map(n: int) -> Deltas:
    """One map of each kind: every automaton is isomorphic to one that has it as first letter."""
    return from_canonical(np.unique(canonical_forms(every(n, 1)), axis=0), n, 1)


def are_strongly_connected(deltas: Deltas) -> Any:
    reach = (np.eye(deltas.shape[2]) + np.eye(deltas.shape[2])[deltas].sum(axis=1)) > 0
    for _ in range(deltas.shape[2]):
        reach = reach @ reach
    return reach.all(axis=(1, 2))


def are_irreducible(deltas: Deltas) -> Any:
    """Whether no letter can be dropped."""
    k = deltas.shape[1]
    fewer = [reset_thresholds(np.delete(deltas, letter, axis=1)) for letter in range(k)]
    return np.max(fewer, axis=0) < 0


def check_counts(table: dict[str, Any], deltas: Deltas) -> None:
    thresholds = reset_thresholds(deltas)
    connected = are_strongly_connected(deltas)
    irreducible = are_irreducible(deltas)
    lost = thresholds < 0
    assert len(deltas) == table["total"]
    assert connected.sum() == table["strongly_connected"]
    assert lost.sum() == table["non_synchronizing"]
    assert (lost & connected).sum() == table["non_synchronizing_strongly_connected"]
    for name, kept in [
        ("all", ~lost),
        ("sc", connected & ~lost),
        ("irr", irreducible & ~lost),
        ("irrsc", irreducible & connected & ~lost),
    ]:
        published = {int(t): row[name] for t, row in table["per_reset_threshold"].items()}
        assert Counter(thresholds[kept].tolist()) == Counter(published)


@pytest.mark.parametrize(("n", "k"), [(2, 2), (3, 2), (4, 2), (2, 3), (3, 3)])
def test_published_counts(n: int, k: int) -> None:
    name = "binary" if k == 2 else "ternary"
    check_counts(COUNTS[f"{name}_n{n}"], classes(n, k, every(n, 1)))


def test_published_counts_binary_n5() -> None:
    firsts = one_of_each_map(5)
    assert len(firsts) == 47  # functional digraphs, OEIS A001372
    check_counts(COUNTS["binary_n5"], classes(5, 2, firsts))


@pytest.mark.exhaustive
@pytest.mark.parametrize(("n", "k"), [(6, 2), (4, 3)])
def test_published_counts_of_larger_ones(n: int, k: int) -> None:
    name = "binary" if k == 2 else "ternary"
    check_counts(COUNTS[f"{name}_n{n}"], classes(n, k, one_of_each_map(n)))


@pytest.mark.exhaustive
def test_published_counts_of_all_binary_n5() -> None:
    check_counts(COUNTS["binary_n5"], classes(5, 2, every(5, 1)))


@settings(deadline=None)
@given(automata(max_n=5), st.data())
def test_equal_forms_are_isomorphism(delta: Deltas, data: st.DataObject) -> None:
    k, n = delta.shape
    other = rename(delta, *data.draw(renamings(n, k)))
    assert are_isomorphic(delta, other)
    changed = data.draw(st.integers(0, k - 1)), data.draw(st.integers(0, n - 1))
    other[changed] = data.draw(st.integers(0, n - 1))
    forms = canonical_forms([delta, other])
    same = naive.isomorphic(delta.tolist(), other.tolist())
    assert np.array_equal(forms[0], forms[1]) == are_isomorphic(delta, other) == same
    assert naive.isomorphic(from_canonical(forms, n, k)[0].tolist(), delta.tolist())


@settings(deadline=None)
@given(automata(max_n=16, max_k=4), st.data())
def test_forms_do_not_depend_on_names(delta: Deltas, data: st.DataObject) -> None:
    k, n = delta.shape
    forms = canonical_forms([delta, rename(delta, *data.draw(renamings(n, k)))])
    assert forms.shape == (2, n * k)
    assert forms.dtype == np.uint8
    assert np.array_equal(forms[0], forms[1])
    again = canonical_forms(from_canonical(forms, n, k))
    assert np.array_equal(again, forms)


def breadth_first(delta: list[list[int]], start: int, letters: tuple[int, ...]) -> list[int]:
    """The state-major string of the states met from `start`, numbered as they are met."""
    number = {start: 0}
    for state in (order := [start]):  # grows as we go
        for letter in letters:
            target = delta[letter][state]
            if number.setdefault(target, len(number)) == len(order):
                order.append(target)
    return [number[delta[letter][state]] for state in order for letter in letters]


@settings(deadline=None)
@given(automata(max_n=7))
def test_the_form_where_a_state_reaches_all_others(delta: Deltas) -> None:
    k, n = delta.shape
    walks = [
        breadth_first(delta.tolist(), start, letters)
        for start in range(n)
        for letters in permutations(range(k))
    ]
    complete = [walk for walk in walks if len(walk) == n * k]
    assert not complete or canonical_forms(delta[None])[0].tolist() == min(complete)


def test_any_input() -> None:
    deltas = np.random.default_rng(0).integers(0, 6, (1001, 2, 6))
    forms = canonical_forms(deltas)
    for workers in (2, 3, 2000):
        assert np.array_equal(canonical_forms(deltas, workers=workers), forms)
    assert np.array_equal(canonical_forms([Automaton(delta) for delta in deltas[:9]]), forms[:9])
    assert canonical_forms(deltas[:0]).shape == (0, 12)
    assert from_canonical(forms[:0], 6, 2).shape == (0, 2, 6)
    assert from_canonical(forms, 6, 2).flags.c_contiguous


def test_size_limits() -> None:
    with pytest.raises(SizeLimitError, match="^n=65 is over the limit of 64 states for canonical"):
        canonical_forms(np.zeros((1, 2, 65), int))
    with pytest.raises(SizeLimitError, match="^k=7 is over the limit of 6 letters for canonical"):
        canonical_forms(np.zeros((1, 7, 2), int))
    assert not are_isomorphic([[0, 0]], [[0, 0, 0]])
    assert not are_isomorphic([[0, 0]], [[0, 0], [0, 0]])


@pytest.mark.parametrize(
    ("forms", "n", "k", "message"),
    [
        ([[0, 1, 0]], 2, 2, r"forms have shape \(batch, 4\), got shape \(1, 3\)"),
        ([0, 1, 0, 1], 2, 2, r"forms have shape \(batch, 4\), got shape \(4,\)"),
        ([[0, 1, 0, 2]], 2, 2, r"automaton 0, letter 1, state 1 leads to 2, outside 0\.\.1"),
        ([[0, 1, -1, 0]], 2, 2, r"automaton 0, letter 0, state 1 leads to -1, outside 0\.\.1"),
        ([[0.0, 1.0]], 2, 1, "float64"),
        ([[0, 1], [0]], 2, 1, "rectangular|length|shape"),
        (np.zeros((1, 0), int), 0, 2, "n=0"),
        (np.zeros((1, 5001), int), 5001, 1, "n=5001 is over the limit of 5000"),
    ],
)
def test_what_is_no_form(forms: Any, n: int, k: int, message: str) -> None:
    with pytest.raises(AutomatonError, match=message) as error:
        from_canonical(forms, n, k)
    assert "\n" not in str(error.value)


# --- automata with many equal parts -----------------------------------------------------------

STATES = np.arange(32, dtype=np.uint8)


def edges(graph: nx.Graph) -> Edges:
    return [*nx.convert_node_labels_to_integers(graph).edges]


def shrikhande() -> Deltas:
    """The Shrikhande graph, its 48 edges from v to v + (0, 1), (1, 0), (1, 1) modulo 4."""
    steps = [(0, 1), (1, 0), (1, 1)]
    return incidence(
        [(v, 4 * ((v // 4 + i) % 4) + (v + j) % 4) for v in range(16) for i, j in steps], 64
    )


HARD = {
    "identity": STATES[None],
    "identity twice": np.stack([STATES, STATES]),
    "2-cycles": (STATES ^ 1)[None],
    "2-cycles twice": np.stack([STATES ^ 1] * 2),
    "2-cycles crossed": np.stack([STATES ^ 1, STATES ^ 2]),
    "2-cycles and identity": np.stack([STATES ^ 1, STATES]),
    "4-cycles": (STATES // 4 * 4 + (STATES + 1) % 4)[None],
    "constant": np.zeros((1, 32), np.uint8),
    "two constants": np.stack([STATES * 0, STATES * 0 + 1]),
    "constant and identity": np.stack([STATES * 0, STATES]),
    "pairs fall to fixed points": (STATES // 2 * 2)[None],
    "K4 three times": incidence(edges(nx.disjoint_union_all([nx.complete_graph(4)] * 3)), 32),
    "K33 twice": incidence(
        edges(nx.disjoint_union_all([nx.complete_bipartite_graph(3, 3)] * 2)), 32
    ),
    "Petersen": incidence(edges(nx.petersen_graph()), 32),
    "Petersen, ends in random order": incidence(
        edges(nx.petersen_graph()), 32, np.random.default_rng(0)
    ),
    "truncated tetrahedron": incidence(edges(nx.truncated_tetrahedron_graph()), 32),
    "K37": incidence(edges(nx.complete_bipartite_graph(3, 7)), 32),
    "Shrikhande": shrikhande(),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_automata(name: str) -> None:
    rng = np.random.default_rng(0)
    delta = HARD[name]
    k, n = delta.shape
    forms = canonical_forms([delta, *(shuffled(delta, rng) for _ in range(20))])
    assert (forms == forms[0]).all()
    assert np.array_equal(canonical_forms(from_canonical(forms[:1], n, k))[0], forms[0])
    other = delta.copy()
    other[0, 0] = n - 1 - other[0, 0]
    assert not are_isomorphic(delta, other)


def test_cubic_graphs() -> None:
    # colour refinement cannot tell their vertices apart, nor one graph from another
    rng = np.random.default_rng(0)
    graphs = [nx.random_regular_graph(3, 10, seed=seed) for seed in range(25)]
    both_ways = [[*edges(graph), *((q, p) for p, q in edges(graph))] for graph in graphs]
    forms = canonical_forms([shuffled(incidence(ends, 40), rng) for ends in both_ways])
    pairs = {
        (nx.is_isomorphic(graphs[i], graphs[j]), np.array_equal(forms[i], forms[j]))
        for i, j in combinations(range(25), 2)
    }
    assert pairs == {(True, True), (False, False)}
