"""Partial automata: letters need not be defined on every state."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from automata.automaton import (
    AutomatonError,
    AutomatonLike,
    Deltas,
    check_one_size,
    check_size,
    integer_array,
    validate_delta,
)

UNDEFINED = 255
"""In a transition table: the letter is undefined on the state."""
PARTIAL_MAX_STATES = 255


def validate_partial(delta: AutomatonLike) -> Deltas:
    """Return a validated copy of one automaton, partial or complete.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        ``delta[a, q]`` is a state, or `UNDEFINED` (255); in nested lists None is `UNDEFINED` too.
        Text is one line such as ``"1 - 0|0 1 2"``, with ``-`` where a letter is undefined.

    Returns
    -------
    uint8 array, shape (k, n), C-contiguous
        Writable, and never memory of the input.

    Raises
    ------
    AutomatonError
        If an entry is neither a state nor undefined, or the table is not rectangular.
    SizeLimitError
        If n > 255 or k > 64.

    Examples
    --------
    >>> validate_partial("1 - 0|0 1 2").tolist()
    [[1, 255, 0], [0, 1, 2]]
    >>> validate_partial([[1, None], [0, 0]]).tolist()
    [[1, 255], [0, 0]]
    """
    table = integer_array(_without_none(delta, 2))
    if table.ndim != 2:
        raise AutomatonError(f"an automaton has shape (k, n), got shape {table.shape}")
    valid: Deltas = validate_partials(table[None])[0]
    return valid


def validate_partials(deltas: npt.ArrayLike) -> Deltas:
    """Return a validated copy of many automata of one size, partial or complete.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Any integer dtype, or nested lists; entries as in `validate_partial`.

    Returns
    -------
    uint8 array, shape (batch, k, n), C-contiguous
        Writable, and never memory of the input.

    Raises
    ------
    AutomatonError, SizeLimitError
        As `validate_partial`.

    Examples
    --------
    >>> validate_partials([[[1, 2, 0], [0, None, 255]]]).tolist()
    [[[1, 2, 0], [0, 255, 255]]]
    >>> validate_partials([[[1, 3, 0]]])
    Traceback (most recent call last):
    automata.errors.AutomatonError: automaton 0, letter 0, state 1 leads to 3, outside 0..2
    """
    table = _without_none(deltas, 3)
    try:
        array = np.array(integer_array(table))  # a copy: nobody else changes it
    except AutomatonError:
        if isinstance(table, list):
            check_one_size(table)
        raise
    if array.ndim != 3:
        raise AutomatonError(f"automata have shape (batch, k, n), got shape {array.shape}")
    _, k, n = array.shape
    _check_size(k, n)
    wrong = ((array < 0) | (array >= n)) & (array != UNDEFINED)
    if wrong.any():
        row, letter, state = np.argwhere(wrong)[0].tolist()
        raise AutomatonError(
            f"automaton {row}, letter {letter}, state {state} leads to "
            f"{array[row, letter, state]}, outside 0..{n - 1}"
        )
    return np.ascontiguousarray(array, np.uint8)


def _without_none(table: Any, depth: int) -> Any:
    """Return nested lists with `UNDEFINED` in place of None, and texts as tables."""
    if isinstance(table, list | tuple) and depth > 0:
        return [_without_none(part, depth - 1) for part in table]
    if isinstance(table, str):
        return parse_partial(table).tolist()
    return UNDEFINED if table is None else table


def parse_partial(text: str) -> Deltas:
    """Read one line of text, with ``-`` where a letter is undefined: uint8 (k, n).

    Raises
    ------
    AutomatonError, SizeLimitError
        As `validate_partial`.

    Examples
    --------
    >>> parse_partial("1 - 0|0 1 2").tolist()
    [[1, 255, 0], [0, 1, 2]]
    """
    rows = [row.split() for row in text.split("|")]
    whole = [" ".join("0" if entry == "-" else entry for entry in row) for row in rows]
    complete = validate_delta("|".join(whole))
    _check_size(*complete.shape)
    holes = np.array([[entry == "-" for entry in row] for row in rows])
    return np.where(holes, UNDEFINED, complete).astype(np.uint8)


def format_partial(delta: AutomatonLike) -> str:
    """Write an automaton as `parse_partial` reads it.

    Examples
    --------
    >>> format_partial([[1, None, 0], [0, 1, 2]])
    '1 - 0|0 1 2'
    """
    rows = validate_partial(delta).tolist()
    return "|".join(
        " ".join("-" if state == UNDEFINED else str(state) for state in row) for row in rows
    )


def _check_size(k: int, n: int) -> None:
    check_size(k, n, PARTIAL_MAX_STATES, " of partial automata")
