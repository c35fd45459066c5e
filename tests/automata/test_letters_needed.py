"""The least number of letters that keep a threshold, against plain Python."""

import numpy as np
import pytest

from automata.automaton import AutomatonError
from automata.deltas import UNDEFINED
from automata.letters_needed import letters_needed
from automata.properties import are_irreducible
from automata.sampling import sample_synchronizing
from automata.solver.either import thresholds_of
from tests import naive


@pytest.mark.parametrize(("n", "k"), [(1, 2), (2, 3), (4, 1), (4, 2), (4, 3), (5, 4)])
def test_complete_automata(n, k):
    deltas = sample_synchronizing(np.random.default_rng(n), 60, n, k)
    found = letters_needed(deltas, thresholds_of(deltas, partial=False), workers=2)
    assert found.tolist() == [naive.letters_needed(delta) for delta in deltas.tolist()]


@pytest.mark.parametrize(("n", "k"), [(3, 2), (4, 3)])
def test_partial_automata(n, k):
    deltas = sample_synchronizing(np.random.default_rng(n), 60, n, k, undefined=0.2)
    found = letters_needed(deltas, thresholds_of(deltas, partial=True), partial=True)
    plain = np.where(deltas == UNDEFINED, None, deltas).tolist()
    assert found.tolist() == [naive.letters_needed(delta) for delta in plain]


def test_letters_that_do_not_help():
    cerny, identity = [[1, 2, 3, 0], [0, 1, 2, 0]], [0, 1, 2, 3]
    deltas = [
        [*cerny, identity, identity],
        [*cerny, cerny[1], cerny[0]],
        [*cerny, identity, [0] * 4],
    ]
    assert letters_needed(deltas, [9, 9, 1]).tolist() == [2, 2, 1]


def test_irreducible_automata_need_all():
    deltas = sample_synchronizing(np.random.default_rng(0), 3000, 4, 3)
    deltas = deltas[are_irreducible(deltas)]
    assert len(deltas)
    assert (letters_needed(deltas, thresholds_of(deltas, partial=False)) == 3).all()


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"1 automata have as many thresholds, got shape \(2,\)"):
        letters_needed([[[0, 0]]], [1, 1])
    with pytest.raises(AutomatonError):
        letters_needed(np.array([[[0, UNDEFINED]]], np.uint8), [1])
    assert letters_needed(np.empty((0, 3, 4), np.uint8), np.empty(0, np.int32)).shape == (0,)
