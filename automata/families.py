"""The known families of slowly synchronizing automata, with their formulas.

`FAMILIES` holds complete automata alone. Partial ones are `p_automaton`, and those that `known`
returns when it is asked for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.automaton import Automaton
from automata.canonical import canonical_forms_of_valid
from automata.deltas import (
    MAX_STATES,
    UNDEFINED,
    Deltas,
    check_partial_size,
    state_dtype,
    undefined_entries,
    validate_deltas,
)
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

# Where two coincide, the first gives the name (see `known`).
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


def known(n: int, k: int, *, partial: bool = False) -> list[tuple[str, Deltas]]:
    """Return every known automaton of one size, with its name.

    Families come first, then single examples, then Wielandt-type automata. `identify` uses the
    first name of an automaton.

    Parameters
    ----------
    n, k : int
        Numbers of states and letters.
    partial : bool
        Whether to return the partial automata, P(n, c), in place of the complete ones.

    Returns
    -------
    list of (name, array of states, shape (k, n))

    Raises
    ------
    SizeLimitError, ValueError
        If n > 5,000, or n or k is less than 1 or not an integer.

    Examples
    --------
    >>> [name for name, _ in known(4, 3)]
    ['T3', 'T2', 'BDZ3', 'n4 ternary #1', 'n4 ternary #2']
    >>> [name for name, _ in known(5, 2, partial=True)]
    ['P(5,0)', 'P(5,1)', 'P(5,2)']
    """
    n, k = check_integer("n", n, 1), check_integer("k", k, 1)
    if partial:
        longest = n - 2 if k == 2 and n <= UNDEFINED else 0
        return [(f"P({n},{c})", p_automaton(n, c)) for c in range(longest)]
    named = [(f.name, f.delta(n)) for f in FAMILIES + SINGLES if f.k == k and f.exists(n)]
    coprime = [p for p in range(n - 1, 0, -1) if k == 2 and gcd(n, p) == 1]
    return named + [(f"Wielandt({n},{p})", wielandt(n, p)) for p in coprime]


def identify(deltas: npt.ArrayLike | Sequence[Automaton]) -> list[str]:
    """Name the family of each automaton, up to renaming of states and permutation of letters.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Complete or partial; n <= 64, k <= 6.

    Returns
    -------
    list of str
        The first name of each automaton in `known`, "" if it is not there.

    Raises
    ------
    AutomatonError, SizeLimitError
        As `automata.canonical.canonical_forms`.

    Examples
    --------
    >>> identify([[[1, 2, 3, 0], [0, 1, 2, 0]], [[3, 0, 1, 2], [3, 1, 2, 3]], [[0] * 4] * 2])
    ['C', 'C', '']
    >>> identify(["1 1 2 4 0|1 2 3 - -"])
    ['P(5,1)']
    """
    valid = validate_deltas(deltas, partial=True)
    _, k, n = valid.shape
    forms = _rows(canonical_forms_of_valid(valid))
    candidates = known(n, k)
    if len(undefined_entries(valid)):
        candidates += known(n, k, partial=True)
    if not candidates:
        return [""] * len(forms)
    names = [name for name, _ in candidates]
    members = np.stack([delta for _, delta in candidates])  # (known, k, n)
    # the distinct forms, sorted, each with the index of its first member
    listed, first = np.unique(_rows(canonical_forms_of_valid(members)), return_index=True)
    place = np.minimum(np.searchsorted(listed, forms), len(listed) - 1)
    found = np.where(listed[place] == forms, first[place], len(names))
    return [[*names, ""][i] for i in found]


def _rows(forms: Deltas) -> npt.NDArray[np.void]:
    """View each row as one item that compares as a whole: (batch, n*k) -> (batch,)."""
    return np.ascontiguousarray(forms).view(np.dtype((np.void, forms.shape[1])))[:, 0]
