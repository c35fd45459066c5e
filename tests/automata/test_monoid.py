"""Transition monoids: exact beside plain Python, and of the sizes that are known."""

from math import comb

import numpy as np
import pytest

from automata import AutomatonError, SizeLimitError, transition_monoid
from automata.families import FAMILIES
from automata.kernels import monoid as kernel
from automata.sampling import sample_uniform
from tests import naive

CERNY = FAMILIES[0]
COMPILED = hasattr(kernel.transition_monoid, "py_func")


def check(delta: naive.Delta) -> None:
    expected = naive.transition_monoid(delta)
    found = transition_monoid(delta)
    rows = [tuple(row) for row in found.elements.tolist()]
    assert found.size == len(rows) == len(expected)
    assert set(rows) == expected
    assert found.idempotents == sum(all(w[p] == p for p in w) for w in expected)
    assert found.has_constant == any(len(set(w)) == 1 for w in expected)
    assert found.has_constant == naive.is_synchronizing(delta)


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_all_small_automata(n: int, k: int) -> None:
    for delta in naive.all_automata(n, k):
        check(delta)


@pytest.mark.parametrize(("n", "k"), [(4, 2), (4, 3), (5, 2)])
def test_random_automata(n: int, k: int) -> None:
    for delta in sample_uniform(np.random.default_rng(n + k), 20, n, k).tolist():
        check(delta)


def test_elements_are_in_the_order_of_their_least_words() -> None:
    delta = CERNY.delta(4).tolist()
    words, at = [()], {tuple(range(4)): ()}
    for word in words:  # grows as we go
        for a in range(2):
            image = tuple(next(iter(naive.apply(delta, [q], (*word, a)))) for q in range(4))
            if image not in at:
                at[image] = (*word, a)
                words.append((*word, a))
    assert [*at] == [tuple(row) for row in transition_monoid(delta).elements.tolist()]


@pytest.mark.parametrize("n", range(2, 9))
def test_cerny(n: int) -> None:
    # a cycle and an idempotent of rank n - 1 generate the orientation-preserving transformations;
    # their number and that of the idempotents: Catarino and Higgins 1999, Semigroup Forum 58
    lucas = [2, 1]
    while len(lucas) <= 2 * n:
        lucas.append(lucas[-1] + lucas[-2])
    found = transition_monoid(CERNY.delta(n))
    assert found.size == comb(2 * n, n) * n // 2 - n * (n - 1)
    assert found.idempotents == lucas[2 * n] - (n * n - n + 2)
    assert found.has_constant


@pytest.mark.parametrize("n", range(3, 8 if COMPILED else 6))
def test_full_transformation_monoid(n: int) -> None:
    cycle, swap = [*range(1, n), 0], [1, 0, *range(2, n)]
    merge = [0, 0, *range(2, n)]
    found = transition_monoid([cycle, swap, merge])
    assert found.size == n**n
    assert found.idempotents == sum(comb(n, r) * r ** (n - r) for r in range(1, n + 1))
    assert len(transition_monoid([cycle, swap]).elements) == np.prod(range(1, n + 1))


def test_a_limit_is_the_most_elements() -> None:
    assert transition_monoid("1 2 0|0 1 0", limit=24).size == 24
    with pytest.raises(SizeLimitError, match="^the transition monoid has more than limit=23 elem"):
        transition_monoid("1 2 0|0 1 0", limit=23)
    assert transition_monoid("0 1", limit=1).size == 1
    assert transition_monoid([[0]], limit=10**30).size == 1
    for limit in (0, 1.5, "many"):
        with pytest.raises(ValueError, match="^limit="):
            transition_monoid([[0]], limit=limit)  # type: ignore[arg-type]


def test_errors() -> None:
    with pytest.raises(SizeLimitError, match="^n=9 is over the limit of 8 states for transition"):
        transition_monoid(np.zeros((1, 9), int))
    with pytest.raises(AutomatonError, match="outside 0..1"):
        transition_monoid([[0, 2]])
