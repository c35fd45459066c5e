"""Random partial automata, their careful words found in every way, and by plain Python."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest import mock

import numpy as np

from automata.deltas import UNDEFINED
from tests import naive
from tests.faults.comparison import ALWAYS, Comparison
from tests.faults.random_automata import random_batch, renamed


def compare_partial(seed: list[int], most: int, count: int) -> tuple[int, int, list[str]]:
    """Return the automata, the comparisons, and what differed; plain Python takes n <= 7."""
    from automata import (
        canonical_forms,
        careful_thresholds,
        certificate,
        check_certificate,
        from_canonical,
        reprove_thresholds,
        shortest_careful_words,
        shortest_word_lengths,
        verify_words,
    )
    from automata.partial import with_trap

    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(1, most + 1)), int(rng.integers(1, 5))
    deltas = _undefine(rng, random_batch(rng, count, n, k))
    check = Comparison(deltas)
    thresholds = careful_thresholds(deltas)
    if n <= 7:
        tables = [[[None if q == UNDEFINED else q for q in row] for row in d] for d in deltas]
        words = [naive.shortest_careful_word(table) for table in tables]
        check.all("length", thresholds, [-1 if word is None else len(word) for word in words])
    check.all("length, backward", reprove_thresholds(deltas), thresholds)
    found = shortest_careful_words(deltas)
    check.all("length of the word", found.lengths, thresholds)
    check.all("word is careful", verify_words(deltas, found), thresholds >= 0)

    # with a trap: all states but the trap are led to one that is not the trap
    ends = [
        shortest_word_lengths(with_trap(deltas), from_states=range(n), to_state=state)
        for state in range(n)
    ]
    with_a_trap = np.array([np.where(own < 0, np.iinfo(np.int32).max, own) for own in ends]).min(0)
    none = with_a_trap == np.iinfo(np.int32).max
    check.all("length, with a trap", np.where(none, -1, with_a_trap), thresholds)

    alike = renamed(rng, deltas)
    forms = canonical_forms(deltas)
    check.all("length, renamed", careful_thresholds(alike), thresholds)
    check.all("form, renamed", canonical_forms(alike), forms)
    again = canonical_forms(from_canonical(forms, n, k, partial=True))
    check.all("form of the form", again, forms)
    _force_handovers(check, thresholds)
    for row in range(0, count, max(1, count // 10)):
        proof = certificate(deltas[row])
        check_certificate(proof)
        expected = None if thresholds[row] < 0 else int(thresholds[row])
        check.one(row, "length, proved", proof.threshold, expected)
    return len(deltas), check.compared, check.wrong


def _force_handovers(check: Comparison, thresholds: Any) -> None:
    """Solve some with kernels that give up at once, without the search through all sets."""
    from automata import careful_thresholds
    from automata.solver import many_sets, quick, reduction
    from automata.solver.frontier import Frontier

    some = slice(0, 50)
    own = Comparison(check.deltas[some])
    with ExitStack() as stack:
        stack.enter_context(mock.patch.multiple(quick, _FORWARD_BITS=1, _BOTH_ENDS_BITS=1))
        own.all("length, all sets", careful_thresholds(own.deltas), thresholds[some])
        with mock.patch.multiple(many_sets, _SHARE=8, ALL_SETS_FIRST_MAX_STATES=0):
            midway = careful_thresholds(own.deltas)
        own.all("length, all sets after both ends", midway, thresholds[some])
        stack.enter_context(mock.patch.object(many_sets, "_EXHAUSTIVE_MAX_STATES", 0))
        own.all("length, search for any size", careful_thresholds(own.deltas), thresholds[some])
        stack.enter_context(mock.patch.multiple(reduction, **ALWAYS))
        stack.enter_context(mock.patch.object(Frontier, "can_march", lambda side: False))
        own.all("length, levels reduced", careful_thresholds(own.deltas), thresholds[some])
    check.compared += own.compared
    check.wrong += own.wrong


def _undefine(rng: np.random.Generator, deltas: Any) -> Any:
    """Undefined nowhere, here and there, nearly everywhere; on a whole letter, on a whole state."""
    partial = deltas.astype(np.uint8)
    shares = rng.choice([0, 0.05, 0.2, 0.9], (len(deltas), 1, 1))
    holes = rng.random(deltas.shape) < shares
    holes[: len(deltas) // 2, 0] = False  # letters that are undefined somewhere begin no word
    partial[holes] = UNDEFINED
    partial[3::16, -1] = UNDEFINED
    partial[5::16, :, 0] = UNDEFINED
    return partial
