"""Folders that tests make once, copy and compare."""

import shutil
from collections.abc import Callable
from pathlib import Path


def contents(folder: Path) -> dict[str, bytes]:
    """The files below a folder by their paths in it, without locks and without files of times."""
    apart = {"run.json", "seconds.json", ".lock"}
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in apart]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def made_once(root: Path, make: Callable[[str, Path], object]) -> Callable[[str], Path]:
    """A function from a name to its folder below `root`, which the first call fills."""

    def folder_of(name: str) -> Path:
        if not (root / name).exists():
            make(name, root / name)
        return root / name

    return folder_of


def copied(folder: Path, place: Path) -> Path:
    """A copy of the folder's contents, which a test may damage."""
    return Path(shutil.copytree(folder, place, ignore=shutil.ignore_patterns("run.json", ".lock")))
