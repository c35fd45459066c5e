"""Types of letters: the functions of n states, up to renaming the states."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from automata.automaton import validate_delta
from automata.burnside import partitions
from automata.canonical import canonical_forms
from automata.kernels import functional

Letters = npt.NDArray[np.int64]


def letter_types(n: int, *, partial: bool = False) -> Letters:
    """Return one letter of each type: the functions on n states up to renaming the states.

    A letter is a permutation, or a letter of n-1 states with one more state that has no preimage.
    A partial letter is a letter of n+1 points of which one, marked, leads to itself.

    Parameters
    ----------
    n : int
        Number of states, at least 1.
    partial : bool
        Also the letters that are undefined on some states.

    Returns
    -------
    int64 array, shape (types, n) or, with ``partial``, (types, n+1)
        In lexicographic order; in canonical form without ``partial``. With it the last point, n,
        stands for "undefined".

    Raises
    ------
    RuntimeError
        If two types have the same fingerprint, which the enumeration compares.

    Examples
    --------
    >>> letter_types(2).tolist()
    [[0, 1], [1, 0], [1, 1]]
    >>> letter_types(1, partial=True).tolist()
    [[0, 1], [1, 1]]
    """
    if partial:
        return _partial_types(n)
    types = np.empty((0, 0), np.int64)
    for m in range(1, n + 1):
        letters = [[*letter, q] for letter in types.tolist() for q in range(m - 1)]
        for cycles in partitions(m):
            starts = np.repeat(np.cumsum([0, *cycles[:-1]]), cycles)
            lengths = np.repeat(cycles, cycles)
            letters.append((starts + (np.arange(m) - starts + 1) % lengths).tolist())
        forms = canonical_forms(np.array(letters)[:, None, :])
        types = np.unique(forms, axis=0).astype(np.int64)
    _check_told_apart(types, marked=False)
    return types


def _partial_types(n: int) -> Letters:
    """Return the partial letters of n states: letters of n+1 points, the last one marked."""
    colours = np.empty(n + 1, np.uint64)
    types = []
    for letter in letter_types(n + 1):
        functional.colour(letter, False, colours)
        marks = {int(colours[q]): q for q in range(n + 1) if letter[q] == q}  # one of each orbit
        for mark in marks.values():
            names = np.arange(n + 1)
            names[[mark, n]] = n, mark
            types.append(names[letter[names]])
    rows = np.unique(np.array(types), axis=0)
    _check_told_apart(rows, marked=True)
    return rows


def _check_told_apart(types: Letters, *, marked: bool) -> None:
    """Raise RuntimeError if two types have the same shape and fingerprint."""
    shapes = np.empty(len(types), np.int64)
    fingerprints = np.empty(len(types), np.uint64)
    functional.describe(types, marked, shapes, fingerprints, np.empty(types.shape, np.uint64))
    if len({*zip(shapes.tolist(), fingerprints.tolist(), strict=True)}) < len(types):
        raise RuntimeError(
            f"two types of letters with {types.shape[1]} points have the same fingerprint"
        )


def by_height(letter: Letters) -> Letters:
    """Rename the states: cycles first, short before long, then states by falling height.

    The height of a state is the largest h for which a^h leads some state to it. An enumeration
    defines later letters state by state, so it soon defines them on images of powers of the first.

    Parameters
    ----------
    letter : array of int, shape (n,)

    Returns
    -------
    int64 array, shape (n,)
        The same letter, its states renamed.

    Raises
    ------
    AutomatonError
        If `letter` is not a function on n states.

    Examples
    --------
    >>> by_height(np.array([1, 2, 2])).tolist()
    [0, 0, 1]
    """
    letter = _own(letter)
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


def automorphisms(letter: Letters, *, marked: bool = False) -> npt.NDArray[np.uint8]:
    """Return the automorphisms of a letter, and their inverses.

    Parameters
    ----------
    letter : array of int, shape (n,)
    marked : bool
        Only those that keep the last state, which must lead to itself: the automorphisms of a
        partial letter of n-1 states.

    Returns
    -------
    uint8 array, shape (2, order, n)
        The automorphisms in lexicographic order, the identity first; then the inverse of each.

    Raises
    ------
    AutomatonError
        If `letter` is not a function on n states.

    Examples
    --------
    >>> automorphisms(np.array([0, 0, 0]))[0].tolist()
    [[0, 1, 2], [0, 2, 1]]
    """
    letter = _own(letter)
    n = len(letter)
    colours = np.empty(n, np.uint64)
    functional.colour(letter, marked, colours)
    names = np.empty((1, 0), np.int64)  # (renamings, states renamed so far)
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


def _own(letter: npt.ArrayLike) -> Letters:
    """Return a validated copy of one letter, int64 (n,)."""
    return np.asarray(validate_delta(np.asarray(letter)[None])[0], np.int64)
