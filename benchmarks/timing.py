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


def alternate(first, second, repeats=REPEATS, clock=time.process_time):
    """Return the median times of two, run in turns; processor time, which other work disturbs less.

    With threads `clock` must be `time.perf_counter`.
    """
    times = [], []
    for _ in range(repeats):
        for work, spent in zip((first, second), times, strict=True):
            start = clock()
            work()
            spent.append(clock() - start)
    return statistics.median(times[0]), statistics.median(times[1])
