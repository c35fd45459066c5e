"""Series of automata: one lengthened again and again, and the formula of the thresholds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import lcm
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer, check_number
from automata.deltas import Deltas
from automata.sizes import cerny_bound
from automata.solver.either import thresholds_of
from automata.solver.exact import UNKNOWN, Thresholds
from automata.stretches import Stretches, stretch

ENDED = -1
"""In arrays of thresholds of a series: it ends there."""
CHECKED = 7
"""Number of sizes at which thresholds are compared: three give a formula, four confirm it. Seven
sizes in steps of 2 or 3 also test every condition that 3, 5 or 7 divides n."""


def series_thresholds(
    ways: Stretches,
    modulo: int,
    residue: int,
    *,
    at_least: float = 0.0,
    partial: bool = False,
    solve: Callable[[Deltas], Thresholds] | None = None,
) -> npt.NDArray[np.int32]:
    """Solve longer and longer automata while their thresholds follow one quadratic formula.

    Parameters
    ----------
    ways : Stretches
    modulo, residue : int
        They choose the sizes, as in `series_sizes`.
    at_least : float
        Least share of (n-1)^2, the Černý bound, at each of these sizes.
    partial : bool
        Whether letters may be undefined on states; then thresholds are careful.
    solve : callable, optional
        Returns the thresholds of automata, as `automata.solver.either.thresholds_of` does, which is
        the default; `automata.solver.once.SolvedOnce` keeps them for the next residue.

    Returns
    -------
    int32 array, shape (batch, 7)
        Thresholds by size. They are `ENDED` from the first size on where the automaton does not
        synchronize, its threshold is under `at_least`, or the third difference is not 0; `UNKNOWN`
        from the first size on where the memory did not suffice, and any other number under that
        from the first size on where `solve` has returned it.

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError
        As `automata.stretches.stretch` and `series_sizes`, or if `at_least` is not finite.
    """
    check_number("at_least", at_least)
    n = ways.deltas.shape[2]
    thresholds = np.full((len(ways.deltas), CHECKED), ENDED, np.int32)
    alive = np.arange(len(ways.deltas))
    for column, size in enumerate(series_sizes(n, modulo, residue)):
        longer = stretch(ways.of(alive), size - n, partial=partial)
        found = thresholds_of(longer, partial=partial) if solve is None else solve(longer)
        unsolved = found <= UNKNOWN
        thresholds[alive[unsolved], column:] = found[unsolved, None]
        good = (found >= 0) & (found >= at_least * cerny_bound(size) - 1e-9)
        if column >= 3:
            last = thresholds[alive, column - 3 : column]
            good &= found == 3 * last[:, 2] - 3 * last[:, 1] + last[:, 0]
        alive = alive[good]
        thresholds[alive, column] = found[good]
    return thresholds


def series_sizes(n: int, modulo: int, residue: int) -> range:
    """Return the first seven sizes over n that are congruent to `residue` modulo `modulo`.

    Raises
    ------
    ValueError
        If an argument is not an integer, or n or `modulo` is less than 1.

    Examples
    --------
    >>> [*series_sizes(10, 2, 0)], [*series_sizes(10, 3, 2)]
    ([12, 14, 16, 18, 20, 22, 24], [11, 14, 17, 20, 23, 26, 29])
    """
    n, modulo = check_integer("n", n, 1), check_integer("modulo", modulo, 1)
    residue = check_integer("residue", residue)
    first = n + 1 + (residue - n - 1) % modulo
    return range(first, first + CHECKED * modulo, modulo)


class Quadratic(NamedTuple):
    """A formula quadratic in n; formulas compare as their values for large n.

    Examples
    --------
    >>> str(Quadratic.through([5, 7, 9], [16, 36, 64]))
    'n^2-2n+1'
    >>> str(Quadratic.through([5, 7, 9], [10, 22, 38]))
    '(n^2-5)/2'
    """

    square: Fraction
    linear: Fraction
    constant: Fraction

    @classmethod
    def through(cls, sizes: Sequence[int], thresholds: Sequence[int]) -> Quadratic:
        """Return the formula through three thresholds, their sizes equally spaced."""
        (first, middle, last), (low, mid, high) = sizes, map(int, thresholds)
        square = Fraction(high - 2 * mid + low, 2 * (middle - first) ** 2)
        linear = Fraction(high - low, last - first) - square * (first + last)
        return cls(square, linear, low - square * first**2 - linear * first)

    @property
    def slowness(self) -> tuple[Fraction, ...]:
        """Sorts formulas by their values for large n, the largest first."""
        return -self.square, -self.linear, -self.constant

    def __call__(self, n: int) -> Fraction:
        """Return the value at n."""
        return self.square * n * n + self.linear * n + self.constant

    def __str__(self) -> str:
        """Write it over one denominator, as n^2-4n+6."""
        below = lcm(*(factor.denominator for factor in self))
        above = "".join(
            _term(int(factor * below), power)
            for factor, power in zip(self, ("n^2", "n", ""), strict=True)
        )
        above = above.removeprefix("+") or "0"
        return above if below == 1 else f"({above})/{below}"


def _term(factor: int, power: str) -> str:
    """Write one term with its sign; nothing for a factor of 0."""
    if factor == 0:
        return ""
    size = "" if abs(factor) == 1 and power else str(abs(factor))
    return f"{'-' if factor < 0 else '+'}{size}{power}"
