"""Lists of sets and containment between families of them, against sets that are Python's ints."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from automata.deltas import Deltas
from automata.kernels import containment, state_sets
from automata.solver.frontier import Frontier
from automata.solver.limits import Budget
from automata.solver.trie import Trie
from tests.automata.examples import cerny, uniform

Words = npt.NDArray[np.uint64]
SIZES = [1, 2, 63, 64, 65, 128, 129, 200]
WORD = 2**64 - 1


def rows(sets: Iterable[int], n: int) -> Words:
    """Sets as the kernels have them."""
    words = -(-n // 64)
    table = [[states >> 64 * w & WORD for w in range(words)] for states in sets]
    return np.array(table, np.uint64).reshape(-1, words)


def ints(table: Words) -> list[int]:
    return [sum(word << 64 * w for w, word in enumerate(row)) for row in table.tolist()]


def random_sets(rng: np.random.Generator, count: int, n: int, density: float) -> list[int]:
    members = rng.random((count, n)) < density
    return [int("".join("01"[bit] for bit in row), 2) for row in members.tolist()]


def all_densities(rng: np.random.Generator, count: int, n: int) -> list[int]:
    densities = (0.02, 0.1, 0.5, 0.9, 0.98)
    return [0, 2**n - 1, *(s for p in densities for s in random_sets(rng, count, n, p))]


def image(letter: Sequence[int], states: int, backward: bool) -> int:
    result = 0
    for q, target in enumerate(letter):
        if backward and states >> target & 1:
            result |= 1 << q
        elif not backward and states >> q & 1:
            result |= 1 << target
    return result


def breadth_first(delta: Deltas, backward: bool, depth: int) -> list[list[int]]:
    """Levels of sets, as a frontier has them; without the empty set."""
    n = delta.shape[1]
    letters = delta.tolist()
    levels = [[1 << q for q in range(n)] if backward else [2**n - 1]]
    seen = {0, *levels[0]}
    while len(levels) <= depth and levels[-1]:
        following = []
        for states in levels[-1]:
            for letter in letters:
                new = image(letter, states, backward)
                if new not in seen:
                    seen.add(new)
                    following.append(new)
        levels.append(following)
    return levels


# --- lists of sets ----------------------------------------------------------------------------


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("k", [1, 2, 3, 5, 64])
def test_images(n: int, k: int) -> None:
    delta = uniform(1, n, k)[0]
    sets = all_densities(np.random.default_rng(n), 3, n)
    for backward in (False, True):
        frontier = Frontier(delta, backward, Budget())
        words = frontier.words
        found, hashes = frontier.images(rows(sets, n))
        assert found.shape[1] % 4 == 0
        assert not found[:, k * words :].any()
        expected = [image(letter, s, backward) for s in sets for letter in delta.tolist()]
        assert ints(found[:, : k * words].reshape(-1, words)) == expected
        by_set: dict[int, set[int]] = {}
        for states, mixed in zip(expected, hashes.ravel().tolist(), strict=True):
            by_set.setdefault(states, set()).add(mixed)
        assert all(len(mixed) == 1 for mixed in by_set.values())


@pytest.mark.parametrize("n", SIZES)
def test_cardinalities_and_members(n: int) -> None:
    sets = all_densities(np.random.default_rng(n), 4, n)
    table = rows(sets, n)
    numbers, some = np.arange(len(sets))[::-2], sets[::-2]
    for flipped in (0, (1 << n) - 1):
        gathered = np.empty((table.shape[1], len(numbers)), np.uint64)
        sizes = np.zeros(len(numbers), np.int32)
        containment.gather(table, numbers, rows([flipped], n)[0], gathered, sizes)
        assert ints(np.ascontiguousarray(gathered.T)) == [s ^ flipped for s in some]
        assert sizes.tolist() == [(s ^ flipped).bit_count() for s in some]
    members = np.empty(n, np.uint64)
    for states, row in zip(sets, table, strict=True):
        found = state_sets.list_members(row, np.uint64(3), members)
        assert members[: int(found)].tolist() == [3 * q for q in range(n) if states >> q & 1]
    counts = np.empty(n, np.int64)
    state_sets.count_states(table, 1, len(sets), 3, counts)
    assert counts.tolist() == [sum(s >> q & 1 for s in sets[1::3]) for q in range(n)]


@pytest.mark.parametrize(("n", "k"), [(5, 3), (9, 64), (64, 2), (65, 2), (130, 3)])
@pytest.mark.parametrize("backward", [False, True])
def test_levels_hold_what_is_new(n: int, k: int, backward: bool) -> None:
    delta = uniform(1, n, k)[0]
    frontier = Frontier(delta, backward, Budget())
    expected = breadth_first(delta, backward, 7 if k < 64 else 2)
    if len(expected[-1]) > 3000:
        expected.pop()
    for level in expected[1:]:
        frontier.expand(0, None)
        assert ints(frontier.sets[frontier.levels[-1]]) == level
    assert 3 * frontier.count <= 2 * len(frontier.places)
    for depth, numbers in enumerate(frontier.levels):
        for number in numbers[:: 1 + len(numbers) // 20].tolist():
            letters = frontier.path(number, depth)
            assert len(letters) == depth
            states = 2**n - 1
            if backward:  # the letters lead from the set to a singleton
                states = ints(frontier.sets[number : number + 1])[0]
                for letter in letters:
                    states = image(delta[letter].tolist(), states, False)
                assert states.bit_count() == 1
            else:  # they are read from the set back to the beginning
                for letter in reversed(letters):
                    states = image(delta[letter].tolist(), states, False)
                assert [states] == ints(frontier.sets[number : number + 1])


@pytest.mark.parametrize("n", [3, 64, 65, 200])
def test_appending_knows_what_was_entered_or_just_appended(n: int) -> None:
    k, words = 3, -(-n // 64)
    rng = np.random.default_rng(n)
    frontier = Frontier(uniform(1, n, k)[0], False, Budget())
    parts = [rows([0, *random_sets(rng, 20, n, p), 0], n) for p in (0.1, 0.5, 0.5, 0.9)]
    known: list[int] = []
    sets = np.zeros((400, words), np.uint64)
    letters = np.zeros(400, np.uint8)
    places = np.zeros(512, np.uint32)
    for round_ in range(3):  # whatever comes a second time is known
        for part in parts:
            images, hashes = frontier.images(part)
            state_sets.touch(hashes, places)
            before = len(known)
            count = state_sets.append_new(images, hashes, sets, letters, before, places, before)
            made: list[int] = []
            queue = ints(images[:, : k * words].reshape(-1, words))
            for i, states in enumerate(queue):
                if states and states not in known:
                    known.append(states)
                    made.append(i % k)
            assert ints(sets[:count]) == known
            assert letters[: count - before].tolist() == made
            assert not made or round_ == 0
        places = np.zeros(2048 if round_ == 0 else 512, np.uint32)
        state_sets.enter(sets, 0, len(known) // 2, places)
        state_sets.enter(sets, len(known) // 2, len(known), places)
        assert np.count_nonzero(places) == len(known)


@pytest.mark.parametrize("size", [4, 64, 1024])
def test_a_crowded_hash_table_wraps_around(size: int) -> None:
    count = size - 1
    sets = rows(range(1, count + 1), 70)
    places, larger = np.zeros(size, np.uint32), np.zeros(2 * size, np.uint32)
    for table in (places, larger):
        state_sets.enter(sets, 0, count, table)
        numbers = [*range(1, count + 1)]
        assert sorted((table[table > 0] & np.uint32(len(table) - 1)).tolist()) == numbers
    # one letter, the identity: the images are the sets
    frontier = Frontier(np.arange(70, dtype=np.uint8)[None], False, Budget())
    images, hashes = frontier.images(sets)
    room, letters = np.vstack([sets, sets]), np.zeros(count, np.uint8)
    for table in (places, larger):
        assert count == state_sets.append_new(images, hashes, room, letters, count, table, count)


def test_empty_images_are_not_appended() -> None:
    sets = rows([0, 5, 0, 9], 20)
    images, hashes = np.zeros((4, 4), np.uint64), np.zeros((4, 1), np.uint64)
    images[:, :1] = sets
    room, letters, places = np.zeros((4, 1), np.uint64), np.zeros(4, np.uint8), np.zeros(16, "u4")
    assert state_sets.append_new(images, hashes, room, letters, 0, places, 0) == 2
    assert ints(room) == [5, 9, 0, 0]


@pytest.mark.parametrize(
    ("n", "most"), [(3, 100), (12, 200), (12, 50), (65, 300), (66, 1), (129, 40)]
)
def test_marching_makes_the_same_levels(n: int, most: int) -> None:
    delta = cerny(n)
    backward, forward = Frontier(delta, True, Budget()), Frontier(delta, False, Budget())
    expected = breadth_first(delta, True, min(most, (n - 1) ** 2))
    met = False
    while not met and backward.depth < most and backward.can_march():
        met = backward.march(forward, most - backward.depth, 0)
    if backward.can_march():
        assert backward.depth == min(most, (n - 1) ** 2)
    else:
        assert n > 128
    assert met == (backward.depth == (n - 1) ** 2)
    for numbers, level in zip(backward.levels, expected, strict=False):
        assert ints(backward.sets[numbers]) == level
    # the path of the last set is a word that leads it to one state, and its preimage is the set
    (last,) = ints(backward.sets[backward.count - 1 : backward.count])
    word = backward.path(backward.count - 1, backward.depth)
    assert len(word) == backward.depth
    states = last
    for letter in word:
        states = image(delta[letter].tolist(), states, False)
    assert states.bit_count() == 1
    for letter in reversed(word):
        states = image(delta[letter].tolist(), states, True)
    assert states == last


# --- containment ------------------------------------------------------------------------------

Family = Callable[[np.random.Generator, int], list[int]]


def shared_states(rng: np.random.Generator, n: int) -> list[int]:
    common = random_sets(rng, 1, n, 0.6)[0]
    return [common | s for s in random_sets(rng, 300, n, 0.1)]


def equal_sizes(rng: np.random.Generator, n: int) -> list[int]:
    size = min(n, 3)
    return [sum(1 << int(q) for q in rng.choice(n, size, False)) for _ in range(400)]


def one_apart(rng: np.random.Generator, n: int) -> list[int]:
    base = random_sets(rng, 1, n, 0.5)[0]
    return [base ^ 1 << q for q in range(n)]


FAMILIES: dict[str, Family] = {
    "one member": lambda rng, n: random_sets(rng, 1, n, 0.3),
    "all states": lambda rng, n: [2**n - 1],
    "singletons": lambda rng, n: [1 << q for q in range(n)],
    "complements of singletons": lambda rng, n: [2**n - 1 ^ 1 << q for q in range(n)],
    "chain": lambda rng, n: [2 ** (q + 1) - 1 for q in range(n)],
    "leaf": lambda rng, n: random_sets(rng, 24, n, 0.2),
    "two leaves": lambda rng, n: random_sets(rng, 25, n, 0.2),
    "sparse": lambda rng, n: random_sets(rng, 1000, n, 0.05),
    "half": lambda rng, n: random_sets(rng, 3000, n, 0.5),
    "dense": lambda rng, n: random_sets(rng, 3000, n, 0.95),
    "mixed": lambda rng, n: all_densities(rng, 200, n),
    "shared states": shared_states,
    "equal sizes": equal_sizes,
    "one apart": one_apart,
    "often repeated": lambda rng, n: random_sets(rng, 3, n, 0.5) * 100,
}


def queries_for(rng: np.random.Generator, family: list[int], n: int) -> list[int]:
    """Sets that contain members, nearly do, or have nothing to do with them."""
    some = [family[int(i)] for i in rng.integers(0, len(family), 40)]
    more = random_sets(rng, 40, n, 0.1)
    less = [s ^ (s & -s) for s in some]
    other = [s & ~(1 << int(q)) for s, q in zip(some, rng.integers(0, n, 40), strict=True)]
    return [
        *some, *(s | t for s, t in zip(some, more, strict=True)), *less, *other,
        *(s | t & ~(1 << n - 1) for s, t in zip(less, more, strict=True)),
        *all_densities(rng, 8, n),
    ]  # fmt: skip


def contains(queries: Words, members: Words) -> npt.NDArray[np.bool_]:
    """Whether query i contains member j, (queries, members)."""
    outside = np.zeros((len(queries), len(members)), np.uint64)
    for w in range(members.shape[1]):
        outside |= members[:, w] & ~queries[:, w, None]
    return outside == 0


def plant(
    members: Words, likely: Words, n: int, complements: bool = False
) -> tuple[Trie, npt.NDArray[np.int64]]:
    """A trie, whose members are numbered from the last to the first, and from 1,000 on."""
    numbers = 1000 + np.arange(len(members))[::-1]
    sets = np.zeros((1000 + len(members), members.shape[1]), np.uint64)
    sets[numbers] = members
    before = sets.copy()
    trie = Trie(sets, numbers, likely, n, Budget(), complements)
    assert np.array_equal(sets, before)
    return trie, numbers


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("n", [1, 2, 64, 65, 129])
def test_containment(name: str, n: int) -> None:
    rng = np.random.default_rng(n)
    family = [s for s in FAMILIES[name](rng, n) if s] or [1]
    queries = queries_for(rng, family, n)
    members, asked = rows(family, n), rows(queries, n)
    inside = contains(asked, members)  # (queries, members)
    for likely in (asked, rows([2**n - 1], n), rows([0], n)):
        trie, numbers = plant(members, likely, n)
        assert len(trie) == len(members)
        assert sorted(trie.numbers.tolist()) == sorted(numbers.tolist())
        alone = [trie.find(asked[i : i + 1], 1) for i in range(len(asked))]
        assert [found is not None for found in alone] == inside.any(1).tolist()
        for query, found in enumerate(alone):
            if found is not None:
                assert found[0] == 0
                assert inside[query, np.flatnonzero(numbers == found[1])[0]]
        together = trie.find(asked, 1)
        assert (together is None) == (not inside.any())
        if together is not None:
            assert inside[together[0], np.flatnonzero(numbers == together[1])[0]]
        assert trie.find(asked[~inside.any(1)], 1) is None
        equal = contains(members, asked).T
        assert trie.contained(asked)[0].tolist() == (inside & ~equal).any(1).tolist()
        assert trie.find(asked[:0], 1) is None
        around, _ = plant(members, likely, n, complements=True)
        within, tests = around.contained(asked)
        assert within.tolist() == (contains(members, asked).T & ~inside).any(1).tolist()
        assert tests > 0
        assert around.contained(asked[:0])[1] == 0


@pytest.mark.parametrize("count", [1, 100, 4096])
@pytest.mark.parametrize(("n", "a_row"), [(64, 1), (65, 3), (130, 5), (200, 64)])
def test_one_query_among_many(count: int, n: int, a_row: int) -> None:
    rng = np.random.default_rng([count, n])
    words = -(-n // 64)
    members = rows([s | 1 for s in random_sets(rng, 2000, n, 0.3)], n)
    trie, numbers = plant(members, members, n)
    queries = rows(random_sets(rng, -(-count // a_row) * a_row, n, 0.9), n)
    queries[:, 0] &= ~np.uint64(1)  # so that they contain no member
    table = np.zeros((len(queries) // a_row, -(-a_row * words // 4) * 4), np.uint64)
    table[:, : a_row * words] = queries.reshape(-1, a_row * words)
    assert trie.find(table, a_row) is None
    for _ in range(10):
        row, place, member = rng.integers(0, [len(table), a_row, len(members)])
        hit = slice(place * words, (place + 1) * words)
        before = table[row, hit].copy()
        table[row, hit] |= members[member]
        found = trie.find(table, a_row)
        assert found is not None
        assert found[0] == row * a_row + place
        held = members[np.flatnonzero(numbers == found[1])[0]]
        assert not (held & ~table[row, hit]).any()
        table[row, hit] = before


@pytest.mark.parametrize("density", [0.03, 0.5, 0.9, 0.99])
def test_thousands_of_members(density: float) -> None:
    n = 200
    rng = np.random.default_rng(7)
    members = rows(random_sets(rng, 10_000, n, density), n)
    queries = rows(random_sets(rng, 150, n, min(0.99, density + 0.2)), n)
    queries[::3] |= members[: len(queries[::3])]
    trie, _ = plant(members, queries, n)
    inside = contains(queries, members)
    alone = [trie.find(queries[i : i + 1], 1) is not None for i in range(len(queries))]
    assert alone == inside.any(1).tolist()
    equal = contains(members, queries).T
    assert trie.contained(queries)[0].tolist() == (inside & ~equal).any(1).tolist()
