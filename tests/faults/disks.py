"""Full disks: no blocks left, or no inodes. Needs root, for file systems of its own."""

from __future__ import annotations

import ctypes
import os
import random
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.faults import server
from tests.faults.folders import Facts, differences, facts
from tests.faults.kills import judge
from tests.faults.tallies import Case, Kind, Tally
from tests.faults.world import COMMANDS, reference, scratch, world

_KINDS = ("blocks", "inodes")
_BLOCK = 4096
_BLOCKS, _INODES = 8192, 400
"""Of the file systems: they lie in memory."""
_LIMIT = 20.0
"""Seconds until a command must have given up."""
_GROWING = {
    *("manifest.json", "run.json", "checksums.json", "archive.sqlite", "pending.parquet"),
    *("model.safetensors", "config.json", "metrics.csv", "resume.pt"),  # of an earlier epoch
}
_REASONS = ("no space left", "disk is full", "disk full", "disk i/o error")


def cases(scale: float) -> Sequence[Case]:
    """Every command with both kinds, if this process may mount file systems."""
    if not _may_mount():
        return []
    world()
    return [
        Case(f"{name}: no {kind}", 60)
        for name in COMMANDS
        if name != "discover, two arms"
        for kind in _KINDS
    ]


def play(case: Case, number: int) -> Tally:
    """Fill a file system up to some level, run into its end, make room, run again, compare."""
    name, kind = case.name.split(": no ")
    command, chance = COMMANDS[name], random.Random(f"disks {case.name} {number}")
    line = command.lines[number % len(command.lines)]
    expected = reference(line, command.inputs)
    with _file_system() as place, scratch(command.inputs, place) as folder:
        left = int(chance.random() ** 2 * 1.2 * _needs(line, command.inputs, kind))
        ballast = place / "ballast"
        _fill(ballast, kind, left)
        answer = server.call(line, folder, limit=_LIMIT)
        if answer.code == 0:
            return Tally({"enough room": 1})
        _empty(ballast)
        problems = _wrong(answer) + _partial(facts(folder), expected.facts)
        counts = {"full": 1} | dict.fromkeys((column for column, _ in problems), 1)
        texts = [f"{line}: with {left} {kind} left: {text}" for _, text in problems]
        tally = judge(line, server.call(line, folder), facts(folder), expected.facts, 0)
        del tally.counts["kills"]
        tally.failures = [f"with {left} {kind} left, then room: {f}" for f in tally.failures]
        return Tally(counts | tally.counts, texts + tally.failures)


def _wrong(answer: server.Answer) -> list[tuple[str, str]]:
    """What is wrong with how a command ended, by column."""
    if answer.code == server.HANG:
        return [("hangs", f"no end after {_LIMIT:.0f} s")]
    if answer.code != 1 or answer.traced or len(answer.complaints) != 1:
        return [("unclear message", answer.last_words)]
    (complaint,) = answer.complaints
    names_file = bool(re.match(r"Error: (\S+: |.*'.+')", complaint))
    gives_reason = any(reason in complaint.lower() for reason in _REASONS)
    return [] if names_file and gives_reason else [("unclear message", answer.last_words)]


def _partial(found: Facts, expected: Facts) -> list[tuple[str, str]]:
    """Files that have their final name, but another content than they should, by column."""
    unlike = [
        difference
        for difference in differences(found, expected)
        if " differs" in difference
        and (
            Path(difference.partition(" differs")[0]).name not in _GROWING
            or "unreadable" in difference
        )
        and not difference.startswith("archive.sqlite")  # SQLite keeps its content whole
    ]
    return [("partial", "; ".join(unlike))] if unlike else []


@contextmanager
def _file_system() -> Iterator[Path]:
    """A small file system in memory, gone afterwards, whatever happens to this process."""
    _be_apart()
    with tempfile.TemporaryDirectory(prefix="faults-disk-") as place:
        options = f"size={_BLOCKS * _BLOCK},nr_inodes={_INODES}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
        try:
            yield Path(place).resolve()
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)


@cache
def _be_apart() -> None:
    """Give this process mounts of its own: they end with it."""
    new_mounts = 0x20000  # CLONE_NEWNS
    if ctypes.CDLL(None, use_errno=True).unshare(new_mounts) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def _may_mount() -> bool:
    return os.name == "posix" and os.geteuid() == 0


@cache
def _needs(line: str, inputs: tuple[str, ...], kind: str) -> int:
    """The blocks, or inodes, that an undisturbed run takes."""
    with _file_system() as place, scratch(inputs, place) as folder:
        before = _free(place, kind)
        server.call(line, folder)
        return max(2, before - _free(place, kind))


def _free(place: Path, kind: str) -> int:
    state = os.statvfs(place)
    return state.f_bfree if kind == "blocks" else state.f_ffree


def _fill(ballast: Path, kind: str, left: int) -> None:
    """Fill the file system until `left` blocks, or inodes, are free."""
    ballast.mkdir()
    too_many = _free(ballast, kind) - left
    if kind == "inodes":
        for number in range(too_many):
            (ballast / str(number)).touch()
        return
    with (ballast / "blocks").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, too_many) * _BLOCK)


def _empty(ballast: Path) -> None:
    for path in ballast.iterdir():
        path.unlink()


KIND = Kind(
    "disks",
    "A command runs on a file system that is nearly full. It has a random number of blocks or"
    " inodes left, fewer than the command needs in most rounds. The command must end within"
    f" {_LIMIT:.0f} seconds with exit code 1, and with one line that names the file and the reason."
    " No file with its final name may be incomplete. When there is room again, the same command"
    " must leave the files that an undisturbed run leaves.",
    ("enough room", "full", "whole", "hangs", "unclear message", "partial", "refused", "differ",
     "leftovers"),
    ("hangs", "unclear message", "partial", "refused", "differ", "leftovers"),
    cases,
    play,
)  # fmt: skip
