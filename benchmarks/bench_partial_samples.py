"""How many random partial automata have a careful word, and how long the longest ones are.

python benchmarks/bench_partial_samples.py [COUNT]

For each size, letters defined everywhere and share of undefined transitions: the share of tables
that have undefined transitions and a careful word, and the mean of the 100 longest thresholds.
"""

import sys

import numpy as np

from automata.deltas import UNDEFINED
from automata.sampling import sample_uniform
from automata.solver.careful import careful_thresholds

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000

for n, k in [(6, 2), (8, 2), (10, 2), (8, 3)]:
    for total in (1, 0):
        for share in (0.05, 1 / (n + 1), 0.2, 0.3, 0.5):
            rng = np.random.default_rng(1)
            drawn = sample_uniform(rng, COUNT, n, k, undefined=share, total=total)
            thresholds = careful_thresholds(drawn)
            partial = (drawn == UNDEFINED).any(axis=(1, 2))
            found = (partial & (thresholds >= 0)).mean()
            longest = np.sort(thresholds)[-100:].mean()
            print(f"n={n} k={k} total={total} share={share:.3f}: {found:.1%}, {longest:.1f}")
