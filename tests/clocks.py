"""Clocks that do not depend on how fast a machine is."""

import math

from automata.solver.timed import Clock


class Ticks(Clock):
    """A clock that expires after it was read a number of times."""

    each = math.inf

    def __init__(self, ticks: int) -> None:
        self.ticks = ticks

    @property
    def left(self) -> float:
        self.ticks -= 1
        return 1e6 * max(0, self.ticks + 1)
