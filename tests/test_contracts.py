"""Imports run one way: the contracts of pyproject.toml."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_contracts() -> None:
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", script, "--no-cache", "--no-logo"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_contract_on_the_truth_names_all_but_what_scores() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    (contract,) = [
        contract
        for contract in tools["importlinter"]["contracts"]
        if contract.get("forbidden_modules") == ["search.recall"]
    ]
    modules = {f"search.{path.stem}" for path in (ROOT / "search").glob("[a-z]*.py")}
    scoring = {"search.recall", "search.model_jobs"}
    assert {*contract["source_modules"]} == {"automata", "data", "vae"} | modules - scoring
