"""What a latent space takes and returns: automata and points from callers, checked; results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automata.automaton import Automaton, AutomatonLike, validate_delta
from automata.canonical import canonical_forms_of_valid, from_canonical
from automata.deltas import Deltas, validate_deltas, validate_table
from automata.errors import AutomatonError
from automata.solver.exact import Thresholds
from vae.axes import Axes
from vae.model import ModelConfig, check_points

AutomataLike: TypeAlias = AutomatonLike | Sequence[AutomatonLike]
"""One automaton or many: `Automaton`, an array (k, n) or (batch, k, n), text, or a list of them."""
Prior = Callable[[np.random.Generator, int], npt.ArrayLike]
"""A prior of your own: from a generator and a count to points, float (count, latent)."""


class Posterior(NamedTuple):
    """q(z|x) of automata: a normal distribution with independent dimensions."""

    mu: npt.NDArray[np.float32]
    """float32 (batch, latent)"""
    sigma: npt.NDArray[np.float32]
    """float32 (batch, latent)"""


class Interpolation(NamedTuple):
    """The automata along a path between two points."""

    alpha: npt.NDArray[np.float64]
    """float64 (steps,): 1 at the first end, falling to 0 at the second"""
    z: npt.NDArray[np.float32]
    """float32 (steps, latent)"""
    deltas: Deltas
    """uint8 (steps, k, n)"""


class Neighbours(NamedTuple):
    """Training automata, the nearest first."""

    deltas: Deltas
    """uint8 (count, k, n)"""
    reset_thresholds: Thresholds
    """int32 (count,)"""
    distances: npt.NDArray[np.float32]
    """float32 (count,): between the posterior means"""


class LatentMap(NamedTuple):
    """The training automata in two dimensions."""

    places: npt.NDArray[np.float64]
    """float64 (rows, 2)"""
    deltas: Deltas
    """uint8 (rows, k, n)"""
    reset_thresholds: Thresholds
    """int32 (rows,)"""
    axes: Axes
    """The two principal axes; ``axes.project(z)`` places other points."""


def as_deltas(automata: AutomataLike, config: ModelConfig) -> Deltas:
    """Return one automaton or many as a validated copy, an array of states (batch, k, n).

    Raises
    ------
    AutomatonError
        If they are not automata of one size, complete ones unless the model is of partial automata,
        or the model has another size.

    Examples
    --------
    >>> config = ModelConfig(n=2, k=1)
    >>> as_deltas("1 0", config).tolist(), as_deltas([Automaton("1 0"), "0 1"], config).tolist()
    ([[[1, 0]]], [[[1, 0]], [[0, 1]]])
    >>> as_deltas("1 2 0", config)
    Traceback (most recent call last):
    automata.errors.AutomatonError: n=3, k=1, but the model has n=2, k=1
    """
    partial = config.partial
    if isinstance(automata, str | Automaton):
        deltas = validate_delta(automata, partial=partial)[None]
    else:
        given: Any = automata
        if isinstance(automata, list | tuple) and any(isinstance(own, str) for own in automata):
            given = [validate_delta(own, partial=partial) for own in automata]
        if _depth(given) == 2:
            deltas = validate_table(given, partial=partial)[None]
        else:
            deltas = validate_deltas(given, partial=partial)
    k, n = deltas.shape[1:]
    if k != config.k or not (1 if config.any_size else config.n) <= n <= config.n:
        sizes = f"n=1..{config.n}" if config.any_size else f"n={config.n}"
        raise AutomatonError(f"n={n}, k={k}, but the model has {sizes}, k={config.k}")
    return deltas


def _depth(table: Any) -> int:
    """Return the number of dimensions of nested lists, which may hold None, or of an array."""
    if isinstance(table, list | tuple) and table:
        return 1 + _depth(table[0])
    return np.ndim(table)


def as_delta(automaton: AutomataLike, config: ModelConfig) -> Deltas:
    """Return one automaton as a validated copy, an array of states (1, k, n).

    Raises
    ------
    AutomatonError
        As `as_deltas`, or if there are several.

    Examples
    --------
    >>> as_delta(["1 0", "0 1"], ModelConfig(n=2, k=1))
    Traceback (most recent call last):
    automata.errors.AutomatonError: one automaton is wanted, got 2
    """
    deltas = as_deltas(automaton, config)
    if len(deltas) != 1:
        raise AutomatonError(f"one automaton is wanted, got {len(deltas)}")
    return deltas


def as_points(z: npt.ArrayLike, latent: int) -> Tensor:
    """Return one point or many as a copy, a float32 tensor (points, latent).

    Raises
    ------
    ValueError
        If they are not numbers, or have another shape.
    NotFiniteError
        If one is not finite, as float32.

    Examples
    --------
    >>> as_points([0, 1], 2).tolist()
    [[0.0, 1.0]]
    >>> as_points([0, 1], 3)
    Traceback (most recent call last):
    ValueError: points have shape (2,), not (points, 3)
    """
    try:
        array = np.asarray(z)
    except ValueError as error:
        raise ValueError(f"points are no array: {error}") from error
    if array.dtype.kind not in "fiu":
        raise ValueError(f"points are numbers, got entries of type {array.dtype}")
    points = array[None] if array.ndim == 1 else array
    if points.ndim != 2 or points.shape[1] != latent:
        raise ValueError(f"points have shape {array.shape}, not (points, {latent})")
    tensor = torch.from_numpy(np.array(points, np.float64)).float()
    check_points(tensor)
    return tensor


def as_array(tensor: Tensor) -> npt.NDArray[Any]:
    """Return a tensor on any device as an array."""
    array: npt.NDArray[Any] = tensor.detach().cpu().numpy()
    return array


def canonical(deltas: Deltas) -> Deltas:
    """Return valid automata (batch, k, n) in canonical form."""
    forms = canonical_forms_of_valid(deltas)
    return from_canonical(forms, deltas.shape[2], deltas.shape[1], partial=True)
