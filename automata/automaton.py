"""The automaton, and its validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from automata.errors import AutomatonError as AutomatonError
from automata.errors import SizeLimitError as SizeLimitError
from automata.sizes import cerny_bound as cerny_bound

MAX_STATES = 5000
MAX_LETTERS = 64
_BYTES_AT_ONCE = 1 << 18  # they stay in the cache between copy and check

Deltas = npt.NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True, init=False, repr=False)
class Automaton:
    """One complete deterministic automaton, immutable and validated.

    Parameters
    ----------
    delta : array of int, shape (k, n)
        ``delta[a, q]`` is the state that letter ``a`` leads state ``q`` to. Any integer dtype or
        nested sequence of integers.

    Raises
    ------
    AutomatonError
        If an entry is missing, not an integer, or not a state.

    Examples
    --------
    >>> cerny = Automaton([[1, 2, 3, 0], [0, 1, 2, 0]])
    >>> cerny.n, cerny.k, cerny.cerny_bound
    (4, 2, 9)
    """

    __match_args__ = ("delta",)

    _shape: tuple[int, int]
    _content: bytes  # unlike an array's own memory, it cannot be made writable

    def __init__(self, delta: npt.ArrayLike | Automaton) -> None:
        own = validate_delta(delta)
        object.__setattr__(self, "_shape", own.shape)
        object.__setattr__(self, "_content", own.tobytes())

    @property
    def delta(self) -> Deltas:
        """The transitions, shape (k, n), an array of `state_dtype` that stays read-only."""
        # a new array each time: the shape of one can be changed
        own: Deltas = np.frombuffer(self._content, state_dtype(self._shape[1]))
        return own.reshape(self._shape)

    @property
    def n(self) -> int:
        """Number of states."""
        return self._shape[1]

    @property
    def k(self) -> int:
        """Number of letters."""
        return self._shape[0]

    @property
    def cerny_bound(self) -> int:
        """Černý's conjectured upper bound on the reset threshold, (n-1)^2."""
        return cerny_bound(self.n)

    def __repr__(self) -> str:
        return f"Automaton(delta={self.delta!r})"

    def __reduce__(self) -> tuple[type[Automaton], tuple[Deltas]]:
        return Automaton, (self.delta,)  # copies are validated and read-only too

    def _repr_html_(self) -> str:
        from automata.drawing.notebook import automaton_html  # which knows this class

        return automaton_html(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        html = self._repr_html_()
        start, end = html.find("<svg"), html.find("</svg>")  # one drawing, or none
        drawing = {"image/svg+xml": html[start : end + 6]} if start >= 0 else {}
        return {"text/plain": repr(self), "text/html": html} | drawing

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.delta, dtype=dtype, copy=copy)


def state_dtype(n: int) -> type[np.uint8] | type[np.uint16]:
    """Return the type of the states of n-state automata: uint8 up to 256 states, then uint16."""
    return np.uint8 if n <= 256 else np.uint16


def validate_delta(delta: npt.ArrayLike | Automaton) -> Deltas:
    """Check one automaton, in memory of its own.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)

    Returns
    -------
    array of `state_dtype`, shape (k, n), C-contiguous
        As of `validate_deltas`.

    Raises
    ------
    AutomatonError
        As `validate_deltas`.
    """
    if type(delta) is Automaton:
        return delta.delta.copy()
    array = integer_array(delta)
    if array.ndim != 2:
        raise AutomatonError(f"an automaton has shape (k, n), got shape {array.shape}")
    valid: Deltas = _validate(array[None])[0]
    return valid


def validate_deltas(deltas: npt.ArrayLike | Sequence[Automaton]) -> Deltas:
    """Check many automata of one size, in memory of their own.

    What is checked is the copy that is returned: nobody else has it, so that it stays valid
    whatever other threads or processes write to the caller's array meanwhile. Compiled code, whose
    indexing is unchecked, is given nothing else.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Any integer dtype, or nested sequences of integers.

    Returns
    -------
    array of `state_dtype`, shape (batch, k, n), C-contiguous
        Writable, and never memory of the input.

    Raises
    ------
    AutomatonError
        If the shape is wrong, or an entry is missing, not an integer, or not in 0..n-1.
    SizeLimitError
        If n > 5,000 or k > 64.

    Examples
    --------
    >>> validate_deltas([[[1, 2, 0], [0, 1, 0]]]).shape
    (1, 2, 3)
    >>> validate_deltas([[[1, 3, 0]]])
    Traceback (most recent call last):
    automata.errors.AutomatonError: automaton 0, letter 0, state 1 leads to 3, outside 0..2
    """
    array = integer_array(deltas)
    if array.ndim != 3:
        raise AutomatonError(f"automata have shape (batch, k, n), got shape {array.shape}")
    return _validate(array)


def _validate(array: npt.NDArray[Any]) -> Deltas:
    """Copy integers of shape (batch, k, n), some rows at a time, and check the copy."""
    batch, k, n = array.shape
    if n < 1 or k < 1:
        raise AutomatonError(
            f"an automaton has at least one state and one letter, got n={n}, k={k}"
        )
    if n > MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {MAX_STATES} states")
    if k > MAX_LETTERS:
        raise SizeLimitError(f"k={k} is over the limit of {MAX_LETTERS} letters")
    own: Deltas = np.empty(array.shape, state_dtype(n))
    # by way of a copy of the same width: a number must not be cut to size before it is checked
    wide = np.dtype(f"u{array.dtype.itemsize}")  # where negative numbers are large ones
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
            row, letter, state = np.argwhere(copied.view(wide) >= n)[0].tolist()
            target = copied.view(array.dtype.newbyteorder("="))[row, letter, state]
            raise AutomatonError(
                f"automaton {start + row}, letter {letter}, state {state} leads to {target}, "
                f"outside 0..{n - 1}"
            )
    return own


def integer_array(value: Any, what: str = "states") -> npt.NDArray[Any]:
    """Return a view or a copy of a rectangular table of integers, or raise `AutomatonError`."""
    if np.ma.is_masked(value):
        raise AutomatonError("a table with masked entries is not complete")
    try:
        array = np.asarray(value)[...]  # a view, whose shape is nobody else's
    except ValueError as error:
        raise AutomatonError(f"not a rectangular table of {what}: {error}") from error
    if array.dtype.kind not in "iu":
        if array.size == 0:
            raise AutomatonError(f"an empty table, of shape {array.shape}, holds no {what}")
        raise AutomatonError(f"{what} are integers, got entries of type {array.dtype}")
    return array
