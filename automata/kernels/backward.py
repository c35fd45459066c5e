"""Breadth-first search backward, from the singletons up to Q, for n <= 24.

It proves thresholds a second time, and shares neither tables nor direction with the forward
searches. A set of states is a bit mask.
"""

import numpy as np

from automata.kernels.jit import jit

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@jit
def reset_thresholds(deltas, thresholds, stamps, queue):
    """Write the reset threshold of each automaton, careful if it is partial, -1 without one.

    ``stamps`` (uint8) and ``queue`` (uint32), both (2^n,), are working space.
    """
    batch, k, n = deltas.shape
    full = (_ONE << np.uint64(n)) - _ONE
    inverse = np.empty((k, n), np.uint64)
    for i in range(batch):
        for a in range(k):
            for q in range(n):
                inverse[a, q] = _ZERO
            for q in range(n):
                if deltas[i, a, q] < n:  # defined
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
