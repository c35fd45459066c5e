"""How many transitions lie between an automaton and the nearest of some others.

Automata that differ in names of states and letters alone count as the same. So two automata are at
most i + j changed transitions apart exactly if some canonical form is at most i changes from the
one and at most j from the other: both sides are searched, and meet halfway.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import numpy as np

from automata.automaton import AutomatonLike, validate_delta
from automata.canonical import Forms, canonical_forms, canonical_forms_of_valid, from_canonical
from automata.deltas import UNDEFINED, Deltas, has_undefined
from automata.identification import form_items

_MOST_FORMS = 1 << 21
"""Automata whose canonical forms are computed for one side and one more change."""
_PART = 1 << 16


class Nearest(NamedTuple):
    """The nearest of some automata."""

    changes: int
    """The number of transitions to change; a lower bound if there is no name."""
    names: tuple[str, ...]
    """The nearest ones; none if the search ended before it met one."""


def nearest_of(delta: AutomatonLike, known: Sequence[tuple[str, Deltas]]) -> Nearest:
    """Find which of some automata are nearest, and how many transitions are to be changed.

    A change gives a transition another target; in partial automata it may also make it undefined or
    defined. The number is exact. With each second change the forms on one side grow by a factor of
    k*n*n at most; the search ends where it would compute more than two million for a side, and what
    it has excluded is a lower bound.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Complete or partial; n <= 64, k <= 6.
    known : sequence of (name, array of states, shape (k, n))
        Of isomorphic ones the first counts.

    Returns
    -------
    Nearest

    Raises
    ------
    AutomatonError, SizeLimitError
        As `automata.canonical.canonical_forms`.
    ValueError
        If nothing is known.

    Examples
    --------
    >>> from automata.identification import known
    >>> nearest_of("1 2 3 4 0|0 1 2 3 3", known(5, 2))
    Nearest(changes=1, names=('C', 'F'))
    """
    valid = validate_delta(delta, partial=True)
    names: dict[bytes, str] = {}
    for name, member in known:
        names.setdefault(canonical_forms(member[None])[0].tobytes(), name)
    if not names:
        raise ValueError("no automaton of this size is known")
    k, n = valid.shape
    partial = has_undefined(valid) or any(has_undefined(member) for _, member in known)
    own = canonical_forms_of_valid(valid[None])
    theirs = [np.frombuffer(form, np.uint8)[None] for form in names]
    for changes in count():
        if changes % 2 and own.shape[0] * k * n * n > _MOST_FORMS:
            return Nearest(changes, ())
        if changes % 2:
            own = _one_more(own, k, n, partial)
        elif changes and max(map(len, theirs)) * k * n * n > _MOST_FORMS // len(theirs):
            return Nearest(changes, ())
        elif changes:
            theirs = [_one_more(forms, k, n, partial) for forms in theirs]
        met = [
            name for name, forms in zip(names.values(), theirs, strict=True) if _meet(own, forms)
        ]
        if met:
            break
    return Nearest(changes, tuple(met))


def _one_more(forms: Forms, k: int, n: int, partial: bool) -> Forms:
    """Return all canonical forms that at most one change makes of some others, each once."""
    targets = np.array([*range(n), *([UNDEFINED] if partial else [])], np.uint8)
    places, values = np.divmod(np.arange(k * n * len(targets)), len(targets))
    part = max(1, _PART // len(places))
    found = [form_items(forms)]
    for start in range(0, len(forms), part):
        deltas = from_canonical(forms[start : start + part], n, k, partial=partial)
        flat = deltas.reshape(-1, 1, k * n).repeat(len(places), axis=1)
        flat[:, np.arange(len(places)), places] = targets[values]  # one entry of each
        made = canonical_forms_of_valid(flat.reshape(-1, k, n))
        found.append(np.unique(form_items(made)))
    return np.unique(np.concatenate(found)).view(np.uint8).reshape(-1, k * n)


def _meet(one: Forms, other: Forms) -> bool:
    """Return whether two sorted lists of forms have one in common."""
    few, many = sorted((form_items(one), form_items(other)), key=len)
    place = np.minimum(np.searchsorted(many, few), len(many) - 1)
    return bool((many[place] == few).any())
