"""The known family of partial automata with long careful words, with its formula."""

from __future__ import annotations

import numpy as np

from automata.arguments import check_integer
from automata.deltas import UNDEFINED, Deltas, check_partial_size
from automata.errors import AutomatonError


def p_automaton(n: int, c: int) -> Deltas:
    """Return the partial automaton P(n, c), whose shortest careful words are long.

    Letter a leads each of the first n-c-1 states to the next one and is undefined on the others.
    Letter b leads n-c-1 to n-c, and so on to n-1, then to 0, and 0 to 1; it fixes the other states.
    Found by annealing; presumably the family of Cambie, de Bondt and Don, arXiv 2108.13927, since
    the thresholds are as they say: the greatest of all binary automata for 6 <= n <= 10, with
    Fibonacci and Padovan numbers in them (`p_threshold`). P(n, 0) is the series on two letters of
    de Bondt, Don and Zantema, arXiv 1801.10436, at n = 6, ..., 9, where only one automaton has the
    greatest threshold.

    Parameters
    ----------
    n, c : int
        Number of states, at most 255, and one less than the number of undefined transitions;
        0 <= c <= n - 3.

    Returns
    -------
    uint8 array, shape (2, n)
        `automata.deltas.UNDEFINED` where a is undefined.

    Raises
    ------
    AutomatonError
        If c is out of range.
    SizeLimitError
        If n > 255.
    ValueError
        If n or c is not an integer.

    Examples
    --------
    >>> from automata.text.formats import format_delta
    >>> format_delta(p_automaton(5, 0)), format_delta(p_automaton(5, 1))
    ('1 2 3 4 -|1 1 2 3 0', '1 2 3 - -|1 1 2 4 0')
    """
    n, c = _p_size(n, c)
    first = n - c - 1  # on this state and beyond a is undefined
    delta = np.array([[*range(1, n + 1)], range(n)], np.uint8)  # (2, n)
    delta[0, first:] = UNDEFINED
    delta[1, first:] = [*range(first + 1, n), 0]
    delta[1, 0] = 1
    return delta


def p_threshold(n: int, c: int) -> int:
    """Return the careful threshold of `p_automaton`.

    With m = n-c-2 it is 1 + m(n-2), plus m-x for each x < m of the sequence that begins with 1,
    c+2 times, and goes on with x_i = x_(i-c-1) + x_(i-c-2): Fibonacci's for c = 0, Padovan's for
    c = 1. Found: it fits all lengths that were computed, those for n <= 24 and all c among them.

    Parameters
    ----------
    n, c : int
        As `p_automaton`.

    Returns
    -------
    int

    Raises
    ------
    AutomatonError, SizeLimitError, ValueError
        As `p_automaton`.

    Examples
    --------
    >>> p_threshold(9, 0), p_threshold(10, 1), p_threshold(18, 3)
    (73, 94, 379)
    """
    n, c = _p_size(n, c)
    m = n - c - 2
    terms = [1] * (c + 2)
    while terms[-1] < m:
        terms.append(terms[-c - 1] + terms[-c - 2])
    return 1 + m * (n - 2) + sum(m - x for x in terms if x < m)


def _p_size(n: int, c: int) -> tuple[int, int]:
    n, c = check_integer("n", n), check_integer("c", c)
    check_partial_size(n)
    if not 0 <= c <= n - 3:
        raise AutomatonError(f"the automaton P(n, c) has 0 <= c <= n - 3, got n={n}, c={c}")
    return n, c
