"""Breadth-first search from both ends, for n <= 64: the kernel for slowly synchronizing automata.

A set of states is a uint64 bit mask. Side 0 goes forward: images from Q. Side 1 goes backward:
preimages from the singletons, *every set stored as its complement*, which makes the sides alike: a
preimage of the complement is the complement of the preimage, and X is contained in Y exactly when
X is disjoint from the complement of Y. On both sides the smaller set is the better one.

Level i of a side keeps the sets met after i letters, except those met before and those that
contain another set of the level. Yet *every set met after i letters contains a set kept in a level
up to i*. By induction, the set X that it comes from contains a set kept in a level h < i. The image
of that one lies within the image of X. If it was met after fewer than h + 1 letters, it contains a
kept set by induction; if not, it is kept in level h + 1, or contains a set that is.

Two levels *meet* if a set of one is disjoint from a set of the other. Deepen either side by one
letter at a time: the depths of the first two levels that meet add up to the reset threshold t. Let
w = uv be a shortest reset word, |u| = i. Q u contains a set kept at a forward level i' <= i, and
the complement of the states that v leads to one state contains a set kept at a backward level
j' <= t - i. The two are disjoint, so there is a reset word of length i' + j', so i' = i and
j' = t - i. Conversely, levels i and j that meet give a reset word of length i + j. So no level up
to t is empty, and a side without new sets proves that there is no reset word. Nothing is assumed
about the length of reset words.

Of a partial automaton the words are careful: defined wherever they are read. An image that is not
defined is not met; what is said above holds, since a letter that is defined on a set is so on each
set within it.
"""

import numpy as np
import numpy.typing as npt

from automata.kernels.jit import jit

NOT_SYNCHRONIZING = -1
UNFINISHED = -3
MET = 0

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_NIBBLE = np.uint64(15)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST_BITS = 9  # of a hash table; 4 times n + k + 1 sets fit
_SMALL = np.uint64(32)  # levels up to this size are not worth sorting
_CHUNK = np.uint64(256)

Buffer = npt.NDArray[np.uint64]


def working_space(n: int, k: int, limit: int) -> tuple[Buffer, Buffer, Buffer, Buffer, Buffer]:
    """Return the kernels' working space, for ``limit`` sets a side (n + 1 at least).

    It is large, but only pages that are written take memory.
    """
    room = max(limit, n + 1) + k + 1
    tables = np.empty((2, -(-k // (64 // n)), 16 * -(-n // 4)), np.uint64)
    slots = np.empty((2, max(1 << _FIRST_BITS, 1 << (4 * room - 1).bit_length())), np.uint64)
    lists = np.empty((3, room), np.uint64)  # of both sides, and for sorting
    levels = np.empty((2, room + 1), np.uint64)
    starts = np.empty(66, np.uint64)
    return tables, slots, lists, levels, starts


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
    """Fill ``tables[side, group, 16 * nibble + s]``: the (pre)images of subset s of four states.

    Those under the letters of a group lie side by side in one word, n bits each. Where a letter is
    undefined on a state, the image is all states, which has been met, and no preimage has it: so it
    is in the complements of all.
    """
    k, n = delta.shape
    full = ~_ZERO >> np.uint64(64 - n)
    per_word = 64 // n
    singles = np.empty((2, 64), np.uint64)
    for group in range(tables.shape[1]):
        first = group * per_word
        singles[:] = _ZERO
        undefined = _ZERO
        for a in range(first, min(k, first + per_word)):
            shift = np.uint64((a - first) * n)
            for q in range(n):
                target = np.uint64(delta[a, q])
                state = _ONE << (shift + np.uint64(q))
                if target < np.uint64(n):
                    singles[0, q] |= _ONE << (shift + target)
                    singles[1, target] |= state
                else:
                    singles[0, q] |= full << shift
                    undefined |= state
        for side in range(2):
            for start in range(0, tables.shape[2], 16):
                tables[side, group, start] = undefined if side == 1 and start == 0 else _ZERO
                for bit in range(4):
                    half = 1 << bit
                    single = singles[side, start // 4 + bit]
                    for s in range(start, start + half):
                        tables[side, group, s + half] = tables[side, group, s] | single


@jit
def _enter(slots, side, bits, lists, count):
    """Clear a hash table, the first 2^bits slots (open addressing), and enter the sets listed."""
    slots[side, : 1 << bits] = _ZERO
    mask = (_ONE << np.uint64(bits)) - _ONE
    for i in range(count):
        slot = (lists[side, i] * _GOLDEN) >> np.uint64(64 - bits)
        while slots[side, slot] != _ZERO:
            slot = (slot + _ONE) & mask
        slots[side, slot] = lists[side, i]


@jit
def _sort(lists, side, begin, end, starts):
    """Sort a level by size."""
    starts[:] = begin
    for i in range(begin, end):
        lists[2, i] = lists[side, i]
        starts[_size(lists[side, i]) + 1] += _ONE
    for size in range(1, starts.shape[0]):
        starts[size] += starts[size - 1] - begin
    for i in range(begin, end):
        states = lists[2, i]
        size = _size(states)
        lists[side, starts[size]] = states
        starts[size] += _ONE


@jit
def _settle(lists, side, begin, end, first, last, n, starts):
    """Reduce a large new level; return its end, and whether it meets first..last-1 opposite."""
    _sort(lists, side, begin, end, starts)
    kept = smaller = begin  # a set can contain only the kept sets before `smaller`
    size = 0
    for i in range(begin, end):
        states = lists[side, i]
        if _size(states) > size:
            size = _size(states)
            smaller = kept
        count = _ZERO
        at = begin
        while at < smaller and count == _ZERO:
            stop = min(at + _CHUNK, smaller)
            for j in range(at, stop):
                count += np.uint64(lists[side, j] & ~states == _ZERO)
            at = stop
        if count == _ZERO:
            lists[side, kept] = states
            kept += _ONE
    for i in range(begin, kept):
        states = lists[side, i]
        room = n - _size(states)  # shrinks: a set too large now stays too large
        while last > first and _size(lists[1 - side, last - _ONE]) > room:
            last -= _ONE
        count = _ZERO
        for j in range(first, last):
            count += np.uint64(lists[1 - side, j] & states == _ZERO)
        if count != _ZERO:
            return kept, True
    return kept, False


@jit
def _by_side(side, depth, other_depth):
    """Return the depths of side 0 and side 1."""
    return (depth, other_depth) if side == 0 else (other_depth, depth)


@jit
def _search(k, n, tables, slots, lists, levels, starts):
    """Search from both ends; return the outcome and the depths of both sides.

    `MET`: their sum is the reset threshold. `UNFINISHED`, where a side has more sets than ``lists``
    has room for: no word of so many letters or fewer resets the automaton. Else
    `NOT_SYNCHRONIZING`. ``levels[side, i]`` becomes the start of level i in ``lists[side]``.

    A slowly synchronizing automaton has one or two sets a level, and a call that passes an array
    would cost more than the level (numba counts references). Hence one long function, without
    branches that the processor cannot predict. The scans count instead of stopping, so that they
    are vectorised.
    """
    full = ~_ZERO >> np.uint64(64 - n)
    per_word = 64 // n
    limit = np.uint64(lists.shape[1] - k - 1)
    reach = np.uint64(k)
    for side in range(2):
        lists[side, 0] = full  # on side 1 not a start: the empty preimage counts as met
        levels[side, 0] = side
        levels[side, 1] = 1 + side * n
    for q in range(n):
        lists[1, 1 + q] = full ^ (_ONE << np.uint64(q))
    if n == 1:
        return MET, (0, 0)
    _enter(slots, 0, _FIRST_BITS, lists, 1)
    _enter(slots, 1, _FIRST_BITS, lists, n + 1)
    # the side that is deepened, and the other one
    side, depth, least, bits, used = 0, 0, n, _FIRST_BITS, _ONE
    other_depth, other_least, other_bits, other_used = 0, n - 1, _FIRST_BITS, np.uint64(n + 1)
    begin, end, first, last = _ZERO, _ONE, _ONE, np.uint64(n + 1)
    met = False
    while not met:
        if end - begin > last - first:
            side = 1 - side
            depth, other_depth = other_depth, depth
            least, other_least = other_least, least
            bits, other_bits = other_bits, bits
            used, other_used = other_used, used
            begin, end, first, last = first, last, begin, end
        # list the images of the frontier
        least = 64
        tail = end
        mask = (_ONE << np.uint64(bits)) - _ONE
        for head in range(begin, end):
            if tail > limit:
                return UNFINISHED, _by_side(side, depth, other_depth)
            if used + reach > mask >> _ONE:  # `used` also counts dropped sets: forget them
                while tail + reach > mask >> np.uint64(2):
                    bits += 1
                    mask += mask + _ONE
                _enter(slots, side, bits, lists, tail)
                used = tail
            used -= tail
            states = lists[side, head]
            for group in range(tables.shape[1]):
                rest = states
                images = tables[side, group, rest & _NIBBLE]
                for start in range(16, tables.shape[2], 16):
                    rest >>= np.uint64(4)
                    images |= tables[side, group, np.uint64(start) + (rest & _NIBBLE)]
                for offset in range(0, n * min(per_word, k - group * per_word), n):
                    image = (images >> np.uint64(offset)) & full
                    slot = (image * _GOLDEN) >> np.uint64(64 - bits)
                    found = slots[side, slot]
                    while (found != image) & (found != _ZERO):
                        slot = (slot + _ONE) & mask
                        found = slots[side, slot]
                    slots[side, slot] = image
                    lists[side, tail] = image
                    least = min(least, 64 if found == image else _size(image))
                    tail += np.uint64(found != image)
            used += tail
        if tail == end:
            return NOT_SYNCHRONIZING, _by_side(side, depth, other_depth)
        # drop the sets that contain another one, and compare with the other frontier
        if tail - end > _SMALL:
            tail, met = _settle(lists, side, end, tail, first, last, n, starts)
        else:
            if tail - end > _ONE:
                kept = end
                for i in range(end, tail):
                    states = lists[side, i]
                    count = _ZERO
                    for j in range(end, tail):
                        count += np.uint64(lists[side, j] & ~states == _ZERO)
                    if count == _ONE:  # itself
                        lists[side, kept] = states
                        kept += _ONE
                tail = kept
            if least + other_least <= n:
                for i in range(end, tail):
                    states = lists[side, i]
                    if _size(states) + other_least <= n:
                        count = _ZERO
                        for j in range(first, last):
                            count += np.uint64(lists[1 - side, j] & states == _ZERO)
                        met = met or count != _ZERO
        depth += 1
        levels[side, depth + 1] = tail
        begin, end = end, tail
    return MET, _by_side(side, depth, other_depth)


@jit
def search(delta, tables, slots, lists, levels, starts):
    """Search from both ends; return what `_search` returns."""
    _fill_tables(delta, tables)
    return _search(delta.shape[0], delta.shape[1], tables, slots, lists, levels, starts)


@jit
def reset_thresholds(deltas, rows, thresholds, tables, slots, lists, levels, starts):
    """Write the reset threshold of the automata in ``rows``, to the same rows of ``thresholds``.

    -1 where there is none, `UNFINISHED` where a side has more sets than ``lists`` has room for.
    """
    for row in rows:
        outcome, depths = search(deltas[row], tables, slots, lists, levels, starts)
        thresholds[row] = depths[0] + depths[1] if outcome == MET else outcome


@jit
def _images(tables, side, group, states):
    """Return the (pre)images of a set under a group of letters, side by side."""
    images = tables[side, group, states & _NIBBLE]
    for start in range(16, tables.shape[2], 16):
        states >>= np.uint64(4)
        images |= tables[side, group, np.uint64(start) + (states & _NIBBLE)]
    return images


@jit
def _misses(lists, side, begin, end, states):
    """Return whether some set of a level is disjoint from ``states``."""
    count = _ZERO
    for i in range(begin, end):
        count += np.uint64(lists[side, i] & states == _ZERO)
    return count != _ZERO


@jit
def _continue(k, n, forward, backward, tables, lists, levels):
    """Continue the backward side up to Q; return False if it runs out of space.

    A set at level j is kept only if it is disjoint from a set of forward level t - j, where
    t = forward + backward, and contains no set kept at level j before it.
    """
    full = ~_ZERO >> np.uint64(64 - n)
    per_word = 64 // n
    tail = levels[1, backward + 1]
    for depth in range(backward, backward + forward):
        end = tail
        goal = backward + forward - depth - 1
        for head in range(levels[1, depth], end):
            if tail + np.uint64(k) >= np.uint64(lists.shape[1]):
                return False
            for group in range(tables.shape[1]):
                images = _images(tables, 1, group, lists[1, head])
                for offset in range(0, n * min(per_word, k - group * per_word), n):
                    image = (images >> np.uint64(offset)) & full
                    if _misses(lists, 0, levels[0, goal], levels[0, goal + 1], image):
                        if not _misses(lists, 1, end, tail, ~image):
                            lists[1, tail] = image
                            tail += _ONE
        levels[1, depth + 2] = tail
    return True


@jit
def least_word(k, n, forward, backward, tables, lists, levels, word):
    """Write the lexicographically least shortest reset word, once both sides have met.

    Return False if a side runs out of space. ``word`` has room for ``forward + backward`` letters.

    First the backward side is continued to level t, the threshold. Then the word is read off. Let
    t - r letters lead Q to X, and let r letters lead X to one state. Then X is contained in a set
    kept at backward level r, and in none at a lower level: that would give a shorter reset word. So
    the next letter is the least that leads X into a set of level r - 1.

    Beyond the level where the sides met, only sets that contain Q u for some u of t - r letters
    are needed. These contain a set kept at forward level t - r; conversely, a set that contains
    such a set can be led to one state through the levels below. The forward levels alone do not
    suffice: they dropped sets that contain another, and the least word may pass through one.
    """
    if not _continue(k, n, forward, backward, tables, lists, levels):
        return False
    states = full = ~_ZERO >> np.uint64(64 - n)
    per_word = 64 // n
    length = forward + backward
    for position in range(length):
        below = length - position - 1
        for a in range(k):
            group = a // per_word
            images = _images(tables, 0, group, states)
            image = (images >> np.uint64((a - group * per_word) * n)) & full
            if _misses(lists, 1, levels[1, below], levels[1, below + 1], image):
                word[position] = a
                states = image
                break
    return True


@jit
def shortest_reset_words(deltas, words, lengths, tables, slots, lists, levels, starts):
    """Write the `least_word` of each automaton to the start of a row, and its length.

    -1 where there is none, `UNFINISHED` where a side has more sets than ``lists`` has room for, or
    where the word is longer than a row.
    """
    k, n = deltas.shape[1], deltas.shape[2]
    for i in range(deltas.shape[0]):
        outcome, depths = search(deltas[i], tables, slots, lists, levels, starts)
        lengths[i] = outcome
        if outcome == MET:
            forward, backward = depths
            lengths[i] = UNFINISHED
            if forward + backward <= words.shape[1]:
                if least_word(k, n, forward, backward, tables, lists, levels, words[i]):
                    lengths[i] = forward + backward
