"""Synchronizing automata: exact reset words, canonical forms, families, samplers, formats."""

from automata.automaton import (
    Automaton,
    AutomatonError,
    SizeLimitError,
    cerny_bound,
    validate_deltas,
)
from automata.canonical import are_isomorphic, canonical_forms, from_canonical
from automata.proof.certify import certificate
from automata.proof.checker import Certificate, CertificateError, check_certificate
from automata.proof.verification import reprove_thresholds, verify
from automata.solver.exact import (
    NOT_SYNCHRONIZING,
    UNKNOWN,
    reset_bounds,
    reset_threshold,
    reset_thresholds,
    shortest_reset_word,
)
from automata.solver.limits import LimitReached, ResetBounds
from automata.solver.ranks import are_synchronizing, is_synchronizing, rank, shortest_word_of_rank
from automata.solver.short_words import short_reset_word

__all__ = [
    "NOT_SYNCHRONIZING",
    "UNKNOWN",
    "Automaton",
    "AutomatonError",
    "Certificate",
    "CertificateError",
    "LimitReached",
    "ResetBounds",
    "SizeLimitError",
    "are_isomorphic",
    "are_synchronizing",
    "canonical_forms",
    "cerny_bound",
    "certificate",
    "check_certificate",
    "from_canonical",
    "is_synchronizing",
    "rank",
    "reprove_thresholds",
    "reset_bounds",
    "reset_threshold",
    "reset_thresholds",
    "short_reset_word",
    "shortest_reset_word",
    "shortest_word_of_rank",
    "validate_deltas",
    "verify",
]
