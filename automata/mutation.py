"""Random changes of automata: transitions redrawn or exchanged, states inserted, children."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.automaton import Automaton
from automata.deltas import (
    UNDEFINED,
    Deltas,
    check_partial_size,
    check_size,
    state_dtype,
    validate_deltas,
)


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
    check_size(k, n + states)
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
