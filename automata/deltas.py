"""Transition tables as arrays: their type and limits, undefined transitions, validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import automata  # looked up when called: `validate_delta`, whose module imports this one
from automata.errors import AutomatonError, SizeLimitError

if TYPE_CHECKING:
    from automata.automaton import Automaton

MAX_STATES = 5000
MAX_LETTERS = 64
UNDEFINED = 255
"""In a transition table: the letter is undefined on the state; such automata have n <= 255."""
_BYTES_AT_ONCE = 1 << 18  # copied, then checked while still in the cache

Deltas = npt.NDArray[np.uint8 | np.uint16]


def state_dtype(n: int) -> type[np.uint8] | type[np.uint16]:
    """Return the dtype of the states of n-state automata: uint8 for n <= 256, else uint16."""
    return np.uint8 if n <= 256 else np.uint16


def validate_table(table: npt.ArrayLike, *, partial: bool = False) -> Deltas:
    """Return a validated copy of one automaton that is an array; text is refused.

    Parameters
    ----------
    table : array of int, shape (k, n)
    partial : bool
        Whether entries may be `UNDEFINED`, or None in nested lists.

    Returns
    -------
    array of `state_dtype`, shape (k, n), C-contiguous

    Raises
    ------
    AutomatonError, SizeLimitError
        As `validate_deltas`.

    Examples
    --------
    >>> validate_table([[1, 2, 0], [0, 1, 0]]).shape
    (2, 3)
    """
    array = integer_array(_without_none(table, 2))
    if array.ndim != 2:
        raise AutomatonError(
            f"an automaton has shape (k, n), got shape {array.shape}"
            + (": for many see functions such as reset_thresholds" if array.ndim == 3 else "")
        )
    valid: Deltas = _validate(array[None], partial)[0]
    return valid


def validate_deltas(
    deltas: npt.ArrayLike | Sequence[Automaton], *, partial: bool = False
) -> Deltas:
    """Return a validated copy of many automata of one size.

    The copy itself is checked, and nobody else has it. So it stays valid whatever other threads or
    processes write to the caller's array. Compiled code does not check indices; it takes only such
    copies.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Any integer dtype, nested sequences of integers, or a list of `Automaton` or of text.
    partial : bool
        Whether letters may be undefined on states: `UNDEFINED` in arrays, None in nested lists,
        ``-`` in text.

    Returns
    -------
    array of `state_dtype`, shape (batch, k, n), C-contiguous
        Writable, and never memory of the input.

    Raises
    ------
    AutomatonError
        If the shape is wrong, or an entry is missing, not an integer, not in 0..n-1, or undefined
        where `partial` is False.
    SizeLimitError
        If n > 5,000 or k > 64, or n > 255 and an entry is undefined.

    Examples
    --------
    >>> validate_deltas([[[1, 2, 0], [0, 1, 0]]]).shape
    (1, 2, 3)
    >>> validate_deltas([[[1, 3, 0]]])
    Traceback (most recent call last):
    automata.errors.AutomatonError: automaton 0, letter 0, state 1 leads to 3, outside 0..2
    >>> validate_deltas([[[1, None, 0]]])
    Traceback (most recent call last):
    automata.errors.AutomatonError: automaton 0, letter 0 is undefined on state 1: not complete
    """
    if isinstance(deltas, str):
        raise AutomatonError("one text is one automaton: many are a list of texts")
    if isinstance(deltas, list | tuple) and any(isinstance(delta, str) for delta in deltas):
        deltas = [automata.validate_delta(delta, partial=partial) for delta in deltas]
    deltas = _without_none(deltas, 3)
    try:
        array = integer_array(deltas)
    except AutomatonError:
        if isinstance(deltas, list | tuple):
            check_one_size(deltas)
        raise
    if array.ndim != 3:
        raise AutomatonError(
            f"automata have shape (batch, k, n), got shape {array.shape}"
            + (": for one see functions such as reset_threshold" if array.ndim == 2 else "")
        )
    return _validate(array, partial)


def undefined_entries(deltas: Deltas) -> npt.NDArray[np.int64]:
    """Return the places of undefined transitions in a validated table, one a row.

    Examples
    --------
    >>> undefined_entries(validate_table([[1, None], [0, 0]], partial=True)).tolist()
    [[0, 1]]
    """
    if deltas.dtype != np.uint8 or deltas.shape[-1] > UNDEFINED:
        return np.empty((0, deltas.ndim), np.int64)
    return np.argwhere(deltas == UNDEFINED)


def has_undefined(deltas: Deltas) -> bool:
    """Return whether a transition of a validated table, or of one of many, is undefined.

    Examples
    --------
    >>> has_undefined(validate_table([[1, None], [0, 0]], partial=True))
    True
    """
    return len(undefined_entries(deltas)) > 0


def with_n_undefined(valid: Deltas) -> Deltas:
    """Return validated tables in which undefined transitions lead to n, as some kernels take them.

    Complete automata are not copied.

    Examples
    --------
    >>> with_n_undefined(validate_table([[1, None], [0, 0]], partial=True)).tolist()
    [[1, 2], [0, 0]]
    """
    n = valid.shape[-1]
    return np.minimum(valid, n) if valid.max(initial=0) >= n else valid


def _without_none(table: Any, depth: int) -> Any:
    """Return nested lists with `UNDEFINED` in place of None; other tables as they are."""
    if not isinstance(table, list | tuple):
        return table
    if depth > 1:
        return [_without_none(part, depth - 1) for part in table]
    if not any(entry is None for entry in table):
        return table
    check_partial_size(len(table))
    return [UNDEFINED if entry is None else entry for entry in table]


def check_one_size(deltas: Any) -> None:
    """Raise `AutomatonError` if the tables in a list are automata of different sizes."""
    sizes = [integer_array(delta).shape for delta in deltas]
    for position, size in enumerate(sizes):
        if size != sizes[0] and len(size) == len(sizes[0]) == 2:
            (k, n), (first_k, first_n) = size, sizes[0]
            raise AutomatonError(
                f"automata of a batch have one size: automaton {position} has n={n}, k={k}, "
                f"but automaton 0 has n={first_n}, k={first_k}"
            )


def _validate(array: npt.NDArray[Any], partial: bool) -> Deltas:
    """Copy integers of shape (batch, k, n), a few automata at a time, and check the copy."""
    batch, k, n = array.shape
    check_size(k, n)
    own: Deltas = np.empty(array.shape, state_dtype(n))
    # check at the width of the input: a narrower copy would wrap large numbers
    wide = np.dtype(f"u{array.dtype.itemsize}")  # unsigned, so that negative numbers are large
    rows = max(1, _BYTES_AT_ONCE // (k * n * wide.itemsize))
    for start in range(0, batch, rows):
        part = own[start : start + rows]
        source = array[start : start + rows]
        if wide == own.dtype:
            part[...] = source
            copied = part
        else:
            copied = np.array(source, array.dtype.newbyteorder("="))
            part[...] = copied
        if copied.view(wide).max() >= n:
            given = copied.view(array.dtype.newbyteorder("="))
            wrong = np.argwhere((copied.view(wide) >= n) & (given != UNDEFINED))
            if len(wrong):
                row, letter, state = wrong[0].tolist()
                raise AutomatonError(
                    f"automaton {start + row}, letter {letter}, state {state} leads to "
                    f"{given[row, letter, state]}, outside 0..{n - 1}"
                )
            if not partial:
                check_complete(part, start)
    return own


def check_complete(deltas: Deltas, first: int = 0) -> None:
    """Raise `AutomatonError` if a transition is undefined; the automata count from `first`."""
    if len(missing := undefined_entries(deltas)):
        row, letter, state = missing[0].tolist()
        raise AutomatonError(
            f"automaton {first + row}, letter {letter} is undefined on state {state}: not complete"
        )


def check_size(k: int, n: int) -> None:
    """Raise `AutomatonError` or `SizeLimitError` if there are no states or letters, or too many."""
    if n < 1 or k < 1:
        raise AutomatonError(
            f"an automaton has at least one state and one letter, got n={n}, k={k}"
        )
    if n > MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {MAX_STATES} states")
    if k > MAX_LETTERS:
        raise SizeLimitError(f"k={k} is over the limit of {MAX_LETTERS} letters")


def check_partial_size(n: int) -> None:
    """Raise `SizeLimitError` if partial automata cannot have n states."""
    if n > UNDEFINED:
        raise SizeLimitError(f"n={n} is over the limit of {UNDEFINED} states of partial automata")


def integer_array(value: Any, entries: str = "states") -> npt.NDArray[Any]:
    """Return a view or a copy of a rectangular table of integers, or raise `AutomatonError`."""
    if np.ma.is_masked(value):
        raise AutomatonError("a table with masked entries is not complete")
    try:
        array = np.asarray(value)[...]  # a new view: nobody else can change its shape
    except ValueError as error:
        raise AutomatonError(f"not a rectangular table of {entries}") from error
    if array.dtype.kind not in "iu":
        if array.size == 0:
            raise AutomatonError(f"an empty table, of shape {array.shape}, holds no {entries}")
        raise AutomatonError(f"{entries} are integers, got entries of type {array.dtype}")
    return array


def check_thresholds(thresholds: Any, count: int) -> npt.NDArray[Any]:
    """Return the thresholds of `count` automata, (count,), or raise a ValueError of one line.

    Examples
    --------
    >>> check_thresholds([4, 2], 2).tolist()
    [4, 2]
    >>> check_thresholds([4, 2], 1)
    Traceback (most recent call last):
    ValueError: 1 automata have as many thresholds, got shape (2,)
    """
    found = integer_array(thresholds, "thresholds")
    if found.shape != (count,):
        raise ValueError(f"{count} automata have as many thresholds, got shape {found.shape}")
    return found
