"""The settings of a discovery: sizes, budgets, learning, leaps."""

from __future__ import annotations

from dataclasses import dataclass, field

from automata.classes import check_restriction
from automata.settings import added_later, check_settings, letters, setting
from automata.sizes import CANONICAL_MAX_STATES, UNDEFINED_SHARE
from data.configs import PARTIAL_HELP
from vae.config import TOKEN_KINDS, ModelConfig, ModelOptions

SOURCE_NAMES = (
    *("posterior", "posterior-sampled", "interpolation", "encode-decode", "prior", "cooled"),
    *("insertion", "stretching", "constructive", "cma-es", "gradient", "arithmetic"),
    *("breeding", "editing", "editing-from-z", "sampling", "climbing"),
)
"""Names of the sources in tables; here, so that reading tables does not load the model."""
_START = 8
"""Where the sizes that are evolved end by default."""


@dataclass(frozen=True)
class LearnConfig:
    """The settings of training, and the shape of the model."""

    elites: int = setting(
        4000, "Automata of each size that the model learns from.", low=2, high=10**7
    )
    """The automata with the longest thresholds."""
    first_steps: int = setting(
        800, "Most steps of training before the first leap.", low=0, high=10**7
    )
    """A training ends sooner if its loss no longer falls; see `vae.schedule.Schedule`."""
    steps: int = setting(300, "Most steps of training before each further leap.", low=0, high=10**7)
    latent: int = setting(24, "Dimensions of the latent space.", low=0, high=4096)
    """0: an autoregressive model of tokens, without a latent space."""
    tokens: str = setting("combined", "Names of target states.", choices=TOKEN_KINDS, flags=())
    embedding: int = setting(16, "Dimensions of a token's embedding.", low=1, high=4096, flags=())
    channels: int = setting(
        64, "Channels of the encoder's convolutions.", low=1, high=4096, flags=()
    )
    hidden: int = setting(128, "Width of the decoder's GRU layers.", low=1, high=4096, flags=())
    batch: int = setting(64, "Automata in each training step.", low=1, high=10**6, flags=())
    learning_rate: float = setting(6e-3, "Highest learning rate.", low=1e-9, high=10, flags=())
    """Further trainings have a third of it."""
    weight_decay: float = setting(1e-4, "Weight decay of AdamW.", low=0, high=10**6, flags=())
    clip: float = setting(1.0, "Largest gradient norm.", low=1e-9, high=10**9, flags=())
    beta: float = setting(0.1, "Weight of the KL term.", low=0, high=10**6, flags=())
    warmup: float = setting(
        0.2, "Share of the first steps over which beta rises from 0.", low=0, high=1, flags=()
    )
    softness: float = setting(
        0.003,
        "Weights of automata of one size: 1 / (softness*elites + rank).",
        low=1e-6,
        high=10**6,
        flags=(),
    )
    recency: float = setting(
        0.3,
        "Weights of sizes: exp(-recency * (largest size - n)).",
        low=0,
        high=100,
        flags=(),
    )
    shuffled_ranks: bool = setting(False, "Whether ranks are shuffled: an ablation.", flags=())
    options: ModelOptions = added_later(ModelOptions)
    """Of a model with a latent space."""

    def __post_init__(self) -> None:
        """Check every value against its limit, and the options against the latent space."""
        check_settings(self)
        self.model(1, 1)

    def model(self, most: int, k: int, *, partial: bool = False) -> ModelConfig:
        """Return the shape of the model for sizes up to `most`, of complete or partial automata."""
        return ModelConfig(
            n=most,
            k=k,
            tokens=self.tokens,
            any_size=True,
            latent=self.latent,
            embedding=self.embedding,
            channels=self.channels,
            hidden=self.hidden,
            options=self.options if self.latent else ModelOptions(),
            partial=partial,
        )


@dataclass(frozen=True)
class LeapConfig:
    """The settings of leaps, which make automata of one size from smaller ones."""

    batch: int = setting(
        256, "Automata a source proposes at a time.", low=1, high=10**6, name="leap-batch", flags=()
    )
    back: int = setting(
        2, "Parents are elites of this many preceding sizes.", low=1, high=64, flags=()
    )
    """2, because some families exist for one parity of n only."""
    softness: float = setting(
        0.0003,
        "Weights of parents: 1 / (softness*elites + rank).",
        low=1e-6,
        high=10**6,
        name="parent-softness",
        flags=(),
    )
    temperature: float = setting(
        0.7, "Temperature of the sources that sample.", low=1e-3, high=1000, flags=()
    )
    repair: int = setting(
        2,
        "Transitions that may change to make a decoded automaton synchronize.",
        low=0,
        high=10**4,
        flags=(),
    )

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)


@dataclass(frozen=True)
class DiscoverConfig:
    """The settings of a discovery."""

    k: int = letters(2, name="letters")
    least: int = setting(5, "The smallest size.", low=1, high="most", name="from")
    most: int = setting(16, "The largest size.", low=1, high=CANONICAL_MAX_STATES, name="to")
    start_to: int = setting(
        None,
        "Sizes up to this one are evolved from random automata. Default: 8, or the nearest size.",
        low="least",
        high="most",
    )
    """The first training uses these sizes. None becomes 8, or the nearest size."""
    start_budget: int = setting(
        300_000, "Solver calls at each size up to --start-to.", low=1, high=10**9
    )
    budget: int = setting(30_000, "Solver calls at each size above --start-to.", low=1, high=10**9)
    first_look: int = setting(
        5_000,
        "Calls of the budget before evolution takes over; in a mix the window of scores alone.",
        low=1,
        high=10**9,
    )
    parents: int = setting(
        4000,
        "Evolution breeds from this many distinct automata with the longest thresholds.",
        low=1,
        high=10**8,
        flags=(),
    )
    generation: int = setting(
        512, "Children in each generation of evolution.", low=1, high=10**6, flags=()
    )
    softness: float = setting(
        0.02,
        "Weights of parents in evolution: 1 / (softness*parents + rank).",
        low=1e-6,
        high=10**6,
        flags=(),
    )
    classes: tuple[str, ...] = setting(
        (), "Only automata of all these classes count: NAME or not-NAME.", flags=()
    )
    learn: LearnConfig = field(default_factory=LearnConfig)
    leap: LeapConfig = field(default_factory=LeapConfig)
    partial: bool = setting(False, PARTIAL_HELP, later=True)

    def __post_init__(self) -> None:
        """Check every value against its limit; find the default of `start_to`."""
        by_default = self.start_to is None
        if by_default:
            object.__setattr__(self, "start_to", self.least)
        check_settings(self)
        if by_default:
            nearest = min(max(_START, self.least), self.most)
            object.__setattr__(self, "start_to", nearest)
        check_restriction(self.classes, self.most)

    @property
    def undefined(self) -> float | None:
        """The share of undefined transitions of random automata, None for complete ones."""
        return UNDEFINED_SHARE if self.partial else None
