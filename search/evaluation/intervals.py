"""Intervals of shares and of means, and the resamples of bootstrap intervals (Efron 1979)."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 10_000
"""Resamples of a bootstrap interval."""
_TAIL = 0.025
_Z = 1.959964
"""The quantile of the normal distribution for 95 % intervals."""


def share_interval(shares: npt.ArrayLike, counts: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return 95 % intervals of shares (Wilson 1927).

    Parameters
    ----------
    shares : array of float, shape (rows,)
        In 0..1.
    counts : array of int, shape (rows,)
        The number of independent trials that each is a share of. Without trials the interval is
        nan.

    Returns
    -------
    low, high : float64 array, shape (rows,)

    Examples
    --------
    >>> [round(float(end[0]), 3) for end in share_interval([0.1], [50])]
    [0.043, 0.214]
    """
    share = np.asarray(shares, np.float64)
    count = np.asarray(counts, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = 1 + _Z**2 / count
        middle = (share + _Z**2 / (2 * count)) / weight
        half = _Z / weight * np.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    # if no trial or every trial succeeds, one end is exact
    return np.where(share == 0, 0, middle - half), np.where(share == 1, 1, middle + half)


def mean_interval(values: npt.ArrayLike) -> tuple[float, float, float]:
    """Return the mean of values and its 95 % interval, by the normal approximation.

    Parameters
    ----------
    values : array of float, shape (rows,)

    Returns
    -------
    mean, low, high : float
        nan without values; with one, the ends are nan.

    Examples
    --------
    >>> [round(end, 2) for end in mean_interval([1, 2, 3, 4])]
    [2.5, 1.23, 3.77]
    """
    own = np.asarray(values, np.float64)
    mean = float(own.mean()) if len(own) else np.nan
    half = _Z * float(own.std(ddof=1)) / len(own) ** 0.5 if len(own) > 1 else np.nan
    return mean, mean - half, mean + half


@cache
def resampled_counts(rows: int, *, seed: int, stream: int = 0) -> Floats:
    """Return how many times each resample draws each row: float64 (rows, `RESAMPLES`).

    Examples
    --------
    >>> bool((resampled_counts(3, seed=0).sum(axis=0) == 3).all())
    True
    """
    rng = np.random.default_rng([seed, stream])
    return rng.multinomial(rows, np.full(rows, 1 / rows), RESAMPLES).T.astype(np.float64)


def ratio_interval(ratios: Floats, undecided: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the 95 % interval of each row of resampled ratios, some of which are undecided.

    A resample without information, such as 0 divided by 0, counts as 0 for the lower end and as
    inf for the upper end, so that it can only widen the interval.

    Parameters
    ----------
    ratios : float64 array, shape (measures, `RESAMPLES`)
    undecided : bool array, shape (measures, `RESAMPLES`)

    Returns
    -------
    low, high : float64 array, shape (measures,)

    Examples
    --------
    >>> ratios = np.ones((1, RESAMPLES))
    >>> [end.tolist() for end in ratio_interval(ratios, ratios > 1)]
    [[1.0], [1.0]]
    >>> [end.tolist() for end in ratio_interval(ratios, ratios == 1)]
    [[0.0], [inf]]
    """
    return percentile_interval(np.where(undecided, 0, ratios), np.where(undecided, np.inf, ratios))


def percentile_interval(lows: Floats, highs: Floats) -> tuple[Floats, Floats]:
    """Return the 2.5th percentile of each row of one array and the 97.5th of another.

    No values are interpolated. The two arrays differ where a resample carries no information, which
    then counts as the least for one end and as the most for the other.

    Parameters
    ----------
    lows, highs : float64 array, shape (measures, `RESAMPLES`)

    Returns
    -------
    low, high : float64 array, shape (measures,)
    """
    place = int(_TAIL * (RESAMPLES - 1))
    low = np.partition(lows, place, axis=1)[:, place]
    return low, np.partition(highs, -1 - place, axis=1)[:, -1 - place]
