"""Evolution of slowly synchronizing automata from random ones, or from given ones.

It does not use the known structure of such automata.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial as bound_to

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.canonical import canonical_forms, from_canonical
from automata.classes import Predicate, check_classes
from automata.deltas import Deltas, check_thresholds
from automata.irreducible import draw_irreducible, is_rare
from automata.mutation import breed
from automata.properties import in_classes
from automata.row_index import RowIndex
from automata.sampling import rank_weights, sample_uniform
from automata.settings import check_settings, setting
from automata.solver.either import may_synchronize, thresholds_of
from automata.solver.exact import Thresholds

Solve = Callable[[Deltas], Thresholds]
Change = Callable[[Deltas], Deltas]
"""Takes parents, (batch, k, n), and returns a child of each."""

_RANDOM_PATIENCE = 1 << 22
"""An evolution in classes that has found nothing yet draws at least this many random automata."""
_DRAWS = 1 << 17
"""Draws of each letter at a time where classes are too rare for rejection."""
_RARE_BATCHES = 16
"""There a generation has this many times the children: few are of the classes."""
_RARE_NEW = 0.01
"""There `Evolution.least_new` is at least this: all near the archive may be known."""
_CHILD_PATIENCE = 1 << 16
"""An evolution in classes goes on for at least this many children in a row without a new one."""


@dataclass(frozen=True)
class Evolution:
    """The settings of `evolve`: its operators, its classes and its budget."""

    calls: int = setting(1_000_000, "Solver calls at most.", low=0)
    archive_size: int = setting(
        20_000,
        "Distinct automata kept, those with the longest thresholds.",
        low=0,
        name="archive_size",
    )
    ceiling: int | None = setting(None, "Nothing above this threshold enters the archive.", low=0)
    batch: int = setting(4096, "Children a generation.", low=1)
    softness: float = setting(
        0.02, "Parents are drawn with weights 1 / (softness*archive + rank).", low=0, without=0
    )
    exchanges: float = setting(
        0.0,
        "Share of the children that exchange two targets; the others redraw one or two.",
        low=0,
        high=1,
    )
    classes: tuple[str | Predicate, ...] = setting(
        (), "Nothing outside these classes enters the archive or is solved: NAME or not-NAME."
    )
    least_new: float = setting(
        0.0,
        "A generation with at most this share of new automata among its children of the classes "
        "counts as fruitless: many in a row end the evolution.",
        low=0,
        high=1,
        name="least_new",
    )
    undefined: float | None = setting(
        None,
        "Evolve partial automata from random ones with this share of undefined transitions, but "
        "for the first letter.",
        low=0,
        high=1,
    )

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
        check_classes(self.classes)

    @property
    def partial(self) -> bool:
        """Whether partial automata evolve, by their careful thresholds."""
        return self.undefined is not None


@dataclass(frozen=True)
class Evolved:
    """Distinct automata in canonical form, by falling threshold."""

    deltas: Deltas
    """uint8 (batch, k, n)"""
    reset_thresholds: Thresholds
    """int32 (batch,)"""
    calls: int
    """Number of solver calls spent."""


def evolve(
    rng: np.random.Generator,
    n: int,
    k: int,
    config: Evolution,
    *,
    workers: int = 1,
    solve: Solve | None = None,
    change: Change | None = None,
    start: tuple[Deltas, Thresholds] | None = None,
    progress: Callable[[int], object] = lambda calls: None,
) -> Evolved:
    """Evolve slowly synchronizing automata from random ones.

    Random automata are uniform, or drawn letter by letter where `automata.irreducible.is_rare`.
    Each generation draws parents by rank, changes a few transitions of each, and solves the
    synchronizing children that are new up to isomorphism, at one solver call each. Children outside
    the classes cost no call: classes are decided without the solver. Whether a partial automaton
    has a careful word is not: those that `may_synchronize` cost a call.

    Parameters
    ----------
    rng : Generator
    n, k : int
        States and letters.
    config : Evolution
    workers : int
        Threads; the result does not depend on them.
    solve : callable, optional
        Takes uint8 (batch, k, n), returns int32 (batch,). Default: the solver.
    change : callable, optional
        Takes parents, states (batch, k, n), returns a child of each. Default: random changes, as
        `Evolution.exchanges` says.
    start : pair of arrays, optional
        Automata of the classes, (batch, k, n), and their thresholds, (batch,): they cost no calls.
        Default: uniform random automata, which cost calls.
    progress : callable
        Called after each generation with its number of solver calls.

    Returns
    -------
    Evolved
        At most `Evolution.archive_size` automata; none if no random automaton was of the classes.

    Raises
    ------
    AutomatonError, SizeLimitError
        If the automata of `start` are not complete and `Evolution.undefined` is None, or n > 64 or
        k > 6.
    ValueError
        If n or k is less than 1 or not an integer, or `start` does not have one threshold
        for each automaton.

    Examples
    --------
    >>> archive = evolve(np.random.default_rng(0), 4, 2, Evolution(calls=3000, ceiling=7))
    >>> int(archive.reset_thresholds.max()), archive.calls <= 3000
    (7, True)
    """
    n, k = check_integer("n", n, 1), check_integer("k", k, 1)
    partial = config.partial
    if solve is None:
        solve = bound_to(thresholds_of, partial=partial, workers=workers)
    if change is None:
        change = bound_to(breed, rng, exchanges=config.exchanges, partial=partial)
    seen = RowIndex(n * k)
    forms = np.empty((0, n * k), np.uint8)
    thresholds = np.empty(0, np.int32)
    calls = 0
    if start is not None:
        forms = canonical_forms(start[0])
        thresholds = check_thresholds(start[1], len(forms))
        first = seen.add_new(forms)
        forms, thresholds = _elite(forms[first], thresholds[first], config)
    rare = is_rare(config.classes, k, partial=partial)
    batch = config.batch * (_RARE_BATCHES if rare else 1)
    least_share = max(config.least_new, _RARE_NEW if rare else 0.0)
    fruitless = 0  # children since the last generation with enough new ones
    while calls < config.calls and fruitless < _patience(config, len(forms)):
        bred = batch
        if len(forms) == 0 and rare:
            bred = _DRAWS
            children = draw_irreducible(rng, bred, n, k, workers=workers)
        elif len(forms) == 0:
            children = sample_uniform(
                rng, bred, n, k, undefined=config.undefined, total=int(partial)
            )
        else:
            weights = rank_weights(len(forms), config.softness)
            parents = rng.choice(len(forms), size=bred, p=weights)
            bred_from = from_canonical(forms[parents], n, k, partial=partial)
            children = change(bred_from)
        if config.classes:
            children = children[in_classes(children, config.classes, workers=workers)]
        drawn = canonical_forms(children, workers=workers)
        drawn = drawn[seen.add_new(drawn)]
        may = may_synchronize(from_canonical(drawn, n, k, partial=partial), partial=partial)
        drawn = drawn[may][: config.calls - calls]
        least_new = least_share * len(children) if len(forms) else 0
        fruitless = 0 if len(drawn) > least_new else fruitless + bred
        solved = solve(from_canonical(drawn, n, k, partial=partial))
        calls += len(drawn)
        progress(len(drawn))
        forms, thresholds = _elite(
            np.concatenate([forms, drawn]), np.concatenate([thresholds, solved]), config
        )
    return Evolved(from_canonical(forms, n, k, partial=partial), thresholds, calls)


def _patience(config: Evolution, archive: int) -> int:
    """Return the number of children in a row without a new one that ends the evolution.

    It is eight generations, which show that a small space is exhausted. In classes it is more:
    finds in a rare class are further apart, above all among random automata.
    """
    patience = 8 * config.batch
    if config.classes:
        patience = max(patience, _CHILD_PATIENCE if archive else _RANDOM_PATIENCE)
    return patience


def _elite(
    forms: npt.NDArray[np.uint8], thresholds: Thresholds, config: Evolution
) -> tuple[npt.NDArray[np.uint8], Thresholds]:
    """Keep the longest thresholds up to the ceiling, in falling order, newer ones first."""
    enters = thresholds >= 0
    if config.ceiling is not None:
        enters &= thresholds <= config.ceiling
    newest_first = np.flatnonzero(enters)[::-1]
    order = newest_first[np.argsort(-thresholds[newest_first], kind="stable")]
    order = order[: config.archive_size]
    return forms[order], thresholds[order]
