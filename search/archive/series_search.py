"""The search for the series that automata begin, for one number of letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing

import numpy as np
import numpy.typing as npt

from automata.canonical import CANONICAL_MAX_STATES, canonical_forms
from automata.proof.certify import proved_threshold
from automata.recurrences import RECURRENCE_TERMS, find_recurrence
from automata.series import CHECKED, Quadratic, series_sizes, series_thresholds
from automata.solver.exact import UNKNOWN
from automata.solver.once import SolvedOnce
from automata.stretches import Stretches, find_stretches, stretch
from automata.text.formats import format_delta
from automata.units import Lost, Pool, results_of_chunks
from data.progress import progress
from search.archive.series_names import families_of
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
_MEMORY = 1 << 22
"""Bytes of solver memory for a threshold: those of lengthened automata may take ever more."""
_RECURRING_MEMORY = 1 << 24
"""Bytes for a threshold where they may obey a recurrence, and so grow exponentially."""


_Claim = tuple[Stretches, Mapping[int, int]]
"""An automaton, how it is lengthened, and its thresholds by size."""


def search_series(
    stock: Stock,
    at_least: float,
    report: Callable[[int], object],
    pool: Pool,
    *,
    prove: bool = False,
) -> None:
    """Find the series that automata of a stock begin, each once, smaller automata first.

    Parameters
    ----------
    stock : Stock
    at_least, prove
        As in `search.archive.series.find_series`.
    report : callable
        Called after each size and pattern with the number of automata of that size.
    pool : Pool
        Where automata are solved, each by one thread, so that its memory does for equally much on
        all machines, and where thresholds are proved.
    """
    solved, recurring = (
        SolvedOnce(partial=stock.partial, memory_limit=limit, pool=pool)
        for limit in (_MEMORY, _RECURRING_MEMORY)
    )
    for period, runs, moduli in PATTERNS:
        first = (period, runs, moduli) == PATTERNS[0]
        for n in stock.sizes:
            deltas = stock.of_size(n, left=not first)
            ways = find_stretches(deltas, period=period, runs=runs, partial=stock.partial)
            for modulo in moduli:
                if n + CHECKED * modulo <= CANONICAL_MAX_STATES:
                    ways = _begin(stock, ways, modulo, at_least, solved, pool, prove=prove)
            if stock.partial and first:
                _begin_recurrences(stock, ways, recurring, pool, prove=prove)
            report(int((stock.rows["n"] == n).sum()))


def _begin(
    stock: Stock,
    ways: Stretches,
    modulo: int,
    at_least: float,
    solved: SolvedOnce,
    pool: Pool,
    *,
    prove: bool,
) -> Stretches:
    """Add the series that automata begin at residues of n; return the ways that begin none."""
    n = ways.deltas.shape[2]
    residues = [r for r in range(modulo) if (r - n) % ways.step == 0]
    keys = [_keys(ways, stock.sizes[-1], modulo, residue) for residue in residues]
    known = np.array([[key in stock.stored for key in row] for row in keys], np.bool_)
    left = np.flatnonzero(~known.all(axis=0))
    ways, keys = ways.of(left), [[row[way] for way in left] for row in keys]
    found = np.stack(  # (residue, way, size)
        [
            series_thresholds(
                *(ways, modulo, residue),
                at_least=at_least,
                partial=stock.partial,
                solve=solved.thresholds,
            )
            for residue in residues
        ]
    )
    stock.leave_open(ways.of(np.flatnonzero((found[:, :, -1] == UNKNOWN).any(axis=0))))
    if prove:
        _prove(ways, modulo, residues, found, pool)
    obeys = found[:, :, -1] >= 0
    begins = np.flatnonzero(obeys.any(axis=0))
    families = [families_of(ways.of(begins), modulo, residue) for residue in residues]
    sizes = [size for size in stock.sizes if size >= n and (size - n) % ways.step == 0]
    lengthened = {size: _forms(ways.of(begins), size) for size in sizes}
    for place, way in enumerate(begins):
        branches = {
            residues[r]: Branch(
                _formula(n, modulo, residues[r], found[r, way]), keys[r][way], families[r][place]
            )
            for r in np.flatnonzero(obeys[:, way]).tolist()
        }
        one = ways.of(np.array([way]))
        forms = {size: of_size[place] for size, of_size in lengthened.items()}
        stock.add(Begun(one, modulo, branches), forms)
    return ways.of(np.flatnonzero(~obeys.any(axis=0)))


def _begin_recurrences(
    stock: Stock, ways: Stretches, solved: SolvedOnce, pool: Pool, *, prove: bool
) -> None:
    """Add series whose thresholds obey a recurrence at the next sizes."""
    n = ways.deltas.shape[2]
    keys = _keys(ways, stock.sizes[-1], 1, 0)
    new = [way for way, key in enumerate(keys) if key not in stock.stored]
    ways, keys = ways.of(np.array(new, np.int64)), [keys[way] for way in new]
    sizes = range(n + 1, n + 1 + RECURRENCE_TERMS)
    lengths = np.full((len(keys), RECURRENCE_TERMS), UNKNOWN, np.int32)
    alive = np.arange(len(keys))
    for column, size in enumerate(sizes):
        longer = stretch(ways.of(alive), size - n, partial=True)
        found = solved.thresholds(longer)
        lengths[alive, column] = found
        stock.leave_open(ways.of(alive[found == UNKNOWN]))
        alive = alive[found >= 0]
    for way in alive.tolist():
        recurrence = find_recurrence(lengths[way].tolist())
        if recurrence is None:
            continue
        one, known = ways.of(np.array([way])), dict(zip(sizes, lengths[way].tolist(), strict=True))
        (own,) = _forms(one, n)
        known[n] = stock.thresholds[own]
        terms = [known[size] for size in range(n, sizes.stop)]
        first = n if recurrence.holds(terms) else n + 1
        if prove:
            _prove_sizes([(one, known)])
        formula = Recurring(recurrence, first, tuple(terms[first - n :]))
        (family,) = families_of(one, 1, 0)
        forms = {size: _forms(one, size)[0] for size in stock.sizes if size >= n}
        stock.add(Begun(one, 1, {0: Branch(formula, keys[way], family)}), forms)


def _keys(ways: Stretches, largest: int, modulo: int, residue: int) -> list[bytes]:
    """Return the keys of series: canonical forms of members larger than all stored automata."""
    sizes = series_sizes(largest, modulo, residue)[:_KEY_SIZES]
    return [b"".join(pair) for pair in zip(*(_forms(ways, n) for n in sizes), strict=True)]


def _forms(ways: Stretches, size: int) -> list[bytes]:
    """Return the canonical forms of the automata, lengthened to a size."""
    longer = stretch(ways, size - ways.deltas.shape[2], partial=True)
    return [*map(bytes, canonical_forms(longer))]


def _formula(n: int, modulo: int, residue: int, thresholds: npt.NDArray[np.int32]) -> Quadratic:
    return Quadratic.through(series_sizes(n, modulo, residue)[:3], thresholds[:3].tolist())


def _prove(
    ways: Stretches,
    modulo: int,
    residues: Sequence[int],
    thresholds: npt.NDArray[np.int32],
    pool: Pool,
) -> None:
    """Prove the thresholds of all series: int32 (residue, way, size)."""
    n = ways.deltas.shape[2]
    series = np.argwhere(thresholds[:, :, -1] >= 0)
    if not len(series):
        return

    def claims() -> Iterator[list[_Claim]]:
        for residue, row in series:
            sizes = series_sizes(n, modulo, residues[residue])
            claimed = dict(zip(sizes, thresholds[residue, row].tolist(), strict=True))
            yield [(ways.of(np.array([row])), claimed)]

    with (
        progress(CHECKED * len(series), f"prove n={n}", "thresholds") as bar,
        closing(results_of_chunks(pool, _prove_sizes, claims())) as proved,
    ):
        for _, problem in proved:
            if isinstance(problem, Lost):
                raise problem
            bar.update(CHECKED)


def _prove_sizes(claims: Iterable[_Claim]) -> None:
    """Prove thresholds of automata lengthened to some sizes."""
    for way, thresholds in claims:
        for size, claimed in thresholds.items():
            (delta,) = stretch(way, size - way.deltas.shape[2], partial=True)
            proved = proved_threshold(delta)
            if proved != claimed:
                raise RuntimeError(
                    f"solver bug: threshold {claimed}, but {proved} is proved of "
                    f"{format_delta(delta)}"
                )
