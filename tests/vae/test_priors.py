"""Priors: each density integrates to one, samples follow it, and each KL is right."""

import copy
import math

import numpy as np
import pytest
import torch
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    Normal,
    kl_divergence,
)

from tests.vae.models import BATCH, make, seeded
from vae.config import PRIORS, ModelOptions
from vae.posteriors import Diagonal, Posterior, PowerSpherical, make_kind
from vae.priors import FlowPrior, MixturePrior, SpherePrior, VampPrior

pytestmark = pytest.mark.usefixtures("one_thread")

IN_SPACE = [name for name in PRIORS if name != "sphere"]


def make_prior(name: str, latent: int = 2, **changes):
    """A prior as it is somewhere in training."""
    model = make(latent=latent, options=ModelOptions(prior=name, components=5), **changes)
    for weight in [*getattr(model.prior, "parameters", list)()]:
        weight.data += 0.1 * torch.randn(weight.shape, generator=seeded())
    return model.prior


def grid(reach: float = 12, steps: int = 400) -> tuple[torch.Tensor, float]:
    """Points of a square, (points, 2), and the area of each."""
    line = torch.linspace(-reach, reach, steps)
    return torch.cartesian_prod(line, line), float((line[1] - line[0]) ** 2)


@torch.no_grad()
@pytest.mark.parametrize("name", IN_SPACE)
def test_a_density_integrates_to_one(name):
    points, area = grid()
    total = make_prior(name).log_density(points).double().exp().sum() * area
    assert total.item() == pytest.approx(1, abs=2e-3)


@torch.no_grad()
@pytest.mark.parametrize("name", IN_SPACE)
def test_samples_follow_the_density(name):
    """The shares of samples in the quarters of the plane about (0.3, -0.2) are their integrals."""
    prior = make_prior(name)
    points, area = grid()
    mass = prior.log_density(points).double().exp() * area
    z = prior.sample(200_000, seeded())
    quarter = [2 * (x[:, 0] > 0.3).int() + (x[:, 1] > -0.2).int() for x in (points, z)]
    for number in range(4):
        expected = mass[quarter[0] == number].sum().item()
        assert (quarter[1] == number).double().mean().item() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("name", PRIORS)
def test_samples_depend_on_the_generator_alone(name):
    prior = make_prior(name, 3)
    state = torch.random.get_rng_state()
    first, again, other = (prior.sample(50, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(state, torch.random.get_rng_state())
    assert first.shape == (50, 3)
    assert not first.requires_grad
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert prior.sample(0, seeded()).shape == (0, 3)


@pytest.mark.parametrize("latent", [2, 3, 24])
def test_the_sphere(latent):
    prior = make_prior("sphere", latent)
    z = prior.sample(20_000, seeded())
    torch.testing.assert_close(z.norm(dim=1), torch.ones(len(z)))
    assert z.mean(0).abs().max() < 0.03
    areas = {2: 2 * math.pi, 3: 4 * math.pi}
    if latent in areas:
        density = prior.log_density(z[:1]).exp().item()
        assert density * areas[latent] == pytest.approx(1, rel=1e-5)


def test_the_mixture_is_torchs():
    prior = make_prior("mixture")
    mixture = MixtureSameFamily(
        Categorical(logits=prior.logits), Independent(Normal(prior.mu, prior.log_sigma.exp()), 1)
    )
    z = 3 * torch.randn(200, 2, generator=seeded())
    torch.testing.assert_close(prior.log_density(z), mixture.log_prob(z))


def test_the_flow_inverts():
    prior = make_prior("flow", 6)
    z = 2 * torch.randn(100, 6, generator=seeded())
    transform = prior.flow.transform(None)
    torch.testing.assert_close(transform.inv(transform(z)), z, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("any_size", [False, True], ids=["one size", "any size"])
def test_pseudo_inputs_are_encoded_as_automata_are(any_size):
    """One that is certain of its targets has the posterior of that automaton."""
    model = make(k=2, any_size=any_size, options=ModelOptions(prior="vamp", components=4))
    tokens = torch.randint(5, (4, 5, 2), generator=seeded())
    model.prior.inputs.data = 1000 * torch.nn.functional.one_hot(tokens, 5).float()
    found, expected = model.prior.components(), model.posterior(tokens)
    torch.testing.assert_close(found.mu, expected.mu)
    torch.testing.assert_close(found.log_sigma, expected.log_sigma)
    model.prior.log_density(expected.mu.detach()).sum().backward()
    assert model.encoder.mu.weight.grad.any()  # pseudo-inputs are learned with the encoder


def test_a_copied_vamp_prior_reads_with_its_own_encoder():
    model = make(options=ModelOptions(prior="vamp", components=4))
    twin = copy.deepcopy(model)
    before = twin.prior.components().mu
    with torch.no_grad():
        model.encoder.mu.bias += 1
    assert torch.equal(twin.prior.components().mu, before)
    assert not torch.equal(model.prior.components().mu, before)
    assert {*twin.state_dict()} == {*model.state_dict()}
    assert not [name for name in model.state_dict() if name.startswith("prior.enc")]


# --- the KL -------------------------------------------------------------------------------------


def normal_posterior(rows: int = 1, latent: int = 3) -> Posterior:
    mu = torch.randn(rows, latent, generator=seeded(3))
    return Posterior(mu, 0.5 * torch.randn(rows, latent, generator=seeded(4)))


def estimate(prior, posterior: Posterior, samples: int = 1_000_000) -> tuple[float, float]:
    """The mean of log q(z|x) - log p(z) over samples, and its standard error."""
    many = posterior.take(torch.zeros(samples, dtype=torch.int64))
    with torch.no_grad():
        drawn = many.draw(seeded(5))
        nats = drawn.log_density.double() - prior.log_density(drawn.z).double()
    return nats.mean().item(), nats.std().item() / math.sqrt(samples)


def test_the_normal_kl_is_what_samples_say():
    prior, posterior = make_prior("normal", 3), normal_posterior()
    exact = prior.kl(posterior, posterior.draw(seeded()))
    assert exact.shape == (1, 3)
    reference = kl_divergence(Normal(posterior.mu, posterior.log_sigma.exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(exact, reference)
    mean, error = estimate(prior, posterior)
    assert exact.sum().item() == pytest.approx(mean, abs=5 * error)


@pytest.mark.parametrize("log_sigma", [-3.0, -1.0, 0.0, 2.0])
@pytest.mark.parametrize("latent", [2, 3, 16])
def test_the_kl_on_the_sphere_is_what_samples_say(latent, log_sigma):
    prior = SpherePrior(latent)
    mu = torch.randn(1, latent, generator=seeded())
    posterior = PowerSpherical().posterior(mu, torch.full((1, latent), log_sigma), mu[:, :0])
    exact = prior.kl(posterior, posterior.draw(seeded()))
    assert exact.shape == (1, 1)
    mean, error = estimate(prior, posterior, 200_000)
    assert exact.item() == pytest.approx(mean, abs=5 * error + 1e-4)
    assert exact.item() > 0


@pytest.mark.parametrize("name", ["mixture", "vamp", "flow"])
def test_the_other_kls_are_estimates(name):
    """Their mean over the posterior's samples is the KL, here by integration over the plane."""
    prior, posterior = make_prior(name), normal_posterior(latent=2)
    points, area = grid(steps=500)
    with torch.no_grad():
        q = Normal(posterior.mu, posterior.log_sigma.exp()).log_prob(points).sum(1).double()
        exact = (q.exp() * (q - prior.log_density(points).double())).sum().item() * area
        many = posterior.take(torch.zeros(100_000, dtype=torch.int64))
        nats = prior.kl(many, many.draw(seeded())).double()
    assert nats.shape == (100_000, 1)
    error = nats.std().item() / math.sqrt(len(nats))
    assert nats.mean().item() == pytest.approx(exact, abs=5 * error + 1e-3)


@pytest.mark.parametrize("posterior", ["planar", "iaf"])
def test_bent_posteriors_have_an_estimated_kl_to_a_normal_prior(posterior):
    model = make(options=ModelOptions(posterior=posterior))
    tokens = torch.randint(5, (BATCH, 5, 2), generator=seeded())
    forward = model(tokens, seeded())
    drawn = model.posterior(tokens).draw(seeded())
    expected = drawn.log_density + (drawn.z.square() / 2 + math.log(2 * math.pi) / 2).sum(1)
    torch.testing.assert_close(forward.kl, expected[:, None])


def test_a_prior_is_learned():
    """Training on points of two clumps raises the density of such points."""
    for name in ("mixture", "flow", "vamp"):
        prior = make_prior(name)
        centres = torch.tensor([[2.0, -1.0], [-2.0, 1.5]])
        z = centres.repeat(200, 1) + 0.2 * torch.randn(400, 2, generator=seeded())
        optimizer = torch.optim.Adam(prior.parameters(), 0.05)
        first = -prior.log_density(z).mean().item()
        for _ in range(60):
            loss = -prior.log_density(z).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert loss.item() < first - 0.2, name


def test_which_prior_a_model_has():
    kinds = {"mixture": MixturePrior, "vamp": VampPrior, "sphere": SpherePrior, "flow": FlowPrior}
    for name, kind in kinds.items():
        assert isinstance(make_prior(name), kind)
    plain = make()
    assert isinstance(plain.encoder.kind, Diagonal)
    assert isinstance(make_kind(plain.config), Diagonal)
    assert np.array_equal(
        plain.prior.sample(4, seeded()), torch.randn(4, 3, generator=seeded())
    )  # the random numbers of earlier versions
