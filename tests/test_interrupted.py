"""Ctrl-C alone is reported as an interruption: the end of a file is a bug, or damage."""

import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from subprocess import PIPE

import click
import numba
import numpy as np
import pytest

import pipeline
from automata.kernels.jit import jit
from automata.text.formats import format_delta


def main(monkeypatch: pytest.MonkeyPatch, failing: object) -> None:
    """Run a command whose library function fails."""
    monkeypatch.setattr("data.jobs.generate", failing)
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


def pressed_while_a_class_is_made(*_: object, **__: object) -> None:
    """Python 3.11 turns what `__set_name__` raises into a RuntimeError."""

    class Field:
        def __set_name__(self, owner: type, name: str) -> None:
            pressed()

    type("Owner", (), {"field": Field()})


def aborted(*_: object, **__: object) -> None:
    raise click.Abort


@pytest.mark.parametrize(
    "failing", [pressed, pressed_while_a_file_ends, pressed_while_a_class_is_made, aborted]
)
def test_an_interruption_is_one(
    failing: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It says how to go on where a folder was there, or something has been written."""
    monkeypatch.chdir(tmp_path)
    for begun in (False, True):
        if begun:
            Path("new").mkdir()
        with pytest.raises(SystemExit) as caught:
            main(monkeypatch, failing)
        assert caught.value.code == 130 and Path("new").exists() == begun
        known = begun and failing is not aborted
        after = ": the same command goes on from here" if known else ""
        assert capsys.readouterr().err.strip() == f"Error: interrupted{after}"


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_compiled_code_is_whole_before_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """LLVM calls Python while code is compiled or loaded, and loses what is raised there."""

    @jit
    def successor(number: int) -> int:
        return number + 1

    compiler = successor._compiler
    compiled = []

    def compile_pressed(*args: object) -> object:
        pressed()
        found = type(compiler).compile(compiler, *args)
        compiled.append(args)
        return found

    monkeypatch.setattr(compiler, "compile", compile_pressed)
    with pytest.raises(KeyboardInterrupt):
        successor(1)
    assert len(compiled) == 1
    assert successor(1) == 2 and len(compiled) == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("moment", [0.05, 0.1, 0.15, 0.2, 0.3])
def test_an_interruption_while_code_is_loaded(moment: float) -> None:
    """At any moment the command says so in one line, and its threads stop."""
    command = [sys.executable, str(Path(pipeline.__file__)), "solve", "-", "--workers", "2"]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"0 0|1 0\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"1\ta\n"
        delta = np.random.default_rng(3).integers(0, 900, (2, 900))
        process.stdin.write(f"{format_delta(delta)}\n".encode())  # a search of many hours
        process.stdin.flush()
        time.sleep(moment)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said.split()) == (130, [b"Error:", b"interrupted"])
