"""Tries that find, for many query sets at once, those that contain a set of a family.

An inner node divides its sets by a state: its first child holds the sets without the state, its
second those with it, and only queries with the state go there. Leaves are scanned. A set no longer
has the states that it shares with second children on the way to it.
"""

import numpy as np

from automata.kernels.jit import jit
from automata.kernels.state_sets import cardinality, count_states

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_LEAF = 48
_SAMPLE = 64
SIZE, KEY = range(2)
"""Columns of `traits`: cardinality, and the word with most states left."""
COLUMNS = 7
STATE, WITHOUT, WITH, FIRST, END, LEAST, REMOVED = range(COLUMNS)
"""Columns of `nodes`: the state that divides it, both children, the range of its members, their
least cardinality, and the number of states removed from them on the way; -1 for none."""


@jit
def measure(members, traits):
    """Write the cardinality of each set."""
    for i in range(members.shape[0]):
        size = _ZERO
        for w in range(members.shape[1]):
            size += cardinality(members[i, w])
        traits[i, SIZE] = size


@jit
def build(members, traits, order, absent, nodes, stack, progress):
    """Build a trie over ``members`` for about a million steps; return whether it is complete.

    ``members`` are permuted, ``traits`` and ``order`` with them. ``absent[q]`` is the share of
    queries without state q: the state that divides a node is the one that spares most tests. Once
    ``nodes`` is full, leaves are larger. ``progress`` (3,) holds the height of the stack and the
    number of nodes, both 1 at first (node 0 has all members), and the most states removed on the
    way to a node.
    """
    words = members.shape[1]
    counts = np.empty(absent.shape[0], np.int64)
    height, made = progress[0], progress[1]
    steps = 0
    while height > 0 and steps < 1 << 20:
        height -= 1
        node = stack[height]
        first, end = np.int64(nodes[node, FIRST]), np.int64(nodes[node, END])
        steps += end - first
        least = 1 << 30
        for i in range(first, end):
            least = min(least, traits[i, SIZE])
        nodes[node, LEAST] = least
        nodes[node, WITHOUT] = -1
        nodes[node, WITH] = -1
        best, state = 0.0, -1
        if end - first > _LEAF and made + 2 <= nodes.shape[0]:
            step = max(1, (end - first) // _SAMPLE)
            count_states(members, first, end, step, counts)
            for q in range(counts.shape[0]):
                spared = counts[q] * absent[q]
                if spared > best:
                    best, state = spared, q
        nodes[node, STATE] = state
        if state < 0:
            for i in range(first, end):
                most = _ZERO
                traits[i, KEY] = 0
                for w in range(words):
                    size = cardinality(members[i, w])
                    if size > most:
                        most = size
                        traits[i, KEY] = w
            continue
        at = state >> 6
        bit = _ONE << np.uint64(state & 63)
        low, high = first, end
        while low < high:
            if members[low, at] & bit == _ZERO:
                low += 1
                continue
            members[low, at] ^= bit
            high -= 1
            for w in range(words):
                members[low, w], members[high, w] = members[high, w], members[low, w]
            size_low, size_high = traits[low, SIZE], traits[high, SIZE]
            traits[low, SIZE] = size_high
            traits[high, SIZE] = size_low
            order[low], order[high] = order[high], order[low]
        for side in (WITHOUT, WITH):
            start = first if side == WITHOUT else low
            stop = low if side == WITHOUT else end
            if start < stop:
                nodes[node, side] = made
                nodes[made, FIRST] = start
                nodes[made, END] = stop
                nodes[made, REMOVED] = nodes[node, REMOVED] + (side == WITH)
                progress[2] = max(progress[2], nodes[made, REMOVED])
                stack[height] = made
                height += 1
                made += 1
    progress[0] = height
    progress[1] = made
    return height == 0


@jit
def sort_queries(rows, count, words, per_row, columns, sizes, order, tally):
    """Lay out queries word by word, by falling cardinality.

    Query j is the j-th group of ``words`` words of ``rows``, which has ``per_row`` groups a row.
    ``columns[w, i]`` gets word w of the i-th query in the new order, ``order[i]`` its number.
    """
    tally[:] = 0
    for j in range(count):
        row, base = j // per_row, (j % per_row) * words
        size = _ZERO
        for w in range(words):
            size += cardinality(rows[row, base + w])
        sizes[j] = size
        tally[size] += 1
    place = 0
    for size in range(tally.shape[0] - 1, -1, -1):
        place += tally[size]
        tally[size] = place - tally[size]
    for j in range(count):
        row, base = j // per_row, (j % per_row) * words
        place = tally[np.uint64(sizes[j])]
        tally[np.uint64(sizes[j])] += 1
        order[place] = j
        for w in range(words):
            columns[w, place] = rows[row, base + w]


@jit
def find(columns, sizes, order, members, traits, nodes, lists, stack, proper):
    """Find a query that contains a member: return their numbers, -1 and -1 if there is none.

    If ``proper`` is not empty, mark in it all queries that contain a member properly, and return
    -1 and -1.

    All queries go through the trie together. ``lists`` holds the queries that get to each node on
    the way, by falling cardinality. Each second child has a list of its own, so ``lists`` needs
    room for 1 + progress[2] (of `build`) times the number of queries.
    """
    words = members.shape[1]
    count = order.shape[0]
    margin = 1 if proper.shape[0] > 0 else 0
    for j in range(count):
        lists[j] = j
    stack[0, 0] = 0
    stack[0, 1] = 0
    stack[0, 2] = count
    height = 1
    while height > 0:
        height -= 1
        node, start, length = stack[height, 0], stack[height, 1], stack[height, 2]
        least = nodes[node, LEAST] + margin
        low, high = 0, length
        while low < high:
            middle = (low + high) >> 1
            if sizes[np.uint64(order[np.uint64(lists[start + middle])])] >= least:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            continue
        top = start + length
        stop = start + low
        state = nodes[node, STATE]
        if state < 0:
            for i in range(nodes[node, FIRST], nodes[node, END]):
                key = np.uint64(traits[i, KEY])
                wanted = members[i, key]
                column = columns[key]
                for j in range(start, stop):
                    query = np.uint64(lists[j])
                    if wanted & ~column[query] == _ZERO:
                        missing = _ZERO
                        for w in range(words):
                            missing |= members[i, w] & ~columns[w, query]
                        if missing == _ZERO:
                            number = np.uint64(order[query])
                            if margin == 0:
                                return np.int64(number), np.int64(i)
                            if sizes[number] > traits[i, SIZE]:
                                proper[number] = True
            continue
        if nodes[node, WITHOUT] >= 0:
            stack[height, 0] = nodes[node, WITHOUT]
            stack[height, 1] = start
            stack[height, 2] = low
            height += 1
        if nodes[node, WITH] >= 0:
            column = columns[state >> 6]
            bit = np.uint64(state & 63)
            kept = np.uint64(top)
            for j in range(start, stop):
                query = lists[j]
                lists[kept] = query
                kept += (column[np.uint64(query)] >> bit) & _ONE
            if kept > np.uint64(top):
                stack[height, 0] = nodes[node, WITH]
                stack[height, 1] = top
                stack[height, 2] = np.int64(kept) - top
                height += 1
    return np.int64(-1), np.int64(-1)
