"""Every prior, posterior and option of the model on the same data, at equal solver calls.

Run from the repository: python benchmarks/bench_options.py runs/options [--seeds 0,1,2,3,4]

For each seed it makes the data of the demo (unless FOLDER/seed-S/data is there), and with each
option trains the model of the demo, evaluates it, and searches with the modes below. Started again
it goes on with what is missing. The table has means over seeds, with 95 % intervals.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from seeds import interval

OPTIONS = {
    "default": "",
    "mixture": "--prior mixture",
    "vamp": "--prior vamp",
    "sphere": "--prior sphere",
    "flow": "--prior flow",
    "planar": "--posterior planar",
    "iaf": "--posterior iaf",
    "guide": "--guide",
    "adversarial": "--adversarial 1",
    "repeat": "--decoder repeat",
}
SEARCHES = {
    "encode-decode": "--mode encode-decode",
    "prior": "--mode prior",
    "neighbourhood": "--mode neighbourhood --spread 1",
    "gradient": "--mode gradient",
}
HITS = ("hits_0.6", "hits_0.7", "hits_0.8", "hits_top")
MEASURES = (
    *("exact_from_mu", "valid_as_decoded", "valid_after_repair", "uniqueness", "novelty"),
    "active_units",
)


def command(line, seed):
    """Run a command of the pipeline."""
    words = [sys.executable, "pipeline.py", *line.split(), "--seed", str(seed), "--workers", "1"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def run_one(folder, name, seed):
    """Make what is missing for an option and a seed; return the summary and the measures."""
    data, own = folder / f"seed-{seed}" / "data", folder / f"seed-{seed}" / name
    model = own / "model"
    if not (data / "run.json").exists():
        command(
            "generate -n 8 -k 2 --count 60000 --sampler evolved --ceiling 0.6 --calls 2000000 "
            f"--out {data}",
            seed,
        )
    if not (model / "run.json").exists():
        extra = OPTIONS[name]
        command(f"train --data {data} --out {model} --epochs 8 --device cpu {extra}", seed)
    if not (model / "evaluation.json").exists():
        command(f"evaluate --model {model}", seed)
    summaries = []
    for mode, extra in SEARCHES.items():
        found = own / mode
        if not (found / "run.json").exists():
            line = f"search --model {model} --data {data} --out {found} --budget 20000 {extra}"
            command(line, seed)
        summary = pd.read_csv(found / "summary.csv")
        summaries.append(summary if not summaries else summary[summary["mode"] == mode])
    measures = json.loads((model / "evaluation.json").read_text())["results"]
    seconds = json.loads((model / "run.json").read_text())["seconds"]
    return pd.concat(summaries), measures | {"train_seconds": seconds}


def told(values, rng):
    """Return the text of a mean with its interval."""
    return "{:.2f} [{:.2f}, {:.2f}]".format(*interval(values, rng))


def show(runs):
    """Print the measures of each option, and the hits of each arm with it."""
    rng = np.random.default_rng(0)
    names = [name for name in OPTIONS if any(key[0] == name for key in runs)]
    table = {
        name: {
            measure: told([own[measure] for key, (_, own) in runs.items() if key[0] == name], rng)
            for measure in (*MEASURES, "train_seconds")
        }
        for name in names
    }
    print(pd.DataFrame(table).T.to_string())
    for column in HITS:
        cells = {}
        for name in names:
            summaries = pd.concat([own for key, (own, _) in runs.items() if key[0] == name])
            arms = summaries.groupby(["mode", "round"], sort=False)[column]
            cells[name] = {arm: told(values, rng) for arm, values in arms}
        print(f"\n{column}, per 1,000 calls\n{pd.DataFrame(cells).to_string()}")


def main():
    """Run what is missing and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--options", default=",".join(OPTIONS))
    own = parser.parse_args()
    runs = {}
    for seed in map(int, own.seeds.split(",")):
        for name in own.options.split(","):
            runs[name, seed] = run_one(own.folder, name, seed)
            print(f"seed {seed}: {name}", file=sys.stderr)
    show(runs)


if __name__ == "__main__":
    main()
