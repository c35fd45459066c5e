"""The record of a run in its folder: command, config with its seed, versions, commit, seconds."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data.files import DataError, read_json, write_json

_OURS = re.compile(
    r"((part-\d{6}|pending)\.parquet|(manifest|run|checksums|config|evaluation)\.json"
    r"|(candidates|summary|recall|metrics|counts)\.csv|model\.safetensors|resume\.pt|report\.html)(\.tmp)?"
)


class Run:
    """A context that times a command and, when it succeeds, writes ``run.json`` into its folder.

    Parameters
    ----------
    folder : Path
    command : str
    config : dict
        Plain values, the seed among them; another config is another run.
    inputs : mapping of str to Path
        The folders it reads: recorded, but no part of what makes a run another one.
    covers : dict, optional
        How much of what belongs together this run has done, for those that grow: recorded, but
        no part of what makes a run another one.
    force : bool
        Discard what the folder holds, once the context is entered.

    Raises
    ------
    DataError
        If the folder holds another run, or is one of the inputs.
    """

    def __init__(
        self,
        folder: Path,
        command: str,
        config: dict[str, Any],
        inputs: Mapping[str, Path] | None = None,
        *,
        covers: dict[str, Any] | None = None,
        force: bool,
    ) -> None:
        self.folder, self.command, self.force = folder, command, force
        self.config: dict[str, Any] = plain(config)
        self.covers = {} if covers is None else {"covers": plain(covers)}
        self.inputs = {name: str(path.resolve()) for name, path in (inputs or {}).items()}
        self.seconds = 0.0
        if str(folder.resolve()) in self.inputs.values():
            raise DataError(f"{folder}: is what the command reads; it cannot write there")
        self.complete = (folder / "run.json").exists() and not force
        if self.complete:
            found = read_json(folder / "run.json")
            self._compare(found)
            self.complete = found.get("covers") == self.covers.get("covers")
            if covers is not None:  # what grows may be given more to read
                self.complete = self.complete and found.get("inputs") == self.inputs

    def __enter__(self) -> Run:
        if self.force and self.folder.is_dir():
            for path in self.folder.iterdir():
                if _OURS.fullmatch(path.name):
                    path.unlink()
        self._start = time.perf_counter()
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        self.seconds = time.perf_counter() - self._start
        if failure is None and not self.complete:  # the record of the run that made the files
            record = {
                "command": self.command,
                "config": self.config,
                **self.covers,
                "inputs": self.inputs,
                "versions": versions("numpy", "numba", "pandas", "pyarrow", "torch"),
                "commit": git_commit(),
                "seconds": round(self.seconds, 3),
            }
            write_json(self.folder / "run.json", record)

    def _compare(self, found: Any) -> None:
        if not isinstance(found, dict) or not isinstance(found.get("config"), dict):
            raise DataError(f"{self.folder / 'run.json'}: not the record of a run")
        if found.get("command") != self.command:
            raise DataError(
                f"{self.folder}: holds a run of {found.get('command')}; --force discards it"
            )
        differences = differing(found["config"], self.config)
        if differences:
            raise DataError(
                f"{self.folder}: holds another run ({differences}); --force discards it"
            )


def plain(value: Any) -> Any:
    """Return a value as JSON gives it back.

    Examples
    --------
    >>> plain({"shape": (1, 2)})
    {'shape': [1, 2]}
    """
    return json.loads(json.dumps(value))


def differing(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Name the differences between two configs, and within their parts; "" if there are none.

    Examples
    --------
    >>> differing({"n": 8, "seed": 0}, {"n": 8, "seed": 1})
    'seed=0 there, 1 here'
    >>> differing({"learn": {"batch": 1, "beta": 2}}, {"learn": {"batch": 3, "beta": 2}})
    'learn.batch=1 there, 3 here'
    """
    differences = []
    for name in dict.fromkeys([*here, *there]):
        own, its = here.get(name), there.get(name)
        if isinstance(own, dict) and isinstance(its, dict):
            own = {f"{name}.{part}": value for part, value in own.items()}
            its = {f"{name}.{part}": value for part, value in its.items()}
            differences += [found] if (found := differing(its, own)) else []
        elif own != its:
            differences.append(f"{name}={its} there, {own} here")
    return "; ".join(differences)


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python, this project and the given packages."""
    names = ["synchronizing-automata", *packages]
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def git_commit() -> str | None:
    """Return the commit of the source tree, None outside a repository or without git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()
