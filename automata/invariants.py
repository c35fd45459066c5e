"""What does not depend on names of states: defects, cycles, ranks, orders of automorphisms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton
from automata.classes import MAX_STATES, MAX_STATES_SUBSETS
from automata.deltas import Deltas, validate_deltas, with_n_undefined
from automata.errors import SizeLimitError
from automata.kernels import automorphisms as automorphisms_kernel
from automata.kernels import properties as kernel
from automata.parallel import run_parts


def defects(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.uint8]:
    """Return the defect of each letter: the number of states without a preimage.

    It is n less the size of the image, of partial letters too.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 64; complete or partial.
    workers : int
        Threads.

    Returns
    -------
    uint8 array, shape (batch, k)

    Raises
    ------
    AutomatonError, SizeLimitError
        If `deltas` are not automata, or n > 64.

    Examples
    --------
    >>> defects([[[1, 2, 0], [0, 1, 0]], [[0, 0, 0], [1, 1, 2]]]).tolist()
    [[0, 1], [2, 1]]
    """
    own = _within(deltas, MAX_STATES, "defects")
    result = np.empty(own.shape[:2], np.uint8)
    run_parts(lambda part: kernel.defects(own[part], result[part]), len(own), workers)
    return result


def cycle_lengths(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.uint8]:
    """Return for each letter the length of its cycle if it has one alone, 0 otherwise.

    The class cycle-L holds the automata of which some letter has an L here. In a partial automaton
    that letter is defined everywhere.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 64; complete or partial.
    workers : int
        Threads.

    Returns
    -------
    uint8 array, shape (batch, k)

    Raises
    ------
    AutomatonError, SizeLimitError
        If `deltas` are not automata, or n > 64.

    Examples
    --------
    >>> cycle_lengths([[[1, 2, 0], [0, 1, 0]], [[0, 0, 1], [1, 0, 0]]]).tolist()
    [[3, 0], [1, 2]]
    """
    own = _within(deltas, MAX_STATES, "cycle lengths")
    result = np.empty(own.shape[:2], np.uint8)
    run_parts(lambda part: kernel.cycle_lengths(own[part], result[part]), len(own), workers)
    return result


def ranks(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.int32]:
    """Return the rank of each automaton, the least |Q w|, as `automata.solver.ranks.rank` does.

    Partial automata are refused: their words may be careful or not, which gives two ranks.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 5,000.
    workers : int
        Threads.

    Returns
    -------
    int32 array, shape (batch,)

    Raises
    ------
    AutomatonError, SizeLimitError
        As `automata.deltas.validate_deltas`.

    Examples
    --------
    >>> ranks([[[1, 2, 0], [0, 1, 0]], [[1, 2, 0], [1, 2, 0]]]).tolist()
    [1, 3]
    """
    valid = validate_deltas(deltas)
    _, k, n = valid.shape
    result = np.empty(len(valid), np.int32)

    def solve(part: slice) -> None:
        letters = np.empty(n * (n - 1) // 2, np.uint8)
        queue = np.empty(letters.size, np.int32)
        lists = np.empty((2, k, n), np.int32)
        states = np.empty(n + 1, np.int32)
        word = np.empty(n * n, np.uint8)
        own = valid[part].astype(np.uint16)  # the type of the states in searches over pairs
        kernel.ranks(own, result[part], letters, queue, lists[0], lists[1], states, word)

    run_parts(solve, len(valid), workers)
    return result


def automorphism_orders(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.int64]:
    """Return for each automaton the number of permutations of the states that keep every letter.

    By the orbit-stabilizer theorem: states are fixed one by one until all others follow, and the
    result is the product of their orbits, each under the automorphisms that fix the states before.
    The images of the states that a state reaches decide its orbit, or else canonical forms do.
    In a partial automaton a letter is defined on a state exactly if it is so on the image.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 20: 20! fits 64 bits. Complete or partial.
    workers : int
        Threads.

    Returns
    -------
    int64 array, shape (batch,)

    Raises
    ------
    AutomatonError, SizeLimitError
        If `deltas` are not automata, or n > 20.

    Examples
    --------
    >>> automorphism_orders([[[1, 2, 0], [0, 1, 0]], [[1, 2, 0], [1, 2, 0]], [[0, 0, 0]] * 2])
    array([1, 3, 2])
    >>> automorphism_orders(["1 0 - -"]).tolist()
    [4]
    """
    own = _within(deltas, MAX_STATES_SUBSETS, "automorphism orders")
    orders = np.empty(len(own), np.int64)
    run_parts(
        lambda part: automorphisms_kernel.automorphism_orders(own[part], orders[part]),
        len(own),
        workers,
    )
    return orders


def _within(deltas: npt.ArrayLike | Sequence[Automaton], limit: int, subject: str) -> Deltas:
    """Validate automata of at most `limit` states; undefined transitions lead to n."""
    valid = validate_deltas(deltas, partial=True)
    n = valid.shape[2]
    if n > limit:
        raise SizeLimitError(f"n={n} is over the limit of {limit} states for {subject}")
    return with_n_undefined(valid)
