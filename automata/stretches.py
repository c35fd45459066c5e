"""Automata lengthened by repeating states of runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
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

LARGEST_PERIOD = 4
MOST_RUNS = 2
"""Most runs that are lengthened together."""
_COMPARED_BY = (2, 3)
"""Two ways to lengthen are compared after this many steps."""
_PART_BYTES = 1 << 22
"""Bytes of the numberings, and of the lengthened automata, that are in memory at a time."""
_Places = npt.NDArray[np.int64]


def least_run(period: int) -> int:
    """Return the least number of states of a run: two of each kind, and three in all."""
    return max(3, 2 * period)


def stretch_max_states(step: int) -> int:
    """Return the most states of an automaton that `find_stretches` lengthens by a step."""
    return CANONICAL_MAX_STATES - max(_COMPARED_BY) * step


class Stretches(NamedTuple):
    """Automata with one or more *runs*, which are lengthened together.

    In a run of period p, states in a row, each letter leads every p-th state to one target, or each
    to the target after the p-th one further: delta(q + p) is delta(q), or delta(q) + p, and which
    of them depends on q mod p alone. More states of the same kinds, p of them or a multiple, can be
    inserted before the state ``cut``.
    """

    deltas: Deltas
    """(batch, k, n), in a breadth-first numbering."""
    starts: _Places
    """(batch, runs): the first state of each run; the runs are in the order of their states"""
    cuts: _Places
    """(batch, runs): the state before which new ones are inserted"""
    stops: _Places
    """(batch, runs): the state after the last one of each run"""
    sources: npt.NDArray[np.int64]
    """(batch,): the index of each among the automata given to `find_stretches`"""
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


def find_stretches(
    deltas: npt.ArrayLike | Sequence[Automaton],
    *,
    period: int = 1,
    runs: int = 1,
    partial: bool = False,
) -> Stretches:
    """Find all ways to lengthen automata of one size.

    The search takes every breadth-first numbering from a state that reaches all others, in every
    letter order, and in it every run with every cut, or all pairs of runs that do not overlap. A
    run cannot be prolonged in its numbering, and has at least `least_run` states. Ways that give
    isomorphic automata after two and after three steps count once. In a partial automaton a letter
    may also be undefined on every p-th state of a run.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= `stretch_max_states`, k <= 6.
    period : int
        That of the runs, 1 to 4.
    runs : int
        How many are lengthened together, 1 or 2.
    partial : bool
        Whether letters may be undefined on states.

    Returns
    -------
    Stretches

    Raises
    ------
    AutomatonError
        If `deltas` are not automata, or not complete where `partial` is False.
    ValueError
        If `period` or `runs` is not an integer, or out of range.
    SizeLimitError
        If n or k is too large.

    Examples
    --------
    The Černý automaton with five states is lengthened in one way: to the one with six.

    >>> ways = find_stretches([[[0, 1, 2, 3, 0], [1, 2, 3, 4, 0]]])
    >>> stretch(ways, 1).tolist()
    [[[0, 1, 2, 3, 4, 0], [1, 2, 3, 4, 5, 0]]]
    """
    valid = validate_deltas(deltas, partial=partial)
    period = check_integer("period", period, 1, LARGEST_PERIOD)
    runs = check_integer("runs", runs, 1, MOST_RUNS)
    batch, k, n = valid.shape
    if n > (most := stretch_max_states(period * runs)):
        raise SizeLimitError(f"n={n} is over the limit of {most} states to lengthen")
    part = max(1, _PART_BYTES // (factorial(k) * n * k * n))
    return _merged(
        [
            _stretches(valid[first : first + part], first, period, runs)
            for first in range(0, max(1, batch), part)
        ]
    )


def _stretches(deltas: Deltas, first: int, period: int, runs: int) -> Stretches:
    """Find the ways to lengthen a few automata, block by block."""
    own, sources = all_numberings_of_valid(deltas)  # (numberings, k, n)
    rows, starts, stops = _find_runs(own, period)
    most = np.bincount(rows, stops - starts - 1, len(own)).astype(np.int64) ** runs
    block = max(1, _PART_BYTES // (8 * own[:1].size or 1))  # ways; a target has 8 bytes there
    blocks = np.cumsum(most)[rows] // block  # of each run, by how many ways come before it
    edges = [0, *(np.flatnonzero(np.diff(blocks)) + 1), len(rows)]
    found, room = [], block
    for low, high in pairwise(edges):
        own_runs = rows[low:high], starts[low:high], stops[low:high]
        found.append(_ways(own, first + sources, *own_runs, period, runs))
        if sum(len(ways.deltas) for ways in found) > room:
            found = [_merged(found)]
            room = max(block, 2 * len(found[0].deltas))
    return _merged(found)


def _merged(found: Sequence[Stretches]) -> Stretches:
    """Return the distinct ones of ways to lengthen; the first of equal ones."""
    if len(found) == 1:
        return found[0]
    deltas, starts, cuts, stops, sources = (
        np.concatenate(columns) for columns in zip(*(ways[:5] for ways in found), strict=True)
    )
    return _distinct(Stretches(deltas, starts, cuts, stops, sources, found[0].period))


def _ways(
    numberings: Deltas,
    sources: npt.NDArray[np.int64],
    rows: _Places,
    starts: _Places,
    stops: _Places,
    period: int,
    runs: int,
) -> Stretches:
    """Return the distinct ways to lengthen numberings in the given runs; `rows` rise."""
    chains = _chains(rows, starts, stops, runs)  # (chains, runs)
    choices = stops[chains] - starts[chains] - 1  # (chains, runs): how many cuts there are
    chosen, places = _spread(choices.prod(axis=1))
    chains, choices = chains[chosen], choices[chosen]
    cuts = starts[chains] + 1
    for run in reversed(range(runs)):
        places, within = np.divmod(places, choices[:, run])
        cuts[:, run] += within
    chosen = rows[chains[:, 0]]
    return _distinct(
        Stretches(numberings[chosen], starts[chains], cuts, stops[chains], sources[chosen], period)
    )


def _find_runs(deltas: Deltas, period: int) -> tuple[_Places, _Places, _Places]:
    """Find the longest runs: the row of each, its first state, and the one after its last."""
    wide = deltas.astype(np.int16)
    steps = wide[:, :, period:] - wide[:, :, :-period]  # (batch, k, n-p): from q to q + p
    fits = ((steps == 0) | (steps == period)).all(axis=1)
    same = (steps[:, :, period:] == steps[:, :, :-period]).all(axis=1)  # (batch, n-2p)
    # the first state of the longest run that ends with q + p; after q if there is none
    firsts = np.zeros(fits.shape, np.int64)
    first = np.zeros(len(deltas), np.int64)
    for q in range(fits.shape[1]):
        if q >= period:
            first = np.where(same[:, q - period], first, np.maximum(first, q - period + 1))
        firsts[:, q] = first = np.where(fits[:, q], first, q + 1)
    ends = np.ones(fits.shape, np.bool_)
    ends[:, :-1] = firsts[:, 1:] != firsts[:, :-1]
    lengths = np.arange(fits.shape[1]) + period + 1 - firsts
    rows, last = np.nonzero(fits & ends & (lengths >= least_run(period)))
    return rows, firsts[rows, last], last + period + 1


def _chains(rows: _Places, starts: _Places, stops: _Places, runs: int) -> _Places:
    """Return all rows of runs of one numbering that follow each other: indices, (chains, runs)."""
    chains = np.arange(len(rows))[:, None]
    ends = np.searchsorted(rows, rows, side="right")
    for _ in range(runs - 1):
        last = chains[:, -1]
        chosen, places = _spread(ends[last] - last - 1)
        following = last[chosen] + 1 + places
        apart = starts[following] >= stops[last[chosen]]
        chains = np.column_stack([chains[chosen], following])[apart]
    return chains


def _spread(counts: _Places) -> tuple[_Places, _Places]:
    """Return each index i counts[i] times, and beside it 0, 1, ... counts[i] - 1."""
    chosen = np.repeat(np.arange(len(counts)), counts)
    return chosen, np.arange(len(chosen)) - np.repeat(np.cumsum(counts) - counts, counts)


def _distinct(ways: Stretches) -> Stretches:
    """Keep the first of the ways that give isomorphic automata after two and after three steps."""
    forms = [canonical_forms(_lengthen(ways, steps * ways.step)) for steps in _COMPARED_BY]
    _, rows = np.unique(np.concatenate(forms, axis=1), axis=0, return_index=True)
    return ways.of(np.sort(rows))


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
    return _lengthen(checked, by)


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


def _lengthen(ways: Stretches, by: int) -> Deltas:
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
    starts: _Places,
    cuts: _Places,
    stops: _Places,
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


def _at(deltas: npt.NDArray[np.integer], states: _Places) -> npt.NDArray[np.int64]:
    """Return targets of states of each automaton: (batch, k, n) at (batch, m) -> (batch, k, m)."""
    states = np.repeat(states[:, None], deltas.shape[1], axis=1)
    return np.take_along_axis(deltas.astype(np.int64), states, axis=2)
