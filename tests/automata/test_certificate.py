"""Certificates: those that we make pass the checker, and those that pass are true."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automata import SizeLimitError, reset_threshold
from automata.deltas import Deltas
from automata.errors import AutomatonError
from automata.families import FAMILIES
from automata.proof.certify import certificate
from automata.proof.checker import Certificate, CertificateError, Sets, check_certificate
from automata.solver.limits import LimitReached
from tests import naive
from tests.automata.examples import with_none
from tests.automata.proofs import forgeries, passes, proves, sets
from tests.strategies import automata

CERNY = FAMILIES[0]


def check_truth(proof: Certificate) -> None:
    delta = proof.delta.tolist()
    assert proof.threshold == naive.reset_threshold(delta)
    assert proof.word == naive.shortest_reset_word(delta)


# --- those made -------------------------------------------------------------------------------


@given(automata())
def test_any_automaton(delta: Deltas) -> None:
    proof = certificate(delta)
    assert np.array_equal(proof.delta, delta)
    check_truth(proof)
    check_certificate(proof)
    assert proves(proof)


@pytest.mark.parametrize(("n", "k"), [(1, 3), (2, 1), (2, 2), (3, 1)])
def test_every_automaton(n: int, k: int) -> None:
    for letters in naive.all_automata(n, k):
        proof = certificate(letters)
        check_truth(proof)
        check_certificate(proof)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_families(family: Any) -> None:
    for n in range(2, 14):
        if family.exists(n):
            proof = certificate(family.delta(n))
            assert proof.threshold == family.reset_threshold(n)
            check_certificate(proof)


@pytest.mark.parametrize("n", [16, 20])
def test_slow_automata_have_small_certificates(n: int) -> None:
    proof = certificate(CERNY.delta(n))
    assert proof.threshold == (n - 1) ** 2
    check_certificate(proof)
    assert sum(map(len, proof.forward + proof.backward)) < 2 * n * n


@pytest.mark.parametrize(("n", "k"), [(11, 5), (16, 2), (17, 3), (20, 2)])
def test_random_automata(n: int, k: int) -> None:
    rng = np.random.default_rng(n)
    for delta in rng.integers(0, n, (3, k, n)):
        proof = certificate(delta)
        assert proof.threshold == reset_threshold(delta)
        check_certificate(proof)


def test_both_directions_explode() -> None:
    rng = np.random.default_rng(1)
    delta = np.array([rng.permutation(16), rng.permutation(16)])
    delta[0, 0] = delta[0, 1]
    proof = certificate(delta)
    assert min(len(np.concatenate(side)) for side in (proof.forward, proof.backward)) > 1000
    check_certificate(proof)


@pytest.mark.parametrize("n", [30, 63, 64])
def test_more_states(n: int) -> None:
    word = (0, *((1,) * (n - 1) + (0,)) * (n - 2))  # Černý 1964
    with mock.patch("automata.proof.certify.shortest_reset_word", lambda delta, **limits: word):
        proof = certificate(CERNY.delta(n))
    check_certificate(proof)
    last = proof.backward[-1].copy()
    last[0] &= last[0] - np.uint64(1)
    assert not passes(replace(proof, backward=(*proof.backward[:-1], last)))


@pytest.mark.parametrize("n", [2, 5, 8, 20, 64])
def test_no_reset_word(n: int) -> None:
    cycle = np.roll(np.arange(n), -1)
    parts = np.minimum(np.arange(n), [n - 2] * (n - 1) + [n - 1])  # n - 1 apart
    parts[: n - 1] = 0
    for delta in ([cycle], [cycle, cycle[::-1]], [parts]):
        with mock.patch("automata.proof.certify.shortest_reset_word", lambda delta, **limits: None):
            proof = certificate(delta)
        assert proof.threshold is proof.word is None
        check_certificate(proof)
        assert n > 20 or proves(proof)


def test_a_wrong_solver_cannot_pass() -> None:
    delta = CERNY.delta(5)
    true = certificate(delta).word
    assert true is not None
    for word in (None, (), true[:-1], (1, *true), (*true, 0), (1, *true[1:]), (0,) * 16):
        with mock.patch(
            "automata.proof.certify.shortest_reset_word", lambda delta, word=word, **limits: word
        ):
            assert not passes(certificate(delta))


def test_the_array_stays_the_callers() -> None:
    delta = np.array([[1, 2, 0], [0, 1, 0]], np.uint8)
    proof = certificate(delta)
    delta[:] = 0
    check_certificate(proof)


def test_limits() -> None:
    delta = CERNY.delta(12)
    for limits in ({"memory_limit": 5000}, {"time_limit": 1e-9}):
        with pytest.raises(LimitReached, match=r"no certificate .* is in 121\.\.121") as reached:
            certificate(delta, **limits)
        assert reached.value.bounds.exact
    check_certificate(certificate(delta, memory_limit=10**6, time_limit=100))
    with pytest.raises(ValueError, match="^memory_limit=0 is not positive$"):
        certificate(delta, memory_limit=0)
    with pytest.raises(SizeLimitError, match="n=65 is over the limit of 64 states"):
        certificate(np.zeros((2, 65), int))
    with pytest.raises(AutomatonError):
        certificate([[0, 2]])


# --- changed certificates ---------------------------------------------------------------------


@given(forgeries(automata(max_n=6)), st.booleans())
def test_what_passes_is_true(forgery: Certificate, tables: bool) -> None:
    with (
        mock.patch("automata.proof.checker._TABLE_MAX_STATES", 24 if tables else 0),
        mock.patch("automata.proof.checker._PAIRS_AT_ONCE", 24),
    ):
        accepted = passes(forgery)
    assert accepted == proves(forgery)
    if accepted:
        word = naive.shortest_careful_word(with_none(forgery.delta))
        assert forgery.threshold == (None if word is None else len(word))


@given(automata(max_n=6), st.data())
def test_a_longer_word_is_not_shortest(delta: Deltas, data: st.DataObject) -> None:
    """A word with one more letter, and one more level, are refused whatever the level holds."""
    proof = certificate(delta)
    if not proof.threshold:
        return
    k, n = delta.shape
    word = (*proof.word, data.draw(st.integers(0, k - 1)))
    everything = np.arange(1, 1 << n, dtype=np.uint64)
    extra = [sets(), everything, everything[np.bitwise_count(everything) > 1]]
    for level in extra:
        longer = replace(proof, threshold=len(word), word=word)
        assert not passes(replace(longer, forward=(*proof.forward, level)))
        assert not passes(replace(longer, backward=(*proof.backward, level)))


def antichain(levels: Sequence[Sets], smaller: Callable[[int, int], bool]) -> tuple[Sets, ...]:
    """The levels without the sets that another one of the same or an earlier level covers."""
    met: list[int] = []
    kept = []
    for level in levels:
        met += level.tolist()
        kept.append(sets(*(x for x in level.tolist() if not any(smaller(y, x) for y in met))))
    return tuple(kept)


@given(automata())
def test_covered_sets_are_not_needed(delta: Deltas) -> None:
    proof = certificate(delta)
    forward = antichain(proof.forward, lambda y, x: y != x and y & x == y)
    backward = antichain(proof.backward, lambda y, x: y != x and y & x == x)
    check_certificate(replace(proof, forward=forward, backward=backward))


@given(automata(min_n=2))
def test_one_direction_is_enough(delta: Deltas) -> None:
    proof = certificate(delta)
    if not proof.threshold:
        return
    n = delta.shape[1]
    levels = [{(1 << n) - 1}]  # sets of earlier levels are not left out
    for _ in range(proof.threshold - 1):
        level = {
            sum(1 << q for q in naive.apply(delta, [q for q in range(n) if x >> q & 1], (a,)))
            for x in levels[-1]
            for a in range(len(delta))
        }
        levels.append(level)
    singletons = sets(*(1 << q for q in range(n)))
    forward = tuple(sets(*level) for level in levels)
    check_certificate(replace(proof, forward=forward, backward=(singletons,)))


TRUE = certificate(CERNY.delta(3))
PAIRS = certificate([[1, 0, 2]])


def malformed() -> Iterator[tuple[Certificate, str]]:
    yield replace(TRUE, delta=np.zeros((2, 2, 2), int)), "no automaton: .* shape"
    yield replace(TRUE, delta=np.full((2, 3), 3)), "no automaton: .* leads to 3"
    yield replace(TRUE, delta=np.zeros((2, 3))), "no automaton: .* float64"
    yield replace(TRUE, delta=None), "no automaton"
    yield replace(TRUE, delta=np.zeros((1, 65), int)), "n=65 is over the limit of 64"
    yield replace(TRUE, threshold=True), "a threshold is a number from 0 on, got True"
    yield replace(TRUE, threshold=4.0), "got 4.0"
    yield replace(TRUE, threshold=-1), "got -1"
    yield replace(TRUE, threshold=3), "no word of 3 letters"
    yield replace(TRUE, word=None), "no word of 4 letters"
    yield replace(TRUE, word=list(TRUE.word or ())), "no word of 4 letters"
    yield replace(TRUE, word=(0, 1, 1, 2)), r"2 is not a letter: they are 0\.\.1"
    yield replace(TRUE, word=(0, 1, 1, -2)), "-2 is not a letter"
    yield replace(TRUE, word=(0, 1, 1, 0.0)), "0.0 is not a letter"
    yield replace(TRUE, word=(0, 1, 1, "b")), "'b' is not a letter"
    yield replace(TRUE, word=(0, 1, 1, 1)), "the word does not send all states to one state"
    yield replace(TRUE, threshold=None), "a word, but no threshold"
    yield replace(TRUE, forward=TRUE.forward[1:]), "3 forward and 1 backward levels"
    yield replace(TRUE, forward=(), backward=TRUE.forward + TRUE.backward), "0 forward and 5"
    yield replace(TRUE, forward=None), "the forward levels are a tuple, got NoneType"
    yield replace(TRUE, backward=[*TRUE.backward]), "the backward levels are a tuple, got list"
    for level in ([7], np.array([7]), sets(7)[None], sets(7).astype(">u8"), np.uint64(7), None):
        forward = (level, *TRUE.forward[1:])
        yield replace(TRUE, forward=forward), "forward level 0 is not a one-dimensional uint64"
    yield replace(TRUE, backward=(sets(1, 2, 8),)), r"backward level 0 .* outside 0\.\.2"
    yield replace(TRUE, forward=(sets(), *TRUE.forward[1:])), "forward level 0 does not cover Q"
    yield replace(TRUE, backward=(sets(1, 2),)), "backward level 0 does not cover a state"
    yield replace(TRUE, backward=(sets(1, 6),)), r"a forward set lies within the .* \{1, 2\}"
    forward = (TRUE.forward[0], sets(), *TRUE.forward[2:])
    yield replace(TRUE, forward=forward), r"level 0: nothing covers the image of \{0, 1, 2\} under"
    shifted = replace(TRUE, forward=TRUE.forward[:1], backward=(TRUE.backward[0], *[sets()] * 3))
    yield shifted, r"backward level 0: nothing covers the preimage of \{0\} under letter 0"
    yield replace(TRUE, delta=np.zeros((1, 1), int), word=(), threshold=0), "0 .* outside 0"
    one = Certificate(np.zeros((1, 1), int), 0, (), (sets(1),), ())
    yield one, "the threshold 0 needs no levels"
    yield replace(PAIRS, threshold=1), "no word of 1 letters"
    yield replace(PAIRS, word=()), "a word, but no threshold"
    yield replace(PAIRS, forward=()), "one forward level, no other"
    yield replace(PAIRS, backward=PAIRS.forward), "one forward level, no other"
    yield replace(PAIRS, forward=PAIRS.forward * 2), "one forward level, no other"
    yield replace(PAIRS, forward=(sets(),)), "forward level 0 does not cover Q"
    yield replace(PAIRS, forward=(sets(3, 4),)), r"\{2\} has fewer than two states"
    yield replace(PAIRS, forward=(sets(0),)), r"\{\} has fewer than two states"
    yield replace(PAIRS, forward=(sets(5),)), r"nothing covers the image of \{0, 2\} under letter 0"


@pytest.mark.parametrize(("wrong", "message"), [*malformed()])
def test_malformed(wrong: Certificate, message: str) -> None:
    with pytest.raises(CertificateError, match=message) as error:
        check_certificate(wrong)
    assert "\n" not in str(error.value)


def test_the_certificates_that_malformed_ones_are_made_of_pass() -> None:
    check_certificate(TRUE)
    assert (len(TRUE.forward), len(TRUE.backward)) == (4, 1)
    check_certificate(PAIRS)
    assert PAIRS.forward[0].tolist() == [3, 5, 6]
    check_certificate(replace(PAIRS, forward=(sets(3),)))
    check_certificate(replace(PAIRS, forward=(sets(7),)))


# --- as text ----------------------------------------------------------------------------------


@given(automata())
def test_json(delta: Deltas) -> None:
    proof = certificate(delta)
    text = proof.to_json()
    assert "\n" not in text
    assert text == certificate(delta).to_json()
    again = Certificate.from_json(text)
    assert again.to_json() == text
    assert (again.threshold, again.word) == (proof.threshold, proof.word)
    assert np.array_equal(again.delta, delta)
    check_certificate(again)


CONTENT = json.loads(TRUE.to_json())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '"delta"',
        "[" * 100_000,
        *(json.dumps({key: CONTENT[key] for key in CONTENT if key != left}) for left in CONTENT),
        *(
            json.dumps(CONTENT | change)
            for change in (
                {"delta": [[0, 3]]},
                {"delta": [[0], [0, 1]]},
                {"delta": None},
                {"delta": [[1e3]]},
                {"word": 7},
                {"forward": None},
                {"forward": [7]},
                {"forward": [["7"]]},
                {"forward": ["7 g"]},
                {"forward": ["-1"]},
                {"forward": ["10000000000000000"]},
            )
        ),
    ],
)
def test_not_json_of_a_certificate(text: str) -> None:
    with pytest.raises(CertificateError, match="^not a certificate: ") as error:
        Certificate.from_json(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("other", [None, "x", 7, [[0]]])
def test_not_a_certificate(other: object) -> None:
    with pytest.raises(CertificateError, match="^no certificate, but a "):
        check_certificate(other)


@pytest.mark.parametrize(
    "change", [{"threshold": True}, {"threshold": "4"}, {"word": "abba"}, {"forward": []}]
)
def test_json_of_a_wrong_certificate(change: dict[str, Any]) -> None:
    assert not passes(Certificate.from_json(json.dumps(CONTENT | change)))
