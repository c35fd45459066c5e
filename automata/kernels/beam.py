"""Beam search backward from the singletons, 64 sets at a time, for every n.

A set of n states is a row of W = ceil(n / 64) uint64 words: bit q % 64 of word q // 64 stands for
state q. Rows lie in blocks of 64, set i in block i // 64. The bits of a block are transposed, so
that one word holds one state's membership in 64 sets: the preimages of 64 sets under a letter are
then one copy of a word for each state.

Indices of inner loops are uint64, so that compiled code does not test for negative ones.
"""

import numpy as np

from automata.kernels.jit import jit
from automata.kernels.pairs import list_preimages

MORE, FOUND, DEAD, FULL = 0, 1, 2, 3

_ZERO = np.uint64(0)
_ONE = np.uint64(1)


@jit
def mark_core(delta, first, following, stack, core):
    """Mark the states that can be reached from all states; some others if there are none.

    A backward search starts from each state not yet met. If some states can be reached from all,
    the last start is one of them, and they are the states reachable from it. ``first`` and
    ``following`` (k, n) and ``stack`` (n,), all int32, are working space.
    """
    k, n = delta.shape
    list_preimages(delta, first, following)
    core[:] = False
    last = 0
    for start in range(n):
        if core[start]:
            continue
        last = start
        core[start] = True
        stack[0] = start
        height = 1
        while height > 0:
            height -= 1
            target = stack[height]
            for a in range(k):
                q = first[a, target]
                while q >= 0:
                    if not core[q]:
                        core[q] = True
                        stack[height] = q
                        height += 1
                    q = following[a, q]
    core[:] = False
    core[last] = True
    stack[0] = last
    height = 1
    while height > 0:
        height -= 1
        q = stack[height]
        for a in range(k):
            target = delta[a, q]
            if not core[target]:
                core[target] = True
                stack[height] = target
                height += 1


@jit
def _swap(low, high, shift, mask):
    """Exchange the bits of ``high`` under the mask for those ``shift`` places higher in ``low``."""
    changed = ((low >> shift) ^ high) & mask
    return low ^ (changed << shift), high ^ changed


@jit
def _transpose_steps(block, words, distance, mask):
    """Do two steps of a transposition: exchange bits at ``distance``, then at half of it."""
    half = distance >> _ONE
    half_mask = mask ^ (mask << half)
    run = np.int64(half) * words
    for start in range(0, 64 * words, 4 * run):
        rows_a = block[start : start + run]
        rows_b = block[start + run : start + 2 * run]
        rows_c = block[start + 2 * run : start + 3 * run]
        rows_d = block[start + 3 * run : start + 4 * run]
        for x in range(run):
            a, c = _swap(rows_a[x], rows_c[x], distance, mask)
            b, d = _swap(rows_b[x], rows_d[x], distance, mask)
            rows_a[x], rows_b[x] = _swap(a, b, half, half_mask)
            rows_c[x], rows_d[x] = _swap(c, d, half, half_mask)


@jit
def _transpose(block, words):
    """Transpose a block in place: exchange bit s of word (q, w) for bit q of word (s, w)."""
    _transpose_steps(block, words, np.uint64(32), np.uint64(0x00000000FFFFFFFF))
    _transpose_steps(block, words, np.uint64(8), np.uint64(0x00FF00FF00FF00FF))
    _transpose_steps(block, words, np.uint64(2), np.uint64(0x3333333333333333))


@jit
def _count_bits(word):
    """Count the bits of a word; the compiler turns this loop into one instruction."""
    count = 0
    while word != _ZERO:
        word &= word - _ONE
        count += 1
    return count


@jit
def _preimages(sources, level, images, sizes):
    """Write the preimages of the sets of some blocks under each letter, and their sizes."""
    letters, length = sources.shape
    words = length // 64
    blocks = level.shape[0]
    block = np.empty(length + 1, np.uint64)
    block[length] = _ZERO
    for b in range(blocks):
        block[:length] = level[b]
        _transpose(block, words)
        for a in range(letters):
            source = sources[a]
            image = images[a * blocks + b]
            for x in range(length):
                image[x] = block[source[x]]
            _transpose(image, words)
            size_of = sizes[(a * blocks + b) * 64 :]
            x = _ZERO
            for i in range(64):
                size = 0
                for _ in range(words):
                    size += _count_bits(image[x])
                    x += _ONE
                size_of[i] = size


@jit
def _sort_by_size(sizes, n, order):
    """List the non-empty sets by falling size, equal ones in order; return their number."""
    places = np.zeros(n + 1, np.int64)
    for size in sizes:
        places[size] += 1
    total = 0
    for size in range(n, 0, -1):
        total, places[size] = total + places[size], total
    for i in range(sizes.shape[0]):
        size = sizes[i]
        if size > 0:
            order[places[size]] = i
            places[size] += 1
    return total


@jit
def _meet(rows, start, row):
    """Return whether the sets at ``rows[start:]`` and in ``row`` have a common state."""
    common = _ZERO
    for w in range(np.uint64(row.shape[0])):
        common |= rows[start + w] & row[w]
    return common != _ZERO


@jit
def _is_new(rows, start, words, history):
    """Return whether the set at ``rows[start:]`` is not in the history, and add it.

    The history is a cache of 64-bit hashes, four a slot; a new one replaces the oldest. It may
    forget a set, or take it for another with the same hash. Either only changes which sets the
    beam keeps.
    """
    value, salt = _ZERO, _ZERO
    for x in range(start, start + words):  # splitmix64 of each word, salted by its place
        salt += np.uint64(0x9E3779B97F4A7C15)
        mixed = rows[x] + salt
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        value += mixed ^ (mixed >> np.uint64(31))
    slot = history[value & np.uint64(history.shape[0] - 1)]
    first, second, third = slot[0], slot[1], slot[2]
    if value == first or value == second or value == third or value == slot[3]:
        return False
    slot[0], slot[1], slot[2], slot[3] = value, first, second, third
    return True


@jit
def search(sources, core, level, images, ranking, history, tree, progress):
    """Go some levels further; return `MORE`, or the reason why the search ended.

    Each level keeps the largest new preimages, at most ``capacity``; equal ones by letter, then by
    parent. `FULL` asks for a longer tree. The arrays are uint64 unless another dtype is named:

    ``sources`` (k, 64 * W), uint16: ``sources[a, (q % 64) * W + q // 64]`` is the place, in a
    transposed block, of the state that letter a leads q to; 64 * W where there is no state q.
    ``core`` (W,): the states reachable from all. No preimage of a set without any of them is Q.
    ``level`` (capacity / 64, 64 * W): the current sets, then empty ones to the end of a block.
    ``images`` (k * capacity / 64, 64 * W), ``ranking`` (2, k * capacity), int32: working space.
    ``history`` (a power of two, 4): zero at first.
    ``tree``, int64: its last nodes belong to the current sets, in order. A node is
    ``(parent + 1) << 6 | letter``, 0 for a singleton.
    ``progress`` (4,), int64: the numbers of sets, of nodes, of levels done, of levels to do.
    """
    count, tail, depth = progress[0], progress[1], progress[2]
    letters, length = sources.shape
    words = np.uint64(length // 64)
    capacity = level.shape[0] * 64
    order = ranking[1]
    rows, kept = images.reshape(-1), level.reshape(-1)
    n = 0
    for place in sources[0]:
        n += place < length
    outcome = MORE
    while depth < progress[3]:
        if tail + capacity > tree.shape[0]:
            outcome = FULL
            break
        used = (count + 63) // 64
        sizes = ranking[0, : letters * used * 64]
        _preimages(sources, level[:used], images, sizes)
        above = tail - count + 1
        count = 0
        for i in order[: _sort_by_size(sizes, n, order)]:
            start = np.uint64(i) * words
            if not (_meet(rows, start, core) and _is_new(rows, start, words, history)):
                continue
            target = np.uint64(count) * words
            for x in range(words):
                kept[target + x] = rows[start + x]
            letter = i // (used * 64)
            tree[tail] = (above + i - letter * used * 64) << 6 | letter
            tail += 1
            count += 1
            if sizes[i] == n:
                outcome = FOUND
            if count == capacity or outcome == FOUND:
                break
        depth += 1
        if count == 0:
            outcome = DEAD
        if outcome != MORE:
            break
        for x in range(np.uint64(count) * words, np.uint64((count + 63) // 64 * 64) * words):
            kept[x] = _ZERO
    progress[0], progress[1], progress[2] = count, tail, depth
    return outcome


@jit
def drop_dead_branches(tree, progress, numbers):
    """Drop the nodes from which no current set descends; ``numbers`` (int32) is working space."""
    count, tail = progress[0], progress[1]
    numbers[: tail - count] = 0
    numbers[tail - count : tail] = 1
    for node in range(tail - 1, -1, -1):
        if numbers[node] and tree[node] >= 64:
            numbers[(tree[node] >> 6) - 1] = 1
    kept = 0
    for node in range(tail):
        if numbers[node]:
            above = tree[node] >> 6
            if above > 0:
                above = numbers[above - 1]
            tree[kept] = above << 6 | tree[node] & 63
            kept += 1
            numbers[node] = kept
    progress[1] = kept


@jit
def trace_word(tree, node, word):
    """Write the word of a node: the letters on the way from it to its singleton."""
    for position in range(word.shape[0]):
        word[position] = tree[node] & 63
        node = (tree[node] >> 6) - 1
