"""Irreducible automata drawn letter by letter, and walks within a class, against all tables."""

from collections import Counter
from itertools import islice, product

import numpy as np
import pytest

from automata.classes import CLASSES
from automata.irreducible import draw_irreducible, is_rare, walk
from automata.properties import in_classes
from automata.sampling import sample_uniform
from tests import naive


@pytest.fixture(scope="module")
def tables():
    """All irreducible tables with three states and three letters."""
    letters = [*product(range(3), repeat=3)]
    alone = [own for own in letters if not naive.is_irreducible([own])]
    pairs = [own for own in product(alone, repeat=2) if not naive.is_synchronizing(own)]
    return {(*two, one) for two in pairs for one in alone if naive.is_irreducible([*two, one])}


def as_tuples(deltas):
    return [tuple(map(tuple, delta)) for delta in deltas.tolist()]


def test_all_irreducible_tables_are_about_equally_likely(tables):
    drawn = draw_irreducible(np.random.default_rng(1), 40_000, 3, 3)
    counts = Counter(as_tuples(drawn))
    assert {*counts} == tables
    expected = len(drawn) / len(tables)
    assert expected > 5
    spread = sum((count - expected) ** 2 / expected for count in counts.values())
    assert spread < 3 * len(tables)  # draws that share letters are no independent ones


@pytest.mark.parametrize(("n", "k"), [(2, 1), (4, 2), (5, 3), (4, 4)])
def test_what_is_drawn_needs_each_letter(n, k):
    drawn = draw_irreducible(np.random.default_rng(0), 1 << 15, n, k, workers=2)
    assert drawn.shape[1:] == (k, n) and len(drawn)
    assert all(naive.is_irreducible(delta) for delta in drawn[:20].tolist())
    again = draw_irreducible(np.random.default_rng(0), 1 << 15, n, k)
    assert again.tolist() == drawn.tolist()


@pytest.mark.parametrize(("n", "k", "count"), [(1, 3, 100), (2, 6, 100), (3, 3, 0)])
def test_nothing_to_draw(n, k, count):
    assert draw_irreducible(np.random.default_rng(0), count, n, k).shape == (0, k, n)


def test_walks_stay_uniform(tables):
    starts = np.array([*tables], np.uint8)
    walks = walk(np.random.default_rng(0), starts, 5000, ["irreducible"])
    *_, (before, after) = islice(zip(walks, walks, strict=False), 5)
    counts = Counter(as_tuples(after))
    assert {*counts} == tables and (before != after).any(axis=(1, 2)).mean() > 0.02
    expected = len(after) / len(tables)
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 2 * len(tables)


def test_walks_do_not_leave_the_classes():
    drawn = sample_uniform(np.random.default_rng(0), 2000, 5, 2)
    classes = ["sink", "not-basic"]
    starts = drawn[in_classes(drawn, classes)]
    for places in islice(walk(np.random.default_rng(1), starts, 50, classes), 6):
        assert in_classes(places, classes).all()


def test_only_complete_automata_of_many_letters_are_rare():
    assert [name for name in CLASSES if is_rare([name], 3, partial=False)] == ["irreducible"]
    assert not is_rare(["not-irreducible"], 6, partial=False)
    assert not is_rare(["irreducible"], 3, partial=True)
