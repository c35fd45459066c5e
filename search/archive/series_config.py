"""What a search for series may spend, and whether it proves what it finds."""

from __future__ import annotations

from dataclasses import dataclass

from automata.settings import check_settings, setting


@dataclass(frozen=True)
class SeriesConfig:
    """The settings of a search for series.

    Examples
    --------
    >>> SeriesConfig(time_limit=60.0).prove
    False
    """

    prove: bool = setting(False, "Prove every threshold that a formula is derived from.")
    time_limit: float | None = setting(
        None,
        "Seconds for all automata together; then it ends with the series found so far, and the "
        "same command goes on from there.",
        low=0,
        without=0,
    )

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
