"""The kernels on small sets, everywhere: compiled, with bounds checks, and as plain Python.

`make test-nojit` runs this file and `test_search_kernels.py` with NUMBA_DISABLE_JIT=1 and with
NUMBA_BOUNDSCHECK=1.
"""

import hashlib
from itertools import combinations, permutations, product
from math import factorial

import numpy as np
import pytest

from automata import (
    are_synchronizing,
    canonical_forms,
    from_canonical,
    reprove_thresholds,
    reset_thresholds,
    shortest_reset_word,
    verify,
)
from automata.deltas import Deltas
from automata.enumeration import enumerate_automata
from automata.invariants import automorphism_orders
from automata.numbering import all_numberings, random_numberings
from automata.row_index import RowIndex
from tests import naive
from tests.automata.definitions import check_partial_properties, check_properties
from tests.automata.examples import (
    every,
    every_partial,
    incidence,
    shuffled,
    uniform,
    uniform_partial,
)

# --- solver -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "deltas",
    [every(1, 1), every(1, 3), every(2, 1), every(2, 2), every(3, 1), every(3, 2)]
    # k*n just under, at and over one word of 64 images, and several words
    + [uniform(6, n, k) for n, k in [(4, 2), (4, 16), (5, 12), (5, 13), (6, 1), (7, 9), (8, 2)]]
    + [uniform(3, n, k) for n, k in [(1, 16), (8, 8), (8, 9), (9, 2), (9, 16), (12, 3), (13, 2)]],
    ids=lambda deltas: f"n={deltas.shape[2]},k={deltas.shape[1]}",
)
def test_solver(deltas: Deltas) -> None:
    thresholds = reset_thresholds(deltas)
    known = [naive.reset_threshold(delta) for delta in deltas.tolist()]
    assert thresholds.tolist() == [-1 if threshold is None else threshold for threshold in known]
    assert np.array_equal(reprove_thresholds(deltas), thresholds)
    assert np.array_equal(are_synchronizing(deltas), thresholds >= 0)
    for delta, threshold in zip(deltas[::7], known[::7], strict=True):
        word = shortest_reset_word(delta)
        assert word == naive.shortest_reset_word(delta.tolist())
        assert word is None or (len(word) == threshold and verify(delta, word))


@pytest.mark.parametrize(
    ("n", "k", "cycle", "merging"),
    [(8, 2, 0, 1), (8, 8, 7, 0), (8, 9, 8, 0), (8, 9, 3, 8), (5, 16, 15, 11), (9, 16, 6, 14)],
)
def test_letters_of_every_group_count(n: int, k: int, cycle: int, merging: int) -> None:
    # Černý's automaton, its two letters anywhere among identities
    delta = np.tile(np.arange(n, dtype=np.uint8), (k, 1))
    delta[cycle] = np.roll(delta[cycle], -1)
    delta[merging, -1] = 0
    assert reset_thresholds(delta[None]).tolist() == [(n - 1) ** 2]
    assert reprove_thresholds(delta[None]).tolist() == [(n - 1) ** 2]
    word = (merging, *((cycle,) * (n - 1) + (merging,)) * (n - 2))
    assert shortest_reset_word(delta) == word


def test_more_automata_than_epochs() -> None:
    # the marks of one automaton must not be taken for another's, also after 255 of them
    deltas = np.tile(every(2, 2), (33, 1, 1))
    assert reset_thresholds(deltas).tolist() == reset_thresholds(deltas[:16]).tolist() * 33


@pytest.mark.parametrize("k", [1, 2, 3, 16])
def test_the_most_states(k: int) -> None:
    delta = np.zeros((k, 24), np.uint8)
    delta[-1] = 23
    delta[:-1] = np.arange(24)
    assert reset_thresholds(delta[None]).tolist() == [1]
    assert shortest_reset_word(delta) == (k - 1,)


@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_pairs(n: int) -> None:
    deltas = uniform(10, n, 1 + n % 3)
    halves = deltas % (n // 2) if n > 1 else deltas  # two parts that never meet
    halves[:, :, n // 2 :] += n // 2
    for delta in (*deltas, *halves):
        assert are_synchronizing(delta[None]).tolist() == [naive.is_synchronizing(delta.tolist())]


# --- canonical forms --------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "k"), [(1, 1), (1, 6), (2, 1), (2, 3), (3, 1), (3, 2), (4, 1)])
def test_equal_forms_are_isomorphism(n: int, k: int) -> None:
    deltas = every(n, k)
    forms = canonical_forms(deltas)
    pairs = {
        (naive.least_form(delta), form.tobytes())
        for delta, form in zip(deltas.tolist(), forms, strict=True)
    }
    assert len(pairs) == len({least for least, _ in pairs}) == len({form for _, form in pairs})
    assert np.array_equal(canonical_forms(from_canonical(forms, n, k)), forms)
    assert all(
        naive.isomorphic(one, other)
        for one, other in zip(deltas[::29], from_canonical(forms[::29], n, k), strict=True)
    )


K4 = [*combinations(range(4), 2)]
K33 = [*product(range(3), range(3, 6))]
K24 = [*product(range(2), range(2, 6))]
K37 = [*product(range(3), range(3, 10))]
PRISM = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)]
TRIANGLES = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]
HEXAGON = [(q, (q + 1) % 6) for q in range(6)]
STATES = np.arange(12, dtype=np.uint8)

TIED = {
    "identity": np.tile(STATES, (2, 1)),
    "identity and constant": np.stack([STATES, STATES * 0]),
    "2-cycles": (STATES ^ 1)[None],
    "2-cycles and identity": np.stack([STATES ^ 1, STATES]),
    "2-cycles crossed": np.stack([STATES ^ 1, STATES ^ 2]),
    "3-cycles, one with a tail": np.array([[1, 2, 0, 4, 5, 3, 7, 8, 6, 0]], np.uint8),
    "constant": np.zeros((1, 12), np.uint8),
    "two constants": np.stack([STATES * 0, STATES * 0 + 1]),
    "three constants": np.stack([STATES * 0, STATES * 0 + 1, STATES * 0 + 2]),
    "stars": np.repeat(STATES[:3], 4)[None] * np.uint8(4),
    "K4": incidence(K4, 10),
    "K33": incidence(K33, 15),
    "K24 and an isolated vertex": incidence(K24, 15),
    "K37": incidence(K37, 31),
    "prism": incidence(PRISM, 15),
    "triangles": incidence(TRIANGLES, 12),
    "hexagon": incidence(HEXAGON, 12),
    "K4 twice": incidence([*K4, *((p + 4, q + 4) for p, q in K4)], 20),
    "prism, ends in random order": incidence(PRISM, 15, np.random.default_rng(0)),
    "K33, ends in random order": incidence(K33, 15, np.random.default_rng(0)),
    "six letters": np.stack([STATES ^ 1] * 3 + [STATES] * 2 + [STATES * 0]),
}


@pytest.mark.parametrize("name", TIED)
def test_ties_do_not_depend_on_names(name: str) -> None:
    rng = np.random.default_rng(0)
    delta = TIED[name]
    k, n = delta.shape
    same = np.stack([delta, *(shuffled(delta, rng) for _ in range(3))])
    forms = canonical_forms(same)
    assert (forms == forms[0]).all()
    assert np.array_equal(canonical_forms(from_canonical(forms[:1], n, k)), forms[:1])


def test_tied_automata_are_told_apart() -> None:
    by_size: dict[tuple[int, ...], list[Deltas]] = {}
    for delta in TIED.values():
        by_size.setdefault(delta.shape, []).append(delta)
    for deltas in by_size.values():
        assert len({form.tobytes() for form in canonical_forms(deltas)}) == len(deltas)


@pytest.mark.parametrize(("n", "k"), [(3, 6), (4, 3), (5, 2), (6, 2), (9, 1), (10, 2), (33, 1)])
def test_renaming_random_ones(n: int, k: int) -> None:
    rng = np.random.default_rng(1)
    deltas = uniform(8, n, k)
    renamed = np.stack([shuffled(delta, rng) for delta in deltas])
    assert np.array_equal(canonical_forms(deltas), canonical_forms(renamed))


def test_forms_are_the_same_for_ever() -> None:
    # datasets on disk hold them: whoever changes them changes the format's number too
    digest = hashlib.sha256()
    for deltas in (*(delta[None] for delta in TIED.values()), every(3, 2), uniform(50, 7, 2)):
        digest.update(canonical_forms(deltas).tobytes())
    assert digest.hexdigest()[:16] == "791ffbb5c2b600c6"


@pytest.mark.parametrize(
    "deltas",
    [every_partial(1, 2), every_partial(2, 2), every_partial(3, 1)]
    + [uniform_partial(12, n, k) for n, k in [(5, 2), (4, 3), (16, 1), (64, 2)]],
    ids=lambda deltas: f"n={deltas.shape[2]},k={deltas.shape[1]}",
)
def test_partial_automata(deltas: Deltas) -> None:
    rng = np.random.default_rng(0)
    _, k, n = deltas.shape
    forms = canonical_forms(deltas)
    assert np.array_equal(canonical_forms([shuffled(delta, rng) for delta in deltas]), forms)
    again = from_canonical(forms, n, k, partial=True)
    assert np.array_equal(canonical_forms(again), forms)
    assert np.array_equal(canonical_forms(random_numberings(rng, deltas)), forms)
    found = all_numberings(deltas)
    assert np.array_equal(canonical_forms(found.deltas), forms[found.sources])
    if n < 4:
        check_partial_properties(deltas)


# --- rows -------------------------------------------------------------------------------------


def test_rows() -> None:
    words = [bytes(word) for width in (2, 3) for word in product(range(width), repeat=7)]
    words += [bytes(word) for word in permutations(range(7), 7)][:600]
    rows = np.frombuffer(b"".join(words), np.uint8).reshape(-1, 7)
    numbers: dict[bytes, int] = {}
    for word in words:
        numbers.setdefault(word, len(numbers))
    index = RowIndex(7)
    half = len(words) // 2
    assert [*index.add(rows[:half]), *index.add(rows[half:])] == [numbers[word] for word in words]
    assert len(numbers) > 2048 > 512  # it grew
    assert index.find(rows).tolist() == [numbers[word] for word in words]
    assert index.find(rows + np.uint8(7)).max() == -1


# --- properties -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "deltas",
    [every(1, 1), every(2, 1), every(2, 2), every(3, 1), uniform(60, 3, 2), uniform(30, 4, 3)],
    ids=lambda deltas: f"n={deltas.shape[2]},k={deltas.shape[1]}",
)
def test_properties(deltas: Deltas) -> None:
    check_properties(deltas)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("identity", factorial(12)),
        ("identity and constant", factorial(11)),
        ("2-cycles", 2**6 * factorial(6)),
        ("2-cycles crossed", 4**3 * factorial(3)),
        ("3-cycles, one with a tail", 3**2 * 2),
        ("three constants", factorial(9)),
        ("stars", 6**3 * 6),
        ("K4", 1),
        ("K33", 6 * 6),
        ("K24 and an isolated vertex", 2 * 24),
        ("prism", 3),
        ("triangles", 3 * 3 * 2),
        ("hexagon", 6),
        ("K4 twice", 2),
        ("six letters", 2**5 * factorial(5)),
    ],
)
def test_automorphisms(name: str, order: int) -> None:
    delta = TIED[name]
    both = np.stack([delta, shuffled(delta, np.random.default_rng(0))])
    assert automorphism_orders(both).tolist() == [order, order]


# --- enumeration ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "k", "least"), [(1, 2, 0), (2, 2, 0), (2, 3, 1), (3, 2, 0), (3, 2, 2), (3, 2, 4)]
)
def test_enumeration(n: int, k: int, least: int) -> None:
    deltas = every(n, k)
    deltas = deltas[reset_thresholds(deltas) >= (least or -1)]
    expected = {*map(bytes, canonical_forms(deltas))}
    found = [*map(bytes, canonical_forms(enumerate_automata(n, k, at_least=least).deltas))]
    assert len(found) == len(expected)
    assert set(found) == expected


@pytest.mark.parametrize(("n", "k", "least"), [(1, 2, 0), (2, 2, 0), (2, 3, 0), (3, 2, 2)])
def test_partial_enumeration(n: int, k: int, least: int) -> None:
    expected = set()
    for delta in naive.all_partial_automata(n, k):
        word = naive.shortest_careful_word(delta)
        if (-1 if word is None else len(word)) >= (least or -1):
            expected.add(naive.least_form(delta))
    found = enumerate_automata(n, k, at_least=least, partial=True).deltas
    tables = [[[None if q == 255 else q for q in letter] for letter in t] for t in found.tolist()]
    forms = [naive.least_form(table) for table in tables]
    assert len(forms) == len(expected)
    assert set(forms) == expected


# --- numberings -------------------------------------------------------------------------------


@pytest.mark.parametrize("deltas", [every(3, 2), uniform(20, 5, 3), uniform(20, 6, 1)])
def test_numberings(deltas: Deltas) -> None:
    k, n = deltas.shape[1:]
    found = all_numberings(deltas)
    some = random_numberings(np.random.default_rng(0), deltas)
    for source, delta in enumerate(deltas):
        own = {one.tobytes() for one in found.deltas[found.sources == source]}
        starts = 0
        for start in range(n):
            reached = [start]
            for state in reached:  # grows as we go
                reached += {int(row[state]) for row in delta} - {*reached}
            starts += len(reached) == n
        assert (found.sources == source).sum() == starts * factorial(k)
        assert not starts or some[source].tobytes() in own
        assert len({canonical_forms([one])[0].tobytes() for one in (delta, some[source])}) == 1
