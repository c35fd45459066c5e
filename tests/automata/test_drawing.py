"""Drawings: every transition once, from its source to its target, and nothing over another."""

from collections.abc import Callable
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given

from automata.deltas import UNDEFINED
from automata.drawing.arrows import points_along
from automata.drawing.colors import line_color, line_dashes
from automata.drawing.geometry import Drawing, circle_drawing
from automata.drawing.svg import automaton_svg, drawing_svg
from automata.errors import AutomatonError
from automata.families import FAMILIES
from automata.identification import known
from automata.sampling import sample_uniform
from search.report.layout import neato_drawing
from tests.strategies import automata, partials


def check_arrows(drawing: Drawing, delta: np.ndarray) -> None:
    """Each transition is an arrow from the edge of its source to the edge of its target."""
    entries = {(a, p, int(q)) for a, row in enumerate(delta) for p, q in enumerate(row)}
    transitions = {entry for entry in entries if entry[2] != UNDEFINED}
    assert {arrow[:3] for arrow in drawing.arrows} == transitions
    assert len(drawing.arrows) == len(transitions)
    for arrow in drawing.arrows:
        assert arrow.curve.shape == (4, 2)
        start = np.linalg.norm(arrow.curve[0] - drawing.places[arrow.source])
        end = np.linalg.norm(arrow.tip - drawing.places[arrow.target])
        assert start == pytest.approx(1, abs=0.1) and end == pytest.approx(1, abs=0.1)
        assert 0 < np.linalg.norm(arrow.curve[-1] - arrow.tip) < arrow.head
    left, top, width, height = drawing.box
    points = np.concatenate(
        [arrow.triangle for arrow in drawing.arrows]
        + [part for stub in drawing.stubs for part in (stub.line, stub.bar, [stub.label])]
        + [drawing.places]
    )
    assert (points >= (left, top)).all() and (points <= (left + width, top + height)).all()


def check_stubs(drawing: Drawing, delta: np.ndarray) -> None:
    """Each undefined transition is a stub that leaves its state and ends at a bar across it."""
    undefined = [(a, q) for q in range(delta.shape[1]) for a in range(len(delta))]
    undefined = [(a, q) for a, q in undefined if delta[a, q] == UNDEFINED]
    assert [stub[:2] for stub in drawing.stubs] == undefined
    for stub in drawing.stubs:
        away = np.linalg.norm(
            [*stub.line, *stub.bar, stub.label] - drawing.places[stub.source], axis=1
        )
        assert away[0] == pytest.approx(1) and (away[1:] > 1.8).all() and away.max() < 3
        assert stub.bar.mean(axis=0) == pytest.approx(stub.line[1])
        assert np.diff(stub.bar, axis=0)[0] @ np.diff(stub.line, axis=0)[0] == pytest.approx(0)


def covered_stubs(drawing: Drawing) -> int:
    """How many stubs or their labels lie over a state, a label, an arrow or another stub."""
    flat = [points_along(arrow.curve) for arrow in drawing.arrows]
    heads = [arrow.triangle for arrow in drawing.arrows]
    count = 0
    for stub in drawing.stubs:
        other = [one for one in drawing.stubs if one is not stub]
        parts = [(drawing.places, 1.4), (drawing.labels, 1.0), (np.concatenate(flat + heads), 0.4)]
        parts += [(np.array([one.label for one in other]).reshape(-1, 2), 1.0)]
        parts += [(np.array([one.line[1] for one in other]).reshape(-1, 2), 0.5)]
        over = (np.linalg.norm(points - stub.label, axis=1) < room for points, room in parts)
        count += any(part.any() for part in over)
    return count


def passed_states(drawing: Drawing) -> int:
    """How many states lie under an arrow that neither leaves nor enters them."""
    count = 0
    for arrow in drawing.arrows:
        apart = np.linalg.norm(points_along(arrow.curve)[:, None] - drawing.places, axis=2).min(
            axis=0
        )
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


@given(partials(max_n=12, max_k=4))
def test_every_undefined_transition_is_a_stub(delta) -> None:
    for layout in (circle_drawing, neato_drawing):
        drawing = layout(delta)
        check_stubs(drawing, delta)
        check_arrows(drawing, delta)


@pytest.mark.parametrize("layout", [circle_drawing, neato_drawing])
@pytest.mark.parametrize("n", [3, 8, pytest.param(13, marks=pytest.mark.exhaustive)])
def test_nothing_is_over_a_stub(layout: Callable[..., Drawing], n: int) -> None:
    rng = np.random.default_rng(n)
    deltas = [delta for _, delta in known(n, 2, partial=True)]
    for k in (2, 3):
        some = sample_uniform(rng, 6, n, k)
        some[rng.random(some.shape) < 0.3] = UNDEFINED
        deltas += [*some]
    for delta in deltas:
        drawing = layout(delta)
        check_stubs(drawing, delta)
        assert [stub.line.tolist() for stub in layout(delta).stubs] == [
            stub.line.tolist() for stub in drawing.stubs
        ]
        assert covered_stubs(drawing) == 0


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
    middles = sorted(
        points_along(arrow.curve)[12, 0] for arrow in arrows
    )  # the chord stands on x = 0
    assert len(middles) == 6 and min(np.diff(middles)) > 0.3


def test_loops_nest() -> None:
    heights = [-points_along(arrow.curve)[:, 1].min() for arrow in circle_drawing([[0]] * 3).arrows]
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


def test_the_svg_holds_stubs() -> None:
    drawing = circle_drawing([[1, None, 0], [None, None, 0]])
    marked = np.array([[True, False, False], [True, True, False]])
    for labels in (True, False):
        text = drawing_svg(drawing, labels=labels)
        elements = [*ElementTree.fromstring(f"<svg>{text}</svg>")]  # noqa: S314 - our own
        tags = [element.tag for element in elements]
        assert tags.count("path") == 2 * 2 + 2 * 3 and tags.count("circle") == 3
        texts = sorted(element.text or "" for element in elements if element.tag == "text")
        assert texts == ["0", "1", "2", *(["a"] * 3 + ["b"] * 3 if labels else [])]
        under = drawing_svg(drawing, labels=labels, changed=marked).removesuffix(text)
        lines = ElementTree.fromstring(under).get("d") or ""  # noqa: S314 - our own
        assert lines.count("M") == 3 and lines.count("C") == 1
    assert drawing_svg(drawing) in automaton_svg("1 - 0|- - 0")


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
