"""The settings for solving automata from text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from automata.arguments import check_integer
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
    from_states: tuple[int, ...] | None = setting(
        None, "The states that words begin with, such as 0,3,5; default: all states."
    )
    to_state: int | None = setting(
        None,
        "The state that words lead to; default: any one.",
        low=0,
        flags=("--to-state", "--target"),
    )
    to_rank: int | None = setting(
        None, "The most states that words lead to, instead of one.", low=1
    )

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
        if self.from_states is not None:
            if not self.from_states:
                raise ValueError("from-states is empty: a word begins with at least one state")
            for state in self.from_states:
                check_integer("state", state, 0)
        if self.to_state is not None and self.to_rank is not None:
            raise ValueError("to-state and to-rank: a word ends in one state, or in a few")
        limits = {"memory limit": self.memory_limit, "time limit": self.time_limit}
        given = [name.replace("_", "-") for name in self.ends]
        given += [name for name, limit in limits.items() if limit is not None]
        if given and self.method != "exact":
            raise ValueError(f"{self.method} has no {given[0]}: exact has")
        if self.partial and self.method != "exact":
            raise ValueError(
                f"{self.method} takes complete automata only: exact takes partial ones"
            )

    @property
    def ends(self) -> dict[str, Any]:
        """Where words begin and end, as `automata.solver.between.shortest_word` takes it."""
        given = {
            "from_states": self.from_states,
            "to_state": self.to_state,
            "to_rank": self.to_rank,
        }
        return {name: value for name, value in given.items() if value is not None}
