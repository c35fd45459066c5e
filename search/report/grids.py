"""Rows of drawn automata on a page: interpolations and reconstructions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup

from automata.deltas import Deltas, has_undefined
from automata.drawing.compact import compact_drawing, compact_reach
from automata.drawing.svg import drawing_svg
from automata.identification import identify
from automata.solver.either import shortest_words_of
from automata.text.formats import format_delta
from automata.text.words import format_word
from data.drawn import Cell
from search.pictures.latent import STRIP_ALPHAS
from search.pictures.strip import strip_heads
from search.report.content import Content
from search.report.theme import themed

_LINE = 0.18
"""Width of lines, in radii of a state: these drawings are small."""


class Grid(NamedTuple):
    """Rows of automata with a title and a text above them."""

    title: str
    text: str
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]


def grids_of(content: Content) -> list[Grid]:
    """Return the grids of a page: the interpolation strip and the reconstructions, if any."""
    grids = []
    if content.strip:
        text = (
            "The automata decoded along the paths between the two best parents, which stand "
            "outside, and after rounds of encode-decode. None is repaired. Yellow: what differs "
            "from the column before. Below each: its threshold."
        )
        rows = [(row.label, row.cells()) for row in content.strip]
        grids.append(Grid("Interpolation", text, strip_heads(STRIP_ALPHAS), rows))
    if content.reconstructions:
        text = (
            f"Some {content.reconstructed}, and what the model decodes from their mean mu and from "
            "a sample of their posterior. None is repaired. Yellow: what differs from the original."
        )
        most = max(len(cells) for _, cells in content.reconstructions)
        heads = [str(column) for column in range(1, most + 1)]
        grids.append(Grid("Reconstructions", text, heads, content.reconstructions))
    return grids


def cell_automata(grids: Sequence[Grid], known: Sequence[str]) -> pd.DataFrame:
    """Return the automata of cells whose texts are not known yet, every cell a text.

    Parameters
    ----------
    grids : sequence of Grid
    known : sequence of str
        Texts of automata that the page has already.

    Returns
    -------
    DataFrame
        The columns delta, reset_threshold (-1 for none), word ("" for none) and family; careful
        thresholds and words of partial automata.
    """
    deltas: dict[str, Deltas] = {}
    for grid in grids:
        for _, cells in grid.rows:
            deltas |= {format_delta(cell.delta): cell.delta for cell in cells}
    for text in known:
        deltas.pop(text, None)
    parts = []
    for shape in {delta.shape: None for delta in deltas.values()}:
        own = {text: delta for text, delta in deltas.items() if delta.shape == shape}
        batch = np.stack([*own.values()])
        words = shortest_words_of(batch, partial=has_undefined(batch)).to_list()
        parts.append(
            pd.DataFrame(
                {
                    "delta": [*own],
                    "reset_threshold": [str(-1 if word is None else len(word)) for word in words],
                    "word": ["" if word is None else format_word(word) for word in words],
                    "family": identify(batch),
                }
            )
        )
    columns = ["delta", "reset_threshold", "word", "family"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def small_svg(delta: Deltas, changed: npt.NDArray[np.bool_] | None = None) -> dict[str, Any]:
    """Return the view box and the elements of a small drawing."""
    reach = compact_reach(delta.shape[1])
    svg = drawing_svg(compact_drawing(delta), labels=False, changed=changed, line=_LINE)
    svg = svg.replace('"white"', '"#FFFFFF"')
    return {
        "box": f"{-reach:.2f} {-reach:.2f} {2 * reach:.2f} {2 * reach:.2f}",
        "svg": Markup(themed(svg)),  # noqa: S704 - numbers alone
    }


def shown_grids(grids: Sequence[Grid], texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return grids for the template.

    Parameters
    ----------
    grids : sequence of Grid
    texts : sequence of str
        The texts of all automata of the page, in the order of their numbers.
    """
    numbers = {text: number for number, text in reversed([*enumerate(texts)])}

    def shown(cell: Cell) -> dict[str, Any]:
        marks = [name for name in ("known", "wrong", "given") if getattr(cell, name)]
        return small_svg(cell.delta, cell.changed) | {
            "number": numbers[format_delta(cell.delta)],
            "caption": cell.caption,
            "marks": marks,
        }

    return [
        {
            "title": grid.title,
            "text": grid.text,
            "heads": grid.heads,
            "rows": [
                {"label": label, "cells": [shown(cell) for cell in cells]}
                for label, cells in grid.rows
            ],
        }
        for grid in grids
    ]
