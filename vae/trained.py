"""A trained model with the data that it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from automata.classes import check_classes
from data.checks import TEXT, list_of
from data.damage import DataError, reading
from data.dataset import Dataset, read_dataset
from data.run_record import read_run_record
from vae.checkpoint import load_model, model_shape, read_config, weights_sha256
from vae.config import ModelConfig, TrainConfig
from vae.history import concerns, read_metrics
from vae.model import VAE
from vae.threads import torch_threads
from vae.train import describe_data


def training_folder(model: Path | str) -> Path:
    """Return the dataset folder that the run record of a model folder names.

    Raises
    ------
    DataError
        If `model` is not a model folder, its training has not finished, or its record names no
        dataset.
    """
    model = Path(model)
    read_config(model)
    if not (model / "run.json").exists():
        raise DataError(
            f"{model}: no run.json, which train writes when it has finished: the same train "
            "command goes on, or give --data to use the last checkpoint"
        )
    record = read_run_record(model)
    if "data" not in record["inputs"]:
        raise DataError(f"{model / 'run.json'}: names no dataset; give --data")
    return Path(record["inputs"]["data"])


def load_trained(
    folder: Path | str,
    data: Path | str,
    device: torch.device,
    workers: int,
    build: Callable[[ModelConfig], VAE] = VAE,
) -> tuple[VAE, Dataset, str]:
    """Load a model and the rows of the dataset that it was trained on.

    Parameters
    ----------
    folder : Path or str
        The model folder.
    data : Path or str
        The dataset folder.
    device : torch.device
        The device of the model.
    workers : int
        Threads.
    build : callable
        Makes the untrained model of a config, as in `vae.train.train`.

    Returns
    -------
    model : VAE
    dataset : Dataset
    weights : str
        The SHA-256 of the model's weights.

    Raises
    ------
    DataError
        If one of them is missing or damaged, the model was trained on other data, or it is being
        trained.
    """
    folder, data = Path(folder), Path(data)
    torch.set_num_threads(torch_threads())
    weights = weights_sha256(folder)
    model = load_model(folder, build).to(device)
    if weights_sha256(folder) != weights:
        raise DataError(f"{folder}: is being trained: wait until that is done")
    dataset = read_dataset(data, _training_classes(folder), workers=workers)
    if read_config(folder)["data"] != describe_data(dataset):
        unknown = "" if (folder / "run.json").exists() else "; no run.json names its classes"
        raise DataError(
            f"{data}: n={dataset.n}, k={dataset.k}{_kind(dataset.partial)}, {len(dataset)} rows, "
            f"not what {folder} (n={model.config.n}, k={model.config.k}"
            f"{_kind(model.config.partial)}) was trained on{unknown}"
        )
    return model, dataset, weights


def _kind(partial: bool) -> str:
    return ", partial" if partial else ""


def doubts(folder: Path | str) -> list[str]:
    """Say in a sentence each why a model may not be worth a search yet.

    Its training has not ended, or its latent space has collapsed.

    Raises
    ------
    DataError
        If `folder` is not a model folder.
    """
    found = read_config(folder)
    model, config = model_shape(found), TrainConfig(**found["train"])
    return concerns(read_metrics(Path(folder), model), model, config, found["stages"])


def _training_classes(model: Path) -> tuple[str, ...]:
    """Return the classes in the model's run record: only their automata were trained on."""
    if not (model / "run.json").exists():
        return ()
    config = read_run_record(model)["config"]
    with reading(model / "run.json", "the record of a training run"):
        list_of(TEXT)("classes", config.get("classes", []))
        check_classes(config.get("classes", []))
    return tuple(config.get("classes", []))
