"""Breadth-first numberings of the states under orders of the letters: random ones, or all.

``order`` lists the states in the new numbering, ``number`` is its inverse, -1 for states not yet
numbered. An undefined transition leads to n, which is no state: ``number`` (n + 1,) has the value
that is written for it, 255, at place n. All random numbers of an automaton come from its seed
(uint64).
"""

import numpy as np

from automata.kernels.hashing import mix
from automata.kernels.jit import jit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_32 = np.uint64(32)
_UNDEFINED = 255


@jit
def _draw(seed, place, bound):
    """Return the draw at a place of the seed's stream, uniform in 0..bound-1 (splitmix64)."""
    value = mix(seed + np.uint64(place + 1) * _GOLDEN)
    return np.int64(((value >> _32) * np.uint64(bound)) >> _32)


@jit
def _clear(number):
    """Let no state be numbered."""
    number[:] = -1
    number[number.shape[0] - 1] = _UNDEFINED


@jit
def _walk(delta, letters, root, base, order, number, numbered):
    """Number the states reachable from ``root`` breadth-first from ``base`` on; return the next.

    States numbered before stay; ``numbered`` gets the renamed transitions of the others.
    """
    order[base] = root
    number[root] = base
    head, count = base, base + 1
    while head < count:
        q = order[head]
        for a in range(letters.shape[0]):
            target = delta[letters[a], q]
            if number[target] < 0:
                number[target] = count
                order[count] = target
                count += 1
            numbered[a, head] = number[target]
        head += 1
    return count


@jit
def _list_reaching(delta, goal, order, number):
    """List in ``order`` the states from which ``goal`` is reachable; return how many."""
    k, n = delta.shape
    number[:] = -1  # at place n too: goal is not reached from there
    number[goal] = 0
    order[0] = goal
    count, before = 1, 0
    while before < count:
        before = count
        for q in range(n):
            for a in range(k):
                if number[q] < 0 and number[delta[a, q]] >= 0:
                    number[q] = count
                    order[count] = q
                    count += 1
    return count


@jit
def _unnumbered(number, place):
    """Return the state at a place among those not yet numbered."""
    q = -1
    while place >= 0:
        q += 1
        place -= number[q] < 0
    return q


@jit
def random_numberings(deltas, seeds, numbered):
    """Write each automaton in a random breadth-first numbering, its letters in random order.

    A start is drawn. If it reaches all states, it is kept: it is uniform among the states that do.
    If not, walks start from unnumbered states, the roots, until all states are numbered. If the
    last root reaches all states, exactly the states that reach it do so too, and the start is
    drawn among them. If not, no state reaches all, and each root is drawn among the unnumbered
    states.
    """
    batch, k, n = deltas.shape
    letters = np.empty(k, np.int64)
    order = np.empty(n, np.int64)
    number = np.empty(n + 1, np.int64)
    for i in range(batch):
        delta, seed = deltas[i], seeds[i]
        for a in range(k):  # shuffled as it grows
            other = _draw(seed, a, a + 1)
            letters[a] = letters[other]
            letters[other] = a
        _clear(number)
        last = _draw(seed, k, n)
        count = _walk(delta, letters, last, 0, order, number, numbered[i])
        if count == n:
            continue
        for root in range(n):
            if number[root] < 0:
                count = _walk(delta, letters, root, count, order, number, numbered[i])
                last = root
        _clear(number)
        if _walk(delta, letters, last, 0, order, number, numbered[i]) == n:
            starts = _list_reaching(delta, last, order, number)
            start = order[_draw(seed, k + 1, starts)]
            _clear(number)
            _walk(delta, letters, start, 0, order, number, numbered[i])
            continue
        _clear(number)
        count = 0
        while count < n:
            root = _unnumbered(number, _draw(seed, k + 2 + count, n - count))
            count = _walk(delta, letters, root, count, order, number, numbered[i])


@jit
def all_numberings(deltas, letter_orders, numbered, whole):
    """Write each automaton in every breadth-first numbering: each order of letters, each start.

    ``whole[i, row]`` is true if the start reaches all states; otherwise the row is incomplete.
    """
    batch, _, n = deltas.shape
    order = np.empty(n, np.int64)
    number = np.empty(n + 1, np.int64)
    for i in range(batch):
        for p in range(letter_orders.shape[0]):
            for start in range(n):
                _clear(number)
                row = p * n + start
                count = _walk(
                    deltas[i], letter_orders[p], start, 0, order, number, numbered[i, row]
                )
                whole[i, row] = count == n
