"""Sets of states that words of a partly defined automaton lead to, in the enumeration; n <= 11.

A set is a bit mask, int64 in registers and uint16 in arrays. The set of states that a letter has a
value for is called ``known``; a set *waits* for the values that its states lack.
"""

import numpy as np

from automata.kernels.jit import jit

FAR = 255
"""Longer than any length of interest: (n^3 - n) / 6 = 220 letters always suffice for n = 11."""


@jit
def reach_by_first_letter(images, ranks, limit, at_least, sets, lengths, nearest):
    """List the images of Q under powers of the first letter; return how many, -1 to cut.

    -1 if a word of at most ``limit[r]`` letters leads to r states (see `bounds.fill_limits`).
    """
    states = images.shape[0] - 1
    length = 0
    while nearest[states] == FAR and length < at_least:
        if length <= limit[ranks[states]]:
            return -1
        sets[length] = states
        lengths[length] = length
        nearest[states] = length
        length += 1
        states = images[states]
    return length


@jit
def next_state(known, images, ranks, limit, sets, lengths, nearest, excluded):
    """Return the state whose value to define next, -1 if there is one without any value left.

    Sets that wait for this value alone would soon be led to few states by some of the values. Write
    them to ``excluded``. Take the state with the most of these, then the one that the most such
    sets wait for, then the first one.
    """
    n = excluded.shape[0]
    scores = np.zeros(n, np.int64)
    excluded[:] = 0
    for i in range(sets.shape[0]):
        missing = sets[i] & ~known
        if missing == 0 or missing & (missing - 1) or lengths[i] != nearest[sets[i]]:
            continue
        q = int(ranks[missing - 1])
        image = int(images[sets[i] & known])
        if lengths[i] + 1 <= limit[ranks[image] + 1]:
            return -1
        if lengths[i] + 1 <= limit[ranks[image]]:
            excluded[q] |= image
        scores[q] += 1
    chosen = -1
    for q in range(n):
        scores[q] += int(ranks[excluded[q]]) * (sets.shape[0] + 1)
        if not known >> q & 1 and (chosen < 0 or scores[q] > scores[chosen]):
            chosen = q
    return chosen


@jit
def fill_waiting(q, known, sets, lengths, nearest, waiting, waiting_lengths, begin):
    """Write the sets that wait for q alone, by length, from ``begin`` on; return the end."""
    end = begin
    for i in range(sets.shape[0]):
        if sets[i] & ~known == 1 << q and lengths[i] == nearest[sets[i]]:
            j = end
            while j > begin and waiting_lengths[j - 1] > lengths[i]:
                waiting[j] = waiting[j - 1]
                waiting_lengths[j] = waiting_lengths[j - 1]
                j -= 1
            waiting[j] = sets[i]
            waiting_lengths[j] = lengths[i]
            end += 1
    return end


@jit
def sort_by_length(sets, lengths, ranks, pairs, sorted_lengths, sorted_ranks, sorted_pairs):
    """Write the lengths, ranks and pairs of sets, sorted by length."""
    for i in range(sets.shape[0]):
        j = i
        while j > 0 and sorted_lengths[j - 1] > lengths[i]:
            sorted_lengths[j] = sorted_lengths[j - 1]
            sorted_ranks[j] = sorted_ranks[j - 1]
            sorted_pairs[j] = sorted_pairs[j - 1]
            j -= 1
        sorted_lengths[j] = lengths[i]
        sorted_ranks[j] = ranks[sets[i]]
        sorted_pairs[j] = pairs[sets[i]]
