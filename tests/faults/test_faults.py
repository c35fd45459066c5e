"""Every kind of fault in a small number of rounds; `make test-faults` takes all of them."""

import os
import subprocess
import sys

import pytest

from tests.faults.kinds import KINDS
from tests.faults.tallies import ROOT


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_nothing_goes_wrong(kind: str) -> None:
    scale = os.environ.get("FAULTS_SCALE", "0.01")
    command = [sys.executable, "-m", "tests.faults", kind, "--scale", scale, "--failures"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr[-2000:]
    assert f"### {kind}" in answer.stdout
