"""Transition monoids, breadth first, for n <= 8.

A transformation is a code: bits 3q..3q+2 hold the image of state q. A table of 8^n bytes marks the
codes met.
"""

from automata.kernels.jit import jit


@jit
def transition_monoid(letters, codes, met):
    """Write the codes of all words, ordered by shortest, then least word; return their number.

    ``letters`` (int64, (k, n)) are applied after a word. -1 is returned if ``codes`` (int64) has no
    room for the whole monoid. ``met`` (uint8, (8^n,)), zero at first, marks the codes met.
    """
    k, n = letters.shape
    code = 0
    for q in range(n):
        code |= q << 3 * q
    codes[0] = code
    met[code] = 1
    size, done = 1, 0
    while done < size:
        word = codes[done]
        done += 1
        for a in range(k):
            code = 0
            for q in range(n):
                code |= letters[a, word >> 3 * q & 7] << 3 * q
            if met[code] == 0:
                if size == codes.shape[0]:
                    return -1
                met[code] = 1
                codes[size] = code
                size += 1
    return size


@jit
def count_idempotents(codes, n):
    """Return the number of transformations that are their own squares."""
    count = 0
    for i in range(codes.shape[0]):
        word = codes[i]
        q = 0
        while q < n:
            image = word >> 3 * q & 7
            if word >> 3 * image & 7 != image:
                break
            q += 1
        count += q == n
    return count
