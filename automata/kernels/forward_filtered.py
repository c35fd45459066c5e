"""Forward breadth-first searches of batches, 17 <= n <= 32, with a lossy filter of duplicates.

A set of states is a bit mask, uint64 in registers, uint32 in the queue. There are too many sets to
stamp each, so a small table that stays in the cache keeps the last set met in each slot. A set that
it has lost is queued again, which only wastes work: every set is queued when it is first met, in
breadth-first order, and a queue that runs empty proves that all reachable sets were expanded. A
search that never runs empty ends at ``queue_limit``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.kernels.jit import jit
from automata.kernels.tables import fill_table_of_two, fill_tables, letters_per_word, table_size

MAX_STATES = 32
UNFINISHED = -3
FILTER_BITS = 12

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_NIBBLE = np.uint64(15)
_4, _8, _12, _16, _20, _24, _28 = (np.uint64(shift) for shift in range(4, 32, 4))
_T1, _T2, _T3, _T4, _T5, _T6, _T7 = (np.uint64(start) for start in range(16, 128, 16))
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio
_DOWN = np.uint64(64 - FILTER_BITS)


class WorkingSpace(NamedTuple):
    """The arrays that the searches of one thread write; their initial content does not matter."""

    tables: npt.NDArray[np.uint64]
    filtered: npt.NDArray[np.uint32]
    queue: npt.NDArray[np.uint32]


def working_space(n: int, k: int, queue_limit: int) -> WorkingSpace:
    """Return arrays for 17 <= n <= 32 states, k letters and ``queue_limit`` sets an automaton."""
    groups = -(-k // (64 // n))
    return WorkingSpace(
        tables=np.empty(groups * table_size(n), np.uint64),
        filtered=np.empty(1 << FILTER_BITS, np.uint32),
        queue=np.empty(queue_limit + k + 1, np.uint32),
    )


def reset_thresholds(
    deltas: npt.NDArray[np.uint8],
    thresholds: npt.NDArray[np.int32],
    queue_limit: int,
    space: WorkingSpace,
    partial: npt.NDArray[np.uint64] | None = None,
) -> None:
    """Write each automaton's reset threshold: -1 if none, UNFINISHED over ``queue_limit`` sets.

    Careful ones with ``partial``, the `automata.kernels.tables.images_of_partial` of n states.
    Sets queued twice count twice.
    """
    search(deltas, partial, thresholds, queue_limit, *space)


@jit
def search(deltas, partial, thresholds, queue_limit, tables, filtered, queue):
    """Search one automaton after the other.

    A slot of ``filtered`` holds a set and, above its n bits, a mark of the automaton that met it.
    ``filtered`` is cleared after 2^(32 - n) automata, which use all marks.
    """
    batch, k, n = deltas.shape
    width = np.uint64(n)
    full = (_ONE << width) - _ONE
    per_word = letters_per_word(n)
    size = np.uint64(table_size(n))
    limit = np.uint64(queue_limit)
    marks = 1 << (32 - n)
    used = marks
    for i in range(batch):
        if used == marks:
            filtered[:] = 0  # the empty set, never met
            used = 0
        mark = np.uint64(used) << width
        used += 1
        if k == 2:
            fill_table_of_two(deltas[i], partial, tables, 0)
        else:
            fill_tables(deltas[i], partial, per_word, tables)
        queue[0] = full
        filtered[(full * _SPREAD) >> _DOWN] = full | mark
        head, tail, level_end = _ZERO, _ONE, _ONE
        depth = 1
        threshold = -1
        while head < tail:
            if head == level_end:
                level_end = tail
                depth += 1
            states = np.uint64(queue[head])
            head += _ONE
            if k == 2:  # by far the most frequent case: no loops, fixed addresses
                images = (
                    tables[states & _NIBBLE]
                    | tables[_T1 + ((states >> _4) & _NIBBLE)]
                    | tables[_T2 + ((states >> _8) & _NIBBLE)]
                    | tables[_T3 + ((states >> _12) & _NIBBLE)]
                    | tables[_T4 + ((states >> _16) & _NIBBLE)]
                )
                if n > 20:
                    images |= tables[_T5 + ((states >> _20) & _NIBBLE)]
                    if n > 24:
                        images |= tables[_T6 + ((states >> _24) & _NIBBLE)]
                        if n > 28:
                            images |= tables[_T7 + (states >> _28)]
                image = images & full
                single = image & (image - _ONE) == _ZERO
                slot = (image * _SPREAD) >> _DOWN
                queue[tail] = image
                tail += np.uint64(filtered[slot] != image | mark)
                filtered[slot] = image | mark
                image = images >> width
                single |= image & (image - _ONE) == _ZERO
                slot = (image * _SPREAD) >> _DOWN
                queue[tail] = image
                tail += np.uint64(filtered[slot] != image | mark)
                filtered[slot] = image | mark
            else:
                single = False
                start = _ZERO
                letters = k
                while letters > 0:
                    images = (
                        tables[start + (states & _NIBBLE)]
                        | tables[start + _T1 + ((states >> _4) & _NIBBLE)]
                        | tables[start + _T2 + ((states >> _8) & _NIBBLE)]
                        | tables[start + _T3 + ((states >> _12) & _NIBBLE)]
                        | tables[start + _T4 + ((states >> _16) & _NIBBLE)]
                    )
                    if n > 20:
                        images |= tables[start + _T5 + ((states >> _20) & _NIBBLE)]
                        if n > 24:
                            images |= tables[start + _T6 + ((states >> _24) & _NIBBLE)]
                            if n > 28:
                                images |= tables[start + _T7 + (states >> _28)]
                    start += size
                    image = images & full
                    single |= image & (image - _ONE) == _ZERO
                    slot = (image * _SPREAD) >> _DOWN
                    queue[tail] = image
                    tail += np.uint64(filtered[slot] != image | mark)
                    filtered[slot] = image | mark
                    for _ in range(1, min(letters, per_word)):
                        images >>= width
                        image = images & full
                        single |= image & (image - _ONE) == _ZERO
                        slot = (image * _SPREAD) >> _DOWN
                        queue[tail] = image
                        tail += np.uint64(filtered[slot] != image | mark)
                        filtered[slot] = image | mark
                    letters -= per_word
            if single:
                threshold = depth
                break
            if tail > limit:
                threshold = UNFINISHED
                break
        thresholds[i] = threshold
