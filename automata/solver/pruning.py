"""Which sets of the last levels of a search may lie on a shorter word than the one that is known.

Let U be its length, and let both sides be f and b letters deep. A shorter word leads a forward set
of level f into a backward set of level b by at most t = U - 1 - f - b letters. So a forward set is
of use only if so few letters may make it as small as the largest backward set, and a backward set
only if its preimages under so few letters may be as large as the smallest forward set. Every
shortest word that is shorter than U leads through sets of use alone; what
`automata.solver.two_ended` says about the sets kept is true of those left.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from automata.deltas import Deltas
from automata.kernels import size_bounds
from automata.solver.frontier import Frontier
from automata.solver.trie import Numbers, PackedSets

Sift = Callable[[PackedSets, PackedSets], None]
"""Of images and their hashes, as `automata.solver.frontier.Frontier.images` returns them."""

_LETTERS = 32
"""Most letters between two levels for which sets are compared with these bounds."""
_BLOCK = 15
"""Most states of a part of a set whose preimages are known."""
_FEWEST = 1 << 15
"""Fewest sets of both last levels together for which the bounds are worth their tables."""
_SAMPLE = 64
"""So many sets of a level, evenly spread, are looked at first; all are if one of them goes."""
_WORTH = 0.05
"""Once such a share of a level has gone, all later sets of its side are looked at as they are made,
before they take memory."""


class Pruning:
    """The bounds for one complete automaton.

    Parameters
    ----------
    delta : array of states, shape (k, n)
        n <= 64.
    """

    def __init__(self, delta: Deltas) -> None:
        self._delta = delta
        n = delta.shape[1]
        blocks = -(-n // _BLOCK)
        self._width = -(-n // blocks)
        self._mergeable = np.empty((0, n), np.uint64)  # until the bounds are worth it
        self._growth = np.empty((0, blocks, 1 << self._width), np.uint8)
        self._least = np.array([n, 0])  # cardinality of forward sets, of the levels measured
        self._largest = np.array([n, 0])
        self._measured = [0, 0]
        self._sifts = [False, False]

    @property
    def bytes(self) -> int:
        """Bytes in use."""
        return int(self._mergeable.nbytes + self._growth.nbytes)

    @property
    def _needed(self) -> int:
        """Bytes that the tables take, and what helps to fill them."""
        k, n, blocks, subsets = map(int, (*self._delta.shape, *self._growth.shape[1:]))
        return (_LETTERS + 1) * (8 * n + blocks * subsets) + 8 * k * blocks * subsets

    def prune(self, forward: Frontier, backward: Frontier, left: int, room: float) -> None:
        """Drop sets of the last levels that are of no use; then one side may have none left.

        Parameters
        ----------
        forward, backward : Frontier
            Those of one search; the same in each call.
        left : int
            The most letters between their last levels in a word that is shorter than the known one.
        room : float
            Bytes that tables may take.
        """
        for side, sizes in ((forward, self._least), (backward, self._largest)):
            for numbers in side.levels[self._measured[side.backward] :]:
                size_bounds.extreme_sizes(side.sets, numbers, sizes)
            self._measured[side.backward] = len(side.levels)
        if left > _LETTERS or forward.size + backward.size < _FEWEST:
            return
        if self.bytes == 0:
            if self._needed > room:
                return
            self._fill()
        for side in (forward, backward):
            numbers = side.levels[-1]
            sample = numbers[:: max(1, len(numbers) // _SAMPLE)]
            if not self._of_use(side, sample, left).all():
                side.keep(numbers[self._of_use(side, numbers, left)])
                if side.size == 0:
                    return
                self._sifts[side.backward] |= side.size < (1 - _WORTH) * len(numbers)

    def sift(self, side: Frontier, left: int) -> Sift | None:
        """Return a function that empties those images of the last level that are of no use.

        None where `prune` has dropped few sets of this side. `left` is that of `prune`.
        """
        if not self._sifts[side.backward]:
            return None
        letters = left - 1
        if side.backward:
            growth, least = self._growth[letters], self._least[0]
            return lambda images, hashes: size_bounds.empty_others_than_large(
                images, hashes, growth, self._width, least
            )
        mergeable, most = self._mergeable[letters], self._largest[1]
        return lambda images, hashes: size_bounds.empty_others_than_small(
            images, hashes, mergeable, most
        )

    def _fill(self) -> None:
        """Fill the tables of the bounds."""
        self._mergeable = np.empty((_LETTERS + 1, *self._mergeable.shape[1:]), np.uint64)
        self._growth = np.empty((_LETTERS + 1, *self._growth.shape[1:]), np.uint8)
        size_bounds.fill_mergeable(self._delta, self._mergeable)
        size_bounds.fill_growth(self._delta, self._growth)

    def _of_use(self, side: Frontier, numbers: Numbers, left: int) -> npt.NDArray[np.bool_]:
        """Return for each set listed whether it may be of use."""
        found = np.empty(len(numbers), np.bool_)
        if side.backward:
            least = self._least[0]
            growth = self._growth[left], self._width
            size_bounds.mark_large(side.sets, numbers, *growth, least, found)
        else:
            most = self._largest[1]
            size_bounds.mark_small(side.sets, numbers, self._mergeable[left], most, found)
        return found
