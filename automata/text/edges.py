"""Automata as lists of edges, three words each, in any of three orders."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

import numpy as np

from automata.deltas import Deltas
from automata.errors import AutomatonError
from automata.text.names import table_of_transitions

ORDERS = {
    "edges-target-last": (0, 1, 2),
    "edges-letter-last": (0, 2, 1),
    "edges-letter-first": (1, 0, 2),
}
"""The places of source, letter and target among the three words."""

_BETWEEN = re.compile(r"[\s,;]+")
_LETTER = re.compile(r"[a-z][1-9]?|[0-9]{1,2}|[A-Z]")
_STATE = re.compile(r"[0-9]{1,5}|[A-Za-z_]\w{0,63}")


def parse_edges(text: str, order: str | None = None, *, partial: bool = False) -> Deltas:
    r"""Read an automaton from its edges.

    Parameters
    ----------
    text : str
        One edge a line: three words separated by blanks, commas or semicolons. States are numbers
        from 0 or names; letters are ``a``, ``b``, ... or numbers. Blank lines are skipped.
    order : str, optional
        A key of `ORDERS`; by default the one that fits.
    partial : bool
        Whether edges may be missing, so that letters are undefined on states. Then the order is
        known only where the letters are ``a``, ``b``, ... and the states are numbers, and no blank
        line stands between edges: what is missing in one order or part may be there in another.

    Returns
    -------
    array of states, shape (k, n)
        `automata.deltas.UNDEFINED` where a letter is undefined.

    Raises
    ------
    AutomatonError
        If a line is no edge, a letter leads a state nowhere or to two states, states are numbered
        from 1, two orders fit and differ, or the edges above a blank line are a whole automaton.

    Examples
    --------
    >>> parse_edges("0 a 1\n0 b 0\n1 a 0\n1 b 0").tolist()
    [[1, 0], [0, 0]]
    """
    rows: list[list[str]] = []
    ends: list[int] = []  # number of rows above each blank line
    for number, line in enumerate(text.split("\n"), 1):
        row = [_plain(word) for word in _BETWEEN.split(line.strip())]
        if row == [""]:
            ends.append(len(rows))
        elif len(row) != 3:
            shown = " ".join(row)[:40]
            raise AutomatonError(f"line {number}: an edge has three words, not {shown!r}")
        else:
            rows.append(row)
    if partial:
        if above := [end for end in ends if 0 < end < len(rows)]:
            raise AutomatonError(
                f"a blank line or a comment follows edge {above[0]} of one automaton"
            )
        return _table(rows, order or _order_of_letters(rows), partial=True)
    for name in [order] if order else ORDERS:
        if end := whole_above(rows, {*ends} - {len(rows)}, name):
            raise AutomatonError(f"the {end} edges above a blank line are a whole automaton")
    return _table(rows, order) if order else _only_table(rows)


def _plain(word: str) -> str:
    """Write a number without leading zeros."""
    return str(int(word)) if word.isdecimal() and word.isascii() and len(word) <= 9 else word


def whole_above(
    rows: Sequence[Sequence[str]], ends: Container[int], order: str, least: int = 1
) -> int:
    """Find the first edges that are a whole automaton.

    Parameters
    ----------
    rows : sequence of sequences of str
        Three words each.
    ends : container of int
        The numbers of first rows to test.
    order : str
        A key of `ORDERS`.
    least : int
        Least number of states.

    Returns
    -------
    int
        The least number of first rows that are an automaton; 0 if there is none.

    Examples
    --------
    >>> whole_above([["0", "a", "0"], ["0", "b", "0"]], {2}, "edges-target-last")
    2
    """
    states, letters, pairs = set[str](), set[str](), set[tuple[str, str]]()
    for count, row in enumerate(rows, 1):
        source, letter, target = (row[place] for place in ORDERS[order])
        states |= {source, target}
        letters.add(letter)
        pairs.add((source, letter))
        is_whole = count == len(pairs) == len(states) * len(letters)
        if is_whole and count in ends and len(states) >= least:
            return count
    return 0


def _only_table(rows: list[list[str]]) -> Deltas:
    """Read edges in the one order that fits."""
    found: dict[str, Deltas] = {}
    errors: list[AutomatonError] = []
    for name in ORDERS:
        try:
            found[name] = _table(rows, name)
        except AutomatonError as error:
            errors.append(error)
    if not found:
        ours = next((error for error in errors if "1-based" in str(error)), errors[0])
        raise ours
    for name in found:
        if shared := _letters_that_are_states(rows, name):
            raise AutomatonError(f"{shared!r} is a letter and a state: --form {name} reads it so")
    first, *others = found.values()
    if any(not np.array_equal(first, other) for other in others):
        names = " and ".join(found)
        raise AutomatonError(f"the edges fit two forms, {names}: --form NAME decides")
    return first


def _order_of_letters(rows: list[list[str]]) -> str:
    """Return the order in which the letters are ``a``, ``b``, ... and the states are numbers."""
    for name, (source, letter, target) in ORDERS.items():
        states = [row[place] for row in rows for place in (source, target)]
        if all(map(str.isdecimal, states)) and not any(row[letter].isdecimal() for row in rows):
            return name
    raise AutomatonError(
        "the order of the three words is known where letters are a, b, .. and states are numbers: "
        "--form edges-target-last, for example, names it"
    )


def _letters_that_are_states(rows: list[list[str]], order: str) -> str:
    """Return a name, not a number, that is a letter and a state; "" if there is none."""
    source, letter, target = ORDERS[order]
    states = {row[place] for row in rows for place in (source, target)}
    shared = {row[letter] for row in rows} & states
    return min((name for name in shared if not name.isdecimal()), default="")


def _table(rows: list[list[str]], order: str, *, partial: bool = False) -> Deltas:
    """Read edges in one order."""
    transitions = []
    for row in rows:
        source, letter, target = (row[place] for place in ORDERS[order])
        if not _LETTER.fullmatch(letter):
            raise AutomatonError(f"{order}: {letter[:20]!r} is not a letter")
        for state in (source, target):
            if not _STATE.fullmatch(state):
                raise AutomatonError(f"{order}: {state[:20]!r} is not a state")
        transitions.append((source, letter, target))
    states = {state for source, _, target in transitions for state in (source, target)}
    if all(state.isdecimal() for state in states):
        _check_numbers({int(state) for state in states}, order)
    return table_of_transitions(transitions, partial=partial)


def _check_numbers(states: set[int], order: str) -> None:
    n = len(states)
    if states == set(range(1, n + 1)):
        raise AutomatonError(f"{order}: the states are 1..{n}: looks 1-based, states count from 0")
    if states and states != set(range(n)):
        raise AutomatonError(f"{order}: the {n} states are not 0..{n - 1}")
