"""The most memory that a command has had, for a number of rows and for ten times as many."""

from __future__ import annotations

import random
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.faults.tallies import ROOT, Case, Kind, Tally

_ROWS = 1_000_000
_BYTES = 20_000_000
_FEWEST = {_ROWS: 100_000, _BYTES: 5_000_000}
"""However small the scale: a record of bytes is longer than the limit for one."""
_NOISE = 48
"""Megabytes that no growth is seen in."""
_MEASURE = """
import json, resource, subprocess, sys
code = subprocess.run(json.loads(sys.argv[1]), stdout=subprocess.DEVNULL).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
print(json.dumps([code, peak]))
"""
"""A process of its own: what is measured must not begin with the memory of a large one."""

Input = Callable[[int], Iterator[bytes]]


def _lines(count: int) -> Iterator[bytes]:
    chance = random.Random(0)
    rows = [
        "|".join(" ".join(str(chance.randrange(8)) for _ in range(8)) for _ in range(2)) + "\n"
        for _ in range(10_000)
    ]
    block = "".join(rows).encode()
    for _ in range(count // len(rows)):
        yield block
    yield "".join(rows[: count % len(rows)]).encode()


def _one_line(size: int) -> Iterator[bytes]:
    yield b"0 0|1 1\n"
    for _ in range(size // 100_000):
        yield b"1 " * 50_000


def _one_field(size: int) -> Iterator[bytes]:
    yield b'delta\n0 0|1 1\n"'
    for _ in range(size // 100_000):
        yield b"\n" * 100_000


_CASES: dict[str, tuple[int, str, Input | None, set[int]]] = {
    "generate, rows": (
        _ROWS, "generate -n 8 -k 2 --count {} --out {}/out --workers 1", None, {0},
    ),
    "solve --no-words, lines in a pipe": (
        _ROWS, "solve - --no-words --workers 1", _lines, {0},
    ),
    "solve, bytes of one line": (_BYTES, "solve - --workers 1", _one_line, {2, 3}),
    "solve, bytes of one CSV field": (_BYTES, "solve - --workers 1", _one_field, {2, 3}),
}  # fmt: skip
_GENERATED_MOST = 1024
"""Megabytes for ten million rows of `generate`, which keeps a filter of what it has met."""


def cases(scale: float) -> Sequence[Case]:
    """Each is one round, whose sizes follow the scale."""
    return [Case(f"{name}: {_size(first, scale):,}, then x 10", 1)
            for name, (first, *_) in _CASES.items()]  # fmt: skip


def play(case: Case, number: int) -> Tally:
    """Measure both sizes."""
    name, _, sizes = case.name.rpartition(": ")
    first = int(sizes.partition(", then")[0].replace(",", ""))
    _, line, make, codes = _CASES[name]
    peaks, failures = [], []
    for size in (first, 10 * first):
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            code, peak = _measure(line.format(size, folder), make(size) if make else iter(()))
        peaks.append(peak)
        if code not in codes:
            failures.append(f"{name}: exit code {code} with {size:,}")
    counts = {"MB, first": peaks[0], "MB, x 10": peaks[1], "failed": len(failures)}
    most = peaks[0] + max(_NOISE, peaks[0] // 5)
    if make is None:
        most = max(most, _GENERATED_MOST)
    if peaks[1] > most:
        counts["grown"] = 1
        failures.append(f"{name}: {peaks[0]} MB with {first:,}, {peaks[1]} MB with ten times that")
    return Tally(counts, failures)


def _size(first: int, scale: float) -> int:
    return max(_FEWEST[first], round(first * scale))


def _measure(line: str, content: Iterator[bytes]) -> tuple[int, int]:
    """Run a command on what comes from a pipe; return its exit code and its megabytes."""
    import json

    words = [sys.executable, str(ROOT / "pipeline.py"), *shlex.split(line)]
    process = subprocess.Popen(
        [sys.executable, "-c", _MEASURE, json.dumps(words)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        cwd=Path(tempfile.gettempdir()),
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        for block in content:
            process.stdin.write(block)
        process.stdin.close()
    except BrokenPipeError:
        pass
    code, peak = json.loads(process.stdout.read())
    process.wait()
    return code, peak


KIND = Kind(
    "memory",
    "The most memory (resident set) that a command takes, for a number of rows or bytes and for ten"
    " times that number. It counts as grown if the second is larger by more than a fifth and by"
    f" more than {_NOISE} MB; `generate` may take up to {_GENERATED_MOST} MB.",
    ("MB, first", "MB, x 10", "grown", "failed"),
    ("grown", "failed"),
    cases,
    play,
)
