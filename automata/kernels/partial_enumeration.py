"""Depth-first enumeration of partial automata, transition by transition, for n <= 11.

A letter is a function of n + 1 points: point n stands for "undefined" (see `functional`). The value
of a transition that is not decided yet is `UNDECIDED`. A set of states is a bit mask, int64 in
registers and uint16 in arrays; a family of sets has a bit for each set, in words of 64 bits; pairs
are those of `bounds`. Transition q of letter a has the number a n + q.
"""

import numpy as np

from automata.kernels.bounds import fill_levels, fill_sets, may_all_merge
from automata.kernels.enumeration import (
    AT_LEAST,
    BY_ALIVE,
    BY_REACHED,
    DONE,
    END,
    LETTERS,
    NODES,
    NODES_A_CALL,
    TAKEN,
    TOP,
)
from automata.kernels.functional import fingerprint, isomorphism, shape
from automata.kernels.jit import jit
from automata.kernels.state_sets import cardinality

UNDECIDED = -1
_CUT, _SETTLED = -1, -2
_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@jit
def _fill_families(n, ranks, above, small):
    """Write for each set the family of those that contain it; for each r, those of 2..r states."""
    above[:] = _ZERO
    small[:] = _ZERO
    for states in range((1 << n) - 1, -1, -1):
        word, bit = states >> 6, _ONE << np.uint64(states & 63)
        above[states, word] |= bit
        for q in range(n):
            above[states] |= above[states | 1 << q]
        if ranks[states] >= 2:
            small[ranks[states] :, word] |= bit


@jit
def _next_transition(at_least, ranks, above, small, tables, known, queue, met):
    """Return the transition to decide next, _CUT or _SETTLED, by a search forward.

    The search leads sets on by decided transitions alone and drops sets that contain one met
    before. _CUT: no completion has a careful threshold of ``at_least`` or more. _SETTLED: all
    completions have the same one. Otherwise some set waits for transitions: of those that wait for
    the fewest take the first one met, and of its undecided transitions that of the least state.

    ``known[0, a]`` is the set of states on which letter a is decided, ``known[1, a]`` of those on
    which it is undefined; ``met[r]`` is the family of sets that contain one met of at most r.
    """
    n = small.shape[0] - 1
    words = small.shape[1]
    met[:] = _ZERO
    states = (1 << n) - 1
    met[n, states >> 6] = above[states, states >> 6]
    queue[0] = states
    head, tail, end, length = 0, 1, 1, 0
    fewest, chosen = n + 1, _SETTLED
    while head < tail:
        length += 1
        least = n
        while head < end:
            states = int(queue[head])
            head += 1
            for a in range(tables.shape[0]):
                if states & known[1, a]:
                    continue
                missing = states & ~known[0, a]
                if missing:
                    if ranks[missing] < fewest:
                        fewest = int(ranks[missing])
                        chosen = a * n + int(ranks[(missing & -missing) - 1])
                    continue
                image = int(
                    tables[a, 0, states & 15]
                    | tables[a, 1, states >> 4 & 15]
                    | tables[a, 2, states >> 8]
                )
                if met[n, image >> 6] >> np.uint64(image & 63) & _ONE:
                    continue
                rank = int(ranks[image])
                if rank == 1:
                    return _CUT if length < at_least else chosen
                queue[tail] = image
                tail += 1
                least = min(least, rank)
                for r in range(rank, n + 1):
                    for w in range(words):
                        met[r, w] |= above[image, w]
        end = tail
        for r in range(least, n + 1):
            bound = length + 1
            for w in range(words):
                bound += int(cardinality(small[r, w] & ~met[r, w]))
            if bound < at_least:
                return _CUT
    return _CUT if chosen == _SETTLED else chosen


@jit
def _first_undecided(delta):
    """Return the first transition that is not decided."""
    k, n = delta.shape
    for place in range(n, k * n):
        if delta[place // n, place % n] == UNDECIDED:
            return place
    return k * n


@jit
def _decide(a, q, value, delta, tables, known, pair_of, into):
    """Decide a transition; ``into`` is what was known before, and gets the pairs led on."""
    n = delta.shape[1]
    bit = 1 << q
    known[0, a] |= bit
    if value == n:
        known[1, a] |= bit
        return
    known[1, a] &= ~bit
    group, member = q >> 2, 1 << (q & 3)
    for states in range(16):  # the other states may be undecided: such sets are not looked up
        if states & member:
            tables[a, group, states] = tables[a, group, states ^ member] | 1 << value
    for p in range(n):
        if p != q and 0 <= delta[a, p] < n:
            into[pair_of[delta[a, p], value]] |= _ONE << np.uint64(pair_of[p, q])


@jit
def _keep_ties(delta, where, depth, group, exchanges, ties, places, tails):
    """Write the descriptions that may tie with this one, decided up to a depth; -1 if one is less.

    Description ``ties[i]`` exchanges letters other than the first, by row ties[i] % E of the E
    ``exchanges``, and renames states by the automorphism ties[i] // E of the first. ``places[i]``
    is the first depth at which it has not been compared yet. Return the new end of the ties.
    """
    n = delta.shape[1]
    tail = tails[depth + 1]
    for i in range(tails[depth], tails[depth + 1]):
        place = places[i]
        rename, exchange = ties[i] // len(exchanges), ties[i] % len(exchanges)
        comparison = 0
        while place <= depth:
            a, q = where[place] // n, where[place] % n
            source = delta[exchanges[exchange, a], group[1, rename, q]]
            if source == UNDECIDED:
                break
            comparison = int(group[0, rename, source]) - int(delta[a, q])
            if comparison != 0:
                break
            place += 1
        if comparison < 0:
            return -1
        if comparison == 0:
            ties[tail] = ties[i]
            places[tail] = place
            tail += 1
    return tail


@jit
def _compare_types(letter, undefined, first, points, colours):
    """Compare the types of a letter and of the first one: -1, 0, 1 if it is earlier, equal, later.

    Letters undefined on fewer states are earlier, then those of a lesser shape, and fingerprint.
    Writes the points of the letter and, if need be, the colours of it and of the first.
    """
    n = letter.shape[0]
    points[:n] = letter
    points[n] = n
    difference = undefined - np.sum(first[:n] == n)
    if difference == 0:
        difference = shape(points) - shape(first)
    if difference != 0:
        return 1 if difference > 0 else -1
    mine, its = fingerprint(points, True, colours[1]), fingerprint(first, True, colours[0])
    return int(mine > its) - int(mine < its)


@jit
def _is_least(delta, where, first, group, orders, points, colours):
    """Return whether no description with another letter in the first place is less.

    That letter has the type of the first one. The states are renamed by an isomorphism of the two,
    followed by any automorphism of the first letter.
    """
    k, n = delta.shape
    names = np.empty(n + 1, np.int64)
    forth = np.empty(n + 1, np.int64)
    back = np.empty(n + 1, np.int64)
    for order in orders:
        other = delta[order[0]]
        if _compare_types(other, np.sum(other == n), first, points, colours) != 0:
            continue
        isomorphism(points, colours[1], first, colours[0], names)
        for rename in range(group.shape[1]):
            for q in range(n + 1):
                forth[q] = group[0, rename, names[q]]
                back[forth[q]] = q
            for place in where[: (k - 1) * n]:
                a, q = place // n, place % n
                comparison = forth[delta[order[a], back[q]]] - delta[a, q]
                if comparison < 0:
                    return False
                if comparison > 0:
                    break
    return True


@jit
def enumerate_part(first, group, orders, options, position, rows, progress):
    """Write the transitions of the partial automata of one part of the search; return how many.

    Letter 0 is ``first`` (n + 1 points), and no letter has an earlier type. ``group``
    (2, order, n + 1) holds its automorphisms, the identity first, and their inverses; ``orders``
    all orders of the letters in lexicographic order. Renaming states and exchanging letters give
    several descriptions of an automaton. Which transition is decided next depends on the values of
    those before alone, so these values in the order of the decisions compare any two descriptions.
    Only the least one is written, as the points that letters 1, 2, ... lead to.

    With ``at_least`` above 0 an automaton that is partly decided is cut if no completion can have a
    careful threshold of ``at_least`` or more (`_next_transition`), or, with BY_ALIVE, if some pair
    can never merge. With 0 no automaton is cut.

    ``options`` has k in the slot LETTERS; AT_LEAST, TOP and END; 0 or 1 for each of the bounds
    BY_REACHED and BY_ALIVE; and in NODES_A_CALL about the number of nodes (transitions tried) that
    a call may take. The search goes over decisions TOP..END-1 of the (k-1) n; the values of those
    before TOP are given in ``position``. With END below (k-1) n a row has these values in the order
    of the decisions. It returns when its nodes are spent or ``rows`` is full: call it again with
    the same ``position`` and ``progress``, unless progress[DONE] is 1. progress[TAKEN] is the
    number of decisions to take from ``position`` as they are; progress[NODES] counts nodes.

    In arrays with a row for each depth, row d holds what is known before decision d.
    """
    n = first.shape[0] - 1
    k, at_least, top, end = options[LETTERS], options[AT_LEAST], options[TOP], options[END]
    size = 1 << n
    depths = (k - 1) * n
    merges = n * (n - 1) // 2  # the target of pairs that a letter merges
    every = (_ONE << np.uint64(merges)) - _ONE
    words = max(1, size >> 6)

    ranks = np.empty(size, np.uint8)
    pairs = np.empty(size, np.uint64)
    fill_sets(n, ranks, pairs)
    above = np.empty((size, words), np.uint64)
    small = np.empty((n + 1, words), np.uint64)
    _fill_families(n, ranks, above, small)
    if not options[BY_REACHED]:
        small[:] = ~_ZERO  # bounds beyond the number of sets
    pair_of = np.full((n, n), merges, np.uint8)
    for q in range(n):
        for p in range(q):
            pair_of[p, q] = pair_of[q, p] = q * (q - 1) // 2 + p

    delta = np.full((k, n), UNDECIDED, np.int64)
    tables = np.zeros((k, 3, 16), np.uint16)
    known = np.zeros((2, k), np.int64)
    into = np.zeros((depths + 1, merges + 1), np.uint64)
    levels = np.zeros(merges + 2, np.uint64)
    for q in range(n):
        delta[0, q] = first[q]
        _decide(0, q, first[q], delta, tables, known, pair_of, into[0])
    queue = np.empty(size, np.uint16)
    met = np.empty((n + 1, words), np.uint64)
    points = np.empty(n + 1, np.int64)
    colours = np.empty((2, n + 1), np.uint64)

    where = np.zeros(depths + 1, np.int64)
    settled = np.zeros(depths + 1, np.bool_)
    settled[0] = at_least == 0
    kept = 0  # orders that keep letter 0
    while kept < len(orders) and orders[kept, 0] == 0:
        kept += 1
    descriptions = group.shape[1] * kept
    ties = np.empty((depths + 1) * descriptions, np.int32)
    places = np.empty((depths + 1) * descriptions, np.uint8)
    tails = np.zeros(depths + 2, np.int64)
    for i in range(1, descriptions):
        ties[i - 1] = i
        places[i - 1] = 0
    tails[1] = descriptions - 1

    found = 0
    replayed = progress[TAKEN]
    nodes = progress[NODES]
    depth = value = 0
    entered = True
    while True:
        cut = False
        if entered:  # which transition is next?
            entered = False
            if not settled[depth] and options[BY_ALIVE]:
                t = fill_levels(into[depth], levels)
                waiting = _ZERO
                for a in range(k):
                    waiting |= pairs[size - 1 ^ known[1, a]] & ~pairs[known[0, a]]
                cut = not may_all_merge(levels[t], waiting, every, into[depth])
            if not settled[depth] and not cut:
                where[depth] = _next_transition(
                    at_least, ranks, above, small, tables, known, queue, met
                )
                cut = where[depth] == _CUT
                settled[depth] = where[depth] == _SETTLED
            if settled[depth]:
                where[depth] = _first_undecided(delta)
            if not cut and depth == end:
                cut = True
                if end < depths:
                    rows[found, :end] = position[:end]
                    found += 1
                elif _is_least(delta, where, first, group, orders[kept:], points, colours):
                    for i in range(depths):
                        rows[found, i] = delta[1 + i // n, i % n]
                    found += 1
            if not cut:
                value = int(position[depth]) if depth <= replayed else 0
        elif value > n:  # all values were tried
            a, q = where[depth] // n, where[depth] % n
            delta[a, q] = UNDECIDED
            known[0, a] &= ~(1 << q)
            known[1, a] &= ~(1 << q)
            cut = True
        else:
            a, q = where[depth] // n, where[depth] % n
            position[depth] = value
            if depth >= replayed:
                replayed = -1
                nodes += 1
            delta[a, q] = value
            tail = _keep_ties(delta, where, depth, group, orders[:kept], ties, places, tails)
            if tail >= 0:
                tails[depth + 2] = tail
                into[depth + 1] = into[depth]
                _decide(a, q, value, delta, tables, known, pair_of, into[depth + 1])
                undefined = int(ranks[known[1, a]])
                if (
                    known[0, a] < size - 1
                    or _compare_types(delta[a], undefined, first, points, colours) >= 0
                ):
                    settled[depth + 1] = settled[depth]
                    depth += 1
                    entered = True
                    continue
            value += 1
        if cut:  # back to the decision before
            depth -= 1
            if depth < top:
                progress[DONE] = 1
                break
            value = int(position[depth]) + 1
            replayed = -1
            if found == rows.shape[0] or nodes - progress[NODES] >= options[NODES_A_CALL]:
                position[depth] = value
                progress[TAKEN] = depth
                break
    progress[NODES] = nodes
    return found
