"""Imports run one way: the contracts of pyproject.toml."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]

SCORING = {
    *("search.jobs.models", "search.scoring.recall"),
    *("search.scoring.comparison", "search.jobs.discovery", "search.jobs.discovery_tables"),
    *("search.pictures.scores", "search.scoring.scores"),
    *(
        "search.report.discoveries",
        "search.report.job",
        "search.report.runs",
        "search.report.searches",
    ),
}
"""They may know the truth."""
REPORTING = SCORING | {
    *(
        "search.archive.store",
        "search.archive.checks",
        "search.archive.file",
        "search.archive.reading",
    ),
    *("search.archive.rows", "search.archive.series", "search.archive.tables"),
    *("search.archive.writing", "search.candidates", "data.cells"),
    *("search.report.content", "search.report.latent_map", "search.report.page"),
    *("search.report.searches", "search.verified"),
    *("data.jobs", "search.evaluate", "search.evolve", "search.archive.intake"),
    *(
        "search.pictures.hits",
        "search.pictures.latent",
        "data.plots",
        "search.pictures.recall",
        "search.run",
        "search.pictures.strip",
    ),
}
"""They may know the families, as nothing that proposes automata may."""


def contract(name: str) -> dict[str, list[str]]:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    (found,) = [one for one in tools["importlinter"]["contracts"] if one["name"] == name]
    assert found["type"] == "forbidden"
    assert not found.keys() & {"ignore_imports", "allow_indirect_imports"}
    return found


def search_modules() -> set[str]:
    paths = [path.relative_to(ROOT) for path in (ROOT / "search").rglob("[a-z]*.py")]
    return {".".join(path.with_suffix("").parts) for path in paths}


def test_contracts() -> None:
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", script, "--no-cache", "--no-logo"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_contract_on_the_truth_names_all_but_what_scores() -> None:
    found = contract("Nothing that searches or learns knows the truth")
    assert found["forbidden_modules"] == ["search.scoring.recall", "search.scoring.scores"]
    sources = {"automata", "data", "vae"} | search_modules() - SCORING
    assert sorted(found["source_modules"]) == sorted(sources)
    assert search_modules() >= SCORING


def test_the_contract_on_the_families_names_all_but_what_reports() -> None:
    found = contract("No arm knows the families")
    assert found["forbidden_modules"] == ["automata.families"]
    proposing = {"automata.numbering", "automata.sampling", "automata.series", "vae"}
    sources = proposing | search_modules() - REPORTING
    assert sorted(found["source_modules"]) == sorted(sources)
    assert search_modules() >= REPORTING
