"""Many automata within a time that all of them have together."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial as bound_to

import numpy as np

from automata.arguments import check_positive
from automata.deltas import Deltas
from automata.solver.either import thresholds_of
from automata.solver.exact import UNKNOWN

OUT_OF_TIME = -3
"""In place of a threshold: a clock ended the search, and a later one may go on."""
_SHARES = 8
"""At its first attempt an automaton may take one of so many equal shares of the time."""
_QUICK = 0.05
"""Seconds for each automaton of a batch; those that take longer are timed one by one."""

Item = tuple[Deltas, float]
"""An automaton (k, n), and the seconds that it may take."""
SolveOne = Callable[[Deltas, float | None], int]
"""Returns the threshold of an automaton (k, n) within seconds, `UNKNOWN` if they do not suffice."""


class Clock:
    """The time that is left for many automata, and how much of it one of them may take.

    It runs from now on. It is the time of day: workers on other machines read it too.

    Parameters
    ----------
    seconds : float, optional
        For all automata together; None: for ever.

    Raises
    ------
    ValueError
        If `seconds` is not a positive finite number.

    Examples
    --------
    >>> Clock(80).each, Clock(80).expired, Clock().each
    (10.0, False, inf)
    """

    each: float
    """Seconds for an automaton at its first attempt."""

    def __init__(self, seconds: float | None = None) -> None:
        checked = math.inf if seconds is None else check_positive("time_limit", seconds)
        self.each = checked / _SHARES
        self._end = time.time() + checked

    @property
    def left(self) -> float:
        """Seconds that are left; infinite if the clock never expires."""
        return self._end - time.time()

    @property
    def expired(self) -> bool:
        """Whether the time is over."""
        return self.left <= 0


def solve_within(
    chunk: Sequence[Item],
    *,
    partial: bool,
    memory_limit: int | None,
    clock: Clock,
    one: SolveOne | None,
) -> list[tuple[int, float]]:
    """Solve automata of one size, each within its seconds, and all before a clock has expired.

    Parameters
    ----------
    chunk : sequence of (delta, seconds)
    partial, memory_limit
        As in `automata.solver.either.thresholds_of`.
    clock : Clock
    one : callable, optional
        Solves each automaton in place of the solver.

    Returns
    -------
    list of (int, float)
        The threshold of each automaton, as `thresholds_of` has it, or `OUT_OF_TIME`; and the
        seconds that did not suffice, 0 if they did or if none were left.
    """
    solve = bound_to(thresholds_of, partial=partial, memory_limit=memory_limit)
    found = [UNKNOWN] * len(chunk)
    if not (one or clock.expired):
        quick = _QUICK if clock.left < math.inf else None
        found = solve(np.stack([delta for delta, _ in chunk]), time_limit=quick).tolist()
        if quick is None:
            return [(threshold, 0.0) for threshold in found]

    def search(delta: Deltas, seconds: float | None) -> int:
        return int(solve(delta[None], time_limit=seconds)[0])

    return [
        (threshold, 0.0) if threshold != UNKNOWN else _search(one or search, delta, given, clock)
        for (delta, given), threshold in zip(chunk, found, strict=True)
    ]


def _search(search: SolveOne, delta: Deltas, given: float, clock: Clock) -> tuple[int, float]:
    """Solve one automaton within the time that it is given, and that the clock has left."""
    seconds = min(given, clock.left)
    if seconds <= 0:
        return OUT_OF_TIME, 0.0
    began = time.monotonic()
    threshold = search(delta, None if seconds == math.inf else seconds)
    if threshold == UNKNOWN and time.monotonic() - began >= seconds:
        return OUT_OF_TIME, seconds
    return threshold, 0.0  # without it the memory did not suffice
