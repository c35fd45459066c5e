"""How a model is trained, as its folder records it."""

from __future__ import annotations

from dataclasses import dataclass

from automata.arguments import check_setting

WEIGHTS = ("rank", "uniform")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained."""

    epochs: int = 30
    epoch_rows: int = 0
    """Rows an epoch; 0: as many as the training split holds."""
    batch: int = 512
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    clip: float = 1.0
    """Largest gradient norm."""
    beta: float = 0.2
    warmup: float = 0.2
    """Share of all steps over which beta rises from 0."""
    free_bits: float = 0.0
    """Nats a latent dimension may hold at no cost."""
    ratio_weight: float = 1.0
    """Weight of the squared error of the predicted threshold / Černý bound."""
    weights: str = "rank"
    """``rank``: rows with longer thresholds are drawn more often; ``uniform``."""
    softness: float = 0.005
    """Rank weights are 1 / (softness*rows + rank)."""
    held_out: float = 0.05
    patience: int = 10
    """Epochs without a better held-out ELBO after which training stops."""
    precision: str = "auto"
    """``auto``: bfloat16 on a GPU that has it, float32 on a CPU (docs/results.md says why)."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        for name, value, low, high in [
            ("epochs", self.epochs, 1, 10**6),
            ("epoch-rows", self.epoch_rows, 0, 10**12),
            ("batch", self.batch, 1, 10**6),
            ("learning-rate", self.learning_rate, 1e-9, 10),
            ("weight-decay", self.weight_decay, 0.0, 10**6),
            ("clip", self.clip, 1e-9, 10**9),
            ("beta", self.beta, 0.0, 10**6),
            ("warmup", self.warmup, 0.0, 1),
            ("free-bits", self.free_bits, 0.0, 10**3),
            ("ratio-weight", self.ratio_weight, 0.0, 10**6),
            ("softness", self.softness, 1e-6, 10**6),
            ("held-out", self.held_out, 1e-4, 0.5),
            ("patience", self.patience, 1, 10**6),
            ("seed", self.seed, 0, 2**63 - 1),
        ]:
            check_setting(name, value, low, high)
        if self.weights not in WEIGHTS:
            raise ValueError(f"unknown weights {self.weights!r}: one of {', '.join(WEIGHTS)}")
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"unknown precision {self.precision!r}: one of {', '.join(PRECISIONS)}"
            )
