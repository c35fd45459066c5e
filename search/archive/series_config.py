"""What a search for series may spend, and whether it proves what it finds."""

from __future__ import annotations

from dataclasses import dataclass

from automata.settings import check_settings, setting

SERIES_MEMORY = 1 << 22
"""Bytes of solver memory for a threshold: those of lengthened automata may take ever more."""


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
    memory_limit: int = setting(
        SERIES_MEMORY,
        "Bytes that a search for one threshold may use, such as 4M or 1G; four times as many where "
        "a recurrence is looked for.",
        low=1,
    )

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
