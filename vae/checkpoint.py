"""The model folder: model.safetensors, config.json, metrics.csv, resume.pt, checksums.json."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from data.damage import DataError, read_json, reading
from data.files import check_files, commit_files, read_checksums, write_json
from vae.model import VAE, ModelConfig

Metrics = list[dict[str, float]]
MAX_THREADS = 1024
MODEL_FILES = ("model.safetensors", "config.json", "metrics.csv", "resume.pt")


def save_checkpoint(
    folder: Path,
    best: Mapping[str, Tensor],
    config: Mapping[str, Any],
    metrics: Metrics,
    resume: Mapping[str, Any],
) -> None:
    """Write the whole model folder as it stands after an epoch, all or nothing.

    Parameters
    ----------
    folder : Path
    best : mapping
        The weights to use: those with the best held-out ELBO.
    config : mapping
        Must hold ``model``, the fields of a `ModelConfig`.
    metrics : list of dict
        One row an epoch.
    resume : mapping
        What training needs to go on: tensors and plain values only.
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in best.items()}
    table = io.StringIO()
    writer = csv.DictWriter(table, list(metrics[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(metrics)
    buffer = io.BytesIO()  # written by us, so that a full disk is an OSError
    torch.save(dict(resume), buffer)
    commit_files(
        folder,
        {
            "model.safetensors": lambda path: path.write_bytes(save(weights)),
            "config.json": lambda path: write_json(path, dict(config)),
            "metrics.csv": lambda path: path.write_text(table.getvalue(), encoding="utf-8"),
            "resume.pt": lambda path: path.write_bytes(buffer.getvalue()),
        },
    )


def load_model(folder: Path) -> VAE:
    """Load a trained model, on the CPU, ready to use.

    Raises
    ------
    DataError
        If the folder is missing, damaged, or its weights do not fit its config.
    """
    config = read_config(folder)
    with reading(folder / "config.json", "the config of a model"):
        model_config = ModelConfig(**config["model"])
    with reading(folder / "model.safetensors", "the weights of a model"):
        weights = load_file(folder / "model.safetensors")
    model = VAE(model_config)
    expected = {name: (tuple(t.shape), t.dtype) for name, t in model.state_dict().items()}
    found = {name: (tuple(t.shape), t.dtype) for name, t in weights.items()}
    if found != expected:
        wrong = sorted(name for name in expected | found if expected.get(name) != found.get(name))
        raise DataError(f"{folder}: weights that do not fit config.json: {', '.join(wrong[:3])}")
    model.load_state_dict(weights)
    model.eval()
    return model


def read_config(folder: Path) -> dict[str, Any]:
    """Read and check the configuration of a model folder.

    Raises
    ------
    DataError
        If the folder is missing or damaged.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    if not (folder / "checksums.json").exists():
        raise DataError(f"{folder}: not a model folder (it has no checksums.json)")
    check_files(folder, *MODEL_FILES)
    config = read_json(folder / "config.json")
    if not isinstance(config, dict) or not isinstance(config.get("model"), dict):
        raise DataError(f"{folder / 'config.json'}: not the config of a model")
    return config


def weights_sha256(folder: Path) -> str:
    """Return the SHA-256 of the weights of a model folder.

    Raises
    ------
    DataError
        As `read_config`.
    """
    read_config(folder)
    return read_checksums(folder)["model.safetensors"]


def recorded_threads(found: Mapping[str, Any], path: Path) -> int:
    """Return the number of threads that a record names.

    Raises
    ------
    DataError
        If it is none that torch could be given.
    """
    threads = found.get("threads")
    if type(threads) is not int or not 1 <= threads <= MAX_THREADS:
        raise DataError(f"{path}: threads={threads} is not in 1..{MAX_THREADS}")
    return threads


def load_resume(folder: Path) -> dict[str, Any]:
    """Load what training needs to go on, from a folder that `read_config` has checked."""
    resume: dict[str, Any] = torch.load(folder / "resume.pt", weights_only=True, map_location="cpu")
    return resume
