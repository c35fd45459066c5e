"""The enumeration: what each bound saves, and how fast the search is, one core, processor time.

Run from the repository: python benchmarks/bench_enumeration.py [partial] [N,K,LEAST ..]

Without arguments: n = 7 from threshold 28 on with each bound switched off in turn; then the sizes
of `SIZES`, whose nodes and seconds are compared with those reported of an earlier C program, which
knows the bounds ``steps`` and ``reached`` for pairs alone. Long ones take arguments: 9,2,51. With
``partial`` the sizes are those of `PARTIAL`, of partial automata, and the bounds are theirs.
"""

import sys
import time

from automata.enumeration import BOUNDS, enumerate_automata

SIZES = [(7, 2, 28), (8, 2, 36), (6, 3, 20)]
PARTIAL = [(6, 2, 16), (7, 2, 30), (8, 2, 45), (4, 3, 7), (5, 3, 16)]
C_PROGRAM = {
    (7, 2, 28): (5e6, 1),
    (8, 2, 36): (153e6, 39),
    (9, 2, 51): (3.9e9, 1500),
    (6, 3, 20): (45e6, 30),
}
"""Nodes and seconds of the C program, as reported."""


def measure(n, k, least, bounds=BOUNDS, partial=False):
    """Return the classes found, the nodes and the seconds of an enumeration."""
    start = time.process_time()
    found = enumerate_automata(n, k, at_least=least, bounds=bounds, partial=partial)
    return len(found.deltas), found.nodes, time.process_time() - start


def compare_bounds(n, least, names, partial):
    """Print nodes and seconds without each bound, and their ratio to those with all."""
    _, nodes, seconds = measure(n, 2, least, BOUNDS, partial)
    title = f"n = {n}, >= {least}, without"
    print(f"{title:>22} {'nodes':>12} {'ratio':>6} {'seconds':>8} {'ratio':>6}")
    for without in ("nothing", *names, "any"):
        bounds = [name for name in BOUNDS if without not in (name, "any")]
        _, more, longer = measure(n, 2, least, bounds, partial)
        row = f"{more:>12,} {more / nodes:>6.2f} {longer:>8.2f} {longer / seconds:>6.2f}"
        print(f"{without:>22} {row}", flush=True)


def compare_sizes(sizes, partial):
    """Print classes, nodes and seconds of each size, and the ratios to the C program's."""
    header = f"{'nodes':>14} {'C / ours':>9} {'seconds':>8} {'C / ours':>9} {'ns a node':>9}"
    print(f"{'n':>2} {'k':>2} {'>=':>3} {'classes':>8} {header}")
    for n, k, least in sizes:
        classes, nodes, seconds = measure(n, k, least, BOUNDS, partial)
        fewer = faster = "-"
        if (n, k, least) in C_PROGRAM and not partial:
            its_nodes, its_seconds = C_PROGRAM[n, k, least]
            fewer, faster = f"{its_nodes / nodes:.1f}", f"{its_seconds / seconds:.1f}"
        row = f"{nodes:>14,} {fewer:>9} {seconds:>8.1f} {faster:>9} {1e9 * seconds / nodes:>9.0f}"
        print(f"{n:>2} {k:>2} {least:>3} {classes:>8,} {row}", flush=True)


def main():
    """Measure what the command line names, or the short list."""
    words = sys.argv[1:]
    partial = words[:1] == ["partial"]
    enumerate_automata(4, 2, at_least=5, partial=partial)  # compiles
    if words[partial:]:
        compare_sizes([tuple(map(int, size.split(","))) for size in words[partial:]], partial)
    elif partial:
        compare_bounds(6, 20, ("reached", "alive"), partial)
        compare_sizes(PARTIAL, partial)
    else:
        compare_bounds(7, 28, BOUNDS, partial)
        compare_sizes(SIZES, partial)


if __name__ == "__main__":
    main()
