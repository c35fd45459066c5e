"""The longest shortest words that merge m states of a binary automaton, over all of n states.

python benchmarks/subsets.py 2 3 4 5 6 7        all automata, up to isomorphism
python benchmarks/subsets.py 3 4 5 --partial    all partial automata: careful words
python benchmarks/subsets.py 8 --at-least 30    those that synchronize, with a threshold from 30 on
python benchmarks/subsets.py --of FOLDER        those in a folder of enumerate

A set of states counts if some word leads it to one state. Where all states can be led to one, no
set takes longer than all states. So lengths of at least T, among all automata that synchronize, are
found among those with a reset threshold of at least T.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
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
from automata.solver.exact import Thresholds
from data.dataset import read_dataset

_ROWS = 4096  # their lengths fit the cache


class Longest(NamedTuple):
    """The longest words for one size of sets, and the automata that need them."""

    length: int
    deltas: Deltas
    """(found, 2, n)"""


Parts = Iterator[tuple[Deltas, Thresholds]]
"""Automata of one size, (batch, 2, n), with their thresholds."""


def enumerated(n: int, at_least: int, *, partial: bool) -> Parts:
    """Yield all automata with n states, up to isomorphism."""
    enumeration = Enumeration(n, 2, at_least=at_least, partial=partial)
    for unit in range(len(enumeration)):
        for found in enumeration.run(unit):
            for at in range(0, len(found.deltas), _ROWS):
                part = slice(at, at + _ROWS)
                yield found.deltas[part], found.reset_thresholds[part]


def longest_words(n: int, parts: Parts) -> tuple[dict[tuple[int, bool], Longest], int]:
    """Return what is longest by size, and by whether the automaton synchronizes; and how many."""
    none = Longest(-1, np.empty((0, 2, n), np.uint8))
    best = {(size, resets): none for size in range(2, n + 1) for resets in (False, True)}
    count = 0
    for deltas, thresholds in parts:
        count += len(deltas)
        longest = longest_by_size(subset_thresholds(deltas))
        for (size, wanted), before in best.items():
            lengths = np.where((thresholds >= 0) == wanted, longest[:, size], -1)
            top = max(before.length, int(lengths.max()))
            kept = before.deltas if before.length == top else none.deltas
            if top >= 0:
                best[size, wanted] = Longest(top, np.concatenate([kept, deltas[lengths == top]]))
    return best, count


def example(deltas: Deltas, size: int, length: int) -> str:
    """Return the automaton that is first in canonical form, a set of it and its least word."""
    k, n = deltas.shape[1:]
    form = min(canonical_forms(deltas), key=bytes)
    delta = from_canonical(form[None], n, k, partial=True)[0]
    lengths = subset_thresholds(delta[None])[0]
    sizes = np.bitwise_count(np.arange(1 << n))
    mask = int(np.flatnonzero((sizes == size) & (lengths == length))[0])
    states = [q for q in range(n) if mask >> q & 1]
    word = shortest_word(delta, from_states=states)
    return f"{format_delta(delta)} from {states}: {format_word(word or ())}"


def print_table(n: int, parts: Parts) -> None:
    """Print what is longest among automata with n states."""
    began = time.process_time()
    best, count = longest_words(n, parts)
    seconds = time.process_time() - began
    print(f"n={n}: {count:,} automata, {seconds:.0f} s of processor time")
    for (size, resets), (length, deltas) in best.items():
        if len(deltas):
            kind = "synchronizing" if resets else "others"
            shown = example(deltas, size, length)
            print(f"  size {size}, {kind}: {length} ({len(deltas)} automata), {shown}")


def main() -> None:
    """Print a table for each n, or for the folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("n", type=int, nargs="*")
    parser.add_argument("--at-least", type=int, default=0)
    parser.add_argument("--partial", action="store_true")
    parser.add_argument("--of", type=Path)
    args = parser.parse_args()
    for n in args.n:
        print_table(n, enumerated(n, args.at_least, partial=args.partial))
    if args.of:
        rows = read_dataset(args.of)
        print_table(rows.n, iter([(rows.deltas, rows.reset_thresholds)]))


if __name__ == "__main__":
    main()
