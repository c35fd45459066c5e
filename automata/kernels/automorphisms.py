"""Orders of automorphism groups, for n <= 20; a set of states is a uint64 bit mask.

An undefined transition leads to n, which every automorphism sends to itself.
"""

import numpy as np

from automata.kernels import canonical
from automata.kernels.jit import jit
from automata.kernels.state_sets import cardinality

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@jit
def _extends(delta, fixed, base, target, image, order):
    """Extend the identity on ``fixed`` and base -> target to all states that ``base`` reaches.

    The extension must commute with the letters and be injective; return whether there is one.
    ``image`` (n + 1,) gets it, -1 elsewhere, and has n at place n; ``order`` (n,) is working space.
    """
    k, n = delta.shape
    used = fixed | (_ONE << np.uint64(n))
    for q in range(n):
        image[q] = q if (fixed >> np.uint64(q)) & _ONE else -1
    if (used >> np.uint64(target)) & _ONE:
        return False
    image[base] = target
    used |= _ONE << np.uint64(target)
    order[0] = base
    head, count = 0, 1
    while head < count:
        q = order[head]
        head += 1
        for a in range(k):
            following = np.int64(delta[a, q])
            goal = np.int64(delta[a, image[q]])
            if image[following] < 0 and (used >> np.uint64(goal)) & _ONE == _ZERO:
                image[following] = goal
                used |= _ONE << np.uint64(goal)
                order[count] = following
                count += 1
            elif image[following] != goal:
                return False
    return True


@jit
def _number(delta, reach, order, number):
    """Number all states canonically, for the given order of the letters."""
    full = ~_ZERO >> np.uint64(64 - delta.shape[1])
    canonical.fill_reach(delta, reach)
    canonical.arrange(delta, reach, canonical.source_states(reach), full, order, number)


@jit
def automorphism_orders(deltas, orders):
    """Write the order of the automorphism group of each automaton.

    The order is a product of the sizes of orbits. Each factor is the orbit of a state, the base,
    under the automorphisms that fix all bases before it. An automorphism that fixes a state fixes
    all states that it reaches, so the next base is a state that no base reaches.

    A state can be in the orbit only if `_extends` accepts it as the image of the base. This
    suffices if the bases reach all states. Otherwise each base before becomes a constant letter,
    which sends all states to it. The state is in the orbit exactly if a constant letter for it and
    one for the base give equal canonical forms.
    """
    batch, k, n = deltas.shape
    reach = np.empty(n, np.uint64)
    marked_reach = np.empty(n, np.uint64)
    image = np.empty(n + 1, np.int64)
    image[n] = n
    order = np.empty(n, np.int64)
    base_order = np.empty(n, np.int64)
    number = np.empty(n + 1, np.int8)
    base_number = np.empty(n + 1, np.int8)
    marked = np.empty((k + n, n), np.uint8)
    full = ~_ZERO >> np.uint64(64 - n)
    for i in range(batch):
        delta = deltas[i]
        canonical.fill_reach(delta, reach)
        marked[:k] = delta
        orders[i] = 1
        fixed = _ZERO
        letters = k
        while fixed != full:
            base, most = 0, -1
            for q in range(n):
                if (fixed >> np.uint64(q)) & _ONE == _ZERO:
                    size = np.int64(cardinality(reach[q]))
                    if size > most:
                        base, most = q, size
            covered = fixed | reach[base]
            letters += 1
            known = False
            orbit = 1
            for target in range(n):
                if target == base or not _extends(delta, fixed, base, target, image, order):
                    continue
                if covered != full:
                    if not known:
                        marked[letters - 1] = base
                        _number(marked[:letters], marked_reach, base_order, base_number)
                        known = True
                    marked[letters - 1] = target
                    _number(marked[:letters], marked_reach, order, number)
                    same = number[target] == base_number[base]
                    for place in range(n):
                        p, q = base_order[place], order[place]
                        for a in range(letters - 1):
                            same &= base_number[marked[a, p]] == number[marked[a, q]]
                    if not same:
                        continue
                orbit += 1
            marked[letters - 1] = base
            orders[i] *= orbit
            fixed = covered
