"""The benchmark of landscapes, as a person runs it: one run, several, and an interruption."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def start(place: Path, words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, ROOT / "benchmarks" / "bench_landscapes.py", *words.split()]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*command, "--out", "out"], cwd=place, env=environment, start_new_session=True, **pipes
    )


def run(place: Path, words: str) -> tuple[int | None, str, str]:
    child = start(place, words)
    printed, complaints = child.communicate(timeout=300)
    return child.returncode, printed, complaints


def test_one_run_and_then_two(tmp_path: Path) -> None:
    for arms in ("insertion", "insertion,stretch"):
        words = f"binary --to 9 --start-budget 300 --budget 60 --arms {arms} --seeds 1"
        code, printed, _ = run(tmp_path, words)
        assert code == 0
        for unit in ("calls", "seconds"):
            part = printed.partition(f"binary, {unit}\n")[2]
            assert part.split()[: 2 + arms.count(",") + 1] == ["n", "record", *arms.split(",")]
            assert part.split()[3 + arms.count(",") :][:2] == ["9", "64"]


@pytest.mark.skipif(os.name == "nt", reason="no process groups")
def test_an_interruption_ends_quietly(tmp_path: Path) -> None:
    child = start(tmp_path, "binary --arms insertion --seeds 1")
    while not [*tmp_path.glob("out/binary/settings.json")]:
        assert child.poll() is None
    os.killpg(child.pid, signal.SIGINT)
    _, complaints = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in complaints and "the same command goes on from here" in complaints
