"""One HTML file of what there is to show: templates, and the data that its script reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from automata.automaton import AutomatonError, Deltas, cerny_bound
from automata.canonical import CANONICAL_MAX_LETTERS, CANONICAL_MAX_STATES
from automata.drawing import (
    DRAWN_MAX_STATES,
    Drawing,
    circle_drawing,
    drawing_svg,
    line_color,
    line_dashes,
)
from automata.formats import (
    format_delta,
    format_dot,
    format_gap,
    parse_delta,
    parse_word,
    write_synchrowords,
)
from automata.solver import reset_thresholds
from automata.verification import verify
from automata.words import format_word
from data.files import DataError
from search.archive_rows import class_names
from search.pictures import STRIP_ALPHAS
from search.report.content import Content, LatentMap
from search.report.layout import neato_drawing
from search.strip import StripRow

_SCALE = 16
"""Units of a page's drawings for each radius of a state."""
_MAP_SIZE = 1000.0, 640.0
_MAP_MARGIN = 24.0
_LONGEST_WORD = 100_000
_LONG = ("word", "delta", "canonical", "parent_a", "parent_b", "properties")
"""Columns whose cells are cut off on the page."""
_CHOSEN = ("n", "k", "family", "mode", "run", "arm", "novel")
"""Columns that are filtered by one of their values."""


def render(content: Content) -> str:
    """Return the page.

    Parameters
    ----------
    content : Content

    Returns
    -------
    str
        HTML that asks for nothing else: style, script, drawings and data are within.

    Raises
    ------
    DataError
        If a row is no automaton, or too large to be drawn.
    """
    environment = Environment(
        loader=PackageLoader("search.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "sort_keys": True}
    latent_map = content.latent_map
    automata = [*_entries(content.rows, whole=True)]
    if latent_map is not None:
        automata += _entries(latent_map.training, whole=False)
    _add_parents(automata, content.rows)
    letters = max((entry["k"] for entry in automata), default=0)
    return environment.get_template("page.html").render(
        content=content,
        columns=[*content.rows],
        rows=content.rows.to_numpy().tolist(),
        long=_LONG,
        choices={
            name: sorted({*content.rows[name]}, key=_natural)
            for name in _CHOSEN
            if name in content.rows
        },
        letters=[_letter_style(letter) for letter in range(letters)],
        pictures=[(*picture[:2], _inline(picture.path)) for picture in content.pictures],
        strip=[_strip_row(row) for row in content.strip],
        alphas=STRIP_ALPHAS,
        map=_map_shapes(latent_map, automata, len(content.rows)) if latent_map else None,
        data={"scale": _SCALE, "automata": automata},
    )


def _entries(rows: pd.DataFrame, *, whole: bool) -> Iterator[dict[str, Any]]:
    """Yield what the script reads of each automaton; not whole: without what takes much room."""
    for number, row in enumerate(rows.to_dict("records"), 1):
        try:
            delta = parse_delta(row["delta"])
        except AutomatonError as error:
            raise DataError(f"automaton {number}: {error}") from error
        k, n = delta.shape
        if n > min(DRAWN_MAX_STATES, CANONICAL_MAX_STATES) or k > CANONICAL_MAX_LETTERS:
            raise DataError(f"automaton {number}: n={n}, k={k} is over what a page draws")
        entry = {
            "n": n,
            "k": k,
            "threshold": row["reset_threshold"],
            "bound": cerny_bound(n),
            "word": row["word"],
            "replayed": _resets(row["word"], delta),
            "family": row["family"],
            "circle": _shapes(circle_drawing(delta)),
            "text": format_delta(delta),
        }
        if whole:
            entry |= {
                "neato": _shapes(neato_drawing(delta)),
                "classes": row.get("properties", None) or class_names(delta[None])[0],
                "synchrowords": write_synchrowords([delta]),
                "gap": format_gap(delta),
                "dot": format_dot(delta),
            }
        yield entry


def _resets(word: str, delta: Deltas) -> bool:
    """Return whether a text is a word that resets the automaton."""
    try:
        return len(word) <= _LONGEST_WORD and verify(delta, parse_word(word))
    except AutomatonError:
        return False


def _add_parents(automata: Sequence[dict[str, Any]], rows: pd.DataFrame) -> None:
    """Add to each automaton of the table its parents: text, threshold, and number on the page."""
    numbers = {entry["text"]: number for number, entry in reversed([*enumerate(automata)])}
    for side in ("parent_a", "parent_b"):
        if side not in rows:
            continue
        for entry, text in zip(automata, rows[side], strict=False):
            if text:
                delta = _parse_parent(text)
                (threshold,) = reset_thresholds(delta[None]).tolist()
                parent = {"text": text, "threshold": threshold, "n": delta.shape[1]}
                number = numbers.get(text)
                entry.setdefault("parents", []).append(parent | {"number": number})


def _parse_parent(text: str) -> Deltas:
    try:
        return parse_delta(text)
    except AutomatonError as error:
        raise DataError(f"parent {text[:60]!r}: {error}") from error


def _shapes(drawing: Drawing) -> dict[str, list[int]]:
    """Return a drawing in whole units, arrows by letter and source: 12 numbers each.

    They are the label, the tip, and the four points of the curve.
    """
    arrows = []
    order = sorted(range(len(drawing.arrows)), key=lambda i: drawing.arrows[i][:2])
    for i in order:
        arrow = drawing.arrows[i]
        arrows.append(np.concatenate([[drawing.labels[i]], [arrow.tip], arrow.curve]))
    flat = np.stack(arrows).ravel()
    return {
        "box": _units(drawing.box),
        "places": _units(drawing.places.ravel()),
        "arrows": _units(flat),
    }


def _units(numbers: Any) -> list[int]:
    return [int(number) for number in np.rint(np.asarray(numbers) * _SCALE)]


def _letter_style(letter: int) -> dict[str, str]:
    dashes = " ".join(f"{1.6 * dash:.3g}" for dash in line_dashes(letter))
    return {"name": format_word((letter,)), "color": line_color(letter), "dashes": dashes or "none"}


def _inline(path: Path) -> Markup:
    """Return an SVG of matplotlib's as an element: short numbers, fewer names."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not an SVG ({error})") from error
    start = text.find("<svg")
    if start < 0 or re.search(r"<script|<foreignObject|\son\w+\s*=|javascript:", text, re.I):
        raise DataError(f"{path}: not a picture of ours")
    text = re.sub(r"<metadata>.*?</metadata>", "", text[start:], flags=re.S)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    # not below 1: scales are small numbers
    text = re.sub(r"\d*[1-9]\d*\.\d{2,}", lambda number: f"{float(number[0]):.1f}", text)
    return Markup(re.sub(r"\s*\n\s*", " ", text))  # noqa: S704 - checked above


def _strip_row(row: StripRow) -> dict[str, Any]:
    """Return the label and the cells of a row of the interpolation strip."""
    cells = []
    for delta, threshold, known in zip(row.deltas, row.thresholds, row.in_training, strict=True):
        drawing = circle_drawing(delta)
        box = " ".join(f"{number:.2f}" for number in drawing.box)
        svg = Markup(drawing_svg(drawing, labels=False))  # noqa: S704 - numbers alone
        cells.append({"box": box, "svg": svg, "threshold": int(threshold), "known": bool(known)})
    return {"label": row.label, "cells": cells}


def _map_shapes(
    latent_map: LatentMap, automata: Sequence[dict[str, Any]], candidates: int
) -> dict[str, Any]:
    """Return the points and the lines of the latent map in units of the page."""
    lines = [path.line for path in latent_map.paths]
    every = np.concatenate([latent_map.candidates, latent_map.places, *lines])
    low, high = every.min(axis=0), every.max(axis=0)
    size, margin = np.array(_MAP_SIZE), _MAP_MARGIN
    scale = ((size - 2 * margin) / np.maximum(high - low, 1e-9)).min()  # the same along both axes
    offset = (size - scale * (high - low)) / 2

    def put(points: Any) -> list[list[float]]:
        placed = offset + scale * (np.asarray(points) - low)
        placed[..., 1] = size[1] - placed[..., 1]
        return np.round(placed, 1).tolist()  # type: ignore[no-any-return]

    points = [*put(latent_map.candidates), *put(latent_map.places)]
    shares = [int(entry["threshold"]) / max(1, entry["bound"]) for entry in automata]
    least, most = min(shares), max(shares)
    return {
        "text": latent_map.text,
        "shares": [f"{share:.1%}" for share in latent_map.shares],
        "ramp": (least, most),
        "size": _MAP_SIZE,
        "points": [
            {"x": x, "y": y, "automaton": number, "hue": (share - least) / max(most - least, 1e-9)}
            for number, ((x, y), share) in enumerate(zip(points, shares, strict=True))
        ],
        "candidates": candidates,
        "paths": [
            {
                "candidate": path.candidate,
                "line": " ".join(f"{x},{y}" for x, y in put(path.line)),
                "point": put(path.point),
                "end": points[path.candidate],
            }
            for path in latent_map.paths
        ],
    }


def _natural(text: str) -> tuple[int, float, str]:
    """Sort numbers as numbers, before texts."""
    try:
        return 0, float(text), ""
    except ValueError:
        return 1, 0.0, text
