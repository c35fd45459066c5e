"""The oracle: everything again in plain Python, slow, obvious, and importing nothing of ours.

An automaton is ``delta``, k lists of n ints, None where a partial one is undefined; a subset of the
states is an int, bit q for state q.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, permutations, product
from math import factorial

Delta = Sequence[Sequence[int]]
Partial = Sequence[Sequence[int | None]]


def apply(delta: Delta, states: Iterable[int], word: Iterable[int]) -> set[int]:
    """The states that a word, read from left to right, leads a set of states to."""
    reached = {int(state) for state in states}
    for letter in word:
        reached = {int(delta[letter][state]) for state in reached}
    return reached


def reset_threshold(delta: Delta) -> int | None:
    """The length of the shortest reset words, None if there is none."""
    letters = [{1 << q: 1 << int(target) for q, target in enumerate(letter)} for letter in delta]
    level = [(1 << len(delta[0])) - 1]
    if level == [1]:
        return 0
    seen = set(level)
    length = 0
    while level:
        length += 1
        following = []
        for subset in level:
            for images in letters:
                image = 0
                rest = subset
                while rest:
                    lowest = rest & -rest
                    image |= images[lowest]
                    rest ^= lowest
                if image not in seen:
                    if image & (image - 1) == 0:
                        return length
                    seen.add(image)
                    following.append(image)
        level = following
    return None


def shortest_reset_word(delta: Delta) -> tuple[int, ...] | None:
    """The lexicographically least of the shortest reset words, None if there is none."""
    return shortest_word(delta)


def shortest_careful_word(delta: Partial) -> tuple[int, ...] | None:
    """The least of the shortest careful words of a partial automaton; None where undefined."""
    return shortest_word(delta)


def shortest_word(
    delta: Partial,
    *,
    from_states: Iterable[int] | None = None,
    to_state: int | None = None,
    to_rank: int = 1,
) -> tuple[int, ...] | None:
    """The least of the shortest words from some states to one state, or to few."""
    for states, word in sets_reached(delta, from_states):
        if len(states) <= to_rank and (to_state is None or states == {to_state}):
            return word
    return None


def sets_reached(
    delta: Partial, from_states: Iterable[int] | None = None
) -> Iterator[tuple[frozenset[int], tuple[int, ...]]]:
    """The sets that words lead some states to, or all states, each with its least shortest word.

    Breadth first, letters in their order: every subset is first met by its least shortest word,
    for the words in the queue are ordered by length and then lexicographically.
    """
    start = frozenset(range(len(delta[0])) if from_states is None else from_states)
    queue: list[tuple[frozenset[int], tuple[int, ...]]] = [(start, ())]
    seen = {start}
    for states, word in queue:  # grows as we go
        yield states, word
        for letter, images in enumerate(delta):
            reached = [images[state] for state in states]
            image = frozenset(int(state) for state in reached if state is not None)
            if None not in reached and image not in seen:
                seen.add(image)
                queue.append((image, (*word, letter)))


def rank(delta: Delta) -> int:
    """The least number of states that some word leads Q to."""
    sizes = range(1, len(delta[0]) + 1)
    return next(r for r in sizes if shortest_word(delta, to_rank=r) is not None)


def is_synchronizing(delta: Delta) -> bool:
    """Whether every pair of states can be merged (Černý's criterion; no subset search)."""
    n = len(delta[0])
    merged = {(p, p) for p in range(n)}
    grown = True
    while grown:
        more = {
            (p, q)
            for p, q in product(range(n), repeat=2)
            if (p, q) not in merged
            and any((int(letter[p]), int(letter[q])) in merged for letter in delta)
        }
        grown = bool(more)
        merged |= more
    return len(merged) == n * n


def least_form(delta: Partial) -> tuple[int, ...]:
    """The least state-major string over all renamings of states and orders of letters; n <= 6.

    Undefined is n in the string.
    """
    k, n = len(delta), len(delta[0])
    return min(
        tuple(
            n if delta[letter][state] is None else names[int(delta[letter][state])]
            for state in sorted(range(n), key=names.__getitem__)
            for letter in letters
        )
        for names in permutations(range(n))
        for letters in permutations(range(k))
    )


def isomorphic(d1: Partial, d2: Partial) -> bool:
    """Whether a renaming of states and a permutation of letters make one the other; n <= 6."""
    same_size = (len(d1), len(d1[0])) == (len(d2), len(d2[0]))
    return same_size and least_form(d1) == least_form(d2)


def all_automata(n: int, k: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Every automaton with n states and k letters, n^(n k) of them."""
    return product(product(range(n), repeat=n), repeat=k)


def all_partial_automata(n: int, k: int) -> Iterator[tuple[tuple[int | None, ...], ...]]:
    """Every partial automaton with n states and k letters, (n + 1)^(n k) of them."""
    return product(product([*range(n), None], repeat=n), repeat=k)


def reachable(delta: Partial, start: int) -> set[int]:
    """The states that some word leads one state to."""
    found = {start}
    for _ in delta[0]:
        targets = {letter[q] for letter in delta for q in found}
        found |= {int(target) for target in targets if target is not None}
    return found


def is_strongly_connected(delta: Partial) -> bool:
    """Whether every state can be reached from every other."""
    return all(len(reachable(delta, q)) == len(delta[0]) for q in range(len(delta[0])))


def is_initially_connected(delta: Partial) -> bool:
    """Whether some state reaches all."""
    return any(len(reachable(delta, q)) == len(delta[0]) for q in range(len(delta[0])))


def has_sink(delta: Partial) -> bool:
    """Whether some state is fixed by every letter that is defined on it."""
    return any(all(letter[q] in (q, None) for letter in delta) for q in range(len(delta[0])))


def defects(delta: Partial) -> list[int]:
    """How many states are no image, for each letter."""
    return [len(letter) - len({*letter} - {None}) for letter in delta]


def cycles(letter: Sequence[int]) -> set[frozenset[int]]:
    """The cycles of the graph of one letter."""
    n = len(letter)
    on_cycle = {start for start in range(n) if start in _orbit(letter, int(letter[start]))}
    return {frozenset(_orbit(letter, q)) for q in on_cycle}


def _orbit(letter: Sequence[int], q: int) -> list[int]:
    """A state, and where one letter leads it."""
    path = [q]
    for _ in letter:
        path.append(int(letter[path[-1]]))
    return path


def is_one_cluster(delta: Partial) -> bool:
    """Whether the graph of some letter, defined everywhere, has one cycle."""
    return any(None not in letter and len(cycles(letter)) == 1 for letter in delta)


def is_eulerian(delta: Partial) -> bool:
    """Whether it is strongly connected and as many transitions enter each state as leave it."""
    targets = [target for letter in delta for target in letter]
    balanced = all(
        targets.count(q) == sum(letter[q] is not None for letter in delta)
        for q in range(len(delta[0]))
    )
    return balanced and is_strongly_connected(delta)


def _image(letter: Sequence[int | None], q: int | None) -> int | None:
    """Where a letter leads a state, None from nowhere to nowhere."""
    return None if q is None else letter[q]


def transition_monoid(delta: Partial) -> set[tuple[int | None, ...]]:
    """The maps of all words."""
    level: set[tuple[int | None, ...]] = {tuple(range(len(delta[0])))}
    monoid = set(level)
    while level:
        level = {tuple(_image(a, q) for q in word) for word in level for a in delta} - monoid
        monoid |= level
    return monoid


def is_aperiodic(delta: Partial) -> bool:
    """Whether w^m = w^(m + 1) for every word w and m = n, which are enough."""
    for word in transition_monoid(delta):
        power: list[int | None] = [*range(len(word))]
        for _ in word:
            power = [_image(word, q) for q in power]
        if power != [_image(word, q) for q in power]:
            return False
    return True


def is_completely_reachable(delta: Partial) -> bool:
    """Whether every non-empty set of states is Q w for some word w that is defined on Q."""
    images = {frozenset(word) for word in transition_monoid(delta) if None not in word}
    return len(images) == 2 ** len(delta[0]) - 1


def is_irreducible(delta: Partial) -> bool:
    """Whether it synchronizes, and not without any one of its letters."""
    if shortest_careful_word(delta) is None or len(delta[0]) == 1:
        return False
    fewer = [[*delta[:a], *delta[a + 1 :]] for a in range(len(delta))]
    return all(not letters or shortest_careful_word(letters) is None for letters in fewer)


def letters_needed(delta: Partial) -> int:
    """The size of a smallest set of its letters that has a reset word just as short."""
    if len(delta[0]) == 1:
        return 0
    length = len(shortest_careful_word(delta) or ())
    sizes = [
        len(letters)
        for count in range(1, len(delta) + 1)
        for letters in combinations(delta, count)
        if len(shortest_careful_word(letters) or ()) == length
    ]
    return min(sizes)


def is_basic(delta: Partial) -> bool:
    """Whether the letters are distinct and none is the identity."""
    letters = {tuple(letter) for letter in delta}
    return len(letters) == len(delta) and tuple(range(len(delta[0]))) not in letters


def automorphism_order(delta: Partial) -> int:
    """How many permutations of the states commute with every letter; n <= 7."""
    n = len(delta[0])
    return sum(
        all(_image(names, letter[q]) == letter[names[q]] for letter in delta for q in range(n))
        for names in permutations(range(n))
    )


def count_classes(n: int, k: int, *, partial: bool = False) -> int:
    """How many automata there are up to isomorphism, by Burnside's lemma over every renaming."""
    fixed = 0
    for names in permutations(range(n)):
        for letters in permutations(range(k)):
            count = 1
            unseen = set(range(k))
            while unseen:  # a cycle of letters: the first decides the others
                power, letter = list(range(n)), min(unseen)
                while letter in unseen:
                    unseen.remove(letter)
                    power = [names[q] for q in power]
                    letter = letters[letter]
                count *= _count_commuting(power, partial)
            fixed += count
    return fixed // (factorial(n) * factorial(k))


def _count_commuting(names: Sequence[int], partial: bool) -> int:
    """How many functions commute with a renaming: an image for one state of each cycle of it.

    A partial one may also be undefined on the whole cycle.
    """
    count = 1
    unseen = set(range(len(names)))
    while unseen:
        state, length = min(unseen), 0
        while state in unseen:
            unseen.remove(state)
            state, length = names[state], length + 1
        returning = int(partial)
        for image in range(len(names)):
            moved = image
            for _ in range(length):
                moved = names[moved]
            returning += moved == image
        count *= returning
    return count
