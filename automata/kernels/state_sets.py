"""Lists of sets of states for every n: their images, and appending new ones.

A set is a row of W = ceil(n / 64) words of 64 bits. Images and preimages are the same operation:
the union of the rows of a table that belong to the members of a set. Indices that are not loop
variables are unsigned, which spares the test for negative ones.
"""

import numpy as np

from automata.kernels.jit import jit

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_BITS = np.uint64(64)
_LOW = np.uint64(0xFFFFFFFF)
_SEED = np.uint64(0x9E3779B97F4A7C15)
_FACTOR = np.uint64(0xFF51AFD7ED558CCD)
_CHUNK = 512
_FEW = 8  # sets that are looked at without a list of what leads to them


@jit
def cardinality(word):
    """Return the number of bits set in one word."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    pairs = np.uint64(0x3333333333333333)
    word = (word & pairs) + ((word >> np.uint64(2)) & pairs)
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@jit
def list_members(row, scale, members):
    """Write ``scale * q`` for each state q of a set; return how many there are."""
    found = _ZERO
    for w in range(row.shape[0]):
        word = row[w]
        first = np.uint64(w * 64)
        while word != _ZERO:
            lowest = word & (~word + _ONE)
            members[found] = scale * (first + cardinality(lowest - _ONE))
            found += _ONE
            word ^= lowest
    return found


@jit
def count_states(sets, start, stop, step, counts):
    """Write for each state the number of sets among ``start, start + step, ..`` that have it."""
    counts[:] = 0
    for i in range(start, stop, step):
        for w in range(sets.shape[1]):
            word = sets[i, w]
            first = np.uint64(w * 64)
            while word != _ZERO:
                lowest = word & (~word + _ONE)
                counts[first + cardinality(lowest - _ONE)] += 1
                word ^= lowest


@jit
def _hash(row, words, hashes):
    """Write a hash of each image in a row."""
    for a in range(hashes.shape[0]):
        mixed = _SEED
        for w in range(a * words, (a + 1) * words):
            mixed = (mixed ^ row[w]) * _FACTOR
            mixed ^= mixed >> np.uint64(32)
        hashes[a] = mixed * _FACTOR


@jit
def images(table, sets, words, out, hashes, members):
    """Write the images of sets under all letters, and a hash of each.

    ``table[q]`` holds the images of state q under all letters side by side, ``words`` words each,
    padded to a multiple of four words. Rows of ``out`` have the same layout. Four words at a time
    are united over all members.
    """
    width = table.shape[1]
    flat = table.ravel()
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    for i in range(sets.shape[0]):
        found = list_members(sets[i], np.uint64(width), members)
        row = out[i]
        for block in range(0, width, 4):
            offset = np.uint64(block)
            x0, x1, x2, x3 = _ZERO, _ZERO, _ZERO, _ZERO
            for j in range(found):
                at = members[j] + offset
                x0 |= flat[at]
                x1 |= flat[at + one]
                x2 |= flat[at + two]
                x3 |= flat[at + three]
            row[block] = x0
            row[block + 1] = x1
            row[block + 2] = x2
            row[block + 3] = x3
        _hash(row, words, hashes[i])


@jit
def _tag(mixed, bits):
    """Return the part of a hash that an entry of a table of 2^bits places holds."""
    return (mixed >> np.uint64(32) << bits) & _LOW


@jit
def append_new(out, hashes, sets, letters, first, table, count):
    """Append the images that are neither empty nor in the list of sets; return its length.

    ``table`` is a hash table (open addressing) of 2^b places, b <= 32. The uppermost b bits of a
    hash are a place. The lower b bits of an entry are 1 + the number of a set, the upper ones are
    the next 32 - b bits of its hash. ``letters[i]`` gets the letter that leads to set
    ``first + i``.
    """
    words = sets.shape[1]
    last = np.uint64(table.shape[0] - 1)
    bits = cardinality(last)
    for i in range(hashes.shape[0]):
        for a in range(hashes.shape[1]):
            base = a * words
            union = _ZERO
            for w in range(words):
                union |= out[i, base + w]
            if union == _ZERO:
                continue
            slot = hashes[i, a] >> (_BITS - bits)
            tag = _tag(hashes[i, a], bits)
            new = True
            while table[slot] != 0:
                entry = np.uint64(table[slot])
                if entry & ~last == tag:
                    known = (entry & last) - _ONE
                    differ = _ZERO
                    for w in range(words):
                        differ |= sets[known, w] ^ out[i, base + w]
                    if differ == _ZERO:
                        new = False
                        break
                slot = (slot + _ONE) & last
            if new:
                for w in range(words):
                    sets[count, w] = out[i, base + w]
                letters[count - first] = a
                count += 1
                table[slot] = np.uint32(tag | np.uint64(count))
    return count


@jit
def touch(hashes, table):
    """Read all places that `append_new` will read: it then finds them in the processor's cache."""
    shift = _BITS - cardinality(np.uint64(table.shape[0] - 1))
    seen = np.uint32(0)
    for i in range(hashes.shape[0]):
        for a in range(hashes.shape[1]):
            seen ^= table[hashes[i, a] >> shift]
    return seen


@jit
def enter(sets, start, stop, table):
    """Enter sets that are known to be new into the table."""
    last = np.uint64(table.shape[0] - 1)
    bits = cardinality(last)
    for i in range(start, stop):
        mixed = _SEED
        for w in range(sets.shape[1]):
            mixed = (mixed ^ sets[i, w]) * _FACTOR
            mixed ^= mixed >> np.uint64(32)
        mixed *= _FACTOR
        slot = mixed >> (_BITS - bits)
        while table[slot] != 0:
            slot = (slot + _ONE) & last
        table[slot] = np.uint32(_tag(mixed, bits) | np.uint64(i + 1))


@jit
def _has_comparable(sets, i, first, stop, flipped):
    """Return whether another set of ``first .. stop - 1`` lies within set i.

    All states of ``flipped`` are flipped in each set before.
    """
    for begin in range(first, stop, _CHUNK):
        end = min(begin + _CHUNK, stop)
        within = -1 if begin <= i < end else 0  # without the set itself
        if sets.shape[1] == 1:  # without branches it is vectorised
            states = sets[i, 0] ^ flipped
            for j in range(begin, end):
                within += ((sets[j, 0] ^ flipped) & ~states) == _ZERO
        else:
            for j in range(begin, end):
                outside = _ZERO
                for w in range(sets.shape[1]):
                    outside |= (sets[j, w] ^ flipped) & ~(sets[i, w] ^ flipped)
                    if outside != _ZERO:
                        break
                within += outside == _ZERO
        if within > 0:
            return True
    return False


@jit
def count_comparable(sets, sample, first, stop, upward):
    """Count the sets of a sample that contain another set of ``first .. stop - 1``.

    If ``upward``, count those that lie within another one.
    """
    flipped = ~_ZERO if upward else _ZERO  # complements are contained the other way round
    found = 0
    for i in sample:
        found += _has_comparable(sets, i, first, stop, flipped)
    return found


@jit
def _unions_of_four(table, words):
    """Return the rows of a table of images united for all subsets of each four states.

    Row 16 * (q // 4) + s has the images of subset s; states beyond the last one have none.
    """
    unions = np.zeros((256 * words, table.shape[1]), np.uint64)
    for q in range(table.shape[0]):
        first, half = 16 * (q // 4), 1 << (q % 4)
        for s in range(first, first + half):
            unions[s + half] = unions[s] | table[q]
    return unions


@jit
def _images_by_four(unions, sets, first, stop, out, hashes):
    """Write what `images` writes, for sets ``first .. stop - 1``, four states at a time."""
    words = sets.shape[1]
    width = unions.shape[1]
    flat = unions.ravel()
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    for i in range(stop - first):
        for block in range(0, width, 4):
            x0, x1, x2, x3 = _ZERO, _ZERO, _ZERO, _ZERO
            start = block
            for w in range(words):
                word = sets[first + i, w]
                for _ in range(16):
                    at = np.uint64(start) + (word & np.uint64(15)) * np.uint64(width)
                    x0 |= flat[at]
                    x1 |= flat[at + one]
                    x2 |= flat[at + two]
                    x3 |= flat[at + three]
                    word >>= np.uint64(4)
                    start += 16 * width
            out[i, block] = x0
            out[i, block + 1] = x1
            out[i, block + 2] = x2
            out[i, block + 3] = x3
        _hash(out[i], words, hashes[i])


@jit
def _size(row):
    """Return the number of states of a set."""
    size = _ZERO
    for w in range(row.shape[0]):
        size += cardinality(row[w])
    return size


@jit
def _contains_any(row, targets):
    """Return whether a set contains one of the targets."""
    for t in range(targets.shape[0]):
        missing = _ZERO
        for w in range(row.shape[0]):
            missing |= targets[t, w] & ~row[w]
            if missing != _ZERO:
                break
        if missing == _ZERO:
            return True
    return False


@jit
def march(table, hashes, sets, places, ends, targets):
    """Make level after level while they are small; return how many, and whether one meets a target.

    ``ends[0] .. ends[1]`` is the last level; ``ends[i + 1]`` gets the end of the i-th new one. A
    level meets a target if one of its sets contains it. The march ends at a level that meets a
    target or is empty, at one of more sets than ``hashes`` has rows or than 8 + 2 * (sets of the
    first), and where the next one might not fit.
    """
    words = sets.shape[1]
    out = np.empty((hashes.shape[0], table.shape[1]), np.uint64)
    unions = _unions_of_four(table, words)
    letters = np.empty(hashes.size, np.uint8)  # nobody asks for them
    most = min(hashes.shape[0], 8 + 2 * (ends[1] - ends[0]))
    least = np.uint64(64 * words)
    for t in range(targets.shape[0]):
        least = min(least, _size(targets[t]))
    made = 0
    while made < ends.shape[0] - 2:
        first, stop = ends[made], ends[made + 1]
        size = stop - first
        needed = stop + size * hashes.shape[1]
        if size > most or needed > sets.shape[0] or 3 * needed > 2 * places.shape[0]:
            break
        _images_by_four(unions, sets, first, stop, out, hashes)
        count = append_new(out, hashes[:size], sets, letters, stop, places, stop)
        made += 1
        ends[made + 1] = count
        if count == stop:
            break
        for i in range(stop, count):
            if _size(sets[i]) >= least and _contains_any(sets[i], targets):
                return made, True
    return made, False


@jit
def _list_outside(table, target, outside):
    """Write for each letter, ``outside[a]``, the states that it does not lead into a set."""
    words = target.shape[0]
    outside[:] = _ZERO
    for q in range(table.shape[0]):
        bit = _ONE << np.uint64(q & 63)
        for a in range(outside.shape[0]):
            beyond = _ZERO
            for w in range(words):
                beyond |= table[q, a * words + w] & ~target[w]
            if beyond != _ZERO:
                outside[a, q >> 6] |= bit


@jit
def _leads_to(table, source, letter, target, image):
    """Return whether a letter leads one set to the other; ``image`` is working space."""
    words = source.shape[0]
    begin = letter * words
    for w in range(words):
        image[w] = _ZERO
    for w in range(words):
        word = source[w]
        while word != _ZERO:
            lowest = word & (~word + _ONE)
            q = np.uint64(64 * w) + cardinality(lowest - _ONE)
            beyond = _ZERO
            for v in range(words):
                states = table[q, np.uint64(begin + v)]
                beyond |= states & ~target[v]
                image[v] |= states
            if beyond != _ZERO:
                return False
            word ^= lowest
    for w in range(words):
        if image[w] != target[w]:
            return False
    return True


@jit
def trace(table, sets, numbers, ends, number, letters, way):
    """Write the letters of a way to a set through some levels; return the number of its first set.

    Level i has the sets ``numbers[ends[i]:ends[i + 1]]``, and its letter leads to level i + 1, the
    last one to the set itself. From the end, each step takes the first set there is, and its least
    letter.
    """
    words = sets.shape[1]
    outside = np.zeros((letters, words), np.uint64)
    image = np.empty(words, np.uint64)
    for level in range(way.shape[0] - 1, -1, -1):
        target = sets[number]
        large = ends[level + 1] - ends[level] > _FEW
        if large:
            _list_outside(table, target, outside)
        way[level] = -1
        for i in range(ends[level], ends[level + 1]):
            source = numbers[i]
            for a in range(letters):
                beyond = _ZERO
                if large:
                    for w in range(words):
                        beyond |= sets[source, w] & outside[a, w]
                if beyond == _ZERO and _leads_to(table, sets[source], a, target, image):
                    way[level] = a
                    break
            if way[level] >= 0:
                number = source
                break
    return number
