"""The search for the series that automata begin, for one number of letters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.canonical import CANONICAL_MAX_STATES, canonical_forms
from automata.recurrences import RECURRENCE_TERMS, find_recurrence
from automata.runs import find_stretches
from automata.series import CHECKED, Quadratic, series_sizes, series_thresholds
from automata.solver.exact import UNKNOWN
from automata.solver.timed import OUT_OF_TIME
from automata.stretches import Stretches, stretch
from automata.text.formats import format_delta
from data.progress import progress
from search.archive.series_names import families_of
from search.archive.series_solvers import Solvers
from search.archive.series_stock import Begun, Branch, Recurring, Stock

PATTERNS = (
    (1, 1, (2, 3)),
    (1, 1, (4, 6)),
    (2, 1, (2, 4, 6)),
    (3, 1, (3, 6)),
    (4, 1, (4,)),
    (1, 2, (2, 4, 6)),
    (2, 2, (4,)),
)
"""How automata are lengthened: in runs of a period, one or two together, with formulas that hold
for some residues of n modulo one of the last numbers. All automata are lengthened in the first way,
in each further one those that no series has yet."""
_KEY_SIZES = 2
"""Two series are the same if they have the same members at this many further sizes."""
_PART, _PART_SECONDS = 32, 1.0
"""Ways to lengthen that are decided together: twice as many after a part that took less time."""


class Search(NamedTuple):
    """A search for series."""

    stock: Stock
    solvers: Solvers
    at_least: float = 0.0
    """As in `search.archive.series.find_series`."""
    prove: bool = False
    """As there."""
    save: Callable[[], object] = lambda: None
    """Called after each part of the work."""


def search_series(search: Search, report: Callable[[int], object]) -> None:
    """Find the series that automata of a stock begin, each once, smaller automata first.

    If the clock of the solvers expires, the stock notes the automata that are not decided.

    Parameters
    ----------
    search : Search
    report : callable
        Called after each size and pattern with the number of automata of that size.
    """
    stock = search.stock
    for period, runs, moduli in PATTERNS:
        first = (period, runs, moduli) == PATTERNS[0]
        for n in stock.sizes:
            if search.solvers.clock.expired:
                stock.leave_undecided([size for size in stock.sizes if first and size >= n])
                return
            deltas = stock.of_size(n, left=not first)
            ways = find_stretches(deltas, period=period, runs=runs, partial=stock.partial)
            for modulo in moduli:
                if n + CHECKED * modulo <= CANONICAL_MAX_STATES:
                    ways = _begin(search, ways, modulo)
            if stock.partial and first:
                _begin_recurrences(search, ways)
            report(int((stock.rows["n"] == n).sum()))


def _begin(search: Search, ways: Stretches, modulo: int) -> Stretches:
    """Add the series that automata begin at residues of n; return the ways that begin none."""
    stock, n = search.stock, ways.deltas.shape[2]
    residues = [r for r in range(modulo) if (r - n) % ways.step == 0]
    keys = [_keys(ways, stock.sizes[-1], modulo, residue) for residue in residues]
    known = np.array([[key in stock.stored for key in row] for row in keys], np.bool_)
    new = np.flatnonzero(~known.all(axis=0))
    left = [new[:0]]
    for rows in _parts(search, ways.of(new)):
        own = [[keys[r][way] for way in new[rows]] for r in range(len(residues))]
        begins_none = _begin_part(search, ways.of(new[rows]), modulo, residues, own)
        left.append(new[rows][begins_none])
    return ways.of(np.concatenate(left))


def _parts(search: Search, ways: Stretches) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the rows of ways part by part while there is time; note those that are left."""
    rows, size = np.arange(len(ways.deltas)), _PART
    while len(rows) and not search.solvers.clock.expired:
        began = time.monotonic()
        yield rows[:size]
        search.save()
        rows = rows[size:]
        if time.monotonic() - began < _PART_SECONDS:
            size *= 2
    _leave_undecided(search.stock, ways.of(rows))


def _leave_undecided(stock: Stock, ways: Stretches) -> None:
    """Note the automata of ways for which time did not suffice."""
    stock.undecided.update(_forms(ways, ways.deltas.shape[2]))


def _begin_part(
    search: Search, ways: Stretches, modulo: int, residues: Sequence[int], keys: list[list[bytes]]
) -> npt.NDArray[np.int64]:
    """Add the series that some ways begin; return the rows of those that begin none."""
    stock, n = search.stock, ways.deltas.shape[2]
    found = np.stack(  # (residue, way, size)
        [
            series_thresholds(
                *(ways, modulo, residue),
                at_least=search.at_least,
                partial=stock.partial,
                solve=search.solvers.quadratic.thresholds,
            )
            for residue in residues
        ]
    )
    stock.leave_open(ways.of(np.flatnonzero((found[:, :, -1] == UNKNOWN).any(axis=0))))
    if search.prove:
        for residue, thresholds in zip(residues, found, strict=True):
            _prove(search.solvers, ways, series_sizes(n, modulo, residue), thresholds)
    late = (found[:, :, -1] == OUT_OF_TIME).any(axis=0)
    _leave_undecided(stock, ways.of(np.flatnonzero(late)))
    obeys = (found[:, :, -1] >= 0) & ~late
    begins = np.flatnonzero(obeys.any(axis=0))
    families = [families_of(ways.of(begins), modulo, residue) for residue in residues]
    sizes = [size for size in stock.sizes if size >= n and (size - n) % ways.step == 0]
    lengthened = {size: _forms(ways.of(begins), size) for size in sizes}
    for place, way in enumerate(begins):
        branches = {
            residues[r]: _quadratic_branch(
                series_sizes(n, modulo, residues[r]),
                found[r, way].tolist(),
                keys[r][way],
                families[r][place],
            )
            for r in np.flatnonzero(obeys[:, way]).tolist()
        }
        one = ways.of(np.array([way]))
        forms = {size: of_size[place] for size, of_size in lengthened.items()}
        stock.add(Begun(one, modulo, branches), forms)
    return np.flatnonzero(~obeys.any(axis=0) & ~late)


def _begin_recurrences(search: Search, ways: Stretches) -> None:
    """Add series whose thresholds obey a recurrence at the next sizes."""
    keys = _keys(ways, search.stock.sizes[-1], 1, 0)
    new = [way for way, key in enumerate(keys) if key not in search.stock.stored]
    ways, keys = ways.of(np.array(new, np.int64)), [keys[way] for way in new]
    for rows in _parts(search, ways):
        _begin_recurrences_part(search, ways.of(rows), [keys[way] for way in rows])


def _begin_recurrences_part(search: Search, ways: Stretches, keys: list[bytes]) -> None:
    """Add those that some ways begin."""
    stock, n = search.stock, ways.deltas.shape[2]
    sizes = range(n + 1, n + 1 + RECURRENCE_TERMS)
    lengths = np.full((len(keys), RECURRENCE_TERMS), UNKNOWN, np.int32)
    alive = np.arange(len(keys))
    for column, size in enumerate(sizes):
        longer = stretch(ways.of(alive), size - n, partial=True)
        found = search.solvers.recurring.thresholds(longer)
        lengths[alive, column] = found
        stock.leave_open(ways.of(alive[found == UNKNOWN]))
        _leave_undecided(stock, ways.of(alive[found == OUT_OF_TIME]))
        alive = alive[found >= 0]
    recurrences = {way: find_recurrence(lengths[way].tolist()) for way in alive.tolist()}
    begins = np.array([way for way, found in recurrences.items() if found], np.int64)
    own = [stock.thresholds[form] for form in _forms(ways.of(begins), n)]
    terms = np.column_stack([np.array(own, np.int32), lengths[begins]])  # (way, size), from n on
    if search.prove:
        _prove(search.solvers, ways.of(begins), range(n, sizes.stop), terms)
    _leave_undecided(stock, ways.of(begins[terms[:, -1] == OUT_OF_TIME]))
    for way, (own, *further) in zip(begins.tolist(), terms.tolist(), strict=True):
        recurrence = recurrences[way]
        if recurrence is None or further[-1] == OUT_OF_TIME:
            continue
        first = n if recurrence.holds([own, *further]) else n + 1
        solved = dict(zip(range(first, sizes.stop), [own, *further][first - n :], strict=True))
        formula = Recurring(recurrence, first, tuple(solved.values()))
        one = ways.of(np.array([way]))
        (family,) = families_of(one, 1, 0)
        forms = {size: _forms(one, size)[0] for size in stock.sizes if size >= n}
        stock.add(Begun(one, 1, {0: Branch(formula, keys[way], family, solved)}), forms)


def _keys(ways: Stretches, largest: int, modulo: int, residue: int) -> list[bytes]:
    """Return the keys of series: canonical forms of members larger than all stored automata."""
    sizes = series_sizes(largest, modulo, residue)[:_KEY_SIZES]
    return [b"".join(pair) for pair in zip(*(_forms(ways, n) for n in sizes), strict=True)]


def _forms(ways: Stretches, size: int) -> list[bytes]:
    """Return the canonical forms of the automata, lengthened to a size."""
    longer = stretch(ways, size - ways.deltas.shape[2], partial=True)
    return [*map(bytes, canonical_forms(longer))]


def _quadratic_branch(sizes: range, thresholds: list[int], key: bytes, family: str) -> Branch:
    """Return the series with the formula through the thresholds at the first three sizes."""
    formula = Quadratic.through(sizes[:3], thresholds[:3])
    return Branch(formula, key, family, dict(zip(sizes, thresholds, strict=True)))


def _prove(
    solvers: Solvers, ways: Stretches, sizes: Sequence[int], thresholds: npt.NDArray[np.int32]
) -> None:
    """Prove the thresholds of all series: int32 (way, size).

    The last one becomes `OUT_OF_TIME` where time does not suffice for all.
    """
    n = ways.deltas.shape[2]
    series = np.flatnonzero(thresholds[:, -1] >= 0)
    if not len(series):
        return
    late = np.zeros(len(series), np.bool_)
    with progress(thresholds[series].size, f"prove n={n}", "thresholds") as bar:
        for column, size in enumerate(sizes):
            longer = stretch(ways.of(series), size - n, partial=True)
            proved = solvers.proofs.thresholds(longer)
            for delta, claimed, found in zip(
                longer, thresholds[series, column].tolist(), proved.tolist(), strict=True
            ):
                if found not in (claimed, OUT_OF_TIME):
                    raise RuntimeError(
                        f"solver bug: threshold {claimed}, but {found} is proved of "
                        f"{format_delta(delta)}"
                    )
            late |= proved == OUT_OF_TIME
            bar.update(len(series))
    thresholds[series[late], -1] = OUT_OF_TIME
