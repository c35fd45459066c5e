"""Files of compiled code, each whole or absent, in folders that are removed when they are old.

A folder holds the code compiled from one state of the sources with one set of flags and versions;
its name ends in a hash of all these. Until it ends, a process holds the file ``in-use`` of its
folder open under a shared lock, so that no other process removes the folder. Windows has no such
locks, but there an open file cannot be removed. No fault of the disk raises an error here.
"""

import hashlib
import logging
import os
import re
import shutil
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

try:
    import fcntl as _fcntl
except ImportError:  # Windows
    _locks: Any = None
else:
    _locks = _fcntl

KEPT = 8
"""Number of folders kept beside the one in use: other checkouts, versions and settings."""
_IN_USE = "in-use"
_PLAIN = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
_FOLDER = re.compile("automata-[0-9a-f]{32}")
_LOG = logging.getLogger(__name__)


def warn(problem: str) -> None:
    """Say on stderr, once a process and in one line, why code is compiled again."""
    _LOG.warning(
        "Warning: %s; the environment variable NUMBA_CACHE_DIR may name another folder",
        " ".join(problem.split()),
    )
    _LOG.disabled = True


class CodeStore:
    """Compiled code by name, in the first of some folders that can be written.

    Parameters
    ----------
    roots : sequence of Path
        Folders in which the folder may be made, the preferred one first.
    key : str
        32 hexadecimal digits that change whenever old code must not be used.
    """

    def __init__(self, roots: Sequence[Path], key: str) -> None:
        self.folders = [root / f"automata-{key}" for root in roots]
        self._claims: dict[Path, int] = {}
        self._cleared: set[Path] = set()
        self._broken = False
        for folder in self.folders:
            self._claim(folder, os.O_RDONLY)

    def read(self, name: str) -> bytes | None:
        """Return the code stored under a name; None if it is missing or damaged."""
        for folder in self.folders:
            path = folder / name
            try:
                whole = path.read_bytes() if path.is_file() else None
            except OSError:
                continue  # `write` warns of the reason
            if whole is not None and whole[:32] == _digest(name, whole[32:]):
                return whole[32:]
            if whole is not None:
                warn(f"{str(path)!r} is damaged, so it is compiled again")
        return None

    def write(self, name: str, content: bytes) -> None:
        """Store compiled code, or warn; after a failure nothing more is written."""
        if self._broken:
            return
        problem: OSError | None = None
        for folder in self.folders:
            try:
                self._write(folder, name, content)
                return
            except OSError as error:
                problem = problem or error
        self._broken = True
        reason = "no folder for it is known"
        if problem is not None:
            reason = f"{str(self.folders[0].parent)!r}: {problem.strerror or problem}"
        warn(f"compiled code is not kept, so it is compiled at each start ({reason})")

    def _write(self, folder: Path, name: str, content: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if folder not in self._cleared:
            self._claim(folder, os.O_RDWR | os.O_CREAT)
            self._clear(folder)
            _sweep(folder)
        temporary = folder / f"{name}.{uuid.uuid4().hex}.tmp"
        try:
            with open(temporary, "xb") as file:
                file.write(_digest(name, content) + content)
            os.replace(temporary, folder / name)
        finally:
            temporary.unlink(missing_ok=True)

    def _claim(self, folder: Path, flags: int) -> None:
        """Hold a folder, if it exists, until this process ends."""
        if folder in self._claims:
            return
        with suppress(OSError):
            self._claims[folder] = os.open(folder / _IN_USE, flags | _PLAIN, 0o666)
            os.utime(folder / _IN_USE)
        if folder in self._claims:
            _lock(self._claims[folder], "LOCK_SH")

    def _clear(self, folder: Path) -> None:
        """Remove the unfinished files of killed processes, unless another process is here."""
        self._cleared.add(folder)
        with suppress(OSError):
            if folder in self._claims and _lock(self._claims[folder], "LOCK_EX"):
                for path in folder.glob("*.tmp"):
                    path.unlink()
        if folder in self._claims:
            _lock(self._claims[folder], "LOCK_SH")


def _lock(descriptor: int, kind: str) -> bool:
    """Take or change a lock without waiting; return False if refused, True without locks."""
    if not _locks:
        return True
    with suppress(OSError):
        _locks.flock(descriptor, getattr(_locks, kind) | _locks.LOCK_NB)
        return True
    return False


def _digest(name: str, content: bytes) -> bytes:
    return hashlib.sha256(name.encode() + content).digest()


def _sweep(own: Path) -> None:
    """Remove all folders except the `KEPT` used last and those that a process holds."""
    with suppress(OSError):
        others = [path for path in own.parent.iterdir() if _FOLDER.fullmatch(path.name)]
        others = [path for path in others if path != own and not path.is_symlink()]
        for folder in sorted(others, key=_last_use)[:-KEPT]:
            with suppress(OSError):
                _remove_unless_used(folder)


def _last_use(folder: Path) -> float:
    for path in (folder / _IN_USE, folder):
        with suppress(OSError):
            return path.lstat().st_mtime
    return 0.0


def _remove_unless_used(folder: Path) -> None:
    """Remove a folder; raise OSError if a process holds it and there are no locks."""
    if not _locks:
        (folder / _IN_USE).unlink()
        shutil.rmtree(folder)
        return
    descriptor = os.open(folder / _IN_USE, os.O_RDWR | os.O_CREAT | _PLAIN, 0o666)
    try:
        if _lock(descriptor, "LOCK_EX"):
            shutil.rmtree(folder)
    finally:
        os.close(descriptor)
