"""Selecting automata of an archive."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

from automata.classes import (
    MAX_STATES_SUBSETS,
    ON_SUBSETS,
    check_restriction,
    cycle_length,
    split_classes,
)
from automata.settings import check_settings, letters, setting, states
from automata.sizes import CANONICAL_MAX_LETTERS, CANONICAL_MAX_STATES
from data.best_known import Scale
from data.terminal import printable


@dataclass(frozen=True)
class Selection:
    """A selection of an archive's automata: those that fit all given values.

    Examples
    --------
    >>> Selection(n=9, at_least=0.8, classes=("not-sink",)).k is None
    True
    """

    n: int | None = states(None, CANONICAL_MAX_STATES, "Only automata with this number of states.")
    k: int | None = letters(None, "Only automata with this number of letters.")
    at_least: float | None = setting(
        None,
        "Only thresholds from this share of the Černý bound, or of the longest known length, on.",
        low=0,
        high=1,
    )
    classes: tuple[str, ...] = setting(
        (),
        "Names of classes, or not-NAME; an undecided class fits neither.",
        flags=(),
    )
    family: str | None = setting(None, "Only this family; an empty name: no known family.")
    run: str | None = setting(
        None, "Only finds of this run: FOLDER or FOLDER/seed-0, without its path."
    )
    partial: bool = setting(False, "Partial automata, in place of complete ones.", later=True)

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
        check_restriction(self.classes)
        for name in self.classes:
            if cycle_length(name) is not None:
                raise ValueError(f"an archive stores no lengths of cycles, so not {name}")

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the SQL statements that select."""
        required, forbidden = split_classes(self.classes)
        on_subsets = {*required, *forbidden} & {*ON_SUBSETS}
        decided = MAX_STATES_SUBSETS if on_subsets else CANONICAL_MAX_STATES
        return {
            "n": self.n,
            "k": self.k,
            "at_least": self.at_least or 0.0,
            "family": None if self.family is None else _bytes_of(self.family).decode(),
            "run": None if self.run is None else printable(self.run),
            "raw": None if self.run is None else _bytes_of(self.run).decode(),
            "required": json.dumps(required),
            "forbidden": json.dumps(forbidden),
            "partial": int(self.partial),
            "lengths": json.dumps(
                _known_lengths(self.partial, self.classes, decided) if self.at_least else {}
            ),
            "decided": decided,
        }


@cache
def _known_lengths(partial: bool, classes: tuple[str, ...], most: int) -> dict[str, int]:
    """Return the longest known threshold of each number of letters and of states up to `most`."""
    sizes = product(range(1, CANONICAL_MAX_LETTERS + 1), range(1, most + 1))
    lengths = {f"{k} {n}": Scale(n, k, partial, classes=classes).best for k, n in sizes}
    return {size: length for size, length in lengths.items() if length is not None}


def _bytes_of(text: str) -> bytes:
    """Encode a text; an argument that was not UTF-8 has lone surrogates, which are escaped."""
    return text.encode("utf-8", "backslashreplace")
