"""The atlas: the records of all landscapes as one HTML page, each automaton drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from automata.proof.certify import certificate
from automata.proof.checker import Certificate, check_certificate
from automata.text.formats import parse_delta
from data.records import STATUSES, Landscape, Record, landscapes
from search.report.grids import small_svg
from search.report.page import environment, letter_style
from search.report.records import COLUMNS, cells_of, options_of, records_of
from search.report.theme import drawn_colors

_LEAST, _MOST = 3, 24
"""The sizes of the table that the page begins with."""


def render_atlas(fastest: Mapping[tuple[str, int], Record] | None = None) -> str:
    """Return the HTML of the atlas, which loads no other file and holds no script.

    Parameters
    ----------
    fastest : mapping of (str, int) to Record, optional
        Records to show in place of those of the same landscape and size.
    """
    known = [*landscapes().values()]
    return (
        environment()
        .get_template("atlas.html")
        .render(
            landscapes=[_shown(landscape, fastest or {}) for landscape in known],
            columns=COLUMNS,
            sizes=range(_LEAST, _MOST + 1),
            statuses=STATUSES,
            letters=[letter_style(letter) for letter in range(max(own.k for own in known))],
            drawn=drawn_colors(),
        )
    )


def record_certificates() -> Iterator[Certificate]:
    """Yield a certificate of each automaton of the records, which the checker has accepted."""
    for landscape in landscapes().values():
        for own in records_of(landscape):
            if own.automaton:
                proof = certificate(parse_delta(own.automaton, partial=landscape.partial))
                check_certificate(proof)
                yield proof


def _shown(landscape: Landscape, fastest: Mapping[tuple[str, int], Record]) -> dict[str, Any]:
    """Return a landscape with its records: cells, and a drawing of each automaton."""
    found = [fastest.get((own.landscape, own.n), own) for own in records_of(landscape)]
    return {
        "landscape": landscape,
        "options": options_of(landscape),
        "by_size": {own.n: own for own in found},
        "records": [
            {"own": own, "cells": cells_of(own), "drawing": _drawn(own, landscape)} for own in found
        ],
    }


def _drawn(own: Record, landscape: Landscape) -> dict[str, Any] | None:
    """Return the drawing of a record's automaton, None if it has none."""
    if not own.automaton:
        return None
    return small_svg(parse_delta(own.automaton, partial=landscape.partial))
