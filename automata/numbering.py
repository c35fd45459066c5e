"""Breadth-first numberings of automata: random ones, or all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton
from automata.canonical import CANONICAL_MAX_LETTERS
from automata.deltas import Deltas, validate_deltas, with_n_undefined
from automata.errors import SizeLimitError
from automata.kernels import numbering as kernel
from automata.parallel import run_parts


def random_numberings(
    rng: np.random.Generator,
    deltas: npt.ArrayLike | Sequence[Automaton],
    *,
    workers: int = 1,
) -> Deltas:
    """Renumber each automaton breadth-first from a random state, its letters in random order.

    The start is uniform among the states that reach all states; the letter order is uniform among
    all orders. If no state reaches all, the start is uniform among all states, and the numbering
    goes on from a random state not yet numbered until none is left.

    Parameters
    ----------
    rng : Generator
    deltas : array of int, shape (batch, k, n)
        Partial automata too: states are reached along defined transitions.
    workers : int
        Threads; the result does not depend on them.

    Returns
    -------
    array of states, shape (batch, k, n)
        Row i is isomorphic to ``deltas[i]``. If the start reaches all states, these occur for the
        first time in increasing order in the state-major string.

    Raises
    ------
    AutomatonError
        If `deltas` are not automata.
    ValueError
        If `workers` is less than 1.

    Examples
    --------
    >>> random_numberings(np.random.default_rng(0), [[[1, 2, 3, 0], [0, 1, 2, 0]]]).tolist()
    [[[1, 2, 3, 0], [0, 2, 2, 3]]]
    """
    valid = validate_deltas(deltas, partial=True)
    own = with_n_undefined(valid)
    seeds = rng.integers(np.iinfo(np.uint64).max, size=len(valid), dtype=np.uint64, endpoint=True)
    numbered = np.empty_like(valid)  # (batch, k, n)
    run_parts(
        lambda part: kernel.random_numberings(own[part], seeds[part], numbered[part]),
        len(valid),
        workers,
    )
    return numbered


class Numberings(NamedTuple):
    """Automata in breadth-first numberings."""

    deltas: Deltas
    """array of states, shape (numberings, k, n)"""
    sources: npt.NDArray[np.int64]
    """int64 (numberings,): the index of the given automaton that each renumbers."""


def all_numberings(deltas: npt.ArrayLike | Sequence[Automaton]) -> Numberings:
    """Return every breadth-first numbering of each automaton.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Partial automata too, as in `random_numberings`.

    Returns
    -------
    Numberings
        Ordered by automaton, then by letter order, then by start. Only starts that reach all states
        count: an automaton without one has no numbering.

    Raises
    ------
    AutomatonError
        If `deltas` are not automata.
    SizeLimitError
        If k > 6: an automaton has n k! numberings at most.

    Examples
    --------
    >>> all_numberings([[[1, 2, 0]]]).deltas.tolist()
    [[[1, 2, 0]], [[1, 2, 0]], [[1, 2, 0]]]
    >>> all_numberings(["1 -|0 0"]).deltas.tolist()
    [[[1, 255], [0, 0]], [[255, 0], [1, 1]], [[0, 0], [1, 255]], [[1, 1], [255, 0]]]
    """
    return all_numberings_of_valid(validate_deltas(deltas, partial=True))


def all_numberings_of_valid(valid: Deltas) -> Numberings:
    """As `all_numberings`, for what `validate_deltas` returns; copies no complete automata."""
    batch, k, n = valid.shape
    if k > CANONICAL_MAX_LETTERS:
        raise SizeLimitError(f"k={k} is over the limit of {CANONICAL_MAX_LETTERS} letters")
    orders = np.array([*permutations(range(k))], np.int64)  # (k!, k)
    numbered = np.empty((batch, len(orders) * n, k, n), valid.dtype)
    whole = np.empty(numbered.shape[:2], np.bool_)
    kernel.all_numberings(with_n_undefined(valid), orders, numbered, whole)
    return Numberings(numbered[whole], np.nonzero(whole)[0])
