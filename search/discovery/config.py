"""What a discovery searches, how, and what it may cost."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from automata.arguments import check_setting
from automata.canonical import CANONICAL_MAX_LETTERS, CANONICAL_MAX_STATES
from automata.properties import in_classes
from search.discovery.leaps import LeapConfig
from search.discovery.learner import LearnConfig


@dataclass(frozen=True)
class DiscoverConfig:
    """What is searched, how, and what it may cost."""

    k: int = 2
    least: int = 5
    """The smallest size."""
    most: int = 16
    """The largest size."""
    start_to: int = 8
    """Sizes up to this one are evolved from random automata; the model learns from them first."""
    start_budget: int = 1_500_000
    """Solver calls for each of these sizes."""
    budget: int = 200_000
    """Solver calls for each further size."""
    first_look: int = 5_000
    """Of these, calls before `evolve` begins."""
    parents: int = 4000
    """Distinct automata that `evolve` breeds from, those with the longest thresholds."""
    generation: int = 512
    """Children of `evolve` a generation."""
    softness: float = 0.02
    """Parents of children are drawn with weights 1 / (softness*parents + rank)."""
    classes: tuple[str, ...] = ()
    """Only automata of all these classes count: NAME or not-NAME."""
    learn: LearnConfig = field(default_factory=LearnConfig)
    leap: LeapConfig = field(default_factory=LeapConfig)

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        for name, value, low, high in [
            ("letters", self.k, 1, CANONICAL_MAX_LETTERS),
            ("to", self.most, 1, CANONICAL_MAX_STATES),
            ("from", self.least, 1, self.most),
            ("start-to", self.start_to, self.least, self.most),
            ("start-budget", self.start_budget, 1, 10**9),
            ("budget", self.budget, 1, 10**9),
            ("first-look", self.first_look, 1, 10**9),
            ("parents", self.parents, 1, 10**8),
            ("generation", self.generation, 1, 10**6),
            ("softness", self.softness, 1e-6, 10**6),
        ]:
            check_setting(name, value, low, high)
        in_classes(np.empty((0, self.k, self.most), np.uint8), self.classes)  # known, not too large
