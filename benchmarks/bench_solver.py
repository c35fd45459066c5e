"""The solver against the pure-Python search of tests/naive.py, one core, uniform automata.

Run from the repository: python benchmarks/bench_solver.py
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from automata import reset_thresholds  # noqa: E402
from automata.sampling import sample_uniform  # noqa: E402
from benchmarks.timing import seconds  # noqa: E402
from tests import naive  # noqa: E402

CASES = [(8, 2), (10, 2), (12, 2), (16, 2), (8, 3), (12, 3)]


def main():
    """Print automata a second and the ratio, median of five runs."""
    print(f"{'n':>3} {'k':>2} {'naive/s':>10} {'ours/s':>12} {'ratio':>7}")
    for n, k in CASES:
        deltas = sample_uniform(np.random.default_rng(0), 200_000, n, k)
        few = deltas[:2000].tolist()
        reset_thresholds(deltas[:100])  # compile
        slow = len(few) / seconds(lambda few=few: [naive.reset_threshold(delta) for delta in few])
        fast = len(deltas) / seconds(lambda deltas=deltas: reset_thresholds(deltas))
        print(f"{n:>3} {k:>2} {slow:>10,.0f} {fast:>12,.0f} {fast / slow:>7.0f}")


if __name__ == "__main__":
    main()
