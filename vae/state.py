"""The state of a training: the model, its optimizer, its history, and the weights that are kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from data.streams import torch_seed
from vae.config import ModelConfig, TrainConfig
from vae.history import Metrics, has_ended, kept_epoch, objective
from vae.model import VAE

REMEDY = "try a lower learning rate"


class TrainingState:
    """The model, its optimizer, and the progress of training.

    Parameters
    ----------
    model_config : ModelConfig
    config : TrainConfig
    device : torch.device
    build : callable
        Makes the untrained model.
    """

    def __init__(
        self,
        model_config: ModelConfig,
        config: TrainConfig,
        device: torch.device,
        build: Callable[[ModelConfig], VAE] = VAE,
    ):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(config.seed, "weights"))
            self.model = build(model_config).to(device)
        self.config = config
        self.device = device
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.metrics: Metrics = []
        self.stages: list[int] = []
        """The epochs after which the training was extended."""
        self.kept: dict[str, Tensor] = {}

    @property
    def epoch(self) -> int:
        """Number of finished epochs."""
        return len(self.metrics)

    @property
    def finished(self) -> bool:
        """Whether no epoch is left, or the last ``patience`` epochs brought nothing better."""
        return has_ended(self.metrics, self.config, self.stages)

    def finish_epoch(self, row: dict[str, float]) -> None:
        """Record an epoch; keep its weights if they are the best so far, or the last are wanted.

        Raises
        ------
        FloatingPointError
            If the held-out objective is not finite.
        """
        loss = objective(row)
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"epoch {self.epoch + 1}: the held-out objective is {loss}; {REMEDY}"
            )
        self.metrics.append(row)
        kept = kept_epoch(self.metrics, self.config)
        for each in self.metrics:
            each["kept"] = int(each["epoch"] == kept)
        if kept == self.epoch:
            self.kept = {name: t.detach().clone() for name, t in self.model.state_dict().items()}

    def dump(self) -> dict[str, Any]:
        """Return the state for `load`: only tensors and plain values."""
        return {
            "model": self.model.state_dict(),
            "kept": self.kept,
            "optimizer": self.optimizer.state_dict(),
            "metrics": self.metrics,
        }

    def load(self, dumped: dict[str, Any], stages: list[int]) -> None:
        """Restore the state that `dump` has returned."""
        self.model.load_state_dict(dumped["model"])
        self.kept = {name: t.to(self.device) for name, t in dumped["kept"].items()}
        self.optimizer.load_state_dict(dumped["optimizer"])
        self.metrics, self.stages = dumped["metrics"], stages
