"""The engine: one arm, one seed, from size to size. Every solver call is metered by one oracle.

Start: uniform random automata and `automata.sampling.evolve` at the smallest sizes. Then, at each
further size: learn from the elites so far, leap, polish, keep. A finished step is in its folder;
the same run again goes on behind the last one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from automata.canonical import from_canonical
from automata.sampling import Evolution
from data.damage import DataError
from data.streams import stream, torch_seed
from search.baselines import run_evolution
from search.configs import EXCHANGES
from search.decode import computing
from search.discovery.arms import ARMS, SOURCES
from search.discovery.config import DiscoverConfig as DiscoverConfig
from search.discovery.leaps import Ground, split_parents
from search.discovery.learner import Learner
from search.discovery.saved import note_made, read_step
from search.discovery.step import (
    Elites,
    Step,
    Steps,
    Tally,
    kept_rows,
    save_step,
    step_folder,
)
from search.oracle import Arm, Oracle

_VAIN_BATCHES = 40
"""So many batches of a first look in a row with hardly a new automaton end it:"""
_LEAST_LEAP = 0.005
"""no larger share of a batch than this."""
_LEAST_NEW = 0.02
"""A generation at the start with a smaller share of new children is in vain."""

_MODEL = "model.safetensors"

Report = Callable[[int], object]
Progress = Callable[[int, int, str], object]
"""Hears the size, further calls, and what is being done where that takes none."""
Keep = Callable[[Step], object]


class Engine:
    """One arm with one seed, from size to size.

    Arms share their random numbers, so that two that do the same find the same.

    Parameters
    ----------
    config : DiscoverConfig
    arm : str
        One of `ARMS`.
    seed : int
    folder : Path
        Of the seed: holds ``start/n-05``, ..., which all arms share, and ``ARM/n-09``, ...
    device : torch.device
    workers : int
        Threads of the solver; the result does not depend on them.
    """

    def __init__(
        self,
        config: DiscoverConfig,
        arm: str,
        seed: int,
        folder: Path,
        *,
        device: torch.device,
        workers: int = 1,
    ) -> None:
        self.config, self.arm, self.seed = config, ARMS[arm], seed
        self.start, self.folder = folder / "start", folder / arm
        self.device, self.workers = device, workers
        self.learner: Learner | None = None
        if self.arm.learns:
            learn, first = self.arm.adapt(config.learn), self._torch_seed(0)
            self.learner = Learner(config.most, config.k, learn, first, device)

    def run(
        self, report: Progress = lambda n, calls, doing: None, keep: Keep = lambda step: None
    ) -> Steps:
        """Return the steps at all sizes, taking those not yet taken.

        Parameters
        ----------
        report : callable
            Hears of each batch, of each finished step, and of training now and then.
        keep : callable
            Is given each step once it is in its folder.
        """
        steps = self.run_start(report, keep)
        for n in range(self.config.start_to + 1, self.config.most + 1):
            take = partial(self._step, n, steps, report)
            steps[n] = self._finished(n, steps, take, report)
            keep(steps[n])
        return steps

    def run_start(
        self, report: Progress = lambda n, calls, doing: None, keep: Keep = lambda step: None
    ) -> Steps:
        """Return the steps at the sizes that all arms start from, as `run` does."""
        steps: Steps = {}
        for n in range(self.config.least, self.config.start_to + 1):
            steps[n] = self._finished(n, steps, partial(self._start, n, report), report)
            keep(steps[n])
        return steps

    def _finished(self, n: int, smaller: Steps, take: Callable[[], Step], report: Progress) -> Step:
        """Return the step in its folder, after taking it if it is not there."""
        starting = n <= self.config.start_to
        folder = step_folder(self.start if starting else self.folder, n)
        step = read_step(folder, self.config, n, smaller, workers=self.workers)
        if step is None:
            step = take()
            for place in (folder.parent.parent, folder.parent):  # but no folder that was removed
                place.mkdir(exist_ok=True)
            save_step(folder, step, {} if starting else self._model_file())
            note_made(folder, step)
        else:
            report(n, step.calls, "")
        return step

    def _start(self, n: int, progress: Progress) -> Step:
        """Evolve from uniform random automata."""
        account = _Account(self._oracle(n), self.config.start_budget)
        report = _of_calls(progress, n)
        self._evolve(account, stream(self.seed, "start", n), report, _LEAST_NEW)
        return account.close(0, self.config.learn.elites)

    def _step(self, n: int, steps: Steps, progress: Progress) -> Step:
        """Learn, leap, polish."""
        config, report = self.config, _of_calls(progress, n)
        rng = stream(self.seed, "discover", n)
        generator = torch.Generator(self.device).manual_seed(self._torch_seed(n))
        elites = {size: step.elites(config.learn.elites) for size, step in steps.items()}
        elites = {size: found for size, found in elites.items() if len(found.deltas)}
        account = _Account(self._oracle(n), config.budget)
        if self.arm.sources:
            if not elites:
                raise DataError(f"nothing found at sizes below n={n}: nothing to leap from")
            with account.measure("train"):
                self._learn(n, rng, generator, elites, partial(progress, n, 0))
            if self.arm.polishes:
                account.arm.budget = min(config.budget, config.first_look)
            ground = Ground(n, config.k, elites, self.learner, rng, generator, config.leap)
            before = self._weights_before(n)
            with computing(before if before.exists() else self.folder):
                self._leap(account, ground, report)
            account.arm.budget = config.budget
        first_look = min(account.arm.calls, config.first_look)
        if self.arm.polishes:
            self._evolve(account, rng, report)
        return account.close(first_look, config.learn.elites)

    def _learn(
        self,
        n: int,
        rng: np.random.Generator,
        generator: torch.Generator,
        elites: Mapping[int, Elites],
        tell: Callable[[str], object],
    ) -> None:
        """Train the model for the leap to n states, from where the step before left it."""
        if self.learner is None or not self.arm.trains:
            return
        first = n == self.config.start_to + 1
        if not first:
            self.learner.load(self._weights_before(n))
        if first or self.arm.retrains:
            self.learner.learn(rng, generator, elites, tell)

    def _weights_before(self, n: int) -> Path:
        """Return the place of the weights that the leap to n states begins with."""
        return step_folder(self.folder, n - 1) / _MODEL

    def _leap(self, account: _Account, ground: Ground, report: Report) -> None:
        """Let the sources propose in turn until the budget is spent, or all is in vain."""
        arm = account.arm
        sources = {name: SOURCES[name](ground) for name in self.arm.sources}
        answers: dict[str, Any] = dict.fromkeys(sources)  # None starts a source
        vain = 0
        for name in cycle(self.arm.sources):
            with account.measure("sample"):
                proposals = sources[name].send(answers[name])
            before = arm.calls
            with account.measure("solve"), account.of(name):
                answers[name] = arm.submit(proposals)
            new = arm.calls - before
            report(new)
            vain = 0 if new > _LEAST_LEAP * len(proposals.deltas) else vain + 1
            if arm.exhausted or vain == _VAIN_BATCHES:
                return

    def _evolve(
        self, account: _Account, rng: np.random.Generator, report: Report, least_new: float = 0.0
    ) -> None:
        """Spend what is left of the budget on `evolve`, started from all that was found."""
        config, arm = self.config, account.arm
        start = None
        if account.found:
            numbers, _ = arm.found()
            deltas = from_canonical(arm.oracle.forms(numbers), arm.oracle.n, config.k)
            start = deltas, arm.oracle.thresholds(numbers)
        evolution = Evolution(
            calls=arm.budget - arm.calls,
            archive_size=config.parents,
            batch=config.generation,
            softness=config.softness,
            exchanges=EXCHANGES,
            classes=config.classes,
            least_new=least_new,
        )
        with account.measure("evolve"), account.of("evolve"):
            run_evolution(rng, arm, evolution, report, start)

    def _oracle(self, n: int) -> Oracle:
        return Oracle(n, self.config.k, classes=self.config.classes, workers=self.workers)

    def _model_file(self) -> dict[str, Callable[[Path], object]]:
        """Return what writes the model that the next step goes on from, if there is one."""
        if self.learner is None or not self.arm.trains:
            return {}
        return {_MODEL: self.learner.save}

    def _torch_seed(self, n: int) -> int:
        return torch_seed(self.seed, "discover", n)


def _of_calls(progress: Progress, n: int) -> Report:
    """Return what hears of calls alone."""
    return lambda calls: progress(n, calls, "")


class _Account:
    """One step's calls, by the source that caused them, and its time."""

    def __init__(self, oracle: Oracle, budget: int) -> None:
        self.arm = Arm(oracle, "evolve", 0, budget)
        self.found = 0
        self._tallies: dict[str, Tally] = {}
        self._parts: list[npt.NDArray[np.uint8]] = []
        self._seconds: dict[str, float] = {}

    @contextmanager
    def of(self, source: str) -> Iterator[None]:
        """Book what is submitted meanwhile to a source."""
        arm = self.arm
        proposed, valid, calls = arm.decoded, arm.valid, arm.calls
        yield
        before = self._tallies.get(source, Tally(0, 0, 0))
        self._tallies[source] = Tally(
            before.proposed + arm.decoded - proposed,
            before.valid + arm.valid - valid,
            before.calls + arm.calls - calls,
        )
        number = list(self._tallies).index(source)
        self._parts.append(np.full(arm.found_count - self.found, number, np.uint8))
        self.found = arm.found_count

    @contextmanager
    def measure(self, activity: str) -> Iterator[None]:
        """Add the time that passes meanwhile to an activity."""
        start = time.perf_counter()
        yield
        spent = time.perf_counter() - start
        self._seconds[activity] = self._seconds.get(activity, 0.0) + spent

    def close(self, first_look: int, elites: int) -> Step:
        """Return the step that this account is of."""
        oracle = self.arm.oracle
        _, _, calls, forms, thresholds, found_at = self.arm.trace()
        _, proposals = self.arm.found()
        rows = kept_rows(oracle.n, thresholds, elites)
        trace = hashlib.sha256(forms.tobytes() + thresholds.astype("<i4").tobytes())
        return Step(
            n=oracle.n,
            k=oracle.k,
            calls=calls,
            first_look=first_look,
            tallies=self._tallies,
            trace=trace.hexdigest(),
            forms=forms[rows],
            thresholds=thresholds[rows],
            found_at=found_at[rows],
            sources=np.concatenate(self._parts)[rows],
            parents=split_parents(proposals.parents[rows]),
            alpha=proposals.alpha[rows],
            repaired=proposals.repaired[rows],
            seconds=self._seconds,
        )
