"""Depth-first enumeration of automata, transition by transition, for n <= 11.

A set of states is a bit mask, int64 in registers and uint16 in arrays; pairs are those of `bounds`.
Which transition of a letter is defined next depends on the values of those before it alone. Letters
are complete, but for the one that is being defined; the set of states that it has a value for is
called ``known``.
"""

import numpy as np

from automata.kernels.bounds import (
    ends_too_soon,
    fill_levels,
    fill_sets,
    fill_steps,
    may_all_merge,
)
from automata.kernels.class_conditions import (
    MOST_CYCLIC,
    OF_EVERY,
    cycle_length,
    is_closed_in,
    may_exchange,
    may_fit,
)
from automata.kernels.descriptions import has_earlier_type, is_least, keep_ties
from automata.kernels.functional import CYCLIC_STATES, fingerprint, shape
from automata.kernels.jit import jit
from automata.kernels.state_sets import cardinality
from automata.kernels.waiting_sets import (
    FAR,
    fill_waiting,
    next_state,
    reach_by_first_letter,
    sort_by_length,
)

_ONE = np.uint64(1)
_ZERO = np.uint64(0)

# The slots of `options`.
OPTIONS = 14
LETTERS, AT_LEAST, TOP, END, NODES_A_CALL = range(5)
BY_STEPS, BY_PAIRS, BY_REACHED, BY_ALIVE = range(5, 9)
EULERIAN, CONNECTED, SINK, IRREDUCIBLE, APERIODIC = range(9, OPTIONS)
# The slots of `progress`.
PROGRESS = 3
DONE, TAKEN, NODES = range(PROGRESS)


@jit
def enumerate_part(first, group, orders, conditions, options, position, rows, progress):
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
    needed from there (``steps``; `waiting_sets`, `bounds`). An automaton that is written may still
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
    known = np.zeros(depths + 1, np.int64)
    targets = np.zeros(depths + 1, np.int64)  # of the letter so far
    repeated = np.zeros(depths + 1, np.int64)
    where = np.zeros(depths, np.int64)  # the state whose value each depth defines
    excluded = np.zeros((depths, n), np.int64)  # values that make the threshold short
    cyclic = np.zeros(depths + 1, np.int64)
    cycles = np.zeros(depths + 1, np.int64)
    cycle_lengths = np.zeros(depths + 1, np.int64)
    missing = np.zeros(k + 1, np.int64)  # conditions that no letter before has met
    # Four bits for each state: how many transitions lead to it. States that others lead to.
    degrees = np.zeros(depths + 1, np.int64)
    arrived = np.zeros(depths + 1, np.int64)
    fixed = np.full(depths + 1, size - 1)  # states that may be sinks

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
    nearest = np.full(size, FAR, np.uint8)
    tails = np.zeros(depths + 1, np.int64)
    too_long = np.zeros(depths + 1, np.bool_)  # some sets were not led further
    # Sets that wait for the transition of a depth, by length; a set waits for each later letter.
    waiting = np.empty((k - 1) * size, np.uint16)
    waiting_lengths = np.empty((k - 1) * size, np.uint8)
    waiting_tails = np.zeros(depths + 2, np.int64)
    limits = np.zeros((depths + 1, n + 1), np.int64)
    # Two views of pairs: all of them, and those that contain the sink.
    levels = np.zeros((2, merges + 2), np.uint64)
    ends = np.zeros(2, np.int64)
    views = np.full(2, every)
    each = np.zeros((2, n + 1), np.int64)
    chains = np.zeros((2, n + 1), np.int64)
    steps = np.zeros(n + 1, np.int64)
    for r in range(2, n + 1):
        each[0, r] = r * (r - 1) // 2
        each[1, r] = r - 1
    pair_queue = np.empty(n * n, np.int64)
    pairs_met = np.empty(n * n, np.bool_)
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
        step = (n - r + 2) * (n - r + 1) // 2 if options[BY_STEPS] else size
        limits[0, r] = at_least - 1 if r < 2 else limits[0, r - 1] - step
    for q in range(n):
        target = delta[0, q]
        repeated[0] += targets[0] >> target & 1
        targets[0] |= 1 << target
        length = cycle_length(delta[0], q, (2 << q) - 1)
        degrees[0] += 1 << 4 * target
        if length:
            cyclic[0] += length
            cycles[0] += 1
            cycle_lengths[0] |= 1 << length
        if target != q:
            arrived[0] |= 1 << target
            fixed[0] &= ~(1 << q)
    cut = bool(options[SINK]) and fixed[0] == 0
    for q in range(n if options[EULERIAN] else 0):
        cut |= degrees[0] >> 4 * q & 15 > k
    for i in range(conditions.shape[0]):
        fits = may_fit(conditions[i], n, 0, repeated[0], cyclic[0], cycles[0], cycle_lengths[0])
        cut |= bool(conditions[i, OF_EVERY]) and not fits
        if not fits:
            missing[1] |= 1 << i
    if cut:
        progress[DONE] = 1
        return 0
    if bounded:
        tail = reach_by_first_letter(images[0], ranks, limits[0], at_least, sets, lengths, nearest)
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
        letter, rest = 1 + depth // n, n - 1 - depth % n
        if entered:  # which transition is next, and which sets wait for it?
            entered = False
            if rest == n - 1:
                known[depth] = 0
            free = ~known[depth] & size - 1
            q = int(ranks[(free & -free) - 1])  # the first one without a value
            if bounded:
                q = next_state(
                    known[depth],
                    images[letter],
                    ranks,
                    limits[depth],
                    sets[: tails[depth]],
                    lengths,
                    nearest,
                    excluded[depth],
                )
            if options[SINK] and q >= 0 and fixed[depth] & (fixed[depth] - 1):
                open_sinks = fixed[depth] & ~known[depth]
                if open_sinks:
                    q = int(ranks[(open_sinks & -open_sinks) - 1])
            where[depth] = q
            if q < 0:
                value = n
            else:
                waiting_tails[depth + 1] = fill_waiting(
                    q,
                    known[depth],
                    sets[: tails[depth]],
                    lengths,
                    nearest,
                    waiting,
                    waiting_lengths,
                    waiting_tails[depth],
                )
        q = where[depth]
        start = depth - depth % n
        while value < n and excluded[depth, q] >> value & 1:
            value += 1
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
        defined = known[depth] | 1 << q
        image = targets[depth] if depth > start else 0
        doubled = (repeated[depth] if depth > start else 0) + (image >> value & 1)
        cut = n - doubled < shapes[letter - 1] >> CYCLIC_STATES

        # Is no completion in the classes?
        if options[EULERIAN]:
            cut |= degrees[depth] >> 4 * value & 15 == k
            degrees[depth + 1] = degrees[depth] + (1 << 4 * value)
        if options[CONNECTED]:
            arrived[depth + 1] = arrived[depth] | (bit if value != q else 0)
            missed = n - np.int64(cardinality(np.uint64(arrived[depth + 1])))
            cut |= missed > depths - depth - 1 and n > 1
        if options[SINK]:
            fixed[depth + 1] = fixed[depth] & ~(0 if value == q else 1 << q)
            cut |= fixed[depth + 1] == 0
        if conditions.shape[0] and not cut:
            delta[letter, q] = value
            length = cycle_length(delta[letter], q, defined)
            cyclic[depth + 1] = (cyclic[depth] if depth > start else 0) + length
            cycles[depth + 1] = (cycles[depth] if depth > start else 0) + (length > 0)
            cycle_lengths[depth + 1] = cycle_lengths[depth] if depth > start else 0
            if length:
                cycle_lengths[depth + 1] |= 1 << length
            missing[letter + 1] = missing[letter]
            for i in range(conditions.shape[0]):
                if not conditions[i, OF_EVERY] and not missing[letter] >> i & 1:
                    continue
                fits = may_fit(
                    conditions[i],
                    n,
                    rest,
                    doubled,
                    cyclic[depth + 1],
                    cycles[depth + 1],
                    cycle_lengths[depth + 1],
                )
                if conditions[i, OF_EVERY]:
                    cut |= not fits
                elif letter == k - 1:
                    cut |= not fits
                    cut |= shapes[letter - 1] >> CYCLIC_STATES > conditions[i, MOST_CYCLIC]
                elif fits and rest == 0:
                    missing[letter + 1] &= ~(1 << i)

        # Does an automorphism make the letter less?
        if not cut:
            delta[letter, q] = value
            tail = keep_ties(
                delta[letter],
                where[start : depth + 1],
                defined,
                group,
                ties,
                places,
                tie_tails[depth],
                tie_tails[depth + 1],
            )
            cut = tail < 0
            tie_tails[depth + 2] = tail
        if not cut and options[CONNECTED] and letter == k - 1:
            cut = is_closed_in(delta, q, defined)
        if not cut and options[APERIODIC]:
            cut = may_exchange(delta, letter, q, defined, pair_queue, pairs_met)

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
                    elif states & ~defined:
                        break  # waits for a later transition
                    elif states & high:
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
            for p in range(n):
                if known[depth] >> p & 1:
                    row[pair_of[delta[letter, p], value]] |= _ONE << np.uint64(pair_of[p, q])
            t = ends[0] = fill_levels(row, levels[0])
            if options[BY_ALIVE] and letter == k - 1:
                cut = not may_all_merge(levels[0, t], every & ~pairs[defined], every, row)
            if options[IRREDUCIBLE] and letter < k - 1:
                cut |= levels[0, t] == every  # without the last letter it synchronizes
            for r in range(2, n + 1):
                steps[r] = limits[depth, r - 1] - limits[depth, r]
            kinds = 1
            if options[SINK] and fixed[depth + 1] & (fixed[depth + 1] - 1) == 0:
                kinds = 2
                sink = np.int64(cardinality(np.uint64(fixed[depth + 1] - 1)))
                views[1] = _ZERO
                for p in range(n):
                    if p != sink:
                        views[1] |= _ONE << np.uint64(pair_of[p, sink])
                for i in range(t + 1):
                    levels[1, i] = levels[0, i] & views[1]
                ends[1] = t
                while ends[1] > 1 and levels[1, ends[1] - 1] == levels[1, t]:
                    ends[1] -= 1
            for view in range(kinds):
                fill_steps(
                    options[BY_STEPS] != 0 and view == 0,
                    options[BY_PAIRS],
                    levels[view],
                    ends[view],
                    views[view],
                    each[view],
                    chains[view],
                    steps,
                )
            limits[depth + 1, 0] = limits[depth + 1, 1] = at_least - 1
            for r in range(2, n + 1):
                limits[depth + 1, r] = limits[depth + 1, r - 1] - steps[r]
            for i in range(tail):
                cut |= lengths[i] <= limits[depth + 1, ranks[sets[i]]]
            if options[BY_REACHED] and not cut:
                sort_by_length(
                    sets[:tail],
                    lengths,
                    ranks,
                    pairs,
                    sorted_lengths,
                    sorted_ranks,
                    sorted_pairs,
                )
                cut = ends_too_soon(
                    at_least,
                    sorted_lengths[:tail],
                    sorted_ranks,
                    sorted_pairs,
                    levels[:kinds],
                    ends,
                    views[:kinds],
                    each,
                    chains,
                    steps,
                )

        if not cut and rest == 0:  # the letter is complete: is its type an earlier one?
            cut = has_earlier_type(letter, delta, shapes, fingerprints, colours, described, types)
        if not cut and depth + 1 == end:
            tied = False
            for a in range(1, k):
                tied |= types[a] == types[a - 1]
            if end < depths or not tied or is_least(delta, where, group, orders, types, colours):
                for i in range(end):
                    place = i if end < depths else i - i % n + where[i]
                    rows[found, place] = position[i]
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

        states = known[depth] if bounded else -1
        while states >= 0:  # all sets of states with known values
            images[letter, 1 << q | states] = images[letter, states] | bit
            states = (states - 1) & known[depth] if states else -1
        known[depth + 1] = defined
        targets[depth + 1] = image | bit
        repeated[depth + 1] = doubled
        tails[depth + 1] = tail
        depth += 1
        value = int(position[depth]) if depth <= path else 0
        entered = True
    progress[NODES] = nodes
    return found
