"""Searches over pairs of states, for every n. The states of ``delta`` are uint16.

A pair p < q is ``q << 16 | p`` in queues, and row q (q - 1) / 2 + p of tables.
"""

import numpy as np

from automata.kernels.jit import jit

UNKNOWN = np.uint8(255)


@jit
def list_preimages(delta, first, following):
    """Link the preimages of each state under each letter, the last one first; -1 ends a list.

    Where a letter is undefined the target is n or more: such a state is no preimage.
    """
    k, n = delta.shape
    first[:] = -1
    for a in range(k):
        for q in range(n):
            target = delta[a, q]
            if target < n:
                following[a, q] = first[a, target]
                first[a, target] = q


@jit
def merging_letters(delta, letters, queue, first, following):
    """Find the pairs of states that can be merged, backward from the diagonal; return how many.

    ``queue`` gets them by the length of their shortest merging words, and ``letters`` (uint8) the
    first letter of such a word, `UNKNOWN` where there is none. ``first`` and ``following`` (k, n),
    int32, are working space. Time: for each pair and letter the product of the numbers of preimages
    of its states.
    """
    k, n = delta.shape
    list_preimages(delta, first, following)
    letters[:] = UNKNOWN
    pairs = n * (n - 1) // 2
    tail = 0
    for a in range(k):
        for target in range(n):
            q = first[a, target]
            while q >= 0:
                p = following[a, q]
                while p >= 0:
                    row = q * (q - 1) // 2 + p
                    if letters[row] == UNKNOWN:
                        letters[row] = a
                        queue[tail] = q << 16 | p
                        tail += 1
                    p = following[a, p]
                q = following[a, q]
    head = 0
    while head < tail < pairs:
        p, q = queue[head] & 0xFFFF, queue[head] >> 16
        head += 1
        for a in range(k):
            x = first[a, p]
            while x >= 0:
                y = first[a, q]
                while y >= 0:
                    low, high = min(x, y), max(x, y)
                    row = high * (high - 1) // 2 + low
                    if letters[row] == UNKNOWN:
                        letters[row] = a
                        queue[tail] = high << 16 | low
                        tail += 1
                    y = following[a, y]
                x = following[a, x]
    return tail


@jit
def all_mergeable(deltas, result, letters, queue, first, following):
    """Write whether every pair of states can be merged; working space as `merging_letters`."""
    n = deltas.shape[2]
    for i in range(deltas.shape[0]):
        count = merging_letters(deltas[i], letters, queue, first, following)
        result[i] = count == n * (n - 1) // 2


@jit
def merge(delta, letters, queue, states, goal, word):
    """Merge the first pair of the queue that a set contains, again and again, while there is one.

    ``states`` (int32) holds ``states[0]`` states from place 1 on, and gets the states left. The
    loop ends at ``goal`` states or fewer, when no two states left can be merged, or when ``word``
    is full. Return the number of letters written. Another call continues, even in the middle of a
    merging word, because the rest of a merging word is one too.
    """
    size = states[0]
    epoch = 1
    met = np.zeros(delta.shape[1], np.int64)  # the epoch in which a state was last in the set
    met[states[1 : size + 1]] = epoch
    length = 0
    while size > goal:
        head = 0
        while head < queue.shape[0]:
            p, q = queue[head] & 0xFFFF, queue[head] >> 16
            if met[p] == epoch and met[q] == epoch:
                break
            head += 1
        if head == queue.shape[0]:
            break
        while p != q and size > goal:
            if length == word.shape[0]:
                states[0] = size
                return length
            letter = delta[letters[max(p, q) * (max(p, q) - 1) // 2 + min(p, q)]]
            word[length] = letters[max(p, q) * (max(p, q) - 1) // 2 + min(p, q)]
            length += 1
            epoch += 1
            kept = 0
            for place in range(1, size + 1):
                target = letter[states[place]]
                if met[target] != epoch:
                    met[target] = epoch
                    kept += 1
                    states[kept] = target
            size = kept
            p, q = np.int64(letter[p]), np.int64(letter[q])
    states[0] = size
    return length
