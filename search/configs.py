"""The settings of a search and of an evolution."""

from __future__ import annotations

from dataclasses import dataclass, field

from automata.arguments import MAX_SEED
from automata.classes import check_restriction
from automata.settings import check_settings, letters, setting, states
from automata.sizes import CANONICAL_MAX_STATES
from data.configs import PARTIAL_HELP, UNDEFINED_HELP, undefined_share
from vae.config import PATHS as PATHS

UNGUIDED = (*PATHS, "encode-decode", "prior", "neighbourhood")
"""The modes that look nowhere in particular, once parents are chosen."""
GUIDED = ("gradient", "cma-es", "arithmetic")
"""The modes that look for longer thresholds: predicted, solved, learned from the training set."""
MODES = UNGUIDED + GUIDED
EVOLVING = "retrain+evolve"
"""The arm in which the model and evolution take turns on one archive."""
LEARNING = ("retrain", EVOLVING)
"""The arms that learn from their finds."""
REENCODE = ("sample", "mu")
EXCHANGES = 0.5
"""Share of an evolution's children that exchange two targets."""


@dataclass(frozen=True)
class LatentConfig:
    """How points of the latent space are chosen and decoded."""

    parents: int = setting(
        2000, "Draw endpoints from this many training automata.", low=2, high=10**9
    )
    """The automata with the longest thresholds."""
    path: str = setting("polar", "The path that encode-decode starts from.", choices=PATHS)
    rounds: int = setting(3, "Rounds of encode-decode.", low=1, high=1000)
    reencode: str = setting(
        "sample", "Each round takes a sample of the posterior, or its mu.", choices=REENCODE
    )
    spread: float = setting(
        1.0, "Width of the neighbourhood mode, in posterior standard deviations.", low=0, high=1000
    )
    temperature: float = setting(
        0.0, "0 decodes the most probable automaton, a higher one samples.", low=0, high=1000
    )
    repair: int = setting(
        2, "Transitions that may change to make an automaton synchronize.", low=0, high=10**4
    )
    batch: int = setting(4096, "Points decoded at a time.", low=1, high=10**6)

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)


@dataclass(frozen=True)
class RetrainConfig:
    """How a search learns from its finds."""

    retrain: int = setting(
        0, "Rounds in which a model learns from what was found so far; 0: none.", low=0, high=10**6
    )
    """Each has its share of the budget."""
    retrain_steps: int = setting(30, "Steps of training in a round.", low=1, high=10**6)
    retrain_batch: int = setting(256, "Automata in a step.", low=1, high=10**6)
    retrain_rate: float = setting(1e-3, "Highest learning rate of a round.", low=1e-9, high=10)
    retrain_beta: float = setting(0.1, "Weight of the KL term in a round.", low=0, high=10**6)
    retrain_softness: float = setting(
        0.005, "Weights of what is learned: 1 / (softness*known + rank).", low=1e-6, high=10**6
    )
    retrain_parents: int = setting(
        600, "Propose from this many automata with the longest thresholds.", low=1, high=10**9
    )
    """Of the training set and the finds together."""
    parent_softness: float = setting(
        0.05, "Weights of parents: 1 / (softness*parents + rank).", low=1e-6, high=10**6
    )
    screen: int = setting(
        8, "Solve one of this many proposals, by predicted threshold.", low=1, high=10**4
    )
    """Those with the longest predicted thresholds; 1: all proposals are solved."""
    retrain_ratio_weight: float = setting(
        100.0, "Weight of the predicted threshold's error in a round.", low=0, high=10**6
    )
    evolution: float = setting(
        0.25, "Share of evolution in the calls of retrain+evolve; 0: no such arm.", low=0, high=1
    )

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that run, of `LEARNING`."""
        if self.retrain == 0:
            return ()
        return LEARNING if self.evolution else LEARNING[:1]


@dataclass(frozen=True)
class SearchConfig:
    """The settings of a search."""

    mode: str = setting("all", "How the points to decode are chosen.", choices=(*MODES, "all"))
    budget: int = setting(
        100_000,
        "Solver calls of each mode, each round, and each baseline.",
        low=1,
        high=10**9,
    )
    keep: int = setting(1000, "Candidates in the report.", low=1, high=10**7)
    seed: int = setting(0, "Seed.", low=0, high=MAX_SEED)
    classes: tuple[str, ...] = setting(
        (), "Only automata of all these classes count: NAME or not-NAME.", flags=()
    )
    latent: LatentConfig = field(default_factory=LatentConfig)
    learning: RetrainConfig = field(default_factory=RetrainConfig)

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
        check_restriction(self.classes)

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that run, and the arms that learn."""
        modes = MODES if self.mode == "all" else (self.mode,)
        return modes + self.learning.arms


@dataclass(frozen=True)
class EvolveConfig:
    """The settings of an evolution."""

    n: int = states(8, CANONICAL_MAX_STATES)
    k: int = letters(2)
    budget: int = setting(1_000_000, "Solver calls of each arm.", low=1, high=10**9)
    parents: int = setting(
        2000, "Breed from this many automata with the longest thresholds.", low=1, high=10**8
    )
    batch: int = setting(256, "Children in each generation.", low=1, high=10**6)
    softness: float = setting(
        0.02,
        "Parents are drawn with weights 1 / (softness*parents + rank).",
        low=1e-6,
        high=10**6,
    )
    exchanges: float = setting(
        EXCHANGES,
        "Share of children that exchange two targets; the others redraw one or two.",
        low=0,
        high=1,
    )
    keep: int = setting(1000, "Candidates in the report.", low=1, high=10**7)
    seed: int = setting(0, "Seed.", low=0, high=MAX_SEED)
    classes: tuple[str, ...] = setting(
        (), "Only automata of all these classes count: NAME or not-NAME.", flags=()
    )
    partial: bool = setting(False, PARTIAL_HELP, later=True)
    undefined: float | None = setting(None, UNDEFINED_HELP, low=0, high=1, without=1, later=True)

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
        check_restriction(self.classes, self.n)
        object.__setattr__(self, "undefined", undefined_share(self.partial, self.undefined))
