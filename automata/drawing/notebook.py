"""An automaton in a notebook: its drawing and its table."""

from __future__ import annotations

from automata.automaton import AutomatonLike, validate_delta
from automata.deltas import Deltas, has_undefined
from automata.drawing.geometry import DRAWN_MAX_STATES
from automata.drawing.svg import automaton_svg
from automata.sizes import cerny_bound
from automata.solver.careful import careful_bounds
from automata.text.words import format_word

_DRAWN_MAX_LETTERS = 12
_SECONDS, _BYTES = 1.0, 1 << 28
"""What the search for a careful word may spend."""


def automaton_html(delta: AutomatonLike) -> str:
    """Return an automaton as HTML: its drawing and its table, a row a letter, a column a state.

    For a partial automaton the careful threshold and a shortest careful word follow, if they are
    found within a second, and otherwise what is proved by then. With more than 64 states or 12
    letters only the size is shown.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Complete or partial: where a letter is undefined, the table has a dash.

    Returns
    -------
    str

    Raises
    ------
    AutomatonError
        If `delta` is not an automaton.

    Examples
    --------
    >>> automaton_html([[0] * 100])
    '<p>Automaton with n = 100, k = 1, Černý bound 9801</p>'
    """
    valid = validate_delta(delta, partial=True)
    k, n = valid.shape
    partial = has_undefined(valid)
    caption = f"n = {n}, k = {k}, {'partial' if partial else f'Černý bound {cerny_bound(n)}'}"
    if n > DRAWN_MAX_STATES or k > _DRAWN_MAX_LETTERS:
        return f"<p>Automaton with {caption}</p>"
    states = "".join(f"<th>{q}</th>" for q in range(n))
    rows = "".join(
        f"<tr><th>{format_word((a,))}</th>"
        + "".join(f"<td>{q if q < n else '–'}</td>" for q in row)
        + "</tr>"
        for a, row in enumerate(valid.tolist())
    )
    return (
        f"<div>{automaton_svg(valid)}<table><caption>{caption}</caption>"
        f"<thead><tr><th></th>{states}</tr></thead><tbody>{rows}</tbody></table>"
        f"{_careful(valid) if partial else ''}</div>"
    )


def _careful(delta: Deltas) -> str:
    """Return a paragraph about the shortest careful words of a partial automaton."""
    bounds = careful_bounds(delta, memory_limit=_BYTES, time_limit=_SECONDS)
    if bounds is None:
        return "<p>There is no careful word.</p>"
    if bounds.word is None or bounds.upper != bounds.lower:
        return f"<p>A careful word has at least {bounds.lower} letters, if there is one.</p>"
    word = format_word(bounds.word)
    return (
        f"<p>Careful threshold {bounds.upper}, a shortest careful word "
        f'<code style="overflow-wrap:anywhere">{word}</code></p>'
    )
