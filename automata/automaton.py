"""The automaton, its validation, and the errors of this package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_STATES = 5000
MAX_LETTERS = 64

Deltas = npt.NDArray[np.uint8 | np.uint16]


class AutomatonError(ValueError):
    """Something that is not a complete deterministic automaton."""


class SizeLimitError(AutomatonError):
    """An automaton larger than a function can handle."""


@dataclass(frozen=True, eq=False)
class Automaton:
    """One complete deterministic automaton, immutable and validated.

    Parameters
    ----------
    delta : array of int, shape (k, n)
        ``delta[a, q]`` is the state that letter ``a`` leads state ``q`` to. Any integer dtype or
        nested sequence of integers; kept as a read-only array of
        `state_dtype`.

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

    delta: Deltas

    def __init__(self, delta: npt.ArrayLike | Automaton) -> None:
        # (k, n), a copy of our own so that nobody can change it behind our back
        own = validate_delta(delta).copy()
        own.flags.writeable = False
        object.__setattr__(self, "delta", own)

    @property
    def n(self) -> int:
        """Number of states."""
        return int(self.delta.shape[1])

    @property
    def k(self) -> int:
        """Number of letters."""
        return int(self.delta.shape[0])

    @property
    def cerny_bound(self) -> int:
        """Černý's conjectured upper bound on the reset threshold, (n-1)^2."""
        return cerny_bound(self.n)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Automaton):
            return NotImplemented
        return np.array_equal(self.delta, other.delta)

    def __hash__(self) -> int:
        return hash((self.delta.shape, self.delta.tobytes()))

    def __reduce__(self) -> tuple[type[Automaton], tuple[Deltas]]:
        return Automaton, (self.delta,)  # copies are validated and read-only too

    def _repr_html_(self) -> str:
        from automata.notebook import automaton_html  # which knows this class

        return automaton_html(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        html = self._repr_html_()
        start, end = html.find("<svg"), html.find("</svg>")  # one drawing, or none
        drawing = {"image/svg+xml": html[start : end + 6]} if start >= 0 else {}
        return {"text/plain": repr(self), "text/html": html} | drawing

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.delta, dtype=dtype, copy=copy)


def cerny_bound(n: int) -> int:
    """Černý's conjectured upper bound on the reset threshold of n states, (n-1)^2."""
    return (n - 1) ** 2


def state_dtype(n: int) -> type[np.uint8] | type[np.uint16]:
    """Return the type of the states of n-state automata: uint8 up to 256 states, then uint16."""
    return np.uint8 if n <= 256 else np.uint16


def validate_delta(delta: npt.ArrayLike | Automaton) -> Deltas:
    """Check one automaton.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)

    Returns
    -------
    array of `state_dtype`, shape (k, n), C-contiguous

    Raises
    ------
    AutomatonError
        As `validate_deltas`.
    """
    if isinstance(delta, Automaton):
        return delta.delta
    array = integer_array(delta)
    if array.ndim != 2:
        raise AutomatonError(f"an automaton has shape (k, n), got shape {array.shape}")
    valid: Deltas = validate_deltas(array[None])[0]
    return valid


def validate_deltas(deltas: npt.ArrayLike | Sequence[Automaton]) -> Deltas:
    """Check many automata of one size.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Any integer dtype, or nested sequences of integers.

    Returns
    -------
    array of `state_dtype`, shape (batch, k, n), C-contiguous
        The same memory where the input already has this form.

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
    automata.automaton.AutomatonError: automaton 0, letter 0, state 1 leads to 3, outside 0..2
    """
    array = integer_array(deltas)
    if array.ndim != 3:
        raise AutomatonError(f"automata have shape (batch, k, n), got shape {array.shape}")
    _, k, n = array.shape
    if n < 1 or k < 1:
        raise AutomatonError(
            f"an automaton has at least one state and one letter, got n={n}, k={k}"
        )
    if n > MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {MAX_STATES} states")
    if k > MAX_LETTERS:
        raise SizeLimitError(f"k={k} is over the limit of {MAX_LETTERS} letters")
    if array.size and (array.min() < 0 or array.max() >= n):
        automaton, letter, state = np.argwhere((array < 0) | (array >= n))[0].tolist()
        target = array[automaton, letter, state]
        raise AutomatonError(
            f"automaton {automaton}, letter {letter}, state {state} leads to {target}, "
            f"outside 0..{n - 1}"
        )
    return np.ascontiguousarray(array, dtype=state_dtype(n))


def integer_array(value: Any) -> npt.NDArray[Any]:
    """Return a rectangular table of integers, or raise `AutomatonError`."""
    if np.ma.is_masked(value):
        raise AutomatonError("a table with masked entries is not complete")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise AutomatonError(f"not a rectangular table of states: {error}") from error
    if array.dtype.kind not in "iu":
        if array.size == 0:
            raise AutomatonError(f"an empty table, of shape {array.shape}, is no automaton")
        raise AutomatonError(f"states are integers, got entries of type {array.dtype}")
    return array
