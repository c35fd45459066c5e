"""Which known automaton, of a family or alone, an automaton is up to isomorphism."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.automaton import Automaton
from automata.canonical import canonical_forms_of_valid
from automata.deltas import UNDEFINED, Deltas, has_undefined, validate_deltas
from automata.families import FAMILIES, SINGLES, wielandt
from automata.partial_families import p_automaton


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
    forms = form_items(canonical_forms_of_valid(valid))
    candidates = known(n, k)
    if has_undefined(valid):
        candidates += known(n, k, partial=True)
    if not candidates:
        return [""] * len(forms)
    names = [name for name, _ in candidates]
    members = np.stack([delta for _, delta in candidates])  # (known, k, n)
    # the distinct forms, sorted, each with the index of its first member
    listed, first = np.unique(form_items(canonical_forms_of_valid(members)), return_index=True)
    place = np.minimum(np.searchsorted(listed, forms), len(listed) - 1)
    found = np.where(listed[place] == forms, first[place], len(names))
    return [[*names, ""][i] for i in found]


def form_items(forms: Deltas) -> npt.NDArray[np.void]:
    """View canonical forms as items that compare as a whole: (batch, n*k) -> (batch,)."""
    return np.ascontiguousarray(forms).view(np.dtype((np.void, forms.shape[1])))[:, 0]
