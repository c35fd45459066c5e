"""Attribute arithmetic: the direction in the latent space in which an attribute grows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from automata.classes import Predicate
from automata.properties import in_classes
from data.damage import DataError
from data.dataset import Dataset

THRESHOLD = "threshold"
"""The attribute of a long reset threshold."""

Mask = npt.NDArray[np.bool_]


def is_threshold(attribute: object) -> bool:
    """Return whether an attribute is that of a long reset threshold, not a class."""
    return isinstance(attribute, str) and attribute == THRESHOLD


def attribute_groups(
    data: Dataset, attribute: str | Predicate, *, workers: int = 1
) -> tuple[Mask, Mask]:
    """Return which automata have an attribute, and which lack it.

    With ``threshold`` these are the automata from the upper quartile of the thresholds on, and
    those up to the lower one; if the quartiles are equal, none lacks it.

    Parameters
    ----------
    data : Dataset
    attribute : str or callable
        ``threshold``, a class of `automata.CLASSES`, not-NAME, or a function of automata, uint8
        (batch, k, n), that returns bool (batch,).
    workers : int
        Threads.

    Returns
    -------
    has, lacks : bool array, shape (rows,)

    Raises
    ------
    ValueError
        If there is no such class, or the function returns something else.

    Examples
    --------
    >>> automata = np.array([[[0, 0, 0], [0, 0, 2]], [[0, 0, 2], [1, 2, 0]]], np.uint8)
    >>> data = Dataset(automata, np.array([1, 4], np.int32), np.array(["uniform"] * 2))
    >>> [group.tolist() for group in attribute_groups(data, "sink")]
    [[True, False], [False, True]]
    >>> [group.tolist() for group in attribute_groups(data, "threshold")]
    [[False, True], [True, False]]
    """
    if not is_threshold(attribute):
        has = in_classes(data.deltas, [attribute], workers=workers)
        return has, ~has
    if len(data) == 0:
        return np.zeros(0, np.bool_), np.zeros(0, np.bool_)
    low, high = np.quantile(data.reset_thresholds, [0.25, 0.75])
    return data.reset_thresholds >= high, (data.reset_thresholds <= low) & (low < high)


def attribute_direction(
    mu: npt.NDArray[np.floating], data: Dataset, attribute: str | Predicate, *, workers: int = 1
) -> npt.NDArray[np.float32]:
    """Return the difference of the mean points of automata with and without an attribute.

    Attributes in that sense are those of Larsen et al. (2016); `attribute_groups` says which
    automata have one, and which lack it.

    Parameters
    ----------
    mu : float array, shape (rows, latent)
        Posterior means of the rows of `data`.
    data : Dataset
    attribute : str or callable
        As in `attribute_groups`.
    workers : int
        Threads.

    Returns
    -------
    float32 array, shape (latent,)

    Raises
    ------
    DataError
        If all rows have the attribute, or none has.
    ValueError
        If there is no such class, or the function returns something else.
    """
    has, lacks = attribute_groups(data, attribute, workers=workers)
    if not (has.any() and lacks.any()):
        name = attribute if isinstance(attribute, str) else getattr(attribute, "__name__", "it")
        raise DataError(
            f"{has.sum()} of {len(data)} training automata have the attribute {name}: "
            "a direction needs some with it and some without"
        )
    return np.asarray(mu[has].mean(0) - mu[lacks].mean(0), np.float32)
