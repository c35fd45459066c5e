"""The rule by which a run adds automata to the archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from automata.settings import check_settings, setting

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ArchiveRule:
    """The archive that a run adds to, and the least share of the Černý bound.

    For partial automata and in classes that is a share of the longest known threshold, or of
    (n-1)^2 where none is known.
    """

    archive: Path
    archive_at_least: float = setting(
        0.8,
        "Least share of the Černý bound, or of the longest known length, for the archive.",
        low=0,
        high=1,
    )

    def __post_init__(self) -> None:
        """Check the share against its limits."""
        check_settings(self)

    def open(self) -> None:
        """Make the archive, or check that it is whole and can be written to.

        Call it before a long run, so that errors come early. Errors: as
        `search.archive.store.Archive`.
        """
        from search.archive.store import Archive  # it loads pandas: not for --help

        with Archive(self.archive) as archive:
            archive.check()

    def add(self, candidates: pd.DataFrame, *, run: str, arm: str | None = None) -> int:
        """Add the candidates at or above the share; return the number that were new.

        Parameters and errors: as `search.archive.store.Archive.add`.
        """
        from search.archive.store import Archive

        if "cerny_bound" in candidates:
            bounds = candidates["cerny_bound"]
        else:
            bounds = candidates["best_known"].fillna((candidates["n"] - 1) ** 2)
        least = self.archive_at_least * bounds
        with Archive(self.archive) as archive:
            return archive.add(candidates[candidates["reset_threshold"] >= least], run=run, arm=arm)
