"""Damage to files, and the complaint about it."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from data.damage import DataError
from data.files import write_sealed


def refused(message: str) -> AbstractContextManager[pytest.ExceptionInfo[DataError]]:
    """Expect a `DataError` of one line that has `message`, a regular expression, in it."""
    return pytest.raises(DataError, match=f"^[^\n]*(?:{message})[^\n]*$")


def edited(**changes: Any) -> Callable[[Path], object]:
    """Change entries of the manifest of a folder; `None` removes one."""

    def edit(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text()) | changes
        kept = {key: value for key, value in manifest.items() if value is not None}
        write_sealed(folder / "manifest.json", kept)

    return edit


def put(place: str, value: Any) -> Callable[[dict[str, Any]], object]:
    """Change the value at a place such as shards.0.rows in a JSON object; None removes it."""

    def change(content: dict[str, Any]) -> None:
        *path, last = place.split(".")
        inner: Any = content
        for name in path:
            inner = inner[int(name)] if name.isdigit() else inner[name]
        if value is None:
            del inner[last]
        else:
            inner[int(last) if last.isdigit() else last] = value

    return change
