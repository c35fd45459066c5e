"""Search that learns from its finds beside evolution: equal calls, equal seconds, break-even.

Run from the repository: python benchmarks/bench_retrain.py runs/retrain [--budgets 20000,100000]
[--train "--adversarial 1"]

It makes the data and the models of the demo for each seed (unless FOLDER/seed-S/data and model are
there), and a line of FOLDER/results.jsonl for each run; started again it goes on with the runs that
are missing. With --truth DIR (enumerate -n 8 -k 2 --at-least 36 --out DIR) it prints recall too.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from itertools import product
from pathlib import Path

import numpy as np
import torch
from seeds import interval

from automata.evolution import Evolution
from automata.solver.exact import reset_thresholds
from data.best_known import Scale
from data.dataset import read_dataset
from data.streams import stream
from search.arms.account import Arm
from search.arms.baselines import run_evolution
from search.arms.oracle import Oracle
from search.arms.retrain import run_retraining
from search.configs import EXCHANGES, LEARNING, RetrainConfig, SearchConfig
from search.scoring.recall import open_truth, score
from search.summary import hit_thresholds
from vae.checkpoint import load_model

N = 8
SEEDS = range(5)
ARCHIVES, SOFTNESSES = (100, 200, 500, 1000, 2000), (0.02, 0.1, 1.0)
LEARN = {20_000: {"retrain": 60}, 100_000: {"retrain": 120, "retrain_parents": 3000, "screen": 16}}
"""Settings of the arms that learn, by budget."""
MANY = 2_000_000
"""Calls of the evolutions that are compared by the clock."""
LEAST = [int(np.ceil(share * (N - 1) ** 2)) for share in (0.6, 0.7, 0.8)] + [
    hit_thresholds(Scale(N, 2))["hits_top"]
]


def make(folder, seed, extra):
    """Make the data and the model of the demo, with more options, if they are not there."""
    data, model = folder / f"seed-{seed}" / "data", folder / f"seed-{seed}" / "model"
    lines = [
        "generate -n 8 -k 2 --count 60000 --sampler evolved --ceiling 0.6 --calls 2000000 "
        f"--out {data}",
        f"train --data {data} --out {model} --epochs 8 --device cpu {extra}",
    ]
    for line, own in zip(lines, (data, model), strict=True):
        if not (own / "run.json").exists():
            words = [*line.split(), "--seed", str(seed), "--workers", "1"]
            subprocess.run([sys.executable, "pipeline.py", *words], check=True)
    return data, model


def plans(budgets, arms):
    """List the runs of some arms with one seed: (name, budget, settings)."""
    runs = []
    for budget in budgets:
        for archive, softness in product(ARCHIVES, SOFTNESSES):
            runs.append(("evolve", budget, {"archive_size": archive, "softness": softness}))
        runs += [(mode, budget, LEARN[budget]) for mode in LEARNING]
    for archive in (2000, 20_000):
        runs.append(("evolve", MANY, {"archive_size": archive, "softness": 0.02}))
    return [run for run in runs if run[0] in arms]


def run_one(name, budget, settings, seed, data, model, truth):
    """Run an arm; return what is kept of it."""
    oracle = Oracle(data.n, data.k, data)
    arm, seconds = Arm(oracle, name, 0, budget), {}
    rng = stream(seed, "search", 9 + LEARNING.index(name) if name in LEARNING else 8)
    start = time.perf_counter(), time.process_time()
    if name == "evolve":
        config = Evolution(calls=budget, batch=256, exchanges=EXCHANGES, **settings)
        known = data.deltas, data.reset_thresholds
        run_evolution(rng, arm, config, lambda calls: None, known)
    else:
        learning = RetrainConfig(**settings)
        config = SearchConfig(budget=budget, learning=learning)
        settings = asdict(learning)
        run_retraining(rng, arm, model, data, config, lambda calls: None, seconds)
    ended = time.perf_counter(), time.process_time()
    trace = arm.trace()
    new = (
        trace.found_at[trace.thresholds >= LEAST[0]],
        trace.thresholds[trace.thresholds >= LEAST[0]],
    )
    recall = {}
    if truth is not None:
        table = score(truth, [trace]).table
        last = table[table["calls"] == table["calls"].max()]
        recall = dict(zip(last["threshold"].tolist(), last["recall"].tolist(), strict=True))
    return {
        "settings": settings,
        "calls": arm.calls,
        "seconds": ended[0] - start[0],
        "processor": ended[1] - start[1],
        "train": seconds.get("train", 0.0),
        "sources": {source: tally._asdict() for source, tally in arm.tallies.items()},
        "found_at": new[0].tolist(),
        "thresholds": new[1].tolist(),
        "recall": recall,
    }


def show(rows, budgets):
    """Print hits per 1,000 calls, seconds, recall; and what equal seconds and dear calls change."""
    rng = np.random.default_rng(0)
    arms = {}
    for row in rows:
        arms.setdefault((row["budget"], row["name"], row["key"]), []).append(row)
    print("hits per 1,000 calls at >= " + ", >= ".join(map(str, LEAST)) + "; recall >= 36; seconds")
    for (budget, name, key), own in sorted(arms.items(), key=lambda item: item[0][:2]):
        cells = []
        for least in LEAST:
            hits = [1000 * sum(t >= least for t in row["thresholds"]) / row["calls"] for row in own]
            cells.append("{:6.2f} [{:6.2f}, {:6.2f}]".format(*interval(hits, rng)))
        recall = [row["recall"].get("36", np.nan) for row in own]
        seconds = np.mean([row["seconds"] for row in own])
        cells.append("{:.3f} [{:.3f}, {:.3f}]".format(*interval(recall, rng)))
        print(f"{budget:>8} {name:<15} {key:<28} n={len(own)} {' '.join(cells)} {seconds:8.1f} s")
    print("\nprocessor time: an evolution of many calls reaches the hits of an arm that learns")
    for budget, mode in product(budgets, LEARNING):
        for least in LEAST:
            show_clock(rows, budget, mode, least)


def show_clock(rows, budget, mode, least):
    """Print calls and seconds of evolution until it has as many hits, and the break-even."""
    lines = []
    for row in rows:
        if (row["budget"], row["name"]) != (budget, mode):
            continue
        hits = sum(t >= least for t in row["thresholds"])
        ways = []
        for other in rows:
            if (other["budget"], other["seed"], other["name"]) == (MANY, row["seed"], "evolve"):
                found = [
                    at
                    for at, t in zip(other["found_at"], other["thresholds"], strict=True)
                    if t >= least
                ]
                if 0 < hits <= len(found):
                    ways.append((found[hits - 1], other["processor"] / other["calls"]))
        if ways:
            calls, each = min(ways)
            more = calls - row["calls"]
            even = (row["processor"] - calls * each) / more if more > 0 else np.nan
            lines.append((hits, calls, calls * each, row["processor"], 1000 * even))
    if lines:
        hits, calls, spent, learned, even = np.median(np.array(lines), axis=0)
        print(
            f"{mode} {budget} calls, >= {least}: {hits:.0f} hits in {learned:.1f} s; evolve needs "
            f"{calls:,.0f} calls and {spent:.1f} s; even at {even:.2f} ms a call "
            f"({len(lines)} seeds)"
        )


def main():
    """Run what is missing and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budgets", default="20000,100000")
    parser.add_argument("--arms", default=",".join(("evolve", *LEARNING)))
    parser.add_argument("--train", default="", help="more options of train")
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    own = parser.parse_args()
    torch.set_num_threads(1)
    budgets = [int(word) for word in own.budgets.split(",")]
    file = own.folder / "results.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    done = {(row["seed"], row["budget"], row["name"], row["key"]) for row in rows}
    reset_thresholds(np.zeros((1, 2, N), np.uint8))  # compiled before anything is timed
    truth = open_truth(own.truth, N, 2, ()) if own.truth else None
    for seed in map(int, own.seeds.split(",")):
        data_folder, model_folder = make(own.folder, seed, own.train)
        data, model = read_dataset(data_folder), load_model(model_folder).eval()
        for name, budget, settings in plans(budgets, own.arms.split(",")):
            key = " ".join(f"{field}={value}" for field, value in settings.items())
            if (seed, budget, name, key) in done:
                continue
            found = run_one(name, budget, settings, seed, data, model, truth)
            row = {"seed": seed, "budget": budget, "name": name, "key": key, **found}
            rows.append(json.loads(json.dumps(row)))
            with file.open("a") as out:
                out.write(json.dumps(row) + "\n")
            print(f"seed {seed}: {name} {budget} {key}: {found['seconds']:.1f} s", file=sys.stderr)
    show(rows, budgets)


if __name__ == "__main__":
    main()
