"""Automata in JSON: a list of images for each letter, or states and letters with names."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn

from automata.deltas import MAX_LETTERS, MAX_STATES, Deltas
from automata.errors import AutomatonError, SizeLimitError
from automata.text.names import Transition, table_of_transitions
from automata.text.tables import Placed, columns, parse_table

_MOST_DIGITS = 9
_BLANKS = re.compile(r"\s+")


def parse_json(text: str, *, partial: bool = False) -> Deltas:
    """Read one automaton in JSON.

    Parameters
    ----------
    text : str
        ``[[1, 2, 0], [0, 1, 0]]``, the images under each letter; or ``{"even": {"a": "odd",
        ...}, ...}``, whose states and letters `automata.text.names` numbers. The latter stands
        alone or under ``"transitions"``; then ``"states"`` and ``"input_symbols"`` may not name
        others.
    partial : bool
        Whether letters may be undefined on states: ``null`` in lists; ``null`` or no entry in
        dictionaries. Then ``"states"`` and ``"input_symbols"`` may name others too.

    Returns
    -------
    array of states, shape (k, n)
        `automata.deltas.UNDEFINED` where a letter is undefined.

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
    >>> parse_json("[[1, null, 0]]", partial=True).tolist()
    [[1, 255, 0]]
    """
    found = parse_json_all(text, partial=partial)
    if len(found) != 1:
        raise AutomatonError(f"{len(found)} automata, not one")
    return found[0].delta


def parse_json_all(
    text: str, *, by_state: bool = False, first: int = 0, partial: bool = False
) -> list[Placed]:
    r"""Read automata in JSON: values one after the other, or lists of them.

    Parameters
    ----------
    text : str
    by_state : bool
        Whether an inner list has the images of one state; otherwise those under one letter.
    first : int
        The number of the first state in lists: 0 or 1.
    partial : bool
        As in `parse_json`.

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
    read = _Reading(by_state, first, partial)
    rows = [read.is_row(value) for _, value in values]
    if len(values) > 1 and all(rows):
        values = [(values[0][0], [value for _, value in values])]  # the rows of one table
    if not values:
        raise AutomatonError("JSON without an automaton")
    if len(values) > 1 and any(rows):
        raise AutomatonError("JSON: a list of states stands beside others; [[...]] is an automaton")
    return [Placed(at, delta) for at, value in values for delta in read.automata(value)]


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


class _Reading(NamedTuple):
    """How values are read: the parameters of `parse_json_all`."""

    by_state: bool
    first: int
    partial: bool

    def automata(self, value: Any) -> list[Deltas]:
        """Return the automata of one value."""
        if isinstance(value, dict):
            return [self._of_dictionary(value)]
        if not isinstance(value, list) or not value:
            raise AutomatonError(f"JSON: {str(value)[:20]!r} is no automaton")
        if not self.by_state and self.is_row(value):
            return [self._table([value])]
        if self._is_table(value):
            return [self._table(value)]
        if all(isinstance(one, dict) or self._is_table(one) for one in value):
            return [delta for one in value for delta in self.automata(one)]
        row = "letters for each state" if self.by_state else "states for each letter"
        raise AutomatonError(f"JSON: neither a list of {row} nor a list of automata")

    def is_row(self, value: Any) -> bool:
        """Return whether a value is a list of states."""
        return isinstance(value, list) and bool(value) and all(map(self._is_image, value))

    def _is_table(self, value: Any) -> bool:
        return isinstance(value, list) and bool(value) and all(map(self.is_row, value))

    def _is_image(self, value: Any) -> bool:
        return _is_state(value) or (self.partial and value is None)

    def _table(self, rows: list[list[int | None]]) -> Deltas:
        k, n = (len(rows[0]), len(rows)) if self.by_state else (len(rows), len(rows[0]))
        if k > MAX_LETTERS:
            raise SizeLimitError(f"k={k} is over the limit of {MAX_LETTERS} letters")
        if n > MAX_STATES:
            raise SizeLimitError(f"n={n} is over the limit of {MAX_STATES} states")
        texts = [["-" if image is None else str(image) for image in row] for row in rows]
        letters = columns(texts) if self.by_state else texts
        return parse_table(letters, first=self.first, partial=self.partial)

    def _of_dictionary(self, value: dict[str, Any]) -> Deltas:
        inner = value.get("transitions")
        if not isinstance(inner, dict) or not all(isinstance(row, dict) for row in inner.values()):
            delta = _named(value, partial=self.partial)
            _check_orientation(value, delta, self.partial)
            return delta
        used = {letter for row in inner.values() for letter in row}
        states = _names(value, "states", set(inner), self.partial)
        letters = [
            name
            for key in ("input_symbols", "alphabet")
            for name in _names(value, key, used, self.partial)
        ]
        if not self.partial:
            return _named(inner)
        rows = inner | {name: {} for name in states if name not in inner}
        return _named(rows, letters, partial=True)


def _is_state(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _names(value: dict[str, Any], key: str, used: set[str], partial: bool) -> list[str]:
    """Return a list of states or letters, which must be those of the transitions.

    Those of a partial automaton may be more.
    """
    if key not in value:
        return []
    names = value[key]
    if not isinstance(names, list) or not all(isinstance(name, str | int) for name in names):
        raise AutomatonError(f"JSON: {key!r} is no list of names")
    given = [str(name) for name in names]
    others = sorted(used.difference(given) if partial else used.symmetric_difference(given))
    if others:
        raise AutomatonError(f"JSON: {others[0][:20]!r} is in {key!r} or the transitions alone")
    return given


def _check_orientation(value: dict[str, Any], delta: Deltas, partial: bool) -> None:
    """Refuse a bare dictionary that also fits {letter: {state: state}}, another automaton."""
    turned = dict[str, dict[str, Any]]()
    for outer, row in value.items():
        for inner, target in row.items():
            turned.setdefault(inner, {})[outer] = target
    targets: dict[str, dict[str, Any]] = {
        str(q): {} for row in value.values() for q in row.values() if q is not None
    }
    if partial and targets.keys() & turned.keys():
        turned = targets | turned  # a state without transitions has no row there
    try:
        other = _named(turned, partial=partial)
    except AutomatonError:
        return
    if other.tolist() != delta.tolist():
        raise AutomatonError(
            "JSON: {state: {letter: state}} or {letter: {state: state}}: both fit; the former "
            'stands under "transitions" too'
        )


def _named(states: dict[str, Any], letters: Iterable[str] = (), *, partial: bool = False) -> Deltas:
    """Read {state: {letter: state}}."""
    transitions: list[Transition] = []
    declared = dict.fromkeys(letters)
    for source, row in states.items():
        if not isinstance(row, dict):
            raise AutomatonError(f"JSON: {source[:20]!r} has no dictionary {{letter: state}}")
        for letter, target in row.items():
            if partial and target is None:
                declared[letter] = None
                continue
            if not isinstance(target, str) and not _is_state(target):
                raise AutomatonError(
                    f"JSON: letter {letter[:20]!r} leads {source[:20]!r} to {str(target)[:20]!r}, "
                    "which names no state"
                )
            if str(target) not in states:
                raise AutomatonError(f"JSON: {str(target)[:20]!r} is a target, but no state")
            transitions.append((source, letter, str(target)))
    return table_of_transitions(transitions, states, declared, partial=partial)
