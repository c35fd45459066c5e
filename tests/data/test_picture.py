"""Figures as pictures that show themselves."""

import re
from pathlib import Path

import pytest

from data.picture import Picture, as_picture
from data.plots import new_figure, style


def test_coordinates_have_one_decimal() -> None:
    with style():
        figure = new_figure(3, 2)
        figure.subplots().plot([0, 1.2345, 2], [0, 3.3333, 1])
        picture = as_picture(figure, "A line.")
    places = " ".join(re.findall(r'\b(?:d|x|y|points)="([^"]*)"', picture.svg))
    assert re.search(r"\d\.\d\b", places) and not re.search(r"\.\d\d", places)
    assert picture.svg.startswith("<svg") and picture.text == "A line."


def test_only_an_svg_is_saved(tmp_path: Path) -> None:
    picture = Picture("<svg/>", "Nothing.")
    for name in ("a.svg", "b.SVG"):
        picture.save(str(tmp_path / name))
        assert (tmp_path / name).read_text() == "<svg/>"
    for name, shown in [("c.png", "'.png'"), ("c.svg.txt", "'.txt'"), ("svg", "''")]:
        with pytest.raises(ValueError, match=f"^[^\n]*{name}: suffix {shown}, not '.svg'[^\n]*$"):
            picture.save(tmp_path / name)
    with pytest.raises(ValueError, match="^path=None is not a path$"):
        picture.save(None)  # type: ignore[arg-type]
    assert len([*tmp_path.iterdir()]) == 2
