"""The bytes of what commands write and print are the same as ever, for a given seed.

``golden.json`` was recorded at commit 36da566: SHA-256 of each file and of standard output, with
the packages of requirements.txt. Where a change of bytes is meant, record it again and say so in
the changelog. Nothing here needs torch, whose last bits differ between processors.
"""

import csv
import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import pipeline

GOLDEN = Path(__file__).with_name("golden.json")
SOLVED = "1 2 3 0|1 1 2 3\n1 0|0 1\n1 2 3 4 0 6 7 4|0 7 1 2 4 1 5 6\n0\n2 2 0|1 0 0|0 1 2\n"
COMMANDS = {
    "uniform": "generate -n 5 --count 700 --shard-rows 300 --seed 1 --workers 2 --out uniform",
    "three letters": "generate -n 4 -k 3 --count 400 --sampler synchronizing --out three",
    "evolved": "generate -n 7 --count 500 --sampler evolved --calls 20000 --out evolved",
    "ceiling": "generate -n 6 --count 400 --ceiling 0.6 --out ceiling",
    "exhausted": "generate -n 3 --count 5000 --shard-rows 60 --out exhausted",
    "all": "enumerate -n 4 -k 2 --out all",
    "slow": "enumerate -n 6 -k 2 --at-least 20 --workers 2 --out slow",
    "sink": "enumerate -n 4 -k 2 --class sink --out sink",
    "counted": "enumerate -n 5 -k 2 --no-rows --out counted",
    "evolve": "evolve -n 7 -k 2 --budget 3000 --seed 3 --workers 1 --out evolve",
    "class": "evolve -n 6 -k 3 --class eulerian --budget 800 --workers 1 --out class",
    "truth": "evolve -n 6 -k 2 --budget 2000 --truth slow --workers 1 --out truth",
    "solve": "solve lines --workers 1",
    "thresholds": "solve lines --no-words --json --workers 1",
    "bounds": "solve lines --method greedy --workers 1",
    "archive": "archive export archive.csv --archive archive.sqlite --at-least 0.7",
}
APART = {"run.json", "manifest.json", "archive.sqlite", "archive.csv"}
"""Times and versions are in these; `contents` reads what else they hold."""


def contents(folder: Path, name: str, output: str) -> dict[str, str]:
    """Return the SHA-256 of what a command left in its folder, and of what it printed."""
    whole = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / COMMANDS[name].split()[-1]).glob("*"))
        if path.is_file() and not path.name.startswith(".") and path.name not in APART
        if path.suffix not in (".png", ".svg")  # matplotlib's
    }
    manifest = folder / COMMANDS[name].split()[-1] / "manifest.json"
    if manifest.exists():
        kept = json.loads(manifest.read_text())
        del kept["versions"], kept["sha256"]
        whole["manifest"] = json.dumps(kept, sort_keys=True).encode()
    if name in ("solve", "thresholds", "bounds"):
        whole["output"] = output.encode()
    if name == "archive":
        with (folder / "archive.csv").open(newline="") as file:
            rows = [row | {"found_at": ""} for row in csv.DictReader(file)]
        whole["rows"] = json.dumps(rows).encode()
    return {key: hashlib.sha256(value).hexdigest() for key, value in whole.items()}


def run_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    monkeypatch.chdir(folder)
    Path("lines").write_text(SOLVED)
    found = {}
    for name, words in COMMANDS.items():
        answer = CliRunner().invoke(pipeline.cli, words.split(), catch_exceptions=False)
        assert answer.exit_code == 0, (name, answer.output)
        found[name] = contents(folder, name, answer.stdout)
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        folder = tmp_path_factory.mktemp("golden")
        return run_all(folder, monkeypatch)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_bytes_are_as_ever(found: dict[str, dict[str, str]], name: str) -> None:
    assert found[name] == json.loads(GOLDEN.read_text())[name]
