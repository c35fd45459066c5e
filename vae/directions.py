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


def attribute_direction(
    mu: npt.NDArray[np.floating], data: Dataset, attribute: str | Predicate, *, workers: int = 1
) -> npt.NDArray[np.float32]:
    """Return the difference of the mean points of automata with and without an attribute.

    Attributes in that sense are those of Larsen et al. (2016). With ``threshold`` the two groups
    are the automata from the upper quartile of the thresholds on, and those up to the lower one.

    Parameters
    ----------
    mu : float array, shape (rows, latent)
        Posterior means of the rows of `data`.
    data : Dataset
    attribute : str or callable
        ``threshold``, a class of `automata.CLASSES`, not-NAME, or a function of automata, uint8
        (batch, k, n), that returns bool (batch,).
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
    if attribute == THRESHOLD:
        low, high = np.quantile(data.reset_thresholds, [0.25, 0.75])
        has, lacks = data.reset_thresholds >= high, data.reset_thresholds <= low
        if low == high:
            lacks &= False
    else:
        has = in_classes(data.deltas, [attribute], workers=workers)
        lacks = ~has
    if not (has.any() and lacks.any()):
        name = attribute if isinstance(attribute, str) else getattr(attribute, "__name__", "it")
        raise DataError(
            f"{has.sum()} of {len(data)} training automata have the attribute {name}: "
            "a direction needs some with it and some without"
        )
    return np.asarray(mu[has].mean(0) - mu[lacks].mean(0), np.float32)
