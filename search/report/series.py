"""Series on one HTML page: each formula with the first three members of a series, drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from automata.deltas import Deltas
from automata.stretches import Stretches, stretch
from automata.text.formats import format_delta, parse_delta
from search.report.grids import small_svg
from search.report.page import environment, letter_style
from search.report.theme import drawn_colors

_DRAWN = 3
"""Members of a series that are drawn."""


def render_series(series: pd.DataFrame, *, proved: bool) -> str:
    """Return the HTML of a page of series, which loads no other file and holds no script.

    Parameters
    ----------
    series : DataFrame
        Of `search.archive.series.find_series`: complete or partial automata.
    proved : bool
        Whether certificates have proved the thresholds.
    """
    formulas = [_shown(own) for _, own in series.groupby(["k", "formula", "holds"], sort=False)]
    letters = max((own["k"] for own in formulas), default=0)
    return (
        environment()
        .get_template("series.html")
        .render(
            formulas=formulas,
            series=len(series),
            proved=proved,
            partial=any("-" in text for text in series["delta"]),
            letters=[letter_style(letter) for letter in range(letters)],
            drawn=drawn_colors(),
        )
    )


def first_members(row: Mapping[str, Any]) -> Iterator[tuple[int, Deltas]]:
    """Yield the first three members of a series whose thresholds its formula rests on.

    Parameters
    ----------
    row : mapping of str
        A row of `search.archive.series.find_series`.

    Yields
    ------
    (int, array of states, shape (k, n))
        The threshold and the automaton.
    """
    delta = parse_delta(row["delta"], partial=True)
    starts, cuts, stops = (
        np.array([row[name].split()], np.int64) for name in ("start", "cut", "stop")
    )
    way = Stretches(delta[None], starts, cuts, stops, np.zeros(1, np.int64), row["period"])
    pairs = zip(row["solved"].split(), row["thresholds"].split(), strict=True)
    for size, threshold in [*pairs][:_DRAWN]:
        (longer,) = stretch(way, int(size) - row["n"], partial=True)
        yield int(threshold), longer


def _shown(own: pd.DataFrame) -> dict[str, Any]:
    """Return what the template shows of the series of one formula: the first of them is drawn."""
    first, *others = own.to_dict("records")
    return {
        "formula": first["formula"].replace("^2", "²"),
        "holds": first["holds"],
        "k": first["k"],
        "solved": ", ".join(first["solved"].split()),
        "families": [name for name in own["family"] if name],
        "members": [
            {
                "n": delta.shape[1],
                "threshold": threshold,
                "text": format_delta(delta),
                "drawing": small_svg(delta),
            }
            for threshold, delta in first_members(first)
        ],
        "others": [row["delta"] for row in others],
    }
