"""Samplers of random automata: uniform, synchronizing, mutated, grown, evolved.

None of them uses the known structure of slowly synchronizing automata.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial as bound_to

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer, check_number, check_positive
from automata.automaton import Automaton
from automata.canonical import canonical_forms, from_canonical
from automata.classes import Predicate, check_classes
from automata.deltas import (
    MAX_LETTERS,
    MAX_STATES,
    UNDEFINED,
    Deltas,
    check_partial_size,
    integer_array,
    state_dtype,
    validate_deltas,
)
from automata.errors import SizeLimitError
from automata.properties import in_classes
from automata.row_index import RowIndex
from automata.settings import check_settings, setting
from automata.solver.either import may_synchronize, thresholds_of
from automata.solver.exact import Thresholds

Solve = Callable[[Deltas], Thresholds]

_RANDOM_PATIENCE = 1 << 22
"""An evolution in classes that has found nothing yet draws at least this many random automata."""
_CHILD_PATIENCE = 1 << 16
"""An evolution in classes goes on for at least this many children in a row without a new one."""


def sample_uniform(
    rng: np.random.Generator,
    count: int,
    n: int,
    k: int,
    *,
    undefined: float | None = None,
    total: int = 0,
) -> Deltas:
    """Draw automata uniformly at random, complete or partial ones.

    In partial automata each transition is undefined with a given probability; targets are uniform.
    With probability 1 / (n + 1) all tables are equally likely. There is a careful word only if some
    letter is defined everywhere: `total` letters are made so.

    Parameters
    ----------
    rng : Generator
    count : int
        Number of automata, at least 0.
    n, k : int
        States, 1..5,000 (255 of partial automata), and letters, 1..64.
    undefined : float, optional
        The probability that a transition is undefined, in 0..1. Default: complete automata.
    total : int
        Of partial automata, the first letters that are defined everywhere, 0..k.

    Returns
    -------
    array of states, shape (count, k, n)

    Raises
    ------
    ValueError
        If a number is out of range, or not an integer.

    Examples
    --------
    >>> sample_uniform(np.random.default_rng(0), 5, n=3, k=2).shape
    (5, 2, 3)
    >>> sample_uniform(np.random.default_rng(0), 1, n=3, k=2, undefined=0.5, total=1).tolist()
    [[[1, 1, 2], [255, 255, 255]]]
    """
    count = check_integer("count", count, 0)
    n, k = check_integer("n", n, 1, MAX_STATES), check_integer("k", k, 1, MAX_LETTERS)
    drawn: Deltas = rng.integers(0, n, size=(count, k, n), dtype=state_dtype(n))
    if undefined is None:
        return drawn
    check_partial_size(n)
    undefined, total = (
        check_number("undefined", undefined, 0, 1),
        check_integer("total", total, 0, k),
    )
    drawn[:, total:][rng.random((count, k - total, n)) < undefined] = UNDEFINED
    return drawn


def sample_synchronizing(
    rng: np.random.Generator, count: int, n: int, k: int, *, undefined: float | None = None
) -> Deltas:
    """Draw synchronizing automata uniformly at random, by rejection.

    Partial ones have a careful word: they are drawn with a first letter that is defined everywhere,
    and solved. Parameters, returns and raises as `sample_uniform`.

    Examples
    --------
    >>> drawn = sample_synchronizing(np.random.default_rng(0), 5, n=3, k=2)
    >>> bool(may_synchronize(drawn, partial=False).all())
    True
    >>> drawn = sample_synchronizing(np.random.default_rng(0), 5, n=3, k=2, undefined=0.2)
    >>> thresholds_of(drawn, partial=True).tolist()
    [2, 2, 1, 2, 2]
    """
    kept = sample_uniform(rng, 0, n, k)
    count = check_integer("count", count, 0)
    while len(kept) < count:
        # almost all automata of two letters synchronize, few of one letter: draw 64 more
        drawn = sample_uniform(rng, count - len(kept) + 64, n, k, undefined=undefined, total=1)
        if undefined is None:
            good = may_synchronize(drawn, partial=False)
        else:
            good = thresholds_of(drawn, partial=True) >= 0
        kept = np.concatenate([kept, drawn[good]])
    return kept[:count]


def mutate(
    rng: np.random.Generator,
    deltas: npt.ArrayLike | Sequence[Automaton],
    transitions: int = 1,
    *,
    partial: bool = False,
) -> Deltas:
    """Redraw some transitions of each automaton, each to another target.

    In partial automata a transition may be undefined, which is one more target, as likely as each
    other. In complete automata with one state nothing changes.

    Parameters
    ----------
    rng : Generator
    deltas : array of int, shape (batch, k, n)
    transitions : int
        Number of distinct transitions of each automaton that change, at most k*n.
    partial : bool
        Whether letters may be undefined on states, before and after; then n <= 255.

    Returns
    -------
    array of states, shape (batch, k, n)

    Raises
    ------
    AutomatonError
        If `deltas` are not automata, or not complete where `partial` is False.
    ValueError
        If `transitions` is not in 0..k*n.

    Examples
    --------
    >>> parents = np.zeros((4, 2, 3), np.uint8)
    >>> (mutate(np.random.default_rng(0), parents, 2) != parents).sum(axis=(1, 2)).tolist()
    [2, 2, 2, 2]
    >>> mutate(np.random.default_rng(0), [[[0]], [[255]]], partial=True).tolist()
    [[[255]], [[0]]]
    """
    valid = validate_deltas(deltas, partial=partial)
    batch, k, n = valid.shape
    transitions = check_integer("transitions", transitions, 0, k * n)
    if partial:
        check_partial_size(n)
    targets = n + partial  # the last one is `UNDEFINED`
    if targets == 1 or batch == 0:
        return valid
    flat = valid.reshape(batch, k * n)
    order = np.argsort(rng.random((batch, k * n)), axis=1)
    positions = order[:, :transitions]
    shifts = rng.integers(1, targets, size=positions.shape)
    rows = np.arange(batch)[:, None]
    old = flat[rows, positions]
    if partial:
        old[old == UNDEFINED] = n
    new = (old + shifts) % targets
    if partial:
        new[new == n] = UNDEFINED
    flat[rows, positions] = new
    return flat.reshape(batch, k, n)


def exchange(
    rng: np.random.Generator,
    deltas: npt.ArrayLike | Sequence[Automaton],
    *,
    partial: bool = False,
) -> Deltas:
    """Exchange the targets of two random transitions of each automaton.

    The in-degrees stay. If both targets are one state, the automaton stays as it is. In partial
    automata an undefined transition is exchanged like any other.

    Parameters
    ----------
    rng : Generator
    deltas : array of int, shape (batch, k, n)
    partial : bool
        Whether letters may be undefined on states.

    Returns
    -------
    array of states, shape (batch, k, n)

    Raises
    ------
    AutomatonError
        If `deltas` are not automata, or not complete where `partial` is False.

    Examples
    --------
    >>> parents = np.arange(6).reshape(1, 2, 3) % 3
    >>> children = exchange(np.random.default_rng(0), parents)
    >>> np.bincount(children.ravel()).tolist()
    [2, 2, 2]
    """
    valid = validate_deltas(deltas, partial=partial)
    batch, k, n = valid.shape
    flat = valid.reshape(batch, k * n)
    if k * n > 1:
        first = rng.integers(0, k * n, size=batch)
        second = (first + rng.integers(1, k * n, size=batch)) % (k * n)
        rows = np.arange(batch)
        flat[rows, first], flat[rows, second] = flat[rows, second], flat[rows, first]
    return flat.reshape(batch, k, n)


def insert_states(
    rng: np.random.Generator,
    deltas: npt.ArrayLike | Sequence[Automaton],
    states: int = 1,
    *,
    partial: bool = False,
) -> Deltas:
    """Insert states into each automaton, one after the other.

    Each new state splits a random transition: a letter that led p to q now leads p to the new state
    and the new state to q. The other letters lead the new state to random states, itself included.
    New states get the numbers n, n + 1, ... In partial automata undefined is one more target: an
    undefined transition that is split now leads to the new state and is undefined there.

    Parameters
    ----------
    rng : Generator
    deltas : array of int, shape (batch, k, n)
    states : int
        Number of states to insert, at least 0.
    partial : bool
        Whether letters may be undefined on states.

    Returns
    -------
    array of states, shape (batch, k, n + states)

    Raises
    ------
    AutomatonError, SizeLimitError
        If `deltas` are not automata, or not complete where `partial` is False, or n + states is
        over 5,000, or over 255 where it is True.
    ValueError
        If `states` is negative, or not an integer.

    Examples
    --------
    >>> insert_states(np.random.default_rng(0), np.array([[[1, 2, 0], [0, 1, 0]]])).tolist()
    [[[1, 2, 0, 2], [0, 3, 0, 1]]]
    """
    valid = validate_deltas(deltas, partial=partial)
    batch, k, n = valid.shape
    states = check_integer("states", states, 0)
    if partial:
        check_partial_size(n + states)
    if n + states > MAX_STATES:
        raise SizeLimitError(f"n={n + states} is over the limit of {MAX_STATES} states")
    grown = np.empty((batch, k, n + states), state_dtype(n + states))
    grown[:, :, :n] = valid
    rows = np.arange(batch)
    for new in range(n, n + states):
        letters = rng.integers(0, k, size=batch)
        sources = rng.integers(0, new, size=batch)
        targets = rng.integers(0, new + 1 + partial, size=(batch, k))
        targets[targets > new] = UNDEFINED
        grown[:, :, new] = targets
        grown[rows, letters, new] = grown[rows, letters, sources]
        grown[rows, letters, sources] = new
    return grown


def rank_weights(count: int, softness: float) -> npt.NDArray[np.float64]:
    """Return weights proportional to 1 / (softness*count + rank), for ranks 0..count-1, of sum 1.

    They are those of weighted retraining (Tripp, Daxberger, Hernández-Lobato 2020).

    Parameters
    ----------
    count : int
        At least 0.
    softness : float
        Positive; the larger, the more equal the weights.

    Returns
    -------
    float64 array, shape (count,)

    Raises
    ------
    ValueError
        If a value is out of range, or not a number.

    Examples
    --------
    >>> rank_weights(3, softness=1/3).round(3).tolist()
    [0.545, 0.273, 0.182]
    """
    count, softness = check_integer("count", count, 0), check_positive("softness", softness)
    weights = 1.0 / (softness * count + np.arange(count))
    return np.asarray(weights / weights.sum())


def threshold_weights(thresholds: Thresholds, softness: float) -> npt.NDArray[np.float64]:
    """Return the rank weights of automata, the longest thresholds first; equal ones get equal ones.

    Parameters
    ----------
    thresholds : int32 array, shape (count,)
        In any order.
    softness : float
        As in `rank_weights`.

    Returns
    -------
    float64 array, shape (count,)
        Of sum 1.

    Examples
    --------
    >>> threshold_weights(np.array([4, 9, 9], np.int32), softness=1/3).round(3).tolist()
    [0.143, 0.429, 0.429]
    """
    falling = np.sort(-thresholds)
    ranks = np.searchsorted(falling, -thresholds)  # number of longer thresholds
    weights = rank_weights(len(thresholds), softness)[ranks]
    return np.asarray(weights / weights.sum())


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
    start: tuple[Deltas, Thresholds] | None = None,
    progress: Callable[[int], object] = lambda calls: None,
) -> Evolved:
    """Evolve slowly synchronizing automata from random ones.

    Each generation draws parents by rank, changes one or two transitions of each, and solves the
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
    seen = RowIndex(n * k)
    forms = np.empty((0, n * k), np.uint8)
    thresholds = np.empty(0, np.int32)
    calls = 0
    if start is not None:
        forms = canonical_forms(start[0])
        thresholds = integer_array(start[1], "thresholds")
        if thresholds.shape != (len(forms),):
            raise ValueError(
                f"{len(forms)} automata have as many thresholds, got shape {thresholds.shape}"
            )
        first = seen.add_new(forms)
        forms, thresholds = _elite(forms[first], thresholds[first], config)
    fruitless = 0  # children since the last generation with enough new ones
    while calls < config.calls and fruitless < _patience(config, len(forms)):
        if len(forms) == 0:
            children = sample_uniform(
                rng, config.batch, n, k, undefined=config.undefined, total=int(partial)
            )
        else:
            weights = rank_weights(len(forms), config.softness)
            parents = rng.choice(len(forms), size=config.batch, p=weights)
            bred_from = from_canonical(forms[parents], n, k, partial=partial)
            children = breed(rng, bred_from, config.exchanges, partial=partial)
        if config.classes:
            children = children[in_classes(children, config.classes, workers=workers)]
        drawn = canonical_forms(children, workers=workers)
        drawn = drawn[seen.add_new(drawn)]
        may = may_synchronize(from_canonical(drawn, n, k, partial=partial), partial=partial)
        drawn = drawn[may][: config.calls - calls]
        least_new = config.least_new * len(children) if len(forms) else 0
        fruitless = 0 if len(drawn) > least_new else fruitless + config.batch
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


def breed(
    rng: np.random.Generator, parents: Deltas, exchanges: float, *, partial: bool = False
) -> Deltas:
    """Return a child of each parent: a share exchanges two targets, the others redraw one or two.

    Parameters
    ----------
    rng : Generator
    parents : array of states, shape (batch, k, n)
    exchanges : float
        The share, in 0..1.
    partial : bool
        Whether letters may be undefined on states, of parents and of children.

    Returns
    -------
    array of states, shape (batch, k, n)
        In the order of the parents; the first ones exchange.

    Examples
    --------
    >>> breed(np.random.default_rng(2), np.array([[[1, 2, 3, 0], [0, 1, 2, 0]]]), 1.0).tolist()
    [[[2, 2, 3, 0], [0, 1, 1, 0]]]
    """
    _, k, n = parents.shape
    exchanged = round(exchanges * len(parents))
    half = exchanged + (len(parents) - exchanged) // 2
    return np.concatenate(
        [
            exchange(rng, parents[:exchanged], partial=partial),
            mutate(rng, parents[exchanged:half], 1, partial=partial),
            mutate(rng, parents[half:], min(2, n * k), partial=partial),
        ]
    )


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
