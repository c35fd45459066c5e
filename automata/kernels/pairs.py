"""Searches over pairs of states, for every n."""

import numpy as np

from automata.kernels.jit import jit


@jit
def are_synchronizing(deltas, result, merged, queue):
    """Write whether every pair of states can be merged, by preimages from the diagonal.

    ``merged`` (n, n, bool) and ``queue`` (n*n, 2) are working space. The preimages of a state lie
    in a linked list a letter, so that a pair costs the product of its two lists.
    """
    batch, k, n = deltas.shape
    first = np.empty((k, n), np.int32)
    following = np.empty((k, n), np.int32)
    for i in range(batch):
        first[:] = -1
        for a in range(k):
            for q in range(n):
                target = deltas[i, a, q]
                following[a, q] = first[a, target]
                first[a, target] = q
        merged[:] = False
        tail = 0
        for q in range(n):
            merged[q, q] = True
            queue[tail, 0] = q
            queue[tail, 1] = q
            tail += 1
        head = 0
        while head < tail:
            p, q = queue[head, 0], queue[head, 1]
            head += 1
            for a in range(k):
                x = first[a, p]
                while x >= 0:
                    y = first[a, q]
                    while y >= 0:
                        low, high = min(x, y), max(x, y)
                        if not merged[low, high]:
                            merged[low, high] = True
                            queue[tail, 0] = low
                            queue[tail, 1] = high
                            tail += 1
                        y = following[a, y]
                    x = following[a, x]
        result[i] = tail == n * (n + 1) // 2
