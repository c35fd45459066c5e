"""Automata that several tests look at: all of a size, random ones, and some with a structure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from automata.deltas import UNDEFINED, Deltas, state_dtype
from automata.identification import known
from tests.strategies import rename

Edges = Sequence[tuple[int, int]]

CAREFUL_COUNTS = {
    (2, 2): {-1: 49, 1: 32},
    (3, 2): {-1: 2761, 1: 375, 2: 840, 3: 96, 4: 24},
    (4, 2): dict(
        zip(
            [-1, *range(1, 10)],
            [268737, 4984, 53208, 45216, 9216, 6192, 1920, 816, 240, 96],
            strict=True,
        )
    ),
    (2, 3): {-1: 343, 1: 386},
    (3, 3): {-1: 129559, 1: 35163, 2: 81114, 3: 13248, 4: 3060},
}
"""Labelled tables by careful threshold, counted by another program."""


def every(n: int, k: int) -> Deltas:
    """Every automaton of a size in lexicographic order, uint8 (n^(n k), k, n)."""
    entries = np.unravel_index(np.arange(n ** (n * k)), (n,) * (n * k))
    return np.stack(entries, axis=1).astype(np.uint8).reshape(-1, k, n)


def every_partial(n: int, k: int) -> Deltas:
    """Every partial automaton of a size, uint8 ((n + 1)^(n k), k, n), complete ones among them."""
    entries = np.unravel_index(np.arange((n + 1) ** (n * k)), (n + 1,) * (n * k))
    targets = np.stack(entries, axis=1).reshape(-1, k, n)
    return np.where(targets == n, UNDEFINED, targets).astype(np.uint8)


def uniform_partial(count: int, n: int, k: int) -> Deltas:
    """Random partial automata, the same ones each time.

    Undefined nowhere, here and there, almost everywhere, on a whole letter, on a whole state.
    """
    rng = np.random.default_rng([n, k, 1])
    deltas = rng.integers(0, n, (count, k, n), dtype=np.uint8)
    shares = rng.choice([0, 0.02, 0.1, 0.4, 0.9, 1], (count, 1, 1))
    deltas[rng.random(deltas.shape) < shares] = UNDEFINED
    deltas[1::4, 0] = rng.permuted(np.tile(np.arange(n, dtype=np.uint8), (count, 1)), axis=1)[1::4]
    deltas[2::4, 0] = rng.integers(0, n, (count, n))[2::4]
    deltas[3::16, -1] = UNDEFINED
    deltas[5::16, :, 0] = UNDEFINED
    return deltas


def uniform(count: int, n: int, k: int) -> Deltas:
    """Random automata, the same ones each time."""
    return np.random.default_rng([n, k]).integers(0, n, (count, k, n), dtype=state_dtype(n))


def changed(n: int, count: int, changes: int) -> Deltas:
    """Automata that differ from a slowly synchronizing one in a few transitions."""
    rng = np.random.default_rng([n, changes])
    families = [delta for _, delta in known(n, 2)]
    deltas = np.stack([families[i % len(families)] for i in range(count)])
    for delta in deltas:
        for _ in range(changes):
            delta[rng.integers(2), rng.integers(n)] = rng.integers(n)
    return deltas


def cerny(n: int, k: int = 2) -> Deltas:
    """Černý's automaton C_n (1964), further letters being identities."""
    delta = np.tile(np.arange(n, dtype=state_dtype(n)), (k, 1))  # (k, n)
    delta[0] = np.roll(delta[0], -1)
    delta[1, -1] = 0
    return delta


def side_by_side(*parts: Deltas) -> Deltas:
    """One automaton whose states are those of all parts; no two parts ever meet."""
    starts = np.cumsum([0, *(part.shape[1] for part in parts)])
    sides = [part.astype(int) + start for part, start in zip(parts, starts, strict=False)]
    return np.concatenate(sides, axis=1).astype(state_dtype(int(starts[-1])))


def incidence(edges: Edges, n: int, rng: np.random.Generator | None = None) -> Deltas:
    """A graph as an automaton: vertices stay, each edge is a state whose letters lead to its ends.

    With `rng` each edge gets its ends in random order.
    """
    delta = np.tile(np.arange(n, dtype=np.uint8), (2, 1))
    for state, edge in enumerate(edges, start=n - len(edges)):
        delta[:, state] = edge if rng is None else rng.permutation(edge)
    return delta


def shuffled(delta: Deltas, rng: np.random.Generator) -> Deltas:
    """The same automaton with its states and letters in random order."""
    k, n = delta.shape
    return rename(delta, rng.permutation(n).tolist(), rng.permutation(k).tolist())


def with_none(delta: Deltas) -> list[list[int | None]]:
    """Nested lists, None where a letter is undefined, as `tests.naive` takes partial automata."""
    return [[None if q == UNDEFINED else q for q in row] for row in delta.tolist()]


def p_family(n: int, c: int) -> Deltas:
    """The family of Cambie, de Bondt and Don (arXiv:2108.13927) with the longest words known."""
    m = n - c
    delta = np.full((2, n), UNDEFINED, np.uint8)
    delta[0, : m - 1] = np.arange(1, m)
    delta[1] = np.arange(n)
    chain = [m - 1, *range(m, n), 0, 1]
    delta[1, chain[:-1]] = chain[1:]
    return delta
