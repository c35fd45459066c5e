"""Fixtures of the tests of search and its commands."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from data.dataset import Dataset, read_dataset
from tests.commands import Answer, call_here


@pytest.fixture
def call(monkeypatch, capfd) -> Callable[[list], Answer]:
    """Run a command line in this process."""

    return lambda line: call_here(line, monkeypatch, capfd)


@pytest.fixture(scope="module")
def few_dots() -> Iterator[None]:
    """Let the maps of reports show 40 training automata: each takes a drawing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.report.latent_map._SHOWN", 40)
        yield


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> Path:
    """A folder with a small dataset and a model of it, not to be changed."""
    from tests.search.small import make_runs  # loads torch, which some tests do without

    folder = tmp_path_factory.mktemp("small")
    make_runs(folder)
    return folder


@pytest.fixture(scope="session")
def training(runs) -> Dataset:
    return read_dataset(runs / "data")


@pytest.fixture(scope="session")
def model(runs):
    """The model of runs, not to be changed."""
    from vae.checkpoint import load_model

    return load_model(runs / "model")
