"""A report whose texts try to run as code."""

import numpy as np

from automata.families import FAMILIES
from search.report.content import Content, known_automata

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">\'"&amp;'


def hostile_content() -> Content:
    """A report in which every text is hostile, and one word is very long."""
    rows = known_automata(FAMILIES[0].delta(5)[None].repeat(2, axis=0), np.array([16, 16]))
    rows.loc[0, ["family", "mode", "word"]] = HOSTILE
    rows.loc[1, "word"] = "ab" * 200_000
    return Content(HOSTILE, HOSTILE, rows, {HOSTILE: HOSTILE}, notes=[HOSTILE])
