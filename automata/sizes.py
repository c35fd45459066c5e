"""Size limits of functions, and bounds on thresholds: the Černý bound, and a proved one."""

from __future__ import annotations

from automata.arguments import check_integer

CANONICAL_MAX_STATES = 64
CANONICAL_MAX_LETTERS = 6
ENUMERATION_MAX_STATES = 11  # the C(n, 2) pairs of states fit into 64 bits
COMPLETE_MAX_STATES = 9  # for all automata: the n! automorphisms of the identity fit into memory
UNDEFINED_SHARE = 0.2
"""The usual probability that a transition of a random partial automaton is undefined.

Of tables of two letters, the first defined everywhere, 28, 32 and 35 % at n = 6, 8 and 10 then have
undefined transitions and a careful word: more than at 0.1 or, from n = 8 on, 0.3. If no letter is
spared, 19, 23 and 26 % have, at the best of these shares (0.14, 0.05, 0.05)."""


def cerny_bound(n: int) -> int:
    """Return Černý's conjectured upper bound on the reset threshold of n states, (n-1)^2.

    Černý 1964, Mat.-fyz. časopis 14. A value that is not an integer raises ValueError.

    Examples
    --------
    >>> cerny_bound(4)
    9
    """
    return (check_integer("n", n) - 1) ** 2


def highest_threshold(n: int, *, partial: bool = False) -> int:
    """Return the proved upper bound of reset thresholds, (n^3 - n) / 6 (Frankl 1982, Pin 1983).

    For partial automata it is 2^n - n - 1: each letter of a shortest careful word is read from
    another set of two or more states.

    Examples
    --------
    >>> highest_threshold(4), highest_threshold(4, partial=True)
    (10, 11)
    """
    return 2**n - n - 1 if partial else (n**3 - n) // 6
