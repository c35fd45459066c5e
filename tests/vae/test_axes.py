"""The principal axes of a cloud of points."""

import numpy as np
import pytest

from vae.axes import fit_axes


def test_the_plane_keeps_distances_within_it() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(30, 2)) * [5, 3] @ np.linalg.qr(rng.normal(size=(4, 2)))[0].T + 7
    axes = fit_axes(points)
    places = axes.project(points)
    np.testing.assert_allclose(
        np.linalg.norm(places[1:] - places[0], axis=1),
        np.linalg.norm(points[1:] - points[0], axis=1),
    )
    np.testing.assert_allclose(axes.lift(places), points)
    np.testing.assert_allclose(axes.shares[2:], 0, atol=1e-12)


def test_each_axis_has_its_share_of_the_variance() -> None:
    points = np.random.default_rng(0).normal(size=(30, 4)) * [5, 3, 1, 0.1]
    shares = fit_axes(points).shares
    values = np.linalg.eigvalsh(np.cov(points.T))[::-1]
    np.testing.assert_allclose(shares, values / values.sum())
    assert shares.sum() == pytest.approx(1) and (np.diff(shares) < 0).all()
