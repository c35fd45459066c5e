"""What a notebook shows of an automaton."""

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given

from automata import Automaton
from tests.strategies import automata


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
