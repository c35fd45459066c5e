"""The content of a page: the same types for every kind of run, and for the archive."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from automata.canonical import canonical_forms
from automata.deltas import Deltas, has_undefined
from automata.drawing.arrows import Floats
from automata.solver.exact import Thresholds
from data.best_known import Scale
from data.drawn import Cell
from search.candidates import candidate_table
from search.pictures.strip import StripRow

SEARCHED = ("novel", "mode", "parent_a", "parent_b", "alpha", "round", "repaired")
"""The columns of candidates that describe the find, not the automaton."""


class Table(NamedTuple):
    """A table, with a title and a text above it."""

    title: str
    text: str
    rows: pd.DataFrame
    method: str = ""
    """How the numbers were measured; folded away on the page."""


class Picture(NamedTuple):
    """An SVG file, with a title and a text above it."""

    title: str
    text: str
    path: Path


class DrawnPath(NamedTuple):
    """The latent path that led to a candidate."""

    candidate: int
    """Row of the candidate on the page."""
    line: Floats
    """float64 (points, 2): from one parent to the other; one point if there is one parent."""
    point: Floats
    """float64 (2,): the point that was decoded; with one parent, that parent."""


class LatentMap(NamedTuple):
    """The latent space in two dimensions."""

    text: str
    """Names the automata that the axes rest on."""
    chosen: str
    """Says how the training automata on the map were chosen."""
    shares: tuple[float, float]
    """Share of the variance of the training data along each axis."""
    candidates: Floats
    """float64 (rows, 2): places of the candidates"""
    training: pd.DataFrame
    """Some training automata, in the columns of candidates; every cell is a text."""
    places: Floats
    """float64 (training, 2): places of the training automata"""
    paths: Sequence[DrawnPath]


@dataclass
class Content:
    """The content of a page."""

    title: str
    lead: str
    """Describes the run in a sentence."""
    rows: pd.DataFrame
    """The automata, every cell a text. Columns: at least n, k, reset_threshold, cerny_bound (of
    partial automata and in classes best_known), gap, word, delta and family."""
    facts: dict[str, str] = field(default_factory=dict)
    """Config, seed, versions, commit, seconds, calls."""
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    captions: dict[str, str] = field(default_factory=dict)
    """Texts of the run's own pictures, by the names of their files, in place of the usual ones."""
    of: str = ""
    """Names all automata that the rows are the slowest of, "" if that is not known."""
    found: str = ""
    """Sentences after the one that says what was found."""
    strip: Sequence[StripRow] = ()
    reconstructions: Sequence[tuple[str, Sequence[Cell]]] = ()
    """Rows with their labels; `reconstructed` names the automata."""
    reconstructed: str = ""
    latent_map: LatentMap | None = None
    notes: list[str] = field(default_factory=list)
    """Say which parts are missing, and why."""
    source: str = "The run"
    """Title of the section with tables and pictures."""


def title_of(kind: str, folder: Path) -> str:
    """Return the title of a page: its kind, and the last two parts of its folder's path."""
    return f"{kind.capitalize()}: {'/'.join(folder.resolve().parts[-2:])}"


def texts_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with every cell a text, "" for missing values."""
    cells = table.reset_index(drop=True).astype(object)
    return cells.where(cells.notna(), "").map(_text)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested values as texts, by their names joined with dots.

    Examples
    --------
    >>> flatten({"seed": 0, "latent": {"path": "polar", "rounds": 3}})
    {'seed': '0', 'latent.path': 'polar', 'latent.rounds': '3'}
    """
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value if isinstance(value, str) else json.dumps(value)
    return flat


def known_automata(deltas: Deltas, thresholds: Thresholds, **columns: object) -> pd.DataFrame:
    """Return automata of one size as a table in the columns of candidates, every cell a text.

    Parameters
    ----------
    deltas : uint8 array, shape (rows, k, n)
        All synchronizing; if one is partial, the columns are those of partial automata.
    thresholds : int32 array, shape (rows,)
    columns : object
        Values for columns of `SEARCHED`; the other columns of `SEARCHED` are empty.

    Returns
    -------
    DataFrame
    """
    _, k, n = deltas.shape
    given: dict[str, Any] = {name: columns.get(name, "") for name in SEARCHED}
    forms, partial = canonical_forms(deltas), has_undefined(deltas)
    scale = Scale(n, k, partial)
    return texts_of(candidate_table(scale, forms, np.asarray(thresholds), **given))


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
