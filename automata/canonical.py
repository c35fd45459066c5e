"""Canonical forms: automata are isomorphic exactly if their forms are equal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.automaton import Automaton, AutomatonLike, validate_delta
from automata.deltas import UNDEFINED, Deltas, integer_array, validate_deltas, with_n_undefined
from automata.errors import AutomatonError, SizeLimitError
from automata.kernels import canonical as kernel
from automata.parallel import run_parts
from automata.sizes import CANONICAL_MAX_LETTERS as CANONICAL_MAX_LETTERS
from automata.sizes import CANONICAL_MAX_STATES as CANONICAL_MAX_STATES

Forms = npt.NDArray[np.uint8]


def canonical_forms(deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1) -> Forms:
    """Return the canonical form of each automaton, complete or partial.

    Two automata have equal forms exactly if renaming the states and permuting the letters turns
    one into the other. If some state reaches all others, the form is the least state-major string
    over all breadth-first numberings from such states and all letter orders. Otherwise it comes
    from components, colour refinement and automorphism pruning (McKay and Piperno 2014).

    States are reached along defined transitions. An undefined one is no transition to a further
    state, a trap: a sink of the automaton could be exchanged with the trap.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 64, k <= 6; partial automata too, of which `UNDEFINED` entries stay.
    workers : int
        Threads.

    Returns
    -------
    uint8 array, shape (batch, n*k)
        Entry ``q*k + a`` is the state that letter a leads state q to, after renaming, or
        `UNDEFINED` (255), which is greater than every state.

    Raises
    ------
    AutomatonError
        If `deltas` are not automata.
    SizeLimitError
        If n > 64 or k > 6.
    ValueError
        If `workers` is less than 1.

    Examples
    --------
    >>> canonical_forms([[[1, 2, 0], [0, 1, 0]], [[2, 1, 2], [2, 0, 1]]]).tolist()
    [[0, 1, 1, 2, 0, 0], [0, 1, 1, 2, 0, 0]]
    >>> canonical_forms(["1 -|0 0", "1 1|- 0"]).tolist()
    [[0, 1, 0, 255], [0, 1, 0, 255]]
    """
    return canonical_forms_of_valid(validate_deltas(deltas, partial=True), workers=workers)


def canonical_forms_of_valid(valid: Deltas, *, workers: int = 1) -> Forms:
    """As `canonical_forms`, for what `validate_deltas` returns; copies no complete automata."""
    batch, k, n = valid.shape
    if n > CANONICAL_MAX_STATES:
        raise SizeLimitError(
            f"n={n} is over the limit of {CANONICAL_MAX_STATES} states for canonical forms"
        )
    if k > CANONICAL_MAX_LETTERS:
        raise SizeLimitError(
            f"k={k} is over the limit of {CANONICAL_MAX_LETTERS} letters for canonical forms"
        )
    forms = np.empty((batch, n * k), np.uint8)
    letter_orders = np.array(list(permutations(range(k))), np.int64)  # (k!, k)
    own = with_n_undefined(valid)
    run_parts(
        lambda part: kernel.canonical_forms(own[part], letter_orders, forms[part]), batch, workers
    )
    if own is not valid:
        forms[forms == n] = UNDEFINED
    return forms


def from_canonical(forms: npt.ArrayLike, n: int, k: int, *, partial: bool = False) -> Deltas:
    """Return the automata that state-major strings describe: the inverse of `canonical_forms`.

    Parameters
    ----------
    forms : array of int, shape (batch, n*k)
    n, k : int
        States and letters.
    partial : bool
        Whether entries may be `UNDEFINED`, as in `automata.deltas.validate_deltas`. Rows of a
        damaged file are not taken for partial automata unless one asks for them.

    Returns
    -------
    array of states, shape (batch, k, n)

    Raises
    ------
    AutomatonError
        If a row does not have length n*k, or an entry is not a state, nor undefined where it may.
    ValueError
        If n or k is not an integer.

    Examples
    --------
    >>> from_canonical([[0, 1, 1, 2, 0, 0]], n=3, k=2).tolist()
    [[[0, 1, 0], [1, 2, 0]]]
    >>> from_canonical([[0, 1, 0, 255]], n=2, k=2, partial=True).tolist()
    [[[0, 0], [1, 255]]]
    """
    n, k = check_integer("n", n), check_integer("k", k)
    rows = integer_array(forms)
    if n < 1 or k < 1:
        raise AutomatonError(f"n={n}, k={k}: an automaton has at least one state and one letter")
    if rows.ndim != 2 or rows.shape[1] != n * k:
        raise AutomatonError(f"forms have shape (batch, {n * k}), got shape {rows.shape}")
    return validate_deltas(rows.reshape(-1, n, k).transpose(0, 2, 1), partial=partial)


def are_isomorphic(first: AutomatonLike, second: AutomatonLike) -> bool:
    """Return whether two automata, complete or partial, differ only in names of states and letters.

    Parameters
    ----------
    first, second : Automaton, array of int, shape (k, n), or text

    Returns
    -------
    bool

    Raises
    ------
    AutomatonError, SizeLimitError
        As `canonical_forms`.

    Examples
    --------
    >>> are_isomorphic([[1, 0], [0, 0]], [[1, 1], [1, 0]])
    True
    >>> are_isomorphic("1 -|0 0", "1 1|- 0"), are_isomorphic("1 -|0 0", "1 1|0 0")
    (True, False)
    """
    one, other = validate_delta(first, partial=True), validate_delta(second, partial=True)
    if one.shape != other.shape:
        return False
    forms = canonical_forms_of_valid(np.stack([one, other]))
    return np.array_equal(forms[0], forms[1])
