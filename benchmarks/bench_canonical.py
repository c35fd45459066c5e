"""Canonical forms: uniform random automata, and the hardest single automata with n = 32, one core.

The baseline is the solver on the same automata. Partial automata are those whose last letter is
undefined on a tenth of the states. Run: python benchmarks/bench_canonical.py
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from automata import UNDEFINED, canonical_forms, reset_thresholds
from automata.sampling import sample_uniform
from benchmarks.timing import alternate, seconds

CASES = [(8, 2), (12, 2), (16, 2), (24, 2), (8, 3)]
N = 32


def edge_states(edges, vertices):
    """Encode a graph: letters a and b lead an edge's state to its two vertices."""
    a, b = np.arange(N), np.arange(N)
    for position, (x, y) in enumerate(edges):
        a[vertices + position], b[vertices + position] = x, y
    return np.stack([a, b])


def hard_automata():
    """Return automata with many equal parts, by name."""
    states = np.arange(N)
    zero = np.zeros(N, int)
    cube = [(v, v ^ (1 << bit)) for v in range(8) for bit in range(3)]
    return {
        "identity": np.stack([states, states]),
        "sixteen 2-cycles": np.stack([states ^ 1, states]),
        "equal constants": np.stack([zero, zero]),
        "constant and identity": np.stack([zero, states]),
        "binary tree": np.stack([np.maximum(states - 1, 0) // 2] * 2),
        "halving": np.stack([states // 2, states // 2]),
        "cycle and inverse": np.stack([(states + 1) % N, (states - 1) % N]),
        "K(3,7)": edge_states([(i, 3 + j) for i in range(3) for j in range(7)], 10),
        "K(4,5)": edge_states([(i, 4 + j) for i in range(4) for j in range(5)], 9),
        "cube": edge_states(cube, 8),
        "16-gon": edge_states([(i, (i + 1) % 16) for i in range(16)], 16),
    }


def main():
    """Print automata a second beside the solver's, the time of partial ones, and of hard automata.

    `partial` is their time over that of the complete ones; hard automata take milliseconds.
    """
    print(f"{'n':>3} {'k':>2} {'forms/s':>12} {'solver/s':>12} {'ratio':>6} {'partial':>8}")
    for n, k in CASES:
        rng = np.random.default_rng(0)
        deltas = sample_uniform(rng, 100_000 if n < 20 else 10_000, n, k)
        partial = deltas.copy()
        partial[:, -1][rng.random((len(deltas), n)) < 0.1] = UNDEFINED
        canonical_forms(deltas[:100])
        reset_thresholds(deltas[:100])
        forms = len(deltas) / seconds(lambda deltas=deltas: canonical_forms(deltas))
        solver = len(deltas) / seconds(lambda deltas=deltas: reset_thresholds(deltas))
        whole, holed = alternate(
            lambda deltas=deltas: canonical_forms(deltas),
            lambda partial=partial: canonical_forms(partial),
        )
        print(
            f"{n:>3} {k:>2} {forms:>12,.0f} {solver:>12,.0f} {forms / solver:>6.2f} "
            f"{holed / whole:>8.2f}"
        )
    print(f"\nhard automata, n = {N}, k = 2: milliseconds each")
    for name, delta in hard_automata().items():
        print(f"{name:>22} {1000 * seconds(lambda delta=delta: canonical_forms(delta[None])):8.3f}")


if __name__ == "__main__":
    main()
