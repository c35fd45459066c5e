"""Something else than a file where a file should be: a pipe, a folder, a link, a device."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults import server
from tests.faults.formats import Format, formats
from tests.faults.mutations import Pristine, Work, draw_nothing, end_of, expected_answers
from tests.faults.readers import Reader
from tests.faults.tallies import Case, Kind, Tally
from tests.faults.world import scratch, world

SPECIALS: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link to nothing": lambda path: path.symlink_to(path.with_name("nothing")),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to an endless device": lambda path: path.symlink_to("/dev/zero"),
    "a link to an empty device": lambda path: path.symlink_to("/dev/null"),
    "nothing": lambda path: None,
}


def cases(scale: float) -> Sequence[Case]:
    """Every file that the mutations damage, once, however often it has a case there."""
    world()
    paths = {own.path: own for own in formats() if _readers(own) and "/" in own.path}
    return [Case(own.name, len(SPECIALS)) for own in paths.values()]


def _readers(own: Format) -> list[Reader]:
    """All but `solve`, which reads any stream until it ends."""
    return [reader for reader in own.readers if not reader.name.startswith("solve")]


def play(case: Case, number: int) -> Tally:
    """Put something else in the place of a file, and let all its readers read it."""
    own = next(found for found in formats() if found.name == case.name)
    special = [*SPECIALS][number % len(SPECIALS)]
    with scratch(own.inputs) as folder:
        pristine = Pristine(folder)
        work = _Placed(own, False, "", 0, folder, pristine, expected_answers(own))
        work.special = special
        answer = server.Child(work, cwd=folder).wait(120.0)
        path = folder / own.path
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.is_symlink() or path.exists():
            path.unlink()
    if answer.code != 0:
        return Tally({end_of(answer): 1}, [f"{special} for {own.path}: {answer.last_words}"])
    counts, failures = json.loads(answer.out.splitlines()[-1])
    return Tally(counts, failures)


class _Placed(Work):
    """What a child does with one special."""

    special = ""

    def __call__(self) -> None:
        draw_nothing()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        path = self.folder / self.own.path
        counts, failures = Counter[str](), []
        for reader in _readers(self.own):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
            SPECIALS[self.special](path)
            column, text = self.outcome(reader, same_bytes=not path.exists())
            counts[column] += 1
            if text:
                failures.append(f"{self.special} for {self.own.path}: {reader.name}: {text}")
        print(json.dumps([counts, failures]), file=sys.__stdout__, flush=True)


KIND = Kind(
    "specials",
    "A file is replaced by a pipe that nobody writes to, by a folder, by a link to nothing, to"
    " itself or to a device, or it is removed. Every reader must refuse it in one line that names"
    " the file, or work without it.",
    ("same answer", "refused", "another answer", "silent", "tracebacks", "unclear message", "hangs",
     "memory", "crashes"),
    ("silent", "tracebacks", "unclear message", "hangs", "memory", "crashes"),
    cases,
    play,
)  # fmt: skip
