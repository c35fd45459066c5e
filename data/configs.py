"""The settings of a dataset, as its manifest records them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from automata.arguments import MAX_SEED
from automata.classes import check_restriction
from automata.settings import check_settings, letters, setting, states
from automata.sizes import (
    CANONICAL_MAX_STATES,
    COMPLETE_MAX_STATES,
    ENUMERATION_MAX_STATES,
    UNDEFINED_SHARE,
    cerny_bound,
)
from data.best_known import best_known_length

PARTIAL_HELP = "Partial automata: letters may be undefined, thresholds are careful."
"""The help of --partial."""
UNDEFINED_HELP = (
    "Probability that a transition of a random automaton is undefined, but for the first letter's "
    f"(partial only). Default: {UNDEFINED_SHARE}."
)
"""The help of --undefined."""
SAMPLERS = ("uniform", "synchronizing", "evolved")


@dataclass(frozen=True)
class GenerateConfig:
    """Settings of a dataset of sampled automata; equal configs give equal bytes."""

    n: int = states(8, CANONICAL_MAX_STATES)
    k: int = letters(2)
    count: int = setting(
        1_000_000, "Rows: automata, distinct up to isomorphism.", low=1, high=10**12
    )
    sampler: str = setting("uniform", "How automata are drawn.", choices=SAMPLERS)
    seed: int = setting(0, "Seed.", low=0, high=MAX_SEED)
    ceiling: float | None = setting(
        None,
        "Keep only thresholds up to this share of the Černý bound, or, of partial automata, of the "
        "longest known careful threshold.",
        low=0,
        high=1,
        without=0,
    )
    calls: int = setting(
        4_000_000,
        "Solver calls of the evolution (evolved only), for each shard.",
        low=1,
        high=10**12,
    )
    shard_rows: int = setting(1_000_000, "Rows of a shard.", low=1, high=10**8)
    partial: bool = setting(False, PARTIAL_HELP, later=True)
    undefined: float | None = setting(None, UNDEFINED_HELP, low=0, high=1, without=1, later=True)
    best_known: int | None = setting(
        None,
        "The longest known careful threshold, of which the ceiling of partial automata is a share; "
        "recorded, so that a longer one changes no dataset. Default: that of today.",
        low=0,
        high=2**63 - 1,
        flags=(),
        later=True,
    )

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
        object.__setattr__(self, "undefined", undefined_share(self.partial, self.undefined))
        if self.ceiling is None or not self.partial:
            if self.best_known is not None:
                raise ValueError(
                    f"best-known={self.best_known} is the length that a ceiling of partial "
                    "automata is a share of, and there is none"
                )
        elif self.best_known is None:
            best = best_known_length(self.n, self.k, partial=True)
            if best is None:
                raise ValueError(
                    f"ceiling={self.ceiling} is a share of the longest known careful threshold, "
                    f"and none is known for n={self.n}, k={self.k}"
                )
            object.__setattr__(self, "best_known", best)

    @property
    def highest_threshold(self) -> int | None:
        """The longest threshold that is kept, None without a ceiling.

        Examples
        --------
        >>> [GenerateConfig(ceiling=0.6, partial=own).highest_threshold for own in (False, True)]
        [29, 33]
        """
        if self.ceiling is None:
            return None
        best = cerny_bound(self.n) if self.best_known is None else self.best_known
        return math.floor(self.ceiling * best + 1e-9)


@dataclass(frozen=True)
class EnumerateConfig:
    """Settings of an enumeration; equal configs give equal bytes."""

    n: int = states(8, ENUMERATION_MAX_STATES)
    k: int = letters(2)
    at_least: int = setting(
        0, "Least threshold; 0: non-synchronizing automata too.", low=0, high=10**4
    )
    classes: tuple[str, ...] = setting(
        (), "Only automata of all these classes: NAME or not-NAME.", flags=()
    )
    rows: bool = setting(True, "Whether the automata are kept, or only counted.", flags=())
    partial: bool = setting(False, PARTIAL_HELP, later=True)

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
        if self.at_least == 0 and self.k > 1 and self.n > COMPLETE_MAX_STATES:
            raise ValueError(
                f"n={self.n} is over the limit of {COMPLETE_MAX_STATES} states for at-least=0"
            )
        check_restriction(self.classes, self.n)


def undefined_share(partial: bool, undefined: float | None) -> float | None:
    """Return the share of undefined transitions of random automata, None for complete ones.

    Raises
    ------
    ValueError
        If a share is given for complete automata.

    Examples
    --------
    >>> undefined_share(False, None), undefined_share(True, None), undefined_share(True, 0.5)
    (None, 0.2, 0.5)
    """
    if undefined is not None and not partial:
        raise ValueError(f"undefined={undefined} is only for partial automata: --partial")
    return UNDEFINED_SHARE if partial and undefined is None else undefined
