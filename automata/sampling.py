"""Random automata, uniform and synchronizing ones, and the weights of draws by rank."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer, check_number, check_positive
from automata.deltas import (
    MAX_LETTERS,
    MAX_STATES,
    UNDEFINED,
    Deltas,
    check_partial_size,
    state_dtype,
)
from automata.solver.either import may_synchronize, thresholds_of
from automata.solver.exact import Thresholds


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
