"""A Dask cluster as a pool of units of work. No other module knows Dask.

A scheduler runs any code that reaches it: docs/cluster.md says what to open, and to whom.
"""

from __future__ import annotations

import hashlib
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import cloudpickle
import dask
from distributed import Client, LocalCluster, get_worker
from distributed import Future as DaskFuture
from distributed.scheduler import KilledWorker
from distributed.security import Security
from distributed.utils import silence_logging_cmgr

from automata.settings import SettingError
from automata.units import Lost, Pool
from data.checks import text
from data.damage import DataError, read_json, reading
from data.record import versions

_LOCAL = "local:"
_MOST_PROCESSES = 1024
_ADDRESS = re.compile(r"((tcp|tls|ws|wss|ucx)://)?[^/\s]+:[0-9]{1,5}")
_OWN = {
    "distributed.scheduler.allowed-failures": 2,  # the third worker that a unit ends is the last
    "distributed.scheduler.worker-saturation": 1.0,  # a worker has no units but the one it runs
    "distributed.scheduler.worker-ttl": "60s",
    # what Dask does all the time costs 2 % of a core for each process
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.work-stealing": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.limit": "60s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.system-monitor.gil.enabled": False,
}
"""Settings of a cluster that we start; docs/cluster.md recommends the first three for others."""
_COUNTED = 1.0
"""Seconds until the workers are counted again."""
_TRIES = 60
"""How often a result is asked for again, once a second."""
_PACKAGES = ("automata", "data", "vae", "search")
_SHOWN = 12
"""Digits of a hash that errors show."""


@contextmanager
def cluster(place: str) -> Iterator[Pool]:
    """Connect to a cluster, or start one on this machine, and check that it runs this program.

    Parameters
    ----------
    place : str
        The address of a scheduler; the scheduler file that it has written; or ``local:N`` for N
        processes of this machine, which end with the block.

    Yields
    ------
    Pool

    Raises
    ------
    SettingError
        If the number of processes is not in 1..1024.
    ConnectionError
        If no scheduler answers.
    DataError
        If the scheduler file is missing or damaged, or a worker runs another program.
    """
    with ExitStack() as stack:
        stack.enter_context(silence_logging_cmgr(logging.CRITICAL))
        where = stack.enter_context(_started(place)) if place.startswith(_LOCAL) else _found(place)
        try:
            if str(where).startswith("tls://"):
                _check_certificate()
            client = stack.enter_context(Client(where, set_as_default=False))
        except (OSError, ValueError) as error:
            raise ConnectionError(f"{place}: no scheduler answers ({error})") from error
        executor = _ClusterExecutor(client, place)
        executor.check()
        if executor.workers() == 0:
            sys.stderr.write(f"{place}: no workers yet\n")
        yield Pool(executor, executor.workers)


@contextmanager
def _started(place: str) -> Iterator[LocalCluster]:
    """Start processes of this machine, which nobody else can reach."""
    number = place.removeprefix(_LOCAL)
    if not (number.isdecimal() and 1 <= int(number) <= _MOST_PROCESSES):
        raise SettingError(f"scheduler={place}: not local:N with N in 1..{_MOST_PROCESSES}")
    with (
        dask.config.set(_OWN),
        LocalCluster(
            n_workers=int(number),
            threads_per_worker=1,
            host="127.0.0.1",
            security=True,  # a certificate of its own: other users reach the loopback interface
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            silence_logs=logging.CRITICAL,
        ) as started,
    ):
        yield started


def _found(place: str) -> str:
    """Return the address of a scheduler, perhaps from its file."""
    if _ADDRESS.fullmatch(place):
        return place
    path = Path(place)
    content = read_json(path)
    with reading(path, "a scheduler file"):
        address = content["address"]
        text("[a-z]+://[^/]{1,300}")("address", address)
    return str(address)


def _check_certificate() -> None:
    """Raise OSError if there is no certificate to show: Dask's own error is a long one."""
    if Security().get_connection_args("client").get("ssl_context") is None:
        raise OSError("no certificate is configured, see docs/cluster.md")


class _ClusterExecutor(Executor):
    """Dask's client as an executor; it sends the units of one program, and names what went wrong.

    The executor that `Client.get_executor` returns waits for ever if the worker that holds a result
    is killed while it is fetched.
    """

    def __init__(self, client: Client, place: str) -> None:
        self._client, self._place = client, place
        # with keys of one group Dask keeps units that wait at the scheduler
        self._group, self._numbers = f"units-{uuid4().hex}", count()
        self._counted, self._workers = -_COUNTED, 0

    def check(self) -> None:
        """Raise `DataError` if a worker runs another program."""
        with self._connected():
            found = self._client.run(_difference, fingerprint(), on_error="return")
        for address, problem in found.items():
            if problem:
                raise DataError(_unlike(address, problem))

    def workers(self) -> int:
        """Return the number of units that the cluster runs at once."""
        if time.monotonic() - self._counted >= _COUNTED:
            with self._connected():
                self._workers = sum(self._client.nthreads().values())
            self._counted = time.monotonic()
        return self._workers

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        """Send a unit; one that ends its workers raises `Lost`, a lost cluster ConnectionError."""
        key = (self._group, next(self._numbers))
        call = cloudpickle.dumps((work, args, named))
        with self._connected():
            sent = self._client.submit(_call, fingerprint(), call, key=key, pure=False)
        future: Future[Any] = Future()

        def pass_on(done: DaskFuture[Any]) -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(self._result(done))
            except KilledWorker as error:
                ended, last = error.allowed_failures + 1, error.last_worker.address
                future.set_exception(Lost(f"it ended {ended} workers, the last one was {last}"))
            except ImportError as error:
                future.set_exception(DataError(_unlike("that took a unit", error)))
            except Exception as error:
                future.set_exception(error)

        def pass_back(own: Future[Any]) -> None:
            if own.cancelled():
                sent.cancel()

        future.add_done_callback(pass_back)
        sent.add_done_callback(pass_on)
        return future

    def _result(self, done: DaskFuture[Any]) -> Any:
        """Return the result of a unit; ask again if the worker that holds it goes meanwhile."""
        for tries in range(_TRIES, -1, -1):
            try:
                return done.result()
            except Exception as error:
                if done.status == "error":  # that of the unit
                    raise
                if done.status == "cancelled" or self._client.status != "running" or not tries:
                    raise self._gone() from error
                time.sleep(_COUNTED)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Turn Dask's errors into one about the connection, if that is lost."""
        if self._client.status != "running":  # Dask would wait for another scheduler
            raise self._gone()
        try:
            yield
        except Exception as error:
            if isinstance(error, OSError) or self._client.status != "running":
                raise self._gone() from error
            raise

    def _gone(self) -> ConnectionError:
        return ConnectionError(f"{self._place}: the connection to the scheduler is lost")


@cache
def fingerprint() -> dict[str, str]:
    """Return the versions of this program and what it computes with, and a hash of its sources."""
    root, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(path for name in _PACKAGES for path in (root / name).rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return versions("numba", "numpy", "torch") | {"sources": digest.hexdigest()}


def _difference(expected: Mapping[str, str]) -> str:
    """Return how this process differs from the one that sends units, "" if it does not."""
    for name, own in fingerprint().items():
        if expected.get(name) != own:
            return f"{name} {own[:_SHOWN]} there, {str(expected.get(name))[:_SHOWN]} here"
    return ""


def _unlike(worker: str, problem: object) -> str:
    return f"worker {worker}: not this program ({problem}); install the same one there"


def _call(expected: Mapping[str, str], call: bytes) -> Any:
    """Run a unit on a worker, if it runs the same program."""
    if problem := _difference(expected):
        raise DataError(_unlike(get_worker().address, problem))
    work, args, named = cloudpickle.loads(call)
    return work(*args, **named)
