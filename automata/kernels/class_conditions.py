"""What classes ask of a partly defined automaton, in the enumeration; n <= 11.

Letters are complete, but for the one that is being defined; the set of states that it has a value
for is called ``known``.
"""

from automata.kernels.jit import jit

# The slots of a condition on letters: some letter, or every letter, has values within these limits.
CONDITION = 8
OF_EVERY, LEAST_CYCLIC, MOST_CYCLIC, LEAST_DEFECT, MOST_DEFECT = range(5)
LEAST_CYCLES, MOST_CYCLES, LENGTHS = range(5, CONDITION)


@jit
def may_fit(condition, n, rest, defect, cyclic, cycles, lengths):
    """Return whether a letter without ``rest`` of its values may be completed to one that fits.

    So far it has ``cycles`` cycles, with ``cyclic`` states together; bit l of ``lengths`` stands
    for a cycle of length l; ``defect`` is that of a letter that leads all other states to new ones.
    """
    return (
        (n - defect if rest else cyclic) >= condition[LEAST_CYCLIC]
        and cyclic <= condition[MOST_CYCLIC]
        and defect + rest >= condition[LEAST_DEFECT]
        and defect <= condition[MOST_DEFECT]
        and cycles + rest >= condition[LEAST_CYCLES]
        and cycles <= condition[MOST_CYCLES]
        and lengths & ~condition[LENGTHS] == 0
    )


@jit
def cycle_length(letter, q, known):
    """Return the length of the cycle of q, 0 if it is on none by the known values."""
    state, length = letter[q], 1
    while state != q and known >> state & 1 and length < letter.shape[0]:
        state = letter[state]
        length += 1
    return length if state == q else 0


@jit
def is_closed_in(delta, q, known):
    """Return whether q leads to known states alone, and not to all states."""
    k, n = delta.shape
    states = fresh = 1 << q
    while fresh:
        onward = 0
        for p in range(n):
            if fresh >> p & 1:
                for a in range(k):
                    onward |= 1 << delta[a, p]
        if onward & ~known:
            return False
        fresh = onward & ~states
        states |= fresh
    return states != (1 << n) - 1


@jit
def may_exchange(delta, letter, q, known, queue, met):
    """Return whether a word exchanges q and another known state, the last letter for states known.

    The letters before ``letter`` are complete.
    """
    n = delta.shape[1]
    for p in range(n):
        if p == q or not known >> p & 1:
            continue
        met[:] = False
        queue[0] = p * n + q
        met[queue[0]] = True
        head, tail = 0, 1
        while head < tail:
            x, y = queue[head] // n, queue[head] % n
            head += 1
            for a in range(letter + (known >> x & known >> y & 1)):
                pair = delta[a, x] * n + delta[a, y]
                if pair == q * n + p:
                    return True
                if delta[a, x] != delta[a, y] and not met[pair]:
                    met[pair] = True
                    queue[tail] = pair
                    tail += 1
    return False
