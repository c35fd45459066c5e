"""A fork server: children run commands in a process that has imported and compiled everything.

Only for a process of its own with one thread (`python -m tests.faults`): it forks.
"""

from __future__ import annotations

import json
import os
import resource
import shlex
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

HANG = 124
"""The exit code of what was ended because it took too long."""
MOST_MEMORY = 8 << 30
"""Bytes of data a child may have before it fails, so that the machine lives."""


class Answer(NamedTuple):
    """What a command said, and how it ended."""

    code: int
    """-9 for one that was killed."""
    out: str
    err: str
    seconds: float
    megabytes: int
    """The most it had in memory."""

    @property
    def traced(self) -> bool:
        """Whether it ended with a traceback, or by a signal that we did not send."""
        crashed = self.code < 0 and self.code != -signal.SIGKILL
        return crashed or "Traceback (most recent call last)" in self.err

    @property
    def complaints(self) -> list[str]:
        """Its lines of error."""
        return [line for line in self.err.splitlines() if line.startswith("Error")]

    @property
    def last_words(self) -> str:
        """Its exit code and the end of what it said on stderr, or where it hung, in one line."""
        lines = self.err.splitlines()
        hung = [place for place, line in enumerate(lines) if line.startswith("Timeout (")]
        if hung:  # the innermost frames come first
            return f"exit {self.code}: {' / '.join(lines[hung[-1] + 1 :][:12])!r}"
        return f"exit {self.code}: {' / '.join(lines[-3:])[-300:]!r}"


class Child:
    """A child at work."""

    def __init__(self, work: Callable[[], int | None], *, cwd: Path | None = None) -> None:
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        sys.stdout.flush()
        sys.stderr.flush()
        self._begun = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            _be_child(work, cwd, self._out, self._err)

    def kill(self) -> None:
        """End it as a power cut would, it alone."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self, limit: float = 120.0) -> Answer:
        """Wait until it ends; after `limit` seconds kill it and the processes that it started."""
        deadline = self._begun + limit
        pause, late = 0.001, False
        while (ended := os.wait4(self.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > deadline and not late:
                late = True
                os.killpg(self.pid, signal.SIGKILL)
            time.sleep(pause)
            pause = min(0.02, 1.5 * pause)
        code = HANG if late else os.waitstatus_to_exitcode(ended[1])
        seconds = time.monotonic() - self._begun
        texts = []
        for file in (self._out, self._err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "backslashreplace"))
            file.close()
        return Answer(code, *texts, seconds, ended[2].ru_maxrss >> 10)


def compute(
    work: Callable[[], Any], *, cwd: Path | None = None, limit: float = 300.0
) -> tuple[Any, Answer]:
    """Do a work in a child: return its result, plain values, and None where it did not end well."""

    def tell() -> None:
        result = json.dumps(work())
        print(f"\n{result}")

    answer = Child(tell, cwd=cwd).wait(limit)
    return (json.loads(answer.out.splitlines()[-1]) if answer.code == 0 else None), answer


def command(line: str, hook: Callable[[], object] | None = None) -> Callable[[], int]:
    """What a child does for a command line; `hook` is called before it."""

    def work() -> int:
        if hook is not None:
            hook()
        return run_main(shlex.split(line))

    return work


def call(
    line: str, cwd: Path, *, hook: Callable[[], object] | None = None, limit: float = 120.0
) -> Answer:
    """Run a command to its end in a child."""
    return Child(command(line, hook), cwd=cwd).wait(limit)


def run_main(words: list[str]) -> int:
    """Run a command in this process as the shell would; return its exit code."""
    import pipeline

    sys.argv = ["pipeline.py", *words]
    try:
        pipeline.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _be_child(
    work: Callable[[], int | None], cwd: Path | None, out: IO[bytes], err: IO[bytes]
) -> None:
    """Do the work in a group of its own, and end."""
    code = 1
    try:
        os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in [(nothing, 0), (out.fileno(), 1), (err.fileno(), 2)]:
            os.dup2(source, target)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, hard))
        if cwd is not None:
            os.chdir(cwd)
        code = work() or 0
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
