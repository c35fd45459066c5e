"""The search from both ends against the oracle, against itself, and within its limits."""

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from automata import verify
from automata.deltas import Deltas, state_dtype
from automata.kernels import both_ends as both_ends_kernel
from automata.solver import quick, reduction, two_ended
from automata.solver.frontier import Frontier
from automata.solver.limits import Budget, OutOfBudget, ResetBounds
from automata.solver.short_words import greedy_word
from automata.solver.two_ended import Search
from tests import naive
from tests.automata.examples import cerny
from tests.strategies import automata

ROOT = Path(__file__).parents[2]
Word = tuple[int, ...]


def solve(delta: Deltas, word: Word, workers: int = 1) -> ResetBounds:
    search = Search(delta, word, Budget(), workers)
    search.run()
    assert search.bounds.exact
    assert len(search.word) == search.lower
    assert verify(delta, search.word)
    return search.bounds


def within(delta: Deltas, word: Word, budget: Budget, workers: int = 1) -> Search:
    """A search that may end at a limit."""
    search = Search(delta, word, budget, workers)
    try:
        search.run()
    except OutOfBudget:
        assert search.lower < len(search.word)
    assert verify(delta, search.word)
    return search


def greedy(delta: Deltas) -> Word:
    word, left = greedy_word(delta)
    assert left == 1
    return tuple(word.tolist())


def uniform(n: int, k: int, seed: int = 0) -> Deltas:
    """The first synchronizing automaton of a stream of random ones."""
    rng = np.random.default_rng([n, k, seed])
    while True:
        delta = rng.integers(0, n, (k, n)).astype(state_dtype(n))
        if greedy_word(delta)[1] == 1:
            return delta


def with_identities(delta: Deltas, k: int) -> Deltas:
    """The automaton with identities added, k letters in all."""
    rest = np.tile(np.arange(delta.shape[1], dtype=delta.dtype), (k - len(delta), 1))
    return np.vstack([delta, rest])


def cerny_word(n: int) -> Word:
    return (1, *((0,) * (n - 1) + (1,)) * (n - 2))


def steps(n: int, k: int = 1) -> Deltas:
    """All letters lead towards state 0: threshold n - 1."""
    return np.tile(np.maximum(np.arange(n) - 1, 0).astype(state_dtype(n)), (k, 1))


def mixed(seed: int) -> Iterator[tuple[Deltas, Word]]:
    """Small automata of many kinds, each with a shortest reset word."""
    rng = np.random.default_rng(seed)
    while True:
        n, k = int(rng.integers(2, 11)), int(rng.integers(1, 5))
        delta = rng.integers(0, n, (k, n), dtype=np.uint8)
        kind = rng.integers(0, 5)
        if kind == 1:
            delta[0] = np.roll(np.arange(n), -1)
        elif kind == 2:  # nearly identities, and a cycle: long words
            delta[:] = np.arange(n)
            delta[np.arange(k), rng.integers(0, n, k)] = rng.integers(0, n, k)
            delta[0] = np.roll(np.arange(n), -1)
        elif kind == 3:  # a sink
            delta = np.minimum(delta, np.arange(n, dtype=np.uint8))
        elif kind == 4:  # permutations, one of them spoilt
            for letter in delta:
                letter[:] = rng.permutation(n)
            delta[-1, rng.integers(n)] = rng.integers(n)
        word = naive.shortest_reset_word(delta.tolist())
        if word is not None:
            yield delta, word


def padded(word: Word, k: int, rng: np.random.Generator) -> Word:
    """A reset word that is longer, or the same."""
    more = tuple(rng.integers(0, k, rng.choice([0, 1, 2, 6, 60])).tolist())
    return word + more if rng.integers(2) else more + word


def agree(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for (delta, word), _ in zip(mixed(seed), range(count), strict=False):
        bounds = solve(delta, padded(word, len(delta), rng))
        assert bounds.lower == len(word), delta.tolist()
        limit = int(10 ** rng.uniform(0, 7.5))
        search = within(delta, padded(word, len(delta), rng), Budget(memory_limit=limit))
        assert search.lower <= len(word), (delta.tolist(), limit)


def some_contained(inner: list[int], outer: list[int], n: int) -> bool:
    """Whether some set lies within some other one."""
    words = range(0, n, 64)
    table = np.array([[b >> w & 2**64 - 1 for w in words] for b in outer], np.uint64)
    for states in inner:
        outside = np.zeros(len(outer), np.uint64)
        for w, column in zip(words, table.T, strict=True):
            outside |= np.uint64(states >> w & 2**64 - 1) & ~column
        if not outside.all():
            return True
    return False


def both_ends(delta: Deltas) -> int:
    """The reset threshold of a synchronizing automaton, from both ends, with Python's ints."""
    k, n = delta.shape
    images = [[1 << int(delta[a, q]) for q in range(n)] for a in range(k)]
    preimages = [
        [sum(1 << q for q in range(n) if delta[a, q] == p) for p in range(n)] for a in range(k)
    ]
    sides = [([2**n - 1], images), ([1 << q for q in range(n)], preimages)]
    levels, seen = [side[0] for side in sides], [set(side[0]) for side in sides]
    length = 0
    while not some_contained(levels[0], levels[1], n):
        side = int(len(levels[1]) < len(levels[0]))
        following = []
        for states in levels[side]:
            for rows in sides[side][1]:
                image, rest = 0, states
                while rest:
                    image |= rows[(rest & -rest).bit_length() - 1]
                    rest &= rest - 1
                if image not in seen[side]:
                    seen[side].add(image)
                    following.append(image)
        levels[side] = following
        length += 1
    return length


# --- against the oracle -----------------------------------------------------------------------


@given(automata(max_n=10, max_k=4, min_n=2), st.lists(st.integers(0, 3), max_size=20))
def test_oracle(delta: Deltas, more: list[int]) -> None:
    assume(naive.is_synchronizing(delta.tolist()))
    word = naive.shortest_reset_word(delta.tolist())
    assert word is not None
    letters = tuple(letter % len(delta) for letter in more)
    before = delta.copy()
    for longer in (word, word + letters, letters + word):
        bounds = solve(delta, longer)
        assert bounds.lower == len(word)
        assert solve(delta, longer, workers=2) == bounds
    assert np.array_equal(delta, before)


def test_random() -> None:
    agree(250, seed=0)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(1, 9))
def test_many_random(seed: int) -> None:
    agree(5000, seed)


def test_every_small_one() -> None:
    for n, k in [(2, 1), (2, 2), (3, 1), (3, 2)]:
        for automaton in naive.all_automata(n, k):
            word = naive.shortest_reset_word(automaton)
            if word is not None:
                assert solve(np.array(automaton, np.uint8), (0, *word)).lower == len(word)


SMALL = {
    "two states, 64 letters": (np.vstack([[[0, 1]] * 63, [[1, 1]]]).astype(np.uint8), 1),
    "two states, one letter": (np.array([[1, 1]], np.uint8), 1),
    "all letters constant": (np.arange(5, dtype=np.uint8)[:, None] + np.zeros(5, np.uint8), 1),
    "one letter": (steps(40), 39),
    "one letter, two words": (steps(65), 64),
    "equal letters": (steps(64, 5), 63),
    "64 equal letters": (steps(130, 64), 129),
    "identities": (with_identities(cerny(9), 7), 64),
    "62 identities": (with_identities(cerny(10), 64), 81),
    "62 identities, many states": (with_identities(steps(100), 64), 99),
    "forward is exhausted": (np.array([[1, 0, 2, 2], [0, 0, 1, 2]], np.uint8), 3),
    "a star": (np.zeros((1, 200), np.uint8), 1),
    "two letters back and forth": (np.vstack([steps(20), np.roll(np.arange(20), 1)]), 19),
}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("more", [0, 1, 7, 3000])
def test_structure(name: str, more: int) -> None:
    delta, threshold = SMALL[name]
    delta = delta.astype(state_dtype(delta.shape[1]))
    bounds = solve(delta, greedy(delta) + (0,) * more)
    assert bounds.lower == threshold
    if delta.shape[1] <= 10:
        assert naive.reset_threshold(delta.tolist()) == threshold


@pytest.mark.parametrize("n", [13, 65, 100, 128, 129, 200])
def test_cerny(n: int) -> None:
    # Černý 1964; n = 200 has 39,601, which is past 16 bits
    tight = cerny_word(n)
    for word in (tight, tight[1:] + tight, greedy(cerny(n))):
        assert solve(cerny(n), word).lower == (n - 1) ** 2


@pytest.mark.parametrize(("n", "k", "seed"), [(65, 2, 0), (65, 3, 1), (70, 2, 2), (130, 2, 3)])
def test_random_of_several_words(n: int, k: int, seed: int) -> None:
    delta = uniform(n, k, seed)
    assert solve(delta, greedy(delta)).lower == both_ends(delta)


@pytest.mark.parametrize(("n", "k"), [(65, 2), (80, 3), (100, 2), (120, 2), (129, 2)])
def test_nothing_changes_the_threshold(n: int, k: int) -> None:
    delta = uniform(n, k)
    word = greedy(delta)
    loose = solve(delta, word + word)
    assert solve(delta, word + word, workers=2) == loose
    assert solve(delta, loose.word).lower == loose.lower
    assert solve(delta, (0, *loose.word)).lower == loose.lower
    names = np.random.default_rng(0).permutation(n)
    renamed = np.empty_like(delta)
    renamed[:, names] = names[delta]
    assert solve(renamed[::-1].copy(), greedy(renamed[::-1].copy())).lower == loose.lower
    for limit in (8_000_000, 20_000_000):
        search = within(delta, word, Budget(memory_limit=limit))
        assert search.lower <= loose.lower


# --- every way through the code ---------------------------------------------------------------


def small_parts(search: Search, part: int) -> Search:
    """Threads have work only where a level has several parts."""
    search.forward.part = search.backward.part = part
    return search


def test_threads_on_many_parts() -> None:
    for (delta, word), _ in zip(mixed(11), range(30), strict=False):
        for part in (1, 2, 5):
            found = set()
            for workers in (1, 2, 8):
                search = small_parts(Search(delta, (0,) * 5 + word, Budget(), workers), part)
                search.run()
                assert search.lower == len(word)
                assert verify(delta, search.word)
                found.add(search.bounds)
            assert len(found) == 1


@pytest.mark.parametrize("patience", [0.0, 0.3, 1e9])
def test_tries_of_few_sets_each(monkeypatch: pytest.MonkeyPatch, patience: float) -> None:
    monkeypatch.setattr(two_ended, "_PATIENCE", patience)
    monkeypatch.setattr(Search, "_sets_a_trie", lambda search: min(3, search.forward.size))
    for (delta, word), _ in zip(mixed(12), range(100), strict=False):
        assert solve(delta, (0,) * 9 + word).lower == len(word)
    delta = uniform(40, 2)
    assert solve(delta, greedy(delta)).lower == both_ends(delta)


@pytest.mark.parametrize("beam_from", [0, 60, 300])
def test_a_better_bound_at_any_time(monkeypatch: pytest.MonkeyPatch, beam_from: int) -> None:
    monkeypatch.setattr(two_ended, "_BEAM_FROM", beam_from)
    for patience in (0.0, 0.3):
        monkeypatch.setattr(two_ended, "_PATIENCE", patience)
        for (delta, word), _ in zip(mixed(13), range(60), strict=False):
            assert solve(delta, (0,) * 30 + word).lower == len(word)
        delta = uniform(50, 2)
        assert solve(delta, greedy(delta)).lower == both_ends(delta)


def capped(expand, forward: int, backward: int):  # type: ignore[no-untyped-def]
    """`Frontier.expand` that is out of memory after this many levels of each side."""

    def limited(side, *rest):  # type: ignore[no-untyped-def]
        if side.depth >= (backward if side.backward else forward):
            raise OutOfBudget("memory")
        expand(side, *rest)

    return limited


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("workers", [1, 2])
def test_levels_that_are_not_stored(monkeypatch: pytest.MonkeyPatch, k: int, workers: int) -> None:
    monkeypatch.setattr(Frontier, "can_march", lambda side: False)
    deltas = [uniform(n, k, seed) if k > 1 else steps(n) for n in (5, 9) for seed in range(3)]
    deltas += [cerny(6)] if k == 2 else []
    expand = Frontier.expand
    for delta in deltas:
        threshold = naive.reset_threshold(delta.tolist())
        assert threshold is not None
        word = greedy(delta)
        for forward in range(4):
            for backward in range(4):
                monkeypatch.setattr(Frontier, "expand", capped(expand, forward, backward))
                search = small_parts(Search(delta, word + (0, 0), Budget(), workers), 2)
                reached = True
                try:
                    search.run()
                except OutOfBudget as spent:
                    assert spent.limit == "memory"
                    reached = False
                assert verify(delta, search.word)
                depth = search.forward.depth + search.backward.depth
                unstored = {1: 4, 2: 4, 3: 2, 5: 1}[k]
                # an answer where the levels suffice, and what they prove where they do not
                assert reached == (threshold <= depth + unstored)
                if reached:
                    assert search.bounds.exact
                    assert search.lower == threshold
                else:
                    assert search.lower == depth + unstored + 1 <= threshold


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("march", [True, False])
def test_it_goes_on_where_the_first_search_ended(
    monkeypatch: pytest.MonkeyPatch, workers: int, march: bool
) -> None:
    """The first search has found everything, all but the last level, or hardly anything."""
    if not march:
        monkeypatch.setattr(Frontier, "can_march", lambda side: False)
    lengths = set()
    for (delta, word), _ in zip(mixed(14), range(120), strict=False):
        k, n = delta.shape
        for limit in (n + 1, 3 * n, 9 * n, 100 * n):
            monkeypatch.setattr(
                quick, "both_ends_space", partial(both_ends_kernel.working_space, limit=limit)
            )
            few = quick.search_few_sets(delta, words=True)
            if few.made is None:
                assert few.word == word
                continue
            depths = [len(made.ends) - 1 for made in few.made]
            assert sum(depths) <= few.lower <= min(len(word), sum(depths) + 1)
            for bound in (word, padded(word, k, np.random.default_rng(limit))):
                few = quick.search_few_sets(delta, words=True)  # its sets are used up
                search = Search(delta, bound, Budget(), workers, few.lower, few.made)
                assert [side.depth for side in (search.forward, search.backward)] == depths
                small_parts(search, 7).run()
                assert search.lower == len(search.word) == len(word)
                assert verify(delta, search.word)
            lengths.add((few.lower, len(word)))
    assert any(lower == length for lower, length in lengths)
    assert any(1 < lower < length - 5 for lower, length in lengths)


# --- limits -----------------------------------------------------------------------------------


class _Clock(Budget):
    """A budget that expires, or raises `error`, at its check number `looks` and at no other."""

    def __init__(self, looks: int, error: type[BaseException] | None = None) -> None:
        super().__init__()
        self.looks = looks
        self.error = error

    @property
    def expired(self) -> bool:
        self.looks -= 1
        if self.looks == 0 and self.error is not None:
            raise self.error
        return self.looks == 0


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_at_any_time(error: type[BaseException] | None, workers: int) -> None:
    delta = uniform(30, 2)
    threshold = both_ends(delta)
    stops = 0
    for looks in range(1, 2000):
        search = Search(delta, greedy(delta), _Clock(looks, error), workers)
        small_parts(search, 40)
        try:
            search.run()
        except (OutOfBudget, KeyboardInterrupt):
            stops += 1
            assert search.lower <= threshold <= len(search.word)
            assert verify(delta, search.word)
            search.run()  # the search can go on
        else:
            break
        assert search.bounds.exact
        assert search.lower == threshold
        assert verify(delta, search.word)
    else:
        pytest.fail("it never ended")
    assert stops > 20


def test_stops_while_levels_are_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_PLANTING", "_TEST", "_MANY"):
        monkeypatch.setattr(reduction, name, 0.0)
    monkeypatch.setattr(two_ended, "_cost_of_next", lambda side, use: float(side.backward))
    delta = uniform(20, 3)
    threshold = naive.reset_threshold(delta.tolist())
    for looks in range(1, 60):
        search = Search(delta, greedy(delta) + (0,), _Clock(looks))
        try:
            search.run()
        except OutOfBudget:
            search.run()
        assert search.lower == len(search.word) == threshold


@pytest.mark.parametrize(("n", "k", "workers"), [(60, 2, 1), (100, 2, 1), (65, 3, 2), (12, 64, 1)])
def test_memory_limits(n: int, k: int, workers: int) -> None:
    delta = with_identities(cerny(n), k) if k > 3 else uniform(n, k)
    word = greedy(delta)
    threshold = solve(delta, word).lower
    within(delta, word, Budget(memory_limit=50_000_000), workers)  # it compiles what it needs
    first = Search(delta, word, Budget())
    least = first.forward.bytes + first.backward.bytes + 200_000  # tables, and Python's objects
    exact = False
    for limit in (1, *np.geomspace(1000, 400_000_000, 30).astype(int).tolist()):
        tracemalloc.start()
        search = within(delta, word, Budget(memory_limit=limit), workers)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert search.lower <= threshold <= len(search.word)
        assert search.forward.bytes + search.backward.bytes <= max(limit, least)
        assert peak <= 1.2 * max(limit, least)
        exact = search.bounds.exact
    assert exact


_MEASURE = """
import sys

import numpy as np

from automata.solver import reduction, two_ended
from automata.solver.limits import Budget, OutOfBudget
from automata.solver.short_words import greedy_word
from automata.solver.two_ended import Search
from tests.peaks import peak_bytes

limit, workers, n = (int(argument) for argument in sys.argv[1:])
rng = np.random.default_rng(6)
small, large = (rng.integers(0, m, (3, m)).astype(np.uint16) for m in (80, n))
usual = vars(reduction).copy(), two_ended._BEAM_FROM
always = {"_REDUCIBLE": 1, "_PLANTING": 0.0, "_TEST": 0.0, "_MANY": 0.0}, 0  # so all is compiled
for delta, memory, settings in ((small, 30_000_000, always), (large, limit, usual)):
    vars(reduction).update(settings[0])
    two_ended._BEAM_FROM = settings[1]
    word, left = greedy_word(delta)
    assert left == 1
    before = peak_bytes()
    search = Search(delta, tuple(word.tolist()), Budget(memory, 120), workers)
    try:
        search.run()
    except OutOfBudget as spent:
        limit_reached = spent.limit
print(peak_bytes() - before)
print(search.forward.bytes + search.backward.bytes, limit_reached)
"""


@pytest.mark.parametrize(
    ("limit", "workers", "n"),
    [
        (60_000_000, 1, 300),
        pytest.param(100_000_000, 2, 400, marks=pytest.mark.exhaustive),
        pytest.param(200_000_000, 1, 500, marks=pytest.mark.exhaustive),
        pytest.param(400_000_000, 2, 500, marks=pytest.mark.exhaustive),
    ],
)
def test_measured_memory(limit: int, workers: int, n: int) -> None:
    arguments = [sys.executable, "-c", _MEASURE, str(limit), str(workers), str(n)]
    answer = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True)
    output = answer.stdout.split()
    grown, in_use = int(output[0]), int(output[1])
    assert output[2] == "memory"
    assert limit / 3 < in_use <= limit
    assert grown <= 1.2 * limit


@pytest.mark.parametrize("workers", [1, 2])
def test_time_limit(workers: int) -> None:
    delta = uniform(400, 3)
    word = greedy(delta)
    within(delta, word, Budget(time_limit=0.01), workers)
    search = within(delta, word, Budget(time_limit=0.7), workers)
    assert 1 < search.lower < len(search.word)


@pytest.mark.exhaustive
@pytest.mark.parametrize("n", [257, 280, 300, 400])
def test_a_side_that_never_grows_is_asked_about(n: int) -> None:
    # the forward level costs more to ask about than the backward levels made since the last time
    search = Search(cerny(n), tuple(greedy_word(cerny(n))[0].tolist()), Budget(), 1)
    search.run()
    assert search.bounds.exact
    assert search.lower == (n - 1) ** 2
