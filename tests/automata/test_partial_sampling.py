"""Random, mutated, grown, evolved and lengthened partial automata."""

from collections import Counter
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automata import UNDEFINED, are_synchronizing, canonical_forms, careful_thresholds
from automata.canonical import from_canonical
from automata.errors import AutomatonError, SizeLimitError
from automata.evolution import Evolution, Evolved, evolve
from automata.mutation import exchange, insert_states, mutate
from automata.properties import in_classes
from automata.runs import find_stretches
from automata.sampling import sample_synchronizing, sample_uniform
from automata.solver.either import may_synchronize, thresholds_of
from automata.stretches import Stretches, stretch
from tests import naive

Tables = npt.NDArray[np.uint8]
# labelled tables of three states and two letters, by careful threshold: plain Python, and another
# program, counted the same
HISTOGRAM = {-1: 2761, 1: 375, 2: 840, 3: 96, 4: 24}


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def all_tables(n: int, k: int) -> Tables:
    """Every table of a size, (n + 1)^(n k) of them."""
    targets = [*range(n), UNDEFINED]
    return np.array([*product(targets, repeat=n * k)], np.uint8).reshape(-1, k, n)


@st.composite
def partials(draw: st.DrawFn, min_n: int = 1) -> Tables:
    """One automaton: undefined nowhere, everywhere, on a letter, on a state, here and there."""
    n, k = draw(st.integers(min_n, 7)), draw(st.integers(1, 3))
    share = draw(st.sampled_from([0.0, 0.2, 0.9, 1.0]))
    delta = sample_uniform(seeded(draw(st.integers(0, 999))), 1, n, k, undefined=share)[0]
    if draw(st.booleans()):
        delta[draw(st.integers(0, k - 1))] = UNDEFINED
    if draw(st.booleans()):
        delta[:, draw(st.integers(0, n - 1))] = UNDEFINED
    return delta


def family(n: int, c: int) -> list[list[int]]:
    """P(n, c) of Cambie, de Bondt and Don (arXiv:2108.13927)."""
    m = n - c
    chain = [m - 1, *range(m, n), 0, 1]
    b = [*range(n)]
    for state, target in zip(chain, chain[1:], strict=False):
        b[state] = target
    return [[*range(1, m), *[UNDEFINED] * (c + 1)], b]


# --- random -----------------------------------------------------------------------------------


def test_tables_drawn_uniformly_have_the_counted_thresholds() -> None:
    drawn = sample_uniform(seeded(3), 40_960, 3, 2, undefined=1 / 4)
    found = Counter(careful_thresholds(drawn).tolist())
    assert {*found} == {*HISTOGRAM}
    expected = {threshold: 10 * count for threshold, count in HISTOGRAM.items()}
    chi = sum((found[length] - mean) ** 2 / mean for length, mean in expected.items())
    assert chi < 18.5  # 4 degrees of freedom: once in a thousand seeds


@pytest.mark.parametrize("undefined", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("n", "k", "total"), [(6, 2, 0), (6, 2, 1), (5, 3, 2), (4, 2, 2)])
def test_the_share_of_undefined_transitions(n: int, k: int, total: int, undefined: float) -> None:
    drawn = sample_uniform(seeded(), 4000, n, k, undefined=undefined, total=total)
    assert (drawn[:, :total] < n).all()
    rest = drawn[:, total:]
    assert ((rest < n) | (rest == UNDEFINED)).all()
    share = (rest == UNDEFINED).mean() if rest.size else undefined
    assert abs(share - undefined) < 0.01
    # the targets are those of complete automata
    complete = sample_uniform(seeded(), 4000, n, k)
    assert np.array_equal(drawn[drawn < n], complete[drawn < n])


def test_synchronizing_ones_have_a_careful_word() -> None:
    for n, k in [(1, 1), (3, 1), (5, 2), (6, 3)]:
        drawn = sample_synchronizing(seeded(), 40, n, k, undefined=0.4)
        assert (careful_thresholds(drawn) >= 0).all()
        assert (drawn[:, 0] < n).all()
        assert np.array_equal(drawn, sample_synchronizing(seeded(), 40, n, k, undefined=0.4))


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda: sample_uniform(seeded(), 1, 3, 2, undefined=1.5), ValueError, "undefined=1.5 is"),
        (lambda: sample_uniform(seeded(), 1, 3, 2, undefined=0.5, total=3), ValueError, "total=3"),
        (lambda: sample_uniform(seeded(), 1, 256, 2, undefined=0.5), SizeLimitError, "n=256"),
        (lambda: mutate(seeded(), np.zeros((1, 1, 256), int), partial=True), SizeLimitError, "256"),
        (lambda: insert_states(seeded(), [[[0] * 255]], partial=True), SizeLimitError, "n=256"),
        (lambda: stretch(find_stretches(["1 2 0"]), 253, partial=True), SizeLimitError, "n=256"),
        (lambda: mutate(seeded(), ["1 -"]), AutomatonError, "not complete"),
        (lambda: exchange(seeded(), ["1 -"]), AutomatonError, "not complete"),
        (lambda: insert_states(seeded(), ["1 -"]), AutomatonError, "not complete"),
        (lambda: find_stretches(["1 -"]), AutomatonError, "not complete"),
        (
            lambda: evolve(seeded(), 2, 1, Evolution(), start=(np.array([[[1, 255]]]), [1])),
            AutomatonError,
            "not complete",
        ),
        (lambda: Evolution(undefined=-0.1), ValueError, "undefined=-0.1"),
    ],
)
def test_what_is_refused(draw, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        draw()


# --- mutated, exchanged, grown ----------------------------------------------------------------


@settings(deadline=None)
@given(partials(), st.integers(0, 9), st.integers(0, 9))
def test_mutation_changes_as_many_as_asked(delta: Tables, transitions: int, seed: int) -> None:
    k, n = delta.shape
    transitions = min(transitions, k * n)
    children = mutate(seeded(seed), np.stack([delta] * 5), transitions, partial=True)
    assert (children != delta).sum(axis=(1, 2)).tolist() == [transitions] * 5
    assert ((children < n) | (children == UNDEFINED)).all()


def test_mutation_defines_and_undefines_as_often_as_anything_else() -> None:
    parent = np.array([[1, UNDEFINED, 0], [0, 0, 2]], np.uint8)
    children, counts = np.unique(
        mutate(seeded(), np.stack([parent] * 18_000), partial=True), axis=0, return_counts=True
    )
    assert len(children) == 2 * 3 * 3  # transitions times other targets, undefined among them
    assert (abs(counts - 1000) < 5 * 1000**0.5).all()
    undefined = (children == UNDEFINED).sum(axis=(1, 2))
    assert Counter(undefined.tolist()) == {0: 3, 1: 10, 2: 5}


@settings(deadline=None)
@given(partials(), st.integers(0, 9))
def test_exchange_keeps_what_is_undefined_as_often(delta: Tables, seed: int) -> None:
    children = exchange(seeded(seed), np.stack([delta] * 5), partial=True)
    assert (np.sort(children.reshape(5, -1)) == np.sort(delta.ravel())).all()
    assert ((children != delta).sum(axis=(1, 2)) <= 2).all()


def test_exchange_moves_an_undefined_transition() -> None:
    parent = np.array([[0, 0, 0, UNDEFINED]], np.uint8)
    children = exchange(seeded(), np.stack([parent] * 400), partial=True)
    assert {*np.argmax(children == UNDEFINED, axis=2).ravel().tolist()} == {0, 1, 2, 3}


@settings(deadline=None)
@given(partials(), st.integers(0, 3), st.integers(0, 9))
def test_inserted_states_split_transitions(delta: Tables, states: int, seed: int) -> None:
    k, n = delta.shape
    children = insert_states(seeded(seed), np.stack([delta] * 5), states, partial=True)
    assert children.shape == (5, k, n + states)
    for child in children:
        for last in reversed(range(n, n + states)):  # undone one by one
            assert ((child <= last) | (child == UNDEFINED)).all()
            letters, sources = np.nonzero(child[:, :last] == last)
            assert len(letters) == 1
            child[letters, sources] = child[letters, last]
            child = child[:, :last]
        assert np.array_equal(child, delta)


def test_every_insertion_is_as_likely() -> None:
    parent = np.array([[1, 1, UNDEFINED], [0, 2, 2]], np.uint8)
    children, counts = np.unique(
        insert_states(seeded(), np.stack([parent] * 30_000), partial=True),
        axis=0,
        return_counts=True,
    )
    assert len(children) == 2 * 3 * 5  # transitions times targets of the other letter
    assert (abs(counts - 1000) < 5 * 1000**0.5).all()


# --- whether a search may succeed -------------------------------------------------------------


def may_in_plain_python(delta: Tables) -> bool:
    """Some total letter merges two states, and every pair can be merged by defined letters."""
    k, n = delta.shape
    letters = [{q: int(t) for q, t in enumerate(row) if t != UNDEFINED} for row in delta]
    begins = any(len(own) == n and len({*own.values()}) < n for own in letters)
    merged = {(p, p) for p in range(n)}
    while True:
        more = {
            (p, q)
            for p, q in product(range(n), repeat=2)
            if any(p in own and q in own and (own[p], own[q]) in merged for own in letters)
        }
        if more <= merged:
            return n == 1 or (begins and len(merged) == n * n)
        merged |= more


@settings(deadline=None)
@given(partials())
def test_whether_a_search_may_succeed(delta: Tables) -> None:
    may = may_synchronize(delta[None], partial=True)[0]
    assert may == may_in_plain_python(delta)
    assert may or careful_thresholds(delta[None])[0] == -1


def test_complete_automata_are_partial_ones_without_gaps() -> None:
    for n, k in [(1, 1), (2, 2), (5, 2), (7, 1), (256, 1)]:
        drawn = sample_uniform(seeded(), 300, n, k)
        may = may_synchronize(drawn, partial=n < 256)
        assert may.tolist() == are_synchronizing(drawn).tolist()
        if n < 256:
            lengths = thresholds_of(drawn, partial=True)
            assert lengths.tolist() == thresholds_of(drawn, partial=False).tolist()


# --- evolved ----------------------------------------------------------------------------------


def check(archive: Evolved, config: Evolution) -> None:
    """See that an archive is sound: distinct, in order, solved, under the ceiling."""
    batch, k, n = archive.deltas.shape
    assert archive.calls <= config.calls
    assert batch == len(archive.reset_thresholds) <= config.archive_size
    forms = canonical_forms(archive.deltas)
    assert np.array_equal(from_canonical(forms, n, k, partial=True), archive.deltas)
    assert len(np.unique(forms, axis=0)) == batch
    assert np.array_equal(careful_thresholds(archive.deltas), archive.reset_thresholds)
    assert (archive.reset_thresholds >= 0).all()
    assert (np.diff(archive.reset_thresholds) <= 0).all()
    if config.ceiling is not None:
        assert (archive.reset_thresholds <= config.ceiling).all()


@pytest.mark.parametrize(
    "config",
    [
        Evolution(calls=1, undefined=0.2),
        Evolution(calls=2500, batch=100, archive_size=200, undefined=0.0),
        Evolution(calls=3000, ceiling=8, exchanges=0.5, undefined=0.4),
    ],
    ids=str,
)
@pytest.mark.parametrize(("n", "k"), [(5, 2), (4, 3)])
def test_evolution(config: Evolution, n: int, k: int) -> None:
    asked: list[bytes] = []

    def solve(deltas: Tables) -> npt.NDArray[np.int32]:
        assert may_synchronize(deltas, partial=True).all()
        asked.extend(form.tobytes() for form in canonical_forms(deltas))
        return careful_thresholds(deltas)

    archive = evolve(seeded(), n, k, config, solve=solve)
    check(archive, config)
    assert archive.calls == len(asked) == len({*asked})  # nothing is paid for twice
    again = evolve(seeded(), n, k, config, workers=2)
    assert np.array_equal(again.deltas, archive.deltas)
    if config.calls > 1:  # partial automata even where random ones are complete
        assert (archive.deltas == UNDEFINED).any()
        assert (archive.deltas != UNDEFINED).all(axis=(1, 2)).any()


@pytest.mark.parametrize(("n", "k"), [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)])
def test_small_spaces_are_exhausted(n: int, k: int) -> None:
    tables = all_tables(n, k)
    careful = tables[careful_thresholds(tables) >= 0]
    config = Evolution(calls=10**9, batch=500, undefined=0.3)
    archive = evolve(seeded(), n, k, config)
    check(archive, config)
    everything = np.unique(canonical_forms(careful), axis=0)
    assert np.array_equal(np.unique(canonical_forms(archive.deltas), axis=0), everything)


def test_evolution_reaches_the_longest_careful_threshold() -> None:
    config = Evolution(calls=20_000, archive_size=500, batch=256, exchanges=0.5, undefined=0.2)
    assert evolve(seeded(1), 5, 2, config).reset_thresholds[0] == 16  # all tables were counted


def test_evolution_within_a_class() -> None:
    config = Evolution(calls=150, batch=64, undefined=0.2, classes=("strongly-connected",))
    archive = evolve(seeded(), 5, 2, config)
    check(archive, config)
    assert archive.calls == 150
    assert in_classes(archive.deltas, ("strongly-connected",)).all()


# --- lengthened -------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "c"), [(5, 0), (7, 1), (8, 2), (10, 3)])
def test_the_family_is_lengthened_to_the_family(n: int, c: int) -> None:
    ways = find_stretches([family(n, c)], partial=True)
    assert len(ways.deltas) > 0
    for by in (1, 2, 5):
        grown = canonical_forms(stretch(ways, by, partial=True))
        assert (grown == canonical_forms([family(n + by, c)])).all(axis=1).any()


@settings(deadline=None)
@given(partials(min_n=3))
def test_lengthening_by_nothing_changes_nothing(delta: Tables) -> None:
    ways = find_stretches([delta], partial=True)
    same = canonical_forms(stretch(ways, 0, partial=True))
    assert (same == canonical_forms(delta[None])).all()
    for by in (1, 3):
        grown = stretch(ways, by, partial=True)
        n = delta.shape[1] + by
        assert ((grown < n) | (grown == UNDEFINED)).all()
        least = (delta == UNDEFINED).sum()
        assert ((grown == UNDEFINED).sum(axis=(1, 2)) >= least).all()


def test_a_run_on_which_a_letter_is_undefined() -> None:
    delta = [[1, 2, 3, 0], [UNDEFINED, UNDEFINED, UNDEFINED, 1]]
    way = Stretches(np.array([delta]), *np.array([[[0]], [[2]], [[3]]]), np.array([0]))
    assert stretch(way, 2, partial=True).tolist() == [
        [[1, 2, 3, 4, 5, 0], [UNDEFINED] * 5 + [1]],
    ]


def test_words_of_evolved_automata_are_careful() -> None:
    archive = evolve(seeded(2), 4, 2, Evolution(calls=400, batch=64, undefined=0.2))
    tables = archive.deltas[:40].tolist()
    for table, threshold in zip(tables, archive.reset_thresholds.tolist(), strict=False):
        letters = [[None if q == UNDEFINED else q for q in row] for row in table]
        word = naive.shortest_careful_word(letters)
        assert word is not None and len(word) == threshold
