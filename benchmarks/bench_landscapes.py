"""Arms of `discover` in every landscape: expected calls and seconds until the record, and ratios.

python benchmarks/bench_landscapes.py [LANDSCAPE ..]

A landscape is one of `data.records`; by default all are run, one after the other. Each has its
folder in --out, so the same command goes on where it was ended, and more arms or seeds join it. The
tables are those of ``running_times.csv`` there, also of one arm with one seed.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from data.records import landscapes  # noqa: E402
from search.scoring.records import RECORD_SCORES  # noqa: E402
from search.scoring.running_times import running_times  # noqa: E402

SIZES = {2: ("5", "8", "12"), 3: ("4", "6", "10"), 4: ("3", "5", "8")}
"""By the number of letters: the smallest size, where the start ends, and the largest by default."""


def options(landscape, to):
    """Return the options of `discover` that choose a landscape and the sizes."""
    least, start_to, most = SIZES[landscape.k]
    words = ["-k", str(landscape.k), "--from", least, "--start-to", start_to, "--to", to or most]
    for name in landscape.classes:
        words += ["--class", name]
    return words + ["--partial"] * landscape.partial


def text(row, unit):
    """Return an expected running time, and how many seeds reached the record if not all did."""
    if not row["reached"]:
        return "-"
    time = row[f"{unit}_time"]
    time = f"{time:,.0f}" if time >= 100 or unit == "calls" else f"{time:.2g}"
    seeds = "" if row["reached"] == row["seeds"] else f" ({row['reached']} of {row['seeds']})"
    return f"{time}{seeds}"


def ratio(row, unit):
    """Return the ratio to the best arm without a model, with its interval; "-" without one."""
    if row[f"{unit}_ratio"] != row[f"{unit}_ratio"]:
        return "-"
    return "{:.2g} [{:.2g}, {:.2g}]".format(
        *(row[f"{unit}_ratio{end}"] for end in ("", "_low", "_high"))
    )


def discover(words, folder):
    """Run `discover`, and return the scores by records of all runs in the folder.

    If it fails or is interrupted, this ends with its exit code; it has said why.
    """
    command = [sys.executable, str(ROOT / "pipeline.py"), "discover", *words, "--json"]
    with subprocess.Popen([*command, "--out", str(folder)], stdout=subprocess.PIPE) as child:
        try:
            printed, _ = child.communicate()
        except KeyboardInterrupt:
            child.wait()  # the terminal has interrupted it, too
            sys.exit(130)
    if child.returncode:
        sys.exit(child.returncode)
    scores = pd.DataFrame(json.loads(printed)["records"], columns=RECORD_SCORES)
    return scores.set_index("arm").apply(pd.to_numeric).reset_index()  # null becomes nan


def show(name, table):
    """Print the expected running times of a landscape, a row for each size, and the ratios."""
    for unit in ("calls", "seconds"):
        cells = table.assign(cell=[text(row, unit) for row in table.to_dict("records")])
        wide = cells.pivot(index=["n", "record"], columns="arm", values="cell")
        wide = wide[list(dict.fromkeys(table["arm"]))]
        for arm, own in table.groupby("arm", sort=False):
            if arm.startswith("mix"):
                wide[f"{arm} / best rule"] = [ratio(row, unit) for row in own.to_dict("records")]
        print(f"\n{name}, {unit}\n{wide.reset_index().to_string(index=False)}", flush=True)


def main():
    """Run `discover` in each landscape and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("landscapes", nargs="*", metavar="LANDSCAPE", default=[*landscapes()])
    parser.add_argument("--arms", default="mix,mix-late,rules,insertion,stretch,evolve")
    parser.add_argument("--seeds", default="3")
    parser.add_argument("--to")
    parser.add_argument("--budget", default="30000")
    parser.add_argument("--start-budget", default="60000")
    parser.add_argument("--workers", default="1")
    parser.add_argument("--out", type=Path, default=Path("runs/landscapes"))
    asked = parser.parse_args()
    unknown = [name for name in asked.landscapes if name not in landscapes()]
    if unknown:
        parser.error(f"no landscape {unknown[0]!r}: they are {', '.join(landscapes())}")
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.landscapes:
        words = options(landscapes()[name], asked.to)
        for option in ("arms", "seeds", "budget", "workers"):
            words += [f"--{option}", getattr(asked, option)]
        words += ["--first-look", asked.budget, "--start-budget", asked.start_budget]
        show(name, running_times(discover(words, asked.out / name)))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
