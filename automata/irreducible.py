"""Random irreducible automata: drawn letter by letter, then by a walk within the class.

Of three letters one random automaton in a few hundred is irreducible, of four one in a million:
there rejection is hopeless.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from automata.arguments import check_integer
from automata.classes import Predicate
from automata.deltas import MAX_LETTERS, Deltas, state_dtype
from automata.mutation import mutate
from automata.properties import in_classes
from automata.sampling import sample_uniform

NAME = "irreducible"
_REJECTED = 2
"""Up to this many letters rejection is quick: half of the binary automata are irreducible."""


def is_rare(classes: Sequence[str | Predicate], k: int, *, partial: bool) -> bool:
    """Return whether to draw complete automata of these classes as this module does.

    Examples
    --------
    >>> is_rare(["sink", "irreducible"], 3, partial=False)
    True
    >>> is_rare(["irreducible"], 2, partial=False), is_rare(["sink"], 3, partial=False)
    (False, False)
    """
    return NAME in classes and k > _REJECTED and not partial


def draw_irreducible(
    rng: np.random.Generator, count: int, n: int, k: int, *, workers: int = 1
) -> Deltas:
    """Draw irreducible automata letter by letter.

    No proper subset of their letters synchronizes. So the first m letters are drawn `count` times:
    a survivor with m-1 letters, each as likely, and a uniform random letter. They survive if no
    proper subset of them synchronizes, nor all of them for m < k. This is multilevel splitting
    (Kahn and Harris 1951): as `count` grows, all irreducible tables become equally likely. The
    automata are not independent: many of them share letters, and few of `count` survive.

    Parameters
    ----------
    rng : Generator
    count : int
        Number of draws of each letter, at least 0.
    n, k : int
        States, 1..64, and letters, 1..64.
    workers : int
        Threads.

    Returns
    -------
    array of states, shape (survivors, k, n)
        Possibly none.

    Raises
    ------
    ValueError
        If a number is out of range, or not an integer.
    SizeLimitError
        If n > 64.

    Examples
    --------
    >>> drawn = draw_irreducible(np.random.default_rng(0), 5000, n=4, k=3)
    >>> len(drawn) > 50, bool(in_classes(drawn, ["irreducible"]).all())
    (True, True)
    """
    k = check_integer("k", k, 1, MAX_LETTERS)
    drawn: Deltas = np.empty((1, 0, n), state_dtype(n))
    for letters in range(1, k + 1):
        kept = rng.integers(len(drawn), size=count) if len(drawn) else np.empty(0, np.int64)
        drawn = np.concatenate([drawn[kept], sample_uniform(rng, len(kept), n, 1)], axis=1)
        for letter in range(letters - 1):  # the letters before the new one do not synchronize
            fewer = np.delete(drawn, letter, axis=1)
            drawn = drawn[in_classes(fewer, ["not-synchronizing"], workers=workers)]
        ends = NAME if letters == k else "not-synchronizing"
        drawn = drawn[in_classes(drawn, [ends], workers=workers)]
    return drawn


def walk(
    rng: np.random.Generator,
    starts: Deltas,
    count: int,
    classes: Sequence[str | Predicate],
    *,
    workers: int = 1,
) -> Iterator[Deltas]:
    """Yield automata of some classes without end, by random walks from given ones.

    A step redraws one transition, or two in every second step, and is taken back if it leaves the
    classes. It is as likely as its reverse, so that walks from uniform random automata of the
    classes stay uniformly distributed, even if no path leads to some of them. Neither the walks nor
    their steps are independent.

    Parameters
    ----------
    rng : Generator
    starts : array of states, shape (starts, k, n)
        At least one; all of the classes.
    count : int
        Number of walks, each from a random one of `starts`.
    classes : sequence of str or callable
        As in `automata.properties.in_classes`.
    workers : int
        Threads.

    Yields
    ------
    array of states, shape (count, k, n)
        Where all walks are after another step.

    Examples
    --------
    >>> walks = walk(np.random.default_rng(0), np.array([[[1, 2, 0], [0, 1, 0]]]), 2, ["eulerian"])
    >>> next(walks).tolist()
    [[[1, 2, 0], [0, 1, 0]], [[1, 2, 0], [0, 1, 2]]]
    """
    _, k, n = starts.shape
    places = starts[rng.integers(len(starts), size=count)]
    while True:
        for transitions in (1, min(2, n * k)):
            moved = mutate(rng, places, transitions)
            stays = in_classes(moved, classes, workers=workers)
            places = np.where(stays[:, None, None], moved, places)
            yield places
