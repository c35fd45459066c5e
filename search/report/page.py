"""Rendering a page: what its templates are filled with."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from automata.drawing.colors import line_color, line_dashes
from automata.families import FAMILIES
from automata.text.words import format_word
from search.report.content import Content
from search.report.entries import SCALE, add_parents, entries_of, parse
from search.report.finds import are_known, best_rows, found_sentence
from search.report.grids import cell_automata, grids_of, shown_grids, small_svg
from search.report.map_shapes import map_shapes
from search.report.pictures import inline_svg
from search.report.theme import drawn_colors, themed

_LONG = ("word", "delta", "canonical", "parent_a", "parent_b", "properties")
"""Columns whose cells are shortened on the page."""
_MEANINGS = {
    "n": "states",
    "k": "letters",
    "reset_threshold": "the length of a shortest reset word, or careful word; exact",
    "cerny_bound": "(n-1)², which no automaton is known to exceed",
    "best_known": "the longest threshold known of such automata; empty where none is",
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
    "letters_needed": "the least number of letters with which the threshold is the same",
    "properties": "the classes it is in",
    "run": "the run that found it first",
    "arm": "the arm that found it first",
    "found_at": "when it was found first (UTC)",
    "finds": "number of (run, arm) pairs that found it",
}
"""Meanings of the columns that a page may have."""
_CHOSEN = ("n", "k", "family", "letters_needed", "mode", "found_by", "run", "arm", "novel")
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
    latent_map = content.latent_map
    automata = [*entries_of(content.rows, whole=True)]
    if latent_map is not None:
        automata += entries_of(latent_map.training, whole=False)
    mapped = len(automata)
    texts = [*content.rows["delta"], *(entry["text"] for entry in automata[len(content.rows) :])]
    add_parents(automata, texts, content.rows)
    grids = grids_of(content)
    automata += entries_of(cell_automata(grids, texts), whole=False)
    texts += [entry["text"] for entry in automata[mapped:]]
    letters = max((entry["k"] for entry in automata), default=0)
    pages = environment()
    script = pages.get_template("script.js").render()
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return pages.get_template(
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
        letters=[letter_style(letter) for letter in range(letters)],
        pictures=[
            (picture.title, picture.text, _themed(inline_svg(picture.path, f"p{number}-")))
            for number, picture in enumerate(content.pictures)
        ],
        found=[_found(content.rows, number) for number in best_rows(content.rows)],
        sentence=found_sentence(content.rows, content.of),
        grids=shown_grids(grids, texts),
        drawn=drawn_colors(),
        partial=any(entry["bound"] is None for entry in automata),
        map=map_shapes(latent_map, automata[:mapped], content.rows) if latent_map else None,
        above=sum(
            entry["bound"] is not None and entry["threshold"] > entry["bound"] for entry in automata
        ),
        data={"scale": SCALE, "automata": automata, "mapped": mapped},
    )


def environment() -> Environment:
    """Return what fills the templates of pages."""
    made = Environment(
        loader=PackageLoader("search.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "sort_keys": True}
    return made


def letter_style(letter: int) -> dict[str, str]:
    """Return the name, the colour and the dashes of a letter on a page."""
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
    drawing = small_svg(parse(row["delta"], f"automaton {number + 1}"))
    return drawing | {
        "number": number,
        "threshold": threshold,
        "share": share,
        "n": row["n"],
        "family": row["family"],
        "known": bool(are_known(rows.iloc[[number]])[0]),
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
