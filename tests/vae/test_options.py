"""Every option of the model: it learns, resumes exactly, is saved, and refuses what cannot be."""

import copy
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from automata.properties import in_classes
from automata.settings import record_of
from data.checks import build
from data.damage import DataError
from tests.folders import contents
from tests.vae.checks import learn
from tests.vae.models import (
    CONFIG,
    MODEL,
    OPTIONS,
    draw_tokens,
    interrupt_at,
    make,
    make_data,
    run,
    seeded,
)
from vae import train
from vae.adversary import adversary_terms
from vae.checkpoint import load_model, read_config
from vae.coding import draw_prior, encode_automata
from vae.config import DECODERS, ModelConfig, ModelOptions
from vae.encoding import encode_deltas
from vae.guide import GUIDED, class_targets, guide_loss
from vae.history import metric_columns, read_metrics
from vae.losses import losses
from vae.metrics import reconstruction_metrics

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(params=OPTIONS)
def options(request) -> ModelOptions:
    return OPTIONS[request.param]


@pytest.fixture(params=DECODERS)
def decoder(request) -> str:
    return request.param


# --- training -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "decoder"), [*zip(OPTIONS, 5 * DECODERS, strict=False)])
def test_one_batch_is_learnt_by_heart(name, decoder):
    shape = {"decoder": decoder, "n": 4, "latent": 8, "hidden": 32, "layers": 1}
    model = make(**shape, token_dropout=0, options=OPTIONS[name])
    tokens = torch.from_numpy(encode_deltas(make_data(8, n=4, seed=2).deltas))
    learn(model, tokens, 40, rate=0.04)
    learn(model, tokens, 12, rate=0.01)
    found = reconstruction_metrics(model, tokens, seeded())
    assert found["exact_from_mu"] > 0.7
    assert found["held_out_reconstruction"] < 3  # at first 4 * 2 * ln 4 = 11 nats


def test_training_resumes_exactly(tmp_path, options, monkeypatch):
    config = replace(MODEL, options=options)
    whole, part = tmp_path / "whole", tmp_path / "part"
    rows = run(whole, config, epochs=2)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        interrupt_at(patch, 5)  # in the second epoch of three steps
        run(part, config, epochs=2)
    assert len(read_metrics(part, config)) == 1
    assert run(part, config, epochs=2) == rows
    for name in ("model.safetensors", "config.json"):
        assert (part / name).read_bytes() == (whole / name).read_bytes()
    assert [*rows[0]] == [name for name in metric_columns(config) if name != "samples_per_second"]


def test_a_saved_model_is_what_was_trained(tmp_path, options):
    config = replace(MODEL, options=options)
    run(tmp_path, config, epochs=1)
    model = load_model(tmp_path)
    assert model.config == config
    assert read_config(tmp_path)["model"] == asdict(config)
    z = draw_prior(model, 5, seeded())
    assert z.shape == (5, MODEL.latent)
    assert torch.equal(z, draw_prior(copy.deepcopy(model), 5, seeded()))
    posterior = encode_automata(model, make_data(9).deltas)
    z = posterior.sample(seeded())
    assert z.shape == (9, MODEL.latent)
    assert not z.requires_grad
    before = contents(tmp_path)
    for other in (ModelOptions(), replace(options, components=7)):
        with pytest.raises(DataError, match="trained otherwise .*options"):
            run(tmp_path, replace(config, options=other), epochs=1)
    assert contents(tmp_path) == before


def test_any_size(options, decoder):
    model = make(decoder=decoder, any_size=True, tokens="combined", options=options)
    for n in (2, 5):
        terms = learn(model, draw_tokens(model, 16, n=n), 2)
        assert all(np.isfinite([*each.values()]).all() for each in terms)
    model.eval()
    for n in (1, 3, 5):
        z = draw_prior(model, 6, seeded())
        assert model.decoder.generate(z, n).tokens.shape == (6, n, 2)


def test_half_precision(options):
    """Densities stay single; so the terms are near those of single precision."""
    model = make(latent=4, options=options)
    tokens = draw_tokens(model, 32)
    found = []
    for half in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            forward = model(tokens, seeded())
        assert forward.kl.dtype == torch.float32
        found.append(losses(forward, tokens, torch.full((32,), 0.5)))
    assert found[1].kl.item() == pytest.approx(found[0].kl.item(), rel=0.1, abs=0.2)


def test_records_leave_the_defaults_out():
    """So that folders of earlier versions go on."""
    assert "options" not in record_of(MODEL)
    assert record_of(replace(MODEL, options=OPTIONS["vamp"]))["options"]["prior"] == "vamp"


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: ModelOptions(prior="cauchy"), "unknown prior 'cauchy': one of normal, mixture"),
        (lambda: ModelOptions(posterior="full"), "unknown posterior 'full'"),
        (lambda: ModelOptions(prior="vamp", posterior="iaf"), "prior=vamp needs posterior=diag"),
        (lambda: ModelOptions(prior="sphere", posterior="planar"), "prior=sphere needs posterior"),
        (lambda: ModelOptions(components=0), "components=0"),
        (lambda: ModelOptions(adversarial=-1), "adversarial=-1"),
        (lambda: ModelOptions(guide=2), "guide=2 is not True or False"),
        (lambda: ModelOptions(flow_layers=0), "flow-layers=0"),
        (lambda: ModelConfig(latent=1, options=OPTIONS["sphere"]), "latent=1 is below 2"),
        (lambda: ModelConfig(latent=1, options=OPTIONS["flow"]), "latent=1 is below 2"),
        (
            lambda: ModelConfig(latent=0, any_size=True, options=OPTIONS["guide"]),
            "latent=0: a model without a latent space has no options",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be(make_it, message):
    with pytest.raises(ValueError, match=message) as caught:
        make_it()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prior": 7}, "model.options.prior=7"),
        ({"prior": "vam"}, "unknown prior 'vam'"),
        ({"weight": 1}, "model.options has the unknown name 'weight'"),
        ([], "model.options=.* is not an object"),
    ],
)
def test_a_damaged_option_in_a_folder(options, message):
    with pytest.raises(ValueError, match=message):
        build(ModelConfig, {"options": options}, "model")


# --- the sphere ---------------------------------------------------------------------------------


def test_points_of_a_ray_decode_alike():
    model = make(latent=6, options=OPTIONS["sphere"])
    z = torch.randn(20, 6, generator=seeded())
    for far in (0.01, 3.0):
        near, moved = model.decoder.generate(z), model.decoder.generate(far * z)
        assert torch.equal(near.tokens, moved.tokens)
        torch.testing.assert_close(model.predict(z), model.predict(far * z))
    mu = model.posterior(draw_tokens(model, 30)).mu
    torch.testing.assert_close(mu.norm(dim=1), torch.ones(30))


# --- the guide ----------------------------------------------------------------------------------


def test_the_targets_of_the_guide():
    deltas = make_data(60, n=5).deltas
    found = class_targets(torch.from_numpy(encode_deltas(deltas))).numpy()
    for index, name in enumerate(GUIDED):
        assert np.array_equal(found[:, index] == 1, in_classes(deltas, [name]))


def test_the_loss_of_the_guide_is_a_likelihood():
    ratio, ratios = torch.tensor([0.5, 0.2, 0.9]), torch.tensor([0.4, -1.0, 0.7])
    guess = torch.randn(3, 1 + len(GUIDED), generator=seeded())
    classes = (torch.rand(3, len(GUIDED), generator=seeded()) < 0.5).float()
    found = guide_loss(ratio, guess, ratios, classes)
    normal = Normal(ratio, guess[:, 0].exp())
    known = -normal.log_prob(ratios)[[0, 2]].mean()  # the second does not synchronize
    bernoulli = torch.distributions.Bernoulli(logits=guess[:, 1:])
    expected = known - bernoulli.log_prob(classes).sum(1).mean()
    torch.testing.assert_close(found, expected)


def test_the_guide_learns_classes_and_arranges_the_space():
    model = make(latent=8, channels=16, options=OPTIONS["guide"])
    deltas = make_data(200, n=5).deltas
    tokens = torch.from_numpy(encode_deltas(deltas))
    learn(model, tokens, 100)
    model.eval()
    classes = class_targets(tokens)
    guess = model.guess(model.posterior(tokens).mu)[:, 1:]
    right = ((guess > 0) == (classes > 0)).float().mean(0)
    common = torch.maximum(classes.mean(0), 1 - classes.mean(0))
    assert (right - common).max() > 0.1
    assert (right >= common - 0.03).all()
    plain = make(latent=8)
    assert plain.guess(torch.zeros(4, 8)).shape == (4, 0)


# --- the discriminator --------------------------------------------------------------------------


def gradients(model, term: torch.Tensor) -> set[bool]:
    """Of which side a term trains weights: {True} is the discriminator."""
    model.zero_grad(set_to_none=True)
    term.backward(retain_graph=True)
    return {
        name.startswith("discriminator.")
        for name, weight in model.named_parameters()
        if weight.grad is not None and weight.grad.any()
    }


def test_each_side_learns_by_its_own_terms():
    model = make(options=OPTIONS["adversarial"]).train()
    tokens = draw_tokens(model, 16)
    terms = adversary_terms(model, model(tokens, seeded()), tokens, seeded())
    assert gradients(model, terms.discriminator) == {True}
    assert gradients(model, terms.generator) == {False}
    assert gradients(model, terms.features) == {False}
    assert all(weight.requires_grad for weight in model.parameters())


def test_200_steps_without_collapse():
    """Neither side wins, samples stay different, and reconstructions are learned."""
    model = make(latent=8, hidden=32, layers=1, options=ModelOptions(adversarial=1))
    tokens = torch.from_numpy(encode_deltas(make_data(64, n=5).deltas))
    terms = learn(model, tokens, 200, rate=0.003)
    assert all(np.isfinite([*each.values()]).all() for each in terms)
    last = terms[-50:]
    assert 0.05 < np.mean([each["discriminator"] for each in last]) < 0.75
    assert np.mean([each["generator"] for each in last]) < 4
    assert np.mean([each["features"] for each in last]) < 1.5
    assert np.mean([each["reconstruction"] for each in last]) < 0.7 * terms[0]["reconstruction"]
    model.eval()
    z = draw_prior(model, 100, seeded())
    written = model.decoder.generate(z).tokens.flatten(1)
    assert len(torch.unique(written, dim=0)) > 20


def test_weights_that_are_not_finite_end_training(tmp_path, monkeypatch):
    """In the middle of an epoch, where a discriminator wants tokens drawn: one clear line."""
    step = train.take_step

    def spoilt(model, *args):
        taken = step(model, *args)
        for weight in model.parameters():
            weight.data.fill_(torch.nan)
        return taken

    monkeypatch.setattr(train, "take_step", spoilt)
    with pytest.raises(FloatingPointError, match="^epoch 1: .* not finite; try a lower learning"):
        run(tmp_path, replace(MODEL, options=OPTIONS["adversarial"]))


def test_the_metrics_of_a_discriminator(tmp_path):
    rows = run(tmp_path, replace(MODEL, options=OPTIONS["adversarial"]), epochs=2)
    for row in rows:
        assert 0 < row["train_discriminator"] < 2
        assert row["train_generator"] > 0
        assert row["train_features"] > 0
    plain = CONFIG.beta * rows[-1]["held_out_kl"] + rows[-1]["held_out_reconstruction"]
    assert rows[-1]["held_out_objective"] == pytest.approx(
        plain + rows[-1]["held_out_ratio"], abs=0.5
    )  # no term of the discriminator; the free bits make the difference
