"""Where a search begins; forward perhaps a few letters on, among the states that are left then."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automata.deltas import Deltas

_MOST_LETTERS, _MOST_WORDS = 4, 16


class Start(NamedTuple):
    """The sets of the first level of one side of a search, and the words that lead to them."""

    sets: npt.NDArray[np.bool_]
    """(sets, n); if there are more sets than words, the others count as met"""
    words: list[tuple[int, ...]]
    """a word for each set, all of one length"""


def begin_later(delta: Deltas) -> tuple[Deltas, Start] | None:
    """Return a smaller automaton for the rest of a search, and where it begins; None for none.

    After r letters only states are left that words of r letters lead to. Letters lead them to one
    another, so the rest of a shortest reset word is searched for among them: with sets of fewer
    words of 64 bits, if r is well chosen.

    Parameters
    ----------
    delta : array of states, shape (k, n)
        Complete; no reset word is so short that it ends here.
    """
    k, n = delta.shape
    left = [np.arange(n)]  # after 0, 1, .. letters
    while len(left) <= _MOST_LETTERS and k ** len(left) <= _MOST_WORDS:
        left.append(np.unique(delta[:, left[-1]]))
    letters = int(np.argmin([-(-len(states) // 64) for states in left]))
    if letters == 0:
        return None
    sets: list[npt.NDArray[np.bool_]] = [np.ones(n, np.bool_)]
    words: list[tuple[int, ...]] = [()]
    for _ in range(letters):
        sets, words = _images(delta, sets, words)
        if min(states.sum() for states in sets) == 1:
            return None
    names = np.zeros(n, delta.dtype)
    names[left[letters]] = np.arange(len(left[letters]))
    start = Start(np.array(sets)[:, left[letters]], words)
    return names[delta[:, left[letters]]], start


def _images(
    delta: Deltas, sets: list[npt.NDArray[np.bool_]], words: list[tuple[int, ...]]
) -> tuple[list[npt.NDArray[np.bool_]], list[tuple[int, ...]]]:
    """Return the distinct images of sets under all letters, and their words."""
    images: dict[bytes, tuple[npt.NDArray[np.bool_], tuple[int, ...]]] = {}
    for states, word in zip(sets, words, strict=True):
        for letter, row in enumerate(delta):
            image = np.zeros_like(states)
            image[row[states]] = True
            images.setdefault(image.tobytes(), (image, (*word, letter)))
    return [image for image, _ in images.values()], [word for _, word in images.values()]
