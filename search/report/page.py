"""Rendering a page: templates, and the data that the page's script reads."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from automata.action import image
from automata.canonical import CANONICAL_MAX_LETTERS, CANONICAL_MAX_STATES
from automata.classes import MAX_STATES_SUBSETS
from automata.deltas import Deltas, undefined_entries
from automata.drawing.geometry import (
    DRAWN_MAX_STATES,
    Drawing,
    circle_drawing,
    line_color,
    line_dashes,
)
from automata.errors import AutomatonError
from automata.families import FAMILIES
from automata.proof.verification import verify
from automata.sizes import cerny_bound
from automata.solver.careful import careful_thresholds
from automata.solver.exact import reset_thresholds
from automata.text.formats import parse_delta, parse_word
from automata.text.words import format_word
from data.damage import DataError
from search.archive.rows import class_names
from search.report.content import Content, LatentMap
from search.report.finds import are_known, best_rows, found_sentence
from search.report.grids import cell_automata, grids_of, shown_grids, small_svg
from search.report.layout import neato_drawing
from search.report.pictures import inline_svg
from search.report.theme import drawn_colors, themed

_SCALE = 16
"""Units of a drawing's coordinates in one radius of a state."""
_MAP_SIZE = 1000.0, 640.0
_MAP_MARGIN = 24.0
_LONGEST_WORD = 100_000
_LONG = ("word", "delta", "canonical", "parent_a", "parent_b", "properties")
"""Columns whose cells are shortened on the page."""
_MEANINGS = {
    "n": "states",
    "k": "letters",
    "reset_threshold": "the length of a shortest reset word, or careful word; exact",
    "cerny_bound": "(n-1)², which no automaton is known to exceed",
    "best_known": "the longest careful threshold known at this size; empty where none is",
    "gap": "the bound, or the longest known threshold, minus the threshold",
    "ratio": "the threshold as a share of the bound, or of the longest known threshold",
    "word": "the lexicographically least of these shortest words",
    "delta": "for each letter, separated by |, the images of the states 0, 1, …",
    "canonical": "the canonical form, state by state; isomorphic automata have the same",
    "novel": "not in the training set, up to isomorphism; without a training set, True",
    "family": "the known family it belongs to, or the known example it is",
    "mode": "the mode or source that proposed it first",
    "found_by": "the arms that found it; start: the sizes that all arms share",
    "parent_a": "the automaton at one end of the path it comes from",
    "parent_b": "the automaton at the other end",
    "alpha": "the place on the path: 1 at parent_a, 0 at parent_b",
    "round": "the round of encode-decode",
    "repaired": "number of transitions changed so that it synchronizes",
    "properties": "the classes it is in",
    "run": "the run that found it first",
    "arm": "the arm that found it first",
    "found_at": "when it was found first (UTC)",
    "finds": "number of (run, arm) pairs that found it",
}
"""Meanings of the columns that a page may have."""
_CHOSEN = ("n", "k", "family", "mode", "found_by", "run", "arm", "novel")
"""Columns with a menu that filters by one of their values."""


def render(content: Content) -> str:
    """Return the HTML of a page.

    Rows may be partial automata, with ``-`` in their texts. Their thresholds and words are careful
    ones, and they have no Černý bound.

    Parameters
    ----------
    content : Content

    Returns
    -------
    str
        With style, script, drawings and data; it loads no other file.

    Raises
    ------
    DataError
        If a row is no automaton, or has too many states or letters to be drawn.
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
    mapped = len(automata)
    texts = [*content.rows["delta"], *(entry["text"] for entry in automata[len(content.rows) :])]
    _add_parents(automata, texts, content.rows)
    grids = grids_of(content)
    automata += _entries(cell_automata(grids, texts), whole=False)
    texts += [entry["text"] for entry in automata[mapped:]]
    letters = max((entry["k"] for entry in automata), default=0)
    script = environment.get_template("script.js").render()
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template(
        "page.html"
    ).render(
        content=content,
        script=Markup(script),  # noqa: S704 - our own script, without data
        digest=digest,
        columns=[*content.rows],
        rows=content.rows.to_numpy().tolist(),
        long=_LONG,
        meanings={name: _MEANINGS[name] for name in content.rows if name in _MEANINGS},
        families=_families({*content.rows["family"]}),
        choices={
            name: sorted({*content.rows[name]}, key=_natural)
            for name in _CHOSEN
            if name in content.rows
        },
        letters=[_letter_style(letter) for letter in range(letters)],
        pictures=[
            (picture.title, picture.text, _themed(inline_svg(picture.path, f"p{number}-")))
            for number, picture in enumerate(content.pictures)
        ],
        found=[_found(content.rows, number) for number in best_rows(content.rows)],
        sentence=found_sentence(content.rows, content.of),
        grids=shown_grids(grids, texts),
        drawn=drawn_colors(),
        partial=any(entry["bound"] is None for entry in automata),
        map=_map_shapes(latent_map, automata[:mapped], len(content.rows)) if latent_map else None,
        above=sum(
            entry["bound"] is not None and entry["threshold"] > entry["bound"] for entry in automata
        ),
        data={"scale": _SCALE, "automata": automata, "mapped": mapped},
    )


def _entries(rows: pd.DataFrame, *, whole: bool) -> Iterator[dict[str, Any]]:
    """Yield the data of each automaton for the script, without the cells of its table row.

    Automata without a row (`whole` is false) have their text and word, and one layout only.
    """
    for number, row in enumerate(rows.to_dict("records"), 1):
        delta = _parse(row["delta"], f"automaton {number}")
        k, n = delta.shape
        if n > min(DRAWN_MAX_STATES, CANONICAL_MAX_STATES) or k > CANONICAL_MAX_LETTERS:
            raise DataError(f"automaton {number}: n={n}, k={k} is over what a page draws")
        partial = len(undefined_entries(delta)) > 0
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
    return "" if large and len(undefined_entries(delta)) else class_names(delta[None])[0]


def _parse(text: str, name: str) -> Deltas:
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
        if not len(undefined_entries(delta)):
            return verify(delta, letters)
        return max(letters, default=0) < len(delta) and len(image(delta, letters)) == 1
    except AutomatonError:
        return False


def _add_parents(
    automata: Sequence[dict[str, Any]], texts: Sequence[str], rows: pd.DataFrame
) -> None:
    """Add the parents of each automaton of the table: size, threshold, and number on the page.

    A missing parent is None. The texts of parents are in the table.
    """
    known = {text: number for number, text in reversed([*enumerate(texts)])}
    columns = [rows[side] for side in ("parent_a", "parent_b") if side in rows]
    deltas = {
        text: _parse(text, f"parent {text[:60]!r}") for own in columns for text in own if text
    }
    thresholds: dict[str, int] = {}
    for shape in {delta.shape for delta in deltas.values()}:
        own = [text for text, delta in deltas.items() if delta.shape == shape]
        batch = np.stack([deltas[text] for text in own])
        partial = len(undefined_entries(batch)) > 0
        solved = careful_thresholds(batch) if partial else reset_thresholds(batch)
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
    return [int(number) for number in np.rint(np.asarray(numbers) * _SCALE)]


def _letter_style(letter: int) -> dict[str, str]:
    dashes = " ".join(f"{1.6 * dash:.3g}" for dash in line_dashes(letter))
    name = format_word((letter,))
    return {"name": name, "color": line_color(letter), "dashes": dashes or "none"}


def _themed(svg: Markup) -> Markup:
    return Markup(themed(svg))  # noqa: S704 - rebuilt, and our own names in it


def _found(rows: pd.DataFrame, number: int) -> dict[str, Any]:
    """Return the drawing and the description of a row for the beginning of the page."""
    row = rows.iloc[number]
    threshold = int(row["reset_threshold"])
    bound = int(row["best_known" if "best_known" in row else "cerny_bound"] or 0)
    share = f", {100 * threshold / bound:.0f} % of {bound}" if bound else ""
    drawing = small_svg(_parse(row["delta"], f"automaton {number + 1}"))
    return drawing | {
        "number": number,
        "threshold": threshold,
        "share": share,
        "n": row["n"],
        "family": row["family"],
        "known": bool(are_known(rows.iloc[[number]])[0]),
    }


def _map_shapes(
    latent_map: LatentMap, automata: Sequence[dict[str, Any]], candidates: int
) -> dict[str, Any]:
    """Return the points and the lines of the latent map, in units of its viewBox."""
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
    shares = [entry["threshold"] / max(1, cerny_bound(entry["n"])) for entry in automata]
    least, most = min(shares), max(shares)
    return {
        "text": latent_map.text,
        "chosen": latent_map.chosen,
        "dots": len(latent_map.places),
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


def _families(names: set[str]) -> list[dict[str, str]]:
    """Return the name and the source of each of the named families."""
    return [
        {"name": family.name, "source": family.source}
        for family in FAMILIES
        if family.name in names
    ]


def _natural(text: str) -> tuple[int, float, str]:
    """Return a sort key: numbers in their order, before texts."""
    try:
        return 0, float(text), ""
    except ValueError:
        return 1, 0.0, text
