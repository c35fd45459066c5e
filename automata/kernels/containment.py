"""Tries that find, for many query sets at once, those that contain a set of a family.

A node stands for some members of the family. Its *key* is a word, in which it tests all states that
its members share: queries that miss one of them go no further, nor do those that are too small. The
members of an inner node are divided by a state, those without it and those with it; the members of
a leaf are scanned. A member no longer has the states that were tested on the way to it. Most
queries are turned away high up; what is left at a node is a list, made without branches that the
processor cannot predict.

Members are columns: ``members[w, i]`` is word w of set i. Queries are given by the states that they
*miss*, as columns too: a member lies within a query exactly if it has none of them.
"""

import numpy as np

from automata.kernels.jit import jit
from automata.kernels.state_sets import cardinality, count_states

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_ALL = ~_ZERO
_LEAF = 16
_SAMPLE = 16
COLUMNS = 5
FIRST, END, LEAST, KEY, CHILD = range(COLUMNS)
"""Columns of `nodes`: the range of its members, their least cardinality, its key (-1 before it is
chosen), and the first of its two children, which are neighbours; 0 at a leaf."""


@jit
def gather(sets, numbers, flipped, members, sizes):
    """Write the sets listed, with some states flipped, to the columns of ``members``.

    Their cardinalities go to ``sizes``.
    """
    for i in range(numbers.shape[0]):
        size = _ZERO
        for w in range(members.shape[0]):
            states = sets[numbers[i], w] ^ flipped[w]
            members[w, i] = states
            size += cardinality(states)
        sizes[i] = size


@jit
def _shared(members, word, first, end):
    """Return the states of one word that all members of a range have."""
    shared = _ALL
    for i in range(first, end):
        shared &= members[word, i]
    return shared


@jit
def _fullest_word(members, first, end):
    """Return the word in which the members of a range have most states."""
    best, most = 0, _ZERO
    for w in range(members.shape[0]):
        states = _ZERO
        for i in range(first, end):
            states += cardinality(members[w, i])
        if states > most:
            best, most = w, states
    return best


@jit
def _dividing_state(members, first, end, absent, counts):
    """Return the state that spares most tests, judged by a sample of the members; -1 for none."""
    step = max(1, (end - first) // _SAMPLE)
    count_states(members.T, first, end, step, counts)
    sampled = len(range(first, end, step))
    best, state = 0.0, -1
    for q in range(counts.shape[0]):
        spared = counts[q] * absent[q]
        if spared > best and counts[q] < sampled:
            best, state = spared, q
    return state


@jit
def _divide(members, sizes, numbers, first, end, state):
    """Move members without a state before those with it; return where the latter begin."""
    word, bit = state >> 6, _ONE << np.uint64(state & 63)
    low, high = first, end
    while low < high:
        if members[word, low] & bit == _ZERO:
            low += 1
            continue
        high -= 1
        for w in range(members.shape[0]):
            members[w, low], members[w, high] = members[w, high], members[w, low]
        sizes[low], sizes[high] = sizes[high], sizes[low]
        numbers[low], numbers[high] = numbers[high], numbers[low]
    return low


@jit
def build(members, sizes, numbers, absent, nodes, shared, stack, progress):
    """Build a trie over ``members`` for about a million steps; return whether it is complete.

    ``members`` are permuted, ``sizes`` (of `measure`) and ``numbers`` with them. ``absent[q]`` is
    the share of queries without state q. ``shared[node]`` are the states that a node tests. Once
    ``nodes`` is full, leaves are larger. ``stack`` holds nodes and their depths. ``progress`` (3,)
    holds its height and the number of nodes, both 1 at first (node 0 has all members), and the
    greatest depth.
    """
    counts = np.empty(absent.shape[0], np.int64)
    height, made = progress[0], progress[1]
    steps = 0
    while height > 0 and steps < 1 << 20:
        height -= 1
        node, depth = stack[height, 0], stack[height, 1]
        progress[2] = max(progress[2], depth)
        first, end, key = nodes[node, FIRST], nodes[node, END], nodes[node, KEY]
        steps += end - first
        nodes[node, LEAST] = sizes[first:end].min()
        small = end - first <= _LEAF or made + 2 > nodes.shape[0]
        if small:
            key = _fullest_word(members, first, end)
        elif key < 0:
            most = -1
            for w in range(members.shape[0]):
                states = np.int64(cardinality(_shared(members, w, first, end)))
                if states > most:
                    key, most = w, states
        common = _shared(members, key, first, end)
        for i in range(first, end):
            members[key, i] ^= common
        shared[node] = common
        nodes[node, KEY] = key
        nodes[node, CHILD] = 0
        state = -1 if small else _dividing_state(members, first, end, absent, counts)
        if state >= 0:
            middle = _divide(members, sizes, numbers, first, end, state)
            nodes[node, CHILD] = made
            nodes[made, FIRST], nodes[made, END], nodes[made, KEY] = first, middle, -1
            nodes[made + 1, FIRST], nodes[made + 1, END] = middle, end
            nodes[made + 1, KEY] = state >> 6
            for _ in range(2):
                stack[height, 0], stack[height, 1] = made, depth + 1
                height += 1
                made += 1
    progress[0] = height
    progress[1] = made
    return height == 0


@jit
def sort_queries(rows, everything, complements, missing, sizes, order, tally):
    """Sort queries by falling cardinality: ``order`` gets their rows, ``sizes`` their sizes.

    ``missing`` gets the states that they lack, of the set of all states, ``everything``; if
    ``complements`` are meant, those in the rows.
    """
    count, words = rows.shape
    tally[:] = 0
    for j in range(count):
        lacking = _ZERO
        for w in range(words):
            lacking += cardinality(rows[j, w] if complements else rows[j, w] ^ everything[w])
        tally[lacking + _ONE] += 1
    for lacking in range(1, tally.shape[0]):
        tally[lacking] += tally[lacking - 1]
    states = tally.shape[0] - 2
    for j in range(count):
        lacking = _ZERO
        for w in range(words):
            lacking += cardinality(rows[j, w] if complements else rows[j, w] ^ everything[w])
        place = tally[lacking]
        tally[lacking] += 1
        order[place] = j
        sizes[place] = states - lacking
        for w in range(words):
            missing[w, place] = rows[j, w] if complements else rows[j, w] ^ everything[w]


@jit
def find(missing, sizes, order, members, weights, nodes, shared, lists, stack, found):
    """Find a query that contains a member: return the places of both, -1 and -1 if there is none.

    If ``found`` is not empty, mark in it all queries that contain a smaller member, and return -1
    and -1. A third number counts the tests of all queries at all nodes. ``missing`` is destroyed.

    All queries go through the trie together. ``lists[depth]`` holds those that get to a node at
    this depth, by falling cardinality; ``lists`` has two rows more than the greatest depth,
    ``stack`` one more. ``weights`` are the cardinalities of the members.
    """
    words, count = missing.shape
    margin = 1 if found.shape[0] > 0 else 0
    for j in range(count):
        lists[0, j] = j
    stack[0, 0], stack[0, 1], stack[0, 2] = 0, count, 0
    height = 1
    tests = 0
    while height > 0:
        height -= 1
        node, length, depth = stack[height, 0], stack[height, 1], stack[height, 2]
        least = nodes[node, LEAST] + margin
        low = 0
        while low < length:
            middle = (low + length) >> 1
            if sizes[np.uint64(lists[depth, middle])] >= least:
                low = middle + 1
            else:
                length = middle
        tests += length
        key, tested = np.uint64(nodes[node, KEY]), shared[node]
        below = depth + 1
        kept = _ZERO
        for j in range(length):
            query = lists[depth, j]
            lists[below, kept] = query
            kept += np.uint64(missing[key, np.uint64(query)] & tested == _ZERO)
        if kept == _ZERO:
            continue
        child = nodes[node, CHILD]
        if child > 0:
            for side in range(2):
                stack[height, 0], stack[height, 1] = child + side, np.int64(kept)
                stack[height, 2] = below
                height += 1
            continue
        first, end = np.int64(nodes[node, FIRST]), np.int64(nodes[node, END])
        tests += np.int64(kept) * (end - first) // 4  # four at once
        for j in range(kept):
            query = np.uint64(lists[below, j])
            lacking = missing[key, query]
            within = _ZERO
            for i in range(first, end):
                within += np.uint64(members[key, i] & lacking == _ZERO)
            if within == _ZERO:
                continue
            for i in range(first, end):
                outside = _ZERO
                for w in range(words):
                    outside |= members[w, i] & missing[w, query]
                if outside == _ZERO and weights[i] + margin <= sizes[query]:
                    if margin == 0:
                        return np.int64(order[query]), i, tests
                    found[np.uint64(order[query])] = True
                    for w in range(words):
                        missing[w, query] = _ALL
                    break
    return np.int64(-1), np.int64(-1), tests
