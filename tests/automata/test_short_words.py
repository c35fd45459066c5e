"""Short reset words: that they reset, and how short they are."""

import numba
import numpy as np
import pytest
from hypothesis import given

from automata import Automaton, AutomatonError, SizeLimitError, reset_thresholds, verify
from automata.deltas import Deltas
from automata.families import FAMILIES, wielandt, wielandt_threshold
from automata.kernels import beam, pairs
from automata.solver import short_words
from automata.solver.limits import Budget
from automata.solver.short_words import beam_memory, beam_word, greedy_word, short_reset_word
from tests import naive
from tests.automata.examples import uniform
from tests.strategies import automata

CERNY = FAMILIES[0]


@given(automata())
def test_against_the_oracle(delta: Deltas) -> None:
    threshold = naive.reset_threshold(delta.tolist())
    greedy, short = short_reset_word(delta), short_reset_word(delta, "beam")
    if threshold is None:
        assert greedy is None and short is None
        return
    assert greedy is not None and short is not None
    assert threshold <= len(short) <= len(greedy)
    assert verify(delta, greedy) and verify(delta, short)


@given(automata(max_n=6))
def test_greedy_words_of_higher_ranks(delta: Deltas) -> None:
    states = range(delta.shape[1])
    least = naive.rank(delta.tolist())
    for goal in range(1, len(states) + 1):
        word, left = greedy_word(delta, goal)
        assert len(naive.apply(delta, states, word)) == left
        assert left <= goal or left == least


@pytest.mark.parametrize("n", [1, 2, 3, 62, 63, 64, 65, 66, 127, 128, 129, 192, 193, 257])
def test_words_of_sets(n: int) -> None:
    # sets of one word of 64 bits and of several, and of a last one that is full
    for delta in uniform(4, n, 2):
        synchronizing = greedy_word(delta)[1] == 1
        for method in ("greedy", "beam"):
            word = short_reset_word(delta, method)
            assert verify(delta, word) if synchronizing else word is None
    if n > 1:
        word = short_reset_word(CERNY.delta(n), "beam")
        assert len(word) == (n - 1) ** 2 and verify(CERNY.delta(n), word)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_beams_meet_the_thresholds_of_families(family: FAMILIES) -> None:
    for n in (8, 9, 24, 25, 40, 41):
        if family.exists(n):
            delta = family.delta(n)
            word = short_reset_word(delta, "beam")
            assert len(word) == family.reset_threshold(n) and verify(delta, word)


def test_beams_meet_most_thresholds() -> None:
    assert len(short_reset_word(wielandt(60, 59), "beam")) == wielandt_threshold(60, 59)
    deltas = uniform(200, 16, 2)
    thresholds = reset_thresholds(deltas)
    words = [short_reset_word(delta, "beam") for delta in deltas]
    assert [word is not None for word in words] == (thresholds >= 0).tolist()
    lengths = [-1 if word is None else len(word) for word in words]
    assert all(length >= threshold for length, threshold in zip(lengths, thresholds, strict=True))
    assert np.mean(lengths == thresholds) > 0.98


@pytest.mark.parametrize("n", [9, 70])
def test_several_components_and_permutations(n: int) -> None:
    states = np.arange(n)
    for delta in ([np.roll(states, 1), states[::-1]], [states // 2 * 2, states], [states]):
        assert short_reset_word(delta) is None and short_reset_word(delta, "beam") is None
    sink = [np.maximum(states - 1, 0), states]
    assert short_reset_word(sink) == short_reset_word(sink, "beam") == (0,) * (n - 1)


def test_five_thousand_states() -> None:
    delta = uniform(1, 5000, 2)[0]
    greedy, left = greedy_word(delta)
    short = beam_word(delta, 1, longest=len(greedy) - 1)
    assert left == 1 and len(short) < len(greedy) < 1000
    assert verify(delta, greedy) and verify(delta, short)


def test_widths_and_letters() -> None:
    deltas = [uniform(1, 20, k)[0] for k in (1, 3, 64)] + [CERNY.delta(30)]
    for delta in deltas:
        words = [beam_word(delta, width, longest=1000) for width in (1, 64, 1000)]
        assert all(word is None or verify(delta, word) for word in words)
    assert [word is None for word in words] == [False] * 3


def test_limits_of_a_beam() -> None:
    delta = CERNY.delta(20)
    assert len(beam_word(delta, longest=361)) == 361
    assert beam_word(delta, longest=360) is None
    size = beam_memory(20, 2)
    assert len(beam_word(delta, longest=999, budget=Budget(memory_limit=size))) == 361
    assert beam_word(delta, longest=999, budget=Budget(memory_limit=size - 1)) is None
    assert beam_word(delta, longest=999, budget=Budget(time_limit=1e-9)) is None
    assert beam_memory(20, 2, 64) < size < beam_memory(20, 2, 1000) < beam_memory(20, 3, 1000)
    assert beam_word(delta[:1], longest=999) is None  # no new set is left


def test_short_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    # nodes are dropped again and again, or the tree grows: the words stay the same
    deltas = [family.delta(25) for family in FAMILIES if family.exists(25)]
    deltas += [delta for delta in uniform(20, 30, 2) if greedy_word(delta)[1] == 1]
    deltas.append(CERNY.delta(70))
    known = [beam_word(delta, longest=5000).tolist() for delta in deltas]
    drops = []
    drop = beam.drop_dead_branches
    monkeypatch.setattr(short_words, "_nodes", lambda blocks: 128 * blocks)
    monkeypatch.setattr(beam, "drop_dead_branches", lambda *given: drops.append(drop(*given)))
    assert [beam_word(delta, longest=5000).tolist() for delta in deltas] == known
    assert len(drops) > len(deltas)
    monkeypatch.setattr(short_words, "_MOST_NODES", 0)
    words = [beam_word(delta, longest=5000) for delta in deltas]
    assert all(word is None or word.tolist() == was for word, was in zip(words, known, strict=True))
    assert any(word is None for word in words)


def test_short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    for chunk in (1, 2, 7):
        monkeypatch.setattr(short_words, "_CHUNK", chunk)
        assert verify(CERNY.delta(9), short_reset_word(CERNY.delta(9)))
        assert short_reset_word([[1, 2, 0]]) is None


def test_errors() -> None:
    with pytest.raises(ValueError, match="'greedy' or 'beam', got 'best'") as error:
        short_reset_word([[0]], "best")
    assert not isinstance(error.value, AutomatonError)  # the automaton is not to blame
    with pytest.raises(ValueError, match="got 0"):
        short_reset_word([[0]], "beam", width=0)
    with pytest.raises(ValueError, match="got 5"):
        short_reset_word([[0]], width=5)
    with pytest.raises(SizeLimitError, match="5001"):
        short_reset_word(np.zeros((1, 5001), int))


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_one_compilation() -> None:
    # states of one byte and of two, arrays that may be written and that may not
    for n in (5, 300):
        delta = CERNY.delta(n)
        assert short_reset_word(Automaton(delta), "beam") == short_reset_word(delta, "beam")
    compiled = (pairs.merging_letters, pairs.merge, beam.mark_core, beam.search, beam.trace_word)
    assert all(len(function.signatures) == 1 for function in compiled)
