"""The solver against the oracle, the literature and itself."""

import time
import tracemalloc
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automata import (
    NOT_SYNCHRONIZING,
    UNKNOWN,
    Automaton,
    LimitReached,
    ResetBounds,
    SizeLimitError,
    are_synchronizing,
    cerny_bound,
    is_synchronizing,
    reprove_thresholds,
    reset_bounds,
    reset_threshold,
    reset_thresholds,
    short_reset_word,
    shortest_reset_word,
    verify,
)
from automata.deltas import Deltas, state_dtype
from automata.errors import AutomatonError
from automata.identification import known
from automata.kernels import both_ends, forward, forward_filtered
from automata.mutation import mutate
from automata.proof.verification import verify_words
from automata.sampling import sample_uniform
from automata.solver import exact as solver
from automata.solver import many_sets
from automata.solver import quick as first_searches
from automata.solver.dense import RUNNING, DenseSearch
from automata.solver.exact import Thresholds, Words, shortest_reset_words
from automata.solver.frontier import Frontier
from automata.solver.limits import Budget
from automata.solver.short_words import greedy_word
from automata.solver.two_ended import Search
from tests import naive
from tests.automata.examples import cerny
from tests.strategies import automata, rename, renamings

FULL = pytest.mark.exhaustive


def oracle(deltas: Deltas) -> list[int]:
    found = map(naive.reset_threshold, deltas.tolist())
    return [-1 if threshold is None else threshold for threshold in found]


def as_tuples(words: Words) -> list[tuple[int, ...] | None]:
    """The words as the scalar functions return them; the padding is checked."""
    batch, longest = words.letters.shape
    assert (words.letters.dtype, words.lengths.dtype) == (np.int8, np.int32)
    assert words.lengths.shape == (batch,)
    assert longest == words.lengths.max(initial=0)
    assert (words.lengths >= NOT_SYNCHRONIZING).all()
    inside = np.arange(longest) < words.lengths[:, None]
    assert np.array_equal(words.letters >= 0, inside)
    assert (words.letters[~inside] == -1).all()
    rows = zip(words.letters.tolist(), words.lengths.tolist(), strict=True)
    return [None if length < 0 else tuple(letters[:length]) for letters, length in rows]


@pytest.mark.parametrize(("n", "k", "words"), [(1, 3, 1), (2, 3, 1), (3, 2, 1), (4, 2, 61)])
def test_every_automaton(n: int, k: int, words: int) -> None:
    deltas = np.array([*naive.all_automata(n, k)], np.uint8)
    assert len(deltas) == n ** (n * k)
    thresholds = reset_thresholds(deltas)
    assert thresholds.tolist() == oracle(deltas)
    assert np.array_equal(reprove_thresholds(deltas), thresholds)
    assert np.array_equal(are_synchronizing(deltas), thresholds >= 0)
    found = as_tuples(shortest_reset_words(deltas))
    assert [-1 if word is None else len(word) for word in found] == thresholds.tolist()
    for delta, word in zip(deltas[::words], found[::words], strict=True):
        least = naive.shortest_reset_word(delta.tolist())
        assert word == shortest_reset_word(delta) == least


@settings(deadline=None)
@given(automata())
def test_any_automaton(delta: Deltas) -> None:
    threshold, word = reset_threshold(delta), shortest_reset_word(delta)
    assert threshold == naive.reset_threshold(delta.tolist())
    assert word == naive.shortest_reset_word(delta.tolist())  # the lexicographically least
    assert as_tuples(shortest_reset_words([delta] * 2)) == [word] * 2
    assert is_synchronizing(delta) == naive.is_synchronizing(delta.tolist())
    assert (threshold is not None) == (word is not None) == is_synchronizing(delta)
    assert reprove_thresholds(delta[None]).tolist() == reset_thresholds(delta[None]).tolist()
    if word is not None:
        assert len(word) == threshold
        assert verify(delta, word)
        assert not any(verify(delta, word[:i] + word[i + 1 :]) for i in range(len(word)))


@settings(deadline=None)
@given(automata(max_n=9), st.data())
def test_what_leaves_a_threshold_as_it_is(delta: Deltas, data: st.DataObject) -> None:
    k, n = delta.shape
    threshold = reset_threshold(delta)
    renamed = rename(delta, *data.draw(renamings(n, k)))
    assert reset_threshold(renamed) == threshold
    place, letter = data.draw(st.integers(0, k)), data.draw(st.integers(0, k - 1))
    repeated = np.insert(delta, place, delta[letter], axis=0)
    assert reset_threshold(repeated) == threshold
    assert reset_threshold(np.insert(delta, 0, np.arange(n), axis=0)) == threshold  # the identity


@settings(deadline=None)
@given(automata(max_n=9), st.data())
def test_an_added_letter_never_lengthens(delta: Deltas, data: st.DataObject) -> None:
    k, n = delta.shape
    letter = data.draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))
    before = reset_threshold(delta)
    place = data.draw(st.integers(0, k))
    after = reset_threshold(np.insert(delta, place, letter, axis=0))
    assert before is None or (after is not None and after <= before)


@pytest.mark.parametrize("n", [*range(2, 17), 17, 18])
def test_cerny(n: int) -> None:
    delta = cerny(n)
    threshold = reset_threshold(delta)  # over 255 from n = 17 on
    assert threshold == (n - 1) ** 2 == cerny_bound(n)
    assert reprove_thresholds(delta[None]).tolist() == [threshold]
    word = shortest_reset_word(delta)
    assert word == (1, *((0,) * (n - 1) + (1,)) * (n - 2))  # Černý's word, the only shortest
    assert verify(delta, word)
    assert as_tuples(shortest_reset_words(delta[None])) == [word]


@pytest.mark.parametrize(("n", "k"), [(9, 16), (13, 3), (16, 2), (20, 2), (24, 2), (24, 16)])
def test_larger_ones_agree_with_the_backward_search(n: int, k: int) -> None:
    deltas = np.random.default_rng(n).integers(0, n, (3, k, n), dtype=np.uint8)
    thresholds = reset_thresholds(deltas)
    assert np.array_equal(are_synchronizing(deltas), thresholds >= 0)
    if n <= 20:
        assert np.array_equal(reprove_thresholds(deltas), thresholds)
    words = as_tuples(shortest_reset_words(deltas))
    for delta, threshold, found in zip(deltas, thresholds, words, strict=True):
        word = shortest_reset_word(delta)
        assert found == word
        assert threshold == (-1 if word is None else len(word))
        assert word is None or verify(delta, word)


def test_the_limits_are_named() -> None:
    delta = np.zeros((2, 1025), int)
    for call in (reset_threshold, shortest_reset_word, reset_bounds):
        with pytest.raises(SizeLimitError, match="^n=1025 is over the limit of 1024 states$"):
            call(delta)
    for call in (reset_thresholds, shortest_reset_words):
        with pytest.raises(SizeLimitError, match="^n=1025 is over the limit of 1024 states$"):
            call(delta[None])
        with pytest.raises(ValueError, match="^workers=0 is not at least 1$"):
            call(cerny(4)[None], workers=0)
    with pytest.raises(SizeLimitError, match="^n=25 is over the limit of 24 states$"):
        reprove_thresholds(delta[None, :, :25])
    assert is_synchronizing(delta)


def test_pairs_decide_synchronization_for_every_n() -> None:
    cycle = np.roll(np.arange(256), -1)
    assert is_synchronizing(
        [cycle.tolist(), [0, *range(255)]]
    )  # 0 and 1 merge, and the cycle does the rest
    assert not is_synchronizing([cycle, cycle[::-1]])
    assert are_synchronizing(np.zeros((0, 2, 256), int)).tolist() == []


@pytest.mark.parametrize("code", ["i1", "u1", ">i2", "u2", "i4", ">u4", "i8", "u8"])
def test_any_integer_dtype(code: str) -> None:
    assert reset_threshold(cerny(5).astype(code)) == 16
    assert len(shortest_reset_word(cerny(5).astype(code)) or ()) == 16
    assert reset_thresholds(cerny(5).astype(code)[None]).tolist() == [16]


@pytest.mark.parametrize(
    "form", [Automaton, np.asfortranarray, np.ndarray.tolist, lambda d: tuple(map(tuple, d))]
)
def test_any_form(form: Any) -> None:
    one = form(cerny(4))
    threshold, word = reset_threshold(one), shortest_reset_word(one)
    assert (threshold, word) == (9, (1, 0, 0, 0, 1, 0, 0, 0, 1))
    assert type(threshold) is int
    assert word is not None
    assert {*map(type, word)} == {int}
    assert is_synchronizing(one) is True
    assert verify(one, word) is True
    assert reset_thresholds([one, one]).tolist() == [9, 9]


def test_batches() -> None:
    deltas = np.random.default_rng(0).integers(0, 6, (1001, 2, 6), dtype=np.uint8)
    thresholds = reset_thresholds(deltas)
    assert thresholds.dtype == np.int32
    assert thresholds.tolist() == oracle(deltas)
    for workers in (2, 3, 2000):
        assert np.array_equal(reset_thresholds(deltas, workers=workers), thresholds)
    assert reset_thresholds(deltas[:0]).shape == (0,)
    assert reset_thresholds(deltas[:0], workers=2).shape == (0,)
    words = shortest_reset_words(deltas)
    assert as_tuples(words) == [naive.shortest_reset_word(delta) for delta in deltas.tolist()]
    for workers in (2, 3, 2000):
        again = shortest_reset_words(deltas, workers=workers)
        assert np.array_equal(again.letters, words.letters)
        assert np.array_equal(again.lengths, words.lengths)
    assert as_tuples(shortest_reset_words(deltas[:0])) == []
    assert reprove_thresholds(deltas[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("word", "resets"),
    [
        ((1, 0, 0, 0, 1, 0, 0, 0, 1), True),
        ((1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1), True),
        (np.array([1, 0, 0, 0, 1, 0, 0, 0, 1], np.uint8), True),
        ((1, 0, 0, 0, 1, 0, 0, 1), False),
        ((), False),
        ((1, 0, 0, 0, 1, 0, 0, 0, 1, 2), False),  # not a letter
        ((1, 0, 0, 0, 1, 0, 0, 0, -1), False),  # nor from the end
    ],
)
def test_verify(word: Any, resets: bool) -> None:
    assert verify(cerny(4), word) is resets
    assert verify([[0]], ()) is True


@settings(deadline=None)
@given(automata(), st.data())
def test_verify_words(delta: Deltas, data: st.DataObject) -> None:
    k = len(delta)
    letters = st.lists(st.integers(-1, k), max_size=6)
    shortest = naive.shortest_reset_word(delta.tolist()) or ()
    words = [(), shortest, shortest[1:], shortest[:-1], (*shortest, 0)]
    words += data.draw(st.lists(letters.map(tuple), max_size=5))
    lengths = np.array([*map(len, words), NOT_SYNCHRONIZING], np.int32)
    table = np.full((len(lengths), lengths.max() + 1), data.draw(st.sampled_from([-1, 0])), np.int8)
    for row, word in enumerate(words):
        table[row, : len(word)] = word
    resets = verify_words([delta] * len(lengths), Words(table, lengths))
    assert resets.dtype == bool
    assert resets.tolist() == [verify(delta, word) for word in words] + [False]
    assert resets[1] == naive.is_synchronizing(delta.tolist())


@pytest.mark.parametrize(("batch", "n", "k"), [(0, 3, 2), (5, 1, 1), (9000, 5, 2), (20, 300, 3)])
def test_verify_words_of_batches(batch: int, n: int, k: int) -> None:
    deltas = np.random.default_rng(n).integers(0, n, (batch, k, n))
    letters = np.random.default_rng(0).integers(0, k, (batch, 30), np.int8)
    lengths = np.random.default_rng(1).integers(-1, 31, batch)
    resets = verify_words(deltas, Words(letters, lengths))
    sample = slice(0, None, 1 + batch // 500)
    assert resets[sample].tolist() == [
        length >= 0 and verify(delta, word[:length].tolist())
        for delta, word, length in zip(
            deltas[sample], letters[sample], lengths[sample].tolist(), strict=True
        )
    ]
    if n <= 5:
        words = shortest_reset_words(deltas)
        assert np.array_equal(verify_words(deltas, words), words.lengths >= 0)


@pytest.mark.parametrize(
    ("letters", "lengths", "message"),
    [
        (np.zeros((1, 9), np.int8), [9], r"2 automata .* shape \(1, 9\) and 1 lengths"),
        (np.zeros((2, 9), np.int8), [9], r"2 automata .* shape \(2, 9\) and 1 lengths"),
        (np.zeros(2, np.int8), [0, 0], r"2 automata .* shape \(2,\) and 2 lengths"),
        (np.zeros((2, 9), np.int8), [9, 10], "a word of 10 letters, over the limit of 9"),
    ],
)
def test_words_that_do_not_fit(
    letters: npt.NDArray[np.int8], lengths: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        verify_words([cerny(4)] * 2, Words(letters, np.array(lengths, np.int32)))
    with pytest.raises(AutomatonError):
        verify_words([[[2, 0]]], shortest_reset_words([[[1, 0]]]))


# --- every search against the oracle ----------------------------------------------------------


def forward_thresholds(deltas: Deltas, queue_limit: int) -> Thresholds:
    found = np.full(len(deltas), -9, np.int32)
    k, n = deltas.shape[1:]
    search = forward if n <= forward.MAX_STATES else forward_filtered
    search.reset_thresholds(deltas, found, queue_limit, search.working_space(n, k, queue_limit))
    return found


def both_ends_thresholds(deltas: Deltas, limit: int = 1 << 14) -> Thresholds:
    found = np.full(len(deltas), -9, np.int32)
    k, n = deltas.shape[1:]
    space = both_ends.working_space(n, k, limit)
    both_ends.reset_thresholds(deltas, np.arange(len(deltas)), found, *space)
    return found


def dense_search(delta: Deltas, workers: int = 1) -> DenseSearch:
    search = DenseSearch(delta, workers=workers, keep_levels=True)
    while search.status == RUNNING:
        search.advance()
    return search


def two_ended_threshold(delta: Deltas) -> int:
    """The threshold by `Search`, which wants a reset word to begin with."""
    letters, left = greedy_word(delta)
    if left > 1:
        return NOT_SYNCHRONIZING
    search = Search(delta, tuple(letters.tolist()), Budget())
    search.run()
    assert verify(delta, search.word)
    assert search.bounds.exact
    return len(search.word)


def with_twins(deltas: Deltas, n: int, rng: np.random.Generator) -> Deltas:
    """Automata of n states with the same reset words, but for the empty one.

    Every new state is the twin of an old one: every letter leads both to the same state. So no
    letter leads to a new state, and Q and the old states are led to the same ones.
    """
    old = deltas.shape[2]
    twins = np.concatenate([np.arange(old), rng.integers(0, old, n - old)])
    names = rng.permutation(n)
    more = np.empty((*deltas.shape[:2], n), state_dtype(n))
    more[:, :, names] = names[deltas[:, :, twins]]
    return more


def none_wrong(found: Thresholds, truth: list[int]) -> bool:
    """Whether all agree with the oracle, but for those that a limit on sets left unfinished."""
    return all(f in (t, forward.UNFINISHED) for f, t in zip(found, truth, strict=True))


def check_batch_searches(deltas: Deltas, rng: np.random.Generator) -> list[int]:
    """Compare all that solves batches with the oracle; return what the oracle says."""
    k, n = deltas.shape[1:]
    truth = oracle(deltas)
    assert reset_thresholds(deltas).tolist() == truth
    assert reset_thresholds(deltas, workers=2).tolist() == truth
    assert reset_thresholds(deltas[:50]).tolist() == truth[:50]  # too few to probe
    assert are_synchronizing(deltas).tolist() == [t >= 0 for t in truth]
    assert forward_thresholds(deltas, 1 << n).tolist() == truth
    assert both_ends_thresholds(deltas).tolist() == truth
    assert none_wrong(forward_thresholds(deltas, 9), truth)
    assert none_wrong(both_ends_thresholds(deltas, n + 1), truth)
    if n > 1:  # a single state is reset by the empty word
        more = with_twins(deltas, int(rng.integers(17, 33)), rng)
        assert none_wrong(forward_thresholds(more, 1 << 14), truth)
        assert both_ends_thresholds(more).tolist() == truth
        assert reset_thresholds(more).tolist() == truth
    return truth


def check_one(delta: Deltas, truth: int, rng: np.random.Generator) -> None:
    """Compare all that solves one automaton with the oracle, words included."""
    n = delta.shape[1]
    word = naive.shortest_reset_word(delta.tolist())
    assert truth == (-1 if word is None else len(word))
    assert reset_threshold(delta) == (None if word is None else truth)
    assert shortest_reset_word(delta) == word
    bounds = reset_bounds(delta)
    assert bounds == (None if word is None else ResetBounds(truth, truth, word))
    search = dense_search(delta)
    assert search.status == truth
    assert word is None or search.least_word() == word
    if n > 1:
        assert two_ended_threshold(delta) == truth
        more = with_twins(delta[None], int(rng.integers(n, 25)), rng)[0]
        assert shortest_reset_word(more) == word
        assert two_ended_threshold(with_twins(delta[None], 65, rng)[0]) == truth


def check(deltas: Deltas, rng: np.random.Generator, one_in: int) -> None:
    """Compare all searches with the oracle, those of one automaton on 1 row in ``one_in``."""
    truth = check_batch_searches(deltas, rng)
    assert reprove_thresholds(deltas).tolist() == truth
    for row in range(0, len(deltas), one_in):
        check_one(deltas[row], truth[row], rng)


@pytest.mark.parametrize(
    ("n", "k", "one_in"),
    [(1, 2, 1), (2, 2, 1), (3, 2, 9), pytest.param(4, 2, 1, marks=FULL)],
)
def test_all_small_automata_by_every_search(n: int, k: int, one_in: int) -> None:
    rng = np.random.default_rng(n)
    check(np.array([*naive.all_automata(n, k)], np.uint8), rng, one_in)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("n", range(2, 13))
@pytest.mark.parametrize(("count", "one_in"), [(70, 35), pytest.param(23_000, 20, marks=FULL)])
def test_random_automata_by_every_search(n: int, k: int, count: int, one_in: int) -> None:
    """More than 10^6 in the full run, 1 in 20 of them by the searches of one automaton."""
    rng = np.random.default_rng([n, k, count])
    check(rng.integers(0, n, (count, k, n), dtype=np.uint8), rng, one_in)


def family_members(n: int, k: int) -> list[Deltas]:
    return [delta for _, delta in known(n, k)]


def structured(kind: str, count: int, n: int, k: int, rng: np.random.Generator) -> Deltas:
    """Automata of a kind that uniform sampling seldom or never meets."""
    deltas = rng.integers(0, n, (count, k, n), dtype=np.uint8)
    if kind == "families" and family_members(n, k):
        members = np.array(family_members(n, k), np.uint8)
        deltas = members[rng.integers(0, len(members), count)]
        deltas = np.array(
            [rename(d, rng.permutation(n).tolist(), rng.permutation(k).tolist()) for d in deltas]
        )
    elif kind == "mutations" and family_members(n, k):
        members = np.array(family_members(n, k), np.uint8)
        parents = members[rng.integers(0, len(members), count)]
        deltas = np.asarray(mutate(rng, parents, int(rng.integers(1, 4))), np.uint8)
    elif kind == "permutations":
        deltas = rng.permuted(np.broadcast_to(np.arange(n, dtype=np.uint8), deltas.shape), axis=2)
    elif kind == "one merging letter":
        deltas = rng.permuted(np.broadcast_to(np.arange(n, dtype=np.uint8), deltas.shape), axis=2)
        deltas[:, 0, 0] = deltas[:, 0, -1]
    elif kind == "sink":
        deltas[:, :, 0] = 0
        deltas[: count // 4, :, -1] = n - 1  # two of them
    elif kind == "components":
        cut = int(rng.integers(1, n))
        deltas[:, :, :cut] %= cut
        deltas[:, :, cut:] = cut + deltas[:, :, cut:] % (n - cut)
        deltas[count // 2 :, 0, 0] = n - 1  # and no longer two
    elif kind == "identity":
        deltas[:, rng.integers(0, k)] = np.arange(n)
    elif kind == "equal letters":
        deltas[:, -1] = deltas[:, 0]
    elif kind == "slow letters":
        deltas[:] = np.minimum(np.arange(n), deltas)  # only towards 0
        deltas[:, 0] = np.roll(np.arange(n), -1)
    return np.ascontiguousarray(deltas, np.uint8)


KINDS = [
    "families",
    "mutations",
    "permutations",
    "one merging letter",
    "sink",
    "components",
    "identity",
    "equal letters",
    "slow letters",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("count", "one_in", "largest"), [(66, 22, 8), pytest.param(400, 20, 12, marks=FULL)]
)
def test_structured_automata_by_every_search(
    kind: str, count: int, one_in: int, largest: int
) -> None:
    """More than 10^5 in the full run, 1 in 20 of them by the searches of one automaton."""
    rng = np.random.default_rng([KINDS.index(kind), count])
    for n in range(2, largest + 1):
        for k in (1, 2, 3, 4) if largest > 8 else (1 + n % 3,):
            check(structured(kind, count, n, k, rng), rng, one_in)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("n", [17, 18, 19, 20])
def test_past_the_oracle_all_searches_agree(n: int, k: int) -> None:
    rng = np.random.default_rng([n, k])
    deltas = rng.integers(0, n, (70, k, n), dtype=np.uint8)
    truth = forward_thresholds(deltas, 1 << 16).tolist()
    assert forward.UNFINISHED not in truth
    assert both_ends_thresholds(deltas).tolist() == truth
    assert reset_thresholds(deltas).tolist() == truth
    assert reprove_thresholds(deltas[:3]).tolist() == truth[:3]
    for delta, threshold in zip(deltas[:6], truth, strict=False):
        search = dense_search(delta)
        assert search.status == two_ended_threshold(delta) == threshold
        word = None if threshold < 0 else search.least_word()
        assert shortest_reset_word(delta) == word


# --- the choice of a search -------------------------------------------------------------------


NO_KERNELS = {"BATCH_MAX_STATES": 0, "_BOTH_ENDS_MAX_STATES": 0}
BY_SEARCH = {"_EXHAUSTIVE_MAX_STATES": 0, "LEAST_WORD_MAX_STATES": 0}
MIDWAY = {"_SHARE": 8, "ALL_SETS_FIRST_MAX_STATES": 0, "LEAST_WORD_MAX_STATES": 0}
CHOICES: list[dict[str, int]] = [
    {"_PROBE": 1},
    {"_PROBE": 1 << 30},
    {"_FORWARD_BITS": 0},
    {"_FORWARD_BITS": 16},
    {"_PROBE": 1, "_FORWARD_BITS": 3},
    {"_BOTH_ENDS_BITS": 3},
    {"_BOTH_ENDS_BITS": 3, "_FORWARD_BITS": 0},
    {"_BOTH_ENDS_BITS": 20, "_PROBE": 1 << 30},
    {"BATCH_MAX_STATES": 0},
    NO_KERNELS,  # all of them by `DenseSearch`
    NO_KERNELS | BY_SEARCH,
    {"_BOTH_ENDS_BITS": 3, "_FORWARD_BITS": 0} | BY_SEARCH,  # it goes on from the kernel's levels
    {"_BOTH_ENDS_BITS": 3, "_FORWARD_BITS": 0} | MIDWAY,  # and hands over to `DenseSearch`
]


def awkward_batch(n: int, k: int) -> Deltas:
    rng = np.random.default_rng([n, k])
    parts: list[Deltas] = [rng.integers(0, n, (30, k, n), dtype=np.uint8)]
    parts += [structured(kind, 6, n, k, rng) for kind in KINDS]
    return np.concatenate(parts)


@cache
def awkward_answers(n: int, k: int) -> tuple[list[int], list[tuple[int, ...] | None]]:
    """The thresholds of an awkward batch, and the words of every fourth, by the oracle."""
    deltas = awkward_batch(n, k)
    return oracle(deltas), [*map(naive.shortest_reset_word, deltas[::4].tolist())]


@pytest.mark.parametrize("choice", CHOICES, ids=str)
@pytest.mark.parametrize(("n", "k"), [(2, 2), (7, 1), (8, 3), (9, 2)])
def test_results_do_not_depend_on_the_search(
    monkeypatch: pytest.MonkeyPatch, choice: dict[str, int], n: int, k: int
) -> None:
    deltas = awkward_batch(n, k)
    truth, words_of_some = awkward_answers(n, k)
    more = with_twins(deltas, 24, np.random.default_rng(n))
    for name, value in choice.items():
        for module in (solver, first_searches, many_sets):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    for workers in (1, 2):
        assert reset_thresholds(deltas, workers=workers).tolist() == truth
    assert reset_thresholds(more).tolist() == truth
    for workers in (1, 2):
        words = as_tuples(shortest_reset_words(deltas, workers=workers))
        assert words == [shortest_reset_word(delta) for delta in deltas]
    for delta, threshold, expected in zip(deltas[::4], truth[::4], words_of_some, strict=True):
        assert (reset_threshold(delta) if threshold >= 0 else -1) == threshold
        word = shortest_reset_word(delta, workers=2)
        assert threshold == (-1 if word is None else len(word))
        if "LEAST_WORD_MAX_STATES" in choice:
            assert word is None or verify(delta, word)
        else:
            assert word == expected


def test_words_longer_than_conjectured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is assumed about Černý's bound: a counterexample would get its word too."""
    deltas = awkward_batch(6, 2)
    words = as_tuples(shortest_reset_words(deltas))
    monkeypatch.setattr(solver, "cerny_bound", lambda n: n // 2)
    assert as_tuples(shortest_reset_words(deltas)) == words
    assert max(len(word or ()) for word in words) > 3


@pytest.mark.parametrize("n", [8, 12])
@pytest.mark.parametrize("first", [0, 1, 63, 64, 65, 128])
def test_first_rows_that_mislead(n: int, first: int) -> None:
    slow = np.broadcast_to(cerny(n), (first, 2, n))
    quick = np.random.default_rng(first).integers(0, n, (100, 2, n), dtype=np.uint8)
    truth = [(n - 1) ** 2] * first
    assert reset_thresholds(np.concatenate([slow, quick])).tolist() == truth + oracle(quick)
    assert reset_thresholds(np.concatenate([quick, slow])).tolist() == oracle(quick) + truth


def test_what_kind_of_array_makes_no_difference() -> None:
    deltas = awkward_batch(6, 2)
    truth, before = oracle(deltas), deltas.copy()
    frozen = deltas.copy()
    frozen.flags.writeable = False
    forms: list[Any] = [
        frozen,
        deltas.astype(np.int64),
        deltas.tolist(),
        np.asfortranarray(deltas),
        np.repeat(deltas, 2, axis=0)[::2],
        [Automaton(delta) for delta in deltas],
    ]
    for form in forms:
        for workers in (1, 2):
            assert reset_thresholds(form, workers=workers).tolist() == truth
        word = naive.shortest_reset_word(deltas[3].tolist())
        assert shortest_reset_word(form[3]) == word
        assert reset_threshold(form[3]) == (None if word is None else len(word))
    assert np.array_equal(deltas, before)


@pytest.mark.parametrize("at", [0, 63, 64, 300, 511])
def test_one_slow_automaton_in_a_batch(at: int) -> None:
    rng = np.random.default_rng(at)
    small = rng.integers(0, 10, (512, 2, 10), dtype=np.uint8)
    truth = oracle(small)
    deltas = with_twins(small, 24, rng)
    deltas[at], truth[at] = cerny(24), 529
    for workers in (1, 2):
        assert reset_thresholds(deltas, workers=workers).tolist() == truth
    uniform = rng.integers(0, 24, (128, 2, 24), dtype=np.uint8)
    expected = both_ends_thresholds(uniform, 1 << 15)
    uniform[at % 128], expected[at % 128] = cerny(24), 529
    assert np.array_equal(reset_thresholds(uniform), expected)


# --- sizes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 3, 64])
def test_one_and_two_states(k: int) -> None:
    one = np.zeros((k, 1), np.uint8)
    assert reset_threshold(one) == 0
    assert shortest_reset_word(one) == ()
    assert reset_bounds(one) == ResetBounds(0, 0, ())
    assert reset_thresholds(np.zeros((70, k, 1), int)).tolist() == [0] * 70
    two = np.tile([0, 1], (k, 1))
    assert reset_threshold(two) is None
    assert shortest_reset_word(two) is None
    assert reset_bounds(two) is None
    two[-1] = 1
    assert shortest_reset_word(two) == (k - 1,)
    assert reset_thresholds([two] * 70).tolist() == [1] * 70


@pytest.mark.parametrize("k", [1, 2, 64])
@pytest.mark.parametrize("n", [16, 17, 24, 25, 32, 33, 63, 64, 65, 128, 129, 256, 257])
def test_where_another_search_or_type_begins(n: int, k: int) -> None:
    """Few random states with twins, so that the oracle knows; and words past its reach."""
    rng = np.random.default_rng([n, k])
    small = rng.integers(0, 6, (5, k, 6), dtype=np.uint8)
    truth = oracle(small)
    deltas = with_twins(small, n, rng)
    assert reset_thresholds(deltas).tolist() == truth
    for delta, threshold in zip(deltas[:2], truth, strict=False):
        word = shortest_reset_word(delta)
        assert threshold == (-1 if word is None else len(word))
        assert word is None or verify(delta, word)
        assert as_tuples(shortest_reset_words(delta[None])) == [word]
    steps = np.tile(np.maximum(np.arange(n) - 1, 0), (k, 1))  # towards 0
    assert shortest_reset_word(steps) == (0,) * (n - 1)
    assert reset_threshold(np.roll(np.tile(np.arange(n), (k, 1)), 1, axis=1)) is None


@pytest.mark.parametrize("n", [30, 63, 64, 65, 128, 129, 183, 200])
def test_long_thresholds(n: int) -> None:
    """Past one byte, past 2^14, and past two bytes with a sign: 33,124 and 39,601."""
    delta = cerny(n)
    assert reset_threshold(delta) == (n - 1) ** 2
    if n <= 65:
        assert shortest_reset_word(delta) == (1, *((0,) * (n - 1) + (1,)) * (n - 2))
        assert reset_thresholds([delta] * 2).tolist() == [(n - 1) ** 2] * 2


# --- limits -----------------------------------------------------------------------------------


def explosive(n: int) -> Deltas:
    """An automaton whose searches explode in both directions."""
    cycle = np.roll(np.arange(n), -1)
    other = cycle.copy()
    other[[0, 1, 2, -1]] = [3, 0, 3, 1]
    return np.array([cycle, other], np.uint8)


@pytest.mark.parametrize("limits", [{"memory_limit": 100_000}, {"time_limit": 1e-6}], ids=str)
@pytest.mark.parametrize(("n", "threshold"), [(21, 87), (24, 106)])
def test_what_is_proved_when_a_limit_ends_a_search(
    n: int, threshold: int, limits: dict[str, Any]
) -> None:
    delta = explosive(n)
    for solve in (reset_threshold, shortest_reset_word):
        with pytest.raises(LimitReached, match=f"out of {next(iter(limits))[:4]}") as reached:
            solve(delta, **limits)
        bounds = reached.value.bounds
        assert 1 <= bounds.lower <= threshold <= bounds.upper
        assert not bounds.exact
        assert len(bounds.word) == bounds.upper
        assert verify(delta, bounds.word)
    proved = reset_bounds(delta, **limits)
    assert proved is not None
    assert proved.lower <= threshold <= proved.upper == len(proved.word)
    assert verify(delta, proved.word)


@pytest.mark.parametrize(("n", "threshold"), [(20, 82), (21, 87), (24, 106)])
def test_without_limits_hard_automata_are_solved(n: int, threshold: int) -> None:
    delta = explosive(n)
    word = shortest_reset_word(delta, workers=2)
    assert word is not None
    assert len(word) == threshold == reset_threshold(delta)
    assert verify(delta, word)


def test_unknown_is_not_the_same_as_not_synchronizing() -> None:
    n = 24
    cycle = np.roll(np.arange(n), -1)
    permutations = np.array([cycle, cycle[::-1]])
    deltas = np.array([cerny(n), explosive(n), permutations, explosive(n)[::-1], cerny(n)])
    for workers in (1, 2):
        found = reset_thresholds(deltas, memory_limit=100_000, workers=workers)
        assert found.tolist() == [529, UNKNOWN, NOT_SYNCHRONIZING, UNKNOWN, 529]
    assert (UNKNOWN, NOT_SYNCHRONIZING) == (-2, -1)
    many = np.random.default_rng(0).integers(0, 21, (200, 2, 21), dtype=np.uint8)
    many[150] = explosive(21)
    found = reset_thresholds(many, memory_limit=100_000)
    assert found[150] == UNKNOWN
    exact = reset_thresholds(many)
    assert exact[150] == 87
    assert np.array_equal(np.delete(found, 150), np.delete(exact, 150))


@pytest.mark.parametrize("limits", [{"memory_limit": 4_000_000}, {"time_limit": 0.2}], ids=str)
@pytest.mark.parametrize(("n", "workers"), [(40, 1), (40, 2), (300, 1)])
def test_limits_of_large_automata(n: int, workers: int, limits: dict[str, Any]) -> None:
    delta = explosive(40) if n == 40 else np.random.default_rng(n).integers(0, n, (2, n))
    assert is_synchronizing(delta)
    reset_bounds(delta, time_limit=1e-6)  # compiles what is to be measured
    start = time.process_time()  # one's own: a busy machine must not fail a test
    bounds = reset_bounds(delta, workers=workers, **limits)
    taken = time.process_time() - start
    assert bounds is not None
    assert 1 <= bounds.lower < bounds.upper == len(bounds.word)
    assert verify(delta, bounds.word)
    assert "time_limit" not in limits or taken < workers * (limits["time_limit"] + 1)
    with pytest.raises(LimitReached):
        shortest_reset_word(delta, workers=workers, **limits)
    assert reset_thresholds([delta] * 2, workers=workers, **limits).tolist() == [UNKNOWN] * 2


@pytest.mark.parametrize("k", [1, 2, 8])
def test_time_limits_of_the_largest_automata(k: int) -> None:
    """The greedy word, which searches begin with, counts too; Černý's has four million letters."""
    delta = cerny(1024) if k == 1 else np.random.default_rng(k).integers(0, 1024, (k, 1024))
    reset_bounds(delta, time_limit=1e-6)  # compiles what is to be measured
    start = time.process_time()
    bounds = reset_bounds(delta, time_limit=0.1)
    assert time.process_time() - start < 0.1 + 1
    assert bounds is not None
    assert 1 <= bounds.lower < bounds.upper == len(bounds.word)
    assert k == 1 or verify(delta, bounds.word)  # in plain Python


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("n", [24, 28, 40, 65])
def test_memory_limits_of_every_search(n: int, workers: int) -> None:
    """From 6 MB on: the first search from both ends has that much for itself."""
    delta, limit = explosive(n), 8_000_000
    reset_bounds(delta, workers=workers, time_limit=0.05)  # compiles what is to be measured
    tracemalloc.start()
    bounds = reset_bounds(delta, workers=workers, memory_limit=limit)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert bounds is not None
    assert bounds.lower < bounds.upper == len(bounds.word)
    assert peak <= 1.2 * limit


def test_bounds_do_not_contradict_each_other() -> None:
    """Whatever a search may use, the interval contains the threshold, 93."""
    delta = explosive(22)
    lowest = 1
    for memory_limit in (1, 1_000_000, 3_000_000, 6_000_000, 12_000_000, 100_000_000):
        bounds = reset_bounds(delta, memory_limit=memory_limit)
        assert bounds is not None
        assert lowest <= bounds.lower <= 93 <= bounds.upper
        lowest = bounds.lower
    assert lowest == 93


@pytest.mark.parametrize("limits", [{"memory_limit": 1}, {"time_limit": 1e-9}], ids=str)
@pytest.mark.parametrize("n", [23, 24, 28, 40])
def test_bounds_carry_what_the_first_search_excludes(n: int, limits: dict[str, Any]) -> None:
    delta = explosive(n)
    outcome, depths = both_ends.search(delta, *first_searches.both_ends_space(n, 2))
    assert outcome == both_ends.UNFINISHED
    bounds = reset_bounds(delta, **limits)
    assert bounds is not None
    assert bounds.lower == sum(depths) + 1 > n
    with pytest.raises(LimitReached) as reached:
        reset_threshold(delta, **limits)
    assert reached.value.bounds == bounds


def test_memory_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search through all sets gives back to the one from both ends, which goes on."""

    def no_memory(*_: object) -> None:
        raise MemoryError

    delta = explosive(16)
    least = shortest_reset_word(delta)
    assert least is not None
    monkeypatch.setattr(first_searches, "_FORWARD_BITS", 1)
    monkeypatch.setattr(first_searches, "_BOTH_ENDS_BITS", 3)
    monkeypatch.setattr(DenseSearch, "advance", no_memory)
    assert reset_threshold(delta) == len(least)
    bounds = reset_bounds(delta)
    assert bounds is not None and bounds.exact and bounds.upper == len(least)
    assert verify(delta, bounds.word)
    with pytest.raises(LimitReached, match="out of memory"):
        shortest_reset_word(delta)  # the least one is not known
    assert reset_thresholds([delta]).tolist() == [len(least)]
    monkeypatch.setattr(Frontier, "expand", no_memory)
    monkeypatch.setattr(Frontier, "march", no_memory)
    with pytest.raises(LimitReached, match="out of memory") as reached:
        reset_threshold(delta)
    assert reached.value.bounds.lower < len(least) <= reached.value.bounds.upper
    assert reset_thresholds([delta]).tolist() == [UNKNOWN]


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        (0, "0 is not positive"),
        (-1, "-1 is not positive"),
        (float("nan"), "nan is not a finite number"),
        (float("inf"), "inf is not a finite number"),
        (10**400, "a number of more than 60 digits is not a finite number"),
        ("1", "'1' is not a finite number"),
    ],
)
@pytest.mark.parametrize("name", ["memory_limit", "time_limit"])
def test_limits_are_positive(name: str, limit: Any, reason: str) -> None:
    limits: dict[str, Any] = {name: limit}
    for solve in (reset_threshold, shortest_reset_word, reset_bounds):
        with pytest.raises(ValueError, match=f"^{name}={reason}$"):
            solve(cerny(4), **limits)
    for batch in (cerny(4)[None], np.zeros((0, 2, 4), int)):
        with pytest.raises(ValueError, match=f"^{name}={reason}$"):
            reset_thresholds(batch, **limits)


@pytest.mark.parametrize("limit", [1e300, 10**18, np.int64(10**9), np.float32(1e9)])
def test_limits_that_are_large(limit: Any) -> None:
    for limits in ({"memory_limit": limit}, {"time_limit": limit}):
        assert reset_threshold(cerny(30), **limits) == 29**2
        assert reset_threshold(cerny(70), **limits) == 69**2
        assert reset_thresholds(cerny(30)[None], **limits).tolist() == [29**2]


@pytest.mark.parametrize("workers", [10**9, np.int64(2000)])
def test_any_number_of_workers(workers: Any) -> None:
    deltas = sample_uniform(np.random.default_rng(0), 3000, 6, 2)
    assert np.array_equal(reset_thresholds(deltas, workers=workers), reset_thresholds(deltas))
    assert reset_threshold(cerny(70), workers=workers) == 69**2
    assert dense_search(cerny(12), workers=workers).status == 121


# --- wrong answers of other solvers -----------------------------------------------------------


def test_distances_are_no_bytes() -> None:
    """Černý's automaton with 18 states once came out as 33: 289 less 256."""
    delta = cerny(18)
    assert reset_threshold(delta) == 289
    assert reset_thresholds([delta] * 70).tolist() == [289] * 70  # begins forward
    assert none_wrong(forward_thresholds(delta[None], 1 << 20), [289])
    assert both_ends_thresholds(delta[None]).tolist() == [289]
    assert reprove_thresholds(delta[None]).tolist() == [289]
    assert dense_search(delta).status == two_ended_threshold(delta) == 289
    assert forward_thresholds(cerny(16)[None].repeat(2, 0), 1 << 16).tolist() == [225, 225]
    deltas = np.insert(cerny(16), 1, np.arange(16, dtype=np.uint8), axis=0)[None]
    assert forward_thresholds(deltas, 1 << 16).tolist() == [225]


@pytest.mark.parametrize("seed", range(3))
def test_permutations_do_not_synchronize(seed: int) -> None:
    """A permutation automaton with 16 states once came out as 226, one more than (n-1)^2."""
    rng = np.random.default_rng(seed)
    delta = np.array([np.roll(np.arange(16), -1), rng.permutation(16)])
    assert reset_threshold(delta) is None
    assert shortest_reset_word(delta) is None
    assert reset_bounds(delta) is None
    assert not is_synchronizing(delta)
    assert reset_thresholds([delta] * 70).tolist() == [NOT_SYNCHRONIZING] * 70
    many = np.array(delta, np.uint8)[None].repeat(2, 0)
    assert forward_thresholds(many, 1 << 16).tolist() == [-1, -1]
    assert both_ends_thresholds(many).tolist() == [-1, -1]
    assert dense_search(many[0]).status == two_ended_threshold(many[0]) == -1
    large = np.array([np.roll(np.arange(100), -1), rng.permutation(100)])
    assert reset_threshold(large) is None


@pytest.mark.parametrize("n", range(4, 9))
def test_a_word_comes_with_its_length(n: int) -> None:
    """Others return no shortest word, only its length."""
    for k in (2, 3):
        for delta in family_members(n, k):
            word = shortest_reset_word(delta)
            assert word == naive.shortest_reset_word(delta.tolist())
            assert word is not None
            assert len(naive.apply(delta.tolist(), range(n), word)) == 1
            assert len(word) == naive.reset_threshold(delta.tolist())


@pytest.mark.parametrize("n", [4, 12, 130])
def test_the_conjectured_bound_is_no_upper_bound(n: int) -> None:
    """Others stop at (n-1)^2 letters, as if Černý's conjecture were proved."""
    delta = cerny(n)
    greedy = short_reset_word(delta)
    assert greedy is not None
    assert len(greedy) > (n - 1) ** 2
    assert two_ended_threshold(delta) == (n - 1) ** 2
    search = Search(delta, greedy * 3, Budget())
    assert search.bounds == ResetBounds(1, 3 * len(greedy), greedy * 3)
    search.run()
    assert search.bounds.exact
    assert len(search.word) == (n - 1) ** 2
    if n == 130:  # a search that has hardly begun promises no more than the word it has
        bounds = reset_bounds(delta, time_limit=1e-9)
        assert bounds is not None
        assert bounds.upper == len(greedy)
