"""Reads ``resume.pt``, the state from which training goes on; a stranger may have written it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import torch

from data.checks import number
from data.damage import DataError, open_file, reading
from vae.checkpoint import check_tensors
from vae.config import TrainConfig
from vae.history import Metrics, check_metrics, kept_epoch
from vae.model import VAE

_MOST_METRICS = 1 << 28
"""Most bytes of the metrics of a million epochs and the names of all weights."""


def read_resume(
    path: Path, model: VAE, optimizer: torch.optim.Optimizer, config: TrainConfig
) -> dict[str, Any]:
    """Read the state from which training goes on, and check that it fits this training.

    Parameters
    ----------
    path : Path
        Only tensors and plain values in it are unpickled.
    model : VAE
        The model to be trained.
    optimizer : Optimizer
        The optimizer of its parameters.
    config : TrainConfig
        The settings of this training.

    Returns
    -------
    dict
        ``model``, ``kept``, ``optimizer`` and ``metrics``, as `vae.train` wrote them.

    Raises
    ------
    DataError
        If it is damaged, or of another training.
    """
    weights = model.state_dict()
    limit = 5 * sum(tensor.nbytes for tensor in weights.values()) + _MOST_METRICS
    with open_file(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise DataError(f"{path}: over {limit} bytes, more than a checkpoint of this model has")
    with reading(path, "a checkpoint of this model"):
        _check_archive(content)
        found = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
        names = ("model", "kept", "optimizer", "metrics")
        if type(found) is dict and "progress" in found:
            raise ValueError("of an earlier version, which kept other weights: train elsewhere")
        if type(found) is not dict or {*found} != {*names}:
            raise ValueError(f"does not hold {', '.join(names)}")
        for name in ("model", "kept"):
            check_tensors(name, found[name], weights)
        _check_optimizer(found["optimizer"], optimizer)
        check_metrics(model.config)("metrics", found["metrics"])
        _check_epochs(found["metrics"], config)
    checked: dict[str, Any] = found
    return checked


def _check_archive(content: bytes) -> None:
    """Raise ValueError if a zip file is compressed, or its entries exceed its length."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
        if packed or sum(entry.file_size for entry in entries) > len(content):
            raise ValueError("it holds more than its length says")


def _check_optimizer(found: Any, optimizer: torch.optim.Optimizer) -> None:
    """Raise ValueError unless `found` is a state of this optimizer, with sound moments."""
    own = optimizer.state_dict()
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    if type(found) is not dict or {*found} != {"state", "param_groups"}:
        raise ValueError("optimizer is not the state of one")
    if type(found["param_groups"]) is not list or len(found["param_groups"]) != 1:
        raise ValueError("optimizer has other groups of parameters")
    group, expected = found["param_groups"][0], own["param_groups"][0]
    for name in expected.keys() & group.keys():
        if name == "lr":
            number(0, 10)("optimizer.lr", group[name])
        elif type(group[name]) is not type(expected[name]) or group[name] != expected[name]:
            raise ValueError(f"optimizer.{name} is another")
    if not {"params", "lr", "betas", "eps"} <= {*group}:
        raise ValueError("optimizer lacks settings")
    if {*found["state"]} != {*range(len(parameters))}:
        raise ValueError("optimizer is of other parameters")
    steps = set()
    for index, parameter in enumerate(parameters):
        moments = {"exp_avg": parameter, "exp_avg_sq": parameter, "step": torch.tensor(0.0)}
        check_tensors(f"optimizer.{index}", found["state"][index], moments)
        steps.add(float(found["state"][index]["step"]))
    if len(steps) != 1 or not 0 < min(steps) <= 1e15 or min(steps) % 1:
        raise ValueError("optimizer.step is no number of steps")
    if any((moments["exp_avg_sq"] < 0).any() for moments in found["state"].values()):
        raise ValueError("optimizer.exp_avg_sq is negative")


def _check_epochs(metrics: Metrics, config: TrainConfig) -> None:
    """Raise ValueError unless the metrics are those of the first epochs, one of them kept."""
    if not 1 <= len(metrics) <= config.epochs:
        raise ValueError(f"metrics of {len(metrics)} epochs, not of 1..{config.epochs}")
    if [row["epoch"] for row in metrics] != [*range(1, len(metrics) + 1)]:
        raise ValueError("metrics of other epochs than 1, 2, ..")
    kept = kept_epoch(metrics, config)
    if any(row["kept"] != (row["epoch"] == kept) for row in metrics):
        raise ValueError(f"metrics that do not keep epoch {kept}")
