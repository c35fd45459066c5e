"""Forward breadth-first searches of batches, n <= 16: from Q until the first singleton.

A set of states is a bit mask, uint64 in registers. In the queue, uint32, it carries its depth
above its n bits: a shortest word meets no set twice, so it is shorter than 2^n and fits.
Pushing is branchless: the image is written behind the tail, and the tail moves if it is new.
``stamps[image]`` is the mark of the last automaton that met the image: 255 marks, then a reset.
The hot loops call no function that takes an array: numba would count references there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.kernels.jit import jit
from automata.kernels.tables import fill_table_of_two, fill_tables, letters_per_word, table_size

MAX_STATES = 16
UNFINISHED = -3

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_NIBBLE = np.uint64(15)
_4, _8, _12 = np.uint64(4), np.uint64(8), np.uint64(12)
_16, _32, _48 = np.uint64(16), np.uint64(32), np.uint64(48)
_64, _80, _96, _112 = np.uint64(64), np.uint64(80), np.uint64(96), np.uint64(112)


class WorkingSpace(NamedTuple):
    """The arrays that the searches of one thread write; their initial content does not matter."""

    tables: npt.NDArray[np.uint64]
    stamps: npt.NDArray[np.uint8]
    queue: npt.NDArray[np.uint32]


def working_space(n: int, k: int, queue_limit: int) -> WorkingSpace:
    """Return arrays for n <= 16 states, k letters and ``queue_limit`` sets an automaton.

    Only pages that are written take memory: about 10 bytes for each set met.
    """
    groups = -(-k // (64 // n))
    room = min(queue_limit, 1 << n) + k + 1  # the images of the last set, and one not kept
    return WorkingSpace(
        tables=np.empty(max(groups * table_size(n), 128), np.uint64),
        stamps=np.empty((2, 1 << n), np.uint8),
        queue=np.empty((2, room), np.uint32),
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
    With a ``queue_limit`` of 2^n every search finishes.
    """
    batch, k, n = deltas.shape
    queue_limit = min(queue_limit, 1 << n)
    if n == 1:
        thresholds[:] = 0
    elif k == 2 and batch > 1:
        search_two_letters(deltas, partial, thresholds, queue_limit, *space)
    else:
        search(deltas, partial, thresholds, queue_limit, *space)


@jit
def search(deltas, partial, thresholds, queue_limit, tables, stamps, queue):
    """Search one automaton after the other, any number of letters; n >= 2."""
    batch, k, n = deltas.shape
    width = np.uint64(n)
    full = (_ONE << width) - _ONE
    step = full + _ONE
    per_word = letters_per_word(n)
    size = np.uint64(table_size(n))
    limit = np.uint64(queue_limit)
    stamped = stamps[0]
    sets = queue[0]
    epoch = 255
    for i in range(batch):
        epoch += 1
        if epoch == 256:
            stamped[:] = 0
            epoch = 1
        mark = np.uint8(epoch)
        fill_tables(deltas[i], partial, per_word, tables)
        sets[0] = full
        stamped[full] = mark
        head, tail = _ZERO, _ONE
        threshold = -1
        while head < tail:
            word = np.uint64(sets[head])
            head += _ONE
            states = word & full
            depth = (word ^ states) + step
            single = False
            start = _ZERO
            letters = k
            while letters > 0:
                images = (
                    tables[start + (states & _NIBBLE)]
                    | tables[start + _16 + ((states >> _4) & _NIBBLE)]
                )
                if n > 8:
                    images |= tables[start + _32 + ((states >> _8) & _NIBBLE)]
                    if n > 12:
                        images |= tables[start + _48 + ((states >> _12) & _NIBBLE)]
                start += size
                image = images & full
                single |= image & (image - _ONE) == _ZERO
                sets[tail] = image | depth
                tail += np.uint64(stamped[image] != mark)
                stamped[image] = mark
                for _ in range(1, min(letters, per_word)):
                    images >>= width
                    image = images & full
                    single |= image & (image - _ONE) == _ZERO
                    sets[tail] = image | depth
                    tail += np.uint64(stamped[image] != mark)
                    stamped[image] = mark
                letters -= per_word
            if single:
                threshold = np.int64(depth >> width)
                break
            if tail > limit:
                threshold = UNFINISHED
                break
        thresholds[i] = threshold


@jit
def search_two_letters(deltas, partial, thresholds, queue_limit, tables, stamps, queue):
    """Search two automata of two letters at a time, interleaved; n >= 2, two automata at least.

    One search alone spends most of its time waiting for its own stores; the other fills these gaps.
    When no automaton is left for a lane, it repeats the first step of its last automaton until the
    other lane ends.
    """
    batch, _, n = deltas.shape
    width = np.uint64(n)
    full = (_ONE << width) - _ONE
    step = full + _ONE
    sets = queue.reshape(-1)
    start0, start1 = _ZERO, np.uint64(queue.shape[1])
    last0, last1 = start0 + np.uint64(queue_limit), start1 + np.uint64(queue_limit)
    stamps0, stamps1 = stamps[0], stamps[1]
    stamps0[:] = 0
    stamps1[:] = 0
    mark0 = mark1 = np.uint8(1)
    stamps0[full] = stamps1[full] = mark0
    sets[start0] = sets[start1] = full
    head0, tail0 = start0, start0 + _ONE
    head1, tail1 = start1, start1 + _ONE
    fill_table_of_two(deltas[0], partial, tables, 0)
    fill_table_of_two(deltas[1], partial, tables, 64)
    index0, index1, following = 0, 1, 2
    while True:
        word0 = np.uint64(sets[head0])
        head0 += _ONE
        states0 = word0 & full
        depth0 = (word0 ^ states0) + step
        images0 = tables[states0 & _NIBBLE] | tables[_16 + ((states0 >> _4) & _NIBBLE)]
        if n > 8:
            images0 |= tables[_32 + ((states0 >> _8) & _NIBBLE)]
            if n > 12:
                images0 |= tables[_48 + ((states0 >> _12) & _NIBBLE)]
        word1 = np.uint64(sets[head1])
        head1 += _ONE
        states1 = word1 & full
        depth1 = (word1 ^ states1) + step
        images1 = tables[_64 + (states1 & _NIBBLE)] | tables[_80 + ((states1 >> _4) & _NIBBLE)]
        if n > 8:
            images1 |= tables[_96 + ((states1 >> _8) & _NIBBLE)]
            if n > 12:
                images1 |= tables[_112 + ((states1 >> _12) & _NIBBLE)]

        image0 = images0 & full
        single0 = image0 & (image0 - _ONE) == _ZERO
        sets[tail0] = image0 | depth0
        tail0 += np.uint64(stamps0[image0] != mark0)
        stamps0[image0] = mark0
        image1 = images1 & full
        single1 = image1 & (image1 - _ONE) == _ZERO
        sets[tail1] = image1 | depth1
        tail1 += np.uint64(stamps1[image1] != mark1)
        stamps1[image1] = mark1

        image0 = images0 >> width
        single0 |= image0 & (image0 - _ONE) == _ZERO
        sets[tail0] = image0 | depth0
        tail0 += np.uint64(stamps0[image0] != mark0)
        stamps0[image0] = mark0
        image1 = images1 >> width
        single1 |= image1 & (image1 - _ONE) == _ZERO
        sets[tail1] = image1 | depth1
        tail1 += np.uint64(stamps1[image1] != mark1)
        stamps1[image1] = mark1

        if single0 | (head0 == tail0) | (tail0 > last0):
            if index0 < batch:
                threshold = UNFINISHED
                if single0:
                    threshold = np.int64(depth0 >> width)
                elif head0 == tail0:
                    threshold = -1
                thresholds[index0] = threshold
                index0 = following
                following += 1
            if index0 < batch:
                fill_table_of_two(deltas[index0], partial, tables, 0)
                if mark0 == np.uint8(255):
                    stamps0[:] = 0
                    mark0 = np.uint8(0)
                mark0 = np.uint8(mark0 + np.uint8(1))
                stamps0[full] = mark0
            elif index1 >= batch:
                return
            head0, tail0 = start0, start0 + _ONE
            sets[start0] = full
        if single1 | (head1 == tail1) | (tail1 > last1):
            if index1 < batch:
                threshold = UNFINISHED
                if single1:
                    threshold = np.int64(depth1 >> width)
                elif head1 == tail1:
                    threshold = -1
                thresholds[index1] = threshold
                index1 = following
                following += 1
            if index1 < batch:
                fill_table_of_two(deltas[index1], partial, tables, 64)
                if mark1 == np.uint8(255):
                    stamps1[:] = 0
                    mark1 = np.uint8(0)
                mark1 = np.uint8(mark1 + np.uint8(1))
                stamps1[full] = mark1
            elif index0 >= batch:
                return
            head1, tail1 = start1, start1 + _ONE
            sets[start1] = full
