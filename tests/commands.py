"""What a command answers, as a test sees it."""

import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

import pipeline

PROGRESS = re.compile(
    r"(generate|enumerate|evolve|uniform|train|search [a-z-]+|verify|discover( n=\d+)?): .*"
)


class Answer(NamedTuple):
    """The exit code of a process, and what it printed."""

    code: int
    out: str
    err: str

    def complaints(self) -> list[str]:
        """The lines on stderr that are not progress."""
        return [line for line in self.err.splitlines() if not PROGRESS.fullmatch(line)]


def call_here(
    line: list[str | int | Path], patch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Answer:
    """Run a command line in this process, from the first line of `main` to its exit."""
    patch.setattr(sys, "argv", ["pipeline.py", *map(str, line)])
    capfd.readouterr()
    with pytest.raises(SystemExit) as end:
        pipeline.main()
    return Answer(end.value.code, *capfd.readouterr())


def command(line: str) -> str:
    """Run a command that must succeed, in this process; return what it printed."""
    answer = CliRunner().invoke(pipeline.cli, line.split(), catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output
