"""The metered, cached solver: every call is counted, whoever asks.

An *arm* is one method under comparison (a search mode, a round of it, or a baseline) with its own
budget. An arm pays for each canonical form it asks about for the first time, also if another arm
has asked before: the cache saves work, not budget. Forms of the training set are free, because
their labels have been paid for. Whether an automaton synchronizes at all, and whether it is of the
classes that are searched, is free for every arm: neither needs the solver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from automata.automaton import Deltas
from automata.canonical import Forms, canonical_forms, from_canonical
from automata.properties import in_classes
from automata.row_index import RowIndex
from automata.solver.exact import NOT_SYNCHRONIZING, UNKNOWN, Thresholds, reset_thresholds
from data.dataset import Dataset
from search.proposals import Proposals, concatenate

Value = TypeVar("Value", bound=np.generic)


class Trace(NamedTuple):
    """What an arm found in the course of its calls: all that is scored afterwards."""

    mode: str
    round: int
    calls: int
    """Calls of the arm altogether."""
    forms: Forms
    """uint8 (found, n*k): the distinct automata it proposed, in order"""
    thresholds: Thresholds
    """int32 (found,)"""
    found_at: npt.NDArray[np.int64]
    """int64 (found,): calls spent when it was found, its own among them"""


class Oracle:
    """The solver behind one cache, its key the canonical form.

    Parameters
    ----------
    n, k : int
        States and letters.
    training : Dataset, optional
        Its labels are known and free.
    classes : sequence of str
        NAME or not-NAME: only automata of all these classes are solved.
    workers : int
        Threads.
    """

    def __init__(
        self,
        n: int,
        k: int,
        training: Dataset | None = None,
        *,
        classes: Sequence[str] = (),
        workers: int = 1,
    ) -> None:
        self.n, self.k = n, k
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
        """Return a number for each form; those below `training_rows` are training rows."""
        return self._forms.add(forms)

    @property
    def training_rows(self) -> int:
        """Rows of the training set, 0 without one."""
        return self._training_rows

    def admits(self, deltas: Deltas) -> npt.NDArray[np.bool_]:
        """Return which automata synchronize and are of the classes: bool (batch,)."""
        return in_classes(deltas, ("synchronizing", *self.classes), workers=self.workers)

    def forms(self, numbers: npt.NDArray[np.int64]) -> Forms:
        """Return the forms of numbers."""
        return self._forms.rows[numbers]

    def thresholds(self, numbers: npt.NDArray[np.int64]) -> Thresholds:
        """Return the thresholds of numbered forms; those not in the cache are solved."""
        self._thresholds = _with_room(self._thresholds, len(self._forms), UNKNOWN)
        unsolved = np.unique(numbers[self._thresholds[numbers] == UNKNOWN])
        if len(unsolved):
            deltas = from_canonical(self.forms(unsolved), self.n, self.k)
            self._thresholds[unsolved] = reset_thresholds(deltas, workers=self.workers)
            self.calls += len(unsolved)
        return self._thresholds[numbers]


_OUTSIDE = 100
"""An arm ends when it has proposed this many automata outside the classes per call of its limit."""
_IDLE_BATCHES = 16
"""Arms end after this many consecutive batches without a new automaton."""


class Tally(NamedTuple):
    """What one source of automata proposed to an arm."""

    proposed: int = 0
    """Automata, duplicates and all."""
    valid: int = 0
    """Those that synchronize and are of the classes."""
    calls: int = 0
    """Distinct ones that the arm had not asked about before: one solver call each."""


class Answer(NamedTuple):
    """What the oracle answers to a batch of proposals."""

    thresholds: Thresholds
    """int32 (batch,): `NOT_SYNCHRONIZING` also outside the classes, `UNKNOWN` beyond the limit"""
    calls: int
    """Solver calls that the batch cost the arm."""


class Arm:
    """One method's account with the oracle, and all it found.

    Parameters
    ----------
    oracle : Oracle
    mode : str
    round : int
        Which round of encode-decode; 0 elsewhere.
    budget : int
        Solver calls; never exceeded.
    """

    def __init__(self, oracle: Oracle, mode: str, round: int, budget: int) -> None:
        self.oracle = oracle
        self.mode = mode
        self.round = round
        self.budget = budget
        self.tallies: dict[str, Tally] = {}
        """By source, in the order in which they first proposed: the only counters of calls."""
        self.as_decoded = 0
        """Valid automata that needed no repair."""
        self._asked = np.zeros(0, np.bool_)  # by number
        self._found: list[tuple[npt.NDArray[np.int64], Proposals]] = []
        self._found_at: list[npt.NDArray[np.int64]] = []
        self._found_by: list[npt.NDArray[np.uint8]] = []

    @property
    def decoded(self) -> int:
        """Automata proposed so far, duplicates and all."""
        return sum(tally.proposed for tally in self.tallies.values())

    @property
    def valid(self) -> int:
        """Of these, the automata that synchronize and are of the classes."""
        return sum(tally.valid for tally in self.tallies.values())

    @property
    def calls(self) -> int:
        """Solver calls spent so far."""
        return sum(tally.calls for tally in self.tallies.values())

    def left(self, limit: int | None = None) -> int:
        """Return how many calls are left of the budget, or of a lower limit."""
        return max(0, self._most(limit) - self.calls)

    def exhausted(self, limit: int | None = None) -> bool:
        """Return whether no call is left, or far too few proposals are of the classes."""
        outside = self.decoded - self.valid if self.oracle.classes else 0
        return self.left(limit) == 0 or outside >= _OUTSIDE * self._most(limit)

    def submit(
        self, proposals: Proposals, *, source: str | None = None, limit: int | None = None
    ) -> Answer:
        """Ask for thresholds, and count the calls.

        Parameters
        ----------
        proposals : Proposals
        source : str, optional
            The tally that counts them. Default: the one named as the arm's mode.
        limit : int, optional
            Calls of the arm altogether, at most, after this batch. Default: its budget.

        Returns
        -------
        Answer
            What comes after the last call that the limit allows counts as never proposed.
        """
        name = self.mode if source is None else source
        tally = self.tallies.setdefault(name, Tally())
        thresholds = np.full(len(proposals.deltas), NOT_SYNCHRONIZING, np.int32)
        if self.exhausted(limit):
            thresholds[:] = UNKNOWN
            return Answer(thresholds, 0)
        valid = np.flatnonzero(self.oracle.admits(proposals.deltas))
        forms = canonical_forms(proposals.deltas[valid], workers=self.oracle.workers)
        numbers = self.oracle.number(forms)
        distinct, first = np.unique(numbers, return_index=True)
        self._asked = _with_room(self._asked, int(numbers.max(initial=-1)) + 1, False)
        fresh = np.sort(first[~self._asked[distinct]])  # in the order of the proposals
        charged = numbers[fresh] >= self.oracle.training_rows
        affordable = np.cumsum(charged) <= self.left(limit)
        # What comes after the last affordable call was never proposed.
        end = len(thresholds)
        if not affordable.all():
            end = int(valid[fresh[np.argmin(affordable)]])
        fresh, charged = fresh[affordable], charged[affordable]
        known = valid < end
        calls = int(charged.sum())
        self._found_at.append(self.calls + np.cumsum(charged))
        self._found_by.append(np.full(len(fresh), [*self.tallies].index(name), np.uint8))
        self._found.append((numbers[fresh], proposals.take(valid[fresh])))
        self._asked[numbers[fresh]] = True
        self.tallies[name] = Tally(
            tally.proposed + end, tally.valid + int(known.sum()), tally.calls + calls
        )
        self.as_decoded += int(proposals.as_decoded[valid[known]].sum())
        thresholds[valid[known]] = self.oracle.thresholds(numbers[known])
        thresholds[end:] = UNKNOWN
        return Answer(thresholds, calls)

    def _most(self, limit: int | None) -> int:
        """Return the most calls that the arm may have spent."""
        return self.budget if limit is None else min(limit, self.budget)

    @property
    def found_count(self) -> int:
        """How many distinct automata it has found."""
        return sum(len(numbers) for numbers, _ in self._found)

    def best(self) -> int:
        """Return the longest threshold found, -1 if nothing was found."""
        return int(self.oracle.thresholds(self.found()[0]).max(initial=NOT_SYNCHRONIZING))

    def found(self) -> tuple[npt.NDArray[np.int64], Proposals]:
        """Return the numbers of all distinct automata found, in order, and their first proposals.

        Training rows are among them.
        """
        numbers = np.concatenate([numbers for numbers, _ in self._found])
        return numbers, concatenate([proposals for _, proposals in self._found])

    def found_by(self) -> npt.NDArray[np.uint8]:
        """Return the source of each automaton found, in order: its position in `tallies`."""
        return np.concatenate(self._found_by)

    def trace(self) -> Trace:
        """Return what was found, in order, and after how many calls."""
        numbers, _ = self.found()
        forms, thresholds = self.oracle.forms(numbers), self.oracle.thresholds(numbers)
        found_at = np.concatenate(self._found_at)
        return Trace(self.mode, self.round, self.calls, forms, thresholds, found_at)


def _with_room(values: npt.NDArray[Value], count: int, fill: int) -> npt.NDArray[Value]:
    """Return the values, followed by enough of `fill` for `count` of them or more."""
    if count <= len(values):
        return values
    grown = np.full(max(count, 2 * len(values)), fill, values.dtype)
    grown[: len(values)] = values
    return grown


def drive(
    arms: Sequence[Arm],
    proposals: Iterator[list[Proposals]],
    report: Callable[[int], object],
    idle_batches: int = _IDLE_BATCHES,
) -> None:
    """Submit batches to the arms until all are exhausted, or propose nothing new for long.

    Parameters
    ----------
    arms : sequence of Arm
    proposals : iterator
        Endless, a list over the arms.
    report : callable
        Called with the calls of each batch.
    idle_batches : int
        The arms end after this many consecutive batches without a new automaton.
    """
    idle = 0
    for batches in proposals:
        new = sum(arm.submit(batch).calls for arm, batch in zip(arms, batches, strict=True))
        report(new)
        idle = 0 if new else idle + 1
        if idle == idle_batches or all(arm.exhausted() for arm in arms):
            return
