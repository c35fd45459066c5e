"""The samplers: what they draw, what they spend, and that they know no family."""

import inspect
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automata import (
    are_synchronizing,
    canonical_forms,
    evolution,
    from_canonical,
    mutation,
    reset_thresholds,
    sampling,
)
from automata.deltas import Deltas
from automata.evolution import Evolution, Evolved, evolve
from automata.mutation import exchange, insert_states, mutate
from automata.properties import in_classes
from automata.sampling import rank_weights, sample_synchronizing, sample_uniform
from automata.solver.exact import Thresholds
from tests.strategies import automata

SIZES = [(1, 1), (1, 3), (2, 1), (3, 2), (8, 2), (12, 1), (256, 2)]


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- uniform, synchronizing, mutated ----------------------------------------------------------


@pytest.mark.parametrize("draw", [sample_uniform, sample_synchronizing])
@pytest.mark.parametrize(("n", "k"), SIZES)
def test_samples(draw, n: int, k: int) -> None:
    for count in (0, 1, 30):
        deltas = draw(seeded(), count, n, k)
        assert (deltas.shape, deltas.dtype) == ((count, k, n), np.uint8)
        assert (deltas < n).all()
        assert np.array_equal(draw(seeded(), count, n, k), deltas)
        assert draw is sample_uniform or are_synchronizing(deltas).all()
    if n > 2:
        assert not np.array_equal(draw(seeded(1), 30, n, k), deltas)


@pytest.mark.parametrize("draw", [sample_uniform, sample_synchronizing])
def test_every_automaton_is_as_likely(draw) -> None:
    deltas = draw(seeded(), 16_000, 2, 2)
    everything = from_canonical(np.array([*np.ndindex(2, 2, 2, 2)]), 2, 2)
    if draw is sample_synchronizing:
        everything = everything[are_synchronizing(everything)]
    drawn, counts = np.unique(deltas, axis=0, return_counts=True)
    assert len(drawn) == len(everything)
    mean = 16_000 / len(everything)
    assert (abs(counts - mean) < 5 * mean**0.5).all()


@settings(deadline=None)
@given(automata(min_n=2), st.integers(0, 24), st.integers(0, 9))
def test_mutation_changes_as_many_transitions_as_asked(
    delta: Deltas, transitions: int, seed: int
) -> None:
    k, n = delta.shape
    transitions = min(transitions, k * n)
    parents = np.stack([delta] * 5)
    children = mutate(seeded(seed), parents, transitions)
    assert (children != parents).sum(axis=(1, 2)).tolist() == [transitions] * 5
    assert (children < n).all()
    assert (parents == delta).all()
    assert np.array_equal(mutate(seeded(seed), parents, transitions), children)


def test_mutation_reaches_every_neighbour_alike() -> None:
    parent = np.array([[1, 2, 0], [0, 0, 2]], np.uint8)
    children, counts = np.unique(
        mutate(seeded(), np.stack([parent] * 12_000)), axis=0, return_counts=True
    )
    assert len(children) == 2 * 3 * 2  # transitions times other targets
    assert (abs(counts - 1000) < 5 * 1000**0.5).all()


def test_mutation_of_nothing() -> None:
    assert mutate(seeded(), np.zeros((0, 2, 5), np.uint8)).shape == (0, 2, 5)
    single = np.zeros((3, 2, 1), np.uint8)
    children = mutate(seeded(), single, 2)
    assert np.array_equal(children, single)
    assert not np.shares_memory(children, single)


@settings(deadline=None)
@given(automata(), st.integers(0, 3), st.integers(0, 9))
def test_inserted_states_split_transitions(delta: Deltas, states: int, seed: int) -> None:
    k, n = delta.shape
    parents = np.stack([delta] * 5)
    children = insert_states(seeded(seed), parents, states)
    assert (children.shape, children.dtype) == ((5, k, n + states), np.uint8)
    assert (parents == delta).all()
    assert np.array_equal(insert_states(seeded(seed), parents, states), children)
    for child in children.astype(int):
        for last in reversed(range(n, n + states)):  # undone one by one
            assert (child <= last).all()
            letters, sources = np.nonzero(child[:, :last] == last)
            assert len(letters) == 1
            child[letters, sources] = child[letters, last]
            child = child[:, :last]
        assert np.array_equal(child, delta)


def test_every_insertion_is_as_likely() -> None:
    parent = np.array([[1, 1, 0], [0, 2, 2]], np.uint8)
    children, counts = np.unique(
        insert_states(seeded(), np.stack([parent] * 24_000)), axis=0, return_counts=True
    )
    assert len(children) == 2 * 3 * 4  # transitions times targets of the other letter
    assert (abs(counts - 1000) < 5 * 1000**0.5).all()


def test_insertion_into_nothing_and_past_a_byte() -> None:
    assert insert_states(seeded(), np.zeros((0, 2, 5), np.uint8), 2).shape == (0, 2, 7)
    children = insert_states(seeded(), np.zeros((3, 2, 255), np.uint8), 3)
    assert (children.dtype, children.max()) == (np.uint16, 257)


@pytest.mark.parametrize(("count", "softness"), [(1, 0.02), (2, 1.0), (1000, 0.001)])
def test_rank_weights(count: int, softness: float) -> None:
    weights = rank_weights(count, softness)
    assert weights.sum() == pytest.approx(1)
    assert all(one > other > 0 for one, other in pairwise([*weights, 1e-300]))
    assert weights[-1] / weights[0] == pytest.approx(
        softness * count / (softness * count + count - 1)
    )


# --- evolved ----------------------------------------------------------------------------------


class Meter:
    """The solver, with a record of what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def __call__(self, deltas: Deltas) -> Thresholds:
        self.asked += [form.tobytes() for form in canonical_forms(deltas)]
        return reset_thresholds(deltas)


def check(archive: Evolved, config: Evolution) -> None:
    """See that an archive is sound: distinct, in order, solved, under the ceiling."""
    batch, k, n = archive.deltas.shape
    assert archive.calls <= config.calls
    assert batch == len(archive.reset_thresholds) <= config.archive_size
    forms = canonical_forms(archive.deltas)
    assert np.array_equal(from_canonical(forms, n, k), archive.deltas)
    assert len(np.unique(forms, axis=0)) == batch
    assert np.array_equal(reset_thresholds(archive.deltas), archive.reset_thresholds)
    assert (archive.reset_thresholds >= 0).all()
    assert (np.diff(archive.reset_thresholds) <= 0).all()
    if config.ceiling is not None:
        assert (archive.reset_thresholds <= config.ceiling).all()


@pytest.mark.parametrize(
    "config",
    [
        Evolution(calls=1),
        Evolution(calls=100, batch=64),
        Evolution(calls=1001, batch=100, archive_size=50),
        Evolution(calls=5000, ceiling=8),
        Evolution(calls=200, batch=1, archive_size=1),
        Evolution(calls=500, ceiling=0),  # nothing can enter
    ],
    ids=str,
)
@pytest.mark.parametrize(("n", "k"), [(5, 2), (6, 3), (7, 1)])
def test_evolution(config: Evolution, n: int, k: int) -> None:
    meter, reported = Meter(), []
    archive = evolve(seeded(), n, k, config, solve=meter, progress=reported.append)
    check(archive, config)
    assert archive.calls == len(meter.asked) == sum(reported)
    assert len({*meter.asked}) == len(meter.asked)  # nothing is paid for twice
    assert {form.tobytes() for form in canonical_forms(archive.deltas)} <= {*meter.asked}
    again = evolve(seeded(), n, k, config, workers=2)
    assert np.array_equal(again.deltas, archive.deltas)
    assert again.calls == archive.calls


def test_evolution_spends_what_it_may() -> None:
    assert evolve(seeded(), 8, 2, Evolution(calls=10_001)).calls == 10_001


def test_evolution_climbs() -> None:
    rng = seeded()
    random = reset_thresholds(sample_uniform(rng, 20_000, 8, 2)).max()
    evolved = evolve(rng, 8, 2, Evolution(calls=20_000, archive_size=1000))
    assert evolved.reset_thresholds[0] > random
    assert not np.array_equal(evolve(seeded(1), 8, 2, Evolution(calls=100)).deltas, evolved.deltas)


@pytest.mark.parametrize(
    ("n", "k", "classes"), [(1, 1, 1), (1, 3, 1), (2, 1, 1), (2, 2, 4), (2, 3, 9), (3, 2, 51)]
)
def test_small_spaces_are_exhausted(n: int, k: int, classes: int) -> None:
    # classes: tests/truth/counts.json, total less non-synchronizing
    config = Evolution(calls=10**9, batch=1000)
    archive = evolve(seeded(), n, k, config)
    check(archive, config)
    assert len(archive.deltas) == archive.calls == classes


def start_of(*deltas: Deltas) -> tuple[Deltas, Thresholds]:
    together = np.concatenate(deltas)
    return together, reset_thresholds(together)


def test_evolution_from_a_start() -> None:
    deltas, thresholds = start_of(sample_synchronizing(seeded(5), 200, 6, 2))
    config = Evolution(calls=300, archive_size=150, batch=100)
    meter = Meter()
    archive = evolve(seeded(), 6, 2, config, solve=meter, start=(deltas, thresholds))
    check(archive, config)
    paid = {form.tobytes() for form in canonical_forms(deltas)}
    assert not paid & {*meter.asked}
    assert {form.tobytes() for form in canonical_forms(archive.deltas)} <= paid | {*meter.asked}
    best = np.sort(thresholds)[::-1][:5]
    assert (archive.reset_thresholds[:5] >= best).all()
    unspent = evolve(seeded(), 6, 2, Evolution(calls=0), start=(deltas, thresholds))
    assert unspent.calls == 0
    assert {form.tobytes() for form in canonical_forms(unspent.deltas)} == paid
    assert unspent.reset_thresholds.tolist() == sorted(
        reset_thresholds(unspent.deltas).tolist(), reverse=True
    )


@pytest.mark.parametrize("ceiling", [None, 5])
def test_a_start_is_held_to_the_same_rules(ceiling: int | None) -> None:
    # repeated, non-synchronizing, and too good
    cerny = np.array([[[1, 2, 3, 4, 0], [0, 1, 2, 3, 0]]], np.uint8)
    identity = np.tile(np.arange(5, dtype=np.uint8), (1, 2, 1))
    random = sample_uniform(seeded(), 300, 5, 2)
    config = Evolution(calls=200, ceiling=ceiling)
    archive = evolve(seeded(), 5, 2, config, start=start_of(cerny, identity, random, cerny))
    check(archive, config)
    assert (archive.reset_thresholds[0] == 16) == (ceiling is None)


def generations(config: Evolution, *, n: int = 3, start: int = 0) -> list[int]:
    """The calls of each generation of an evolution."""
    reported: list[int] = []
    given = start_of(sample_synchronizing(seeded(5), start, n, 2)) if start else None
    archive = evolve(seeded(), n, 2, config, start=given, progress=reported.append)
    assert sum(reported) == archive.calls
    return reported


def test_an_evolution_with_changes_of_ones_own() -> None:
    bred = []

    def change(parents: Deltas) -> Deltas:
        bred.append(parents)
        return np.roll(parents, 1, axis=1)  # letters in another order: nothing new

    config = Evolution(calls=10**6, batch=64, archive_size=50)
    start = evolve(np.random.default_rng(0), 5, 2, Evolution(calls=200))
    pair = start.deltas, start.reset_thresholds
    found = evolve(np.random.default_rng(0), 5, 2, config, start=pair, change=change)
    assert found.calls == 0 and len(bred) >= 8
    assert np.array_equal(found.reset_thresholds, start.reset_thresholds[:50])
    kept = {form.tobytes() for form in canonical_forms(found.deltas)}
    assert {form.tobytes() for form in canonical_forms(np.concatenate(bred))} <= kept


def test_an_evolution_ends_where_hardly_anything_is_new() -> None:
    config = Evolution(calls=10**6, batch=100)
    patient, hurried = generations(config), generations(replace(config, least_new=0.05))
    assert hurried == patient[: len(hurried)]
    assert len(hurried) < len(patient)
    # it ends after eight generations in a row with at most 0.05 of 100 new, and not before
    idle = [new <= 5 for new in hurried]
    assert idle[-8:] == [True] * 8
    assert not any(all(idle[first : first + 8]) for first in range(len(idle) - 8))


def test_a_generation_must_bring_more_than_the_least_share() -> None:
    config = Evolution(calls=10**6, batch=50, least_new=1.0)
    assert len(generations(config, n=8, start=10)) == 8
    assert len(generations(config, n=8)) == 9  # the first one only finds something to begin with
    config = replace(config, least_new=0.0)
    assert sum(generations(replace(config, calls=3000), n=8)) == 3000


def test_children_outside_the_classes_do_not_count_for_the_share(monkeypatch) -> None:
    monkeypatch.setattr(evolution, "_CHILD_PATIENCE", 0)
    names = ("eulerian", "basic")
    config = Evolution(calls=400, batch=64, exchanges=0.25, classes=names, least_new=0.3)
    meter, bred = Meter(), []
    inside = evolution.in_classes

    def noted(children: Deltas, classes: tuple[str, ...], **options: int) -> np.ndarray:
        flags = inside(children, classes, **options)
        bred.append(int(flags.sum()))
        return flags

    monkeypatch.setattr(evolution, "in_classes", noted)
    archive = evolve(seeded(), 7, 2, config, solve=meter)
    assert archive.calls == len(meter.asked) == 400
    assert np.mean(bred) < 0.3 * 64  # fewer than the share of all children


def test_an_empty_start() -> None:
    config = Evolution(calls=100)
    archive = evolve(seeded(), 5, 2, config, start=start_of(np.zeros((0, 2, 5), np.uint8)))
    check(archive, config)
    assert archive.calls == 100


def test_the_samplers_know_nothing_of_families() -> None:
    script = "import sys, automata.evolution; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "automata.canonical" in loaded.stdout.split()
    assert "automata.families" not in loaded.stdout.split()
    for module in (sampling, mutation, evolution):
        source = inspect.getsource(module)
        assert not [word for word in ("families", "truth", "json", "open(") if word in source]


# --- exchanged, and within classes ------------------------------------------------------------


@settings(deadline=None)
@given(automata(), st.integers(0, 9))
def test_exchange_keeps_all_targets(delta: Deltas, seed: int) -> None:
    parents = np.stack([delta] * 5)
    children = exchange(seeded(seed), parents)
    assert np.array_equal(np.sort(children.reshape(5, -1)), np.sort(parents.reshape(5, -1)))
    assert ((children != parents).sum(axis=(1, 2)) <= 2).all()
    assert (parents == delta).all()
    assert np.array_equal(exchange(seeded(seed), parents), children)


def test_exchange_reaches_every_pair_alike() -> None:
    parent = np.arange(6, dtype=np.uint8).reshape(1, 6)
    children, counts = np.unique(
        exchange(seeded(), np.stack([parent] * 15_000)), axis=0, return_counts=True
    )
    assert len(children) == 15
    assert (abs(counts - 1000) < 5 * 1000**0.5).all()


def test_exchange_of_nothing() -> None:
    assert exchange(seeded(), np.zeros((0, 2, 5), np.uint8)).shape == (0, 2, 5)
    single = np.zeros((3, 1, 1), np.uint8)
    children = exchange(seeded(), single)
    assert np.array_equal(children, single)
    assert not np.shares_memory(children, single)


@pytest.mark.parametrize("names", [("eulerian",), ("sink", "irreducible"), ("not-sink", "basic")])
@pytest.mark.parametrize("exchanges", [0.0, 0.5, 1.0])
def test_evolution_within_classes(names: tuple[str, ...], exchanges: float) -> None:
    config = Evolution(calls=150, batch=64, exchanges=exchanges, classes=names)
    meter = Meter()
    archive = evolve(seeded(), 5, 2, config, solve=meter)
    check(archive, config)
    assert archive.calls == len(meter.asked) == len({*meter.asked}) > 10
    asked = np.frombuffer(b"".join(meter.asked), np.uint8).reshape(-1, 10)
    assert in_classes(from_canonical(asked, 5, 2), names).all()


def test_a_class_that_random_automata_are_not_of(monkeypatch) -> None:
    monkeypatch.setattr(evolution, "_RANDOM_PATIENCE", 5000)
    config = Evolution(calls=100, classes=("sink", "eulerian"))
    archive = evolve(seeded(), 4, 2, config)
    assert (len(archive.deltas), archive.calls) == (0, 0)


@pytest.mark.parametrize(
    "name", ["eulerian", "sink", "permutation-letter", "defect-2", "completely-reachable"]
)
def test_evolution_finds_almost_all_of_a_small_class(name: str) -> None:
    forms = np.unique(
        canonical_forms(np.indices((4,) * 8).reshape(8, -1).T.reshape(-1, 2, 4)), axis=0
    )
    inside = in_classes(from_canonical(forms, 4, 2), ("synchronizing", name))
    meter = Meter()
    config = Evolution(calls=10**6, exchanges=0.5, classes=(name,))
    evolve(seeded(), 4, 2, config, solve=meter)
    assert {*meter.asked} <= {form.tobytes() for form in forms[inside]}
    assert len(meter.asked) >= 0.98 * inside.sum() > 0
