"""What bounds the threshold of a partly defined automaton, for n <= 11.

A pair {p, q}, p < q, is bit q(q-1)/2 + p of a uint64: the pairs of the states below q are the
lowest bits. ``into[pair]`` holds the pairs that some letter leads to a pair; its last entry those
that one letter merges.
"""

import numpy as np

from automata.kernels.jit import jit
from automata.kernels.state_sets import cardinality

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@jit
def fill_sets(n, ranks, pairs):
    """Write the size of each set of states, and the pairs it contains."""
    ranks[0] = 0
    pairs[0] = _ZERO
    for q in range(n):
        first = np.uint64(q * (q - 1) // 2)
        for states in range(1 << q):
            ranks[1 << q | states] = ranks[states] + 1
            pairs[1 << q | states] = pairs[states] | np.uint64(states) << first


@jit
def _predecessors(pairs, into):
    """Return the pairs that a letter leads to one of the given pairs."""
    found = _ZERO
    while pairs != _ZERO:
        lowest = pairs & (~pairs + _ONE)
        found |= into[cardinality(lowest - _ONE)]
        pairs ^= lowest
    return found


@jit
def fill_levels(into, levels):
    """Write the pairs that merge within t letters, t = 0, 1, 2, ...; return the last t."""
    t = 1
    levels[0] = _ZERO
    levels[1] = into[into.shape[0] - 1]
    front = levels[1]
    while True:
        front = _predecessors(front, into) & ~levels[t]
        if front == _ZERO:
            return t
        t += 1
        levels[t] = levels[t - 1] | front


@jit
def may_all_merge(merging, undefined, every, into):
    """Whether each pair can be led to one that merges or to one without a transition yet."""
    alive = merging | undefined
    front = undefined & ~merging
    while front != _ZERO:
        front = _predecessors(front, into) & ~alive
        alive |= front
    return alive == every


@jit
def fill_limits(steps, levels, t, every, at_least, limits):
    """Write for each rank the longest word to a set of that rank that shows: threshold < at_least.

    A set of r states is led to r-1 states by the time one of its pairs merges. Pairs that do not
    merge within t letters are led away from themselves one after the other, so every pair merges
    within t letters and one for each of these. If fewer pairs than an r-set has are left after t
    letters, each r-set has lost a state by then.
    """
    slowest = t + int(cardinality(every & ~levels[t]))
    rest = at_least - 1
    limits[0] = limits[1] = rest
    for r in range(2, limits.shape[0]):
        while t > 1 and int(cardinality(every & ~levels[t - 1])) < r * (r - 1) // 2:
            t -= 1
        step = min(steps[r], slowest)
        if int(cardinality(every & ~levels[t])) < r * (r - 1) // 2:
            step = min(step, t)
        rest -= step
        limits[r] = rest


@jit
def reached_too_soon(lengths, ranks, pairs, levels, t, every, limits):
    """Whether the sets reached so far, sorted by length, show that the threshold is too short.

    Of the sets of at most r states reached within s letters take one that loses a state soonest.
    The pair of it that merges then, led along, is never again contained in one of these sets, and
    is a new pair each time, until it is one of the pairs known to merge within t letters. So that
    takes at most t + 1 letters and one for each pair that is neither known nor contained in these
    sets; and at most t if a known pair is contained in them.
    """
    for r in range(2, limits.shape[0]):
        met = _ZERO
        present = False
        for i in range(lengths.shape[0]):
            if lengths[i] >= limits[r - 1]:
                break
            if ranks[i] > r:
                continue
            present |= ranks[i] == r  # without any, smaller ranks have told as much
            fresh = pairs[i] & ~met
            met |= pairs[i]
            if not present or fresh == _ZERO:
                continue
            step = t + 1 + int(cardinality(every & ~levels[t] & ~met))
            if met & levels[t]:
                step = t
                while met & levels[step - 1]:
                    step -= 1
            if lengths[i] + step <= limits[r - 1]:
                return True
    return False
