"""Properties of automata, for n <= 64; a set of states is a uint64 bit mask.

Functions take ``deltas`` and the index i of an automaton: numba counts references to views. An
undefined transition leads to n, in `defects` and for the flags that `class_flags` names.
"""

import numpy as np

from automata.kernels.jit import jit
from automata.kernels.pairs import merge, merging_letters
from automata.kernels.state_sets import cardinality
from automata.kernels.subsets import image, is_aperiodic, is_completely_reachable

_ONE = np.uint64(1)
_ZERO = np.uint64(0)

# bits of flags, in the order of `automata.properties.CLASSES`
_SYNCHRONIZING = 1 << 0
_STRONGLY_CONNECTED = 1 << 1
_INITIALLY_CONNECTED = 1 << 2
_SINK = 1 << 3
_PERMUTATION_LETTER = 1 << 4
_DEFECT_2 = 1 << 5
_ONE_CLUSTER = 1 << 6
_EULERIAN = 1 << 7
_APERIODIC = 1 << 8
_COMPLETELY_REACHABLE = 1 << 9
_IRREDUCIBLE = 1 << 10
_BASIC = 1 << 11

_OF_IMAGES = _PERMUTATION_LETTER | _DEFECT_2
_OF_REACH = _STRONGLY_CONNECTED | _INITIALLY_CONNECTED | _EULERIAN
_OF_GRAPH = _OF_REACH | _SINK
_OF_PAIRS = _SYNCHRONIZING | _IRREDUCIBLE
_OF_CYCLES = _ONE_CLUSTER | _APERIODIC | _OF_PAIRS


@jit
def _graph_flags(deltas, i, wanted, reach):
    """Return the flags of the classes that the graph of all transitions decides."""
    k, n = deltas.shape[1], deltas.shape[2]
    full = ~_ZERO >> np.uint64(64 - n)
    found = 0
    for q in range(n):
        reach[q] = _ONE << np.uint64(q)
        for a in range(k):
            if deltas[i, a, q] < n:
                reach[q] |= _ONE << np.uint64(deltas[i, a, q])
        others = reach[q] & ~(_ONE << np.uint64(q))
        if others == _ZERO:
            found |= _SINK
    if wanted & _OF_REACH == 0:
        return found
    for via in range(n):
        further = reach[via]
        for q in range(n):
            reach[q] |= further * ((reach[q] >> np.uint64(via)) & _ONE)
    strongly = full
    for q in range(n):
        strongly &= reach[q]
        if reach[q] == full:
            found |= _INITIALLY_CONNECTED
    if strongly != full:
        return found
    found |= _STRONGLY_CONNECTED
    if wanted & _EULERIAN:
        found |= _EULERIAN
        for q in range(n):
            degree = 0  # transitions into q, less those out of it
            for a in range(k):
                degree -= deltas[i, a, q] < n
                for p in range(n):
                    degree += deltas[i, a, p] == q
            if degree != 0:
                return found & ~_EULERIAN
    return found


@jit
def _defect(deltas, i, a):
    """Return the number of states that are not images under a letter."""
    n = deltas.shape[2]
    states = _ZERO
    for q in range(n):
        if deltas[i, a, q] < n:
            states |= _ONE << np.uint64(deltas[i, a, q])
    return n - np.int64(cardinality(states))


@jit
def _image_flags(deltas, i):
    """Return the flags of the classes that the images of the letters decide."""
    k = deltas.shape[1]
    found = _DEFECT_2
    for a in range(k):
        defect = _defect(deltas, i, a)
        if defect == 0:
            found |= _PERMUTATION_LETTER
        if defect < 2:
            found &= ~_DEFECT_2
    return found


@jit
def _is_basic(deltas, i):
    """Return whether the letters are distinct and none is the identity."""
    k, n = deltas.shape[1], deltas.shape[2]
    for a in range(k):
        for b in range(a, k):  # b = a: compare with the identity
            same = True
            for q in range(n):
                if deltas[i, a, q] != (deltas[i, b, q] if a < b else q):
                    same = False
                    break
            if same:
                return False
    return True


@jit
def _cyclic(deltas, i, a):
    """Return the states on cycles of a letter, and whether they are one cycle."""
    n = deltas.shape[2]
    states = ~_ZERO >> np.uint64(64 - n)
    following = image(deltas, i, a, states)
    while following != states:
        states = following
        following = image(deltas, i, a, states)
    start = np.int64(cardinality((states & (~states + _ONE)) - _ONE))
    cycle = _ONE << np.uint64(start)
    q = np.int64(deltas[i, a, start])
    while q != start:
        cycle |= _ONE << np.uint64(q)
        q = np.int64(deltas[i, a, q])
    return states, cycle == states


@jit
def _synchronizes(deltas, i, without, states, word, mergeable):
    """Return whether some word sends all states to one; letter ``without``, if not -1, is left out.

    Let S = Q w for any word w. Such a word exists exactly if all pairs of states in S can be
    merged: a merging word makes S smaller, w leads back into S, and so on. ``states`` is such an S;
    ``word`` makes it smaller. Row q of ``mergeable`` is the set of states known to merge with q.
    """
    k, n = deltas.shape[1], deltas.shape[2]
    for a in word:
        if a != without:
            states = image(deltas, i, a, states)
            if states & (states - _ONE) == _ZERO:
                break
    if states & (states - _ONE) == _ZERO:
        return True
    for q in range(n):
        mergeable[q] = _ONE << np.uint64(q)
    changed = True
    while changed:
        changed = False
        complete = True
        for q in range(n):
            row = mergeable[q]
            for a in range(k):
                if a != without:
                    targets = mergeable[deltas[i, a, q]]
                    for p in range(n):
                        row |= ((targets >> np.uint64(deltas[i, a, p])) & _ONE) << np.uint64(p)
            changed |= row != mergeable[q]
            mergeable[q] = row
            if (states >> np.uint64(q)) & _ONE and states & ~row:
                complete = False
        if complete:
            return True
    return False


@jit
def class_flags(deltas, wanted, required, leave, given, flags, work, labels):
    """Write the ``wanted`` flags of each automaton, from the cheapest to the dearest.

    If ``given``, the flags already have the bit of synchronizing automata. If ``leave``, the tests
    of an automaton end at the first flag that differs from ``required``; later flags may then be
    missing. ``work`` and ``labels`` are those of `subsets`. Of partial automata only classes that
    cycles of letters do not decide may be wanted.
    """
    batch, k, n = deltas.shape
    rows = np.empty(n, np.uint64)
    word = np.empty(16, np.int64)
    for place in range(word.shape[0]):  # Thue-Morse: a periodic word soon stops merging
        word[place] = np.int64(cardinality(np.uint64(place))) % k
    full = ~_ZERO >> np.uint64(64 - n)
    decisive = wanted if leave else 0
    for i in range(batch):
        synchronizes = flags[i] & _SYNCHRONIZING != 0
        found = 0
        if wanted & _OF_IMAGES:
            found |= _image_flags(deltas, i)
        if wanted & _BASIC and _is_basic(deltas, i):
            found |= _BASIC
        flags[i] = found & wanted
        if (found ^ required) & decisive & (_OF_IMAGES | _BASIC):
            continue
        if wanted & _OF_GRAPH:
            found |= _graph_flags(deltas, i, wanted, rows)
            flags[i] = found & wanted
            if (found ^ required) & decisive & _OF_GRAPH:
                continue
        if wanted & _COMPLETELY_REACHABLE:
            if is_completely_reachable(deltas, i, work):
                found |= _COMPLETELY_REACHABLE
            flags[i] = found & wanted
            if (found ^ required) & decisive & _COMPLETELY_REACHABLE:
                continue
        if wanted & _OF_CYCLES == 0:
            continue
        smallest = full
        longer = False
        for a in range(k):
            cyclic, one_cycle = _cyclic(deltas, i, a)
            if one_cycle:
                found |= _ONE_CLUSTER
            for q in range(n):
                on_longer = ((cyclic >> np.uint64(q)) & _ONE) != _ZERO and deltas[i, a, q] != q
                longer |= on_longer
            if cardinality(cyclic) < cardinality(smallest):
                smallest = cyclic
        alone = smallest & (smallest - _ONE) == _ZERO
        flags[i] = found & wanted
        if (found ^ required) & decisive & _ONE_CLUSTER:
            continue
        if wanted & _OF_PAIRS and not given:
            synchronizes = _synchronizes(deltas, i, -1, smallest, word, rows)
        if wanted & _OF_PAIRS and synchronizes:
            found |= _SYNCHRONIZING
            if wanted & _IRREDUCIBLE and n > 1 and (k == 1 or not alone):
                found |= _IRREDUCIBLE
                for a in range(k if k > 2 else 0):  # k = 2: neither letter resets alone
                    if _synchronizes(deltas, i, a, full, word, rows):
                        found &= ~_IRREDUCIBLE
                        break
        flags[i] = found & wanted
        if (found ^ required) & decisive & _OF_PAIRS:
            continue
        if wanted & _APERIODIC and not longer and is_aperiodic(deltas, i, work, labels):
            flags[i] = (found | _APERIODIC) & wanted


@jit
def defects(deltas, result):
    """Write the defect of each letter."""
    for i in range(deltas.shape[0]):
        for a in range(deltas.shape[1]):
            result[i, a] = _defect(deltas, i, a)


@jit
def cycle_lengths(deltas, result):
    """Write the length of the cycle of each letter that has one alone, 0 for the others.

    A cycle that some state does not lead to, in a partial letter, is not alone.
    """
    for i in range(deltas.shape[0]):
        for a in range(deltas.shape[1]):
            result[i, a] = 0
            total = True
            for q in range(deltas.shape[2]):
                total &= deltas[i, a, q] < deltas.shape[2]
            if total:
                states, one_cycle = _cyclic(deltas, i, a)
                if one_cycle:
                    result[i, a] = np.int64(cardinality(states))


@jit
def ranks(deltas, result, letters, queue, first, following, states, word):
    """Write the rank of each automaton, for every n: merge pairs while there are any.

    ``states`` and ``word`` are those of `merge`, the others those of `merging_letters`.
    """
    n = deltas.shape[2]
    goal = np.int64(1)  # a literal would be a type of its own, and compile `merge` again
    for i in range(deltas.shape[0]):
        count = merging_letters(deltas[i], letters, queue, first, following)
        if count == n * (n - 1) // 2:
            result[i] = 1
            continue
        states[0] = n
        for q in range(n):
            states[q + 1] = q
        while merge(deltas[i], letters, queue[:count], states, goal, word) == word.shape[0]:
            pass
        result[i] = states[0]
