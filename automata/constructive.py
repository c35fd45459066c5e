"""Random automata of permutations and one merging letter that need each of the permutations."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.deltas import MAX_LETTERS, MAX_STATES, Deltas, state_dtype

_BLOCK_BYTES = 1 << 20
"""Bytes of the chances of pairs of states that are in memory at a time."""
_Blocks = npt.NDArray[np.int64]
"""Block of each state in each partition: (batch, partitions, n)."""


def sample_constructive(rng: np.random.Generator, count: int, n: int, k: int) -> Deltas:
    """Draw automata of k-1 permutations and a letter of rank n-1 that need each permutation.

    Each permutation has a partition of the states, which all other letters preserve: they permute
    its blocks. So without this permutation no word merges states of different blocks. With all
    letters many of these automata synchronize, and slowly. Partitions have 2 to n/2 blocks, as
    equal as possible. A permutation is extracted state by state, with a random target among those
    that fit all partitions; a dead end ends its automaton. The last letter is such a permutation of
    which one state is led to another target in the same block of every partition.

    Random automata of permutations and a letter of rank n-1 that are slow by construction are those
    of Catalano and Jungers (arXiv 1805.06723, arXiv 1810.11323), who make them from primitive sets
    of matrices. The choice of partitions, the extraction of permutations and of the one merged pair
    are ours. The distribution is not uniform.

    Parameters
    ----------
    rng : Generator
    count : int
        Number of automata begun, at least 0.
    n, k : int
        States, 1..5,000, and letters, 1..64.

    Returns
    -------
    array of states, shape (at most count, k, n)
        Those without a dead end; none for n < 3. Not all of them synchronize.

    Raises
    ------
    ValueError
        If a number is out of range, or not an integer.

    Examples
    --------
    >>> sample_constructive(np.random.default_rng(0), 1, n=5, k=2).tolist()
    [[[2, 1, 0, 4, 3], [3, 1, 4, 0, 4]]]
    """
    count = check_integer("count", count, 0)
    n, k = check_integer("n", n, 1, MAX_STATES), check_integer("k", k, 1, MAX_LETTERS)
    drawn: Deltas = np.empty((count, k, n), state_dtype(n))
    if n < 3:
        return drawn[:0]
    blocks = _partitions(rng, count, n, k - 1)
    whole = np.ones(count, np.bool_)
    for letter in range(k):
        others = np.delete(blocks, letter, axis=1) if letter < k - 1 else blocks
        drawn[:, letter], extracted = _extract(rng, others)
        whole &= extracted
    whole &= _merge(rng, drawn[:, -1], blocks)
    return drawn[whole]


def _partitions(rng: np.random.Generator, count: int, n: int, partitions: int) -> _Blocks:
    """Draw partitions, each with its own number of blocks."""
    numbers = rng.integers(2, max(2, n // 2) + 1, size=(count, partitions, 1))
    return rng.permuted(np.arange(n) % numbers, axis=2)


def _extract(
    rng: np.random.Generator, blocks: _Blocks
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Draw a permutation for each automaton that permutes the blocks of its partitions.

    Returns int64 (batch, n), and bool (batch,): False where a state had no target left.
    """
    batch, partitions, n = blocks.shape
    rows = np.arange(batch)
    letter = np.zeros((batch, n), np.int64)
    free = np.ones((batch, n), np.bool_)
    whole = np.ones(batch, np.bool_)
    first = n * np.arange(batch * partitions).reshape(batch, partitions, 1)
    sizes = np.bincount((blocks + first).ravel(), minlength=blocks.size).reshape(blocks.shape)
    images = np.full((batch, partitions, n), -1)  # of blocks
    taken = np.zeros((batch, partitions, n), np.bool_)
    for states in rng.permuted(np.tile(np.arange(n), (batch, 1)), axis=1).T:
        fits = free.copy()
        for own, size, image, used in _by_partition(blocks, sizes, images, taken):
            source = own[rows, states][:, None]
            known = np.take_along_axis(image, source, 1)
            same = np.take_along_axis(size, own, 1) == np.take_along_axis(size, source, 1)
            unused = ~np.take_along_axis(used, own, 1)
            fits &= np.where(known >= 0, own == known, same & unused)
        targets = np.argmax(fits * rng.random((batch, n)), axis=1)
        whole &= fits[rows, targets]
        letter[rows, states] = targets
        free[rows, targets] = False
        for own, _, image, used in _by_partition(blocks, sizes, images, taken):
            image[rows, own[rows, states]] = own[rows, targets]
            used[rows, own[rows, targets]] = True
    return letter, whole


def _by_partition(*columns: npt.NDArray[Any]) -> zip[tuple[Any, ...]]:
    """Return views of one partition after another, each (batch, n)."""
    return zip(*(np.moveaxis(column, 1, 0) for column in columns), strict=True)


def _merge(
    rng: np.random.Generator, letters: npt.NDArray[Any], blocks: _Blocks
) -> npt.NDArray[np.bool_]:
    """Lead one state of each permutation (batch, n) to another target in the same blocks, in place.

    Returns bool (batch,): False where no two states are in the same block of every partition.
    """
    batch, _, n = blocks.shape
    best = np.zeros(batch * n)  # of each automaton and state: the chance of its likeliest partner
    partners = np.zeros(batch * n, np.int64)
    paired = np.zeros(batch * n, np.bool_)
    some = max(1, _BLOCK_BYTES // (8 * n))
    for low in range(0, batch * n, some):
        part = np.arange(low, min(low + some, batch * n))
        rows, states = np.divmod(part, n)
        together = states[:, None] != np.arange(n)  # (part, n): of these and all other states
        for own in np.moveaxis(blocks, 1, 0):
            together &= own[rows] == own[rows, states][:, None]
        chances = together * rng.random((len(part), n))
        partners[part] = np.argmax(chances, axis=1)
        best[part] = chances.max(axis=1)
        paired[part] = together.any(axis=1)
    rows = np.arange(batch)
    kept = np.argmax(best.reshape(batch, n), axis=1)
    led = np.argmax(letters == kept[:, None], axis=1)  # the state that comes to `kept`
    letters[rows, led] = partners.reshape(batch, n)[rows, kept]
    found: npt.NDArray[np.bool_] = np.any(paired.reshape(batch, n), axis=1)
    return found
