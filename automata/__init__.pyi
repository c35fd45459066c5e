"""The module of each public name.

Type checkers read this file. So does ``lazy_loader``, when the package is imported; it requires
relative imports.
"""

from .action import apply_word, image, preimage
from .automaton import Automaton, AutomatonLike, validate_delta
from .canonical import are_isomorphic, canonical_forms, from_canonical
from .classes import CLASSES
from .deltas import UNDEFINED, validate_deltas
from .drawing.notebook import automaton_html
from .drawing.svg import automaton_svg
from .enumeration import Enumeration, Found, enumerate_automata
from .errors import AutomatonError, SizeLimitError
from .families import FAMILIES, Family, wielandt
from .identification import identify, known
from .invariants import automorphism_orders, defects, ranks
from .monoid import TransitionMonoid, transition_monoid
from .partial import have_total_letter, undefined_counts
from .partial_families import p_automaton, p_threshold
from .proof.certify import certificate
from .proof.checker import Certificate, CertificateError, check_certificate
from .proof.verification import reprove_thresholds, verify, verify_words
from .properties import (
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
from .sampling import sample_synchronizing, sample_uniform
from .sizes import cerny_bound
from .solver.between import shortest_word, shortest_word_lengths
from .solver.careful import (
    careful_bounds,
    careful_threshold,
    careful_thresholds,
    is_carefully_synchronizing,
    shortest_careful_word,
    shortest_careful_words,
)
from .solver.exact import (
    NOT_SYNCHRONIZING,
    UNKNOWN,
    Words,
    reset_bounds,
    reset_threshold,
    reset_thresholds,
    shortest_reset_word,
    shortest_reset_words,
)
from .solver.limits import LimitReached, ResetBounds, WordBounds, WordLimitReached
from .solver.ranks import are_synchronizing, is_synchronizing, rank
from .solver.short_words import reset_word, short_reset_word
from .solver.subset_lengths import longest_by_size, reach_lengths, subset_thresholds
from .text.formats import (
    format_delta,
    format_dot,
    format_gap,
    format_json,
    format_synchrowords,
    format_word,
    parse_delta,
    parse_dot,
    parse_gap,
    parse_jff,
    parse_json,
    parse_synchrowords,
    parse_word,
)
from .text.graph import from_networkx, to_networkx

__all__ = [
    "Automaton",
    "AutomatonError",
    "AutomatonLike",
    "CLASSES",
    "Certificate",
    "CertificateError",
    "Enumeration",
    "FAMILIES",
    "Family",
    "Found",
    "LimitReached",
    "NOT_SYNCHRONIZING",
    "ResetBounds",
    "SizeLimitError",
    "TransitionMonoid",
    "UNDEFINED",
    "UNKNOWN",
    "WordBounds",
    "WordLimitReached",
    "Words",
    "apply_word",
    "are_aperiodic",
    "are_basic",
    "are_completely_reachable",
    "are_eulerian",
    "are_initially_connected",
    "are_irreducible",
    "are_isomorphic",
    "are_one_cluster",
    "are_strongly_connected",
    "are_synchronizing",
    "automaton_html",
    "automaton_svg",
    "automorphism_orders",
    "canonical_forms",
    "careful_bounds",
    "careful_threshold",
    "careful_thresholds",
    "cerny_bound",
    "certificate",
    "check_certificate",
    "class_flags",
    "defects",
    "enumerate_automata",
    "format_delta",
    "format_dot",
    "format_gap",
    "format_json",
    "format_synchrowords",
    "format_word",
    "from_canonical",
    "from_networkx",
    "have_permutation_letter",
    "have_sink",
    "have_total_letter",
    "identify",
    "image",
    "in_classes",
    "is_carefully_synchronizing",
    "is_synchronizing",
    "known",
    "longest_by_size",
    "p_automaton",
    "p_threshold",
    "parse_delta",
    "parse_dot",
    "parse_gap",
    "parse_jff",
    "parse_json",
    "parse_synchrowords",
    "parse_word",
    "preimage",
    "rank",
    "ranks",
    "reach_lengths",
    "reprove_thresholds",
    "reset_bounds",
    "reset_threshold",
    "reset_thresholds",
    "reset_word",
    "sample_synchronizing",
    "sample_uniform",
    "short_reset_word",
    "shortest_careful_word",
    "shortest_careful_words",
    "shortest_reset_word",
    "shortest_reset_words",
    "shortest_word",
    "shortest_word_lengths",
    "subset_thresholds",
    "to_networkx",
    "transition_monoid",
    "undefined_counts",
    "validate_delta",
    "validate_deltas",
    "verify",
    "verify_words",
    "wielandt",
]
