"""Hypothesis strategies: automata, and renamings of their states and letters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from automata.deltas import UNDEFINED, Deltas

Renaming = tuple[list[int], list[int]]


def _rows(n: int) -> st.SearchStrategy[list[int]]:
    """One letter: any map, or one of the structured ones that random maps seldom are."""
    states = st.integers(0, n - 1)
    return st.one_of(
        st.lists(states, min_size=n, max_size=n),
        st.permutations(range(n)),
        states.map(lambda target: [target] * n),  # constant
        st.just(list(range(n))),  # identity
        st.just([(q + 1) % n for q in range(n)]),  # cycle
        st.lists(st.booleans(), min_size=n, max_size=n).map(  # a step towards 0, or none
            lambda steps: [max(q - step, 0) for q, step in enumerate(steps)]
        ),
    )


@st.composite
def automata(draw: st.DrawFn, max_n: int = 8, max_k: int = 3, min_n: int = 1) -> Deltas:
    """One automaton, uint8 (k, n): repeated letters and several components included."""
    n = draw(st.integers(min_n, max_n))
    k = draw(st.integers(1, max_k))
    # two components side by side, states 0..cut-1 and cut..n-1; one where cut is 0
    cut = draw(st.just(0) | st.integers(0, n - 1))
    rows: list[list[int]] = []
    for _ in range(k):
        if rows and draw(st.integers(0, 5)) == 0:
            rows.append(draw(st.sampled_from(rows)))
        else:
            below = draw(_rows(cut)) if cut else []
            rows.append([*below, *(cut + target for target in draw(_rows(n - cut)))])
    delta = np.array(rows, dtype=np.uint8)  # (k, n)
    return rename(delta, draw(st.permutations(range(n))), range(k)) if cut else delta


@st.composite
def partials(draw: st.DrawFn, max_n: int = 8, max_k: int = 3) -> Deltas:
    """One automaton, uint8 (k, n): undefined nowhere, here and there, on a letter, on a state."""
    delta = draw(automata(max_n, max_k))
    k, n = delta.shape
    holes = draw(st.lists(st.tuples(st.integers(0, k - 1), st.integers(0, n - 1)), max_size=2 * n))
    for letter, state in holes:
        delta[letter, state] = UNDEFINED
    if draw(st.integers(0, 5)) == 0:
        delta[draw(st.integers(0, k - 1))] = UNDEFINED
    if draw(st.integers(0, 5)) == 0:
        delta[:, draw(st.integers(0, n - 1))] = UNDEFINED
    return delta


def renamings(n: int, k: int) -> st.SearchStrategy[Renaming]:
    """A permutation of n states and one of k letters, for `rename`."""
    return st.tuples(st.permutations(range(n)), st.permutations(range(k)))


def rename(delta: Deltas, states: Sequence[int], letters: Sequence[int]) -> Deltas:
    """The automaton whose letter a is the old letter ``letters[a]``, state q now ``states[q]``."""
    names = np.full(256, UNDEFINED, np.uint8)  # undefined stays so
    names[: len(states)] = states
    renamed = np.empty_like(delta)  # (k, n)
    renamed[:, names[: len(states)]] = names[delta[list(letters)]]
    return renamed
