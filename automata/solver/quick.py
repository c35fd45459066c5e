"""Batches of searches that need few sets: quick kernels first, then what they leave one by one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.deltas import Deltas
from automata.kernels import both_ends, forward, forward_filtered
from automata.kernels.tables import images_of_partial
from automata.parallel import run_parts
from automata.solver.frontier import Levels
from automata.solver.trie import PackedSets

UNFINISHED = forward.UNFINISHED
"""In an array of thresholds: the automaton needs more sets."""
_FORWARD_BITS = 10
"""A forward search ends at 2^10 sets, 2^13 from n = 17 on; a search from both ends follows."""
_PROBE = 64
"""First rows, which decide the first search of the others; fewer are searched from both ends."""
BATCH_MAX_STATES = 64
"""Larger automata are searched one by one: the search of one takes longer than a call."""
_BOTH_ENDS_MAX_STATES = 128
_BOTH_ENDS_BITS = 15
"""The kernel for both ends stops at 2^15 words of sets a side: searches that reduce levels are
quicker."""
ALL_SETS_FIRST_MAX_STATES = 22
"""Up to here what the kernel leaves is searched through all 2^n sets, beyond from its levels."""
_BATCH_BITS = 13
"""There a batch stops at 2^13: the kernel searches again, one by one, to keep the levels."""


class FewSets(NamedTuple):
    """What a search of few sets proves about one automaton; the default is what is clear before."""

    threshold: int = UNFINISHED
    """The threshold, -1 where there is none, `UNFINISHED` where more sets are needed."""
    lower: int = 1
    """No reset word of an unfinished automaton is shorter."""
    word: tuple[int, ...] | None = None
    """The least shortest word, if it was asked for."""
    made: tuple[Levels, Levels] | None = None
    """The levels of both sides of an unfinished search. All up to `lower` - 1 letters were asked
    about."""


def solve_quickly(deltas: Deltas, workers: int, partial: bool = False) -> npt.NDArray[np.int32]:
    """Return the thresholds that searches of few sets find, `UNFINISHED` for the others.

    Those of partial automata are careful.

    Random automata need few sets forward, slowly synchronizing ones few from both ends. The first
    rows of a part decide which of the two searches the other rows begin with.
    """
    batch, k, n = deltas.shape
    thresholds = np.full(batch, UNFINISHED, np.int32)
    if n > BATCH_MAX_STATES:
        return thresholds
    images = images_of_partial(n) if partial else None
    forward_sets = 1 << min(n, _FORWARD_BITS + (3 if n > forward.MAX_STATES else 0))

    def search_forward(some: Deltas, found: npt.NDArray[np.int32]) -> None:
        search = forward if n <= forward.MAX_STATES else forward_filtered
        space = search.working_space(n, k, forward_sets)
        search.reset_thresholds(some, found, forward_sets, space, images)

    def solve(part: slice) -> None:
        some, found = deltas[part], thresholds[part]
        if n <= forward_filtered.MAX_STATES and len(some) >= _PROBE:
            search_forward(some[:_PROBE], found[:_PROBE])
            if np.mean(found[:_PROBE] == UNFINISHED) < 0.5:
                search_forward(some[_PROBE:], found[_PROBE:])
        left = np.flatnonzero(found == UNFINISHED)
        if len(left):
            both_ends.reset_thresholds(some, left, found, *both_ends_space(n, k, batch=True))

    run_parts(solve, batch, workers)
    return thresholds


def solve_apart(
    solve: Callable[[int, int], None], found: npt.NDArray[np.int32], workers: int
) -> None:
    """Solve each unfinished row with one worker, or with all of them if there are few rows."""
    left = np.flatnonzero(found == UNFINISHED).tolist()
    if workers == 1 or len(left) < 2 * workers:
        for row in left:
            solve(row, workers)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda row: solve(row, 1), left))


def search_few_sets(delta: Deltas, words: bool = False) -> FewSets:
    """Search one automaton, complete or partial, from both ends.

    Where a word that is asked for needs too many sets, the automaton is unfinished.
    """
    k, n = delta.shape
    if n > _BOTH_ENDS_MAX_STATES:
        return FewSets()
    space = full, tables, _, lists, levels = both_ends_space(n, k)
    outcome, depths = both_ends.search(delta, *space)
    length = sum(depths)
    if outcome == both_ends.NOT_SYNCHRONIZING:
        return FewSets(outcome)
    met = outcome == both_ends.MET
    if met and not words:
        return FewSets(length)
    word = np.empty(length, np.uint8)
    if met and both_ends.least_word(k, n, full, depths, tables, lists, levels, word):
        return FewSets(length, length, tuple(word.tolist()))
    return FewSets(lower=length + (not met), made=_levels(full, depths, lists, levels))


def _levels(
    full: tuple[np.uint64, ...],
    depths: tuple[int, int],
    lists: PackedSets,
    levels: PackedSets,
) -> tuple[Levels, Levels]:
    """Return the levels of both sides of a search from both ends."""
    found = []
    for side, depth in enumerate(depths):
        start, *ends = levels[side, : depth + 2].tolist()
        sets = lists[side, :, start : ends[-1]].T.copy()  # (sets, words)
        if side == 1:  # complements
            sets ^= np.array(full)
        found.append(Levels(sets, [end - start for end in ends]))
    forward, backward = found
    return forward, backward


def search_few_again(delta: Deltas) -> FewSets:
    """Search few sets of an automaton that a batch has left, where the next search needs levels."""
    return search_few_sets(delta) if delta.shape[1] > ALL_SETS_FIRST_MAX_STATES else FewSets()


def both_ends_space(n: int, k: int, *, batch: bool = False) -> both_ends.Space:
    """Return the working space of the kernels for both ends; in a batch it may be less."""
    less = batch and n > ALL_SETS_FIRST_MAX_STATES
    bits = min(_BATCH_BITS, _BOTH_ENDS_BITS) if less else _BOTH_ENDS_BITS
    return both_ends.working_space(n, k, (1 << bits) // -(-n // 64))
