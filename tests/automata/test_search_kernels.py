"""The kernels that `test_kernels.py` has no case for, on small automata, beside plain Python.

`make test-nojit` runs this file with NUMBA_DISABLE_JIT=1 and with NUMBA_BOUNDSCHECK=1.
"""

import io
import os
import subprocess
import sys
import threading
from importlib import import_module
from inspect import getmembers, isfunction
from itertools import chain, product
from pkgutil import iter_modules
from types import CodeType, FrameType
from unittest import mock

import numba
import numpy as np
import pytest

from automata import (
    are_synchronizing,
    canonical_forms,
    kernels,
    reach_lengths,
    reprove_thresholds,
    short_reset_word,
    shortest_reset_words,
    shortest_word_lengths,
    subset_thresholds,
    transition_monoid,
    verify,
)
from automata.classes import CLASSES
from automata.deltas import Deltas
from automata.enumeration import enumerate_automata
from automata.invariants import automorphism_orders, cycle_lengths, defects, ranks
from automata.numbering import all_numberings, random_numberings
from automata.properties import in_classes
from automata.row_index import RowIndex
from automata.solver import pruning, reduction, short_words, two_ended
from automata.solver.careful import careful_thresholds
from automata.solver.dense import DenseSearch
from automata.solver.frontier import Frontier
from automata.solver.limits import Budget
from automata.solver.quick import search_few_sets
from automata.solver.short_words import greedy_word
from automata.solver.two_ended import Search
from automata.text.reading import read_automata
from tests import naive
from tests.automata.examples import (
    cerny,
    changed,
    every,
    incidence,
    uniform,
    uniform_partial,
    with_none,
)
from tests.faults.comparison import ALWAYS


def synchronizing(deltas: Deltas) -> Deltas:
    return deltas[are_synchronizing(deltas)]


def search(delta: Deltas) -> int:
    """The threshold by the search for any size."""
    found = Search(delta, tuple(greedy_word(delta)[0].tolist()), Budget())
    found.run()
    assert found.bounds.exact and verify(delta, found.word)
    return len(found.word)


def test_batches() -> None:
    """64 automata or more are searched forward."""
    for deltas in (uniform_partial(64, 5, 2), uniform(64, 4, 3), uniform(64, 18, 2)):
        words = [naive.shortest_careful_word(with_none(delta)) for delta in deltas]
        lengths = [-1 if word is None else len(word) for word in words]
        assert careful_thresholds(deltas).tolist() == lengths


def test_words_of_batches() -> None:
    deltas = uniform(12, 6, 2)
    words = shortest_reset_words(deltas).to_list()
    assert words == [naive.shortest_reset_word(delta) for delta in deltas.tolist()]


def test_all_sets() -> None:
    for delta in (*uniform(4, 5, 3), *changed(7, 4, 1), cerny(6)):
        found = DenseSearch(delta, keep_levels=True)
        found.run(Budget())
        known = naive.shortest_reset_word(delta.tolist())
        assert found.status == (-1 if known is None else len(known))
        assert known is None or found.least_word() == known


def test_searches_that_end_where_they_begin() -> None:
    one = DenseSearch([[0]], keep_levels=True)
    pair = DenseSearch(cerny(4), start=0b0011, goal=(2, 0b0111), keep_levels=True)
    for found in (one, pair):
        found.run(Budget())
        assert (found.status, found.least_word()) == (0, ())


def test_words_between_sets() -> None:
    for delta in uniform(4, 5, 2):
        goal = 0b00110
        found = DenseSearch(delta, start=0b01011, goal=(2, goal), keep_levels=True)
        found.run(Budget())
        ends = naive.sets_reached(delta.tolist(), [0, 1, 3])
        known = [word for states, word in ends if states <= {1, 2}]
        assert found.status == min(map(len, known), default=-1)
        assert not known or len(found.least_word()) == found.status


def test_both_ends() -> None:
    for delta in (*synchronizing(changed(8, 8, 2)), cerny(7)):
        assert search(delta) == naive.reset_threshold(delta.tolist())


def test_both_ends_with_all_that_can_be_dropped() -> None:
    cases = [*synchronizing(changed(8, 8, 2)), cerny(7)]
    cases.append(changed(9, 23, 1)[-1])  # images are dropped as they are made, on both sides
    for delta in cases:
        with (
            mock.patch.multiple(reduction, **ALWAYS),
            mock.patch.object(two_ended, "_BEAM_FROM", 0),
            mock.patch.object(Frontier, "can_march", lambda side: False),
            mock.patch.multiple(pruning, _FEWEST=0, _SAMPLE=10**9, _WORTH=-1.0),
        ):
            assert search(delta) == naive.reset_threshold(delta.tolist())


def test_levels_that_are_sorted() -> None:
    for delta in synchronizing(uniform(2, 14, 3)):
        assert search_few_sets(delta).threshold == naive.reset_threshold(delta.tolist())


def test_sets_of_several_words() -> None:
    n = 66
    states = np.arange(n)
    delta = np.array([states // 2, (states + 1) % n, np.maximum(states, 1)], np.uint8)
    assert search(delta) == naive.reset_threshold(delta.tolist())


def test_short_words() -> None:
    short_tree = mock.patch.object(short_words, "_nodes", lambda blocks: 128 * blocks)
    for delta in (*synchronizing(uniform(4, 6, 2)), cerny(10)):
        with short_tree:  # it is cut back, and grows
            word = short_reset_word(delta, "beam", width=64)
        assert word is not None and verify(delta, word)
        assert len(word) == naive.reset_threshold(delta.tolist())


def test_all_sets_of_states() -> None:
    deltas = uniform(4, 4, 2)
    to_each, from_each = reach_lengths(deltas), subset_thresholds(deltas)
    between = shortest_word_lengths(deltas, from_states=[0, 2], to_state=1)
    for row, delta in enumerate(deltas.tolist()):
        reached = {frozenset(states): len(word) for states, word in naive.sets_reached(delta)}
        for mask in range(1, 16):
            states = [q for q in range(4) if mask >> q & 1]
            assert to_each[row, mask] == reached.get(frozenset(states), -1)
            word = naive.shortest_word(delta, from_states=states)
            assert from_each[row, mask] == (-1 if word is None else len(word))
        word = naive.shortest_word(delta, from_states=[0, 2], to_state=1)
        assert between[row] == (-1 if word is None else len(word))


def test_letters_and_monoids() -> None:
    for delta in uniform(8, 4, 2):
        known = naive.transition_monoid(delta.tolist())
        assert transition_monoid(delta).size == len(known)
        lengths = [naive.cycles(letter) for letter in delta.tolist()]
        alone = [len(next(iter(cycles))) if len(cycles) == 1 else 0 for cycles in lengths]
        assert cycle_lengths(delta[None]).tolist() == [alone]
        assert defects(delta[None]).tolist() == [naive.defects(delta.tolist())]
        assert ranks(delta[None]).tolist() == [naive.rank(delta.tolist())]


def test_texts() -> None:
    lines = io.BytesIO(b"1 2 0|0 1 0\n" * 3 + b"0 0\t|1  0\n- 2 2|1 1 -\n")
    items = chain.from_iterable(read_automata(lines, "lines", partial=True))
    found = [with_none(delta) for automata in items for delta in automata.deltas]
    assert found[:3] == [[[1, 2, 0], [0, 1, 0]]] * 3
    assert found[3:] == [[[0, 0], [1, 0]], [[None, 2, 2], [1, 1, None]]]


@pytest.mark.parametrize("name", [*CLASSES, "not-permutation-letter", "not-one-cluster", "cycle-2"])
def test_enumerations_of_classes(name: str) -> None:
    for n, k, least in ((3, 2, 0), (3, 2, 2), (2, 3, 1)):
        everything = enumerate_automata(n, k, at_least=least)
        inside = everything.deltas[in_classes(everything.deltas, [name])]
        found = enumerate_automata(n, k, at_least=least, classes=[name])
        assert np.array_equal(found.deltas, inside)


# --- all of them ------------------------------------------------------------------------------


def codes() -> dict[CodeType, str]:
    """The kernels, which are plain functions here, and what is beside them."""
    names = [module.name for module in iter_modules(kernels.__path__)]
    return {
        function.__code__: f"{name}.{function.__name__}"
        for name in names
        if name not in ("jit", "code_store")
        for _, function in getmembers(import_module(f"automata.kernels.{name}"), isfunction)
        if function.__module__ == f"automata.kernels.{name}"
    }


def call_others() -> None:
    """Call the kernels whose answers `test_kernels.py` compares."""
    deltas, small = uniform(6, 5, 2), every(2, 2)
    reprove_thresholds(deltas)
    all_numberings(small)
    random_numberings(np.random.default_rng(0), small)
    automorphism_orders(small)
    edges = product(range(3), range(3, 6))
    tied = [incidence([*edges], 15), np.array([[1, 0, 3, 2], [0, 1, 2, 3]], np.uint8)]
    for delta in (*deltas, *tied):
        form = canonical_forms([delta])
        assert RowIndex(form.shape[1]).add(form).tolist() == [0]
    index = RowIndex(2)
    rows = np.indices((25, 25), np.uint8).reshape(2, -1).T.copy()
    assert index.add(rows).tolist() == index.find(rows).tolist() == [*range(625)]
    for least in (0, 3):
        enumerate_automata(3, 2, at_least=least, partial=True)


def test_no_kernel_is_left_out() -> None:
    """Whoever writes a kernel adds a small case for it to this file or to `test_kernels.py`.

    Compiled kernels cannot be watched, so the test runs in a process of its own without them.
    """
    if not numba.config.DISABLE_JIT:
        here = f"{__file__}::{test_no_kernel_is_left_out.__name__}"
        options = ["-q", "-p", "no:cacheprovider", "-W", "ignore:overflow encountered"]
        again = subprocess.run(
            [sys.executable, "-m", "pytest", *options, here],
            env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True,
        )  # fmt: skip
        assert again.returncode == 0, again.stdout
        return
    ran: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            ran.add(frame.f_code)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        for test in (
            *(test_batches, test_words_of_batches, test_all_sets, test_texts),
            *(test_words_between_sets, test_levels_that_are_sorted, test_sets_of_several_words),
            *(test_short_words, test_both_ends, test_both_ends_with_all_that_can_be_dropped),
            *(test_all_sets_of_states, test_letters_and_monoids),
        ):
            test()
        for name in (
            "sink",
            "eulerian",
            "aperiodic",
            "completely-reachable",
            "basic",
            "defect-2",
            "irreducible",
        ):
            test_enumerations_of_classes(name)
        call_others()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    assert " ".join(name for code, name in codes().items() if code not in ran) == ""
