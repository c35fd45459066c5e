"""Threads over the parts of a batch; the compiled kernels release the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np


def run_parts(work: Callable[[slice], None], count: int, workers: int) -> None:
    """Cut 0..count-1 into one slice a worker and run `work` on each, in threads.

    Examples
    --------
    >>> run_parts(print, 10, workers=1)
    slice(0, 10, None)
    """
    workers = max(1, min(workers, count))
    cuts = np.linspace(0, count, workers + 1).astype(int).tolist()
    parts = [slice(start, stop) for start, stop in zip(cuts[:-1], cuts[1:], strict=True)]
    if workers == 1:
        work(parts[0])
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, parts))
