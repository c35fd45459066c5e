"""All automata of a size up to isomorphism, or those with long reset thresholds alone.

Letter by letter and transition by transition, as Kisielewicz, Kowalski and Szykuła do
(arXiv 1607.04025); the kernel says how a partly defined automaton is cut. No bound rests on Černý's
conjecture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import permutations, product
from math import comb, factorial, gcd, prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.automaton import Deltas, SizeLimitError
from automata.canonical import CANONICAL_MAX_LETTERS, canonical_forms, from_canonical
from automata.kernels import enumeration as kernel
from automata.kernels import functional
from automata.parallel import results_in_order
from automata.row_index import hash_rows
from automata.solver import Thresholds, reset_thresholds

ENUMERATION_MAX_STATES = 11  # the pairs of states fit into 64 bits

BOUNDS = ("steps", "pairs", "reached", "alive")
"""What cuts a partly defined automaton once a word leads all states to r of them.

``steps``: a set of r states loses one within C(n-r+2, 2) letters (Frankl 1982, Pin 1983).
``pairs``: within t letters, and one for each pair not known to merge within t.
``reached``: that without the pairs contained in sets reached already, and one letter more.
``alive``: some pair can never merge.
"""

_BATCH = 1 << 16
_NODES = 1 << 22
"""About so many transitions are tried, some seconds, before the compiled search returns."""

Letters = npt.NDArray[np.int64]


class Found(NamedTuple):
    """Automata that an enumeration found."""

    deltas: Deltas
    """uint8 (found, k, n)"""
    reset_thresholds: Thresholds
    """int32 (found,), -1 for non-synchronizing automata"""
    nodes: int
    """Transitions tried: partly defined automata that the search looked at."""


class Enumeration:
    """An enumeration in work units that are independent of each other.

    A unit is a first letter, one of each type, and the first transitions of the second letter. The
    order of the units is fixed and shuffled: the share of them that is done estimates the share
    of the time.

    Parameters
    ----------
    n, k : int
        States, 1..11, and letters, 1..6.
    at_least : int
        The least threshold of interest; 0: all automata, the non-synchronizing included.
    bounds : sequence of str
        Which of `BOUNDS` cut the search; they do not change what is found.

    Raises
    ------
    SizeLimitError
        If n > 11 or k > 6.
    ValueError
        If n, k or at_least is too small, or a bound is unknown.

    Examples
    --------
    >>> enumeration = Enumeration(4, 2, at_least=9)
    >>> sum(len(found.deltas) for i in range(len(enumeration)) for found in enumeration.run(i))
    2
    """

    def __init__(
        self, n: int, k: int, *, at_least: int = 0, bounds: Sequence[str] = BOUNDS
    ) -> None:
        for name, value, least in [("n", n, 1), ("k", k, 1), ("at_least", at_least, 0)]:
            if value < least:
                raise ValueError(f"{name}={value} is not at least {least}")
        if n > ENUMERATION_MAX_STATES:
            raise SizeLimitError(f"n={n} is over the limit of {ENUMERATION_MAX_STATES} states")
        if k > CANONICAL_MAX_LETTERS:
            raise SizeLimitError(f"k={k} is over the limit of {CANONICAL_MAX_LETTERS} letters")
        for name in bounds:
            if name not in BOUNDS:
                raise ValueError(f"unknown bound {name!r}: one of {', '.join(BOUNDS)}")
        self.n, self.k, self.at_least = n, k, at_least
        self.planned_nodes = 0
        """Transitions tried to find the units; those of the units come on top."""
        self._transitions = (k - 1) * n
        # so many transitions of the second letter tell the units of one first letter apart
        self._prefix = min(1 if k == 2 and n < 10 else 2, max(0, self._transitions - 1))
        self._cuts = [int(name in bounds) for name in BOUNDS[1:]]
        self._steps = np.array(
            [comb(n - r + 2, 2) if "steps" in bounds and r > 1 else 1 << n for r in range(n + 1)]
        )
        self._orders = np.array([*permutations(range(k))][1:], np.int64).reshape(-1, k)
        self._firsts: list[Letters] = []
        self._groups: list[npt.NDArray[np.uint8]] = []
        self._units = self._plan()

    def __len__(self) -> int:
        return len(self._units)

    def run(self, index: int) -> Iterator[Found]:
        """Yield what a unit holds, one of each isomorphism class over all units together.

        Parameters
        ----------
        index : int
            0..len-1.

        Yields
        ------
        Found
            At most 2^16 automata at a time, not in canonical form; the last one may be empty.
        """
        number, prefix = self._units[index]
        first, group = self._firsts[number], self._groups[number]
        nothing = np.empty((0, self.k, self.n), np.uint8)
        for rows, nodes in self._search(first, group, prefix, self._transitions):
            if len(rows) == 0:  # nearly always, where thresholds are long
                yield Found(nothing, np.empty(0, np.int32), nodes)
                continue
            letters = rows.reshape(len(rows), self.k - 1, self.n)
            start = np.broadcast_to(first.astype(np.uint8), (len(rows), 1, self.n))
            deltas = np.concatenate([start, letters], axis=1)  # (batch, k, n)
            thresholds = reset_thresholds(deltas)
            if self.at_least > 0:
                keep = thresholds >= self.at_least
                deltas, thresholds = deltas[keep], thresholds[keep]
            yield Found(deltas, thresholds, nodes)

    def _plan(self) -> list[tuple[int, npt.NDArray[np.uint8]]]:
        """Return the units: the number of a first letter, and transitions of the second one."""
        # (n^3 - n) / 6 letters reset whatever synchronizes (Frankl 1982, Pin 1983)
        if self.at_least > (self.n**3 - self.n) // 6:
            return []
        units: list[tuple[int, npt.NDArray[np.uint8]]] = []
        nothing = np.empty(0, np.uint8)
        for letter in letter_types(self.n):
            cyclic = int(functional.shape(letter)) >> functional.CYCLIC_STATES
            # no later letter has fewer cyclic states: all would be permutations
            if self.at_least > 0 and cyclic == self.n > 1:
                continue
            first = _by_height(letter)
            if self.at_least > 0 and self.k > 1:
                # without the many automorphisms that the least promising letters have
                trivial = np.tile(np.arange(self.n, dtype=np.uint8), (2, 1, 1))
                if not any(len(rows) for rows, _ in self._search(first, trivial, nothing, 1)):
                    continue
            group = _automorphisms(first)
            for rows, nodes in self._search(first, group, nothing, self._prefix):
                units += [(len(self._firsts), row) for row in rows]
                self.planned_nodes += nodes
            self._firsts.append(first)
            self._groups.append(group)
        names = np.array([[*self._firsts[number], *row] for number, row in units], np.uint8)
        order = np.argsort(hash_rows(names.reshape(len(units), -1)), kind="stable")
        return [units[i] for i in order]

    def _search(
        self, first: Letters, group: npt.NDArray[np.uint8], prefix: npt.NDArray[np.uint8], end: int
    ) -> Iterator[tuple[npt.NDArray[np.uint8], int]]:
        """Yield rows of transitions 0..end-1 of the later letters, and the transitions tried."""
        if end == 0:  # no later letter, or work units without a prefix
            yield np.empty((1, 0), np.uint8), 0
            return
        top = len(prefix)
        options = np.array([self.k, self.at_least, top, end, *self._cuts, _NODES])
        position = np.zeros(self._transitions, np.uint8)
        position[:top] = prefix
        progress = np.array([0, top, 0])
        rows = np.empty((_BATCH, end), np.uint8)
        while not progress[0]:
            before = int(progress[2])
            found = kernel.enumerate_part(
                first, group, self._orders, self._steps, options, position, rows, progress
            )
            yield rows[:found].copy(), int(progress[2]) - before


def enumerate_automata(
    n: int, k: int, *, at_least: int = 0, bounds: Sequence[str] = BOUNDS, workers: int = 1
) -> Found:
    """Return all automata of a size whose threshold is at least a value.

    Parameters
    ----------
    n, k : int
        States, 1..11, and letters, 1..6.
    at_least : int
        The least threshold of interest; 0: all automata, the non-synchronizing included.
    bounds : sequence of str
        Which of `BOUNDS` cut the search; they do not change what is found.
    workers : int
        Threads; the result does not depend on them.

    Returns
    -------
    Found
        In canonical form, by falling threshold, then by canonical form.

    Raises
    ------
    SizeLimitError, ValueError
        As `Enumeration`.

    Examples
    --------
    >>> enumerate_automata(4, 2, at_least=8).reset_thresholds.tolist()
    [9, 9, 8, 8, 8, 8, 8]
    """
    enumeration = Enumeration(n, k, at_least=at_least, bounds=bounds)
    nodes = enumeration.planned_nodes
    forms = [np.empty((0, n * k), np.uint8)]
    thresholds = [np.empty(0, np.int32)]
    units = results_in_order(lambda i: [*enumeration.run(i)], range(len(enumeration)), workers)
    for unit in units:
        for found in unit:
            nodes += found.nodes
            if len(found.deltas):
                forms.append(canonical_forms(found.deltas))
                thresholds.append(found.reset_thresholds)
    rows, labels = np.concatenate(forms), np.concatenate(thresholds)
    order = np.lexsort([*rows.T[::-1], -labels])
    return Found(from_canonical(rows[order], n, k), labels[order], nodes)


def count_classes(n: int, k: int) -> int:
    """Return how many automata there are up to renaming states and permuting letters.

    By Burnside's lemma: the mean over all renamings s and permutations p of the number of automata
    that they leave as they are. A cycle of m letters of p is left so if its first letter commutes
    with the m-th power of s.

    Parameters
    ----------
    n, k : int
        States and letters, at least 1.

    Examples
    --------
    >>> [count_classes(n, 2) for n in range(1, 8)]
    [1, 7, 74, 1474, 41876, 1540696, 68343112]
    """
    total = 0
    for states, letters in product(_partitions(n), _partitions(k)):
        fixed = prod(_commuting(states, m) for m in letters)
        total += fixed * _arrangements(states) * _arrangements(letters)
    return total // (factorial(n) * factorial(k))


def letter_types(n: int) -> Letters:
    """Return one letter of each type: each function of n states up to renaming the states.

    Permutations, and functions of n-1 states with one state more that no state leads to.

    Examples
    --------
    >>> letter_types(2).tolist()
    [[0, 0], [0, 1], [1, 0]]
    """
    types = np.empty((0, 0), np.int64)
    for m in range(1, n + 1):
        letters = [[*letter, q] for letter in types.tolist() for q in range(m - 1)]
        for cycles in _partitions(m):
            starts = np.repeat(np.cumsum([0, *cycles[:-1]]), cycles)
            lengths = np.repeat(cycles, cycles)
            letters.append((starts + (np.arange(m) - starts + 1) % lengths).tolist())
        forms = canonical_forms(np.array(letters)[:, None, :])
        types = np.unique(forms, axis=0).astype(np.int64)
    shapes = np.empty(len(types), np.int64)
    fingerprints = np.empty(len(types), np.uint64)
    functional.describe(types, shapes, fingerprints, np.empty(types.shape, np.uint64))
    if len({*zip(shapes.tolist(), fingerprints.tolist(), strict=True)}) < len(types):
        raise RuntimeError(f"two types of letters with n={n} have the same fingerprint")
    return types


def _by_height(letter: Letters) -> Letters:
    """Rename the states: those that long words lead to first, cycles from short to long.

    A later letter is defined for the states in their order. So it soon leads on what powers of
    the first letter leave of the states.
    """
    n = len(letter)
    heights = np.zeros(n, np.int64)
    states = np.arange(n)
    for height in range(1, n + 1):
        states = np.unique(letter[states])
        heights[states] = height
    cycles = []
    for start in range(n):
        cycle = [start]
        while letter[cycle[-1]] != start and len(cycle) < n:
            cycle.append(int(letter[cycle[-1]]))
        if letter[cycle[-1]] == start == min(cycle):
            cycles.append(cycle)
    order = [q for cycle in sorted(cycles, key=len) for q in cycle]
    order += [q for q in np.argsort(-heights, kind="stable").tolist() if q not in order]
    return np.asarray(np.argsort(order)[letter[order]])


def _automorphisms(letter: Letters) -> npt.NDArray[np.uint8]:
    """Return the renamings of the states that keep a letter, and their inverses: (2, order, n).

    The identity is the first one.
    """
    n = len(letter)
    colours = np.empty(n, np.uint64)
    functional.colour(letter, colours)
    names = np.empty((1, 0), np.int64)  # (renamings, states named)
    for q in range(n):
        longer = []
        for name in np.flatnonzero(colours == colours[q]).tolist():
            fits = (names != name).all(axis=1)
            if letter[q] < q:
                fits &= names[:, letter[q]] == letter[name]
            elif letter[q] == q:
                fits &= letter[name] == name
            for p in np.flatnonzero(letter[:q] == q).tolist():
                fits &= letter[names[:, p]] == name
            rows = names[fits]
            longer.append(np.column_stack([rows, np.full(len(rows), name)]))
        names = np.concatenate(longer)
    names = names[np.lexsort(names.T[::-1])].astype(np.uint8)
    return np.stack([names, np.argsort(names, axis=1).astype(np.uint8)])


def _partitions(total: int, largest: int | None = None) -> Iterator[list[int]]:
    """Yield the ways to write a number as a sum of falling numbers: the types of permutations."""
    if total == 0:
        yield []
    for part in range(min(total, largest or total), 0, -1):
        for rest in _partitions(total - part, part):
            yield [part, *rest]


def _arrangements(cycles: list[int]) -> int:
    """Count the permutations with cycles of given lengths."""
    same = prod(factorial(count) for count in Counter(cycles).values())
    return factorial(sum(cycles)) // (prod(cycles) * same)


def _commuting(cycles: list[int], power: int) -> int:
    """Count the functions that commute with a power of a permutation with given cycles.

    Each cycle of it goes to one whose length divides its own, in as many ways as that is long.
    """
    lengths = [length // gcd(length, power) for length in cycles for _ in range(gcd(length, power))]
    return prod(sum(other for other in lengths if length % other == 0) for length in lengths)
