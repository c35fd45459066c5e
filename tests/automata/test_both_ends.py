"""The search from both ends: thresholds, least words, limits."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings

from automata.deltas import Deltas
from automata.families import FAMILIES, wielandt, wielandt_threshold
from automata.identification import known
from automata.kernels import both_ends
from tests import naive
from tests.strategies import automata, rename

LIMIT = 1 << 18
CERNY = FAMILIES[0]


def thresholds(deltas: npt.ArrayLike, limit: int = LIMIT) -> list[int]:
    batch = np.array(deltas, np.uint8)
    found = np.full(len(batch), 99, np.int32)
    space = both_ends.working_space(batch.shape[2], batch.shape[1], limit)
    both_ends.reset_thresholds(batch, np.arange(len(batch)), found, *space)
    return found.tolist()


def least_word(delta: npt.ArrayLike, limit: int = LIMIT) -> tuple[int, ...] | int:
    own = np.array(delta, np.uint8)
    words, lengths = np.empty((1, 6000), np.uint8), np.empty(1, np.int32)
    space = both_ends.working_space(own.shape[1], own.shape[0], limit)
    both_ends.shortest_reset_words(own[None], words, lengths, *space)
    length = int(lengths[0])
    return tuple(words[0, :length].tolist()) if length >= 0 else length


def check(deltas: npt.ArrayLike, words: int = 20) -> None:
    """Compare all thresholds, and the words of the first `words` automata, with the oracle."""
    batch = np.array(deltas, np.uint8)
    known_thresholds = [naive.reset_threshold(delta) for delta in batch.tolist()]
    assert thresholds(batch) == [-1 if known is None else known for known in known_thresholds]
    for delta in batch[:words].tolist():
        word = naive.shortest_reset_word(delta)
        assert least_word(delta) == (-1 if word is None else word)


def mutations(delta: Deltas) -> list[Deltas]:
    """Every automaton that differs in one transition."""
    k, n = delta.shape
    found = []
    for a, q, target in np.ndindex(k, n, n):
        if target != delta[a, q]:
            mutant = delta.copy()
            mutant[a, q] = target
            found.append(mutant)
    return found


@pytest.mark.parametrize(("n", "k"), [(n, k) for n in range(1, 13) for k in range(1, 5)])
def test_random_automata(n: int, k: int) -> None:
    rng = np.random.default_rng([n, k])
    check(rng.integers(0, n, (60, k, n), dtype=np.uint8))


@pytest.mark.parametrize(("n", "k"), [(1, 2), (2, 2), (3, 2), (2, 3)])
def test_all_small_automata(n: int, k: int) -> None:
    check([*naive.all_automata(n, k)], words=1000)


@settings(max_examples=300, deadline=None)
@given(automata(max_n=9, max_k=4))
def test_structured_automata(delta: Deltas) -> None:
    check([delta])


@pytest.mark.parametrize(("n", "k"), [(3, 2), (4, 2), (5, 2), (6, 2), (7, 2), (5, 3), (9, 2)])
def test_mutations_of_the_known_automata(n: int, k: int) -> None:
    deltas = [delta for _, delta in known(n, k)]
    deltas += [mutant for delta in deltas for mutant in mutations(delta)]
    rng = np.random.default_rng([n, k])
    check(rng.permutation(np.array(deltas))[:120])


@pytest.mark.parametrize("k", [1, 2, 3])
def test_permutations_and_sinks(k: int) -> None:
    rng = np.random.default_rng(k)
    permutations = [[rng.permutation(8) for _ in range(k)] for _ in range(20)]
    sinks = rng.integers(0, 8, (40, k, 8))
    sinks[:, :, 3] = 3
    sinks[20:, :, 5] = 5  # a second sink: not synchronizing
    assert thresholds(permutations) == [-1] * 20
    check([*permutations, *sinks], words=60)


@pytest.mark.parametrize(
    ("n", "k"), [(4, 16), (4, 17), (9, 7), (9, 8), (11, 64), (5, 64), (33, 64), (70, 64)]
)
def test_many_letters(n: int, k: int) -> None:
    # only the last two letters matter: their images lie in the last words of 64 bits
    cerny = CERNY.delta(n)
    delta = np.tile(np.arange(n, dtype=np.uint8), (k, 1))
    delta[-2:] = cerny[: min(2, k)]
    delta[k // 2] = cerny[0]
    assert thresholds([delta, delta[::-1]]) == [(n - 1) ** 2] * 2
    if n < 12:
        check([delta, delta[::-1]])


@pytest.mark.parametrize("n", [65, 66, 100, 127, 128])
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_two_words_find_what_one_finds(n: int, k: int) -> None:
    """States that are led where others are change nothing but the size."""
    rng = np.random.default_rng([n, k])
    small = [rng.integers(0, m, (k, m)) for m in rng.integers(2, 11, 60)]
    small += [delta for _, delta in known(8, k)]
    names = rng.permutation(n)
    large = np.empty((len(small), k, n), np.uint8)
    for delta, own in zip(small, large, strict=True):
        m = delta.shape[1]
        twins = np.concatenate([np.arange(m), rng.integers(0, m, n - m)])
        own[:, names] = names[delta[:, twins]]
    truths = [naive.shortest_reset_word(delta.tolist()) for delta in small]
    assert thresholds(large) == [-1 if word is None else len(word) for word in truths]
    for delta, word in zip(large, truths, strict=True):
        assert least_word(delta) == (-1 if word is None else word)


@pytest.mark.parametrize("n", [18, 24, 30, 31, 32, 33, 40, 60, 63, 64, 65, 90, 128])
def test_long_thresholds(n: int) -> None:
    members = [
        (family.delta(n), family.reset_threshold(n))
        for family in FAMILIES
        if family.k == 2 and family.exists(n)
    ]
    members += [(wielandt(n, p), wielandt_threshold(n, p)) for p in [n - 1, 1]]
    deltas = [delta for delta, _ in members]
    assert thresholds(deltas) == [threshold for _, threshold in members]
    rng = np.random.default_rng(n)
    renamed = [rename(delta, rng.permutation(n).tolist(), [1, 0]) for delta in deltas]
    assert thresholds(renamed) == [threshold for _, threshold in members]


@pytest.mark.parametrize("n", [18, 40, 64, 65, 78])
def test_word_of_cerny_automata(n: int) -> None:
    merge, cycle = 0, 1
    word = ((merge,) + (cycle,) * (n - 1)) * (n - 2) + (merge,)
    assert least_word(CERNY.delta(n)) == word
    assert naive.apply(CERNY.delta(n).tolist(), range(n), word) == {0}


def test_words_past_the_oracle_reset() -> None:
    for n, k in [(20, 2), (33, 2), (44, 2), (64, 2), (32, 3), (65, 2), (100, 2), (70, 3)]:
        for delta in np.random.default_rng([n, k]).integers(0, n, (5, k, n)).tolist():
            word, threshold = least_word(delta), thresholds([delta])[0]
            if threshold < 0:
                assert word == threshold
            else:
                assert isinstance(word, tuple)
                assert len(word) == threshold
                assert len(naive.apply(delta, range(n), word)) == 1


@pytest.mark.parametrize("last", [63, 64, 127])
def test_the_last_state_of_a_word(last: int) -> None:
    # it is the last to reach 0: the highest bit decides
    chain = [0, *range(last)]
    assert thresholds([[chain], [chain[::-1]]]) == [last, -1]
    assert least_word([chain]) == (0,) * last


def test_wide_levels_of_two_words_are_left_to_others() -> None:
    delta = np.random.default_rng(0).integers(0, 128, (3, 128), dtype=np.uint8)
    space = both_ends.working_space(128, 3, 1 << 16)
    outcome, (forward, backward) = both_ends.search(delta, *space)
    assert outcome == both_ends.UNFINISHED
    levels = space[-1].astype(int)
    for side, depth in [(0, forward), (1, backward)]:
        assert 512 < np.diff(levels[side, : depth + 2]).max() <= both_ends._WIDEST


def test_a_word_that_does_not_fit_is_not_written() -> None:
    words, lengths = np.full((1, 15), 7, np.uint8), np.empty(1, np.int32)
    space = both_ends.working_space(5, 2, 1000)
    both_ends.shortest_reset_words(CERNY.delta(5)[None], words, lengths, *space)
    assert lengths[0] == both_ends.UNFINISHED
    assert (words == 7).all()


def test_only_the_rows_asked_for_are_written() -> None:
    deltas = np.stack([CERNY.delta(6), FAMILIES[1].delta(6), FAMILIES[2].delta(6)])
    found = np.full(3, 7, np.int32)
    rows = np.array([2, 0])
    both_ends.reset_thresholds(deltas, rows, found, *both_ends.working_space(6, 2, 1000))
    assert found.tolist() == [25, 7, 21]


def test_limits_end_a_search_and_the_next_goes_on() -> None:
    slow, quick = CERNY.delta(40), np.zeros((2, 40), np.uint8)
    assert thresholds([slow, quick, slow], limit=300) == [both_ends.UNFINISHED, 1, -3]
    assert thresholds([slow, quick, slow], limit=5000) == [39**2, 1, 39**2]
    assert least_word(slow, limit=300) == both_ends.UNFINISHED
    assert least_word(quick, limit=100) == (0,)


def test_every_limit_excludes_shorter_words_only() -> None:
    deltas = [CERNY.delta(9), *np.random.default_rng(9).integers(0, 9, (40, 2, 9))]
    for delta in np.array(deltas, np.uint8):
        truth = naive.reset_threshold(delta.tolist())
        proved = []
        for limit in range(200):
            space = both_ends.working_space(9, 2, limit)
            outcome, depths = both_ends.search(delta, *space)
            if outcome == both_ends.MET:
                assert sum(depths) == truth
            elif outcome == both_ends.NOT_SYNCHRONIZING:
                assert truth is None
            else:
                assert truth is None or sum(depths) < truth
                proved.append(sum(depths))
        assert outcome != both_ends.UNFINISHED
        assert proved == sorted(proved)  # more sets prove more
    assert proved[-1] > 3


def test_every_limit_is_safe() -> None:
    delta = CERNY.delta(9)
    found = {
        limit: (thresholds([delta], limit)[0], least_word(delta, limit)) for limit in range(90)
    }
    for threshold, word in found.values():
        assert threshold in (both_ends.UNFINISHED, 64)
        assert word == both_ends.UNFINISHED or (isinstance(word, tuple) and len(word) == 64)
    assert found[89] == (64, naive.shortest_reset_word(delta.tolist()))
