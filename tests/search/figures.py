"""Pictures, as a reader sees them."""

from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread
from matplotlib.text import Text

from data.plots import save


def names_of(pictures, relatives):
    """Names of pictures as parameters; `relatives`, much like others, belong to `exhaustive`."""
    return [
        pytest.param(name, marks=pytest.mark.exhaustive) if name in relatives else name
        for name in pictures
    ]


def check_picture(draw, folder, monkeypatch, *modules):
    """Both files of a picture are whole, there is no third, and no text lies over another.

    `modules` are those that may save it; returns the pixels, floats (height, width, 3).
    """
    checked = []

    def check_and_save(figure, stem):
        check_texts(figure)
        figure.set_layout_engine("none")  # all is in its place, and stays there in both files
        checked.append(figure)
        return save(figure, stem)

    for module in modules:
        monkeypatch.setattr(module, "save", check_and_save)
    paths = draw(folder / "v1.5")
    assert len(checked) == 1
    assert [path.name for path in paths] == ["v1.5.png", "v1.5.svg"]
    assert sorted(folder.rglob("*.*")) == paths
    pixels = imread(paths[0])[:, :, :3]
    assert 0.001 < (pixels < 0.9).any(axis=2).mean() < 0.5
    assert ElementTree.parse(paths[1]).getroot().tag.endswith("svg")
    return pixels


def check_same_bytes(first, second):
    """Two pictures have the same bytes, file by file."""
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def check_texts(figure):
    """Every text lies within the figure, and over no other."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()  # texts have their places, as in any renderer of this kind
    skipped = _out_of_view(figure)
    boxes = [
        (text.get_text(), text.get_window_extent(renderer).padded(-1))
        for text in figure.findobj(lambda artist: isinstance(artist, Text))
        if text.get_visible() and text.get_text() and id(text) not in skipped
    ]
    assert boxes
    width, height = figure.canvas.get_width_height()
    for text, box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text
    low, high = (np.array([corner(box) for _, box in boxes]) for corner in (_least, _most))
    apart = ((low[:, None] > high) | (high[:, None] < low)).any(2)  # (texts, texts)
    over = [(boxes[i][0], boxes[j][0]) for i, j in np.argwhere(np.triu(~apart, 1))]
    assert not over


def _least(box):
    return box.xmin, box.ymin


def _most(box):
    return box.xmax, box.ymax


def _out_of_view(figure):
    """The labels of ticks that matplotlib keeps but does not draw."""
    return {
        id(label)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in [*axis.majorTicks, *axis.minorTicks]
        for label in (tick.label1, tick.label2)
        if not axis.get_view_interval()[0] <= tick.get_loc() <= axis.get_view_interval()[1]
    }
