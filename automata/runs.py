"""All ways to lengthen automata: the runs in each of their numberings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import factorial

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.automaton import Automaton
from automata.canonical import CANONICAL_MAX_STATES, canonical_forms
from automata.deltas import Deltas, validate_deltas
from automata.errors import SizeLimitError
from automata.numbering import all_numberings_of_valid
from automata.stretches import LARGEST_PERIOD, MOST_RUNS, Places, Stretches, lengthen_valid

_COMPARED_BY = (2, 3)
"""Two ways to lengthen are compared after this many steps."""
_PART_BYTES = 1 << 22
"""Bytes of the numberings, and of the lengthened automata, that are in memory at a time."""


def least_run(period: int) -> int:
    """Return the least number of states of a run: two of each kind, and three in all."""
    return max(3, 2 * period)


def stretch_max_states(step: int) -> int:
    """Return the most states of an automaton that `find_stretches` lengthens by a step."""
    return CANONICAL_MAX_STATES - max(_COMPARED_BY) * step


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
    >>> from automata.stretches import stretch
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
    rows: Places,
    starts: Places,
    stops: Places,
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


def _find_runs(deltas: Deltas, period: int) -> tuple[Places, Places, Places]:
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


def _chains(rows: Places, starts: Places, stops: Places, runs: int) -> Places:
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


def _spread(counts: Places) -> tuple[Places, Places]:
    """Return each index i counts[i] times, and beside it 0, 1, ... counts[i] - 1."""
    chosen = np.repeat(np.arange(len(counts)), counts)
    return chosen, np.arange(len(chosen)) - np.repeat(np.cumsum(counts) - counts, counts)


def _distinct(ways: Stretches) -> Stretches:
    """Keep the first of the ways that give isomorphic automata after two and after three steps."""
    forms = [canonical_forms(lengthen_valid(ways, steps * ways.step)) for steps in _COMPARED_BY]
    _, rows = np.unique(np.concatenate(forms, axis=1), axis=0, return_index=True)
    return ways.of(np.sort(rows))
