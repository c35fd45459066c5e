"""The automata of a page as data for its script: sizes, thresholds, drawings in whole units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from automata.action import image
from automata.canonical import CANONICAL_MAX_LETTERS, CANONICAL_MAX_STATES
from automata.classes import MAX_STATES_SUBSETS
from automata.deltas import Deltas, has_undefined
from automata.drawing.geometry import DRAWN_MAX_STATES, Drawing, circle_drawing
from automata.errors import AutomatonError
from automata.proof.verification import verify
from automata.sizes import cerny_bound
from automata.solver.either import thresholds_of
from automata.text.formats import parse_delta, parse_word
from data.damage import DataError
from search.archive.rows import class_names
from search.report.layout import neato_drawing

SCALE = 16
"""Units of a drawing's coordinates in one radius of a state."""
_LONGEST_WORD = 100_000


def entries_of(rows: pd.DataFrame, *, whole: bool) -> Iterator[dict[str, Any]]:
    """Yield the data of each automaton for the script, without the cells of its table row.

    Automata without a row (`whole` is false) have their text and word, and one layout only.
    """
    for number, row in enumerate(rows.to_dict("records"), 1):
        delta = parse(row["delta"], f"automaton {number}")
        k, n = delta.shape
        if n > min(DRAWN_MAX_STATES, CANONICAL_MAX_STATES) or k > CANONICAL_MAX_LETTERS:
            raise DataError(f"automaton {number}: n={n}, k={k} is over what a page draws")
        partial = has_undefined(delta)
        entry = {
            "n": n,
            "k": k,
            "threshold": _number(row["reset_threshold"], f"automaton {number}"),
            "bound": None if partial else cerny_bound(n),
            "replayed": _resets(row["word"], delta),
            "family": row["family"],
            "circle": _shapes(circle_drawing(delta)),
        }
        if whole:
            entry["neato"] = _shapes(neato_drawing(delta))
            entry["classes"] = row.get("properties") or _classes(delta)
        else:
            entry |= {"text": row["delta"], "word": row["word"]}
            entry["classes"] = _classes(delta)
        yield entry


def _classes(delta: Deltas) -> str:
    """Return the names of its classes; "" for a large partial automaton, where a search decides."""
    large = delta.shape[1] > MAX_STATES_SUBSETS
    return "" if large and has_undefined(delta) else class_names(delta[None])[0]


def parse(text: str, name: str) -> Deltas:
    """Return the automaton of a text; the error for another names it."""
    try:
        return parse_delta(text, partial=True)
    except AutomatonError as error:
        raise DataError(f"{name}: {error}") from error


def _number(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise DataError(f"{name}: a threshold of {text[:40]!r}") from None


def _resets(word: str, delta: Deltas) -> bool:
    """Return whether a text is a reset word of the automaton, a careful one if it is partial."""
    if len(word) > _LONGEST_WORD:
        return False
    try:
        letters = parse_word(word)
        if not has_undefined(delta):
            return verify(delta, letters)
        return max(letters, default=0) < len(delta) and len(image(delta, letters)) == 1
    except AutomatonError:
        return False


def add_parents(
    automata: Sequence[dict[str, Any]], texts: Sequence[str], rows: pd.DataFrame
) -> None:
    """Add the parents of each automaton of the table: size, threshold, and number on the page.

    A missing parent is None. The texts of parents are in the table.
    """
    known = {text: number for number, text in reversed([*enumerate(texts)])}
    columns = [rows[side] for side in ("parent_a", "parent_b") if side in rows]
    deltas = {text: parse(text, f"parent {text[:60]!r}") for own in columns for text in own if text}
    thresholds: dict[str, int] = {}
    for shape in {delta.shape for delta in deltas.values()}:
        own = [text for text, delta in deltas.items() if delta.shape == shape]
        batch = np.stack([deltas[text] for text in own])
        solved = thresholds_of(batch, partial=has_undefined(batch))
        thresholds |= dict(zip(own, solved.tolist(), strict=True))
    for number in range(len(rows)):
        automata[number]["parents"] = [
            {"n": deltas[text].shape[1], "threshold": thresholds[text], "number": known.get(text)}
            if (text := own.iloc[number])
            else None
            for own in columns
        ]


def _shapes(drawing: Drawing) -> dict[str, list[int]]:
    """Return a drawing in whole units; arrows are sorted by letter and source, 12 numbers each.

    The numbers are x, y of six points: the label, relative to the middle between source and target;
    the first two points of the curve, relative to the source; the last two points and the tip,
    relative to the target. Stubs, if there are any, are sorted likewise, 10 numbers each: the ends
    of the line, those of the bar, and the label, all relative to the source.
    """
    parts = []
    order = sorted(range(len(drawing.arrows)), key=lambda i: drawing.arrows[i][:2])
    for i in order:
        arrow = drawing.arrows[i]
        source, target = drawing.places[arrow.source], drawing.places[arrow.target]
        parts += [drawing.labels[i] - (source + target) / 2, *(arrow.curve[:2] - source)]
        parts += [*(arrow.curve[2:] - target), arrow.tip - target]
    shapes = {
        "box": _units(drawing.box),
        "places": _units(drawing.places.ravel()),
        "arrows": _units(np.concatenate(parts)) if parts else [],
    }
    if drawing.stubs:
        stubs = sorted(drawing.stubs, key=lambda stub: stub[:2])
        points = [
            np.concatenate([stub.line, stub.bar, [stub.label]]) - drawing.places[stub.source]
            for stub in stubs
        ]
        shapes["stubs"] = _units(np.concatenate(points).ravel())
    return shapes


def _units(numbers: Any) -> list[int]:
    return [int(number) for number in np.rint(np.asarray(numbers) * SCALE)]
