"""Synchronizing automata: exact reset words, canonical forms, families, samplers, formats."""

from automata.automaton import (
    Automaton,
    AutomatonError,
    SizeLimitError,
    cerny_bound,
    validate_deltas,
)
from automata.canonical import are_isomorphic, canonical_forms, from_canonical
from automata.solver import (
    NOT_SYNCHRONIZING,
    are_synchronizing,
    is_synchronizing,
    reset_threshold,
    reset_thresholds,
    shortest_reset_word,
)
from automata.verification import reprove_thresholds, verify

__all__ = [
    "NOT_SYNCHRONIZING",
    "Automaton",
    "AutomatonError",
    "SizeLimitError",
    "are_isomorphic",
    "are_synchronizing",
    "canonical_forms",
    "cerny_bound",
    "from_canonical",
    "is_synchronizing",
    "reprove_thresholds",
    "reset_threshold",
    "reset_thresholds",
    "shortest_reset_word",
    "validate_deltas",
    "verify",
]
