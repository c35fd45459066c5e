"""Threads over the parts of a batch; the compiled kernels release the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_SLICE = 1 << 15


def run_parts(work: Callable[[slice], None], count: int, workers: int) -> None:
    """Cut 0..count-1 into slices and run `work` on each, in threads.

    An interruption waits for the slices under way, no more.

    Examples
    --------
    >>> run_parts(print, 10, workers=1)
    slice(0, 10, None)
    """
    size = max(1, min(_SLICE, -(-count // max(1, workers))))
    parts = [slice(start, min(start + size, count)) for start in range(0, count, size)]
    if workers <= 1 or len(parts) <= 1:
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
