"""An automaton in a notebook: its drawing and its table."""

from __future__ import annotations

from automata.automaton import AutomatonLike, cerny_bound, validate_delta
from automata.drawing.geometry import DRAWN_MAX_STATES
from automata.drawing.svg import automaton_svg
from automata.text.words import format_word

_DRAWN_MAX_LETTERS = 12


def automaton_html(delta: AutomatonLike) -> str:
    """Return an automaton as HTML: its drawing and its table, a row a letter, a column a state.

    With more than 64 states or 12 letters only the size is shown.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text

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
