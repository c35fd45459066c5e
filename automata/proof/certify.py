"""Makes the certificates that `automata.proof.checker` checks."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from automata.automaton import AutomatonLike, validate_delta
from automata.deltas import Deltas, has_undefined
from automata.errors import SizeLimitError
from automata.proof.checker import CERTIFICATE_MAX_STATES, Certificate, Sets, check_certificate
from automata.solver.careful import shortest_careful_word
from automata.solver.exact import shortest_reset_word
from automata.solver.limits import (
    Budget,
    LimitReached,
    ResetBounds,
    WordBounds,
    WordLimitReached,
)

_BYTES_PER_SET = 128
_CHUNK = np.uint64(255)


def certificate(
    delta: AutomatonLike,
    *,
    memory_limit: int | None = None,
    time_limit: float | None = None,
) -> Certificate:
    """Return the reset threshold of an automaton with a proof, the careful one of a partial one.

    The threshold and the word are the solver's. The proof consists of breadth-first levels forward,
    from the set of all states, and backward, from the singletons. The smaller side grows first,
    until the two are one step apart. An error of the solver cannot make a wrong certificate pass
    the check. That there is no careful word is proved by pairs of states that no word merges if
    there are such pairs, else by all sets that words lead Q to.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        n <= 64. Time and memory grow with the number of sets met: at most 2^n a side, and about n a
        level for slowly synchronizing automata.
    memory_limit : int, optional
        Bytes for the sets.
    time_limit : float, optional
        Seconds for the word and the levels.

    Returns
    -------
    Certificate
        Unchecked: see `automata.proof.checker.check_certificate`.

    Raises
    ------
    AutomatonError
        If `delta` is not an automaton.
    SizeLimitError
        If n > 64.
    LimitReached, WordLimitReached
        If the search for the word or the levels exceed a limit; the latter for partial automata.

    Examples
    --------
    >>> found = certificate([[1, 2, 0], [0, 1, 0]])
    >>> found.threshold, found.word
    (4, (1, 0, 0, 1))
    >>> [level.tolist() for level in found.forward], [level.tolist() for level in found.backward]
    ([[7], [3], [6], [5]], [[1, 2, 4]])
    """
    valid = validate_delta(delta, partial=True)
    n = valid.shape[1]
    is_partial = has_undefined(valid)
    if n > CERTIFICATE_MAX_STATES:
        raise SizeLimitError(
            f"n={n} is over the limit of {CERTIFICATE_MAX_STATES} states for certificates"
        )
    budget = Budget(memory_limit, time_limit)
    find = shortest_careful_word if is_partial else shortest_reset_word
    word = find(valid, memory_limit=memory_limit, time_limit=time_limit)
    if word is None:
        pairs = _unmergeable_pairs(valid)
        if len(pairs) or not is_partial:
            return Certificate(valid, None, None, (pairs,), ())
    elif not word:
        return Certificate(valid, 0, (), (), ())
    ahead = _Side([(1 << n) - 1], _image_tables(valid))
    back = _Side([1 << q for q in range(n)], _preimage_tables(valid))
    while ahead.growth if word is None else len(ahead.levels) + len(back.levels) <= len(word):
        size = len(ahead.met) + len(back.met) + min(ahead.growth, back.growth)
        if budget.expired or not budget.fits(_BYTES_PER_SET * size):
            raise _limit_reached("time" if budget.expired else "memory", word, is_partial)
        (ahead if word is None or ahead.growth <= back.growth else back).expand()
    if word is None:
        return Certificate(valid, None, None, (np.concatenate(ahead.levels),), ())
    return Certificate(valid, len(word), word, tuple(ahead.levels), tuple(back.levels))


def _limit_reached(
    limit: str, word: tuple[int, ...] | None, is_partial: bool
) -> LimitReached | WordLimitReached:
    """Return the error for a certificate that a limit has ended; the word is known by then."""
    if word is None:
        return WordLimitReached(limit, WordBounds(1, None, None))
    if is_partial:
        return WordLimitReached(limit, WordBounds(len(word), len(word), word))
    bounds = ResetBounds(len(word), len(word), word)
    return LimitReached(f"no certificate within the {limit} limit", bounds)


def proved_threshold(delta: AutomatonLike, *, time_limit: float | None = None) -> int | None:
    """Return the reset threshold that a certificate proves, after the checker has accepted it.

    The careful one of a partial automaton. None is proved as well: no word resets the automaton.
    The parameters are those of `certificate`; the check takes no account of the limit.

    Raises
    ------
    AutomatonError, SizeLimitError, LimitReached, WordLimitReached
        As `certificate`.
    CertificateError
        If the certificate is refused: a bug of the solver.

    Examples
    --------
    >>> proved_threshold([[1, 2, 0], [0, 1, 0]])
    4
    """
    proof = certificate(delta, time_limit=time_limit)
    check_certificate(proof)
    return proof.threshold


class _Side:
    """One direction of the search, in levels: each has the sets not met in an earlier one.

    ``tables[chunk, s, a]`` (uint64) is the (pre)image under letter a of a subset s of eight states.
    """

    def __init__(self, start: list[int], tables: npt.NDArray[np.uint64]) -> None:
        self.tables = tables
        self.levels = [np.array(start, np.uint64)]
        self.met = {0, *start}  # with the empty set: an empty preimage proves nothing
        self.growth: int = tables.shape[2] * len(start)  # most sets of the next level

    def expand(self) -> None:
        """Add a level."""
        level = self.levels[-1]
        moved = self.tables[0, (level & _CHUNK).astype(np.intp)]  # (sets, k)
        for chunk in range(1, len(self.tables)):
            moved |= self.tables[chunk, (level >> 8 * chunk & _CHUNK).astype(np.intp)]
        fresh = set(moved.ravel().tolist()) - self.met
        self.met |= fresh
        self.levels.append(np.array(sorted(fresh), np.uint64))
        self.growth = self.tables.shape[2] * len(fresh)


def _image_tables(delta: Deltas) -> npt.NDArray[np.uint64]:
    """Return the images of single states under each letter, united as in `_Side`.

    It is Q, which the search has met, where the letter is undefined.
    """
    n = delta.shape[1]
    full = np.uint64((1 << n) - 1)
    shifts = np.minimum(delta, n - 1).astype(np.uint64)
    return _union_tables(np.where(delta < n, np.uint64(1) << shifts, full))


def _preimage_tables(delta: Deltas) -> npt.NDArray[np.uint64]:
    """Return the preimages of single states under each letter, united as in `_Side`."""
    k, n = delta.shape
    preimages = np.zeros((k, n), np.uint64)
    for q in range(n):
        (defined,) = np.nonzero(delta[:, q] < n)
        preimages[defined, delta[defined, q]] |= np.uint64(1 << q)
    return _union_tables(preimages)


def _union_tables(parts: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return the unions of parts (k, n) over all subsets of each chunk of eight states."""
    k, n = parts.shape
    tables = np.zeros((-(-n // 8), 256, k), np.uint64)
    for q in range(n):
        chunk, half = q // 8, 1 << q % 8
        tables[chunk, half : 2 * half] = tables[chunk, :half] | parts[:, q]
    return tables


def _unmergeable_pairs(delta: Deltas) -> Sets:
    """Return the pairs of states that no word sends to one state."""
    n = delta.shape[1]
    mergeable, before = np.eye(n, dtype=np.bool_), 0
    while (count := int(mergeable.sum())) > before:
        before = count
        for letter in delta:
            (states,) = np.nonzero(letter < n)
            merged = mergeable[np.ix_(letter[states], letter[states])]
            mergeable[np.ix_(states, states)] |= merged
    pairs = [1 << p | 1 << q for p, q in combinations(range(n), 2) if not mergeable[p, q]]
    return np.array(pairs, np.uint64)
