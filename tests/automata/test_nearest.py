"""The nearest known automaton, against all renamings and by changes that are known."""

from itertools import permutations, product

import numpy as np
import pytest

from automata import UNDEFINED, parse_delta
from automata import nearest as module
from automata.identification import known
from automata.nearest import Nearest, nearest_of


def distance(one: np.ndarray, other: np.ndarray) -> int:
    """The number of transitions that differ, the least over all renamings."""
    k, n = one.shape
    return min(
        sum(
            other[letters[a]][names[q]] != (names[t] if (t := one[a][q]) != UNDEFINED else t)
            for a, q in product(range(k), range(n))
        )
        for names in permutations(range(n))
        for letters in permutations(range(k))
    )


@pytest.mark.parametrize("n,k,partial", [(3, 2, False), (3, 2, True), (4, 2, False), (3, 3, False)])
def test_distances_are_those_of_all_renamings(n: int, k: int, partial: bool) -> None:
    rng = np.random.default_rng([n, k, partial])
    pairs = rng.integers(0, n + partial, (12, 2, k, n)).astype(np.uint8)
    pairs[pairs == n] = UNDEFINED
    for one, other in pairs:
        assert nearest_of(one, [("other", other)]) == Nearest(distance(one, other), ("other",))


def test_all_nearest_are_named_and_copies_once() -> None:
    one = parse_delta("1 2 0|0 1 0")
    same = parse_delta("0 2 2|1 2 0")
    far = parse_delta("0 0 0|0 0 0")
    assert distance(one, same) == 0
    assert nearest_of(one, [("far", far), ("same", same), ("again", one)]).names == ("same",)
    near = [("a", parse_delta("1 2 1|0 1 0")), ("b", parse_delta("1 2 0|0 1 1"))]
    assert nearest_of(one, [*near, ("far", far)]) == Nearest(1, ("a", "b"))


@pytest.mark.parametrize("n", [9, 12])
def test_changed_members_of_families_are_found_again(n: int) -> None:
    rng = np.random.default_rng(n)
    for changes in (0, 1, 2):
        delta = known(n, 2)[2][1].copy()  # W
        places = rng.choice(2 * n, changes, replace=False)
        delta.reshape(-1)[places] = (delta.reshape(-1)[places] + 1) % n
        found = nearest_of(rng.permuted(delta, axis=0), known(n, 2))
        assert found.changes <= changes and found.names
        assert changes or found.names == ("W",)


def test_a_partial_automaton_has_complete_and_partial_relatives() -> None:
    every = known(5, 2)[:4] + known(5, 2, partial=True)
    for text in ("0 1 2 3 -|1 2 3 4 0", "1 2 3 4 -|1 1 2 3 0", "1 2 3 - -|1 2 2 4 0"):
        lengths = {name: distance(parse_delta(text, partial=True), own) for name, own in every}
        least = min(lengths.values())
        names = tuple(name for name, length in lengths.items() if length == least)
        assert nearest_of(text, every) == Nearest(least, names)


def test_a_search_that_grows_too_large_says_what_it_excludes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    far = "1 3 0 5 2 2|4 0 0 1 3 3"
    monkeypatch.setattr(module, "_MOST_FORMS", 500)
    assert nearest_of(far, known(6, 2)[:1]) == Nearest(3, ())
    assert nearest_of(far, known(6, 2)) == Nearest(2, ())
    with pytest.raises(ValueError, match="no automaton of this size"):
        nearest_of(far, [])
