"""What a run gives to the archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from automata.settings import check_settings, setting

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ArchiveRule:
    """Which archive a run adds to, and how close to the Černý bound an automaton must be."""

    archive: Path
    archive_at_least: float = setting(
        0.8, "Least share of the Černý bound of what goes there.", low=0, high=1
    )

    def __post_init__(self) -> None:
        """Check the share against its limits."""
        check_settings(self)

    def open(self) -> None:
        """Make the archive, or see that it is whole and may be written to.

        That is better before a long run than after it.
        """
        from search.archive.store import Archive  # it loads pandas: not for --help

        with Archive(self.archive) as archive:
            archive.check()

    def add(self, candidates: pd.DataFrame, *, run: str, arm: str | None = None) -> int:
        """Add the candidates that are close enough; return how many were new to the archive.

        As `search.archive.store.Archive.add`, whose errors it raises.
        """
        from search.archive.store import Archive

        least = self.archive_at_least * candidates["cerny_bound"]
        with Archive(self.archive) as archive:
            return archive.add(candidates[candidates["reset_threshold"] >= least], run=run, arm=arm)
