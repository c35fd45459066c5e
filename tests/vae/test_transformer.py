"""The transformer of transition tables: what it sees, how it writes, that it learns."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from automata.numbering import random_numberings
from tests.vae.models import seeded
from vae import transformer as module
from vae.config import ModelConfig
from vae.encoding import encode_deltas, name_targets
from vae.model import NotFiniteError
from vae.numbered import Training, write_numberings
from vae.steps import StepConfig
from vae.transformer import Transformer

pytestmark = pytest.mark.usefixtures("one_thread")

MOST, BATCH = 7, 5
KINDS = [(n, k, partial) for n in (1, 2, 5, MOST) for k in (1, 2, 3) for partial in (False, True)]


def make(k: int = 2, partial: bool = False, trained: bool = True, **changes) -> Transformer:
    """A small model; none of its weights are zero if it is to be as if trained."""
    shape = {"tokens": "combined", "embedding": 4, "channels": 8} | changes
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = ModelConfig(n=MOST, k=k, any_size=True, partial=partial, **shape)
        model = Transformer(config).eval()
    for weight in model.parameters():
        if trained and not weight.any():
            torch.nn.init.normal_(weight, 0, 0.5, generator=seeded())
    return model


def draw(n: int, k: int, partial: bool = False, batch: int = BATCH, seed: int = 0) -> torch.Tensor:
    return torch.randint(n + partial, (batch, n, k), generator=seeded(seed))


# --- what it sees -------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "k", "partial"), KINDS)
@torch.no_grad()
def test_a_token_is_guessed_from_those_before_it_alone(n: int, k: int, partial: bool) -> None:
    model, tokens = make(k, partial), draw(n, k, partial)
    scores = model(tokens)
    assert scores.shape == (BATCH, n, k, n + partial)
    assert scores.isfinite().all()
    targets = n + partial
    for place in range(n * k if targets > 1 else 0):
        other = tokens.flatten(1).clone()
        other[:, place] = (other[:, place] + 1) % targets
        changed = model(other.view(tokens.shape)).flatten(1, 2)
        same = torch.isclose(changed, scores.flatten(1, 2), atol=1e-5).all(2)  # (batch, n * k)
        assert same[:, : place + 1].all()
        assert not same[:, place + 1 :].any()


@torch.no_grad()
def test_automata_of_a_batch_do_not_see_each_other() -> None:
    model, tokens = make(), draw(6, 2)
    alone = [model(tokens[[i]]) for i in range(BATCH)]
    assert torch.allclose(model(tokens), torch.cat(alone), atol=1e-5)


@pytest.mark.parametrize("kind", ["combined", "relative", "absolute"])
@pytest.mark.parametrize("partial", [False, True])
@torch.no_grad()
def test_a_score_is_the_sum_of_its_names(kind: str, partial: bool) -> None:
    n, k = 4, 2
    model, tokens = make(k, partial, tokens=kind), draw(n, k, partial, batch=1)
    inner: list[torch.Tensor] = []
    model.names.register_forward_hook(lambda module, given, scores: inner.append(scores))
    scores = model(tokens)
    named, table = inner[0][0].view(n, k, -1), name_targets(n, MOST, kind, partial=partial)
    for q in range(n):
        for a in range(k):
            for t in range(n + partial):
                expected = sum(named[q, a, name] for name in table[:, q, t])
                assert torch.allclose(scores[0, q, a, t], expected, atol=1e-4)


@torch.no_grad()
def test_attention_as_plain_loops_have_it() -> None:
    width, length = 6, 5
    block, features = module.Block(width), torch.randn(1, length, width, generator=seeded())
    heads, own = block.heads, width // block.heads
    bias = torch.randn(heads, length, length, generator=seeded(1))
    bias = bias.masked_fill(torch.ones(length, length).triu(1).bool(), -torch.inf)
    asked = block.ask(block.norm(features))[0].view(length, 3, heads, own)
    mixed = torch.zeros(length, heads, own)
    for place in range(length):
        for head in range(heads):
            query = asked[place, 0, head]
            products = torch.stack([query @ asked[p, 1, head] for p in range(place + 1)])
            weights = (products / own**0.5 + bias[head, place, : place + 1]).softmax(0)
            mixed[place, head] = weights @ asked[: place + 1, 2, head]
    expected = features[0] + block.mix(mixed.flatten(1))
    expected = expected + block.own(block.own_norm(expected))
    assert torch.allclose(block(features, bias)[0][0], expected, atol=1e-5)


def test_biases_of_attention_count_tokens_back() -> None:
    model = make()
    bias = model._bias(4)
    for place in range(4):
        for seen in range(4):
            own = model.biases.weight[place - seen] if seen <= place else torch.tensor(-torch.inf)
            assert torch.equal(bias[:, place, seen], own.expand(model.biases.embedding_dim))


def test_untrained_it_writes_all_tables_alike() -> None:
    scores = make(trained=False)(draw(5, 2))
    assert torch.equal(scores, torch.zeros_like(scores))


# --- how it writes ------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.0, 0.7])
@pytest.mark.parametrize(("n", "k", "partial"), KINDS)
@torch.no_grad()
def test_what_is_kept_of_earlier_tokens_is_what_one_pass_computes(
    monkeypatch, n: int, k: int, partial: bool, temperature: float
) -> None:
    """Written token by token, the scores are those of the whole string at once."""
    model, choose, scores = make(k, partial), module.choose, []

    def noted(logits: torch.Tensor, *options) -> torch.Tensor:
        scores.append(logits)
        return choose(logits, *options)

    monkeypatch.setattr(module, "choose", noted)
    tokens = model.generate(BATCH, n, temperature, seeded())
    assert tokens.shape == (BATCH, n, k)
    assert ((tokens >= 0) & (tokens < n + partial)).all()
    whole = model(tokens)
    assert torch.allclose(torch.stack(scores, 1).view(whole.shape), whole, atol=1e-4)
    if temperature == 0:
        assert torch.equal(whole.argmax(3), tokens)


@torch.no_grad()
def test_samples_are_as_frequent_as_they_are_likely() -> None:
    model, n = make(1), 2
    tokens = model.generate(20_000, n, 1.0, seeded())
    strings = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).view(4, n, 1)
    chances = model(strings).log_softmax(3).gather(3, strings[..., None]).sum((1, 2, 3)).exp()
    counts = torch.bincount(2 * tokens[:, 0, 0] + tokens[:, 1, 0], minlength=4)
    assert torch.allclose(chances.sum(), torch.tensor(1.0), atol=1e-4)
    assert torch.allclose(counts / 20_000, chances, atol=0.02)


def test_the_generator_decides_what_is_written() -> None:
    model = make()
    first, again = (model.generate(BATCH, 6, 1.0, seeded()) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, model.generate(BATCH, 6, 1.0, seeded(1)))
    greedy = model.generate(BATCH, 6, 0.0, seeded())
    assert (greedy == greedy[0]).all()


def test_numbers_that_are_not_finite_are_refused() -> None:
    model = make()
    torch.nn.init.constant_(model.names.weight, torch.nan)
    with pytest.raises(NotFiniteError):
        model.generate(BATCH, 4, 1.0, seeded())


# --- that it learns -----------------------------------------------------------------------------


@torch.no_grad()
def test_the_loss_is_the_mean_cross_entropy_of_all_tokens() -> None:
    model, tokens = make(), draw(5, 2)
    expected = functional.cross_entropy(model(tokens).permute(0, 3, 1, 2), tokens)
    assert torch.allclose(model.loss(tokens), expected, atol=1e-5)


@pytest.mark.parametrize("partial", [False, True])
def test_it_learns_to_write_what_it_has_seen(partial: bool) -> None:
    cerny = np.array([[[1, 2, 3, 4, 0], [0, 1, 2, 3, 255 if partial else 0]]], np.uint8)
    model = make(partial=partial, trained=False, channels=32).train()
    rng, optimizer = np.random.default_rng(0), torch.optim.AdamW(model.parameters())
    deltas, thresholds = cerny.repeat(32, 0), np.full(32, 16, np.int32)
    config = StepConfig(learning_rate=5e-3, beta=0.0, clip=1.0)
    for _ in range(150):
        write_numberings(model, deltas, thresholds, Training(optimizer, rng, seeded(), config))
    model.eval()
    seen = encode_deltas(random_numberings(rng, cerny.repeat(500, 0)), partial=partial)
    strings = {string.tobytes() for string in seen}
    written = model.generate(100, 5, 0.5, seeded()).numpy()
    assert np.mean([string.tobytes() in strings for string in written]) > 0.8
    assert len({string.tobytes() for string in written}) > 1
