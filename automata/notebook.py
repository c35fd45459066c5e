"""What a notebook shows of an automaton: its drawing and its table, as SVG and HTML."""

from __future__ import annotations

import numpy.typing as npt

from automata.automaton import Automaton, cerny_bound, validate_delta
from automata.drawing import DRAWN_MAX_STATES, circle_drawing, drawing_svg
from automata.words import format_word

_PIXELS = 22.0
"""For each radius of a state, in a drawing that is not too wide."""
_WIDTH = 480.0
_DRAWN_MAX_LETTERS = 12
_FONTS = "font-family:sans-serif"


def automaton_svg(delta: npt.ArrayLike | Automaton) -> str:
    """Draw an automaton on a white ground, its states on a circle, as a whole SVG.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)

    Returns
    -------
    str

    Raises
    ------
    AutomatonError
        If `delta` is not a complete automaton.

    Examples
    --------
    >>> automaton_svg([[1, 0]]).startswith("<svg xmlns=")
    True
    """
    valid = validate_delta(delta)
    k, n = valid.shape
    drawing = circle_drawing(valid)
    left, top, width, height = drawing.box
    scale = min(_PIXELS, _WIDTH / width)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{scale * width:.0f}" '
        f'height="{scale * height:.0f}" viewBox="{left:.2f} {top:.2f} {width:.2f} {height:.2f}" '
        f'style="{_FONTS};background:white"><title>Automaton with {n} states and {k} letters'
        f"</title>{drawing_svg(drawing)}</svg>"
    )


def automaton_html(delta: npt.ArrayLike | Automaton) -> str:
    """Show an automaton: its drawing beside its table, a row a letter, a column a state.

    Of more than 64 states or 12 letters only the size is told.

    Parameters
    ----------
    delta : Automaton or array of int, shape (k, n)

    Returns
    -------
    str

    Raises
    ------
    AutomatonError
        If `delta` is not a complete automaton.

    Examples
    --------
    >>> automaton_html([[0] * 100])
    '<p>Automaton with n = 100, k = 1, Černý bound 9801</p>'
    """
    valid = validate_delta(delta)
    k, n = valid.shape
    caption = f"n = {n}, k = {k}, Černý bound {cerny_bound(n)}"
    if n > DRAWN_MAX_STATES or k > _DRAWN_MAX_LETTERS:
        return f"<p>Automaton with {caption}</p>"
    states = "".join(f"<th>{q}</th>" for q in range(n))
    rows = "".join(
        f"<tr><th>{format_word((a,))}</th>" + "".join(f"<td>{q}</td>" for q in row) + "</tr>"
        for a, row in enumerate(valid.tolist())
    )
    return (
        f"<div>{automaton_svg(valid)}<table><caption>{caption}</caption>"
        f"<thead><tr><th></th>{states}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
