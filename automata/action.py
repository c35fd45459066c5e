"""The action of words on states: images and preimages.

A letter of a partial automaton may be undefined on a state. A word is then undefined on each state
that it leads there. `apply_word` says so state by state, such a state lies in no preimage, and a
set that holds such a state has no image.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer, check_states
from automata.automaton import AutomatonLike, validate_delta
from automata.deltas import with_n_undefined
from automata.errors import AutomatonError
from automata.text.words import as_letters


def apply_word(
    delta: AutomatonLike, word: Iterable[int] | str, states: Iterable[int] | None = None
) -> tuple[int | None, ...]:
    """Return the image of each of some states under a word.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Complete or partial.
    word : iterable of int, or str
        Letters 0..k-1, applied left to right; or their text.
    states : iterable of int, optional
        States 0..n-1 in any order; by default 0, 1, ..., n-1.

    Returns
    -------
    tuple of int or None
        The image of each of `states`, in the same order; None where the word is undefined. Without
        `states` entry q is the image of state q, and a word is careful exactly if all entries are
        one state.

    Raises
    ------
    AutomatonError
        If `delta` is not an automaton, or `word` is neither letters nor text.
    ValueError
        If a letter is not in 0..k-1, or a state is not in 0..n-1.

    Examples
    --------
    >>> apply_word("1 2 0|0 1 0", "ab"), apply_word("1 2 0|0 1 0", "ab", [2, 0])
    ((1, 0, 0), (0, 1))
    >>> apply_word("1 2 -|1 1 0", "a"), apply_word("1 2 -|1 1 0", "bb")
    ((1, 2, None), (1, 1, 1))
    """
    table, letters, reached = _checked(delta, word, states)
    for letter in letters:
        reached = table[letter][reached]
    n = len(table[0]) - 1
    return tuple(None if q == n else q for q in reached.tolist())


def image(
    delta: AutomatonLike, word: Iterable[int] | str, states: Iterable[int] | None = None
) -> frozenset[int]:
    """Return the image of a set of states under a word.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Complete or partial.
    word : iterable of int, or str
        Letters 0..k-1, applied left to right; or their text.
    states : iterable of int, optional
        All states by default.

    Returns
    -------
    frozenset of int

    Raises
    ------
    AutomatonError
        Also if the word is undefined on one of the states.
    ValueError
        As `apply_word`.

    Examples
    --------
    >>> image("1 2 0|0 1 0", "baa"), image("1 2 0|0 1 0", "baab")
    (frozenset({0, 2}), frozenset({0}))
    >>> image("1 2 -|1 1 0", "ba")
    frozenset({1, 2})
    >>> image("1 2 -|1 1 0", "baa")
    Traceback (most recent call last):
    automata.errors.AutomatonError: letter 0 is undefined on state 2, after 2 letters of the word
    """
    table, letters, reached = _checked(delta, word, states)
    n = len(table[0]) - 1
    for place, letter in enumerate(letters):
        targets = table[letter][reached]
        if n in targets:
            state = reached[targets == n].min()
            raise AutomatonError(
                f"letter {letter} is undefined on state {state}, after {place} letters of the word"
            )
        reached = targets
    return frozenset(reached.tolist())


def preimage(
    delta: AutomatonLike, word: Iterable[int] | str, states: Iterable[int]
) -> frozenset[int]:
    """Return the preimage of a set of states: all states that a word leads into it.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Complete or partial.
    word : iterable of int, or str
        Letters 0..k-1, applied left to right; or their text.
    states : iterable of int

    Returns
    -------
    frozenset of int
        Without the states on which the word is undefined.

    Raises
    ------
    AutomatonError, ValueError
        As `apply_word`.

    Examples
    --------
    >>> preimage("1 2 0|0 1 0", "b", [0]), preimage("1 2 0|0 1 0", "b", [2])
    (frozenset({0, 2}), frozenset())
    >>> preimage("1 2 -|1 1 0", "aa", [0, 1, 2])
    frozenset({0})
    """
    targets = apply_word(delta, word)
    wanted = {*check_states(states, len(targets))}
    return frozenset(state for state, target in enumerate(targets) if target in wanted)


def _checked(
    delta: AutomatonLike, word: Iterable[int] | str, states: Iterable[int] | None
) -> tuple[npt.NDArray[np.intp], list[int], npt.NDArray[np.intp]]:
    """Return the table (k, n + 1), where n stands for undefined and stays; letters; states."""
    valid = validate_delta(delta, partial=True)
    k, n = valid.shape
    letters = [check_integer("letter", letter, 0, k - 1) for letter in as_letters(word)]
    table = np.full((k, n + 1), n, np.intp)
    table[:, :n] = with_n_undefined(valid)
    chosen = range(n) if states is None else check_states(states, n)
    return table, letters, np.array(chosen, np.intp)
