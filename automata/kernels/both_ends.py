"""Breadth-first search from both ends, for n <= 64: the kernel for slowly synchronizing automata.

A set of states is a uint64 bit mask. Side 0 goes forward: images from Q. Side 1 goes backward:
preimages from the singletons, *every set stored as its complement*, which makes the sides alike: a
preimage of the complement is the complement of the preimage, and X is contained in Y exactly when
X & complement(Y) is empty.

Level i of a side holds the sets met after i letters and not before. Why that is enough: let t be
the reset threshold, w = uv a shortest reset word, Q w = {q}, and i the length of u. X = Q u lies in
Y, the preimage of {q} under v. Were X met by a shorter word, or Y, that word and the rest of w
would make a shorter reset word. So X is new in forward level i, Y in backward level t - i, for each
i: no level up to t is empty, and two frontiers whose depths sum to t always meet. Conversely sets
that meet at depths i and j give a reset word of length i + j. Hence: deepening by one letter at a
time, on either side, the first meeting is at t exactly, only the new sets need to be tested
against the other frontier, and a level without new sets proves that there is no reset word.
"""

import numpy as np
import numpy.typing as npt

from automata.kernels.jit import jit

NOT_SYNCHRONIZING = -1
UNFINISHED = -3

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_NIBBLE = np.uint64(15)
_FIRST_BITS = 9
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def working_space(
    n: int, k: int, limit: int
) -> tuple[
    npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.int32]
]:
    """Return tables, slots, lists and levels for the kernels, for ``limit`` sets a side.

    Only the pages touched take memory.
    """
    room = max(limit, n + 1) + k + 1
    tables = np.empty((2, -(-k // (64 // n)), 16 * -(-n // 4)), np.uint64)
    slots = np.empty((2, max(1 << _FIRST_BITS, 1 << (4 * room - 1).bit_length())), np.uint64)
    lists = np.empty((2, room), np.uint64)
    levels = np.empty((2, room + 1), np.int32)
    return tables, slots, lists, levels


@jit
def _size(states):
    """Count the states of a set (compiled to one instruction)."""
    count = 0
    while states != _ZERO:
        states &= states - _ONE
        count += 1
    return count


@jit
def _fill_tables(delta, tables):
    """Fill ``tables[side, group, 16 * nibble + s]``: where the subset s of four states leads.

    The (pre)images under the letters of a group lie side by side in one word, n bits each.
    """
    k, n = delta.shape
    per_word = 64 // n
    singles = np.empty((2, 64), np.uint64)
    for group in range(tables.shape[1]):
        first = group * per_word
        singles[:] = _ZERO
        for a in range(first, min(k, first + per_word)):
            for q in range(n):
                target = delta[a, q]
                singles[0, q] |= _ONE << np.uint64((a - first) * n + target)
                singles[1, target] |= _ONE << np.uint64((a - first) * n + q)
        for side in range(2):
            for start in range(0, tables.shape[2], 16):
                tables[side, group, start] = _ZERO
                for bit in range(4):
                    half = 1 << bit
                    single = singles[side, start // 4 + bit]
                    for s in range(start, start + half):
                        tables[side, group, s + half] = tables[side, group, s] | single


@jit
def _images(tables, side, group, states):
    """All (pre)images of a set under a group of letters, side by side."""
    images = tables[side, group, states & _NIBBLE]
    for start in range(16, tables.shape[2], 16):
        states >>= np.uint64(4)
        images |= tables[side, group, np.uint64(start) + (states & _NIBBLE)]
    return images


@jit
def _slot(slots, side, bits, states):
    """Return the slot that holds a set, or the empty slot (0) where it belongs."""
    mask = (_ONE << np.uint64(bits)) - _ONE
    slot = (states * _GOLDEN) >> np.uint64(64 - bits)
    while slots[side, slot] != states and slots[side, slot] != _ZERO:
        slot = (slot + _ONE) & mask
    return slot


@jit
def _rebuild(slots, side, bits, lists, count):
    """Clear the first 2^bits slots and enter the stored sets."""
    slots[side, : 1 << bits] = _ZERO
    for i in range(count):
        states = lists[side, i]
        slots[side, _slot(slots, side, bits, states)] = states


@jit
def _contained(lists, side, begin, end, states):
    """Count the sets of one level that a set contains."""
    outside = ~states
    count = _ZERO
    for i in range(begin, end):
        count += np.uint64(lists[side, i] & outside == _ZERO)
    return count


@jit
def _expand(k, n, side, begin, end, tables, slots, lists, bits, used):
    """Append the new sets that level begin..end-1 leads to; return their end, -1 past the limit."""
    full = ~_ZERO >> np.uint64(64 - n)
    per_word = 64 // n
    limit = lists.shape[1] - k - 1
    tail = end
    for head in range(begin, end):
        if tail > limit:
            return -1
        if used[side] + k > 1 << bits[side] >> 1:  # dropped sets count, and are forgotten here
            while tail + k > 1 << bits[side] >> 2:
                bits[side] += 1
            used[side] = tail
            _rebuild(slots, side, bits[side], lists, tail)
        before = tail
        states = lists[side, head]
        for group in range(tables.shape[1]):
            images = _images(tables, side, group, states)
            for offset in range(0, n * min(per_word, k - group * per_word), n):
                image = (images >> np.uint64(offset)) & full
                slot = _slot(slots, side, bits[side], image)
                lists[side, tail] = image
                tail += slots[side, slot] != image
                slots[side, slot] = image
        used[side] += tail - before
    return tail


@jit
def _reduce(lists, side, begin, end):
    """Keep the inclusion-minimal sets of a level, in place; return its new end."""
    if end - begin < 2:
        return end
    tail = begin
    for i in range(begin, end):
        states = lists[side, i]
        if _contained(lists, side, begin, end, states) == _ONE:
            lists[side, tail] = states
            tail += 1
    return tail


@jit
def _least(lists, side, begin, end):
    """Return the least size of the sets of a level."""
    least = 64
    for i in range(begin, end):
        least = min(least, _size(lists[side, i]))
    return least


@jit
def _meet(lists, side, begin, end, first, last, full):
    """Tell whether a set of level begin..end-1 and one of first..last-1, across, are disjoint."""
    for i in range(begin, end):
        if _contained(lists, 1 - side, first, last, full ^ lists[side, i]) != _ZERO:
            return True
    return False


@jit
def _search(k, n, tables, slots, lists, levels, bits, used):
    """Search from both ends; return the depths that meet, or what ended the search, twice.

    ``levels[side, i]`` becomes the start of level i in ``lists[side]``.
    """
    full = ~_ZERO >> np.uint64(64 - n)
    for side in range(2):
        lists[side, 0] = full  # on side 1 no start, but it drops the empty preimage
        levels[side, 0] = side
        levels[side, 1] = 1 + side * n
    for q in range(n):
        lists[1, 1 + q] = full ^ (_ONE << np.uint64(q))
    forward, backward = 0, 0
    if n == 1:
        return forward, backward
    forward_least, backward_least = n, n - 1
    for side in range(2):
        used[side] = levels[side, 1]
        _rebuild(slots, side, bits[side], lists, used[side])
    while True:
        first, last = np.int64(levels[0, forward]), np.int64(levels[0, forward + 1])
        begin, end = np.int64(levels[1, backward]), np.int64(levels[1, backward + 1])
        if last - first <= end - begin:
            side = 0
            forward += 1
            depth = forward
            first, last, begin, end = begin, end, first, last
        else:
            side = 1
            backward += 1
            depth = backward
        tail = _expand(k, n, side, begin, end, tables, slots, lists, bits, used)
        if tail < 0:
            return UNFINISHED, UNFINISHED
        if tail == end:
            return NOT_SYNCHRONIZING, NOT_SYNCHRONIZING
        tail = _reduce(lists, side, end, tail)
        levels[side, depth + 1] = tail
        least = _least(lists, side, end, tail)
        if side == 0:
            forward_least = least
        else:
            backward_least = least
        if forward_least + backward_least <= n and _meet(lists, side, end, tail, first, last, full):
            return forward, backward


@jit
def reset_thresholds(deltas, rows, thresholds, tables, slots, lists, levels):
    """Write the reset threshold of the automata in ``rows``, to the same rows of ``thresholds``.

    -1 where there is none, `UNFINISHED` where a side stores more sets than there is space for.
    """
    k, n = deltas.shape[1], deltas.shape[2]
    bits = np.empty(2, np.int64)
    used = np.empty(2, np.int64)
    for row in rows:
        _fill_tables(deltas[row], tables)
        bits[:] = _FIRST_BITS
        forward, backward = _search(k, n, tables, slots, lists, levels, bits, used)
        thresholds[row] = forward + backward if forward >= 0 else forward


@jit
def shortest_reset_word(delta, tables, slots, lists, levels, word):
    """Write the lexicographically least shortest reset word; return its length.

    -1 where there is none, `UNFINISHED` as `reset_thresholds`. A word longer than ``word`` is not
    written: only its length returns.

    After the sides have met, the backward one is continued up to Q, and of each further level only
    those sets are kept that contain one of the forward level that they should meet. Let t be the
    threshold. A set Q u with |u| = t - r goes to a state by r more letters exactly when a set of
    backward level r contains it: the set contains a kept one of forward level t - r, and r letters
    lead that to a state as well. Thus the least letter that leads into a set of the level below is,
    at each step, the next letter of the least word. (The forward levels themselves would not do:
    a set dropped because another is contained in it may be the one that the least word passes.)
    """
    k, n = delta.shape
    full = ~_ZERO >> np.uint64(64 - n)
    per_word = 64 // n
    bits = np.empty(2, np.int64)
    used = np.empty(2, np.int64)
    bits[:] = _FIRST_BITS
    _fill_tables(delta, tables)
    forward, backward = _search(k, n, tables, slots, lists, levels, bits, used)
    if forward < 0:
        return forward
    length = forward + backward
    for depth in range(backward + 1, length + 1):
        begin, end = np.int64(levels[1, depth - 1]), np.int64(levels[1, depth])
        first, last = levels[0, length - depth], levels[0, length - depth + 1]
        new = _expand(k, n, 1, begin, end, tables, slots, lists, bits, used)
        if new < 0:
            return UNFINISHED
        tail = end
        for i in range(end, new):
            states = lists[1, i]
            if _contained(lists, 0, first, last, full ^ states) != _ZERO:
                lists[1, tail] = states
                tail += 1
        levels[1, depth + 1] = _reduce(lists, 1, end, tail)
    if length > word.shape[0]:
        return length
    states = full
    for position in range(length):
        below = length - position - 1
        for a in range(k):
            group = a // per_word
            images = _images(tables, 0, group, states)
            image = (images >> np.uint64((a - group * per_word) * n)) & full
            if _contained(lists, 1, levels[1, below], levels[1, below + 1], full ^ image) != _ZERO:
                word[position] = a
                states = image
                break
    return length
