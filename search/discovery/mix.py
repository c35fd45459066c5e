"""A mix of sources at one size: small parts of their batches, by what each source has found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace

import numpy as np

from automata.solver.exact import Thresholds
from search.arms.account import Arm
from search.arms.proposals import Proposals
from search.arms.ranked import Ranked
from search.arms.seconds import timed
from search.discovery.arms import POLISHING, UNLEARNED
from search.discovery.leaps import LeapContext, Source, portion
from search.discovery.shares import Credit, Shares, trials

_OPENING, _TRIES = (1, 16), 64
"""Calls that a source without a model has after each round of the opening, and the most proposals
for each of them."""
_PATIENCE = 1 << 16
"""The mix ends after this many proposals in a row without a call;"""
_LEAST_NEW = 0.005
"""over more of them, when at most this share has taken one."""


class _Supply:
    """The batches of a source, handed out in parts."""

    def __init__(self, batches: Generator[Proposals, Thresholds, None]) -> None:
        self._batches = batches
        self._batch = next(batches)
        self._taken = 0
        self._answers: list[Thresholds] = []

    def take(self, most: int) -> Proposals:
        """Return the next proposals, `most` at most; none if the source has no more."""
        if self._taken == len(self._batch.deltas) and self._answers:
            self._batch = self._batches.send(np.concatenate(self._answers))
            self._taken, self._answers = 0, []
        start = self._taken
        self._taken = min(start + most, len(self._batch.deltas))
        return self._batch.take(np.arange(start, self._taken))

    def hear(self, thresholds: Thresholds) -> None:
        """Note the thresholds of what was taken last; the source gets those of a whole batch."""
        self._answers.append(thresholds)


def run_mix(
    arm: Arm,
    context: LeapContext,
    sources: Mapping[str, Source],
    credits: Mapping[str, Credit],
    report: Callable[[int], object],
    seconds: dict[str, float],
    learn: Callable[[], None],
    *,
    alone: int = 0,
) -> None:
    """Let sources propose until the budget is spent or hardly any proposal is new.

    A size opens with one call of each source that needs no model, then 15 more of each; then the
    models are trained, and each of the others has one call. Those go first that have earned most.
    So what a rule finds at once costs no training and hardly a call more than the rule alone takes.
    Then turns have eight automata, later an eighth of all calls so far, a batch at most: what a
    source is worth is known after a few calls. A source that proposes nothing leaves the mix.

    Those in `search.discovery.arms.POLISHING` have half of the calls at most: near the best finds
    they easily find more that are nearly as good, and would crowd out those that leap. At the first
    leap, where no source has earned anything and the models have seen little, these have a third of
    the calls at most, and the polishing ones half of the rest: so rules alone, as the arm ``rules``
    has them, are hardly more than 1.5 times quicker.

    A training takes as long as many thousand calls. With `alone`, it is put off: nothing is trained
    where the sources without a model spend the budget (ski rental; Karlin et al. 1988).

    Parameters
    ----------
    arm : Arm
        Pays for the calls; each source has a tally.
    context : LeapContext
        The sources get it with the finds so far, to go on from them.
    sources : mapping of str to Source
    credits : mapping of str to Credit
        By source: what each has earned at smaller sizes; those left out begin anew.
    report : callable
        Called with the number of calls of each part.
    seconds : dict
        The time of proposing and of solving is added to it.
    learn : callable
        Trains the models of the context.
    alone : int
        `learn` is called after the opening and this many calls, or before if hardly any proposal is
        new.
    """
    finds = Ranked(arm.oracle, np.empty(0, np.int64))
    context = replace(context, finds=finds)
    shares = Shares({name: credits.get(name, Credit()) for name in sources})
    supplies = dict[str, _Supply]()
    left, idle, learned = [name for name in sources if name in UNLEARNED], 0.0, False
    fresh = [(name, calls) for calls in _OPENING for name in _by_credit(left, credits)]
    first_leap = not any(credit.trials for credit in credits.values())
    for name in sources:
        arm.open(name)
    while not arm.exhausted():
        if not learned and not fresh and (arm.calls >= alone or not left or idle >= _PATIENCE):
            learn()
            learned, idle = True, 0.0
            models = [name for name in sources if name not in UNLEARNED]
            fresh = [(name, 1) for name in _by_credit(models, credits)]
            left = [name for name in sources if name in left or name not in UNLEARNED]
        if not left or idle >= _PATIENCE:
            return
        if fresh:
            name, calls = fresh[0]
            most = calls - arm.tallies[name].calls
        else:
            name = shares.draw(context.rng, _may_propose(arm, left, first_leap))
            most = portion(arm.calls, context.config.batch)
        with timed(seconds, "sample"):
            if name not in supplies:
                supplies[name] = _Supply(sources[name](context))
            proposals = supplies[name].take(most)
        count = len(proposals.deltas)
        if not count:
            left.remove(name)
            fresh = [turn for turn in fresh if turn[0] != name]
            continue
        with timed(seconds, "solve"):
            answer = arm.submit(proposals, source=name)
            finds.add(answer.found)
        supplies[name].hear(answer.thresholds)
        if fresh and (answer.calls == most or arm.tallies[name].proposed >= _TRIES * calls):
            fresh.pop(0)
        found = arm.oracle.thresholds(answer.found)
        shares.note(name, found, trials(answer.calls, count))
        idle = max(0.0, idle + count - answer.calls / _LEAST_NEW)
        report(answer.calls)


def _by_credit(names: list[str], credits: Mapping[str, Credit]) -> list[str]:
    """Return sources by falling rate of success at smaller sizes, those without one last."""
    own = {name: credits.get(name, Credit()) for name in names}
    return sorted(names, key=lambda name: -own[name].successes / max(1.0, own[name].trials))


def _may_propose(arm: Arm, names: list[str], first_leap: bool) -> list[str]:
    """Return the sources whose turn it may be: not those of a kind that had its share of calls."""
    calls = Counter[str]()
    for name, tally in arm.tallies.items():
        calls[_kind(name)] += tally.calls
    models_had = first_leap and calls["model"] > arm.calls / 3
    others = arm.calls - calls["model"] if first_leap else arm.calls
    polishing_had = calls["polishing"] > others / 2
    had = {"model": models_had, "polishing": polishing_had, "rule": False}
    return [name for name in names if not had[_kind(name)]] or names


def _kind(name: str) -> str:
    """Return what kind of source it is: "polishing", "rule", or "model"."""
    if name in POLISHING:
        return "polishing"
    return "rule" if name in UNLEARNED else "model"
