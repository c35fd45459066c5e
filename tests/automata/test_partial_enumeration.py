"""The enumeration of partial automata against brute force, Burnside's lemma and known maxima."""

from functools import cache
from itertools import combinations, permutations
from math import factorial
from typing import Any

import numpy as np
import pytest

import automata.enumeration as module
from automata import SizeLimitError, canonical_forms, undefined_counts
from automata.burnside import count_classes
from automata.enumeration import BOUNDS, Enumeration, Found, enumerate_automata
from automata.kernels import functional
from automata.letter_types import automorphisms, letter_types
from tests import naive
from tests.automata.examples import CAREFUL_COUNTS, p_family, with_none

exhaustive = pytest.mark.exhaustive


@cache
def everything(n: int, k: int) -> Found:
    return enumerate_automata(n, k, partial=True, workers=2)


def above(found: Found, least: int) -> tuple[list[list[list[int]]], list[int]]:
    keep = found.reset_thresholds >= least
    return found.deltas[keep].tolist(), found.reset_thresholds[keep].tolist()


# --- everything -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "k"), [(1, 1), (1, 3), (2, 1), (3, 1), (4, 1), (2, 2), (3, 2), (2, 3), (1, 4)]
)
def test_all_classes_once(n: int, k: int) -> None:
    classes: dict[tuple[int, ...], int] = {}
    for delta in naive.all_partial_automata(n, k):
        word = naive.shortest_careful_word(delta)
        classes[naive.least_form(delta)] = -1 if word is None else len(word)
    found = everything(n, k)
    forms = [naive.least_form(with_none(delta)) for delta in found.deltas]
    assert dict(zip(forms, found.reset_thresholds.tolist(), strict=True)) == classes
    assert len(forms) == len(classes)


def labelled_tables(found: Found) -> dict[int, int]:
    """The number of labelled tables by threshold: n! k! / |G| for a class with group G."""
    _, k, n = found.deltas.shape
    points = np.where(found.deltas < n, found.deltas, n)
    group = np.zeros(len(points), np.int64)
    for names in permutations(range(n)):
        renamed = np.array([*names, n])[points]  # (classes, k, n)
        for letters in permutations(range(k)):
            same = renamed[:, letters] == points[:, :, names]
            group += same.all(axis=(1, 2))
    tables = factorial(n) * factorial(k) // group
    thresholds = found.reset_thresholds
    return {int(t): int(tables[thresholds == t].sum()) for t in np.unique(thresholds)}


FIVE = [77735, 3779560, 7081320, 4283520, 1858800, 1020000, 546480, 259440]
FIVE += [144000, 73200, 20400, 18240, 8880, 3120, 1200, 240]
OF_FIVE = {-1: 41290041} | dict(enumerate(FIVE, 1))
"""As CAREFUL_COUNTS, for n = 5 and two letters."""
SIZES = [*CAREFUL_COUNTS, pytest.param(5, 2, marks=exhaustive)]


@pytest.mark.parametrize(("n", "k"), SIZES)
def test_known_counts_of_labelled_tables(n: int, k: int) -> None:
    found = everything(n, k)
    assert labelled_tables(found) == (CAREFUL_COUNTS | {(5, 2): OF_FIVE})[n, k]
    forms = canonical_forms(found.deltas)
    assert np.array_equal(forms, found.deltas.transpose(0, 2, 1).reshape(len(forms), -1))
    assert len(np.unique(forms, axis=0)) == len(forms) == count_classes(n, k, partial=True)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 1), (1, 3), (4, 2), (5, 2), (4, 3), (2, 4)])
def test_burnside(n: int, k: int) -> None:
    assert count_classes(n, k, partial=True) == naive.count_classes(n, k, partial=True)


@exhaustive
@pytest.mark.parametrize(("n", "k"), [(6, 2), (4, 3), (2, 5)])
def test_counts_of_larger_sizes(n: int, k: int) -> None:
    enumeration = Enumeration(n, k, partial=True)
    units = (enumeration.run(i) for i in range(len(enumeration)))
    found = sum(len(part.deltas) for unit in units for part in unit)
    assert found == count_classes(n, k, partial=True)


@pytest.mark.parametrize(("n", "k"), [(1, 2), (3, 2), (4, 2), (2, 3), (3, 3)])
def test_complete_ones_are_among_them(n: int, k: int) -> None:
    found, complete = everything(n, k), enumerate_automata(n, k)
    whole = undefined_counts(found.deltas) == 0
    assert found.deltas[whole].tolist() == complete.deltas.tolist()
    assert found.reset_thresholds[whole].tolist() == complete.reset_thresholds.tolist()


def test_types_of_partial_letters() -> None:
    for n in range(1, 7):
        types = letter_types(n, partial=True)
        assert types.shape == (count_classes(n, 1, partial=True), n + 1)
        orders = [automorphisms(letter, marked=True).shape[1] for letter in types]
        assert sum(factorial(n) // order for order in orders) == (n + 1) ** n


@pytest.mark.parametrize("n", [1, 2, 4, 5])
def test_colours_of_partial_letters_are_orbits(n: int) -> None:
    colours = np.empty(n + 1, np.uint64)
    for letter in letter_types(n, partial=True):
        functional.colour(letter, True, colours)
        names = automorphisms(letter, marked=True)[0]
        assert (names[:, n] == n).all()
        orbits = [frozenset(row) for row in names.T.tolist()]
        for p, q in combinations(range(n + 1), 2):
            assert (colours[p] == colours[q]) == (orbits[p] == orbits[q])


# --- long thresholds alone --------------------------------------------------------------------


CUT = [
    *((1, 2, least) for least in (1, 2)),
    *((3, 1, least) for least in (1, 2, 3)),
    *((2, 2, least) for least in (1, 2)),
    *((4, 2, least) for least in (1, 3, 6, 9, 10, 11)),
    *((3, 3, least) for least in (1, 2, 4, 5)),
    (2, 4, 1),
    *(pytest.param(5, 2, least, marks=exhaustive) for least in (1, 5, 10, 15)),
]


@pytest.mark.parametrize(("n", "k", "least"), CUT)
def test_cutting_loses_nothing(n: int, k: int, least: int) -> None:
    found = enumerate_automata(n, k, at_least=least, partial=True)
    assert above(found, -1) == above(everything(n, k), least)
    assert found.nodes <= everything(n, k).nodes or n == 1


@pytest.mark.parametrize(
    ("n", "k", "least"), [(4, 2, 8), (3, 3, 4), pytest.param(5, 2, 14, marks=exhaustive)]
)
def test_each_bound_switched_off(n: int, k: int, least: int) -> None:
    expected = above(everything(n, k), least)
    nodes = {}
    for size in range(len(BOUNDS) + 1):
        for bounds in combinations(BOUNDS, size):
            found = enumerate_automata(n, k, at_least=least, bounds=bounds, partial=True)
            assert above(found, -1) == expected, bounds
            nodes[bounds] = found.nodes
    assert nodes["reached", "alive"] == nodes[BOUNDS]  # the others are for complete automata
    assert nodes[BOUNDS] < min(nodes["reached",], nodes["alive",])
    assert max(nodes["reached",], nodes["alive",]) < nodes[()] == nodes["steps", "pairs"]


@pytest.mark.parametrize(
    ("n", "longest", "least", "classes"),
    [
        (5, 16, 16, 1),
        (6, 26, 25, 3),
        pytest.param(7, 39, 39, 1, marks=exhaustive),
        pytest.param(8, 55, 55, 1, marks=exhaustive),
    ],
)
def test_published_maxima(n: int, longest: int, least: int, classes: int) -> None:
    """Of de Bondt, Don and Zantema (arXiv:1801.10436) and of Cambie, de Bondt and Don."""
    found = enumerate_automata(n, 2, at_least=least, partial=True, workers=2)
    assert (len(found.deltas), found.reset_thresholds[0]) == (classes, longest)
    if n > 5:
        assert np.array_equal(
            canonical_forms(found.deltas)[0], canonical_forms([p_family(n, 0)])[0]
        )


def test_the_maximum_of_four_states_and_three_letters() -> None:
    found = enumerate_automata(4, 3, at_least=10, partial=True)
    assert found.reset_thresholds.tolist() == [10] * 7
    for delta in found.deltas:
        word = naive.shortest_careful_word(with_none(delta))
        assert word is not None
        assert len(word) == 10


def test_nothing_is_longer_than_the_number_of_sets() -> None:
    assert len(Enumeration(5, 2, at_least=26, partial=True)) > 0
    found = enumerate_automata(5, 2, at_least=27, partial=True)
    assert (found.deltas.shape, found.nodes) == ((0, 2, 5), 0)


# --- work units -------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "k", "least"), [(3, 2, 0), (4, 2, 5), (2, 3, 0), (3, 3, 2)])
def test_interrupted_kernels_go_on_where_they_were(
    n: int, k: int, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = enumerate_automata(n, k, at_least=least, partial=True)
    for batch, nodes in [(1, 10**6), (7, 10**6), (10**4, 1), (5, 13)]:
        monkeypatch.setattr(module, "_BATCH", batch)
        monkeypatch.setattr(module, "_NODES", nodes)
        found = enumerate_automata(n, k, at_least=least, partial=True)
        assert all(map(np.array_equal, found, whole))


@pytest.mark.parametrize("least", [0, 6])
def test_units_are_independent_and_workers_do_not_matter(least: int) -> None:
    enumeration = Enumeration(4, 2, at_least=least, partial=True)
    units = [[*enumeration.run(i)] for i in reversed(range(len(enumeration)))]
    classes, _ = above(everything(4, 2), least or -1)
    assert sum(len(part.deltas) for unit in units for part in unit) == len(classes)
    nodes = sum(part.nodes for unit in units for part in unit) + enumeration.planned_nodes
    for workers in (1, 2, 3):
        found = enumerate_automata(4, 2, at_least=least, partial=True, workers=workers)
        assert above(found, -1) == above(everything(4, 2), least or -1)
        assert found.nodes == nodes


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"n": 0}, ValueError, "n=0 is not at least 1"),
        ({"n": 12, "at_least": 9}, SizeLimitError, "n=12 is over the limit of 11 states"),
        ({"n": 10}, SizeLimitError, "n=10 is over the limit of 9 states for all automata"),
        ({"k": 7}, SizeLimitError, "k=7 is over the limit of 6 letters"),
        ({"at_least": -1}, ValueError, "at_least=-1 is not at least 0"),
    ],
)
def test_refusals(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Enumeration(**({"n": 3, "k": 2} | settings), partial=True)
