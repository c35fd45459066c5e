"""The Gaussian VAE: its densities, its KL, its bound, its training."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from data.damage import DataError
from data.digits import load_digits
from vae.gaussian import (
    GaussianConfig,
    GaussianVAE,
    Pixels,
    decode_images,
    encode_images,
    log_likelihood,
    reconstruct,
    train_gaussian,
)
from vae.posteriors import Posterior
from vae.priors import normal_kl

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = GaussianConfig(latent=2, hidden=16, steps=30, batch=16)


def noise(rows: int, height: int = 4, width: int = 4) -> np.ndarray:
    return np.random.default_rng(rows).random((rows, height, width), np.float32)


def untrained(pixels: int, **settings) -> GaussianVAE:
    torch.manual_seed(0)
    return GaussianVAE(pixels, GaussianConfig(hidden=16, **settings))


def test_the_kl_is_the_closed_form_and_what_a_million_samples_give() -> None:
    posterior = Posterior(torch.tensor([[0.7, -1.5, 0.0]]), torch.tensor([[-1.0, 0.3, 0.0]]))
    found = normal_kl(posterior).mean(0)
    q, p = Normal(posterior.mu, posterior.log_sigma.exp()), Normal(0.0, 1.0)
    torch.testing.assert_close(found, kl_divergence(q, p)[0])
    many = Posterior(*(row.expand(1_000_000, -1) for row in posterior[:2]))
    z = many.sample(torch.Generator().manual_seed(0))
    torch.testing.assert_close(found, (q.log_prob(z) - p.log_prob(z)).mean(0), atol=5e-3, rtol=0)


@pytest.mark.parametrize("log_sigma", [-3.0, -0.5, 1.0])
def test_the_density_of_a_pixel_integrates_to_one(log_sigma: float) -> None:
    x = torch.linspace(-30, 30, 60_001, dtype=torch.float64)[:, None]
    mu = torch.full_like(x, 0.4)
    density = (-Pixels(mu, torch.full_like(x, log_sigma)).negative_log_likelihood(x)).exp()
    assert density.sum().item() * 0.001 == pytest.approx(1, abs=1e-6)


def test_the_likelihood_is_that_of_torch_summed_over_pixels() -> None:
    x, mu, log_sigma = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0))
    expected = -Normal(mu, log_sigma.exp()).log_prob(x).sum(1)
    torch.testing.assert_close(Pixels(mu, log_sigma).negative_log_likelihood(x), expected)


def test_sigmas_are_clipped_from_below() -> None:
    model = untrained(16, latent=3)
    for head in (model.log_sigma, model.pixel_log_sigma):
        torch.nn.init.constant_(head.bias, -50.0)
    posterior = encode_images(model, noise(5))
    assert (posterior.log_sigma == -3).all()
    assert (model.decode(posterior.mu).log_sigma == -3).all()


def test_the_bound_is_one_and_rises_with_points() -> None:
    """In one latent dimension a grid gives log p(x); importance sampling converges to it."""
    model, images = untrained(16, latent=1), noise(3)
    z = torch.linspace(-8, 8, 4001)[:, None]
    with torch.no_grad():
        x = torch.from_numpy(images).flatten(1)
        nll = torch.stack(
            [model.decode(z).negative_log_likelihood(row.expand(len(z), -1)) for row in x]
        )
    prior = Normal(0.0, 1.0).log_prob(z[:, 0])
    exact = ((prior - nll).double().logsumexp(1) + np.log(0.004)).numpy()
    for from_prior in (False, True):
        generator = torch.Generator().manual_seed(0)
        estimates = log_likelihood(model, images, 4000, generator, from_prior=from_prior)
        np.testing.assert_allclose(estimates[-1], exact, atol=0.05)
    many = np.repeat(images[:1], 3000, 0)
    estimates = log_likelihood(model, many, 8, generator).mean(1)
    with torch.no_grad():
        flat = torch.from_numpy(many).flatten(1)
        elbo = -sum(term.item() for term in model(flat, generator))
    assert estimates[0] == pytest.approx(elbo, abs=0.1)
    assert estimates[0] < estimates[-1] < exact[0] + 0.05


def test_a_batch_is_learned_by_heart() -> None:
    images = load_digits(most=10).images
    config = GaussianConfig(
        latent=8, hidden=128, steps=400, batch=16, beta=0.01, learning_rate=1e-2
    )
    trained = train_gaussian(np.repeat(images, 10, 0), config)
    assert np.abs(reconstruct(trained.model, images) - images).mean() < 0.01
    assert trained.curve[-1].train_nll < trained.curve[0].train_nll - 50


def test_equal_seeds_give_equal_models() -> None:
    first, again, other = (
        train_gaussian(noise(40), GaussianConfig(latent=2, hidden=8, steps=10, seed=seed))
        for seed in (0, 0, 1)
    )
    assert first.curve == again.curve != other.curve
    for name, value in first.model.state_dict().items():
        assert (value == again.model.state_dict()[name]).all()
    rows = np.concatenate([first.training, first.held_out])
    assert sorted(rows.tolist()) == [*range(40)] and len(first.held_out) == 4


def test_torch_keeps_its_own_random_numbers() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    train_gaussian(noise(20), SMALL)
    assert (torch.rand(2) == expected).all()


def test_images_need_not_be_square() -> None:
    trained = train_gaussian(noise(20, 4, 6), SMALL)
    assert reconstruct(trained.model, noise(3, 4, 6)).shape == (3, 4, 6)
    assert decode_images(trained.model, torch.zeros(2, 2), 4).shape == (2, 4, 6)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (noise(1), "1 images are too few"),
        (noise(9) + 0.5, "outside 0..1"),
        (np.full((9, 4, 4), np.nan, np.float32), "outside 0..1"),
    ],
)
def test_images_that_are_refused(images: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        train_gaussian(images, SMALL)


def test_divergence_is_an_error() -> None:
    config = GaussianConfig(latent=2, hidden=8, steps=200, learning_rate=10, min_log_sigma=-40)
    with pytest.raises(FloatingPointError, match="a loss is not finite"):
        train_gaussian(noise(40), config)
