"""One step of a discovery as a unit of work, for whichever process takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch

from search.discovery.config import DiscoverConfig
from search.discovery.engine import Engine
from search.discovery.shares import Credit
from search.discovery.step import Elites, Step, Steps


class Task(NamedTuple):
    """The step of one arm with one seed at one size."""

    config: DiscoverConfig
    arm: str
    seed: int
    n: int
    elites: Mapping[int, Elites]
    """Those of the smaller sizes."""
    credits: Mapping[str, Credit]
    """By source, earned there."""
    weights: Mapping[str, bytes]
    """The files of models after the step before, by name."""
    device: torch.device
    threads: int
    """Torch's threads."""


def task_of(engine: Engine, n: int, smaller: Steps, threads: int) -> Task:
    """Return the step at n states, after the steps at smaller sizes, as a task."""
    before = [path for path in engine.weights_before(n) if path.exists()]
    weights = {path.name: path.read_bytes() for path in before}
    elites, credits = engine.elites(smaller), engine.credits(smaller)
    run = engine.config, engine.arm_name, engine.seed
    return Task(*run, n, elites, credits, weights, engine.device, threads)


def take_step(task: Task) -> tuple[Step, dict[str, bytes]]:
    """Take a step in a folder of its own; return it, and its further files by name."""
    torch.set_num_threads(task.threads)
    with TemporaryDirectory() as place:
        engine = Engine(task.config, task.arm, task.seed, Path(place), device=task.device)
        for before in engine.weights_before(task.n):
            if before.name in task.weights:
                before.parent.mkdir(parents=True, exist_ok=True)
                before.write_bytes(task.weights[before.name])
        step = engine.take(task.n, task.elites, task.credits)
        files = {}
        for name, write in engine.model_files(task.n).items():
            path = Path(place) / name
            write(path)
            files[name] = path.read_bytes()
        return step, files


def save_taken(engine: Engine, step: Step, files: Mapping[str, bytes]) -> None:
    """Write a step that `take_step` returned into its folder."""

    def writer(content: bytes) -> Callable[[Path], object]:
        return lambda path: path.write_bytes(content)

    engine.save(step, {name: writer(content) for name, content in files.items()})
