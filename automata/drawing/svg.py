"""Drawings of automata as SVG."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from automata.automaton import AutomatonLike, validate_delta
from automata.drawing.arrows import Floats
from automata.drawing.colors import MARK, line_color, line_dashes
from automata.drawing.geometry import Drawing, circle_drawing
from automata.text.words import format_word

_LINE, _FONT, _MARKED = 0.09, 1.15, 0.7
"""Line width, font size, and the width of marks, in radii of a state."""
_PIXELS, _WIDTH = 22.0, 480.0
"""Pixels of a radius at most, and of the width of a drawing at most."""


def drawing_svg(
    drawing: Drawing,
    *,
    labels: bool = True,
    changed: npt.NDArray[np.bool_] | None = None,
    line: float = _LINE,
) -> str:
    """Return a drawing as SVG elements, for an SVG whose view box is ``drawing.box``.

    Parameters
    ----------
    drawing : Drawing
    labels : bool
        Whether arrows are labelled with their letters.
    changed : bool array, shape (k, n), optional
        The transitions to mark, in yellow under their arrows or stubs.
    line : float
        Line width, in radii of a state.

    Returns
    -------
    str
        It holds only numbers and letters, so nothing in it needs escaping.
    """
    parts = []
    if changed is not None and changed.any():
        marked = [arrow for arrow in drawing.arrows if changed[arrow.letter, arrow.source]]
        lines = "".join(f"{_path(arrow.curve)}L{_point(arrow.tip)}" for arrow in marked)
        lines += "".join(
            _line(stub.line) for stub in drawing.stubs if changed[stub.letter, stub.source]
        )
        parts.append(
            f'<path d="{lines}" fill="none" stroke="{MARK}" stroke-width="{_MARKED}" '
            'stroke-linecap="round"/>'
        )
    for letter in sorted({arrow.letter for arrow in drawing.arrows}):
        own = [arrow for arrow in drawing.arrows if arrow.letter == letter]
        dashes = " ".join(f"{dash * line:.3g}" for dash in line_dashes(letter))
        color = line_color(letter)
        lines = "".join(_path(arrow.curve) for arrow in own)
        heads = "".join(f"M{'L'.join(map(_point, arrow.triangle))}Z" for arrow in own)
        parts += [
            f'<path d="{lines}" fill="none" stroke="{color}" stroke-width="{line}"'
            + (f' stroke-dasharray="{dashes}"/>' if dashes else "/>"),
            f'<path d="{heads}" fill="{color}"/>',
        ]
    for stub in drawing.stubs:
        color = line_color(stub.letter)
        parts += [
            f'<path d="{_line(stub.line)}" stroke="{color}" stroke-width="{line}" '
            f'stroke-dasharray="{2 * line:.3g}"/>',
            f'<path d="{_line(stub.bar)}" stroke="{color}" stroke-width="{2 * line:.3g}"/>',
        ]
    text = 'text-anchor="middle" dominant-baseline="central"'
    if labels:
        halo = 'paint-order="stroke" stroke="white" stroke-width="0.3"'
        letters = [arrow.letter for arrow in drawing.arrows]
        letters += [stub.letter for stub in drawing.stubs]
        places = [*drawing.labels.tolist(), *(stub.label.tolist() for stub in drawing.stubs)]
        for letter, (x, y) in zip(letters, places, strict=True):
            parts.append(
                f'<text x="{x:.2f}" y="{y:.2f}" font-size="{_FONT}" font-style="italic" '
                f'fill="{line_color(letter)}" {halo} {text}>{format_word((letter,))}</text>'
            )
    for q, (x, y) in enumerate(drawing.places.tolist()):
        parts.append(
            f'<circle cx="{x:.2f}" cy="{y:.2f}" r="1" fill="white" stroke="#6B6B6B" '
            f'stroke-width="{line}"/>'
            f'<text x="{x:.2f}" y="{y:.2f}" font-size="{_FONT if q < 10 else 0.95}" {text}>{q}'
            "</text>"
        )
    return "".join(parts)


def automaton_svg(delta: AutomatonLike) -> str:
    """Return an automaton as an SVG document: its states on a circle, the background white.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Complete or partial: where a letter is undefined, a dotted stub ends at a bar.

    Returns
    -------
    str

    Raises
    ------
    AutomatonError
        If `delta` is not an automaton.

    Examples
    --------
    >>> automaton_svg([[1, 0]]).startswith("<svg xmlns=")
    True
    """
    valid = validate_delta(delta, partial=True)
    k, n = valid.shape
    drawing = circle_drawing(valid)
    left, top, width, height = drawing.box
    scale = min(_PIXELS, _WIDTH / width)
    box = f'x="{left:.2f}" y="{top:.2f}" width="{width:.2f}" height="{height:.2f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{scale * width:.0f}" '
        f'height="{scale * height:.0f}" viewBox="{left:.2f} {top:.2f} {width:.2f} {height:.2f}" '
        'style="font-family:sans-serif">'
        f"<title>Automaton with {n} states and {k} letters</title>"
        f'<rect {box} fill="white"/>{drawing_svg(drawing)}</svg>'  # for dark pages
    )


def _path(curve: Floats) -> str:
    """Write curves as path data."""
    first, *rest = map(_point, curve)
    return f"M{first}C{' '.join(rest)}"


def _line(ends: Floats) -> str:
    """Write a straight line as path data."""
    return f"M{_point(ends[0])}L{_point(ends[1])}"


def _point(point: Floats) -> str:
    return f"{point[0]:.2f} {point[1]:.2f}"
