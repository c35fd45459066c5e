"""The forward searches against the pure-Python oracle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from automata.deltas import Deltas
from automata.families import FAMILIES
from automata.kernels import forward, forward_filtered
from automata.solver import dense
from tests import naive
from tests.automata.examples import every, uniform

Thresholds = npt.NDArray[np.int32]
NO_LIMIT = 1 << 16


def expected(deltas: Deltas) -> list[int]:
    known = [naive.reset_threshold(delta) for delta in deltas.tolist()]
    return [-1 if threshold is None else threshold for threshold in known]


def solve(deltas: Deltas, limit: int = NO_LIMIT) -> list[int]:
    _, k, n = deltas.shape
    thresholds = np.full(len(deltas), 99, np.int32)
    space = forward.working_space(n, k, limit)
    forward.reset_thresholds(deltas, thresholds, limit, space)
    return thresholds.tolist()


def solve_one_by_one(deltas: Deltas) -> list[int]:
    """Thresholds by the search of one automaton after another, which k = 2 does not use."""
    _, k, n = deltas.shape
    thresholds = np.full(len(deltas), 99, np.int32)
    forward.search(deltas, None, thresholds, 1 << n, *forward.working_space(n, k, 1 << n))
    return thresholds.tolist()


def structured(n: int, k: int, count: int = 60) -> Deltas:
    """Letters that are identities, cycles, permutations, steps, constants, or repeated."""
    rng = np.random.default_rng([n, k, 1])
    states = np.arange(n)
    rows = [states, (states + 1) % n, (states + 2) % n, rng.permutation(n), states // 2]
    rows += [np.maximum(states - 1, 0), np.where(states == 0, n - 1, states), np.full(n, n - 1)]
    chosen = [rng.integers(0, len(rows), k) for _ in range(count)]
    return np.array([[rows[row] for row in choice] for choice in chosen], np.uint8)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2)])
def test_all_small_automata(n: int, k: int) -> None:
    deltas = every(n, k)
    assert solve(deltas) == expected(deltas)


@pytest.mark.exhaustive
def test_all_automata_with_four_states() -> None:
    deltas = every(4, 2)
    assert solve(deltas) == solve_one_by_one(deltas) == expected(deltas)


@pytest.mark.parametrize("n", range(2, 13))
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_uniform_and_structured(n: int, k: int) -> None:
    deltas = np.concatenate([uniform(60, n, k), structured(n, k)])
    deltas = np.random.default_rng(0).permutation(deltas)
    assert solve(deltas) == solve_one_by_one(deltas) == expected(deltas)


@pytest.mark.parametrize(
    ("n", "k"),
    [(2, 32), (2, 33), (2, 64), (4, 16), (4, 17), (5, 13), (8, 9), (9, 64), (13, 5), (15, 5)],
)
def test_one_word_of_images_and_several(n: int, k: int) -> None:
    deltas = uniform(8, n, k)
    # few letters merge, so that the last ones matter
    deltas[::2] = np.roll(np.arange(n, dtype=np.uint8), 1)
    deltas[::4, -1] = [*range(n - 1), 0]
    deltas = np.concatenate([deltas, structured(n, k, 10)])
    assert solve(deltas) == expected(deltas)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 600])
def test_batches_of_every_length_and_many_epochs(count: int) -> None:
    deltas = np.resize(np.concatenate([uniform(101, 5, 2), structured(5, 2)]), (count, 2, 5))
    assert solve(deltas) == solve_one_by_one(deltas) == expected(deltas)


@pytest.mark.parametrize("slow", [0, 1, 2, 298, 299])
def test_a_slow_automaton_anywhere_in_a_batch(slow: int) -> None:
    deltas = uniform(300, 9, 2)
    deltas[slow] = FAMILIES[0].delta(9)
    assert solve(deltas) == expected(deltas)


@pytest.mark.parametrize("n", [13, 16])
@pytest.mark.parametrize("family", [family for family in FAMILIES if family.k in (2, 3)])
def test_families(family, n: int) -> None:
    if family.exists(n):
        delta = family.delta(n)
        assert solve(np.stack([delta] * 3)) == [family.reset_threshold(n)] * 3


def sets_queued(delta: list[list[int]]) -> int:
    """How many sets a forward search queues; 0 if it meets a singleton, and so ends early."""
    full = frozenset(range(len(delta[0])))
    queue = [full]
    for states in queue:
        images = [frozenset(letter[q] for q in states) for letter in delta]
        if any(len(image) == 1 for image in images):
            return 0
        queue += [image for image in dict.fromkeys(images) if image not in set(queue)]
    return len(queue)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("limit", [1, 2, 10, 40])
def test_an_automaton_over_the_limit_is_unfinished(k: int, limit: int) -> None:
    deltas = np.concatenate([uniform(200, 8, k), structured(8, k)])
    results = solve(deltas, limit)
    known = expected(deltas)
    assert forward.UNFINISHED in results
    for delta, result, threshold in zip(deltas.tolist(), results, known, strict=True):
        assert result in (threshold, forward.UNFINISHED)
        if threshold == -1:  # it queues all the sets it can reach
            assert (result == -1) == (sets_queued(delta) <= limit)
    assert solve(deltas, 1 << 8) == known


def test_the_working_space_may_be_dirty() -> None:
    space = forward.working_space(9, 2, 1 << 9)
    for array in space:
        array.fill(1)
    for seed in range(3):
        deltas = np.random.default_rng(seed).integers(0, 9, (11, 2, 9), dtype=np.uint8)
        thresholds = np.empty(11, np.int32)
        forward.reset_thresholds(deltas, thresholds, 1 << 9, space)
        assert thresholds.tolist() == expected(deltas)


# --- 17..32 states, with the lossy filter -----------------------------------------------------


def solve_filtered(deltas: Deltas, limit: int) -> list[int]:
    _, k, n = deltas.shape
    thresholds = np.full(len(deltas), 99, np.int32)
    space = forward_filtered.working_space(n, k, limit)
    forward_filtered.reset_thresholds(deltas, thresholds, limit, space)
    return thresholds.tolist()


@pytest.mark.parametrize(
    ("n", "k", "count"),
    [(17, 1, 40), (17, 2, 40), (17, 3, 20), (18, 4, 5), (20, 2, 20), (21, 3, 4), (22, 3, 4)]
    + [(24, 2, 9), (25, 2, 5), (28, 2, 5), (29, 2, 5), (31, 2, 4), (32, 2, 4), (32, 1, 40)],
)
def test_filtered(n: int, k: int, count: int) -> None:
    """Four kinds of automata in turn: a mark that is taken for another automaton's would show."""
    deltas = uniform(count, n, k)
    deltas[::4, 0] = deltas[0, 0]
    deltas[1::4] = np.roll(np.arange(n, dtype=np.uint8), 1)  # a cycle and equal letters
    deltas[2::4] = np.minimum(deltas[2::4], n // 2)
    assert solve_filtered(deltas, 1 << 20) == expected(deltas)


@pytest.mark.parametrize("n", [17, 20, 32])
def test_filtered_many_letters(n: int) -> None:
    """One letter out of 64, each in turn, collapses a cycle: every position in every word."""
    deltas = np.tile(np.roll(np.arange(n, dtype=np.uint8), 1), (64, 64, 1))
    deltas[np.arange(64), np.arange(64)] = 5
    assert solve_filtered(deltas, 100) == [1] * 64
    assert solve_filtered(deltas[:, :63], 100) == [1] * 63 + [-1]


def test_filtered_depth_and_limit() -> None:
    """A search that forgets most sets it meets ends at its limit; the next one is right."""
    cerny = FAMILIES[0].delta(17)
    chain = np.maximum(np.arange(17, dtype=np.uint8), 1) - 1
    deltas = np.stack([cerny, *uniform(2, 17, 2), np.stack([chain] * 2), cerny])
    known = [*expected(deltas[1:3]), 16]
    unfinished = forward_filtered.UNFINISHED
    assert solve_filtered(deltas, 1 << 13) == [unfinished, *known, unfinished]
    assert solve_filtered(deltas, 1) == [unfinished] * 5


# --- one automaton, exhaustively --------------------------------------------------------------


def finish(delta: Deltas, workers: int = 1, keep_levels: bool = True) -> dense.DenseSearch:
    search = dense.DenseSearch(delta, workers=workers, keep_levels=keep_levels)
    while search.status == dense.RUNNING:
        depth = search.depth
        needed = search.memory_needed()
        search.advance()
        assert search.depth in (depth, depth + 1)
        assert needed > 0
    return search


@pytest.mark.parametrize("n", range(1, 11))
@pytest.mark.parametrize("k", [1, 2, 3])
def test_dense(n: int, k: int) -> None:
    deltas = np.concatenate([uniform(25, n, k), structured(n, k, 25)])
    for delta, threshold in zip(deltas, expected(deltas), strict=True):
        search = finish(delta)
        assert search.status == threshold
        if threshold >= 0:
            assert search.least_word() == naive.shortest_reset_word(delta.tolist())


def test_dense_exhausts_small_automata() -> None:
    deltas = every(3, 2)
    assert [finish(delta, keep_levels=False).status for delta in deltas] == expected(deltas)


@pytest.mark.parametrize(("n", "k"), [(2, 33), (5, 13), (8, 9), (9, 64), (13, 5)])
def test_dense_several_words(n: int, k: int) -> None:
    for delta in [*uniform(3, n, k), *structured(n, k, 7)]:
        search = finish(delta)
        assert [search.status] == expected(delta[None])
        if search.status >= 0:
            assert search.least_word() == naive.shortest_reset_word(delta.tolist())


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_dense_parts_of_levels_in_threads(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "_LEAST_PART", 5)
    monkeypatch.setattr(dense, "_IMAGES", 64)
    monkeypatch.setattr(dense, "_PARTS", 2)
    for delta in [*structured(9, 2, 8), FAMILIES[0].delta(10), FAMILIES[3].delta(9)]:
        search = finish(delta, workers)
        assert [search.status] == expected(delta[None])
        if search.status >= 0:
            assert search.least_word() == naive.shortest_reset_word(delta.tolist())


@pytest.mark.parametrize("workers", [1, 2])
def test_dense_large(workers: int) -> None:
    search = finish(FAMILIES[0].delta(18), workers)
    assert search.status == 289
    word = search.least_word()
    assert len(word) == 289
    assert len(naive.apply(FAMILIES[0].delta(18).tolist(), range(18), word)) == 1


def test_dense_gives_no_word_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="status -1"):
        finish(np.array([[1, 0]], np.uint8)).least_word()
    with pytest.raises(ValueError, match="no levels kept"):
        finish(np.array([[1, 1]], np.uint8), keep_levels=False).least_word()
