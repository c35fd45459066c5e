"""Units of work, in threads or processes of this machine or on a cluster; results in order."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from operator import itemgetter
from queue import SimpleQueue
from sys import getsizeof
from threading import Thread
from typing import Any, NamedTuple

from automata.arguments import check_workers

_WINDOW = 4
"""Units in flight for each worker, queued or running."""
_HELD = 1 << 28
"""Bytes of results that may wait for an unfinished unit before them."""


class Pool(NamedTuple):
    """Where units of work run: in threads or processes of this machine, or on a cluster."""

    executor: Executor
    workers: Callable[[], int]
    """Number of units that run at once; on a cluster it changes."""


class Split(NamedTuple):
    """A part of the result of a unit, and the units that give the rest."""

    result: Any
    rest: Sequence[Any]


class Lost(ChildProcessError):
    """A unit of work that ended each process that took it up."""

    unit: Any = None


class _Here(Executor):
    """Runs each unit when it is submitted, in this thread."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        """Run a unit; what it raises belongs to the future, but for an interruption."""
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args, **named))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def here() -> Iterator[Pool]:
    """Run units one after the other in this thread."""
    yield Pool(_Here(), lambda: 1)


@contextmanager
def threads(workers: int) -> Iterator[Pool]:
    """Run units in threads, for work that releases the interpreter lock.

    Raises ValueError if `workers` is less than 1.

    Examples
    --------
    >>> with threads(2) as pool:
    ...     [*results_of_units(pool, abs, [-1, 2, -3])]
    [[1], [2], [3]]
    """
    workers = check_workers(workers)
    with ThreadPoolExecutor(workers) as executor:
        yield Pool(executor, lambda: workers)


@contextmanager
def processes(workers: int) -> Iterator[Pool]:
    """Run units in processes; after an error or an interruption they are ended at once.

    They end with this process, even if it is killed. Raises ValueError if `workers` is less than 1,
    ChildProcessError if one of them is killed.
    """
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import active_children, get_context

    workers = check_workers(workers)
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_end_with_the_parent
    ) as executor:
        try:
            yield Pool(executor, lambda: workers)
        except BrokenProcessPool as error:
            reason = "a process was killed before its work was done, maybe for want of memory"
            raise ChildProcessError(f"{reason}: run the command again") from error
        except BaseException:
            for child in active_children():
                child.terminate()
            raise


def _end_with_the_parent() -> None:
    """Leave interruptions to the parent process, and end this one with it, even if it is killed."""
    from multiprocessing import parent_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def results_of_units(
    pool: Pool,
    work: Callable[[Any], Any],
    units: Iterable[Any],
    *,
    size: Callable[[Any], int] = getsizeof,
    apart: Callable[[Any], Sequence[Any]] = lambda unit: (),
) -> Generator[list[Any], None, None]:
    """Run `work` on each unit, and yield the results in the order of the units.

    At most four units for each worker are queued or running, and none is added while 256 MB
    of results wait for an unfinished unit before them. Closing the generator cancels the
    queued units.

    Parameters
    ----------
    pool : Pool
    work : callable
        Takes a unit. It returns the result, or a `Split`: then the rest is run as units of their
        own, whose results belong to the same unit. For processes and clusters it can be pickled.
    units : iterable
        Read as units are submitted.
    size : callable
        Returns the size of a result in bytes.
    apart : callable
        Returns the units to try in the place of one that is lost.

    Yields
    ------
    list
        The results of a unit, in any order: one for each part that it was split into; for a lost
        part the `Lost` that names it.
    """
    done: SimpleQueue[Future[Any]] = SimpleQueue()
    running: dict[Future[Any], tuple[int, Any]] = {}  # queued or running, with the unit's number
    parts: dict[int, int] = {}  # how many of these a unit has
    results: dict[int, list[Any]] = {}
    held = following = 0
    numbered = enumerate(units)
    left = True

    def size_of(found: Iterable[Any]) -> int:
        return sum(size(one) for one in found if not isinstance(one, Lost))

    def submit(number: int, unit: Any) -> None:
        future = pool.executor.submit(work, unit)
        running[future] = number, unit
        parts[number] = parts.get(number, 0) + 1
        future.add_done_callback(done.put)

    try:
        while left or running:
            while left and held < _HELD and len(running) < _WINDOW * max(1, pool.workers()):
                try:
                    number, unit = next(numbered)
                except StopIteration:
                    left = False
                    break
                results[number] = []
                submit(number, unit)
            if not running:
                return
            future = done.get()
            number, unit = running.pop(future)
            rest: Sequence[Any] = ()
            try:
                result = future.result()
                if isinstance(result, Split):
                    result, rest = result
                found = [result]
            except Lost as lost:
                lost.unit, rest = unit, apart(unit)
                found = [] if rest else [lost]
            for one in rest:
                submit(number, one)
            results[number] += found
            held += size_of(found)
            parts[number] -= 1
            while parts.get(following) == 0:
                held -= size_of(results[following])
                yield results.pop(following)
                del parts[following]
                following += 1
    finally:
        for future in running:
            future.cancel()


def results_of_chunks(
    pool: Pool, work: Callable[[Any], Any], chunks: Iterable[Any]
) -> Generator[tuple[Any, Any], None, None]:
    """Run `work` on chunks of items; of one that is lost run it on each item alone.

    Parameters
    ----------
    pool : Pool
    work : callable
        Takes a chunk and returns its result; see `results_of_units`.
    chunks : iterable of sequences
        Lists, or arrays.

    Yields
    ------
    sequence
        A chunk, or one item of it as a chunk; in order.
    object
        Its result, or `Lost`.

    Examples
    --------
    >>> with here() as pool:
    ...     [*results_of_chunks(pool, sum, [[1, 2], [3]])]
    [([1, 2], 3), ([3], 3)]
    """
    submitted: deque[Any] = deque()

    def units() -> Iterator[tuple[int, Any]]:
        for chunk in chunks:
            submitted.append(chunk)
            yield 0, chunk

    with closing(
        results_of_units(pool, partial(_on_chunk, work), units(), size=_size, apart=_one_by_one)
    ) as found:
        for parts in found:
            chunk = submitted.popleft()
            ranges = [
                (part.unit[0], len(part.unit[1]), part) if isinstance(part, Lost) else part
                for part in parts
            ]
            for start, length, result in sorted(ranges, key=itemgetter(0)):
                yield chunk[start : start + length], result


def _on_chunk(work: Callable[[Any], Any], unit: tuple[int, Any]) -> tuple[int, int, Any]:
    """Return the place of a chunk, its length, and its result."""
    start, chunk = unit
    return start, len(chunk), work(chunk)


def _one_by_one(unit: tuple[int, Any]) -> list[tuple[int, Any]]:
    start, chunk = unit
    return [(start + i, chunk[i : i + 1]) for i in range(len(chunk))] if len(chunk) > 1 else []


def _size(found: tuple[int, int, Any]) -> int:
    return getsizeof(found[2])
