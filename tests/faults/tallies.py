"""What the rounds have found: JSON lines that a later call goes on from, and tables of them."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "faults"
_SOURCES = ("pipeline.py", "automata", "data", "vae", "search")


@dataclass
class Tally:
    """One round of one case."""

    counts: dict[str, int]
    """By column of the table."""
    failures: list[str] = field(default_factory=list)
    """A line each: what went wrong, and with what."""


class Case(NamedTuple):
    """What is done again and again."""

    name: str
    rounds: int
    """Of a full run."""

    def wanted(self, scale: float) -> int:
        """The rounds of a run of this scale, at least one."""
        return max(1, math.ceil(self.rounds * scale - 1e-9))


class Kind(NamedTuple):
    """A kind of fault."""

    name: str
    about: str
    """What one row of its table says."""
    columns: tuple[str, ...]
    bad: tuple[str, ...]
    """Columns that must be zero."""
    cases: Callable[[float], Sequence[Case]]
    """For a scale."""
    play: Callable[[Case, int], Tally]
    """One round."""


@dataclass(frozen=True)
class Line:
    """A round in the file of its kind."""

    case: str
    round: int
    code: str
    """`code_digest` of what was tried."""
    seconds: float
    counts: dict[str, int]
    failures: list[str]


def code_digest() -> str:
    """Twelve digits that change with the code of the project, not with its tests or texts."""
    digest = hashlib.sha256()
    for name in _SOURCES:
        place = ROOT / name
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def append(kind: str, line: Line) -> None:
    """Add a round to the file of its kind; other processes may do so too."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = f"{json.dumps(asdict(line))}\n".encode()
    file = os.open(FOLDER / f"{kind}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, text)
    finally:
        os.close(file)


def read(kind: str, code: str | None) -> list[Line]:
    """The rounds so far of this code, or of any; what a kill cut off does not count."""
    path = FOLDER / f"{kind}.jsonl"
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            line = Line(**json.loads(text))
        except (ValueError, TypeError):
            continue
        if code is None or line.code == code:
            lines.append(line)
    return lines


def failed(kind: Kind, lines: Iterable[Line]) -> int:
    """How many things went wrong."""
    return sum(line.counts.get(name, 0) for line in lines for name in kind.bad)


def table(kind: Kind, lines: Sequence[Line]) -> str:
    """The figures of a kind in Markdown: a row a case; of the seconds a round, the median."""
    sums: dict[str, Counter[str]] = {}
    seconds: dict[str, list[float]] = {}
    for line in lines:
        own = sums.setdefault(line.case, Counter())
        own.update(line.counts)
        own["rounds"] += 1
        seconds.setdefault(line.case, []).append(line.seconds)
    rows = [["case", "rounds", *kind.columns, "seconds a round"]]
    for case, own in sums.items():
        cells = [f"{own[name]:,}" for name in ("rounds", *kind.columns)]
        rows.append([case, *cells, f"{median(seconds[case]):.2f}"])
    ruled = [rows[0], ["---"] + ["---:"] * (len(rows[0]) - 1), *rows[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in ruled)
