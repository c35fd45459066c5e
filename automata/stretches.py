"""Automata lengthened: some states in a row behave alike, and more of them are inserted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.deltas import (
    UNDEFINED,
    Deltas,
    check_partial_size,
    check_size,
    integer_array,
    state_dtype,
    validate_deltas,
)
from automata.errors import AutomatonError

LARGEST_PERIOD = 4
MOST_RUNS = 2
"""Most runs that are lengthened together."""
Places = npt.NDArray[np.int64]
"""States of runs."""


class Stretches(NamedTuple):
    """Automata with one or more *runs*, which are lengthened together.

    In a run of period p, states in a row, each letter leads every p-th state to one target, or each
    to the target after the p-th one further: delta(q + p) is delta(q), or delta(q) + p, and which
    of them depends on q mod p alone. More states of the same kinds, p of them or a multiple, can be
    inserted before the state ``cut``.
    """

    deltas: Deltas
    """(batch, k, n), in a breadth-first numbering."""
    starts: Places
    """(batch, runs): the first state of each run; the runs are in the order of their states"""
    cuts: Places
    """(batch, runs): the state before which new ones are inserted"""
    stops: Places
    """(batch, runs): the state after the last one of each run"""
    sources: npt.NDArray[np.int64]
    """(batch,): the index of each among those given to `automata.runs.find_stretches`"""
    period: int = 1
    """p, of all runs"""

    @property
    def step(self) -> int:
        """Number of states by which the automata grow at least: p in each run."""
        return self.period * int(self.starts.shape[1])

    def of(self, rows: npt.NDArray[np.int64]) -> Stretches:
        """Return those of the given indices, (rows,)."""
        return Stretches(
            self.deltas[rows],
            self.starts[rows],
            self.cuts[rows],
            self.stops[rows],
            self.sources[rows],
            self.period,
        )


def stretch(ways: Stretches, by: int, *, partial: bool = False) -> Deltas:
    """Lengthen each automaton by a number of states, as many in each of its runs.

    All targets from the cut on grow by the number of states inserted, except on the run. There a
    letter that goes on leads the q-th state to t + q - q mod p, where t is the old target of the
    state q mod p of the run. What is undefined stays so. Runs are lengthened one after the other,
    the last one first.

    Parameters
    ----------
    ways : Stretches
    by : int
        Number of new states: a multiple, at least 0 times, of `Stretches.step`.
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
        If `by` is negative, not an integer, or no multiple of the step.
    SizeLimitError
        If n + by > 5,000, or over 255 where `partial` is True.

    Examples
    --------
    A row of ``archive series --out`` has all arguments:

    >>> delta, start, cut, stop = [[[1, 2, 3, 0, 1], [1, 2, 3, 4, 0]]], 0, 2, 3
    >>> way = Stretches(np.array(delta), *np.array([[[start]], [[cut]], [[stop]]]), np.array([0]))
    >>> stretch(way, 2).tolist()
    [[[1, 2, 3, 4, 5, 0, 1], [1, 2, 3, 4, 5, 6, 0]]]
    """
    by = check_integer("by", by, 0)
    deltas = validate_deltas(ways.deltas, partial=partial)
    _, k, n = deltas.shape
    if partial:
        check_partial_size(n + by)
    check_size(k, n + by)
    period = check_integer("period", ways.period, 1, LARGEST_PERIOD)
    starts, cuts, stops = _places(ways, len(deltas), n)
    checked = Stretches(deltas, starts, cuts, stops, ways.sources, period)
    if by % checked.step:
        raise ValueError(f"by={by} is not a multiple of {checked.step}")
    _check_runs(checked)
    return lengthen_valid(checked, by)


def _places(ways: Stretches, batch: int, n: int) -> npt.NDArray[np.int64]:
    """Return starts, cuts and stops of the runs, (3, batch, runs), checked."""
    columns = [integer_array(column) for column in ways[1:4]]
    shape = columns[0].shape
    if len(shape) != 2 or shape[0] != batch or any(column.shape != shape for column in columns):
        raise AutomatonError(f"{batch} automata have as many rows of runs: starts, cuts, stops")
    check_integer("the number of runs", shape[1], 1, MOST_RUNS)
    places = np.array(columns).astype(np.int64)
    starts, cuts, stops = places
    if not ((0 <= starts) & (starts < cuts) & (cuts < stops) & (stops <= n)).all():
        raise AutomatonError(f"a run has 0 <= start < cut < stop <= {n}")
    if not (starts[:, 1:] >= stops[:, :-1]).all():
        raise AutomatonError("runs overlap, or are not in the order of their states")
    return places


def _check_runs(ways: Stretches) -> None:
    """Raise ``AutomatonError`` where states are no run of the period."""
    period, n = ways.period, ways.deltas.shape[2]
    states = np.arange(n)[None]  # (1, n)
    for start, stop in zip(ways.starts.T[:, :, None], ways.stops.T[:, :, None], strict=True):
        if (stop - start < 2 * period).any():
            raise AutomatonError(f"a run of period {period} has at least {2 * period} states")
        first = np.minimum(start + (states - start) % period, n - period - 1)
        steps = _at(ways.deltas, first + period) - _at(ways.deltas, first)  # of the kind of q
        own = _at(ways.deltas, np.minimum(states + period, n - 1)) - _at(ways.deltas, states)
        within = ((start <= states) & (states < stop - period))[:, None]
        fits = (own == steps) & ((steps == 0) | (steps == period))
        if not (fits | ~within).all():
            raise AutomatonError(f"the states from start to stop are no run of period {period}")


def lengthen_valid(ways: Stretches, by: int) -> Deltas:
    """Lengthen the automata of ways that are known to be valid."""
    n, runs = ways.deltas.shape[2], ways.starts.shape[1]
    targets = ways.deltas.astype(np.int64)
    targets[targets >= n] = -1  # undefined
    for run in reversed(range(runs)):
        start, cut, stop = (own[:, run, None] for own in (ways.starts, ways.cuts, ways.stops))
        targets = _lengthen_run(targets, start, cut, stop, ways.period, by // runs)
    targets[targets < 0] = UNDEFINED
    return targets.astype(state_dtype(n + by))


def _lengthen_run(
    deltas: npt.NDArray[np.int64],
    starts: Places,
    cuts: Places,
    stops: Places,
    period: int,
    by: int,
) -> npt.NDArray[np.int64]:
    """Insert states into one run of each automaton: (batch, k, n) -> (batch, k, n + by).

    Places are (batch, 1) each.
    """
    states = np.arange(deltas.shape[2] + by)[None]  # (1, n + by)
    within = (starts <= states) & (states < stops + by)  # (batch, n + by)
    kinds = np.where(within, (states - starts) % period, 0)
    heads = starts + kinds
    outside = np.where(states < cuts, states, np.maximum(states - by, 0))
    copied = np.where(within, heads, outside)
    targets = _at(deltas, copied)
    goes_on = within[:, None] & (_at(deltas, heads + period) > targets) & (targets >= 0)
    moved = targets + by * (targets >= cuts[:, None])
    gone_on = targets + (states - heads)[:, None]
    return np.where(goes_on, gone_on, moved)


def _at(deltas: npt.NDArray[np.integer], states: Places) -> npt.NDArray[np.int64]:
    """Return targets of states of each automaton: (batch, k, n) at (batch, m) -> (batch, k, m)."""
    states = np.repeat(states[:, None], deltas.shape[1], axis=1)
    return np.take_along_axis(deltas.astype(np.int64), states, axis=2)
