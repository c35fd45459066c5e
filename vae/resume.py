"""Reads ``resume.pt``, the state from which training goes on; a stranger may have written it."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import torch

from data.checks import list_of, number, record, whole
from data.damage import DataError, open_file, reading
from vae.checkpoint import METRIC_COLUMNS, check_tensors

_MOST_METRICS = 1 << 28
"""Most bytes of the metrics of a million epochs and the names of all weights."""
_METRICS = list_of(
    record(
        {
            name: whole(0, 10**9) if name in ("epoch", "active_units") else number(-1e30, 1e30)
            for name in METRIC_COLUMNS
        }
    )
)


def read_resume(
    path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, epochs: int
) -> dict[str, Any]:
    """Read the state from which training goes on, and check that it fits this training.

    Parameters
    ----------
    path : Path
        Only tensors and plain values in it are unpickled.
    model : Module
        The model to be trained.
    optimizer : Optimizer
        The optimizer of its parameters.
    epochs : int
        The most epochs of this training.

    Returns
    -------
    dict
        ``model``, ``best``, ``optimizer``, ``progress`` and ``metrics``, as `vae.train` wrote them.

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
        names = ("model", "best", "optimizer", "progress", "metrics")
        if type(found) is not dict or {*found} != {*names}:
            raise ValueError(f"does not hold {', '.join(names)}")
        for name in ("model", "best"):
            check_tensors(name, found[name], weights)
        _check_optimizer(found["optimizer"], optimizer)
        _METRICS("metrics", found["metrics"])
        _check_progress(found["progress"], found["metrics"], epochs)
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


def _check_progress(found: Any, metrics: list[dict[str, float]], epochs: int) -> None:
    """Raise ValueError unless the progress follows from the metrics."""
    losses = [row["held_out_reconstruction"] + row["held_out_kl"] for row in metrics]
    if not 1 <= len(losses) <= epochs or not all(math.isfinite(loss) for loss in losses):
        raise ValueError(f"metrics of {len(losses)} epochs, not of 1..{epochs}")
    if [row["epoch"] for row in metrics] != [*range(1, len(losses) + 1)]:
        raise ValueError("metrics of other epochs than 1, 2, ..")
    best = min(losses)
    expected = [len(losses), len(losses) - 1 - losses.index(best), best]
    same = type(found) is list and [*map(type, found)] == [int, int, float] and found == expected
    if not same:
        raise ValueError(f"progress is not {expected}")
