"""Properties that take a search over the sets of states Q w, for n <= 20.

A set of states is a uint64 bit mask. ``work`` (int32, (6, 2^n)) has a column for each set. Row 0 is
zero between two searches: each search clears the entries of the sets that it has met. An undefined
transition leads to n.
"""

import numpy as np

from automata.kernels.jit import jit

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_DONE = np.int32(-1)


@jit
def image(deltas, i, a, states):
    """Return the image of a set under letter a of automaton i, for n <= 64.

    For n < 64 it has bit n if the letter is undefined on a state of the set.
    """
    found = _ZERO
    for q in range(deltas.shape[2]):
        found |= ((states >> np.uint64(q)) & _ONE) << np.uint64(deltas[i, a, q])
    return found


@jit
def is_aperiodic(deltas, i, work, labels):
    """Return whether the transition monoid of automaton i has only trivial subgroups.

    Another subgroup exists exactly if some word w permutes a set S = Q v and moves a state of it.
    All sets on the way from S to S w have one size and are in one strongly connected component of
    the graph of the sets Q v. The components are found depth first (Tarjan 1972). ``labels``
    (uint8, (2^n, n)) lists the states of each set, as images of the list of the set where the
    search came to this size. An edge to a set on the stack stays in its component. If all such
    edges send list to list, a word that permutes S fixes its states. If one does not, this edge and
    the tree reach a set by two words with different lists; one of them and a way back to S move a
    state of S.
    """
    k, n = deltas.shape[1], deltas.shape[2]
    number, low, above, letter, stack, met = work[0], work[1], work[2], work[3], work[4], work[5]
    current = (_ONE << np.uint64(n)) - _ONE
    for q in range(n):
        labels[current, q] = q
    number[current], low[current], above[current], letter[current] = 1, 1, 0, 0
    stack[0] = met[0] = current
    top, count, size = 1, 1, n
    aperiodic = True
    while current != _ZERO and aperiodic:
        a = letter[current]
        if a == k:
            if low[current] == number[current]:  # its component is complete
                number[current] = _DONE
                top -= 1
                while stack[top] != current:
                    number[stack[top]] = _DONE
                    top -= 1
            up = np.uint64(above[current])
            low[up] = min(low[up], low[current])
            current = up
            size = 0
            for q in range(n):
                size += np.int64((current >> np.uint64(q)) & _ONE)
            continue
        letter[current] = a + 1
        following = _ZERO
        for place in range(size):
            target = deltas[i, a, labels[current, place]]
            labels[0, place] = target  # the empty set needs none
            following |= _ONE << np.uint64(target)
        if number[following] > 0:
            low[current] = min(low[current], number[following])
            for place in range(size):
                if labels[following, place] != labels[0, place]:
                    aperiodic = False
                    break
        elif number[following] == 0 and following & (following - _ONE):
            following_size = 0
            for q in range(n):
                if (following >> np.uint64(q)) & _ONE:
                    labels[following, following_size] = q
                    following_size += 1
            if following_size == size:
                for place in range(size):
                    labels[following, place] = labels[0, place]
            stack[top] = met[count] = following
            top += 1
            count += 1
            number[following] = low[following] = count
            above[following], letter[following] = current, 0
            current, size = following, following_size
    for place in range(count):
        number[met[place]] = 0
    return aperiodic


@jit
def is_completely_reachable(deltas, i, work):
    """Return whether every non-empty set of states of automaton i is Q w for some word w.

    First the sets of n - 1 states. If Q w is one, w consists of permutations and letters of defect
    1, and the state that it misses is one that such a letter misses, moved by permutations. In few
    automata can every state be missed; only for these all sets are searched. In a partial automaton
    w is defined on all states that it meets. There a letter of defect 1 may be undefined on one
    state, which must have been missed before.
    """
    k, n = deltas.shape[1], deltas.shape[2]
    full = (_ONE << np.uint64(n)) - _ONE
    missed = _ZERO
    before = full
    while missed != before:
        before = missed
        for a in range(k):
            reached = image(deltas, i, a, full)
            outside = full & ~reached
            if outside == _ZERO:
                missed |= image(deltas, i, a, missed)
            elif outside & (outside - _ONE) == _ZERO:
                if reached <= full or image(deltas, i, a, full & ~missed) <= full:
                    missed |= outside
    if n > 1 and missed != full:
        return False
    seen, met = work[0], work[5]
    seen[full] = 1
    met[0] = full
    head, count = 0, 1
    while head < count < np.int64(full):
        for a in range(k):
            following = image(deltas, i, a, np.uint64(met[head]))
            if following <= full and seen[following] == 0:
                seen[following] = 1
                met[count] = following
                count += 1
        head += 1
    for place in range(count):
        seen[met[place]] = 0
    return count == np.int64(full)
