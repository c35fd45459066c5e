"""Every command in unusual places and settings, in processes of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.faults.conditions import CONDITIONS, prepare, run_under
from tests.faults.folders import Facts, differences, facts
from tests.faults.tallies import Case, Kind, Tally
from tests.faults.world import COMMANDS, scratch, world

_USUAL = "as usual"
_GONE = "in a folder that is gone"
_SILENT = ("stdout closed", "all closed")
_INPUTS = ("data", "model", "bare", "evolve", "discover", "archive.sqlite")
_READERS = (
    "archive list --archive archive.sqlite",
    "archive verify --archive archive.sqlite --workers 1",
    "verify evolve/candidates.csv",
    "solve evolve/candidates.csv --workers 1",
    "--help",
)


def cases(scale: float) -> Sequence[Case]:
    """Every condition, a round for each command."""
    world()
    return [Case(name, len(_lines())) for name in CONDITIONS if name != _USUAL]


def play(case: Case, number: int) -> Tally:
    """Run a command under a condition; it must print and leave the same as without."""
    line = _lines()[number]
    said, left = _as_usual(line)
    code, out, err, found = _run(case.name, line)
    if case.name == _GONE:
        refused = code == 1 and err.count(b"\n") == 1 and b"the current folder is gone" in err
        wrong = [] if refused else [f"exit {code}: {err[-300:]!r}"]
        return Tally({"commands": 1, "wrong": len(wrong)}, wrong)
    wrong = [f"exit {code}: {err[-300:]!r}"] if code else differences(found, left)
    if not wrong and out != said and case.name not in _SILENT:
        wrong = [f"it says {out[:100]!r}, not {said[:100]!r}"]
    counts = {"commands": 1, "wrong": int(bool(wrong))}
    return Tally(counts, [f"{case.name}: {line}: {'; '.join(wrong)}"] if wrong else [])


@cache
def _lines() -> tuple[str, ...]:
    """A line of each command."""
    makers = (own.lines[0] for name, own in COMMANDS.items() if name != "discover, two arms")
    return (*makers, *_READERS)


@cache
def _as_usual(line: str) -> tuple[bytes, Facts]:
    code, out, err, found = _run(_USUAL, line)
    if code:
        raise RuntimeError(f"{line}: exit {code}: {err[-500:]!r}")
    return out, found


def _run(condition: str, line: str) -> tuple[int, bytes, bytes, Facts]:
    """Run a line whose files are given by whole paths, and say what is there afterwards."""
    with scratch(_INPUTS) as folder, scratch() as around:
        prepare(around)
        command, *words = line.split()
        words = [command, *(_placed(word, folder) for word in words)]
        answer = run_under(condition, words, around)
        said = answer.stdout.replace(str(folder).encode(), b"@")
        said = b"\n".join(row for row in said.splitlines() if b"second" not in row)
        said = re.sub(rb"(?:[ ]+[0-9]+\.[0-9]){4}$", b"", said, flags=re.MULTILINE)  # seconds
        return answer.returncode, said, answer.stderr, facts(folder)


def _placed(word: str, folder: Path) -> str:
    own = {*_INPUTS, "out", "page.html", "table.csv", "series.csv"}
    return str(folder / word) if word.partition("/")[0] in own else word


KIND = Kind(
    "surroundings",
    "A command runs in its own process: without fcntl, in a C locale, with other or missing"
    " temporary folders, from other or missing folders, with standard streams closed, without HOME."
    " It must print the same and leave the same files as in its usual surroundings. In a folder"
    " that was removed it must be refused.",
    ("commands", "wrong"),
    ("wrong",),
    cases,
    play,
)
