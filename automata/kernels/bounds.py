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
def _core(n, pairs, least, states):
    """Return what is left of ``states`` if those in fewer than ``least`` pairs are dropped.

    Pairs count while both of their states are left.
    """
    changed = True
    while changed:
        changed = False
        for p in range(n):
            if not states >> p & 1:
                continue
            partners = 0
            for q in range(n):
                if p != q and states >> q & 1:
                    pair = max(p, q) * (max(p, q) - 1) // 2 + min(p, q)
                    partners += np.int64(pairs >> np.uint64(pair) & _ONE)
            if partners < least:
                states &= ~(1 << p)
                changed = True
    return states


@jit
def fill_steps(by_steps, by_pairs, levels, t, every, each, chains, steps):
    """Lower ``steps[r]``, a number of letters that lead any set of r states to r - 1 states.

    Some of a set's pairs in ``every`` merge when it loses a state; it has ``each[r]`` of them.
    Write ``chains[r]``: the most sets of r states without pairs that merge within t letters, such
    that each set has a pair that is in none before it. As many letters, and t more, suffice.
    """
    n = steps.shape[0] - 1
    apart = every & ~levels[t]
    count = np.int64(cardinality(apart))
    states = (1 << n) - 1
    for r in range(2, n + 1):
        chains[r] = max(0, count - each[r] + 1)
        if by_steps:
            states = _core(n, apart, r - 1, states)
            left = np.int64(cardinality(np.uint64(states)))
            chains[r] = min(chains[r], (left - r + 2) * (left - r + 1) // 2 if left >= r else 0)
        if by_pairs:
            while t > 1 and np.int64(cardinality(every & ~levels[t - 1])) < each[r]:
                t -= 1
            steps[r] = min(steps[r], t + chains[r])


@jit
def ends_too_soon(at_least, lengths, ranks, pairs, levels, ends, every, each, chains, steps):
    """Return whether the sets reached so far, sorted by length, prove a threshold < at_least."""
    n = steps.shape[0] - 1
    within = 0  # some set of at most r states is reached within so many letters
    for r in range(n, 1, -1):
        for i in range(lengths.shape[0]):
            if lengths[i] >= within:
                break
            if ranks[i] <= r:
                within = lengths[i]
                break
        soonest = within + steps[r]
        for view in range(every.shape[0]):
            t = ends[view]
            apart = every[view] & ~levels[view, t]
            met = _ZERO
            count = 0
            for i in range(lengths.shape[0]):
                if lengths[i] >= soonest:
                    break
                if ranks[i] < r:
                    soonest = lengths[i]
                    break
                fresh = pairs[i] & every[view] & ~met
                if ranks[i] > r or fresh == _ZERO:
                    continue
                met |= fresh
                count += 1
                if met & levels[view, t]:
                    step = t
                    while met & levels[view, step - 1]:
                        step -= 1
                else:
                    step = t + 1 + min(np.int64(cardinality(apart & ~met)), chains[view, r] - count)
                soonest = min(soonest, max(within, lengths[i]) + step)
        within = soonest
        if within >= at_least:
            return False
    return True
