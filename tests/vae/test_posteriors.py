"""Posteriors: samples follow their densities, flows invert, batches can be taken apart."""

import math

import pytest
import torch

from tests.vae.models import make, seeded
from vae.config import ModelConfig, ModelOptions
from vae.posteriors import (
    Diagonal,
    InverseAutoregressive,
    Planar,
    Posterior,
    PowerSpherical,
    join,
    one_to_one,
    power_spherical_log_mass,
    power_spherical_shape,
)

pytestmark = pytest.mark.usefixtures("one_thread")

FLOWS = ("planar", "iaf")


def options_of(name: str) -> ModelOptions:
    if name == "sphere":
        return ModelOptions(prior="sphere")
    return ModelOptions(posterior=name, flow_layers=3)


def posterior_of(name: str, rows: int = 6, latent: int = 3) -> Posterior:
    """The posteriors of random automata in a model as it is somewhere in training."""
    model = make(latent=latent, options=options_of(name))
    for weight in model.encoder.parameters():
        weight.data += 0.1 * torch.randn(weight.shape, generator=seeded())
    tokens = torch.randint(5, (rows, 5, 2), generator=seeded())
    with torch.no_grad():
        return model.posterior(tokens)


def flow_of(name: str, latent: int) -> tuple[Planar | InverseAutoregressive, torch.Tensor]:
    """A flow, and a context of one row."""
    config = ModelConfig(latent=latent, options=options_of(name))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        flow = Planar(config) if name == "planar" else InverseAutoregressive(config)
        return flow, 1.5 * torch.randn(1, flow.context)


def invert(flow, context: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """The points that a flow moves to z."""
    if isinstance(flow, InverseAutoregressive):
        return flow.flow(context).inv(z)
    for own in reversed(context.chunk(flow.layers, 1)):
        u, w, b = own.split([z.shape[1], z.shape[1], 1], 1)
        u, slope = one_to_one(u, w)
        end = (z * w).sum(1, keepdim=True)
        low, high = end - slope.abs(), end + slope.abs()
        for _ in range(60):  # where along w the point came from: the map rises there
            middle = (low + high) / 2
            beyond = middle + slope * torch.tanh(middle + b) > end
            low, high = torch.where(beyond, low, middle), torch.where(beyond, middle, high)
        z = z - u * torch.tanh((low + high) / 2 + b)
    return z


@pytest.mark.parametrize("name", ["diagonal", "sphere", *FLOWS])
def test_a_posterior(name):
    posterior = posterior_of(name)
    drawn = posterior.draw(seeded())
    assert drawn.z.shape == posterior.mu.shape == posterior.log_sigma.shape == (6, 3)
    assert drawn.log_density.shape == (6,)
    assert drawn.z.isfinite().all()
    assert drawn.log_density.isfinite().all()
    assert torch.equal(posterior.sample(seeded()), drawn.z)
    assert not torch.equal(posterior.sample(seeded(1)), drawn.z)
    # a spread of nothing gives the centre, a wide one goes far
    torch.testing.assert_close(posterior.sample(seeded(), 0.0), posterior.mu)
    far, near = ((posterior.sample(seeded(), s) - posterior.mu).norm() for s in (2.0, 0.3))
    assert far > near


@pytest.mark.parametrize("name", ["diagonal", "sphere", *FLOWS])
def test_batches_are_taken_apart_and_joined(name):
    posterior = posterior_of(name)
    rows = torch.tensor([4, 0, 4])
    some = posterior.take(rows)
    assert torch.equal(some.mu, posterior.mu[rows])
    torch.testing.assert_close(some.sample(seeded(), 0.0), some.mu)
    parts = [posterior.take(torch.arange(start, start + 2)) for start in (0, 2, 4)]
    assert torch.equal(join(parts).sample(seeded()), posterior.sample(seeded()))


@pytest.mark.parametrize("name", ["diagonal", "sphere", *FLOWS])
def test_a_posterior_of_nothing(name):
    nothing = posterior_of(name).take(torch.arange(0))
    drawn = nothing.draw(seeded(), 1.0)
    assert drawn.z.shape == (0, 3) and drawn.log_density.shape == (0,)


def test_the_diagonal_density_is_torchs():
    posterior = posterior_of("diagonal")
    for spread in (1.0, 0.5):
        drawn = posterior.draw(seeded(), spread)
        normal = torch.distributions.Normal(posterior.mu, spread * posterior.log_sigma.exp())
        torch.testing.assert_close(drawn.log_density, normal.log_prob(drawn.z).sum(1))
    assert torch.equal(posterior.sample(seeded(), 0.0), posterior.mu)


# --- flows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("latent", [1, 2, 5])
@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_is_one_to_one_and_knows_its_stretch(name, latent):
    flow, context = flow_of(name, latent)
    start = 2 * torch.randn(40, latent, generator=seeded())
    moved, stretch = flow(start, context.expand(40, -1))
    torch.testing.assert_close(invert(flow, context, moved), start, atol=2e-3, rtol=1e-3)
    for row in range(10):
        jacobian = torch.autograd.functional.jacobian(
            lambda z: flow(z[None], context)[0][0], start[row]
        )
        determinant = torch.linalg.slogdet(jacobian)
        assert determinant.sign == 1
        torch.testing.assert_close(determinant.logabsdet, stretch[row], atol=1e-4, rtol=1e-3)


def test_a_planar_flow_that_nearly_folds_is_finite():
    """Rounding must not take u.w to -1 or below, where the stretch has no logarithm."""
    w = 8 * torch.randn(4000, 8, generator=seeded())
    u = torch.rand(4000, 1, generator=seeded()) * -3 * w + torch.randn(w.shape, generator=seeded())
    context = torch.cat([u, w, torch.zeros(4000, 1)], 1).requires_grad_()
    flow = Planar(ModelConfig(latent=8, options=ModelOptions(posterior="planar", flow_layers=1)))
    moved, stretch = flow(torch.zeros(4000, 8), context)
    assert stretch.min() < -5
    (slope,) = torch.autograd.grad((moved.sum() + stretch.sum()), context)
    assert moved.isfinite().all() and stretch.isfinite().all() and slope.isfinite().all()


@pytest.mark.parametrize("scale", [0.0, 1e-8, 1e-3, 1.0])
def test_one_to_one_says_what_u_w_is(scale):
    w = scale * torch.randn(50, 4, generator=seeded(), dtype=torch.float64)
    changed, along = one_to_one(torch.randn(50, 4, generator=seeded(1)).double(), w)
    torch.testing.assert_close((changed * w).sum(1, keepdim=True), along)
    assert (along > -1).all()


@torch.no_grad()
@pytest.mark.parametrize("name", FLOWS)
def test_the_density_of_a_bent_posterior_integrates_to_one(name):
    flow, context = flow_of(name, 2)
    line = torch.linspace(-14, 14, 400)
    z = torch.cartesian_prod(line, line)
    start = invert(flow, context, z)
    stretch = flow(start, context.expand(len(start), -1))[1]
    log_density = -(start.square() / 2 + math.log(2 * math.pi) / 2).sum(1) - stretch
    total = log_density.double().exp().sum() * (line[1] - line[0]) ** 2
    assert total.item() == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("name", FLOWS)
def test_the_density_of_a_draw_is_that_of_the_moved_normal(name):
    posterior = posterior_of(name)
    kind = posterior.kind
    drawn = posterior.draw(seeded())
    mean, context = posterior.context.split([3, kind.context], 1)
    plain = Diagonal().posterior(mean, posterior.log_sigma, context).draw(seeded())
    moved, stretch = kind.flow(plain.z, context)
    assert torch.equal(drawn.z, moved)
    torch.testing.assert_close(drawn.log_density, plain.log_density - stretch)
    torch.testing.assert_close(posterior.mu, kind.flow(mean, context)[0])


# --- the sphere ---------------------------------------------------------------------------------


def spherical(latent: int, log_sigma: float, rows: int) -> Posterior:
    mu = torch.randn(1, latent, generator=seeded()).expand(rows, -1)
    return PowerSpherical().posterior(mu, torch.full((rows, latent), log_sigma), mu[:, :0])


@pytest.mark.parametrize("latent", [2, 3, 32])
@pytest.mark.parametrize("log_sigma", [-3.0, -0.5, 3.0])
def test_samples_of_the_sphere(latent, log_sigma):
    posterior = spherical(latent, log_sigma, 40_000)
    state = torch.random.get_rng_state()
    z = posterior.sample(seeded())
    assert torch.equal(state, torch.random.get_rng_state())
    torch.testing.assert_close(z.norm(dim=1), torch.ones(len(z)), atol=1e-5, rtol=0)
    # (1 + mu.z) / 2 has a beta distribution, and the rest has no direction
    cosine = (z * posterior.mu).sum(1)
    alpha, beta = (each[0].item() for each in power_spherical_shape(posterior))
    beta_law = torch.distributions.Beta(torch.tensor(alpha), torch.tensor(beta))
    error = 2 * beta_law.stddev.item() / math.sqrt(len(z))
    assert cosine.mean().item() == pytest.approx(2 * beta_law.mean.item() - 1, abs=5 * error + 1e-5)
    rest = z - cosine[:, None] * posterior.mu
    assert rest.mean(0).norm() < 5 / math.sqrt(len(z))


@pytest.mark.parametrize("spread", [1e-300, 1e-9, 1e9, 1e300])
def test_any_spread_on_the_sphere(spread):
    posterior = spherical(4, 0.0, 100)
    z = posterior.sample(seeded(), spread)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(100))
    if spread < 1:
        torch.testing.assert_close(z, posterior.mu, atol=0.01, rtol=0)


@pytest.mark.parametrize("log_sigma", [-2.0, -0.5, 1.0])
def test_the_density_on_the_sphere_integrates_to_one(log_sigma):
    circle = torch.linspace(0, 2 * math.pi, 20_001, dtype=torch.float64)[:-1]
    alpha, beta = power_spherical_shape(spherical(2, log_sigma, 1))
    kappa, mass = (alpha - beta).double(), power_spherical_log_mass(alpha, beta).double()
    around = (kappa * torch.log1p(torch.cos(circle)) - mass).exp().mean() * 2 * math.pi
    assert around.item() == pytest.approx(1, abs=1e-4)
    alpha, beta = power_spherical_shape(spherical(3, log_sigma, 1))
    kappa, mass = (alpha - beta).double(), power_spherical_log_mass(alpha, beta).double()
    heights = torch.linspace(-1, 1, 200_001, dtype=torch.float64)  # slices have equal areas
    sphere = (kappa * torch.log1p(heights.clamp(min=-1 + 1e-12)) - mass).exp().mean() * 4 * math.pi
    assert sphere.item() == pytest.approx(1, abs=1e-3)


def test_a_narrow_one_has_standard_deviation_sigma():
    posterior = spherical(3, -3.0, 100_000)
    off = posterior.sample(seeded()) - posterior.mu
    across = torch.linalg.svd(posterior.mu[:1], full_matrices=True).Vh[1:]  # two tangents
    sigma = (off @ across.T).std(0)
    torch.testing.assert_close(sigma, torch.full((2,), math.exp(-3)), rtol=0.03, atol=0)


def test_the_sphere_is_learned_through_samples():
    """Gradients reach direction and width: a posterior moves to a point, and narrows."""
    goal = torch.nn.functional.normalize(torch.tensor([[1.0, 2.0, -1.0]]))
    mu = torch.tensor([[-1.0, 0.3, 1.0]], requires_grad=True)
    log_sigma = torch.zeros(1, 3, requires_grad=True)
    optimizer = torch.optim.Adam([mu, log_sigma], 0.05)
    generator = seeded()
    for _ in range(250):
        posterior = PowerSpherical().posterior(mu, log_sigma, mu[:, :0])
        many = posterior.take(torch.zeros(64, dtype=torch.int64))
        loss = (many.draw(generator).z - goal).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert torch.nn.functional.cosine_similarity(mu, goal).item() > 0.98
    assert log_sigma.mean() < -1
