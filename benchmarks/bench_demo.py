"""The demo over five seeds: hits of every arm beside the baselines.

Run from the repository: python benchmarks/bench_demo.py (a few minutes a seed, on two cores)
"""

import subprocess
import sys
from pathlib import Path

import pandas as pd

SEEDS = range(5)


def run_demo(seed):
    """Run the demo with a seed; return its summary and its best candidate."""
    folder = Path("runs") / f"demo-seed{seed}"
    command = [sys.executable, "pipeline.py", "demo", "--seed", str(seed), "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    summary = pd.read_csv(folder / "search" / "summary.csv").assign(seed=seed)
    candidates = pd.read_csv(folder / "search" / "candidates.csv", keep_default_na=False)
    return summary, candidates


def main():
    """Print, for each arm, hits per 1,000 solver calls for each seed and their mean."""
    runs = {seed: run_demo(seed) for seed in SEEDS}
    table = pd.concat([summary for summary, _ in runs.values()])
    order = table["mode"] + table["round"].map(lambda number: f" {number}" if number else "")
    table["arm"] = pd.Categorical(order, order.unique())
    for column in ("hits_0.6", "hits_0.7", "hits_0.8", "hits_top", "best_threshold"):
        wide = table.pivot(index="arm", columns="seed", values=column)
        wide["mean"] = wide.mean(axis=1).round(2)
        if column.startswith("hits"):
            wide["ratio to mutation"] = (wide["mean"] / wide["mean"]["mutation"]).round(2)
        print(f"\n{column}\n{wide.to_string()}")
    print("\nseed, best thresholds, known families among the candidates")
    for seed, (_, candidates) in runs.items():
        families = sorted(set(candidates["family"]) - {""})
        print(seed, candidates["reset_threshold"].head(5).tolist(), ", ".join(families))


if __name__ == "__main__":
    main()
