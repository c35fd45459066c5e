"""Automata of permutations and one merging letter: what is true of them by construction."""

import tracemalloc

import numpy as np
import pytest

from automata import constructive
from automata.constructive import sample_constructive
from automata.errors import AutomatonError
from automata.solver.either import thresholds_of
from tests import naive


@pytest.fixture(scope="module", params=[(3, 2), (6, 2), (7, 3), (9, 4)])
def drawn(request):
    n, k = request.param
    deltas = sample_constructive(np.random.default_rng(n), 300, n, k)
    assert len(deltas) > 15 and deltas.shape[1:] == (k, n)
    return deltas


def test_all_letters_but_the_last_are_permutations(drawn):
    n = drawn.shape[2]
    ranks = [[len({*letter}) for letter in delta] for delta in drawn.tolist()]
    assert ranks == [[n] * (drawn.shape[1] - 1) + [n - 1]] * len(drawn)


def test_each_permutation_is_needed(drawn):
    for delta in drawn[:100].tolist():
        for letter in range(len(delta) - 1):
            assert not naive.is_synchronizing([*delta[:letter], *delta[letter + 1 :]])


def test_many_synchronize(drawn):
    thresholds = thresholds_of(drawn, partial=False)
    assert (thresholds > 0).mean() > 0.05


def test_the_same_seed_draws_the_same(drawn):
    n, k = drawn.shape[2], drawn.shape[1]
    assert (sample_constructive(np.random.default_rng(n), 300, n, k) == drawn).all()


@pytest.mark.parametrize(("count", "n", "k"), [(5, 1, 2), (5, 2, 3), (0, 6, 2)])
def test_nothing_to_draw(count, n, k):
    assert sample_constructive(np.random.default_rng(0), count, n, k).shape == (0, k, n)


def test_one_letter_merges_alone():
    drawn = sample_constructive(np.random.default_rng(0), 20, 4, 1)
    assert drawn.shape == (20, 1, 4)
    assert all(len({*delta[0]}) == 3 for delta in drawn.tolist())


@pytest.mark.parametrize(("count", "n", "k"), [(-1, 4, 2), (1, 0, 2), (1, 4, 65)])
def test_what_is_refused(count, n, k):
    with pytest.raises((ValueError, AutomatonError)):
        sample_constructive(np.random.default_rng(0), count, n, k)


def test_small_blocks_draw_the_same(drawn, monkeypatch):
    n, k = drawn.shape[2], drawn.shape[1]
    monkeypatch.setattr(constructive, "_BLOCK_BYTES", 8 * n + 3)
    assert (sample_constructive(np.random.default_rng(n), 300, n, k) == drawn).all()
    monkeypatch.setattr(constructive, "_BLOCK_BYTES", 1 << 30)
    assert (sample_constructive(np.random.default_rng(n), 300, n, k) == drawn).all()


def test_memory_does_not_grow_with_the_square_of_the_states():
    tracemalloc.start()
    try:
        sample_constructive(np.random.default_rng(0), 2, 1200, 2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20  # 8 bytes for each pair of states were 23 MB
