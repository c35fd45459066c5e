"""The exact search for any number of states: from both ends, with proved bounds at every stop.

A word of length f + b resets the automaton exactly when some set of the forward level f lies within
some set of the backward level b; to *ask* about the length f + b is to test this. A level drops the
sets of earlier levels of its side, and large ones drop sets for which there is a better one
(`automata.solver.reduction`). A kept set of the same side can take the place of each set dropped,
with no more letters. So, as long as no shorter length is affirmed, the sets kept still hold both
parts of a shortest reset word.
Lengths are therefore asked about in order, and the first that is affirmed is the reset threshold.

The design follows Szykuła and Zyzik, ESA 2022 (arXiv:2207.05495): the estimated costs of the next
steps decide which side is expanded and when to ask, and the last level is never stored.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from automata.deltas import Deltas
from automata.parallel import results_in_order
from automata.solver.frontier import Frontier, Levels
from automata.solver.limits import Budget, OutOfBudget, ResetBounds
from automata.solver.pruning import Pruning
from automata.solver.short_words import beam_word, default_width
from automata.solver.start import Start, begin_later
from automata.solver.trie import Numbers, PackedSets, Trie

_EXPAND, _BUILD, _QUERY = 2.0, 4.0, 2.5
"""Cost of a set, measured in 100 ns: to make it, to put it into a trie, to look it up there."""
_PATIENCE = 0.3
_CHEAP, _WORTH = 2000.0, 2.7
"""Ask if the cost is at most _PATIENCE x forecast, and at most max(_CHEAP, _WORTH x sets since the
last question). A set is worth more than it costs to ask about it, so that even a side that never
grows is asked about in the end."""
_BEAM_FROM = 1 << 14
"""A beam search improves the upper bound once both sides have more sets, and large levels."""
_BEAMS = (1, 1), (8, 8), (128, 64)
"""The beam searches where n <= 64, only the first beyond: each begins once so many times
_BEAM_FROM sets are met, and keeps so many times the usual sets."""
_BEAM = 0.5
"""Cost of a set of a beam search, in the unit of the others."""
_SPARED = 8.0
"""The second and the third begin once the rest of the search is forecast to cost so much more."""
_SCARCE = 0.1
"""A search that has used more of its memory reduces levels, for fewer sets."""
_ENDLESS = 1 << 62
_MARCH_TARGETS = 1024
"""Most forward sets for which small backward levels are made in one compiled loop."""

_Meeting = tuple[int, int, list[int]]
"""The numbers of a forward set and a backward set, and the letters from one to the other."""


class Search:
    """One search, with proved `bounds` at any time.

    Parameters
    ----------
    delta : array of states, shape (k, n)
        n >= 2. Of a partial automaton the words are careful.
    word : tuple of int or None
        Any word that does it: the first upper bound. None: none is known, and there may be none.
    budget : Budget
        Limits of memory and time.
    workers : int
        Threads. Without a memory limit the result does not depend on them.
    lower : int
        No word that does it is shorter: it is proved.
    made : tuple of Levels, optional
        Levels of both sides from which the search goes on. `lower` is at least the sum of their
        depths.
    ends : pair of Start, optional
        Where the forward and the backward side begin; no set of the first lies within one of the
        second. Default: the set of all states, and the singletons.
    """

    def __init__(
        self,
        delta: Deltas,
        word: tuple[int, ...] | None,
        budget: Budget,
        workers: int = 1,
        lower: int = 1,
        made: tuple[Levels, Levels] | None = None,
        *,
        ends: tuple[Start, Start] | None = None,
    ) -> None:
        self.delta = delta
        start, end = ends or (None, None)
        anew = made is None and ends is None and word is not None
        later = begin_later(delta) if anew and delta.shape[1] > 64 else None
        inner, start = (delta, start) if later is None else later
        forward, backward = made or (None, None)
        self.forward = Frontier(inner, False, budget, workers, start=start, made=forward)
        self.backward = Frontier(inner, True, budget, workers, start=end, made=backward)
        self.lower = max(lower, 1 + len(self.forward.start.words[0]))
        self.word = word
        self.hopeless = False
        """Whether there is no word: it is proved."""
        self.budget = budget
        self.workers = workers
        prunable = ends is None and word is not None and inner.shape[1] <= 64
        self.pruning = Pruning(inner) if prunable else None
        self._trie: Trie | None = None  # of the last forward level, if it was not reduced
        self._beams = 0  # beam searches so far; they go from all states to any one
        self._most_beams = 0 if ends is not None else len(_BEAMS) if delta.shape[1] <= 64 else 1
        self._worth = 0.0  # _WORTH x sets made since the last question

    @property
    def bounds(self) -> ResetBounds:
        """The bounds proved so far; ValueError if no word is known."""
        if self.word is None:
            raise ValueError("no word is known, so there is no upper bound")
        return ResetBounds(self.lower, len(self.word), self.word)

    @property
    def _most(self) -> int:
        """A length that no shortest word exceeds."""
        return _ENDLESS if self.word is None else len(self.word)

    def bytes(self, trie: int = 0) -> int:
        """Return the bytes in use, with a trie of `trie` sets."""
        forward, backward = self.forward, self.backward
        if forward.tries:  # they count as bytes of the side
            trie = 0
        elif self._trie is not None:
            trie = max(trie, len(self._trie))
        buffers = max(forward.buffers, backward.buffers)
        sides = forward.bytes + backward.bytes + (self.pruning.bytes if self.pruning else 0)
        return sides + buffers + trie * Trie.bytes_a_set(forward.words)

    def run(self, most: float = math.inf) -> bool:
        """Search until the bounds meet, or it is proved that there is no word.

        Return False once more than `most` sets were met and the cost of as many is forecast to
        follow; the search can go on.

        Raises
        ------
        OutOfBudget
            If a limit ends the search before that.
        """
        try:
            if self.workers <= 1:
                return self._run(most, None)
            with ThreadPoolExecutor(self.workers) as pool:
                return self._run(most, pool)
        except MemoryError:
            raise OutOfBudget("memory") from None

    def _run(self, most: float, pool: ThreadPoolExecutor | None) -> bool:
        forward, backward = self.forward, self.backward
        while self.lower < self._most and not self.hopeless:
            left = max(0, self._most - 1 - forward.depth - backward.depth)
            if forward.count + backward.count > most and left > 0:
                if _forecast(forward, backward, left) > most * (_EXPAND + _BUILD + _QUERY):
                    return False
            if self.budget.expired:
                raise OutOfBudget("time")
            if self.word is not None and self._is_time_for_a_beam(left):
                self._search_beam(self.word)
                left = max(0, self._most - 1 - forward.depth - backward.depth)
            if self._prune(left, pool):
                return True
            expand_forward = _cost_of_next(forward, _BUILD) < _cost_of_next(backward, _QUERY)
            if left == 0 or (left == 1 and not expand_forward):
                self._ask(left, pool)
            elif self._is_time_to_ask(left, expand_forward):
                self._ask(0, pool)
            else:
                try:
                    self._grow(forward if expand_forward else backward, left, pool)
                except OutOfBudget as spent:
                    if spent.limit == "memory":
                        self._ask(min(left, _unstored_levels(forward.k)), pool)
                    if self.lower < self._most:
                        raise
        return True

    @property
    def _few(self) -> bool:
        """Whether levels are small enough to make many backward ones in one compiled loop."""
        return self.forward.size <= _MARCH_TARGETS and self.backward.can_march()

    def _is_time_for_a_beam(self, left: int) -> bool:
        """Whether the search has become so expensive that a shorter word may spare much."""
        forward, backward = self.forward, self.backward
        if self._beams == self._most_beams or self._few or left == 0:
            return False
        if forward.count + backward.count <= _BEAM_FROM * _BEAMS[self._beams][0]:
            return False
        cost = _BEAM * self._beam_width * self._most
        return self._beams == 0 or _forecast(forward, backward, left) > _SPARED * cost

    @property
    def _beam_width(self) -> int:
        """The sets that a level of the next beam search keeps."""
        k, n = self.delta.shape
        return default_width(n, k) * _BEAMS[self._beams][1]

    def _search_beam(self, word: tuple[int, ...]) -> None:
        """Look for a shorter word: a better upper bound leaves fewer lengths to ask about."""
        width = self._beam_width
        self._beams += 1
        budget = self.budget.besides(self.bytes())
        shorter = beam_word(self.delta, width, longest=len(word) - 1, budget=budget)
        if shorter is not None:
            self.word = tuple(shorter.tolist())

    def _is_time_to_ask(self, left: int, expand_forward: bool) -> bool:
        forward, backward = self.forward, self.backward
        if self.lower > forward.depth + backward.depth:
            return False  # nothing new to ask about
        if expand_forward and self.lower == forward.depth:
            return True  # after the next forward level it is too late for this length
        new = sum(len(level) for level in backward.levels[self.lower - forward.depth :])
        cost = new * _QUERY + (0 if self._tries else forward.size * _BUILD)
        if cost > max(_CHEAP, self._worth):
            return False
        return cost <= _PATIENCE * _forecast(forward, backward, left)

    def _grow(self, side: Frontier, left: int, pool: ThreadPoolExecutor | None) -> None:
        """Make the next level of a side, or many if they are small."""
        forward, backward = self.forward, self.backward
        all_asked = self.lower > forward.depth + backward.depth
        if side is backward and all_asked and self._few:
            met = backward.march(forward, left, self.bytes(forward.size) - backward.bytes)
            self.lower = max(self.lower, forward.depth + backward.depth + (not met))
            if met:
                self._ask(0, pool)
        else:
            self._expand(side, left, pool)
        if side.size == 0:
            self._end(side, pool)

    def _prune(self, left: int, pool: ThreadPoolExecutor | None) -> bool:
        """Drop sets that no shorter word leads through; return whether a side has none left."""
        forward, backward = self.forward, self.backward
        if self.pruning is None:
            return False
        size = forward.size
        self.pruning.prune(forward, backward, left, self.budget.memory - self.bytes())
        if 2 * forward.size < size:
            self._trie = None
        for side in (forward, backward):
            if side.size == 0:
                self._end(side, pool)
                return True
        return False

    def _end(self, side: Frontier, pool: ThreadPoolExecutor | None) -> None:
        """End the search: a side has no sets left, so no shortest word has as many letters.

        A length that has not been asked about is affirmed, or there is no shorter word.
        """
        if len(side.levels) > 1:
            side.drop_last()
            if side is self.forward:
                self._trie = None
            self._ask(0, pool)
        self.hopeless = self.word is None
        if not self.hopeless:
            self.lower = self._most

    def _expand(self, side: Frontier, left: int, pool: ThreadPoolExecutor | None) -> None:
        """Make the next level of a side."""
        forward = self.forward
        trie = forward.size
        if side is forward:
            self._trie = None
            trie = int(forward.size * forward.growth)
        # The first upper bound is loose: the search may be about to end. For n <= 64 it is not, a
        # kernel has met many sets before; for n <= 128 that kernel gives up sooner.
        scarce = self.bytes() > _SCARCE * self.budget.memory
        long = self._beams == self._most_beams or self.delta.shape[1] <= 64 or scarce
        sift = None if self.pruning is None else self.pruning.sift(side, left)
        used = self.bytes(trie) - side.bytes
        side.expand(used, pool, -(-left // 2) if long else 0, sift)
        self._worth += side.size * _WORTH

    def _ask(self, unstored: int, pool: ThreadPoolExecutor | None) -> None:
        """Ask about all lengths up to the depths of both sides plus `unstored` backward levels."""
        self._worth = 0.0
        forward = self.forward
        numbers = forward.levels[-1]
        step = self._sets_a_trie()
        lengths = range(self.lower, forward.depth + self.backward.depth + unstored + 1)
        affirmed = lengths.stop
        for at in range(0, len(numbers), step):
            tries = self._tries if step >= len(numbers) else []
            tries = tries or [self._build(numbers[at : at + step])]
            for length in range(lengths.start, affirmed):
                found = self._look_up(tries, length - forward.depth, pool)
                if found is not None:
                    affirmed = length
                    member, number, letters = found
                    start = reversed(forward.path(member, len(forward.levels) - 1))
                    level = min(length - forward.depth, self.backward.depth)
                    self.word = (*start, *letters, *self.backward.path(number, level))
                    break
                if step >= len(numbers):
                    self.lower = length + 1
            if step >= len(numbers) and not forward.tries:
                (self._trie,) = tries
            del tries  # before the next one is built
        self.lower = max(self.lower, affirmed)

    @property
    def _tries(self) -> list[Trie]:
        """The tries of the last forward level, none if there are none yet."""
        built = [] if self._trie is None else [self._trie]
        return self.forward.tries or built

    def _build(self, numbers: Numbers) -> Trie:
        likely = self.backward.levels[-1]
        queries = self.backward.sets[likely[:: max(1, len(likely) // 4096)]]
        return Trie(self.forward.sets, numbers, queries, self.forward.n, self.budget)

    def _look_up(
        self, tries: list[Trie], level: int, pool: ThreadPoolExecutor | None
    ) -> _Meeting | None:
        """Find a set of a backward level, stored or not, that contains a member of the tries."""
        backward = self.backward
        unstored = max(0, level - backward.depth)

        def find(part: tuple[Numbers, PackedSets]) -> _Meeting | None:
            found = self._find_below(tries, part[1], unstored)
            return found and (found[0], int(part[0][found[1]]), found[2])

        pool = pool if backward.size > backward.part else None
        for found in results_in_order(pool, self.workers, find, backward.parts(level - unstored)):
            if found is not None:
                return found
            if self.budget.expired:
                raise OutOfBudget("time")
        return None

    def _find_below(self, tries: list[Trie], sets: PackedSets, levels: int) -> _Meeting | None:
        """Find a member within a preimage of a row of `sets` under a word of `levels` letters."""
        if self.budget.expired:
            raise OutOfBudget("time")
        if levels == 0:
            found = _first_found(tries, sets, 1)
            return found and (found[1], found[0], [])
        k, words = self.backward.k, self.backward.words
        images, _ = self.backward.images(sets)
        if levels == 1:
            found = _first_found(tries, images, k)
            return found and (found[1], found[0] // k, [found[0] % k])
        below = np.ascontiguousarray(images[:, : k * words]).reshape(-1, words)
        for at in range(0, len(below), self.backward.part):
            deeper = self._find_below(tries, below[at : at + self.backward.part], levels - 1)
            if deeper is not None:
                member, row, letters = deeper
                return member, (at + row) // k, [*letters, (at + row) % k]
        return None

    def _sets_a_trie(self) -> int:
        """Return the number of sets of the last forward level that fit one trie."""
        size = self.forward.size
        if self._tries or self.budget.fits(self.bytes(size)):
            return size
        room = self.budget.memory - self.bytes()
        most = int(room // Trie.bytes_a_set(self.forward.words))
        if most < min(size, 1024):
            raise OutOfBudget("memory")
        return min(size, most)


def _first_found(tries: list[Trie], rows: PackedSets, a_row: int) -> tuple[int, int] | None:
    """Return what the first trie that finds anything has found."""
    return next(filter(None, (trie.find(rows, a_row) for trie in tries)), None)


def _cost_of_next(side: Frontier, use: float) -> float:
    return side.size * side.growth * (_EXPAND + use)


def _forecast(forward: Frontier, backward: Frontier, left: int) -> float:
    """Return the cost of all levels up to the upper bound, if both sides go on growing alike."""
    first, last, cost = float(forward.size), float(backward.size), 0.0
    first_growth, last_growth = forward.growth, backward.growth
    steps = min(left, 40)
    for _ in range(steps):
        more_first, more_last = first * first_growth, last * last_growth
        if more_first * (_EXPAND + _BUILD) < more_last * (_EXPAND + _QUERY):
            first = more_first
            cost += first * _EXPAND
        else:
            last = more_last
            cost += last * _EXPAND
    return cost * (left / steps) + first * _BUILD + last * _QUERY


def _unstored_levels(k: int) -> int:
    """Return the number of levels to search unstored; each has up to k times the sets before."""
    return max(levels for levels in range(1, 5) if k**levels <= 16 or levels == 1)
