"""The enumeration against brute force, Burnside's lemma and the counts of the literature."""

import pickle
from functools import cache
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest

import automata.enumeration as module
from automata import SizeLimitError, canonical_forms
from automata.burnside import count_classes
from automata.enumeration import (
    BOUNDS,
    Enumeration,
    Found,
    enumerate_automata,
)
from automata.families import FAMILIES
from automata.kernels import functional
from automata.letter_types import automorphisms, letter_types
from tests import naive
from tests.counts import COUNTS

exhaustive = pytest.mark.exhaustive


def histogram(found: Found) -> dict[int, int]:
    lengths, counts = np.unique(found.reset_thresholds, return_counts=True)
    return dict(zip(lengths.tolist(), counts.tolist(), strict=True))


def table(n: int, k: int) -> dict[int, int]:
    """The classes of the literature by threshold, -1 for those that do not synchronize."""
    entry = COUNTS[f"{ {2: 'binary', 3: 'ternary'}[k] }_n{n}"]
    known = {int(t): row["all"] for t, row in entry["per_reset_threshold"].items()}
    return {-1: entry["non_synchronizing"]} | known


@cache
def complete(n: int, k: int) -> Found:
    return enumerate_automata(n, k, workers=2)


def above(found: Found, least: int) -> tuple[list[list[list[int]]], list[int]]:
    keep = found.reset_thresholds >= least
    return found.deltas[keep].tolist(), found.reset_thresholds[keep].tolist()


# --- everything -------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "k"), [(1, 1), (1, 3), (2, 1), (3, 1), (2, 2), (3, 2), (2, 3)])
def test_all_classes_once(n, k):
    classes: dict[tuple[int, ...], int] = {}
    for delta in naive.all_automata(n, k):
        threshold = naive.reset_threshold(delta)
        classes[naive.least_form(delta)] = -1 if threshold is None else threshold
    found = complete(n, k)
    forms = [naive.least_form(delta) for delta in found.deltas.tolist()]
    assert dict(zip(forms, found.reset_thresholds.tolist(), strict=True)) == classes
    assert len(forms) == len(classes)


SIZES = [
    *((n, 2) for n in (2, 3, 4, 5)),
    *((n, 3) for n in (2, 3)),
    pytest.param(6, 2, marks=exhaustive),
    pytest.param(4, 3, marks=exhaustive),
]


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_complete_counts(n, k):
    found = complete(n, k)
    assert histogram(found) == table(n, k)
    forms = canonical_forms(found.deltas)
    assert len(np.unique(forms, axis=0)) == len(forms) == naive.count_classes(n, k)
    assert np.array_equal(forms, found.deltas.transpose(0, 2, 1).reshape(len(forms), -1))
    order = np.lexsort([*forms.T[::-1], -found.reset_thresholds])
    assert np.array_equal(order, np.arange(len(forms)))


@pytest.mark.parametrize(
    ("n", "k"), [(1, 1), (4, 1), (6, 1), (1, 2), (4, 2), (6, 2), (3, 3), (5, 3), (3, 4), (2, 6)]
)
def test_burnside(n, k):
    assert count_classes(n, k) == naive.count_classes(n, k)


def test_burnside_and_the_literature():
    for name, entry in COUNTS.items():
        kind, _, n = name.partition("_n")
        assert count_classes(int(n), {"binary": 2, "ternary": 3}[kind]) == entry["total"]


def test_letter_types():
    counts = [len(letter_types(n)) for n in range(1, 9)]
    assert counts == [1, 3, 7, 19, 47, 130, 343, 951]  # OEIS A001372
    for n in (1, 2, 5, 6):
        groups = [automorphisms(letter).shape[1] for letter in letter_types(n)]
        assert sum(factorial(n) // order for order in groups) == n**n


@pytest.mark.parametrize("n", [1, 4, 6, pytest.param(8, marks=exhaustive)])
def test_colours_are_orbits(n):
    colours = np.empty(n, np.uint64)
    for letter in letter_types(n):
        functional.colour(letter, False, colours)
        orbits = [frozenset(names) for names in automorphisms(letter)[0].T.tolist()]
        for p, q in combinations(range(n), 2):
            assert (colours[p] == colours[q]) == (orbits[p] == orbits[q])


def test_automorphisms_keep_the_letter():
    for letter in letter_types(5):
        names, inverses = automorphisms(letter)
        assert names[0].tolist() == [0, 1, 2, 3, 4]
        for name, inverse in zip(names, inverses, strict=True):
            assert name[letter].tolist() == letter[name].tolist()
            assert name[inverse].tolist() == [0, 1, 2, 3, 4]


# --- long thresholds alone --------------------------------------------------------------------


CUT = [
    *((4, 2, least) for least in (1, 4, 8, 9, 10)),
    *((5, 2, least) for least in (1, 6, 11, 16)),
    *((3, 3, least) for least in (1, 3, 4)),
    *((3, 1, least) for least in (1, 2, 3)),
    *(pytest.param(6, 2, least, marks=exhaustive) for least in (1, 8, 13, 18, 23)),
    *(pytest.param(4, 3, least, marks=exhaustive) for least in (1, 3, 6, 9)),
]


@pytest.mark.parametrize(("n", "k", "least"), CUT)
def test_cutting_loses_nothing(n, k, least):
    found = enumerate_automata(n, k, at_least=least)
    assert above(found, -1) == above(complete(n, k), least)
    assert found.nodes <= complete(n, k).nodes


@pytest.mark.parametrize(
    ("n", "k", "least"),
    [
        (4, 2, 7),
        (5, 2, 10),
        (3, 3, 3),
        pytest.param(6, 2, 15, marks=exhaustive),
        pytest.param(4, 3, 6, marks=exhaustive),
    ],
)
def test_each_bound_switched_off(n, k, least):
    expected = above(complete(n, k), least)
    nodes = {}
    for size in range(len(BOUNDS) + 1):
        for bounds in combinations(BOUNDS, size):
            found = enumerate_automata(n, k, at_least=least, bounds=bounds)
            assert above(found, -1) == expected, bounds
            nodes[bounds] = found.nodes
    for bounds in nodes:
        assert nodes[BOUNDS] <= nodes[bounds] <= nodes[()]
    assert nodes[BOUNDS] < nodes[()]


def test_the_literature_for_six_states():
    found = enumerate_automata(6, 2, at_least=20)
    assert histogram(found) == {t: c for t, c in table(6, 2).items() if t >= 20}


@exhaustive
@pytest.mark.parametrize("least", [24, 28])
def test_the_literature_for_seven_states(least):
    found = enumerate_automata(7, 2, at_least=least, workers=2)
    assert histogram(found) == {t: c for t, c in table(7, 2).items() if t >= least}


@pytest.mark.parametrize(
    ("n", "k", "least"),
    [(5, 2, 12), (6, 2, 18), pytest.param(7, 2, 27, marks=exhaustive), (5, 3, 12)],
)
def test_known_families_are_found(n, k, least):
    forms = canonical_forms(enumerate_automata(n, k, at_least=least).deltas)
    found = set(map(bytes, forms))
    members = [family for family in FAMILIES if family.k == k and family.exists(n)]
    members = [family for family in members if family.reset_threshold(n) >= least]
    assert len(members) >= 1
    for family in members:
        assert bytes(canonical_forms(family.delta(n)[None])[0]) in found, family.name


def test_nothing_is_above_the_cubic_bound():
    found = enumerate_automata(6, 2, at_least=36)
    assert found.deltas.shape == (0, 2, 6)
    assert found.nodes == 0


# --- work units -------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "k", "least"), [(4, 2, 0), (4, 2, 5), (3, 3, 0), (3, 3, 2)])
def test_interrupted_kernels_go_on_where_they_were(n, k, least, monkeypatch):
    whole = enumerate_automata(n, k, at_least=least)
    for batch, nodes in [(1, 10**6), (7, 10**6), (10**4, 1), (5, 13)]:
        monkeypatch.setattr(module, "_BATCH", batch)
        monkeypatch.setattr(module, "_NODES", nodes)
        found = enumerate_automata(n, k, at_least=least)
        assert all(map(np.array_equal, found, whole))


def test_units_are_independent_and_workers_do_not_matter():
    enumeration = Enumeration(4, 2)
    units = [[*enumeration.run(i)] for i in reversed(range(len(enumeration)))]
    assert sum(len(part.deltas) for unit in units for part in unit) == 1474
    nodes = sum(part.nodes for unit in units for part in unit) + enumeration.planned_nodes
    for workers in (1, 2, 3):
        found = enumerate_automata(4, 2, workers=workers)
        assert above(found, -1) == above(complete(4, 2), -1)
        assert found.nodes == nodes


@pytest.mark.parametrize(
    ("n", "k", "settings", "error", "message"),
    [
        (0, 2, {}, ValueError, "n=0 is not at least 1"),
        (3, 0, {}, ValueError, "k=0 is not at least 1"),
        (12, 2, {}, SizeLimitError, "n=12 is over the limit of 11 states"),
        (10, 2, {}, SizeLimitError, "n=10 is over the limit of 9 states for all automata"),
        (3, 7, {}, SizeLimitError, "k=7 is over the limit of 6 letters"),
        (3, 2, {"at_least": -1}, ValueError, "at_least=-1 is not at least 0"),
        (3, 2, {"bounds": ["cerny"]}, ValueError, "unknown bound 'cerny': one of steps, pairs"),
    ],
)
def test_refusals(n, k, settings, error, message):
    with pytest.raises(error, match=message):
        Enumeration(n, k, **settings)


# --- parts ------------------------------------------------------------------------------------


SEARCHES = [
    (4, 2, 0, False),
    (5, 2, 12, False),
    (3, 3, 4, False),
    (3, 1, 0, False),
    (3, 2, 0, True),
    (4, 2, 7, True),
]


@pytest.mark.parametrize("nodes", [1, 30])
@pytest.mark.parametrize(("n", "k", "at_least", "partial"), SEARCHES)
def test_units_may_be_searched_in_parts(n, k, at_least, partial, nodes):
    """The same automata and the same nodes, wherever a unit is cut, and by a copy of the search."""
    enumeration = Enumeration(n, k, at_least=at_least, partial=partial)
    copy = pickle.loads(pickle.dumps(enumeration))
    for index in range(0, len(enumeration), 7):
        whole = [*enumeration.run(index)]
        parts, found, runs = [enumeration.part(index)], [], 0
        while parts:
            some, rest = copy.run_part(parts.pop(), nodes)
            found += some
            parts += rest
            runs += 1
        assert sum(part.nodes for part in found) == sum(part.nodes for part in whole)
        assert rows_of(found) == rows_of(whole)
        assert runs > 1 or sum(part.nodes for part in whole) <= 2 * nodes


def rows_of(found: list[Found]) -> list[tuple[Any, ...]]:
    """The automata and thresholds of a search, sorted."""
    return sorted(
        (delta.tobytes(), int(threshold))
        for part in found
        for delta, threshold in zip(part.deltas, part.reset_thresholds, strict=True)
    )
