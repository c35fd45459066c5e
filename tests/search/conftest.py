"""Fixtures of the tests of search and its commands."""

import sys
from collections.abc import Callable

import pytest

import pipeline
from tests.commands import Answer


@pytest.fixture
def call(monkeypatch, capfd) -> Callable[[list], Answer]:
    """Run a command line in this process."""

    def called(line: list) -> Answer:
        monkeypatch.setattr(sys, "argv", ["pipeline.py", *map(str, line)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            pipeline.main()
        return Answer(end.value.code, *capfd.readouterr())

    return called
