"""Drawings: every transition once, from its source to its target, and nothing over another."""

from collections.abc import Callable
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given

from automata.automaton import AutomatonError
from automata.drawing.geometry import (
    Drawing,
    _along,
    circle_drawing,
    line_color,
    line_dashes,
)
from automata.drawing.svg import automaton_svg, drawing_svg
from automata.families import FAMILIES
from automata.sampling import sample_uniform
from search.report.layout import neato_drawing
from tests.strategies import automata


def check_arrows(drawing: Drawing, delta: np.ndarray) -> None:
    """Each transition is an arrow from the edge of its source to the edge of its target."""
    transitions = {(a, p, int(q)) for a, row in enumerate(delta) for p, q in enumerate(row)}
    assert {arrow[:3] for arrow in drawing.arrows} == transitions
    assert len(drawing.arrows) == len(transitions)
    for arrow in drawing.arrows:
        assert arrow.curve.shape == (4, 2)
        start = np.linalg.norm(arrow.curve[0] - drawing.places[arrow.source])
        end = np.linalg.norm(arrow.tip - drawing.places[arrow.target])
        assert start == pytest.approx(1, abs=0.1) and end == pytest.approx(1, abs=0.1)
        assert 0 < np.linalg.norm(arrow.curve[-1] - arrow.tip) < arrow.head
    left, top, width, height = drawing.box
    points = np.concatenate([arrow.triangle for arrow in drawing.arrows] + [drawing.places])
    assert (points >= (left, top)).all() and (points <= (left + width, top + height)).all()


def passed_states(drawing: Drawing) -> int:
    """How many states lie under an arrow that neither leaves nor enters them."""
    count = 0
    for arrow in drawing.arrows:
        apart = np.linalg.norm(_along(arrow.curve)[:, None] - drawing.places, axis=2).min(axis=0)
        apart[[arrow.source, arrow.target]] = np.inf
        count += int((apart < 1).sum())
    return count


def covered_labels(drawing: Drawing) -> int:
    """How many labels lie over a state, or over another label."""
    over = np.linalg.norm(drawing.labels[:, None] - drawing.places, axis=2).min(axis=1) < 1.5
    pairs = combinations(drawing.labels, 2)
    return int(over.sum()) + sum(np.linalg.norm(one - other) < 1 for one, other in pairs)


@given(automata(max_n=12, max_k=4))
def test_every_transition_is_an_arrow(delta) -> None:
    for layout in (circle_drawing, neato_drawing):
        check_arrows(layout(delta), delta)


@pytest.mark.parametrize("layout", [circle_drawing, neato_drawing])
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("n", [3, 8, 13, pytest.param(20, marks=pytest.mark.exhaustive)])
def test_nothing_is_over_another(layout: Callable[..., Drawing], n: int, k: int) -> None:
    deltas = [*sample_uniform(np.random.default_rng(n), 10, n, k)]
    deltas += [family.delta(n) for family in FAMILIES if family.k == k and family.exists(n)]
    for delta in deltas:
        drawing = layout(delta)
        check_arrows(drawing, delta)
        assert np.array_equal(layout(delta).places, drawing.places)
        assert passed_states(drawing) == 0
        assert covered_labels(drawing) == 0


def test_parallel_transitions_bend_apart() -> None:
    arrows = circle_drawing([[1, 0], [1, 0], [1, 0]]).arrows
    middles = sorted(_along(arrow.curve)[12, 0] for arrow in arrows)  # the chord stands on x = 0
    assert len(middles) == 6 and min(np.diff(middles)) > 0.3


def test_loops_nest() -> None:
    heights = [-_along(arrow.curve)[:, 1].min() for arrow in circle_drawing([[0]] * 3).arrows]
    assert min(np.diff(sorted(heights))) > 0.5


def test_every_letter_has_lines_of_its_own() -> None:
    assert len({(line_color(letter), line_dashes(letter)) for letter in range(36)}) == 36


def test_the_svg_holds_it_all() -> None:
    delta = [[1, 2, 0], [0, 1, 0], [2, 2, 2]]
    for labels in (True, False):
        text = drawing_svg(circle_drawing(delta), labels=labels)
        elements = [*ElementTree.fromstring(f"<svg>{text}</svg>")]  # noqa: S314 - our own
        tags = [element.tag for element in elements]
        assert tags.count("circle") == 3 and tags.count("path") == 6
        texts = sorted(element.text or "" for element in elements if element.tag == "text")
        assert texts == ["0", "1", "2", *(["a"] * 3 + ["b"] * 3 + ["c"] * 3 if labels else [])]


def test_a_drawing_can_be_read_on_a_dark_page() -> None:
    """Programs that ignore styles draw the background too: it is the first element."""
    svg = ElementTree.fromstring(automaton_svg([[1, 2, 0], [0, 1, 0]]))  # noqa: S314 - our own
    first = svg.findall("*")[1]
    assert svg.findall("*")[0].tag.endswith("title") and first.tag.endswith("rect")
    assert [first.get(name) for name in ("x", "y", "width", "height")] == svg.get("viewBox").split()
    assert first.get("fill") == "white"


def test_what_is_no_automaton_is_refused() -> None:
    with pytest.raises(AutomatonError, match="state 1 leads to 3"):
        circle_drawing([[0, 3, 1]])
