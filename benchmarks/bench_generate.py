"""Labelling a million uniform automata with n = 8, k = 2, against writing them, one core.

Run from the repository: python benchmarks/bench_generate.py
"""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from automata import canonical_forms, from_canonical, reset_thresholds
from automata.sampling import sample_uniform
from data.dataset import Dataset, write_shard

ROWS, N, K, REPEATS = 1_000_000, 8, 2, 3


def main():
    """Print seconds for labelling and writing, median of three runs, and their ratio."""
    drawn = sample_uniform(np.random.default_rng(0), ROWS, N, K)
    reset_thresholds(drawn[:10])
    canonical_forms(drawn[:10])
    labelling, writing = [], []
    for _ in range(REPEATS):
        start = time.perf_counter()
        deltas = from_canonical(canonical_forms(drawn), N, K)
        thresholds = reset_thresholds(deltas)
        labelling.append(time.perf_counter() - start)
        data = Dataset(deltas, thresholds, np.full(ROWS, "uniform"))
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            write_shard(Path(folder), 0, data)
            writing.append(time.perf_counter() - start)
    label, write = statistics.median(labelling), statistics.median(writing)
    print(f"labelling {label:.2f} s, writing {write:.2f} s, ratio {write / label:.2f}")


if __name__ == "__main__":
    main()
