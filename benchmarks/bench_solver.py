"""The solver in every regime, each beside a baseline run in turn with it: medians of five.

Run from the repository: python benchmarks/bench_solver.py [REGIME ..]

With --other FILE another solver is measured too: a Python file whose `solve(deltas)` returns the
threshold and the seconds of computing of each automaton of a list.
"""

import argparse
import importlib.util
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
from automata.families import FAMILIES, wielandt, wielandt_threshold
from automata.identification import known
from automata.kernels import forward  # noqa: E402
from automata.partial_families import p_automaton
from automata.sampling import sample_synchronizing, sample_uniform  # noqa: E402
from automata.solver.dense import RUNNING, DenseSearch  # noqa: E402
from automata.text.formats import format_delta  # noqa: E402
from automata.text.reading import read_automata  # noqa: E402
from automata.text.solve import SolveConfig  # noqa: E402
from automata.text.solve import solve as solve_text  # noqa: E402
from benchmarks.timing import alternate  # noqa: E402
from tests import naive  # noqa: E402

CERNY = FAMILIES[0]


def seeded():
    """Return the generator that every regime starts with."""
    return np.random.default_rng(0)


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


def larger(_):
    """Uniform random batches with n = 20, 24, 32 against n = 8."""
    print(f"{'n':>3} {'ours/s':>12} {'n=8 over it':>12} {'target':>7}")
    eight = sample_uniform(seeded(), 200_000, 8, 2)
    for n, target in [(20, 10), (24, 20), (32, 80)]:
        deltas = sample_uniform(seeded(), 30_000, n, 2)
        first, this = alternate(
            lambda: reset_thresholds(eight), lambda deltas=deltas: reset_thresholds(deltas)
        )
        rate = len(deltas) / this
        print(f"{n:>3} {rate:>12,.0f} {len(eight) / first / rate:>12.1f} {target:>7}")


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


def search_forward(deltas):
    """Search forward through all sets of states that are met."""
    _, k, n = deltas.shape
    if n <= forward.MAX_STATES:
        thresholds = np.empty(len(deltas), np.int32)
        forward.reset_thresholds(deltas, thresholds, 1 << n, forward.working_space(n, k, 1 << n))
        return
    for delta in deltas:  # none at all where 2^n sets are too many
        search = DenseSearch(delta)
        while search.status == RUNNING:
            search.advance()


def sampled_mutations(n, each):
    """Return automata that differ from a known family in one transition, and in two: each each."""
    rng = seeded()
    deltas = []
    for changes in (1, 2):
        for _, delta in known(n, 2):
            for _ in range(each):
                changed = delta.copy()
                for place in rng.choice(delta.size, changes, replace=False):
                    a, q = divmod(int(place), n)
                    changed[a, q] = (changed[a, q] + 1 + rng.integers(n - 1)) % n
                deltas.append(changed)
    return deltas


def mutated_families(other):
    """Automata one or two transitions from the known families, one by one."""
    print(
        f"{'n':>3} {'automata':>9} {'median us':>10} {'most s':>7} {'sum s':>7} {'other s':>8} "
        f"{'ratio':>6} {'least':>6} {'slower':>7}"
    )
    for n, each in ((20, 20), (24, 20), (28, 20), (32, 10)):
        deltas = [d for d in sampled_mutations(n, each) if reset_threshold(d) is not None]
        theirs = [(None, np.nan)] * len(deltas) if other is None else other(deltas)
        ours = []
        for delta, (threshold, _) in zip(deltas, theirs, strict=True):
            start = time.process_time()
            found = reset_threshold(delta)
            ours.append(time.process_time() - start)
            assert threshold in (None, found)
        ours, theirs = np.array(ours), np.array([seconds for _, seconds in theirs])
        ratios = theirs / ours
        print(
            f"{n:>3} {len(deltas):>9} {1e6 * np.median(ours):>10.0f} {ours.max():>7.2f} "
            f"{ours.sum():>7.2f} {theirs.sum():>8.2f} {theirs.sum() / ours.sum():>6.2f} "
            f"{ratios.min():>6.2f} {np.sum(ratios < 1):>7}"
        )


def slow_ones(_):
    """Single slow automata; microseconds as on a machine that solves 8M random ones with n = 8."""
    eight = sample_uniform(seeded(), 200_000, 8, 2)
    print(f"{'n':>3} {'name':>9} {'us':>8} {'scaled us':>10} {'target':>7}")
    for n, target in [(30, 50), (40, 100), (60, 300), (100, 1000), (200, np.nan)]:
        for name, delta, threshold in [
            ("Černý", CERNY.delta(n), cerny_bound(n)),
            ("Wielandt", wielandt(n, n - 1), wielandt_threshold(n, n - 1)),
        ]:
            assert reset_threshold(delta) == threshold
            first, this = alternate(
                lambda: reset_thresholds(eight),
                lambda delta=delta: [reset_threshold(delta) for _ in range(20)],
            )
            scale = len(eight) / first / 8e6
            us = this / 20 * 1e6
            print(f"{n:>3} {name:>9} {us:>8.0f} {us * scale:>10.0f} {target:>7}")


def hard(n):
    """Return the automaton that explodes from both ends (the hard one of synchrowords 1.0)."""
    states = np.arange(n)
    delta = np.stack([(states + 1) % n, (states + 1) % n])
    delta[1, :3] = 3, 0, 3
    delta[1, -1] = 1
    return delta.astype(np.uint8)


def hard_ones(other):
    """Automata that explode from both ends, against a full forward search."""
    print(f"{'n':>3} {'threshold':>9} {'forward s':>10} {'ours s':>8} {'ratio':>6} {'other s':>8}")
    for n in (16, 20, 24, 26, 28, 30):
        delta = hard(n)
        alone = n > 24
        every, ours = alternate(
            (lambda: None) if alone else (lambda delta=delta: search_forward(delta[None])),
            lambda delta=delta: reset_threshold(delta),
            repeats=1 if alone else 5,
        )
        every = np.nan if alone else every
        theirs = np.nan if other is None else other([delta])[0][1]
        print(
            f"{n:>3} {reset_threshold(delta):>9} {every:>10.4f} {ours:>8.4f} "
            f"{every / ours:>6.1f} {theirs:>8.4f}"
        )


def random_ones(other):
    """Ten random automata each, against the other solver if there is one."""
    print(f"{'n':>3} {'median s':>9} {'most s':>8} {'other':>9} {'median ratio':>12} {'least':>6}")
    for n in (20, 30, 40, 60, 100, 150, 200, 300):
        deltas = list(sample_synchronizing(seeded(), 10, n, 2))
        theirs = [(None, np.nan)] * 10 if other is None else other(deltas)
        times = []
        for delta, (threshold, _) in zip(deltas, theirs, strict=True):
            found = reset_threshold(delta)
            assert threshold in (None, found)
            repeats = max(1, min(5, int(60 / max(n - 80, 1))))
            times.append(
                alternate(lambda: None, lambda delta=delta: reset_threshold(delta), repeats)[1]
            )
        ratios = np.array([seconds for _, seconds in theirs]) / np.array(times)
        median = np.median([seconds for _, seconds in theirs])
        print(
            f"{n:>3} {np.median(times):>9.4f} {max(times):>8.4f} {median:>9.4f} "
            f"{np.median(ratios):>12.2f} {ratios.min():>6.2f}"
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


def careful(_):
    """Careful thresholds: by kernels told of undefined transitions, against those that are not."""
    print(f"{'n':>3} {'complete ns':>11} {'told ns':>8} {'ratio':>6} {'partial ns':>11}")
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
        print(f"{n:>3} {each[0]:>11.0f} {each[1]:>8.0f} {each[1] / each[0]:>6.2f} {each[2]:>11.0f}")
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
    "slow": slow_ones,
    "hard": hard_ones,
    "random": random_ones,
    "workers": two_workers,
    "careful": careful,
    "first-call": first_call,
    "mixed": mixed,
}


def main():
    """Run the regimes asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("regimes", nargs="*", metavar="REGIME", help=", ".join(REGIMES))
    parser.add_argument("--other", type=Path, metavar="FILE")
    options = parser.parse_args()
    other = None
    if options.other:
        spec = importlib.util.spec_from_file_location("other", options.other)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        other = module.solve
    for name in options.regimes or REGIMES:
        print(f"\n{name}: {REGIMES[name].__doc__}")
        REGIMES[name](other)


if __name__ == "__main__":
    main()
