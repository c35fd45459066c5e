"""The longest thresholds of discoveries: which arms and seeds found them, after how many calls.

python benchmarks/reached.py RUN [RUN ..]       folders of discover, with the same k

Sizes of the start count as an arm of their own. A seed reaches a size's longest threshold at the
call that first found it. Steps are read as they are, without solving their automata again.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from search.discovery.step import is_finished
from search.jobs.discovery_plan import START, seed_folders


def first_calls(runs):
    """Return {n: {arm: {(run, seed): (longest threshold, calls up to it)}}}."""
    found = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        for seed in seed_folders(run):
            for folder in sorted(seed.glob("*/n-*")):
                if not is_finished(folder):
                    continue
                facts = json.loads((folder / "step.json").read_text())
                with np.load(folder / "found.npz") as columns:
                    thresholds, found_at = columns["thresholds"], columns["found_at"]
                longest = int(thresholds.max(initial=-1))
                calls = int(found_at[thresholds == longest].min(initial=facts["calls"]))
                found[facts["n"]][folder.parent.name][run, seed.name] = longest, calls
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
