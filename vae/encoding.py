"""Automata <-> tokens, the input and output of the model.

A token is the target state of a transition; a token string is state-major. Inside the model a
target has one or more *names* from a vocabulary. An *absolute* name counts from the first state. A
*relative* name counts from the source state, so that it means the same at every n. *Combined*
tokens have both, and a third name that counts from the last state.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton, AutomatonError, Deltas, integer_array, validate_deltas
from vae.config import TOKEN_KINDS as TOKEN_KINDS

Tokens = npt.NDArray[np.int64]


def encode_deltas(deltas: npt.ArrayLike | Sequence[Automaton]) -> Tokens:
    """Return the tokens of automata, in the order of their states.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)

    Returns
    -------
    int64 array, shape (batch, n, k)

    Raises
    ------
    AutomatonError
        If `deltas` are not complete automata.

    Examples
    --------
    >>> encode_deltas(np.array([[[1, 2, 0], [0, 0, 2]]], np.uint8)).tolist()
    [[[1, 0], [2, 0], [0, 2]]]
    """
    return validate_deltas(deltas).transpose(0, 2, 1).astype(np.int64)


def decode_tokens(tokens: npt.ArrayLike) -> Deltas:
    """Return the automata (batch, k, n) of tokens (batch, n, k): the inverse of `encode_deltas`.

    Raises
    ------
    AutomatonError
        If the tokens are not integers, or not target states.

    Examples
    --------
    >>> decode_tokens(np.array([[[1, 0], [2, 0], [0, 2]]])).tolist()
    [[[1, 2, 0], [0, 0, 2]]]
    """
    array = integer_array(tokens, "tokens")
    if array.ndim != 3:
        raise AutomatonError(f"tokens have shape (batch, n, k), got shape {array.shape}")
    return validate_deltas(array.transpose(0, 2, 1))


def vocabulary_size(most: int, kind: str) -> int:
    """Return the number of names that targets have at sizes up to `most`.

    Examples
    --------
    >>> [vocabulary_size(8, kind) for kind in TOKEN_KINDS]
    [8, 15, 31]
    """
    return {"absolute": most, "relative": 2 * most - 1, "combined": 4 * most - 1}[kind]


def name_targets(n: int, most: int, kind: str) -> Tokens:
    """Return the names of target t seen from state q: int64 (names, n, n), [:, q, t].

    Parameters
    ----------
    n : int
        Number of states.
    most : int
        The largest size for which the vocabulary has names.
    kind : str
        ``absolute``, ``relative`` or ``combined``.

    Examples
    --------
    >>> name_targets(2, 3, "relative").tolist()
    [[[2, 3], [1, 2]]]
    """
    source, target = np.arange(n)[:, None], np.tile(np.arange(n), (n, 1))
    absolute, relative, from_end = target, target - source + most - 1, n - 1 - target
    if kind == "absolute":
        return absolute[None]
    if kind == "relative":
        return relative[None]
    return np.stack([absolute, most + relative, 3 * most - 1 + from_end])
