"""The history of a training: ``metrics.csv``, one row an epoch, and what follows from it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from data.checks import Check, list_of, number, record, whole
from data.damage import open_file, reading
from vae.config import ModelConfig, TrainConfig

Metrics = list[dict[str, float]]
_FIRST_COLUMNS = (
    *("epoch", "train_reconstruction", "train_kl", "held_out_reconstruction", "held_out_kl"),
    *("exact_from_mu", "exact_from_sample", "active_units", "samples_per_second"),
)
"""All columns of earlier versions."""
_COLUMNS = (
    *_FIRST_COLUMNS,
    *("beta", "learning_rate", "held_out_ratio", "held_out_objective", "kept"),
)
_ADVERSARY = ("train_discriminator", "train_generator", "train_features")
_GUIDE = ("held_out_guide",)
_WHOLE = {"kept": whole(0, 1), "epoch": whole(1, 10**9), "active_units": whole(0, 10**9)}
_MOST_BYTES = 1 << 28
COLLAPSED = 0.1
"""A latent space is called collapsed if fewer of its units than this share are active."""


def metric_columns(model: ModelConfig) -> tuple[str, ...]:
    """Return the columns of ``metrics.csv``: ``kl_i`` is the KL of the latent dimension i.

    Examples
    --------
    >>> metric_columns(ModelConfig(latent=2))[-3:]
    ('kept', 'kl_0', 'kl_1')
    """
    adversary, guide = bool(model.options.adversarial), model.options.guide
    dimensions = model.kl_parts if model.kl_parts == model.latent else 0
    return (
        *_COLUMNS,
        *(_ADVERSARY if adversary else ()),
        *(_GUIDE if guide else ()),
        *(f"kl_{i}" for i in range(dimensions)),
    )


def check_metrics(model: ModelConfig) -> Check:
    """Return the check that a value is the metrics of a model of this shape."""
    return list_of(_row(metric_columns(model)))


def read_metrics(folder: Path, model: ModelConfig) -> Metrics:
    """Read ``metrics.csv``; earlier versions wrote fewer columns.

    Raises
    ------
    DataError
        If the file is missing or damaged.
    """
    path = folder / "metrics.csv"
    with open_file(path) as file, reading(path, "the metrics of a training"):
        content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError(f"over {_MOST_BYTES} bytes")
        rows = csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
        names = tuple(next(rows, ()))
        columns = _FIRST_COLUMNS if names == _FIRST_COLUMNS else metric_columns(model)
        if names != columns:
            raise ValueError(f"its columns are not {', '.join(columns)}"[:200])
        metrics = [
            {
                name: int(cell) if name in _WHOLE else float(cell)
                for name, cell in zip(names, row, strict=True)
            }
            for row in rows
        ]
        list_of(_row(columns))("metrics", metrics)
    return metrics


def objective(row: dict[str, float]) -> float:
    """Return the held-out objective of an epoch; that of earlier versions, the loss at beta 1."""
    if "held_out_objective" in row:
        return row["held_out_objective"]
    return row["held_out_reconstruction"] + row["held_out_kl"]


def best_epoch(metrics: Metrics) -> int:
    """Return the number of epochs up to the one with the least held-out objective, the first such.

    Examples
    --------
    >>> best_epoch([{"held_out_objective": loss} for loss in (3.0, 1.0, 2.0, 1.0)])
    2
    """
    return min(range(len(metrics)), key=lambda index: objective(metrics[index])) + 1


def kept_epoch(metrics: Metrics, config: TrainConfig) -> int:
    """Return the number of epochs up to the one whose weights are kept."""
    return len(metrics) if config.keep == "last" else best_epoch(metrics)


def has_ended(metrics: Metrics, config: TrainConfig, stages: Sequence[int] = ()) -> bool:
    """Return whether no epoch is left, or too many in a row brought nothing better.

    Parameters
    ----------
    metrics : list of dict
    config : TrainConfig
    stages : sequence of int
        The epochs after which the training was extended: patience begins anew there.

    Examples
    --------
    >>> rows = [{"held_out_objective": loss} for loss in (2.0, 1.0, 3.0, 4.0)]
    >>> config = TrainConfig(epochs=9, patience=2)
    >>> has_ended(rows, config), has_ended(rows, config, [3])
    (True, False)
    """
    if not metrics:
        return False
    last = max([best_epoch(metrics), *stages])
    return len(metrics) >= config.epochs or len(metrics) - last >= config.patience


def concerns(
    metrics: Metrics, model: ModelConfig, config: TrainConfig, stages: Sequence[int]
) -> list[str]:
    """Say in a sentence each why a trained model may not be worth a search yet."""
    found = []
    if not has_ended(metrics, config, stages):
        found.append(
            f"its training has not ended ({len(metrics)} of {config.epochs} epochs): "
            "the same train command goes on"
        )
    active = metrics[kept_epoch(metrics, config) - 1]["active_units"]
    if active < COLLAPSED * model.latent:
        found.append(
            f"its latent space has collapsed ({active} of {model.latent} units are active): "
            "train with a lower --beta, or with --free-bits"
        )
    return found


def _row(columns: Sequence[str]) -> Check:
    return record({name: _WHOLE.get(name, number(-1e30, 1e30)) for name in columns})
