"""Every breadth-first numbering of an automaton, in plain Python."""

from collections import Counter
from itertools import permutations

import numpy as np

from automata.automaton import Deltas
from tests.strategies import rename


def breadth_first(delta: Deltas, start: int) -> list[int]:
    """All states as they are met from a start, where it reaches all."""
    order = [start]
    for state in order:  # grows as we go
        for letter in delta.tolist():
            if letter[state] not in order:
                order.append(letter[state])
    return order


def numberings(delta: Deltas) -> Counter[bytes]:
    """What may come out, and from how many starts and orders, where some state reaches all."""
    k, n = delta.shape
    found: Counter[bytes] = Counter()
    for letters in permutations(range(k)):
        for start in range(n):
            order = breadth_first(delta[list(letters)], start)
            if len(order) == n:
                found[rename(delta, np.argsort(order).tolist(), letters).tobytes()] += 1
    return found
