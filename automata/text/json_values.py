"""Automata in JSON: a list of images for each letter, or states and letters with names."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NoReturn

from automata.automaton import (
    MAX_LETTERS,
    MAX_STATES,
    AutomatonError,
    Deltas,
    SizeLimitError,
)
from automata.text.names import Transition, table_of_transitions
from automata.text.tables import Placed, columns, parse_table

_MOST_DIGITS = 9
_BLANKS = re.compile(r"\s+")


def parse_json(text: str) -> Deltas:
    """Read one automaton in JSON.

    Parameters
    ----------
    text : str
        ``[[1, 2, 0], [0, 1, 0]]``, the images under each letter; or ``{"even": {"a": "odd",
        ...}, ...}``, whose states and letters `automata.text.names` numbers. The latter stands
        alone or under ``"transitions"``; then ``"states"`` and ``"input_symbols"`` may not name
        others.

    Returns
    -------
    array of states, shape (k, n)

    Raises
    ------
    AutomatonError
        If the text is not JSON, or not one automaton.

    Examples
    --------
    >>> parse_json("[[1, 2, 0], [0, 1, 0]]").tolist()
    [[1, 2, 0], [0, 1, 0]]
    >>> parse_json('{"x": {"0": "y", "1": "x"}, "y": {"0": "x", "1": "x"}}').tolist()
    [[1, 0], [0, 0]]
    """
    found = parse_json_all(text)
    if len(found) != 1:
        raise AutomatonError(f"{len(found)} automata, not one")
    return found[0].delta


def parse_json_all(text: str, *, by_state: bool = False, first: int = 0) -> list[Placed]:
    r"""Read automata in JSON: values one after the other, or lists of them.

    Parameters
    ----------
    text : str
    by_state : bool
        Whether an inner list has the images of one state; otherwise those under one letter.
    first : int
        The number of the first state in lists: 0 or 1.

    Returns
    -------
    list of Placed
        Each at the beginning of the value that holds it.

    Raises
    ------
    AutomatonError
        If the text is not JSON, or a value in it is no automaton.

    Examples
    --------
    >>> [(at, delta.tolist()) for at, delta in parse_json_all("[[0]]\n[[[1, 0]], [[0]]]")]
    [(0, [[0]]), (6, [[1, 0]]), (6, [[0]])]
    """
    decoder = json.JSONDecoder(
        object_pairs_hook=_dictionary,
        parse_float=_refuse,
        parse_int=_integer,
        parse_constant=_refuse,
    )
    values: list[tuple[int, Any]] = []
    end = 0
    while (at := _end_of_blanks(text, end)) < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except RecursionError:
            raise AutomatonError("JSON: nested too deep") from None
        except json.JSONDecodeError as error:
            raise AutomatonError(f"not JSON: {error}") from None
        values.append((at, value))
    if len(values) > 1 and all(map(_is_row, [value for _, value in values])):
        values = [(values[0][0], [value for _, value in values])]  # the rows of one table
    if not values:
        raise AutomatonError("JSON without an automaton")
    if len(values) > 1 and any(map(_is_row, [value for _, value in values])):
        raise AutomatonError("JSON: a list of states stands beside others; [[...]] is an automaton")
    return [
        Placed(at, delta) for at, value in values for delta in _automata(value, by_state, first)
    ]


def _is_row(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_state, value))


def _end_of_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    return at if match is None else match.end()


def _refuse(token: str) -> NoReturn:
    raise AutomatonError(f"JSON: {token[:20]!r} is not an integer")


def _integer(token: str) -> int:
    if len(token) > _MOST_DIGITS:
        raise AutomatonError(f"JSON: {token[:20]!r} is not a state")
    return int(token)


def _dictionary(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise AutomatonError(f"JSON: {twice[:20]!r} comes twice")
    return found


def _automata(value: Any, by_state: bool, first: int) -> list[Deltas]:
    """Return the automata of one value."""
    if isinstance(value, dict):
        inner = value.get("transitions")
        if isinstance(inner, dict) and all(isinstance(row, dict) for row in inner.values()):
            delta = _named(inner)
            _check(value, "states", set(inner))
            letters = {letter for row in inner.values() for letter in row}
            _check(value, "input_symbols", letters)
            _check(value, "alphabet", letters)
            return [delta]
        delta = _named(value)
        _check_orientation(value, delta)
        return [delta]
    if not isinstance(value, list) or not value:
        raise AutomatonError(f"JSON: {str(value)[:20]!r} is no automaton")
    if not by_state and _is_row(value):
        return [_table([value], by_state, first)]
    if _is_table(value):
        return [_table(value, by_state, first)]
    if all(isinstance(one, dict) or _is_table(one) for one in value):
        return [delta for one in value for delta in _automata(one, by_state, first)]
    row = "letters for each state" if by_state else "states for each letter"
    raise AutomatonError(f"JSON: neither a list of {row} nor a list of automata")


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_row, value))


def _is_state(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _table(rows: list[list[int]], by_state: bool, first: int) -> Deltas:
    k, n = (len(rows[0]), len(rows)) if by_state else (len(rows), len(rows[0]))
    if k > MAX_LETTERS:
        raise SizeLimitError(f"k={k} is over the limit of {MAX_LETTERS} letters")
    if n > MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {MAX_STATES} states")
    texts = [[str(image) for image in row] for row in rows]
    return parse_table(columns(texts) if by_state else texts, first=first)


def _check(value: dict[str, Any], key: str, used: set[str]) -> None:
    """Refuse a list of states or letters that differs from those of the transitions."""
    if key not in value:
        return
    names = value[key]
    if not isinstance(names, list) or not all(isinstance(name, str | int) for name in names):
        raise AutomatonError(f"JSON: {key!r} is no list of names")
    others = sorted({str(name) for name in names} ^ used)
    if others:
        raise AutomatonError(f"JSON: {others[0][:20]!r} is in {key!r} or the transitions alone")


def _check_orientation(value: dict[str, Any], delta: Deltas) -> None:
    """Refuse a bare dictionary that also fits {letter: {state: state}}, another automaton."""
    turned: dict[str, dict[str, Any]] = {}
    for outer, row in value.items():
        for inner, target in row.items():
            turned.setdefault(inner, {})[outer] = target
    try:
        other = _named(turned)
    except AutomatonError:
        return
    if other.tolist() != delta.tolist():
        raise AutomatonError(
            "JSON: {state: {letter: state}} or {letter: {state: state}}: both fit; the former "
            'stands under "transitions" too'
        )


def _named(states: dict[str, Any]) -> Deltas:
    """Read {state: {letter: state}}."""
    transitions: list[Transition] = []
    for source, row in states.items():
        if not isinstance(row, dict):
            raise AutomatonError(f"JSON: {source[:20]!r} has no dictionary {{letter: state}}")
        for letter, target in row.items():
            if not isinstance(target, str) and not _is_state(target):
                raise AutomatonError(
                    f"JSON: letter {letter[:20]!r} leads {source[:20]!r} to {str(target)[:20]!r}, "
                    "which names no state"
                )
            if str(target) not in states:
                raise AutomatonError(f"JSON: {str(target)[:20]!r} is a target, but no state")
            transitions.append((source, letter, str(target)))
    return table_of_transitions(transitions, states)
