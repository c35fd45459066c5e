"""Automata in the syntax of GAP: lists of images or transformations, states from 1."""

from __future__ import annotations

import re
from typing import NamedTuple

from automata.deltas import MAX_LETTERS, MAX_STATES, Deltas
from automata.errors import AutomatonError, SizeLimitError
from automata.text.names import check_order
from automata.text.tables import Placed, parse_table
from automata.text.tokens import split_tokens
from automata.text.words import format_word

_SKIPPED = re.compile(r"(?:\s++|\\\n|#[^\n]*(?:\n|\Z))++")
_TOKEN = re.compile(r'"[^"\n]*"|:=|[A-Za-z_]\w*|[+-]?[0-9][\w.]*|\S')
_DEEPEST = 3  # a list of tables
_MOST_ENTRIES = 1 << 22


class _Images(NamedTuple):
    """The images of a transformation; states after the last one are fixed."""

    tokens: list[str]


_Value = str | _Images | list["_Value"]


def parse_gap(text: str, *, partial: bool = False) -> Deltas:
    """Read one automaton of GAP: a list of lists or of transformations, states from 1.

    Parameters
    ----------
    text : str
        One automaton, as `parse_gap_all` reads it.
    partial : bool
        Whether letters may be undefined on states: 0 or a hole in a list, as in the package
        Automata. A transformation is defined everywhere.

    Returns
    -------
    array of states, shape (k, n)
        `automata.deltas.UNDEFINED` where a letter is undefined.

    Raises
    ------
    AutomatonError
        If the text is not one automaton, an entry is not a state, or, unless `partial`, an entry is
        missing (a hole, or 0).

    Examples
    --------
    >>> parse_gap("[ [ 2, 3, 1 ], [ 1, 1, 3 ] ]").tolist()
    [[1, 2, 0], [0, 0, 2]]
    >>> parse_gap("[ [ 2, 0, 1 ], [ 1,, 3 ] ]", partial=True).tolist()
    [[1, 255, 0], [0, 255, 2]]
    """
    found = parse_gap_all(text, partial=partial)
    if len(found) != 1:
        raise AutomatonError(f"{len(found)} automata, not one")
    return found[0].delta


def parse_gap_all(text: str, *, partial: bool = False) -> list[Placed]:
    """Read automata of GAP.

    Parameters
    ----------
    text : str
        Values, each perhaps after ``name :=`` and before ``;``. A list of letters is an automaton.
        A letter is a list of images or ``Transformation([...])``, which fixes the states after its
        last image. If the values are letters, they form one automaton; names ``a``, ``b``, ... give
        their order. ``Automaton("det", n, "ab", [lists], initial, accepting)`` of the package
        Automata is an automaton, too.
    partial : bool
        As in `parse_gap`.

    Returns
    -------
    list of Placed
        Each at the beginning of the value that holds it, or of its first letter.

    Raises
    ------
    AutomatonError
        As `parse_gap`, for each automaton.

    Examples
    --------
    >>> text = "a := Transformation( [ 2, 3, 1 ] );; b := Transformation( [ 1, 1 ] );"
    >>> [(at, delta.tolist()) for at, delta in parse_gap_all(text)]
    [(0, [[1, 2, 0], [0, 0, 2]])]
    """
    tokens, places = split_tokens(text, _TOKEN, _SKIPPED, "GAP")
    values: list[_Value] = []
    names: list[str] = []
    begins: list[int] = []
    at = 0
    while at < len(tokens):
        if tokens[at] == ";":
            at += 1
            continue
        names.append("")
        begins.append(places[at])
        if at + 1 < len(tokens) and tokens[at + 1] == ":=":
            if tokens[at] in names:
                raise AutomatonError(f"GAP: {tokens[at][:20]!r} comes twice")
            names[-1] = tokens[at]
            at += 2
        value, at = _value(tokens, at, 1)
        values.append(value)
        if at < len(tokens) and tokens[at] not in (";", "[") and not tokens[at][0].isalpha():
            raise AutomatonError(f"GAP: {tokens[at][:20]!r} after a value")
    if not values:
        raise AutomatonError("no GAP value, so no automaton")
    letters = [value for value in values if _is_letter(value)]
    if letters:
        if len(letters) < len(values):
            raise AutomatonError("GAP: letters and automata in one text")
        return [Placed(begins[0], _table(_in_order(letters, names), partial))]
    found: list[Placed] = []
    entries = 0
    for begin, value in zip(begins, values, strict=True):
        if not isinstance(value, list) or not value:
            raise _no_table(text)
        automata = [value] if all(map(_is_letter, value)) else value
        for rows in automata:
            if not isinstance(rows, list) or not rows or not all(map(_is_letter, rows)):
                raise _no_table(text)
            found.append(Placed(begin, _table(rows, partial)))
            entries += found[-1].delta.size
            if entries > _MOST_ENTRIES:  # a short transformation is padded to n images
                raise AutomatonError(f"GAP: automata of more than {_MOST_ENTRIES} entries")
    return found


def _in_order(letters: list[_Value], names: list[str]) -> list[_Value]:
    """Order letters by their names if these are a, b, ..., the letters of printed words."""
    ours = [format_word((a,)) for a in range(min(len(names), MAX_LETTERS))]
    if sorted(names) == sorted(ours):
        return [letters[names.index(name)] for name in ours]
    check_order(names[:MAX_LETTERS])
    return letters


def _no_table(text: str) -> AutomatonError:
    return AutomatonError(f"not a GAP list of lists: {text.strip()[:40]!r}")


def _value(tokens: list[str], at: int, depth: int) -> tuple[_Value, int]:
    """Read a value; return it and the place after it."""
    word = tokens[at] if at < len(tokens) else ""
    if word == "[":
        if depth > _DEEPEST:
            raise AutomatonError(f"GAP: lists are nested deeper than {_DEEPEST}")
        return _list(tokens, at + 1, depth)
    if word == "IdentityTransformation":
        return _Images([]), at + 1
    if word == "Transformation" and tokens[at + 1 : at + 3] == ["(", "["]:
        images, end = _list(tokens, at + 3, depth)
        if tokens[end : end + 1] == [")"] and all(isinstance(image, str) for image in images):
            return _Images([str(image) for image in images]), end + 1
        raise AutomatonError("GAP: Transformation(...) has one list of images")
    if word == "Automaton" and tokens[at + 1 : at + 2] == ["("]:
        return _automaton(tokens, at + 2, depth)
    if word and (word[0].isdigit() or word[0] in '+-"'):
        return word, at + 1
    raise AutomatonError(f"not a GAP list of lists: {' '.join(tokens[at : at + 9])[:40]!r}")


def _automaton(tokens: list[str], at: int, depth: int) -> tuple[_Value, int]:
    """Read what follows ``Automaton(``: the lists of its letters, and the place after it."""
    parts: list[_Value] = []
    while at < len(tokens):
        part, at = _value(tokens, at, depth)
        parts.append(part)
        if tokens[at : at + 1] == [")"]:
            break
        if tokens[at : at + 1] != [","]:
            raise AutomatonError("GAP: Automaton(...) has no end, or no comma")
        at += 1
    if len(parts) != 6:
        raise AutomatonError(f"GAP: Automaton(...) has 6 arguments, not {len(parts)}")
    kind, n, alphabet, letters, _, _ = parts
    if kind != '"det"':
        raise AutomatonError(f'GAP: an automaton of the type {str(kind)[:20]}, not "det"')
    if not isinstance(letters, list) or not all(map(_is_letter, letters)):
        raise AutomatonError("GAP: the transitions of Automaton(...) are no list of lists")
    names = _names_of(alphabet, len(letters))
    if len(names) != len(letters):
        raise AutomatonError(f"GAP: {len(names)} letters, but lists for {len(letters)}")
    for row in letters:
        if isinstance(row, list) and str(len(row)) != n:
            raise AutomatonError(f"GAP: an automaton of {str(n)[:20]} states, a list of {len(row)}")
    return _in_order(letters, names), at + 1


def _names_of(alphabet: _Value, k: int) -> list[str]:
    """Return the names of the letters: each character of a text, or each text of a list."""
    if isinstance(alphabet, list):
        return [str(name).strip('"') for name in alphabet]
    if isinstance(alphabet, str) and alphabet.startswith('"'):
        return [*alphabet.strip('"')]
    return [""] * k if alphabet == str(k) else []


def _list(tokens: list[str], at: int, depth: int) -> tuple[list[_Value], int]:
    """Read what follows ``[``; a hole is the text ""."""
    items: list[_Value] = []
    if tokens[at : at + 1] == ["]"]:
        return items, at + 1
    while at < len(tokens):
        if tokens[at] in (",", "]"):
            items.append("")
        else:
            item, at = _value(tokens, at, depth + 1)
            items.append(item)
        if tokens[at : at + 1] == ["]"]:
            return items, at + 1
        if tokens[at : at + 1] != [","]:
            break
        at += 1
    raise AutomatonError("not a GAP list of lists: a list has no end, or no comma")


def _is_letter(value: _Value) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(image, str) for image in value)
    return isinstance(value, _Images)


def _table(letters: list[_Value], partial: bool) -> Deltas:
    """Read an automaton; n is the largest state named, and transformations are padded to n."""
    degree = max(len(item.tokens) if isinstance(item, _Images) else len(item) for item in letters)
    named = [
        int(token)
        for item in letters
        if isinstance(item, _Images)
        for token in item.tokens
        if token.isdecimal() and len(token) < 6
    ]
    n = max([degree, *named, 1])
    if len(letters) > MAX_LETTERS:  # checked before they are padded
        raise SizeLimitError(f"k={len(letters)} is over the limit of {MAX_LETTERS} letters")
    if n > MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {MAX_STATES} states")
    rows = []
    for item in letters:
        if isinstance(item, _Images):
            fixed = [str(q) for q in range(len(item.tokens) + 1, n + 1)]
            rows.append([*item.tokens, *fixed])
        else:
            rows.append([_image(str(image), partial) for image in item])
    return parse_table(rows, first=1, partial=partial)


def _image(token: str, partial: bool) -> str:
    """Return an entry of a list; 0 and a hole are undefined in a partial automaton."""
    return "-" if partial and token in ("", "0") else token
