"""What the rounds start from: small runs of every command, and the commands that are disturbed."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.faults import server
from tests.faults.folders import Facts, differences, facts
from tests.faults.tallies import FOLDER, ROOT

_MODEL = "--batch 64 --latent 4 --embedding 4 --channels 8 --convolutions 1 --hidden 16 --workers 1"
_LATENT = "--budget 20 --keep 10 --parents 40 --batch 64 --archive-at-least 0.2 --workers 1"
_EVOLVE = "evolve -n 6 --budget 100 --parents 50 --batch 20 --keep 10 --archive-at-least 0.2"
_SIZES = "--from 3 --start-to 4 --to 6 --start-budget 20 --budget 30 --archive-at-least 0.2"
_LEARN = "--latent 4 --first-look 20 --first-steps 2 --steps 1 --workers 1"
TINY_LINE = "enumerate -n 3 -k 2 --workers 1"
PENDING_LINE = f"{TINY_LINE} --out begun"
HALF_LINE = f"train --data data --out half --epochs 2 {_MODEL}"
STEP_LINE = f"discover {_SIZES} {_LEARN}"
_WORLD = f"""
    generate -n 6 --count 120 --shard-rows 40 --out data --workers 1
    enumerate -n 4 -k 2 --out enumerate --workers 1
    enumerate -n 4 -k 2 --no-rows --out counts --workers 1
    {TINY_LINE} --out tiny
    train --data data --out bare --epochs 2 {_MODEL}
    train --data data --out model --epochs 3 {_MODEL}
    evaluate --model model --workers 1
    search --model model --data data --out search --mode prior {_LATENT}
    {_EVOLVE} --out evolve --workers 1
    discover {_SIZES} {_LEARN} --out discover
    report search --limit 3 --out page.html
    report discover --limit 3 --out page.html
    report model --limit 3 --out page.html
    report --archive archive.sqlite --limit 3 --out page.html
    archive list --archive archive.sqlite
    archive list --automata --archive archive.sqlite
    archive export table.csv --archive archive.sqlite
    archive series --archive archive.sqlite --prove --out series.csv
    archive verify --archive archive.sqlite --workers 1
    verify search/candidates.csv
    solve search/candidates.csv --workers 1
    solve search/candidates.csv --no-words --workers 1
    """


_CUT = 137


class Command(NamedTuple):
    """A command that is disturbed, in a few variants, each in a folder of its own."""

    lines: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    """Files and folders of the world that stand beside its output."""
    other: str = ""
    """The first line with other settings: for the same folder."""


COMMANDS = {
    "generate": Command(
        (
            "generate -n 6 --count 120 --shard-rows 40 --out out --workers 1",
            "generate -n 6 --sampler evolved --ceiling 0.6 --calls 400 --count 60 --shard-rows 20"
            " --out out --workers 1",
            "generate -n 5 --partial --count 120 --shard-rows 40 --out out --workers 1",
        ),
        other="generate -n 6 --count 120 --shard-rows 40 --seed 1 --out out --workers 1",
    ),
    "enumerate": Command(
        (
            "enumerate -n 4 -k 2 --out out --workers 1",
            "enumerate -n 5 -k 2 --at-least 10 --class not-sink --out out --workers 1",
            "enumerate -n 4 -k 2 --no-rows --out out --workers 1",
            "enumerate -n 3 -k 2 --partial --out out --workers 1",
        ),
        other="enumerate -n 4 -k 2 --at-least 3 --out out --workers 1",
    ),
    "import": Command(
        ("import search/candidates.csv --out out --workers 1",),
        ("search", "evolve"),
        "import evolve/candidates.csv --out out --workers 1",
    ),
    "train": Command(
        (
            f"train --data data --out out --epochs 3 {_MODEL}",
            f"train --data data --out out --epochs 2 --class not-sink {_MODEL}",
            f"train --data data --out out --epochs 2 --prior vamp --adversarial 1 {_MODEL}",
        ),
        ("data",),
        f"train --data data --out out --epochs 3 --seed 1 {_MODEL}",
    ),
    "discover": Command(
        (
            f"discover {_SIZES} {_LEARN} --out out",
            f"discover {_SIZES} {_LEARN} --arms vae+insertion --out out",
            f"discover {_SIZES} {_LEARN} --partial --out out",
        ),
        other=f"discover {_SIZES} {_LEARN} --out out --first-look 19",
    ),
    "discover, two arms": Command(
        (f"discover {_SIZES} {_LEARN} --arms insertion,stretch --out out",),
    ),
    "search": Command(
        (
            f"search --model model --data data --out out --mode prior {_LATENT}",
            f"search --model model --data data --out out --mode encode-decode {_LATENT}",
        ),
        ("data", "model"),
        f"search --model model --data data --out out --mode prior --seed 1 {_LATENT}",
    ),
    "evolve": Command(
        (f"{_EVOLVE} --out out --workers 1", f"{_EVOLVE} --partial --out out --workers 1"),
        other=f"{_EVOLVE} --seed 1 --out out --workers 1",
    ),
    "evaluate": Command(
        ("evaluate --model bare --data data --workers 1",),
        ("data", "bare"),
        "evaluate --model bare --data data --seed 1 --workers 1",
    ),
    "report": Command(
        (
            "report evolve --limit 3 --out page.html",
            "report discover --limit 3 --out page.html",
            "report data --limit 3",
            "report --archive archive.sqlite --limit 3 --out page.html",
        ),
        ("evolve", "discover", "data", "archive.sqlite"),
        "report evolve --limit 2 --out page.html",
    ),
    "archive export": Command(
        ("archive export table.csv --archive archive.sqlite",), ("archive.sqlite",)
    ),
    "archive series": Command(
        ("archive series --archive archive.sqlite --prove --out series.csv",), ("archive.sqlite",)
    ),
}


@dataclass(frozen=True)
class Reference:
    """What a command leaves when nothing disturbs it."""

    facts: Facts
    seconds: float


@cache
def world() -> Path:
    """Make the world, in this process, so that all that it compiles is there for its children."""
    _check_import()
    folder = Path(tempfile.mkdtemp(prefix="world-", dir=_base())).resolve()
    own = os.getpid()
    atexit.register(lambda: os.getpid() == own and shutil.rmtree(folder, ignore_errors=True))
    _quicken()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with _quiet():
            for line in _WORLD.strip().splitlines():
                code = server.run_main(line.split())
                if code != 0:
                    raise RuntimeError(f"exit code {code} where nothing is disturbed: {line}")
        _interrupt(HALF_LINE, folder, "checksums.json", 2)
        _interrupt(PENDING_LINE, folder, "pending.parquet", 4)
        _undo(folder)
    finally:
        os.chdir(before)
    return folder


def _interrupt(line: str, folder: Path, name: str, time: int) -> None:
    """Run a line until it would give a file its final name for the second time, or later."""

    def hook() -> None:
        replace, times = os.replace, [0]

        def counted(source: str, target: str, **named: int) -> None:
            times[0] += Path(target).name == name
            if times[0] == time:
                os._exit(_CUT)
            replace(source, target, **named)

        os.replace = counted  # type: ignore[assignment]

    answer = server.call(line, folder, hook=hook)
    if answer.code != _CUT:
        raise RuntimeError(f"{line}: not interrupted: {answer.last_words}")


def _undo(folder: Path) -> None:
    """Copy the discovery as it was before its last step."""
    shutil.copytree(folder / "discover", folder / "undone")
    shutil.rmtree(folder / "undone" / "seed-0" / "mix" / "n-06")
    for name in ("run.json", "candidates.csv", "summary.csv", "checksums.json"):
        (folder / "undone" / name).unlink()


@contextmanager
def scratch(inputs: tuple[str, ...] = (), place: Path | None = None) -> Iterator[Path]:
    """A folder of its own that holds copies of some of the world, removed afterwards.

    Its name is always the same, for pages show it.
    """
    above = place or Path(tempfile.mkdtemp(prefix="round-", dir=_base())).resolve()
    folder = above / "here"
    try:
        folder.mkdir()
        for name in inputs:
            source = world() / name
            copy: Callable[..., object] = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, folder / name)
        yield folder
    finally:
        shutil.rmtree(folder if place else above, ignore_errors=True)


@cache
def reference(line: str, inputs: tuple[str, ...]) -> Reference:
    """What a line leaves, undisturbed, beside these inputs: the same twice."""
    found = []
    for _ in range(2):
        with scratch(inputs) as folder:
            answer = server.call(line, folder)
            if answer.code != 0:
                raise RuntimeError(f"{line}: {answer.last_words}")
            found.append(Reference(facts(folder), answer.seconds))
    unlike = differences(found[0].facts, found[1].facts)
    if unlike:
        raise RuntimeError(f"two undisturbed runs of {line!r} differ: {'; '.join(unlike)}")
    return Reference(found[0].facts, min(found[0].seconds, found[1].seconds))


def _base() -> Path:
    folder = FOLDER / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _quicken() -> None:
    """Let small enumerations have several shards, and save their work at every unit."""
    from data import enumerate as module

    for name, value in [("SHARD_ROWS", 300), ("_PAUSE", 0.0)]:
        if not hasattr(module, name):
            raise RuntimeError(f"data.enumerate has no {name} any more: say how to make it quick")
        setattr(module, name, value)


@contextmanager
def _quiet() -> Iterator[None]:
    """Send what this process says to a file, shown where something goes wrong."""
    kept = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        try:
            yield
        except BaseException:
            file.seek(0)
            os.write(kept[1], file.read()[-4000:])
            raise
        finally:
            for number, own in zip((1, 2), kept, strict=True):
                os.dup2(own, number)
                os.close(own)


def _check_import() -> None:
    """Refuse to try the code of another tree."""
    import pipeline

    if Path(pipeline.__file__).resolve().parent != ROOT:
        raise RuntimeError(f"pipeline is that of {pipeline.__file__}: run this in {ROOT}")
