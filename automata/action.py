"""The action of words on states: images and preimages."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from automata.arguments import check_integer
from automata.automaton import AutomatonLike, validate_delta
from automata.text.words import as_letters


def apply_word(
    delta: AutomatonLike, word: Iterable[int] | str, states: Iterable[int] | None = None
) -> tuple[int, ...]:
    """Return the image of each of some states under a word.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
    word : iterable of int, or str
        Letters 0..k-1, applied left to right; or their text.
    states : iterable of int, optional
        States 0..n-1 in any order; by default 0, 1, ..., n-1.

    Returns
    -------
    tuple of int
        The image of each of `states`, in the same order. Without `states` entry q is the image of
        state q.

    Raises
    ------
    AutomatonError
        If `delta` is not a complete automaton, or `word` is neither letters nor text.
    ValueError
        If a letter is not in 0..k-1, or a state is not in 0..n-1.

    Examples
    --------
    >>> apply_word("1 2 0|0 1 0", "ab"), apply_word("1 2 0|0 1 0", "ab", [2, 0])
    ((1, 0, 0), (0, 1))
    """
    valid = validate_delta(delta)
    k, n = valid.shape
    letters = [check_integer("letter", letter, 0, k - 1) for letter in as_letters(word)]
    reached = np.arange(n) if states is None else _check_states(states, n)
    for letter in letters:
        reached = valid[letter][reached]
    return tuple(reached.tolist())


def image(
    delta: AutomatonLike, word: Iterable[int] | str, states: Iterable[int] | None = None
) -> frozenset[int]:
    """Return the image of a set of states under a word.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
    word : iterable of int, or str
        Letters 0..k-1, applied left to right; or their text.
    states : iterable of int, optional
        All states by default.

    Returns
    -------
    frozenset of int

    Raises
    ------
    AutomatonError, ValueError
        As `apply_word`.

    Examples
    --------
    >>> image("1 2 0|0 1 0", "baa"), image("1 2 0|0 1 0", "baab")
    (frozenset({0, 2}), frozenset({0}))
    """
    return frozenset(apply_word(delta, word, states))


def preimage(
    delta: AutomatonLike, word: Iterable[int] | str, states: Iterable[int]
) -> frozenset[int]:
    """Return the preimage of a set of states: all states that a word leads into it.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
    word : iterable of int, or str
        Letters 0..k-1, applied left to right; or their text.
    states : iterable of int

    Returns
    -------
    frozenset of int

    Raises
    ------
    AutomatonError, ValueError
        As `apply_word`.

    Examples
    --------
    >>> preimage("1 2 0|0 1 0", "b", [0]), preimage("1 2 0|0 1 0", "b", [2])
    (frozenset({0, 2}), frozenset())
    """
    targets = apply_word(delta, word)
    wanted = set(_check_states(states, len(targets)).tolist())
    return frozenset(state for state, target in enumerate(targets) if target in wanted)


def _check_states(states: Iterable[int], n: int) -> npt.NDArray[np.intp]:
    """Return states as an array (states,); raise ValueError if one is not in 0..n-1."""
    if not isinstance(states, Iterable):
        raise ValueError(f"states are a sequence of integers, got {type(states).__name__}")
    return np.array([check_integer("state", state, 0, n - 1) for state in states], np.intp)
