"""Automata <-> tokens: what the model reads and writes.

A token string is state-major, one token a transition. *Absolute* tokens name the target state;
*relative* ones the signed offset from the source state, which means the same at every n.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from automata.automaton import Deltas

TOKEN_KINDS = ("absolute", "relative")

Tokens = npt.NDArray[np.int64]


def vocabulary_size(n: int, kind: str) -> int:
    """Return the number of tokens: n absolute, 2n-1 relative ones.

    Examples
    --------
    >>> vocabulary_size(8, "absolute"), vocabulary_size(8, "relative")
    (8, 15)
    """
    return n if kind == "absolute" else 2 * n - 1


def encode_deltas(deltas: Deltas, kind: str) -> Tokens:
    """Return the tokens of automata, in the order of their states.

    Parameters
    ----------
    deltas : uint8 array, shape (batch, k, n)
    kind : str
        ``"absolute"`` or ``"relative"``.

    Returns
    -------
    int64 array, shape (batch, n, k)

    Examples
    --------
    >>> encode_deltas(np.array([[[1, 2, 0]]], np.uint8), "relative").ravel().tolist()
    [3, 3, 0]
    """
    targets = deltas.transpose(0, 2, 1).astype(np.int64)  # (batch, n, k)
    return targets + _shift(targets.shape[1], kind)


def decode_tokens(tokens: Tokens, kind: str) -> npt.NDArray[np.int64]:
    """Return the target states that tokens name, possibly outside 0..n-1: the inverse.

    Parameters
    ----------
    tokens : int array, shape (batch, n, k)
    kind : str

    Returns
    -------
    int64 array, shape (batch, k, n)

    Examples
    --------
    >>> decode_tokens(np.array([[[3], [3], [0]]]), "relative").tolist()
    [[[1, 2, 0]]]
    """
    targets = tokens - _shift(tokens.shape[1], kind)
    return targets.transpose(0, 2, 1)


def target_tokens(n: int, kind: str) -> Tokens:
    """Return the token that leads source state q to target state t: int64 (n, n), [q, t].

    Examples
    --------
    >>> target_tokens(2, "relative").tolist()
    [[1, 2], [0, 1]]
    """
    return np.arange(n)[None, :] + _shift(n, kind)


def _shift(n: int, kind: str) -> npt.NDArray[np.int64]:
    """What to add to a target to get its token, for each source state: (n, 1) or zeros."""
    if kind == "absolute":
        return np.zeros((n, 1), np.int64)
    return (n - 1 - np.arange(n))[:, None]
