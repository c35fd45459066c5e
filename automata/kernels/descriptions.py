"""Descriptions of one automaton, which the enumeration compares: it writes only the least one.

A description renames the states by an automorphism of the first letter, or exchanges letters.
"""

import numpy as np

from automata.kernels.functional import fingerprint, isomorphism, shape
from automata.kernels.jit import jit


@jit
def keep_ties(letter, where, known, group, ties, places, begin, end):
    """Write from ``end`` on the automorphisms that may keep a letter, by its known values.

    ``where`` lists the states with values in the order in which they were defined. The
    automorphisms at begin..end-1 may keep the letter without the last of them. Return the new end,
    -1 if an automorphism makes the letter less.
    """
    tail = end
    for i in range(begin, end):
        place = places[i] if len(where) > 1 else 0
        comparison = 0
        while place < len(where):
            q = where[place]
            source = group[1, ties[i], q]
            if not known >> source & 1:
                break
            comparison = int(group[0, ties[i], letter[source]]) - int(letter[q])
            if comparison != 0:
                break
            place += 1
        if comparison < 0:
            return -1
        if comparison == 0:
            ties[tail] = ties[i]
            places[tail] = place
            tail += 1
    return tail


@jit
def has_earlier_type(letter, delta, shapes, fingerprints, colours, described, types):
    """Record the type of a complete letter; return whether it is before that of letter - 1."""
    shapes[letter] = shape(delta[letter])
    types[letter] = letter
    described[letter] = False
    if shapes[letter] != shapes[letter - 1]:
        return shapes[letter] < shapes[letter - 1]
    if not described[letter - 1]:
        fingerprints[letter - 1] = fingerprint(delta[letter - 1], False, colours[letter - 1])
        described[letter - 1] = True
    fingerprints[letter] = fingerprint(delta[letter], False, colours[letter])
    described[letter] = True
    if fingerprints[letter] == fingerprints[letter - 1]:
        types[letter] = types[letter - 1]
    return fingerprints[letter] < fingerprints[letter - 1]


@jit
def is_least(delta, where, group, orders, types, colours):
    """Return whether no other description of the automaton is less.

    Another description exchanges letters of one type, and then renames the states so that its first
    letter is the same: by one isomorphism, followed by any automorphism of the first letter.
    """
    k, n = delta.shape
    names = np.empty(n, np.int64)
    forth = np.empty(n, np.int64)
    back = np.empty(n, np.int64)
    for order in orders:
        fits = True
        for a in range(k):
            fits &= types[order[a]] == types[a]
        if not fits:
            continue
        isomorphism(delta[order[0]], colours[order[0]], delta[0], colours[0], names)
        for i in range(group.shape[1]):
            for q in range(n):
                forth[q] = group[0, i, names[q]]
                back[forth[q]] = q
            comparison = 0
            for depth in range((k - 1) * n):
                a, q = 1 + depth // n, where[depth]
                comparison = forth[delta[order[a], back[q]]] - delta[a, q]
                if comparison != 0:
                    break
            if comparison < 0:
                return False
    return True
