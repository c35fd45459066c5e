"""Imports run one way: the contracts of pyproject.toml."""

import re
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


def test_no_arm_asks_an_automaton_for_its_family() -> None:
    # the contract cannot see it: methods look their functions up when they are called
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [arms] = [c for c in contracts["contracts"] if c["name"] == "No arm knows the families"]
    for module in arms["source_modules"]:
        path = ROOT / module.replace(".", "/")
        for file in path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]:
            names = r"\.(family|identify|known|FAMILIES|p_automaton|p_threshold)\b"
            assert not re.search(names, file.read_text()), file


def test_every_part_of_an_arm_is_under_the_contracts() -> None:
    # a new source of proposals must not be forgotten; these four set up a run, or score it
    others = {"config", "found", "settings", "tables"}
    files = (ROOT / "search" / "discovery").glob("[!_]*.py")
    parts = {f"search.discovery.{file.stem}" for file in files if file.stem not in others}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    named = {c["name"]: {*c.get("source_modules", ())} for c in contracts["contracts"]}
    assert parts <= named["No arm knows the families"]
    assert parts <= named["Nothing that draws or searches knows the longest known lengths"]


def test_records_are_read_by_what_scores_and_shows_alone() -> None:
    # the contract names modules that must not; this names those that may
    readers = ("data/best_known.py", "data/records.py", "search/jobs/", "search/report/")
    readers += ("search/scoring/",)
    for folder in ("automata", "data", "vae", "search"):
        for file in (ROOT / folder).rglob("*.py"):
            if not str(file.relative_to(ROOT)).startswith(readers):
                assert not re.search(r"data\.records|records\.json", file.read_text()), file


def test_no_test_module_imports_another() -> None:
    # what tests share stands in modules of helpers; a script in a test may import its own module
    form = r"^from (?:\S+\.(test_\w+) import|\S+ import (test_\w+))"
    for file in (ROOT / "tests").rglob("*.py"):
        imported = {a or b for a, b in re.findall(form, file.read_text(), re.MULTILINE)}
        assert imported <= {file.stem}, file
