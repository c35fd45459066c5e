"""Image tables: all images of a set of states by a few look-ups, for n <= 32.

A set of states is a uint64 bit mask. Four states make a nibble, and 16 table entries give the
images of a nibble's subsets. As many letters as fit share one table: their images lie side by side
in its 64-bit entries, the first letter lowest.

Where a letter is undefined on a state, its image is said to be all states: a search from the set Q
of all states has met Q before, and drops it. So searches know no undefined transitions.
"""

import numpy as np
import numpy.typing as npt

from automata.kernels.jit import jit

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@jit
def letters_per_word(n: int) -> int:
    """Return the number of images, of n bits each, that fit one 64-bit word."""
    return 64 // n


@jit
def table_size(n: int) -> int:
    """Return the table entries of a group of letters; at least two nibbles, for unrolled loops."""
    return 16 * max(2, (n + 3) // 4)


@jit
def _fill_nibble(tables, start, zero, one, two, three):
    """Fill ``tables[start:start + 16]`` with the unions of four states' images."""
    low = zero | one
    high = two | three
    tables[start] = _ZERO
    tables[start + 1] = zero
    tables[start + 2] = one
    tables[start + 3] = low
    tables[start + 4] = two
    tables[start + 5] = two | zero
    tables[start + 6] = two | one
    tables[start + 7] = two | low
    tables[start + 8] = three
    tables[start + 9] = three | zero
    tables[start + 10] = three | one
    tables[start + 11] = three | low
    tables[start + 12] = high
    tables[start + 13] = high | zero
    tables[start + 14] = high | one
    tables[start + 15] = high | low


def images_of_partial(n: int) -> npt.NDArray[np.uint64]:
    """Return the set of states that each entry of a partial transition table stands for: (256,).

    A state stands for itself, every other number for all states, in n bits.
    """
    sets = np.full(256, 2**n - 1, np.uint64)
    sets[:n] = _ONE << np.arange(n, dtype=np.uint64)
    return sets


@jit
def _image(target, partial):
    """Return the set that an entry stands for; ``partial`` is None for complete automata.

    Numba drops the branch that is not needed when it compiles.
    """
    if partial is None:
        return _ONE << np.uint64(target)
    return partial[target]


@jit
def fill_tables(delta, partial, per_word, tables):
    """Fill ``tables``, flat, `table_size` entries for each group of ``per_word`` letters.

    ``partial`` is `images_of_partial`, or None; ``per_word`` is `letters_per_word`.
    """
    k, n = delta.shape
    width = np.uint64(n)
    size = table_size(n)
    start = 0
    first = 0
    while first < k:
        last = min(k, first + per_word)
        for q in range(0, size // 4, 4):
            zero = one = two = three = shift = _ZERO
            for a in range(first, last):
                if q < n:
                    zero |= _image(delta[a, q], partial) << shift
                if q + 1 < n:
                    one |= _image(delta[a, q + 1], partial) << shift
                if q + 2 < n:
                    two |= _image(delta[a, q + 2], partial) << shift
                if q + 3 < n:
                    three |= _image(delta[a, q + 3], partial) << shift
                shift += width
            _fill_nibble(tables, start, zero, one, two, three)
            start += 16
        first = last


@jit
def fill_table_of_two(delta, partial, tables, start):
    """Fill the table of two letters from ``start`` on: three times as fast as the general way."""
    n = delta.shape[1]
    width = np.uint64(n)
    for q in range(0, table_size(n) // 4, 4):
        zero = one = two = three = _ZERO
        if q < n:
            zero = _image(delta[0, q], partial) | _image(delta[1, q], partial) << width
        if q + 1 < n:
            one = _image(delta[0, q + 1], partial) | _image(delta[1, q + 1], partial) << width
        if q + 2 < n:
            two = _image(delta[0, q + 2], partial) | _image(delta[1, q + 2], partial) << width
        if q + 3 < n:
            three = _image(delta[0, q + 3], partial) | _image(delta[1, q + 3], partial) << width
        _fill_nibble(tables, start, zero, one, two, three)
        start += 16
