"""The settings of a model and of its training, as the model folder records them."""

from __future__ import annotations

from dataclasses import dataclass

from automata.arguments import MAX_SEED
from automata.settings import added_later, check_settings, setting
from automata.sizes import CANONICAL_MAX_LETTERS, CANONICAL_MAX_STATES

TOKEN_KINDS = ("absolute", "relative", "combined")
PATHS = ("linear", "polar", "great-circle")
DECODERS = ("autoregressive", "repeat")
PRIORS = ("normal", "mixture", "vamp", "sphere", "flow")
POSTERIORS = ("diagonal", "planar", "iaf")
WEIGHTS = ("rank", "uniform")
KEEPS = ("best", "last")
PRECISIONS = ("auto", "float32", "bfloat16")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class ModelOptions:
    """What a model may have besides a normal prior and a diagonal posterior."""

    prior: str = setting("normal", "Prior of the latent space.", choices=PRIORS)
    """`vae.priors` defines each."""
    components: int = setting(
        64, "Components of the mixture prior, pseudo-inputs of vamp.", low=1, high=10**4
    )
    posterior: str = setting(
        "diagonal", "Posterior: a normal, or one bent by flows.", choices=POSTERIORS
    )
    """`vae.posteriors` defines each."""
    flow_layers: int = setting(4, "Layers of a posterior's flow.", low=1, high=64)
    guide: bool = setting(False, "Predict threshold and classes from z, in training too.")
    """See `vae.guide`."""
    adversarial: float = setting(
        0.0, "Weight of a discriminator's terms in the loss; 0: none.", low=0, high=10**3
    )
    """See `vae.adversary`."""

    def __post_init__(self) -> None:
        """Check every value against its limit, and which fit together."""
        check_settings(self)
        if self.prior in ("vamp", "sphere") and self.posterior != "diagonal":
            raise ValueError(f"prior={self.prior} needs posterior=diagonal, not {self.posterior}")


@dataclass(frozen=True)
class ModelConfig:
    """The shape of the model."""

    n: int = setting(
        8, "States: the most, for a model of any size.", low=1, high=CANONICAL_MAX_STATES, flags=()
    )
    k: int = setting(2, "Letters.", low=1, high=CANONICAL_MAX_LETTERS, flags=())
    tokens: str = setting(
        "absolute",
        "Names of target states: absolute, relative to the source, or combined.",
        choices=TOKEN_KINDS,
    )
    any_size: bool = setting(False, "Whether the model is for every size up to n.", flags=())
    decoder: str = setting(
        "autoregressive",
        "autoregressive (previous outputs too) or repeat (z alone).",
        choices=DECODERS,
    )
    latent: int = setting(32, "Dimensions of the latent space.", low=0, high=4096)
    """0: no latent space, the decoder alone; only the command discover makes such models."""
    embedding: int = setting(16, "Dimensions of a token's embedding.", low=1, high=4096)
    channels: int = setting(64, "Channels of the encoder's convolutions.", low=1, high=4096)
    convolutions: int = setting(3, "Convolutions of the encoder.", low=1, high=64)
    hidden: int = setting(160, "Width of the decoder's GRU layers.", low=1, high=4096)
    layers: int = setting(1, "GRU layers.", low=1, high=64)
    token_dropout: float = setting(
        0.2, "Share of previous outputs hidden in training.", low=0, high=1, without=1
    )
    """Only the autoregressive decoder sees previous outputs."""
    min_log_sigma: float = setting(-3.0, "Least log sigma of the posterior.", flags=())
    options: ModelOptions = added_later(ModelOptions)
    partial: bool = setting(False, "Whether letters may be undefined.", flags=(), later=True)
    """Whether the model is for partial automata: then its vocabulary has one more name."""

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
        if self.latent == 0 and not self.any_size:
            raise ValueError("latent=0 is only for models of any size, which discover makes")
        if self.latent == 0 and self.options != ModelOptions():
            raise ValueError("latent=0: a model without a latent space has no options of one")
        if self.latent == 1 and self.options.prior in ("sphere", "flow"):
            raise ValueError(f"latent=1 is below 2: too few for prior={self.options.prior}")

    @property
    def targets(self) -> int:
        """Number of values of a token at the largest size: its states, and undefined if partial."""
        return self.n + self.partial

    @property
    def spherical(self) -> bool:
        """Whether the latent space is the sphere of radius 1."""
        return self.options.prior == "sphere"

    @property
    def kl_parts(self) -> int:
        """Number of terms whose sum is the KL: one for each dimension, or one in all."""
        plain = self.options.prior == "normal" and self.options.posterior == "diagonal"
        return self.latent if plain else 1


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained."""

    epochs: int = setting(30, "Epochs at most.", low=1, high=10**6)
    epoch_rows: int = setting(0, "Rows an epoch; 0: as many as there are.", low=0, high=10**12)
    """As many as the training split holds."""
    batch: int = setting(512, "Rows a step.", low=1, high=10**6)
    learning_rate: float = setting(2e-3, "Highest learning rate.", low=1e-9, high=10)
    weight_decay: float = setting(1e-4, "Weight decay of AdamW.", low=0, high=10**6)
    clip: float = setting(1.0, "Largest gradient norm.", low=1e-9, high=10**9)
    beta: float = setting(0.2, "Weight of the KL term.", low=0, high=10**6)
    warmup: float = setting(0.2, "Share of the steps over which beta rises.", low=0, high=1)
    """It rises linearly from 0."""
    free_bits: float = setting(0.0, "Nats a dimension may hold at no cost.", low=0, high=10**3)
    ratio_weight: float = setting(
        1.0, "Weight of the predicted threshold's error.", low=0, high=10**6
    )
    """The error is the squared error of the predicted threshold / Černý bound."""
    weights: str = setting(
        "rank", "rank (long thresholds are drawn more often) or uniform.", choices=WEIGHTS
    )
    softness: float = setting(
        0.005, "Rank weights are 1 / (softness*rows + rank).", low=1e-6, high=10**6
    )
    held_out: float = setting(0.05, "Share of the rows held out.", low=1e-4, high=0.5)
    keep: str = setting(
        "best", "Keep the weights of the best held-out objective, or the last.", choices=KEEPS
    )
    """The objective is what training minimises, with beta at its full value."""
    patience: int = setting(
        10,
        "Epochs without a better held-out objective before training stops.",
        low=1,
        high=10**6,
    )
    precision: str = setting(
        "auto",
        "Kind of numbers; auto: bfloat16 on a GPU that has it, float32 on a CPU.",
        choices=PRECISIONS,
    )
    """docs/results.md gives the reasons."""
    seed: int = setting(0, "Seed.", low=0, high=MAX_SEED)

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
