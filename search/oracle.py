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
from automata.solver.ranks import are_synchronizing
from data.dataset import Dataset

Value = TypeVar("Value", bound=np.generic)


class Proposals(NamedTuple):
    """A batch of automata an arm proposes, with where each comes from."""

    deltas: Deltas
    """uint8 (batch, k, n), complete"""
    as_decoded: npt.NDArray[np.bool_]
    """bool (batch,): synchronizing without repair"""
    repaired: npt.NDArray[np.int64]
    """int64 (batch,): transitions changed by repair"""
    parents: npt.NDArray[np.int64]
    """int64 (batch, 2): rows of the training set, or other names of parents; -1 for none"""
    alpha: npt.NDArray[np.float64]
    """float64 (batch,): place on the path from the first parent to the second, nan for none"""

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Proposals:
        """Return some of the proposals."""
        return Proposals._make(column[rows] for column in self)


def plain_proposals(
    deltas: Deltas,
    parents: npt.NDArray[np.int64] | None = None,
    synchronizing: npt.NDArray[np.bool_] | None = None,
) -> Proposals:
    """Return proposals that were not decoded, so that nothing was repaired.

    Parameters
    ----------
    deltas : array of states, shape (batch, k, n)
    parents : int64 array, shape (batch,), optional
    synchronizing : bool array, shape (batch,), optional
        Which of them synchronize, if it is known.

    Examples
    --------
    >>> plain_proposals(np.zeros((2, 1, 3), np.uint8)).parents.tolist()
    [[-1, -1], [-1, -1]]
    """
    count = len(deltas)
    origin = np.full((count, 2), -1, np.int64)
    if parents is not None:
        origin[:, 0] = parents
    return Proposals(
        deltas,
        are_synchronizing(deltas) if synchronizing is None else synchronizing,
        np.zeros(count, np.int64),
        origin,
        np.full(count, np.nan),
    )


def concatenate(parts: Sequence[Proposals]) -> Proposals:
    """Return the proposals of several batches as one."""
    return Proposals._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


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
        """Tell which automata synchronize and are of the classes: bool (batch,)."""
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
"""So many automata outside the classes for each call of its budget end an arm."""
_VAIN_BATCHES = 16
"""So many batches in a row without a new automaton end an arm before its budget is spent."""


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
        self.calls = 0
        self.decoded = 0
        self.as_decoded = 0
        self.valid = 0
        self._asked = np.zeros(0, np.bool_)  # by number
        self._found: list[tuple[npt.NDArray[np.int64], Proposals]] = []
        self._found_at: list[npt.NDArray[np.int64]] = []

    @property
    def exhausted(self) -> bool:
        """Whether the budget is spent, or far too little of what is proposed is of the classes."""
        outside = self.decoded - self.valid if self.oracle.classes else 0
        return self.calls >= self.budget or outside >= _OUTSIDE * self.budget

    def submit(self, proposals: Proposals) -> Thresholds:
        """Ask for thresholds: int32 (batch,), `UNKNOWN` where the budget did not suffice.

        Automata that do not synchronize, or are outside the classes, get `NOT_SYNCHRONIZING`.
        """
        thresholds = np.full(len(proposals.deltas), NOT_SYNCHRONIZING, np.int32)
        if self.exhausted:
            thresholds[:] = UNKNOWN
            return thresholds
        valid = np.flatnonzero(self.oracle.admits(proposals.deltas))
        forms = canonical_forms(proposals.deltas[valid], workers=self.oracle.workers)
        numbers = self.oracle.number(forms)
        distinct, first = np.unique(numbers, return_index=True)
        self._asked = _with_room(self._asked, int(numbers.max(initial=-1)) + 1, False)
        fresh = np.sort(first[~self._asked[distinct]])  # in the order of the proposals
        charged = numbers[fresh] >= self.oracle.training_rows
        affordable = np.cumsum(charged) <= self.budget - self.calls
        # What comes after the last affordable call was never proposed.
        end = len(thresholds)
        if not affordable.all():
            end = int(valid[fresh[np.argmin(affordable)]])
        fresh = fresh[affordable]
        found_at = self.calls + np.cumsum(charged[affordable])
        self._found_at.append(found_at)
        self.calls = int(found_at[-1]) if len(found_at) else self.calls
        self.decoded += end
        self.as_decoded += int(proposals.as_decoded[valid[valid < end]].sum())
        self.valid += int((valid < end).sum())
        self._asked[numbers[fresh]] = True
        self._found.append((numbers[fresh], proposals.take(valid[fresh])))
        known = valid < end
        thresholds[valid[known]] = self.oracle.thresholds(numbers[known])
        thresholds[end:] = UNKNOWN
        return thresholds

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
    vain_batches: int = _VAIN_BATCHES,
) -> None:
    """Submit batches to the arms until all are exhausted, or propose in vain.

    Parameters
    ----------
    arms : sequence of Arm
    proposals : iterator
        Endless, a list over the arms.
    report : callable
        Told the calls of each batch.
    vain_batches : int
        So many batches in a row without a new automaton end the arms.
    """
    vain = 0
    for batches in proposals:
        before = sum(arm.calls for arm in arms)
        for arm, batch in zip(arms, batches, strict=True):
            arm.submit(batch)
        new = sum(arm.calls for arm in arms) - before
        report(new)
        vain = 0 if new else vain + 1
        if vain == vain_batches or all(arm.exhausted for arm in arms):
            return
