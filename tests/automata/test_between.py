"""Shortest words from given states to one state, a given state, or few: against plain Python."""

import tracemalloc
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from itertools import combinations
from typing import Any
from unittest import mock

import numpy as np
import pytest

from automata import (
    UNDEFINED,
    UNKNOWN,
    SizeLimitError,
    WordLimitReached,
    shortest_reset_word,
    shortest_word,
    shortest_word_lengths,
)
from automata.deltas import Deltas
from automata.families import FAMILIES
from automata.solver import between, reduction
from automata.solver.frontier import Frontier
from tests import naive
from tests.automata.examples import (
    every_partial,
    p_family,
    side_by_side,
    uniform,
    uniform_partial,
    with_none,
)

CERNY = FAMILIES[0]


def length_of(word: tuple[int, ...] | None) -> int:
    return -1 if word is None else len(word)


def random_ends(rng: np.random.Generator, n: int) -> dict[str, Any]:
    """What a word is asked for: some of the states or all, one state, a given one, or few."""
    size = int(rng.integers(1, n + 1))
    start = rng.permutation(n)[:size].tolist()
    return {
        **({} if rng.random() < 0.2 else {"from_states": start}),
        **[{}, {"to_state": int(rng.integers(n))}, {"to_rank": int(rng.integers(1, size + 1))}][
            int(rng.integers(3))
        ],
    }


def is_end(states: Collection[int], ends: dict[str, Any]) -> bool:
    """Whether a set is one where a word may end."""
    end = ends.get("to_state")
    return len(states) <= ends.get("to_rank", 1) and (end is None or {*states} == {end})


def does_it(delta: Deltas, word: tuple[int, ...], ends: dict[str, Any]) -> bool:
    """Whether a word, replayed, is defined everywhere and ends where it should."""
    states = {int(q) for q in ends.get("from_states", range(delta.shape[1]))}
    for letter in word:
        states = {int(delta[letter, q]) for q in states}
        if UNDEFINED in states:
            return False
    return is_end(states, ends)


def test_every_table_of_three_states() -> None:
    """All starts and all ends of all partial tables with n = 3, k = 2."""
    deltas = every_partial(3, 2)
    for start in (start for size in (1, 2, 3) for start in combinations(range(3), size)):
        reached = [dict(naive.sets_reached(with_none(delta), start)) for delta in deltas]
        for ends in (
            *({"to_state": q} for q in range(3)),
            *({"to_rank": r} for r in range(1, 4)),
        ):
            words = [
                next((word for states, word in sets.items() if is_end(states, ends)), None)
                for sets in reached
            ]
            found = shortest_word_lengths(deltas, from_states=start, **ends).tolist()
            assert found == [*map(length_of, words)]
            for delta, word in zip(deltas[::151], words[::151], strict=True):
                assert shortest_word(delta, from_states=start, **ends) == word


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [1, 2, 4, 7, 10])
def test_least_words_as_in_plain_python(n: int, k: int) -> None:
    rng = np.random.default_rng([n, k])
    for delta in uniform_partial(64, n, k):
        ends = random_ends(rng, n)
        word = naive.shortest_word(with_none(delta), **ends)
        assert shortest_word(delta, **ends) == word
        assert shortest_word_lengths([delta], **ends).tolist() == [length_of(word)]


@pytest.fixture(params=["all sets", "lists", "lists, reduced"])
def forced(request: pytest.FixtureRequest) -> Iterator[str]:
    """One search does all the work."""
    always = {"_REDUCIBLE": 1, "_PLANTING": 0.0, "_TEST": 0.0, "_MANY": 0.0}
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(between, "_QUICK_MAX_STATES", 0))
        if request.param != "all sets":
            stack.enter_context(mock.patch.object(between, "_DENSE_MAX_STATES", 0))
        if request.param == "lists, reduced":
            stack.enter_context(mock.patch.multiple(reduction, **always))
            stack.enter_context(mock.patch.object(Frontier, "can_march", lambda side: False))
        yield request.param


@pytest.mark.parametrize(("n", "k"), [(1, 2), (2, 2), (3, 2), (6, 3), (9, 2), (10, 4)])
@pytest.mark.parametrize("workers", [1, 2])
def test_every_search_finds_the_same(forced: str, n: int, k: int, workers: int) -> None:
    rng = np.random.default_rng([n, k, workers])
    deltas = uniform_partial(48, n, k)
    for delta in deltas:
        ends = random_ends(rng, n)
        expected = naive.shortest_word(with_none(delta), **ends)
        word = shortest_word(delta, **ends, workers=workers)
        assert length_of(word) == length_of(expected)
        assert word is None or does_it(delta, word, ends)
        if forced == "all sets" or ends.get("to_rank", 1) > 1:
            assert word == expected
    ends = random_ends(rng, n)
    lengths = [length_of(naive.shortest_word(with_none(delta), **ends)) for delta in deltas]
    assert shortest_word_lengths(deltas, **ends, workers=workers).tolist() == lengths


@pytest.mark.parametrize("n", [17, 28, 29, 40, 65, 130])
def test_larger_ones(n: int) -> None:
    rng = np.random.default_rng(n)
    partial = uniform(4, n, 2).astype(np.uint8)
    partial[::2, 0] = np.roll(np.arange(n), 1)  # words are longer
    partial[2:, 1, rng.permutation(n)[: n // 4]] = UNDEFINED
    for delta in partial:
        start = rng.permutation(n)[: 4 if n < 30 else 2].tolist()
        for ends in ({"to_state": int(rng.integers(n))}, {"to_rank": 2}, {}):
            asked = {"from_states": start, **ends}
            word = shortest_word(delta, **asked)
            expected = naive.shortest_word(with_none(delta), **asked)
            assert length_of(word) == length_of(expected)
            assert word is None or does_it(delta, word, asked)
            assert shortest_word_lengths([delta], **asked).tolist() == [length_of(word)]
            if n <= 28 or ends == {"to_rank": 2}:
                assert word == expected


@pytest.mark.parametrize("n", [2, 3, 8, 9, 12, 30])
def test_pairs_of_cernys_automata(n: int) -> None:
    """The pair that takes longest passes through all n(n-1)/2 pairs."""
    delta = CERNY.delta(n)
    starts = combinations(range(n), 2) if n < 30 else [(0, 14), (0, 15), (1, 16)]
    lengths = [length_of(shortest_word(delta, from_states=pair)) for pair in starts]
    assert n == 30 or max(lengths) == n * (n - 1) // 2
    assert all(1 <= length <= n * (n - 1) // 2 for length in lengths)


def test_reset_to_one_state_begins_with_all() -> None:
    for n in (5, 9, 17, 33):
        delta = CERNY.delta(n)
        threshold = (n - 1) ** 2
        to_any = [length_of(shortest_word(delta, to_state=q)) for q in range(n)]
        assert min(to_any) == threshold == length_of(shortest_word(delta))
    assert shortest_word(CERNY.delta(9)) == shortest_reset_word(CERNY.delta(9))
    sink = [[0, 0, 1], [0, 2, 1]]
    assert [shortest_word(sink, to_state=q) for q in range(3)] == [(0, 0), None, None]


def test_some_states_of_an_automaton_that_does_not_synchronize() -> None:
    two = side_by_side(CERNY.delta(12), CERNY.delta(19))  # n = 31: lists
    assert shortest_word(two) is None
    assert length_of(shortest_word(two, from_states=range(12))) == 121
    some = [0, 3, 6, 20, 30]
    word = naive.shortest_word(two.tolist(), from_states=some, to_rank=2)
    assert shortest_word(two, from_states=some, to_rank=2) == word is not None
    assert shortest_word(two, from_states=[0, 30]) is None
    assert shortest_word(two, from_states=[3], to_state=20) is None
    assert shortest_word(two, from_states=[0, 5, 30], to_rank=1) is None


def test_letters_that_are_undefined_on_a_set_lead_nowhere() -> None:
    delta = "1 - 3 3|- 2 - 3"
    for most in (28, 0):
        with mock.patch.object(between, "_DENSE_MAX_STATES", most):
            assert shortest_word(delta, from_states=[0]) == ()
            assert shortest_word(delta, from_states=[0], to_state=3) == (0, 1, 0)
            assert shortest_word(delta, from_states=[0, 2], to_state=3) == (0, 1, 0)
            assert shortest_word(delta, from_states=[2, 3]) == (0,)
            assert shortest_word(delta, from_states=[0, 1]) is None
            assert shortest_word(delta, from_states=[1, 2, 3], to_rank=2) is None


@pytest.mark.parametrize("n", [24, 30])
def test_no_search_goes_on_from_all_states(n: int) -> None:
    """From a pair there are few sets, from all states very many: the memory would not do."""
    delta = np.full((3, n), n - 1)
    delta[:2, :-1] = CERNY.delta(n - 1)
    delta[2, 0] = UNDEFINED
    asked = {"from_states": [3, 4], "memory_limit": 4_000_000}
    delta[2, 1:-1] = np.arange(1, n - 1)
    assert shortest_word(delta, **asked, to_state=n - 1) is None
    assert shortest_word(delta, from_states=[3, n - 1], memory_limit=4_000_000) is None
    with pytest.raises(WordLimitReached):
        shortest_word(delta, to_rank=1, memory_limit=4_000_000)


def test_limits_leave_what_was_proved() -> None:
    partial = p_family(36, 3)
    for delta in (CERNY.delta(17), side_by_side(CERNY.delta(12), CERNY.delta(20))):
        for ends in ({"to_state": 7}, {"to_rank": 1}, {"to_rank": 2}):
            asked = {"from_states": range(12), **ends}
            shortest = length_of(shortest_word(delta, **asked))
            for limit in ({"time_limit": 1e-9}, {"memory_limit": 1}):
                with pytest.raises(WordLimitReached, match="^out of (time|memory): ") as hit:
                    shortest_word(delta, **asked, **limit)
                bounds = hit.value.bounds
                assert bounds.lower == 1 and bounds.word is not None
                assert bounds.upper == len(bounds.word) >= shortest
                assert does_it(delta, bounds.word, asked)
                assert shortest_word_lengths([delta], **asked, **limit).tolist() == [UNKNOWN]
    with pytest.raises(WordLimitReached, match="out of time: such a word has at least") as hit:
        shortest_word(partial, from_states=range(30), time_limit=0.3)
    assert hit.value.bounds.upper is None and hit.value.bounds.word is None
    assert hit.value.bounds.lower > 20
    assert shortest_word(CERNY.delta(20), to_rank=19, memory_limit=2_000_000) == (0,)


@pytest.mark.parametrize("n", [20, 29])
def test_memory_is_kept(n: int) -> None:
    limit = 3_000_000
    delta = CERNY.delta(n)
    shortest_word(delta, to_rank=n - 2)  # compiled
    tracemalloc.start()
    with pytest.raises(WordLimitReached) as hit:
        shortest_word(delta, to_rank=2, memory_limit=limit)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.2 * limit
    assert 10 < hit.value.bounds.lower < (n - 1) ** 2


def test_memory_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def expand(side: Frontier, *_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Frontier, "expand", expand)
    monkeypatch.setattr(Frontier, "march", expand)
    for ends in ({"to_rank": 2}, {"to_state": 3}):
        with pytest.raises(WordLimitReached, match="^out of memory: ") as hit:
            shortest_word(CERNY.delta(30), **ends)
        assert hit.value.bounds.word is not None


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"from_states": []}, "from_states is empty: a word begins with at least one state"),
        ({"from_states": [0, 4]}, "state=4 is not in 0..3"),
        ({"from_states": [-1]}, "state=-1 is not in 0..3"),
        ({"from_states": "03"}, "state='0' is not an integer"),
        ({"from_states": 3}, "states are a sequence of integers, got int"),
        ({"to_state": 4}, "to_state=4 is not in 0..3"),
        ({"to_state": 0.5}, "to_state=0.5 is not an integer"),
        ({"to_rank": 0}, "to_rank=0 is not in 1..4"),
        ({"to_rank": 5}, "to_rank=5 is not in 1..4"),
        ({"from_states": [1, 2, 2], "to_rank": 5}, "to_rank=5 is not in 1..4"),
        (
            {"to_state": 0, "to_rank": 1},
            "to_state and to_rank: a word ends in one state, or in a f",
        ),
        ({"memory_limit": 0}, "memory_limit=0 is not positive"),
        ({"workers": 0}, "workers=0 is not at least 1"),
    ],
)
def test_what_is_refused(asked: dict[str, Any], message: str) -> None:
    for function, automata in (
        (shortest_word, CERNY.delta(4)),
        (shortest_word_lengths, [CERNY.delta(4)]),
    ):
        with pytest.raises(ValueError, match=f"^{message}") as refused:
            function(automata, **asked)
        assert "\n" not in str(refused.value)


def test_sizes() -> None:
    with pytest.raises(SizeLimitError, match="n=1025 is over the limit of 1024 states"):
        shortest_word(np.zeros((1, 1025), int))
    many = np.zeros((1, 1024), int)
    assert shortest_word(many, to_rank=1) == shortest_word(many, from_states=[3, 4]) == (0,)
    assert shortest_word_lengths(np.zeros((0, 2, 5), int), to_state=1).tolist() == []
    with pytest.raises(SizeLimitError, match="n=256 is over the limit of 255 states of partial"):
        shortest_word([[None, *[0] * 255]])
