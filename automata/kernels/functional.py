"""Types of letters: functions of the states up to renaming, that is functional digraphs; n <= 11.

Two integers identify the type of a letter: `shape`, which packs small counts, and `fingerprint`, a
hash. The wrapper has checked that no two types share both.

A partial letter is a function of n + 1 points: the last one stands for "undefined", leads to itself
and is marked: its colour is its own, so every isomorphism keeps it.
"""

import numpy as np

from automata.kernels.hashing import mix
from automata.kernels.jit import jit

CYCLIC_STATES = 20
"""The bits of a shape from this one on hold the number of cyclic states."""
_LETTER = np.uint64(0x9E3779B97F4A7C15)
_MARK = np.uint64(0xD1B54A32D192ED03)


@jit
def shape(letter):
    """Pack the numbers of cyclic states, of images after 1, 2, 3 steps, of fixed points of 1, 2.

    The first is the most significant. A letter with c cyclic states has a power of rank c.
    """
    n = letter.shape[0]
    states = (1 << n) - 1
    packed = step = 0
    size, before = n, n + 1
    while size < before or step < 3:
        image = 0
        for q in range(n):
            image |= (states >> q & 1) << letter[q]
        states = image
        before, size = size, 0
        for q in range(n):
            size += states >> q & 1
        if step < 3:
            packed = packed << 4 | size
        step += 1
    fixed = swapped = 0
    for q in range(n):
        fixed += letter[q] == q
        swapped += letter[letter[q]] == q
    return size << CYCLIC_STATES | packed << 8 | fixed << 4 | swapped


@jit
def colour(letter, marked, colours):
    """Give two states one colour exactly when an automorphism of the letter maps one to the other.

    With ``marked`` the automorphisms are those that keep the last state, which leads to itself.

    Colours begin with the length of the cycle that a state leads to (without it a cycle of six and
    two of three would look alike), and are refined along the letter, both ways. Only collisions of
    the hash are exceptions.
    """
    n = letter.shape[0]
    fresh = np.empty(n, np.uint64)
    for q in range(n):
        cyclic = q
        for _ in range(n):
            cyclic = letter[cyclic]
        length, state, met = 1, letter[cyclic], cyclic == q
        while state != cyclic:
            met |= state == q
            state = letter[state]
            length += 1
        colours[q] = mix(np.uint64(2 * length + met))
    if marked:
        colours[n - 1] = _MARK
    for _ in range(n):
        for q in range(n):
            fresh[q] = mix(colours[q]) + mix(colours[letter[q]] + _LETTER)
        for q in range(n):
            fresh[letter[q]] += mix(colours[q] ^ _LETTER)
        colours[:] = fresh


@jit
def fingerprint(letter, marked, colours):
    """Return a hash of the type of a letter; write its colours."""
    colour(letter, marked, colours)
    total = np.uint64(0)
    for q in range(letter.shape[0]):
        total += mix(colours[q])
    return total


@jit
def isomorphism(letter, colours, other, other_colours, names):
    """Write a renaming of the states that turns a letter into another one of its type.

    Cyclic states get names first, a whole cycle at a time, then states whose image has a name. Any
    free name with the right colour and the right image may be taken, because automorphisms map
    states of one colour to each other.
    """
    n = letter.shape[0]
    taken = 0
    names[:] = n
    for start in range(n):
        state = letter[start]
        for _ in range(n):
            if state == start:
                break
            state = letter[state]
        if state != start or names[start] < n:
            continue
        target = 0
        while taken >> target & 1 or other_colours[target] != colours[start]:
            target += 1
        while names[state] == n:
            names[state] = target
            taken |= 1 << target
            state = letter[state]
            target = other[target]
    named = False
    while not named:
        named = True
        for state in range(n):
            if names[state] < n:
                continue
            if names[letter[state]] == n:
                named = False
                continue
            target = 0
            while (
                taken >> target & 1
                or other_colours[target] != colours[state]
                or other[target] != names[letter[state]]
            ):
                target += 1
            names[state] = target
            taken |= 1 << target


@jit
def describe(letters, marked, shapes, fingerprints, colours):
    """Write the shape, the fingerprint and the colours of each letter."""
    for i in range(letters.shape[0]):
        shapes[i] = shape(letters[i])
        fingerprints[i] = fingerprint(letters[i], marked, colours[i])
