"""The loop of PatternBoost: what is trained on when, what samples and climbs begin at, calls."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from automata.canonical import canonical_forms
from automata.deltas import UNDEFINED, Deltas
from automata.mutation import breed
from automata.sampling import sample_uniform
from automata.solver.either import thresholds_of
from search.arms.account import Arm
from search.arms.oracle import Oracle
from search.arms.proposals import Proposals, plain_proposals
from search.arms.ranked import Ranked
from search.discovery import boost
from search.discovery.arms import SOURCES
from search.discovery.boost import run_boost
from search.discovery.config import DiscoverConfig, LearnConfig
from search.discovery.engine import Engine
from search.discovery.leaps import LeapConfig, LeapContext
from search.discovery.learner import TRANSFORMER, Learner
from tests.search.elites import ELITES

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
LEARN = LearnConfig(embedding=4, channels=8, elites=60, first_steps=8, steps=4, batch=16)
LOOP = {name: SOURCES[name] for name in ("sampling", "climbing")}
SIZE = 6


def context_of(seed: int = 0, k: int = 2, partial: bool = False, **options) -> LeapContext:
    writer = Learner(TRANSFORMER, 8, k, LEARN, seed, CPU, partial=partial)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    leap = LeapConfig(**({"batch": 16} | options))
    return LeapContext(SIZE, k, ELITES, None, rng, generator, leap, partial, writer=writer)


def run(context: LeapContext, budget: int, sources: dict = LOOP, **options) -> Arm:
    oracle = Oracle(SIZE, context.k, partial=context.partial, **options)
    arm = Arm(oracle, "axplorer", 0, budget)
    run_boost(arm, context, sources, lambda calls, doing: None, {})
    return arm


@pytest.fixture
def lessons(monkeypatch) -> list[dict]:
    """What the transformer is trained on, by size, each time; it is trained as well."""
    given, learn = [], Learner.learn

    def noted(self, rng, generator, elites, *options) -> None:
        given.append(dict(elites))
        learn(self, rng, generator, elites, *options)

    monkeypatch.setattr(Learner, "learn", noted)
    return given


# --- training -----------------------------------------------------------------------------------


def test_each_round_but_the_first_learns_from_the_finds_so_far(lessons: list[dict]) -> None:
    budget = 100
    arm = run(context_of(), budget)
    assert arm.calls == budget
    _, _, _, forms, thresholds, found_at = arm.trace()
    assert len(lessons) == boost._ROUNDS - 1
    for number, elites in enumerate(lessons, 1):
        assert [*elites] == [*ELITES, SIZE]
        assert all(elites[n] is ELITES[n] for n in ELITES)
        known = found_at <= budget * number // boost._ROUNDS
        own = elites[SIZE]
        assert len(own.deltas) == min(known.sum(), LEARN.elites)
        assert own.thresholds.tolist() == sorted(thresholds[known])[::-1][: LEARN.elites]
        expected = {form.tobytes() for form in forms[known]}
        assert {form.tobytes() for form in canonical_forms(own.deltas)} <= expected


def test_steps_of_training_see_the_finds_of_the_same_size(monkeypatch) -> None:
    monkeypatch.setattr(boost, "_RETRAINED", 20.0)
    seen: list[bytes] = []

    def step(model, deltas, thresholds, training) -> float:
        if deltas.shape[2] == SIZE:
            seen.extend(form.tobytes() for form in canonical_forms(deltas))
        return 1.0

    context = context_of()
    context.writing.kind = TRANSFORMER._replace(step=step)
    arm = run(context, 100)
    found = {form.tobytes() for form in arm.trace().forms}
    assert len({*seen}) > 10 and {*seen} <= found


def test_samples_follow_what_is_found_at_the_same_size(monkeypatch) -> None:
    """Climbs find one kind of automata alone: without training in between none is sampled."""
    monkeypatch.setattr(boost, "_RETRAINED", 60.0)
    monkeypatch.setattr(boost, "_SAMPLED", 0.1)

    def loops(context: LeapContext) -> Iterator[Proposals]:
        """Letter b leads all states but the last to themselves, as in no elite."""
        while True:
            deltas = sample_uniform(context.rng, 64, SIZE, 2)
            deltas[:, 1, :5] = np.arange(5)
            yield plain_proposals(deltas)

    def share(deltas: Deltas) -> float:
        return float(np.mean((deltas == np.arange(SIZE)).sum(2).max(1) >= 4))

    shares = {}
    for learns in (True, False):
        context = context_of()
        context.writing.config = replace(LEARN, learning_rate=0.01)
        if not learns:
            monkeypatch.setattr(Learner, "learn", lambda *options: None)
        sampled: list[Deltas] = []

        def noting(own: LeapContext, batches: list = sampled) -> Iterator[Proposals]:
            for proposals in iter(lambda: next(SOURCES["sampling"](own)), None):
                batches.append(proposals.deltas)
                yield proposals

        run(context, 400, {"sampling": noting, "climbing": loops})
        shares[learns] = [share(batch) for batch in sampled]
    assert np.mean(shares[False]) < 0.1
    assert shares[True][0] < 0.1 and np.mean(shares[True][-2:]) > 0.3


# --- samples and climbs -------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "partial"), [(1, False), (2, False), (2, True), (3, False)])
@pytest.mark.parametrize("n", [1, 2, 8])
def test_samples_are_automata_without_parents(n: int, k: int, partial: bool) -> None:
    source = SOURCES["sampling"](replace(context_of(k=k, partial=partial), n=n))
    first, second = (next(source) for _ in range(2))
    for proposals in (first, second):
        assert proposals.deltas.shape == (16, k, n) and proposals.deltas.dtype == np.uint8
        assert ((proposals.deltas < n) | ((proposals.deltas == UNDEFINED) & partial)).all()
        assert (proposals.parents == -1).all() and not proposals.repaired.any()
    assert n == 1 or first.deltas.tobytes() != second.deltas.tobytes()


def test_a_higher_temperature_samples_more_of_them() -> None:
    context = context_of(batch=200)
    weights = torch.Generator().manual_seed(0)
    torch.nn.init.normal_(context.writing.model.names.weight, std=3.0, generator=weights)
    counts = []
    for temperature in (1e-3, 0.5, 1.0):
        own = replace(context, config=replace(context.config, temperature=temperature))
        counts.append(len(np.unique(next(SOURCES["sampling"](own)).deltas, axis=0)))
    assert 1 == counts[0] < counts[1] < counts[2]


def ranked(count: int, k: int = 2) -> Ranked:
    oracle = Oracle(SIZE, k)
    deltas = sample_uniform(np.random.default_rng(1), count, SIZE, k)
    deltas = deltas[thresholds_of(deltas, partial=False) >= 0]
    return Ranked(oracle, np.unique(oracle.number(canonical_forms(deltas))))


def test_climbs_go_on_from_what_is_not_worse(monkeypatch) -> None:
    finds, parents, climbers = ranked(60), [], boost._CLIMBERS

    def noted(rng, deltas: Deltas, *options, **more) -> Deltas:
        parents.append(deltas.copy())
        return breed(rng, deltas, *options, **more)

    monkeypatch.setattr(boost, "breed", noted)
    source = SOURCES["climbing"](replace(context_of(), finds=finds))
    best = [delta.tobytes() for delta in finds.deltas(np.arange(climbers))]
    heights = finds.thresholds[:climbers].tolist()
    children, improved = next(source).deltas, 0
    assert sorted(delta.tobytes() for delta in parents[0]) == sorted(best)
    for _ in range(40):
        answers = thresholds_of(children, partial=False)
        own = thresholds_of(parents[-1], partial=False)
        expected = np.where((answers >= own)[:, None, None], children, parents[-1])
        assert sorted(own.tolist()) == sorted(heights)
        children = source.send(answers).deltas
        told = sorted(delta.tobytes() for delta in parents[-1])
        assert told == sorted(delta.tobytes() for delta in expected)
        heights = np.maximum(own, answers).tolist()
        improved += int((answers > own).sum())
    assert improved > 0


@pytest.mark.parametrize("partial", [False, True])
def test_climbs_without_finds_begin_at_random(partial: bool) -> None:
    for finds in (None, Ranked(Oracle(SIZE, 2), np.empty(0, np.int64))):
        source = SOURCES["climbing"](replace(context_of(partial=partial), finds=finds))
        proposals = next(source)
        assert proposals.deltas.shape == (boost._CLIMBERS, 2, SIZE)
        assert (proposals.parents == -1).all()


def test_climbs_begin_at_the_best_samples_of_their_round() -> None:
    starts: list[tuple[list[int], int]] = []

    def noting(context: LeapContext) -> Iterator[Proposals]:
        starts.append((context.finds.thresholds.tolist(), len(context.finds)))
        return SOURCES["climbing"](context)

    arm = run(context_of(), 160, {"sampling": SOURCES["sampling"], "climbing": noting})
    thresholds = arm.trace().thresholds
    by = arm.found_by()
    samples = thresholds[by == 0]
    assert len(starts) == boost._ROUNDS and sum(count for _, count in starts) == len(samples)
    for (own, count), first in zip(starts, np.cumsum([0] + [c for _, c in starts]), strict=False):
        assert own == sorted(samples[first : first + count].tolist())[::-1]


# --- calls and rounds ---------------------------------------------------------------------------


def test_calls_are_shared_by_rounds_and_sources() -> None:
    order: list[str] = []

    def noting(name: str) -> Callable:
        def source(context: LeapContext) -> Iterator[Proposals]:
            order.append(name)
            return SOURCES[name](context)

        return source

    arm = run(context_of(), 240, {name: noting(name) for name in LOOP})
    assert order == [*LOOP] * boost._ROUNDS
    assert arm.calls == 240 and [*arm.tallies] == [*LOOP]
    assert arm.tallies["sampling"].calls == 240 * boost._SAMPLED


@pytest.mark.parametrize("budget", [1, 2, boost._ROUNDS - 1, boost._ROUNDS + 1, 33])
def test_budgets_below_a_batch(budget: int) -> None:
    arm = run(context_of(), budget)
    assert arm.calls == budget
    assert [*arm.tallies] == [*LOOP]


@pytest.mark.parametrize(
    ("k", "classes", "partial"),
    [(1, (), False), (2, ("eulerian",), False), (2, ("sink",), False), (2, (), True)],
)
def test_landscapes_in_which_there_is_little_to_find(k, classes, partial, monkeypatch) -> None:
    monkeypatch.setattr(boost, "_PATIENCE", 300)
    elites = {} if k == 1 else ELITES
    arm = run(replace(context_of(k=k, partial=partial), elites=elites), 40, classes=classes)
    assert 0 < arm.calls <= 40
    assert arm.calls == 40 or k == 1


def test_a_loop_without_anything_new_ends(monkeypatch) -> None:
    monkeypatch.setattr(boost, "_PATIENCE", 100)

    def same(context: LeapContext) -> Iterator[Proposals]:
        drawn = sample_uniform(np.random.default_rng(0), 16, SIZE, 2)
        while True:
            yield plain_proposals(drawn)

    arm = run(context_of(), 300, {"sampling": same, "climbing": same})
    assert 0 < arm.calls <= 16
    assert arm.decoded <= boost._ROUNDS * 2 * 128


@pytest.mark.parametrize("known", [False, True])
def test_samples_grow_hotter_when_few_are_new(known: bool) -> None:
    heats: list[float] = []

    def source(context: LeapContext) -> Iterator[Proposals]:
        heats.append(context.config.temperature)
        drawn = sample_uniform(np.random.default_rng(len(heats)), 4, SIZE, 2)
        while True:
            new = sample_uniform(context.rng, 4, SIZE, 2)
            yield plain_proposals(np.concatenate([np.repeat(drawn, 3, 0), new] if known else [new]))

    run(context_of(), 200, {"sampling": source, "climbing": SOURCES["climbing"]})
    expected = boost._TEMPERATURE + boost._HOTTER * np.arange(boost._ROUNDS) * known
    assert np.allclose(heats, expected)


def test_a_loop_repeats_exactly() -> None:
    one, same, other = (run(context_of(seed), 120).trace() for seed in (0, 0, 1))
    assert one.forms.tobytes() == same.forms.tobytes() != other.forms.tobytes()


def test_the_weights_after_the_last_round_are_kept(tmp_path, lessons: list[dict]) -> None:
    learn = replace(LEARN, elites=30)
    config = DiscoverConfig(
        least=3, most=6, start_to=4, start_budget=100, budget=40, first_look=40, learn=learn,
        leap=LeapConfig(batch=8),
    )  # fmt: skip
    engine = Engine(config, "axplorer", 0, tmp_path, device=CPU)
    engine.run()
    sizes = [max(elites) for elites in lessons]
    assert sizes == [4, 5, 5, 5, 5, 6, 6, 6]
    kept = load_file(tmp_path / "axplorer" / "n-06" / TRANSFORMER.file)
    now = engine.learners[TRANSFORMER].model.state_dict()
    assert all(torch.equal(kept[name], now[name]) for name in now)
