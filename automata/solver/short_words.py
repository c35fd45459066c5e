"""Short reset words, fast: upper bounds on the reset threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.automaton import AutomatonLike, validate_delta
from automata.deltas import Deltas
from automata.kernels import beam, pairs
from automata.solver.limits import Budget

Letters = npt.NDArray[np.uint8]

_WORDS_OF_IMAGES = 1 << 24  # the default width keeps the preimages of one level within 128 MB
_FEWEST_SETS = 512  # default width for n < 80: cheap, and finds shorter words
_MOST_SETS = 10240  # n log2 n for n = 1,024; more sets seldom shorten a word
_MOST_NODES = 1 << 25
_WORK = 1 << 22  # words of preimages between two readings of the clock
_CHUNK = 1 << 16


def short_reset_word(
    delta: AutomatonLike,
    method: Literal["greedy", "beam"] = "greedy",
    *,
    width: int | None = None,
) -> tuple[int, ...] | None:
    """Return a short reset word, not always a shortest one; None if there is none.

    "greedy" merges, again and again, the two states of the current set whose merging word is the
    shortest (Eppstein 1990, SIAM J. Comput. 19). All pairs are searched backward once: O(k n^2)
    time and 5 n^2 / 2 bytes. Fewer than n merges look for their pair among at most n^2 / 2 each:
    O(n^3), on random automata about n^2 in all. Each letter of the word is applied to the states
    left.

    "beam" searches backward from the singletons. Each level keeps the `width` largest preimages
    that are new to its cache (Roman and Szykuła 2015; Szykuła and Zyzik 2022, arXiv 2207.05495):
    O(k n) time a set and a level. It only looks for words shorter than the greedy one; if it finds
    none, that is returned. Usually the word is a shortest one.

    Both are deterministic.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        n <= 5,000.
    method : {"greedy", "beam"}
    width : int, optional
        Sets a level keeps, for "beam": at least n, and rounded up to a multiple of 64. By default
        n log2 n, but at least 512, and at most 10,240 and 128 MB of preimages.

    Returns
    -------
    tuple of int or None
        Letters in the order in which they are applied.

    Raises
    ------
    AutomatonError
        If `delta` is not a complete automaton.
    SizeLimitError
        If n > 5,000.
    ValueError
        If there is no such method, `width` is not a positive integer, or the method has no width.

    Examples
    --------
    >>> short_reset_word([[1, 2, 3, 0], [0, 1, 2, 0]])
    (1, 0, 0, 1, 0, 1, 0, 0, 0, 1)
    >>> short_reset_word([[1, 2, 3, 0], [0, 1, 2, 0]], "beam")
    (1, 0, 0, 0, 1, 0, 0, 0, 1)
    """
    if method not in ("greedy", "beam"):
        raise ValueError(f"a method is 'greedy' or 'beam', got {method!r}")
    width = None if width is None else check_integer("width", width)
    if width is not None and (method != "beam" or width < 1):
        raise ValueError(f"a width is positive and for method 'beam', got {width} for {method!r}")
    valid = validate_delta(delta)
    word, left = greedy_word(valid)
    if left > 1:
        return None
    if method == "beam" and len(word) > 1:
        shorter = beam_word(valid, width, longest=len(word) - 1)
        word = word if shorter is None else shorter
    return tuple(word.tolist())


reset_word = short_reset_word
"""The former name of `short_reset_word`, kept for programs that use it."""


def greedy_word(
    delta: Deltas, goal: int = 1, start: Sequence[int] | None = None
) -> tuple[Letters, int]:
    """Merge pairs of states, each by a shortest word, down to `goal` states or to the rank.

    Parameters
    ----------
    delta : array of `automata.deltas.state_dtype`, shape (k, n)
        Valid.
    goal : int
        Stop when this many states are left, or fewer.
    start : sequence of int, optional
        The states to merge. Default: all of them.

    Returns
    -------
    letters : uint8 array
        In the order in which they are applied.
    left : int
        The number of states that the word sends them to. If over `goal`, no two of these can be
        merged; and from all states it is the rank.
    """
    delta = delta.astype(np.uint16)  # one type: one compilation
    k, n = delta.shape
    letters = np.empty(n * (n - 1) // 2, np.uint8)
    queue = np.empty(letters.size, np.int32)
    lists = np.empty((2, k, n), np.int32)
    queue = queue[: pairs.merging_letters(delta, letters, queue, lists[0], lists[1])]
    first = range(n) if start is None else start
    states = np.array([len(first), *first], np.int32)
    chunks = [np.empty(0, np.uint8)]
    while True:
        chunk = np.empty(_CHUNK, np.uint8)
        length = pairs.merge(delta, letters, queue, states, goal, chunk)
        chunks.append(chunk[:length])
        if length < _CHUNK:
            return np.concatenate(chunks), int(states[0])


def beam_word(
    delta: Deltas, width: int | None = None, *, longest: int, budget: Budget | None = None
) -> Letters | None:
    """Search backward from the singletons, `width` sets a level, until a preimage is all of Q.

    Sets without a state that can be reached from all states are dropped: none of their preimages is
    Q. Sets are compared by 64-bit hashes, and a cache keeps about eight times the width of these.

    Parameters
    ----------
    delta : array of `automata.deltas.state_dtype`, shape (k, n)
        Valid. It need not synchronize.
    width : int, optional
        As in `short_reset_word`.
    longest : int
        The most letters the word may have.
    budget : Budget, optional
        Memory and time for this search, which needs `beam_memory` bytes, more for long words.

    Returns
    -------
    uint8 array or None
        Letters in the order in which they are applied; None if no word was found: no new set was
        left, or `longest` levels or the budget were spent.
    """
    k, n = delta.shape
    budget = budget or Budget()
    size = beam_memory(n, k, width)
    if n == 1:
        return np.empty(0, np.uint8)
    if not budget.fits(size):
        return None
    blocks = _blocks(n, k, width)
    words = -(-n // 64)
    sources = _sources(delta)
    core, states = _core(delta)
    level = np.zeros((blocks, 64 * words), np.uint64)  # set i of a block, word w at i * W + w
    singletons = np.uint64(1) << (states % 64).astype(np.uint64)
    level.reshape(-1, words)[np.arange(states.size), states // 64] = singletons
    images = np.empty((k * blocks, 64 * words), np.uint64)
    ranking = np.empty((2, k * blocks * 64), np.int32)
    history = np.zeros((_history_slots(blocks), 4), np.uint64)
    tree = np.empty(_nodes(blocks), np.int64)
    tree[: states.size] = 0
    progress = np.array([states.size, states.size, 0, 0])  # sets, nodes, levels done, levels to do
    pace = max(1, _WORK // images.size)
    while progress[2] < longest and not budget.expired:
        progress[3] = min(int(progress[2]) + pace, longest)
        outcome = beam.search(sources, core, level, images, ranking, history, tree, progress)
        if outcome == beam.FOUND:
            word = np.empty(int(progress[2]), np.uint8)
            beam.trace_word(tree, progress[1] - 1, word)
            return word
        if outcome == beam.DEAD:
            break
        if outcome == beam.FULL:
            beam.drop_dead_branches(tree, progress, np.empty(tree.size, np.int32))
            if 2 * progress[1] > tree.size:
                size += 12 * tree.size
                if tree.size > _MOST_NODES or not budget.fits(size):
                    break
                longer = np.empty(2 * tree.size, np.int64)
                longer[: tree.size] = tree
                tree = longer
    return None


def beam_memory(n: int, k: int, width: int | None = None) -> int:
    """Return the bytes that `beam_word` needs at first."""
    blocks = _blocks(n, k, width)
    sets = 512 * blocks * -(-n // 64)
    return (k + 1) * sets + 512 * k * blocks + 32 * _history_slots(blocks) + 12 * _nodes(blocks)


def _sources(delta: Deltas) -> npt.NDArray[np.uint16]:
    """Return the automaton with each state replaced by its place in a transposed block of sets."""
    k, n = delta.shape
    words = -(-n // 64)
    states = np.arange(n)
    places = states % 64 * words + states // 64
    sources = np.full((k, 64 * words), 64 * words, np.uint16)
    sources[:, places] = places[delta]
    return sources


def _core(delta: Deltas) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Return the states that can be reached from all, as a set and as a list."""
    k, n = delta.shape
    marked = np.zeros(64 * -(-n // 64), np.bool_)
    lists = np.empty((2, k, n), np.int32)
    stack = np.empty(n, np.int32)
    beam.mark_core(delta.astype(np.uint16), lists[0], lists[1], stack, marked[:n])
    return np.packbits(marked, bitorder="little").view(np.uint64), np.flatnonzero(marked)


def _blocks(n: int, k: int, width: int | None) -> int:
    """Return the number of blocks, of 64 sets each, that a level has room for."""
    return -(-max(default_width(n, k) if width is None else width, n) // 64)


def default_width(n: int, k: int) -> int:
    """Return the number of sets that a level keeps unless it is given."""
    most = min(_MOST_SETS, _WORDS_OF_IMAGES // (k * -(-n // 64)))
    return min(max(_FEWEST_SETS, math.ceil(n * math.log2(n))), most)


def _history_slots(blocks: int) -> int:
    """Return a power of two: slots of 4 hashes for at least eight levels."""
    return 1 << (128 * blocks - 1).bit_length()


def _nodes(blocks: int) -> int:
    """Return the nodes of the first tree: two levels must fit, and most searches should."""
    return max(1 << 16, 512 * blocks)
