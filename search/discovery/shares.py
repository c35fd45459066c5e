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

_BEST = 16
"""The best automata of a size are this many at least,"""
_BEST_SHARE = 0.02
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
_PRIOR = 2
"""Each source begins with this many trials of the mean rate of all."""
_FLOOR = 0.05
"""Share of the turns that are drawn evenly, so that no source dies."""

Counts = npt.NDArray[np.float64]
"""float64 (thresholds,): a number of automata for each threshold"""


class Credit(NamedTuple):
    """What a source has earned."""

    successes: float = 0.0
    trials: float = 0.0

    def times(self, factor: float) -> Credit:
        """Return the credit with both numbers multiplied."""
        return Credit(self.successes * factor, self.trials * factor)


def best_shares(counts: Counts) -> Counts:
    """Return the share of the automata of each threshold that is among the best ones.

    The best are `_BEST` automata or `_BEST_SHARE` of all, whatever is more.

    Examples
    --------
    >>> best_shares(np.array([90.0, 8, 16, 0])).tolist()
    [0.0, 0.0, 1.0, 1.0]
    >>> best_shares(np.array([9.0, 8, 12])).tolist()
    [0.0, 0.5, 1.0]
    """
    best = max(_BEST, _BEST_SHARE * counts.sum())
    longer = counts[::-1].cumsum()[::-1] - counts
    return np.asarray(np.clip((best - longer) / np.maximum(counts, 1), 0, 1))


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
        Of each source at most `_CARRIED` trials; older sizes count less.
    """
    credits = {name: Credit() for name in names}
    for _, step in sorted(steps.items()):
        shares = best_shares(_count(step.thresholds))
        for number, (name, tally) in enumerate(step.tallies.items()):
            if name in credits:
                own = step.thresholds[step.sources == number]
                credit = credits[name].times(_FADING)
                successes = float(shares[own].sum()) + credit.successes
                credits[name] = Credit(
                    successes, trials(tally.calls, tally.proposed) + credit.trials
                )
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
        self._carried = dict(credits)
        self._trials = dict.fromkeys(credits, 0.0)
        self._own: dict[str, Counts] = {name: np.zeros(0) for name in credits}
        """Finds of each source, the older ones counted less."""
        self._all: Counts = np.zeros(0)

    def note(self, name: str, found: Thresholds, trials: float) -> None:
        """Count the trials of a source and the thresholds of its new finds, int32 (found,)."""
        kept = float(np.exp(-trials / _MEMORY))
        self._carried[name] = self._carried[name].times(kept)
        self._trials[name] = self._trials[name] * kept + trials
        counts = _count(found)
        self._own[name] = _sum(self._own[name] * kept, counts)
        self._all = _sum(self._all, counts)

    def credits(self) -> dict[str, Credit]:
        """Return the credit of each source: what is best is judged anew after every find."""
        best = best_shares(self._all)
        return {
            name: Credit(
                float(own @ best[: len(own)]) + self._carried[name].successes,
                self._trials[name] + self._carried[name].trials,
            )
            for name, own in self._own.items()
        }

    def draw(self, rng: np.random.Generator, names: Iterable[str]) -> str:
        """Draw which of some sources proposes next."""
        names = [*names]
        if rng.random() < _FLOOR:
            return names[rng.integers(len(names))]
        credits = self.credits()
        successes, trials = np.array([credits[name] for name in names]).T  # (names,) each
        mean = (1 + successes.sum()) / (2 + trials.sum())
        won, lost = _PRIOR * mean + successes, _PRIOR * (1 - mean) + trials - successes
        return names[int(rng.beta(won, np.maximum(lost, 1e-9)).argmax())]


def _count(thresholds: Thresholds) -> Counts:
    """Return how often each threshold occurs."""
    return np.bincount(thresholds).astype(np.float64)


def _sum(one: Counts, other: Counts) -> Counts:
    """Return the sum of two counts, whose longest thresholds may differ."""
    length = max(len(one), len(other))
    padded = (np.pad(counts, (0, length - len(counts))) for counts in (one, other))
    return np.asarray(sum(padded))
