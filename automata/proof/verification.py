"""Checks that share no code with the solver's search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton, AutomatonLike, validate_delta
from automata.deltas import Deltas, has_undefined, integer_array, validate_deltas
from automata.errors import SizeLimitError
from automata.kernels import backward
from automata.solver.exact import Thresholds, Words
from automata.text.words import as_letters

REPROOF_MAX_STATES = 24

_CHUNK = 1 << 12
"""Automata replayed at once: their states stay in the processor's cache."""


def verify(delta: AutomatonLike, word: Iterable[int] | str) -> bool:
    """Replay a word in plain Python and return whether it sends all states to one state.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Complete or partial. In a partial automaton the word has to be careful.
    word : iterable of int, or str
        Letters 0..k-1, applied left to right; or their text, as `automata.text.words.parse_word`
        reads it.

    Returns
    -------
    bool
        False also if the word has a letter that the automaton does not have, or one that is
        undefined on a state that it meets.

    Raises
    ------
    AutomatonError
        If `delta` is not an automaton, or `word` is neither letters nor text.

    Examples
    --------
    >>> verify([[1, 2, 0], [0, 1, 0]], (1, 0, 0, 1)), verify([[1, 2, 0], [0, 1, 0]], (1, 0, 1))
    (True, False)
    >>> verify([[1, 2, 0], [0, 1, 0]], "baab")
    True
    >>> verify("1 2 -|1 1 0", "bb"), verify("1 2 -|1 1 0", "ba")
    (True, False)
    """
    rows = validate_delta(delta, partial=True).tolist()
    n = len(rows[0])
    states = set(range(n))
    for letter in as_letters(word):
        if not 0 <= letter < len(rows):
            return False
        states = {rows[letter][q] for q in states}
        if max(states) >= n:
            return False
    return len(states) == 1


def verify_words(deltas: npt.ArrayLike | Sequence[Automaton], words: Words) -> npt.NDArray[np.bool]:
    """Replay a word for each automaton, as `verify`, in plain numpy.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Complete or partial.
    words : Words
        One word for each automaton.

    Returns
    -------
    bool array, shape (batch,)
        False also where there is no word, where it has a number that is not a letter, or where it
        is undefined on a state that it meets.

    Raises
    ------
    AutomatonError
        If `deltas` are not automata, or the words not tables of integers.
    ValueError
        If there is not one word for each automaton, or a word ends past its row.

    Examples
    --------
    >>> letters = np.array([[1, 0, 0, 1], [1, 0, 0, -1]], np.int8)
    >>> verify_words([[[1, 2, 0], [0, 1, 0]]] * 2, Words(letters, np.array([4, 3]))).tolist()
    [True, False]
    """
    valid = validate_deltas(deltas, partial=True)
    letters, lengths = (integer_array(part, "words").copy() for part in words)
    batch = len(valid)
    if letters.ndim != 2 or len(letters) != batch or lengths.shape != (batch,):
        raise ValueError(
            f"{batch} automata have as many words, got letters of shape {letters.shape} and "
            f"{lengths.size} lengths"
        )
    if lengths.max(initial=0) > letters.shape[1]:
        raise ValueError(
            f"a word of {lengths.max()} letters, over the limit of {letters.shape[1]} in a row"
        )
    lengths = lengths.astype(np.int64)
    is_partial = has_undefined(valid)
    resets = np.empty(batch, np.bool)
    order = np.argsort(-lengths, kind="stable")
    for start in range(0, batch, _CHUNK):
        rows = order[start : start + _CHUNK]
        resets[rows] = _replay(valid[rows], letters[rows], lengths[rows], is_partial)
    return resets


def _replay(
    deltas: Deltas,
    letters: npt.NDArray[np.integer],
    lengths: npt.NDArray[np.integer],
    is_partial: bool,
) -> npt.NDArray[np.bool]:
    """Return which words reset (batch,); words are sorted by falling length."""
    batch, k, n = deltas.shape
    targets = deltas.ravel()
    firsts = np.arange(batch) * (k * n)
    states = np.tile(np.arange(n), (batch, 1))  # (batch, n)
    resets = lengths >= 0
    for place in range(lengths[0]):
        left = np.count_nonzero(lengths > place)  # words with a letter at this place
        letter = letters[:left, place].astype(np.int64)
        resets[:left] &= (letter >= 0) & (letter < k)
        starts = firsts[:left] + letter.clip(0, k - 1) * n
        states[:left] = targets[starts[:, None] + states[:left]]
        if is_partial:
            resets[:left] &= (states[:left] < n).all(axis=1)
            states[:left] %= n  # of words that have failed
    return np.asarray(resets & (states == states[:, :1]).all(axis=1))


def reprove_thresholds(deltas: npt.ArrayLike | Sequence[Automaton]) -> Thresholds:
    """Compute the reset thresholds again, by breadth-first search backward from the singletons.

    A set of states can be sent to one state by a word of length d exactly when it lies within a
    preimage of a singleton under such a word; the threshold is the first level that holds the set
    of all states. Direction, tables and code differ from the solver's. A state on which a letter is
    undefined lies in no preimage, so those of partial automata are careful thresholds.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Complete or partial, n <= 24.

    Returns
    -------
    int32 array, shape (batch,)
        -1 where no reset word exists.

    Raises
    ------
    AutomatonError
        If `deltas` are not automata.
    SizeLimitError
        If n > 24.

    Examples
    --------
    >>> reprove_thresholds([[[1, 2, 0], [0, 1, 0]]]).tolist()
    [4]
    """
    valid = validate_deltas(deltas, partial=True)
    n = valid.shape[2]
    if n > REPROOF_MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {REPROOF_MAX_STATES} states")
    thresholds = np.empty(len(valid), np.int32)
    stamps = np.empty(1 << n, np.uint8)
    queue = np.empty(1 << n, np.uint32)
    backward.reset_thresholds(valid, thresholds, stamps, queue)
    return thresholds
