"""Single automata, one by one, beside another solver if there is one."""

import subprocess
import sys
import time
from unittest import mock

import numpy as np

from automata import (
    LimitReached,
    is_synchronizing,
    reset_bounds,
    reset_threshold,
    reset_thresholds,
)
from automata.identification import known
from automata.kernels import forward
from automata.sampling import sample_synchronizing
from automata.solver import pruning, two_ended
from automata.solver.dense import RUNNING, DenseSearch
from automata.text.formats import format_delta
from benchmarks.timing import alternate
from tests.peaks import peak_bytes


def seeded():
    """Return the generator that every regime starts with."""
    return np.random.default_rng(0)


def hard(n):
    """Return the automaton that explodes from both ends (the hard one of synchrowords 1.0)."""
    states = np.arange(n)
    delta = np.stack([(states + 1) % n, (states + 1) % n])
    delta[1, :3] = 3, 0, 3
    delta[1, -1] = 1
    return delta.astype(np.uint8)


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


def solve_here(delta, limit=None):
    """Return the threshold, None if time was up, and the seconds it took."""
    start = time.process_time()
    try:
        threshold = reset_threshold(delta, time_limit=limit)
    except LimitReached:
        threshold = None
    return threshold, time.process_time() - start


def solve_there(other, deltas):
    """Return the threshold, seconds and bytes of each by another solver; unknown without one."""
    return [(None, np.nan, np.nan)] * len(deltas) if other is None else other(deltas)


def _load():
    """Solve automata of every kind, which loads what is compiled."""
    for _, rounds in zip(range(3), mutation_rounds(25), strict=False):
        for _, delta in rounds:
            reset_threshold(delta)
    for n in (20, 26):
        reset_threshold(hard(n))


def mutation_rounds(n, only=""):
    """Yield rounds: of each family, an automaton with one transition changed and one with two.

    Each has a name, as "C, 1 changed"; only those whose name begins with `only`.
    """
    members = [
        (f"{name}, {changes} changed", delta, changes, np.random.default_rng([n, changes, i]))
        for changes in (1, 2)
        for i, (name, delta) in enumerate(known(n, 2))
        if f"{name}, {changes} changed".startswith(only)
    ]
    while True:
        automata = []
        for name, delta, changes, rng in members:
            changed = delta.copy()
            for place in rng.choice(delta.size, changes, replace=False):
                a, q = divmod(int(place), n)
                changed[a, q] = (changed[a, q] + 1 + rng.integers(n - 1)) % n
            automata.append((name, changed))
        yield [(name, delta) for name, delta in automata if is_synchronizing(delta)]


def mutated_families(options):
    """Automata one or two transitions from the known families, one by one; so many of each.

    `slower`: take us longer than the other solver; `twice`: in a second run of ours too. `cut`:
    ended by a limit of ours, of theirs; they count with the time they had.
    """
    print(
        f"{'n':>3} {'each':>4} {'automata':>8} {'median us':>9} {'most s':>7} {'sum s':>8} "
        f"{'other: us':>9} {'most s':>7} {'sum s':>8} {'ratio':>6} {'least':>6} {'slower':>6} "
        f"{'twice':>5} {'cut':>5}"
    )
    _load()
    for n in options.sizes or (20, 24, 28, 32):
        rounds = mutation_rounds(n, options.only)
        rows, done, end = [], 0, time.monotonic() + 60 * options.minutes
        while done < (options.each or (20 if n < 32 else 10)) and time.monotonic() < end:
            automata = next(rounds)
            done += 1
            theirs = solve_there(options.other, [delta for _, delta in automata])
            for (name, delta), (expected, seconds, _) in zip(automata, theirs, strict=True):
                found, own = solve_here(delta, options.limit)
                assert None in (expected, found) or expected == found, format_delta(delta)
                again = solve_here(delta, options.limit)[1] if seconds < own else own
                cut = found is None, options.other is not None and expected is None
                rows.append((own, again, seconds, cut, name, delta))
        _print_mutations(n, done, rows)


def _print_mutations(n, each, rows):
    """Print the row of one size, and the automata that stand out."""
    ours, again, theirs = (np.array(column) for column in list(zip(*rows, strict=True))[:3])
    ratios = theirs / ours
    cut = np.sum([row[3] for row in rows], axis=0)
    print(
        f"{n:>3} {each:>4} {len(rows):>8} {1e6 * np.median(ours):>9.0f} {ours.max():>7.2f} "
        f"{ours.sum():>8.2f} {1e6 * np.median(theirs):>9.0f} {theirs.max():>7.2f} "
        f"{theirs.sum():>8.2f} {theirs.sum() / ours.sum():>6.2f} {ratios.min():>6.2f} "
        f"{np.sum(ratios < 1):>6} {np.sum(theirs < np.minimum(ours, again)):>5} "
        f"{cut[0]:>2}/{cut[1]:<2}"
    )
    slower = np.flatnonzero(ratios < 1)
    standing = {"longest": np.argsort(-ours)[:3], "slower": slower[np.argsort(ratios[slower])]}
    for what, places in standing.items():
        for i in places:
            print(
                f"  {what}: {ours[i]:.4f} s, again {again[i]:.4f}, other {theirs[i]:.4f}, "
                f"{rows[i][4]}: {format_delta(rows[i][5])}"
            )
    sys.stdout.flush()


def hard_ones(options):
    """Automata that explode from both ends, against a full forward search; the best of runs.

    Memory: what the search takes here, the whole process of the other solver.
    """
    print(
        f"{'n':>3} {'threshold':>9} {'forward s':>10} {'ours s':>8} {'ratio':>6} {'MB':>6} "
        f"{'other s':>8} {'ratio':>6} {'MB':>6}"
    )
    _load()
    for n in options.sizes or (16, 20, 24, 26, 28, 30):
        delta = hard(n)
        every = np.nan
        if n <= 24:
            every, _ = alternate(lambda delta=delta: search_forward(delta[None]), lambda: None)
        ours, theirs = [], []
        for _ in range(options.each or 2):
            theirs += solve_there(options.other, [delta])
            ours.append(solve_here(delta))
        threshold = ours[0][0]
        assert all(expected in (None, threshold) for expected, _, _ in theirs)
        own, seconds = (min(s for _, s, *_ in runs) for runs in (ours, theirs))
        print(
            f"{n:>3} {threshold:>9} {every:>10.4f} {own:>8.4f} {every / own:>6.1f} "
            f"{_memory(n) / 1e6:>6.1f} {seconds:>8.4f} {seconds / own:>6.2f} "
            f"{min(b for *_, b in theirs) / 1e6:>6.1f}",
            flush=True,
        )


def _memory(n):
    """Return the bytes that a hard automaton takes in a new process that has loaded the kernels."""
    code = f"from benchmarks import single; single.print_memory({n})"
    return int(subprocess.check_output([sys.executable, "-c", code], text=True))


def print_memory(n):
    """Print the bytes that a hard automaton adds to the most that this process has held."""
    at_once = mock.patch.multiple(pruning, _FEWEST=0, _WORTH=-1.0)
    with at_once, mock.patch.object(two_ended, "_BEAM_FROM", 0):  # loads all that is compiled
        reset_bounds(hard(26), memory_limit=1 << 20)
    before = peak_bytes()
    reset_threshold(hard(n))
    print(peak_bytes() - before)


def random_ones(options):
    """Ten random automata each, against the other solver if there is one."""
    print(
        f"{'n':>3} {'median s':>9} {'most s':>8} {'other':>9} {'most s':>8} {'sums':>6} "
        f"{'median ratio':>12} {'least':>6}"
    )
    for n in options.sizes or (20, 30, 40, 60, 100, 150, 200, 300):
        deltas = list(sample_synchronizing(seeded(), options.each or 10, n, 2))
        theirs = solve_there(options.other, deltas)
        times = []
        for delta, (threshold, _, _) in zip(deltas, theirs, strict=True):
            found = reset_threshold(delta)
            assert threshold in (None, found)
            repeats = max(1, min(5, int(60 / max(n - 80, 1))))
            times.append(
                alternate(lambda: None, lambda delta=delta: reset_threshold(delta), repeats)[1]
            )
        ours, theirs = np.array(times), np.array([seconds for _, seconds, _ in theirs])
        ratios = theirs / ours
        print(
            f"{n:>3} {np.median(ours):>9.4f} {ours.max():>8.4f} {np.median(theirs):>9.4f} "
            f"{theirs.max():>8.4f} {theirs.sum() / ours.sum():>6.2f} {np.median(ratios):>12.2f} "
            f"{ratios.min():>6.2f}",
            flush=True,
        )


def many_mutations(options):
    """Ten thousand mutations of the known families: in one batch, and one by one."""
    print(
        f"{'n':>3} {'automata':>8} {'mean us, batch':>14} {'mean us':>8} {'median us':>9} "
        f"{'most s':>7} {'of the slowest 1 %':>18}"
    )
    _load()
    for n in options.sizes or (30,):
        rounds = mutation_rounds(n)
        deltas = []
        while len(deltas) < (options.each or 10_000):
            deltas += [delta for _, delta in next(rounds)]
        deltas = np.stack(deltas[: options.each or 10_000])
        start = time.process_time()
        thresholds = reset_thresholds(deltas)
        batch = time.process_time() - start
        found, times = zip(*map(solve_here, deltas), strict=True)
        assert np.array_equal(found, thresholds)
        times = np.sort(times)
        share = times[-(len(times) // 100) :].sum() / times.sum()
        print(
            f"{n:>3} {len(deltas):>8} {1e6 * batch / len(deltas):>14.0f} "
            f"{1e6 * times.mean():>8.0f} {1e6 * np.median(times):>9.0f} {times[-1]:>7.2f} "
            f"{share:>18.3f}",
            flush=True,
        )
