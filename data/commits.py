"""Several files written as one, with their checksums: after a crash all are old or all are new."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from data.damage import DataError, naming, read_json
from data.files import check_sha256, named, sha256, sweep, sync, temporary_file, write_json

_LOOKS, _PAUSE = 10, 0.1
"""A reader waits for a writer by looking again this often, with a pause in seconds between."""


def commit_files(folder: Path, writers: dict[str, Callable[[Path], object]]) -> None:
    """Write several files and ``checksums.json`` as one: after a crash all are old or all are new.

    First the new files are written under temporary names. Then ``checksums.json`` is replaced. Then
    the files are renamed; if that is interrupted, `recover` finishes it. The folder is made, its
    parents are not.

    Parameters
    ----------
    folder : Path
    writers : dict of str to callable
        For each file name a function that writes the file to a given path.
    """
    with named(folder):
        folder.mkdir(exist_ok=True)
    recover(folder)
    sweep(folder)
    waiting: dict[str, Path] = {}
    sums: dict[str, str] = {}
    try:
        for name, write in writers.items():
            with temporary_file(folder / name) as temporary:
                waiting[name] = temporary
                write(temporary)
                sync(temporary)
        sums = {name: sha256(temporary) for name, temporary in waiting.items()}
        write_json(folder / "checksums.json", sums)
    except BaseException:
        if not _are_recorded(folder, sums):  # recorded checksums need the temporary files
            for temporary in waiting.values():
                temporary.unlink(missing_ok=True)
        raise
    recover(folder)


def _are_recorded(folder: Path, sums: Mapping[str, str]) -> bool:
    try:
        return read_checksums(folder) == sums
    except (DataError, OSError):
        return False


def recover(folder: Path) -> None:
    """Finish the renaming of an interrupted `commit_files`; other files are not touched.

    Readers call it too. Two processes may do so at the same time.

    Raises
    ------
    DataError
        If ``checksums.json`` is damaged.
    OSError
        If a file must be renamed and the folder cannot be written.
    """
    if not (folder / "checksums.json").exists():
        return
    left = {path.name for path in folder.glob("*.tmp") if path.is_file() and not path.is_symlink()}
    for name, expected in read_checksums(folder).items() if left else ():
        for waiting in sorted(other for other in left if other.startswith(f"{name}.")):
            try:
                if sha256(folder / waiting) == expected:
                    os.replace(folder / waiting, folder / name)
            except (DataError, FileNotFoundError):
                continue  # renamed by another process
            except OSError as error:
                raise naming(error, folder / name) from error


def read_checksums(folder: Path) -> dict[str, str]:
    """Return the recorded SHA-256 of each file that `commit_files` wrote, by file name.

    Raises
    ------
    DataError
        If there is no such record, or it is damaged.
    """
    checksums = read_json(folder / "checksums.json")
    if not isinstance(checksums, dict) or not all(
        isinstance(value, str) and Path(name).name == name for name, value in checksums.items()
    ):
        raise DataError(f"{folder / 'checksums.json'}: not a record of checksums")
    return checksums


def check_files(folder: Path, *required: str) -> None:
    """Finish an interrupted `commit_files`, and compare every recorded file with its checksum.

    Raises
    ------
    DataError
        If a file is missing or damaged, or a required one is not recorded.
    """
    patience = _LOOKS
    while True:
        try:
            recover(folder)
        except OSError:  # without permission to rename: wait for the writer to do it
            if not patience:
                raise
            patience -= 1
            time.sleep(_PAUSE)
            continue
        checksums = read_checksums(folder)
        for name in required:
            if name not in checksums:
                raise DataError(f"{folder / 'checksums.json'}: has no checksum of {name}")
        try:
            for name, expected in checksums.items():
                check_sha256(folder / name, expected)
        except DataError:
            if read_checksums(folder) != checksums:
                continue  # a writer has replaced the files meanwhile
            raise
        return
