"""The mix: whose turn it is, by what each source has found; and how sources are run together."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from automata.sampling import sample_uniform
from search.arms.account import Arm, Tally
from search.arms.oracle import Oracle
from search.arms.proposals import Proposals, plain_proposals
from search.discovery import mix, shares
from search.discovery.arms import SOURCES
from search.discovery.leaps import LeapConfig, LeapContext
from search.discovery.mix import run_mix
from search.discovery.shares import Credit, Shares, best_rows, earned, trials
from search.discovery.step import Step
from tests.search.elites import ELITES

NEW = Credit()
TURNS = 300


def play(
    means: Callable[[int], dict[str, float]], seed: int = 0, stretch: int = 1, **credits: Credit
) -> list[str]:
    """Play a toy landscape: thresholds are geometric, with another mean for each source."""
    rng, draws = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    names = [*means(0)]
    own = Shares({name: credits.get(name, NEW) for name in names})
    turns = []
    for turn in range(TURNS):
        name = own.draw(rng, names)
        found = draws.geometric(1 / means(turn)[name], size=8)
        own.note(name, (stretch * np.minimum(found, 60)).astype(np.int32), 8)
        turns.append(name)
    return turns


def test_shares_follow_what_sources_find() -> None:
    for seed in range(3):
        counts = Counter(play(lambda turn: {"a": 3.0, "b": 9.0, "c": 3.0}, seed))
        assert counts["b"] > 0.7 * TURNS
        assert min(counts.values()) >= 5  # no source dies


def test_shares_follow_a_change() -> None:
    for seed in range(3):
        turns = play(lambda turn: {"a": 9.0, "b": 3.0 if turn < 100 else 27.0}, seed)
        assert Counter(turns[:100])["a"] > 60
        assert Counter(turns[150:])["b"] > 90


def test_alike_sources_have_alike_shares() -> None:
    counts = Counter(
        name for seed in range(5) for name in play(lambda turn: {"a": 4, "b": 4}, seed)
    )
    assert 0.35 < counts["a"] / counts.total() < 0.65


def test_only_the_order_of_thresholds_matters() -> None:
    means = {"a": 3.0, "b": 6.0}
    assert play(lambda turn: means) == play(lambda turn: means, stretch=7)


def test_the_same_seed_plays_the_same() -> None:
    means = {"a": 3.0, "b": 4.0}
    assert play(lambda turn: means, 3) == play(lambda turn: means, 3)
    assert play(lambda turn: means, 3) != play(lambda turn: means, 4)


def test_what_was_earned_before_decides_the_first_turns_alone() -> None:
    rich, poor = Credit(50, 100), Credit(0, 100)
    for seed in range(3):
        turns = play(lambda turn: {"a": 3.0, "b": 9.0}, seed, a=rich, b=poor)
        assert turns[:3].count("a") >= 2
        assert turns[150:].count("b") > 75


@given(st.lists(st.integers(0, 30), max_size=200), st.integers(0, 20_000))
def test_the_best_by_rank(thresholds: list[int], others: int) -> None:
    finds = len(thresholds) + others
    rows = best_rows(np.array(thresholds, np.int32), finds).tolist()
    ranked = sorted(range(len(thresholds)), key=lambda row: (-thresholds[row], row))
    assert rows == ranked[: max(4, finds // 1000)]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.lists(st.integers(0, 9), max_size=9))))
def test_the_best_are_judged_anew(parts: list[tuple[str, list[int]]]) -> None:
    own, found = Shares({"a": NEW, "b": NEW}), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shares, "_MEMORY", 1e12)
        for name, thresholds in parts:
            own.note(name, np.array(thresholds, np.int32), len(thresholds))
            found += [(-threshold, name) for threshold in thresholds]
        best = Counter(name for _, name in sorted(found, key=lambda find: find[0])[:4])
        for name, credit in own.credits().items():
            tried = sum(len(thresholds) for other, thresholds in parts if other == name)
            assert credit == pytest.approx(Credit(best[name], tried))


def step_with(n: int, thresholds: dict[str, list[int]], tallies: dict[str, Tally]) -> Step:
    """A step whose sources have found automata with these thresholds."""
    names = [*tallies]
    pairs = [(value, names.index(name)) for name, own in thresholds.items() for value in own]
    rows = len(pairs)
    return Step(
        n=n, k=2, calls=rows, first_look=0, tallies=tallies, trace="",
        forms=np.zeros((rows, 2 * n), np.uint8),
        thresholds=np.array([value for value, _ in pairs], np.int32),
        found_at=np.arange(1, rows + 1),
        sources=np.array([source for _, source in pairs], np.uint8),
        parents=np.full((rows, 2, 2), -1, np.int32),
        alpha=np.full(rows, np.nan), repaired=np.zeros(rows, np.int64),
    )  # fmt: skip


def test_what_is_earned_at_smaller_sizes() -> None:
    start = step_with(8, {"evolve": [30] * 9}, {"evolve": Tally(9, 9, 9)})
    nine = step_with(
        9,
        {"one": [40] * 2 + [20] * 18, "two": [30] * 2 + [10] * 6},
        {"one": Tally(20, 20, 20), "two": Tally(264, 9, 8)},
    )
    ten = step_with(10, {"two": [9] * 4}, {"two": Tally(4, 4, 4), "one": Tally(0, 0, 0)})
    # the best of n = 9 are the two of each source that are longer than 20
    alone = earned({8: start, 9: nine}, ["one", "two", "three"])
    assert alone == {"one": Credit(2, 20), "two": Credit(2, 8 + 256 / 256), "three": NEW}
    both = earned({10: ten, 8: start, 9: nine}, ["one", "two"])
    assert both == {"one": Credit(1, 10), "two": Credit(4 + 1, 4 + 4.5)}
    many = step_with(9, {"one": [5] * 800}, {"one": Tally(800, 800, 800)})
    assert earned({9: many}, ["one"])["one"] == pytest.approx(Credit(2.5, 500))


# --- sources together ---------------------------------------------------------------------------


def context_of(batch: int = 16, seed: int = 0) -> LeapContext:
    rng = np.random.default_rng(seed)
    return LeapContext(6, 2, ELITES, None, rng, torch.Generator(), LeapConfig(batch=batch))


def run(
    sources: dict,
    budget: int,
    context: LeapContext,
    learn: Callable[[Arm], None] = lambda arm: None,
    alone: int = 0,
) -> Arm:
    arm = Arm(Oracle(6, 2), "mix", 0, budget)
    run_mix(arm, context, sources, {}, lambda calls: None, {}, lambda: learn(arm), alone=alone)
    return arm


def uniform(batches: int, heard: list) -> Callable:
    """Make a source of some batches, which notes what it is sent."""

    def source(context: LeapContext) -> Iterator[Proposals]:
        for _ in range(batches):
            deltas = sample_uniform(context.rng, context.config.batch, context.n, context.k)
            heard.append((deltas, (yield plain_proposals(deltas))))
        while True:
            yield plain_proposals(np.empty((0, context.k, context.n), np.uint8))

    return source


def test_sources_get_the_thresholds_of_whole_batches() -> None:
    heard: dict[str, list] = {"one": [], "two": []}
    arm = run({name: uniform(10**9, own) for name, own in heard.items()}, 600, context_of(20))
    assert arm.calls == 600
    assert [*arm.tallies] == ["one", "two"]
    for own in heard.values():
        assert len(own) > 2
        for deltas, thresholds in own:
            fresh = Arm(Oracle(6, 2), "again", 0, 1000)
            assert thresholds.tolist() == fresh.submit(plain_proposals(deltas)).thresholds.tolist()


def test_a_source_that_ends_leaves_the_mix() -> None:
    heard: list = []
    sources = {"short": uniform(1, heard), "none": uniform(0, []), "long": uniform(10**9, [])}
    arm = run(sources, 300, context_of())
    assert arm.calls == 300
    assert [*arm.tallies] == ["short", "none", "long"]
    assert arm.tallies["short"].proposed == 16
    assert arm.tallies["none"] == Tally()
    assert len(heard) == 1
    assert run({name: sources[name] for name in ("short", "none")}, 300, context_of()).calls <= 16


def test_a_mix_without_anything_new_ends(monkeypatch) -> None:
    monkeypatch.setattr(mix, "_PATIENCE", 500)

    def same(context: LeapContext) -> Iterator[Proposals]:
        drawn = sample_uniform(np.random.default_rng(0), 16, context.n, context.k)
        while True:
            yield plain_proposals(drawn)

    arm = run({"same": same}, 300, context_of())
    assert 0 < arm.calls <= 16
    assert 500 <= arm.decoded < 1100


def test_children_are_bred_from_the_finds() -> None:
    alone = run({"breeding": SOURCES["breeding"]}, 400, context_of(64))
    numbers, proposals = alone.found()
    assert len(numbers) == alone.calls == 400
    assert (proposals.parents == -1).all()
    thresholds = alone.oracle.thresholds(numbers)
    assert thresholds[200:].mean() > thresholds[:50].mean() + 1


def calls_by_source(sources: dict, credits: dict[str, Credit]) -> dict[str, int]:
    """Run a mix with 1,200 calls in which sources propose alike, and count the calls of each."""
    arm = Arm(Oracle(7, 2), "mix", 0, 1200)
    context = replace(context_of(64), n=7)
    run_mix(arm, context, sources, credits, lambda calls: None, {}, lambda: None)
    return {name: tally.calls for name, tally in arm.tallies.items()}


def test_what_polishes_has_half_of_the_calls() -> None:
    bad = dict.fromkeys(("posterior", "insertion"), uniform(10**9, []))
    known = {"breeding": SOURCES["breeding"], **bad}
    first, later = (calls_by_source(known, own) for own in ({}, {"insertion": Credit(0, 1)}))
    without_model = 1200 - first["posterior"]
    assert without_model / 3 < first["breeding"] <= without_model / 2 + 64
    assert 450 < later["breeding"] <= 600 + 64


def test_models_have_a_third_of_the_calls_at_the_first_leap_alone() -> None:
    far_better = SOURCES["insertion"]
    known = {
        "posterior": far_better,
        **dict.fromkeys(("insertion", "stretching"), uniform(10**9, [])),
    }
    first = calls_by_source(known, {})["posterior"]
    later = calls_by_source(known, {"posterior": Credit(1, 9)})["posterior"]
    assert 300 < first <= 400 + 64
    assert later > 600


def test_a_mix_repeats_exactly() -> None:
    names = ("insertion", "stretching", "breeding")
    sources = {name: SOURCES[name] for name in names}
    one, same, other = (run(sources, 200, context_of(seed=seed)).trace() for seed in (0, 0, 1))
    assert one.forms.tobytes() == same.forms.tobytes() != other.forms.tobytes()


def test_a_size_opens_with_rules_then_training_then_one_of_each_model() -> None:
    names = ("prior", "posterior", "stretching", "insertion")
    sources = {name: uniform(10**9, []) for name in names}
    credits = {"insertion": Credit(1, 10), "posterior": Credit(9, 10)}
    for budget, spent in (
        (1, (0, 0, 0, 1)), (2, (0, 0, 1, 1)), (9, (0, 0, 1, 8)), (32, (0, 0, 16, 16)),
        (33, (0, 1, 16, 16)), (34, (1, 1, 16, 16)),
    ):  # fmt: skip
        trained: list[int] = []
        arm = Arm(Oracle(6, 2), "mix", 0, budget)
        learn = lambda arm=arm, own=trained: own.append(arm.calls)  # noqa: E731
        run_mix(arm, context_of(), sources, credits, lambda calls: None, {}, learn)
        assert tuple(arm.tallies[name].calls for name in names) == spent
        assert trained == ([32] if budget > 32 else [])


def test_a_source_without_anything_new_does_not_hold_up_the_opening() -> None:
    def same(context: LeapContext) -> Iterator[Proposals]:
        drawn = sample_uniform(np.random.default_rng(0), 4, context.n, context.k)
        while True:
            yield plain_proposals(drawn)

    arm = run({"insertion": same, "stretching": uniform(10**9, [])}, 100, context_of())
    assert arm.calls == 100
    assert arm.tallies["insertion"].calls <= 4
    assert arm.tallies["insertion"].proposed >= mix._OPENING[-1] * mix._TRIES


@pytest.mark.parametrize(
    ("alone", "budget", "least"),
    [(0, 300, 16), (100, 300, 100), (300, 300, None), (999, 300, None)],
)
def test_sources_without_a_model_go_first(alone: int, budget: int, least: int | None) -> None:
    drawn, trained = [], []

    def learned(context: LeapContext) -> Iterator[Proposals]:
        drawn.append(len(trained))
        yield from uniform(10**9, [])(context)

    sources = {"posterior": learned, "insertion": uniform(10**9, [])}
    arm = run(sources, budget, context_of(), lambda arm: trained.append(arm.calls), alone)
    assert arm.calls == budget
    if least is None:
        assert (trained, drawn) == ([], [])
        assert arm.tallies["posterior"] == Tally()
    else:
        assert drawn == [1]  # trained before it proposes
        assert least <= trained[0] <= least + 16
        assert arm.tallies["posterior"].calls > 0


def test_models_are_trained_before_their_turn_if_nothing_else_is_new(monkeypatch) -> None:
    monkeypatch.setattr(mix, "_PATIENCE", 500)
    for batches in (0, 1):
        trained: list[int] = []
        sources = {"posterior": uniform(10**9, []), "insertion": uniform(batches, [])}
        learn = lambda arm, trained=trained: trained.append(arm.calls)  # noqa: E731
        arm = run(sources, 300, context_of(), learn, 200)
        assert arm.calls == 300
        assert len(trained) == 1 and trained[0] <= 16 * batches


def test_trials_count_repeated_proposals_little() -> None:
    assert trials(8, 8) == 8
    assert 0 < trials(0, 8) < 1
    own = Shares({"one": NEW})
    own.note("one", np.array([3, 4], np.int32), 2)
    assert own.credits()["one"] == Credit(2, 2)
    own.note("one", np.zeros(0, np.int32), shares._MEMORY)
    kept = 2 / np.e
    assert own.credits()["one"] == pytest.approx(Credit(kept, kept + shares._MEMORY))
