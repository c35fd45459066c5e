"""Training: dataset -> model folder, resumable exactly."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from automata.sampling import threshold_weights
from automata.settings import SettingError, record_of
from automata.sizes import cerny_bound
from automata.solver.exact import Thresholds
from data.claim import claim
from data.damage import DataError
from data.dataset import Dataset
from data.progress import progress
from data.record import differing, versions
from data.streams import stream, torch_seed
from vae.checkpoint import (
    MODEL_FILES,
    read_config,
    recorded_threads,
    save_checkpoint,
)
from vae.config import DEVICES
from vae.config import TrainConfig as TrainConfig
from vae.encoding import encode_deltas
from vae.history import Metrics, metric_columns
from vae.metrics import held_out_metrics
from vae.model import VAE, ModelConfig, NotFiniteError
from vae.resume import read_resume
from vae.state import REMEDY, TrainingState
from vae.steps import StepConfig, learning_rate_share, take_step, warm_up


def train(
    data: Dataset,
    folder: Path | str,
    model_config: ModelConfig,
    config: TrainConfig,
    *,
    device: torch.device | str = "auto",
    build: Callable[[ModelConfig], VAE] = VAE,
) -> Metrics:
    """Train a model, or go on with training that was interrupted, or extend it by more epochs.

    Every epoch ends with a checkpoint. Its random numbers depend only on the seed and the number of
    the epoch, so resumed training on a CPU has the losses of training without interruption.

    An extended training goes on with the beta and the learning rate that the new number of epochs
    gives; it is another training than one of that number from the start.

    Parameters
    ----------
    data : Dataset
    folder : Path or str
        The model folder.
    model_config : ModelConfig
    config : TrainConfig
    device : torch.device or str
        A device, or a name that `choose_device` takes.
    build : callable
        Makes the untrained model of a config: a `VAE`, of which parts may be your own. The folder
        does not hold its code: `vae.checkpoint.load_model` takes the same callable.

    Returns
    -------
    list of dict
        The rows of ``metrics.csv``, one an epoch.

    Raises
    ------
    DataError
        If the folder holds a model of another config or data, the data have another (n, k), or
        they are too few. Only ``epochs`` may differ, and ``patience`` with it: more epochs extend
        the training.
    FloatingPointError
        If training diverges; the checkpoint of the epoch before stays.
    """
    folder = Path(folder)
    check_size(data, model_config)
    training, held_out = data.split(config.held_out)
    if len(training) == 0 or len(held_out) == 0:
        raise DataError(f"{len(data)} rows are too few to train on and hold some out")
    target = choose_device(device)
    precision = _precision(config.precision, target)
    fields = {
        "model": asdict(model_config),
        "train": asdict(config),
        "data": describe_data(data),
        "device": target.type,
        "precision": precision,
    }
    environment: dict[str, Any] = {
        "versions": versions("numpy", "torch"),
        "threads": torch.get_num_threads(),
    }
    state = TrainingState(model_config, config, target, build)
    with claim(folder, "train"):
        _take_up(folder, state, fields, environment)
        rows = _Rows(training, config)
        held = _tensors(held_out)
        with progress(config.epochs * rows.epoch_rows, "train", "automata") as bar:
            bar.update(state.epoch * rows.epoch_rows)
            while not state.finished:
                row = _run_epoch(state, rows, held, precision, bar)
                bar.set_postfix_str(
                    f"reconstruction {row['held_out_reconstruction']:.3f}, "
                    f"KL {row['held_out_kl']:.1f}, "
                    f"exact {row['exact_from_sample']:.1%}",
                    refresh=not state.finished,  # the bar shows its end itself
                )
                written = {"model": record_of(model_config), "stages": state.stages}
                recorded = fields | environment | written
                save_checkpoint(folder, state.kept, recorded, state.metrics, state.dump())
    return state.metrics


def _take_up(
    folder: Path, state: TrainingState, fields: dict[str, Any], environment: dict[str, Any]
) -> None:
    """Load the checkpoint in a folder, if there is one; it must be of this training.

    The environment gets the number of threads at the start of training: sums depend on it in the
    last bits.
    """
    if not any((folder / name).exists() for name in ("checksums.json", *MODEL_FILES)):
        return
    found = read_config(folder)
    had = {name: found[name] for name in fields}
    extended = found["train"]["epochs"] < state.config.epochs
    if extended:
        had["train"] |= {name: fields["train"][name] for name in ("epochs", "patience")}
    if differences := differing(had, fields):
        raise DataError(f"{folder}: a model trained otherwise ({differences})")
    stages = found["stages"]
    dumped = read_resume(folder / "resume.pt", state.model, state.optimizer, state.config)
    state.load(dumped, [*stages, len(dumped["metrics"])] if extended else stages)
    if not state.finished and found.get("versions") != environment["versions"]:
        raise DataError(f"{folder}: begun with other versions of Python or its packages")
    environment["threads"] = recorded_threads(found, folder / "config.json")
    torch.set_num_threads(environment["threads"])


def _run_epoch(
    state: TrainingState,
    rows: _Rows,
    held_out: tuple[Tensor, Tensor],
    precision: str,
    bar: tqdm[Any],
) -> dict[str, float]:
    """Train for an epoch, measure the model, and record both in the state; return the metrics."""
    config, start = state.config, time.perf_counter()
    steps = math.ceil(rows.epoch_rows / config.batch)
    seed = torch_seed(config.seed, "train", state.epoch)
    generator = torch.Generator(state.device).manual_seed(seed)
    trained: dict[str, float] = {}
    for step, (tokens, ratios) in enumerate(rows.epoch(state.epoch)):
        done = (state.epoch * steps + step) / (config.epochs * steps)
        batch = tokens.to(state.device), ratios.to(state.device)
        step_config = _step_config(config, done, precision)
        with _naming_the_remedy(state.epoch):
            terms = take_step(state.model, state.optimizer, *batch, generator, step_config)
        for name, term in terms.items():
            trained[name] = trained.get(name, 0.0) + term * len(tokens)
        bar.update(len(tokens))
    seconds = time.perf_counter() - start
    row = {
        "epoch": state.epoch + 1,
        **{f"train_{name}": total / rows.epoch_rows for name, total in trained.items()},
        "samples_per_second": rows.epoch_rows / seconds,
        "beta": step_config.beta,
        "learning_rate": step_config.learning_rate,
        "kept": 0,
    }
    with _naming_the_remedy(state.epoch):
        row |= held_out_metrics(state.model, *held_out, generator, config)
    row = {name: row[name] for name in metric_columns(state.model.config)}
    state.finish_epoch(row)
    return row


@contextmanager
def _naming_the_remedy(epoch: int) -> Iterator[None]:
    """Turn the error that a number is not finite into one that says what to do."""
    try:
        yield
    except NotFiniteError as error:
        raise FloatingPointError(f"epoch {epoch + 1}: {error}; {REMEDY}") from error


def choose_device(device: torch.device | str) -> torch.device:
    """Return a device, or the device of a name; ``auto`` takes a GPU if there is one.

    Raises
    ------
    SettingError
        If the name is unknown, or it is ``cuda`` and this machine has no CUDA device.
    """
    if isinstance(device, torch.device):
        return device
    if device not in DEVICES:
        raise SettingError(f"unknown device {device!r}: one of {', '.join(DEVICES)}")
    if device == "cuda" and not torch.cuda.is_available():
        raise SettingError("device=cuda, but this machine has no CUDA device")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(device)


def check_size(data: Dataset, model: ModelConfig) -> None:
    """Raise `DataError` if a dataset has another (n, k) than a model, or is of the other kind."""
    if (data.n, data.k) != (model.n, model.k):
        raise DataError(f"data with n={data.n}, k={data.k} for a model of n={model.n}, k={model.k}")
    if data.partial != model.partial:
        kinds = ["complete", "partial"]
        raise DataError(
            f"data of {kinds[data.partial]} automata for a model of {kinds[model.partial]} ones"
        )


def describe_data(data: Dataset) -> dict[str, Any]:
    """Return the record of training data in a model: size, rows, hash of forms and thresholds."""
    digest = hashlib.sha256(data.forms.tobytes())
    digest.update(data.reset_thresholds.astype("<i4").tobytes())
    return {"n": data.n, "k": data.k, "rows": len(data), "sha256": digest.hexdigest()}


def _step_config(config: TrainConfig, done: float, precision: str) -> StepConfig:
    """Return the settings of the step after a share `done` of all steps."""
    return StepConfig(
        learning_rate=config.learning_rate * learning_rate_share(done),
        beta=config.beta * warm_up(done, config.warmup),
        clip=config.clip,
        free_bits=config.free_bits,
        ratio_weight=config.ratio_weight,
        precision=precision,
    )


class _Rows:
    """The training rows, and the draws of each epoch."""

    def __init__(self, data: Dataset, config: TrainConfig):
        self.data = data
        self.config = config
        self.epoch_rows = config.epoch_rows or len(data)
        self.weights = row_weights(data.reset_thresholds, config)

    def epoch(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches of tokens and ratios: rows drawn by weight, or in shuffled passes."""
        rng = stream(self.config.seed, "train", epoch)
        if self.weights is None:
            passes = math.ceil(self.epoch_rows / len(self.data))
            order = np.concatenate([rng.permutation(len(self.data)) for _ in range(passes)])
        else:
            order = rng.choice(len(self.data), size=self.epoch_rows, p=self.weights)
        for start in range(0, self.epoch_rows, self.config.batch):
            rows = order[start : min(start + self.config.batch, self.epoch_rows)]
            yield _tensors(self.data.take(rows))


def _tensors(
    data: Dataset, rows: npt.NDArray[np.int64] | slice = slice(None)
) -> tuple[Tensor, Tensor]:
    """Return the tokens (batch, n, k) of rows, and the ratios (batch,) of threshold and bound."""
    bound = max(1, cerny_bound(data.n))
    ratios = (data.reset_thresholds[rows] / bound).astype(np.float32)
    tokens = encode_deltas(data.deltas[rows], partial=data.partial)
    return torch.from_numpy(tokens), torch.from_numpy(ratios)


def row_weights(thresholds: Thresholds, config: TrainConfig) -> npt.NDArray[np.float64] | None:
    """Return the probabilities with which rows are drawn, float64 (rows,), None if uniform.

    Rows with equal thresholds have equal probabilities.
    """
    if config.weights == "uniform":
        return None
    return threshold_weights(thresholds, config.softness)


def _precision(name: str, device: torch.device) -> str:
    if name != "auto":
        return name
    fast = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return "bfloat16" if fast else "float32"
