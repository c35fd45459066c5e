"""Automata whose states and letters have names: only this module numbers them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from automata.deltas import MAX_LETTERS, MAX_STATES, Deltas, state_dtype, validate_table
from automata.errors import AutomatonError, SizeLimitError
from automata.text.words import format_word, parse_word

Transition = tuple[str, str, str]
"""Names of the source, the letter and the target."""

_OURS = re.compile("[a-z][1-9]?")
_EMPTY = {"\u03b5", "\u03f5", "\u03bb", "\u039b"}
"""The empty word in other tools: epsilon and lambda."""
_NUMBER = re.compile("[0-9]{1,9}")


def number_states(names: Iterable[str]) -> dict[str, int]:
    """Number states in order of appearance; those named 0..n-1 keep their numbers.

    Parameters
    ----------
    names : iterable of str
        In order of appearance; names may repeat.

    Returns
    -------
    dict of str to int

    Raises
    ------
    SizeLimitError
        If n > 5,000.

    Examples
    --------
    >>> number_states(["even", "odd", "even"]), number_states(["1", "0"])
    ({'even': 0, 'odd': 1}, {'1': 1, '0': 0})
    """
    states = dict.fromkeys(names)
    n = len(states)
    if n > MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {MAX_STATES} states")
    if states.keys() == {str(q) for q in range(n)}:
        return {name: int(name) for name in states}
    return {name: q for q, name in enumerate(states)}


def number_letters(names: Collection[str]) -> dict[str, int]:
    """Number letters: ``a``, ``b``, ... as in words, numbers by value, other names sorted.

    Parameters
    ----------
    names : collection of str

    Returns
    -------
    dict of str to int

    Raises
    ------
    SizeLimitError
        If k > 64.
    AutomatonError
        As `check_order`, or if a name stands for the empty word.

    Examples
    --------
    >>> number_letters(["y", "x"]), number_letters(["10", "9"]), number_letters(["up", "down"])
    ({'x': 0, 'y': 1}, {'9': 0, '10': 1}, {'down': 0, 'up': 1})
    """
    if len(names) > MAX_LETTERS:
        raise SizeLimitError(f"k={len(names)} is over the limit of {MAX_LETTERS} letters")
    if empty := _EMPTY & {*names}:
        raise AutomatonError(f"nondeterministic: {min(empty)!r} is the empty word, not a letter")
    if all(_OURS.fullmatch(name) for name in names):
        ordered = sorted(names, key=parse_word)
    elif all(_NUMBER.fullmatch(name) for name in names):
        ordered = sorted(names, key=lambda name: (int(name), name))
    else:
        ordered = sorted(names)
    check_order(ordered)
    return {name: a for a, name in enumerate(ordered)}


def check_order(names: Sequence[str]) -> None:
    """Refuse names of letters that printed words, in ``a``, ``b``, ..., use for other letters.

    Parameters
    ----------
    names : sequence of str
        At most 64, in the order of their numbers.

    Raises
    ------
    AutomatonError
        If one has the name that another is printed with.

    Examples
    --------
    >>> check_order(["x", "y"])
    >>> check_order(["b", "c"])
    Traceback (most recent call last):
    automata.errors.AutomatonError: letter 'b' would be printed as 'a'
    """
    ours = [format_word((a,)) for a in range(len(names))]
    for name, own in zip(names, ours, strict=True):
        if name != own and name in ours:
            raise AutomatonError(f"letter {name!r} would be printed as {own!r}")


def table_of_transitions(
    transitions: Iterable[Transition],
    states: Iterable[str] = (),
    letters: Iterable[str] = (),
    *,
    partial: bool = False,
) -> Deltas:
    """Return the automaton of named transitions.

    Parameters
    ----------
    transitions : iterable of Transition
        Transitions may repeat.
    states : iterable of str
        The first states in order; the others follow as they appear.
    letters : iterable of str
        Letters that count even if they have no transition.
    partial : bool
        Whether a letter may lead a state nowhere.

    Returns
    -------
    array of states, shape (k, n)
        `automata.deltas.UNDEFINED` where a letter leads a state nowhere.

    Raises
    ------
    AutomatonError
        If there is no transition and no letter, or a letter leads a state nowhere or to two states.
    SizeLimitError
        If n > 5,000 or k > 64, or n > 255 and a letter leads a state nowhere.

    Examples
    --------
    >>> table_of_transitions([("x", "1", "y"), ("y", "0", "x"), ("x", "0", "x"), ("y", "1", "y")])
    array([[0, 0],
           [1, 1]], dtype=uint8)
    """
    names = dict.fromkeys(states)
    targets: dict[tuple[str, str], str] = {}
    for source, letter, target in transitions:
        names[source] = names[target] = None
        other = targets.setdefault((letter, source), target)
        if other != target:
            raise AutomatonError(
                f"nondeterministic: letter {_short(letter)} leads {_short(source)} "
                f"to {_short(other)} and {_short(target)}"
            )
    named = {*letters, *(letter for letter, _ in targets)}
    if not named or not names:
        raise AutomatonError("no transition, so no automaton")
    numbers = number_states(names)
    order = number_letters(named)
    table = np.full((len(order), len(numbers)), -1)  # (k, n)
    for (letter, source), target in targets.items():
        table[order[letter], numbers[source]] = numbers[target]
    missing = np.argwhere(table < 0)
    if len(missing) and partial:
        rows: Any = [[None if q < 0 else q for q in row] for row in table.tolist()]
        return validate_table(rows, partial=True)
    if len(missing):
        a, q = missing[0].tolist()
        letter = [*order][a]
        source = next(name for name, number in numbers.items() if number == q)
        raise AutomatonError(f"incomplete: letter {_short(letter)} leads {_short(source)} nowhere")
    return table.astype(state_dtype(len(numbers)))


def _short(name: str) -> str:
    return repr(name if len(name) <= 20 else f"{name[:20]}...")
