"""The shares of the sources of a mix: who proposes next, by what each source has found.

A call *succeeds* if its find is among the best of its size, by rank: no threshold is set. So all
landscapes look alike. A source's rate of success is estimated from its own calls, of which the
older ones count less and less, and Thompson sampling (Thompson 1933) draws the next source: a
rate is drawn from the posterior of each, and the largest wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.solver.exact import Thresholds
from search.discovery.step import Steps

_BEST = 4
"""The best automata of a size are this many at least,"""
_BEST_SHARE = 0.001
"""and this share of all that were found there."""
_FREE = 1 / 256
"""A proposal that takes no call counts as this share of one, so that a source fades that proposes
no others."""
_MEMORY = 300
"""A trial counts as 1/e after this many further trials of its source."""
_CARRIED = 500
"""Trials at smaller sizes count as this many at most."""
_FADING = 0.5
"""Trials at a size count for the next one as this share of its own."""
_PRIOR = 0.25
"""Each source begins with this much of a success, at the mean rate of all."""
_FLOOR = 0.05
"""Share of the turns that are drawn evenly, so that no source dies."""


class Credit(NamedTuple):
    """What a source has earned."""

    successes: float = 0.0
    trials: float = 0.0

    def times(self, factor: float) -> Credit:
        """Return the credit with both numbers multiplied."""
        return Credit(self.successes * factor, self.trials * factor)


def best_rows(thresholds: Thresholds, finds: int) -> npt.NDArray[np.int64]:
    """Return the rows of the best automata of a size, of equal ones the first.

    Parameters
    ----------
    thresholds : int32 array, shape (rows,)
        In the order of the finds; the best are among them.
    finds : int
        Number of all finds of the size.

    Returns
    -------
    int64 array
        Four rows, or one in 1,000 finds, whatever is more; the longest threshold first.

    Examples
    --------
    >>> best_rows(np.array([4, 9, 3, 4, 4, 9], np.int32), finds=6).tolist()
    [1, 5, 0, 3]
    """
    best = max(_BEST, int(_BEST_SHARE * finds))
    return np.argsort(-thresholds, kind="stable")[:best]


def trials(calls: int, proposed: int) -> float:
    """Return the trials of a source that proposed some automata, of which some took a call.

    Examples
    --------
    >>> trials(calls=4, proposed=516)
    6.0
    """
    return calls + _FREE * (proposed - calls)


def earned(steps: Steps, names: Iterable[str]) -> dict[str, Credit]:
    """Return what sources have earned at smaller sizes, from the steps there.

    Parameters
    ----------
    steps : mapping of int to Step
        By size.
    names : iterable of str
        The sources.

    Returns
    -------
    dict of str to Credit
        Of each source at most 500 trials; each size has half the weight of the next one.
    """
    credits = {name: Credit() for name in names}
    for _, step in sorted(steps.items()):
        best = step.sources[best_rows(step.thresholds, step.calls)]
        for number, (name, tally) in enumerate(step.tallies.items()):
            if name in credits:
                before = credits[name].times(_FADING)
                successes = float((best == number).sum()) + before.successes
                tried = trials(tally.calls, tally.proposed) + before.trials
                credits[name] = Credit(successes, tried)
    return {
        name: credit.times(min(1.0, _CARRIED / max(credit.trials, 1)))
        for name, credit in credits.items()
    }


class Shares:
    """The successes and trials of the sources of a mix at one size.

    Parameters
    ----------
    credits : mapping of str to Credit
        By source: what each has earned at smaller sizes.
    """

    def __init__(self, credits: Mapping[str, Credit]) -> None:
        self._carried = credits
        self._names = [*credits]
        self._tried = np.zeros(len(credits))  # all trials of each source
        self._trials = np.zeros(len(credits))  # the older ones counted less
        self._finds = 0
        # the best finds: thresholds, positions of their sources, trials of these sources until then
        self._thresholds: Thresholds = np.empty(0, np.int32)
        self._sources = np.empty(0, np.int64)
        self._tried_at = np.empty(0)

    def note(self, name: str, found: Thresholds, trials: float) -> None:
        """Count the trials of a source and the thresholds of its new finds, int32 (found,)."""
        source = self._names.index(name)
        self._tried[source] += trials
        self._trials[source] = self._trials[source] * np.exp(-trials / _MEMORY) + trials
        self._finds += len(found)
        thresholds = np.concatenate([self._thresholds, found])
        best = best_rows(thresholds, self._finds)
        self._thresholds = thresholds[best]
        self._sources = np.append(self._sources, np.full(len(found), source))[best]
        stamps = np.full(len(found), self._tried[source])
        self._tried_at = np.append(self._tried_at, stamps)[best]

    def credits(self) -> dict[str, Credit]:
        """Return the credit of each source: what is best is judged anew after every find."""
        kept = np.exp((self._tried_at - self._tried[self._sources]) / _MEMORY)
        successes = np.bincount(self._sources, kept, minlength=len(self._names))
        faded = np.exp(-self._tried / _MEMORY)
        return {
            name: Credit(
                successes[source] + faded[source] * self._carried[name].successes,
                self._trials[source] + faded[source] * self._carried[name].trials,
            )
            for source, name in enumerate(self._names)
        }

    def draw(self, rng: np.random.Generator, names: Iterable[str]) -> str:
        """Draw which of some sources proposes next."""
        names = [*names]
        if rng.random() < _FLOOR:
            return names[rng.integers(len(names))]
        credits = self.credits()
        successes, trials = np.array([credits[name] for name in names]).T  # (names,) each
        mean = (1 + successes.sum()) / (2 + trials.sum())
        won, lost = _PRIOR + successes, _PRIOR * (1 / mean - 1) + trials - successes
        return names[int(rng.beta(won, np.maximum(lost, 1e-9)).argmax())]
