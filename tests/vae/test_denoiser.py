"""The masked model of transition tables: what it sees, what is hidden, how it fills in."""

from math import sqrt

import numpy as np
import pytest
import torch
from torch.nn import functional

from automata.numbering import random_numberings
from automata.sampling import sample_uniform
from tests.vae.models import make_fresh, seeded
from vae.config import ModelConfig
from vae.denoiser import Denoiser, Layer, draw_blocks, hide, insert
from vae.encoding import encode_deltas, name_targets
from vae.model import VAE, NotFiniteError
from vae.numbered import Training, denoise_numberings
from vae.steps import StepConfig

pytestmark = pytest.mark.usefixtures("one_thread")

MOST, BATCH = 7, 5
KINDS = [(n, k, partial) for n in (1, 2, 5, MOST) for k in (1, 2, 3) for partial in (False, True)]


def make(k: int = 2, partial: bool = False, conditioned: bool = False, **changes) -> Denoiser:
    """A small model none of whose weights are zero, as if it were trained."""
    shape = {"tokens": "combined", "embedding": 4, "channels": 8} | changes
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = ModelConfig(n=MOST, k=k, any_size=True, partial=partial, **shape)
        model = Denoiser(config, conditioned=conditioned).eval()
    for weight in model.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, 0, 0.3, generator=seeded())
    return model


def draw(n: int, k: int, partial: bool = False, batch: int = BATCH, seed: int = 0) -> torch.Tensor:
    return torch.randint(n + partial, (batch, n, k), generator=seeded(seed))


def mask(tokens: torch.Tensor, share: float = 0.4, seed: int = 1) -> torch.Tensor:
    return torch.rand(tokens.shape, generator=seeded(seed)) < share


# --- what it sees -------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "k", "partial"), KINDS)
@torch.no_grad()
def test_what_is_hidden_is_never_seen(n: int, k: int, partial: bool) -> None:
    model, tokens = make(k, partial), draw(n, k, partial)
    hidden = mask(tokens)
    scores = model(tokens, hidden)
    assert scores.shape == (BATCH, n, k, n + partial)
    assert scores.isfinite().all()
    other = torch.where(hidden, draw(n, k, partial, seed=9), tokens)
    assert torch.equal(model(other, hidden), scores)


@torch.no_grad()
def test_every_known_transition_is_seen_and_that_one_is_hidden_too() -> None:
    model, tokens = make(), draw(5, 2, batch=1)
    nothing = torch.zeros(1, 5, 2, dtype=torch.bool)
    scores = model(tokens, nothing)
    for q in range(5):
        for a in range(2):
            other, hidden = tokens.clone(), nothing.clone()
            other[0, q, a] = (tokens[0, q, a] + 1) % 5
            hidden[0, q, a] = True
            assert not torch.allclose(model(other, nothing), scores)
            assert not torch.allclose(model(tokens, hidden), scores)


@torch.no_grad()
def test_automata_of_a_batch_do_not_see_each_other() -> None:
    model, tokens = make(), draw(6, 2)
    hidden = mask(tokens)
    alone = [model(tokens[[i]], hidden[[i]]) for i in range(BATCH)]
    assert torch.allclose(model(tokens, hidden), torch.cat(alone), atol=1e-5)


@torch.no_grad()
def test_a_layer_mixes_neighbours_as_plain_loops_do() -> None:
    n, k, width = 5, 2, 4
    layer, features = Layer(width, k), torch.randn(1, n, width, generator=seeded())
    tokens = draw(n, k, batch=1)
    hidden = mask(tokens)
    edges = torch.zeros(1, k, n, n)
    for q in range(n):
        for a in range(k):
            edges[0, a, q, tokens[0, q, a]] = float(not hidden[0, q, a])
    own = layer.norm(features)[0]
    sent = layer.message(own)
    nothing = torch.zeros(width // 2)
    for q in range(n):
        before = sent[q - 1] if q else nothing
        after = sent[q + 1] if q + 1 < n else nothing
        targets = [nothing if hidden[0, q, a] else sent[tokens[0, q, a]] for a in range(k)]
        sources = [
            sum(
                (sent[p] for p in range(n) if tokens[0, p, a] == q and not hidden[0, p, a]), nothing
            )
            for a in range(k)
        ]
        mixed = layer.mix(torch.cat([own[q], before, after, *targets, *sources]))
        expected = features[0, q] + layer.output(functional.gelu(mixed))
        assert torch.allclose(layer(features, edges)[0, q], expected, atol=1e-5)


@pytest.mark.parametrize("partial", [False, True])
@torch.no_grad()
def test_a_score_is_the_sum_of_three_names_and_a_pointer_product(partial: bool) -> None:
    model, tokens, n, k = make(2, partial), draw(4, 2, partial, batch=1), 4, 2
    inner: list[torch.Tensor] = []
    model.norm.register_forward_hook(lambda module, given, features: inner.append(features))
    scores = model(tokens, mask(tokens))
    features = inner[0][0]
    named = model.names(features).view(n, k, -1)
    sources, targets = model.source(features).view(n, k, -1), model.target(features)
    table = name_targets(n, MOST, "combined", partial=partial)
    for q in range(n):
        for a in range(k):
            for t in range(n + partial):
                expected = sum(named[q, a, name] for name in table[:, q, t])
                if t < n:
                    expected = expected + sources[q, a] @ targets[t] / sqrt(8)
                assert torch.allclose(scores[0, q, a, t], expected, atol=1e-4)


# --- what is hidden -----------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "states"), [(1, 1), (5, 1), (5, 2), (6, 3), (4, 4)])
def test_blocks(n: int, states: int) -> None:
    blocks = draw_blocks(2000, n, states, seeded())
    assert blocks.shape == (2000, n) and blocks.dtype == torch.bool
    assert (blocks.sum(1) == states).all()
    assert blocks.any(0).all()
    places = [row.nonzero().flatten() for row in blocks]
    together = np.mean([int(own[-1] - own[0]) == states - 1 for own in places])
    assert together == 1 if states in (1, n) else 0.5 < together < 0.9


@pytest.mark.parametrize(("n", "k", "partial"), KINDS)
def test_a_block_is_hidden_with_what_touches_it(n: int, k: int, partial: bool) -> None:
    tokens, block = draw(n, k, partial, batch=400), draw_blocks(400, n, 1, seeded())
    none, every = torch.zeros(400), torch.ones(400)
    hidden = hide(tokens, block, none, seeded())
    assert hide(tokens, block, every, seeded()).all()
    border = []
    for i, table in enumerate(tokens.tolist()):
        [b] = block[i].nonzero().flatten().tolist()
        beside = {b - 1, b + 1} & {*range(n)}  # n, undefined, is beside no state
        for q, row in enumerate(table):
            for a, t in enumerate(row):
                if b in (q, t):
                    assert hidden[i, q, a]
                elif {q, t} & beside:
                    border.append(bool(hidden[i, q, a]))
                else:
                    assert not hidden[i, q, a]
    if len(border) > 500:
        assert 0.5 < np.mean(border) < 0.7
        assert torch.equal(hidden, hide(tokens, block, none, seeded()))
        assert not torch.equal(hidden, hide(tokens, block, none, seeded(1)))


def test_a_share_of_all_other_transitions_is_hidden() -> None:
    tokens, block = torch.zeros(400, 12, 2, dtype=torch.int64), torch.zeros(400, 12).bool()
    block[:, 6] = True
    hidden = hide(tokens, block, torch.full((400,), 0.2), seeded())
    away = hidden[:, [*range(5), *range(8, 12)]]
    assert 0.18 < away.float().mean() < 0.22


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("states", [0, 1, 2, 3])
def test_inserted_states_leave_the_others_as_they_are(states: int, partial: bool) -> None:
    tokens, n = draw(4, 2, partial), 4 + states
    block = draw_blocks(BATCH, n, states, seeded())
    grown = insert(tokens, block)
    assert grown.shape == (BATCH, n, 2)
    for old, new, marks in zip(tokens.tolist(), grown.tolist(), block.tolist(), strict=True):
        places = [q for q in range(n) if not marks[q]] + [n]
        assert [new[place] for place in places[:4]] == [[places[t] for t in row] for row in old]
        assert all(new[q] == [0, 0] for q in range(n) if marks[q])


# --- how it fills in ----------------------------------------------------------------------------


@pytest.mark.parametrize("certain_first", [False, True])
@pytest.mark.parametrize(("n", "k", "partial"), KINDS)
def test_what_is_known_stays(n: int, k: int, partial: bool, certain_first: bool) -> None:
    model, tokens = make(k, partial), draw(n, k, partial)
    hidden = mask(tokens)
    how = {"passes": 3, "temperature": 0.7, "certain_first": certain_first}
    filled = model.fill(tokens, hidden, seeded(), **how)
    assert (filled.shape, filled.dtype) == (tokens.shape, torch.int64)
    assert 0 <= filled.min() and filled.max() < n + partial
    assert torch.equal(filled[~hidden], tokens[~hidden])
    assert torch.equal(filled, model.fill(tokens, hidden, seeded(), **how))
    other = torch.where(hidden, draw(n, k, partial, seed=9), tokens)
    assert torch.equal(filled, model.fill(other, hidden, seeded(), **how))
    assert torch.equal(tokens, model.fill(tokens, hidden & False, seeded(), **how))


class Sure(Denoiser):
    """Knows the target 0 for sure, the more so the higher the state; notes what it was asked."""

    def forward(self, tokens: torch.Tensor, hidden: torch.Tensor, z=None) -> torch.Tensor:
        self.asked = [*getattr(self, "asked", []), hidden.clone()]
        batch, n, k = tokens.shape
        sure = 5 + torch.arange(n, dtype=torch.float32)[:, None, None]
        return (sure * torch.eye(n)[0]).expand(batch, n, k, n)


@pytest.mark.parametrize("certain_first", [False, True])
@pytest.mark.parametrize("passes", [1, 3, 8])
def test_about_equally_many_in_each_pass(passes: int, certain_first: bool) -> None:
    model, tokens = Sure(make().config), torch.ones(2, 6, 2, dtype=torch.int64)
    hidden = torch.ones_like(tokens).bool()
    hidden[1, 3:] = False
    filled = model.fill(
        tokens, hidden, seeded(), passes=passes, temperature=0.0, certain_first=certain_first
    )
    assert (filled[hidden] == 0).all() and (filled[~hidden] == 1).all()
    counts = torch.stack([asked.sum((1, 2)) for asked in model.asked])
    first = torch.tensor([12, 6])
    left = torch.arange(passes, 0, -1)[:, None] / passes
    assert torch.equal(counts, (first * left).floor().long())
    ordered = [asked[1, :3].sum(1).tolist() for asked in model.asked]
    falling = all(own == sorted(own, reverse=True) for own in ordered)  # high states come first
    if certain_first:
        assert falling
    elif passes == 8:
        assert not falling


@pytest.mark.parametrize("partial", [False, True])
@torch.no_grad()
def test_certainty_is_the_mean_probability_of_what_was_filled_in(partial: bool) -> None:
    model, tokens = make(partial=partial), draw(5, 2, partial)
    hidden = mask(tokens)
    own = model(tokens, hidden).log_softmax(3)
    once = model.certainty(tokens, hidden, seeded(), passes=1)
    for i in range(BATCH):
        chances = [own[i, q, a, tokens[i, q, a]] for q, a in hidden[i].nonzero().tolist()]
        assert torch.allclose(once[i], torch.stack(chances).mean(), atol=1e-5)
    several = model.certainty(tokens, hidden, seeded(), passes=4)
    assert torch.equal(several, model.certainty(tokens, hidden, seeded(), passes=4))
    assert not torch.allclose(several, once)
    assert (several < 0).all()
    assert (model.certainty(tokens, hidden & False, seeded(), passes=2) == 0).all()


@torch.no_grad()
def test_certainty_looks_at_everything_once() -> None:
    model, tokens = Sure(make().config), torch.zeros(3, 6, 2, dtype=torch.int64)
    hidden = mask(tokens, 0.7)
    found = model.certainty(tokens, hidden, seeded(), passes=3)
    sure = (5 + torch.arange(6.0))[:, None].expand(6, 2)
    expected = -torch.log1p(5 * torch.exp(-sure))
    for i in range(3):
        assert torch.allclose(found[i], expected[hidden[i]].mean(), atol=1e-4)
    first, *later = model.asked
    assert torch.equal(first, hidden)
    for before, after in zip(model.asked, later, strict=False):
        assert (before | ~after).all() and after.sum() < before.sum()


def test_the_temperature_decides_how_different_the_outcomes_are() -> None:
    model, tokens = make(), draw(5, 2, batch=1).expand(200, -1, -1)
    hidden, distinct = mask(tokens[:1]).expand(200, -1, -1), []
    for temperature in (0.0, 0.2, 3.0):
        filled = model.fill(
            tokens, hidden, seeded(), passes=1, temperature=temperature, certain_first=False
        )
        distinct.append(len(filled.unique(dim=0)))
    assert 1 == distinct[0] < distinct[1] < distinct[2]


def test_numbers_that_are_not_finite_are_an_error() -> None:
    model = make()
    model.read.weight.data.fill_(torch.nan)
    tokens = draw(4, 2)
    with pytest.raises(NotFiniteError):
        model.fill(tokens, mask(tokens), seeded(), passes=2, temperature=1.0, certain_first=False)


# --- how it learns ------------------------------------------------------------------------------


@pytest.mark.parametrize("partial", [False, True])
def test_it_learns_to_fill_in(partial: bool) -> None:
    model = make(partial=partial, channels=16)
    deltas = sample_uniform(np.random.default_rng(0), 1, 5, 2)
    many = np.repeat(deltas, 64, axis=0)
    tokens = torch.from_numpy(
        encode_deltas(random_numberings(np.random.default_rng(2), many), partial=partial)
    )

    def loss() -> float:
        with torch.no_grad():
            return float(model.loss(tokens, seeded(5)))

    before, optimizer = loss(), torch.optim.AdamW(model.parameters())
    config = StepConfig(learning_rate=0.01, beta=0.0, clip=1.0)
    training = Training(optimizer, np.random.default_rng(1), seeded(), config)
    for _ in range(40):
        denoise_numberings(model, many, np.zeros(64, np.int32), training)
    assert loss() < 0.4 * before


def test_equal_seeds_hide_the_same() -> None:
    model, tokens = make(), draw(6, 2, batch=50)
    first, again, other = (model.loss(tokens, seeded(seed)).item() for seed in (3, 3, 4))
    assert first == again != other


@pytest.mark.parametrize("n", [1, 2, 3])
def test_small_automata_are_lessons_too(n: int) -> None:
    assert make().loss(draw(n, 2), seeded()).isfinite()


# --- points of a latent space -------------------------------------------------------------------


def make_following() -> tuple[Denoiser, VAE]:
    """A denoiser and the small VAE that it follows."""
    model = make(conditioned=True, latent=4)
    vae = make_fresh(n=MOST, latent=4, any_size=True, tokens="combined")
    model.follow(vae)
    return model, vae


@torch.no_grad()
def test_scores_follow_the_point() -> None:
    (model, _), tokens = make_following(), draw(6, 2)
    hidden, z = mask(tokens), torch.randn(BATCH, 4, generator=seeded())
    scores = model(tokens, hidden, z)
    assert torch.equal(model(tokens, hidden, torch.zeros(BATCH, 4)), model(tokens, hidden))
    for row in range(BATCH):
        moved = z.clone()
        moved[row] += 1
        others = (model(tokens, hidden, moved) != scores).flatten(1).any(1)
        assert others.tolist() == [other == row for other in range(BATCH)]
    filled = [
        model.fill(
            tokens, hidden, seeded(), passes=2, temperature=0.0, certain_first=True, z=scale * z
        )
        for scale in (1, 30)
    ]
    assert not torch.equal(*filled)


@torch.no_grad()
def test_points_are_samples_of_the_posterior() -> None:
    (model, vae), tokens = make_following(), draw(6, 2)
    assert torch.equal(model.points(tokens, seeded(5)), vae.posterior(tokens).sample(seeded(5)))
    assert make().points(tokens, seeded()).shape == (BATCH, 0)


def test_the_vae_is_neither_trained_nor_saved() -> None:
    model, vae = make_following()
    assert {*model.state_dict()} == {*make(conditioned=True, latent=4).state_dict()}
    model.loss(draw(6, 2), seeded()).backward()
    assert model.point.weight.grad.any()
    assert all(weight.grad is None for weight in vae.parameters())


def test_it_learns_what_is_hidden_from_the_point() -> None:
    """One of two automata, all of which is hidden: without a point none can be told."""
    (model, _), tokens = make_following(), draw(6, 2, batch=2, seed=3)
    hidden, z = torch.ones_like(tokens, dtype=torch.bool), torch.tensor([[1.0] * 4, [-1.0] * 4])
    optimizer = torch.optim.AdamW(model.parameters(), 0.02)
    for _ in range(60):
        loss = functional.cross_entropy(model(tokens, hidden, z).flatten(0, 2), tokens.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    differ, right = tokens[0] != tokens[1], {}
    for known, point in (("point", z), ("nothing", None)):
        guessed = model(tokens, hidden, point).argmax(3)
        right[known] = (guessed == tokens)[:, differ].float().mean().item()
    assert right["point"] > 0.9 and right["nothing"] <= 0.5
