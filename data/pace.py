"""The time left of work in stages, with several kinds of work, each at its own pace."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping


class Pace:
    """The seconds that the work left will take at the pace so far.

    Parameters
    ----------
    stages : mapping of int to mapping of str to int
        The amount of each kind of work in each stage; stages come in rising order.
    clock : callable
        Returns the time in seconds.

    Examples
    --------
    >>> times = iter([0.0, 2.0, 5.0])
    >>> stages = {1: {"calls": 10}, 2: {"training": 3, "calls": 20}}
    >>> pace = Pace(stages, lambda: next(times))
    >>> pace.note(1, "calls", 10)  # in 2 seconds
    >>> pace.seconds_left()  # unknown: nothing was trained yet
    >>> pace.note(2, "training", 1)  # in 3 seconds
    >>> pace.seconds_left()  # two more of 3 seconds, and 20 of 0.2
    10.0
    """

    def __init__(
        self,
        stages: Mapping[int, Mapping[str, int]],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._left = {stage: dict(kinds) for stage, kinds in sorted(stages.items())}
        self._clock = clock
        self._last = clock()
        self._done: dict[str, int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)

    def note(self, stage: int, kind: str, amount: int) -> None:
        """Count work since the last note, and its time; earlier stages have ended."""
        now = self._clock()
        self._done[kind] += amount
        self._seconds[kind] += now - self._last
        self._last = now
        self._left = {later: kinds for later, kinds in self._left.items() if later >= stage}
        own = self._left.get(stage, {})
        own[kind] = max(0, own.get(kind, 0) - amount)

    def skip(self, stage: int) -> None:
        """Take a stage, and those before it, as done without any time."""
        self._left = {later: kinds for later, kinds in self._left.items() if later > stage}
        self._last = self._clock()

    def seconds_left(self) -> float | None:
        """Return the seconds left, None while a kind of work that is left was not measured."""
        left: dict[str, int] = defaultdict(int)
        for kinds in self._left.values():
            for kind, amount in kinds.items():
                left[kind] += amount
        if any(amount and not self._done[kind] for kind, amount in left.items()):
            return None
        return sum(
            amount * self._seconds[kind] / self._done[kind]
            for kind, amount in left.items()
            if amount
        )
