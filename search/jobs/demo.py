"""The job behind ``demo``: generate, train, evaluate, search and report at n = 8, k = 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from data.configs import GenerateConfig
from data.jobs import run_generate
from data.results import Summary
from search.archive.intake import ArchiveRule
from search.configs import RetrainConfig, SearchConfig
from search.jobs.models import run_evaluate, run_search, run_train
from search.jobs.outcome import EvaluationOutcome, SearchOutcome
from search.report.job import REPORT, write_report
from search.report.runs import read_run
from vae.config import ModelConfig, TrainConfig
from vae.train import choose_device

_LEARNING = RetrainConfig(retrain=60, evolution=0)
"""Without turns, which take as long again and find no more."""
_AUTOMATA = 200
"""Most automata on the page."""


class DemoOutcome(NamedTuple):
    """The result of each part of the chain."""

    generated: Summary
    trained: Summary
    evaluated: EvaluationOutcome
    found: SearchOutcome
    page: Summary

    def text(self) -> str:
        """Return all results, and the path of the page."""
        made = (self.generated, self.trained, self.evaluated, self.found)
        parts = [part.text() for part in made]
        return "\n".join([*parts, f"\nTo look at it all: {self.page.values['report']}"])

    def as_json(self) -> dict[str, Any]:
        """Return the result of each part, by command."""
        return {
            "generate": self.generated.as_json(),
            "train": self.trained.as_json(),
            "evaluate": self.evaluated.as_json(),
            "search": self.found.as_json(),
            "report": self.page.as_json(),
        }


def run_demo(
    seed: int, out: Path, rule: ArchiveRule, *, device: str, workers: int, force: bool
) -> DemoOutcome:
    """Make a dataset, a model and its measures, a search and its report, within `out`."""
    data, model, found = out / "data", out / "model", out / "search"
    on: dict[str, Any] = {"device": choose_device(device), "workers": workers, "force": force}
    generated = run_generate(
        GenerateConfig(
            n=8, k=2, count=60_000, sampler="evolved", ceiling=0.6, calls=2_000_000, seed=seed
        ),
        data,
        workers=workers,
        force=force,
    )
    trained = run_train(data, model, ModelConfig(), TrainConfig(epochs=8, seed=seed), **on)
    config = SearchConfig(budget=20_000, seed=seed, learning=_LEARNING)
    evaluated = run_evaluate(
        model,
        data,
        classes=(),
        repair=config.latent.repair,
        seed=seed,
        device=on["device"],
        workers=workers,
    )
    results = run_search(model, data, found, config, rule=rule, **on)
    page = write_report(read_run(found, _AUTOMATA), out / REPORT)
    return DemoOutcome(generated, trained, evaluated, results, page)
