"""What a notebook shows of an automaton."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given

from automata import Automaton, automaton_html, p_automaton, shortest_careful_word
from automata.deltas import UNDEFINED
from automata.drawing import notebook
from automata.text.words import format_word
from tests.strategies import automata, partials


@given(automata(max_n=12, max_k=4))
def test_the_table_holds_every_transition(delta) -> None:
    root = ElementTree.fromstring(Automaton(delta)._repr_html_())
    head, *rows = root.iter("tr")
    assert [cell.text for cell in head][1:] == [str(q) for q in range(delta.shape[1])]
    cells = [[cell.text for cell in row] for row in rows]
    assert [row[0] for row in cells] == [*"abcd"][: len(delta)]
    assert [[int(q) for q in row[1:]] for row in cells] == delta.tolist()
    assert len([*root.iter("{http://www.w3.org/2000/svg}circle")]) == delta.shape[1]


@pytest.mark.parametrize(("shape", "drawn"), [((2, 64), True), ((2, 65), False), ((13, 3), False)])
def test_the_bundle_draws_what_is_not_too_large(shape, drawn) -> None:
    automaton = Automaton(np.zeros(shape, int))
    bundle = automaton._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/plain"] == repr(automaton)
    assert f"n = {shape[1]}, k = {shape[0]}" in bundle["text/html"]
    assert ("image/svg+xml" in bundle) == drawn
    if drawn:
        ElementTree.fromstring(bundle["image/svg+xml"])
        assert bundle["image/svg+xml"] in bundle["text/html"]


@given(partials(max_n=8, max_k=3))
def test_a_partial_automaton_shows_its_careful_word(delta) -> None:
    html = automaton_html(delta)
    root = ElementTree.fromstring(html)
    cells = [[cell.text for cell in row] for row in root.iter("tr")][1:]
    assert [row[1:] for row in cells] == [
        ["–" if q == UNDEFINED else str(q) for q in row] for row in delta.tolist()
    ]
    told = "".join("".join(part.itertext()) for part in root.iter("p"))
    word = shortest_careful_word(delta)
    if not (delta == UNDEFINED).any():
        assert told == "" and "Černý bound" in html
    elif word is None:
        assert told == "There is no careful word."
    else:
        expected = f"Careful threshold {len(word)}, a shortest careful word {format_word(word)}"
        assert told == expected and "Černý" not in html


def test_a_search_that_takes_long_is_not_finished(monkeypatch) -> None:
    monkeypatch.setattr(notebook, "_BYTES", 1000)
    html = automaton_html(p_automaton(30, 3))
    assert re.search(r"<p>A careful word has at least \d+ letters, if there is one.</p>", html)
    large = np.zeros((1, 200), int)
    large[0, 3] = UNDEFINED
    assert automaton_html(large) == "<p>Automaton with n = 200, k = 1, partial</p>"
