"""The metered oracle against a plain account book that takes one proposal after another."""

from itertools import count

import numpy as np
import pytest

from automata.canonical import canonical_forms, from_canonical
from automata.deltas import Deltas
from automata.properties import in_classes
from automata.row_index import RowIndex
from automata.sampling import sample_uniform
from automata.solver.either import thresholds_of
from automata.solver.exact import reset_thresholds
from data.dataset import Dataset
from search.arms import oracle as module
from search.arms.account import Arm, Tally, drive
from search.arms.oracle import UNKNOWN, Oracle
from search.arms.proposals import Batches, Proposals, concatenate, plain_proposals
from tests import naive

N, K = 3, 2
SOURCES = ("one", "another", "one")
LIMITS = (5, 0, 17, None)


def training_set(rows: int = 25) -> Dataset:
    forms = canonical_forms(sample_uniform(np.random.default_rng(7), 400, N, K))
    forms = forms[RowIndex(N * K).add_new(forms)][:rows]
    deltas = from_canonical(forms, N, K)
    return Dataset(deltas, reset_thresholds(deltas), np.full(rows, "uniform"))


def propose(seed: int, size: int, numbers: count) -> Proposals:
    """Random automata, many of them isomorphic; alpha numbers them all."""
    rng = np.random.default_rng(seed)
    return Proposals(
        sample_uniform(rng, size, N, K),
        rng.random(size) < 0.5,
        rng.integers(3, size=size),
        rng.integers(-1, 25, size=(size, 2)),
        np.array([next(numbers) for _ in range(size)], np.float64),
    )


class Book:
    """An arm in plain Python."""

    def __init__(self, known: set, budget: int) -> None:
        self.known, self.budget = known, budget
        self.calls = self.decoded = self.as_decoded = self.valid = 0
        self.found: dict[tuple[int, ...], float] = {}  # form -> alpha of its first proposal
        self.found_by: list[str] = []
        self.paid: set[tuple[int, ...]] = set()
        self.tallies: dict[str, list[int]] = {}

    def submit(
        self, proposals: Proposals, source: str = "mode", limit: int | None = None
    ) -> tuple[list[int], int]:
        answers: list[int] = []
        most = self.budget if limit is None else min(limit, self.budget)
        tally = self.tallies.setdefault(source, [0, 0, 0])
        before = self.calls
        stopped = self.calls >= most
        for delta, as_decoded, _, _, alpha in zip(*proposals, strict=True):
            form, threshold = naive.least_form(delta), naive.reset_threshold(delta)
            new = threshold is not None and form not in self.known | self.paid
            stopped |= new and self.calls >= most
            if stopped:
                answers.append(UNKNOWN)
                continue
            if new:
                self.paid.add(form)
                self.calls += 1
                tally[2] += 1
            if threshold is not None and form not in self.found:
                self.found[form] = alpha
                self.found_by.append(source)
            self.decoded += 1
            self.as_decoded += as_decoded and threshold is not None
            self.valid += threshold is not None
            tally[0] += 1
            tally[1] += threshold is not None
            answers.append(-1 if threshold is None else threshold)
        return answers, self.calls - before


@pytest.mark.parametrize("sizes", [[40] * 6, [1] * 60, [300], [0, 7, 0, 90], [3, 200, 50]])
@pytest.mark.parametrize("budgets", [(20, 20), (1, 1000), (13, 14, 15)])
def test_as_in_the_account_book(monkeypatch, sizes, budgets):
    solved = []

    def solve(deltas: Deltas, **options):
        solved.extend(naive.least_form(delta) for delta in deltas)
        return thresholds_of(deltas, **options)

    training = training_set()
    known = {naive.least_form(delta) for delta in training.deltas}
    oracle, numbers = Oracle(N, K, training), count()
    arms = [Arm(oracle, f"arm {i}", i, budget) for i, budget in enumerate(budgets)]
    books = [Book(known, budget) for budget in budgets]
    monkeypatch.setattr(module, "thresholds_of", solve)
    for seed, size in enumerate(sizes):
        for arm, book in zip(arms, books, strict=True):
            proposals = propose(seed + 100 * arm.round, size, numbers)
            source, limit = SOURCES[seed % 3], LIMITS[seed % 4]
            before = len(book.found)
            thresholds, calls, found = arm.submit(proposals, source=source, limit=limit)
            assert (thresholds.tolist(), calls) == book.submit(proposals, source, limit)
            new = from_canonical(oracle.forms(found), N, K)
            assert [*map(naive.least_form, new)] == [*book.found][before:]
            assert arm.calls == book.calls <= arm.budget
            assert arm.found_count == len(book.found)
            assert arm.exhausted() == (arm.calls == arm.budget)
            assert arm.left() == arm.budget - book.calls
            for limit in LIMITS[:3]:
                left = max(0, min(limit, arm.budget) - book.calls)
                assert (arm.left(limit), arm.exhausted(limit)) == (left, left == 0)
    for arm, book in zip(arms, books, strict=True):
        assert (arm.decoded, arm.as_decoded, arm.valid) == (
            book.decoded,
            book.as_decoded,
            book.valid,
        )
        assert [*arm.tallies] == [*book.tallies]
        assert [[*tally] for tally in arm.tallies.values()] == [*book.tallies.values()]
        names = [*arm.tallies]
        assert [names[number] for number in arm.found_by()] == book.found_by
        found, first = arm.found()
        assert arm.found_count == len(found)
        assert first.alpha.tolist() == [*book.found.values()]
        forms = [naive.least_form(delta) for delta in first.deltas]
        assert forms == [*book.found]
        assert np.array_equal(canonical_forms(first.deltas), oracle.forms(found))
        assert [number < oracle.training_rows for number in found] == [f in known for f in forms]
        assert sum(form not in known for form in forms) == arm.calls
        truth = [naive.reset_threshold(delta) for delta in first.deltas]
        assert oracle.thresholds(found).tolist() == truth
    # the solver works once for all arms, on nothing but what was paid for
    assert len(solved) == len({*solved}) == oracle.calls
    assert {*solved} == set().union(*(book.paid for book in books))


def test_training_rows_are_free():
    training = training_set()
    oracle = Oracle(N, K, training)
    arm = Arm(oracle, "mode", 0, budget=1)
    for _ in range(3):
        found = arm.submit(plain_proposals(training.deltas)).thresholds
        assert found.tolist() == training.reset_thresholds.tolist()
    assert (arm.calls, oracle.calls, arm.decoded) == (0, 0, 3 * len(training))
    numbers, _ = arm.found()
    assert numbers.tolist() == np.flatnonzero(training.reset_thresholds >= 0).tolist()
    assert oracle.training_rows == len(training)
    assert np.array_equal(oracle.forms(np.arange(len(training))), training.forms)


def test_labels_of_the_training_set_are_believed():
    training = training_set()
    wrong = Dataset(training.deltas, training.reset_thresholds + 1, training.sources)
    synchronizing = training.select(at_least=0)
    arm = Arm(Oracle(N, K, wrong), "mode", 0, 5)
    found = arm.submit(plain_proposals(synchronizing.deltas))
    assert found.thresholds.tolist() == (synchronizing.reset_thresholds + 1).tolist()
    assert wrong.reset_thresholds.tolist() == (training.reset_thresholds + 1).tolist()


def test_a_spent_arm_learns_nothing_more():
    oracle = Oracle(N, K, training_set())
    arm = Arm(oracle, "mode", 0, budget=4)
    arm.submit(propose(0, 500, count()))
    before = (arm.calls, arm.decoded, arm.as_decoded, arm.valid, oracle.calls)
    assert arm.exhausted()
    thresholds, calls, found = arm.submit(propose(0, 500, count()))
    assert ({*thresholds.tolist()}, calls, found.tolist()) == ({UNKNOWN}, 0, [])
    assert (arm.calls, arm.decoded, arm.as_decoded, arm.valid, oracle.calls) == before
    assert len(arm.found()[0]) >= 4


def test_a_limit_ends_a_look_and_leaves_the_rest_of_the_budget():
    arm = Arm(Oracle(N, K), "mode", 0, budget=20)
    first = arm.submit(propose(0, 500, count()), source="look", limit=8)
    assert (first.calls, arm.calls, arm.left(8), arm.left()) == (8, 8, 0, 12)
    assert arm.exhausted(8) and not arm.exhausted()
    refused = arm.submit(propose(1, 500, count()), source="late", limit=8)
    assert ({*refused.thresholds.tolist()}, refused.calls) == ({UNKNOWN}, 0)
    rest = arm.submit(propose(2, 500, count()), limit=1000)  # the budget is the lower one
    assert (rest.calls, arm.calls) == (12, 20)
    assert [(name, tally.calls) for name, tally in arm.tallies.items()] == [
        ("look", 8),
        ("late", 0),
        ("mode", 12),
    ]
    assert arm.tallies["late"] == Tally(0, 0, 0)
    assert arm.found_by().tolist() == [0] * 8 + [2] * 12


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_change_nothing(workers):
    arm = Arm(Oracle(N, K, training_set(), workers=workers), "mode", 0, 30)
    answers = arm.submit(propose(3, 200, count()))
    expected = Arm(Oracle(N, K, training_set()), "mode", 0, 30).submit(propose(3, 200, count()))
    assert np.array_equal(answers.thresholds, expected.thresholds)
    assert answers.calls == expected.calls > 0


def test_plain_proposals():
    deltas = sample_uniform(np.random.default_rng(0), 50, N, K)
    plain = plain_proposals(deltas, np.arange(50))
    assert plain.as_decoded.tolist() == [naive.is_synchronizing(delta) for delta in deltas]
    assert not plain.repaired.any()
    assert np.array_equal(plain.parents, np.stack([np.arange(50), np.full(50, -1)], 1))
    assert np.isnan(plain.alpha).all()
    parts = concatenate([plain.take(np.arange(20)), plain.take(np.arange(50) >= 20)])
    for whole, column in zip(plain, parts, strict=True):
        assert np.array_equal(whole, column, equal_nan=True)


def test_an_arm_has_found_nothing_at_first():
    arm = Arm(Oracle(N, K), "mode", 0, 5)
    assert arm.found_count == 0
    arm.submit(plain_proposals(np.zeros((0, K, N), np.uint8)))
    arm.submit(plain_proposals(np.tile(np.arange(N, dtype=np.uint8), (4, K, 1))))
    assert (arm.found_count, arm.calls, arm.decoded) == (0, 0, 4)
    arm.submit(plain_proposals(np.zeros((4, K, N), np.uint8)))
    assert (arm.found_count, arm.calls) == (1, 1)


def collapsed(every: int) -> Batches:
    """Batches of 1,000 of the same few automata, each `every`-th batch with ten others."""
    rng = np.random.default_rng(3)
    same = sample_uniform(rng, 20, 7, K)
    for number in count(1):
        batch = np.tile(same, (50, 1, 1))
        if number % every == 0:
            batch[:10] = sample_uniform(rng, 10, 7, K)
        yield [plain_proposals(batch)]


@pytest.mark.parametrize(("every", "ends_after"), [(10**6, 17), (20, 17), (16, None)])
def test_an_arm_that_says_the_same_again_and_again_ends(every, ends_after):
    """The first batch is new; then 16 in a row in which at most 5 of 1,000 are end it."""
    reported: list[int] = []
    drive([Arm(Oracle(7, K), "mode", 0, 60)], collapsed(every), reported.append)
    if ends_after is None:
        assert sum(reported) == 60
    else:
        assert len(reported) == ends_after and sum(reported) < 60


def test_what_is_outside_the_classes_says_nothing_of_repetition():
    """One new automaton among thousands of others, but the only one in the class: not idle."""
    rng = np.random.default_rng(4)
    arm = Arm(Oracle(7, K, classes=["permutation-letter"]), "mode", 0, 100)
    batch = sample_uniform(rng, 2000, 7, K)
    inside = np.flatnonzero(in_classes(batch, ("synchronizing", "permutation-letter")))
    keep = np.ones(len(batch), np.bool_)
    keep[inside[1:]] = False
    answer = arm.submit(plain_proposals(batch[keep]))
    assert answer.calls == 1 and not answer.idle
    assert arm.submit(plain_proposals(batch[keep])).idle
