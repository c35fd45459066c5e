"""Upper bounds on the threshold of a partly defined automaton, for n <= 11.

A pair {p, q}, p < q, is bit q(q-1)/2 + p of a uint64: the pairs of the states below q are the
lowest bits. ``into[pair]`` is the set of pairs that some letter leads to this pair; the last entry
is the set of pairs that some letter merges.
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
    """Write to ``levels[t]`` the pairs that merge within t letters; return the t of the last."""
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
    """Return whether each pair can be led to one that merges or that lacks a transition."""
    alive = merging | undefined
    front = undefined & ~merging
    while front != _ZERO:
        front = _predecessors(front, into) & ~alive
        alive |= front
    return alive == every


@jit
def fill_limits(steps, levels, t, every, at_least, limits):
    """Write ``limits[r]``: a word of at most this length to r states proves threshold < at_least.

    ``steps[r]`` letters lead any set of r states to r - 1 states. So do the letters that merge one
    of its pairs. A shortest merging word visits each pair at most once, so it has at most t letters
    plus one for each pair that does not merge within t letters. If fewer pairs than an r-set has do
    not merge within t letters, each r-set loses a state within t letters.
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
    """Return whether the sets reached so far, sorted by length, prove a threshold < at_least.

    Take the sets of at most r states reached within s letters, and of these one that loses a state
    soonest. Follow the pair of it that merges then. After the first letter it is contained in none
    of these sets, and it is a new pair each time, until it is one of the pairs known to merge
    within t letters. So the set loses a state after at most t + 1 letters plus one for each pair
    that is neither known nor contained in these sets; after at most t if they contain a known pair.
    """
    for r in range(2, limits.shape[0]):
        met = _ZERO
        present = False
        for i in range(lengths.shape[0]):
            if lengths[i] >= limits[r - 1]:
                break
            if ranks[i] > r:
                continue
            present |= ranks[i] == r  # otherwise a smaller r has had the same sets
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
