"""The longest thresholds of discoveries: which arms and seeds found them, after how many calls.

python benchmarks/reached.py RUN [RUN ..]       folders of discover, with the same k

Sizes of the start count as an arm of their own. A seed reaches a size's longest threshold at the
call that first found it.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from search.discovery.saved import load_step
from search.jobs.discovery_plan import START, seed_folders


def first_calls(runs):
    """Return {n: {arm: {(run, seed): (longest threshold, calls up to it)}}}."""
    found = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        for seed in seed_folders(run):
            for folder in sorted(seed.glob("*/n-*")):
                step = load_step(folder)
                if step is None:
                    continue
                longest = int(step.thresholds.max(initial=-1))
                own = step.found_at[step.thresholds == longest]
                calls = int(own.min(initial=step.calls))
                found[step.n][folder.parent.name][run, seed.name] = longest, calls
    return found


def main():
    """Print a row for each size and arm."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+", type=Path)
    found = first_calls(parser.parse_args().runs)
    print("  n  longest  arm         its longest  seeds with it  calls: median  most")
    for n, arms in sorted(found.items()):
        longest = max(own for seeds in arms.values() for own, _ in seeds.values())
        for arm in sorted(arms, key=lambda name: (name != START, name)):
            lengths, calls = np.array([*arms[arm].values()]).T
            own = lengths.max()
            reached = calls[lengths == own]
            seeds = f"{len(reached)} of {len(lengths)}"
            print(
                f"{n:3}  {longest:7}  {arm:10}  {own:11}  {seeds:>13}  "
                f"{int(np.median(reached)):13,}  {reached.max():,}"
            )


if __name__ == "__main__":
    main()
