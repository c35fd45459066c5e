"""What the classes of automata say of partly defined ones, for the enumeration.

A class is a condition on its letters, one on its graph, or both; `docs/enumeration.md` proves that
each of them is necessary. None of them is needed to be sufficient: complete automata are checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.classes import Predicate, cycle_length
from automata.kernels import class_conditions as slots
from automata.kernels import enumeration as kernel


class Cuts(NamedTuple):
    """What all automata of some classes have in common."""

    conditions: npt.NDArray[np.int64]
    """(conditions, ``slots.CONDITION``): limits for every letter, or for some letter"""
    options: tuple[int, ...]
    """The slots of the kernel's options that are 1."""
    synchronizing: bool
    """Whether all of them synchronize."""


_OPTIONS = {
    "sink": (kernel.SINK,),
    "eulerian": (kernel.EULERIAN, kernel.CONNECTED),
    "strongly-connected": (kernel.CONNECTED,),
    "completely-reachable": (kernel.CONNECTED,),
    "irreducible": (kernel.IRREDUCIBLE,),
    "aperiodic": (kernel.APERIODIC,),
}
_SYNCHRONIZING = {"synchronizing", "completely-reachable", "irreducible"}


def cuts_of(classes: Sequence[str | Predicate], n: int, k: int) -> Cuts:
    """Return what the automata with n >= 2 states and k letters in all of some classes share.

    Parameters
    ----------
    classes : sequence of str or callable
        As `automata.properties.in_classes`; functions say nothing here.
    n, k : int

    Returns
    -------
    Cuts

    Examples
    --------
    >>> cuts_of(["permutation-letter"], 5, 2).conditions.tolist()
    [[0, 0, 5, 0, 0, 0, 5, -1]]
    """
    names = [name for name in classes if not callable(name)]
    rows = [row for name in names for row in _conditions(name, n, k)]
    return Cuts(
        np.array(rows, np.int64).reshape(-1, slots.CONDITION),
        tuple({option for name in names for option in _OPTIONS.get(name, ())}),
        any(name in _SYNCHRONIZING for name in names),
    )


def _conditions(name: str, n: int, k: int) -> list[list[int]]:
    """Return the conditions that a class puts on the letters."""
    length = cycle_length(name)
    if length is not None and not name.startswith("not-"):
        one = {slots.MOST_CYCLES: 1, slots.LENGTHS: 1 << length}
        return [_row(n, {**one, slots.LEAST_CYCLIC: length, slots.MOST_CYCLIC: length})]
    every, limits = slots.OF_EVERY, {"permutation-letter": {slots.MOST_DEFECT: 0}}
    limits["not-permutation-letter"] = {every: 1, slots.LEAST_DEFECT: 1}
    limits["defect-2"] = {every: 1, slots.LEAST_DEFECT: 2}
    limits["not-defect-2"] = {slots.MOST_DEFECT: 1}
    limits["one-cluster"] = {slots.MOST_CYCLES: 1}
    limits["not-one-cluster"] = {every: 1, slots.LEAST_CYCLES: 2}
    limits["aperiodic"] = {every: 1, slots.LENGTHS: 1 << 1}
    limits["irreducible"] = {every: 1, slots.LEAST_CYCLIC: 2}
    if name != "completely-reachable":
        return [_row(n, limits[name])] if name in limits else []
    rows = [_row(n, {slots.LEAST_DEFECT: 1, slots.MOST_DEFECT: 1})]
    if n > k:  # each word of defect one ends with one of its letters, and permutations
        cycle = {slots.LENGTHS: 1 << n} if k == 2 else {}
        rows.append(_row(n, {slots.MOST_DEFECT: 0, **cycle}))
    return rows


def _row(n: int, limits: dict[int, int]) -> list[int]:
    """Return a condition with some limits; the others hold for all letters."""
    widest = {
        slots.MOST_CYCLIC: n,
        slots.MOST_DEFECT: n,
        slots.MOST_CYCLES: n,
        slots.LENGTHS: -1,
    }
    return [{**widest, **limits}.get(slot, 0) for slot in range(slots.CONDITION)]
