"""Small models with random weights, small trainings and their data."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from automata.canonical import canonical_forms, from_canonical
from automata.row_index import RowIndex
from automata.sampling import sample_uniform
from automata.solver.exact import reset_thresholds
from data.dataset import Dataset
from vae import train as module
from vae.config import ModelOptions
from vae.model import VAE, ModelConfig
from vae.train import TrainConfig, train

N, LATENT, BATCH = 5, 3, 7
TINY = {"n": N, "latent": LATENT, "embedding": 4, "channels": 6, "hidden": 8, "layers": 2}
OPTIONS = {
    "mixture": ModelOptions(prior="mixture", components=6),
    "vamp": ModelOptions(prior="vamp", components=6),
    "sphere": ModelOptions(prior="sphere"),
    "flow": ModelOptions(prior="flow"),
    "planar": ModelOptions(posterior="planar", flow_layers=2),
    "iaf": ModelOptions(posterior="iaf", flow_layers=2),
    "guide": ModelOptions(guide=True),
    "adversarial": ModelOptions(adversarial=0.5),
    "many": ModelOptions(prior="mixture", posterior="iaf", guide=True, adversarial=0.5),
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_fresh(**changes) -> VAE:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return VAE(ModelConfig(**(TINY | changes))).eval()


def make(**changes) -> VAE:
    """A model none of whose weights are zero, as if it were trained."""
    model = make_fresh(**changes)
    for weight in model.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, 0, 0.3, generator=seeded())
    return model


def draw_tokens(model: VAE, batch: int = BATCH, seed: int = 0, n: int = 0) -> torch.Tensor:
    n = n or model.config.n
    targets = n + model.config.partial
    return torch.randint(targets, (batch, n, model.config.k), generator=seeded(seed))


# --- trainings ---

MODEL = ModelConfig(
    n=4, latent=4, embedding=4, channels=8, convolutions=2, hidden=12, token_dropout=0.3
)
CONFIG = TrainConfig(epochs=3, batch=64, held_out=0.2, beta=0.1, free_bits=0.05, seed=1)


def make_data(rows: int = 200, n: int = 4, k: int = 2, seed: int = 0) -> Dataset:
    forms = canonical_forms(sample_uniform(np.random.default_rng(seed), 4 * rows, n, k))
    forms = forms[RowIndex(n * k).add_new(forms)][:rows]
    deltas = from_canonical(forms, n, k)
    return Dataset(deltas, reset_thresholds(deltas), np.full(rows, "uniform"))


def run(folder: Path, model: ModelConfig = MODEL, data: Dataset | None = None, **changes):
    """Train; return the metrics without what depends on the clock."""
    chosen = make_data() if data is None else data
    rows = train(chosen, folder, model, replace(CONFIG, **changes), device="cpu")
    return [{key: row[key] for key in row if key != "samples_per_second"} for row in rows]


def interrupt_at(patch: pytest.MonkeyPatch, last: int) -> None:
    """Let ^C come at a step of the next training."""
    step, steps = module.take_step, []

    def interrupted(*args):
        steps.append(args)
        if len(steps) == last:
            raise KeyboardInterrupt
        return step(*args)

    patch.setattr(module, "take_step", interrupted)
