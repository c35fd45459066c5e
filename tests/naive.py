"""The oracle: everything again in plain Python, slow, obvious, and importing nothing of ours.

An automaton is ``delta``, k lists of n ints; a subset of the states is an int, bit q for state q.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations, product

Delta = Sequence[Sequence[int]]


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
    return shortest_word_of_rank(delta, 1)


def shortest_word_of_rank(delta: Delta, r: int) -> tuple[int, ...] | None:
    """The lexicographically least of the shortest words that lead Q to at most r states.

    Breadth first, letters in their order: every subset is first met by its least shortest word,
    for the words in the queue are ordered by length and then lexicographically.
    """
    queue: list[tuple[set[int], tuple[int, ...]]] = [(set(range(len(delta[0]))), ())]
    seen = {frozenset(queue[0][0])}
    for subset, word in queue:  # grows as we go
        if len(subset) <= r:
            return word
        for letter in range(len(delta)):
            image = apply(delta, subset, (letter,))
            if frozenset(image) not in seen:
                seen.add(frozenset(image))
                queue.append((image, (*word, letter)))
    return None


def rank(delta: Delta) -> int:
    """The least number of states that some word leads Q to."""
    sizes = range(1, len(delta[0]) + 1)
    return next(r for r in sizes if shortest_word_of_rank(delta, r) is not None)


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


def least_form(delta: Delta) -> tuple[int, ...]:
    """The least state-major string over all renamings of states and orders of letters; n <= 6."""
    k, n = len(delta), len(delta[0])
    return min(
        tuple(
            names[int(delta[letter][state])]
            for state in sorted(range(n), key=names.__getitem__)
            for letter in letters
        )
        for names in permutations(range(n))
        for letters in permutations(range(k))
    )


def isomorphic(d1: Delta, d2: Delta) -> bool:
    """Whether a renaming of states and a permutation of letters make one the other; n <= 6."""
    same_size = (len(d1), len(d1[0])) == (len(d2), len(d2[0]))
    return same_size and least_form(d1) == least_form(d2)


def all_automata(n: int, k: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Every automaton with n states and k letters, n^(n k) of them."""
    return product(product(range(n), repeat=n), repeat=k)
