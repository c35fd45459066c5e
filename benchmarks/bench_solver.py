"""The solver in every regime, each beside a baseline run in turn with it: medians of five.

Run from the repository: python benchmarks/bench_solver.py [REGIME ..]

--sizes, --each and --minutes change the samples of larger, mutations, mutated-batch, slow, hard
and random. With --other FILE mutations, hard and random measure another solver too: a Python file
whose `solve(deltas)` returns, for each automaton of a list, the threshold, the seconds of
computing, and the most bytes of memory. The threshold is None where a limit of its own ended it,
the bytes are nan where it does not know them.
"""

import argparse
import importlib.util
import math
import os
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from automata import (  # noqa: E402
    UNDEFINED,
    careful_threshold,
    careful_thresholds,
    cerny_bound,
    reset_threshold,
    reset_thresholds,
)
from automata.families import FAMILIES, wielandt, wielandt_threshold  # noqa: E402
from automata.identification import known  # noqa: E402
from automata.partial_families import p_automaton  # noqa: E402
from automata.sampling import sample_synchronizing, sample_uniform  # noqa: E402
from automata.text.formats import format_delta  # noqa: E402
from automata.text.reading import read_automata  # noqa: E402
from automata.text.solve import SolveConfig  # noqa: E402
from automata.text.solve import solve as solve_text  # noqa: E402
from benchmarks.single import (  # noqa: E402
    hard,
    hard_ones,
    many_mutations,
    mutated_families,
    random_ones,
    search_forward,
    seeded,
)
from benchmarks.timing import alternate  # noqa: E402
from tests import naive  # noqa: E402

CERNY = FAMILIES[0]


def batches(_):
    """Uniform random batches against the pure-Python search."""
    print(f"{'n':>3} {'k':>2} {'naive/s':>10} {'ours/s':>12} {'ratio':>7}")
    for n, k in [(8, 2), (10, 2), (12, 2), (16, 2), (8, 3), (12, 3)]:
        deltas = sample_uniform(seeded(), 200_000, n, k)
        few = deltas[:2000].tolist()
        slow, fast = alternate(
            lambda few=few: [naive.reset_threshold(delta) for delta in few],
            lambda deltas=deltas: reset_thresholds(deltas),
        )
        slow, fast = len(few) / slow, len(deltas) / fast
        print(f"{n:>3} {k:>2} {slow:>10,.0f} {fast:>12,.0f} {fast / slow:>7.0f}")


def larger(options):
    """Uniform random batches with more states against n = 8."""
    print(f"{'n':>3} {'ours/s':>12} {'n=8 over it':>12} {'target':>7}")
    eight = sample_uniform(seeded(), 200_000, 8, 2)
    targets = {20: 10, 24: 20, 32: 80}
    for n in options.sizes or targets:
        deltas = sample_uniform(seeded(), options.each or (200_000 if n <= 16 else 30_000), n, 2)
        first, this = alternate(
            lambda: reset_thresholds(eight), lambda deltas=deltas: reset_thresholds(deltas)
        )
        rate = len(deltas) / this
        over = len(eight) / first / rate
        print(f"{n:>3} {rate:>12,.0f} {over:>12.1f} {targets.get(n, math.nan):>7}")


def mutations(delta):
    """Return all automata that differ from one in one transition, (k * n * (n - 1), k, n)."""
    k, n = delta.shape
    changed = np.repeat(delta[None], k * n * (n - 1), axis=0)
    rows = np.arange(len(changed))
    a, q = np.divmod(rows // (n - 1), n)
    changed[rows, a, q] = (changed[rows, a, q] + 1 + rows % (n - 1)) % n
    return changed


def slow_batches(_):
    """The known slow automata, and all their mutations, against a full forward search."""
    print(f"{'n':>3} {'what':>10} {'automata':>9} {'forward us':>11} {'ours us':>9} {'ratio':>7}")
    for n, most, few in [
        (12, 1000, 400),
        (16, 1000, 60),
        (20, 1000, 12),
        (24, 200, 4),
        (30, 40, 0),
    ]:
        families = np.stack([delta for _, delta in known(n, 2)])
        for name, deltas in [
            ("families", families),
            ("mutations", np.concatenate([mutations(delta) for delta in families])),
        ]:
            if n == 30 and name == "mutations":
                continue  # some take seconds: no mean tells much; see the regime `mutations`
            some = deltas[seeded().permutation(len(deltas))[:most]]
            many = np.tile(some, (max(1, 500 // len(some)) if name == "families" else 1, 1, 1))
            every, ours = alternate(
                lambda some=some, few=few: search_forward(some[:few]),
                lambda many=many: reset_thresholds(many),
                repeats=5 if n < 30 else 1,
            )
            every = every / min(few, len(some)) * 1e6 if few else np.nan
            ours = ours / len(many) * 1e6
            ratio = every / ours
            print(f"{n:>3} {name:>10} {len(deltas):>9} {every:>11.1f} {ours:>9.1f} {ratio:>7.1f}")


def slow_ones(options):
    """Single slow automata; microseconds as on a machine that solves 8M random ones with n = 8."""
    eight = sample_uniform(seeded(), 200_000, 8, 2)
    print(f"{'n':>3} {'name':>9} {'us':>8} {'least us':>9} {'scaled us':>10} {'target':>7}")
    targets = {30: 50, 40: 100, 60: 300, 100: 1000}
    for n in options.sizes or (*targets, 200):
        calls = 20 if n <= 64 else 5
        for name, delta, threshold in [
            ("Černý", CERNY.delta(n), cerny_bound(n)),
            ("Wielandt", wielandt(n, n - 1), wielandt_threshold(n, n - 1)),
        ]:
            assert reset_threshold(delta) == threshold
            times = []

            def solve(delta=delta, calls=calls, times=times):
                start = time.process_time()
                for _ in range(calls):
                    reset_threshold(delta)
                times.append(1e6 * (time.process_time() - start) / calls)

            first, _ = alternate(lambda: reset_thresholds(eight), solve, repeats=15)
            us = float(np.median(times))
            print(
                f"{n:>3} {name:>9} {us:>8.0f} {min(times):>9.0f} "
                f"{us * len(eight) / first / 8e6:>10.0f} {targets.get(n, math.nan):>7}"
            )


def two_workers(_):
    """Two threads against one."""
    print(f"{'what':>24} {'one s':>8} {'two s':>8} {'ratio':>6}")
    million = sample_uniform(seeded(), 1_000_000, 8, 2)
    big = sample_synchronizing(seeded(), 1, 200, 2)[0]
    text = "\n".join(map(format_delta, million[:300_000])).encode()

    def lines(words, workers):
        config = SolveConfig(words=words)
        for found in solve_text(read_automata(BytesIO(text)), config, workers=workers):
            for solved in found:
                "\n".join(solved.texts())

    for name, solve in [
        ("1M random, n = 8", lambda workers: reset_thresholds(million, workers=workers)),
        ("300,000 lines, words", lambda workers: lines(True, workers)),
        ("300,000 lines, no words", lambda workers: lines(False, workers)),
        ("hard, n = 24", lambda workers: reset_threshold(hard(24), workers=workers)),
        ("hard, n = 30", lambda workers: reset_threshold(hard(30), workers=workers)),
        ("random, n = 200", lambda workers: reset_threshold(big, workers=workers)),
    ]:
        one, two = alternate(
            lambda solve=solve: solve(1), lambda solve=solve: solve(2), clock=time.perf_counter
        )
        print(f"{name:>24} {one:>8.3f} {two:>8.3f} {one / two:>6.2f}")


def sets_visited(deltas):
    """Return the mean number of sets that a breadth-first search leads on by all letters."""
    visited = 0
    for delta in deltas.tolist():
        known = {frozenset(range(len(delta[0])))}
        queue, found = [*known], False
        for states in queue:
            if found:
                break
            visited += 1
            for letter in delta:
                image = frozenset(letter[q] for q in states)
                if image not in known and UNDEFINED not in image:
                    known.add(image)
                    queue.append(image)
                    found = found or len(image) == 1
    return visited / len(deltas)


def careful(_):
    """Careful thresholds: by kernels told of undefined transitions, against those that are not.

    Then the sets that a forward search visits for an automaton, counted in plain Python, and by
    them the sets a second of each of the three.
    """
    names = ["complete", "told", "partial"]
    rates = " ".join(f"{f'{name} M/s':>12}" for name in names)
    columns = f"{'n':>3} {'complete ns':>11} {'told ns':>8} {'ratio':>6} {'partial ns':>11}"
    print(f"{columns} {'sets':>6} {'partial':>7} {rates} {'ratio':>6}")
    for n, count in [(8, 300_000), (10, 200_000), (12, 150_000), (16, 50_000), (20, 20_000)]:
        deltas = sample_uniform(seeded(), count, n, 2)
        partial = deltas.copy()
        partial[:, 1][seeded().random((count, n)) < 0.1] = UNDEFINED
        plain, told = alternate(
            lambda deltas=deltas: reset_thresholds(deltas),
            lambda deltas=deltas: careful_thresholds(deltas),
        )
        _, own = alternate(lambda: None, lambda partial=partial: careful_thresholds(partial))
        each = [1e9 * seconds / count for seconds in (plain, told, own)]
        sets, fewer = sets_visited(deltas[:2000]), sets_visited(partial[:2000])
        rates = [1e3 * own / spent for own, spent in zip((sets, sets, fewer), each, strict=True)]
        line = f"{n:>3} {each[0]:>11.0f} {each[1]:>8.0f} {each[1] / each[0]:>6.2f} {each[2]:>11.0f}"
        line += f" {sets:>6.1f} {fewer:>7.1f} " + " ".join(f"{rate:>12.1f}" for rate in rates)
        print(f"{line} {rates[2] / rates[0]:>6.2f}")
    for n, c in [(12, 1), (16, 3), (18, 3), (24, 4)]:
        delta = p_automaton(n, c)
        _, seconds = alternate(lambda: None, lambda delta=delta: careful_threshold(delta))
        print(f"P({n}, {c}): {careful_threshold(delta)} letters, {1e3 * seconds:.2f} ms")


def first_call(_):
    """The first call in a new process: compiling, and with what was compiled before."""
    code = (
        "import time; start = time.perf_counter(); import numpy as np; "
        "from automata import reset_thresholds; "
        "deltas = np.random.default_rng(0).integers(0, 8, (1000, 2, 8), dtype=np.uint8); "
        "reset_thresholds(deltas); print(time.perf_counter() - start)"
    )
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}

        def run():
            command = [sys.executable, "-c", code]
            return float(subprocess.check_output(command, env=environment, text=True))

        cold = run()
        warm = float(np.median([run() for _ in range(5)]))
    print(f"first call: {warm:.2f} s, {cold:.2f} s with nothing compiled before")


def mixed(_):
    """A million random automata with n = 24, without and with one of Černý's among them."""
    deltas = sample_uniform(seeded(), 1_000_000, 24, 2)
    with_one = deltas.copy()
    with_one[500_000] = CERNY.delta(24)
    without, with_it = alternate(
        lambda: reset_thresholds(deltas), lambda: reset_thresholds(with_one), repeats=3
    )
    print(f"without {without:.2f} s, with {with_it:.2f} s, ratio {with_it / without:.3f}")


REGIMES = {
    "batches": batches,
    "larger": larger,
    "slow-batches": slow_batches,
    "mutations": mutated_families,
    "mutated-batch": many_mutations,
    "slow": slow_ones,
    "hard": hard_ones,
    "random": random_ones,
    "workers": two_workers,
    "careful": careful,
    "first-call": first_call,
    "mixed": mixed,
}


def numbers(text):
    """Return the whole numbers of a comma-separated list."""
    return tuple(map(int, text.split(",")))


def main():
    """Run the regimes asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("regimes", nargs="*", metavar="REGIME", help=", ".join(REGIMES))
    parser.add_argument("--other", type=Path, metavar="FILE")
    parser.add_argument("--sizes", type=numbers, metavar="N,N", help="numbers of states")
    parser.add_argument("--each", type=int, metavar="COUNT", help="automata, runs of hard ones")
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="of mutations for each n, then no new round"
    )
    parser.add_argument("--limit", type=float, help="seconds for each mutation, for ours")
    parser.add_argument(
        "--only", default="", metavar="NAME", help='mutations whose name begins so, as "C, 1"'
    )
    options = parser.parse_args()
    if options.other:
        spec = importlib.util.spec_from_file_location("other", options.other)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        options.other = module.solve
    for name in options.regimes or REGIMES:
        print(f"\n{name}: {REGIMES[name].__doc__}")
        REGIMES[name](options)


if __name__ == "__main__":
    main()
