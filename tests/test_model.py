"""The model: shapes, what each output may depend on, and the terms of the loss in nats."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae import metrics
from vae.encoding import TOKEN_KINDS, vocabulary_size
from vae.losses import kl_by_dimension, losses
from vae.metrics import reconstruction_metrics
from vae.model import DECODERS, VAE, Forward, ModelConfig, Posterior

N, LATENT, BATCH = 5, 3, 7
TINY = {"n": N, "latent": LATENT, "embedding": 4, "channels": 6, "hidden": 8, "layers": 2}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(**changes) -> VAE:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return VAE(ModelConfig(**(TINY | changes))).eval()


def draw_tokens(model: VAE, batch: int = BATCH, seed: int = 0) -> torch.Tensor:
    shape = (batch, model.config.n, model.config.k)
    return torch.randint(model.decoder.vocabulary, shape, generator=seeded(seed))


def draw_z(batch: int = BATCH) -> torch.Tensor:
    return 2 * torch.randn(batch, LATENT, generator=seeded(1))


@pytest.fixture(params=TOKEN_KINDS)
def tokens(request):
    return request.param


@pytest.fixture(params=[1, 2, 3])
def k(request):
    return request.param


@pytest.fixture(params=DECODERS)
def model(request, k, tokens):
    return make(decoder=request.param, k=k, tokens=tokens)


@pytest.fixture
def autoregressive(k, tokens):
    return make(decoder="autoregressive", k=k, tokens=tokens)


@pytest.fixture(params=[True, False], ids=["training", "evaluation"])
def training(request):
    return request.param


# --- the model --------------------------------------------------------------------------------


def test_shapes(model, k, tokens, training):
    vocabulary = vocabulary_size(N, tokens)
    logits, posterior, ratio = model.train(training)(draw_tokens(model), seeded())
    assert logits.shape == (BATCH, N, k, vocabulary)
    assert posterior.mu.shape == posterior.log_sigma.shape == (BATCH, LATENT)
    assert ratio.shape == (BATCH,)
    written, log_probabilities = model.decoder.generate(posterior.mu)
    assert written.shape == (BATCH, N, k)
    assert written.dtype == torch.int64
    assert 0 <= written.min() <= written.max() < vocabulary
    assert log_probabilities.shape == logits.shape
    torch.testing.assert_close(log_probabilities.exp().sum(3), torch.ones(BATCH, N, k))


@pytest.mark.parametrize("changes", [{"n": 1}, {"n": 1, "k": 1}, {"layers": 1, "convolutions": 1}])
def test_the_smallest_models(changes, training):
    model = make(**changes).train(training)
    logits = model(draw_tokens(model, batch=2), seeded()).logits
    assert logits.isfinite().all()
    assert model.decoder.generate(draw_z(2)).log_probabilities.shape == logits.shape


def test_every_weight_learns(model):
    forward = model.train()(draw_tokens(model), seeded())
    terms = losses(forward, draw_tokens(model), torch.full((BATCH,), 0.5))
    (terms.reconstruction + terms.kl + terms.ratio).backward()
    for name, weight in model.named_parameters():
        assert weight.numel() == 0 or weight.grad.abs().sum() > 0, name


def test_rows_do_not_mix(model):
    tokens, z = draw_tokens(model), draw_z()
    for row in range(BATCH):
        one = slice(row, row + 1)
        torch.testing.assert_close(model.encoder(tokens[one]).mu, model.encoder(tokens).mu[one])
        torch.testing.assert_close(
            model.decoder(z[one], tokens[one]), model.decoder(z, tokens)[one]
        )


def test_the_decoder_sees_only_what_was_written_before(autoregressive, k):
    z, tokens = draw_z(), draw_tokens(autoregressive)
    logits = autoregressive.decoder(z, tokens)
    order = torch.arange(N * k).view(N, k)
    other = (tokens + 1) % autoregressive.decoder.vocabulary
    for place in range(N * k):
        changed = autoregressive.decoder(z, torch.where(order >= place, other, tokens))
        torch.testing.assert_close(changed[:, order <= place], logits[:, order <= place])
        only = autoregressive.decoder(z, torch.where(order == place, other, tokens))
        moved = (only - logits).abs().amax((0, 3)) > 1e-6
        assert moved.tolist() == (order > place).tolist()  # and all of that


def test_hidden_tokens_are_not_seen(autoregressive):
    z, tokens = draw_z(), draw_tokens(autoregressive)
    other = draw_tokens(autoregressive, seed=5)
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


def test_repeat_is_fed_with_z_alone(k, tokens):
    decoder = make(decoder="repeat", k=k, tokens=tokens).decoder
    z, first, second = draw_z(), *(draw_tokens(make(k=k), seed=seed) for seed in (0, 1))
    assert torch.equal(decoder(z, first), decoder(z, second))
    assert not torch.allclose(decoder(z, first), decoder(z.flip(0), first))


@pytest.mark.parametrize("temperature", [0.0, 0.7, 3.0])
def test_generate_agrees_with_teacher_forcing(model, temperature):
    z = draw_z(64)
    written, log_probabilities = model.decoder.generate(
        z, temperature=temperature, generator=seeded()
    )
    forced = model.decoder(z, written).log_softmax(3)
    torch.testing.assert_close(log_probabilities, forced, rtol=1e-4, atol=1e-5)
    assert torch.equal(written, forced.argmax(3)) == (temperature == 0)
    again = model.decoder.generate(z, temperature=temperature, generator=seeded()).tokens
    assert torch.equal(written, again)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_have_the_probabilities_of_their_temperature(temperature):
    model, draws = make(decoder="repeat"), 20_000
    z = draw_z(1)
    logits = model.decoder(z, draw_tokens(model, 1))[0]
    shares = (logits / temperature).softmax(2)  # (n, k, vocabulary)
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
        ({"tokens": "both"}, "unknown tokens 'both': one of absolute, relative"),
        ({"decoder": "best"}, "unknown decoder 'best': one of autoregressive, repeat"),
        *(({name: 0}, rf"^{name}=0 is not in 1\.\.") for name in [*TINY, "k", "convolutions"]),
        ({"n": 65}, r"n=65 is not in 1\.\.64"),
        ({"k": 7}, r"k=7 is not in 1\.\.6"),
        ({"latent": -1}, "latent=-1 is not in"),
        ({"hidden": 4097}, r"hidden=4097 is not in 1\.\.4096"),
        ({"token_dropout": 1.0}, r"token-dropout=1\.0 is not in \[0, 1\)"),
        ({"token_dropout": -0.1}, "token-dropout=-0.1"),
        ({"token_dropout": math.nan}, "token-dropout=nan"),
    ],
)
def test_configs_out_of_range(value, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**value)


# --- losses and metrics -----------------------------------------------------------------------


def forward_pass(logits: torch.Tensor, dtype: torch.dtype = torch.float32) -> Forward:
    normal = [torch.randn(len(logits), LATENT, generator=seeded(seed)) for seed in (1, 2)]
    ratio = torch.linspace(0, 1, len(logits))
    return Forward(logits.to(dtype), Posterior(*(t.to(dtype) for t in normal)), ratio.to(dtype))


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
    mu, log_sigma = forward.posterior
    by_hand = 0.5 * (mu**2 + (2 * log_sigma).exp() - 1 - 2 * log_sigma)
    reference = kl_divergence(Normal(mu, log_sigma.exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(by_hand, reference)
    expected = reference.mean(0)
    torch.testing.assert_close(kl_by_dimension(forward.posterior), expected)
    middle = expected.median().item()
    for free in (0.0, middle, 100.0):
        terms = losses(forward, tokens, ratios, free_bits=free)
        assert terms.kl.item() == pytest.approx(expected.sum().item(), rel=1e-5)
        costs = [max(free, kl) for kl in expected.tolist()]
        assert terms.kl_free.item() == pytest.approx(sum(costs), rel=1e-5)
    prior = Posterior(torch.zeros(4, LATENT), torch.zeros(4, LATENT))
    assert not kl_by_dimension(prior).any()


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
    single = Forward(
        half.logits.float(), Posterior(*map(torch.Tensor.float, half.posterior)), half.ratio.float()
    )
    for low, high in zip(losses(half, tokens, ratios), losses(single, tokens, ratios), strict=True):
        assert low.dtype == torch.float32
        assert low == high


def test_metrics(model, monkeypatch):
    tokens = draw_tokens(model, 50)
    found = reconstruction_metrics(model.train(), tokens, seeded())
    posterior = model.eval().encoder(tokens)
    z = posterior.sample(seeded())
    nats = -model.decoder(z, tokens).log_softmax(3).gather(3, tokens[..., None])
    assert found["held_out_reconstruction"] == pytest.approx(nats.sum().item() / 50, rel=1e-4)
    assert found["held_out_kl"] == pytest.approx(kl_by_dimension(posterior).sum().item())
    assert found["active_units"] == (posterior.mu.var(0) > 0.01).sum()
    # its own words are read back exactly, others are not
    written = model.decoder.generate(posterior.mu).tokens
    monkeypatch.setattr(model.encoder, "forward", lambda _: posterior)
    own = torch.where(torch.arange(50)[:, None, None] < 20, written, (written + 1) % N)
    assert reconstruction_metrics(model, own, seeded())["exact_from_mu"] == 20 / 50
    # in parts: all but what depends on the sample
    monkeypatch.undo()
    monkeypatch.setattr(metrics, "_BATCH", 7)
    parts = reconstruction_metrics(model, tokens, seeded())
    for name in ("held_out_kl", "exact_from_mu", "active_units"):
        assert parts[name] == pytest.approx(found[name])
