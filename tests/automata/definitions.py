"""Properties of automata against their definitions, for the tests of properties and of kernels."""

from collections.abc import Callable

import numpy as np

from automata import rank
from automata.classes import CLASSES
from automata.deltas import Deltas
from automata.invariants import automorphism_orders, defects, ranks
from automata.properties import (
    are_aperiodic,
    are_basic,
    are_completely_reachable,
    are_eulerian,
    are_initially_connected,
    are_irreducible,
    are_one_cluster,
    are_strongly_connected,
    class_flags,
    have_permutation_letter,
    have_sink,
    in_classes,
)
from automata.solver.ranks import are_synchronizing
from tests import naive
from tests.automata.examples import with_none

DEFINITIONS: dict[str, Callable[[naive.Partial], bool]] = {
    "synchronizing": lambda delta: naive.shortest_careful_word(delta) is not None,
    "strongly-connected": naive.is_strongly_connected,
    "initially-connected": naive.is_initially_connected,
    "sink": naive.has_sink,
    "permutation-letter": lambda delta: 0 in naive.defects(delta),
    "defect-2": lambda delta: min(naive.defects(delta)) >= 2,
    "one-cluster": naive.is_one_cluster,
    "eulerian": naive.is_eulerian,
    "aperiodic": naive.is_aperiodic,
    "completely-reachable": naive.is_completely_reachable,
    "irreducible": naive.is_irreducible,
    "basic": naive.is_basic,
}
FUNCTIONS = {
    "strongly-connected": are_strongly_connected,
    "initially-connected": are_initially_connected,
    "sink": have_sink,
    "permutation-letter": have_permutation_letter,
    "one-cluster": are_one_cluster,
    "eulerian": are_eulerian,
    "aperiodic": are_aperiodic,
    "completely-reachable": are_completely_reachable,
    "irreducible": are_irreducible,
    "basic": are_basic,
}


def check_properties(deltas: Deltas) -> None:
    """See that each property of each complete automaton is what its definition says."""
    check_partial_properties(deltas)
    synchronizing = in_classes(deltas, ["synchronizing"])
    assert np.array_equal(are_synchronizing(deltas), synchronizing)
    assert ranks(deltas).tolist() == [rank(delta) for delta in deltas]


def check_partial_properties(deltas: Deltas) -> None:
    """See that each property is what its definition says, of complete and partial automata."""
    tables = [with_none(delta) for delta in deltas]
    flags = class_flags(deltas)
    known = [[bool(define(delta)) for define in DEFINITIONS.values()] for delta in tables]
    expected = np.array(known, bool).reshape(-1, len(CLASSES))
    given = class_flags(deltas, synchronizing=expected[:, CLASSES.index("synchronizing")])
    assert np.array_equal(flags, given)
    for i, name in enumerate(CLASSES):
        wrong = deltas[(flags >> i & 1) != expected[:, i]]
        assert len(wrong) == 0, (name, wrong[0].tolist())
        assert np.array_equal(in_classes(deltas, [name]), expected[:, i]), name
        assert np.array_equal(in_classes(deltas, [f"not-{name}"]), ~expected[:, i]), name
        if name in FUNCTIONS:
            assert np.array_equal(FUNCTIONS[name](deltas), expected[:, i]), name
    assert defects(deltas).tolist() == [naive.defects(delta) for delta in tables]
    assert automorphism_orders(deltas).tolist() == [
        naive.automorphism_order(delta) for delta in tables
    ]
