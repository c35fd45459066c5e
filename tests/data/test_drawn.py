"""Rows of drawn automata: all of each is seen, and no text lies over another or over a drawing."""

from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from automata.drawing.arrows import points_along
from automata.drawing.compact import compact_drawing
from data.drawn import Cell, columns_at_most, draw_rows
from data.picture import Picture

SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
MARKED = 0.35
"""Half the width of a mark, in radii of a state."""


def elements(picture: Picture, kind: str) -> list[tuple[float, float, ElementTree.Element]]:
    """The elements of a kind outside of drawings, with their places."""
    found = []

    def walk(element: ElementTree.Element, x: float, y: float) -> None:
        for own in element:
            if own.tag == f"{SVG}g":
                numbers = own.attrib["transform"].removeprefix("translate(")[:-1]
                across, down = map(float, numbers.split())
                walk(own, x + across, y + down)
            if own.tag == f"{SVG}{kind}":
                found.append((x + float(own.get("x", 0)), y + float(own.get("y", 0)), own))

    walk(ElementTree.fromstring(picture.svg), 0, 0)  # noqa: S314 - our own
    return found


def texts(picture: Picture) -> dict[tuple[str, float, float], Box]:
    """The boxes of all texts outside of drawings."""
    boxes = {}
    for x, y, element in elements(picture, "text"):
        size, words = float(element.attrib["font-size"]), element.text or ""
        outline = TextPath((0, 0), words, size=size, prop=FontProperties("DejaVu Sans"))
        width = outline.get_extents().x1
        left = x - width * {"end": 1, "middle": 0.5}.get(element.get("text-anchor", ""), 0)
        top = y - (0.5 if element.get("dominant-baseline") else 0.75) * size
        boxes[words, x, y] = (left, top, left + width, top + size)
    return boxes


def drawn(picture: Picture) -> list[Box]:
    """The boxes of drawings."""
    return [
        (x, y, x + float(element.attrib["width"]), y + float(element.attrib["height"]))
        for x, y, element in elements(picture, "svg")
    ]


def check_clear(picture: Picture) -> None:
    """All texts are whole in the picture, off each other and off the drawings."""
    root = ElementTree.fromstring(picture.svg)  # noqa: S314 - our own
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = [*texts(picture).values(), *drawn(picture)]
    for left, top, right, bottom in boxes:
        assert left >= 0 and top >= 0 and right <= width and bottom <= height
    for one, other in combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("n", range(1, 13))
def test_drawings_are_whole_and_lie_within_their_cards(n: int, k: int) -> None:
    loops = np.tile(np.arange(n, dtype=np.uint8), (k, 1))
    rng = np.random.default_rng(n + k)
    deltas = [loops, *rng.integers(0, n, (3, k, n)).astype(np.uint8)]
    picture = draw_rows([("all", [Cell(d, "12", np.ones((k, n), bool)) for d in deltas])], "Some.")
    check_clear(picture)
    cards = [
        (x, y, x + float(card.attrib["width"]), y + float(card.attrib["height"]))
        for x, y, card in elements(picture, "rect")
    ]
    for delta, (_, _, inner), place, card in zip(
        deltas, elements(picture, "svg"), drawn(picture), cards, strict=True
    ):
        assert card[0] - 1 <= place[0] and place[2] <= card[2] and place[3] < card[3]
        left, top, width, height = map(float, inner.attrib["viewBox"].split())
        drawing = compact_drawing(delta)
        points = [points_along(arrow.curve) for arrow in drawing.arrows]
        points += [arrow.triangle for arrow in drawing.arrows]
        whole = np.concatenate([drawing.places - 1, drawing.places + 1, *points])
        edge = 0.15 + MARKED  # the frame lies over the edge
        assert (whole.min(0) - edge >= (left, top)).all()
        assert (whole.max(0) + edge <= (left + width, top + height)).all()


def one(n: int = 8, caption: str = "12", **marks: bool) -> Cell:
    return Cell(np.tile(np.arange(n, dtype=np.uint8), (2, 1)), caption, **marks)


def test_long_rows_go_on_below() -> None:
    picture = draw_rows([("path", [one(caption=f"{i}") for i in range(40)]), ("b", [one()])], "A.")
    places = [(y, x) for (words, x, y) in texts(picture) if words.isdigit()]
    assert places == sorted(places)  # in reading order
    assert len({y for y, _ in places}) == 7 and len({x for _, x in places}) == 7
    check_clear(picture)
    apart = draw_rows([("", [one()] * 10)], "A.", fold=False)
    assert len({y for words, _, y in texts(apart) if words == "12"}) == 1


@pytest.mark.parametrize("n", [6, 8, 12, 24, 64])
def test_lines_of_automata_are_not_too_long(n: int) -> None:
    picture = draw_rows([("samples", [one(n)] * 9)], "A.")
    root = ElementTree.fromstring(picture.svg)  # noqa: S314 - our own
    assert float(root.attrib["width"]) < 1500
    assert sum(x < 1500 for x, _, _ in elements(picture, "svg")) == 9
    assert 3 < columns_at_most(n) <= 7


def test_long_texts_are_broken() -> None:
    name = "not-completely-reachable"
    captions = [
        "-0.67: no reset word",
        f"+2: 17\n{name}",
        "no reset word, at 123.45",
        "own_name" * 9,
    ]
    cells = [one(caption=caption) for caption in captions]
    picture = draw_rows([(name, cells), ("a_function_of_my_own_with_a_name", cells)], "A.")
    check_clear(picture)
    assert any(words == "-0.67: no reset word" for words, _, _ in texts(picture))


@pytest.mark.parametrize("k", [1, 2, 6, 9])
def test_the_legend_is_whole(k: int) -> None:
    delta = np.tile(np.arange(5, dtype=np.uint8), (k, 1))
    cell = Cell(delta, "5", np.ones((k, 5), bool), known=True, given=True)
    picture = draw_rows([("", [cell])], "A.")
    check_clear(picture)
    named = [words for words, _, _ in texts(picture)]
    assert named[-3:] == ["changed", "in the dataset", "given"]
