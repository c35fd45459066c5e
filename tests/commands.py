"""What a command answers, as a test sees it."""

import re
from typing import NamedTuple

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
