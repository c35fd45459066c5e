"""How small images of a set get, and how large preimages, under words of few letters; n <= 64.

Two states that no word of at most t letters merges keep different images under each of these words.
So the image of a set has at least as many states as a part of the set in which no pair can be
merged. The preimage of a set has at most as many as the largest preimages of its states together.
"""

import numpy as np

from automata.kernels.jit import jit
from automata.kernels.state_sets import cardinality

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@jit
def fill(delta, mergeable, growth):
    """Write what words of at most t letters do, to row t, for each state p.

    ``mergeable[t, p]`` is the set of states that some of them merges with p, and p itself. No
    preimage of p under one of them has more than ``growth[t, p]`` states.
    """
    k, n = delta.shape
    sums = np.empty(n, np.int64)
    for p in range(n):
        mergeable[0, p] = _ONE << np.uint64(p)
        growth[0, p] = 1
    for t in range(1, mergeable.shape[0]):
        growth[t] = growth[t - 1]
        mergeable[t] = mergeable[t - 1]
        for a in range(k):
            sums[:] = 0
            for q in range(n):
                sums[delta[a, q]] += growth[t - 1, q]
                partners = mergeable[t - 1, delta[a, q]]
                for p in range(n):
                    merged = (partners >> np.uint64(delta[a, p])) & _ONE
                    mergeable[t, q] |= merged << np.uint64(p)
            for p in range(n):
                growth[t, p] = min(n, max(growth[t, p], sums[p]))


@jit
def mark_small(sets, numbers, mergeable, most, small):
    """Mark the sets listed of which an image may have ``most`` states or fewer.

    ``mergeable`` is the row of `fill` for the words. The part of a set in which no pair can be
    merged takes in its states one by one, the lowest first.
    """
    for i in range(numbers.shape[0]):
        left = sets[numbers[i], 0]
        apart = 0
        while left != _ZERO and apart <= most:
            lowest = left & (~left + _ONE)
            left &= ~mergeable[cardinality(lowest - _ONE)]
            apart += 1
        small[i] = apart <= most


@jit
def mark_large(sets, numbers, growth, least, large):
    """Mark the sets listed of which a preimage may have ``least`` states or more.

    ``growth`` is the row of `fill` for the words.
    """
    for i in range(numbers.shape[0]):
        left = sets[numbers[i], 0]
        room = 0
        while left != _ZERO and room < least:
            lowest = left & (~left + _ONE)
            room += growth[cardinality(lowest - _ONE)]
            left ^= lowest
        large[i] = room >= least


@jit
def extreme_sizes(sets, numbers, sizes):
    """Lower ``sizes[0]`` to the least cardinality of the sets listed, raise ``sizes[1]`` to the
    largest."""
    for i in numbers:
        size = np.int64(cardinality(sets[i, 0]))
        sizes[0] = min(sizes[0], size)
        sizes[1] = max(sizes[1], size)
