"""The known families of slowly synchronizing complete automata, with their formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from automata.arguments import check_integer
from automata.deltas import MAX_STATES, Deltas, state_dtype
from automata.errors import AutomatonError, SizeLimitError

Letters = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Family:
    """A family: one automaton for each n at which it exists.

    Parameters
    ----------
    name : str
    k : int
        Number of letters.
    reset_threshold : callable
        The formula, a function of n.
    exists : callable
        Whether there is a member with n states, a function of n.
    letters : callable
        The k letters of the member with n states; `delta` checks n and returns an array.
    source : str
        Source of the definition or the formula. "found": by exhaustive search; only the formula
        matches a published family.
    references : tuple of str
        Keys of the papers in docs/references.bib, where a paper is known.

    Examples
    --------
    >>> cerny = FAMILIES[0]
    >>> cerny.name, cerny.reset_threshold(4)
    ('C', 9)
    >>> cerny.delta(4).tolist()
    [[0, 1, 2, 0], [1, 2, 3, 0]]
    """

    name: str
    k: int
    reset_threshold: Callable[[int], int]
    exists: Callable[[int], bool]
    letters: Callable[[int], Letters]
    source: str
    references: tuple[str, ...] = ()

    def delta(self, n: int) -> Deltas:
        """Return the member with n states, array (k, n); AutomatonError if there is none."""
        n = _size("n", n)
        if not self.exists(n):
            raise AutomatonError(f"the family {self.name} has no member with n={n} states")
        return _array(self.letters(n))


def _cycle(n: int, exceptions: Mapping[int, int] | None = None) -> list[int]:
    """Return the cycle q -> q+1 mod n with exceptions {state: target}; -1 is the last state."""
    return _except([*range(1, n), 0], exceptions)


def _fixed(n: int, exceptions: Mapping[int, int] | None = None) -> list[int]:
    """Return the identity with exceptions {state: target}; -1 is the last state."""
    return _except([*range(n)], exceptions)


def _except(row: list[int], exceptions: Mapping[int, int] | None) -> list[int]:
    for state, target in (exceptions or {}).items():
        row[state] = target % len(row)
    return row


def _size(name: str, n: int) -> int:
    n = check_integer(name, n)
    if n > MAX_STATES:
        raise SizeLimitError(f"{name}={n} is over the limit of {MAX_STATES} states")
    return n


def _array(letters: Letters) -> Deltas:
    return np.array(letters, dtype=state_dtype(len(letters[0])))  # (k, n)


def _from(least: int) -> Callable[[int], bool]:
    return lambda n: n >= least


def _odd(n: int) -> bool:
    return n >= 5 and n % 2 == 1


def _single(name: str, threshold: int, letters: Letters, source: str, *references: str) -> Family:
    """Return a family of one member."""
    n, k = len(letters[0]), len(letters)
    return Family(
        name, k, lambda _: threshold, lambda m: m == n, lambda _: letters, source, references
    )


AGV10 = "Ananichev-Gusev-Volkov 2010"
AGV13 = "Ananichev-Gusev-Volkov 2013"
KS = "found; formula as in Kisielewicz-Szykula, arXiv 1608.01268 (ternary irreducible)"

# Where two coincide, the first gives the name (see `automata.identification`).
# fmt: off
FAMILIES: tuple[Family, ...] = (
    Family("C", 2, lambda n: (n - 1)**2, _from(2),
           lambda n: [_fixed(n, {-1: 0}), _cycle(n)], "Cerny 1964", ("cerny1964",)),
    Family("D'", 2, lambda n: n*n - 3*n + 4, _from(4),
           lambda n: [_cycle(n, {-2: 0, -1: 1}), _cycle(n)], AGV10, ("ananichev2010",)),
    Family("W", 2, lambda n: n*n - 3*n + 3, _from(4),
           lambda n: [_cycle(n, {-1: 1}), _cycle(n)], AGV10, ("ananichev2010",)),
    Family("F", 2, lambda n: n*n - 3*n + 3, _odd,
           lambda n: [_fixed(n, {-1: 1}), _cycle(n)], AGV13, ("ananichev2013",)),
    Family("D''", 2, lambda n: n*n - 3*n + 2, _from(4),
           lambda n: [_cycle(n, {-2: 0}), _cycle(n, {-1: 1})], AGV10, ("ananichev2010",)),
    Family("E", 2, lambda n: n*n - 3*n + 2, _from(4),
           lambda n: [_fixed(n, {-2: 0, -1: -2}), _cycle(n, {-3: -1, -2: 0})],
           "found; presumably E_n of Ananichev-Gusev-Volkov",
           ("ananichev2010", "ananichev2013")),
    Family("B", 2, lambda n: (n - 1)*(n - 2), _odd,
           lambda n: [_fixed(n, {-2: 0, -1: 1}), _cycle(n)], "Ananichev-Volkov-Zaks",
           ("ananichev2007",)),
    Family("G", 2, lambda n: n*n - 4*n + 7, _odd,
           lambda n: [_cycle(n, {-3: 0, -1: 1}), _cycle(n, {-4: -2, -3: 0, -1: -3})],
           "found; presumably G_n of " + AGV13, ("ananichev2013",)),
    Family("H", 2, lambda n: n*n - 4*n + 6, _from(4),
           lambda n: [_fixed(n, {0: -1, -1: 0}), _cycle(n, {-2: 0, -1: 2})], AGV13,
           ("ananichev2013",)),
    Family("H2", 2, lambda n: n*n - 4*n + 6, _from(4),
           lambda n: [_fixed(n, {-3: -1, -2: 0, -1: -3}), _cycle(n, {-2: 0})],
           "found; published name not identified"),
    Family("T3", 3, lambda n: n*n - 3*n + 3, _from(4),
           lambda n: [_fixed(n, {-1: 0}), _cycle(n, {-2: 0}), _fixed(n, {-2: -1, -1: -2})], KS,
           ("kisielewicz2015",)),
    Family("T2", 3, lambda n: n*n - 3*n + 2, _from(4),
           lambda n: [_fixed(n, {-1: 0}), _fixed(n, {0: 1}), _cycle(n, {-1: 1})], KS,
           ("kisielewicz2015",)),
    Family("BDZ3", 3, lambda n: n*n - 3*n + 4, _from(4),
           lambda n: [_cycle(n), _fixed(n, {1: 2}), _cycle(n, {0: 2, 1: 3})],
           "de Bondt-Don-Zantema, arXiv 1609.06853, Theorem 3; not irreducible", ("debondt2021",)),
)
"""The known families of slowly synchronizing automata of two and of three letters."""

# Examples outside all families known to us, each a family of one member.
SINGLES: tuple[Family, ...] = (
    _single("n3 binary #2", 4, ((1, 0, 0), (2, 0, 1)), "3 states binary, (n-1)^2, not C_3"),
    _single("n3 ternary #1", 4, ((0, 0, 2), (1, 0, 2), (2, 1, 0)),
            "3 states ternary irreducible, (n-1)^2"),
    _single("n3 ternary #2", 4, ((0, 2, 1), (1, 0, 0), (1, 0, 2)),
            "3 states ternary irreducible, (n-1)^2"),
    _single("n4 binary (Cerny-Piricka-Rosenauerova)", 9, ((0, 2, 1, 1), (3, 1, 0, 2)),
            "unique non-Cerny binary with (n-1)^2 at n=4", "cerny1971"),
    _single("n4 ternary #1", 9, ((0, 1, 3, 2), (0, 2, 1, 1), (2, 1, 0, 3)),
            "ternary irreducible, (n-1)^2 (Trahtman-type)", "trahtman2006"),
    _single("n4 ternary #2", 9, ((0, 1, 3, 2), (2, 3, 0, 1), (3, 2, 0, 2)),
            "ternary irreducible, (n-1)^2 (Trahtman-type)", "trahtman2006"),
    _single("n5 ternary (Roman)", 16, ((0, 1, 2, 4, 3), (0, 1, 3, 2, 2), (2, 3, 0, 1, 4)),
            "unique ternary irreducible with 16 at n=5", "roman2008"),
    _single("n6 binary (Kari)", 25, ((0, 1, 2, 4, 3, 3), (1, 3, 5, 0, 2, 4)),
            "unique non-Cerny binary with 25 at n=6", "kari2001"),
    _single("n5 #15a", 15, ((0, 1, 3, 2, 2), (1, 4, 2, 0, 3)), "found"),
    _single("n5 #15b", 15, ((0, 1, 3, 2, 2), (2, 4, 0, 1, 3)), "found"),
    _single("n5 #15c", 15, ((0, 2, 3, 1, 1), (4, 1, 2, 0, 3)), "found"),
    _single("n5 #15d", 15, ((1, 0, 3, 2, 0), (0, 2, 3, 4, 1)), "found"),
    _single("n6 #23a", 23, ((0, 1, 2, 4, 3, 3), (1, 3, 4, 0, 5, 2)), "found"),
    _single("n6 #23b", 23, ((0, 1, 3, 4, 2, 2), (2, 5, 0, 3, 1, 4)), "found"),
    _single("n7 #32a", 32, ((0, 1, 3, 2, 5, 4, 2), (2, 3, 0, 4, 6, 5, 1)), "sporadic"),
    _single("n7 #32b", 32, ((0, 1, 3, 2, 5, 4, 2), (2, 6, 4, 1, 0, 5, 3)), "sporadic"),
    _single("n7 #31", 31, ((0, 2, 1, 4, 5, 3, 3), (1, 0, 3, 2, 6, 2, 4)),
            "sporadic, no permutation letter"),
)
# fmt: on


def wielandt(q: int, p: int) -> Deltas:
    """Return a Wielandt-type automaton: a cycle, and the cycle with its last state led to q-p.

    Gusev and Pribavkina, arXiv 1403.3992; its reset threshold is `wielandt_threshold`.

    Parameters
    ----------
    q, p : int
        Number of states, and the length of the shorter cycle; 1 <= p < q, coprime.

    Returns
    -------
    array of states, shape (2, q)

    Raises
    ------
    AutomatonError
        If p is out of range, or not coprime to q.
    SizeLimitError
        If q > 5,000.
    ValueError
        If q or p is not an integer.

    Examples
    --------
    >>> wielandt(5, 2).tolist()
    [[1, 2, 3, 4, 0], [1, 2, 3, 4, 3]]
    """
    q, p = _size("q", q), check_integer("p", p)
    if not 1 <= p < q:
        raise AutomatonError(f"a Wielandt-type automaton has 1 <= p < q, got q={q}, p={p}")
    if gcd(q, p) != 1:
        raise AutomatonError(f"a Wielandt-type automaton has p coprime to q, got q={q}, p={p}")
    return _array([_cycle(q), _cycle(q, {-1: q - p})])


def wielandt_threshold(q: int, p: int) -> int:
    """Return the reset threshold of `wielandt`, (p-1)(q-1) + q - p.

    Gusev and Pribavkina, arXiv 1403.3992.

    Parameters
    ----------
    q, p : int
        As `wielandt`.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If q or p is not an integer.

    Examples
    --------
    >>> wielandt_threshold(9, 8), 9 * 9 - 3 * 9 + 3
    (57, 57)
    """
    q, p = check_integer("q", q), check_integer("p", p)
    return (p - 1) * (q - 1) + q - p
