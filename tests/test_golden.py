"""What commands write and print is the same as ever, for a given seed.

``golden.json`` was recorded at commit 36da566, with the packages of requirements.txt: SHA-256 of
files and of standard output, and a few numbers. Where a change of bytes is meant, say so in the
changelog and record again: ``python -m tests.test_golden``.

- Times, versions, commits and checksums of these are left out (`stable`); so are pictures, which
  are matplotlib's, and ``run.json``.
- Standard output is compared for the commands in `PRINTED`. That of the others shows times, or
  sentences that are worded differently since 36da566.
- Steps of ``discover`` are compared by their ``checksums.json``.
- Of a page of ``report``, the cells of all tables and the embedded data are compared, without the
  order of columns, which has changed, and without drawings. Its sentences have changed.
- The last bits of torch differ between processors, so no byte that depends on a model is compared.
  ``train`` and ``evaluate``: the model's settings, the names and shapes of its tensors, and the
  metrics within `NEAR`, which another seed exceeds. ``search``: the arms, the columns, and the rows
  of the three baselines. ``discover`` with a model: the sizes from random automata, the solver
  calls, the columns and the tensors. What both found is only proved again, by ``verify``.
- ``demo`` takes minutes: it is ``generate``, ``train``, ``search`` and ``report``.
"""

import contextlib
import csv
import hashlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import pipeline
from search.configs import GUIDED
from tests.pictures import unrendered

GOLDEN = Path(__file__).with_name("golden.json")
NEAR = 1e-3
SOLVED = "1 2 3 0|1 1 2 3\n1 0|0 1\n1 2 3 4 0 6 7 4|0 7 1 2 4 1 5 6\n0\n2 2 0|1 0 0|0 1 2\n"
LEAPS = "--from 4 --start-to 5 --to 7 --start-budget 800 --budget 150 --first-look 80 "
LEAPS += "--device cpu --workers 1"
MODEL = "--latent 4 --embedding 4 --channels 8 --convolutions 1 --hidden 16"
# what a command writes is its last word
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
    "archive": "archive export --archive archive.sqlite --at-least 0.7 archive.csv",
    "verify": "verify truth/candidates.csv --json",
    "insertion": f"discover {LEAPS} --arms insertion --out leaps",
    "stretch": f"discover {LEAPS} --arms stretch --out leaps",
    "evolution": f"discover {LEAPS} --arms evolve --seed 1 --truth slow --out leaps",
    "archive list": "archive list --archive archive.sqlite",
    "automata": "archive list --archive archive.sqlite --automata --limit 7",
    "as JSON": "archive list --archive archive.sqlite --automata --limit 5 --json",
    "archive verify": "archive verify --archive archive.sqlite --workers 1",
    "series": "archive series --archive archive.sqlite -k 2 --at-least 0.8 --prove --out series",
    "page": "report truth --limit 20 --out page.html",
    "page of leaps": "report leaps --limit 20 --out leaps.html",
    "page of all": "report all --limit 20 --out all.html",
    "page of archive": "report --archive archive.sqlite -k 2 --limit 20 --out archive.html",
    "train": f"train --data uniform {MODEL} --epochs 2 --device cpu --workers 1 --out model",
    "evaluate": "evaluate --device cpu --workers 1 --model model",
    "search": "search --model model --data uniform --budget 50 --parents 40 --batch 64 --rounds 2 "
    "--archive learned.sqlite --device cpu --workers 1 --out search",
    "search verified": "verify search/candidates.csv --json",
    "vae": f"discover {LEAPS} --arms vae --latent 4 --elites 200 --first-steps 3 --steps 2 "
    "--archive learned.sqlite --out vae",
    "vae verified": "verify vae/candidates.csv --json",
}
PRINTED = {"solve", "thresholds", "bounds", "verify", "archive list", "automata", "as JSON"}
PRINTED |= {"archive verify", "series"}
PICTURED = {"all", "truth", "evolution"}
"""The runs whose pictures are on pages."""
TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
Parts = dict[str, str | float]


def digest(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(TIME.sub(b"", data)).hexdigest()


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file without columns of seconds."""
    with path.open(newline="") as file:
        rows = [*csv.DictReader(file)]
    return [without_seconds(row) for row in rows]


def without_seconds(row: dict[str, str]) -> dict[str, str]:
    return {name: cell for name, cell in row.items() if "second" not in name}


def stable(path: Path) -> Any:
    """Return what a file holds, without what is of one run or one version."""
    if path.name in ("manifest.json", "settings.json", "config.json"):
        held = json.loads(path.read_text())
        return {name: held[name] for name in held if name not in ("versions", "sha256")}
    if path.suffix == ".csv" and b"second" in path.read_bytes():
        return table(path)
    return page(path.read_text()) if path.suffix == ".html" else path.read_bytes()


def page(text: str) -> list[Any]:
    """Return the rows of all tables of a report, by column, and its data without the drawings."""
    found: list[Any] = []
    for part in re.findall(r"<table.*?</table>", text, re.DOTALL):
        rows = [
            [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<t[hd]\b.*?</t[hd]>", row)]
            for row in part.split("<tr")[1:]
        ]
        found += [
            without_seconds(dict(zip(rows[0], row, strict=True))) for row in rows[1:] if rows[0]
        ]
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    for automaton in json.loads(data)["automata"]:
        found.append({k: automaton[k] for k in automaton if k not in ("circle", "neato")})
    return found


def contents(place: Path) -> Parts:
    """Return the SHA-256 of every file that a command without a model wrote to its place."""
    paths = [place] if place.is_file() else {*place.glob("*.*"), *place.rglob("checksums.json")}
    apart = {place / "run.json"}
    if (place / "settings.json").exists():
        apart.add(place / "checksums.json")  # of tables with seconds
    return {
        path.relative_to(place.parent).as_posix(): digest(stable(path))
        for path in sorted({*paths} - apart)
        if path.suffix not in (".png", ".svg") and not path.name.startswith(".")
    }


def tensors(place: Path) -> str:
    """Return the SHA-256 of the headers of safetensors files: names, types and shapes."""
    files = [path.read_bytes() for path in sorted(place.rglob("*.safetensors"))]
    return digest([file[8 : 8 + int.from_bytes(file[:8], "little")].decode() for file in files])


def trained(place: Path) -> Parts:
    rows = table(place / "metrics.csv")
    names = [*rows[0]][:8]  # those of the record, without the speed
    metrics = {f"{row['epoch']} {key}": float(row[key]) for row in rows for key in names}
    settings = stable(place / "config.json")
    del settings["stages"], settings["train"]["keep"]  # newer than the record, as some metrics are
    return {"settings": digest(settings), "tensors": tensors(place)} | metrics


def evaluated(place: Path) -> Parts:
    results = json.loads((place / "evaluation.json").read_text())["results"]
    return {"names": digest([*results])} | {
        name: value for name, value in results.items() if isinstance(value, int | float)
    }


def searched(place: Path) -> Parts:
    rows = table(place / "summary.csv")
    rows = [row for row in rows if row["mode"] not in GUIDED]  # newer than the record
    return {
        "arms": digest([(row["mode"], row["round"]) for row in rows]),
        "baselines": digest([r for r in rows if r["mode"] in ("uniform", "mutation", "evolve")]),
        "columns": digest((place / "candidates.csv").read_bytes().splitlines()[0]),
    }


def discovered(place: Path) -> Parts:
    rows = table(place / "summary.csv")
    return contents(place / "seed-0" / "start") | {
        "calls": digest([(row["n"], row["calls"], row["cerny_bound"]) for row in rows]),
        "columns": digest((place / "candidates.csv").read_bytes().splitlines()[0]),
        "settings": digest(stable(place / "settings.json")),
        "tensors": tensors(place),
    }


LEARNED = {"train": trained, "evaluate": evaluated, "search": searched, "vae": discovered}


def run_all() -> dict[str, Parts]:
    """Run all commands in this folder and return what is compared of each."""
    Path("lines").write_text(SOLVED)
    found = {}
    for name, words in COMMANDS.items():
        with unrendered(*(["png"] if name in PICTURED else [])):
            answer = CliRunner(env={"COLUMNS": "100"}).invoke(pipeline.cli, words.split())
        parts: Parts = {"exit code": answer.exit_code}
        if answer.exception is None:
            parts |= LEARNED.get(name, contents)(Path(words.split()[-1]))
        else:
            parts["error"] = repr(answer.exception)
        if name in PRINTED:
            parts["output"] = digest(answer.stdout_bytes)
        found[name] = parts
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Parts]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("golden"))
        return run_all()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_bytes_are_as_ever(found: dict[str, Parts], name: str) -> None:
    recorded = json.loads(GOLDEN.read_text())[name]
    assert found[name] == {
        key: pytest.approx(value, rel=NEAR, abs=NEAR) if isinstance(value, float) else value
        for key, value in recorded.items()
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        GOLDEN.write_text(json.dumps(run_all(), indent=1, sort_keys=True) + "\n")
