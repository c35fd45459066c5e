"""Partial automata: forms, isomorphism, automorphisms, numberings and classes."""

from collections import Counter
from collections.abc import Callable
from itertools import permutations
from math import factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automata import (
    UNDEFINED,
    Automaton,
    AutomatonError,
    SizeLimitError,
    are_irreducible,
    are_isomorphic,
    are_strongly_connected,
    are_synchronizing,
    automorphism_orders,
    canonical_forms,
    careful_thresholds,
    class_flags,
    defects,
    from_canonical,
    have_total_letter,
    in_classes,
    is_synchronizing,
    rank,
    ranks,
    reset_threshold,
    undefined_counts,
)
from automata.automaton import validate_delta
from automata.classes import CLASSES
from automata.deltas import Deltas
from automata.numbering import all_numberings, random_numberings
from tests import naive
from tests.automata.definitions import check_partial_properties
from tests.automata.examples import (
    every_partial,
    shuffled,
    uniform,
    uniform_partial,
    with_none,
)
from tests.automata.numberings import numberings
from tests.strategies import partials, rename, renamings

SMALL = [(1, 1), (1, 3), (2, 1), (3, 1), (4, 1), (2, 2), (3, 2), (2, 3)]
CLASS_COUNTS = {(2, 2): 27, (3, 2): 382, (2, 3): 92}

# --- canonical forms --------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "k"), SMALL)
def test_forms_of_all_partial_automata_under_all_renamings(n: int, k: int) -> None:
    deltas = every_partial(n, k)
    forms = canonical_forms(deltas)
    for states in permutations(range(n)):
        for letters in permutations(range(k)):
            renamed = np.stack([rename(delta, states, letters) for delta in deltas])
            assert np.array_equal(canonical_forms(renamed), forms)
    again = from_canonical(forms, n, k, partial=True)
    assert np.array_equal(canonical_forms(again), forms)
    assert len(np.unique(forms, axis=0)) == naive.count_classes(n, k, partial=True)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("n", "k"), [(4, 2), (3, 3)])
def test_number_of_classes(n: int, k: int) -> None:
    rows = {bytes(form) for form in canonical_forms(every_partial(n, k), workers=2)}
    assert len(rows) == naive.count_classes(n, k, partial=True)


def test_partial_maps_as_published() -> None:
    for n, count in enumerate([2, 6, 16, 45, 121], start=1):  # OEIS A126285
        forms = np.unique(canonical_forms(every_partial(n, 1)), axis=0)
        assert len(forms) == count
        orders = automorphism_orders(from_canonical(forms, n, 1, partial=True))
        assert sum(factorial(n) // order for order in orders.tolist()) == (n + 1) ** n


@pytest.mark.parametrize(("n", "k"), CLASS_COUNTS)
def test_classes_of_isomorphic_ones_as_in_plain_python(n: int, k: int) -> None:
    deltas = every_partial(n, k)
    known = {naive.least_form(delta) for delta in naive.all_partial_automata(n, k)}
    assert len(known) == CLASS_COUNTS[n, k]
    pairs = {
        (naive.least_form(with_none(delta)), form.tobytes())
        for delta, form in zip(deltas, canonical_forms(deltas), strict=True)
    }
    assert len(pairs) == len({form for _, form in pairs}) == len(known)


@pytest.mark.parametrize(("n", "k"), [(3, 4), (7, 2), (12, 1), (12, 2), (12, 3), (64, 1), (64, 2)])
def test_forms_of_random_ones(n: int, k: int) -> None:
    rng = np.random.default_rng(n)
    deltas = uniform_partial(200, n, k)
    forms = canonical_forms(deltas)
    for _ in range(3):
        renamed = np.stack([shuffled(delta, rng) for delta in deltas])
        assert np.array_equal(canonical_forms(renamed), forms)
    assert np.array_equal(canonical_forms(deltas, workers=2), forms)
    again = from_canonical(forms, n, k, partial=True)
    assert np.array_equal(canonical_forms(again), forms)
    assert np.array_equal(undefined_counts(again), undefined_counts(deltas))
    assert np.array_equal(np.sort(defects(again)), np.sort(defects(deltas)))
    assert np.array_equal(np.sum(forms == UNDEFINED, axis=1), undefined_counts(deltas))


def breadth_first(delta: Deltas, start: int, letters: tuple[int, ...]) -> list[int]:
    """The state-major string of the states met from `start`, numbered as they are met."""
    number = {UNDEFINED: UNDEFINED, start: 0}
    for state in (order := [start]):  # grows as we go
        for letter in letters:
            target = int(delta[letter, state])
            if target not in number:
                number[target] = len(order)
                order.append(target)
    return [number[int(delta[letter, state])] for state in order for letter in letters]


@settings(deadline=None)
@given(partials(max_n=6))
def test_the_form_where_a_state_reaches_all_others(delta: Deltas) -> None:
    k, n = delta.shape
    walks = [
        breadth_first(delta, start, letters)
        for start in range(n)
        for letters in permutations(range(k))
    ]
    whole = [walk for walk in walks if len(walk) == n * k]
    assert not whole or canonical_forms(delta[None])[0].tolist() == min(whole)


@settings(deadline=None)
@given(partials(max_n=5), st.data())
def test_equal_forms_are_isomorphism(delta: Deltas, data: st.DataObject) -> None:
    k, n = delta.shape
    other = rename(delta, *data.draw(renamings(n, k)))
    assert are_isomorphic(delta, other) and Automaton(delta).is_isomorphic(other)
    assert Automaton(delta).canonical() == Automaton(other).canonical()
    changed = data.draw(st.integers(0, k - 1)), data.draw(st.integers(0, n - 1))
    other[changed] = data.draw(st.sampled_from([*range(n), UNDEFINED]))
    same = naive.isomorphic(with_none(delta), with_none(other))
    assert are_isomorphic(delta, other) == same


@settings(deadline=None)
@given(partials(max_n=16, max_k=4), st.data())
def test_forms_do_not_depend_on_names(delta: Deltas, data: st.DataObject) -> None:
    k, n = delta.shape
    other = rename(delta, *data.draw(renamings(n, k)))
    forms = canonical_forms([delta, other])
    assert np.array_equal(forms[0], forms[1])


def test_undefined_is_no_trap() -> None:
    # with a trap the two would be isomorphic: sink and trap can be exchanged
    to_sink, undefined = "1 1 1|- 1 0", "- 1 -|1 1 0"
    completed = ["1 1 1 3|3 1 0 3", "3 1 3 3|1 1 0 3"]
    assert are_isomorphic(*completed)
    assert not are_isomorphic(to_sink, undefined)
    assert are_isomorphic("- -|0 1", "0 1|- -") and not are_isomorphic("- -|0 1", "0 -|- 1")


STATES = np.arange(12)
HOLES = np.full(12, UNDEFINED)
TIED = {
    "empty": HOLES[None],
    "empty twice": np.stack([HOLES, HOLES]),
    "empty and identity": np.stack([HOLES, STATES]),
    "identity here, identity there": np.stack(
        [np.where(STATES < 6, STATES, UNDEFINED), np.where(STATES < 6, UNDEFINED, STATES)]
    ),
    "edges": np.where(STATES % 2, UNDEFINED, STATES + 1)[None],
    "edges twice": np.stack([np.where(STATES % 2, UNDEFINED, STATES + 1)] * 2),
    "edges and back": np.stack(
        [np.where(STATES % 2, UNDEFINED, STATES ^ 1), np.where(STATES % 2, STATES ^ 1, UNDEFINED)]
    ),
    "paths of four": np.where(STATES % 4 == 3, UNDEFINED, STATES + 1)[None],
    "star": np.where(STATES, 0, UNDEFINED)[None],
    "into one of two, one letter each": np.stack(
        [np.where(STATES < 2, UNDEFINED, 0), np.where(STATES < 2, UNDEFINED, 1)]
    ),
    # each state q >= 4 stands for an edge between two of the states 0..3, which no letter leaves
    "cycle of four edges": np.array(
        [
            [UNDEFINED] * 4 + [0, 1, 2, 3] + [UNDEFINED] * 4,
            [UNDEFINED] * 4 + [1, 2, 3, 0] + [UNDEFINED] * 4,
        ]
    ),
    "two double edges": np.array(
        [
            [UNDEFINED] * 4 + [0, 0, 2, 2] + [UNDEFINED] * 4,
            [UNDEFINED] * 4 + [1, 1, 3, 3] + [UNDEFINED] * 4,
        ]
    ),
    "three letters": np.stack([HOLES, STATES ^ 1, np.where(STATES < 6, STATES, UNDEFINED)]),
}
"""Partial automata with many equal parts."""


@pytest.mark.parametrize("name", TIED)
def test_equal_parts(name: str) -> None:
    rng = np.random.default_rng(0)
    delta = TIED[name].astype(np.uint8)
    k, n = delta.shape
    forms = canonical_forms([delta, *(shuffled(delta, rng) for _ in range(20))])
    assert (forms == forms[0]).all()
    again = from_canonical(forms[:1], n, k, partial=True)
    assert np.array_equal(canonical_forms(again), forms[:1])
    same = [name for name, other in TIED.items() if are_isomorphic(delta, other.astype(np.uint8))]
    assert same == [name]


def test_complete_ones_in_a_batch_with_partial_ones() -> None:
    complete, partial = uniform(100, 6, 2), uniform_partial(100, 6, 2)
    partial[0, 0, 0] = UNDEFINED
    both = np.concatenate([complete, partial])
    forms = canonical_forms(both)
    assert np.array_equal(forms[:100], canonical_forms(complete))
    assert np.array_equal(automorphism_orders(both)[:100], automorphism_orders(complete))
    assert np.array_equal(class_flags(both)[:100], class_flags(complete))
    numbered = random_numberings(np.random.default_rng(0), both)
    assert np.array_equal(numbered[:100], random_numberings(np.random.default_rng(0), complete))


def test_rows_that_say_undefined_are_partial_only_if_asked_for() -> None:
    forms = canonical_forms(["1 -|0 0"])
    message = "^automaton 0, letter 1 is undefined on state 1: not complete$"
    with pytest.raises(AutomatonError, match=message):
        from_canonical(forms, 2, 2)
    assert from_canonical(forms, 2, 2, partial=True).tolist() == [[[0, 0], [1, UNDEFINED]]]
    with pytest.raises(AutomatonError, match="letter 1, state 1 leads to 254, outside 0..1"):
        from_canonical(forms - (forms == UNDEFINED), 2, 2, partial=True)


# --- automorphisms ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", TIED)
def test_automorphisms_of_equal_parts(name: str) -> None:
    orders = {
        "empty": 479001600,
        "empty twice": 479001600,
        "empty and identity": 479001600,
        "identity here, identity there": 720 * 720,
        "edges": 720,
        "edges twice": 720,
        "edges and back": 720,
        "paths of four": 6,
        "star": 39916800,
        "into one of two, one letter each": 3628800,
        "cycle of four edges": 4 * 24,
        "two double edges": 2 * 2 * 2 * 24,
        "three letters": (8 * 6) ** 2,
    }
    delta = TIED[name].astype(np.uint8)
    both = np.stack([delta, shuffled(delta, np.random.default_rng(0))])
    assert automorphism_orders(both).tolist() == [orders[name]] * 2


@settings(deadline=None)
@given(partials(max_n=6))
def test_automorphisms_as_in_plain_python(delta: Deltas) -> None:
    (order,) = automorphism_orders([delta])
    assert order == naive.automorphism_order(with_none(delta))


def test_automorphisms_of_twenty_states() -> None:
    five = validate_delta("1 2 3 - -|1 1 2 4 0", partial=True)
    four = np.stack([np.where(side == UNDEFINED, UNDEFINED, side) for side in five])
    assert automorphism_orders([four]).tolist() == [1]
    parts = [np.where(five == UNDEFINED, -1, five.astype(int)) for _ in range(4)]
    wide = np.concatenate(
        [np.where(part < 0, UNDEFINED, part + 5 * i) for i, part in enumerate(parts)], axis=1
    )
    assert automorphism_orders([wide]).tolist() == [24]


# --- numberings -------------------------------------------------------------------------------


@settings(deadline=None)
@given(partials(max_n=6))
def test_all_numberings(delta: Deltas) -> None:
    found = all_numberings([delta, delta])
    first, second = (found.deltas[found.sources == source] for source in (0, 1))
    assert Counter(one.tobytes() for one in first) == numberings(delta)
    assert np.array_equal(first, second)


@settings(deadline=None)
@given(partials(max_n=9, max_k=4), st.integers(0, 9))
def test_random_numberings(delta: Deltas, seed: int) -> None:
    numbered = random_numberings(np.random.default_rng(seed), [delta] * 10)
    assert (numbered.shape, numbered.dtype) == ((10, *delta.shape), np.uint8)
    assert (canonical_forms(numbered) == canonical_forms(delta[None])).all()
    assert (undefined_counts(numbered) == undefined_counts([delta])).all()
    if naive.is_initially_connected(with_none(delta)) and delta.shape[0] < 4:
        assert {one.tobytes() for one in numbered} <= numberings(delta).keys()


def test_starts_are_as_likely() -> None:
    # four states that all reach all along one letter; the other is undefined but on one of them
    delta = np.array([[1, 2, 3, 0], [UNDEFINED, UNDEFINED, 0, UNDEFINED]], np.uint8)
    expected = numberings(delta)
    assert len(expected) == 8
    found = Counter(map(bytes, random_numberings(np.random.default_rng(0), [delta] * 8000)))
    assert found.keys() == expected.keys()
    assert all(abs(count - 1000) < 5 * 1000**0.5 for count in found.values())


def test_numberings_of_many_states() -> None:
    path = np.append(np.arange(1, 255), UNDEFINED).astype(np.uint8)[None, None]  # n = 255
    assert np.array_equal(random_numberings(np.random.default_rng(0), path), path)
    assert np.array_equal(all_numberings(path).deltas, path)
    cycle = np.roll(np.arange(256, dtype=np.uint8), -1)[None, None]  # 255 is a state
    assert np.array_equal(random_numberings(np.random.default_rng(0), cycle), cycle)
    assert np.array_equal(all_numberings(cycle).deltas[:1], cycle)


# --- classes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "k"), [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)])
def test_classes_of_all_small_ones(n: int, k: int) -> None:
    check_partial_properties(every_partial(n, k))


@pytest.mark.parametrize(("n", "k", "count"), [(3, 2, 300), (3, 3, 150), (4, 2, 150), (3, 4, 60)])
def test_classes_of_random_ones(n: int, k: int, count: int) -> None:
    check_partial_properties(uniform_partial(count, n, k))


@settings(deadline=None, max_examples=60)
@given(partials(max_n=5))
def test_classes_of_odd_ones(delta: Deltas) -> None:
    check_partial_properties(delta[None])


def test_every_class_has_partial_automata_and_lacks_some() -> None:
    deltas = every_partial(3, 2)
    flags = class_flags(deltas[undefined_counts(deltas) > 0])
    for bit, name in enumerate(CLASSES):
        if name != "completely-reachable":  # for which there must be three letters
            assert 0 < (flags >> bit & 1).sum() < len(flags), name
    reachable = [[0, 0, 1], [0, 2, UNDEFINED], [1, 2, UNDEFINED]]  # one letter is total
    for letters, answer in ((reachable, True), (reachable[:2], False), (reachable[1:], False)):
        assert in_classes([letters], ["completely-reachable"]).tolist() == [answer]


@pytest.mark.parametrize("n", [2, 4, 5])
def test_completely_reachable_partial_automata(n: int) -> None:
    # the automaton of Černý; a partial letter alone moves the state that is missed
    cycle, merging = np.roll(np.arange(n), -1), np.arange(n)
    merging[-1] = 0
    partial_cycle = cycle.copy()
    partial_cycle[-1] = UNDEFINED
    for letters in ([cycle, merging], [merging, partial_cycle, cycle], [merging, partial_cycle]):
        delta = np.array(letters, np.uint8)
        (found,) = in_classes([delta], ["completely-reachable"])
        assert found == naive.is_completely_reachable(with_none(delta))


@pytest.mark.parametrize("workers", [1, 2])
def test_several_classes(workers: int) -> None:
    deltas = uniform_partial(2000, 4, 2)
    flags = class_flags(deltas, workers=workers)
    rng = np.random.default_rng(1)
    for size in (0, 1, 2, 3, 5):
        for _ in range(20):
            chosen = rng.choice(len(CLASSES), size, replace=False)
            negated = rng.random(size) < 0.5
            expected = np.ones(len(deltas), bool)
            for i, no in zip(chosen, negated, strict=True):
                expected &= (flags >> i & 1) != no
            names = [
                f"not-{CLASSES[i]}" if no else CLASSES[i]
                for i, no in zip(chosen, negated, strict=True)
            ]
            assert np.array_equal(in_classes(deltas, names, workers=workers), expected), names
    assert not in_classes(deltas, ["irreducible", "not-irreducible"]).any()
    assert in_classes(deltas[:0], ["synchronizing"]).shape == (0,)


@pytest.mark.parametrize("n", [20, 63, 64])
def test_many_states(n: int) -> None:
    cycle, merging = np.roll(np.arange(n), -1), np.arange(n)
    merging[-1] = 0
    broken = cycle.copy()
    broken[-1] = UNDEFINED
    empty = np.full(n, UNDEFINED)
    deltas = np.array([[cycle, merging], [cycle, empty], [broken, empty], [empty, empty]])
    expected = {
        "strongly-connected": [True, True, False, False],
        "initially-connected": [True, True, True, False],
        "sink": [False, False, True, True],
        "permutation-letter": [True, True, False, False],
        "eulerian": [False, True, False, False],
        "one-cluster": [True, True, False, False],
        "defect-2": [False] * 3 + [True],
        "basic": [True, True, True, False],
    }
    for name, answers in expected.items():
        assert in_classes(deltas, [name]).tolist() == answers, name
    assert defects(deltas).tolist() == [[0, 1], [0, n], [1, n], [n, n]]
    assert in_classes(deltas[1:], ["synchronizing"]).tolist() == [False] * 3
    if n == 20:
        assert in_classes(deltas[1:], ["aperiodic"]).tolist() == [False, True, True]
        assert in_classes(deltas[1:], ["completely-reachable"]).tolist() == [False] * 3
        assert automorphism_orders(deltas[1:3]).tolist() == [20, 1]
        assert "strongly-connected" in Automaton(deltas[1]).classes()


def test_irreducible_ones_need_each_letter() -> None:
    deltas = uniform_partial(400, 5, 3)
    found = are_irreducible(deltas)
    thresholds = careful_thresholds(deltas)
    fewer = [careful_thresholds(np.delete(deltas, letter, axis=1)) for letter in range(3)]
    assert np.array_equal(found, (thresholds >= 0) & (np.max(fewer, axis=0) < 0))
    assert 0 < found.sum() < 400


def with_twins(small: Deltas, n: int) -> Deltas:
    """With more states, each led where one of the first is: the same words are careful."""
    return small[:, :, np.arange(n) % small.shape[2]]


def test_irreducible_ones_of_many_states_are_proved_by_pairs_of_states() -> None:
    small = uniform_partial(400, 4, 3)
    truth = are_irreducible(small)
    assert np.array_equal(are_irreducible(with_twins(small, 20)), truth)
    found = are_irreducible(with_twins(small, 21))
    assert 0 < found.sum() <= truth.sum() and not (found & ~truth).any()
    two = uniform_partial(400, 4, 2)
    assert np.array_equal(are_irreducible(with_twins(two, 21)), are_irreducible(two))


@settings(deadline=None)
@given(partials(max_n=6))
def test_undefined_transitions_and_total_letters(delta: Deltas) -> None:
    table = with_none(delta)
    total = [None not in letter for letter in table]
    assert undefined_counts([delta]).tolist() == [sum(row.count(None) for row in table)]
    assert have_total_letter([delta]).tolist() == [any(total)]
    assert in_classes([delta], [have_total_letter]).tolist() == [any(total)]
    if naive.shortest_careful_word(table):
        assert any(total)


def test_counts_of_many_states() -> None:
    assert undefined_counts(np.full((1, 2, 256), 255)).tolist() == [0]  # 255 is a state
    assert have_total_letter(np.full((1, 1, 256), 255)).tolist() == [True]
    assert undefined_counts(np.full((1, 2, 255), 255)).tolist() == [510]
    assert undefined_counts(np.zeros((0, 2, 5), int)).shape == (0,)
    assert have_total_letter(np.zeros((0, 2, 5), int)).shape == (0,)


@pytest.mark.parametrize(
    "function",
    [
        rank,
        is_synchronizing,
        reset_threshold,
        lambda delta: Automaton(delta).cerny_bound,
        lambda delta: ranks([delta]),
        are_synchronizing,
    ],
)
def test_what_is_only_for_complete_automata(function: Callable[[Any], object]) -> None:
    message = "undefined on state 1: not complete$|'-' is undefined, not complete"
    argument = ["1 -|0 0"] if function is are_synchronizing else "1 -|0 0"
    with pytest.raises(AutomatonError, match=message) as refused:
        function(argument)
    assert "\n" not in str(refused.value)


def test_errors() -> None:
    with pytest.raises(SizeLimitError, match="^n=65 is over the limit of 64 states for canonical"):
        canonical_forms(np.full((1, 2, 65), UNDEFINED))
    with pytest.raises(SizeLimitError, match="^n=65 is over the limit of 64 states for classes"):
        are_strongly_connected(np.full((1, 2, 65), UNDEFINED))
    with pytest.raises(SizeLimitError, match="^n=21 is over the limit of 20 states for aperiodic"):
        in_classes(np.full((1, 2, 21), UNDEFINED), ["aperiodic"])
    with pytest.raises(AutomatonError, match="letter 0, state 1 leads to 254, outside 0..1"):
        canonical_forms([[[0, 254]]])
    with pytest.raises(ValueError, match=r"synchronizing has shape \(1,\), not \(2,\)"):
        class_flags(["1 -", "- -"], synchronizing=np.array([True]))
