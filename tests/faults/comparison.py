"""Answers to the same question, compared."""

from __future__ import annotations

from typing import Any

import numpy as np

ALWAYS = {"_REDUCIBLE": 1, "_PLANTING": 0.0, "_TEST": 0.0, "_MANY": 0.0}
"""Settings with which every level of a search from both ends is reduced, if any set goes."""


class Comparison:
    """Answers that are compared, and those that differ."""

    def __init__(self, deltas: Any) -> None:
        self.deltas, self.compared = deltas, 0
        self.wrong: list[str] = []

    def all(self, what: str, found: Any, expected: Any) -> None:
        """Compare an answer for each automaton."""
        found, expected = np.asarray(found), np.asarray(expected)
        self.compared += len(self.deltas)
        for row in np.flatnonzero((found != expected).reshape(len(self.deltas), -1).any(axis=1)):
            self._blame(row, what, found[row], expected[row])

    def one(self, row: int, what: str, found: object, expected: object) -> None:
        """Compare an answer for one."""
        self.compared += 1
        if found != expected:
            self._blame(row, what, found, expected)

    def _blame(self, row: Any, what: str, found: object, expected: object) -> None:
        self.wrong.append(f"{what} of {self.deltas[row].tolist()}: {found}, not {expected}")
