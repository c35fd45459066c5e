"""The settings of the lecture."""

from __future__ import annotations

from dataclasses import dataclass

from automata.arguments import MAX_SEED
from automata.settings import check_settings, setting


@dataclass(frozen=True)
class LectureConfig:
    """How long the models of the lecture are trained, and on how much."""

    rows: int = setting(10_000, "Images of digits at most.", low=500, high=10**6)
    latent: int = setting(16, "Dimensions of the larger latent space.", low=3, high=256)
    steps: int = setting(2000, "Steps of each model of digits.", low=1, high=10**6)
    automata: int = setting(20_000, "Automata of the training set.", low=100, high=10**7)
    epochs: int = setting(10, "Epochs of the model of automata.", low=1, high=10**4)
    seed: int = setting(0, "Seed.", low=0, high=MAX_SEED)

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)
