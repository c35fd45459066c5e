"""Linear recurrences that a sequence of integers obeys, such as Fibonacci's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from automata.arguments import check_integer

RECURRENCE_TERMS = 10
"""Terms that decide about every recurrence of three coefficients."""
_MOST_COEFFICIENTS = 3


class Recurrence(NamedTuple):
    """L(n) = c1 L(n - s) + ... + cr L(n - r s) + c, with integers c and a step s in n.

    Examples
    --------
    >>> str(Recurrence((1, 1), 1)), str(Recurrence((2, 0, -1), 0, step=2))
    ('L(n-1)+L(n-2)+1', '2L(n-2)-L(n-6)')
    """

    coefficients: tuple[int, ...]
    """c1, ..., cr"""
    constant: int
    """c"""
    step: int = 1
    """s"""

    def following(self, values: Sequence[int]) -> int:
        """Return the term after some values, at least as many as there are coefficients.

        Examples
        --------
        >>> Recurrence((1, 1), 1).following([4, 7])
        12
        """
        latest = reversed(values[-len(self.coefficients) :])
        products = (own * value for own, value in zip(self.coefficients, latest, strict=True))
        return self.constant + sum(products)

    def holds(self, values: Sequence[int]) -> bool:
        """Return whether each of the values after the first ones follows from those before it."""
        order = len(self.coefficients)
        places = range(order, len(values))
        return all(self.following(values[:place]) == values[place] for place in places)

    def __str__(self) -> str:
        """Write the right side of the equation."""
        terms = [
            f"{own:+}L(n-{(place + 1) * self.step})"
            for place, own in enumerate(self.coefficients)
            if own
        ]
        text = "".join(terms).replace("+1L", "+L").replace("-1L", "-L")
        text += f"{self.constant:+}" if self.constant or not text else ""
        return text.removeprefix("+")


def find_recurrence(values: Sequence[int], *, step: int = 1) -> Recurrence | None:
    """Return the recurrence of fewest coefficients that a sequence obeys, None if there is none.

    A recurrence has at most three coefficients, its constant included. The first terms decide which
    it may be. It must then hold for more terms than it has coefficients: a rule that any numbers
    would obey is none.

    Parameters
    ----------
    values : sequence of int
        Terms at n, n + step, n + 2 step, ...; `RECURRENCE_TERMS` are enough for every recurrence,
        fewer for those of few coefficients.
    step : int
        At least 1.

    Raises
    ------
    ValueError
        If `step` or a value is not an integer, or `step` is less than 1.

    Examples
    --------
    >>> str(find_recurrence([1, 2, 4, 7, 12, 20, 33, 54, 88, 143]))
    'L(n-1)+L(n-2)+1'
    >>> find_recurrence([4, 9, 16, 26, 39, 55, 73, 94, 119, 146]) is None
    True
    """
    terms = [check_integer("a value", value) for value in values]
    step = check_integer("step", step, 1)
    for order, constant in _shapes():
        unknown = order + constant
        if len(terms) < order + 2 * unknown + 1:
            continue
        equations = [
            [*reversed(terms[place : place + order]), *[1] * constant, terms[place + order]]
            for place in range(unknown)
        ]
        solved = _solve([[Fraction(entry) for entry in row] for row in equations])
        if solved is None or any(own.denominator != 1 for own in solved):
            continue
        found = [int(own) for own in solved]
        recurrence = Recurrence(tuple(found[:order]), found[order] if constant else 0, step)
        if recurrence.holds(terms):
            return recurrence
    return None


def _shapes() -> Iterator[tuple[int, bool]]:
    """Yield orders, with a constant and without, by the number of coefficients, then by order."""
    for unknown in range(1, _MOST_COEFFICIENTS + 1):
        if unknown > 1:
            yield unknown - 1, True
        yield unknown, False


def _solve(rows: list[list[Fraction]]) -> list[Fraction] | None:
    """Solve as many linear equations as unknowns, the right side last; None if not unique."""
    size = len(rows)
    for column in range(size):
        pivot = next((row for row in range(column, size) if rows[row][column]), None)
        if pivot is None:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [entry / rows[column][column] for entry in rows[column]]
        for row in range(size):
            if row != column and rows[row][column]:
                factor = rows[row][column]
                rows[row] = [
                    entry - factor * own for entry, own in zip(rows[row], rows[column], strict=True)
                ]
    return [row[-1] for row in rows]
