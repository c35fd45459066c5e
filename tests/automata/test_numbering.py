"""Numberings: the same automata, breadth-first, each as likely, whatever the threads."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automata import canonical_forms
from automata.deltas import Deltas
from automata.errors import AutomatonError
from automata.numbering import all_numberings, random_numberings
from automata.sampling import sample_uniform
from tests import naive
from tests.automata.examples import every
from tests.automata.numberings import numberings
from tests.strategies import automata


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def check_roots(delta: Deltas) -> None:
    """The states come breadth-first, from a root whenever there is no more to reach."""
    order: list[int] = []
    for root in range(delta.shape[1]):
        if root not in order:
            part = [root]
            for state in part:  # grows as we go
                for letter in delta.tolist():
                    if letter[state] not in [*order, *part]:
                        part.append(letter[state])
            order += part
    assert order == [*range(delta.shape[1])]


@settings(deadline=None)
@given(automata(max_n=7), st.integers(0, 9))
def test_numberings(delta: Deltas, seed: int) -> None:
    numbered = random_numberings(seeded(seed), [delta] * 20)
    assert (numbered.shape, numbered.dtype) == ((20, *delta.shape), np.uint8)
    assert (canonical_forms(numbered) == canonical_forms(delta[None])).all()
    if naive.is_initially_connected(delta.tolist()):
        assert {one.tobytes() for one in numbered} <= numberings(delta).keys()
    for one in numbered:
        check_roots(one)


@settings(deadline=None)
@given(automata(max_n=40, max_k=6), st.integers(0, 9))
def test_numberings_of_larger_ones(delta: Deltas, seed: int) -> None:
    for one in random_numberings(seeded(seed), [delta] * 4):
        check_roots(one)
        assert np.array_equal(canonical_forms(one[None]), canonical_forms(delta[None]))


@pytest.mark.parametrize(
    "delta",
    [
        [[1, 2, 3, 0], [0, 1, 2, 0]],  # all states reach all
        [[1, 2, 2, 2, 2], [3, 2, 4, 4, 4]],  # one does
        [[1, 0, 3, 4, 5, 6, 6], [2, 1, 3, 4, 5, 3, 4]],  # two of seven do
        [[1, 0, 2], [0, 2, 1], [0, 1, 2]],
        [[1, 2, 3, 4, 5, 0]],
        [[1, 2, 3, 3]],
        [[0]],
    ],
)
def test_starts_and_orders_are_as_likely(delta: list[list[int]]) -> None:
    expected = numberings(np.array(delta, np.uint8))
    mean = 1000
    draws = mean * expected.total()
    found = Counter(map(bytes, random_numberings(seeded(), [delta] * draws)))
    assert found.keys() == expected.keys()
    for one, ways in expected.items():
        assert abs(found[one] - ways * mean) < 5 * (ways * mean) ** 0.5


def test_roots_are_as_likely() -> None:
    # cycles of one, two and three states: which is first, which of the others second
    delta = [[0, 2, 1, 4, 5, 3]]
    found = Counter(map(bytes, random_numberings(seeded(), [delta] * 6000)))
    shares = {
        bytes([0, 2, 1, 4, 5, 3]): 1 / 6 * 2 / 5,
        bytes([0, 2, 3, 1, 5, 4]): 1 / 6 * 3 / 5,
        bytes([1, 0, 2, 4, 5, 3]): 2 / 6 * 1 / 4,
        bytes([1, 0, 3, 4, 2, 5]): 2 / 6 * 3 / 4,
        bytes([1, 2, 0, 3, 5, 4]): 3 / 6 * 1 / 3,
        bytes([1, 2, 0, 4, 3, 5]): 3 / 6 * 2 / 3,
    }
    assert found.keys() == shares.keys()
    for one, share in shares.items():
        assert abs(found[one] - 6000 * share) < 5 * (6000 * share) ** 0.5


@pytest.mark.parametrize(("n", "k"), [(1, 1), (1, 3), (2, 1), (2, 2), (3, 1), (3, 2)])
def test_numberings_of_all(n: int, k: int) -> None:
    deltas = every(n, k)
    numbered = random_numberings(seeded(), deltas)
    assert np.array_equal(canonical_forms(numbered), canonical_forms(deltas))


@pytest.mark.parametrize(("n", "k"), [(8, 2), (16, 1), (12, 3)])
def test_numberings_are_repeatable(n: int, k: int) -> None:
    deltas = sample_uniform(seeded(), 1000, n, k)
    before = deltas.copy()
    numbered = random_numberings(seeded(1), deltas)
    assert np.array_equal(deltas, before)
    for workers in (1, 2, 3):
        assert np.array_equal(random_numberings(seeded(1), deltas, workers=workers), numbered)
    assert np.array_equal(random_numberings(seeded(1), deltas[:10]), numbered[:10])
    assert not np.array_equal(random_numberings(seeded(2), deltas), numbered)


def test_numberings_of_nothing_and_of_many_states() -> None:
    assert random_numberings(seeded(), np.zeros((0, 2, 5), np.uint8)).shape == (0, 2, 5)
    cycle = np.roll(np.arange(300), -1)[None, None]
    assert np.array_equal(random_numberings(seeded(), cycle), cycle)
    with pytest.raises(AutomatonError, match="leads to 3"):
        random_numberings(seeded(), [[[1, 3, 0]]])


@settings(deadline=None)
@given(automata(max_n=6))
def test_all_numberings(delta: Deltas) -> None:
    found = all_numberings([delta, delta])
    first, second = (found.deltas[found.sources == source] for source in (0, 1))
    assert Counter(one.tobytes() for one in first) == numberings(delta)
    assert np.array_equal(first, second)
    assert found.deltas.dtype == delta.dtype
