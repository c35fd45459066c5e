"""The longest thresholds that anyone knows: the scale of pictures, ceilings and scores.

Those of partial automata come from `data.records`. No arm, sampler or model reads them: an import
contract checks this. A ceiling of ``generate`` is a share of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from automata.sizes import cerny_bound
from data.records import best_known_record


def best_known_length(n: int, k: int, *, partial: bool) -> int | None:
    """Return the longest threshold known for a size: the Černý bound for complete automata.

    Parameters
    ----------
    n, k : int
        States and letters.
    partial : bool
        Whether letters may be undefined.

    Returns
    -------
    int or None
        None for partial automata of a size of which no length is recorded here.

    Examples
    --------
    >>> best_known_length(10, 2, partial=False), best_known_length(10, 2, partial=True)
    (81, 94)
    >>> best_known_length(24, 2, partial=True), best_known_length(13, 3, partial=True)
    (732, None)
    """
    if not partial:
        return cerny_bound(n)
    if k == 1:
        return n - 1  # the letter is defined everywhere, a path to a fixed state
    known = best_known_record(n, k, partial=True)
    return None if known is None else known.threshold


@dataclass(frozen=True)
class Scale:
    """The length that thresholds are compared with: that of a size, complete or partial."""

    n: int
    k: int
    partial: bool = False
    recorded: float | None = None
    """What a run has recorded as the longest known length, nan if none was known. Since then it may
    have grown."""

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
        return best_known_length(self.n, self.k, partial=self.partial)

    def least(self, share: float) -> float:
        """Return a share of the longest known length; of (n-1)^2 where none is known.

        Examples
        --------
        >>> Scale(9, 2).least(0.5), Scale(9, 2, True).least(1), Scale(64, 2, True).least(1)
        (32.0, 73, 3969)
        """
        return share * (cerny_bound(self.n) if self.best is None else self.best)
