"""The job behind `demo`, with everything made small."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import pipeline
from data.configs import GenerateConfig
from search.configs import LatentConfig, RetrainConfig, SearchConfig
from search.jobs import demo
from vae.config import ModelConfig, TrainConfig

LEARNING = RetrainConfig(retrain=2, retrain_steps=2, retrain_batch=8)
LATENT = LatentConfig(parents=40, batch=64, rounds=1)
MODEL = ModelConfig(latent=4, embedding=4, channels=8, convolutions=1, hidden=16)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder for a chain of the same parts with less to do in each."""

    def generating(**fields: object) -> GenerateConfig:
        return GenerateConfig(**fields | {"count": 300, "calls": 2000})  # type: ignore[arg-type]

    def training(**fields: object) -> TrainConfig:
        return TrainConfig(**fields | {"epochs": 1})  # type: ignore[arg-type]

    monkeypatch.setattr(demo, "GenerateConfig", generating)
    monkeypatch.setattr(demo, "TrainConfig", training)
    monkeypatch.setattr(demo, "ModelConfig", lambda: MODEL)
    monkeypatch.setattr(demo, "SearchConfig", _searching)
    return tmp_path / "demo"


def _searching(**fields: object) -> SearchConfig:
    small = {"budget": 40, "latent": LATENT, "learning": LEARNING}
    return SearchConfig(**fields | small)  # type: ignore[arg-type]


def words(folder: Path) -> list[str]:
    return ["demo", "--seed", "3", "--out", str(folder), "--workers", "1", "--device", "cpu"]


@pytest.mark.exhaustive
def test_demo_as_json(small: Path) -> None:
    line = [*words(small), "--json"]
    answer = CliRunner().invoke(pipeline.cli, line, catch_exceptions=False)
    found = json.loads(answer.stdout)
    assert [*found] == ["generate", "train", "evaluate", "search", "report"]
    assert found["generate"]["rows wanted"] == 300
    assert (found["train"]["model"], found["train"]["epoch"]) == (str(small / "model"), 1)
    assert found["evaluate"]["prior_samples"] == 10_000
    assert (small / "model" / "attributes.csv").exists()
    assert found["report"]["report"] == str(small / "report.html")
    assert found["report"]["bytes"] == (small / "report.html").stat().st_size
    names = {"candidates", "summary", "sources", "times", "calls", "labelling calls", "files"}
    assert {*found["search"]} == names
    for name in ("data", "model", "search"):
        config = json.loads((small / name / "run.json").read_text())["config"]
        assert config.get("seed", config.get("train", {}).get("seed")) == 3


@pytest.mark.usefixtures("unrendered")
def test_demo(small: Path) -> None:
    text = CliRunner().invoke(pipeline.cli, words(small), catch_exceptions=False).stdout
    parts = [
        f"dataset: {small}/data\n",
        "rows by reset threshold:\n",
        f"\nmodel: {small}/model\nepoch: 1\n",
        "\nprior samples: 10000\n",
        "attribute arithmetic: ",
        "\n\nArms: hits per 1,000 solver calls (summary.csv)\n",
        "\n\nSources of the arms that learn, hits per 1,000 solver calls (sources.csv)\n",
        "\n\nWall time, and hits per second (seconds.json)\n",
        f"\n{small}/search/strip.svg\n",
        f"\n{small}/search/reconstructions.svg\n",
        "\n\nBest candidates (candidates.csv has all of them)\n",
        f"\n\nTo look at it all: {small}/report.html\n",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert text.startswith(parts[0]) and text.endswith(parts[-1])
    assert re.search(r"\nSolver calls of the arms: \d+; of labelling the training set: \d+\n", text)


def test_no_device_is_said_before_anything_is_made(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    answer = CliRunner().invoke(pipeline.cli, ["demo", "--out", str(small), "--device", "cuda"])
    assert answer.exit_code == 2
    assert "device=cuda, but this machine has no CUDA device" in answer.stderr
    assert not small.exists()
