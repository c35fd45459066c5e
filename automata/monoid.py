"""The transition monoid: the transformations of the states that words induce."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.automaton import AutomatonLike, validate_delta
from automata.errors import SizeLimitError
from automata.kernels import monoid as kernel

MONOID_MAX_STATES = 8  # three bits a state, and a table of 8^8 bytes


class TransitionMonoid(NamedTuple):
    """The transformations that the words of an automaton induce, the empty word included."""

    elements: npt.NDArray[np.uint8]
    """uint8 (size, n): entry q of a row is the image of state q. Rows are distinct, ordered by the
    length of their shortest word, then by the least such word: row 0 is the identity."""
    size: int
    """Number of elements, at most n^n."""
    idempotents: int
    """Number of elements that are their own squares."""
    has_constant: bool
    """Whether some element is constant, that is, whether the automaton is synchronizing."""


def transition_monoid(delta: AutomatonLike, *, limit: int = 1_000_000) -> TransitionMonoid:
    """Return the transition monoid of an automaton, exactly.

    Breadth-first search over words, from the empty one (Froidure and Pin 1997, "Algorithms for
    computing finite semigroups", the plain enumeration). It takes O(k n) time and n + 8 bytes for
    each element, and 8^n bytes besides. The full monoid of n = 7, 823,543 elements, takes about
    0.2 seconds.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        n <= 8.
    limit : int
        Largest number of elements.

    Returns
    -------
    TransitionMonoid

    Raises
    ------
    AutomatonError
        If `delta` is not a complete automaton.
    SizeLimitError
        If n > 8, or the monoid has more than `limit` elements.
    ValueError
        If `limit` is not an integer of at least 1.

    Examples
    --------
    >>> monoid = transition_monoid("1 2 0|0 1 0")
    >>> monoid.size, monoid.idempotents, monoid.has_constant
    (24, 10, True)
    >>> monoid.elements[:3].tolist()
    [[0, 1, 2], [1, 2, 0], [0, 1, 0]]
    """
    limit = check_integer("limit", limit, 1)
    valid = validate_delta(delta)
    n = valid.shape[1]
    if n > MONOID_MAX_STATES:
        raise SizeLimitError(
            f"n={n} is over the limit of {MONOID_MAX_STATES} states for transition monoids"
        )
    codes = np.empty(min(limit, n**n), np.int64)
    size = kernel.transition_monoid(valid.astype(np.int64), codes, np.zeros(8**n, np.uint8))
    if size < 0:
        raise SizeLimitError(f"the transition monoid has more than limit={limit} elements")
    codes = codes[:size]
    elements = np.empty((size, n), np.uint8)
    for q in range(n):
        elements[:, q] = codes >> 3 * q & 7
    idempotents = int(kernel.count_idempotents(codes, n))
    has_constant = bool((elements == elements[:, :1]).all(axis=1).any())
    return TransitionMonoid(elements, int(size), idempotents, has_constant)
