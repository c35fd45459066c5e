"""The lecture's sixth section: what its pictures of options and searches rest on."""

import math

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from data.picture import Picture
from search.arms.account import Trace
from search.evaluation.attribute_table import SHARES, complete
from search.lecture.bent import draw_posteriors, gaps, log_joint, true_posterior
from search.lecture.config import LectureConfig
from search.lecture.guides import Climb, climb_paths, draw_arithmetic, draw_ascent, draw_finds, hits
from search.lecture.learned import learn_automata
from search.lecture.planes import (
    draw_encoded,
    draw_priors,
    draw_pseudo_inputs,
    mass_levels,
    stack_outwards,
    train_plane,
)
from search.lecture.rivals import draw_rivals
from vae.coding import encode_automata
from vae.config import ModelOptions
from vae.encoding import encode_deltas

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIG = LectureConfig(automata=200, epochs=2, steps=1)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    return learn_automata(CONFIG, tmp_path_factory.mktemp("learned"))


@pytest.fixture(scope="module")
def plane(learned, tmp_path_factory):
    """A function that trains a model of two dimensions with some options, once."""
    made = {}

    def train(**options):
        key = tuple(options.items())
        if key not in made:
            folder = tmp_path_factory.mktemp("plane")
            made[key] = train_plane(learned, CONFIG, folder, ModelOptions(**options))
        return made[key]

    return train


def test_the_levels_of_a_density_hold_their_masses():
    x = np.linspace(-5, 5, 401)
    density = np.exp(-(x[:, None] ** 2 + x[None] ** 2) / 2)
    for mass, level in zip((0.9, 0.5), mass_levels(density, (0.9, 0.5)), strict=True):
        assert density[density >= level].sum() / density.sum() == pytest.approx(mass, abs=0.01)
        # a normal distribution holds it within radius sqrt(-2 log(1 - mass))
        assert level == pytest.approx(1 - mass, abs=0.01)


def test_points_of_a_circle_do_not_cover_each_other():
    turn = np.random.default_rng(0).random(300) * 2 * np.pi
    points = np.stack([np.cos(turn), np.sin(turn)], 1)
    places = stack_outwards(points, np.arange(300))
    assert len(np.unique(places.round(6), axis=0)) == 300
    assert (np.linalg.norm(places, axis=1) > 1).all()
    cosine = (places * points).sum(1) / np.linalg.norm(places, axis=1)
    assert cosine.min() > math.cos(2 * math.pi / 90)


def test_the_gap_of_a_posterior_is_that_to_the_true_one(learned, plane):
    """Computed on a grid: KL(q(z|x) || p(z|x)), within the error of the samples."""
    model = plane().model
    deltas = learned.held_out.deltas[:3]
    tokens = torch.from_numpy(encode_deltas(deltas))
    posterior = encode_automata(model, deltas)
    found = gaps(model, posterior, tokens, seeded())
    line = torch.linspace(-7, 7, 120)
    grid, area = torch.cartesian_prod(line, line), float(line[1] - line[0]) ** 2
    for row in range(3):
        own = posterior.take(torch.full((len(grid),), row))
        normal = torch.distributions.Normal(own.mu, own.log_sigma.exp())
        log_q = normal.log_prob(grid).sum(1).double()
        joint = log_joint(model, grid, tokens[row : row + 1].expand(len(grid), -1, -1)).double()
        log_evidence = joint.logsumexp(0) + math.log(area)
        exact = float((log_q.exp() * (log_q - joint + log_evidence)).sum()) * area
        assert found[row] == pytest.approx(exact, abs=0.1)
        window = true_posterior(model, tokens[row : row + 1])
        assert window.density.max() == 1
        best = grid[joint.argmax()]
        assert window.x[0] <= best[0] <= window.x[-1]
        assert window.y[0] <= best[1] <= window.y[-1]


def test_ascent_raises_the_prediction(plane):
    model = plane(guide=True).model
    starts = torch.randn(20, 2, generator=seeded())
    paths = climb_paths(model, starts)
    assert paths.shape == (21, 20, 2)
    assert torch.equal(paths[0], starts)
    assert model.predict(paths[-1]).mean() > model.predict(starts).mean()


def test_hits_that_cost_a_call():
    thresholds = np.array([30, 25, 30, 12], np.int32)
    trace = Trace("retrain", 0, 9, np.zeros((4, 14), np.uint8), thresholds, np.array([1, 2, 2, 7]))
    assert hits(trace, 25).tolist() == [1, 2]  # the third was known, and free
    evolve = trace._replace(mode="evolve")
    picture = draw_finds([trace, evolve], ("retrain",), 7)
    assert "retrain 222, evolve 222" in picture.text  # 2 hits in 9 calls
    early = draw_finds([trace, evolve._replace(calls=20)], ("retrain",), 7)
    assert "retrain 222 (ended after 9), evolve 100" in early.text


def test_what_gradient_ascent_has_led_to_is_said():
    up, down = np.array([9.0, 12.0]), np.array([9.0, 7.0])
    lost = np.array([0.0, 0.5])
    assert "the true one follows: from 9.0 to 12.0." in Climb(up, up, lost).in_words()
    assert "the true one does not follow: from 9.0 to 7.0." in Climb(up, down, lost).in_words()


def test_the_circle_of_a_sphere_is_not_cut(plane):
    axes = Figure().subplots()
    deltas = np.tile(
        np.array([[[1, 2, 3, 4, 5, 6, 0], [1, 1, 2, 3, 4, 5, 6]]], np.uint8), (3, 1, 1)
    )
    draw_encoded(axes, plane(prior="sphere").model, deltas, np.array([36] * 3, np.int32))
    for low, high in (axes.get_xlim(), axes.get_ylim()):
        assert low < -1 and high > 1


def test_the_pictures_of_options(learned, plane):
    priors = {
        "normal": {},
        "vamp": {"prior": "vamp", "components": 4},
        "sphere": {"prior": "sphere"},
    }
    planes = {name: plane(**options) for name, options in priors.items()}
    shown = draw_priors(planes, learned, seeded())
    assert all(f"{name} -" in shown.text for name in priors)
    bent = draw_posteriors(
        {"diagonal": plane(), "iaf": plane(posterior="iaf", flow_layers=1)}, learned, seeded()
    )
    rivals = draw_rivals(plane(), plane(adversarial=1.0), learned, seeded())
    ascent = draw_ascent(plane(guide=True), learned)
    for picture in (shown, bent, rivals, ascent):
        assert isinstance(picture, Picture)
        assert "nan" not in picture.text
    with pytest.raises(ValueError, match="prior=normal has no pseudo-inputs"):
        draw_pseudo_inputs(None, plane().model)


def test_an_arm_that_found_nothing_new_has_no_hits():
    nothing = Trace("gradient", 0, 0, np.zeros((1, 14), np.uint8), np.array([30]), np.array([0]))
    assert draw_finds([nothing], ("gradient",), 7).text.endswith("gradient 0.")


def test_a_line_for_each_attribute():
    shares = dict.fromkeys(SHARES, 0.1) | {"parents": 500, "changed": 3.0, "changed_unmoved": 1.0}
    rows = [shares | {"attribute": "sink", "gained": 0.5}, shares | {"attribute": "eulerian"}]
    picture = draw_arithmetic(complete(rows))
    assert ">sink</text>" in picture.svg and ">eulerian</text>" in picture.svg
    assert picture.text.startswith("It works for sink:")
    assert "It fails for eulerian:" in picture.text
    assert draw_arithmetic(complete([])).text == "Too few automata to measure."
