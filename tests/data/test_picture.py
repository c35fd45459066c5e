"""Figures as pictures that show themselves."""

import re

from data.picture import as_picture
from data.plots import new_figure, style


def test_coordinates_have_one_decimal() -> None:
    with style():
        figure = new_figure(3, 2)
        figure.subplots().plot([0, 1.2345, 2], [0, 3.3333, 1])
        picture = as_picture(figure, "A line.")
    places = " ".join(re.findall(r'\b(?:d|x|y|points)="([^"]*)"', picture.svg))
    assert re.search(r"\d\.\d\b", places) and not re.search(r"\.\d\d", places)
    assert picture.svg.startswith("<svg") and picture.text == "A line."
