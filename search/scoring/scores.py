"""The scores of a discovery: finds and calls of each arm and seed, at each size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from automata.canonical import Forms, canonical_forms
from automata.families import FAMILIES
from automata.identification import known
from automata.partial_families import p_threshold
from automata.properties import are_irreducible, in_classes
from automata.row_index import RowIndex
from automata.text.formats import format_delta
from data.damage import DataError
from search.discovery.step import ACTIVITIES, EVOLVE, KEEP_SHARE, Step, kept_from
from search.discovery.tables import scale_of
from search.summary import HIT_COLUMNS, hit_thresholds

Runs = Mapping[tuple[str, int], Mapping[int, Step]]
"""By arm and seed, then by size."""
Floats = npt.NDArray[np.float64]

WINDOWS = (100, 500, 1_000, 5_000, 20_000)
"""Windows: this many first calls of a first look are scored separately."""
FIRST_LOOK, ALL = "first look", "all"

_DISTINCT = [name.replace("hits", "distinct") for name in HIT_COLUMNS]
SECONDS = ["seconds", *(f"seconds_{activity}" for activity in ACTIVITIES)]
SCORE_COLUMNS = [
    "arm", "seed", "n", "window", "calls", *_DISTINCT, *HIT_COLUMNS, "best_threshold", "gap",
    "families_known", "families_found", "calls_to_families", "listed", "listed_found", "recall",
    "duplicates", *SECONDS,
]  # fmt: skip
FAMILY_COLUMNS = ["arm", "seed", "n", "family", "found_at", "in_first_look"]


class Listed(NamedTuple):
    """All enumerated automata of one size from a threshold on."""

    forms: Forms
    """uint8 (rows, n*k): canonical forms"""
    at_least: int
    """The least threshold of the list."""


@cache
def known_families(
    n: int, k: int, classes: tuple[str, ...] = (), *, partial: bool = False
) -> tuple[tuple[str, ...], Forms]:
    """Return the known families with an irreducible member of this size: names and members.

    A member that is not irreducible is one of fewer letters, with letters added. If two families
    have the same member, the first one is returned.

    Parameters
    ----------
    n, k : int
        Numbers of states and letters.
    classes : tuple of str
        Only members of all these classes count: NAME or not-NAME.
    partial : bool
        Whether to return the slowest of the partial automata P(n, c).

    Returns
    -------
    names : tuple of str
    forms : uint8 array, shape (names, n*k)
        Canonical forms, all different; read-only.

    Examples
    --------
    >>> known_families(10, 2)[0]
    ('C', "D'", 'W', "D''", 'E', 'H', 'H2')
    >>> known_families(10, 3)[0]
    ('T3', 'T2')
    >>> known_families(10, 2, partial=True)[0], known_families(10, 3, partial=True)[0]
    (('P(10,1)',), ())
    """
    if partial:
        return _slowest_partial(n, k)
    families = [family for family in FAMILIES if family.k == k and family.exists(n)]
    forms = np.empty((0, n * k), np.uint8)
    if families:
        members = np.stack([family.delta(n) for family in families])  # (families, k, n)
        chosen = np.flatnonzero(are_irreducible(members) & in_classes(members, classes))
        forms = canonical_forms(members[chosen])
        first = RowIndex(n * k).add_new(forms)
        families, forms = [families[place] for place in chosen[first]], forms[first]
    forms.flags.writeable = False
    return tuple(family.name for family in families), forms


def _slowest_partial(n: int, k: int) -> tuple[tuple[str, ...], Forms]:
    """Return the partial automaton P(n, c) of the longest careful threshold, if there is one."""
    members = known(n, k, partial=True)
    if not members:
        return (), np.empty((0, n * k), np.uint8)
    name, delta = members[max(range(len(members)), key=lambda c: p_threshold(n, c))]
    return (name,), canonical_forms(delta[None])


def score_steps(
    runs: Runs,
    asked: int,
    truth: Mapping[int, Listed] | None = None,
    classes: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Score each step in each window: `SCORE_COLUMNS`.

    The windows are the first calls of the first look, as in `WINDOWS` (``100``, ...), the whole
    ``first look``, and ``all`` calls of the step. If the first look is shorter than a window, rates
    are per its own number of calls. Each window has:

    - ``distinct_*``: automata at or above the thresholds of `hit_thresholds`, each counted once;
      ``hits_*``: the same per 1,000 calls, nan without a call; both are missing where no length is
      known;
    - ``best_threshold`` and ``gap`` to the Černý bound, or for partial automata and in classes to
      the longest known threshold; nan if the step kept nothing or none is known;
    - ``families_known``, ``families_found``, and ``calls_to_families``: the calls up to the find of
      the last one, nan if one is missing;
    - ``listed``, ``listed_found`` and their quotient ``recall``, nan without a list;
    - ``duplicates``: the share of valid proposals that cost no call because they were repeated; for
      the whole first look only, and nan if an arm goes on without ``evolve`` or automata are
      partial, of which some cost a call and have no careful word;
    - ``seconds``, in total and by activity; for ``all`` only.

    Parameters
    ----------
    runs : mapping of (arm, seed) to mapping of size to Step
    asked : int
        Calls that the first look was allowed; longer windows are left out.
    truth : mapping of size to Listed, optional
    classes : tuple of str
        The classes that the runs were restricted to.

    Returns
    -------
    DataFrame
        One row for each arm, seed, size and window: arms in their order, seeds and sizes rising.

    Raises
    ------
    ValueError
        If a list begins below the thresholds that steps keep.
    DataError
        If a list lacks a find that it should hold, or holds one that it should not.
    """
    lists = {n: (listed.at_least, _index(listed)) for n, listed in (truth or {}).items()}
    rows = []
    for arm, seed, step in ordered(runs):
        families = _families_found_at(step, classes)
        listed = _listed_found_at(step, *lists[step.n]) if step.n in lists else None
        for window, calls in _windows(step, asked):
            facts = {"arm": arm, "seed": seed, "n": step.n, "window": window, "calls": calls}
            facts |= _hits(step, calls) | _family_facts(families, calls)
            facts |= _recall(listed, calls) | _costs(step, window)
            rows.append(facts)
    table = pd.DataFrame(rows, columns=SCORE_COLUMNS)
    return table.astype(dict.fromkeys(_DISTINCT, "Int64"))  # whole numbers even beside empty cells


def family_rows(runs: Runs, classes: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the calls up to the find of each known family: `FAMILY_COLUMNS`.

    ``found_at`` is nan if the family was not found.

    Parameters
    ----------
    runs : mapping of (arm, seed) to mapping of size to Step
    classes : tuple of str
        The classes that the runs were restricted to.

    Returns
    -------
    DataFrame
        One row for each arm, seed, size and known family.
    """
    rows = [
        (arm, seed, step.n, name, found_at, found_at <= step.first_look)
        for arm, seed, step in ordered(runs)
        for name, found_at in zip(
            known_families(step.n, step.k, classes, partial=step.partial)[0],
            _families_found_at(step, classes).tolist(),
            strict=True,
        )
    ]
    return pd.DataFrame(rows, columns=FAMILY_COLUMNS)


def ordered(runs: Runs) -> Iterator[tuple[str, int, Step]]:
    """Yield all steps: arms in their order, seeds and sizes rising."""
    for arm in dict.fromkeys(arm for arm, _ in runs):
        for seed in sorted(seed for name, seed in runs if name == arm):
            sizes = runs[arm, seed]
            for n in sorted(sizes):
                yield arm, seed, sizes[n]


def _windows(step: Step, asked: int) -> list[tuple[str, int]]:
    """Return the name and the number of calls of each window."""
    first = [(str(calls), min(calls, step.first_look)) for calls in WINDOWS if calls <= asked]
    return [*first, (FIRST_LOOK, step.first_look), (ALL, step.calls)]


def _hits(step: Step, calls: int) -> dict[str, float]:
    thresholds = step.thresholds[step.found_at <= calls]
    facts: dict[str, float] = {}
    for name, least in hit_thresholds(scale_of(step)).items():
        distinct = np.nan if np.isnan(least) else int((thresholds >= least).sum())
        facts[name.replace("hits", "distinct")] = distinct
        facts[name] = 1000 * distinct / calls if calls else np.nan
    best = float(thresholds.max()) if len(thresholds) else np.nan
    length = scale_of(step).best
    gap = np.nan if length is None else length - best
    return facts | {"best_threshold": best, "gap": gap}


def _families_found_at(step: Step, classes: tuple[str, ...]) -> Floats:
    """Return the calls spent up to the find of each known family, nan if it was not found."""
    _, forms = known_families(step.n, step.k, classes, partial=step.partial)
    index = RowIndex(step.n * step.k)
    index.add(forms)
    return _found_at(step, index.find(step.forms), len(forms))


def _family_facts(found_at: Floats, calls: int) -> dict[str, float]:
    inside = found_at <= calls
    complete = len(found_at) > 0 and inside.all()
    return {
        "families_known": len(found_at),
        "families_found": int(inside.sum()),
        "calls_to_families": float(found_at.max()) if complete else np.nan,
    }


def _index(listed: Listed) -> RowIndex:
    index = RowIndex(listed.forms.shape[1])
    index.add(listed.forms)
    return index


def _listed_found_at(step: Step, at_least: int, index: RowIndex) -> Floats:
    """Return the calls spent up to the find of each listed automaton, nan if it was not found."""
    least = kept_from(step.n, int(step.thresholds.max(initial=0)), step.classes)
    if at_least < least:
        raise ValueError(
            f"a list of n={step.n} from threshold {at_least} on, but only what is at least "
            f"{KEEP_SHARE} of {least / KEEP_SHARE:.0f} is kept"
        )
    numbers = index.find(step.forms)
    wrong = np.flatnonzero((numbers >= 0) != (step.thresholds >= at_least))
    if len(wrong):
        (delta,) = step.deltas(wrong[:1])
        holds = "holds" if numbers[wrong[0]] >= 0 else "lacks"
        raise DataError(
            f"the list of n={step.n} from threshold {at_least} on {holds} {format_delta(delta)}, "
            f"which was found with threshold {step.thresholds[wrong[0]]}"
        )
    return _found_at(step, numbers, len(index))


def _found_at(step: Step, numbers: npt.NDArray[np.int64], count: int) -> Floats:
    """Return ``found_at`` by number, float64 (count,); nan if no row of the step has the number."""
    found_at = np.full(count, np.nan)
    rows = np.flatnonzero(numbers >= 0)
    found_at[numbers[rows]] = step.found_at[rows]
    return found_at


def _recall(found_at: Floats | None, calls: int) -> dict[str, float]:
    if found_at is None:
        return {}
    found = int((found_at <= calls).sum())
    recall = found / len(found_at) if len(found_at) else np.nan
    return {"listed": len(found_at), "listed_found": found, "recall": recall}


def _costs(step: Step, window: str) -> dict[str, float]:
    """Return duplicates or seconds, for the window that has them."""
    if window == FIRST_LOOK:
        tallies = [tally for name, tally in step.tallies.items() if name != EVOLVE]
        valid, calls = sum(t.valid for t in tallies), sum(t.calls for t in tallies)
        known = valid and calls == step.first_look and not step.partial
        return {"duplicates": 1 - calls / valid} if known else {}
    if window == ALL:
        seconds = {f"seconds_{name}": step.seconds.get(name, 0.0) for name in ACTIVITIES}
        return {"seconds": sum(step.seconds.values()), **seconds}
    return {}
