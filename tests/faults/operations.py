"""A crash before every single file operation of a command, then the same command again."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tests.faults import server
from tests.faults.folders import facts
from tests.faults.kills import judge
from tests.faults.tallies import Case, Kind, Tally
from tests.faults.world import COMMANDS, reference, scratch

_CRASH = 137
_EVENTS = {
    *("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"),
    *("os.chmod", "os.utime", "os.mkfifo", "fcntl.flock", "fcntl.lockf", "shutil.rmtree"),
    "sqlite3.connect",
}
_CALLS = ("fsync", "fdatasync", "write", "ftruncate")
"""Functions of os that no audit event tells of."""


class Counter:
    """Counts the file operations of this process, and crashes before one of them."""

    def __init__(self, report: Path, crash_at: int | None) -> None:
        self.report, self.crash_at, self.done = report, crash_at, 0
        self.place = str(Path.cwd())

    def begin(self) -> None:
        """Watch from now on; there is no end."""
        sys.addaudithook(self._hear)
        for name in _CALLS:
            setattr(os, name, self._counted(getattr(os, name)))
        connect, count = sqlite3.connect, self.count

        class Connection(sqlite3.Connection):
            def execute(self, *args: Any) -> Any:
                count("sqlite execute")
                return super().execute(*args)

            def executemany(self, *args: Any) -> Any:
                count("sqlite executemany")
                return super().executemany(*args)

        sqlite3.connect = lambda *args, **named: connect(  # type: ignore[misc, assignment]
            *args, **{"factory": Connection} | named
        )

    def count(self, event: str) -> None:
        """Take note of an operation that is about to happen."""
        if self.done == self.crash_at:
            os._exit(_CRASH)
        self.done += 1
        if self.crash_at is None:
            with open(self.report, "a") as file:  # a read of our own report: not below the place
                file.write(f"{event}\n")

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **named: Any) -> Any:
            if self._is_ours(args[0] if args else None):
                self.count(function.__name__)
            return function(*args, **named)

        return wrapped

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = args
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and self._is_ours(path):
                self.count("open")
        elif event in _EVENTS and self._is_ours(args[0]):
            self.count(event)

    def _is_ours(self, path: Any) -> bool:
        """Whether a path, or an open file, lies in the folder of the round."""
        try:
            if isinstance(path, int):
                path = os.readlink(f"/proc/self/fd/{path}")
            elif hasattr(path, "fileno"):
                return self._is_ours(path.fileno())
            elif str(path).startswith("file:"):
                path = str(path).removeprefix("file://")
            return os.path.abspath(os.fsdecode(path)).startswith(self.place)
        except (OSError, TypeError, ValueError):
            return False


def cases(scale: float) -> Sequence[Case]:
    """Every variant of every command that works in one process, a round for each operation."""
    return [
        Case(_name(name, variant), len(_operations(line, command.inputs)))
        for name, command in COMMANDS.items()
        if name != "discover, two arms"
        for variant, line in enumerate(command.lines)
    ]


def play(case: Case, number: int) -> Tally:
    """Crash before one operation; a part of all of them is spread evenly."""
    name, _, variant = case.name.partition(" #")
    command = COMMANDS[name]
    line = command.lines[int(variant or 1) - 1]
    expected = reference(line, command.inputs)
    place = number * 7919 % case.rounds  # a prime larger than any number of operations
    with scratch(command.inputs) as folder:
        answer = _counted_call(line, folder, place)
        if answer.code == 0:
            return Tally({"ended without a kill": 1})
        if answer.code != _CRASH:
            return Tally({"refused": 1}, [f"{line}: {answer.last_words}"])
        tally = judge(line, server.call(line, folder), facts(folder), expected.facts, 1)
        operation = _operations(line, command.inputs)[place]
        tally.failures = [f"before operation {place} ({operation}): {f}" for f in tally.failures]
        return tally


@cache
def _operations(line: str, inputs: tuple[str, ...]) -> tuple[str, ...]:
    """The operations of an undisturbed run."""
    with scratch(inputs) as folder, tempfile.TemporaryDirectory() as other:
        report = Path(other) / "operations"
        answer = _counted_call(line, folder, None, report)
        if answer.code != 0:
            raise RuntimeError(f"{line}: {answer.last_words}")
        return tuple(report.read_text().splitlines())


def _counted_call(
    line: str, folder: Path, crash_at: int | None, report: Path = Path(os.devnull)
) -> server.Answer:
    return server.call(line, folder, hook=lambda: Counter(report, crash_at).begin())


def _name(name: str, variant: int) -> str:
    return f"{name} #{variant + 1}" if len(COMMANDS[name].lines) > 1 else name


KIND = Kind(
    "operations",
    "A command is ended, as a power cut would end it, right before one operation on a file in its"
    " folder (opening to write, writing, syncing, renaming, removing, locking, a statement of"
    " SQLite). There is a round for each operation. Then the command is run again, and must leave"
    " the files that an undisturbed run leaves.",
    ("kills", "ended without a kill", "whole", "refused", "differ", "leftovers"),
    ("refused", "differ", "leftovers"),
    cases,
    play,
)
