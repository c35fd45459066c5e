"""What a folder holds, so that two runs of one command can be compared: names and contents.

Times, and what is made of them, are left out.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

Facts = dict[str, str]
"""By path within the folder: a digest, or what is wrong with the file."""

_LOCK = ".lock"
_TIMED_PICTURES = ("training.png", "training.svg")
_TEMPORARY = re.compile(r"\.tmp|\.tmp\.|^tmp|~$|-journal$|-wal$|-shm$")


def facts(root: Path) -> Facts:
    """What there is below a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_dir() or path.name == _LOCK:
            continue
        try:
            found[name] = _digest(_content(path, root))
        except Exception as error:  # whatever is in the file, it is no fact
            found[name] = f"unreadable ({type(error).__name__}: {error})"
    return found


def differences(found: Mapping[str, str], expected: Mapping[str, str]) -> list[str]:
    """Name the files that are missing, too many, or not as expected."""
    lines = [f"{name} is missing" for name in expected if name not in found]
    lines += [f"{name} is left over" for name in found if name not in expected]
    for name in found.keys() & expected.keys():
        if found[name] != expected[name]:
            lines.append(f"{name} differs" + (f", {found[name]}" if " " in found[name] else ""))
    return sorted(lines)


def is_leftover(difference: str) -> bool:
    """Whether a difference is a temporary file that was not swept."""
    name, _, what = difference.rpartition(" is ")
    return what == "left over" and _TEMPORARY.search(Path(name).name) is not None


def _digest(content: bytes | str) -> str:
    data = content if isinstance(content, bytes) else content.encode()
    return hashlib.sha256(data).hexdigest()[:16]


def _content(path: Path, root: Path) -> bytes | str:
    """What must be the same in two runs."""
    if path.name == "run.json":
        record = json.loads(path.read_text())
        record.pop("seconds")
        return json.dumps(record, sort_keys=True).replace(str(root.resolve()), "@")
    if path.suffix == ".csv":
        return _timeless(path.read_text())
    if path.name == "resume.pt":
        return _resume(path)
    if path.name == "checksums.json":
        return _checksums(path)
    if path.name == "seconds.json":
        return repr(sorted(json.loads(path.read_text())))
    if path.name in _TIMED_PICTURES:
        return "empty" if path.stat().st_size == 0 else "a picture"
    if path.suffix == ".sqlite":
        return _archive(path)
    return path.read_bytes()


def _timeless(table: str) -> str:
    """A table without its columns of times; as it is where it has none."""
    header = table.partition("\n")[0].split(",")
    if not any("second" in name for name in header):
        return table
    rows = csv.DictReader(io.StringIO(table))
    return repr([{k: v for k, v in row.items() if "second" not in str(k)} for row in rows])


def _resume(path: Path) -> str:
    """The tensors, and everything else but the speed."""
    import torch

    def plain(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return _digest(value.contiguous().numpy().tobytes())
        if isinstance(value, Mapping):
            return {str(key): plain(own) for key, own in value.items()}
        return [plain(own) for own in value] if isinstance(value, list | tuple) else repr(value)

    state = torch.load(path, weights_only=True)
    for row in state["metrics"]:
        row.pop("samples_per_second")
    return json.dumps(plain(state), sort_keys=True)


def _checksums(path: Path) -> str:
    """Which files are recorded; all must be as recorded."""
    recorded = json.loads(path.read_text())
    for name, expected in recorded.items():
        content = (path.parent / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != expected:
            raise ValueError(f"{name} is not the one recorded")
    return repr(sorted(recorded))


def _archive(path: Path) -> str:
    """Every automaton, and who found it; not when. It is read in a copy, with its log."""
    with tempfile.TemporaryDirectory() as other:
        for part in path.parent.glob(f"{path.name}*"):
            shutil.copy(part, other)
        with closing(sqlite3.connect(Path(other) / path.name)) as archive:
            rows = archive.execute("SELECT * FROM automata ORDER BY n, k, canonical").fetchall()
            finds = "SELECT n, k, canonical, run, arm FROM finds ORDER BY n, k, canonical, run, arm"
            return repr((rows, archive.execute(finds).fetchall()))
