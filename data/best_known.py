"""The longest thresholds that anyone knows: the scale of pictures, ceilings and scores.

Those of partial automata and of classes come from `data.records`. No arm, sampler or model reads
them: an import contract checks this. A ceiling of ``generate`` is a share of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from automata.classes import Predicate
from automata.sizes import cerny_bound
from data.records import best_known_record, landscapes, records


def best_known_length(
    n: int, k: int, classes: Sequence[str | Predicate] = (), *, partial: bool
) -> int | None:
    """Return the longest threshold known for a size: the Černý bound for all complete automata.

    Parameters
    ----------
    n, k : int
        States and letters.
    classes : sequence of str or callable
        The classes that the automata are restricted to.
    partial : bool
        Whether letters may be undefined.

    Returns
    -------
    int or None
        None for partial automata, or classes, of a size of which no length is recorded here. If the
        automaton of a record is in all the classes, its length is the longest known there too.

    Examples
    --------
    >>> best_known_length(10, 2, partial=False), best_known_length(10, 2, partial=True)
    (81, 94)
    >>> best_known_length(24, 2, partial=True), best_known_length(13, 3, partial=True)
    (732, None)
    >>> best_known_length(10, 2, ["sink"], partial=False)
    38
    >>> best_known_length(10, 2, ["strongly-connected"], partial=False)
    81
    """
    if not partial and not classes:
        return cerny_bound(n)
    if k == 1 and not classes:
        return n - 1  # the letter is defined everywhere, a path to a fixed state
    named = [own for own in classes if isinstance(own, str)]
    known = best_known_record(n, k, named, partial=partial) if len(named) == len(classes) else None
    if known is not None:
        return known.threshold
    return _longest_within(n, k, tuple(classes), partial) if classes else None


@cache
def _longest_within(
    n: int, k: int, classes: tuple[str | Predicate, ...], partial: bool
) -> int | None:
    """Return the length of a record of a larger landscape whose automaton is in the classes."""
    from automata.properties import in_classes  # they load numba: not for --help
    from automata.text.formats import parse_delta

    for landscape in landscapes().values():
        own = records().get((landscape.name, n))
        if (landscape.k, landscape.partial) != (k, partial) or own is None or not own.automaton:
            continue
        if {*landscape.classes} <= {*classes}:
            delta = parse_delta(own.automaton, partial=partial)
            if in_classes(delta[None], classes)[0]:
                return own.threshold
    return None


@dataclass(frozen=True)
class Scale:
    """The length that thresholds are compared with: that of a size, complete or partial."""

    n: int
    k: int
    partial: bool = False
    recorded: float | None = None
    """What a run has recorded as the longest known length, nan if none was known. Since then it may
    have grown."""
    classes: tuple[str | Predicate, ...] = ()
    """The classes that the automata are restricted to."""

    @property
    def by_record(self) -> bool:
        """Whether the length is a record, of partial automata or of classes."""
        return self.partial or bool(self.classes)

    @property
    def kind(self) -> str:
        """What the length is called, of whichever classes."""
        if not self.by_record:
            return "Černý bound"
        return "longest known careful threshold" if self.partial else "longest known threshold"

    @property
    def name(self) -> str:
        """What the length is called.

        Examples
        --------
        >>> Scale(9, 2).name, Scale(9, 2, classes=("sink",)).name
        ('Černý bound', 'longest known threshold in class sink')
        """
        names = ", ".join(
            own if isinstance(own, str) else getattr(own, "__name__", "own") for own in self.classes
        )
        within = " in class " if len(self.classes) == 1 else " in the classes "
        return self.kind + (within + names if names else "")

    @property
    def best(self) -> int | None:
        """The length that was recorded, else the `best_known_length` of today.

        Examples
        --------
        >>> Scale(9, 2, True, 72).best, Scale(9, 2, True, math.nan).best
        (72, None)
        """
        if self.recorded is not None:
            return None if math.isnan(self.recorded) else int(self.recorded)
        return best_known_length(self.n, self.k, self.classes, partial=self.partial)

    @property
    def limit(self) -> int | None:
        """The length above which a threshold is news: `best`, or the Černý bound without a record.

        Examples
        --------
        >>> Scale(9, 2, classes=("sink",)).limit, Scale(9, 2, classes=("sink", "aperiodic")).limit
        (31, 64)
        """
        return cerny_bound(self.n) if self.best is None and not self.partial else self.best

    def least(self, share: float) -> float:
        """Return a share of the longest known length; of (n-1)^2 where none is known.

        Examples
        --------
        >>> Scale(9, 2).least(0.5), Scale(9, 2, True).least(1), Scale(64, 2, True).least(1)
        (32.0, 73, 3969)
        >>> Scale(9, 2, classes=("sink",)).least(1)
        31
        """
        return share * (cerny_bound(self.n) if self.best is None else self.best)
