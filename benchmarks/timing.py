"""How the benchmarks measure."""

import statistics
import time

REPEATS = 5


def seconds(work):
    """Return the median time of five runs."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
