"""The metered, cached solver: it counts the calls of every arm.

An *arm* is one method under comparison (a search mode, a round of it, or a baseline) with its own
budget. An arm pays one call for each canonical form that it submits for the first time, even if
another arm has submitted it before: the cache saves work, not budget. Forms of the training set are
free: their labels are paid for. Two questions are free for every arm, because they need no solver:
does an automaton synchronize at all, and is it in the classes that are searched? Whether a partial
automaton has a careful word takes the solver, and so a call; only `may_synchronize` is free. Those
without careful word are no finds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from automata.canonical import Forms, canonical_forms, from_canonical
from automata.classes import Predicate
from automata.deltas import Deltas
from automata.properties import in_classes
from automata.row_index import RowIndex
from automata.solver.either import may_synchronize, thresholds_of
from automata.solver.exact import NOT_SYNCHRONIZING, UNKNOWN, Thresholds
from data.dataset import Dataset
from search.arms.proposals import Batches, Proposals, concatenate

Value = TypeVar("Value", bound=np.generic)


class Trace(NamedTuple):
    """All finds of an arm and the calls they took, for scoring when the arm has ended."""

    mode: str
    round: int
    calls: int
    """All calls of the arm."""
    forms: Forms
    """uint8 (found, n*k): the distinct automata that it proposed, in order"""
    thresholds: Thresholds
    """int32 (found,)"""
    found_at: npt.NDArray[np.int64]
    """int64 (found,): calls spent up to each find, that call included"""


class Oracle:
    """The solver with one cache, keyed by canonical form.

    Parameters
    ----------
    n, k : int
        States and letters.
    training : Dataset, optional
        Its labels are in the cache and free.
    classes : sequence of str or callable
        NAME, not-NAME, or a function as `in_classes` takes it: only automata of all these classes
        are solved.
    partial : bool
        Whether letters may be undefined; thresholds are careful then. Default: as in training.
    workers : int
        Threads.
    """

    def __init__(
        self,
        n: int,
        k: int,
        training: Dataset | None = None,
        *,
        classes: Sequence[str | Predicate] = (),
        partial: bool = False,
        workers: int = 1,
    ) -> None:
        self.n, self.k = n, k
        self.partial = partial or (training is not None and training.partial)
        self.classes = tuple(classes)
        self.workers = workers
        self.calls = 0
        self._forms = RowIndex(n * k)
        self._thresholds = np.empty(0, np.int32)
        if training is not None:
            self._forms.add(training.forms)
            self._thresholds = training.reset_thresholds.copy()
        self._training_rows = len(self._forms)

    def number(self, forms: Forms) -> npt.NDArray[np.int64]:
        """Return a number for each form: int64 (batch,); those of training rows come first."""
        return self._forms.add(forms)

    @property
    def training_rows(self) -> int:
        """Rows of the training set, 0 without one."""
        return self._training_rows

    def admits(self, deltas: Deltas) -> npt.NDArray[np.bool_]:
        """Return which automata may synchronize and are in the classes: bool (batch,)."""
        if not self.partial:
            return in_classes(deltas, ("synchronizing", *self.classes), workers=self.workers)
        admitted = may_synchronize(deltas, partial=True, workers=self.workers)
        if self.classes:
            inside = in_classes(deltas[admitted], self.classes, workers=self.workers)
            admitted[admitted] = inside
        return admitted

    def forms(self, numbers: npt.NDArray[np.int64]) -> Forms:
        """Return the forms with these numbers: uint8 (rows, n*k)."""
        return self._forms.rows[numbers]

    def thresholds(self, numbers: npt.NDArray[np.int64]) -> Thresholds:
        """Return the thresholds of the forms with these numbers, int32; solve those not cached."""
        self._thresholds = _with_room(self._thresholds, len(self._forms), UNKNOWN)
        unsolved = np.unique(numbers[self._thresholds[numbers] == UNKNOWN])
        if len(unsolved):
            partial, workers = self.partial, self.workers
            deltas = from_canonical(self.forms(unsolved), self.n, self.k, partial=partial)
            self._thresholds[unsolved] = thresholds_of(deltas, partial=partial, workers=workers)
            self.calls += len(unsolved)
        return self._thresholds[numbers]


_OUTSIDE = 100
"""An arm ends after this many automata outside the classes for each call of its limit."""
_IDLE_BATCHES = 16
"""Arms end after this many consecutive batches in which nearly all is known."""
_LEAST_NEW = 0.005
"""Nearly all is known if at most this share of the valid automata cost a call."""


class Tally(NamedTuple):
    """Counts of the automata that one source proposed to an arm."""

    proposed: int = 0
    """All automata, duplicates too."""
    valid: int = 0
    """Those that synchronize and are in the classes, duplicates too."""
    calls: int = 0
    """Solver calls: one for each valid automaton that was new to the arm and not in training."""


class Answer(NamedTuple):
    """The oracle's answer to a batch of proposals."""

    thresholds: Thresholds
    """int32 (batch,): `NOT_SYNCHRONIZING` outside the classes too, `UNKNOWN` beyond the limit"""
    calls: int
    """Solver calls that the arm paid for the batch."""
    found: npt.NDArray[np.int64]
    """int64 (found,): numbers of the automata that are new to the arm, training rows too"""

    @property
    def idle(self) -> bool:
        """Whether nearly all valid automata were known: the source has little left to say."""
        valid = np.count_nonzero(self.thresholds > NOT_SYNCHRONIZING)
        return self.calls <= _LEAST_NEW * int(valid)


class Arm:
    """The account of one method with the oracle, and all its finds.

    Parameters
    ----------
    oracle : Oracle
    mode : str
    round : int
        Round of encode-decode; 0 for other methods.
    budget : int
        Solver calls; never exceeded.
    """

    def __init__(self, oracle: Oracle, mode: str, round: int, budget: int) -> None:
        self.oracle = oracle
        self.mode = mode
        self.round = round
        self.budget = budget
        self.tallies: dict[str, Tally] = {}
        """Counts by source, in the order of the first proposals; calls are counted here alone."""
        self.as_decoded = 0
        """Number of valid automata that needed no repair."""
        self._asked = np.zeros(0, np.bool_)  # by number
        self._found: list[tuple[npt.NDArray[np.int64], Proposals]] = []
        self._found_at: list[npt.NDArray[np.int64]] = []
        self._found_by: list[npt.NDArray[np.uint8]] = []

    @property
    def decoded(self) -> int:
        """Number of automata proposed so far, duplicates too."""
        return sum(tally.proposed for tally in self.tallies.values())

    @property
    def valid(self) -> int:
        """Number of those that synchronize and are in the classes."""
        return sum(tally.valid for tally in self.tallies.values())

    @property
    def calls(self) -> int:
        """Solver calls spent so far."""
        return sum(tally.calls for tally in self.tallies.values())

    def left(self, limit: int | None = None) -> int:
        """Return the number of calls left of the budget, or of a lower limit."""
        return max(0, self._most(limit) - self.calls)

    def exhausted(self, limit: int | None = None) -> bool:
        """Return whether no call is left, or far too few proposals are in the classes."""
        outside = self.decoded - self.valid if self.oracle.classes else 0
        return self.left(limit) == 0 or outside >= _OUTSIDE * self._most(limit)

    def submit(
        self, proposals: Proposals, *, source: str | None = None, limit: int | None = None
    ) -> Answer:
        """Get the thresholds of proposals, and pay for them.

        Parameters
        ----------
        proposals : Proposals
        source : str, optional
            Name of the tally that counts them. Default: the arm's mode.
        limit : int, optional
            Most calls that the arm may have spent after this batch. Default: its budget.

        Returns
        -------
        Answer
            Proposals after the last call that the limit allows do not count as proposed.
        """
        name = self.mode if source is None else source
        tally = self.tallies.setdefault(name, Tally())
        thresholds = np.full(len(proposals.deltas), NOT_SYNCHRONIZING, np.int32)
        if self.exhausted(limit):
            thresholds[:] = UNKNOWN
            return Answer(thresholds, 0, np.empty(0, np.int64))
        valid = np.flatnonzero(self.oracle.admits(proposals.deltas))
        forms = canonical_forms(proposals.deltas[valid], workers=self.oracle.workers)
        numbers = self.oracle.number(forms)
        distinct, first = np.unique(numbers, return_index=True)
        self._asked = _with_room(self._asked, int(numbers.max(initial=-1)) + 1, False)
        fresh = np.sort(first[~self._asked[distinct]])  # in the order of the proposals
        charged = numbers[fresh] >= self.oracle.training_rows
        affordable = np.cumsum(charged) <= self.left(limit)
        # Proposals after the last affordable call do not count.
        end = len(thresholds)
        if not affordable.all():
            end = int(valid[fresh[np.argmin(affordable)]])
        fresh, charged = fresh[affordable], charged[affordable]
        known = valid < end
        calls, found_at = int(charged.sum()), self.calls + np.cumsum(charged)
        self._asked[numbers[fresh]] = True
        thresholds[valid[known]] = self.oracle.thresholds(numbers[known])
        solved = thresholds >= 0  # not so only if partial automata turned out to have no word
        found_at, fresh = found_at[solved[valid[fresh]]], fresh[solved[valid[fresh]]]
        self._found_at.append(found_at)
        self._found_by.append(np.full(len(fresh), [*self.tallies].index(name), np.uint8))
        self._found.append((numbers[fresh], proposals.take(valid[fresh])))
        self.tallies[name] = Tally(
            tally.proposed + end, tally.valid + int(solved.sum()), tally.calls + calls
        )
        self.as_decoded += int(proposals.as_decoded[solved].sum())
        thresholds[end:] = UNKNOWN
        return Answer(thresholds, calls, numbers[fresh])

    def _most(self, limit: int | None) -> int:
        """Return the most calls that the arm may have spent."""
        return self.budget if limit is None else min(limit, self.budget)

    @property
    def found_count(self) -> int:
        """Number of distinct automata found."""
        return sum(len(numbers) for numbers, _ in self._found)

    def best(self) -> int:
        """Return the longest threshold found, -1 if nothing was found."""
        return int(self.oracle.thresholds(self.found()[0]).max(initial=NOT_SYNCHRONIZING))

    def found(self) -> tuple[npt.NDArray[np.int64], Proposals]:
        """Return all distinct automata found, in order: int64 numbers and their first proposals.

        Training rows are among them.
        """
        numbers = np.concatenate([numbers for numbers, _ in self._found])
        return numbers, concatenate([proposals for _, proposals in self._found])

    def found_by(self) -> npt.NDArray[np.uint8]:
        """Return the source of each find, in order, as a position in `tallies`: uint8 (found,)."""
        return np.concatenate(self._found_by)

    def trace(self) -> Trace:
        """Return all finds, in order, each with the calls spent up to it."""
        numbers, _ = self.found()
        forms, thresholds = self.oracle.forms(numbers), self.oracle.thresholds(numbers)
        found_at = np.concatenate(self._found_at)
        return Trace(self.mode, self.round, self.calls, forms, thresholds, found_at)


def _with_room(values: npt.NDArray[Value], count: int, fill: int) -> npt.NDArray[Value]:
    """Return the values, padded with `fill` to at least `count` entries."""
    if count <= len(values):
        return values
    grown = np.full(max(count, 2 * len(values)), fill, values.dtype)
    grown[: len(values)] = values
    return grown


def drive(
    arms: Sequence[Arm],
    proposals: Batches,
    report: Callable[[int], object],
    idle_batches: int = _IDLE_BATCHES,
) -> None:
    """Submit batches to arms until all are exhausted, or batches bring hardly anything new.

    Parameters
    ----------
    arms : sequence of Arm
    proposals : generator
        Endless; each item is a list with one batch for each arm. It is sent the thresholds of each
        batch, as `Arm.submit` returns them, and may learn from them.
    report : callable
        Called with the number of calls of each item.
    idle_batches : int
        Stop after this many consecutive items whose answers are all idle.
    """
    idle, batches = 0, next(proposals)
    while True:
        answers = [arm.submit(batch) for arm, batch in zip(arms, batches, strict=True)]
        report(sum(answer.calls for answer in answers))
        idle = idle + 1 if all(answer.idle for answer in answers) else 0
        if idle == idle_batches or all(arm.exhausted() for arm in arms):
            return
        batches = proposals.send([answer.thresholds for answer in answers])
