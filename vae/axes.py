"""The principal axes of a cloud of points: the latent space in two dimensions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Axes(NamedTuple):
    """The two directions in which points vary most."""

    centre: Floats
    """(latent,): the mean of the points"""
    directions: Floats
    """(2, latent): orthogonal, of length 1; a space of one dimension has zeros in the second"""
    shares: Floats
    """(axes,): the share of the variance along each principal axis, falling; at least two"""
    spreads: tuple[float, float]
    """The standard deviation of the points in each direction."""

    def project(self, z: npt.ArrayLike) -> Floats:
        """Return the places of points (points, latent) in the plane: float64 (points, 2)."""
        return np.asarray((np.asarray(z, np.float64) - self.centre) @ self.directions.T)

    def lift(self, places: npt.ArrayLike) -> Floats:
        """Return the points of places (points, 2) in the plane: float64 (points, latent)."""
        return np.asarray(self.centre + np.asarray(places, np.float64) @ self.directions)


def fit_axes(points: npt.ArrayLike) -> Axes:
    """Return the principal axes of points, (points, latent), at least one.

    Signs are such that the largest coordinate of each direction is positive.

    Examples
    --------
    >>> axes = fit_axes([[0.0, 1.0], [0.0, 3.0], [0.0, 5.0]])
    >>> axes.directions[0].round(6).tolist(), axes.project([[9.0, 5.0]]).round(6)[0, 0].item()
    ([0.0, 1.0], 2.0)
    >>> axes.shares.round(6).tolist()
    [1.0, 0.0]
    """
    cloud = np.asarray(points, np.float64)
    centre = cloud.mean(axis=0)
    _, lengths, directions = np.linalg.svd(cloud - centre, full_matrices=False)
    missing = max(0, 2 - len(lengths))  # the latent space may have one dimension
    variances = np.pad(lengths**2, (0, missing))
    directions = np.pad(directions, ((0, missing), (0, 0)))[:2]
    largest = directions[[0, 1], np.abs(directions).argmax(axis=1)]
    directions *= np.where(largest < 0, -1, 1)[:, None]
    shares = variances / max(float(variances.sum()), 1e-12)
    across, up = np.sqrt(variances[:2] / len(cloud)).tolist()
    return Axes(centre, directions, shares, (across, up))
