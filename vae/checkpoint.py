"""The model folder: model.safetensors, config.json, metrics.csv, resume.pt, checksums.json."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from automata.canonical import CANONICAL_MAX_LETTERS, CANONICAL_MAX_STATES
from data.checks import DIGEST, TEXT, anything, build, list_of, names_of, one_of, record, whole
from data.commits import check_files, commit_files, read_checksums
from data.damage import DataError, open_file, read_json, reading
from data.files import write_json
from vae.config import ModelConfig, TrainConfig
from vae.history import Metrics
from vae.model import VAE

MAX_THREADS = 1024
MODEL_FILES = ("model.safetensors", "config.json", "metrics.csv", "resume.pt")
_MOST_HEADER = 1 << 20
"""Most bytes of the names and shapes of all weights."""
_CONFIG = record(
    {
        "model": anything,
        "train": anything,
        "data": record(
            {
                "n": whole(1, CANONICAL_MAX_STATES),
                "k": whole(1, CANONICAL_MAX_LETTERS),
                "rows": whole(1, 10**15),
                "sha256": DIGEST,
            }
        ),
        "device": one_of("cpu", "cuda"),
        "precision": one_of("float32", "bfloat16"),
        "versions": names_of(TEXT),
        "threads": whole(1, MAX_THREADS),
    },
    {"stages": list_of(whole(1, 10**6))},
)


def save_checkpoint(
    folder: Path,
    kept: Mapping[str, Tensor],
    config: Mapping[str, Any],
    metrics: Metrics,
    resume: Mapping[str, Any],
) -> None:
    """Write all files of the model folder after an epoch, or none.

    Parameters
    ----------
    folder : Path
    kept : mapping
        The weights that a search will use, by name.
    config : mapping
        Must hold ``model``, the fields of a `ModelConfig`.
    metrics : list of dict
        One row an epoch.
    resume : mapping
        The state from which training can go on: only tensors and plain values.
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in kept.items()}
    table = io.StringIO()
    writer = csv.DictWriter(table, list(metrics[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(metrics)
    buffer = io.BytesIO()  # we write the file, so that a full disk is an OSError
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


def load_model(folder: Path | str, build: Callable[[ModelConfig], VAE] = VAE) -> VAE:
    """Load a trained model, on the CPU, ready to use.

    Parameters
    ----------
    folder : Path or str
    build : callable
        Makes the untrained model of a config, as in `vae.train.train`.

    Raises
    ------
    DataError
        If the folder is missing, damaged, or its weights do not fit its config.
    """
    folder = Path(folder)
    model_config = model_shape(read_config(folder))
    with torch.device("meta"):  # allocates nothing but zuko's flows, however large the config
        shape = build(model_config)
    weights = read_weights(folder / "model.safetensors", shape)
    model = build(model_config)
    model.load_state_dict(weights)
    model.eval()
    return model


def read_weights(path: Path, model: torch.nn.Module) -> dict[str, Tensor]:
    """Read weights for a model, with its names, shapes and types, to the CPU.

    Raises
    ------
    DataError
        If the file is damaged or of another model, or not all weights are finite.
    """
    expected = model.state_dict()
    most = sum(tensor.nbytes for tensor in expected.values()) + _MOST_HEADER
    with open_file(path) as file, reading(path, "the weights of this model"):
        content = file.read(most + 1)
        if len(content) > most:
            raise ValueError(f"over {most} bytes, more than there are weights")
        weights: dict[str, Tensor] = load(content)
        check_tensors("weights", weights, expected)
    return weights


def check_tensors(place: str, found: Any, expected: Mapping[str, Tensor]) -> None:
    """Raise ValueError unless tensors have these names, shapes and types, and all are finite."""
    if not isinstance(found, dict) or any(type(name) is not str for name in found):
        raise ValueError(f"{place} is not a set of named tensors")
    wrong = sorted(
        name
        for name in {*found, *expected}
        if name not in found or name not in expected or not _alike(found[name], expected[name])
    )
    if wrong:
        raise ValueError(f"{place} with other tensors: {', '.join(wrong[:3])}"[:200])
    for name, tensor in found.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{place}.{name} holds numbers that are not finite")


def _alike(found: Any, expected: Tensor) -> bool:
    """Return whether `found` is a plain tensor in memory, of the expected shape and type."""
    return (
        type(found) is Tensor
        and found.layout == torch.strided
        and found.device.type == "cpu"
        and (found.shape, found.dtype) == (expected.shape, expected.dtype)
        and found.is_contiguous()
        and found.untyped_storage().nbytes() >= found.nbytes
    )


def read_config(folder: Path | str) -> dict[str, Any]:
    """Read and check the configuration of a model folder.

    Returns
    -------
    dict
        ``model``, ``train``, ``data``, ``device``, ``precision``, ``versions``, ``threads``, and
        ``stages``: the epochs after which the training was extended.

    Raises
    ------
    DataError
        If the folder is missing or damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    if not (folder / "checksums.json").exists():
        raise DataError(
            f"{folder}: not a model folder (no checksums.json, which train writes with its first "
            "epoch)"
        )
    check_files(folder, *MODEL_FILES)
    path = folder / "config.json"
    config: dict[str, Any] = read_json(path)
    with reading(path, "the config of a model"):
        _CONFIG("config", config)
        model = build(ModelConfig, config["model"], "model")
        if (config["data"]["n"], config["data"]["k"]) != (model.n, model.k):
            raise ValueError(f"a model of n={model.n}, k={model.k} for data of another size")
        train = build(TrainConfig, config["train"], "train")
        return {"stages": [], **config, "model": asdict(model), "train": asdict(train)}


def model_shape(found: Mapping[str, Any]) -> ModelConfig:
    """Return the shape of the model whose configuration `read_config` found."""
    return build(ModelConfig, found["model"], "model")


def weights_sha256(folder: Path | str) -> str:
    """Return the SHA-256 of the weights of a model folder.

    Raises
    ------
    DataError
        As `read_config`.
    """
    folder = Path(folder)
    read_config(folder)
    return read_checksums(folder)["model.safetensors"]


def recorded_threads(found: Mapping[str, Any], path: Path) -> int:
    """Return the number of threads that a record names.

    Raises
    ------
    DataError
        If it is not an integer in 1..1024.
    """
    threads = found.get("threads")
    if type(threads) is not int or not 1 <= threads <= MAX_THREADS:
        raise DataError(f"{path}: threads={str(threads)[:20]} is not in 1..{MAX_THREADS}")
    return threads
