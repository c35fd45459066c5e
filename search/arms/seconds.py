"""Wall time by activity."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def timed(seconds: dict[str, float], activity: str) -> Iterator[None]:
    """Add the wall time of the block, in seconds, to an activity.

    Examples
    --------
    >>> seconds = {"train": 1.0}
    >>> with timed(seconds, "train"):
    ...     pass
    >>> seconds["train"] > 1
    True
    """
    start = time.perf_counter()
    yield
    seconds[activity] = seconds.get(activity, 0.0) + time.perf_counter() - start
