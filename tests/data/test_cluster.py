"""Units of work on a Dask cluster: the same bytes, and one line where something is wrong."""

import json
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import distributed
import pytest

from automata.settings import SettingError
from automata.units import Lost, Pool, results_of_units
from data import cluster as module
from data import enumerate as enumerate_module
from data import finding
from data.cluster import cluster
from data.damage import DataError
from data.enumerate import EnumerateConfig, enumerate_dataset
from data.pools import pool_of
from tests.commands import call_here
from tests.folders import contents

CONFIG = EnumerateConfig(n=4, at_least=4)


@pytest.fixture(scope="module")
def two() -> Iterator[Pool]:
    """Two processes of this machine."""
    with cluster("local:2") as pool:
        yield pool


def in_this_process() -> distributed.LocalCluster:
    """A scheduler with one worker in this process."""
    return distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of an enumeration in this process."""
    folder = tmp_path_factory.mktemp("alone")
    enumerate_dataset(CONFIG, folder)
    return contents(folder)


def end_worker(unit: int) -> int:
    """End the process if the unit is 3."""
    if unit == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return unit


def test_a_task_has_no_more_units_than_have_been_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first units with a sink are light: what follows may take a thousand times as long."""
    sizes = []

    def watched(
        pool: Pool, work: Callable[..., Any], units: Iterator[Any], **how: Any
    ) -> Iterator[list[Any]]:
        for task in units:
            assert len(task.parts) <= max(1, sum(sizes))
            sizes.append(len(task.parts))
            yield from results_of_units(pool, work, [task], **how)

    monkeypatch.setattr(finding, "results_of_units", watched)
    enumerate_dataset(EnumerateConfig(n=7, at_least=18, classes=("sink",)), tmp_path)
    assert sizes[:3] == [1, 1, 2] and max(sizes) > 8


def test_an_enumeration_has_the_same_bytes(
    two: Pool, alone: dict[str, bytes], tmp_path: Path
) -> None:
    assert two.workers() == 2
    enumerate_dataset(CONFIG, tmp_path, pool=two)
    assert contents(tmp_path) == alone


def test_other_programs_are_named(two: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {**module.fingerprint(), "sources": "0123456789abcdef"}
    monkeypatch.setattr(module, "fingerprint", lambda: other)
    hashes = r"sources [0-9a-f]{12} there, 0123456789ab here"
    said = rf"worker tls://127.0.0.1:[0-9]+: not this program \({hashes}\)"
    with pytest.raises(DataError, match=said):
        two.executor.check()
    with pytest.raises(DataError, match=said):
        two.executor.submit(abs, -1).result()


def test_what_is_cancelled_is_not_run(two: Pool) -> None:
    futures = [two.executor.submit(time.sleep, 0.05) for _ in range(30)]
    for future in futures:
        future.cancel()
    assert all(future.cancelled() for future in futures[10:])
    assert two.executor.submit(abs, -1).result() == 1


@pytest.mark.exhaustive
def test_a_unit_that_ends_three_workers_is_set_aside(two: Pool) -> None:
    found = [*results_of_units(two, end_worker, range(8))]
    (lost,) = found.pop(3)
    assert isinstance(lost, Lost) and lost.unit == 3
    assert str(lost).startswith("it ended 3 workers, the last one was tls://127.0.0.1:")
    assert found == [[unit] for unit in range(8) if unit != 3]


@pytest.mark.exhaustive
def test_workers_killed_at_random_moments(
    two: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty enumerations, in each of which a worker is killed: the same bytes each time."""
    config = EnumerateConfig(n=6, at_least=12)
    enumerate_dataset(config, tmp_path / "alone")
    monkeypatch.setattr(finding, "_NODES", 1 << 13)  # about a hundred tasks
    chance = random.Random(0)

    def killing(*args: Any, **named: Any) -> Iterator[list[Any]]:
        nannies = two.executor._client.cluster.workers.values()
        pids = [nanny.pid for nanny in nannies if nanny.pid]
        moment = chance.randrange(1, 60)
        for place, found in enumerate(results_of_units(*args, **named)):
            if place == moment:
                os.kill(chance.choice(pids), signal.SIGKILL)
            yield found

    monkeypatch.setattr(finding, "results_of_units", killing)
    for run in range(20):
        enumerate_dataset(config, tmp_path / str(run), pool=two)
        assert contents(tmp_path / str(run)) == contents(tmp_path / "alone")


@pytest.mark.exhaustive
def test_a_worker_that_hangs_costs_its_unit_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker is stopped in the middle: the other one does its unit again."""
    monkeypatch.setitem(module._OWN, "distributed.scheduler.worker-ttl", "2s")
    monkeypatch.setattr(finding, "_NODES", 1 << 13)
    config, stopped = EnumerateConfig(n=6, at_least=12), []

    def stopping(*args: Any, **named: Any) -> Iterator[list[Any]]:
        for place, found in enumerate(results_of_units(*args, **named)):
            if place == 10:
                nanny = next(iter(pool.executor._client.cluster.workers.values()))
                os.kill(nanny.pid, signal.SIGSTOP)
                stopped.append(nanny.pid)
            yield found

    enumerate_dataset(config, tmp_path / "alone")
    monkeypatch.setattr(finding, "results_of_units", stopping)
    with cluster("local:2") as pool:
        enumerate_dataset(config, tmp_path / "hung", pool=pool)
        assert len(stopped) == 1
        with suppress(ProcessLookupError):
            os.kill(stopped[0], signal.SIGKILL)
    assert contents(tmp_path / "hung") == contents(tmp_path / "alone")


def test_the_command(
    alone: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """By the scheduler's address, and by its file."""
    with in_this_process() as started:
        file = tmp_path / "scheduler.json"
        file.write_text(json.dumps(started.scheduler.identity()))
        for place in (started.scheduler_address, file):
            line = ["enumerate", "-n", 4, "--at-least", 4, "--out", tmp_path / "out", "--force"]
            answer = call_here([*line, "--scheduler", place], monkeypatch, capfd)
            assert (answer.code, answer.complaints()) == (0, [])
            assert alone.items() <= contents(tmp_path / "out").items()


REFUSED = {
    "127.0.0.1:9": (1, r"127.0.0.1:9: no scheduler answers \(.*\)"),
    "tls://127.0.0.1:9": (
        1,
        r"tls://127.0.0.1:9: no scheduler answers \(no certificate is configured, see .*\)",
    ),
    "local:0": (2, r"scheduler=local:0: not local:N with N in 1..1024"),
    "local:two": (2, r"scheduler=local:two: not local:N with N in 1..1024"),
    "no.json": (3, r"no.json: no such file"),
    "cut.json": (3, r"cut.json: not JSON .*"),
    "other.json": (3, r"other.json: not a scheduler file .*"),
    "foo://a:1": (3, r"foo:/a:1: no such file"),
}


@pytest.mark.parametrize("place", REFUSED)
def test_places_where_no_scheduler_is(
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cut.json").write_text('{"address": ')
    Path("other.json").write_text('{"address": 7}')
    with module.dask.config.set({"distributed.comm.timeouts.connect": "0.1s"}):
        line = ["enumerate", "-n", 2, "--out", "out", "--scheduler", place]
        answer = call_here(line, monkeypatch, capfd)
    code, said = REFUSED[place]
    assert answer.code == code
    (complaint,) = [line for line in answer.complaints() if line.startswith("Error: ")]
    assert re.fullmatch(f"Error: {said}", complaint)


def test_dask_is_not_needed_without_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    here: Any = object()
    monkeypatch.delitem(sys.modules, "data.cluster")
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert pool_of(None, here) is here
    with pytest.raises(SettingError, match=r"distributed is not installed: pip install -e"):
        pool_of("local:2", here)


def test_a_lost_scheduler() -> None:
    with in_this_process() as started, cluster(started.scheduler_address) as pool:
        future = pool.executor.submit(time.sleep, 0.3)
        started.close()
        with pytest.raises(ConnectionError, match="the connection to the scheduler is lost"):
            future.result()
        with pytest.raises(ConnectionError, match="the connection to the scheduler is lost"):
            pool.executor.submit(abs, 1).result()


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        (distributed.LocalCluster.close, 1, "{}: the connection to the scheduler is lost"),
        (
            lambda _: signal.raise_signal(signal.SIGINT),
            130,
            "interrupted: the same command goes on from here",
        ),
    ],
    ids=["a lost scheduler", "Ctrl-C"],
)
def test_the_same_command_goes_on_after(
    end: Callable[[distributed.LocalCluster], None],
    code: int,
    said: str,
    alone: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(finding, "_MOST_UNITS", 1)  # of 36, so four are on their way
    monkeypatch.setattr(enumerate_module, "_PAUSE", 0.0)  # what was found is kept after each
    line = ["enumerate", "-n", 4, "--at-least", 4, "--out", tmp_path]
    with in_this_process() as started:

        def ending(*args: Any, **named: Any) -> Iterator[list[Any]]:
            for place, found in enumerate(results_of_units(*args, **named)):
                yield found
                if place == 2:
                    end(started)

        place = started.scheduler_address
        with monkeypatch.context() as patch:
            patch.setattr(finding, "results_of_units", ending)
            answer = call_here([*line, "--scheduler", place], monkeypatch, capfd)
    assert answer.code == code
    (complaint,) = [line for line in answer.complaints() if line.startswith("Error: ")]
    assert complaint == f"Error: {said.format(place)}"
    assert (tmp_path / "pending.parquet").exists()
    assert call_here(line, monkeypatch, capfd).code == 0
    assert alone.items() <= contents(tmp_path).items()
