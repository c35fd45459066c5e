"""Progress on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from threading import RLock
from typing import Any

from tqdm import tqdm

from data.pace import Pace

_LOCK = RLock()
"""Instead of tqdm's own, which forked processes share: one killed with it held would stop all."""


class _Lines(io.TextIOBase):
    """Print one line for each redraw of a bar."""

    def write(self, text: str) -> int:
        line = text.strip()
        if line:
            with suppress(OSError):  # a full disk behind stderr does not end the run
                print(line, file=sys.stderr, flush=True)
        return len(text)


class _Bar(tqdm):  # type: ignore[misc]
    """A counter that may estimate the time left otherwise than from the mean pace."""

    pace: Pace | None = None

    @property
    def format_dict(self) -> dict[str, Any]:
        values: dict[str, Any] = super().format_dict
        if self.pace is not None:
            seconds = self.pace.seconds_left()  # a rate of 0 shows that nobody knows yet
            values["rate"] = (self.total - self.n) / seconds if seconds else 0
        if self.n >= self.total and not values["rate"]:  # nothing is left, whatever the pace was
            values["rate"] = max(1, self.n - self.initial) / max(1.0, values["elapsed"])
        return values


def progress(
    total: int, description: str, unit: str, *, done: int = 0, pace: Pace | None = None
) -> tqdm[Any]:
    """Return a tqdm counter up to `total` units, a context manager; it begins at `done`.

    The time left is estimated from the mean pace of this run, or as `pace` says. Without a stderr,
    or if it cannot be written to, nothing is shown.
    """
    bar = _counter(total, description, unit, done)
    bar.pace = pace
    return bar


def _counter(total: int, description: str, unit: str, done: int) -> _Bar:
    tqdm.set_lock(_LOCK)
    if sys.stderr is None:
        return _Bar(total=total, initial=done, disable=True)
    if sys.stderr.isatty():
        return _Bar(total=total, desc=description, unit=unit, initial=done, smoothing=0)
    return _Bar(
        total=total,
        desc=description,
        unit=unit,
        initial=done,
        smoothing=0,
        file=_Lines(),
        mininterval=5,
        maxinterval=10,
        bar_format="{desc}: {n_fmt}/{total_fmt} {unit} ({percentage:.0f}%), {elapsed}, "
        "about {remaining} left{postfix}",
    )
