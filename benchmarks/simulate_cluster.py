"""How long an enumeration would take on a cluster, from the measured times of some of its units.

    python benchmarks/simulate_cluster.py measure 10 2 66 --units 300 > times.json
    python benchmarks/simulate_cluster.py simulate times.json --cores 100 10000

Units come in a shuffled order, so the first ones are a random sample. `measure` searches them in
parts as `enumerate` does, and notes the processor time of each part and the parts it is split into.
`simulate` draws as many units as the enumeration has from this sample and gives their parts to
cores, in the order and in the batches of `enumerate`. A scheduler hands out so many tasks a second.
"""

import argparse
import heapq
import json
import random
import sys
import time
from collections import deque
from typing import Any

from automata.enumeration import Enumeration, Part

NODES, NODES_A_WORKER, MOST_UNITS = 1 << 22, 1 << 14, 1024
"""As in `data.finding`."""
Tree = list[Any]
"""[seconds, nodes, trees of the parts that the rest was split into]"""


def measure_part(enumeration: Enumeration, part: Part) -> Tree:
    """The tree of one part."""
    before = time.process_time()
    found, rest = enumeration.run_part(part, NODES)
    seconds = time.process_time() - before
    nodes = sum(one.nodes for one in found)
    return [seconds, nodes, [measure_part(enumeration, one) for one in rest]]


def measure(n: int, k: int, at_least: int, units: int) -> dict[str, Any]:
    """The trees of the first units of an enumeration."""
    enumeration = Enumeration(4, k, at_least=9)
    measure_part(enumeration, enumeration.part(0))  # loads compiled code
    before = time.process_time()
    enumeration = Enumeration(n, k, at_least=at_least)
    plan = time.process_time() - before
    count = min(units, len(enumeration))
    trees = [measure_part(enumeration, enumeration.part(index)) for index in range(count)]
    record = {"n": n, "k": k, "at_least": at_least, "units": len(enumeration), "plan": plan}
    return record | {"trees": trees}


def total(tree: Tree, place: int = 0) -> float:
    """The seconds, or the nodes, of a tree."""
    return tree[place] + sum(total(part, place) for part in tree[2])


def longest(tree: Tree) -> float:
    """The seconds of the longest chain of parts, each of which waits for the one before."""
    return tree[0] + max(map(longest, tree[2]), default=0)


def run(task: list[Tree], nodes: int) -> tuple[float, list[list[Tree]]]:
    """The seconds of a task, and the tasks that it leaves when its nodes are spent."""
    left, seconds = deque(task), 0.0
    while left:
        own, tried, parts = left.popleft()
        seconds += own
        nodes -= tried
        left.extendleft(reversed(parts))
        if nodes <= 0:
            break
    first = [left.popleft()] if left else []
    return seconds, [part for part in (first, [*left]) if part]


def simulate(times: dict[str, Any], cores: int, rate: float, scale: float) -> str:
    """The hours of a schedule, and the share of the time of all cores that is spent."""
    chance, trees = random.Random(0), times["trees"]
    nodes = max(NODES, NODES_A_WORKER * cores)
    mean = sum(total(tree, 1) for tree in trees) / len(trees)
    batch = max(1, min(MOST_UNITS, int(nodes // 2 / max(1, mean))))
    left = int(times["units"] * scale)
    waiting: deque[list[Tree]] = deque()
    free, handed = [0.0] * cores, 0.0
    running: list[tuple[float, int, list[list[Tree]]]] = []
    spent = now = 0.0
    tasks = 0
    while left or waiting or running:
        while free and (waiting or left):
            if waiting:
                task = waiting.popleft()
            else:
                task = [trees[chance.randrange(len(trees))] for _ in range(min(batch, left))]
                left -= len(task)
            seconds, rest = run(task, nodes)
            handed = max(handed + 1 / rate, now)
            tasks += 1
            end = max(heapq.heappop(free), handed) + seconds
            heapq.heappush(running, (end, tasks, rest))
            spent += seconds
        now, _, rest = heapq.heappop(running)
        heapq.heappush(free, now)
        waiting.extend(rest)
    hours = (now + times["plan"]) / 3600
    return (
        f"{cores:>7} cores: {hours:10.4f} hours with the plan, {tasks} tasks, "
        f"{100 * spent / now / cores:5.1f} % of the cores' time used after it"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("measure")
    for name in ("n", "k", "at_least"):
        one.add_argument(name, type=int)
    one.add_argument("--units", type=int, default=300)
    other = commands.add_parser("simulate")
    other.add_argument("file")
    other.add_argument("--cores", type=int, nargs="+", default=[2, 100, 10_000])
    other.add_argument("--rate", type=float, default=500.0, help="tasks a second")
    other.add_argument("--scale", type=float, default=1.0, help="units, times those of the file")
    given = parser.parse_args()
    sys.setrecursionlimit(100_000)
    if given.command == "measure":
        print(json.dumps(measure(given.n, given.k, given.at_least, given.units)))
        return
    with open(given.file) as file:
        times = json.load(file)
    trees = times["trees"]
    seconds = sorted(total(tree) for tree in trees)
    mean = sum(seconds) / len(seconds)
    print(
        f"n={times['n']}, k={times['k']}, threshold >= {times['at_least']}: "
        f"{times['units']} units, seconds: plan {times['plan']:.0f}, mean {mean:.3f}, "
        f"median {seconds[len(seconds) // 2]:.3f}, "
        f"longest {seconds[-1]:.1f} ({max(map(longest, trees)):.1f} in parts); "
        f"{mean * times['units'] * given.scale / 3600:.2f} core hours"
    )
    for cores in given.cores:
        print(simulate(times, cores, given.rate, given.scale))


if __name__ == "__main__":
    main()
