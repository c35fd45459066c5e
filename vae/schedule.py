"""When a training ends: its loss says so; and the learning rate until then."""

from __future__ import annotations

import numpy as np

_RISE = 0.03
"""The learning rate rises over this share of all steps."""
_LOOK = 25
"""The loss is judged after every 25 steps,"""
_LEAST = 1 / 3
"""from a third of the most steps on."""
_GAIN = 0.03
"""A training goes on while the mean loss of the last third of its steps is at least this share
below that of the third before;"""
_FALL = 3
"""then the learning rate falls, over the last third of all steps."""


class Schedule:
    """The learning rate of a training that ends when its loss says so.

    After every 25 steps, from a third of the most steps on, the mean loss of the last third of the
    steps so far is compared with that of the third before. Once it is less than 3 % below, the rate
    falls linearly, over half as many steps again, and the training ends. At the latest the rate
    falls over the last third of the most steps. Losses alone decide: equal ones, equal ends.

    Parameters
    ----------
    most : int
        The most steps.

    Examples
    --------
    >>> schedule = Schedule(1500)
    >>> while not schedule.ended:
    ...     schedule.note(loss=max(0.5, 1 - schedule.steps / 500))
    >>> schedule.steps
    900
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._losses: list[float] = []
        self._falls, self._ends = most - most // _FALL, most

    @property
    def steps(self) -> int:
        """The number of steps taken."""
        return len(self._losses)

    @property
    def ended(self) -> bool:
        """Whether no step is left."""
        return self.steps >= self._ends

    @property
    def learning_rate_share(self) -> float:
        """The factor of the learning rate of the next step."""
        rise = (self.steps + 1) / max(1.0, _RISE * self.most)
        fall = (self._ends - self.steps) / max(1, self._ends - self._falls)
        return min(1.0, rise, fall)

    def note(self, loss: float) -> None:
        """Note the loss of a step."""
        self._losses.append(loss)
        if self.steps % _LOOK or not _LEAST * self.most <= self.steps < self._falls:
            return
        _, before, last = np.array_split(self._losses, 3)
        if last.mean() > (1 - _GAIN) * before.mean():
            self._falls, self._ends = self.steps, self.steps * _FALL // (_FALL - 1)
