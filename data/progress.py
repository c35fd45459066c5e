"""Progress on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from threading import RLock
from typing import Any

from tqdm import tqdm

_LOCK = RLock()
"""tqdm's own is shared with forked processes: one killed while it holds it stops them all."""


class _Lines(io.TextIOBase):
    """Turn a bar that redraws itself into one line a redraw."""

    def write(self, text: str) -> int:
        line = text.strip()
        if line:
            with suppress(OSError):  # a full disk behind stderr ends no work
                print(line, file=sys.stderr, flush=True)
        return len(text)


def progress(total: int, description: str, unit: str, *, done: int = 0) -> tqdm[Any]:
    """Return a tqdm counter over `total` units, `done` before, to be used as a context manager.

    The time left is estimated from the mean pace of this run. Nothing is shown where there is no
    stderr, or where nothing can be written to it.
    """
    tqdm.set_lock(_LOCK)
    if sys.stderr is None:
        return tqdm(total=total, initial=done, disable=True)
    if sys.stderr.isatty():
        return tqdm(total=total, desc=description, unit=unit, initial=done, smoothing=0)
    return tqdm(
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
