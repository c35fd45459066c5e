"""The settings of a dataset, as its manifest records them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from automata.arguments import MAX_SEED
from automata.classes import check_classes
from automata.settings import check_settings, letters, setting, states
from automata.sizes import (
    CANONICAL_MAX_STATES,
    COMPLETE_MAX_STATES,
    ENUMERATION_MAX_STATES,
    cerny_bound,
)

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
        None, "Keep only thresholds up to this share of the Černý bound.", low=0, high=1, without=0
    )
    calls: int = setting(
        4_000_000,
        "Solver calls of the evolution (evolved only), for each shard.",
        low=1,
        high=10**12,
    )
    shard_rows: int = setting(1_000_000, "Rows of a shard.", low=1, high=10**8)

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)

    @property
    def highest_threshold(self) -> int | None:
        """The longest threshold that is kept, None without a ceiling."""
        return None if self.ceiling is None else highest_below(self.ceiling, self.n)


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

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
        if self.at_least == 0 and self.k > 1 and self.n > COMPLETE_MAX_STATES:
            raise ValueError(
                f"n={self.n} is over the limit of {COMPLETE_MAX_STATES} states for at-least=0"
            )
        check_classes(self.classes)


def highest_below(ceiling: float, n: int) -> int:
    """Return the longest threshold that is not above a share of the Černý bound.

    Examples
    --------
    >>> highest_below(0.6, 8)
    29
    """
    return math.floor(ceiling * cerny_bound(n) + 1e-9)
