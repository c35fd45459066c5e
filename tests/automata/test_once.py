"""Thresholds that are solved once: the same as those of the solver, for all isomorphic automata."""

import time
from typing import Any

import numpy as np
import pytest

from automata.deltas import UNDEFINED, Deltas
from automata.partial_families import p_automaton
from automata.solver import timed
from automata.solver.either import thresholds_of
from automata.solver.exact import UNKNOWN, Thresholds
from automata.solver.once import SolvedOnce
from automata.solver.timed import OUT_OF_TIME, Clock, solve_within
from automata.units import Lost
from tests.clocks import Ticks

KILLER = np.array([[1, 2, 3, 4, 5, 0], [1, 1, 2, 3, 4, 5]], np.uint8)


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

    monkeypatch.setattr(timed, "thresholds_of", solve)
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
        assert 0 < asked.pop() <= len(deltas)
        assert solved.thresholds(renamed[::-1]).tolist() == expected[::-1].tolist()
        assert not asked
    assert solved.thresholds(deltas[:0]).shape == (0,)


def test_what_the_memory_does_not_suffice_for_is_not_tried_again(asked: list[int]) -> None:
    deltas = p_automaton(22, 0)[None]
    solved = SolvedOnce(partial=True, memory_limit=1 << 20)
    assert solved.thresholds(deltas).tolist() == [UNKNOWN]
    assert solved.thresholds(deltas).tolist() == [UNKNOWN]
    assert asked == [1]


def test_a_search_that_was_ended_keeps_what_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    deltas = drawn(np.random.default_rng(2), 6, 2, partial=False)
    expected = thresholds_of(deltas, partial=False)
    solved = SolvedOnce(partial=False)
    monkeypatch.setattr(solved, "_at_once", 4)
    honest = solved._solve
    count = 0

    def end(chunk: list[timed.Item]) -> list[tuple[int, float]]:
        nonlocal count
        count += 1
        if count == 12:
            raise KeyboardInterrupt
        return honest(chunk)

    monkeypatch.setattr(solved, "_solve", end)
    with pytest.raises(KeyboardInterrupt):
        solved.thresholds(deltas)
    (known,) = solved.known()
    assert 0 < len(known.forms) < 44 and not known.seconds.any()
    assert solved.thresholds(deltas).tolist() == expected.tolist()
    assert count == 12 + (len(deltas) - len(known.forms)) // 4


def end_one_of_them(chunk: list[timed.Item], **how: Any) -> list[tuple[int, float]]:
    """Solve automata, but end as a worker does that the first one of all kills."""
    if any(delta.tolist() == KILLER.tolist() for delta, _ in chunk):
        raise Lost("it ended 3 workers")
    return solve_within(chunk, **how)


def test_an_automaton_that_ends_its_workers_is_named_and_the_rest_is_solved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deltas = np.concatenate([drawn(np.random.default_rng(2), 6, 2, partial=False), KILLER[None]])
    expected = [*thresholds_of(deltas[:-1], partial=False).tolist(), OUT_OF_TIME]
    monkeypatch.setattr("automata.solver.once.solve_within", end_one_of_them)
    solved = SolvedOnce(partial=False)
    for _ in range(2):  # it is not tried again
        assert solved.thresholds(deltas).tolist() == expected
        reason = "it ended 3 workers"
        assert solved.lost == [f"the automaton {KILLER.tolist()} is not solved: {reason}"]
    (known,) = solved.known()
    assert OUT_OF_TIME not in known.thresholds


# --- within the time of a clock -------------------------------------------------------------------


def test_nothing_is_solved_when_the_time_is_over(asked: list[int]) -> None:
    deltas = drawn(np.random.default_rng(4), 6, 2, partial=False)
    expected = thresholds_of(deltas, partial=False)
    clock = Ticks(2)
    solved = SolvedOnce(partial=False, clock=clock)
    assert solved.thresholds(deltas[:20]).tolist() == expected[:20].tolist()
    clock.ticks = 0
    late = solved.thresholds(deltas).tolist()
    assert late[:20] == expected[:20].tolist() and {*late[20:]} <= {OUT_OF_TIME, *late[:20]}
    assert OUT_OF_TIME in late and asked == [20]
    assert [len(known.forms) for known in solved.known()] == [20]


def test_an_automaton_that_takes_its_share_gets_twice_as_much_the_next_time() -> None:
    deltas = drawn(np.random.default_rng(4), 6, 2, partial=False)[:3]
    given: list[float | None] = []

    def one(delta: Deltas, seconds: float | None) -> int:
        given.append(seconds)
        assert seconds is not None
        if seconds < 0.03:
            time.sleep(seconds)
            return UNKNOWN
        return 7

    first = SolvedOnce(partial=False, clock=Clock(0.08), one=one)
    assert first.thresholds(deltas[:2]).tolist() == [OUT_OF_TIME] * 2
    for clock, expected in ((0.08, OUT_OF_TIME), (0.16, 7), (0.01, 7)):
        (known,) = first.known()
        second = SolvedOnce(partial=False, clock=Clock(clock), one=one)
        second.remember(known)
        assert second.thresholds(deltas[:1]).tolist() == [expected]
        first = second
    assert given == pytest.approx([0.01, 0.01, 0.02, 0.04])
    (known,) = first.known()
    assert sorted(known.thresholds.tolist()) == [OUT_OF_TIME, 7]  # the second is not forgotten
    assert sorted(known.seconds.tolist()) == pytest.approx([0.0, 0.01])


def test_a_want_of_memory_is_no_want_of_time() -> None:
    deltas = p_automaton(22, 0)[None]
    solved = SolvedOnce(partial=True, memory_limit=1 << 20, clock=Clock(1e9))
    assert solved.thresholds(deltas).tolist() == [UNKNOWN]
    (known,) = solved.known()
    assert known.thresholds.tolist() == [UNKNOWN] and known.seconds.tolist() == [0.0]


def test_a_time_that_is_none() -> None:
    for seconds in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="time_limit"):
            Clock(seconds)
