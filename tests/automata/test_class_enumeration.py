"""Enumerations of classes: cut while they build, they have what the complete lists have."""

from functools import cache
from math import comb, factorial

import numpy as np
import pytest

from automata import UNDEFINED, canonical_forms
from automata.classes import CLASSES, check_classes
from automata.enumeration import Enumeration, Found, enumerate_automata
from automata.invariants import automorphism_orders, cycle_lengths
from automata.properties import in_classes

exhaustive = pytest.mark.exhaustive

NAMES = [
    *CLASSES,
    *(f"not-{name}" for name in CLASSES),
    *(f"{sign}cycle-{length}" for sign in ("", "not-") for length in (1, 2, 3, 4, 5, 6)),
]
COMBINATIONS = [
    ("eulerian", "not-permutation-letter"),
    ("sink", "aperiodic"),
    ("sink", "not-permutation-letter", "defect-2"),
    ("strongly-connected", "cycle-2", "not-cycle-3"),
    ("cycle-2", "cycle-3"),
    ("cycle-1", "permutation-letter"),
    ("completely-reachable", "not-eulerian"),
    ("irreducible", "one-cluster", "not-sink"),
    ("one-cluster", "not-one-cluster"),
]


@cache
def complete(n: int, k: int) -> Found:
    return enumerate_automata(n, k, workers=2)


def check(n: int, k: int, classes: tuple[str, ...], thresholds: list[int]) -> None:
    everything = complete(n, k)
    inside = in_classes(everything.deltas, classes)
    for least in thresholds:
        keep = inside & (everything.reset_thresholds >= (least or -1))
        found = enumerate_automata(n, k, at_least=least, classes=classes)
        assert np.array_equal(found.deltas, everything.deltas[keep]), (classes, least)
        assert np.array_equal(found.reset_thresholds, everything.reset_thresholds[keep])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("n", "k"), [(1, 2), (2, 2), (3, 2), (4, 2), (2, 3), (3, 1)])
def test_a_class(n: int, k: int, name: str) -> None:
    check(n, k, (name,), [0, 2])


@pytest.mark.parametrize("classes", COMBINATIONS)
@pytest.mark.parametrize(("n", "k"), [(4, 2), (3, 3)])
def test_several_classes(n: int, k: int, classes: tuple[str, ...]) -> None:
    check(n, k, classes, [0, 2])


def test_sinks_of_three_letters_that_come_out_of_turn() -> None:
    """Their transitions are defined first, whatever the order of the states."""
    check(4, 3, ("sink",), [0])


@exhaustive
@pytest.mark.parametrize("classes", [*((name,) for name in NAMES), *COMBINATIONS])
@pytest.mark.parametrize(("n", "k"), [(3, 2), (4, 2), (5, 2), (6, 2), (2, 3), (3, 3), (4, 3)])
def test_every_threshold(n: int, k: int, classes: tuple[str, ...]) -> None:
    check(n, k, classes, list(range(int(complete(n, k).reset_thresholds.max()) + 2)))


@pytest.mark.parametrize(
    ("delta", "lengths"),
    [
        ([[1, 2, 0, 0], [1, 0, 3, 2]], [3, 0]),
        ([[0, 0, 1, 2], [1, 2, 3, 0]], [1, 4]),
        ([[0, 1, 1, 2], [-1, 0, 1, 2]], [0, 0]),
    ],
)
def test_the_class_of_a_cycle_length(delta: list[list[int]], lengths: list[int]) -> None:
    deltas = np.array([delta])
    deltas[deltas < 0] = UNDEFINED
    assert cycle_lengths(deltas).tolist() == [lengths]
    for length in range(1, 6):
        assert in_classes(deltas, [f"cycle-{length}"]).tolist() == [length in lengths]
        assert in_classes(deltas, [f"not-cycle-{length}"]).tolist() == [length not in lengths]


@pytest.mark.parametrize("name", ["cycle-0", "cycle-65", "cycle-05", "cycle-", "cycle", "cycle--1"])
def test_names_that_are_no_cycle_length(name: str) -> None:
    with pytest.raises(ValueError, match=rf"unknown class '{name}': .*cycle-L with L in 1\.\.64"):
        check_classes([name])


def labelled(found: Found) -> int:
    """Count the automata with named states and two named letters that are isomorphic to these."""
    n = found.deltas.shape[2]
    orders = automorphism_orders(found.deltas)
    exchanged = canonical_states(found.deltas[:, ::-1]) == canonical_states(found.deltas)
    return int((factorial(n) // orders * np.where(exchanged, 1, 2)).sum())


def canonical_states(deltas: np.ndarray) -> np.ndarray:
    """Return what tells automata apart whose letters have names: a third letter marks the second.

    The marked letter occurs twice, so no isomorphism exchanges it with the other one.
    """
    marked = np.concatenate([deltas, deltas[:, 1:]], axis=1)
    return canonical_forms(marked).view(f"V{marked.shape[1] * marked.shape[2]}").ravel()


def connected(counts: list[int]) -> list[int]:
    """Return how many of the structures on n named points are connected (n = 0: none)."""
    found = [0]
    for n in range(1, len(counts)):
        rest = sum(comb(n - 1, m - 1) * found[m] * counts[n - m] for m in range(1, n))
        found.append(counts[n] - rest)
    return found


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, pytest.param(7, marks=exhaustive)])
def test_eulerian_automata_have_fixed_in_degrees(n: int) -> None:
    tables = [factorial(2 * m) // 2**m for m in range(n + 1)]
    assert labelled(enumerate_automata(n, 2, classes=["eulerian"])) == connected(tables)[n]


@pytest.mark.parametrize("n", [2, 3, 4, 5, pytest.param(6, marks=exhaustive)])
def test_automata_with_a_sink(n: int) -> None:
    tables = [(-1) ** (m + 1) * comb(n, m) * n ** (2 * (n - m)) for m in range(1, n + 1)]
    assert labelled(enumerate_automata(n, 2, classes=["sink"])) == sum(tables)


def one_cycle(n: int, length: int) -> int:
    """Count the letters with one cycle, of a given length.

    The other states lead to the r states of the cycle by a forest, one of r n^(n-r-1) (Cayley).
    """
    forests = length * n ** (n - length - 1) if length < n else 1
    return comb(n, length) * factorial(length - 1) * forests


@pytest.mark.parametrize("n", [2, 3, 4, pytest.param(5, marks=exhaustive)])
def test_automata_with_conditions_on_their_letters(n: int) -> None:
    """Some letter is of a kind, or none is; of each kind we know how many letters there are."""
    letters, permutations = n**n, factorial(n)
    almost = factorial(n) * comb(n, 2)  # one state is the image of two others, and one of none
    some = {
        "permutation-letter": permutations,
        "not-defect-2": permutations + almost,
        "one-cluster": sum(one_cycle(n, length) for length in range(1, n + 1)),
        **{f"cycle-{length}": one_cycle(n, length) for length in range(1, n + 1)},
    }
    for name, of_the_kind in some.items():
        other = name.removeprefix("not-") if name.startswith("not-") else f"not-{name}"
        without = (letters - of_the_kind) ** 2
        assert labelled(enumerate_automata(n, 2, classes=[name])) == letters**2 - without, name
        assert labelled(enumerate_automata(n, 2, classes=[other])) == without, other


def count_nodes(n: int, k: int, least: int, *classes: str) -> int:
    own = Enumeration(n, k, at_least=least, classes=classes)
    return sum(found.nodes for unit in range(len(own)) for found in own.run(unit))


@cache
def all_nodes(n: int, k: int, least: int) -> int:
    return count_nodes(n, k, least)


@pytest.mark.parametrize(
    ("n", "k", "least", "name", "share"),
    [
        (5, 2, 0, "eulerian", 0.1),
        (5, 2, 0, "completely-reachable", 0.1),
        (5, 2, 0, "permutation-letter", 0.3),
        (5, 2, 0, "aperiodic", 0.25),
        (5, 2, 0, "strongly-connected", 0.45),
        (5, 2, 0, "one-cluster", 0.9),
        (5, 2, 0, "irreducible", 0.7),
        (5, 2, 0, "cycle-1", 0.25),
        (5, 2, 6, "sink", 0.2),
        (5, 2, 6, "defect-2", 0.25),
        (5, 2, 6, "cycle-2", 0.2),
        (4, 3, 5, "not-permutation-letter", 0.7),
        (4, 3, 1, "irreducible", 0.2),
    ],
)
def test_classes_are_cut_while_building(
    n: int, k: int, least: int, name: str, share: float
) -> None:
    assert count_nodes(n, k, least, name) < share * all_nodes(n, k, least)
