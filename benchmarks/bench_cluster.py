"""Processor time of an enumeration in threads and in worker processes of this machine.

    python benchmarks/bench_cluster.py [N K LEAST]

The processor time of a cluster is that of all its processes, the scheduler's included. It is given
apart for their start (imports, connections, and one unit each), which does not grow with the work.
"""

import resource
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from automata.units import Pool, threads
from data.cluster import cluster
from data.enumerate import EnumerateConfig, enumerate_dataset
from data.files import sha256


def spent() -> float:
    """Seconds of processor time of this process and its ended children."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def measure(place: AbstractContextManager[Pool], config: EnumerateConfig) -> tuple[float, str]:
    """Processor time of an enumeration, and a checksum of its counts."""
    before = spent()
    with tempfile.TemporaryDirectory() as folder, place as pool:
        enumerate_dataset(config, folder, pool=pool)
        digest = sha256(Path(folder) / "counts.csv")
    return spent() - before, digest


def main() -> None:
    n, k, least = map(int, sys.argv[1:] or (8, 2, 36))
    config, small = (
        EnumerateConfig(n=n, k=k, at_least=least),
        EnumerateConfig(n=4, k=2, at_least=9),
    )
    measure(threads(1), small)  # loads compiled code
    places: dict[str, Callable[[], AbstractContextManager[Pool]]] = {
        f"{workers} thread{'s'[: workers > 1]}": partial(threads, workers) for workers in (1, 2)
    } | {f"local:{workers}": partial(cluster, f"local:{workers}") for workers in (1, 2, 4)}
    base = None
    for name, place in places.items():
        start, _ = measure(place(), small)
        whole, digest = measure(place(), config)
        own = whole - start
        base = base or own
        print(
            f"{name:>10}: {whole:7.1f} s, {start:5.1f} s of them to start, "
            f"the rest {own / base:5.3f} of one thread, counts {digest[:8]}",
            flush=True,
        )


if __name__ == "__main__":
    main()
