"""Limits on the memory and time of an exact search, and the bounds it proves within them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from automata.arguments import check_positive


@dataclass(frozen=True)
class ResetBounds:
    """Proved bounds on the length of a shortest reset word: lower <= length <= upper.

    Examples
    --------
    >>> ResetBounds(lower=4, upper=4, word=(1, 0, 0, 1)).exact
    True
    """

    lower: int
    """Proved lower bound on the length."""
    upper: int
    """Length of `word`."""
    word: tuple[int, ...]
    """A reset word."""

    @property
    def exact(self) -> bool:
        """Whether the bounds are equal: then they are the length of a shortest word."""
        return self.lower == self.upper


class LimitReached(RuntimeError):  # noqa: N818  # not an error of the caller's
    """A limit on memory or time ended an exact search; `bounds` are those proved by then."""

    def __init__(self, limit: str, bounds: ResetBounds) -> None:
        super().__init__(f"{limit}: the least length is in {bounds.lower}..{bounds.upper}")
        self.bounds = bounds


@dataclass(frozen=True)
class WordBounds:
    """Proved bounds on the length of a shortest word that there may not be.

    Such as a careful word, or one that `automata.solver.between.shortest_word` searches for.

    Examples
    --------
    >>> WordBounds(lower=4, upper=4, word=(1, 0, 0, 1)).exact
    True
    """

    lower: int
    """No such word is shorter."""
    upper: int | None
    """Length of `word`; None if no such word is known, and there may be none."""
    word: tuple[int, ...] | None
    """A word that does it."""

    @property
    def exact(self) -> bool:
        """Whether the bounds are equal: then they are the length of a shortest word."""
        return self.lower == self.upper


class WordLimitReached(RuntimeError):  # noqa: N818  # not an error of the caller's
    """A limit on memory or time ended the search; `bounds` are those proved by then."""

    def __init__(self, limit: str, bounds: WordBounds) -> None:
        super().__init__(f"out of {limit}: such a word has at least {bounds.lower} letters")
        self.bounds = bounds


class OutOfBudget(Exception):  # noqa: N818  # within this package: searches raise `LimitReached`
    """A search has spent its memory or time; `limit` is "memory" or "time"."""

    def __init__(self, limit: str) -> None:
        super().__init__(f"out of {limit}")
        self.limit = limit


class Budget:
    """The memory and time that one search may use; the clock starts now.

    Parameters
    ----------
    memory_limit : int, optional
        Bytes of working space; the input, the result and compiled code do not count.
    time_limit : float, optional
        Seconds.

    Raises
    ------
    ValueError
        If a limit is not a positive finite number.

    Examples
    --------
    >>> budget = Budget(memory_limit=1000)
    >>> budget.fits(1000), budget.fits(1001), budget.expired
    (True, False, False)
    """

    def __init__(self, memory_limit: int | None = None, time_limit: float | None = None) -> None:
        self.memory = math.inf
        self.deadline = math.inf
        if memory_limit is not None:
            self.memory = check_positive("memory_limit", memory_limit)
        if time_limit is not None:
            self.deadline = time.monotonic() + check_positive("time_limit", time_limit)

    def fits(self, size: float) -> bool:
        """Return whether `size` bytes may be in use at once."""
        return size <= self.memory

    def exceeded_by(self, size: float) -> str:
        """Return the limit, "time" or "memory", that `size` bytes exceed now; "" if none."""
        return "time" if self.expired else "" if self.fits(size) else "memory"

    def besides(self, size: int) -> Budget:
        """Return the budget that is left while `size` bytes are in use."""
        rest = Budget()
        rest.memory, rest.deadline = self.memory - size, self.deadline
        return rest

    @property
    def expired(self) -> bool:
        """Whether the time is spent."""
        return time.monotonic() >= self.deadline
