"""The engine: one arm with one seed, from size to size. An oracle counts every solver call.

Start: at the smallest sizes, `automata.evolution.evolve` from uniform random automata. Then, at
each larger size: learn from the elites so far, leap, polish, save the step. The same run again goes
on after the last finished step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import torch

from automata.canonical import from_canonical
from automata.evolution import Change, Evolution
from data.damage import DataError
from data.streams import stream, torch_seed
from search.arms.account import Arm
from search.arms.baselines import run_evolution
from search.arms.decode import computing
from search.arms.oracle import Oracle
from search.arms.seconds import timed
from search.configs import EXCHANGES
from search.discovery.arms import ARMS, POLISHING, SOURCES
from search.discovery.boost import run_boost
from search.discovery.config import DiscoverConfig as DiscoverConfig
from search.discovery.leaps import LeapContext, split_parents
from search.discovery.learner import AUTOENCODER, DENOISER, FOLLOWER, TRANSFORMER, Learner
from search.discovery.mix import run_mix
from search.discovery.saved import note_made, read_step
from search.discovery.shares import Credit, earned
from search.discovery.step import (
    EVOLVE,
    Elites,
    Step,
    Steps,
    kept_rows,
    save_step,
    step_folder,
)

_IDLE_BATCHES = 40
"""Stop the first look after this many consecutive batches with a share of new automata of at most
`_LEAST_LEAP`."""
_LEAST_LEAP = 0.005
_LEAST_NEW = 0.02
"""At the start, a generation with at most this share of new children counts as one without any."""

FINISHED = "finished earlier"
"""Reported for a step that an earlier run has taken."""

Report = Callable[[int], object]
Progress = Callable[[int, int, str], object]
"""Called with the size, the number of further calls, and the current work if that takes no call."""
Keep = Callable[[Step], object]


class Engine:
    """One arm with one seed, from size to size.

    Arms use the same random numbers: two arms with the same settings find the same automata.

    Parameters
    ----------
    config : DiscoverConfig
    arm_name : str
        One of `ARMS`.
    seed : int
    folder : Path
        Folder of the seed: ``start/n-05``, ... in it are of all arms, ``ARM/n-09``, ... of one.
    device : torch.device
    workers : int
        Threads of the solver; the result does not depend on their number.
    """

    def __init__(
        self,
        config: DiscoverConfig,
        arm_name: str,
        seed: int,
        folder: Path,
        *,
        device: torch.device,
        workers: int = 1,
    ) -> None:
        self.config, self.seed = config, seed
        self.arm_name, self.arm_config = arm_name, ARMS[arm_name]
        self.start, self.folder = folder / "start", folder / arm_name
        self.device, self.workers = device, workers
        learn, first = self.arm_config.adapt(config.learn), self._torch_seed(0)
        self.learners: dict[Any, Learner[Any]] = {
            kind: Learner(kind, config.most, config.k, learn, first, device, partial=config.partial)
            for kind in self.arm_config.learns
        }
        """By kind."""
        if FOLLOWER in self.learners:
            self.learners[FOLLOWER].model.follow(self.learners[AUTOENCODER].model)

    def run(
        self, report: Progress = lambda n, calls, doing: None, keep: Keep = lambda step: None
    ) -> Steps:
        """Return the steps at all sizes; take those that are not saved yet.

        Parameters
        ----------
        report : callable
            Called after each batch and step, and during training.
        keep : callable
            Called with each step when it is in its folder.
        """
        steps = self.run_start(report, keep)
        for n in range(self.config.start_to + 1, self.config.most + 1):
            steps[n] = self._finished(n, steps, report)
            keep(steps[n])
        return steps

    def run_start(
        self, report: Progress = lambda n, calls, doing: None, keep: Keep = lambda step: None
    ) -> Steps:
        """Return the steps at the sizes up to start-to, as `run` does; all arms share them."""
        steps: Steps = {}
        for n in range(self.config.least, self.config.start_to + 1):
            steps[n] = self._finished(n, steps, report)
            keep(steps[n])
        return steps

    def _finished(self, n: int, smaller: Steps, report: Progress) -> Step:
        """Read a step from its folder; take and save it if it is not there."""
        step = self.saved(n, smaller)
        if step is None:
            step = self.take(n, self.elites(smaller), self.credits(smaller), report)
            self.save(step, self.model_files(n))
        else:
            report(n, step.calls, FINISHED)
        return step

    def saved(self, n: int, smaller: Steps) -> Step | None:
        """Return the step in the folder of a size, as `search.discovery.saved.read_step`."""
        return read_step(self.step_folder(n), self.config, n, smaller, workers=self.workers)

    def elites(self, steps: Steps) -> dict[int, Elites]:
        """Return the elites of steps, by size; a size without any is left out."""
        elites = {size: step.elites(self.config.learn.elites) for size, step in steps.items()}
        return {size: found for size, found in elites.items() if len(found.deltas)}

    def credits(self, steps: Steps) -> dict[str, Credit]:
        """Return what each source that leaps has earned in steps, if their shares follow it."""
        leaping = [name for name in self.arm_config.sources if name not in POLISHING]
        return earned(steps, leaping) if self.arm_config.mixes else {}

    def take(
        self,
        n: int,
        elites: Mapping[int, Elites],
        credits: Mapping[str, Credit],
        report: Progress = lambda n, calls, doing: None,
    ) -> Step:
        """Take the step at n states; `weights_before` is all that it reads from the folder."""
        if n <= self.config.start_to:
            return self._start(n, report)
        return self._step(n, elites, credits, report)

    def save(self, step: Step, files: Mapping[str, Callable[[Path], object]]) -> None:
        """Write a step that `take` has made, and further files, into its folder."""
        folder = self.step_folder(step.n)
        for place in (folder.parent.parent, folder.parent):  # but not a removed one above
            place.mkdir(exist_ok=True)
        save_step(folder, step, files)
        note_made(folder, step)

    def step_folder(self, n: int) -> Path:
        """Return the folder of the step at a size."""
        return step_folder(self.start if n <= self.config.start_to else self.folder, n)

    def _start(self, n: int, progress: Progress) -> Step:
        """Evolve from uniform random automata."""
        arm = self._arm(n, self.config.start_budget)
        seconds: dict[str, float] = {}
        rng = stream(self.seed, "start", n)
        self._evolve(arm, seconds, rng, _of_calls(progress, n), _LEAST_NEW)
        return _close(arm, 0, self.config.learn.elites, seconds)

    def _step(
        self,
        n: int,
        elites: Mapping[int, Elites],
        credits: Mapping[str, Credit],
        progress: Progress,
    ) -> Step:
        """Learn, leap, polish: take the step at n states."""
        config, report = self.config, _of_calls(progress, n)
        rng = stream(self.seed, "discover", n)
        generator = torch.Generator(self.device).manual_seed(self._torch_seed(n))
        arm, seconds = self._arm(n, config.budget), dict[str, float]()
        change: Change | None = None
        trained_after = 0
        if self.arm_config.sources:
            if not elites:
                raise DataError(f"nothing found at sizes below n={n}: nothing to leap from")
            context = LeapContext(
                *(n, config.k, elites, self.learners.get(AUTOENCODER), rng, generator),
                *(config.leap, config.partial),
                editor=self.learners.get(FOLLOWER, self.learners.get(DENOISER)),
                writer=self.learners.get(TRANSFORMER),
            )
            sources = {name: SOURCES[name] for name in self.arm_config.sources}
            self._load(n)

            def learn() -> None:
                nonlocal trained_after
                trained_after = arm.calls
                with timed(seconds, "train"):
                    self._learn(n, rng, generator, elites, partial(progress, n, 0))

            with computing(self._trained_in(n)):
                if self.arm_config.mixes:
                    alone = self.arm_config.alone
                    run_mix(arm, context, sources, credits, report, seconds, learn, alone=alone)
                else:
                    learn()
                    if self.arm_config.boosts:
                        run_boost(arm, context, sources, partial(progress, n), seconds)
                    else:
                        self._leap(arm, seconds, context, report)
            if self.arm_config.change:
                change = partial(self.arm_config.change, context)
        first_look = min(arm.calls, config.first_look)
        if self.arm_config.polishes:
            self._evolve(arm, seconds, rng, report, change=change)
        return _close(arm, first_look, config.learn.elites, seconds, trained_after)

    def _learn(
        self,
        n: int,
        rng: np.random.Generator,
        generator: torch.Generator,
        elites: Mapping[int, Elites],
        report: Callable[[str], object],
    ) -> None:
        """Train the models for the leap to n states, if this arm does."""
        if self.arm_config.trains and (self.arm_config.retrains or n == self.config.start_to + 1):
            for learner in self.learners.values():
                learner.learn(rng, generator, elites, report)

    def _load(self, n: int) -> None:
        """Read the weights after the step before; before the first leap there are none."""
        if self.arm_config.trains and n > self.config.start_to + 1:
            for learner, before in zip(self.learners.values(), self.weights_before(n), strict=True):
                learner.load(before)

    def weights_before(self, n: int) -> list[Path]:
        """Return the files of the weights with which the step at n states begins, one a model."""
        return [step_folder(self.folder, n - 1) / kind.file for kind in self.learners]

    def _trained_in(self, n: int) -> Path:
        """Return the file of the one model that a step begins with, or the folder of several."""
        before = [path for path in self.weights_before(n) if path.exists()]
        if not before:
            return self.folder
        return before[0] if len(before) == 1 else before[0].parent

    def _leap(
        self, arm: Arm, seconds: dict[str, float], context: LeapContext, report: Report
    ) -> None:
        """Let the sources propose in turn until their calls are spent or few proposals are new.

        If evolution follows, the sources may spend the calls of the first look only.
        """
        limit = self.config.first_look if self.arm_config.polishes else None
        sources = {name: SOURCES[name](context) for name in self.arm_config.sources}
        answers: dict[str, Any] = dict.fromkeys(sources)  # a generator starts with None
        idle = 0
        for name in cycle(self.arm_config.sources):
            with timed(seconds, "sample"):
                proposals = sources[name].send(answers[name])
            with timed(seconds, "solve"):
                answer = arm.submit(proposals, source=name, limit=limit)
            answers[name] = answer.thresholds
            report(answer.calls)
            idle = 0 if answer.calls > _LEAST_LEAP * len(proposals.deltas) else idle + 1
            if arm.exhausted(limit) or idle == _IDLE_BATCHES:
                return

    def _evolve(
        self,
        arm: Arm,
        seconds: dict[str, float],
        rng: np.random.Generator,
        report: Report,
        least_new: float = 0.0,
        change: Change | None = None,
    ) -> None:
        """Spend the rest of the budget on `evolve`, started from all finds of the arm."""
        config = self.config
        start = None
        if arm.found_count:
            numbers, _ = arm.found()
            forms, n, k = arm.oracle.forms(numbers), arm.oracle.n, config.k
            deltas = from_canonical(forms, n, k, partial=config.partial)
            start = deltas, arm.oracle.thresholds(numbers)
        evolution = Evolution(
            calls=arm.left(),
            archive_size=config.parents,
            batch=config.generation,
            softness=config.softness,
            exchanges=EXCHANGES,
            classes=config.classes,
            least_new=least_new,
            undefined=config.undefined,
        )
        arm.open(EVOLVE)  # even if no call is left
        with timed(seconds, "evolve"):
            run_evolution(rng, arm, evolution, report, start, change)

    def _arm(self, n: int, budget: int) -> Arm:
        config = self.config
        oracle = Oracle(
            n, config.k, classes=config.classes, partial=config.partial, workers=self.workers
        )
        return Arm(oracle, EVOLVE, 0, budget)

    def model_files(self, n: int) -> dict[str, Callable[[Path], object]]:
        """Return the writers of the files of models, by name; empty without a trained model."""
        if n <= self.config.start_to or not self.arm_config.trains:
            return {}
        return {kind.file: learner.save for kind, learner in self.learners.items()}

    def _torch_seed(self, n: int) -> int:
        return torch_seed(self.seed, "discover", n)


def _of_calls(progress: Progress, n: int) -> Report:
    """Return a function of the calls alone that reports them for n states."""
    return lambda calls: progress(n, calls, "")


def _close(
    arm: Arm, first_look: int, elites: int, seconds: Mapping[str, float], trained_after: int = 0
) -> Step:
    """Return the step of an arm that has ended."""
    oracle = arm.oracle
    _, _, calls, forms, thresholds, found_at = arm.trace()
    _, proposals = arm.found()
    rows = kept_rows(oracle.n, thresholds, elites, oracle.classes)
    trace = hashlib.sha256(forms.tobytes() + thresholds.astype("<i4").tobytes())
    return Step(
        n=oracle.n,
        k=oracle.k,
        calls=calls,
        first_look=first_look,
        tallies=arm.tallies,
        trace=trace.hexdigest(),
        forms=forms[rows],
        thresholds=thresholds[rows],
        found_at=found_at[rows],
        sources=arm.found_by()[rows],
        parents=split_parents(proposals.parents[rows]),
        alpha=proposals.alpha[rows],
        repaired=proposals.repaired[rows],
        seconds=seconds,
        classes=oracle.classes,
        partial=oracle.partial,
        trained_after=trained_after,
    )
