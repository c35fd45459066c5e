"""The modes that look for longer thresholds, on a tiny model and with answers that we choose."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import nn

from automata.canonical import canonical_forms, from_canonical
from automata.sampling import sample_uniform
from automata.solver.exact import NOT_SYNCHRONIZING, UNKNOWN, reset_thresholds
from data.damage import DataError
from data.dataset import Dataset
from search.arms import cma_es as small_searches
from search.arms import guided
from search.arms.account import Arm, drive
from search.arms.baselines import BASELINES
from search.arms.cma_es import POPULATION
from search.arms.decode import Repaired
from search.arms.guided import GUIDES, threshold_direction
from search.arms.modes import LatentConfig, Proposer, parent_rows
from search.arms.oracle import Oracle
from search.arms.proposals import Proposals
from search.configs import GUIDED, LEARNING, MODES, RetrainConfig, SearchConfig
from search.pictures.latent import norms
from search.run import running_modes, search
from tests.vae.models import OPTIONS
from vae.coding import encode_automata
from vae.model import VAE, ModelConfig

pytestmark = pytest.mark.usefixtures("one_thread")

N, K, LATENT = 6, 2, 3
Judge = Callable[[Proposals], np.ndarray]


def make_model(k: int = K, latent: int = LATENT, **changes) -> VAE:
    """An untrained model; its decoder writes another automaton at every point."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = ModelConfig(n=N, k=k, latent=latent, embedding=4, channels=8, hidden=16, **changes)
        model = VAE(config).eval()
        nn.init.normal_(model.decoder.start.weight, std=2.0)
        nn.init.normal_(model.decoder.output.weight, std=5.0)
    return model


def make_data(count: int = 80, k: int = K) -> Dataset:
    deltas = sample_uniform(np.random.default_rng(0), 40 * count, N, k)
    deltas = from_canonical(np.unique(canonical_forms(deltas), axis=0), N, k)
    solved = reset_thresholds(deltas)
    deltas = deltas[np.random.default_rng(0).permutation(np.flatnonzero(solved >= 0))[:count]]
    return Dataset(deltas, reset_thresholds(deltas), np.full(len(deltas), "uniform"))


@pytest.fixture(scope="module")
def model() -> VAE:
    return make_model()


@pytest.fixture(scope="module")
def data() -> Dataset:
    return make_data()


def make_space(model: VAE, data: Dataset, seed: int = 0, **settings) -> Proposer:
    config = LatentConfig(**{"parents": 40, "batch": 64} | settings)
    rows = parent_rows(data, config.parents)
    return Proposer(model, data, rows, config, np.random.default_rng(seed))


def true_thresholds(proposals: Proposals) -> np.ndarray:
    return reset_thresholds(proposals.deltas)


def propose(
    mode: str, space: Proposer, batches: int, judge: Judge = true_thresholds
) -> list[Proposals]:
    """The batches of a mode that is sent the thresholds of `judge`."""
    generator = GUIDES[mode](space)
    [proposals] = next(generator)
    proposed = [proposals]
    while len(proposed) < batches:
        [proposals] = generator.send([judge(proposed[-1])])
        proposed.append(proposals)
    return proposed


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Nothing is decoded; the points of each batch are added to this list."""
    captured: list[np.ndarray] = []

    def decode(self: Proposer, z: torch.Tensor) -> Repaired:
        captured.append(z.numpy().astype(float))
        deltas = np.zeros((len(z), K, N), np.uint8)
        return Repaired(deltas, np.ones(len(z), bool), np.zeros(len(z), int))

    monkeypatch.setattr(Proposer, "decode", decode)
    return captured


# --- what all three have in common ----------------------------------------------------------------


def test_the_modes_have_their_place_and_their_names() -> None:
    assert (*GUIDES,) == GUIDED == MODES[-3:]


def test_no_mode_takes_the_random_numbers_of_an_older_arm(monkeypatch) -> None:
    """Indices of random streams are forever: an index that moves changes the bytes of an arm."""
    asked = []

    class Enough(Exception):
        pass

    def stop(seed: int, stage: str, index: int) -> None:
        asked.append(index)
        raise Enough

    monkeypatch.setattr("search.run.stream", stop)
    monkeypatch.setattr("search.run.BASELINES", ())
    old = ["linear", "polar", "great-circle", "encode-decode", "prior", "neighbourhood"]
    for mode in [*old, *GUIDED]:
        with pytest.raises(Enough):
            search(make_model(), make_data(), SearchConfig(mode=mode, budget=1))
    between = len(BASELINES) + len(LEARNING)
    assert asked == [0, 1, 2, 3, 4, 5, *range(6 + between, 9 + between)]


@pytest.mark.parametrize("mode", GUIDED)
def test_proposals_are_automata_with_one_parent_each(model: VAE, data: Dataset, mode: str) -> None:
    space = make_space(model, data)
    for proposals in propose(mode, space, 4):
        assert proposals.deltas.shape == (64, K, N)
        assert proposals.deltas.dtype == np.uint8
        assert proposals.deltas.max() < N
        synchronizing = reset_thresholds(proposals.deltas) >= 0
        assert (synchronizing >= proposals.as_decoded).all()
        assert (proposals.repaired[proposals.as_decoded] == 0).all()
        assert proposals.parents.dtype == np.int64
        assert {*proposals.parents[:, 0].tolist()} <= {*space.parents.tolist()}
        assert (proposals.parents[:, 1] == -1).all()
        assert np.isnan(proposals.alpha).all()


@pytest.mark.parametrize("mode", GUIDED)
def test_equal_seeds_propose_the_same(model: VAE, data: Dataset, mode: str) -> None:
    def proposed(seed: int) -> bytes:
        batches = propose(mode, make_space(model, data, seed), 12)  # beyond the first restarts
        return b"".join(part.tobytes() for batch in batches for part in batch)

    torch.manual_seed(1)
    before = proposed(0)
    torch.manual_seed(2)
    assert proposed(0) == before
    assert proposed(1) != before


def test_the_modes_propose_different_automata(model: VAE, data: Dataset) -> None:
    firsts = [propose(mode, make_space(model, data), 1)[0].deltas.tobytes() for mode in GUIDED]
    space = make_space(model, data, spread=1.0)
    firsts += [next(space.propose("neighbourhood"))[0].deltas.tobytes()]
    assert len({*firsts}) == 4


@pytest.mark.parametrize("mode", GUIDED)
def test_no_weight_changes_and_no_gradient_is_left(data: Dataset, mode: str) -> None:
    model = make_model()
    before = {key: weight.clone() for key, weight in model.state_dict().items()}
    with torch.no_grad():  # a caller's choice that no mode may depend on
        propose(mode, make_space(model, data), 3)
    assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
    assert all((model.state_dict()[key] == weight).all() for key, weight in before.items())


@pytest.mark.parametrize("mode", GUIDED)
def test_a_batch_of_one(model: VAE, data: Dataset, mode: str) -> None:
    count = POPULATION if mode == "cma-es" else 1
    for proposals in propose(mode, make_space(model, data, batch=1), 12):
        assert proposals.deltas.shape == (count, K, N)


@pytest.mark.parametrize("mode", GUIDED)
@pytest.mark.parametrize("rows", [1, 2])
def test_few_parents_suffice(model: VAE, data: Dataset, mode: str, rows: int) -> None:
    few = data.take(np.arange(rows))
    batches = propose(mode, make_space(model, few), 12)
    assert {row for batch in batches for row in batch.parents[:, 0].tolist()} == {*range(rows)}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_mode_searches_with_every_option_of_the_model(data: Dataset, name: str) -> None:
    model = make_model(options=OPTIONS[name])
    learning = RetrainConfig(retrain=2, retrain_steps=2, retrain_batch=16, retrain_parents=20)
    latent = LatentConfig(parents=20, batch=32, rounds=1)
    found = search(model, data, SearchConfig(budget=24, latent=latent, learning=learning))
    assert {*MODES, *LEARNING} <= {*found.summary["mode"]}
    assert (found.summary["calls"] == 24).all()
    clouds = norms(make_space(model, data), data)
    assert all(np.isfinite(cloud).all() for cloud in clouds.values())


@pytest.mark.parametrize("mode", GUIDED)
def test_one_letter(mode: str) -> None:
    model, data = make_model(k=1), make_data(8, k=1)
    arm = Arm(Oracle(N, 1, data), mode, 0, 50)
    drive([arm], GUIDES[mode](make_space(model, data)), lambda calls: None)
    assert arm.valid > 0  # few automata are new: it ends without its budget
    assert arm.calls < 50


@pytest.mark.parametrize("mode", GUIDED)
def test_a_budget_is_spent_to_the_last_call(model: VAE, data: Dataset, mode: str) -> None:
    arm = Arm(Oracle(N, K, data), mode, 0, 150)
    reported: list[int] = []
    drive([arm], GUIDES[mode](make_space(model, data)), reported.append)
    assert arm.calls == sum(reported) == 150
    assert arm.exhausted()


# --- how each of them looks -----------------------------------------------------------------------


def test_gradient_raises_what_the_model_predicts(model: VAE, data: Dataset, points) -> None:
    propose("gradient", make_space(model, data, batch=500), 1)
    start = make_space(model, data, batch=500).draw_samples().z
    with torch.no_grad():
        rise = model.predict(torch.from_numpy(points[0]).float()) - model.predict(start)
    assert (rise > 0).float().mean() > 0.95  # a long step may overshoot
    assert not np.allclose(points[0], start.numpy())


def near(points: list[np.ndarray], target: np.ndarray) -> Judge:
    """A judge of the last batch: the nearer a point is to `target`, the longer its threshold."""
    return lambda proposals: (10**6 - 1000 * np.linalg.norm(points[-1] - target, axis=1)).astype(
        np.int32
    )


def test_cma_es_moves_to_where_thresholds_are_long(
    model: VAE, data: Dataset, points, monkeypatch
) -> None:
    monkeypatch.setattr(small_searches, "_GENERATIONS", 1000)
    target = np.array([3.0, -2.0, 1.0])
    propose("cma-es", make_space(model, data), 60, near(points, target))
    first, *_, last = (np.linalg.norm(batch - target, axis=1).mean() for batch in points)
    assert first > 1
    assert last < 0.2


def test_cma_es_finds_what_its_oracle_favours(model: VAE, data: Dataset, monkeypatch) -> None:
    """Here a threshold is the number of loops, which no parent was chosen for."""

    def loops(deltas: np.ndarray, **options: int) -> np.ndarray:
        return (deltas == np.arange(N)).sum((1, 2), dtype=np.int32)

    def mean_loops(answers: Callable[[np.ndarray], np.ndarray]) -> float:
        arm = Arm(Oracle(N, K), "cma-es", 0, 1500)
        generator, seen = GUIDES["cma-es"](make_space(model, data, batch=256)), []

        def answered() -> Iterator[list[Proposals]]:
            batches = next(generator)
            while True:
                seen.append(loops(batches[0].deltas).mean())
                (thresholds,) = yield batches
                batches = generator.send([answers(thresholds)])

        drive([arm], answered(), lambda calls: None)
        return float(np.mean(seen[5:]))

    monkeypatch.setattr("search.arms.oracle.thresholds_of", loops)
    rng = np.random.default_rng(0)
    assert mean_loops(lambda thresholds: thresholds) > mean_loops(rng.permutation) + 0.3


def test_cma_es_moves_away_from_what_does_not_synchronize(
    model: VAE, data: Dataset, points
) -> None:
    def judge(proposals: Proposals) -> np.ndarray:
        order = np.arange(len(proposals.deltas), dtype=np.int32)
        return np.where(points[-1][:, 0] > 0, order, NOT_SYNCHRONIZING)

    propose("cma-es", make_space(model, data, batch=256), small_searches._GENERATIONS, judge)
    assert (points[-1][:, 0] > 0).mean() > (points[0][:, 0] > 0).mean() + 0.2


def test_cma_es_begins_about_posterior_samples(model: VAE, data: Dataset, points) -> None:
    space = make_space(model, data, batch=4096)
    (proposals,) = propose("cma-es", space, 1)
    assert len(points[0]) == guided._SEARCHES * POPULATION  # a larger batch has no more of them
    rows = proposals.parents[:, 0].reshape(-1, POPULATION)
    assert (rows == rows[:, :1]).all()
    assert len({*rows[:, 0].tolist()}) > 8
    posterior = encode_automata(model, data.deltas[rows[:, 0]])
    mu, sigma = posterior.mu.numpy(), posterior.log_sigma.exp().numpy()
    populations = points[0].reshape(-1, POPULATION, LATENT)
    assert (np.abs(populations.mean(1) - mu) < 5 * sigma).all()
    assert 0.8 < (populations.std(1, ddof=1) / sigma).mean() < 1.2


def test_cma_es_begins_anew_at_other_parents(model: VAE, data: Dataset, points) -> None:
    judge = near(points, np.array([3.0, -2.0, 1.0]))
    batches = propose("cma-es", make_space(model, data), small_searches._GENERATIONS + 1, judge)
    parents = [batch.parents[:, 0].tolist() for batch in batches]
    assert all(own == parents[0] for own in parents[:-1])
    assert parents[-1] != parents[0]


def test_cma_es_does_not_learn_from_what_is_unknown(model: VAE, data: Dataset, monkeypatch) -> None:
    def tell(self: object, solutions: object) -> None:
        raise AssertionError("it learns")

    monkeypatch.setattr(small_searches.SepCMA, "tell", tell)

    def unknown(proposals: Proposals) -> np.ndarray:
        thresholds = true_thresholds(proposals)
        thresholds[-1] = UNKNOWN
        return thresholds

    first, *later = propose("cma-es", make_space(model, data), 15, unknown)
    assert all((batch.parents == first.parents).all() for batch in later)
    with pytest.raises(AssertionError, match="it learns"):
        propose("cma-es", make_space(model, data), 2)


def planted(space: Proposer, direction: np.ndarray) -> Dataset:
    """The training set with thresholds that rise in a direction of the latent space."""
    mu = encode_automata(space.model, space.training.deltas).mu.double().numpy()
    thresholds = np.rint(10**5 * (10 + mu @ direction)).astype(np.int32)
    return Dataset(space.training.deltas, thresholds, space.training.sources)


def test_arithmetic_goes_where_training_thresholds_rise(
    model: VAE, data: Dataset, points, monkeypatch
) -> None:
    monkeypatch.setattr("vae.ascent._RIDGE", 1e-6)  # the posteriors of this model are close
    direction = np.array([0.6, 0.0, -0.8])
    rising = planted(make_space(model, data), direction)
    space = make_space(model, rising, batch=400)
    assert threshold_direction(space) @ direction > 0.99
    propose("arithmetic", make_space(model, rising, batch=400), 1)
    again = make_space(model, rising, batch=400)
    threshold_direction(again)  # it draws rows first
    moved = points[0] - again.draw_samples().z.numpy()
    lengths = np.linalg.norm(moved, axis=1)
    assert (moved @ direction > 0.99 * lengths).all()
    assert 2.9 < lengths.max() <= 3 + 1e-5
    assert len(np.unique(lengths.round(4))) > 350


def test_a_direction_is_learned_from_a_part_of_a_large_training_set(
    model: VAE, data: Dataset, monkeypatch
) -> None:
    whole = threshold_direction(make_space(model, data))
    monkeypatch.setattr(guided, "_REGRESSED", 20)
    part = [threshold_direction(make_space(model, data, seed)) for seed in (0, 0, 1)]
    assert (part[0] == part[1]).all()
    assert (part[0] != part[2]).any() and (part[0] != whole).any()


@pytest.mark.parametrize("threshold", [NOT_SYNCHRONIZING, 4])
def test_training_thresholds_without_a_direction(
    model: VAE, data: Dataset, points, threshold: int
) -> None:
    flat = Dataset(data.deltas, np.full(len(data), threshold, np.int32), data.sources)
    direction = threshold_direction(make_space(model, flat))
    assert not direction.any()
    propose("arithmetic", make_space(model, flat), 1)
    assert np.isfinite(points[0]).all()


# --- a latent space of one dimension --------------------------------------------------------------


@pytest.mark.parametrize("latent", [0, 1])
def test_cma_es_needs_two_dimensions(data: Dataset, latent: int) -> None:
    config = SearchConfig(mode="cma-es", budget=10)
    with pytest.raises(DataError, match=f"^latent={latent} is below 2: too few for cma-es$"):
        running_modes(config, latent)
    if latent:
        with pytest.raises(DataError, match="^latent=1 is below 2: too few for cma-es$"):
            search(make_model(latent=1), data, config)
        with pytest.raises(DataError, match="latent=1 is below 2"):
            next(GUIDES["cma-es"](make_space(make_model(latent=1), data)))


def test_all_modes_but_cma_es_work_in_one_dimension(data: Dataset) -> None:
    config = SearchConfig(budget=20, latent=LatentConfig(parents=40, batch=64, rounds=1))
    result = search(make_model(latent=1), data, config)
    assert {*result.summary["mode"]} == {*MODES, *BASELINES} - {"cma-es"}


@pytest.mark.usefixtures("unrendered")
def test_the_command_says_what_one_dimension_is_too_few_for(call, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    small = "--latent 1 --embedding 4 --channels 8 --convolutions 1 --hidden 16 --epochs 1"
    on = "--model model --data data --budget 20 --parents 20 --rounds 1 --batch 64 --workers 1"
    lines = [
        "generate -n 4 --count 60 --out data --workers 1",
        f"train --data data --out model --workers 1 {small}",
        f"search {on} --mode cma-es --out refused",
        f"search {on} --out all",
    ]
    *_, refused, found = [call(line.split()) for line in lines]
    assert refused.code == 3
    assert refused.err.splitlines()[-1].endswith("latent=1 is below 2: too few for cma-es")
    assert found.code == 0
    assert "model: latent=1 is too few dimensions for the mode cma-es" in found.err
    assert "gradient" in found.out and "cma-es" not in found.out
