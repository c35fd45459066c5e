"""Transition tables from words of text; errors name the letter and the state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from automata.deltas import MAX_LETTERS, MAX_STATES, Deltas, validate_table
from automata.errors import AutomatonError


class Placed(NamedTuple):
    """An automaton, and the character where it begins in a text."""

    at: int
    delta: Deltas
    """Array of states, shape (k, n)."""


_UNDEFINED = "-"


def parse_table(
    rows: Sequence[Sequence[str]], where: str = "", first: int = 0, *, partial: bool = False
) -> Deltas:
    """Read a transition table, one row a letter.

    Parameters
    ----------
    rows : sequence of sequences of str
        The images of the states; "" stands for a missing one.
    where : str
        The beginning of an error's message.
    first : int
        The number of the first state: 0 or 1.
    partial : bool
        Whether letters may be undefined on states, written ``-``.

    Returns
    -------
    array of states, shape (k, n)

    Raises
    ------
    AutomatonError
        If a row is empty or the lengths differ, or an entry is missing, not an integer, or not a
        state. The message says so if states count from 0 but the entries are in 1..n.
    SizeLimitError
        If n > 255 and an entry is undefined.

    Examples
    --------
    >>> parse_table([["2", "1"]], first=1).tolist()
    [[1, 0]]
    >>> parse_table([["1", "-"]], partial=True).tolist()
    [[1, 255]]
    >>> parse_table([["2", "1"]])
    Traceback (most recent call last):
    automata.errors.AutomatonError: letter 0, state 0: '2' is outside 0..1 (looks 1-based)
    """
    n = len(rows[0])
    for a, row in enumerate(rows, first):
        if not row:
            raise AutomatonError(f"{where}letter {a} has no entries")
        if len(row) != n:
            raise AutomatonError(f"{where}letter {a} has {len(row)} entries, the first has {n}")
    try:
        delta: Any = [
            [
                None
                if partial and token == _UNDEFINED
                else parse_integer(token, first, first + n - 1, f"{where}letter {a}, state {q}")
                - first
                for q, token in enumerate(row, first)
            ]
            for a, row in enumerate(rows, first)
        ]
    except AutomatonError as error:
        if first == 0 and _is_one_based(rows, n):
            raise AutomatonError(f"{error} (looks 1-based)") from None
        raise
    return validate_table(delta, partial=partial)


def columns(rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Turn rows of states into rows of letters.

    Raises
    ------
    AutomatonError
        If the rows have different lengths.

    Examples
    --------
    >>> columns([["1", "0"], ["2", "1"], ["0", "0"]])
    [('1', '2', '0'), ('0', '1', '0')]
    """
    for state, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise AutomatonError(f"state {state} has {len(row)} entries, state 0 {len(rows[0])}")
    return [*zip(*rows, strict=True)]


def _is_one_based(rows: Sequence[Sequence[str]], n: int) -> bool:
    """Return whether all entries are in 1..n."""
    return all(
        token.isdecimal() and token.isascii() and len(token) <= 9 and 1 <= int(token) <= n
        for row in rows
        for token in row
    )


def parse_integer(token: str, low: int, high: int, where: str) -> int:
    """Read an integer in low..high.

    Parameters
    ----------
    token : str
        Decimal digits, with or without a sign; "" is a missing entry.
    low, high : int
        The limits, inclusive.
    where : str
        The beginning of an error's message.

    Returns
    -------
    int

    Raises
    ------
    AutomatonError
        If it is missing, not an integer, or out of range.

    Examples
    --------
    >>> parse_integer("007", 0, 9, "n")
    7
    """
    if not token:
        raise AutomatonError(f"{where}: the entry is missing")
    if token == _UNDEFINED:
        raise AutomatonError(f"{where}: '-' is undefined, not complete")
    if not re.fullmatch("[+-]?[0-9]+", token):
        raise AutomatonError(f"{where}: {token[:20]!r} is not an integer")
    if len(token) > 9 or not low <= int(token) <= high:
        raise AutomatonError(f"{where}: {token[:20]!r} is outside {low}..{high}")
    return int(token)


def parse_size(k: str, n: str, where: str = "") -> tuple[int, int]:
    """Read the line ``k n`` that synchrowords has before an automaton.

    Parameters
    ----------
    k, n : str
        Numbers of letters and states.
    where : str
        The beginning of an error's message.

    Returns
    -------
    tuple of int
        k and n.

    Raises
    ------
    AutomatonError
        If one is missing, not an integer, or out of range.

    Examples
    --------
    >>> parse_size("2", "3")
    (2, 3)
    """
    return parse_integer(k, 1, MAX_LETTERS, where + "k"), parse_integer(
        n, 1, MAX_STATES, where + "n"
    )


def parse_state_major(images: list[str], k: int, n: int, where: str = "") -> Deltas:
    """Read an automaton of synchrowords' input, from its n*k entries.

    Parameters
    ----------
    images : list of str
        State-major.
    k, n : int
        Letters and states.
    where : str
        The beginning of an error's message.

    Returns
    -------
    array of states, shape (k, n)

    Raises
    ------
    AutomatonError
        If an entry is missing, not an integer, or not a state.

    Examples
    --------
    >>> parse_state_major("1 0 2 1 0 0".split(), 2, 3).tolist()
    [[1, 2, 0], [0, 1, 0]]
    """
    whole = images + [""] * (n * k - len(images))
    return parse_table([whole[a::k] for a in range(k)], where)
