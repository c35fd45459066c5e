"""Every breadth-first numbering of an automaton, in plain Python."""

from collections import Counter
from itertools import permutations

import numpy as np

from automata.deltas import UNDEFINED, Deltas
from tests.strategies import rename


def breadth_first(delta: Deltas, start: int) -> list[int]:
    """The states that a start reaches, in the order in which they are met."""
    order = [start]
    for state in order:  # grows as we go
        for letter in delta.tolist():
            if letter[state] not in (*order, UNDEFINED):
                order.append(letter[state])
    return order


def numberings(delta: Deltas) -> Counter[bytes]:
    """Each numbering, as bytes, and from how many starts and orders of letters it comes.

    Only starts that reach all states have one.
    """
    k, n = delta.shape
    found: Counter[bytes] = Counter()
    for letters in permutations(range(k)):
        for start in range(n):
            order = breadth_first(delta[list(letters)], start)
            if len(order) == n:
                found[rename(delta, np.argsort(order).tolist(), letters).tobytes()] += 1
    return found
