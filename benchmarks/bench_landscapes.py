"""Arms of `discover` in every landscape: expected calls and seconds until the record, and ratios.

Run from the repository: python benchmarks/bench_landscapes.py [LANDSCAPE ..]

A landscape is one of `data.records`; by default all are run, one after the other. Each has its
folder in --out, so the same command goes on where it was ended, and more arms or seeds join it. The
tables are those of ``running_times.csv`` there.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from data.records import landscapes  # noqa: E402

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


def show(name, table):
    """Print the expected running times of a landscape, a row for each size, and the ratios."""
    for unit in ("calls", "seconds"):
        cells = table.assign(cell=[text(row, unit) for row in table.to_dict("records")])
        wide = cells.pivot(index=["n", "record"], columns="arm", values="cell")
        wide = wide[list(dict.fromkeys(table["arm"]))]
        for arm, own in table.groupby("arm", sort=False):
            if arm.startswith("mix"):
                low, high = own[f"{unit}_ratio_low"], own[f"{unit}_ratio_high"]
                ratios = zip(own[f"{unit}_ratio"], low, high, strict=True)
                wide[f"{arm} / best rule"] = ["{:.2g} [{:.2g}, {:.2g}]".format(*r) for r in ratios]
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
        folder = asked.out / name
        command = [
            sys.executable,
            "pipeline.py",
            "discover",
            *options(landscapes()[name], asked.to),
        ]
        for option in ("arms", "seeds", "budget", "workers"):
            command += [f"--{option}", getattr(asked, option)]
        command += ["--first-look", asked.budget, "--start-budget", asked.start_budget]
        subprocess.run([*command, "--out", str(folder)], check=True, stdout=subprocess.DEVNULL)
        show(name, pd.read_csv(folder / "running_times.csv"))


if __name__ == "__main__":
    main()
