"""What is found of automata from a stream, as lines of text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Solved:
    """The results for consecutive automata of one size."""

    n: int
    k: int
    method: str
    lines: Sequence[int]
    """The line where each begins in the input, from 1."""
    lower: Sequence[int | None]
    """Proved lower bound on the reset threshold; None: no reset word exists."""
    upper: Sequence[int | None]
    """Length of a known reset word; None: no reset word is known. Without a lower bound there is
    none; partial automata may have one."""
    words: Sequence[str | None]
    """That word, if words are wanted."""
    ends: Mapping[str, Any] = field(default_factory=dict)
    """Where the words begin and end, as far as that was asked for."""

    def texts(self) -> list[str]:
        r"""Return one line of text for each automaton.

        Examples
        --------
        >>> Solved(3, 2, "exact", [1, 2], [4, None], [4, None], ["baab", None]).texts()
        ['4\tbaab', 'none']
        >>> Solved(9, 2, "greedy", [1], [1], [30], [None]).texts()
        ['1..30']
        >>> Solved(40, 2, "exact", [1], [57], [None], [None]).texts()
        ['57..']
        """
        bounds = map(_bounds_text, self.lower, self.upper)
        return [
            text if word is None else f"{text}\t{word}"
            for text, word in zip(bounds, self.words, strict=True)
        ]

    def jsons(self) -> list[str]:
        """Return one line of JSON for each automaton.

        Examples
        --------
        >>> solved = Solved(3, 2, "exact", [7], [4], [4], ["baab"])
        >>> print(solved.jsons()[0])  # doctest: +NORMALIZE_WHITESPACE
        {"line": 7, "n": 3, "k": 2, "method": "exact", "synchronizing": true, "threshold": 4,
         "lower": 4, "upper": 4, "word": "baab"}
        """
        return [
            json.dumps(
                {
                    "line": line,
                    "n": self.n,
                    "k": self.k,
                    "method": self.method,
                    **self.ends,
                    "synchronizing": _has_word(lower, upper),
                    "threshold": lower if lower == upper else None,
                    "lower": lower,
                    "upper": upper,
                    "word": word,
                }
            )
            for line, lower, upper, word in zip(
                self.lines, self.lower, self.upper, self.words, strict=True
            )
        ]


def _has_word(lower: int | None, upper: int | None) -> bool | None:
    """Return whether there is a word; None where that is not known."""
    return None if upper is None and lower is not None else upper is not None


@cache
def _bounds_text(lower: int | None, upper: int | None) -> str:
    if lower is None:
        return "none"
    return str(lower) if lower == upper else f"{lower}..{'' if upper is None else upper}"
