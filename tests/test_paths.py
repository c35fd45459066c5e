"""Paths are Path or text, wherever one is taken."""

from pathlib import Path

import pytest

from data.damage import DataError
from data.dataset import read_dataset
from data.enumerate import EnumerateConfig, enumerate_dataset
from data.generate import GenerateConfig, generate
from data.manifest import read_manifest
from search.archive.store import Archive, verify_archive
from search.evaluation.measures import read_evaluation
from search.scoring.recall import open_truth
from search.verified import read_candidates, verify_candidates
from vae.checkpoint import load_model, read_config, weights_sha256
from vae.config import TrainConfig
from vae.model import ModelConfig
from vae.train import train


def test_datasets_and_models(tmp_path: Path) -> None:
    data, model, truth = (str(tmp_path / name) for name in ("data", "model", "truth"))
    generate(GenerateConfig(n=4, k=2, count=40), data)
    dataset = read_dataset(data)
    assert len(dataset) == read_manifest(data)["shards"][0]["rows"] == 40
    shape = ModelConfig(n=4, k=2, latent=2, embedding=4, channels=4, convolutions=1, hidden=8)
    train(dataset, model, shape, TrainConfig(epochs=1, batch=16, held_out=0.2), device="cpu")
    assert load_model(model).config == shape
    assert read_config(model)["data"]["rows"] == 40
    assert weights_sha256(model) == weights_sha256(Path(model))
    assert read_evaluation(model) is None
    enumerate_dataset(EnumerateConfig(n=3, k=2, at_least=3), truth)
    open_truth(truth, 3, 2, ())


def test_archives_and_candidates(tmp_path: Path) -> None:
    place = str(tmp_path / "folder" / "archive.sqlite")
    with Archive(place) as archive:
        archive.check()
    assert verify_archive(place) == 0
    nowhere = str(tmp_path / "none.csv")
    for read in (read_candidates, verify_candidates):
        with pytest.raises(DataError, match=f"^{nowhere}: no such file"):
            read(nowhere)
    with pytest.raises(DataError, match="no such folder"):
        load_model(str(tmp_path / "none"))
