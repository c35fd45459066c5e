"""Thresholds that are solved once: the same as those of the solver, for all isomorphic automata."""

from typing import Any

import numpy as np
import pytest

from automata.deltas import UNDEFINED, Deltas
from automata.partial_families import p_automaton
from automata.solver import once
from automata.solver.either import thresholds_of
from automata.solver.exact import UNKNOWN, Thresholds
from automata.solver.once import SolvedOnce


def drawn(rng: np.random.Generator, n: int, k: int, *, partial: bool) -> Deltas:
    deltas = rng.integers(n, size=(60, k, n), dtype=np.uint8)
    if partial:
        deltas[rng.random(deltas.shape) < 0.1] = UNDEFINED
    return deltas


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many automata the solver was given, call by call."""
    counts: list[int] = []

    def solve(deltas: Deltas, **options: Any) -> Thresholds:
        counts.append(len(deltas))
        return thresholds_of(deltas, **options)

    monkeypatch.setattr(once, "thresholds_of", solve)
    return counts


@pytest.mark.parametrize("partial", [False, True])
def test_each_class_of_isomorphic_automata_is_solved_once(asked: list[int], partial: bool) -> None:
    rng = np.random.default_rng(7)
    solved = SolvedOnce(partial=partial)
    for n, k in ((6, 2), (5, 3), (5, 2), (6, 2)):
        deltas = drawn(rng, n, k, partial=partial)
        expected = thresholds_of(deltas, partial=partial)
        permutation, letters = rng.permutation(n), rng.permutation(k)
        renamed = np.full_like(deltas, UNDEFINED)
        named = np.append(permutation, [UNDEFINED] * (256 - n)).astype(np.uint8)
        renamed[:, :, permutation] = named[deltas[:, letters]]
        twice = np.concatenate([deltas, renamed])
        assert solved.thresholds(twice).tolist() == [*expected, *expected]
        assert 0 < asked[-1] <= len(deltas)
        assert solved.thresholds(renamed[::-1]).tolist() == expected[::-1].tolist()
        assert asked[-1] == 0
    assert solved.thresholds(deltas[:0]).shape == (0,)


def test_what_the_memory_does_not_suffice_for_is_not_tried_again(asked: list[int]) -> None:
    deltas = p_automaton(22, 0)[None]
    solved = SolvedOnce(partial=True, memory_limit=1 << 20)
    assert solved.thresholds(deltas).tolist() == [UNKNOWN]
    assert solved.thresholds(deltas).tolist() == [UNKNOWN]
    assert asked == [1, 0]


def test_a_search_that_was_ended_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    deltas = np.array([[[1, 2, 0], [0, 1, 0]]], np.uint8)
    solved = SolvedOnce(partial=False)

    def end(deltas: Deltas, **options: Any) -> Thresholds:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(solved, "_solve", end)
        with pytest.raises(KeyboardInterrupt):
            solved.thresholds(deltas)
    assert solved.thresholds(deltas).tolist() == [4]
