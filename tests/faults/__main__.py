"""Run the faults and print their figures: `python -m tests.faults --help`."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
import traceback
from collections.abc import Sequence

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # a process that forks has one thread

from tests.faults import tallies  # noqa: E402
from tests.faults.kinds import KINDS  # noqa: E402
from tests.faults.tallies import Case, Kind, Line  # noqa: E402

_SHOWN = 3
"""Failures of a round that are printed while it goes on; the file has more."""


def main() -> int:
    """Do what the command line says; 1 where something went wrong."""
    parser = _parser()
    options = parser.parse_args()
    names = [kind.name for kind in KINDS]
    for name in options.kinds:
        if name not in names:
            parser.error(f"no kind {name!r}: one of {', '.join(names)}")
    kinds = [kind for kind in KINDS if not options.kinds or kind.name in options.kinds]
    code = None if options.all_code else tallies.code_digest()
    if options.repeat is not None:
        return _repeat(kinds, options.case, options.repeat, options.scale)
    if not options.table:
        deadline = time.monotonic() + 60 * options.minutes
        for kind in kinds:
            _run(kind, options, deadline)
    return _print(kinds, code, failures=options.failures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Disturb the commands, count what goes wrong, and print tables in Markdown."
        " Rounds that are done are in build/faults: a later call goes on. Exit code 1 where"
        " a column that must be zero is not.",
    )
    names = [kind.name for kind in KINDS]
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(names)}")
    parser.add_argument(
        "--scale",
        type=float,
        default=float(os.environ.get("FAULTS_SCALE", "1")),
        help="share of the rounds of a full run; default: $FAULTS_SCALE, or 1",
    )
    parser.add_argument("--case", default="", help="only cases whose name begins so")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each one core")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this many minutes")
    parser.add_argument("--table", action="store_true", help="run nothing, print the figures")
    parser.add_argument("--failures", action="store_true", help="name what went wrong, too")
    parser.add_argument("--repeat", type=int, metavar="ROUND", help="one round of --case again")
    parser.add_argument("--all-code", action="store_true", help="rounds of earlier code count too")
    return parser


def _run(kind: Kind, options: argparse.Namespace, deadline: float) -> None:
    """Do the rounds of a kind that are not done yet."""
    code = tallies.code_digest()
    counted = tallies.read(kind.name, None if options.all_code else code)
    done = {(line.case, line.round) for line in counted}
    cases = [case for case in kind.cases(options.scale) if case.name.startswith(options.case)]
    missing = [
        (case, number)
        for case in cases
        for number in range(case.wanted(options.scale))
        if (case.name, number) not in done
    ]
    print(f"{kind.name}: {len(missing)} rounds to do", file=sys.stderr, flush=True)
    if options.jobs == 1:
        _play(kind, missing, code, deadline)
        return
    children = []
    for job in range(options.jobs):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                _play(kind, missing[job :: options.jobs], code, deadline)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        children.append(child)
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if any(ends):
        raise RuntimeError(f"{kind.name}: a process of the harness failed")


def _play(kind: Kind, rounds: Sequence[tuple[Case, int]], code: str, deadline: float) -> None:
    last = ""
    for case, number in rounds:
        if time.monotonic() > deadline:
            print(f"{kind.name}: time is up, a later call goes on", file=sys.stderr)
            return
        if case.name != last:
            print(f"  {case.name}", file=sys.stderr, flush=True)
            last = case.name
        began = time.monotonic()
        tally = kind.play(case, number)
        seconds = round(time.monotonic() - began, 3)
        tallies.append(
            kind.name, Line(case.name, number, code, seconds, tally.counts, tally.failures)
        )
        for failure in tally.failures[:_SHOWN]:
            print(f"    round {number}: {failure}"[:600], file=sys.stderr, flush=True)


def _repeat(kinds: Sequence[Kind], name: str, number: int, scale: float) -> int:
    """Play one round again and print what came of it."""
    for kind in kinds:
        for case in kind.cases(scale):
            if case.name == name:
                tally = kind.play(case, number)
                print(tally.counts, *tally.failures, sep="\n")
                return int(any(tally.counts.get(column) for column in kind.bad))
    print(f"no case {name!r}: --case names it whole", file=sys.stderr)
    return 2


def _print(kinds: Sequence[Kind], code: str | None, *, failures: bool) -> int:
    """Print the tables; return whether something went wrong."""
    wrong = 0
    for kind in kinds:
        lines = tallies.read(kind.name, code)
        if not lines:
            continue
        own = tallies.failed(kind, lines)
        wrong += own
        hours = sum(line.seconds for line in lines) / 3600
        print(f"### {kind.name}\n\n{kind.about} Must be zero: {', '.join(kind.bad)}.\n")
        print(f"{tallies.table(kind, lines)}\n\n{own:,} failures, {hours:.2f} hours.\n")
        if failures:
            _print_failures(lines)
    return int(wrong > 0)


def _print_failures(lines: Sequence[Line]) -> None:
    """Print what went wrong, once where it differs in numbers and quotations alone."""
    alike: dict[str, list[str]] = {}
    for line in lines:
        for text in line.failures:
            shape = re.sub(r"'[^']*'|\"[^\"]*\"|[0-9]+|0x[0-9a-f]+", "#", text)
            what = shape.rpartition(": #: ")[2] if line.case in text else shape
            alike.setdefault(f"{line.case} {what[-160:]}", []).append(
                f"{line.case}, round {line.round}: {text}"
            )
    for texts in sorted(alike.values(), key=len, reverse=True):
        print(f"- {len(texts)} x {texts[0]}")


if __name__ == "__main__":
    sys.exit(main())
