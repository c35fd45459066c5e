"""Samplers of random automata: uniform, synchronizing, mutated, grown, evolved.

None of them knows anything about the structure of slowly synchronizing automata.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer, check_number, check_positive
from automata.automaton import (
    MAX_LETTERS,
    MAX_STATES,
    Automaton,
    Deltas,
    SizeLimitError,
    integer_array,
    state_dtype,
    validate_deltas,
)
from automata.canonical import canonical_forms, from_canonical
from automata.classes import check_classes
from automata.properties import in_classes
from automata.row_index import RowIndex
from automata.settings import check_settings, setting
from automata.solver.exact import Thresholds, reset_thresholds
from automata.solver.ranks import are_synchronizing

Solve = Callable[[Deltas], Thresholds]

_VAIN_RANDOM = 1 << 22
"""So many random automata in a row without one of the class end an evolution before it begins."""
_VAIN_CHILDREN = 1 << 16
"""So many children in a row without a new one of the class end it (eight generations at least)."""


def sample_uniform(rng: np.random.Generator, count: int, n: int, k: int) -> Deltas:
    """Draw automata uniformly at random: (count, k, n).

    Examples
    --------
    >>> sample_uniform(np.random.default_rng(0), 5, n=3, k=2).shape
    (5, 2, 3)
    """
    count = check_integer("count", count, 0)
    n, k = check_integer("n", n, 1, MAX_STATES), check_integer("k", k, 1, MAX_LETTERS)
    return rng.integers(0, n, size=(count, k, n), dtype=state_dtype(n))


def sample_synchronizing(rng: np.random.Generator, count: int, n: int, k: int) -> Deltas:
    """Draw synchronizing automata uniformly at random, by rejection: (count, k, n).

    Examples
    --------
    >>> bool(are_synchronizing(sample_synchronizing(np.random.default_rng(0), 5, n=3, k=2)).all())
    True
    """
    kept = sample_uniform(rng, 0, n, k)
    count = check_integer("count", count, 0)
    while len(kept) < count:
        # Almost all binary automata synchronize; one letter makes it rare: never ask for nothing.
        drawn = sample_uniform(rng, count - len(kept) + 64, n, k)
        kept = np.concatenate([kept, drawn[are_synchronizing(drawn)]])
    return kept[:count]


def mutate(
    rng: np.random.Generator,
    deltas: npt.ArrayLike | Sequence[Automaton],
    transitions: int = 1,
) -> Deltas:
    """Redraw some transitions of each automaton, each to another target: (batch, k, n).

    Parameters
    ----------
    rng : Generator
    deltas : array of int, shape (batch, k, n)
    transitions : int
        How many distinct transitions of each automaton change, at most k*n.

    Raises
    ------
    AutomatonError
        If `deltas` are not complete automata.
    ValueError
        If `transitions` is not in 0..k*n.

    Examples
    --------
    >>> parents = np.zeros((4, 2, 3), np.uint8)
    >>> (mutate(np.random.default_rng(0), parents, 2) != parents).sum(axis=(1, 2)).tolist()
    [2, 2, 2, 2]
    """
    valid = validate_deltas(deltas)
    batch, k, n = valid.shape
    transitions = check_integer("transitions", transitions, 0, k * n)
    if n == 1 or batch == 0:
        return valid
    flat = valid.reshape(batch, k * n)
    order = np.argsort(rng.random((batch, k * n)), axis=1)
    positions = order[:, :transitions]
    shifts = rng.integers(1, n, size=positions.shape)
    rows = np.arange(batch)[:, None]
    flat[rows, positions] = (flat[rows, positions] + shifts) % n
    return flat.reshape(batch, k, n)


def exchange(rng: np.random.Generator, deltas: npt.ArrayLike | Sequence[Automaton]) -> Deltas:
    """Exchange the targets of two transitions of each automaton: (batch, k, n).

    The in-degrees stay. Where both targets are the same state, the automaton stays as it is.

    Parameters
    ----------
    rng : Generator
    deltas : array of int, shape (batch, k, n)

    Raises
    ------
    AutomatonError
        If `deltas` are not complete automata.

    Examples
    --------
    >>> parents = np.arange(6).reshape(1, 2, 3) % 3
    >>> children = exchange(np.random.default_rng(0), parents)
    >>> np.bincount(children.ravel()).tolist()
    [2, 2, 2]
    """
    valid = validate_deltas(deltas)
    batch, k, n = valid.shape
    flat = valid.reshape(batch, k * n)
    if k * n > 1:
        first = rng.integers(0, k * n, size=batch)
        second = (first + rng.integers(1, k * n, size=batch)) % (k * n)
        rows = np.arange(batch)
        flat[rows, first], flat[rows, second] = flat[rows, second], flat[rows, first]
    return flat.reshape(batch, k, n)


def insert_states(
    rng: np.random.Generator, deltas: npt.ArrayLike | Sequence[Automaton], states: int = 1
) -> Deltas:
    """Insert states into each automaton, one after the other: (batch, k, n + states).

    Each splits a random transition: where a letter led p to q, it leads p to the new state and the
    new state to q. The other letters lead the new state to random states, itself included. New
    states get the numbers n, n + 1, ...

    Parameters
    ----------
    rng : Generator
    deltas : array of int, shape (batch, k, n)
    states : int
        How many to insert.

    Raises
    ------
    AutomatonError, SizeLimitError
        If `deltas` are not complete automata, or n + states > 5,000.
    ValueError
        If `states` is negative, or not an integer.

    Examples
    --------
    >>> insert_states(np.random.default_rng(0), np.array([[[1, 2, 0], [0, 1, 0]]])).tolist()
    [[[1, 2, 0, 2], [0, 3, 0, 1]]]
    """
    valid = validate_deltas(deltas)
    batch, k, n = valid.shape
    states = check_integer("states", states, 0)
    if n + states > MAX_STATES:
        raise SizeLimitError(f"n={n + states} is over the limit of {MAX_STATES} states")
    grown = np.empty((batch, k, n + states), state_dtype(n + states))
    grown[:, :, :n] = valid
    rows = np.arange(batch)
    for new in range(n, n + states):
        letters = rng.integers(0, k, size=batch)
        sources = rng.integers(0, new, size=batch)
        grown[:, :, new] = rng.integers(0, new + 1, size=(batch, k))
        grown[rows, letters, new] = grown[rows, letters, sources]
        grown[rows, letters, sources] = new
    return grown


def rank_weights(count: int, softness: float) -> npt.NDArray[np.float64]:
    """Return weights proportional to 1 / (softness*count + rank) for ranks 0, 1, ...: sum 1.

    The weights of weighted retraining (Tripp, Daxberger, Hernández-Lobato 2020).

    Examples
    --------
    >>> rank_weights(3, softness=1/3).round(3).tolist()
    [0.545, 0.273, 0.182]
    """
    count, softness = check_integer("count", count, 0), check_positive("softness", softness)
    weights = 1.0 / (softness * count + np.arange(count))
    return np.asarray(weights / weights.sum())


@dataclass(frozen=True)
class Evolution:
    """What `evolve` looks for and what it may spend."""

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
    classes: tuple[str, ...] = setting(
        (), "Nothing outside these classes enters the archive or is solved: NAME or not-NAME."
    )
    least_new: float = setting(
        0.0,
        "Least share of a generation's children of the classes that is new: many generations in "
        "a row below it end the evolution.",
        low=0,
        high=1,
        name="least_new",
    )

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_number("exchanges", self.exchanges)
        check_number("least_new", self.least_new)
        check_settings(self)
        check_classes(self.classes)


@dataclass(frozen=True)
class Evolved:
    """Distinct automata in canonical form, by falling threshold."""

    deltas: Deltas
    """uint8 (batch, k, n)"""
    reset_thresholds: Thresholds
    """int32 (batch,)"""
    calls: int
    """Solver calls spent."""


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
    synchronizing children never seen before, up to isomorphism. Each of these is one solver call.
    Children outside the classes cost none: deciding the class takes no solver.

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
        Automata in canonical form, of the classes, and their thresholds, already paid for.
        Default: uniform random automata, paid for.
    progress : callable
        Told the calls of each generation.

    Returns
    -------
    Evolved
        Fewer than `Evolution.archive_size` automata where that many were not met; none where random
        automata are hardly ever of the classes.

    Examples
    --------
    >>> archive = evolve(np.random.default_rng(0), 4, 2, Evolution(calls=3000, ceiling=7))
    >>> int(archive.reset_thresholds.max()), archive.calls <= 3000
    (7, True)
    """
    n, k = check_integer("n", n, 1), check_integer("k", k, 1)
    if solve is None:
        solve = partial(reset_thresholds, workers=workers)
    seen = RowIndex(n * k)
    forms = np.empty((0, n * k), np.uint8)
    thresholds = np.empty(0, np.int32)
    calls = 0
    if start is not None:
        forms, thresholds = canonical_forms(start[0]), integer_array(start[1], "thresholds")
        if thresholds.shape != (len(forms),):
            raise ValueError(
                f"{len(forms)} automata have as many thresholds, got shape {thresholds.shape}"
            )
        first = seen.add_new(forms)
        forms, thresholds = _elite(forms[first], thresholds[first], config)
    vain = 0
    while calls < config.calls and vain < _patience(config, len(forms)):
        if len(forms) == 0:
            children = sample_uniform(rng, config.batch, n, k)
        else:
            weights = rank_weights(len(forms), config.softness)
            parents = rng.choice(len(forms), size=config.batch, p=weights)
            children = _change(rng, from_canonical(forms[parents], n, k), config.exchanges)
        if config.classes:
            children = children[in_classes(children, config.classes, workers=workers)]
        drawn = canonical_forms(children, workers=workers)
        drawn = drawn[seen.add_new(drawn)]
        drawn = drawn[are_synchronizing(from_canonical(drawn, n, k))][: config.calls - calls]
        least_new = config.least_new * len(children) if len(forms) else 0
        vain = 0 if len(drawn) > least_new else vain + config.batch
        solved = solve(from_canonical(drawn, n, k))
        calls += len(drawn)
        progress(len(drawn))
        forms, thresholds = _elite(
            np.concatenate([forms, drawn]), np.concatenate([thresholds, solved]), config
        )
    return Evolved(from_canonical(forms, n, k), thresholds, calls)


def _patience(config: Evolution, archive: int) -> int:
    """Return how many children in a row may bring nothing new.

    A small space is exhausted after some generations without anything new. A rare class is met
    less often, by random automata least of all.
    """
    patience = 8 * config.batch
    if config.classes:
        patience = max(patience, _VAIN_CHILDREN if archive else _VAIN_RANDOM)
    return patience


def _change(rng: np.random.Generator, parents: Deltas, exchanges: float) -> Deltas:
    """Return a child of each parent: a share exchanges two targets, the others redraw 1 or 2."""
    _, k, n = parents.shape
    exchanged = round(exchanges * len(parents))
    half = exchanged + (len(parents) - exchanged) // 2
    return np.concatenate(
        [
            exchange(rng, parents[:exchanged]),
            mutate(rng, parents[exchanged:half], 1),
            mutate(rng, parents[half:], min(2, n * k)),
        ]
    )


def _elite(
    forms: npt.NDArray[np.uint8], thresholds: Thresholds, config: Evolution
) -> tuple[npt.NDArray[np.uint8], Thresholds]:
    """Keep the longest thresholds that may enter, in falling order; the newer of equals first."""
    enters = thresholds >= 0
    if config.ceiling is not None:
        enters &= thresholds <= config.ceiling
    newest_first = np.flatnonzero(enters)[::-1]
    order = newest_first[np.argsort(-thresholds[newest_first], kind="stable")]
    order = order[: config.archive_size]
    return forms[order], thresholds[order]
