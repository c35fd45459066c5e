"""A report of partial automata: slow ones, one without a careful word, one with a wrong word."""

import pandas as pd

from automata import (
    careful_threshold,
    format_delta,
    format_word,
    p_automaton,
    shortest_careful_word,
)
from search.report.content import Content

WRONG = "1 2 -|1 1 0"
"""Shown with the word baa, whose third letter is undefined on an occupied state."""


def partial_content() -> Content:
    """A page of five automata; the last two have no word that can be played."""
    rows = []
    for name, text in [
        ("P(5,1)", format_delta(p_automaton(5, 1))),
        ("P(9,1)", format_delta(p_automaton(9, 1))),
        ("", "1 2 0|1 1 2|- 0 0"),
        ("", WRONG),
        ("", "1 -|0 -"),
    ]:
        threshold = careful_threshold(text)
        word = shortest_careful_word(text)
        row = {
            "n": len(text.split("|")[0].split()),
            "k": text.count("|") + 1,
            "reset_threshold": -1 if threshold is None else threshold,
            "cerny_bound": "",
            "gap": "",
            "word": "baa" if text == WRONG else format_word(word or ()),
            "delta": text,
            "family": name,
        }
        rows.append({column: str(value) for column, value in row.items()})
    return Content("Partial", "Partial automata.", pd.DataFrame(rows))
