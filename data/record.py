"""The record of a run in its folder: command, config with its seed, versions, commit, seconds."""

from __future__ import annotations

import json
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data.files import DataError, discard, read_json, write_json


class Run:
    """A context that times a command and, if it succeeds, writes ``run.json`` into its folder.

    Parameters
    ----------
    folder : Path
    command : str
    config : dict
        Plain values, the seed among them.
    force : bool
        Discard what the folder holds.

    Raises
    ------
    DataError
        If the folder holds another run.
    """

    def __init__(self, folder: Path, command: str, config: dict[str, Any], force: bool) -> None:
        self.folder, self.command, self.config = folder, command, config
        self.seconds = 0.0
        if force:
            discard(folder)
        record = folder / "run.json"
        if record.exists():
            found = read_json(record)
            here = {"command": command, "config": json.loads(json.dumps(config))}
            if not isinstance(found, dict) or any(found.get(key) != here[key] for key in here):
                raise DataError(f"{folder}: holds another run; --force discards it")

    def __enter__(self) -> Run:
        self._start = time.perf_counter()
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        self.seconds = time.perf_counter() - self._start
        if failure is None:
            record = {
                "command": self.command,
                "config": self.config,
                "versions": versions("numpy", "numba", "pandas", "pyarrow", "torch"),
                "commit": _git_commit(),
                "seconds": round(self.seconds, 3),
            }
            write_json(self.folder / "run.json", record)


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python, this project and the given packages."""
    names = ["synchronizing-automata", *packages]
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def _git_commit() -> str | None:
    """Return the commit of the source tree, None outside a repository or without git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()
