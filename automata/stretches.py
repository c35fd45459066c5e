"""Automata lengthened by repeating states of a run."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.automaton import Automaton
from automata.canonical import CANONICAL_MAX_STATES, canonical_forms
from automata.deltas import (
    UNDEFINED,
    Deltas,
    check_partial_size,
    check_size,
    integer_array,
    state_dtype,
    validate_deltas,
)
from automata.errors import AutomatonError, SizeLimitError
from automata.numbering import all_numberings_of_valid

LEAST_RUN = 3
"""Least number of states of a run."""
STRETCH_MAX_STATES = CANONICAL_MAX_STATES - 3
_COMPARED_BY = (2, 3)
"""Two ways to lengthen are compared with these numbers of states more."""
_PART_BYTES = 1 << 22


class Stretches(NamedTuple):
    """Automata with a *run*: states in a row on which each letter is constant or goes on.

    On the states start..stop-1 the target of each letter is always the same, or grows by one from
    state to state. More states of the same kind can be inserted before the state ``cut``.
    """

    deltas: Deltas
    """(batch, k, n), in a breadth-first numbering."""
    starts: npt.NDArray[np.int64]
    """(batch,): the first state of each run"""
    cuts: npt.NDArray[np.int64]
    """(batch,): the state before which new ones are inserted"""
    stops: npt.NDArray[np.int64]
    """(batch,): the state after the last one of each run"""
    sources: npt.NDArray[np.int64]
    """(batch,): the index of each among the automata given to `find_stretches`"""

    def of(self, rows: npt.NDArray[np.int64]) -> Stretches:
        """Return those of the given indices, (rows,)."""
        return Stretches(
            self.deltas[rows],
            self.starts[rows],
            self.cuts[rows],
            self.stops[rows],
            self.sources[rows],
        )


def find_stretches(
    deltas: npt.ArrayLike | Sequence[Automaton], *, partial: bool = False
) -> Stretches:
    """Find all ways to lengthen automata of one size.

    The search takes every breadth-first numbering from a state that reaches all others, in every
    letter order, and in it every run of at least `LEAST_RUN` states with every cut. Ways that give
    isomorphic automata with two and with three more states count once. In a partial automaton a
    letter may also be undefined on the whole run.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 61, k <= 6.
    partial : bool
        Whether letters may be undefined on states.

    Returns
    -------
    Stretches

    Raises
    ------
    AutomatonError
        If `deltas` are not automata, or not complete where `partial` is False.
    SizeLimitError
        If n > 61 or k > 6.

    Examples
    --------
    The Černý automaton with five states is lengthened in one way: to the one with six.

    >>> ways = find_stretches([[[0, 1, 2, 3, 0], [1, 2, 3, 4, 0]]])
    >>> stretch(ways, 1).tolist()
    [[[0, 1, 2, 3, 4, 0], [1, 2, 3, 4, 5, 0]]]
    """
    valid = validate_deltas(deltas, partial=partial)
    batch, k, n = valid.shape
    if n > STRETCH_MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {STRETCH_MAX_STATES} states to lengthen")
    part = max(1, _PART_BYTES // (factorial(k) * n * k * n))
    found = [
        _stretches(valid[first : first + part], first) for first in range(0, max(1, batch), part)
    ]
    return _distinct(Stretches(*map(np.concatenate, zip(*found, strict=True))))


def _stretches(deltas: Deltas, first: int) -> Stretches:
    """Find the ways to lengthen a few automata."""
    own, sources = all_numberings_of_valid(deltas)  # (numberings, k, n)
    n = deltas.shape[2]
    steps = np.diff(own.astype(np.int16), axis=2)  # (numberings, k, n-1)
    even = ((steps == 0) | (steps == 1)).all(axis=1)
    joined = (steps[:, :, 1:] == steps[:, :, :-1]).all(axis=1) & even[:, 1:] & even[:, :-1]
    # the first and the last step of the run that a step belongs to
    firsts = np.tile(np.arange(n - 1), (len(own), 1))
    lasts = firsts.copy()
    for step in range(1, n - 1):
        firsts[:, step] = np.where(joined[:, step - 1], firsts[:, step - 1], step)
    for step in reversed(range(n - 2)):
        lasts[:, step] = np.where(joined[:, step], lasts[:, step + 1], step)
    rows, places = np.nonzero(even & (lasts - firsts + 2 >= LEAST_RUN))
    starts, stops = firsts[rows, places], lasts[rows, places] + 2
    return _distinct(Stretches(own[rows], starts, places + 1, stops, first + sources[rows]))


def _distinct(ways: Stretches) -> Stretches:
    """Keep the first of the ways that give isomorphic automata with two and three states more."""
    forms = [canonical_forms(stretch(ways, by, partial=True)) for by in _COMPARED_BY]
    _, rows = np.unique(np.concatenate(forms, axis=1), axis=0, return_index=True)
    return ways.of(np.sort(rows))


def stretch(ways: Stretches, by: int, *, partial: bool = False) -> Deltas:
    """Lengthen each automaton by a number of states.

    All targets from the cut on grow by this number, except on the run. There a letter that goes on
    leads the i-th state to t + i, where t is the old target of the first state. What is undefined
    stays so.

    Parameters
    ----------
    ways : Stretches
    by : int
        Number of new states, at least 0.
    partial : bool
        Whether letters may be undefined on states.

    Returns
    -------
    array of states, shape (batch, k, n + by)

    Raises
    ------
    AutomatonError
        If `ways` does not hold automata (complete ones where `partial` is False), each with a run
        and a cut in it.
    ValueError
        If `by` is negative, or not an integer.
    SizeLimitError
        If n + by > 5,000, or over 255 where `partial` is True.

    Examples
    --------
    A row of ``archive series --out`` has all arguments:

    >>> delta, start, cut, stop = [[[1, 2, 3, 0, 1], [1, 2, 3, 4, 0]]], 0, 2, 3
    >>> way = Stretches(np.array(delta), *np.array([[start], [cut], [stop], [0]]))
    >>> stretch(way, 2).tolist()
    [[[1, 2, 3, 4, 5, 0, 1], [1, 2, 3, 4, 5, 6, 0]]]
    """
    by = check_integer("by", by, 0)
    deltas = validate_deltas(ways.deltas, partial=partial)
    _, k, n = deltas.shape
    if partial:
        check_partial_size(n + by)
    check_size(k, n + by)
    starts, cuts, stops = _places(ways, len(deltas), n)  # (batch, 1) each
    states = np.arange(n + by)[None]  # (1, n + by)
    # a new state is a copy of the one before the cut
    copied = np.where(states < cuts, states, np.maximum(states - by, cuts - 1))  # (batch, n + by)
    targets = _at(deltas, copied)  # (batch, k, n + by)
    undefined = targets >= n
    targets += by * (targets >= cuts[:, None])
    heads = _at(deltas, starts)  # (batch, k, 1)
    going_on = _at(deltas, starts + 1) > heads
    within = ((starts <= states) & (states < stops + by))[:, None]  # (batch, 1, n + by)
    targets = np.where(within & going_on, heads + (states - starts)[:, None], targets)
    targets[undefined] = UNDEFINED
    return targets.astype(state_dtype(n + by))


def _places(ways: Stretches, batch: int, n: int) -> npt.NDArray[np.int64]:
    """Return starts, cuts and stops of the runs, (3, batch, 1), checked."""
    columns = [integer_array(column) for column in ways[1:4]]
    if any(column.shape != (batch,) for column in columns):
        raise AutomatonError(f"{batch} automata have as many runs, each with start, cut and stop")
    places = np.array(columns).astype(np.int64)[:, :, None]
    starts, cuts, stops = places
    if not ((0 <= starts) & (starts < cuts) & (cuts < stops) & (stops <= n)).all():
        raise AutomatonError(f"a run has 0 <= start < cut < stop <= {n}")
    return places


def _at(deltas: Deltas, states: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return targets of states of each automaton: (batch, k, n) at (batch, m) -> (batch, k, m)."""
    states = np.repeat(states[:, None], deltas.shape[1], axis=1)
    return np.take_along_axis(deltas.astype(np.int64), states, axis=2)
