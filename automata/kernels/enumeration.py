"""Depth-first enumeration of automata, transition by transition, for n <= 11.

A set of states is a bit mask, int64 in registers and uint16 in arrays; pairs are those of `bounds`.
The transitions of a letter are defined for state 0, 1, 2, ..., so the image of a set under a letter
defined for the states below q is known exactly if the set is < 2^q.
"""

import numpy as np

from automata.kernels.bounds import (
    fill_levels,
    fill_limits,
    fill_sets,
    may_all_merge,
    reached_too_soon,
)
from automata.kernels.functional import CYCLIC_STATES, fingerprint, isomorphism, shape
from automata.kernels.jit import jit

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_FAR = 255
"""Longer than any length of interest: (n^3 - n) / 6 = 220 letters always suffice for n = 11."""

# The slots of `options`.
OPTIONS = 8
LETTERS, AT_LEAST, TOP, END, BY_PAIRS, BY_REACHED, BY_ALIVE, NODES_A_CALL = range(OPTIONS)
# The slots of `progress`.
PROGRESS = 3
DONE, TAKEN, NODES = range(PROGRESS)


@jit
def _reach_by_first_letter(images, ranks, limit, at_least, sets, lengths, nearest):
    """List the images of Q under powers of the first letter; return how many, -1 to cut.

    -1 if a word of at most ``limit[r]`` letters leads to r states (see `bounds.fill_limits`).
    """
    states = images.shape[0] - 1
    length = 0
    while nearest[states] == _FAR and length < at_least:
        if length <= limit[ranks[states]]:
            return -1
        sets[length] = states
        lengths[length] = length
        nearest[states] = length
        length += 1
        states = images[states]
    return length


@jit
def _fill_waiting(q, sets, lengths, nearest, waiting, waiting_lengths, begin):
    """Write the sets whose last state is q, by length, from ``begin`` on; return the end."""
    end = begin
    for i in range(sets.shape[0]):
        if sets[i] >> q == 1 and lengths[i] == nearest[sets[i]]:
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
def _keep_ties(letter, q, group, ties, places, begin, end):
    """Write from ``end`` on the automorphisms that may keep a letter, which is defined up to q.

    Those at begin..end-1 may keep it when it is defined up to q - 1. Return the new end, -1 if an
    automorphism makes the letter less.
    """
    tail = end
    for i in range(begin, end):
        place = places[i] if q else 0
        comparison = 0
        while place <= q:
            source = group[1, ties[i], place]
            if source > q:
                break
            comparison = int(group[0, ties[i], letter[source]]) - int(letter[place])
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
def _sort_by_length(sets, lengths, ranks, pairs, sorted_lengths, sorted_ranks, sorted_pairs):
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


@jit
def _has_earlier_type(letter, delta, shapes, fingerprints, colours, described, types):
    """Record the type of a complete letter; return whether it is before that of letter - 1."""
    shapes[letter] = shape(delta[letter])
    types[letter] = letter
    described[letter] = False
    if shapes[letter] != shapes[letter - 1]:
        return shapes[letter] < shapes[letter - 1]
    if not described[letter - 1]:
        fingerprints[letter - 1] = fingerprint(delta[letter - 1], False, colours[letter - 1])
        described[letter - 1] = True
    fingerprints[letter] = fingerprint(delta[letter], False, colours[letter])
    described[letter] = True
    if fingerprints[letter] == fingerprints[letter - 1]:
        types[letter] = types[letter - 1]
    return fingerprints[letter] < fingerprints[letter - 1]


@jit
def _is_least(delta, group, orders, types, colours):
    """Return whether no other description of the automaton is less.

    Another description exchanges letters of one type, and then renames the states so that its first
    letter is the same: by one isomorphism, followed by any automorphism of the first letter.
    """
    k, n = delta.shape
    names = np.empty(n, np.int64)
    forth = np.empty(n, np.int64)
    back = np.empty(n, np.int64)
    for order in orders:
        fits = True
        for a in range(k):
            fits &= types[order[a]] == types[a]
        if not fits:
            continue
        isomorphism(delta[order[0]], colours[order[0]], delta[0], colours[0], names)
        for i in range(group.shape[1]):
            for q in range(n):
                forth[q] = group[0, i, names[q]]
                back[forth[q]] = q
            comparison = 0
            for a in range(1, k):
                for q in range(n):
                    comparison = forth[delta[order[a], back[q]]] - delta[a, q]
                    if comparison != 0:
                        break
                if comparison != 0:
                    break
            if comparison < 0:
                return False
    return True


@jit
def enumerate_part(first, group, orders, steps, options, position, rows, progress):
    """Write the transitions of the automata of one part of the search; return how many.

    Letter 0 is ``first``, and no letter has an earlier type than the one before it. Types are in
    the order of (`shape`, `fingerprint`), so letter 0 has the fewest cyclic states. ``group``
    (2, order, n) holds the automorphisms of ``first``, the identity first, and their inverses;
    ``orders`` all orders of the letters except the identity. Renaming states and exchanging letters
    of one type give several descriptions of an automaton. Only the least one is written, as the
    targets of letters 1, 2, ...

    A partly defined automaton is cut if an automorphism makes it less, if its last letter must have
    too few cyclic states, or if all its completions have thresholds below ``at_least``. The last is
    proved by a word over its transitions to a set of r states, and an upper bound on the letters
    needed from there (``steps``, and the functions above). An automaton that is written may still
    not synchronize, or have too small a threshold.

    ``options`` has k in the slot LETTERS; AT_LEAST, TOP and END; 0 or 1 for each of the bounds
    BY_PAIRS, BY_REACHED (sets) and BY_ALIVE (pairs that never merge); and in NODES_A_CALL about the
    number of nodes (transitions tried) that a call may take. The search goes over the transitions
    TOP..END-1 of the (k-1) n; those before TOP are given in ``position``. It returns when its nodes
    are spent or ``rows`` is full: call it again with the same ``position`` and ``progress``, unless
    progress[DONE] is 1. progress[TAKEN] is the number of transitions to take from ``position`` as
    they are; progress[NODES] counts nodes.

    In arrays with a row for each depth, row d holds what is known before transition d is defined.
    """
    n = first.shape[0]
    k, at_least, top, end = options[LETTERS], options[AT_LEAST], options[TOP], options[END]
    bounded = at_least > 0
    size = 1 << n
    depths = (k - 1) * n
    merges = n * (n - 1) // 2  # the target of pairs that a letter merges
    every = (_ONE << np.uint64(merges)) - _ONE

    ranks = np.empty(size, np.uint8)
    pairs = np.empty(size, np.uint64)
    fill_sets(n, ranks, pairs)
    pair_of = np.full((n, n), merges, np.uint8)
    for q in range(n):
        for p in range(q):
            pair_of[p, q] = pair_of[q, p] = q * (q - 1) // 2 + p

    # Letters, the images of sets and, for each depth, the predecessors of pairs.
    delta = np.zeros((k, n), np.int64)
    images = np.zeros((k, size), np.uint16)
    into = np.zeros((depths + 1, merges + 1), np.uint64)
    types = np.zeros(k, np.int64)
    shapes = np.zeros(k, np.int64)
    fingerprints = np.zeros(k, np.uint64)
    described = np.zeros(k, np.bool_)  # fingerprint and colours are known
    colours = np.zeros((k, n), np.uint64)
    targets = np.zeros(depths + 1, np.int64)  # of the letter so far
    repeated = np.zeros(depths + 1, np.int64)

    # Automorphisms that may keep the transitions defined, and the first state not compared yet.
    order = group.shape[1]
    ties = np.empty((depths + 1) * order, np.int32)
    places = np.empty((depths + 1) * order, np.uint8)
    tie_tails = np.zeros(depths + 2, np.int64)
    for i in range(1, order):
        ties[i - 1] = i
        places[i - 1] = 0
    tie_tails[1] = order - 1

    # Sets reached: a stack of (set, length); the least length of each set; the one it replaced.
    capacity = size * (at_least + 1)
    sets = np.empty(capacity, np.uint16)
    lengths = np.empty(capacity, np.uint8)
    before = np.empty(capacity, np.uint8)
    nearest = np.full(size, _FAR, np.uint8)
    tails = np.zeros(depths + 1, np.int64)
    too_long = np.zeros(depths + 1, np.bool_)  # some sets were not led further
    # Sets that wait for the transition of a depth, by length; a set waits for each later letter.
    waiting = np.empty((k - 1) * size, np.uint16)
    waiting_lengths = np.empty((k - 1) * size, np.uint8)
    waiting_tails = np.zeros(depths + 2, np.int64)
    limits = np.zeros((depths + 1, n + 1), np.int64)
    levels = np.zeros(merges + 2, np.uint64)
    sorted_lengths = np.empty(capacity, np.int64)
    sorted_ranks = np.empty(capacity, np.int64)
    sorted_pairs = np.empty(capacity, np.uint64)

    for q in range(n):
        delta[0, q] = first[q]
        for states in range(1 << q):
            images[0, 1 << q | states] = images[0, states] | 1 << delta[0, q]
        for p in range(q):
            into[0, pair_of[delta[0, p], delta[0, q]]] |= _ONE << np.uint64(pair_of[p, q])
    shapes[0] = shape(delta[0])
    fingerprints[0] = fingerprint(delta[0], False, colours[0])
    described[0] = True
    for r in range(n + 1):
        limits[0, r] = at_least - 1 if r < 2 else limits[0, r - 1] - steps[r]
    if bounded:
        tail = _reach_by_first_letter(images[0], ranks, limits[0], at_least, sets, lengths, nearest)
        if tail < 0:
            progress[DONE] = 1
            return 0
        tails[0] = tail
        too_long[0] = tail == at_least

    found = 0
    path = progress[TAKEN]
    nodes = progress[NODES]
    depth = 0
    value = int(position[0])
    entered = True
    while True:
        letter = 1 + depth // n
        q = depth % n
        if entered:  # which sets wait for this transition?
            entered = False
            waiting_tails[depth + 1] = _fill_waiting(
                q,
                sets[: tails[depth]],
                lengths,
                nearest,
                waiting,
                waiting_lengths,
                waiting_tails[depth],
            )
        if value == n:  # back to the transition before
            depth -= 1
            if depth < top:
                progress[DONE] = 1
                break
            for i in range(tails[depth + 1] - 1, tails[depth] - 1, -1):
                nearest[sets[i]] = before[i]
            value = int(position[depth]) + 1
            path = 0
            continue
        position[depth] = value
        if depth >= path:
            path = 0
            nodes += 1

        # Too few cyclic states? Of two states that lead to the same one, one at most is cyclic.
        bit = 1 << value
        known = targets[depth] if q else 0
        doubled = (repeated[depth] if q else 0) + (known >> value & 1)
        cut = n - doubled < shapes[letter - 1] >> CYCLIC_STATES

        # Does an automorphism make the letter less?
        if not cut:
            delta[letter, q] = value
            tail = _keep_ties(
                delta[letter], q, group, ties, places, tie_tails[depth], tie_tails[depth + 1]
            )
            cut = tail < 0
            tie_tails[depth + 2] = tail

        # Does a word lead to few states too soon?
        tail = tails[depth]
        if bounded and not cut:
            limit = limits[depth]
            long = too_long[depth]
            high = 1 << q
            head = tail
            waits, last = waiting_tails[depth], waiting_tails[depth + 1]
            while not cut:
                if head < tail and (waits == last or lengths[head] <= waiting_lengths[waits]):
                    states, length = int(sets[head]), int(lengths[head]) + 1
                    head += 1
                    a = 0
                elif waits < last:
                    states, length = int(waiting[waits]), int(waiting_lengths[waits]) + 1
                    waits += 1
                    if nearest[states] != length - 1:
                        continue  # met again by a shorter word
                    a = letter
                else:
                    break
                if length >= at_least:
                    long = True
                    break
                while a <= letter:
                    if a < letter:
                        target = int(images[a, states])
                    elif states >> q > 1:
                        break  # waits for a later transition
                    elif states >> q:
                        target = int(images[letter, states ^ high]) | bit
                    else:
                        target = int(images[letter, states])
                    a += 1
                    if length < nearest[target]:
                        before[tail] = nearest[target]
                        nearest[target] = length
                        sets[tail] = target
                        lengths[tail] = length
                        tail += 1
                        if length <= limit[ranks[target]]:
                            cut = True
                            break
            too_long[depth + 1] = long

        if bounded and not cut and depth + 1 == depths:
            cut = not long  # all reachable sets were met, and none is a singleton
        elif bounded and not cut:
            row = into[depth + 1]
            for i in range(merges + 1):
                row[i] = into[depth, i]
            for p in range(q):
                row[pair_of[delta[letter, p], value]] |= _ONE << np.uint64(pair_of[p, q])
            t = fill_levels(row, levels)
            if options[BY_ALIVE] and letter == k - 1:
                undefined = every & ~((_ONE << np.uint64((q + 1) * q // 2)) - _ONE)
                cut = not may_all_merge(levels[t], undefined, every, row)
            for r in range(n + 1):
                limits[depth + 1, r] = limits[depth, r]
            if options[BY_PAIRS]:
                fill_limits(steps, levels, t, every, at_least, limits[depth + 1])
            for i in range(tail):
                cut |= lengths[i] <= limits[depth + 1, ranks[sets[i]]]
            if options[BY_REACHED] and not cut:
                _sort_by_length(
                    sets[:tail],
                    lengths,
                    ranks,
                    pairs,
                    sorted_lengths,
                    sorted_ranks,
                    sorted_pairs,
                )
                cut = reached_too_soon(
                    sorted_lengths[:tail],
                    sorted_ranks,
                    sorted_pairs,
                    levels,
                    t,
                    every,
                    limits[depth + 1],
                )

        if not cut and q == n - 1:  # the letter is complete: is its type an earlier one?
            cut = _has_earlier_type(letter, delta, shapes, fingerprints, colours, described, types)
        if not cut and depth + 1 == end:
            tied = False
            for a in range(1, k):
                tied |= types[a] == types[a - 1]
            if end < depths or not tied or _is_least(delta, group, orders, types, colours):
                for i in range(end):
                    rows[found, i] = position[i]
                found += 1
            cut = True
        if cut:
            for i in range(tail - 1, tails[depth] - 1, -1):
                nearest[sets[i]] = before[i]
            value += 1
            if found == rows.shape[0] or nodes - progress[NODES] >= options[NODES_A_CALL]:
                position[depth] = value
                progress[TAKEN] = depth
                break
            continue

        for states in range(1 << q if bounded else 0):
            images[letter, 1 << q | states] = images[letter, states] | bit
        targets[depth + 1] = known | bit
        repeated[depth + 1] = doubled
        tails[depth + 1] = tail
        depth += 1
        value = int(position[depth]) if depth <= path else 0
        entered = True
    progress[NODES] = nodes
    return found
