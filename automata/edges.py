"""Automata as lists of edges, three words each, in either of two orders."""

from __future__ import annotations

import re

import numpy as np

from automata.automaton import AutomatonError, Deltas
from automata.names import table_of_transitions

ORDERS = {"edges-target-last": (0, 1, 2), "edges-letter-last": (0, 2, 1)}
"""Where source, letter and target stand."""

_BETWEEN = re.compile(r"[\s,;]+")
_LETTER = re.compile(r"[a-z][1-9]?|[0-9]{1,2}|[A-Z]")
_STATE = re.compile(r"[0-9]{1,5}|[A-Za-z_]\w{0,63}")


def parse_edges(text: str, order: str | None = None) -> Deltas:
    r"""Read an automaton from its edges.

    Parameters
    ----------
    text : str
        A line each: three words apart by blanks, commas or semicolons. States are numbers from 0 or
        names, letters are ``a``, ``b``, ... or numbers.
    order : str, optional
        ``edges-target-last`` or ``edges-letter-last``; by default the one that fits.

    Returns
    -------
    array of states, shape (k, n)

    Raises
    ------
    AutomatonError
        If a line is no edge, a letter leads a state nowhere or to two states, states are numbered
        from 1, or both orders fit and differ.

    Examples
    --------
    >>> parse_edges("0 a 1\n0 b 0\n1 a 0\n1 b 0").tolist()
    [[1, 0], [0, 0]]
    """
    rows = [
        _BETWEEN.split(line.strip())
        for line in text.splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    for row in rows:
        if len(row) != 3:
            raise AutomatonError(f"an edge has three words, not {' '.join(row)[:40]!r}")
    if order:
        return _table(rows, order)
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
    first, *others = found.values()
    if any(not np.array_equal(first, other) for other in others):
        names = " and ".join(found)
        raise AutomatonError(f"the edges fit two forms, {names}: --form NAME decides")
    return first


def _table(rows: list[list[str]], order: str) -> Deltas:
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
    return table_of_transitions(transitions)


def _check_numbers(states: set[int], order: str) -> None:
    n = len(states)
    if states == set(range(1, n + 1)):
        raise AutomatonError(f"{order}: the states are 1..{n}: looks 1-based, states count from 0")
    if states and states != set(range(n)):
        raise AutomatonError(f"{order}: the {n} states are not 0..{n - 1}")
