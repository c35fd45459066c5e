"""Settings and fixtures of all tests: no deadlines, Ctrl-C arrives, and a run of each kind."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import pipeline
from automata.units import here
from tests.pictures import unrendered
from tests.threads import in_one_thread

settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    max_examples=20,
)
settings.register_profile("thorough", settings.get_profile("suite"), max_examples=1000)
settings.load_profile("suite")  # before --hypothesis-profile

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads of torch sleep when they have no work
os.environ["COLUMNS"] = "100"  # printed tables are as wide, whatever the terminal

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in some shells: tests interrupt children
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for garbage only after collection, rarely, and not among the modules and tests it made.

    They stay to the end; to search them again and again takes seconds.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000)
        gc.enable()


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Let torch work in one thread."""
    with in_one_thread():
        yield


@pytest.fixture(name="unrendered", scope="module")
def without_rendering() -> Iterator[None]:
    """Let commands write empty pictures, where pictures are not the subject."""
    with unrendered():
        yield


@pytest.fixture(scope="session")
def run_folders(tmp_path_factory) -> Path:
    """A small run of every command that `report` shows, not to be changed.

    They are data, model (evaluated), search, evolve, enumerate, discover, compare, and the archive
    of them all. The best automaton of evolve is that of Černý with four states.
    """
    folder = tmp_path_factory.mktemp("runs")
    small = "--latent 4 --first-look 40 --first-steps 3 --steps 2 --workers 1"
    sizes = f"--from 3 --start-to 4 --to 6 --start-budget 300 --budget 60 {small}"
    lines = f"""
        generate -n 5 --count 300 --shard-rows 200 --out data --workers 1
        train --data data --out model --epochs 2 --batch 64 --latent 4 --embedding 4 --channels 8
            --convolutions 1 --hidden 16 --workers 1
        evaluate --model model --workers 1
        enumerate -n 4 -k 2 --at-least 6 --out enumerate --workers 1
        search --model model --data data --out search --budget 60 --keep 90 --parents 40
            --batch 64 --rounds 2 --workers 1
        evolve -n 4 --budget 1000 --keep 30 --truth enumerate --out evolve --workers 1
        discover {sizes} --out discover
        discover --arms insertion,stretch,vae --seeds 2 {sizes} --out compare
    """
    commands = lines.replace("\n            ", " ").strip().splitlines()
    with pytest.MonkeyPatch.context() as patch, unrendered("png"):  # pages show SVG
        patch.chdir(folder)
        patch.setattr("search.jobs.discovery.processes", lambda workers: here())
        for line in commands:
            pipeline.cli.main(line.split(), standalone_mode=False)
    return folder
