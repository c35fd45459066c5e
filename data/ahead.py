"""The finds of an enumeration behind a lost unit, in files of their own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from data.buffer import Buffer, Unit
from data.damage import DataError

_FILE = re.compile(r"pending-([0-9]{9})\.parquet")


class Ahead:
    """Ranges of units whose finds wait for the units before them.

    A file has a range, with at most one unit that has rows, the last one: only such a unit may end
    a shard. So shards end where they do without these files.

    Parameters
    ----------
    folder : Path
    config : dict
        Config of the enumeration, from its manifest.
    units : int
        Number of all units.

    Raises
    ------
    DataError
        If a file is damaged.
    """

    def __init__(self, folder: Path, config: dict[str, Any], units: int) -> None:
        self._folder, self._config, self._units = folder, config, units
        self._buffer: Buffer | None = None
        self.ranges: dict[int, int] = {}
        """For the first unit of each file the one after its last."""
        for path in sorted(folder.glob("pending-*.parquet")):
            if name := _FILE.fullmatch(path.name):
                first = int(name[1])
                state = Buffer(config, first).read_state(path, units)
                if state["first"] != first or state["next"] <= first:
                    raise DataError(f"{path}: of other units; it can be deleted")
                self.ranges[first] = state["next"]

    def add(self, number: int, unit: Unit) -> None:
        """Add the finds of a unit; numbers rise from call to call."""
        if self._buffer is None or self._buffer.state.next != number:
            self.save()
            self._buffer = Buffer(self._config, number)
        self._buffer.add(unit)
        if unit.parts:
            self.save()
            self._buffer = None

    def save(self) -> None:
        """Write the finds that are in no file yet."""
        if self._buffer is not None:
            first, following, *_ = self._buffer.state
            self._buffer.save(self._folder, _name(first))
            self.ranges[first] = following

    def take(self, first: int, workers: int) -> Buffer:
        """Return the finds in the file of a first unit; errors as of a buffer that is restored."""
        buffer = Buffer(self._config, first)
        buffer.restore(self._folder, self._units, workers, _name(first))
        return buffer

    def remove(self, end: int) -> None:
        """Remove the files of units before `end`."""
        for first in [first for first in self.ranges if first < end]:
            (self._folder / _name(first)).unlink(missing_ok=True)
            del self.ranges[first]


def _name(first: int) -> str:
    return f"pending-{first:09}.parquet"
