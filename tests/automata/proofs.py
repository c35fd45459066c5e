"""Certificates for tests: the checker again on plain integers, and changed certificates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from automata.deltas import UNDEFINED, Deltas
from automata.proof.certify import certificate
from automata.proof.checker import Certificate, CertificateError, Sets, check_certificate

Levels = Sequence[Sequence[int]]


def sets(*masks: int) -> Sets:
    """A level of a certificate."""
    return np.array(masks, np.uint64)


def passes(proof: Certificate) -> bool:
    """Whether the checker accepts a certificate; if not, it says why in one line."""
    try:
        check_certificate(proof)
    except CertificateError as error:
        assert "\n" not in str(error)
        return False
    return True


def proves(proof: Certificate) -> bool:
    """The checker again, step by step as its module describes it, on Python's integers."""
    delta = proof.delta.tolist()
    k, n = len(delta), len(delta[0])
    forward, backward = ([lv.tolist() for lv in side] for side in (proof.forward, proof.backward))
    if any(mask >> n for level in forward + backward for mask in level):
        return False

    def image(mask: int, a: int) -> int:
        """The image, which Q contains anyway where the letter is undefined."""
        targets = {delta[a][q] for q in range(n) if mask >> q & 1}
        return (1 << n) - 1 if UNDEFINED in targets else sum(1 << q for q in targets)

    def preimage(mask: int, a: int) -> int:
        return sum(1 << q for q in range(n) if mask >> delta[a][q] & 1)

    def above(mask: int, levels: Levels) -> bool:
        return any(x & mask == x for level in levels for x in level)

    def below(mask: int, levels: Levels) -> bool:
        return any(y & mask == mask for level in levels for y in level)

    if proof.threshold is None:
        return (
            proof.word is None
            and len(forward) == 1
            and not backward
            and bool(forward[0])
            and all(x.bit_count() > 1 for x in forward[0])
            and all(above(image(x, a), forward) for x in forward[0] for a in range(k))
        )
    if proof.word is None or len(proof.word) != proof.threshold:
        return False
    if not all(0 <= a < k for a in proof.word):
        return False
    states = set(range(n))
    for a in proof.word:
        states = {delta[a][q] for q in states}
        if UNDEFINED in states:
            return False
    if len(states) > 1:
        return False
    if proof.threshold == 0:
        return not forward and not backward
    return (
        len(forward) + len(backward) == proof.threshold + 1
        and bool(forward and backward)
        and above((1 << n) - 1, forward[:1])
        and all(below(1 << q, backward[:1]) for q in range(n))
        and all(
            above(image(x, a), forward[: i + 2])
            for i, level in enumerate(forward[:-1])
            for x in level
            for a in range(k)
        )
        and all(
            below(preimage(y, a), backward[: j + 2])
            for j, level in enumerate(backward[:-1])
            for y in level
            for a in range(k)
        )
        and not any(below(x, backward) for level in forward for x in level)
    )


def changed_level(draw: Callable[..., Any], level: Sets, n: int) -> list[Sets]:
    """A level, changed in one of several ways, as the list of levels that replaces it."""
    masks = level.tolist()
    at = draw(st.integers(0, len(masks) - 1)) if masks else 0
    bit = 1 << draw(st.integers(0, n))  # n is no state
    changes = {
        "removed": [masks[:at] + masks[at + 1 :]],
        "altered": [[*masks[:at], masks[at] ^ bit, *masks[at + 1 :]]] if masks else [masks],
        "added": [[*masks, draw(st.integers(0, 2**n - 1))]],
        "repeated": [masks + masks],
        "dropped": [],
        "doubled": [masks, masks],
    }
    return [sets(*masks) for masks in changes[draw(st.sampled_from(sorted(changes)))]]


@st.composite
def forgeries(draw: st.DrawFn, deltas: st.SearchStrategy[Deltas]) -> Certificate:
    """A certificate with something changed: mostly wrong, seldom still right."""
    proof = certificate(draw(deltas))
    k, n = proof.delta.shape
    kind = draw(st.sampled_from(["threshold", "word", "delta", "forward", "backward", "swapped"]))
    if kind == "delta":
        delta = proof.delta.copy()
        a, q = draw(st.integers(0, k - 1)), draw(st.integers(0, n - 1))
        delta[a, q] = draw(st.sampled_from([*range(n), UNDEFINED]))
        return replace(proof, delta=delta)
    if kind == "swapped":
        return replace(proof, forward=proof.backward, backward=proof.forward)
    if kind in ("forward", "backward"):
        levels = getattr(proof, kind)
        if not levels:
            return replace(proof, **{kind: (sets(draw(st.integers(0, 2**n - 1))),)})
        i = draw(st.integers(0, len(levels) - 1))
        return replace(
            proof, **{kind: (*levels[:i], *changed_level(draw, levels[i], n), *levels[i + 1 :])}
        )
    if proof.threshold is None or proof.word is None:
        return replace(proof, threshold=draw(st.integers(0, 3)))
    if kind == "threshold":
        return replace(proof, threshold=draw(st.integers(0, proof.threshold + 2)) or None)
    return replace(proof, word=tuple(draw(st.lists(st.integers(0, k), max_size=len(proof.word)))))
