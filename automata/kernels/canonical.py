"""Canonical numberings of the states, for n <= 64.

A set of states is a uint64 bit mask. ``order`` lists the states in the new numbering, ``number`` is
its inverse, -1 for states not yet numbered. An undefined transition leads to n, which is no state:
``number`` (n + 1,) has n at place n, so that n counts as numbered and is never walked from.
"""

import numpy as np

from automata.kernels.hashing import mix
from automata.kernels.jit import jit

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@jit
def _bit(q):
    return _ONE << np.uint64(q)


@jit
def _size(states):
    """Count the states of a set."""
    count = 0
    while states != _ZERO:
        states &= states - _ONE
        count += 1
    return count


@jit
def fill_reach(delta, reach):
    """Fill ``reach[q]``: all states reachable from q, itself included."""
    k, n = delta.shape
    for q in range(n):
        reach[q] = _bit(q)
        for a in range(k):
            if delta[a, q] < n:
                reach[q] |= _bit(delta[a, q])
    for via in range(n):
        for q in range(n):
            if reach[q] & _bit(via):
                reach[q] |= reach[via]


@jit
def source_states(reach):
    """Return the states that are reached only from states they reach themselves."""
    n = reach.shape[0]
    sources = _ZERO
    for q in range(n):
        alone = True
        for p in range(n):
            if reach[p] & _bit(q) and not reach[q] & _bit(p):
                alone = False
                break
        if alone:
            sources |= _bit(q)
    return sources


@jit
def _clear(number):
    """Let no state be numbered."""
    number[:] = -1
    n = number.shape[0] - 1
    number[n] = n


@jit
def _least_walk(delta, start, best, improved, order, number):
    """Number all states breadth-first from ``start``; keep the string in ``best`` if it is less.

    Any string is less if ``improved`` is true at first. The walk ends at the first greater entry.
    """
    k, n = delta.shape
    _clear(number)
    order[0] = start
    number[start] = 0
    count, position = 1, 0
    for head in range(n):
        q = order[head]
        for a in range(k):
            target = delta[a, q]
            value = number[target]
            if value < 0:
                value = np.int8(count)
                number[target] = value
                order[count] = target
                count += 1
            if not improved:
                if value > best[position]:
                    return
                improved = value < best[position]
            best[position] = value
            position += 1


@jit
def _place(delta, root, base, order, number):
    """Number the unnumbered states reachable from ``root`` breadth-first from ``base`` on."""
    k = delta.shape[0]
    order[base] = root
    number[root] = base
    head, count = base, base + 1
    while head < count:
        q = order[head]
        head += 1
        for a in range(k):
            target = delta[a, q]
            if number[target] < 0:
                number[target] = count
                order[count] = target
                count += 1
    return count


@jit
def _compare_and_keep(delta, base, count, order, number, best, improved):
    """Compare the string of the states numbered base..count-1 with ``best``: -1 less, 0, 1 greater.

    A lesser string replaces ``best``. Any string is less if ``improved`` is true.
    """
    k = delta.shape[0]
    comparison = -1 if improved else 0
    position = 0
    for head in range(base, count):
        q = order[head]
        for a in range(k):
            value = number[delta[a, q]]
            if comparison == 0:
                if value > best[position]:
                    return 1
                if value < best[position]:
                    comparison = -1
            best[position] = value
            position += 1
    return comparison


@jit
def _forget(base, count, order, number):
    for position in range(base, count):
        number[order[position]] = -1


@jit
def _component(delta, members, seed):
    """Return the weakly connected component of ``seed`` within ``members``."""
    k, n = delta.shape
    component = _bit(seed)
    grown = True
    while grown:
        grown = False
        for q in range(n):
            if not members & _bit(q):
                continue
            edges = _bit(q)
            for a in range(k):
                if delta[a, q] < n:
                    edges |= _bit(delta[a, q])
            edges &= members
            if edges & component and edges & ~component:
                component |= edges
                grown = True
    return component


@jit
def _distinct(values):
    """Count the distinct values."""
    count = 0
    for i in range(values.shape[0]):
        fresh = 1
        for j in range(i):
            if values[j] == values[i]:
                fresh = 0
                break
        count += fresh
    return count


@jit
def _refine(delta, members, number, ties):
    """Refine colours along the letters, both ways, until stable; return the ties of the least one.

    Colours are hashes, summed over predecessors, so they do not depend on the old numbers. A
    collision only leaves more ties.
    """
    k, n = delta.shape
    colour = np.empty(n + 1, np.uint64)
    fresh = np.empty(n + 1, np.uint64)
    for q in range(n + 1):
        colour[q] = mix(np.uint64(number[q] + 2))
    fresh[n] = colour[n]
    for _ in range(n):
        for q in range(n):
            fresh[q] = mix(colour[q])
        for a in range(k):
            salt = mix(np.uint64(a + 1))
            for q in range(n):
                if members & _bit(q):
                    target = delta[a, q]
                    fresh[q] += mix(colour[target] + salt)
                    fresh[target] += mix(colour[q] ^ salt)
        before = _distinct(colour[:n])
        colour[:] = fresh
        if _distinct(colour[:n]) == before:
            break
    least = _ZERO
    kept = _ZERO
    for q in range(n):
        if ties & _bit(q):
            if kept == _ZERO or colour[q] < least:
                least = colour[q]
                kept = _ZERO
            if colour[q] == least:
                kept |= _bit(q)
    return kept


@jit
def _least_roots(delta, reach, roots, members, base, order, number):
    """Return the roots with the largest reach and, among these, the least breadth-first string."""
    k, n = delta.shape
    best = np.empty(n * k, np.int8)
    ties, best_size = _ZERO, 0
    for root in range(n):
        if not roots & _bit(root):
            continue
        size = _size(reach[root] & members)
        if size < best_size:
            continue
        count = _place(delta, root, base, order, number)
        comparison = _compare_and_keep(delta, base, count, order, number, best, size > best_size)
        _forget(base, count, order, number)
        if comparison < 0:
            ties, best_size = _bit(root), size
        elif comparison == 0:
            ties |= _bit(root)
    return ties


@jit
def _first(states):
    """Return the first state of a set that is not empty."""
    q = 0
    while not states & _bit(q):
        q += 1
    return q


@jit
def _join(orbits, levels, first, second):
    """Join the orbits of two states at all levels: an automorphism maps one to the other."""
    for level in range(levels):
        old, new = orbits[level, first], orbits[level, second]
        if old != new:
            for q in range(orbits.shape[1]):
                if orbits[level, q] == old:
                    orbits[level, q] = new


@jit
def _greedy(delta, reach, sources, members, base, order, number):
    """Number ``members`` from ``base`` on, the least root next, until a choice cannot be decided.

    Return the members left, the next number, and the roots that tie in spite of colour refinement.
    If members are left but no roots tie, the members form several weak components.
    """
    ties = _ZERO
    while members != _ZERO:
        ties = _least_roots(delta, reach, sources & members, members, base, order, number)
        root = _first(ties)
        if ties != _bit(root) and members & ~reach[root]:
            if _component(delta, members, root) != members:
                return members, base, _ZERO
            ties = _refine(delta, members, number, ties)
            root = _first(ties)
            if ties != _bit(root):
                return members, base, ties
        base = _place(delta, root, base, order, number)
        members &= ~reach[root]
    return members, base, ties


@jit
def _untried(ties, tried, orbit):
    """Return a tie that is in the orbit of no tie tried already, or -1."""
    for tie in range(orbit.shape[0]):
        if ties & ~tried & _bit(tie):
            fresh = True
            for q in range(orbit.shape[0]):
                if tried & _bit(q) and orbit[q] == orbit[tie]:
                    fresh = False
                    break
            if fresh:
                return tie
    return -1


@jit
def arrange(delta, reach, sources, full, order, number):
    """Number all states canonically.

    `_greedy` numbers as many as it can. The choices left are searched depth first, a level for each
    (with a stack: numba's cache breaks recursion). If the members left form several weak
    components, these are independent: each is arranged alone, and the results are sorted. If roots
    tie, one tie of each orbit of the automorphisms found so far is tried, and the least result is
    kept. Two equal results show an automorphism, which holds on all levels above too.
    """
    k, n = delta.shape
    _clear(number)
    members, base, ties = _greedy(delta, reach, sources, full, 0, order, number)
    if members == _ZERO:
        return
    bases = np.empty(n, np.int64)
    left = np.empty(n, np.uint64)
    tied = np.empty(n, np.uint64)
    tried = np.empty(n, np.uint64)
    orbits = np.empty((n, n), np.int64)
    rows = np.empty(n, np.int64)
    sizes = np.empty((n, n), np.int64)
    ranking = np.empty((n, n), np.int64)  # rows, larger first, then lesser strings
    strings = np.empty((n, n, n * k), np.int8)
    orders = np.empty((n, n, n), np.int64)
    level = -1
    finished = False
    while True:
        if finished:  # order[base:base + size] is one more result of this level
            if level < 0:
                return
            base, row = bases[level], rows[level]
            size = sizes[level, row]
            results = strings[level]
            _compare_and_keep(delta, base, base + size, order, number, results[row], True)
            for position in range(size):
                orders[level, row, position] = order[base + position]
            _forget(base, base + size, order, number)
            place = row
            while place > 0:
                other = ranking[level, place - 1]
                comparison = size - sizes[level, other]
                position = 0
                while comparison == 0 and position < size * k:
                    comparison = results[other, position] - results[row, position]
                    position += 1
                if comparison == 0:
                    for position in range(size):
                        old, new = orders[level, other, position], orders[level, row, position]
                        _join(orbits, level + 1, old, new)
                if comparison <= 0:
                    break
                ranking[level, place] = other
                place -= 1
            ranking[level, place] = row
            rows[level] += 1
        else:  # a choice to make: a new level
            level += 1
            bases[level], left[level], tied[level] = base, members, ties
            tried[level] = _ZERO
            rows[level] = 0
            for q in range(n):
                orbits[level, q] = q

        base = bases[level]
        row = rows[level]
        if tied[level] != _ZERO:
            tie = _untried(tied[level], tried[level], orbits[level])
            chosen = tie >= 0
            if chosen:
                tried[level] |= _bit(tie)
                sizes[level, row] = _size(left[level])
                base = _place(delta, tie, base, order, number)
                members = left[level] & ~reach[tie]
        else:
            chosen = left[level] != _ZERO
            if chosen:
                members = _component(delta, left[level], _first(left[level]))
                sizes[level, row] = _size(members)
                left[level] &= ~members
        if chosen:
            members, base, ties = _greedy(delta, reach, sources, members, base, order, number)
            finished = members == _ZERO
            continue
        for place in range(1 if tied[level] != _ZERO else row):
            result = ranking[level, place]
            for position in range(sizes[level, result]):
                order[base] = orders[level, result, position]
                number[order[base]] = base
                base += 1
        level -= 1
        finished = True


@jit
def _letter_keys(delta):
    """Return a key of each letter, from what renaming states keeps.

    These are its rank, its fixed points and the states on which it is undefined.
    """
    k, n = delta.shape
    keys = np.empty(k, np.int64)
    for a in range(k):
        image = _ZERO
        fixed = undefined = 0
        for q in range(n):
            if delta[a, q] < n:
                image |= _bit(delta[a, q])
            else:
                undefined += 1
            fixed += delta[a, q] == q
        keys[a] = (_size(image) * (n + 1) + fixed) * (n + 1) + undefined
    return keys


@jit
def canonical_forms(deltas, letter_orders, forms):
    """Write the canonical form of each automaton, state-major, one row each.

    ``letter_orders`` (k!, k) holds all orders of the letters. If some state reaches all others, the
    form is the least breadth-first string over all such states and all letter orders. Otherwise it
    is the least string of `arrange` over the letter orders that sort the letters' keys. Undefined
    transitions are n in ``deltas`` and in ``forms``.
    """
    batch, k, n = deltas.shape
    full = ~_ZERO >> np.uint64(64 - n)
    delta = np.empty((k, n), np.uint8)
    reach = np.empty(n, np.uint64)
    order = np.empty(n, np.int64)
    number = np.empty(n + 1, np.int8)
    best = np.empty(n * k, np.int8)
    for i in range(batch):
        fill_reach(deltas[i], reach)
        connected = False
        for q in range(n):
            connected |= reach[q] == full
        if not connected:
            sources = source_states(reach)
            keys = _letter_keys(deltas[i])
        empty = True
        for letters in letter_orders:
            for a in range(k):
                for q in range(n):
                    delta[a, q] = deltas[i, letters[a], q]
            if connected:
                for q in range(n):
                    if reach[q] == full:
                        _least_walk(delta, q, best, empty, order, number)
                        empty = False
                continue
            sorts = True
            for a in range(k - 1):
                sorts &= keys[letters[a]] <= keys[letters[a + 1]]
            if sorts:
                arrange(delta, reach, sources, full, order, number)
                _compare_and_keep(delta, 0, n, order, number, best, empty)
                empty = False
        for position in range(n * k):
            forms[i, position] = best[position]
