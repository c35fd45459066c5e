"""The number of automata up to isomorphism."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from math import factorial, gcd, prod

from automata.arguments import check_integer


def count_classes(n: int, k: int, *, partial: bool = False) -> int:
    """Return the number of automata up to renaming states and permuting letters.

    By Burnside's lemma it is the mean, over all renamings s of the states and all permutations p
    of the letters, of the number of automata that (s, p) fixes. These are counted cycle by cycle
    of p: the first letter of a cycle of length m commutes with s^m, and determines the others.

    Parameters
    ----------
    n, k : int
        Numbers of states and letters, at least 1.
    partial : bool
        Partial automata, the complete ones included.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If n or k is less than 1, or not an integer.

    Examples
    --------
    >>> [count_classes(n, 2) for n in range(1, 8)]
    [1, 7, 74, 1474, 41876, 1540696, 68343112]
    >>> [count_classes(n, 2, partial=True) for n in range(1, 6)]
    [3, 27, 382, 8585, 259548]
    """
    n, k = check_integer("n", n, 1), check_integer("k", k, 1)
    total = 0
    for states, letters in product(partitions(n), partitions(k)):
        fixed = prod(_commuting(states, m, partial) for m in letters)
        total += fixed * _arrangements(states) * _arrangements(letters)
    return total // (factorial(n) * factorial(k))


def partitions(total: int, largest: int | None = None) -> Iterator[list[int]]:
    """Yield the partitions of a number into falling parts: the cycle types of permutations.

    Examples
    --------
    >>> list(partitions(4))
    [[4], [3, 1], [2, 2], [2, 1, 1], [1, 1, 1, 1]]
    """
    if total == 0:
        yield []
    for part in range(min(total, largest or total), 0, -1):
        for rest in partitions(total - part, part):
            yield [part, *rest]


def _arrangements(cycles: list[int]) -> int:
    """Count the permutations of a cycle type."""
    same = prod(factorial(count) for count in Counter(cycles).values())
    return factorial(sum(cycles)) // (prod(cycles) * same)


def _commuting(cycles: list[int], power: int, partial: bool) -> int:
    """Count the functions that commute with a power of a permutation of a cycle type.

    A function maps each cycle of the power to a cycle whose length d divides its own, in d ways. A
    partial one may also be undefined on the whole cycle.
    """
    lengths = [length // gcd(length, power) for length in cycles for _ in range(gcd(length, power))]
    return prod(
        partial + sum(other for other in lengths if length % other == 0) for length in lengths
    )
