"""Sizes that functions take at most, and the Černý bound of a size."""

from __future__ import annotations

from automata.arguments import check_integer

CANONICAL_MAX_STATES = 64
CANONICAL_MAX_LETTERS = 6
ENUMERATION_MAX_STATES = 11  # the pairs of states fit into 64 bits
COMPLETE_MAX_STATES = 9  # of all automata; so do the automorphisms of the identity into memory


def cerny_bound(n: int) -> int:
    """Černý's conjectured upper bound on the reset threshold of n states, (n-1)^2."""
    return (check_integer("n", n) - 1) ** 2
