"""What a run gives to the archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from automata.arguments import check_setting
from search.archive.store import Archive


@dataclass(frozen=True)
class Gathering:
    """Which archive a run adds to, and how close to the Černý bound an automaton must be."""

    archive: Path
    archive_at_least: float = 0.8
    """Least share of the bound."""

    def __post_init__(self) -> None:
        """Check the share against its limits."""
        check_setting("archive-at-least", self.archive_at_least, 0.0, 1)

    def open(self) -> None:
        """Make the archive, or see that it is whole and may be written to.

        That is better before a long run than after it.
        """
        with Archive(self.archive) as archive:
            archive.check()

    def add(self, candidates: pd.DataFrame, *, run: str, arm: str | None = None) -> int:
        """Add the candidates that are close enough; return how many were new to the archive.

        As `search.archive.store.Archive.add`, whose errors it raises.
        """
        least = self.archive_at_least * candidates["cerny_bound"]
        with Archive(self.archive) as archive:
            return archive.add(candidates[candidates["reset_threshold"] >= least], run=run, arm=arm)
