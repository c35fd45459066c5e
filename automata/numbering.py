"""Random breadth-first numberings: the same automaton under many names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton, Deltas, validate_deltas
from automata.kernels import numbering as kernel
from automata.parallel import run_parts


def random_numberings(
    rng: np.random.Generator,
    deltas: npt.ArrayLike | Sequence[Automaton],
    *,
    workers: int = 1,
) -> Deltas:
    """Renumber the states of each automaton breadth-first from a random one, letters shuffled.

    The start is uniform among the states from which all states are reachable, and so is the order
    of the letters among all orders. Where no state reaches all, the start is uniform among all
    states, and the numbering goes on from a random state not yet numbered until none is left.

    Parameters
    ----------
    rng : Generator
    deltas : array of int, shape (batch, k, n)
    workers : int
        Threads; the result does not depend on them.

    Returns
    -------
    array of states, shape (batch, k, n)
        Isomorphic to `deltas`, of their dtype. Where the start reaches all states, these appear
        for the first time in increasing order when the string is read state-major.

    Raises
    ------
    AutomatonError
        If `deltas` are not complete automata.

    Examples
    --------
    >>> random_numberings(np.random.default_rng(0), [[[1, 2, 3, 0], [0, 1, 2, 0]]]).tolist()
    [[[1, 2, 3, 0], [0, 2, 2, 3]]]
    """
    valid = validate_deltas(deltas)
    seeds = rng.integers(np.iinfo(np.uint64).max, size=len(valid), dtype=np.uint64, endpoint=True)
    numbered = np.empty_like(valid)  # (batch, k, n)
    run_parts(
        lambda part: kernel.random_numberings(valid[part], seeds[part], numbered[part]),
        len(valid),
        workers,
    )
    return numbered
