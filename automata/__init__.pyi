"""Where each name of the package lives.

Type checkers read this file, and `lazy_loader` does when the package is imported: it takes relative
imports alone.
"""

from .automaton import (
    Automaton,
    AutomatonError,
    SizeLimitError,
    cerny_bound,
    validate_deltas,
)
from .canonical import are_isomorphic, canonical_forms, from_canonical
from .proof.certify import certificate
from .proof.checker import Certificate, CertificateError, check_certificate
from .proof.verification import reprove_thresholds, verify
from .solver.exact import (
    NOT_SYNCHRONIZING,
    UNKNOWN,
    reset_bounds,
    reset_threshold,
    reset_thresholds,
    shortest_reset_word,
)
from .solver.limits import LimitReached, ResetBounds
from .solver.ranks import are_synchronizing, is_synchronizing, rank, shortest_word_of_rank
from .solver.short_words import reset_word

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
    "reset_word",
    "shortest_reset_word",
    "shortest_word_of_rank",
    "validate_deltas",
    "verify",
]
