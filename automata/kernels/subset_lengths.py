"""Lengths of shortest words for all sets of states at once, or between two sets, for n <= 24.

A set of states is a bit mask, uint64 in registers, uint32 in the queue. ``lengths`` has an entry
for each set; `NONE`, the largest number, where no word is known.
"""

import numpy as np

from automata.kernels.dense import ends, fill_tables, third
from automata.kernels.jit import jit
from automata.kernels.tables import letters_per_word

NONE = np.uint32(0xFFFFFFFF)

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_3 = np.uint64(3)


@jit
def _search(k, n, start, goal, tables, lengths, queue):
    """Search forward from one set; return the length of the shortest words to a goal, and sets met.

    ``lengths``, `NONE` before, gets the lengths of the sets met, which ``queue`` lists. The first
    set counts as none, so with a goal that no set is, all sets that can be reached are met.
    """
    width = np.uint64(n)
    full = (_ONE << width) - _ONE
    shift1, shift2 = np.uint64(third(n)), np.uint64(2 * third(n))
    start1, start2, size = _ONE << shift1, np.uint64(2) << shift1, _3 << shift1
    low = start1 - _ONE
    per_word = letters_per_word(n)
    queue[0] = full  # met: the image under a letter that is not defined everywhere
    lengths[full] = 0
    queue[1] = start
    head, tail = 1, 2
    if start == full:
        head, tail = 0, 1
    lengths[start] = 0
    while head < tail:
        states = np.uint64(queue[head])
        length = lengths[states] + np.uint32(1)
        head += 1
        states0, states1, states2 = states & low, (states >> shift1) & low, states >> shift2
        base = _ZERO
        letters = k
        while letters > 0:
            images = tables[base + states0] | tables[base + start1 + states1]
            images |= tables[base + start2 + states2]
            base += size
            for _ in range(min(letters, per_word)):
                image = images & full
                images >>= width
                if lengths[image] == NONE:
                    if ends(image, goal):
                        return np.int64(length), tail
                    lengths[image] = length
                    queue[tail] = image
                    tail += 1
            letters -= per_word
    return -1, tail


@jit
def between(deltas, start, goal, found, lengths, queue, tables):
    """Write for each automaton the length of the shortest words from a set, no goal, to a goal.

    -1 where there is none. ``goal`` as in `automata.kernels.dense.ends`.
    """
    k, n = deltas.shape[1], deltas.shape[2]
    for i in range(deltas.shape[0]):
        fill_tables(deltas[i], tables)
        found[i], met = _search(k, n, start, goal, tables, lengths, queue)
        for place in range(met):
            lengths[queue[place]] = NONE


@jit
def from_all_states(deltas, lengths, queue, tables):
    """Write for each automaton and each set S the length of the shortest words w with Q w = S."""
    k, n = deltas.shape[1], deltas.shape[2]
    full = (_ONE << np.uint64(n)) - _ONE
    for i in range(deltas.shape[0]):
        fill_tables(deltas[i], tables)
        _search(k, n, full, (_ZERO, full), tables, lengths[i], queue)


@jit
def to_one_state(deltas, lengths, queue, preimages):
    """Write for each automaton and each set the length of the shortest words that merge the set.

    Backward from the singletons, in full breadth: a word merges a set exactly if the set lies
    within the preimage of a singleton. So each set takes the least length of the sets that contain
    it. ``preimages`` has room for k n sets. The empty set has no length.
    """
    k, n = deltas.shape[1], deltas.shape[2]
    full = (_ONE << np.uint64(n)) - _ONE
    for i in range(deltas.shape[0]):
        row = lengths[i]
        preimages[:] = 0
        for a in range(k):
            for q in range(n):
                target = np.int64(deltas[i, a, q])
                if target < n:
                    preimages[a * n + target] |= _ONE << np.uint64(q)
        row[0] = 0  # met
        for q in range(n):
            queue[q] = _ONE << np.uint64(q)
            row[queue[q]] = 0
        head, tail = 0, n
        while head < tail and row[full] == NONE:
            states = np.uint64(queue[head])
            length = row[states] + np.uint32(1)
            head += 1
            for a in range(k):
                image = _ZERO
                for q in range(n):
                    member = (states >> np.uint64(q)) & _ONE
                    image |= preimages[a * n + q] * member
                if row[image] == NONE:
                    row[image] = length
                    queue[tail] = image
                    tail += 1
        for q in range(n):
            bit = 1 << q
            for high in range(0, 1 << n, 2 * bit):
                for states in range(high, high + bit):
                    row[states] = min(row[states], row[states + bit])
        row[0] = NONE
