"""Progress: no process waits for another."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SCRIPT = """
import os, signal
from data.progress import progress

with progress(2, "work", "pieces") as bar:
    bar.update()
    child = os.fork()
    if child == 0:
        bar.get_lock().acquire()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    bar.update()
"""


def test_a_process_that_is_killed_while_it_reports() -> None:
    command = [sys.executable, "-c", SCRIPT]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr.splitlines()[-1].startswith("work: 2/2 pieces (100%)")
