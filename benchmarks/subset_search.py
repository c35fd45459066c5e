"""Search for sets of m states that take long to merge, in binary automata that do not synchronize.

python benchmarks/subset_search.py 8              from uniform random automata alone
python benchmarks/subset_search.py 8 --start 7    from what it finds with 7 states, one inserted
python benchmarks/subset_search.py 8 --sizes 3 4 --seeds 5 --calls 2000000

For each m apart, 256 automata climb side by side. At each step each has one child: one or two
transitions redrawn, or two exchanged. The child takes its place unless it is worse: if it
synchronizes, or if its sets of m states take less long. One that has not risen for 300 steps begins
anew. What is found is a lower bound.
"""

import argparse
import time
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata import canonical_forms, longest_by_size, subset_thresholds
from automata.deltas import Deltas
from automata.mutation import breed, insert_states
from automata.sampling import sample_uniform
from benchmarks.subsets import example

_CLIMBING = 256
_PATIENCE = 300
_EXCHANGES = 0.25


class Found(NamedTuple):
    """The longest words of one search."""

    length: int
    """-1: no automaton of the kind was met."""
    deltas: Deltas
    """(found, 2, n), up to isomorphism."""
    calls: int
    """Automata solved up to the first of them."""


def lengths_of(deltas: Deltas, size: int) -> npt.NDArray[np.int32]:
    """Return the longest word for the sets of a size; -1 for automata that synchronize."""
    lengths = subset_thresholds(deltas)
    return np.where(lengths[:, -1] >= 0, -1, longest_by_size(lengths)[:, size])


def climb(
    rng: np.random.Generator, n: int, size: int, calls: int, smaller: Deltas | None = None
) -> Found:
    """Search with a number of calls, from random automata, or from smaller ones (batch, 2, n-1)."""

    def begin(count: int) -> Deltas:
        if smaller is None:
            return sample_uniform(rng, count, n, 2)
        return insert_states(rng, smaller[rng.integers(len(smaller), size=count)])

    own = begin(_CLIMBING)
    lengths, idle = lengths_of(own, size), np.zeros(_CLIMBING, np.int64)
    best, deltas, spent, first = -1, own[:0], _CLIMBING, 0
    while True:
        if (top := int(lengths.max())) > best:
            best, deltas, first = top, own[:0], spent
        deltas = distinct(np.concatenate([deltas, own[(lengths == best) & (idle == 0)]]))
        if spent >= calls:
            return Found(best, deltas, first)
        order = rng.permutation(_CLIMBING)
        own, lengths, idle = own[order], lengths[order], idle[order] + 1
        anew = idle > _PATIENCE
        children = np.where(anew[:, None, None], begin(_CLIMBING), breed(rng, own, _EXCHANGES))
        reached = lengths_of(children, size)
        spent += _CLIMBING
        idle[(reached > lengths) | anew] = 0
        taken = (reached >= lengths) | anew
        own[taken], lengths[taken] = children[taken], reached[taken]


def distinct(deltas: Deltas) -> Deltas:
    """Return the first of isomorphic automata."""
    if len(deltas) < 2:
        return deltas
    _, first = np.unique(canonical_forms(deltas), axis=0, return_index=True)
    return deltas[np.sort(first)]


def main() -> None:
    """Print the longest words that each seed found, and an example of the longest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("n", type=int)
    parser.add_argument("--sizes", type=int, nargs="+", help="m; default: 2 to n-1")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--start", type=int, help="states of random automata; default: n")
    args = parser.parse_args()
    for size in args.sizes or range(2, args.n):
        began, found = time.process_time(), []
        for seed in range(args.seeds):
            rng, smaller = np.random.default_rng(seed), None
            for n in range(args.start or args.n, args.n + 1):
                own = climb(rng, n, min(size, n - 1), args.calls, smaller)
                smaller = own.deltas
            found.append(own)
        longest = max(own.length for own in found)
        deltas = distinct(np.concatenate([own.deltas for own in found if own.length == longest]))
        seconds = time.process_time() - began
        print(
            f"n={args.n}, size {size}: {', '.join(str(own.length) for own in found)}; "
            f"the first after {', '.join(f'{own.calls:,}' for own in found)} calls; "
            f"{seconds:.0f} s of processor time\n"
            f"  {longest} ({len(deltas)} automata), {example(deltas, size, longest)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
