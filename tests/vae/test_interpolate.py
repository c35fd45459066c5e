"""Paths through the latent space: their ends, their norms, and the degenerate pairs."""

import pytest
import torch

from vae.interpolate import PATHS, interpolate

every_path = pytest.mark.parametrize("path", PATHS)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def along(path: str, first: torch.Tensor, second: torch.Tensor, points: int = 11) -> torch.Tensor:
    """The points for alpha = 0, ..., 1 between each pair: (points, batch, latent)."""
    alphas = torch.linspace(0, 1, points)
    return torch.stack(
        [interpolate(path, first, second, alpha.expand(len(first))) for alpha in alphas]
    )


@every_path
@pytest.mark.parametrize("latent", [1, 2, 32])
def test_the_ends_are_the_points(path, latent):
    first, second = normal(50, latent), 3 * normal(50, latent, seed=1)
    points = along(path, first, second)
    torch.testing.assert_close(points[-1], first)
    torch.testing.assert_close(points[0], second)
    swapped = along(path, second, first).flip(0)  # the way back
    torch.testing.assert_close(points, swapped, rtol=1e-4, atol=1e-4)


@every_path
def test_each_pair_has_its_own_alpha(path):
    first, second, alpha = normal(9, 4), normal(9, 4, seed=1), torch.linspace(0, 1, 9)
    together = interpolate(path, first, second, alpha)
    for row in range(9):
        alone = interpolate(path, first[[row]], second[[row]], alpha[[row]])
        torch.testing.assert_close(together[[row]], alone)


def test_linear_is_straight():
    first, second = normal(20, 6), normal(20, 6, seed=1)
    steps = along("linear", first, second).diff(dim=0)
    torch.testing.assert_close(steps, (first - second).div(10).expand(10, -1, -1))


def test_polar_keeps_the_expected_norm_of_independent_normals():
    latent, count = 16, 20_000
    points = along("polar", normal(count, latent), normal(count, latent, seed=1))
    squares = points.square().sum(2).mean(1)  # each the mean of `count` chi-square variables
    assert (squares - latent).abs().max() < 5 * (2 * latent / count) ** 0.5
    middle = along("linear", normal(count, latent), normal(count, latent, seed=1))[5]
    assert middle.square().sum(1).mean() < 0.55 * latent  # where linear has lost half of it


def test_the_great_circle_keeps_norms_and_turns_evenly():
    first, second = normal(40, 8), normal(40, 8, seed=1)
    lengths = torch.linspace(0.1, 9, 40)[:, None]
    equal = along(
        "great-circle", *(lengths * z / z.norm(dim=1, keepdim=True) for z in (first, second))
    )
    torch.testing.assert_close(equal.norm(dim=2), lengths.T.expand(11, -1))
    points = along("great-circle", first, second)
    norms = points.norm(dim=2, keepdim=True)
    torch.testing.assert_close(norms.diff(dim=0), norms.diff(dim=0).mean(0).expand(10, -1, -1))
    units = (points / norms).double()
    angles = (units[1:] * units[:-1]).sum(2).clamp(-1, 1).arccos()
    torch.testing.assert_close(angles, angles.mean(0).expand(10, -1), rtol=1e-3, atol=1e-3)


@every_path
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
@pytest.mark.parametrize("factor", [1.0, -1.0, 1 + 1e-7, -1 + 1e-7, 2.0, -3.0, 0.0])
def test_degenerate_pairs_stay_finite(path, factor, scale):
    ends = scale * normal(5, 4)
    for first, second in [(ends, factor * ends), (factor * ends, ends)]:
        points = along(path, first, second)
        assert points.isfinite().all()
        most = torch.maximum(first.norm(dim=1), second.norm(dim=1))
        assert (points.norm(dim=2) <= (2**0.5 + 1e-3) * most).all()


@every_path
def test_zero_to_zero(path):
    assert not along(path, torch.zeros(3, 4), torch.zeros(3, 4)).any()


@pytest.mark.parametrize("path", ["polar", "great-circle"])
def test_paths_stay_on_the_sphere(path):
    first, second = (torch.nn.functional.normalize(normal(40, 8, seed=seed)) for seed in (0, 1))
    alpha = torch.linspace(1, 0, 40)
    z = interpolate(path, first, second, alpha, sphere=True)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(40))
    plain = interpolate(path, first, second, alpha)  # leads through the same directions
    torch.testing.assert_close(z, plain / plain.norm(dim=1, keepdim=True))
    assert torch.equal(
        interpolate("linear", first, second, alpha, sphere=True),
        interpolate("linear", first, second, alpha),
    )


def test_unknown_path():
    with pytest.raises(
        ValueError, match="unknown path 'curly': one of linear, polar, great-circle"
    ):
        interpolate("curly", normal(1, 2), normal(1, 2), torch.ones(1))
