"""Exhaustive forward search, level by level, for n <= 28: a bit for each set met.

A set of states is a bit mask, uint64 in registers, uint32 in the levels. Its bit in ``visited`` is
bit ``set % 8`` of byte ``set // 8``. Threads may expand parts of one level at the same time. When
two change a byte at once, one of the bits may be lost, never gained: a set may be queued twice, but
none is left out.
"""

import numpy as np
import numpy.typing as npt

from automata.kernels.jit import jit
from automata.kernels.state_sets import cardinality
from automata.kernels.tables import letters_per_word

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_3 = np.uint64(3)
_7 = np.uint64(7)


@jit
def third(n: int) -> int:
    """Return the number of states that each of the three look-ups of a set covers."""
    return (n + 2) // 3


def empty_tables(n: int, k: int) -> npt.NDArray[np.uint64]:
    """Return an array for `fill_tables`."""
    return np.empty(3 * -(-k // letters_per_word(n)) << third(n), np.uint64)


@jit
def fill_tables(delta, tables):
    """Fill ``tables``, flat: for each group of letters the images of each third's subsets.

    The images under the letters of a group lie side by side in one entry, the first letter lowest.
    Where a letter is undefined, the image is all states, which have been met.
    """
    k, n = delta.shape
    full = (_ONE << np.uint64(n)) - _ONE
    per_word = letters_per_word(n)
    covered = third(n)
    start = 0
    for first in range(0, k, per_word):
        last = min(k, first + per_word)
        for low in range(0, 3 * covered, covered):
            tables[start] = _ZERO
            half = 1
            for q in range(low, low + covered):
                image = _ZERO
                if q < n:
                    for a in range(first, last):
                        target = np.uint64(delta[a, q])
                        own = _ONE << target if target < np.uint64(n) else full
                        image |= own << np.uint64((a - first) * n)
                for s in range(start, start + half):
                    tables[s + half] = tables[s] | image
                half *= 2
            start += half


@jit
def ends(image, goal):
    """Return whether a set that is not empty is what the search looks for.

    ``goal`` is None for a singleton, else a pair of uint64: the most states of the set, and the
    states that it may have. Numba drops the branch that is not needed when it compiles.
    """
    if goal is None:
        return image & (image - _ONE) == _ZERO
    most, allowed = goal
    return (image & ~allowed == _ZERO) & (cardinality(image) <= most)


@jit
def expand(k, n, sets, following, visited, tables, goal):
    """Write the images not visited yet to ``following``; return how many, -1 if one is a goal.

    ``following`` has room for all images and one more, because the push is branchless. ``goal`` as
    in `ends`.
    """
    width = np.uint64(n)
    full = (_ONE << width) - _ONE
    shift1, shift2 = np.uint64(third(n)), np.uint64(2 * third(n))
    start1, start2, size = _ONE << shift1, np.uint64(2) << shift1, _3 << shift1
    low = start1 - _ONE
    per_word = letters_per_word(n)
    tail = _ZERO
    for i in range(sets.shape[0]):
        states = np.uint64(sets[i])
        states0, states1, states2 = states & low, (states >> shift1) & low, states >> shift2
        if k == 2:  # without loops
            images = tables[states0] | tables[start1 + states1] | tables[start2 + states2]
            image = images & full
            ended = ends(image, goal)
            byte = np.uint64(visited[image >> _3])
            following[tail] = image
            tail += ((byte >> (image & _7)) & _ONE) ^ _ONE
            visited[image >> _3] = byte | _ONE << (image & _7)
            image = images >> width
            ended |= ends(image, goal)
            byte = np.uint64(visited[image >> _3])
            following[tail] = image
            tail += ((byte >> (image & _7)) & _ONE) ^ _ONE
            visited[image >> _3] = byte | _ONE << (image & _7)
        else:
            ended = False
            start = _ZERO
            letters = k
            while letters > 0:
                images = tables[start + states0] | tables[start + start1 + states1]
                images |= tables[start + start2 + states2]
                start += size
                for _ in range(min(letters, per_word)):
                    image = images & full
                    images >>= width
                    ended |= ends(image, goal)
                    byte = np.uint64(visited[image >> _3])
                    following[tail] = image
                    tail += ((byte >> (image & _7)) & _ONE) ^ _ONE
                    visited[image >> _3] = byte | _ONE << (image & _7)
                letters -= per_word
        if ended:
            return -1
    return np.int64(tail)


@jit
def keep_leading(k, n, sets, kept, marked, tables):
    """Write to ``kept`` the sets that some letter leads to a marked set; return how many."""
    width = np.uint64(n)
    full = (_ONE << width) - _ONE
    shift1, shift2 = np.uint64(third(n)), np.uint64(2 * third(n))
    start1, start2, size = _ONE << shift1, np.uint64(2) << shift1, _3 << shift1
    low = start1 - _ONE
    per_word = letters_per_word(n)
    tail = _ZERO
    for i in range(sets.shape[0]):
        states = np.uint64(sets[i])
        states0, states1, states2 = states & low, (states >> shift1) & low, states >> shift2
        leads = _ZERO
        start = _ZERO
        letters = k
        while letters > 0:
            images = tables[start + states0] | tables[start + start1 + states1]
            images |= tables[start + start2 + states2]
            start += size
            for _ in range(min(letters, per_word)):
                image = images & full
                images >>= width
                leads |= np.uint64(marked[image >> _3]) >> (image & _7)
            letters -= per_word
        kept[tail] = states
        tail += leads & _ONE
    return np.int64(tail)


@jit
def mark(sets, marked):
    """Set the bits of the sets."""
    for i in range(sets.shape[0]):
        states = np.uint64(sets[i])
        marked[states >> _3] |= np.uint8(_ONE << (states & _7))


@jit
def mark_goals(n, goal, marked):
    """Set the bits of all sets that are goals, among those with as many states or fewer.

    Gosper's hack: the next larger number with as many bits.
    """
    end = _ONE << np.uint64(n)
    for size in range(1, (1 if goal is None else np.int64(goal[0])) + 1):
        states = (_ONE << np.uint64(size)) - _ONE
        while states < end:
            if ends(states, goal):
                marked[states >> _3] |= np.uint8(_ONE << (states & _7))
            lowest = states & (~states + _ONE)
            carried = states + lowest
            states = (((carried ^ states) >> np.uint64(2)) // lowest) | carried
