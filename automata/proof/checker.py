"""Certificates of reset thresholds, and a checker that shares no code with any solver.

A set of states is a bit mask, bit q for state q, so n <= 64. A `Certificate` claims that the
shortest reset words of an automaton have a certain length, or that it has no reset word. Of a
partial automaton it claims the same of careful words; those of a complete one are its reset words.

*Upper bound.* The claimed word is replayed: each letter has to be defined on every state met.

*Lower bound.* The certificate holds families of sets: levels F_0..F_f and B_0..B_b with
f + b = threshold - 1. The checker verifies, for the set Q of all states, that

1. some set of F_0 lies within Q; for every X in F_i, i < f, and every letter a that is defined on
   all of X, some set of F_0..F_{i+1} lies within the image X.a;
2. every single state lies within some set of B_0; for every Y in B_j, j < b, and every letter a,
   the preimage a^-1 Y, the states on which a is defined and leads into Y, lies within some set of
   B_0..B_{j+1};
3. no set of F_0..F_f lies within a set of B_0..B_b.

By (1) and induction on the length, for every word u of at most f letters that is defined on all of
Q some X of the F lies within Q.u: if it holds for u with an X in F_i, i <= |u|, and ua is defined
on Q, then a is defined on all of Q.u, so on all of X, and Q.ua contains X.a. In the same way, by
(2), every preimage v^-1 q with |v| <= b lies within some Y of the B. Suppose a careful word of
length f + b or less; cut it as u v with |u| <= f and |v| <= b. It sends Q to some state q, so that
X lies within Q.u, which lies within v^-1 q, which lies within Y, against (3). Hence no careful word
has fewer than f + b + 1 = threshold letters.

*No reset word.* The certificate holds one family, F_0, not empty, of sets of two states or more,
and every image of one of them under a letter that is defined on it contains one of them. So Q.w
contains two states for every word w that is defined on Q.

How the families were found does not matter: any that pass prove the claim, sets that no word
reaches included. The checker trusts Python, numpy and the code of this module and of
`automata.deltas`. It cannot know that a stored certificate is about the automaton that the
reader has in mind: compare `Certificate.delta`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from automata.deltas import UNDEFINED, Deltas, undefined_entries, validate_table
from automata.errors import AutomatonError

CERTIFICATE_MAX_STATES = 64

Sets = npt.NDArray[np.uint64]

_TABLE_MAX_STATES = 24
_PAIRS_AT_ONCE = 1 << 18
_NEVER = np.iinfo(np.int32).max  # in place of a level: no set lies within


class CertificateError(ValueError):
    """A certificate that proves nothing; the message names its first fault."""


@dataclass(frozen=True, eq=False)
class Certificate:
    """A reset threshold with its proof, or the proof that there is none.

    Nothing is checked here: see `check_certificate`.

    Examples
    --------
    >>> pair = np.array([0b11], np.uint64)
    >>> proof = Certificate(np.array([[1, 0]]), None, None, forward=(pair,), backward=())
    >>> proof.to_json()
    '{"delta":[[1,0]],"threshold":null,"word":null,"forward":["3"],"backward":[]}'
    """

    delta: Deltas
    """The automaton, shape (k, n), perhaps partial."""
    threshold: int | None
    """The claimed reset threshold, None for none."""
    word: tuple[int, ...] | None
    """A reset word of that length, None for none."""
    forward: tuple[Sets, ...]
    """F_0..F_f; of length 1 where there is no reset word, empty for the threshold 0."""
    backward: tuple[Sets, ...]
    """B_0..B_b; empty where there is no reset word and for the threshold 0."""

    def to_json(self) -> str:
        """Write one line of JSON; a level is a text of hexadecimal masks separated by blanks.

        ``null`` stands in the automaton where a letter is undefined.
        """
        table: Any = np.asarray(self.delta)
        content = {
            "delta": np.where(table == UNDEFINED, cast(Any, None), table).tolist(),
            "threshold": self.threshold,
            "word": None if self.word is None else list(self.word),
            "forward": [_format_level(level) for level in self.forward],
            "backward": [_format_level(level) for level in self.backward],
        }
        return json.dumps(content, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """Read a certificate that `to_json` has written; nothing is checked yet.

        Raises
        ------
        CertificateError
            If the text is not a certificate.

        Examples
        --------
        >>> text = '{"delta":[[0]],"threshold":0,"word":[],"forward":[],"backward":[]}'
        >>> check_certificate(Certificate.from_json(text))
        """
        try:
            content = json.loads(text)
            word = content["word"]
            delta = validate_table(content["delta"], partial=True)
            if len(undefined_entries(delta)) > sum(row.count(None) for row in content["delta"]):
                raise ValueError(f"{UNDEFINED} is no state: null is undefined")
            return cls(
                delta=delta,
                threshold=content["threshold"],
                word=None if word is None else tuple(word),
                forward=tuple(map(_parse_level, content["forward"])),
                backward=tuple(map(_parse_level, content["backward"])),
            )
        except KeyError as error:
            raise CertificateError(f"not a certificate: no {error}") from None
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise CertificateError(f"not a certificate: {error}") from None


def check_certificate(certificate: Certificate) -> None:
    """Verify a certificate: return if its claim is proved, raise otherwise.

    Time: O(k n) numpy operations on all sets at once, and the search for contained sets. That takes
    at most O(n 2^n) for n <= 24, otherwise the product of the numbers of sets, pruned by
    cardinality. Memory: a few times the certificate's, and at most 4 * 2^n bytes for n <= 24.

    Parameters
    ----------
    certificate : Certificate
        Of any origin.

    Raises
    ------
    CertificateError
        At the first check that fails, which the message names in one line.

    Examples
    --------
    >>> Q, singletons = np.array([0b11], np.uint64), np.array([0b01, 0b10], np.uint64)
    >>> check_certificate(Certificate(np.array([[0, 0]]), 1, (0,), (Q,), (singletons,)))
    >>> check_certificate(Certificate(np.array([[1, 0]]), 1, (0,), (Q,), (singletons,)))
    Traceback (most recent call last):
    automata.proof.checker.CertificateError: the word does not send all states to one state
    """
    if not isinstance(certificate, Certificate):
        raise CertificateError(f"no certificate, but a {type(certificate).__name__}")
    try:
        delta = validate_table(certificate.delta, partial=True)
    except AutomatonError as error:
        raise CertificateError(f"no automaton: {error}") from None
    n = delta.shape[1]
    if n > CERTIFICATE_MAX_STATES:
        raise CertificateError(f"n={n} is over the limit of {CERTIFICATE_MAX_STATES} states")
    certificate = Certificate(  # a copy, which the caller cannot change during the check
        delta,
        certificate.threshold,
        certificate.word,
        _checked_masks("forward", certificate.forward, n),
        _checked_masks("backward", certificate.backward, n),
    )
    if certificate.threshold is None:
        _check_no_reset_word(certificate, delta)
        return
    _check_word(certificate, delta)
    levels = len(certificate.forward), len(certificate.backward)
    if certificate.threshold == 0:
        if any(levels):
            raise CertificateError(f"the threshold 0 needs no levels, got {levels}")
        return
    if min(levels) == 0 or sum(levels) != certificate.threshold + 1:
        raise CertificateError(
            f"{levels[0]} forward and {levels[1]} backward levels: the threshold "
            f"{certificate.threshold} needs {certificate.threshold + 1}, some of both kinds"
        )
    # X lies within Y exactly when Q - Y lies within Q - X, and the preimage of Q - Y is the rest of
    # the preimage of Y: the complements of the backward sets obey the rules of the forward ones.
    full = np.uint64((1 << n) - 1)
    family = _check_levels("forward", certificate.forward, delta, np.uint64(0))
    _check_levels("backward", certificate.backward, delta, full)
    backward = np.concatenate(certificate.backward)
    around = family.holds(backward, np.full(len(backward), levels[0], np.int32))
    if around.any():
        states = _states(backward[around][0])
        raise CertificateError(f"a forward set lies within the backward set {states}")


class _Family:
    """Sets with their levels, indexed to find those within other sets.

    ``table[S]`` is the least level of a set within S, for all 2^n sets S. There is no table if it
    would be more work than comparing all pairs, or take too much memory.
    """

    def __init__(self, sets: Sets, levels: npt.NDArray[np.int32], n: int) -> None:
        self.table = None
        if n <= _TABLE_MAX_STATES and len(sets) ** 2 > 1 << n:
            self.table = np.full(1 << n, _NEVER, np.int32)
            np.minimum.at(self.table, sets.astype(np.intp), levels)
            for q in range(n):
                halves = self.table.reshape(-1, 2, 1 << q)  # without state q, with it
                np.minimum(halves[:, 0], halves[:, 1], out=halves[:, 1])
            return
        # each set once, at its least level: levels are in order
        self.sets, first = np.unique(sets, return_index=True)
        self.levels = levels[first]
        sizes = np.bitwise_count(self.sets)
        self.by_size = np.argsort(sizes, kind="stable")
        self.sizes = sizes[self.by_size]

    def holds(self, queries: Sets, bounds: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Return for each query whether some set of a level up to its bound lies within it."""
        if self.table is not None:
            return self.table[queries.astype(np.intp)] <= bounds
        found = np.zeros(len(queries), np.bool_)
        if not len(self.sets):
            return found
        places = np.minimum(np.searchsorted(self.sets, queries), len(self.sets) - 1)
        found[:] = (self.sets[places] == queries) & (self.levels[places] <= bounds)
        rest = np.flatnonzero(~found)
        rest = rest[np.argsort(np.bitwise_count(queries[rest]), kind="stable")]
        sets, levels = self.sets[self.by_size], self.levels[self.by_size]
        step = max(1, _PAIRS_AT_ONCE // len(sets))
        for start in range(0, len(rest), step):
            part = rest[start : start + step]
            largest = np.bitwise_count(queries[part[-1]])
            end = int(np.searchsorted(self.sizes, largest, side="right"))
            within = (sets[:end] & ~queries[part, None]) == 0  # (queries, sets)
            within &= levels[:end] <= bounds[part, None]
            found[part] = within.any(axis=1)
        return found


def _check_levels(
    name: str, given: tuple[Sets, ...], delta: Deltas, flip: np.uint64, closed: bool = False
) -> _Family:
    """Check (1), or (2) by complements where `flip` is Q; a closed family has no last level."""
    k, n = delta.shape
    sets = np.concatenate(given) ^ flip
    levels = np.repeat(np.arange(len(given), dtype=np.int32), [len(level) for level in given])
    family = _Family(sets, levels, n)
    starts = np.array([1 << q for q in range(n)] if flip else [(1 << n) - 1], np.uint64) ^ flip
    if not family.holds(starts, np.zeros(len(starts), np.int32)).all():
        raise CertificateError(f"{name} level 0 does not cover {'a state' if flip else 'Q'}")
    moving = len(sets) if closed else len(sets) - len(given[-1])
    sets, levels = sets[:moving], levels[:moving]
    for a in range(k):
        edges = [(q, target) for q, target in enumerate(delta[a].tolist()) if target < n]
        moved = _move(sets, [(p, q) for q, p in edges] if flip else edges)
        undefined = np.uint64(sum(1 << q for q in np.flatnonzero(delta[a] >= n).tolist()))
        if flip:
            moved |= undefined  # in no preimage
        failed = ~family.holds(moved, levels + 1)
        if not flip:
            failed &= sets & undefined == 0  # others have no image
        if failed.any():
            i, states = levels[failed][0], _states(sets[failed][0] ^ flip)
            moved_name = "preimage" if flip else "image"
            raise CertificateError(
                f"{name} level {i}: nothing covers the {moved_name} of {states} under letter {a}"
            )
    return family


def _check_no_reset_word(certificate: Certificate, delta: Deltas) -> None:
    if certificate.word is not None:
        raise CertificateError("a word, but no threshold")
    if len(certificate.forward) != 1 or certificate.backward:
        raise CertificateError("one forward level, no other, proves that there is no reset word")
    family = certificate.forward[0]
    small = np.bitwise_count(family) < 2
    if small.any():
        raise CertificateError(f"{_states(family[small][0])} has fewer than two states")
    _check_levels("forward", certificate.forward, delta, np.uint64(0), closed=True)


def _check_word(certificate: Certificate, delta: Deltas) -> None:
    """Replay the word in plain Python."""
    word, threshold = certificate.word, certificate.threshold
    if type(threshold) is not int or threshold < 0:
        raise CertificateError(f"a threshold is a number from 0 on, got {threshold!r}")
    if type(word) is not tuple or len(word) != threshold:
        raise CertificateError(f"no word of {threshold} letters")
    rows = delta.tolist()
    n = len(rows[0])
    states = set(range(n))
    for place, letter in enumerate(word):
        if type(letter) is not int or not 0 <= letter < len(rows):
            raise CertificateError(f"{letter!r} is not a letter: they are 0..{len(rows) - 1}")
        images = {rows[letter][q] for q in states}
        if max(images) >= n:
            raise CertificateError(f"letter {place} of the word is undefined on a state it meets")
        states = images
    if len(states) != 1:
        raise CertificateError("the word does not send all states to one state")


def _checked_masks(name: str, levels: Any, n: int) -> tuple[Sets, ...]:
    """Return copies of levels, if these are masks of sets of n states."""
    if type(levels) is not tuple:
        raise CertificateError(f"the {name} levels are a tuple, got {type(levels).__name__}")
    copies = []
    for i, level in enumerate(levels):
        if type(level) is not np.ndarray or level.dtype != np.uint64 or level.ndim != 1:
            raise CertificateError(f"{name} level {i} is not a one-dimensional uint64 array")
        copied = level.copy()
        if len(copied) and int(copied.max()) >> n:
            raise CertificateError(f"{name} level {i} holds a state outside 0..{n - 1}")
        copies.append(copied)
    return tuple(copies)


def _move(sets: Sets, edges: list[tuple[int, int]]) -> Sets:
    """Return the sets with their states sent along the edges."""
    moved = np.zeros_like(sets)
    for source, target in edges:
        moved |= (sets >> source & 1) << target
    return moved


def _states(mask: np.uint64) -> str:
    return f"{{{', '.join(str(q) for q in range(64) if int(mask) >> q & 1)}}}"


def _format_level(level: Sets) -> str:
    return " ".join(f"{mask:x}" for mask in level.tolist())


def _parse_level(text: str) -> Sets:
    return np.array([int(mask, 16) for mask in text.split()], np.uint64)
