"""Moves towards longer thresholds, on a tiny model and on planted directions."""

import numpy as np
import pytest
import torch
from torch import nn

from vae.ascent import ascend, climb, rising_direction, stride
from vae.model import VAE, ModelConfig

pytestmark = pytest.mark.usefixtures("one_thread")

LATENT = 3


@pytest.fixture
def model() -> VAE:
    torch.manual_seed(0)
    config = ModelConfig(n=5, k=2, latent=LATENT, embedding=4, channels=8, hidden=16)
    return VAE(config).eval()


def test_ascent_raises_what_the_model_predicts(model: VAE):
    z = torch.randn(50, LATENT, generator=torch.Generator().manual_seed(3))
    short = torch.full((50,), 0.01)
    before = model.predict(z)
    once = model.predict(ascend(model, z, torch.full((50,), 1), short))
    often = model.predict(ascend(model, z, torch.full((50,), 20), short))
    assert (once > before).all()
    assert (often > once).all()


def test_ascent_takes_each_point_s_own_steps(model: VAE):
    head = nn.Linear(LATENT, 1)  # predicts 2*z0 - z2, whose gradient is the same everywhere
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[2.0, 0.0, -1.0]]))
    model.ratio = head
    z = torch.randn(3, LATENT, generator=torch.Generator().manual_seed(3))
    raised = ascend(model, z, torch.tensor([0, 1, 4]), torch.tensor([9.0, 0.5, 0.25]))
    along = torch.tensor([2.0, 0.0, -1.0]) / 5**0.5
    torch.testing.assert_close(raised, z + torch.tensor([[0.0], [0.5], [1.0]]) * along)
    assert not raised.requires_grad


def test_ascent_stays_where_the_prediction_is_flat(model: VAE):
    head = nn.Linear(LATENT, 1)
    nn.init.zeros_(head.weight)
    model.ratio = head
    z = torch.ones(2, LATENT)
    assert (ascend(model, z, torch.full((2,), 3), torch.full((2,), 0.5)) == z).all()


def test_climbs_have_the_lengths_of_whole_steps(model: VAE):
    head = nn.Linear(LATENT, 1)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[0.0, -3.0, 0.0]]))
    model.ratio = head
    z = torch.zeros(400, LATENT)
    moved = climb(model, z, np.random.default_rng(0)).numpy()
    assert not moved[:, [0, 2]].any()
    lengths = {round(step * length, 4) for step in (1, 2, 4, 8, 16) for length in (0.1, 0.2, 0.4)}
    assert {round(float(-length), 4) for length in moved[:, 1]} == lengths


def test_strides_go_one_way_and_not_too_far():
    direction = np.array([0.6, 0.0, -0.8])
    z = torch.randn(500, LATENT, generator=torch.Generator().manual_seed(0))
    moved = (stride(z, direction, np.random.default_rng(0)) - z).numpy()
    lengths = moved @ direction
    np.testing.assert_allclose(moved, lengths[:, None] * direction, atol=1e-6)
    assert 0 <= lengths.min() < 0.1 and 2.9 < lengths.max() < 3
    assert torch.equal(stride(z, np.zeros(LATENT), np.random.default_rng(0)), z)


def test_a_planted_direction_is_found():
    rng = np.random.default_rng(0)
    planted = np.array([0.6, 0.0, -0.8])
    known = []
    for size, mean in enumerate([0.9, 0.5, 0.1]):  # between sizes, ratios fall where they rise here
        z = rng.normal(size=(300, LATENT))
        noise = 0.05 * rng.normal(size=300)
        known.append((z + 5 * size * planted, mean + 0.1 * z @ planted + noise))
    assert rising_direction(known) @ planted > 0.99


def test_dimensions_that_are_not_used_do_not_count():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(50, LATENT)) * [1, 1, 1e-3]
    noise = rng.normal(size=50)
    assert abs(rising_direction([(z, z[:, 0] + noise)])[2]) < 0.01


def test_equal_elites_give_no_direction():
    z = np.ones((1, LATENT))
    assert rising_direction([(z, np.array([0.5])), (2 * z, np.array([0.9]))]).tolist() == [0] * 3
