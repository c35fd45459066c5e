"""The result of a command: lines for people, or JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Result(Protocol):
    """The result of a job."""

    def text(self) -> str:
        """Return lines for people, without a final newline."""

    def as_json(self) -> dict[str, Any]:
        """Return plain values for ``json.dumps``."""


@dataclass(frozen=True)
class Summary:
    """Names and their values.

    Examples
    --------
    >>> summary = Summary({"solver_calls": 7, "share": 1 / 3, "rows": {4: 2, 16: 5}})
    >>> print(summary.text())
    solver calls: 7
    share: 0.3333
    rows:
           4  2
          16  5
    """

    values: Mapping[str, Any]

    def text(self) -> str:
        """Return a line for each value; a mapping becomes a small table."""
        lines = []
        for name, value in self.values.items():
            if isinstance(value, dict):
                lines += [f"{name}:", *(f"  {key:>6}  {entry}" for key, entry in value.items())]
            else:
                shown = f"{value:.4g}" if isinstance(value, float) else value
                lines.append(f"{name.replace('_', ' ')}: {shown}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the values by their names."""
        return dict(self.values)
