"""Certificates and replayed words of partial automata: true ones pass, what passes is true."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automata import UNDEFINED, careful_threshold, careful_thresholds, image
from automata.automaton import validate_delta
from automata.deltas import Deltas
from automata.errors import SizeLimitError
from automata.proof.certify import certificate, proved_threshold
from automata.proof.checker import Certificate, CertificateError, check_certificate
from automata.proof.verification import reprove_thresholds, verify, verify_words
from automata.solver.careful import shortest_careful_words
from automata.solver.exact import Words
from automata.solver.limits import WordLimitReached
from tests import naive
from tests.automata.examples import p_family, uniform_partial, with_none
from tests.automata.proofs import forgeries, passes, proves, sets
from tests.strategies import partials


@given(partials(max_k=4))
def test_any_automaton(delta: Deltas) -> None:
    proof = certificate(delta)
    assert np.array_equal(proof.delta, delta)
    word = naive.shortest_careful_word(with_none(delta))
    assert proof.word == word
    assert proof.threshold == proved_threshold(delta) == (None if word is None else len(word))
    assert proves(proof)
    text = proof.to_json()
    again = Certificate.from_json(text)
    assert again.to_json() == text
    assert np.array_equal(again.delta, delta)
    check_certificate(again)


@pytest.mark.parametrize(("n", "k"), [(11, 4), (12, 1), (12, 2), (12, 3)])
def test_random_automata(n: int, k: int) -> None:
    for delta in uniform_partial(24, n, k):
        proof = certificate(delta)
        assert proof.threshold == careful_threshold(delta)
        check_certificate(proof)


@pytest.mark.parametrize(("n", "c"), [(6, 0), (10, 1), (12, 1), (13, 2)])
def test_slow_automata(n: int, c: int) -> None:
    length = {(6, 0): 26, (10, 1): 94, (12, 1): 146, (13, 2): 176}[n, c]
    assert proved_threshold(p_family(n, c)) == length


def test_pairs_or_all_sets_prove_that_there_is_no_careful_word() -> None:
    pairs = certificate("1 -|0 -")
    assert [level.tolist() for level in pairs.forward] == [[0b11]]
    everything = unsolvable()
    assert max(np.bitwise_count(everything.forward[0])) == everything.delta.shape[1]
    for proof in (pairs, everything):
        assert proof.threshold is proof.word is None
        assert proof.backward == ()
        check_certificate(proof)


def unsolvable() -> Certificate:
    """An automaton without a careful word, though every pair of states can be merged."""
    proofs = map(certificate, uniform_partial(400, 6, 2))
    return next(proof for proof in proofs if proof.word is None and 63 in proof.forward[0])


def test_complete_automata_have_the_same_certificates() -> None:
    stored = (
        '{"delta":[[1,2,0],[0,1,0]],"threshold":4,"word":[1,0,0,1],'
        '"forward":["7","3","6","5"],"backward":["1 2 4"]}'
    )
    assert certificate("1 2 0|0 1 0").to_json() == stored
    check_certificate(Certificate.from_json(stored))
    none = '{"delta":[[1,0]],"threshold":null,"word":null,"forward":["3"],"backward":[]}'
    assert certificate("1 0").to_json() == none
    check_certificate(Certificate.from_json(none))


def test_limits() -> None:
    for delta, lower in ((p_family(12, 1), 146), (unsolvable().delta, 1)):
        for limits in ({"memory_limit": 200}, {"time_limit": 1e-9}):
            with pytest.raises(WordLimitReached) as reached:
                certificate(delta, **limits)
            assert reached.value.bounds.lower <= lower
        check_certificate(certificate(delta, memory_limit=10**8, time_limit=100))
    with pytest.raises(SizeLimitError, match="n=65 is over the limit of 64 states"):
        certificate([[None] * 65])


# --- changed certificates ---------------------------------------------------------------------


@given(forgeries(partials(max_n=5, max_k=4)), st.booleans())
def test_what_passes_is_true(forgery: Certificate, tables: bool) -> None:
    with mock.patch("automata.proof.checker._TABLE_MAX_STATES", 24 if tables else 0):
        accepted = passes(forgery)
    assert accepted == proves(forgery)
    if accepted:
        word = naive.shortest_careful_word(with_none(forgery.delta))
        assert forgery.threshold == (None if word is None else len(word))


@given(partials(max_n=5), st.data())
def test_a_complete_automaton_is_no_partial_one(delta: Deltas, data: st.DataObject) -> None:
    """A certificate holds for its own automaton, not for one with more or fewer transitions."""
    defined = np.where(delta == UNDEFINED, data.draw(st.integers(0, delta.shape[1] - 1)), delta)
    for own, other in ((defined, delta), (delta, defined)):
        proof = replace(certificate(own), delta=other)
        assert passes(proof) == proves(proof)
        if passes(proof):
            word = naive.shortest_careful_word(with_none(other))
            assert proof.threshold == (None if word is None else len(word))


def test_a_transition_more_or_less() -> None:
    """Every certificate of an automaton, for all automata that differ in one transition."""
    counts = {True: 0, False: 0}
    for delta in uniform_partial(12, 4, 2):
        proof = certificate(delta)
        for a, q in np.ndindex(delta.shape):
            for target in {0, 1, 2, 3, UNDEFINED} - {int(delta[a, q])}:
                changed = delta.copy()
                changed[a, q] = target
                forgery = replace(proof, delta=changed)
                counts[passes(forgery)] += 1
                assert passes(forgery) == proves(forgery)
    assert min(counts.values()) > 10


def test_every_preimage_counts() -> None:
    """Levels without the preimages under letters that are undefined on a state outside the set."""
    left_out = 0
    for delta in uniform_partial(400, 4, 3):
        k, n = delta.shape
        word = naive.shortest_careful_word(with_none(delta))
        if not word:
            continue
        states = [1 << q for q in range(n)]
        levels, met = [states], {*states}
        for _ in word:
            fresh = {
                sum(1 << q for q in range(n) if delta[a, q] < n and y >> int(delta[a, q]) & 1)
                for y in levels[-1]
                for a in range(k)
                if not any(delta[a, q] == UNDEFINED for q in range(n) if not y >> q & 1)
            }
            levels.append(sorted(fresh - met - {0}))
            met |= fresh
        last = int(naive.apply(delta, range(n), word).pop())
        letters = [a for a in range(k) if delta[a, last] < n]
        if not letters or (1 << n) - 1 in met:
            continue
        longer = (*word, letters[0])
        backward = tuple(sets(*level) for level in levels)
        forgery = Certificate(delta, len(longer), longer, (sets((1 << n) - 1),), backward)
        assert not passes(forgery)
        left_out += 1
    assert left_out > 5


TRUE = certificate("1 2 3 - -|1 1 2 4 0")
WITHOUT = certificate("1 -|0 -")


def malformed() -> Iterator[tuple[Certificate, str]]:
    table = TRUE.delta
    for a, q, target in ((0, 3, 0), (1, 4, UNDEFINED), (1, 4, 4), (0, 0, UNDEFINED)):
        delta = table.copy()
        delta[a, q] = target
        yield replace(TRUE, delta=delta), ""
    whole = np.where(table == UNDEFINED, 0, table)
    yield replace(TRUE, delta=whole), ""  # a shorter word resets it
    yield replace(certificate(whole), delta=table), "letter 0 of the word is undefined on a state"
    wide = np.full((2, 256), 255, np.uint8)  # with 256 states 255 is a state
    yield replace(TRUE, delta=wide), "n=256 is over the limit of 64 states"
    none: Any = [[None] * 256]
    yield replace(TRUE, delta=none), "no automaton: n=256 is over the limit of 255 states of part"
    yield replace(TRUE, delta=np.full((2, 5), 254, np.uint8)), "leads to 254, outside 0..4"
    yield replace(TRUE, delta=table.astype(np.int16) - 256), "leads to -255, outside 0..4"
    yield replace(TRUE, word=(0, *TRUE.word[1:])), "letter 0 of the word is undefined on a state"
    yield replace(TRUE, forward=(*TRUE.forward[:-1], sets())), "nothing covers"
    yield replace(WITHOUT, forward=(), backward=WITHOUT.forward), "one forward level, no other"
    yield (
        replace(WITHOUT, delta=validate_delta("0 0|0 -", partial=True)),
        "nothing covers the image of {0, 1} under",
    )
    yield replace(WITHOUT, forward=(sets(1),)), "has fewer than two states"


@pytest.mark.parametrize(("wrong", "message"), [*malformed()])
def test_malformed(wrong: Certificate, message: str) -> None:
    with pytest.raises(CertificateError) as error:
        check_certificate(wrong)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_those_that_malformed_ones_are_made_of_pass() -> None:
    for proof in (TRUE, WITHOUT):
        check_certificate(proof)
    assert TRUE.threshold == 10


@pytest.mark.parametrize(
    "change",
    [
        {"delta": [[1, 255, 0]]},
        {"delta": [[1, None, 255]]},
        {"delta": [1, None, 0]},
        {"delta": [[1, None, 0], None]},
        {"delta": [[1, [None], 0]]},
        {"delta": [[1, "-", 0]]},
        {"delta": [[None] * 256]},
        {"delta": [[1, None, 0], [0, 1]]},
        {"word": [None]},
        {"word": [0, None, 1]},
        {"threshold": None},
        {"forward": [None]},
        {"forward": None},
        {"backward": [None, "1"]},
    ],
)
def test_null_in_wrong_places(change: dict[str, Any]) -> None:
    with pytest.raises(CertificateError) as error:
        check_certificate(Certificate.from_json(json.dumps(json.loads(TRUE.to_json()) | change)))
    assert "\n" not in str(error.value)


# --- words and thresholds ---------------------------------------------------------------------


@given(partials(max_k=4), st.data())
def test_words_are_replayed_carefully(delta: Deltas, data: st.DataObject) -> None:
    k, n = delta.shape
    words = data.draw(st.lists(st.lists(st.integers(-1, k), max_size=6), min_size=1, max_size=4))
    expected = [is_careful(delta, word) for word in words]
    assert [verify(delta, word) for word in words] == expected
    width = max(map(len, words))
    letters = np.array([word + [-1] * (width - len(word)) for word in words], np.int8)
    lengths = np.array([len(word) for word in words], np.int32)
    batch = np.repeat(delta[None], len(words), axis=0)
    assert (
        verify_words(batch, Words(letters.reshape(len(words), width), lengths)).tolist() == expected
    )


def is_careful(delta: Deltas, word: list[int]) -> bool:
    states = set(range(delta.shape[1]))
    for letter in word:
        if not 0 <= letter < len(delta):
            return False
        states = {int(delta[letter, q]) for q in states}
        if UNDEFINED in states:
            return False
    return len(states) == 1


@pytest.mark.parametrize(("n", "k"), [(1, 2), (2, 4), (7, 2), (9, 3), (12, 1)])
def test_thresholds_are_proved_again(n: int, k: int) -> None:
    deltas = uniform_partial(120, n, k)
    thresholds = careful_thresholds(deltas)
    assert reprove_thresholds(deltas).tolist() == thresholds.tolist()
    words = shortest_careful_words(deltas)
    assert words.lengths.tolist() == thresholds.tolist()
    assert verify_words(deltas, words).tolist() == (thresholds >= 0).tolist()
    assert verify(deltas[0], ()) == (n == 1)


def test_255_is_a_state_of_256() -> None:
    delta = np.full((1, 256), 255, np.uint8)
    assert verify(delta, "a")
    assert verify_words(delta[None], Words(np.array([[0]], np.int8), np.array([1]))).tolist() == [
        True
    ]


@given(partials(max_n=6))
def test_as_a_complete_automaton_with_a_trap(delta: Deltas) -> None:
    """State n is a trap: undefined transitions lead there, and it stays there.

    A word is careful if and only if it leads Q, the states without the trap, to one state other
    than the trap: once a state is in the trap it stays there.
    """
    k, n = delta.shape
    trapped = np.full((k, n + 1), n)
    trapped[:, :n] = np.where(delta == UNDEFINED, n, delta)
    level, seen, length = {frozenset(range(n))}, set[frozenset[int]](), 0
    found = -1
    while level and found < 0:
        if any(len(states) == 1 and states != {n} for states in level):
            found = length
        seen |= level
        level = {frozenset(trapped[a, [*states]].tolist()) for states in level for a in range(k)}
        level -= seen
        length += 1
    assert careful_thresholds(delta[None]).tolist() == [found]
    word = certificate(delta).word
    if word is not None:
        reached = image(trapped, word, range(n))
        assert len(reached) == 1
        assert n not in reached
