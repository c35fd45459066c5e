"""The search for the series that automata begin, for one number of letters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.automaton import Deltas
from automata.canonical import canonical_forms, from_canonical
from automata.families import identify
from automata.proof.certify import proved_threshold
from automata.series import (
    CHECKED,
    Quadratic,
    Stretches,
    find_stretches,
    series_sizes,
    series_thresholds,
    stretch,
)
from automata.text.formats import format_delta
from data.progress import progress

MODULI = (2, 3)
"""Formulas may hold for one parity of n, or for some residues modulo 3."""
_KEY_SIZES = 2
"""Two series are the same if they have the same members at this many further sizes."""
_WIELANDT = re.compile(r"Wielandt\((\d+),(\d+)\)")


class Branch(NamedTuple):
    """A series: one automaton, lengthened in one way to all sizes of a residue of n."""

    formula: Quadratic
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

    def __init__(self, rows: pd.DataFrame, k: int) -> None:
        self.rows, self.k = rows, k
        self.forms = rows["canonical"].map(lambda text: bytes(map(int, text.split())))
        self.thresholds = dict(zip(self.forms, rows["reset_threshold"], strict=True))
        self.sizes = sorted(map(int, rows["n"].unique()))
        self.begun: list[Begun] = []
        self.stored: dict[bytes, set[int]] = {}
        """For the key of each series, the sizes of its members in the archive."""
        self.members: set[bytes] = set()
        """Canonical forms of all members in the archive."""

    def of_size(self, n: int) -> Deltas:
        """Return the automata with n states: uint8 (batch, k, n)."""
        own = b"".join(self.forms[self.rows["n"] == n])
        return from_canonical(np.frombuffer(own, np.uint8).reshape(-1, n * self.k), n, self.k)

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

    def sporadic(self) -> pd.DataFrame:
        """Return the rows of the automata that belong to no series."""
        return self.rows[[form not in self.members for form in self.forms]]


def search_series(
    stock: Stock,
    at_least: float,
    report: Callable[[int], object],
    *,
    prove: bool = False,
    workers: int = 1,
) -> None:
    """Find the series that automata of a stock begin, each once, smaller automata first.

    Parameters
    ----------
    stock : Stock
    at_least, prove, workers
        As in `search.archive.series.find_series`.
    report : callable
        Called after each size with its number of automata.
    """
    for n in stock.sizes:
        deltas = stock.of_size(n)
        ways = find_stretches(deltas)
        for modulo in MODULI:
            ways = _begin(stock, ways, modulo, at_least, prove=prove, workers=workers)
        report(len(deltas))


def _begin(
    stock: Stock, ways: Stretches, modulo: int, at_least: float, *, prove: bool, workers: int
) -> Stretches:
    """Add the series that automata begin at residues of n; return the ways that begin none."""
    n, residues = ways.deltas.shape[2], range(modulo)
    keys = [_keys(ways, stock.sizes[-1], modulo, residue) for residue in residues]
    known = np.array([[key in stock.stored for key in row] for row in keys], np.bool_)
    left = np.flatnonzero(~known.all(axis=0))
    ways, keys = ways.of(left), [[row[way] for way in left] for row in keys]
    found = np.stack(  # (residue, way, size)
        [
            series_thresholds(ways, modulo, residue, at_least=at_least, workers=workers)
            for residue in residues
        ]
    )
    if prove:
        _prove(ways, found)
    obeys = found[:, :, -1] >= 0
    begins = np.flatnonzero(obeys.any(axis=0))
    families = [_families(ways.of(begins), modulo, residue) for residue in residues]
    lengthened = {size: _forms(ways.of(begins), size) for size in stock.sizes if size >= n}
    for place, way in enumerate(begins):
        branches = {
            r: Branch(_formula(n, modulo, r, found[r, way]), keys[r][way], families[r][place])
            for r in np.flatnonzero(obeys[:, way]).tolist()
        }
        one = ways.of(np.array([way]))
        forms = {size: of_size[place] for size, of_size in lengthened.items()}
        stock.add(Begun(one, modulo, branches), forms)
    return ways.of(np.flatnonzero(~obeys.any(axis=0)))


def _keys(ways: Stretches, largest: int, modulo: int, residue: int) -> list[bytes]:
    """Return the keys of series: canonical forms of members larger than all stored automata."""
    sizes = series_sizes(largest, modulo, residue)[:_KEY_SIZES]
    return [b"".join(pair) for pair in zip(*(_forms(ways, n) for n in sizes), strict=True)]


def _forms(ways: Stretches, size: int) -> list[bytes]:
    """Return the canonical forms of the automata, lengthened to a size."""
    return [*map(bytes, canonical_forms(stretch(ways, size - ways.deltas.shape[2])))]


def _formula(n: int, modulo: int, residue: int, thresholds: npt.NDArray[np.int32]) -> Quadratic:
    return Quadratic.through(series_sizes(n, modulo, residue)[:3], thresholds[:3].tolist())


def _families(ways: Stretches, modulo: int, residue: int) -> list[str]:
    """Return the family of each series from its first two members, "" for none."""
    n = ways.deltas.shape[2]
    sizes = series_sizes(n, modulo, residue)[:2]
    pairs = zip(*(identify(stretch(ways, size - n)) for size in sizes), strict=True)
    return [_common_name(*names) for names in pairs]


def _common_name(first: str, second: str) -> str:
    """Return the common family of two members; Wielandt-type names contain n and are compared."""
    if first == second:
        return first
    found = [match for name in (first, second) if (match := _WIELANDT.fullmatch(name))]
    cycles = {int(match[2]) for match in found}
    shorter = {int(match[1]) - int(match[2]) for match in found}
    if len(found) == 2 and len(shorter) == 1:
        return f"Wielandt(n,n-{shorter.pop()})"
    return f"Wielandt(n,{cycles.pop()})" if len(found) == 2 and len(cycles) == 1 else ""


def _prove(ways: Stretches, thresholds: npt.NDArray[np.int32]) -> None:
    """Prove the thresholds of all series: int32 (residue, way, size)."""
    n, modulo = ways.deltas.shape[2], len(thresholds)
    series = np.argwhere(thresholds[:, :, -1] >= 0)
    if not len(series):
        return
    with progress(CHECKED * len(series), f"prove n={n}", "thresholds") as bar:
        for residue, row in series:
            way = ways.of(np.array([row]))
            for column, size in enumerate(series_sizes(n, modulo, residue)):
                (delta,) = stretch(way, size - n)
                proved = proved_threshold(delta)
                if proved != (claimed := thresholds[residue, row, column]):
                    raise RuntimeError(
                        f"solver bug: threshold {claimed}, but {proved} is proved of "
                        f"{format_delta(delta)}"
                    )
            bar.update(CHECKED)
