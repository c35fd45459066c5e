"""The job behind ``discover``: one run, or many arms with many seeds, in a folder."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from automata.settings import record_of
from automata.units import Lost, Pool, processes
from data.claim import claim
from data.damage import DataError
from data.dataset import read_dataset
from data.jobs import announce
from data.manifest import read_manifest
from data.pace import Pace
from data.pools import pool_of
from data.progress import progress
from data.record import differing, plain, recorded
from data.run_record import read_run_record
from search.archive.intake import ArchiveRule
from search.discovery.apart import save_taken, take_step, task_of
from search.discovery.arms import ARMS
from search.discovery.config import DiscoverConfig
from search.discovery.engine import FINISHED, Engine
from search.discovery.settings import read_settings, write_settings
from search.discovery.step import Step, Steps, kept_from
from search.discovery.tables import candidates, scale_of
from search.jobs.discovery_plan import START, Plan, seed_folders
from search.jobs.discovery_tables import COMPARISON_TABLES, DiscoveryOutcome, report_runs
from search.scoring.recall import open_truth
from search.scoring.scores import Listed
from vae.threads import torch_threads
from vae.train import choose_device

_TRAINED = re.compile(r"training (\d+)/\d+")
"""Reported while a model is trained, with the steps so far."""
_POLL = 2.0
"""Seconds between two updates of the progress of other processes."""
_Run = tuple[str, int]
"""An arm, or the start, and a seed."""


def run_discover(
    config: DiscoverConfig,
    arms: tuple[str, ...],
    seeds: tuple[int, ...],
    out: Path,
    rule: ArchiveRule,
    truths: Sequence[Path],
    *,
    device: torch.device | str,
    workers: int,
    scheduler: str | None = None,
    force: bool,
) -> DiscoveryOutcome:
    """Run every arm with every seed, as far as they are not finished, and report their finds.

    A single run lists its candidates. Several runs are compared, with all others in the folder.

    Parameters
    ----------
    config : DiscoverConfig
    arms : tuple of str
        Names in `search.discovery.arms.ARMS`.
    seeds : tuple of int
    out : Path
        The folder of all runs.
    rule : ArchiveRule
        The archive that the runs add to.
    truths : sequence of Path
        Folders of enumerations, for recall when all runs have ended. None given: those that the
        folder's record names.
    device : torch.device or str
    workers : int
        Threads of a single run, or of all processes together.
    scheduler : str, optional
        The cluster that takes the steps of all runs; see `data.cluster.cluster`.
    force : bool
        Discard what the folder holds.

    Raises
    ------
    DataError
        If the folder holds runs of other settings or damaged files, or a truth does not fit.
    Lost
        If steps ended their workers. All other runs are finished; a later one tries these again.
    SettingError
        If an arm or the device does not exist, or no size is left to compare.
    """
    plan = Plan(config, arms, seeds, out, rule, choose_device(device), workers)
    with pool_of(scheduler, nullcontext()) as pool, claim(out, "discover"):
        return _discover(plan, truths, pool, force)


def _discover(
    plan: Plan, truths: Sequence[Path], pool: Pool | None, force: bool
) -> DiscoveryOutcome:
    """Do the work of `run_discover` in a claimed folder."""
    joined = plan.runs if force else plan.joined()
    if not truths and not force and len(joined) > 1:
        truths = _earlier_truths(plan.out)
    lists = _read_truths(truths, plan, compared=len(joined) > 1)
    truth_inputs = {f"truth {n}": folder for n, folder in zip(lists, truths, strict=True)}
    settings = record_of(plan.config) | {"device": plan.device.type}
    covers = {arm: [seed for name, seed in joined if name == arm] for arm, _ in joined}
    plan.rule.open()
    with recorded(plan.out, "discover", settings, truth_inputs, covers=covers, force=force):
        alone = len(plan.runs) == 1
        threads = _settle(plan.out, settings, torch_threads() if alone else 1, force)
        if pool is not None:
            _run_apart(plan, threads, pool)
        elif alone:
            _run_here(plan, threads)
        else:
            with processes(max(1, plan.workers // threads)) as own:
                _run_apart(plan, threads, own)
        # all are finished: this only reads
        runs = {(arm, seed): plan.engine(arm, seed, plan.workers).run() for arm, seed in joined}
        return report_runs(plan.out, runs, plan.config, lists, plan.runs[0] if alone else None)


def _settle(out: Path, settings: dict[str, Any], threads: int, force: bool) -> int:
    """Raise `DataError` if the folder holds runs of other settings; with `force`, remove them.

    Return torch's number of threads that was first used here: the last bits of a model's weights
    depend on it.
    """
    path = out / "settings.json"
    seeds = seed_folders(out)
    if force:
        for folder in seeds:
            shutil.rmtree(folder)
        for name in ("settings.json", *COMPARISON_TABLES):
            (out / name).unlink(missing_ok=True)
    elif seeds and not path.exists():
        raise DataError(f"{out}: holds runs without their settings.json; --force discards them")
    if not (seeds and path.exists()):  # settings without a run bind nobody
        write_settings(path, settings | {"threads": threads})
    found = read_settings(path)
    threads = found.pop("threads")
    differences = differing(found, plain(settings))
    if differences:
        raise DataError(f"{out}: holds runs of other settings ({differences}); --force discards it")
    return threads


def _run_here(plan: Plan, threads: int) -> None:
    """Run the only arm and seed of a plan in this process."""
    (arm, seed) = plan.runs[0]
    config = plan.config
    stages = _stages(config, arm)
    total = sum(kinds["calls"] for kinds in stages.values())
    pace, trained = Pace(stages), 0
    torch.set_num_threads(threads)
    with progress(total, "discover", "calls", pace=pace) as bar:

        def report(n: int, calls: int, doing: str) -> None:
            nonlocal trained
            steps = _TRAINED.fullmatch(doing)
            if doing == FINISHED:
                pace.skip(n)
            elif steps:
                pace.note(n, "training", max(0, int(steps[1]) - trained))
                trained = int(steps[1])
            else:
                pace.note(n, "calls", calls)
            bar.set_description_str(f"discover n={n}", refresh=False)
            bar.set_postfix_str(doing, refresh=bool(doing))
            bar.update(calls)

        def keep(step: Step) -> None:
            bar.total -= stages[step.n]["calls"] - step.calls  # what it has not spent
            _archive(plan, arm, seed, step)

        plan.engine(arm, seed, plan.workers).run(report=report, keep=keep)


def _stages(config: DiscoverConfig, arm: str) -> dict[int, dict[str, int]]:
    """Return the solver calls and the steps of training at each size."""
    stages = {}
    own = ARMS[arm]
    learn = own.adapt(config.learn)
    for n in range(config.least, config.most + 1):
        starting, first = n <= config.start_to, n == config.start_to + 1
        trains = own.learns and own.trains and not starting and (first or own.retrains)
        steps = learn.first_steps if first else learn.steps
        calls = config.start_budget if starting else config.budget
        stages[n] = {"calls": calls, "training": steps if trains else 0}
    return stages


def _run_apart(plan: Plan, threads: int, pool: Pool) -> None:
    """Run the arms and seeds of a plan step by step, as many steps at a time as the pool takes.

    The arms of a seed wait for its start. Seeds run in their order.
    """
    sizes = range(plan.config.least, plan.config.most + 1)
    starts = plan.config.start_to - plan.config.least + 1
    total = len(plan.seeds) * (starts + (len(sizes) - starts) * len(plan.arms))
    order = [(arm, seed) for seed in plan.seeds for arm in (START, *plan.arms)]
    steps: dict[_Run, Steps] = {run: {} for run in order}
    ready = [run for run in order if run[0] == START]
    running: dict[Future[tuple[Step, dict[str, bytes]]], tuple[_Run, int, Engine]] = {}
    lost: list[str] = []

    def take_next(run: _Run) -> None:
        """Read the steps that are there and submit the next one; after a start let its arms run."""
        arm, seed = run
        engine = plan.engine(plan.arms[0] if arm == START else arm, seed, plan.workers)
        for n in sizes[:starts] if arm == START else sizes:
            if n in steps[run]:
                continue
            step = engine.saved(n, steps[run])
            if step is None:
                task = task_of(engine, n, steps[run], threads)
                running[pool.executor.submit(take_step, task)] = run, n, engine
                return
            steps[run][n] = step
            _archive(plan, *run, step)
        for own in plan.arms if arm == START else ():
            steps[own, seed] |= steps[run]
            ready.append((own, seed))

    with progress(total, "discover", "sizes") as bar:
        try:
            while ready or running:
                ready.sort(key=order.index)
                while ready and len(running) < max(1, pool.workers()):
                    take_next(ready.pop(0))
                for task in wait(running, timeout=_POLL, return_when=FIRST_COMPLETED).done:
                    run, n, engine = running.pop(task)
                    try:
                        step, files = task.result()
                    except Lost as error:
                        lost.append(f"{run[0]} with seed {run[1]} at n={n}: {error}")
                        continue
                    save_taken(engine, step, files)
                    steps[run][n] = step
                    _archive(plan, *run, step)
                    ready.append(run)
                bar.update(plan.finished() - bar.n)
        finally:
            for task in running:
                task.cancel()
    if lost:
        raise Lost(f"{plan.out}: not finished: {'; '.join(lost)}. The same command tries again")


def _archive(plan: Plan, arm: str, seed: int, step: Step) -> None:
    """Add the best finds of a step to the archive; finds of the start have the arm ``start``."""
    best = candidates({step.n: step}, 0, share=plan.rule.archive_at_least)
    who = arm if step.n > plan.config.start_to else START
    plan.rule.add(best, run=f"{plan.out.resolve().name}/seed-{seed}", arm=who)
    announce(step.thresholds, scale_of(step), plan.rule.archive)


def _earlier_truths(out: Path) -> list[Path]:
    """Return the folders of enumerations that the record of this folder names."""
    if not (out / "run.json").exists():
        return []
    inputs = read_run_record(out)["inputs"]
    return [Path(place) for name, place in inputs.items() if name.startswith("truth ")]


def _read_truths(folders: Sequence[Path], plan: Plan, *, compared: bool) -> dict[int, Listed]:
    """Read enumerations for recall, by size; only the automata that a step would keep.

    Raises
    ------
    DataError
        If a folder is no complete enumeration of a compared size within the classes, or two have
        the same size.
    """
    truths: dict[int, Listed] = {}
    for folder in folders:
        n = read_manifest(folder)["config"]["n"]
        if not compared or n in truths or not plan.config.start_to < n <= plan.config.most:
            raise DataError(
                f"{folder}: a second list of n={n}, or nothing of this size is compared"
            )
        config = plan.config
        truth = open_truth(folder, n, config.k, config.classes, partial=config.partial)
        listed = read_dataset(folder, truth.classes, workers=plan.workers)
        longest = int(listed.reset_thresholds.max(initial=0))
        least = max(truth.at_least, math.ceil(kept_from(n, longest, config.classes)))
        truths[n] = Listed(listed.select(at_least=least).forms, least)
    return truths
