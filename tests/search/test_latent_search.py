"""The sources that search the latent space, on a tiny model and with answers that we choose."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from automata.sizes import cerny_bound
from automata.solver.exact import NOT_SYNCHRONIZING, UNKNOWN, reset_thresholds
from search.arms import cma_es as small_searches
from search.arms.account import Arm
from search.arms.oracle import Oracle
from search.arms.proposals import Proposals, plain_proposals
from search.discovery.arms import ARMS, SOURCES
from search.discovery.latent_search import arithmetic, cma_es, gradient
from search.discovery.leaps import LeapConfig, LeapContext, split_parents
from search.discovery.learner import AUTOENCODER, LearnConfig, Learner
from search.discovery.step import Elites
from tests.search.elites import ELITES
from vae import ascent

pytestmark = pytest.mark.usefixtures("one_thread")

N, K, LATENT = 6, 2, 3
NAMES = ["cma-es", "gradient", "arithmetic"]
POPULATION = small_searches.POPULATION


@pytest.fixture
def learner() -> Learner:
    """An untrained model; its decoder writes another automaton at every point."""
    config = LearnConfig(latent=LATENT, embedding=4, channels=8, hidden=16)
    made = Learner(AUTOENCODER, 8, K, config, 0, torch.device("cpu"))
    weights = torch.Generator().manual_seed(0)
    nn.init.normal_(made.model.decoder.start.weight, std=2.0, generator=weights)
    nn.init.normal_(made.model.decoder.output.weight, std=5.0, generator=weights)
    return made


def make_context(learner: Learner, seed: int = 0, elites=ELITES, batch: int = 64) -> LeapContext:
    """A leap to N states whose parents are drawn (nearly) evenly."""
    return LeapContext(
        N,
        K,
        elites,
        learner,
        np.random.default_rng(seed),
        torch.Generator().manual_seed(seed),
        LeapConfig(batch=batch, softness=100.0),
    )


def propose(
    name: str,
    context: LeapContext,
    batches: int,
    judge: Callable[[Proposals], np.ndarray] = lambda proposals: reset_thresholds(proposals.deltas),
) -> list[Proposals]:
    """The proposals of a source that gets the thresholds of `judge`."""
    source = SOURCES[name](context)
    proposed = [next(source)]
    while len(proposed) < batches:
        proposed.append(source.send(judge(proposed[-1])))
    return proposed


def capture(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Let nothing be decoded; return the list to which the points of each batch are added."""
    points = []

    def decode(self: LeapContext, z: torch.Tensor, parents: np.ndarray) -> Proposals:
        points.append(z.numpy().astype(float))
        return plain_proposals(np.zeros((len(z), K, N), np.uint8))._replace(
            parents=np.stack([parents, np.full(len(parents), -1)], 1)
        )

    monkeypatch.setattr(LeapContext, "decode", decode)
    return points


def near(points: list[np.ndarray], target: np.ndarray) -> Callable[[Proposals], np.ndarray]:
    """A judge of the last batch: the nearer a point is to `target`, the longer its threshold."""

    def judge(proposals: Proposals) -> np.ndarray:
        return (10**6 - 1000 * np.linalg.norm(points[-1] - target, axis=1)).astype(np.int32)

    return judge


@pytest.mark.parametrize("name", NAMES)
def test_proposals_are_automata_with_one_parent_each(learner: Learner, name: str):
    for proposals in propose(name, make_context(learner), 4):
        assert proposals.deltas.shape == (64, K, N)
        assert proposals.deltas.dtype == np.uint8
        assert proposals.deltas.max() < N
        assert proposals.parents.shape == (64, 2)
        assert proposals.parents.dtype == np.int64
        assert np.isnan(proposals.alpha).all()
        first, second = split_parents(proposals.parents).transpose(1, 0, 2)
        assert (second == -1).all()
        assert sorted(set(first[:, 0].tolist())) == [4, 5]
        assert ((first[:, 1] >= 0) & (first[:, 1] < 40)).all()


@pytest.mark.parametrize("name", NAMES)
def test_equal_seeds_propose_the_same(learner: Learner, name: str):
    def all_deltas(seed: int) -> np.ndarray:
        proposed = propose(name, make_context(learner, seed), 12)  # beyond the first restarts
        return np.stack([proposals.deltas for proposals in proposed])

    torch.manual_seed(1)
    before = all_deltas(0)
    torch.manual_seed(2)
    assert (all_deltas(0) == before).all()
    assert (all_deltas(1) != before).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sizes", [{5: 40}, {5: 1}, {4: 1, 5: 1}, {4: 40, 5: 1}])
def test_few_elites_suffice(learner: Learner, name: str, sizes: dict[int, int]):
    few = {n: Elites(*(column[:count] for column in ELITES[n])) for n, count in sizes.items()}
    for proposals in propose(name, make_context(learner, elites=few), 13):
        assert proposals.deltas.shape == (64, K, N)
        assert {n for n, _ in split_parents(proposals.parents[:, 0])} <= set(sizes)


@pytest.mark.parametrize("name", NAMES)
def test_proposals_beyond_the_budget_do_no_harm(learner: Learner, name: str):
    arm = Arm(Oracle(N, K), "any", 0, 100)
    proposed = propose(name, make_context(learner), 12, lambda some: arm.submit(some).thresholds)
    assert arm.exhausted()
    assert (arm.submit(proposed[-1]).thresholds == UNKNOWN).all()
    assert arm.calls == 100
    assert arm.found_count == 100


@pytest.mark.parametrize("name", NAMES)
def test_no_gradient_is_left_and_no_weight_is_changed(learner: Learner, name: str):
    before = {key: weight.clone() for key, weight in learner.model.state_dict().items()}
    with torch.no_grad():  # a caller's choice that no source may depend on
        propose(name, make_context(learner), 3)
    assert all(weight.grad is None for weight in learner.model.parameters())
    assert all(weight.requires_grad for weight in learner.model.parameters())
    after = learner.model.state_dict()
    assert all((after[key] == weight).all() for key, weight in before.items())
    assert not learner.model.training


@pytest.mark.parametrize("arm", [name for name in ARMS if set(ARMS[name].sources) & set(NAMES)])
def test_the_sources_of_the_arms_are_known(arm: str):
    assert ARMS[arm].learns
    assert set(ARMS[arm].sources) <= set(SOURCES)


def test_cma_es_moves_to_where_thresholds_are_long(learner: Learner, monkeypatch):
    monkeypatch.setattr(small_searches, "_GENERATIONS", 1000)
    points, target = capture(monkeypatch), np.array([3.0, -2.0, 1.0])
    propose("cma-es", make_context(learner), 60, near(points, target))
    first, last = (
        np.linalg.norm(batch.reshape(-1, POPULATION, LATENT).mean(1) - target, axis=1)
        for batch in (points[0], points[-1])
    )
    assert first.min() > 1.0
    assert last.max() < 0.1


def test_cma_es_moves_away_from_what_does_not_synchronize(learner: Learner, monkeypatch):
    points = capture(monkeypatch)

    def judge(proposals: Proposals) -> np.ndarray:
        order = np.arange(len(proposals.deltas), dtype=np.int32)
        return np.where(points[-1][:, 0] > 0, order, NOT_SYNCHRONIZING)

    propose("cma-es", make_context(learner, batch=1024), small_searches._GENERATIONS, judge)
    assert (points[-1][:, 0] > 0).mean() > (points[0][:, 0] > 0).mean() + 0.2


def test_cma_es_is_a_batch_of_small_searches_about_their_parents(learner: Learner, monkeypatch):
    points = capture(monkeypatch)
    (proposals,) = propose("cma-es", make_context(learner, batch=512), 1)
    parents = proposals.parents[:, 0].reshape(-1, POPULATION)
    assert parents.shape == (512 // POPULATION, POPULATION)
    assert (parents == parents[:, :1]).all()
    assert len(np.unique(parents)) > 16
    searches = points[0].reshape(-1, POPULATION, LATENT)
    assert searches.std(1).mean() < searches.mean(1).std(0).mean()  # they are apart


@pytest.mark.parametrize("batch", [1, 15, 16, 100])
def test_cma_es_proposes_whole_populations(learner: Learner, batch: int):
    (proposals,) = propose("cma-es", make_context(learner, batch=batch), 1)
    assert len(proposals.deltas) == max(1, batch // POPULATION) * POPULATION


def test_cma_es_begins_about_its_parent_with_the_posterior_s_spread(learner: Learner, monkeypatch):
    spread = np.array([0.01, 0.1, 1.0])
    head = nn.Linear(learner.model.encoder.log_sigma.in_features, LATENT)
    nn.init.zeros_(head.weight)
    with torch.no_grad():
        head.bias.copy_(torch.from_numpy(np.log(spread)))
    learner.model.encoder.log_sigma = head
    learner.model.encoder.min_log_sigma = -10.0

    def encode(self: Learner, rng: object, generator: object, deltas: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(deltas[:, 1, :LATENT].astype(np.float32))

    monkeypatch.setattr(Learner, "encode", encode)
    points = capture(monkeypatch)
    (proposals,) = propose("cma-es", make_context(learner, batch=4096), 1)
    populations = points[0].reshape(-1, POPULATION, LATENT)
    np.testing.assert_allclose(populations.std(1, ddof=1).mean(0), spread, rtol=0.1)
    parents = split_parents(proposals.parents[::POPULATION, 0])
    starts = np.array([ELITES[n].deltas[row, 1, :LATENT] for n, row in parents])
    assert len(np.unique(starts, axis=0)) > 10
    assert (np.abs(populations.mean(1) - starts) < 1.5 * spread).all()


def test_one_cma_es_begins_about_parents_of_all_sizes(learner: Learner, monkeypatch):
    monkeypatch.setattr(small_searches, "_GENERATIONS", 1)
    proposed = propose("cma-es", make_context(learner, batch=POPULATION), 20)
    parents = np.concatenate([split_parents(proposals.parents[:, 0]) for proposals in proposed])
    assert sorted(set(parents[:, 0].tolist())) == [4, 5]


def test_cma_es_begins_anew_after_some_generations(learner: Learner, monkeypatch):
    monkeypatch.setattr(small_searches, "_GENERATIONS", 4)
    points, target = capture(monkeypatch), np.array([3.0, -2.0, 1.0])
    proposed = propose("cma-es", make_context(learner, batch=256), 9, near(points, target))
    parents = [proposals.parents[:, 0].tolist() for proposals in proposed]
    assert parents[0] == parents[1] == parents[2] == parents[3]
    assert parents[3] != parents[4] == parents[7] != parents[8]
    far = [np.linalg.norm(batch - target, axis=1).mean() for batch in points]
    assert far[3] < far[4]


def test_cma_es_begins_anew_where_all_is_equally_good(learner: Learner, monkeypatch):
    points, target = capture(monkeypatch), np.array([3.0, -2.0, 1.0])
    liked = near(points, target)

    def judge(proposals: Proposals) -> np.ndarray:
        thresholds = liked(proposals)
        thresholds[: 4 * POPULATION] = 7
        return thresholds

    first, second = propose("cma-es", make_context(learner, batch=16 * POPULATION), 2, judge)
    kept = 12 * POPULATION
    assert (second.parents[:kept] == first.parents[-kept:]).all()
    assert (second.parents[kept:] != first.parents[: 4 * POPULATION]).any()


def test_cma_es_begins_anew_when_it_has_converged(learner: Learner, monkeypatch):
    monkeypatch.setattr(small_searches.SepCMA, "should_stop", lambda self: True)
    points = capture(monkeypatch)
    first, second = propose("cma-es", make_context(learner), 2, near(points, np.zeros(LATENT)))
    assert (second.parents != first.parents).any()


def test_cma_es_does_not_learn_from_what_is_unknown(learner: Learner, monkeypatch):
    def tell(self: object, solutions: object) -> None:
        raise AssertionError("it learns")

    monkeypatch.setattr(small_searches.SepCMA, "tell", tell)

    def judge(proposals: Proposals) -> np.ndarray:
        thresholds = reset_thresholds(proposals.deltas)
        thresholds[-1:] = UNKNOWN
        return thresholds

    source = cma_es(make_context(learner))
    first = next(source)
    for _ in range(20):
        later = source.send(judge(first))
        assert (later.parents == first.parents).all()
    with pytest.raises(AssertionError, match="it learns"):
        source.send(reset_thresholds(first.deltas))


@pytest.mark.parametrize("latent", [0, 1])
def test_cma_es_says_that_it_needs_two_dimensions(latent: int):
    config = LearnConfig(latent=latent, embedding=2, channels=4, hidden=4)
    small = Learner(AUTOENCODER, 8, K, config, 0, torch.device("cpu"))
    with pytest.raises(ValueError, match=f"latent={latent} is below 2"):
        next(cma_es(make_context(small)))


def test_gradient_starts_from_posterior_samples(learner: Learner, monkeypatch):
    head = nn.Linear(LATENT, 1)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[0.0, 1.0, 0.0]]))
    learner.model.ratio = head
    points = capture(monkeypatch)
    next(gradient(make_context(learner, batch=400)))
    start = make_context(learner, batch=400).draw_points()[0].numpy()
    moved = points[0] - start
    np.testing.assert_allclose(moved[:, [0, 2]], 0, atol=1e-6)
    lengths = np.outer(ascent._STEPS, ascent._LENGTHS).ravel()
    near_one = np.abs(moved[:, 1:2] - lengths) < 1e-4
    assert near_one.any(1).all()  # each moved by one of the lengths
    assert near_one.any(0).all()  # and each length is used


def test_arithmetic_goes_where_thresholds_rise(learner: Learner, monkeypatch):
    planted = np.array([0.6, 0.0, -0.8])
    rng = np.random.default_rng(0)
    places = {n: rng.normal(size=(40, LATENT)) for n in ELITES}
    elites = {}
    for n, z in places.items():
        thresholds = np.rint(1000 * cerny_bound(n) * (5 + z @ planted)).astype(np.int32)
        elites[n] = Elites(ELITES[n].deltas, thresholds)
    posteriors = {deltas.shape: torch.from_numpy(places[n]) for n, (deltas, _) in elites.items()}

    class Known:
        def __init__(self, mu: torch.Tensor) -> None:
            self.mu = mu

    monkeypatch.setattr(
        ascent, "encode_automata", lambda model, deltas: Known(posteriors[deltas.shape])
    )
    points = capture(monkeypatch)
    next(arithmetic(make_context(learner, elites=elites, batch=400)))
    moved = points[0] - make_context(learner, elites=elites, batch=400).draw_points()[0].numpy()
    lengths = np.linalg.norm(moved, axis=1)
    assert (moved @ planted > 0.99 * lengths).all()
    assert lengths.max() <= ascent._FARTHEST + 1e-5
    assert len(np.unique(lengths.round(4))) > 350


def test_sources_without_a_model_say_so(learner: Learner):
    bare = replace(make_context(learner), learner=None)
    for name in NAMES:
        with pytest.raises(RuntimeError, match="needs a model"):
            next(SOURCES[name](bare))
