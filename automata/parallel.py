"""Work in threads: the compiled kernels release the interpreter lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from automata.arguments import check_workers

_SLICE = 1 << 15
WINDOW = 4
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
    pool: ThreadPoolExecutor | None,
    workers: int,
    work: Callable[[Item], Result],
    items: Iterable[Item],
) -> Generator[Result, None, None]:
    """Run `work` on each item, in the threads of a pool, and yield the results in order.

    Closing the generator cancels the queued items. Without a pool the work is done in this thread.

    Examples
    --------
    >>> with ThreadPoolExecutor(2) as pool:
    ...     [*results_in_order(pool, 2, abs, [-1, 2, -3])]
    [1, 2, 3]
    """
    if pool is None:
        yield from map(work, items)
        return
    under_way: deque[Future[Result]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(work, item))
            if len(under_way) >= WINDOW * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()
