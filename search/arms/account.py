"""The account of an arm with the oracle: its calls by source, and its finds.

An *arm* is one method under comparison (a search mode, a round of it, or a baseline) with its own
budget. An arm pays one call for each canonical form that it submits for the first time, even if
another arm has submitted it before: the cache saves work, not budget. Forms of the training set are
free: their labels are paid for. Partial automata without careful word cost a call, but are no
finds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.canonical import Forms, canonical_forms
from automata.solver.exact import NOT_SYNCHRONIZING, UNKNOWN, Thresholds
from search.arms.oracle import Oracle, with_room
from search.arms.proposals import Batches, Proposals, concatenate

_OUTSIDE = 100
"""An arm ends after this many automata outside the classes for each call of its limit."""
_IDLE_BATCHES = 16
"""Arms end after this many consecutive batches in which nearly all is known."""
_LEAST_NEW = 0.005
"""Nearly all is known if at most this share of the valid automata cost a call."""


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

    def open(self, source: str) -> None:
        """List a source among the tallies, even if it will propose nothing."""
        self.tallies.setdefault(source, Tally())

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
        self.open(name)
        tally = self.tallies[name]
        thresholds = np.full(len(proposals.deltas), NOT_SYNCHRONIZING, np.int32)
        if self.exhausted(limit):
            thresholds[:] = UNKNOWN
            return Answer(thresholds, 0, np.empty(0, np.int64))
        valid = np.flatnonzero(self.oracle.admits(proposals.deltas))
        forms = canonical_forms(proposals.deltas[valid], workers=self.oracle.workers)
        numbers = self.oracle.number(forms)
        distinct, first = np.unique(numbers, return_index=True)
        self._asked = with_room(self._asked, int(numbers.max(initial=-1)) + 1, False)
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
