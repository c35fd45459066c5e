"""Automata of two cycles, which do not synchronize, and whose sets take long to merge.

python benchmarks/subset_cycles.py 6 7 8 9 10 11 12

Letter b turns a cycle of L states and one of T states, and fixes one more state, the dead end; L
and T have no common divisor. Letter a leads one state of the first cycle, the exit, to one of the
second, the entrance, leads another one to the dead end, and fixes all others, or turns them back,
if L < 2T. A state of the first cycle merges with one of the second if it is at the exit at the
right time, once in LT. The dead end lies so that the state T places behind has to leave first; when
it does, this one has just missed its time. So some L states take LT + (L-2)(LT-T+1) letters, or
L-2 more, if L < 2T.
"""

import argparse
from math import gcd

import numpy as np

from automata import longest_by_size, subset_thresholds
from automata.deltas import Deltas
from benchmarks.subsets import example


def two_cycles(first: int, second: int) -> Deltas:
    """Return the automaton of cycles of L = `first` and T = `second` states: (2, L + T + 1)."""
    dead, entrance = first, first + 1
    fixed = np.arange(first + second + 1, dtype=np.uint8)
    b = fixed.copy()
    b[:first] = np.roll(fixed[:first], -1)
    b[entrance:] = np.roll(fixed[entrance:], -1)
    a = np.argsort(b).astype(np.uint8) if first < 2 * second else fixed
    a[0], a[-second % first] = entrance, dead
    return np.stack([a, b])


def length(first: int, second: int) -> int:
    """Return the longest word that merges some states of `two_cycles`."""
    turn = first * second - second + 1 + (first < 2 * second)
    return first * second + (first - 2) * turn


def main() -> None:
    """Print the longest of each number of states."""
    parser = argparse.ArgumentParser()
    parser.add_argument("n", type=int, nargs="+")
    for n in parser.parse_args().n:
        pairs = [(first, n - 1 - first) for first in range(3, n - 1)]
        pairs = [(length(*pair), pair) for pair in pairs if gcd(*pair) == 1]
        for expected, pair in pairs:
            longest = longest_by_size(subset_thresholds([two_cycles(*pair)]))[0]
            if longest.max() != expected:
                raise SystemExit(f"{pair}: {longest.max()}, not {expected}")
        expected, pair = max(pairs)
        shown = example(two_cycles(*pair)[None], pair[0], expected)
        print(f"n={n}, size {pair[0]}: {expected}, cycles {pair[0]} and {pair[1]}, {shown}")


if __name__ == "__main__":
    main()
