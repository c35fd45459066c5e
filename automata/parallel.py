"""Work in threads: the compiled kernels release the interpreter lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from automata.arguments import check_workers

_SLICE = 1 << 15
_WINDOW = 4
"""Items in flight for each worker: queued, running, or done but behind an unfinished one."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_parts(work: Callable[[slice], None], count: int, workers: int) -> None:
    """Cut 0..count-1 into slices and run `work` on each, in threads.

    After an error or an interruption only the running slices are finished. Raises ValueError if
    `workers` is less than 1.

    Examples
    --------
    >>> run_parts(print, 10, workers=1)
    slice(0, 10, None)
    """
    workers = check_workers(workers)
    rounds = max(1, -(-count // (workers * _SLICE)))
    size = max(1, -(-count // (workers * rounds)))  # as many slices for each worker
    parts = [slice(start, min(start + size, count)) for start in range(0, count, size)]
    if workers == 1 or len(parts) <= 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work, part) for part in parts]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def results_in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    pool: ThreadPoolExecutor | None = None,
) -> Generator[Result, None, None]:
    """Run `work` on each item, in threads, and yield the results in the order of the items.

    Closing the generator cancels the queued items and waits for the running ones. A `pool` that is
    passed stays open, and nothing waits for it. Raises ValueError if `workers` is less than 1.

    Examples
    --------
    >>> list(results_in_order(abs, [-1, 2, -3], workers=2))
    [1, 2, 3]
    """
    workers = check_workers(workers)
    threads = ThreadPoolExecutor(workers) if pool is None else pool
    under_way: deque[Future[Result]] = deque()
    try:
        for item in items:
            under_way.append(threads.submit(work, item))
            if len(under_way) >= _WINDOW * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()
        if pool is None:
            threads.shutdown()


def each_in_order(
    pool: ThreadPoolExecutor | None,
    workers: int,
    work: Callable[[Item], Result],
    items: Iterable[Item],
) -> Iterator[Result]:
    """Yield the results of work in the order of the items; the threads of a pool work ahead."""
    return map(work, items) if pool is None else results_in_order(work, items, workers, pool)
