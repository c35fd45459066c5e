"""Automata <-> tokens, the input and output of the model.

A token is the target state of a transition; a token string is state-major. Inside the model a
target has one or more *names* from a vocabulary. An *absolute* name counts from the first state. A
*relative* name counts from the source state, so that it means the same at every n. *Combined*
tokens have both, and a third name that counts from the last state.

Tokens of *partial* automata have one more value, n, and the vocabulary has one more name for it:
an undefined transition, the same at every n.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton
from automata.deltas import UNDEFINED, Deltas, integer_array, validate_deltas
from automata.errors import AutomatonError
from vae.config import TOKEN_KINDS as TOKEN_KINDS

Tokens = npt.NDArray[np.int64]


def encode_deltas(deltas: npt.ArrayLike | Sequence[Automaton], *, partial: bool = False) -> Tokens:
    """Return the tokens of automata, in the order of their states.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
    partial : bool
        Whether letters may be undefined on states; the token of such a transition is n.

    Returns
    -------
    int64 array, shape (batch, n, k)

    Raises
    ------
    AutomatonError
        If `deltas` are not automata, or not complete where `partial` is False.

    Examples
    --------
    >>> encode_deltas(np.array([[[1, 2, 0], [0, 0, 2]]], np.uint8)).tolist()
    [[[1, 0], [2, 0], [0, 2]]]
    >>> encode_deltas([[[1, None], [0, 1]]], partial=True).tolist()
    [[[1, 0], [2, 1]]]
    """
    valid = validate_deltas(deltas, partial=partial)
    tokens = valid.transpose(0, 2, 1).astype(np.int64)
    if partial:
        np.minimum(tokens, valid.shape[2], out=tokens)
    return tokens


def decode_tokens(tokens: npt.ArrayLike, *, partial: bool = False) -> Deltas:
    """Return the automata (batch, k, n) of tokens (batch, n, k): the inverse of `encode_deltas`.

    Raises
    ------
    AutomatonError
        If the tokens are not integers, or not target states, nor n where `partial` is True.

    Examples
    --------
    >>> decode_tokens(np.array([[[1, 0], [2, 0], [0, 2]]])).tolist()
    [[[1, 2, 0], [0, 0, 2]]]
    >>> decode_tokens(np.array([[[1, 0], [2, 1]]]), partial=True).tolist()
    [[[1, 255], [0, 1]]]
    """
    array = integer_array(tokens, "tokens")
    if array.ndim != 3:
        raise AutomatonError(f"tokens have shape (batch, n, k), got shape {array.shape}")
    deltas = array.transpose(0, 2, 1)
    if partial:
        deltas = np.where(deltas == deltas.shape[2], UNDEFINED, deltas)
    return validate_deltas(deltas, partial=partial)


def vocabulary_size(most: int, kind: str, *, partial: bool = False) -> int:
    """Return the number of names that targets have at sizes up to `most`.

    Examples
    --------
    >>> [vocabulary_size(8, kind) for kind in TOKEN_KINDS]
    [8, 15, 31]
    >>> vocabulary_size(8, "absolute", partial=True)
    9
    """
    return {"absolute": most, "relative": 2 * most - 1, "combined": 4 * most - 1}[kind] + partial


def name_targets(n: int, most: int, kind: str, *, partial: bool = False) -> Tokens:
    """Return the names of target t seen from state q: int64 (names, n, n), [:, q, t].

    For partial automata they have shape (names, n, n + 1): the last name of the vocabulary is that
    of an undefined transition, the "target" n; combined tokens have it three times.

    Parameters
    ----------
    n : int
        Number of states.
    most : int
        The largest size for which the vocabulary has names.
    kind : str
        ``absolute``, ``relative`` or ``combined``.
    partial : bool
        Whether letters may be undefined on states.

    Examples
    --------
    >>> name_targets(2, 3, "relative").tolist()
    [[[2, 3], [1, 2]]]
    >>> name_targets(2, 3, "relative", partial=True).tolist()
    [[[2, 3, 5], [1, 2, 5]]]
    """
    source, target = np.arange(n)[:, None], np.tile(np.arange(n), (n, 1))
    absolute, relative, from_end = target, target - source + most - 1, n - 1 - target
    if kind == "absolute":
        names = absolute[None]
    elif kind == "relative":
        names = relative[None]
    else:
        names = np.stack([absolute, most + relative, 3 * most - 1 + from_end])
    if not partial:
        return names
    undefined = vocabulary_size(most, kind)
    return np.pad(names, ((0, 0), (0, 0), (0, 1)), constant_values=undefined)
