"""Damaged files, and what their readers make of them."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import os
import random
import resource
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.faults import server
from tests.faults.formats import Format, formats
from tests.faults.mutate_files import EXECUTED
from tests.faults.readers import Reader, Refused, UnclearMessageError, refusals
from tests.faults.tallies import Case, Kind, Tally
from tests.faults.world import scratch, world

_AT_ONCE = 200
_ROUNDS = 10_000 // _AT_ONCE
_LIMIT = 20
"""Seconds for one reader and one damaged file."""
_MOST_MEGABYTES = 4096
_AS_WERE, _RIGHT = "checksums as they were", "checksums put right"


def cases(scale: float) -> Sequence[Case]:
    """Ten thousand of every format, twice where it has checksums."""
    world()
    found = []
    for own in formats():
        if own.seal is None:
            found.append(Case(own.name, _ROUNDS))
        else:
            found += [Case(f"{own.name}, {what}", _ROUNDS) for what in (_AS_WERE, _RIGHT)]
    return found


def play(case: Case, number: int) -> Tally:
    """Damage a file again and again, in children that go on behind one that died."""
    name = case.name.removesuffix(f", {_AS_WERE}").removesuffix(f", {_RIGHT}")
    own = next(found for found in formats() if found.name == name)
    sealed = case.name.endswith(_RIGHT)
    counts, failures = Counter[str](), []
    with scratch(own.inputs) as folder:
        pristine = Pristine(folder)
        expected = expected_answers(own)
        place = 0
        while place < _AT_ONCE:
            seed = f"mutations {case.name} {number}"
            work = Work(own, sealed, seed, place, folder, pristine, expected)
            answer = server.Child(work, cwd=folder).wait(600.0)
            pristine.restore()
            for line in answer.out.splitlines():
                with contextlib.suppress(ValueError):
                    done, columns, texts = json.loads(line)
                    counts.update(columns)
                    failures += texts
                    place = done + 1
            if answer.code == 0:
                break
            counts[end_of(answer)] += 1
            failures.append(f"{seed}, mutation {place}: {work.told(place)}: {answer.last_words}")
            place += 1
        counts["mutations"] = _AT_ONCE
    return Tally(dict(counts), [f"{case.name}: {text}"[:1200] for text in failures][:50])


def end_of(answer: server.Answer) -> str:
    """The column of a child that died."""
    if answer.code == server.HANG or "Timeout (" in answer.err:
        return "hangs"
    return "memory" if "MemoryError" in answer.err else "crashes"


@cache
def expected_answers(own: Format) -> dict[str, str]:
    """What each reader says of the undamaged file; all must be well with it."""

    def read() -> dict[str, str]:
        draw_nothing()
        said = {}
        for reader in own.readers:
            try:
                said[reader.name] = reader.read(Path.cwd())
            except Refused:
                if not reader.may_refuse:
                    raise
                said[reader.name] = "refused"
                continue
            pristine.restore()
            told = reader.false(Path.cwd(), said[reader.name])
            if told:
                raise RuntimeError(f"{own.name}, undamaged, by {reader.name}: {told}")
        return said

    with scratch(own.inputs) as folder:
        pristine = Pristine(folder)
        found, answer = server.compute(read, cwd=folder)
    if found is None:
        raise RuntimeError(f"{own.name}, undamaged: {answer.err[-2000:]}")
    return dict(found)


class Pristine:
    """The files of a folder, to be put back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        self.times = {path: _times(path) for path in self.files}
        self.folders = {path for path in folder.rglob("*") if path.is_dir()}

    def restore(self) -> None:
        """Undo whatever was done to them."""
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                if path not in self.folders:
                    path.rmdir()
            elif path not in self.files:
                path.unlink()
        for path, content in self.files.items():
            if not path.exists() or _times(path) != self.times[path]:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                path.write_bytes(content)
                self.times[path] = _times(path)


def _times(path: Path) -> tuple[int, int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_size, state.st_ino


class Work:
    """What a child does: damage from one place on; a line of JSON for each."""

    def __init__(
        self, own: Format, sealed: bool, seed: str, first: int, folder: Path, pristine: Pristine,
        expected: dict[str, str],
    ) -> None:  # fmt: skip
        self.own, self.sealed, self.seed, self.first = own, sealed, seed, first
        self.folder, self.pristine, self.expected = folder, pristine, expected

    def _damage(self, place: int) -> tuple[bytes, str, random.Random]:
        chance = random.Random(f"{self.seed} {place}")
        content = self.pristine.files[self.folder / self.own.path]
        damaged, told = chance.choice(self.own.damage)(content, chance)
        return damaged, told, chance

    def told(self, place: int) -> str:
        """Say what the damage at a place is."""
        return self._damage(place)[1]

    def __call__(self) -> None:
        draw_nothing()
        gc.freeze()  # what a mutation leaves is collected, without a look at all modules
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for place in range(self.first, _AT_ONCE):
            damaged, told, chance = self._damage(place)
            path = self.folder / self.own.path
            path.unlink()
            path.write_bytes(damaged)
            if self.sealed and self.own.seal is not None:
                self.own.seal(self.folder)
            same_bytes = path.read_bytes() == self.pristine.files[path]
            counts, failures = Counter[str](), []
            for reader in self.own.readers:
                if chance.random() > reader.share:
                    continue
                column, text = self.outcome(reader, same_bytes)
                counts[column] += 1
                if text:
                    failures.append(f"{place}: {told}: {reader.name}: {column}: {text}")
                if (self.folder / EXECUTED).exists():
                    counts["executed"] += 1
                    failures.append(f"{place}: {told}: {reader.name}: ran code")
                    (self.folder / EXECUTED).rmdir()
            self.pristine.restore()
            print(json.dumps([place, counts, failures]), file=sys.__stdout__, flush=True)

    def outcome(self, reader: Reader, same_bytes: bool) -> tuple[str, str]:
        """The column of what a reader makes of the file, and what went wrong."""
        faulthandler.dump_traceback_later(_LIMIT, exit=True)
        try:
            text = reader.read(self.folder)
            megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            if megabytes > _MOST_MEGABYTES:
                raise MemoryError(f"{megabytes} MB")
            if text == self.expected[reader.name]:
                return "same answer", ""
            told = _judged(reader, self.folder, text)
            if told:
                return "silent", told
            if reader.vouched and not self.sealed and not same_bytes:
                return "silent", _first_difference(text, self.expected[reader.name])
            return "another answer", ""
        except UnclearMessageError as error:
            return "unclear message", str(error)
        except refusals() as error:
            return self._refusal(error)
        except MemoryError:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            kind = type(error).__name__
            return (
                "tracebacks",
                f"{kind}: {str(error)[:200]} ({Path(where.filename).name}:{where.lineno})",
            )
        finally:
            faulthandler.cancel_dump_traceback_later()
            gc.collect() if self.own.path.endswith(".pt") else None

    def _refusal(self, error: BaseException) -> tuple[str, str]:
        """A refusal names the file or its folder."""
        message = str(error)
        if isinstance(error, OSError) and error.filename is not None:
            message += f" {error.filename}"
        path = Path(self.own.path)
        names = {path.name, path.parent.name, path.name.partition(".")[0]} - {""}
        one = self.own.path in ("certificate", "refutation")  # read from a text, not from a file
        if one or any(name in message for name in names):
            return "refused", ""
        return "unclear message", f"{type(error).__name__}: {message[:200]}"


def _judged(reader: Reader, folder: Path, text: str) -> str:
    """What is false in an answer; one that is no answer at all is."""
    try:
        return reader.false(folder, text)
    except Exception as error:
        return f"no answer that makes sense ({type(error).__name__}: {error}): {text[:200]}"


def _first_difference(text: str, expected: str) -> str:
    at = next(
        (i for i, (one, other) in enumerate(zip(text, expected, strict=False)) if one != other),
        min(len(text), len(expected)),
    )
    low = max(0, at - 40)
    return f"{text[low : at + 40]!r}, not {expected[low : at + 40]!r}"


def draw_nothing() -> None:
    """Leave out the pictures of commands that go on: they take the most time."""
    from data import jobs as dataset_jobs
    from search.jobs import models as model_jobs

    for module, name in [(dataset_jobs, "plot_thresholds"), (model_jobs, "plot_training")]:
        if hasattr(module, name):
            setattr(module, name, lambda *args, **named: [])


KIND = Kind(
    "mutations",
    "One file is damaged: its bytes, texts, JSON values, columns, arrays, tensors or tables. Every"
    " reader of it must give the same answer as for the undamaged file, or refuse it in one line"
    " that names the file. Another answer without an error counts as silent if the checksums were"
    " not changed. If they were changed to match, or the file has none, it counts as silent where"
    " plain Python shows that the answer is false.",
    ("mutations", "same answer", "refused", "another answer", "silent", "tracebacks",
     "unclear message", "hangs", "memory", "crashes", "executed"),
    ("silent", "tracebacks", "unclear message", "hangs", "memory", "crashes", "executed"),
    cases,
    play,
)  # fmt: skip
