"""Random automata, solved in every way there is and by the plain Python of tests/naive.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import mock

import numpy as np

from tests import naive
from tests.faults import server
from tests.faults.comparison import Comparison
from tests.faults.differential_partial import ALWAYS, compare_partial
from tests.faults.random_automata import random_batch, renamed
from tests.faults.tallies import Case, Kind, Tally

_SMALL, _MIDDLE, _LARGE, _CHANGED, _LARGE_CHANGED = (
    "n = 1..7, all against plain Python",
    "n = 8..20, all by a backward search too",
    "n = 21..64, by certificates too",
    "families changed, n = 4..16, every hand-over forced",
    "families changed, n = 20..40, every hand-over forced",
)
_PARTIAL, _LARGER_PARTIAL = (
    "partial, n = 1..7, all against plain Python",
    "partial, n = 1..12, with a trap, every hand-over forced",
)
_SIZES = {
    _SMALL: (1, 7),
    _MIDDLE: (8, 20),
    _LARGE: (21, 64),
    _CHANGED: (4, 16),
    _LARGE_CHANGED: (20, 40),
}
_AT_ONCE = {_SMALL: 1000, _MIDDLE: 100, _LARGE: 10, _CHANGED: 100, _LARGE_CHANGED: 10}
_NAIVE_MAX_STATES = 12
_SECONDS = 3.0
"""For each search of an automaton that may be too hard."""


def cases(scale: float) -> Sequence[Case]:
    """A million small ones, a hundred thousand larger ones, as many of families; partial ones."""
    for name in (_SMALL, _MIDDLE):
        _compare(name, 0)  # what it compiles is there for the children
    _compare_handovers(_CHANGED, 0)
    for name in (_PARTIAL, _LARGER_PARTIAL):
        _compare_partial(name, 0)
    rounds = {
        _PARTIAL: 1000,
        _LARGER_PARTIAL: 1000,
        _SMALL: 1000,
        _MIDDLE: 1000,
        _LARGE: 200,
        _CHANGED: 1000,
        _LARGE_CHANGED: 200,
    }
    return [Case(name, count) for name, count in rounds.items()]


def play(case: Case, number: int) -> Tally:
    """Solve a batch of one size in every way."""
    compare = {
        _LARGE: _compare_large,
        _CHANGED: _compare_handovers,
        _LARGE_CHANGED: _compare_handovers,
        _PARTIAL: _compare_partial,
        _LARGER_PARTIAL: _compare_partial,
    }.get(case.name, _compare)
    found, answer = server.compute(lambda: compare(case.name, number))
    if found is None:
        return Tally({"crashes": 1}, [f"{case.name}: {answer.last_words}"])
    automata, compared, wrong = found
    counts = {"automata": automata, "comparisons": compared, "differ": len(wrong)}
    return Tally(counts, wrong[:10])


def _compare(name: str, number: int) -> tuple[int, int, list[str]]:
    """Return the automata, the comparisons, and what differed."""
    from automata import (
        are_synchronizing,
        canonical_forms,
        from_canonical,
        reprove_thresholds,
        reset_thresholds,
    )
    from automata.solver.exact import shortest_reset_words

    rng, check = _begin(name, number)
    deltas = check.deltas
    _, k, n = deltas.shape
    thresholds = reset_thresholds(deltas)
    if name == _SMALL:
        plain = [naive.reset_threshold(delta) for delta in deltas.tolist()]
        check.all("threshold", thresholds, [-1 if t is None else t for t in plain])
    check.all("threshold, backward", reprove_thresholds(deltas), thresholds)
    check.all("synchronizing", are_synchronizing(deltas), thresholds >= 0)

    words = shortest_reset_words(deltas)
    check.all("length of the word", words.lengths, thresholds)
    for row, length in enumerate(words.lengths.tolist()):
        if length >= 0:
            word = words.letters[row, :length].tolist()
            reached = naive.apply(deltas[row].tolist(), range(n), word)
            check.one(row, "states after the word", len(reached), 1)

    alike = renamed(rng, deltas)
    check.all("threshold, renamed", reset_thresholds(alike), thresholds)
    forms = canonical_forms(deltas)
    check.all("form, renamed", canonical_forms(alike), forms)
    check.all("form of the form", canonical_forms(from_canonical(forms, n, k)), forms)
    for row in range(0, len(deltas), max(1, len(deltas) // 20)):
        _compare_one(check, row, int(thresholds[row]))
    return len(deltas), check.compared, check.wrong


def _compare_partial(name: str, number: int) -> tuple[int, int, list[str]]:
    """Compare careful words."""
    most, count = (7, 1000) if name == _PARTIAL else (12, 100)
    return compare_partial([most, count, number], most, count)


def _begin(name: str, number: int) -> tuple[np.random.Generator, Comparison]:
    """Draw a batch of one size."""
    rng = np.random.default_rng([_AT_ONCE[name], number])
    low, high = _SIZES[name]
    n, k = int(rng.integers(low, high + 1)), int(rng.integers(1, 5))
    return rng, Comparison(random_batch(rng, _AT_ONCE[name], n, k))


def _compare_large(name: str, number: int) -> tuple[int, int, list[str]]:
    """The same for automata that may be too hard: what is proved within a limit is compared."""
    from automata import (
        LimitReached,
        canonical_forms,
        certificate,
        check_certificate,
        reset_bounds,
        verify,
    )

    rng, check = _begin(name, number)
    alike = renamed(rng, check.deltas)
    check.all("form, renamed", canonical_forms(alike), canonical_forms(check.deltas))
    for row, delta in enumerate(check.deltas):
        bounds, again = (reset_bounds(own, time_limit=_SECONDS) for own in (delta, alike[row]))
        for found in (bounds, again):
            check.one(row, "whether it synchronizes", found is None, bounds is None)
        if bounds is not None and again is not None:
            check.one(row, "word resets", verify(delta, bounds.word), True)
            check.one(row, "word is an upper bound", len(bounds.word), bounds.upper)
            apart = max(bounds.lower, again.lower) > min(bounds.upper, again.upper)
            check.one(row, "bounds exclude those of the renamed one", apart, False)
        try:
            proof = certificate(delta, time_limit=_SECONDS, memory_limit=1 << 30)
        except LimitReached:
            continue
        check_certificate(proof)
        if bounds is None or proof.threshold is None:
            check.one(row, "threshold, proved", proof.threshold, None)
        else:
            inside = bounds.lower <= proof.threshold <= bounds.upper
            check.one(row, f"{proof.threshold}, proved, is in {bounds}", inside, True)
    return len(check.deltas), check.compared, check.wrong


def _compare_handovers(name: str, number: int) -> tuple[int, int, list[str]]:
    """Solve families changed in one or two places, as they are and with hand-overs forced."""
    from automata import reprove_thresholds, reset_bounds, reset_thresholds
    from automata.identification import known
    from automata.solver import exact, many_sets, pruning, quick, reduction, two_ended
    from automata.solver.frontier import Frontier

    rng = np.random.default_rng([_AT_ONCE[name], number])
    n = int(rng.integers(_SIZES[name][0], _SIZES[name][1] + 1))
    members = [delta for _, delta in known(n, 2)]
    deltas = np.stack([members[i] for i in rng.integers(len(members), size=_AT_ONCE[name])])
    for rows in (np.arange(len(deltas)), np.arange(0, len(deltas), 2)):
        places = rng.integers(2, size=len(rows)), rng.integers(n, size=len(rows))
        deltas[rows, *places] = rng.integers(n, size=len(rows))
    check = Comparison(deltas)
    limits = {"time_limit": _SECONDS}
    thresholds = reset_thresholds(deltas, **limits)

    def same(what: str, found: Any) -> None:
        unknown = (np.asarray(found) == exact.UNKNOWN) | (thresholds == exact.UNKNOWN)
        check.all(what, np.where(unknown, thresholds, found), thresholds)

    if n <= 8:
        plain = [naive.reset_threshold(delta) for delta in deltas.tolist()]
        same("threshold", [-1 if t is None else t for t in plain])
    if n <= 20:
        same("threshold, backward", reprove_thresholds(deltas))
    with mock.patch.multiple(quick, _FORWARD_BITS=1, _PROBE=1):
        same("threshold, forward kernels with few sets", reset_thresholds(deltas, **limits))
    few = {"_FORWARD_BITS": 1, "_BOTH_ENDS_BITS": 2}
    with mock.patch.multiple(quick, **few):
        same("threshold, kernels with few sets", reset_thresholds(deltas, **limits))
    midway = mock.patch.multiple(many_sets, _SHARE=8, ALL_SETS_FIRST_MAX_STATES=0)
    with mock.patch.multiple(quick, **few), midway:
        same("threshold, all sets after both ends", reset_thresholds(deltas, **limits))
    any_size = mock.patch.object(many_sets, "_EXHAUSTIVE_MAX_STATES", 0)
    with mock.patch.multiple(quick, **few), any_size:
        same("threshold, search for any size", reset_thresholds(deltas, **limits))
        dropping = mock.patch.multiple(pruning, _FEWEST=0, _SAMPLE=10**9, _WORTH=-1.0)
        with dropping, mock.patch.object(Frontier, "can_march", lambda side: False):
            same("threshold, all useless sets dropped", reset_thresholds(deltas, **limits))
        with (
            dropping,
            mock.patch.multiple(reduction, **ALWAYS),
            mock.patch.object(two_ended, "_BEAM_FROM", 0),
            mock.patch.object(Frontier, "can_march", lambda side: False),
        ):
            same("threshold, all levels reduced", reset_thresholds(deltas, **limits))
            for row in np.flatnonzero(thresholds >= 0)[::10]:
                bounds = reset_bounds(deltas[row], **limits, memory_limit=1 << 20)
                inside = bounds.lower <= thresholds[row] <= bounds.upper
                check.one(row, "threshold is within the bounds", inside, True)
    return len(deltas), check.compared, check.wrong


def _compare_one(check: Comparison, row: int, threshold: int) -> None:
    """Solve one automaton by what solves single ones."""
    from automata import (
        certificate,
        check_certificate,
        is_synchronizing,
        rank,
        reset_bounds,
        reset_threshold,
        short_reset_word,
        shortest_reset_word,
        verify,
    )

    delta = check.deltas[row]
    n, plain = delta.shape[1], delta.tolist()
    expected = None if threshold < 0 else threshold
    check.one(row, "threshold, alone", reset_threshold(delta), expected)
    check.one(row, "synchronizing, alone", is_synchronizing(delta), threshold >= 0)
    if n <= _NAIVE_MAX_STATES:
        word = naive.shortest_reset_word(plain)
        check.one(row, "least word", shortest_reset_word(delta), word)
        check.one(row, "rank", rank(delta), naive.rank(plain))
    bounds = reset_bounds(delta, time_limit=60.0)
    if expected is not None:
        assert bounds is not None
        check.one(row, "bounds", (bounds.lower, bounds.upper), (threshold, threshold))
        for method in ("greedy", "beam"):
            short = short_reset_word(delta, method)  # type: ignore[arg-type]
            assert short is not None
            check.one(row, f"{method} word resets", verify(delta, short), True)
            check.one(row, f"{method} word is as long", len(short) >= threshold, True)
    else:
        check.one(row, "bounds", bounds, None)
    proof = certificate(delta)
    check_certificate(proof)
    check.one(row, "threshold, proved", proof.threshold, expected)


KIND = Kind(
    "differential",
    "Random and structured automata with 1 to 4 letters are solved by every search of the project,"
    " in batches, and some of them one by one. Thresholds, words, canonical forms, ranks and proofs"
    " are compared with each other, with those of renamed automata, and with plain Python. Known"
    " families with one or two transitions redrawn, and partial automata, are solved as they are"
    " and with every hand-over forced: kernels give up after a few sets, the search through all"
    " sets is left out, all levels are reduced. Partial automata are also solved as complete ones"
    " with a trap.",
    ("automata", "comparisons", "differ", "crashes"),
    ("differ", "crashes"),
    cases,
    play,
)
