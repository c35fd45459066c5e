"""Breadth-first search from both ends, for n <= 128: the kernel for slowly synchronizing automata.

A set of states is one word of 64 bits, or two where n > 64: ``low`` and ``high``. The compiler
knows which from the length of ``full``, the set of all states, a tuple: with one word, what is done
to the second is no code at all. Side 0 goes forward: images from Q. Side 1 goes backward:
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
_WIDEST = np.uint64(2048)  # level of sets of two words: other searches are quicker beyond

Buffer = npt.NDArray[np.uint64]
Space = tuple[tuple[np.uint64, ...], Buffer, Buffer, Buffer, Buffer]


def working_space(n: int, k: int, limit: int) -> Space:
    """Return the kernels' working space, for ``limit`` sets a side (n + 1 at least).

    It is large, but only pages that are written take memory. The set of all states comes first.
    """
    words = -(-n // 64)
    room = max(limit, n + 1) + k + 1
    full = tuple(np.uint64(2 ** min(64, n - first) - 1) for first in range(0, n, 64))
    tables = np.empty((2, -(-k // max(1, 64 // n)), words, 16 * -(-n // 4)), np.uint64)
    slots = np.empty((2, words, max(1 << _FIRST_BITS, 1 << (4 * room - 1).bit_length())), np.uint64)
    lists = np.empty((3, words, room), np.uint64)  # of both sides, and for sorting
    levels = np.empty((3, room + 1), np.uint64)  # of both sides, and for sorting
    return full, tables, slots, lists, levels


@jit
def _size(low, high):
    """Count the states of a set (compiled to one instruction for each word)."""
    count = 0
    while low != _ZERO:
        low &= low - _ONE
        count += 1
    while high != _ZERO:
        high &= high - _ONE
        count += 1
    return count


@jit
def _high(lists, side, i, full):
    """Return the second word of a set, 0 if there is none."""
    return lists[side, 1, i] if len(full) == 2 else _ZERO


@jit
def _hash(low, high, full):
    """Return a hash whose uppermost bits are a place in a table."""
    mixed = low * _GOLDEN
    return (mixed ^ high) * _GOLDEN if len(full) == 2 else mixed


@jit
def _fill_tables(delta, full, tables):
    """Fill ``tables[side, group, word, 16 * nibble + s]``: (pre)images of subset s of four states.

    Those under the letters of a group lie side by side in one word, n bits each. Where a letter is
    undefined on a state, the image is all states, which has been met, and no preimage has it: so it
    is in the complements of all.
    """
    k, n = delta.shape
    words = len(full)
    per_word = max(1, 64 // n)
    singles = np.empty((2, words, 64 * words + 1), np.uint64)
    for group in range(tables.shape[1]):
        first = group * per_word
        singles[:] = _ZERO
        for a in range(first, min(k, first + per_word)):
            shift = np.uint64((a - first) * n)
            for q in range(n):
                target = np.uint64(delta[a, q])
                state = _ONE << (shift + np.uint64(q & 63))
                if target < np.uint64(n):
                    place = _ONE << (shift + (target & np.uint64(63)))
                    singles[0, target >> np.uint64(6), q] |= place
                    singles[1, q >> 6, target] |= state
                else:
                    for w in range(words):
                        singles[0, w, q] |= full[w] << shift
                    singles[1, q >> 6, 64 * words] |= state
        for side in range(2):
            for w in range(words):
                for start in range(0, tables.shape[3], 16):
                    undefined = singles[1, w, 64 * words]
                    tables[side, group, w, start] = undefined if side == 1 and start == 0 else _ZERO
                    for bit in range(4):
                        half = 1 << bit
                        single = singles[side, w, start // 4 + bit]
                        for s in range(start, start + half):
                            tables[side, group, w, s + half] = tables[side, group, w, s] | single


@jit
def _images(tables, side, group, low, high, full):
    """Return the (pre)images of a set under a group of letters, side by side: two words."""
    lows = highs = _ZERO
    for start in range(0, tables.shape[3] if len(full) == 1 else 256, 16):
        place = np.uint64(start) + (low & _NIBBLE)
        lows |= tables[side, group, 0, place]
        if len(full) == 2:
            highs |= tables[side, group, 1, place]
        low >>= np.uint64(4)
    if len(full) == 2:
        for start in range(256, tables.shape[3], 16):
            place = np.uint64(start) + (high & _NIBBLE)
            lows |= tables[side, group, 0, place]
            highs |= tables[side, group, 1, place]
            high >>= np.uint64(4)
    return lows, highs


@jit
def _enter(full, slots, side, bits, lists, count):
    """Clear a hash table, the first 2^bits slots (open addressing), and enter the sets listed."""
    for w in range(len(full)):
        slots[side, w, : 1 << bits] = _ZERO
    mask = (_ONE << np.uint64(bits)) - _ONE
    for i in range(count):
        slot = _hash(lists[side, 0, i], _high(lists, side, i, full), full) >> np.uint64(64 - bits)
        while slots[side, 0, slot] | _high(slots, side, slot, full) != _ZERO:
            slot = (slot + _ONE) & mask
        for w in range(len(full)):
            slots[side, w, slot] = lists[side, w, i]


@jit
def _sort(full, lists, side, begin, end, starts):
    """Sort a level by size."""
    starts[:] = begin
    for i in range(begin, end):
        for w in range(len(full)):
            lists[2, w, i] = lists[side, w, i]
        starts[_size(lists[2, 0, i], _high(lists, 2, i, full)) + 1] += _ONE
    for size in range(1, starts.shape[0]):
        starts[size] += starts[size - 1] - begin
    for i in range(begin, end):
        size = _size(lists[2, 0, i], _high(lists, 2, i, full))
        for w in range(len(full)):
            lists[side, w, starts[size]] = lists[2, w, i]
        starts[size] += _ONE


@jit
def _misses(full, lists, side, begin, end, low, high):
    """Return whether some set of a part of a level is disjoint from a set."""
    count = _ZERO
    for i in range(begin, end):
        shared = lists[side, 0, i] & low
        if len(full) == 2:
            shared |= lists[side, 1, i] & high
        count += np.uint64(shared == _ZERO)
    return count != _ZERO


@jit
def _settle(full, lists, side, begin, end, first, last, levels):
    """Reduce a large new level; return its end, and whether it meets first..last-1 opposite."""
    n = _size(full[0], _ZERO if len(full) == 1 else full[-1])
    _sort(full, lists, side, begin, end, levels[2, : n + 2])
    kept = smaller = begin  # a set can contain only the kept sets before `smaller`
    size = 0
    for i in range(begin, end):
        low, high = lists[side, 0, i], _high(lists, side, i, full)
        if _size(low, high) > size:
            size = _size(low, high)
            smaller = kept
        needed = True
        at = begin
        while at < smaller and needed:
            stop = min(at + _CHUNK, smaller)
            needed = not _misses(full, lists, side, at, stop, ~low, ~high)
            at = stop
        if needed:
            for w in range(len(full)):
                lists[side, w, kept] = lists[side, w, i]
            kept += _ONE
    other = 1 - side
    for i in range(begin, kept):
        low, high = lists[side, 0, i], _high(lists, side, i, full)
        room = n - _size(low, high)  # shrinks: a set too large now stays too large
        while last > first and room < _size(
            lists[other, 0, last - _ONE], _high(lists, other, last - _ONE, full)
        ):
            last -= _ONE
        if _misses(full, lists, other, first, last, low, high):
            return kept, True
    return kept, False


@jit
def _by_side(side, depth, other_depth):
    """Return the depths of side 0 and side 1."""
    return (depth, other_depth) if side == 0 else (other_depth, depth)


@jit
def _search(k, n, full, tables, slots, lists, levels):
    """Search from both ends; return the outcome and the depths of both sides.

    `MET`: their sum is the reset threshold. `UNFINISHED`, where a side has more sets than ``lists``
    has room for: no word of so many letters or fewer resets the automaton. Else
    `NOT_SYNCHRONIZING`. ``levels[side, i]`` becomes the start of level i in ``lists[side]``.

    A slowly synchronizing automaton has one or two sets a level, and a call that passes an array
    would cost more than the level (numba counts references). Hence one long function, without
    branches that the processor cannot predict. The scans count instead of stopping, so that they
    are vectorised.
    """
    two = len(full) == 2
    per_word = max(1, 64 // n)
    limit = np.uint64(lists.shape[2] - k - 1)
    reach = np.uint64(k)
    for side in range(2):
        for w in range(len(full)):
            lists[side, w, 0] = full[w]  # on side 1 not a start: the empty preimage counts as met
        levels[side, 0] = side
        levels[side, 1] = 1 + side * n
    for q in range(n):
        for w in range(len(full)):
            lists[1, w, 1 + q] = full[w]
        lists[1, q >> 6, 1 + q] ^= _ONE << np.uint64(q & 63)
    if n == 1:
        return MET, (0, 0)
    _enter(full, slots, 0, _FIRST_BITS, lists, 1)
    _enter(full, slots, 1, _FIRST_BITS, lists, n + 1)
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
        least = n
        tail = end
        mask = (_ONE << np.uint64(bits)) - _ONE
        most = min(limit, end + _WIDEST) if two else limit
        for head in range(begin, end):
            if tail > most:
                return UNFINISHED, _by_side(side, depth, other_depth)
            if used + reach > mask >> _ONE:  # `used` also counts dropped sets: forget them
                while tail + reach > mask >> np.uint64(2):
                    bits += 1
                    mask += mask + _ONE
                _enter(full, slots, side, bits, lists, tail)
                used = tail
            used -= tail
            states, others = lists[side, 0, head], _high(lists, side, head, full)
            for group in range(tables.shape[1]):
                lows, high = _images(tables, side, group, states, others, full)
                for offset in range(0, n * min(per_word, k - group * per_word), n):
                    low = (lows >> np.uint64(offset)) & full[0]
                    slot = _hash(low, high, full) >> np.uint64(64 - bits)
                    found, found_high = slots[side, 0, slot], _high(slots, side, slot, full)
                    while ((found != low) | (found_high != high)) & (found | found_high != _ZERO):
                        slot = (slot + _ONE) & mask
                        found, found_high = slots[side, 0, slot], _high(slots, side, slot, full)
                    known = (found == low) & (found_high == high)
                    slots[side, 0, slot] = low
                    lists[side, 0, tail] = low
                    if two:
                        slots[side, 1, slot] = high
                        lists[side, 1, tail] = high
                    least = min(least, n if known else _size(low, high))
                    tail += np.uint64(not known)
            used += tail
        if tail == end:
            return NOT_SYNCHRONIZING, _by_side(side, depth, other_depth)
        # drop the sets that contain another one, and compare with the other frontier
        if tail - end > _SMALL:
            tail, met = _settle(full, lists, side, end, tail, first, last, levels)
        else:
            if tail - end > _ONE:
                kept = end
                for i in range(end, tail):
                    low, high = lists[side, 0, i], _high(lists, side, i, full)
                    count = _ZERO
                    for j in range(end, tail):
                        outside = lists[side, 0, j] & ~low
                        if two:
                            outside |= lists[side, 1, j] & ~high
                        count += np.uint64(outside == _ZERO)
                    if count == _ONE:  # itself
                        lists[side, 0, kept] = low
                        if two:
                            lists[side, 1, kept] = high
                        kept += _ONE
                tail = kept
            if least + other_least <= n:
                for i in range(end, tail):
                    low, high = lists[side, 0, i], _high(lists, side, i, full)
                    if _size(low, high) + other_least <= n:
                        count = _ZERO
                        for j in range(first, last):
                            shared = lists[1 - side, 0, j] & low
                            if two:
                                shared |= lists[1 - side, 1, j] & high
                            count += np.uint64(shared == _ZERO)
                        met = met or count != _ZERO
        depth += 1
        levels[side, depth + 1] = tail
        begin, end = end, tail
    return MET, _by_side(side, depth, other_depth)


@jit
def search(delta, full, tables, slots, lists, levels):
    """Search from both ends; return what `_search` returns."""
    _fill_tables(delta, full, tables)
    return _search(delta.shape[0], delta.shape[1], full, tables, slots, lists, levels)


@jit
def reset_thresholds(deltas, rows, thresholds, full, tables, slots, lists, levels):
    """Write the reset threshold of the automata in ``rows``, to the same rows of ``thresholds``.

    -1 where there is none, `UNFINISHED` where a side has more sets than ``lists`` has room for.
    """
    for row in rows:
        outcome, depths = search(deltas[row], full, tables, slots, lists, levels)
        thresholds[row] = depths[0] + depths[1] if outcome == MET else outcome


@jit
def _continue(k, n, full, depths, tables, lists, levels):
    """Continue the backward side up to Q; return False if it runs out of space.

    A set at level j is kept only if it is disjoint from a set of forward level t - j, where t is
    the sum of the depths, and contains no set kept at level j before it.
    """
    per_word = max(1, 64 // n)
    length = depths[0] + depths[1]
    tail = levels[1, depths[1] + 1]
    for depth in range(depths[1], length):
        end = tail
        goal = length - depth - 1
        for head in range(levels[1, depth], end):
            if tail + np.uint64(k) >= np.uint64(lists.shape[2]):
                return False
            states, others = lists[1, 0, head], _high(lists, 1, head, full)
            for group in range(tables.shape[1]):
                lows, high = _images(tables, 1, group, states, others, full)
                for offset in range(0, n * min(per_word, k - group * per_word), n):
                    low = (lows >> np.uint64(offset)) & full[0]
                    if _misses(full, lists, 0, levels[0, goal], levels[0, goal + 1], low, high):
                        if not _misses(full, lists, 1, end, tail, ~low, ~high):
                            lists[1, 0, tail] = low
                            if len(full) == 2:
                                lists[1, 1, tail] = high
                            tail += _ONE
        levels[1, depth + 2] = tail
    return True


@jit
def least_word(k, n, full, depths, tables, lists, levels, word):
    """Write the lexicographically least shortest reset word, once both sides have met.

    Return False if a side runs out of space. ``word`` has room for as many letters as both depths.

    First the backward side is continued to level t, the threshold. Then the word is read off. Let
    t - r letters lead Q to X, and let r letters lead X to one state. Then X is contained in a set
    kept at backward level r, and in none at a lower level: that would give a shorter reset word. So
    the next letter is the least that leads X into a set of level r - 1.

    Beyond the level where the sides met, only sets that contain Q u for some u of t - r letters
    are needed. These contain a set kept at forward level t - r; conversely, a set that contains
    such a set can be led to one state through the levels below. The forward levels alone do not
    suffice: they dropped sets that contain another, and the least word may pass through one.
    """
    if not _continue(k, n, full, depths, tables, lists, levels):
        return False
    states, others = full[0], _ZERO if len(full) == 1 else full[-1]
    per_word = max(1, 64 // n)
    length = depths[0] + depths[1]
    for position in range(length):
        below = length - position - 1
        for a in range(k):
            group = a // per_word
            lows, high = _images(tables, 0, group, states, others, full)
            low = (lows >> np.uint64((a - group * per_word) * n)) & full[0]
            if _misses(full, lists, 1, levels[1, below], levels[1, below + 1], low, high):
                word[position] = a
                states, others = low, high
                break
    return True


@jit
def shortest_reset_words(deltas, words, lengths, full, tables, slots, lists, levels):
    """Write the `least_word` of each automaton to the start of a row, and its length.

    -1 where there is none, `UNFINISHED` where a side has more sets than ``lists`` has room for, or
    where the word is longer than a row.
    """
    k, n = deltas.shape[1], deltas.shape[2]
    for i in range(deltas.shape[0]):
        outcome, depths = search(deltas[i], full, tables, slots, lists, levels)
        lengths[i] = outcome
        if outcome == MET:
            lengths[i] = UNFINISHED
            if depths[0] + depths[1] <= words.shape[1]:
                if least_word(k, n, full, depths, tables, lists, levels, words[i]):
                    lengths[i] = depths[0] + depths[1]
