"""What a person gives to the lecture: two automata, a model of automata."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np

from automata.canonical import canonical_forms
from automata.deltas import Deltas
from automata.drawing.geometry import DRAWN_MAX_STATES
from automata.errors import AutomatonError
from automata.text.entries import Automata
from automata.text.reading import read_automata
from data.damage import DataError, open_file
from data.solving import is_text
from vae.checkpoint import load_model


def read_automaton(argument: str) -> Deltas:
    """Return the first automaton of a text, or of a file: array of states, shape (k, n).

    Raises
    ------
    DataError
        If there is none, or it is malformed.

    Examples
    --------
    >>> read_automaton("1 2 0|0 1 0").tolist()
    [[1, 2, 0], [0, 1, 0]]
    """
    if not argument.strip():
        raise DataError(f"{argument!r}: an empty text, not an automaton or a file")
    name = f"{argument[:60]!r}" if is_text(argument) else argument
    stream = BytesIO(os.fsencode(argument)) if is_text(argument) else open_file(Path(argument))
    try:
        with stream:
            first = next(read_automata(stream))[0]
    except AutomatonError as error:
        raise DataError(f"{name}: {error}") from error
    if isinstance(first, Automata):
        delta: Deltas = first.deltas[0]
        return delta
    raise DataError(f"{name}: line {first.line}: {first.reason}")


def check_parents(between: tuple[str, str] | None, n: int, k: int) -> None:
    """Raise `DataError` if two given automata cannot be read, or have not n states and k letters.

    Examples
    --------
    >>> check_parents(("1 2 0|0 1 0", "1 0|0 0"), 3, 2)
    Traceback (most recent call last):
    data.damage.DataError: '1 0|0 0': n=2, k=2, but the model has n=3, k=2
    """
    for argument in between or ():
        delta = read_automaton(argument)
        if delta.shape != (k, n):
            name = f"{argument[:60]!r}" if is_text(argument) else argument
            has = f"n={delta.shape[1]}, k={len(delta)}"
            raise DataError(f"{name}: {has}, but the model has n={n}, k={k}")


def are_isomorphic(between: tuple[str, str]) -> bool:
    """Return whether two given automata, of one size, are isomorphic.

    Examples
    --------
    >>> are_isomorphic(("1 2 0|0 1 0", "2 0 1|0 0 2"))
    True
    """
    first, second = canonical_forms(np.stack([read_automaton(argument) for argument in between]))
    return bool((first == second).all())


def check_model(folder: Path) -> tuple[int, int]:
    """Return n and k of a model folder, or raise `DataError` if the lecture cannot show it."""
    config = load_model(folder).config
    if config.partial or config.any_size or config.latent == 0 or config.n > DRAWN_MAX_STATES:
        raise DataError(
            f"{folder}: not a model of complete automata of one size with a latent space, up to "
            f"n={DRAWN_MAX_STATES}"
        )
    return config.n, config.k
