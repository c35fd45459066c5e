"""The automata of an archive with one number of letters, and the series found among them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd

from automata.canonical import from_canonical
from automata.deltas import UNDEFINED, Deltas
from automata.recurrences import Recurrence
from automata.series import Quadratic
from automata.stretches import Stretches

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
    solved: Mapping[int, int]
    """The thresholds that the formula rests on, by size."""


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
        self.undecided: set[bytes] = set()
        """Canonical forms of the automata for which time did not suffice."""

    def of_size(self, n: int, *, left: bool = False) -> Deltas:
        """Return the automata with n states, or those `left` by all series: uint8 (batch, k, n)."""
        done = self.members | self.undecided if left else set()
        own = b"".join(form for form in self.forms[self.rows["n"] == n] if form not in done)
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

    def leave_undecided(self, sizes: Collection[int]) -> None:
        """Note the automata for which there was no time: all of some sizes, and those left."""
        unreached = self.rows["n"].isin(sizes) | ~self.forms.isin(self.members)
        self.undecided.update(self.forms[unreached])

    def left(self) -> pd.DataFrame:
        """Return the rows of the automata for which time did not suffice."""
        return self.rows[[form in self.undecided for form in self.forms]]

    def sporadic(self) -> pd.DataFrame:
        """Return the rows of the automata that belong to no series."""
        done = self.members | self.undecided
        return self.rows[[form not in done for form in self.forms]]
