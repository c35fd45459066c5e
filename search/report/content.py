"""What a page shows, whatever it was read from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from automata.automaton import Deltas
from automata.canonical import canonical_forms
from automata.drawing.geometry import Floats
from automata.solver.exact import Thresholds
from search.candidates import candidate_table
from search.pictures.strip import StripRow

SEARCHED = ("novel", "mode", "parent_a", "parent_b", "alpha", "round", "repaired")
"""The columns of candidates that do not follow from the automaton."""


class Table(NamedTuple):
    """A table, with what stands above it."""

    title: str
    text: str
    rows: pd.DataFrame


class Picture(NamedTuple):
    """An SVG file, with what stands above it."""

    title: str
    text: str
    path: Path


class DrawnPath(NamedTuple):
    """How a candidate came about."""

    candidate: int
    """Its row."""
    line: Floats
    """(points, 2): from one parent to the other; a point alone where there is one parent."""
    point: Floats
    """(2,): where it was decoded, or near which."""


class LatentMap(NamedTuple):
    """The latent space in two dimensions."""

    text: str
    """What was encoded."""
    shares: tuple[float, float]
    """Of the variance of the training data, along both axes."""
    candidates: Floats
    """(rows, 2)"""
    training: pd.DataFrame
    """Some of what the model learned from, in the columns of candidates, every cell a text."""
    places: Floats
    """(training, 2)"""
    paths: Sequence[DrawnPath]


@dataclass
class Content:
    """What a page shows."""

    title: str
    lead: str
    """What was run, in a sentence."""
    rows: pd.DataFrame
    """The automata, every cell a text: at least n, k, reset_threshold, cerny_bound, gap, word,
    delta and family."""
    facts: dict[str, str] = field(default_factory=dict)
    """Config, seed, versions, commit, seconds, calls."""
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    strip: Sequence[StripRow] = ()
    latent_map: LatentMap | None = None
    notes: list[str] = field(default_factory=list)
    """What is not shown, and why."""
    source: str = "The run"
    """What the tables and pictures are of."""


def title_of(what: str, folder: Path) -> str:
    """Name a page by what is shown and the end of its folder's path."""
    return f"{what.capitalize()}: {'/'.join(folder.resolve().parts[-2:])}"


def texts_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with every cell a text, "" for what is missing."""
    cells = table.reset_index(drop=True).astype(object)
    return cells.where(cells.notna(), "").map(_text)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested values by their joined names, as texts.

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
    """Return automata of one size in the columns of candidates, every cell a text.

    Parameters
    ----------
    deltas : uint8 array, shape (rows, k, n)
        All synchronizing.
    thresholds : int32 array, shape (rows,)
    columns : object
        Values of those that do not follow from the automata; the others are empty.

    Returns
    -------
    DataFrame
    """
    _, k, n = deltas.shape
    given = {name: columns.get(name, "") for name in SEARCHED}
    table = candidate_table(n, k, canonical_forms(deltas), np.asarray(thresholds), **given)
    return texts_of(table)


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
