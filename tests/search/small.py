"""A small dataset of automata and a model of them, as a run of `search` takes."""

from pathlib import Path

from data.dataset import read_dataset
from data.generate import GenerateConfig, generate
from tests.threads import in_one_thread
from vae.model import ModelConfig
from vae.train import TrainConfig, train

N, K = 5, 2
SMALL = {"latent": 4, "embedding": 4, "channels": 8, "convolutions": 1, "hidden": 16}


def make_runs(folder: Path) -> None:
    """Make a dataset, `folder`/data, and a model, `folder`/model."""
    config = GenerateConfig(n=N, k=K, count=300, sampler="evolved", calls=4000, ceiling=0.6)
    generate(config, folder / "data")
    with in_one_thread():
        train(
            read_dataset(folder / "data"),
            folder / "model",
            ModelConfig(n=N, k=K, **SMALL),
            TrainConfig(epochs=2, epoch_rows=2000, batch=64, held_out=0.2, learning_rate=0.01),
            device="cpu",
        )
