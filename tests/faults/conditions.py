"""Places and settings in which every command must work as usual.

Each is a command line of the shell around ours. Where it must fail, it fails in one line.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.faults.tallies import ROOT

SCRIPT = str(ROOT / "pipeline.py")


class Condition(NamedTuple):
    """Where a command runs."""

    variables: Mapping[str, str | None] = {}
    """Of the environment; None removes one. {} is a folder of its own."""
    shell: str = "{}"
    """The line of bash around the command."""
    cwd: str = "{}"
    script: Callable[[Path], str] = lambda cwd: SCRIPT
    """How the program is named, from a folder."""


_C = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
CONDITIONS: dict[str, Condition] = {
    "as usual": Condition(),
    "without fcntl": Condition({"PYTHONPATH": "{}/without-fcntl"}),
    "in a C locale": Condition(_C),
    "in a C locale, with names in ASCII": Condition(_C | {"PYTHONIOENCODING": "ascii"}),
    "TMPDIR elsewhere": Condition({"TMPDIR": "{}/a place for temporary files"}),
    "TMPDIR missing": Condition({"TMPDIR": "{}/missing"}),
    "TMPDIR a file": Condition({"TMPDIR": "{}/without-fcntl/sitecustomize.py"}),
    "from the root": Condition(cwd="/"),
    "from the tree": Condition(cwd=str(ROOT), script=lambda cwd: "pipeline.py"),
    "by a relative path": Condition(script=lambda cwd: os.path.relpath(SCRIPT, cwd)),
    "where nothing can be written": Condition(cwd="/proc"),
    "in a folder that is gone": Condition(shell='mkdir -p gone && cd gone && rmdir "$PWD" && {}'),
    "stdin closed": Condition(shell="{} <&-"),
    "stdout closed": Condition(shell="{} >&-"),
    "stderr closed": Condition(shell="{} 2>&-"),
    "all closed": Condition(shell="{} <&- >&- 2>&-"),
    "stderr full": Condition(shell="{} 2>/dev/full"),
    "without HOME": Condition({"HOME": None}),
    "HOME missing": Condition({"HOME": "{}/missing"}),
    "hardly any environment": Condition(shell="env -i {}"),
    "umask 077": Condition(shell="umask 077 && {}"),
    "few open files": Condition(shell="ulimit -n 64 && {}"),
    "interruptions ignored": Condition(shell="trap '' INT PIPE HUP && {}"),
}


def prepare(folder: Path) -> None:
    """Make what conditions need in a folder of their own."""
    (folder / "a place for temporary files").mkdir()
    (folder / "without-fcntl").mkdir()
    hidden = "import sys\n\nsys.modules['fcntl'] = None\n"
    (folder / "without-fcntl" / "sitecustomize.py").write_text(hidden)


def run_under(
    name: str, words: list[str], folder: Path, text: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command under a condition; `folder` is one that `prepare` has seen."""
    condition = CONDITIONS[name]
    cwd = condition.cwd.format(folder)
    command = shlex.join([sys.executable, condition.script(Path(cwd)), *words])
    environment = dict(os.environ)
    for variable, value in condition.variables.items():
        environment.pop(variable, None)
        if value is not None:
            environment[variable] = value.format(folder)
    return subprocess.run(
        ["bash", "-c", condition.shell.format(command)],
        cwd=cwd,
        env=environment,
        input=None if text is None else text.encode(),
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        timeout=300,
    )
