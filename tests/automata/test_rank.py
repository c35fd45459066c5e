"""Ranks and shortest words of a rank: against the oracle, and where the answer is known."""

from itertools import pairwise

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automata import Automaton, AutomatonError, SizeLimitError, shortest_reset_word, shortest_word
from automata.deltas import Deltas
from automata.families import FAMILIES
from automata.kernels import pairs, state_sets
from automata.solver.ranks import are_synchronizing, is_synchronizing, rank
from tests import naive
from tests.automata.examples import side_by_side, uniform
from tests.strategies import automata

SIZES = [1, 2, 63, 64, 65, 128, 129, 257]
CERNY = FAMILIES[0]


@given(automata(max_n=6))
def test_against_the_oracle(delta: Deltas) -> None:
    least = naive.rank(delta.tolist())
    assert rank(delta) == least
    assert is_synchronizing(delta) == (least == 1) == naive.is_synchronizing(delta.tolist())


@given(automata(max_n=7), st.integers(1, 8))
def test_shortest_words_against_the_oracle(delta: Deltas, r: int) -> None:
    r = min(r, delta.shape[1])
    assert shortest_word(delta, to_rank=r) == naive.shortest_word(delta.tolist(), to_rank=r)


@pytest.mark.parametrize(("n", "k"), [(1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1)])
def test_every_small_automaton(n: int, k: int) -> None:
    deltas = np.array([*naive.all_automata(n, k)], np.uint8)
    known = [naive.is_synchronizing(delta) for delta in deltas.tolist()]
    assert are_synchronizing(deltas).tolist() == known
    assert [rank(delta) == 1 for delta in deltas[::7]] == known[::7]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_batches(workers: int) -> None:
    # more than one slice of a batch, and every automaton in its place
    deltas = uniform(20_000, 3, 1)
    known = {row.tobytes(): naive.is_synchronizing(row.tolist()) for row in deltas[:200]}
    assert len(known) == 27
    answers = are_synchronizing(deltas, workers=workers).tolist()
    assert answers == [known[delta.tobytes()] for delta in deltas]
    assert are_synchronizing(np.zeros((0, 2, 300), int), workers=workers).tolist() == []


@pytest.mark.parametrize("n", SIZES)
def test_known_ranks(n: int) -> None:
    states = np.arange(n)
    cycle = np.roll(states, -1)
    assert rank([states, cycle, cycle[::-1]]) == n
    assert rank([states, states // 2]) == rank([states * 0]) == 1  # 0 is a sink
    assert rank([states // 2 * 2]) == (n + 1) // 2
    twice = side_by_side(CERNY.delta(max(n, 2)), uniform(1, 7, 2)[0], CERNY.delta(5))
    assert rank(twice) == 2 + naive.rank(uniform(1, 7, 2)[0].tolist())
    assert not is_synchronizing(twice)


@pytest.mark.parametrize("n", [65, 129, 257])
def test_large_ones_against_the_oracle(n: int) -> None:
    for delta in uniform(3, n, 2):
        for r in (n, n - 1, n // 2, n // 4):
            word = shortest_word(delta, to_rank=r)
            assert word == naive.shortest_word(delta.tolist(), to_rank=r)


def test_five_thousand_states() -> None:
    states = np.arange(5000)
    assert rank([np.roll(states, 1), states[::-1]]) == 5000
    assert rank([states // 2500 * 2500, states]) == 2
    assert is_synchronizing([states // 2, states])


def test_more_sets_than_at_first() -> None:
    # thousands of sets: room is made several times
    for delta in (CERNY.delta(13), *uniform(3, 20, 2)):
        assert shortest_word(delta, to_rank=1) == shortest_reset_word(delta)


def test_ranks_of_one_automaton_fit_together() -> None:
    delta = CERNY.delta(9)
    words = [shortest_word(delta, to_rank=r) or () for r in range(1, 10)]
    assert all(len(more) < len(fewer) for fewer, more in pairwise(words))
    assert [len(naive.apply(delta, range(9), word)) for word in words] == [*range(1, 10)]
    assert len(words[0]) == 64


def test_errors() -> None:
    with pytest.raises(AutomatonError, match="shape"):
        rank([0, 1])
    with pytest.raises(SizeLimitError, match="5001"):
        is_synchronizing(np.zeros((1, 5001), int))


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_one_compilation() -> None:
    # states of one byte and of two, arrays that may be written and that may not
    for n in (5, 300):
        delta = side_by_side(CERNY.delta(n - 2), CERNY.delta(2))
        assert rank(delta) == rank(Automaton(delta)) == 2
        word = shortest_word(delta, to_rank=n - 1)
        assert shortest_word(Automaton(delta), to_rank=n - 1) == word
        assert not is_synchronizing(Automaton(delta))
    for kernel in (pairs.merging_letters, pairs.all_mergeable, pairs.merge, state_sets.append_new):
        assert len(kernel.signatures) == 1
