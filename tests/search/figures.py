"""The texts of a figure, as a reader sees them."""

from itertools import combinations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text


def check_texts(figure):
    """Every text lies within the figure, and over no other."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
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
    for (text, box), (other, other_box) in combinations(boxes, 2):
        assert not box.overlaps(other_box), (text, other)


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
