"""All automata of a size up to isomorphism, or only those with long reset thresholds.

The search defines automata letter by letter and transition by transition, as Kisielewicz, Kowalski
and Szykuła do (arXiv 1607.04025), and cuts partly defined ones by `BOUNDS`. No bound rests on
Černý's conjecture. Partial automata are enumerated in the same way, with careful thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, permutations
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.canonical import canonical_forms, from_canonical
from automata.class_cuts import cuts_of
from automata.classes import Predicate, check_classes
from automata.deltas import UNDEFINED, Deltas
from automata.errors import SizeLimitError
from automata.kernels import enumeration as kernel
from automata.kernels import functional, partial_enumeration
from automata.letter_types import Letters, automorphisms, by_height, letter_types
from automata.properties import in_classes
from automata.row_index import hash_rows
from automata.sizes import (
    CANONICAL_MAX_LETTERS,
    COMPLETE_MAX_STATES,
    ENUMERATION_MAX_STATES,
    highest_threshold,
)
from automata.solver.either import thresholds_of
from automata.solver.exact import Thresholds
from automata.units import Split, results_of_units, threads

BOUNDS = ("steps", "pairs", "reached", "alive")
"""The bounds that cut a partly defined automaton.

The first three bound the letters that take a set of r states to r-1 states. ``steps``: C(n-r+2, 2)
letters suffice (Frankl 1982, Pin 1983). ``pairs``: t letters suffice, plus one for each set of r
states in a longest sequence of such sets, each with a pair of its own that is not known to merge
within t letters. ``reached``: of some set reached so far no more pairs matter than those that are
neither known to merge within t letters nor contained in a set reached. ``alive`` cuts where some
pair can never merge.

For partial automata ``steps`` and ``pairs`` do not hold and are ignored. ``reached`` is another
bound there: of the sets of at most r states reached so far, some one becomes one state within a
letter for each set of 2..r states that contains none of them, and one letter more.
"""

_BATCH = 1 << 16
_NODES = 1 << 22
"""The compiled search returns after trying about this many transitions, which takes seconds."""


class Found(NamedTuple):
    """Automata that an enumeration found."""

    deltas: Deltas
    """uint8 (found, k, n)"""
    reset_thresholds: Thresholds
    """int32 (found,), -1 for non-synchronizing automata; careful thresholds of partial ones"""
    nodes: int
    """Number of transitions tried, that is, of partly defined automata."""


class Part(NamedTuple):
    """A part of a work unit: the search below its first transitions, from a position on."""

    first: Letters
    group: npt.NDArray[np.uint8]
    """The automorphisms of the first letter and their inverses: uint8 (2, order, points)"""
    top: int
    """Number of transitions of the later letters that are fixed."""
    position: npt.NDArray[np.uint8]
    """uint8 (transitions,): those that are fixed, then where the search goes on"""
    taken: int
    """Number of transitions to take from `position` as they are."""


class Enumeration:
    """An enumeration, cut into independent work units.

    A unit fixes the first letter, one of each type, and the first transitions of the second letter.
    Finding the units takes seconds for n >= 10. Their order is fixed and shuffled, so the share of
    units done estimates the share of the time. A unit may be searched in parts, in any process: a
    pickled copy searches them, but has no units of its own.

    Parameters
    ----------
    n, k : int
        States, 1..11, and letters, 1..6.
    at_least : int
        Least threshold; 0: all automata, the non-synchronizing included.
    bounds : sequence of str
        Which of `BOUNDS` cut the search; they do not change the result.
    partial : bool
        Partial automata, the complete ones included, by their careful thresholds.
    classes : sequence of str or callable
        Only automata of all these classes, as `automata.properties.in_classes` takes them. What
        they say of partly defined automata cuts the search (`automata.class_cuts`), but not that
        of partial automata.

    Raises
    ------
    SizeLimitError
        If n > 11 or k > 6, or n > 9 for all automata of two letters or more.
    ValueError
        If n, k or at_least is too small or not an integer, or a bound or a class is unknown.

    Examples
    --------
    >>> enumeration = Enumeration(4, 2, at_least=9)
    >>> sum(len(found.deltas) for i in range(len(enumeration)) for found in enumeration.run(i))
    2
    >>> len(Enumeration(5, 2, at_least=27, partial=True))  # no threshold is above 2^5 - 5 - 1
    0
    """

    def __init__(
        self,
        n: int,
        k: int,
        *,
        at_least: int = 0,
        bounds: Sequence[str] = BOUNDS,
        partial: bool = False,
        classes: Sequence[str | Predicate] = (),
    ) -> None:
        n, k = check_integer("n", n, 1), check_integer("k", k, 1)
        at_least = check_integer("at_least", at_least, 0)
        if n > ENUMERATION_MAX_STATES:
            raise SizeLimitError(f"n={n} is over the limit of {ENUMERATION_MAX_STATES} states")
        if at_least == 0 and k > 1 and n > COMPLETE_MAX_STATES:
            raise SizeLimitError(
                f"n={n} is over the limit of {COMPLETE_MAX_STATES} states for all automata"
            )
        if k > CANONICAL_MAX_LETTERS:
            raise SizeLimitError(f"k={k} is over the limit of {CANONICAL_MAX_LETTERS} letters")
        for name in bounds:
            if name not in BOUNDS:
                raise ValueError(f"unknown bound {name!r}: one of {', '.join(BOUNDS)}")
        check_classes(classes, n)
        self.n, self.k, self.at_least, self.partial = n, k, at_least, partial
        self.classes = classes
        self.planned_nodes = 0
        """Number of transitions tried in finding the units; `Found.nodes` does not include them."""
        self._transitions = (k - 1) * n
        # number of transitions of the second letter that a unit fixes
        self._prefix = min(1 if k == 2 and n < 10 else 2, max(0, self._transitions - 1))
        self._cuts = [int(name in bounds) for name in BOUNDS]
        self._cut_by = cuts_of(() if partial or n == 1 else classes, n, k)
        # synchronizing automata of two or more states have thresholds of at least 1
        self._searched = max(at_least, int(self._cut_by.synchronizing))
        self._orders = np.array([*permutations(range(k))], np.int64)
        self._firsts: list[Letters] = []
        self._groups: list[npt.NDArray[np.uint8]] = []
        self._units = self._plan()

    def __len__(self) -> int:
        return len(self._units)

    def run(self, index: int) -> Iterator[Found]:
        """Yield the automata of a unit; over all units each isomorphism class occurs once.

        Parameters
        ----------
        index : int
            0..len-1.

        Yields
        ------
        Found
            At most 2^16 automata at a time, perhaps none; not in canonical form.

        Raises
        ------
        ValueError
            If `index` is out of range, or not an integer.
        """
        for found, _ in self._found(self.part(index)):
            yield found

    def part(self, index: int) -> Part:
        """Return a whole unit as a part; errors as `run`."""
        index = check_integer("index", index, 0, len(self) - 1)
        number, prefix = self._units[index]
        return self._begin(self._firsts[number], self._groups[number], prefix)

    def run_part(self, part: Part, nodes: int = _NODES) -> tuple[list[Found], list[Part]]:
        """Search a part, until about so many transitions are tried.

        Parameters
        ----------
        part : Part
        nodes : int
            Transitions to try, or 2^16 times the automata to find, before the rest is split.

        Returns
        -------
        list of Found
        list of Part
            What is left: nothing, or the rest of the branch under search and the branches after it.

        Examples
        --------
        >>> enumeration = Enumeration(7, 2, at_least=36)
        >>> found, rest = enumeration.run_part(enumeration.part(0), nodes=10)
        >>> len(rest)
        2
        """
        everything: list[Found] = []
        left = nodes
        for found, rest in self._found(part, nodes):
            everything.append(found)
            left -= max(found.nodes, len(found.deltas) * nodes // _BATCH)
            if left <= 0 and rest is not None:
                return everything, self._split(rest)
        return everything, []

    def __getstate__(self) -> dict[str, Any]:
        """Return what a part needs: the list of units may have many megabytes."""
        return vars(self) | {"_firsts": [], "_groups": [], "_units": []}

    def _found(self, part: Part, nodes: int = _NODES) -> Iterator[tuple[Found, Part | None]]:
        """Yield the automata of a part, and what is left then."""
        first = part.first
        no_automata = np.empty((0, self.k, self.n), np.uint8)
        for rows, tried, rest in self._search(part, self._transitions, min(nodes, _NODES)):
            if len(rows) == 0:  # nearly always, where thresholds are long
                yield Found(no_automata, np.empty(0, np.int32), tried), rest
                continue
            letters = rows.reshape(len(rows), self.k - 1, self.n)
            start = np.broadcast_to(first[: self.n].astype(np.uint8), (len(rows), 1, self.n))
            deltas = np.concatenate([start, letters], axis=1)  # (batch, k, n)
            if self.partial:
                deltas[deltas == self.n] = UNDEFINED
            thresholds = thresholds_of(deltas, partial=self.partial)
            if self.at_least > 0:
                keep = thresholds >= self.at_least
                deltas, thresholds = deltas[keep], thresholds[keep]
            if self.classes:
                keep = in_classes(deltas, self.classes)
                deltas, thresholds = deltas[keep], thresholds[keep]
            yield Found(deltas, thresholds, tried), rest

    def _begin(
        self, first: Letters, group: npt.NDArray[np.uint8], prefix: npt.NDArray[np.uint8]
    ) -> Part:
        """Return the part with given first transitions of the second letter."""
        position = np.zeros(self._transitions, np.uint8)
        position[: len(prefix)] = prefix
        return Part(first, group, len(prefix), position, len(prefix))

    def _split(self, part: Part) -> list[Part]:
        """Cut a part under search in two: the branch that it is in, and the branches after it."""
        last = self.n if self.partial else self.n - 1
        while part.top < part.taken:
            inside = part._replace(top=part.top + 1)
            value = part.position[part.top]
            if value < last:
                position = part.position.copy()
                position[part.top] = value + 1
                return [inside, part._replace(position=position, taken=part.top)]
            part = inside
        return [part]

    def _plan(self) -> list[tuple[int, npt.NDArray[np.uint8]]]:
        """Return the units: the number of a first letter, and transitions of the second one."""
        if self.at_least > highest_threshold(self.n, partial=self.partial):
            return []
        units: list[tuple[int, npt.NDArray[np.uint8]]] = []
        no_prefix = np.empty(0, np.uint8)
        for first in self._first_letters():
            if (self._searched or self.classes) and self.k > 1:
                # a look without automorphisms: the least promising letters have many
                trivial = np.tile(np.arange(len(first), dtype=np.uint8), (2, 1, 1))
                look = self._begin(first, trivial, no_prefix)
                if not any(len(rows) for rows, _, _ in self._search(look, 1)):
                    continue
            group = automorphisms(first, marked=self.partial)
            for rows, nodes, _ in self._search(self._begin(first, group, no_prefix), self._prefix):
                units += [(len(self._firsts), row) for row in rows]
                self.planned_nodes += nodes
            self._firsts.append(first)
            self._groups.append(group)
        if not units:
            return []
        firsts = np.array(self._firsts, np.uint8)[[number for number, _ in units]]
        prefixes = np.array([prefix for _, prefix in units], np.uint8)
        order = np.argsort(hash_rows(np.hstack([firsts, prefixes])), kind="stable")
        return [units[i] for i in order]

    def _first_letters(self) -> Iterator[Letters]:
        """Yield the first letters: one of each type, those alone that long thresholds may have."""
        if self.partial and not self._searched:
            yield from letter_types(self.n, partial=True)
            return
        for letter in letter_types(self.n):
            cyclic = int(functional.shape(letter)) >> functional.CYCLIC_STATES
            # later letters have no fewer cyclic states: here all that are defined everywhere would
            # be permutations, and no other letter can be read before one that is not
            if self._searched and cyclic == self.n > 1:
                continue
            first = by_height(letter)
            yield np.append(first, self.n) if self.partial else first

    def _search(
        self, part: Part, end: int, nodes: int = _NODES
    ) -> Iterator[tuple[npt.NDArray[np.uint8], int, Part | None]]:
        """Yield rows of transitions 0..end-1 of later letters, the number tried, what is left."""
        first, group, top, position, taken = part
        if end == 0:  # no later letter, or work units without a prefix
            yield np.empty((1, 0), np.uint8), 0, None
            return
        options = np.zeros(kernel.OPTIONS, np.int64)
        options[kernel.LETTERS], options[kernel.AT_LEAST] = self.k, self._searched
        options[kernel.TOP], options[kernel.END] = top, end
        options[kernel.BY_STEPS : kernel.BY_ALIVE + 1] = self._cuts
        options[kernel.NODES_A_CALL] = nodes
        options[[*self._cut_by.options]] = 1
        position = position.copy()
        progress = np.zeros(kernel.PROGRESS, np.int64)
        progress[kernel.TAKEN] = taken
        rows = np.empty((_BATCH, end), np.uint8)
        while not progress[kernel.DONE]:
            before = int(progress[kernel.NODES])
            if self.partial:
                found = partial_enumeration.enumerate_part(
                    first, group, self._orders, options, position, rows, progress
                )
            else:
                found = kernel.enumerate_part(
                    first,
                    group,
                    self._orders[1:],
                    self._cut_by.conditions,
                    options,
                    position,
                    rows,
                    progress,
                )
            taken = int(progress[kernel.TAKEN])
            left = None
            if not progress[kernel.DONE]:
                left = part._replace(position=position.copy(), taken=taken)
            yield rows[:found].copy(), int(progress[kernel.NODES]) - before, left


def enumerate_automata(
    n: int,
    k: int,
    *,
    at_least: int = 0,
    bounds: Sequence[str] = BOUNDS,
    partial: bool = False,
    classes: Sequence[str | Predicate] = (),
    workers: int = 1,
) -> Found:
    """Return all automata of a size whose threshold is at least a value.

    Parameters
    ----------
    n, k : int
        States, 1..11, and letters, 1..6.
    at_least : int
        Least threshold; 0: all automata, the non-synchronizing included.
    bounds : sequence of str
        Which of `BOUNDS` cut the search; they do not change the result.
    partial : bool
        Partial automata, the complete ones included, by their careful thresholds.
    classes : sequence of str or callable
        Only automata of all these classes, as `automata.properties.in_classes` takes them.
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
    >>> enumerate_automata(6, 2, at_least=13, classes=["eulerian"]).reset_thresholds.tolist()
    [14, 13, 13, 13, 13, 13, 13]
    >>> enumerate_automata(5, 2, at_least=15, partial=True).reset_thresholds.tolist()
    [16, 15, 15, 15, 15, 15]
    """
    enumeration = Enumeration(
        n, k, at_least=at_least, bounds=bounds, partial=partial, classes=classes
    )
    n, k = enumeration.n, enumeration.k
    nodes = enumeration.planned_nodes
    forms = [np.empty((0, n * k), np.uint8)]
    thresholds = [np.empty(0, np.int32)]
    parts = map(enumeration.part, range(len(enumeration)))
    with threads(workers) as pool:
        units = results_of_units(pool, lambda part: Split(*enumeration.run_part(part)), parts)
        for found in chain.from_iterable(chain.from_iterable(units)):
            nodes += found.nodes
            if len(found.deltas):
                forms.append(canonical_forms(found.deltas))
                thresholds.append(found.reset_thresholds)
    rows, labels = np.concatenate(forms), np.concatenate(thresholds)
    order = np.lexsort([*rows.T[::-1], -labels])
    deltas = from_canonical(rows[order], n, k, partial=partial)
    return Found(deltas, labels[order], nodes)
