"""The search for the series that automata begin, for one number of letters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.canonical import CANONICAL_MAX_STATES, canonical_forms, from_canonical
from automata.deltas import UNDEFINED, Deltas
from automata.identification import identify
from automata.proof.certify import proved_threshold
from automata.recurrences import RECURRENCE_TERMS, Recurrence, find_recurrence
from automata.series import CHECKED, Quadratic, series_sizes, series_thresholds
from automata.solver.exact import UNKNOWN
from automata.solver.once import SolvedOnce
from automata.stretches import Stretches, find_stretches, stretch
from automata.text.formats import format_delta
from automata.units import Lost, Pool, results_of_chunks
from data.progress import progress

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
_WIELANDT = re.compile(r"Wielandt\((\d+),(\d+)\)")
_P = re.compile(r"P\(\d+,(\d+)\)")
_MEMORY = 1 << 22
"""Bytes of solver memory for a threshold: those of lengthened automata may take ever more."""
_RECURRING_MEMORY = 1 << 24
"""Bytes for a threshold where they may obey a recurrence, and so grow exponentially."""


_Claim = tuple[Stretches, Mapping[int, int]]
"""An automaton, how it is lengthened, and its thresholds by size."""
_FASTEST = 10**9
"""More than the factor of n^2 in any formula."""


class Recurring(NamedTuple):
    """Thresholds that obey a recurrence, from a first size on."""

    recurrence: Recurrence
    first: int
    lengths: tuple[int, ...]
    """At the sizes first, first + 1, ..."""

    @property
    def slowness(self) -> tuple[Fraction, ...]:
        """Sorts recurrences before quadratic formulas, those of longer words first."""
        return Fraction(-_FASTEST), Fraction(-self.lengths[-1]), Fraction(0)

    def __call__(self, n: int) -> int:
        """Return the threshold at a size, -1 at sizes that were not solved."""
        place = n - self.first
        return self.lengths[place] if 0 <= place < len(self.lengths) else -1

    def __str__(self) -> str:
        return str(self.recurrence)


class Branch(NamedTuple):
    """A series: one automaton, lengthened in one way to all sizes of a residue of n."""

    formula: Quadratic | Recurring
    key: bytes
    """Identifies the series."""
    family: str
    """Its name, "" for none."""


class Begun(NamedTuple):
    """An automaton with a way to lengthen it, and the series that it begins."""

    way: Stretches
    modulo: int
    branches: dict[int, Branch]
    """By the residue of n."""


class Stock:
    """The automata of an archive with k letters, and the series found among them so far."""

    def __init__(self, rows: pd.DataFrame, k: int, partial: bool = False) -> None:
        self.rows, self.k, self.partial = rows, k, partial
        self.forms = rows["canonical"].map(
            lambda text: bytes(UNDEFINED if own == "-" else int(own) for own in text.split())
        )
        self.thresholds = dict(zip(self.forms, rows["reset_threshold"], strict=True))
        self.sizes = sorted(map(int, rows["n"].unique()))
        self.begun: list[Begun] = []
        self.stored: dict[bytes, set[int]] = {}
        """For the key of each series, the sizes of its members in the archive."""
        self.members: set[bytes] = set()
        """Canonical forms of all members in the archive."""
        self.left_open: set[bytes] = set()
        """The ways to lengthen that ended for want of memory for a threshold."""

    def of_size(self, n: int, *, left: bool = False) -> Deltas:
        """Return the automata with n states, or those `left` by all series: uint8 (batch, k, n)."""
        own = b"".join(
            form for form in self.forms[self.rows["n"] == n] if not (left and form in self.members)
        )
        forms = np.frombuffer(own, np.uint8).reshape(-1, n * self.k)
        return from_canonical(forms, n, self.k, partial=self.partial)

    def add(self, begun: Begun, lengthened: Mapping[int, bytes]) -> None:
        """Add series, and note the members that the archive has.

        `lengthened` has the canonical form of the automaton at each size.
        """
        self.begun.append(begun)
        for residue, branch in begun.branches.items():
            found_at = self.stored.setdefault(branch.key, set())
            for size, form in lengthened.items():
                of_branch = size % begun.modulo == residue
                if of_branch and self.thresholds.get(form) == branch.formula(size):
                    found_at.add(size)
                    self.members.add(form)

    def leave_open(self, ways: Stretches) -> None:
        """Note ways to lengthen that ended for want of memory."""
        for places in zip(*ways[:4], strict=True):
            self.left_open.add(bytes([ways.period]) + b"".join(own.tobytes() for own in places))

    def sporadic(self) -> pd.DataFrame:
        """Return the rows of the automata that belong to no series."""
        return self.rows[[form not in self.members for form in self.forms]]


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
    families = [_families(ways.of(begins), modulo, residue) for residue in residues]
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
        (family,) = _families(one, 1, 0)
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


def _families(ways: Stretches, modulo: int, residue: int) -> list[str]:
    """Return the family of each series from its first two members, "" for none."""
    n = ways.deltas.shape[2]
    sizes = series_sizes(n, modulo, residue)[:2]
    pairs = zip(*(identify(stretch(ways, size - n, partial=True)) for size in sizes), strict=True)
    return [_common_name(*names) for names in pairs]


def _common_name(first: str, second: str) -> str:
    """Return the common family of two members; names that contain n are compared."""
    if first == second:
        return first
    partial = {match[1] for name in (first, second) if (match := _P.fullmatch(name))}
    if len(partial) == 1 and _P.fullmatch(first) and _P.fullmatch(second):
        return f"P(n,{partial.pop()})"
    found = [match for name in (first, second) if (match := _WIELANDT.fullmatch(name))]
    cycles = {int(match[2]) for match in found}
    shorter = {int(match[1]) - int(match[2]) for match in found}
    if len(found) == 2 and len(shorter) == 1:
        return f"Wielandt(n,n-{shorter.pop()})"
    return f"Wielandt(n,{cycles.pop()})" if len(found) == 2 and len(cycles) == 1 else ""


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
