"""Breadth-first searches over sets of states, for n <= 24.

A set of states is a bit mask (uint64 in registers, uint32 in queues): bit q stands for state q.
"""

import numpy as np

from automata.kernels.jit import jit

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_NIBBLE = np.uint64(15)


@jit
def letters_per_word(n: int) -> int:
    """How many images of n bits each fit one 64-bit word."""
    return 64 // n


@jit
def fill_image_tables(delta, tables):
    """Fill ``tables[group, 16 * nibble + s]``: the images of four states' subset s under a group.

    The images under the letters of a group lie side by side in one word, n bits each, so that one
    lookup a nibble gives them all.
    """
    k, n = delta.shape
    per_word = letters_per_word(n)
    for group in range(tables.shape[0]):
        first = group * per_word
        last = min(k, first + per_word)
        for start in range(0, tables.shape[1], 16):
            tables[group, start] = _ZERO
            for bit in range(4):
                q = start // 4 + bit
                image = _ZERO
                if q < n:
                    for a in range(first, last):
                        image |= _ONE << np.uint64((a - first) * n + delta[a, q])
                half = 1 << bit
                for s in range(start, start + half):
                    tables[group, s + half] = tables[group, s] | image


@jit
def _images(table, states):
    """All images of a set under a group of letters, side by side."""
    images = table[states & _NIBBLE]
    for start in range(16, table.shape[0], 16):
        states >>= np.uint64(4)
        images |= table[np.uint64(start) + (states & _NIBBLE)]
    return images


@jit
def _search_one_word(k, n, mark, table, stamps, queue):
    """Search forward from Q where all images fit one word; return the threshold or -1."""
    full = (_ONE << np.uint64(n)) - _ONE
    width = np.uint64(n)
    two_nibbles = table.shape[0] == 32
    stamps[full] = mark
    queue[0] = full
    head, tail, depth = _ZERO, _ONE, 0
    while head < tail:
        level_end = tail
        depth += 1
        while head < level_end:
            states = np.uint64(queue[head])
            head += _ONE
            if two_nibbles:  # n = 5..8, worth unrolling
                images = table[states & _NIBBLE] | table[np.uint64(16) + (states >> np.uint64(4))]
            else:
                images = _images(table, states)
            for _ in range(k):
                image = images & full
                images >>= width
                if image & (image - _ONE) == _ZERO:
                    return depth
                queue[tail] = image
                tail += np.uint64(stamps[image] != mark)
                stamps[image] = mark
    return -1


@jit
def _search_many_words(k, n, mark, tables, stamps, queue):
    """Search forward from Q letter group by letter group; return the threshold or -1."""
    full = (_ONE << np.uint64(n)) - _ONE
    width = np.uint64(n)
    per_word = letters_per_word(n)
    stamps[full] = mark
    queue[0] = full
    head, tail, depth = _ZERO, _ONE, 0
    while head < tail:
        level_end = tail
        depth += 1
        while head < level_end:
            states = np.uint64(queue[head])
            head += _ONE
            for group in range(tables.shape[0]):
                images = _images(tables[group], states)
                for _ in range(min(per_word, k - group * per_word)):
                    image = images & full
                    images >>= width
                    if image & (image - _ONE) == _ZERO:
                        return depth
                    queue[tail] = image
                    tail += np.uint64(stamps[image] != mark)
                    stamps[image] = mark
    return -1


@jit
def reset_thresholds(deltas, thresholds, tables, stamps, queue):
    """Write the reset threshold of each automaton, -1 where there is none.

    ``stamps`` (2^n, uint8) holds the epoch in which a set was last met, so that it is cleared once
    in 255 automata; ``queue`` has room for 2^n + 1 sets, because the push is branchless.
    """
    batch, k, n = deltas.shape
    epoch = 255
    for i in range(batch):
        if n == 1:
            thresholds[i] = 0
            continue
        epoch += 1
        if epoch == 256:
            stamps[:] = 0
            epoch = 1
        fill_image_tables(deltas[i], tables)
        if tables.shape[0] == 1:
            found = _search_one_word(k, n, np.uint8(epoch), tables[0], stamps, queue)
        else:
            found = _search_many_words(k, n, np.uint8(epoch), tables, stamps, queue)
        thresholds[i] = found


@jit
def shortest_reset_word(delta, tables, stamps, queue, parents, letters, word):
    """Write the lexicographically least shortest reset word; return its length, -1 if none.

    Sets are met in the order (length, least word), so the first singleton met ends the least word.
    ``stamps`` must be zero. A word longer than ``word`` is not written: only its length returns.
    """
    k, n = delta.shape
    if n == 1:
        return 0
    full = (_ONE << np.uint64(n)) - _ONE
    per_word = letters_per_word(n)
    fill_image_tables(delta, tables)
    stamps[full] = 1
    queue[0] = full
    parents[0] = -1
    head, tail = 0, 1
    while head < tail:
        states = np.uint64(queue[head])
        for a in range(k):
            group = a // per_word
            images = _images(tables[group], states) >> np.uint64((a - group * per_word) * n)
            image = images & full
            if stamps[image] != 0:
                continue
            stamps[image] = 1
            queue[tail] = image
            parents[tail] = head
            letters[tail] = a
            if image & (image - _ONE) == _ZERO:
                length, at = 0, tail
                while parents[at] >= 0:
                    length += 1
                    at = parents[at]
                if length <= word.shape[0]:
                    at = tail
                    for position in range(length - 1, -1, -1):
                        word[position] = letters[at]
                        at = parents[at]
                return length
            tail += 1
        head += 1
    return -1


@jit
def reset_thresholds_backward(deltas, thresholds, stamps, queue):
    """Write the same thresholds by another algorithm: preimages from the singletons up to Q.

    Shares neither tables nor direction with the forward search.
    """
    batch, k, n = deltas.shape
    full = (_ONE << np.uint64(n)) - _ONE
    inverse = np.empty((k, n), np.uint64)
    for i in range(batch):
        for a in range(k):
            for q in range(n):
                inverse[a, q] = _ZERO
            for q in range(n):
                inverse[a, deltas[i, a, q]] |= _ONE << np.uint64(q)
        stamps[:] = 0
        tail = 0
        for q in range(n):
            single = _ONE << np.uint64(q)
            stamps[single] = 1
            queue[tail] = single
            tail += 1
        head, depth = 0, 0
        threshold = 0 if n == 1 else -1
        while head < tail and threshold < 0:
            level_end = tail
            depth += 1
            while head < level_end and threshold < 0:
                states = np.uint64(queue[head])
                head += 1
                for a in range(k):
                    preimage = _ZERO
                    for q in range(n):
                        if (states >> np.uint64(q)) & _ONE:
                            preimage |= inverse[a, q]
                    if preimage == _ZERO or stamps[preimage] != 0:
                        continue
                    if preimage == full:
                        threshold = depth
                        break
                    stamps[preimage] = 1
                    queue[tail] = preimage
                    tail += 1
        thresholds[i] = threshold
