"""The forms that are read as a whole text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from automata.deltas import Deltas
from automata.errors import AutomatonError
from automata.text.dot import parse_dot
from automata.text.edges import ORDERS, parse_edges
from automata.text.gap import parse_gap_all
from automata.text.jflap import parse_jff
from automata.text.json_values import parse_json_all
from automata.text.lookalikes import lookalikes
from automata.text.number_readings import Table, distinct, listed
from automata.text.tables import Placed, columns, parse_table

Parser = Callable[[str, bool], list[Placed]]
"""Reads a text; the second argument is whether its automata may be partial."""


def parse_table_rows(text: str, *, by_letter: bool = False, partial: bool = False) -> Deltas:
    r"""Read a bare table: one state a row, or one letter a row.

    Parameters
    ----------
    text : str
        Numbers from 0, separated by blanks; no blank lines between rows.
    by_letter : bool
        Whether a row has the images under one letter; otherwise those of one state.
    partial : bool
        Whether letters may be undefined on states, written ``-``.

    Returns
    -------
    array of states, shape (k, n)
        `automata.deltas.UNDEFINED` where a letter is undefined.

    Raises
    ------
    AutomatonError
        If rows have different lengths or blank lines between them, or an entry is not a state.

    Examples
    --------
    >>> parse_table_rows("1 0\n2 1\n0 0").tolist()
    [[1, 2, 0], [0, 1, 0]]
    """
    rows = [line.split() for line in text.strip().split("\n")]
    if rows == [[]]:
        raise AutomatonError("a table without rows is no automaton")
    if [] in rows:
        row = rows.index([])
        raise AutomatonError(f"a blank line or a comment follows row {row} of one table")
    return parse_table(rows if by_letter else columns(rows), partial=partial)


def _one(parse: Callable[..., Deltas], **how: Any) -> Parser:
    """Return the parser of a text that holds one automaton."""
    return lambda text, partial: [Placed(0, parse(text, partial=partial, **how))]


def _all(parse: Callable[..., list[Placed]], **how: Any) -> Parser:
    """Return the parser of a text that may hold several."""
    return lambda text, partial: parse(text, partial=partial, **how)


PARSERS: dict[str, Parser] = {
    "table": _one(parse_table_rows),
    "table-letters": _one(parse_table_rows, by_letter=True),
    "edges": _one(parse_edges),
    **{order: _one(parse_edges, order=order) for order in ORDERS},
    "gap": _all(parse_gap_all),
    "dot": _one(parse_dot),
    "jff": _one(parse_jff),
    "json": _all(parse_json_all),
    "json-states": _all(parse_json_all, by_state=True),
}
"""The parser of each form."""


def parse_document(text: str, forms: tuple[str, ...], *, partial: bool = False) -> list[Placed]:
    """Read a text in the one form of several that fits.

    Parameters
    ----------
    text : str
    forms : tuple of str
        Keys of `PARSERS`.
    partial : bool
        Whether the automata may be partial. Of several forms, json-states is then never the one.

    Returns
    -------
    list of Placed

    Raises
    ------
    AutomatonError
        If none fits, or two fit and differ.

    Examples
    --------
    >>> [delta.tolist() for _, delta in parse_document("[[2, 1]]", ("json", "gap"))]
    [[[1, 0]]]
    >>> parse_document("[[1, 1, 2]]", ("json", "gap"))
    Traceback (most recent call last):
    automata.errors.AutomatonError: the text fits two forms, json and gap: --form NAME decides
    """
    found: dict[str, list[Placed]] = {}
    errors: dict[str, AutomatonError] = {}
    for form in forms:
        try:
            found[form] = PARSERS[form](text, partial)
        except AutomatonError as error:
            errors[form] = error
    if not found:
        if len(errors) == 1:
            raise errors[forms[0]]
        reasons = "; ".join(f"as {form}: {error}" for form, error in errors.items())
        raise AutomatonError(reasons)
    names = distinct({form: _tables(own) for form, own in found.items()})
    if len(names) > 1:
        raise AutomatonError(f"the text fits {listed(names)}: --form NAME decides")
    [name] = names
    if name == "json-states" and len(forms) > 1:
        _check_lists(found[name], partial)
    if len(forms) > 1 and _fits_from_1(text, _tables(found[name]), partial):
        lists = "letter" if name == "gap" else "state, from 0"
        raise AutomatonError(
            f"the text fits {name} and, 1-based, json-states: --form {name} takes a list for each "
            f"{lists}"
        )
    return found[name]


def _tables(found: list[Placed]) -> list[Table]:
    return [delta.tolist() for _, delta in found]


def _check_lists(found: list[Placed], partial: bool) -> None:
    """Refuse lists of lists that may be something other than the images of states."""
    if partial:
        raise AutomatonError("the text fits json-states alone: --form json-states reads it so")
    for _, delta in found:
        if others := lookalikes(delta.T.tolist()):
            raise AutomatonError(
                f"the text fits json-states, but may be {' or '.join(others)}: --form json-states "
                "reads it so"
            )


def _fits_from_1(text: str, found: list[Table], partial: bool) -> bool:
    """Return whether lists of the images of states, numbered from 1, give other automata."""
    try:
        others = parse_json_all(text, by_state=True, first=1, partial=partial)
    except AutomatonError:
        return False
    return _tables(others) != found
