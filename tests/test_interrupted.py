"""Only an interruption reads as one: the end of a file is a bug, or damage."""

import os
import signal
import sys
import traceback
from pathlib import Path

import click
import pytest

import pipeline


def main(monkeypatch: pytest.MonkeyPatch, failing: object) -> None:
    """Run a command of which the library function fails."""
    monkeypatch.setattr("search.dataset_jobs.generate", failing)
    monkeypatch.setattr(sys, "argv", ["pipeline.py", "generate", "--out", "new"])
    pipeline.main()


def end_of_file(*_: object, **__: object) -> None:
    raise EOFError("Ran out of input")


def end_after_another(*_: object, **__: object) -> None:
    try:
        raise ValueError("first")
    except ValueError as error:
        raise EOFError("Ran out of input") from error


@pytest.mark.parametrize("failing", [end_of_file, end_after_another])
def test_the_end_of_a_file_keeps_its_traceback(
    failing: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EOFError, match="Ran out of input") as caught:
        main(monkeypatch, failing)
    shown = "".join(traceback.format_exception(caught.value))
    assert "in end_" in shown and "Abort" not in shown


def pressed(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def pressed_while_a_file_ends(*_: object, **__: object) -> None:
    try:
        end_of_file()
    finally:
        pressed()


def aborted(*_: object, **__: object) -> None:
    raise click.Abort


@pytest.mark.parametrize("failing", [pressed, pressed_while_a_file_ends, aborted])
def test_an_interruption_is_one(
    failing: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(monkeypatch, failing)
    assert caught.value.code == 130
    assert capsys.readouterr().err.split() == ["Error:", "interrupted"]
