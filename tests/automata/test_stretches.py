"""Ways to lengthen automata: blocks change nothing, and bound the memory."""

import tracemalloc

import numpy as np
import pytest

from automata import runs as searched
from automata.deltas import Deltas
from automata.runs import find_stretches
from automata.sampling import sample_uniform


def two_runs(n: int, k: int) -> Deltas:
    """An automaton whose states before and after n // 2 behave alike."""
    q, half = np.arange(n), n // 2
    others = [np.where(q < half, q, 0), np.where(q < half, 0, q), np.where(q < half, 0, half)]
    others += [np.where(q < half, q, half), np.where(q < half, q, 1)]
    return np.array([[(q + 1) % n, *others[: k - 1]]], np.uint8).reshape(1, k, n)


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("part_bytes", [1, 1 << 10])
def test_small_blocks_find_the_same(
    monkeypatch: pytest.MonkeyPatch, part_bytes: int, runs: int
) -> None:
    drawn = sample_uniform(np.random.default_rng(0), 200, 6, 2)
    for deltas in (drawn, two_runs(9, 3), two_runs(10, 2), drawn[:0]):
        with monkeypatch.context() as patch:
            patch.setattr(searched, "_PART_BYTES", 1 << 40)
            whole = find_stretches(deltas, runs=runs)
            patch.setattr(searched, "_PART_BYTES", part_bytes)
            blocks = find_stretches(deltas, runs=runs)
        for own, expected in zip(blocks, whole, strict=True):
            assert np.array_equal(own, expected)
        assert len(whole.deltas) > 1 or len(deltas) != 1


def test_two_runs_with_many_letters_need_little_memory() -> None:
    find_stretches(two_runs(5, 2), runs=2)  # compile
    tracemalloc.start()
    try:
        ways = find_stretches(two_runs(14, 5), runs=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(ways.deltas) > 1
    assert peak < 1 << 25
