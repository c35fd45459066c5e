"""Properties: each against its definition, what renaming keeps, and known maxima of classes."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automata import SizeLimitError, canonical_forms, from_canonical, reset_thresholds
from automata.classes import CLASSES, check_classes, check_restriction
from automata.deltas import Deltas
from automata.families import FAMILIES
from automata.invariants import automorphism_orders, defects, ranks
from automata.properties import (
    are_aperiodic,
    are_completely_reachable,
    are_initially_connected,
    are_irreducible,
    are_one_cluster,
    are_strongly_connected,
    class_flags,
    have_sink,
    in_classes,
)
from automata.sampling import sample_uniform
from tests import naive
from tests.automata.definitions import DEFINITIONS, FUNCTIONS, check_properties
from tests.automata.examples import every, every_partial, side_by_side, uniform
from tests.counts import COUNTS
from tests.strategies import automata, rename

# the largest thresholds of binary automata of some classes, for the n from the least n on
MAXIMA = [
    (("eulerian",), 3, (2, 5, 10, 14)),
    (("sink",), 3, (3, 6, 9, 13)),
    (("not-permutation-letter",), 4, (7, 14, 21)),
    (("defect-2",), 4, (2, 8, 17)),
    (("aperiodic",), 4, (3, 5, 6)),
]


def one_of_each_class(n: int, k: int) -> Deltas:
    deltas = every(n, k)
    parts = np.array_split(deltas, 1 + len(deltas) // 2**20)
    forms = [np.unique(canonical_forms(part), axis=0) for part in parts]
    return from_canonical(np.unique(np.concatenate(forms), axis=0), n, k)


def test_every_class_is_defined() -> None:
    assert (*DEFINITIONS,) == CLASSES
    assert set(CLASSES) - set(FUNCTIONS) == {"defect-2", "synchronizing"}


@pytest.mark.parametrize(
    ("n", "k"), [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 1)]
)
def test_every_small_automaton(n: int, k: int) -> None:
    check_properties(every(n, k))


@pytest.mark.parametrize(("n", "k", "count"), [(4, 2, 400), (4, 3, 200), (5, 2, 100), (3, 4, 100)])
def test_random_automata(n: int, k: int, count: int) -> None:
    check_properties(uniform(count, n, k))


@pytest.mark.exhaustive
def test_every_binary_automaton_of_four_states() -> None:
    check_properties(every(4, 2))


@given(automata(max_n=6))
def test_odd_automata(delta: Deltas) -> None:
    check_properties(delta[None])
    assert ranks(delta[None]).tolist() == [naive.rank(delta.tolist())]


@given(automata(max_n=11, max_k=4), st.integers(0, 2**32))
def test_renaming_changes_nothing(delta: Deltas, seed: int) -> None:
    k, n = delta.shape
    rng = np.random.default_rng(seed)
    renamed = rename(delta, rng.permutation(n).tolist(), rng.permutation(k).tolist())
    both = np.stack([delta, renamed])
    for answers in (class_flags(both), ranks(both), automorphism_orders(both)):
        assert answers[0] == answers[1]


@pytest.mark.parametrize("n", [3, 4, pytest.param(5, marks=pytest.mark.exhaustive)])
def test_counts_and_maxima(n: int) -> None:
    check_counts_and_maxima(n, one_of_each_class(n, 2))


@pytest.mark.exhaustive
def test_counts_and_maxima_of_six_states() -> None:
    from automata.enumeration import enumerate_automata

    check_counts_and_maxima(6, enumerate_automata(6, 2).deltas)


def check_counts_and_maxima(n: int, deltas: Deltas) -> None:
    thresholds = reset_thresholds(deltas)
    table = COUNTS[f"binary_n{n}"]
    connected, irreducible = are_strongly_connected(deltas), are_irreducible(deltas)
    assert (len(deltas), connected.sum()) == (table["total"], table["strongly_connected"])
    for threshold, counts in table["per_reset_threshold"].items():
        of_it = thresholds == int(threshold)
        assert of_it.sum() == counts["all"]
        assert (of_it & connected).sum() == counts["sc"]
        assert (of_it & irreducible).sum() == counts["irr"]
        assert (of_it & connected & irreducible).sum() == counts["irrsc"]
    for classes, least, maxima in MAXIMA:
        if n >= least:
            assert thresholds[in_classes(deltas, classes)].max() == maxima[n - least], classes


@pytest.mark.parametrize("n", [3, 4, 7, 12])
def test_cerny(n: int) -> None:
    delta = FAMILIES[0].delta(n)[None]
    names = {name for i, name in enumerate(CLASSES) if class_flags(delta)[0] >> i & 1}
    assert names == set(CLASSES) - {"sink", "defect-2", "eulerian", "aperiodic"}
    assert automorphism_orders(delta).tolist() == ranks(delta).tolist() == [1]
    assert defects(delta).tolist() == [[1, 0]]


@pytest.mark.parametrize("n", [1, 2, 9, 20])
def test_known_automorphisms(n: int) -> None:
    states = np.arange(n, dtype=np.uint8)
    assert automorphism_orders([[states, states]]).tolist() == [factorial(n)]
    assert automorphism_orders([[states * 0]]).tolist() == [factorial(n - 1)]
    assert automorphism_orders([[np.roll(states, 1), states]]).tolist() == [n]


def test_automorphisms_of_components() -> None:
    cerny, cycle = FAMILIES[0].delta(5), np.array([[1, 2, 0], [1, 2, 0]], np.uint8)
    assert automorphism_orders(side_by_side(*[cerny] * 4)[None]).tolist() == [24]
    assert automorphism_orders(side_by_side(*[cycle] * 6)[None]).tolist() == [3**6 * 720]
    assert automorphism_orders(side_by_side(cycle, cerny, cycle)[None]).tolist() == [18]
    # both letters from each edge to its ends, one way round each: K4 keeps 3 of its 24
    edges = [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)]
    ends = [[*range(4), *(edge[side] for edge in edges)] for side in (0, 1)]
    k4 = np.array(ends, np.uint8)
    assert automorphism_orders(k4[None]).tolist() == [3]
    assert automorphism_orders(side_by_side(k4, k4)[None]).tolist() == [18]


def test_twenty_states() -> None:
    states = np.arange(20, dtype=np.uint8)
    cycle, merging, step = np.roll(states, -1), states.copy(), np.maximum(states, 1) - 1
    merging[-1] = 0
    deltas = np.stack([[cycle, merging], [step, states], [cycle, states // 2 * 2]])
    assert are_completely_reachable(deltas).tolist() == [True, False, False]
    assert are_aperiodic(deltas).tolist() == [False, True, False]
    # steps down and up keep the order, so that no word permutes anything
    up = np.minimum(states + 1, 19)
    assert are_aperiodic([[step, up.astype(np.uint8)]]).tolist() == [True]


@pytest.mark.parametrize("workers", [1, 3])
def test_batches(workers: int) -> None:
    deltas = np.tile(uniform(50, 4, 2), (1400, 1, 1))
    order = np.random.default_rng(0).permutation(len(deltas))
    for function in (class_flags, ranks, defects, automorphism_orders):
        few = function(deltas[:50])
        assert np.array_equal(function(deltas, workers=workers), np.concatenate([few] * 1400))
        assert np.array_equal(function(deltas[order], workers=workers), few[order % 50])
        assert len(function(np.zeros((0, 2, 5), int), workers=workers)) == 0


def test_several_classes() -> None:
    deltas = uniform(3000, 4, 2)
    deltas.flags.writeable = False
    flags = class_flags(deltas)
    rng = np.random.default_rng(1)
    for size in (0, 1, 2, 3, 5):
        for _ in range(20):
            chosen = rng.choice(len(CLASSES), size, replace=False)
            negated = rng.random(size) < 0.5
            classes = [
                f"not-{CLASSES[i]}" if no else CLASSES[i]
                for i, no in zip(chosen, negated, strict=True)
            ]
            expected = np.ones(len(deltas), bool)
            for i, no in zip(chosen, negated, strict=True):
                expected &= (flags >> i & 1) != no
            assert np.array_equal(in_classes(deltas, classes), expected), classes
    assert not in_classes(deltas, ["sink", "not-sink"]).any()
    assert in_classes(deltas, ["sink", "sink"]).sum() == have_sink(deltas).sum() > 0


@pytest.mark.parametrize("n", [21, 63, 64])
def test_many_states(n: int) -> None:
    states = np.arange(n)
    cycle, merging = np.roll(states, -1), states.copy()
    merging[-1] = 0
    deltas = np.array([[cycle, merging], [states // 2, states], [states * 0, states // 2 * 2]])
    assert are_strongly_connected(deltas).tolist() == [True, False, False]
    assert are_initially_connected(deltas).tolist() == [True, False, False]
    assert are_irreducible(deltas).tolist() == [True, False, False]
    assert have_sink(deltas).tolist() == [False, True, True]
    assert are_one_cluster(deltas).tolist() == [True, True, True]
    assert defects(deltas).tolist() == [[0, 1], [n // 2, 0], [n - 1, n // 2]]
    assert in_classes(deltas, ["synchronizing"]).all()


def test_errors() -> None:
    with pytest.raises(ValueError, match="unknown class 'zero': one of synchronizing, .*not-NAME"):
        check_classes(["sink", "zero"])
    for other in (None, 7, ["sink"]):
        with pytest.raises(ValueError, match=r"^unknown class (None|7|\['sink'\]): one of [^\n]*$"):
            check_classes([other])
    with pytest.raises(ValueError, match="classes='sink' is one text, not a sequence of names"):
        in_classes([[[0]]], "sink")
    with pytest.raises(ValueError, match="unknown class 'not-not-sink'"):
        in_classes([[[0]]], ["not-not-sink"])
    with pytest.raises(ValueError, match=r"synchronizing has shape \(1,\), not \(2,\)"):
        class_flags([[[0]], [[0]]], synchronizing=np.array([True]))
    for function in (are_aperiodic, are_completely_reachable, automorphism_orders, class_flags):
        with pytest.raises(SizeLimitError, match="n=21 is over the limit of 20 states"):
            function(np.zeros((1, 1, 21), int))
    with pytest.raises(SizeLimitError, match="n=21 .* for aperiodic"):
        in_classes(np.zeros((1, 1, 21), int), ["sink", "not-aperiodic"])
    for other in (are_strongly_connected, defects, have_sink):
        with pytest.raises(SizeLimitError, match="n=65 is over the limit of 64 states"):
            other(np.zeros((1, 1, 65), int))
    assert ranks(np.zeros((1, 1, 300), int)).tolist() == [1]


def test_functions_are_classes_too() -> None:
    deltas = sample_uniform(np.random.default_rng(0), 300, 4, 2)
    seen = []

    def few_loops(given: Deltas) -> np.ndarray:
        seen.append(given.copy())
        few = (given == np.arange(4)).sum((1, 2)) <= 1
        given[:] = 0  # it has a copy
        return np.asarray(few)

    before = deltas.copy()
    expected = (deltas == np.arange(4)).sum((1, 2)) <= 1
    assert np.array_equal(in_classes(deltas, [few_loops]), expected)
    strong = are_strongly_connected(deltas)
    both = in_classes(deltas, [few_loops, "strongly-connected"])
    assert np.array_equal(both, expected & strong)
    assert np.array_equal(seen[1], deltas[strong])  # names come first
    assert np.array_equal(deltas, before)
    assert in_classes(deltas[:0], [lambda given: 1 / 0]).shape == (0,)  # nothing to decide
    for wrong in (lambda given: given, lambda given: True, lambda given: [0] * len(given)):
        with pytest.raises(ValueError, match=r"^<lambda> returns \w+ of shape .*, not bool \(300,"):
            in_classes(deltas, [wrong])


def test_classes_that_exclude_each_other_have_no_automaton_in_common() -> None:
    names = [name for own in (*CLASSES, "cycle-1", "cycle-2") for name in (own, f"not-{own}")]
    excluding = set()
    for pair in combinations(names, 2):
        for order in (pair, pair[::-1]):
            try:
                check_restriction(order, 3)
            except ValueError as error:
                assert str(error) == f"the classes {order[0]} and {order[1]} exclude each other"
                excluding.add(pair)
    assert ("sink", "not-sink") in excluding and ("strongly-connected", "sink") in excluding
    assert ("sink", "eulerian") in excluding and ("aperiodic", "cycle-2") in excluding
    for deltas in (every(2, 2), every(3, 2), every_partial(3, 2)):
        members = {name: in_classes(deltas, [name]) for name in names}
        for one, other in excluding:
            assert not (members[one] & members[other]).any(), (one, other)
    check_restriction(["sink", "strongly-connected"], 1)
    with pytest.raises(ValueError, match="the classes sink and not-sink exclude each other"):
        check_restriction(["synchronizing", "sink", "not-sink"], 1)
    with pytest.raises(SizeLimitError, match="n=21"):
        check_restriction(["aperiodic"], 21)
