"""The longest shortest words that merge m states of a binary automaton, over all of n states.

python benchmarks/subsets.py 2 3 4 5 6 7        all automata, up to isomorphism
python benchmarks/subsets.py 8 --at-least 30    those that synchronize, with a threshold from 30 on

A set of states counts if some word leads it to one state. Where all states can be led to one, no
set takes longer than all states. So lengths of at least T, among all automata that synchronize, are
found among those with a reset threshold of at least T.
"""

import argparse
import time
from typing import NamedTuple

import numpy as np

from automata import (
    canonical_forms,
    format_delta,
    format_word,
    from_canonical,
    longest_by_size,
    shortest_word,
    subset_thresholds,
)
from automata.deltas import Deltas
from automata.enumeration import Enumeration

_ROWS = 4096  # their lengths fit the cache


class Longest(NamedTuple):
    """The longest words for one size of sets, and the automata that need them."""

    length: int
    deltas: Deltas
    """(found, 2, n)"""


def longest_words(n: int, at_least: int) -> tuple[dict[tuple[int, bool], Longest], int]:
    """Return what is longest by size, and by whether the automaton synchronizes; and how many."""
    none = Longest(-1, np.empty((0, 2, n), np.uint8))
    best = {(size, resets): none for size in range(2, n + 1) for resets in (False, True)}
    enumeration, count = Enumeration(n, 2, at_least=at_least), 0
    for unit in range(len(enumeration)):
        for found in enumeration.run(unit):
            count += len(found.deltas)
            for at in range(0, len(found.deltas), _ROWS):
                deltas = found.deltas[at : at + _ROWS]
                longest = longest_by_size(subset_thresholds(deltas))
                resets = found.reset_thresholds[at : at + _ROWS] >= 0
                for (size, wanted), before in best.items():
                    lengths = np.where(resets == wanted, longest[:, size], -1)
                    top = max(before.length, int(lengths.max()))
                    kept = before.deltas if before.length == top else none.deltas
                    if top >= 0:
                        new = np.concatenate([kept, deltas[lengths == top]])
                        best[size, wanted] = Longest(top, new)
    return best, count


def example(deltas: Deltas, size: int, length: int) -> str:
    """Return the automaton that is first in canonical form, a set of it and its least word."""
    k, n = deltas.shape[1:]
    form = min(canonical_forms(deltas), key=bytes)
    delta = from_canonical(form[None], n, k)[0]
    lengths = subset_thresholds(delta[None])[0]
    sizes = np.bitwise_count(np.arange(1 << n))
    mask = int(np.flatnonzero((sizes == size) & (lengths == length))[0])
    states = [q for q in range(n) if mask >> q & 1]
    word = shortest_word(delta, from_states=states)
    return f"{format_delta(delta)} from {states}: {format_word(word or ())}"


def main() -> None:
    """Print a table for each n."""
    parser = argparse.ArgumentParser()
    parser.add_argument("n", type=int, nargs="+")
    parser.add_argument("--at-least", type=int, default=0)
    args = parser.parse_args()
    for n in args.n:
        began = time.process_time()
        best, count = longest_words(n, args.at_least)
        seconds = time.process_time() - began
        print(f"n={n}: {count:,} automata, {seconds:.0f} s of processor time")
        for (size, resets), (length, deltas) in best.items():
            if len(deltas):
                kind = "synchronizing" if resets else "others"
                shown = example(deltas, size, length)
                print(f"  size {size}, {kind}: {length} ({len(deltas)} automata), {shown}")


if __name__ == "__main__":
    main()
