"""The record of a run in its folder: command, config with its seed, versions, commit, seconds."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data.claim import claim
from data.damage import DataError, read_json
from data.files import write_json

_OURS = re.compile(
    r"(part-\d{6}|pending(-\d{9})?)\.parquet|(manifest|run|checksums|config|evaluation|seconds)\.json"
    r"|(candidates|summary|sources|recall|metrics|counts|attributes)\.csv|model\.safetensors|resume\.pt"
    r"|(report|lecture)\.html"
    r"|(thresholds|training|norms|strip|reconstructions|hits|recall|families|gaps)\.(png|svg)"
)

_MOST_SHOWN = 100
"""Characters of a file's text that an error repeats at most."""
_MOST_DIFFERENCES = 10


class Run:
    """A run under way.

    Parameters
    ----------
    complete : bool
        Whether the folder held this same run already, finished.
    """

    def __init__(self, complete: bool) -> None:
        self.complete = complete
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Wall time since the run began, in seconds."""
        return time.perf_counter() - self._start


@contextmanager
def recorded(
    folder: Path,
    command: str,
    config: Mapping[str, Any],
    inputs: Mapping[str, Path] | None = None,
    *,
    covers: Mapping[str, Any] | None = None,
    contents: Mapping[str, str] | None = None,
    grows: Collection[str] = (),
    renews: bool = False,
    force: bool,
) -> Iterator[Run]:
    """Claim a folder for a run, time it, and write ``run.json`` when it succeeds.

    Parameters
    ----------
    folder : Path
    command : str
    config : mapping
        Plain values, the seed among them. A run with another config is another run.
    inputs : mapping of str to Path
        The folders it reads, recorded. Other folders do not make it another run.
    covers : mapping, optional
        The arms and seeds that the folder holds, for runs that grow; recorded. Others do not
        make it another run.
    contents : mapping of str to str
        SHA-256 of inputs, such as the model. A run with others is another run.
    grows : collection of str
        Settings, such as ``train.epochs``, whose change does not make it another run: the command
        decides what it makes of them.
    renews : bool
        Whether the same command writes all files again, and then the record too.
    force : bool
        Discard what the folder holds.

    Yields
    ------
    Run

    Raises
    ------
    DataError
        If the folder holds another run, is one of the inputs, or another process holds it.
    """
    places = {name: str(path.resolve()) for name, path in (inputs or {}).items()}
    if str(folder.resolve()) in places.values():
        raise DataError(f"{folder}: is what the command reads; it cannot write there")
    record: dict[str, Any] = {"command": command, "config": plain(config), "inputs": places}
    if covers is not None:
        record["covers"] = plain(covers)
    if contents is not None:
        record["inputs_sha256"] = dict(contents)
    path = folder / "run.json"
    with claim(folder, command):
        if force:
            _discard(folder)
        found = read_json(path) if path.exists() else {}
        if path.exists():
            _compare(folder, found, record, grows)
        run = Run(
            all(found.get(name) == record.get(name) for name in ("config", "covers", "inputs"))
        )
        yield run
        if renews or not run.complete:
            record |= {
                "versions": versions("numpy", "numba", "pandas", "pyarrow", "torch"),
                "commit": git_commit(),
                "seconds": round(run.seconds, 3),
            }
            write_json(path, record)


def _discard(folder: Path) -> None:
    """Remove the files of a run, its record first: without the files the record would be false."""
    (folder / "run.json").unlink(missing_ok=True)
    for path in folder.iterdir():
        if _OURS.fullmatch(path.name):
            path.unlink()


def _compare(folder: Path, found: Any, record: Mapping[str, Any], grows: Collection[str]) -> None:
    """Raise `DataError` if the record found is not that of this run."""
    if not isinstance(found, dict) or not isinstance(found.get("config"), dict):
        raise DataError(f"{folder / 'run.json'}: not the record of a run")
    if found.get("command") != record["command"]:
        theirs = str(found.get("command"))[:_MOST_SHOWN]
        raise DataError(f"{folder}: holds a run of {theirs}; --force discards it")
    had, ours = found.get("inputs_sha256", {}), record.get("inputs_sha256", {})
    if not isinstance(had, dict):
        raise DataError(f"{folder / 'run.json'}: not the record of a run")
    others = [name for name in ours if had.get(name, ours[name]) != ours[name]]  # old: none
    settings = differing(found["config"], record["config"], grows)
    differences = "; ".join(filter(None, [settings, *(f"another {name}" for name in others)]))
    if differences:
        raise DataError(f"{folder}: holds another run ({differences}); --force discards it")


def plain(value: Any) -> Any:
    """Return a value after a round trip through JSON.

    Examples
    --------
    >>> plain({"shape": (1, 2)})
    {'shape': [1, 2]}
    """
    return json.loads(json.dumps(value))


def differing(there: Mapping[str, Any], here: Mapping[str, Any], but: Collection[str] = ()) -> str:
    """Name the differences between two nested configs, but for some names; "" if there are none.

    Examples
    --------
    >>> differing({"n": 8, "seed": 0}, {"n": 8, "seed": 1})
    'seed=0 there, 1 here'
    >>> differing({"learn": {"batch": 1, "beta": 2}}, {"learn": {"batch": 3, "beta": 2}})
    'learn.batch=1 there, 3 here'
    >>> differing({"learn": {"batch": 1}}, {"learn": {"batch": 3}}, ["learn.batch"])
    ''

    A flag that came later is missing where it is not set:

    >>> differing({"partial": True}, {})
    'partial=True there, False here'
    """
    differences = []
    for name in dict.fromkeys([*here, *there]):
        own, its = (
            side.get(name, False if here.get(name) is True or there.get(name) is True else None)
            for side in (here, there)
        )
        if isinstance(own, dict) and isinstance(its, dict):
            own = {f"{name}.{part}": value for part, value in own.items()}
            its = {f"{name}.{part}": value for part, value in its.items()}
            differences += [found] if (found := differing(its, own, but)) else []
        elif own != its and name not in but:
            shown = str(its)[:_MOST_SHOWN]
            differences.append(f"{name[:_MOST_SHOWN]}={shown} there, {own} here")
    more = len(differences) - _MOST_DIFFERENCES
    named = differences[:_MOST_DIFFERENCES]
    return "; ".join([*named, f"{more} more"] if more > 0 else named)


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python, this project and the named packages."""
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
