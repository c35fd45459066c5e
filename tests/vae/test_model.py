"""The model: shapes, what each output may depend on, and the terms of the loss in nats."""

import math
from itertools import product

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from automata.families import FAMILIES
from tests.vae.checks import (
    check_order,
    check_shapes,
    check_teacher_forcing,
    draw_z,
    loss_of,
    sizes_of,
)
from tests.vae.models import BATCH, LATENT, TINY, N, draw_tokens, make, make_fresh, seeded
from vae import metrics
from vae.encoding import TOKEN_KINDS, encode_deltas, name_targets
from vae.losses import losses
from vae.metrics import reconstruction_metrics
from vae.model import DECODERS, VAE, Forward, ModelConfig
from vae.posteriors import Posterior
from vae.priors import normal_kl

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(params=TOKEN_KINDS)
def tokens(request):
    return request.param


@pytest.fixture(params=[1, 3])
def k(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["one size", "any size"])
def any_size(request):
    return request.param


@pytest.fixture(params=DECODERS)
def model(request, k, tokens, any_size):
    return make(decoder=request.param, k=k, tokens=tokens, any_size=any_size)


@pytest.fixture
def autoregressive(k, tokens, any_size):
    return make(decoder="autoregressive", k=k, tokens=tokens, any_size=any_size)


@pytest.fixture(params=DECODERS)
def alone(request, k, tokens):
    """A decoder without a latent space."""
    return make(decoder=request.param, k=k, tokens=tokens, any_size=True, latent=0)


@pytest.fixture(params=[True, False], ids=["training", "evaluation"])
def training(request):
    return request.param


# --- the model --------------------------------------------------------------------------------


def test_shapes(model, training):
    for n in sizes_of(model):
        check_shapes(model.train(training), n)
    assert model.decoder.generate(draw_z()).tokens.shape[1] == N


def test_shapes_without_a_latent_space(alone):
    for n in sizes_of(alone):
        check_shapes(alone, n)
    assert not hasattr(alone, "encoder")
    assert not alone(draw_tokens(alone), seeded()).ratio.any()


@pytest.mark.parametrize("changes", [{"n": 1}, {"n": 1, "k": 1}, {"layers": 1, "convolutions": 1}])
def test_the_smallest_models(changes, any_size, training):
    model = make(**changes, any_size=any_size).train(training)
    logits = model(draw_tokens(model, batch=2), seeded()).logits
    assert logits.isfinite().all()
    assert model.decoder.generate(draw_z(2)).log_probabilities.shape == logits.shape


def test_every_weight_learns(model):
    loss_of(model.train(), draw_tokens(model)).backward()
    for name, weight in model.named_parameters():
        assert weight.numel() == 0 or weight.grad.abs().sum() > 0, name


def test_rows_do_not_mix(model):
    for n in sizes_of(model)[-2:]:
        tokens, z = draw_tokens(model, n=n), draw_z()
        mu, logits = model.encoder(tokens).mu, model.decoder(z, tokens)
        for row in range(BATCH):
            one = slice(row, row + 1)
            torch.testing.assert_close(model.encoder(tokens[one]).mu, mu[one])
            torch.testing.assert_close(model.decoder(z[one], tokens[one]), logits[one])


def test_the_decoder_sees_only_what_was_written_before(autoregressive):
    for n in sizes_of(autoregressive)[-4:]:  # from 2 on
        check_order(autoregressive.decoder, draw_z(), draw_tokens(autoregressive, n=n))


def test_without_a_latent_space_it_sees_what_was_written_before(k, tokens):
    model = make(k=k, tokens=tokens, any_size=True, latent=0)
    for n in range(2, N + 1):
        check_order(model.decoder, draw_z(latent=0), draw_tokens(model, n=n))


def test_hidden_tokens_are_not_seen(autoregressive):
    for n in sizes_of(autoregressive)[-4:]:
        z, tokens = draw_z(), draw_tokens(autoregressive, n=n)
        other = draw_tokens(autoregressive, seed=5, n=n)
        hide = torch.rand(tokens.shape, generator=seeded()) < 0.5
        seen = autoregressive.decoder(z, tokens, hide)
        mixed = autoregressive.decoder(z, torch.where(hide, other, tokens), hide)
        torch.testing.assert_close(seen, mixed)
        assert not torch.allclose(seen, autoregressive.decoder(z, tokens))


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_token_dropout_is_for_training(dropout):
    model = make(token_dropout=dropout)
    tokens = draw_tokens(model)
    evaluated = [model(tokens, seeded()).logits for _ in range(2)]
    trained = model.train()(tokens, seeded()).logits
    assert torch.equal(*evaluated)
    assert torch.equal(trained, evaluated[0]) == (dropout == 0)


def test_repeat_is_fed_with_z_alone(k, tokens, any_size):
    model = make(decoder="repeat", k=k, tokens=tokens, any_size=any_size)
    for n in sizes_of(model):
        z, first, second = draw_z(), *(draw_tokens(model, seed=seed, n=n) for seed in (0, 1))
        logits = model.decoder(z, first)
        assert torch.equal(logits, model.decoder(z, second))
        assert not torch.allclose(logits, model.decoder(z.flip(0), first))


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_generate_agrees_with_teacher_forcing(model, temperature):
    check_teacher_forcing(model.decoder, draw_z(64), temperature)


def test_generate_agrees_without_a_latent_space(alone):
    check_teacher_forcing(alone.decoder, draw_z(64, latent=0), temperature=1.0)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_have_the_probabilities_of_their_temperature(temperature):
    model, draws = make(decoder="repeat"), 20_000
    z = draw_z(1)
    logits = model.decoder(z, draw_tokens(model, 1))[0]
    shares = (logits / temperature).softmax(2)  # (n, k, n)
    written = model.decoder.generate(
        z.expand(draws, -1), temperature=temperature, generator=seeded()
    ).tokens
    counts = torch.nn.functional.one_hot(written, N).sum(0)
    assert ((counts - draws * shares).abs() < 5 * (draws * shares * (1 - shares)).sqrt()).all()


def test_log_sigma_is_clipped_below_at_minus_3():
    model = make()
    assert ModelConfig().min_log_sigma == -3
    tokens = draw_tokens(model)
    with torch.no_grad():
        for bias, low, high in [(-50.0, -3, -3), (50.0, 40, 60)]:  # below only
            model.encoder.log_sigma.bias.fill_(bias)
            log_sigma = model.encoder(tokens).log_sigma
            assert ((low <= log_sigma) & (log_sigma <= high)).all()


def test_posterior_samples():
    count = 40_000
    mu = torch.tensor([0.0, 2.0, -5.0]).expand(count, -1)
    log_sigma = torch.tensor([0.0, -3.0, 1.0]).expand(count, -1)
    posterior = Posterior(mu, log_sigma)
    assert torch.equal(posterior.sample(seeded(), spread=0), mu)
    assert torch.equal(posterior.sample(seeded()), posterior.sample(seeded()))
    for spread in (1.0, 2.0):
        noise = (posterior.sample(seeded(), spread) - mu) / (spread * log_sigma.exp())
        assert (noise.mean(0).abs() < 5 / count**0.5).all()
        assert ((noise.var(0) - 1).abs() < 5 * (2 / count) ** 0.5).all()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"tokens": "both"}, "unknown tokens 'both': one of absolute, relative, combined"),
        ({"decoder": "best"}, "unknown decoder 'best': one of autoregressive, repeat"),
        *(
            ({name: 0}, rf"^{name}=0 is not in 1\.\.")
            for name in ("n", "k", "embedding", "channels", "convolutions", "hidden", "layers")
        ),
        ({"latent": 0}, "latent=0 is only for models of any size"),
        ({"n": 65}, r"n=65 is not in 1\.\.64"),
        ({"k": 7}, r"k=7 is not in 1\.\.6"),
        ({"latent": -1}, r"latent=-1 is not in 0\.\."),
        ({"hidden": 4097}, r"hidden=4097 is not in 1\.\.4096"),
        ({"token_dropout": 1.0}, r"token-dropout=1\.0 is not in \[0, 1\)"),
        ({"token_dropout": -0.1}, "token-dropout=-0.1"),
        ({"token_dropout": math.nan}, "token-dropout=nan"),
    ],
)
def test_configs_out_of_range(value, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**value)


# --- every size up to n -----------------------------------------------------------------------


def test_a_fresh_model_of_any_size_gives_all_targets_the_same_chance(k, tokens):
    for decoder in DECODERS:
        model = make_fresh(decoder=decoder, k=k, tokens=tokens, any_size=True)
        for n in sizes_of(model):
            logits = model.decoder(draw_z(), draw_tokens(model, n=n))
            assert torch.equal(logits, torch.zeros(BATCH, n, k, n))


def test_size_is_a_condition_of_both_halves(tokens):
    # without names and places of states, which could give the size away
    model = make(tokens=tokens, any_size=True, decoder="repeat")
    with torch.no_grad():
        for half in (model.encoder, model.decoder):
            half.places.from_start.weight.zero_()
            half.places.from_end.weight.zero_()
        model.encoder.embed.weight.zero_()
    posteriors = [model.encoder(draw_tokens(model, n=n)).mu[0] for n in (3, 4, 5)]
    first = [model.decoder(draw_z(), draw_tokens(model, n=n))[0, 0, 0, :3] for n in (3, 4, 5)]
    for a, b in ((0, 1), (1, 2)):
        assert not torch.allclose(posteriors[a], posteriors[b])
        if tokens != "combined":  # whose first targets have other names at every size
            assert not torch.allclose(first[a], first[b])


def test_places_count_from_both_ends():
    model = make(any_size=True)
    for half, n in product((model.encoder, model.decoder), sizes_of(model)):
        beside = torch.rand(2, n, 3)
        placed = half.places(beside)
        assert placed.shape == (2, n, 3 + TINY["embedding"])
        assert torch.equal(placed[:, :, :3], beside)
        places = placed[:, :, 3:]
        for state in range(n):
            first, last = half.places.from_start.weight, half.places.from_end.weight
            torch.testing.assert_close(places[1, state], first[state] + last[n - 1 - state])


def test_a_model_of_one_size_has_neither_size_nor_places():
    model = make()
    for half in (model.encoder, model.decoder):
        beside, z = torch.rand(2, N, 3), torch.rand(2, 4)
        assert torch.equal(half.places(beside), beside) and torch.equal(half.size(z, N), z)
        assert [*half.size.parameters(), *half.places.parameters()] == []


def test_what_a_size_does_not_use_is_not_trained(tokens, k):
    for n in range(1, N + 1):
        model = make(k=k, tokens=tokens, any_size=True).train()
        loss_of(model, draw_tokens(model, 50, n=n)).backward()
        used = {*name_targets(n, N, tokens).flat}
        unused = [name for name in range(model.decoder.vocabulary.size) if name not in used]
        assert bool(unused) == (n < N)
        half = model.encoder
        assert not half.embed.weight.grad[unused].any()
        assert half.embed.weight.grad.any()
        half = model.decoder
        assert not half.embed.weight.grad[unused].any()
        for weight in (half.output.weight, half.output.bias):
            by_name = weight.grad.unflatten(0, (k, -1))
            assert not by_name[:, unused].any()
            # with one target the probability is 1, whatever the weights
            assert by_name.any() == (n > 1)
        if k > 1:
            assert not half.earlier_letters.weight.grad.unflatten(0, (k, -1))[:, unused].any()
        for half in (model.encoder, model.decoder):
            for weight in (half.places.from_start.weight, half.places.from_end.weight):
                assert not weight.grad[n:].any()
        for weight in (
            model.encoder.places.from_start.weight,
            model.encoder.places.from_end.weight,
        ):
            assert weight.grad[:n].any(1).all()


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("latent", [0, LATENT])
def test_a_few_steps_over_all_sizes_train_every_weight(decoder, latent, k, tokens):
    model = make_fresh(decoder=decoder, k=k, tokens=tokens, any_size=True, latent=latent).train()
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters())
    for n in (*sizes_of(model), N):  # the largest names have no gradient while outputs are zero
        optimizer.zero_grad()
        loss_of(model, draw_tokens(model, 100, n=n)).backward()
        optimizer.step()
    for name, weight in model.named_parameters():
        moved = weight != before[name]
        assert moved.any(), name
        # by name or place; where k is 1 no state comes after the one that goes furthest back
        if name.endswith(("from_start.weight", "from_end.weight", "output.bias")) or (
            name.endswith("embed.weight") and k > 1
        ):
            assert moved.view(len(moved), -1).any(1).all(), name


def learn_cycles(tokens: str) -> VAE:
    """A model of n <= 7 that was trained on C_4, C_5 and C_6."""
    config = {"n": 7, "embedding": 16, "hidden": 32, "layers": 1}
    model = make_fresh(tokens=tokens, any_size=True, **config).train()
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)
    for step in range(120):
        batch = cycle(4 + step % 3).expand(4, -1, -1)
        terms = losses(model(batch, seeded(step)), batch, torch.ones(4))
        optimizer.zero_grad()
        (terms.reconstruction + 0.1 * terms.kl).backward()
        optimizer.step()
    return model.eval()


def cycle(n: int) -> torch.Tensor:
    return torch.from_numpy(encode_deltas(FAMILIES[0].delta(n)[None]))  # (1, n, k)


def test_it_writes_what_comes_next():
    # the posterior of C_6, decoded at n = 7; chance is -14 ln 7 = -27 nats
    nats = {}
    for tokens in ("absolute", "combined"):
        model = learn_cycles(tokens)
        z = model.encoder(cycle(6)).mu
        chances = model.decoder(z, cycle(7)).log_softmax(3)
        nats[tokens] = chances.gather(3, cycle(7)[..., None]).sum()
    assert nats["absolute"] < -5 < nats["combined"]
    written = model.decoder.generate(z.expand(200, -1), 7, temperature=1, generator=seeded())
    assert (written.tokens == cycle(7)).flatten(1).all(1).any()


# --- losses and metrics -----------------------------------------------------------------------


def forward_pass(logits: torch.Tensor, dtype: torch.dtype = torch.float32) -> Forward:
    normal = [torch.randn(len(logits), LATENT, generator=seeded(seed)) for seed in (1, 2)]
    posterior = Posterior(*(t.to(dtype) for t in normal))
    ratio = torch.linspace(0, 1, len(logits)).to(dtype)
    nothing = torch.zeros(len(logits), 0)
    return Forward(logits.to(dtype), posterior, ratio, normal_kl(posterior), nothing)


def test_reconstruction_sums_positions_and_means_the_batch():
    logits = torch.randn(3, 4, 2, 6, generator=seeded())
    tokens = torch.randint(6, (3, 4, 2), generator=seeded())
    nats = 0.0
    for scores, token in zip(logits.view(-1, 6).tolist(), tokens.view(-1).tolist(), strict=True):
        nats += math.log(sum(map(math.exp, scores))) - scores[token]
    found = losses(forward_pass(logits), tokens, torch.ones(3)).reconstruction
    assert found.item() == pytest.approx(nats / 3, rel=1e-5)
    even = losses(forward_pass(0 * logits), tokens, torch.ones(3)).reconstruction
    assert even.item() == pytest.approx(4 * 2 * math.log(6), rel=1e-5)


def test_kl_and_free_bits():
    forward = forward_pass(torch.zeros(9, 2, 2, 2))
    tokens, ratios = torch.zeros(9, 2, 2, dtype=torch.int64), torch.ones(9)
    mu, log_sigma = forward.posterior[:2]
    by_hand = 0.5 * (mu**2 + (2 * log_sigma).exp() - 1 - 2 * log_sigma)
    reference = kl_divergence(Normal(mu, log_sigma.exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(by_hand, reference)
    expected = reference.mean(0)
    torch.testing.assert_close(normal_kl(forward.posterior).mean(0), expected)
    middle = expected.median().item()
    for free in (0.0, middle, 100.0):
        terms = losses(forward, tokens, ratios, free_bits=free)
        assert terms.kl.item() == pytest.approx(expected.sum().item(), rel=1e-5)
        costs = [max(free, kl) for kl in expected.tolist()]
        assert terms.kl_free.item() == pytest.approx(sum(costs), rel=1e-5)
    prior = Posterior(torch.zeros(4, LATENT), torch.zeros(4, LATENT))
    assert not normal_kl(prior).any()


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([0.5, 0.5, 0.5], (0.25 + 0 + 0.25) / 3),
        ([-1.0, 0.0, -1 / 16], 0.25),  # only the second synchronizes; it is predicted as 0.5
        ([0.0, -1.0, 3.0], (0 + 4) / 2),
        ([-1.0, -1.0, -1.0], 0.0),
    ],
)
def test_the_ratio_is_learnt_from_synchronizing_automata(ratios, expected):
    tokens = torch.zeros(3, 2, 2, dtype=torch.int64)
    terms = losses(forward_pass(torch.zeros(3, 2, 2, 2)), tokens, torch.tensor(ratios))
    assert terms.ratio.item() == pytest.approx(expected)


def test_losses_of_half_precision_are_single():
    logits = torch.randn(5, 4, 2, 6, generator=seeded()).bfloat16()
    tokens, ratios = torch.randint(6, (5, 4, 2), generator=seeded()), torch.full((5,), 0.3)
    half = forward_pass(logits, torch.bfloat16)
    single = half._replace(logits=half.logits.float(), ratio=half.ratio.float())
    pairs = zip(losses(half, tokens, ratios)[:4], losses(single, tokens, ratios)[:4], strict=True)
    for low, high in pairs:
        assert low.dtype == torch.float32
        assert low == high


def test_metrics(model, monkeypatch):
    tokens = draw_tokens(model, 50)
    found = reconstruction_metrics(model.train(), tokens, seeded())
    posterior = model.eval().encoder(tokens)
    z = posterior.sample(seeded())
    nats = -model.decoder(z, tokens).log_softmax(3).gather(3, tokens[..., None])
    assert found["held_out_reconstruction"] == pytest.approx(nats.sum().item() / 50, rel=1e-4)
    assert found["held_out_kl"] == pytest.approx(normal_kl(posterior).mean(0).sum().item())
    assert found["active_units"] == (posterior.mu.var(0) > 0.01).sum()
    # its own words are read back exactly, others are not
    written = model.decoder.generate(posterior.mu).tokens
    monkeypatch.setattr(model.encoder, "forward", lambda _: posterior)
    own = torch.where(torch.arange(50)[:, None, None] < 20, written, (written + 1) % N)
    assert reconstruction_metrics(model, own, seeded())["exact_from_mu"] == 20 / 50
    # in parts: all but what depends on the sample
    monkeypatch.undo()
    monkeypatch.setattr(metrics, "_BATCH", 20)
    parts = reconstruction_metrics(model, tokens, seeded())
    for name in ("held_out_kl", "exact_from_mu", "active_units"):
        assert parts[name] == pytest.approx(found[name])
