"""Other readings of a bare table of numbers, since nothing marks it as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from automata.text.edges import ORDERS, whole_above

Rows = Sequence[Sequence[int]]


def lookalikes(rows: Rows) -> list[str]:
    """Return other readings of numbers that fit a table of one state a row.

    Parameters
    ----------
    rows : sequence of sequences of int
        All of one length.

    Returns
    -------
    list of str

    Examples
    --------
    >>> lookalikes([[1, 0], [2, 1], [3, 2], [0, 0]])
    []
    >>> lookalikes([[3, 2], [1, 0], [2, 1], [0, 0], [0, 0]])
    ['a table after counts']
    >>> lookalikes([[0, 1, 0], [1, 2, 2], [2, 0, 0]])
    ['a table with numbers of states']
    """
    if len(rows) < 2:
        return []
    below = (rows, rows[1:])  # the first or the last row may not be part of the table
    between = (*below, rows[:-1], rows[1:-1])
    names = {
        "a table after counts": _is_counted(rows),
        "a table under numbers of letters": _counts_up(rows[0]),
        "a table with numbers of states": any(map(_is_numbered, below)),
        "a table with a column of final states": any(map(_has_final_states, below)),
        "edges without letters": any(map(_are_pairs, between)),
        "edges": any(map(_begins_with_edges, below)),
    }
    return [name for name, is_so in names.items() if is_so]


def _counts_up(numbers: Sequence[int]) -> bool:
    first = numbers[0]
    return first in (0, 1) and [*numbers] == [*range(first, first + len(numbers))]


def _is_numbered(rows: Rows) -> bool:
    return len(rows) > 1 and len(rows[0]) > 1 and _counts_up([row[0] for row in rows])


def _is_counted(rows: Rows) -> bool:
    """Return whether the first row holds n and k, and n rows of states follow."""
    width = len(rows[0])
    for k in {width, width - 1} & {*rows[0]}:
        others = [*rows[0]]
        others.remove(k)
        for n in others:
            table = rows[1 : n + 1]
            fits = len(table) == n > 0 and all(max(row) <= n for row in table)
            if fits and (k == width or _is_numbered(table)):
                return True
    return False


def _has_final_states(rows: Rows) -> bool:
    if len(rows) < 3 or len(rows[0]) < 3:
        return False
    return any({row[column] for row in rows} <= {0, 1} for column in (0, -1))


def _are_pairs(rows: Rows) -> bool:
    """Return whether rows are edges without letters: all out-degrees are equal and at least 2."""
    if not rows or len(rows[0]) != 2:
        return False
    degrees = Counter(row[0] for row in rows)
    low, high = min(degrees), max(degrees)
    return (
        low in (0, 1)
        and len(degrees) == high - low + 1 > 1
        and len({*degrees.values()}) == 1
        and degrees[low] > 1
        and all(low <= row[1] <= high for row in rows)
    )


def _begins_with_edges(rows: Rows) -> bool:
    """Return whether the first rows are the edges of an automaton with two states or more."""
    if not rows or len(rows[0]) != 3:
        return False
    every = range(4, len(rows) + 1)
    words = [[*map(str, row)] for row in rows]
    return any(whole_above(words, every, order, least=2) for order in ORDERS)
