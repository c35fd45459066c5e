"""The settings for solving automata from text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from automata.settings import check_settings, setting

Method = Literal["exact", "greedy", "beam"]
SOLVE_FORMS = [
    *("auto", "lines", "csv", "synchrowords", "synchrowords-1.0", "contest", "contest-letters"),
    *("table", "table-letters", "edges", "edges-target-last", "edges-letter-last"),
    *("edges-letter-first", "gap", "dot", "jff", "json", "json-states"),
]
"""The forms that `automata.text.reading` reads; ``auto`` chooses the one that fits."""


@dataclass(frozen=True)
class SolveConfig:
    """The method, and the limits on the search for each automaton."""

    method: Method = setting(
        "exact",
        "exact; greedy or beam find a short word fast: an upper bound.",
        choices=get_args(Method),
    )
    partial: bool = setting(
        False, "Take partial automata too: careful thresholds and careful words."
    )
    words: bool = setting(True, "Whether words are wanted too.", flags=())
    memory_limit: int | None = setting(
        None,
        "Bytes a long search may use, such as 500M or 2G; the quick search before it has a fixed "
        "size.",
        low=1,
    )
    time_limit: float | None = setting(None, "Seconds a search may take.", low=0, without=0)

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
        limits = {"memory limit": self.memory_limit, "time limit": self.time_limit}
        given = [name for name, limit in limits.items() if limit is not None]
        if given and self.method != "exact":
            raise ValueError(f"{self.method} has no {given[0]}: exact has")
        if self.partial and self.method != "exact":
            raise ValueError(
                f"{self.method} takes complete automata only: exact takes partial ones"
            )
