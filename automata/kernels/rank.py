"""Breadth-first search from Q for a set of few states, for every n, in steps.

A set is a row of W = ceil(n / 64) uint64 words, bit q % 64 of word q // 64 for state q. Indices of
words are uint64, for which the compiler need not ask whether they are negative.
"""

import numpy as np

from automata.kernels.jit import jit

MORE, FOUND, FULL = 0, 1, 2

_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_SIX = np.uint64(6)
_63 = np.uint64(63)


@jit
def _list_states(row, members):
    """Write the states of a set in order; return how many there are."""
    count = 0
    for w in range(row.shape[0]):
        rest = row[w]
        q = w * 64
        while rest != _ZERO:
            if rest & _ONE:
                members[count] = q
                count += 1
            rest >>= _ONE
            q += 1
    return count


@jit
def _hash(row):
    """The sum of splitmix64 of each word, salted by its place."""
    value, salt = _ZERO, _ZERO
    for word in row:
        salt += np.uint64(0x9E3779B97F4A7C15)
        mixed = word + salt
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        value += mixed ^ (mixed >> np.uint64(31))
    return value


@jit
def _slot(slots, sets, row):
    """Return the slot that holds a set, or the empty slot (-1) where it belongs."""
    last = np.uint64(slots.shape[0] - 1)
    slot = _hash(row) & last
    while slots[slot] >= 0:
        stored = sets[slots[slot]]
        equal = True
        for w in range(row.shape[0]):
            equal &= stored[w] == row[w]
        if equal:
            break
        slot = (slot + _ONE) & last
    return slot


@jit
def enter(slots, sets, start, stop):
    """Enter sets that are known to be new into the slots (a power of two, -1 when empty)."""
    last = np.uint64(slots.shape[0] - 1)
    for i in range(start, stop):
        slot = _hash(sets[i]) & last
        while slots[slot] >= 0:
            slot = (slot + _ONE) & last
        slots[slot] = i


@jit
def search(delta, goal, slots, sets, origins, progress, heads):
    """Expand so many sets; return what ended the search, `MORE` if nothing did.

    ``sets`` (capacity, W) holds the sets met, in the order (length, least word), and ``origins``
    (int64) ``parent << 6 | letter`` of each but the first, which is Q. ``slots`` (int64) has at
    least one more than ``sets``. ``progress`` (int64) is the number of sets expanded, of sets met,
    of those in the levels up to the one that is being expanded, and the length of its words.
    `FOUND`: the last set met has at most ``goal`` states; such a set must be within reach. `FULL`
    asks for more room and more slots.
    """
    k, n = delta.shape
    head, tail, level_end, depth = progress[0], progress[1], progress[2], progress[3]
    members = np.empty(n, np.int64)
    image = np.empty(sets.shape[1], np.uint64)
    outcome = MORE
    for _ in range(heads):
        if tail + k > sets.shape[0]:
            outcome = FULL
            break
        if head == level_end:
            level_end = tail
            depth += 1
        size = _list_states(sets[head], members)
        for a in range(k):
            letter = delta[a]
            image[:] = _ZERO
            left = 0
            for q in members[:size]:
                target = np.uint64(letter[q])
                word = image[target >> _SIX]
                bit = _ONE << (target & _63)
                left += word & bit == _ZERO
                image[target >> _SIX] = word | bit
            slot = _slot(slots, sets, image)
            if slots[slot] >= 0:
                continue
            slots[slot] = tail
            sets[tail] = image
            origins[tail] = head << 6 | a
            tail += 1
            if left <= goal:
                outcome = FOUND
                break
        if outcome == FOUND:
            break
        head += 1
    progress[0], progress[1], progress[2], progress[3] = head, tail, level_end, depth
    return outcome
