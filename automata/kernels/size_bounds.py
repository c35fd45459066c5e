"""How small images of a set get, and how large preimages, under words of few letters; n <= 64.

Two states that no word of at most t letters merges keep different images under each of these words.
So the image of a set has at least as many states as a part of the set in which no pair can be
merged. The preimage of a set has at most as many as the largest preimages of its parts together.
"""

import numpy as np

from automata.kernels.jit import jit
from automata.kernels.state_sets import cardinality

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@jit
def fill_mergeable(delta, mergeable):
    """Write to ``mergeable[t, p]`` the states that a word of at most t letters merges with p.

    And p itself.
    """
    k, n = delta.shape
    for p in range(n):
        mergeable[0, p] = _ONE << np.uint64(p)
    for t in range(1, mergeable.shape[0]):
        mergeable[t] = mergeable[t - 1]
        for a in range(k):
            for q in range(n):
                partners = mergeable[t - 1, delta[a, q]]
                for p in range(n):
                    merged = (partners >> np.uint64(delta[a, p])) & _ONE
                    mergeable[t, q] |= merged << np.uint64(p)


@jit
def fill_growth(delta, growth):
    """Write how large preimages of a set of some neighbouring states get.

    The states are cut into blocks of equal width w, the last one perhaps with states that are not
    there. Under words of at most t letters no preimage of the set with the bits ``s``, shifted to
    block b, has more than ``growth[t, b, s]`` states.
    """
    k, n = delta.shape
    blocks, subsets = growth.shape[1], growth.shape[2]
    width = 0
    while 1 << width < subsets:
        width += 1
    preimages = np.zeros((k, blocks, subsets), np.uint64)
    for a in range(k):
        for q in range(n):
            block, place = divmod(np.int64(delta[a, q]), width)
            preimages[a, block, 1 << place] |= _ONE << np.uint64(q)
        for b in range(blocks):
            for s in range(1, subsets):
                preimages[a, b, s] |= preimages[a, b, s & (s - 1)] | preimages[a, b, s & -s]
    growth[0, 0, 0] = 0
    for s in range(1, subsets):
        growth[0, 0, s] = growth[0, 0, s & (s - 1)] + 1
    growth[0] = growth[0, 0]
    mask = np.uint64(subsets - 1)
    for t in range(1, growth.shape[0]):
        for b in range(blocks):
            for s in range(subsets):
                most = np.int64(growth[t - 1, b, s])
                for a in range(k):
                    states = preimages[a, b, s]
                    size = 0
                    for c in range(blocks):
                        size += np.int64(growth[t - 1, c, states & mask])
                        states >>= np.uint64(width)
                    most = max(most, size)
                growth[t, b, s] = min(most, n)


@jit
def _may_be_small(states, mergeable, most):
    """Return whether an image of a set may have ``most`` states or fewer.

    ``mergeable`` is the row of `fill_mergeable` for the words. The part of a set in which no pair
    can be merged takes in its states one by one, the lowest first.
    """
    apart = 0
    while states != _ZERO and apart <= most:
        lowest = states & (~states + _ONE)
        states &= ~mergeable[cardinality(lowest - _ONE)]
        apart += 1
    return apart <= most


@jit
def _may_be_large(states, growth, width, least):
    """Return whether a preimage of a set may have ``least`` states or more.

    ``growth`` is the row of `fill_growth` for the words, ``width`` that of a block.
    """
    mask = np.uint64(growth.shape[1] - 1)
    size = 0
    for b in range(growth.shape[0]):
        size += np.int64(growth[b, states & mask])
        states >>= np.uint64(width)
    return size >= least


@jit
def mark_small(sets, numbers, mergeable, most, small):
    """Mark the sets listed of which `_may_be_small` is true."""
    for i in range(numbers.shape[0]):
        small[i] = _may_be_small(sets[numbers[i], 0], mergeable, most)


@jit
def mark_large(sets, numbers, growth, width, least, large):
    """Mark the sets listed of which `_may_be_large` is true."""
    for i in range(numbers.shape[0]):
        large[i] = _may_be_large(sets[numbers[i], 0], growth, width, least)


@jit
def empty_others_than_small(images, hashes, mergeable, most):
    """Make images empty, and their hashes 0, unless `_may_be_small` is true."""
    for i in range(hashes.shape[0]):
        for a in range(hashes.shape[1]):
            if not _may_be_small(images[i, a], mergeable, most):
                images[i, a] = hashes[i, a] = _ZERO


@jit
def empty_others_than_large(images, hashes, growth, width, least):
    """Make images empty, and their hashes 0, unless `_may_be_large` is true."""
    for i in range(hashes.shape[0]):
        for a in range(hashes.shape[1]):
            if not _may_be_large(images[i, a], growth, width, least):
                images[i, a] = hashes[i, a] = _ZERO


@jit
def extreme_sizes(sets, numbers, sizes):
    """Lower ``sizes[0]`` to the least cardinality of the sets listed, raise ``sizes[1]``."""
    for i in numbers:
        size = np.int64(cardinality(sets[i, 0]))
        sizes[0] = min(sizes[0], size)
        sizes[1] = max(sizes[1], size)
