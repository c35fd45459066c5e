"""The commands as processes: what they print, which files they leave, and how they fail.

The processes are forked from one that has run them all before: each is real, none takes long to
start. What is refused as it is read runs in this process, from `main` to its exit code. Pictures
are rendered only where the size of files is limited.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from filelock import FileLock
from safetensors.torch import load_file, save_file

import pipeline
from data.damage import DataError
from data.files import sha256, write_json, write_sealed
from search.archive.store import Archive
from tests.commands import Answer, call_here
from tests.folders import contents
from vae import trained
from vae.trained import load_trained

ROOT = Path(__file__).parents[1]
OPTIONS = {
    "generate": {"n": 5, "count": 300, "shard-rows": 200, "out": "data", "workers": 1},
    "train": {
        **{"data": "data", "out": "model", "epochs": 2, "batch": 64, "held-out": 0.2},
        **{"latent": 4, "embedding": 4, "channels": 8, "convolutions": 1, "hidden": 16},
        "workers": 1,
    },
    "evaluate": {"model": "model", "workers": 1},
    "search": {
        **{"model": "model", "data": "data", "out": "found", "budget": 40, "keep": 90, "seed": 2},
        **{"parents": 40, "batch": 64, "rounds": 2, "temperature": 1.0, "workers": 1},
    },
    "evolve": {
        **{"n": 5, "letters": 2, "out": "evolved", "budget": 60, "keep": 30, "seed": 2},
        **{"parents": 40, "batch": 32, "softness": 0.1, "exchanges": 0.25, "workers": 1},
    },
    "verify": {},
}


def arguments(command: str, **changes) -> list[str]:
    """A command line: the command's options as above, with some changes."""
    options = OPTIONS.get(command, {}) | changes
    pairs = [["-" * min(len(name), 2) + name, str(value)] for name, value in options.items()]
    file = ["found/candidates.csv"] if command == "verify" else []
    return [command, *sum(pairs, []), *file]


SERVER = """
import contextlib, gc, json, os, resource, signal, sys, traceback
import pipeline
from tests.pictures import unrendered

def enter(words, folder, log, limit):
    for number, path in enumerate([os.devnull, log + ".out", log + ".err"]):
        os.dup2(os.open(path, os.O_RDWR), number)
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sys.argv = ["pipeline.py", *words]
    try:
        with contextlib.nullcontext() if limit else unrendered():
            pipeline.main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    os._exit(code)  # the long way out of so large a process takes seconds

with contextlib.redirect_stdout(sys.stderr), unrendered():
    for words in json.loads(sys.argv[1]):
        pipeline.cli.main(words, standalone_mode=False)
gc.collect()
gc.freeze()  # children look for no garbage here, which would copy the whole process
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        enter(*json.loads(line))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Server:
    """A process that has run all commands, and forks itself for each further one."""

    def __init__(self, folder: Path) -> None:
        data, model, out = (f"{folder}/{name}" for name in ("data", "model", "found"))
        warm = [
            arguments("generate", out=data),
            arguments("train", data=data, out=model),
            arguments("search", data=data, model=model, out=out, mode="prior"),
            arguments("evolve", out=f"{folder}/evolved"),
            ["verify", f"{out}/candidates.csv"],
        ]
        self.log = folder / "log"
        command = [sys.executable, "-c", SERVER, json.dumps(warm)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with (folder / "server.log").open("w") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=log, text=True, **pipes)

    def start(self, folder: Path, words: list[str], limit: int | None = None) -> int:
        """Start a command in a folder, with a limit on the size of files; return the process."""
        for kind in ("out", "err"):
            self.log.with_suffix(f".{kind}").write_text("")
        job = json.dumps([words, str(folder), str(self.log), limit])
        print(job, file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def err(self) -> str:
        return self.log.with_suffix(".err").read_text()

    def finish(self) -> Answer:
        """Wait for the command to end."""
        code = int(self.process.stdout.readline())
        return Answer(code, self.log.with_suffix(".out").read_text(), self.err())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    with server.process:
        server.process.kill()


@pytest.fixture(scope="module")
def call(server):
    """Run a command in a folder to its end."""

    def called(folder: Path, words: list[str], limit: int | None = None) -> Answer:
        server.start(folder, words, limit)
        return server.finish()

    return called


@pytest.fixture
def call_in(monkeypatch, capfd):
    """Run a command in a folder and in this process, where it is refused before it begins."""

    def called(folder: Path, words: list[str]) -> Answer:
        monkeypatch.chdir(folder)
        return call_here(words, monkeypatch, capfd)

    return called


@pytest.fixture(scope="module")
def chain(call, tmp_path_factory) -> tuple[Path, dict[str, Answer]]:
    """The whole chain with --json in one folder, which is not to be changed; its answers."""
    folder = tmp_path_factory.mktemp("chain")
    return folder, {name: call(folder, arguments(name) + ["--json"]) for name in OPTIONS}


@pytest.fixture
def runs(chain, tmp_path) -> Path:
    """A copy of its folder."""
    return Path(shutil.copytree(chain[0], tmp_path / "runs"))


def strict(text: str):
    """Parse JSON as the standard has it: without NaN."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


# --- help -------------------------------------------------------------------------------------


def test_help_is_light():
    command = [sys.executable, "-X", "importtime", "pipeline.py", "--help"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0
    imported = {line.split("|")[-1].strip() for line in answer.stderr.splitlines()}
    assert "click" in imported
    heavy = {"torch", "numba", "pandas", "numpy", "pyarrow", "matplotlib", "networkx", "tqdm"}
    assert not {name.split(".")[0] for name in imported} & heavy
    assert all(f"\n  {name} " in answer.stdout for name in [*OPTIONS, "demo"])


@pytest.mark.parametrize("name", pipeline.cli.commands)
def test_every_command_is_documented(name):
    command = pipeline.cli.commands[name]
    assert command.help
    assert f"pipeline.py {name}" in (ROOT / "README.md").read_text(encoding="utf-8")
    for option in command.params:
        assert isinstance(option, click.Argument) or option.help, option.name


@pytest.mark.parametrize("name", ["", *pipeline.cli.commands])
def test_help(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [*name.split(), "--help"]
    answer = CliRunner().invoke(pipeline.cli, words, prog_name="pipeline.py")
    assert not [*tmp_path.iterdir()]
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert answer.stdout.startswith(f"Usage: {'pipeline.py ' + name}".strip())
    options = pipeline.cli.commands[name].params if name else []
    for option in options:
        assert all(word in answer.stdout for word in option.opts if word.startswith("-"))


# --- the whole chain --------------------------------------------------------------------------


def test_the_chain(chain):
    folder, answers = chain
    for name, answer in answers.items():
        assert (name, answer.code, answer.complaints()) == (name, 0, [])
        printed = strict(answer.out)
        assert isinstance(printed, dict)
    assert strict(answers["generate"].out)["rows (distinct classes)"] == 300
    by_length = strict(answers["generate"].out)["rows by reset threshold"]
    assert sum(by_length.values()) == 300
    assert strict(answers["train"].out)["epoch"] in (1, 2)
    evaluated = strict(answers["evaluate"].out)
    measures = {name: own for name, own in evaluated.items() if name != "attributes"}
    assert measures == json.loads((folder / "model" / "evaluation.json").read_text())["results"]
    attributes = pd.read_csv(folder / "model" / "attributes.csv")
    rows = [row["attribute"] for row in evaluated["attributes"]]
    assert rows == attributes["attribute"].tolist()
    assert evaluated["prior_samples"] == 10_000
    found = strict(answers["search"].out)
    table = pd.read_csv(folder / "found" / "candidates.csv")
    assert found["candidates"] == len(table) == strict(answers["verify"].out)["rows verified"]
    assert [*table["rank"]] == [*range(1, len(table) + 1)]
    summary = pd.read_csv(folder / "found" / "summary.csv")
    assert [row["mode"] for row in found["summary"]] == summary["mode"].tolist()
    assert found["calls"] == summary["calls"].sum()
    assert found["labelling calls"] == strict(answers["generate"].out)["solver calls"]
    evolved = strict(answers["evolve"].out)
    assert (evolved["candidates"], evolved["calls"], evolved["labelling calls"]) == (30, 120, 0)
    assert [row["mode"] for row in evolved["summary"]] == ["evolve", "uniform"]
    assert all((folder / path).is_file() for path in found["files"] + evolved["files"])


def test_the_names_of_json_are_documented(chain):
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = page.partition("## JSON")[2].partition("\n## ")[0]
    rows = [line[2:-2].split(" | ") for line in section.splitlines() if line.startswith("| `")]
    names = {
        command: {name for name in re.findall("`([^`]+)`", cell) if not re.search("^--|csv$", name)}
        for commands, cell in rows
        for command in re.findall("`([^`]+)`", commands)
    }
    groups = {name for name, own in pipeline.cli.commands.items() if hasattr(own, "commands")}
    assert {command.split()[0] for command in names} == {*pipeline.cli.commands} - {"solve"}
    assert {command.split()[0] for command in names if " " in command} == groups
    for command, answer in chain[1].items():
        others = {"rows by careful threshold", "certificates verified"}  # of other data
        assert names[command] - {*strict(answer.out)} - others <= {"recall", "sources", "times"}
        assert {*strict(answer.out)} <= names[command], command


def test_the_files_of_the_chain(chain):
    def pictures(*names):
        return {f"{name}.{kind}" for name in names for kind in ("png", "svg")}

    folder, _ = chain
    shards = {"part-000000.parquet", "part-000001.parquet"}
    model = {"model.safetensors", "config.json", "metrics.csv", "resume.pt", "checksums.json"}
    tables = {"candidates.csv", "summary.csv", "checksums.json"}
    expected = {
        "data": {"manifest.json", "run.json", *shards, *pictures("thresholds")},
        "model": {*model, "run.json", "evaluation.json", "attributes.csv", *pictures("training")},
        "found": {
            *tables,
            "run.json",
            *pictures("hits", "thresholds", "norms", "strip", "reconstructions"),
        },
        "evolved": {*tables, "run.json", *pictures("hits", "thresholds")},
    }
    assert {path.name for path in folder.iterdir()} == {*expected, "archive.sqlite"}
    for name, files in expected.items():
        assert {path.name for path in (folder / name).iterdir()} == files | {".lock"}


@pytest.mark.parametrize("name", ["generate", "train", "search", "evolve"])
def test_the_record_of_a_run(chain, name):
    record = json.loads((chain[0] / OPTIONS[name]["out"] / "run.json").read_text())
    names = {"command", "config", "inputs", "versions", "commit", "seconds"}
    assert {*record} == names | ({"inputs_sha256"} if name == "search" else set())
    assert record["command"] == name
    config = record["config"]
    assert config.get("seed", config.get("train", {}).get("seed")) == OPTIONS[name].get("seed", 0)
    assert record["seconds"] > 0
    assert record["commit"] is None or re.fullmatch("[0-9a-f]{40}(-dirty)?", record["commit"])
    assert {"python", "numpy", "numba", "torch", "synchronizing-automata"} <= {*record["versions"]}
    flat = config | config.get("model", {}) | config.get("train", {}) | config.get("latent", {})
    elsewhere = {"out", "workers", "data", "model"}
    flat["letters"] = flat.get("k")
    for option in OPTIONS[name].keys() - elsewhere:
        assert flat[option.replace("-", "_")] == OPTIONS[name][option]
    folders = {"data", "model"} & OPTIONS[name].keys()
    assert record["inputs"] == {key: str(chain[0] / OPTIONS[name][key]) for key in folders}


def test_the_same_commands_again(call, runs):
    before = contents(runs)
    for path in ("data/part-000001.parquet", "data/manifest.json.tmp"):
        (runs / path).unlink(missing_ok=True)
    outputs = {name: call(runs, arguments(name)) for name in OPTIONS}
    assert contents(runs) == before
    for name, answer in outputs.items():
        assert (name, answer.code, answer.complaints()) == (name, 0, [])
    assert re.search(r"rows \(distinct classes\): 300\n", outputs["generate"].out)
    assert re.search(r"rows by reset threshold:\n( +-?\d+  \d+\n)+", outputs["generate"].out)
    assert "exact from sample: " in outputs["train"].out
    assert "novelty: " in outputs["evaluate"].out
    text = outputs["search"].out
    assert text.index("Arms: hits per 1,000 solver calls") < text.index("Best candidates")
    best = text[text.index("Best candidates") :].splitlines()
    assert best[1].split() == ["n", "threshold", "of", "bound", "family", "or", "word", "automaton"]
    assert len(best) == 7
    for word in ("encode-decode", "mutation", "uniform", "evolve", "found/candidates.csv"):
        assert word in text
    calls = r"\nSolver calls of the arms: \d+; of labelling the training set: [1-9]\d*\n"
    assert re.search(calls, text)
    assert "\nSolver calls of the arms: 120\n" in outputs["evolve"].out  # no training set
    assert re.fullmatch(r"rows verified: \d+\n", outputs["verify"].out)


@pytest.mark.parametrize("name", ["generate", "train", "search", "evolve"])
def test_another_config_is_refused_unless_forced(call, runs, name):
    before = contents(runs)
    changes = {"generate": {"count": 310}, "train": {"beta": 0.7}, "search": {"budget": 30}}
    changes["evolve"] = {"class": "not-sink"}
    other = arguments(name, **changes[name])
    answer = call(runs, other)
    assert (answer.code, len(answer.complaints())) == (3, 1)
    assert "another run" in answer.complaints()[0]
    assert contents(runs) == before
    notes = runs / OPTIONS[name]["out"] / "notes.txt"
    notes.write_text("mine")
    answer = call(runs, [*other, "--force"])
    assert (answer.code, answer.complaints()) == (0, [])
    assert notes.read_text() == "mine"
    files = {"generate": "manifest.json", "train": "config.json", "search": "summary.csv"}
    files["evolve"] = "summary.csv"
    changed = f"{OPTIONS[name]['out']}/{files[name]}"
    assert contents(runs)[changed] != before[changed]


def test_models_of_a_class(call, runs):
    """They are trained on its automata alone, and used with these as their training set."""
    trained = call(runs, arguments("train", **{"class": "not-sink", "out": "some"}))
    assert trained.code == 0
    assert json.loads((runs / "some" / "run.json").read_text())["config"]["classes"] == ["not-sink"]
    rows = json.loads((runs / "some" / "config.json").read_text())["data"]["rows"]
    assert 0 < rows < 300
    assert call(runs, arguments("evaluate", model="some")).code == 0
    answer = call(runs, arguments("search", model="some", out="new", **{"class": "basic"}))
    assert answer.code == 0, answer.err
    assert json.loads((runs / "new" / "run.json").read_text())["config"]["classes"] == ["basic"]
    refused(
        call(runs, arguments("train", **{"class": "sink", "out": "some"})), 3, "holds another run"
    )
    empty = ["--class", "completely-reachable", "--class", "aperiodic"]
    refused(
        call(runs, [*arguments("search", out="other"), *empty]),
        3,
        "0 of 300 training automata are of class completely-reachable, aperiodic, but a search",
    )


def test_a_training_that_was_interrupted(call, runs):
    """Its checkpoint is used with a warning, and only where the dataset is named."""
    model = runs / "model"
    (model / "run.json").unlink()
    config = json.loads((model / "config.json").read_text())
    done = config["train"]["epochs"]
    config["train"]["epochs"] = done + 1
    write_json(model / "config.json", config)
    sums = json.loads((model / "checksums.json").read_text())
    write_json(model / "checksums.json", sums | {"config.json": sha256(model / "config.json")})
    message = "model: no run.json, which train writes when it has finished: the same train command"
    refused(call(runs, arguments("evaluate")), 3, message)
    for words in (arguments("evaluate", data="data"), arguments("search", out="new")):
        answer = call(runs, words)
        assert answer.code == 0
        assert answer.complaints() == [
            f"Warning: model: its training has not ended ({done} of {done + 1} epochs): the same "
            "train command goes on"
        ]
    (runs / "some").mkdir()  # interrupted in its first epoch
    message = r"some: not a model folder \(no checksums.json, which train writes with its first"
    refused(call(runs, arguments("evaluate", model="some")), 3, message)
    assert call(runs, arguments("train", epochs=done + 1)).code == 0
    assert call(runs, arguments("evaluate")).complaints() == []


def test_a_training_is_extended(call, runs):
    before = (runs / "model" / "metrics.csv").read_text().splitlines()
    done = len(before) - 1
    assert call(runs, arguments("train", epochs=done + 2)).code == 0
    record = json.loads((runs / "model" / "run.json").read_text())
    assert record["config"]["train"]["epochs"] == done + 2
    assert len((runs / "model" / "metrics.csv").read_text().splitlines()) == done + 3
    refused(call(runs, arguments("train")), 3, f"train.epochs={done + 2} there, {done} here")
    changed = arguments("train", epochs=done + 3, beta=0.3)
    refused(call(runs, changed), 3, r"train.beta=0.\d+ there, 0.3 here")


# --- bad input --------------------------------------------------------------------------------


def refused(answer: Answer, code: int, message: str) -> None:
    """One line, the right code, and nothing on stdout."""
    assert (answer.code, answer.out) == (code, ""), answer.err
    (line,) = answer.complaints()
    assert re.match(f"Error: .*(?:{message})", line)


BAD_USAGE = {
    "generate": [
        *[({"n": value}, rf"n={value} is not in 1\.\.64") for value in (0, 65, -3)],
        *[({"letters": value}, rf"k={value} is not in 1\.\.6") for value in (0, 7)],
        *[({"count": value}, f"count={value} is not in") for value in (0, -5)],
        ({"count": "many"}, "'many' is not a valid integer"),
        ({"sampler": "best"}, "unknown sampler 'best': one of uniform, synchronizing, evolved"),
        ({"ceiling": 1.5}, r"ceiling=1\.5 is not in"),
        ({"seed": -1}, "seed=-1 is not in"),
        ({"calls": -1}, "calls=-1 is not in"),
        ({"calls": 100}, "calls=100 is only for evolved automata: --sampler evolved"),
        ({"shard-rows": 0}, "shard-rows=0 is not in"),
        ({"workers": 0}, "--workers"),
        ({"colour": "red"}, "--colour"),
    ],
    "train": [
        ({"decoder": "best"}, "unknown decoder 'best': one of autoregressive, repeat"),
        ({"tokens": "best"}, "unknown tokens 'best': one of absolute, relative"),
        ({"weights": "best"}, "unknown weights 'best': one of rank, uniform"),
        ({"precision": "best"}, "unknown precision 'best': one of"),
        ({"device": "tpu"}, "'tpu' is not one of 'auto', 'cpu', 'cuda'"),
        ({"class": "best"}, "unknown class 'best': one of synchronizing, .*not-NAME"),
        *[
            ({name: -1}, f"{name}=-1.* is not in")
            for name in ("latent", "epochs", "batch", "beta", "seed", "patience", "held-out")
            + ("clip", "weight-decay", "learning-rate", "token-dropout")
        ],
    ],
    "evaluate": [
        ({"repair": -1}, "--repair"),
        ({"seed": -1}, "--seed"),
        ({"class": "best"}, "unknown class 'best': one of synchronizing, .*not-NAME"),
    ],
    "search": [
        ({"mode": "best"}, "unknown mode 'best': one of linear, polar, .*all"),
        ({"path": "best"}, "unknown path 'best': one of linear, polar, great-circle"),
        ({"reencode": "best"}, "unknown reencode 'best': one of sample, mu"),
        *[
            ({name: -1}, f"{name}=-1.* is not in")
            for name in ("budget", "keep", "seed", "parents", "rounds", "repair", "temperature")
        ],
        ({"class": "best"}, "unknown class 'best': one of synchronizing, .*not-NAME"),
    ],
    "evolve": [
        ({"n": 65}, r"n=65 is not in 1\.\.64"),
        ({"n": 21, "class": "aperiodic"}, "n=21 is over the limit of 20"),
        ({"class": "best"}, "unknown class 'best': one of synchronizing, .*not-NAME"),
        *[
            ({name: -1}, f"{name}=-1.* is not in")
            for name in ("budget", "parents", "batch", "softness", "exchanges", "keep", "seed")
        ],
    ],
    "demo": [({"seed": -1}, "--seed"), ({"workers": 0}, "--workers")],
}


@pytest.mark.parametrize(
    ("command", "changes", "message"),
    [(command, *case) for command, cases in BAD_USAGE.items() for case in cases],
)
def test_bad_usage(call_in, chain, command, changes, message):
    before = contents(chain[0])
    refused(call_in(chain[0], arguments(command, **changes)), 2, message)
    assert contents(chain[0]) == before


@pytest.mark.parametrize("name", ["\udcff", "a\x1b[2Jb", "line\nbreak", "\x9b31m"])
@pytest.mark.parametrize(
    "words",
    [
        ["generate", "-n", "5", "--count", "300", "--out"],
        ["evaluate", "--model"],
        ["verify"],
        ["archive", "export", "--archive", "archive.sqlite"],
        ["report", "found", "--out"],
    ],
)
def test_names_that_no_record_could_hold(call_in, chain, words, name):
    before = contents(chain[0])
    answer = call_in(chain[0], [*words, name])
    refused(answer, 2, "control characters, or not in UTF-8|no such file")
    assert answer.err.isascii() and not re.search("[\x00-\x09\x0b-\x1f\x7f]", answer.err)
    assert contents(chain[0]) == before


@pytest.mark.parametrize(
    "line", ["generate --out", "train --out model --data", "verify", "archive list --archive"]
)
def test_an_empty_path_is_not_the_current_folder(call_in, tmp_path, line):
    answer = call_in(tmp_path, [*line.split(), ""])
    refused(answer, 2, "an empty path; . is the current folder")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("line", ["solve --partial", "archive nearest"])
def test_an_automaton_that_begins_with_a_dash(call_in, tmp_path, line):
    answer = call_in(tmp_path, [*line.split(), "- 1 0|0 0 0"])
    refused(answer, 2, "No such option '- '; put -- before an automaton that begins with a dash")
    answer = call_in(tmp_path, [*line.split(), "--", "- 1 0|0 0 0"])
    assert answer.code == 0 and "1" in answer.out


@pytest.mark.parametrize("command", ["generate", "train", "search", "evolve"])
def test_a_folder_that_cannot_be_made_is_named(call, runs, command):
    before = contents(runs)
    answer = call(runs, arguments(command, out="data/manifest.json/new"))
    refused(answer, 1, "data/manifest.json/new: Not a directory")
    assert contents(runs) == before


@pytest.mark.parametrize("content", [b"\x1b[2J\n", b"1 2 \x1b]0;x\x07|0 1 0\n", b"\xc2\x9b31m|0\n"])
def test_no_escape_sequence_of_a_file_reaches_the_terminal(call, tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    for words in (["solve", "file"], ["verify", "file"], ["archive", "list", "--archive", "file"]):
        answer = call(tmp_path, words)
        assert answer.code in (2, 3) and answer.complaints()
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", answer.err)


def test_verify_names_the_command_for_an_archive(call_in, tmp_path):
    with Archive(tmp_path / "own.sqlite"):
        pass
    for name in ("own.sqlite", "copy.csv"):
        (tmp_path / name).write_bytes((tmp_path / "own.sqlite").read_bytes())
        answer = call_in(tmp_path, ["verify", name])
        refused(answer, 3, f"{name}: an archive: archive verify --archive {name} checks it")


@pytest.mark.parametrize(
    "words",
    [
        "enumerate -n 4 --out x",
        "discover --out x",
        "evolve --out x",
        "search --model x --data x --out x",
        "archive list",
        "archive export x.csv",
        "archive series",
        "report --archive x",
    ],
)
@pytest.mark.parametrize("pair", [("sink", "not-sink"), ("sink", "strongly-connected")])
def test_classes_that_exclude_each_other_are_refused(call_in, tmp_path, words, pair):
    restricted = [word for name in pair for word in ("--class", name)]
    answer = call_in(tmp_path, [*words.split(), *restricted])
    refused(answer, 2, f"the classes {pair[0]} and {pair[1]} exclude each other")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["generat"], "No such command 'generat'"),
        (["generate"], "--out"),
        (["train", "--out", "x"], "--data"),
        (["search", "--out", "x"], "--model"),
        (["verify"], "FILE"),
        (["verify", "a", "b"], "unexpected extra argument"),
        (
            ["discover", "--out", "x", "--from", "9", "--to", "5"],
            r"from=9 is not in 1\.\.5 \(to=5\)",
        ),
        (
            ["discover", "--out", "x", "--from", "9", "--to", "10", "--start-to", "12"],
            r"start-to=12 is not in 9\.\.10 \(from=9, to=10\)",
        ),
        (
            ["discover", "--out", "x", "--arms", "rules,mix,rules"],
            "arms=rules,mix,rules names rules 2 times, at most once is allowed",
        ),
        (["--verbose"], "--verbose"),
    ],
)
def test_incomplete_commands(call_in, tmp_path, words, message):
    refused(call_in(tmp_path, words), 2, message)
    assert not [*tmp_path.iterdir()]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def unfinished(path: Path) -> None:
    write_sealed(path, json.loads(path.read_text()) | {"complete": False})


def missing_transition(path: Path) -> None:
    """Take away the first entry of the third row's delta."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.loc[2, "delta"] = table.loc[2, "delta"][2:]
    table.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("command", "changes", "message"),
    [
        ("train", {"data": "none"}, "none: no such folder"),
        ("train", {"data": "empty"}, "empty: not a dataset folder"),
        ("train", {"data": "file"}, "file: no such folder"),
        ("train", {"data": "model"}, "model: not a dataset folder"),
        ("train", {"data": "data6"}, "model: holds another run"),
        ("generate", {"out": "file"}, "file"),
        ("generate", {"out": "model"}, "model: holds a run of train"),
        ("train", {"out": "data"}, "data: is what the command reads"),
        ("train", {"data": "tiny", "out": "new"}, "1 rows are too few"),
        ("search", {"truth": "data", "out": "new"}, "data: not a folder of enumerate"),
        ("evolve", {"truth": "none", "out": "new"}, "none: no such folder"),
        ("evaluate", {"model": "none"}, "none: no such folder"),
        ("evaluate", {"model": "empty"}, "empty: not a model folder"),
        ("evaluate", {"model": "data"}, "data: not a model folder"),
        ("evaluate", {"model": "found"}, "found"),
        ("evaluate", {"data": "data6"}, r"data6: n=6, k=2.* not what model \(n=5, k=2\)"),
        ("search", {"model": "none"}, "none: no such folder"),
        ("search", {"model": "empty"}, "empty: not a model folder"),
        ("search", {"data": "none"}, "none: no such folder"),
        ("search", {"data": "data6"}, r"data6: n=6, k=2.* not what model \(n=5, k=2\)"),
        ("search", {"data": "other"}, r"other: n=5, k=2, 120 rows, not what model"),
    ],
)
def test_folders_that_do_not_fit(call, misfits, command, changes, message):
    before = contents(misfits)
    answer = call(misfits, arguments(command, **changes))
    refused(answer, 3, message)
    assert contents(misfits) == before


@pytest.fixture(scope="module")
def misfits(call, chain, tmp_path_factory) -> Path:
    """The chain's folder, and beside it what does not fit."""
    folder = tmp_path_factory.mktemp("misfits") / "runs"
    shutil.copytree(chain[0], folder)
    (folder / "empty").mkdir()
    (folder / "file").touch()
    for out, changes in [
        ("data6", {"n": 6, "count": 150}),
        ("other", {"count": 120, "seed": 1}),
        ("tiny", {"n": 2, "count": 1}),
    ]:
        assert call(folder, arguments("generate", out=out, **changes)).code == 0
    return folder


@pytest.mark.parametrize(
    ("command", "path", "damage", "message"),
    [
        ("generate", "data/part-000000.parquet", truncate, "part-000000.parquet: damaged"),
        ("generate", "data/manifest.json", truncate, "manifest.json"),
        ("train", "data/part-000001.parquet", truncate, "part-000001.parquet: damaged"),
        ("train", "data/part-000001.parquet", alter, "part-000001.parquet: damaged"),
        ("train", "data/part-000001.parquet", Path.unlink, "part-000001.parquet: no such file"),
        ("train", "data/manifest.json", truncate, "manifest.json: not JSON"),
        ("train", "data/manifest.json", unfinished, "data: an unfinished dataset"),
        ("train", "model/resume.pt", alter, "resume.pt: damaged"),
        ("train", "model/config.json", truncate, "config.json: damaged"),
        ("train", "model/run.json", truncate, "run.json: not JSON"),
        ("evaluate", "model/model.safetensors", alter, "model.safetensors: damaged"),
        ("evaluate", "model/checksums.json", Path.unlink, "not a model folder"),
        ("search", "model/model.safetensors", truncate, "model.safetensors: damaged"),
        ("search", "model/config.json", Path.unlink, "config.json: no such file"),
        ("search", "data/part-000000.parquet", alter, "part-000000.parquet: damaged"),
        ("verify", "found/candidates.csv", truncate, "candidates.csv: (damaged|row 90)"),
        ("verify", "found/candidates.csv", missing_transition, "candidates.csv: row 3: letter"),
        ("verify", "found/candidates.csv", Path.unlink, "candidates.csv: no such file"),
        ("verify", "found/checksums.json", truncate, "checksums.json: not JSON"),
    ],
)
def test_damage(call, runs, command, path, damage, message):
    damage(runs / path)
    before = contents(runs)
    refused(call(runs, arguments(command)), 3, message)
    assert contents(runs) == before


def overflow(folder):
    """Make the weights of a folder too large, all finite; put its checksums right."""
    path = folder / "model.safetensors"
    weights = load_file(path)
    save_file({name: torch.full_like(tensor, 3e38) for name, tensor in weights.items()}, path)
    checksums = json.loads((folder / "checksums.json").read_text())
    (folder / "checksums.json").write_text(json.dumps(checksums | {path.name: sha256(path)}))


@pytest.mark.parametrize("command", ["evaluate", "search"])
def test_weights_that_overflow(call, runs, command):
    overflow(runs / "model")
    answer = call(runs, arguments(command, **({"out": "new"} if command == "search" else {})))
    refused(answer, 3, "model: computes numbers that are not finite")


def test_weights_of_a_step_that_overflow(call, tmp_path):
    line = "discover --from 3 --start-to 4 --to 6 --start-budget 20 --budget 60 --workers 1"
    words = f"{line} --latent 4 --first-look 20 --first-steps 2 --steps 1".split()
    for arm, place in (("vae", "n-05/model.safetensors"), ("mix", "n-05")):
        assert call(tmp_path, [*words, "--arms", arm, "--out", arm]).code == 0
        shutil.rmtree(tmp_path / arm / f"seed-0/{arm}/n-06")
        overflow(tmp_path / arm / f"seed-0/{arm}/n-05")
        answer = call(tmp_path, [*words, "--arms", arm, "--out", arm])
        refused(answer, 3, f"{place}: computes numbers that are not finite")


@pytest.mark.parametrize("content", [b"[]", b"{}", b"3"])
@pytest.mark.parametrize("command", ["generate", "train", "evaluate", "search", "evolve"])
def test_another_kind_of_record(call, runs, command, content):
    (runs / OPTIONS[command].get("out", "model") / "run.json").write_bytes(content)
    refused(call(runs, arguments(command)), 3, "run|model")


@pytest.mark.parametrize(
    ("command", "limit"),
    [
        ("generate", 1000),  # no space for a shard
        ("generate", 5000),  # for the picture
        pytest.param("train", 1000, marks=pytest.mark.exhaustive),  # for the model
        ("train", 25_000),  # for resume.pt
        pytest.param("search", 3000, marks=pytest.mark.exhaustive),  # for the tables
        ("search", 20_000),  # for the archive
    ],
)
def test_a_full_disk(call, chain, tmp_path, command, limit):
    out = OPTIONS[command]["out"]
    for name in {"data", "model"} - {out}:
        shutil.copytree(chain[0] / name, tmp_path / name)
    answer = call(tmp_path, arguments(command), limit)
    assert (answer.code, len(answer.complaints())) == (1, 1), answer.err
    assert re.search("File too large|archive.sqlite: disk", answer.complaints()[0])
    whole, left = contents(chain[0] / out), contents(tmp_path / out)
    left.pop("manifest.json", None)  # it says that the dataset is not complete
    assert left.items() <= whole.items()
    if (command, limit) != ("search", 20_000):  # there it has its tables
        assert call(tmp_path, arguments(command)).code == 0
        again = contents(tmp_path / out)
        clock = {"metrics.csv", "training.png", "training.svg", "resume.pt", "checksums.json"}
        for name in whole.keys() - clock - {"evaluation.json", "attributes.csv"}:
            assert again[name] == whole[name], name


@pytest.mark.parametrize("command", ["generate", "train", "evaluate", "search", "evolve"])
def test_a_folder_that_another_process_works_in(call, runs, command):
    folder = runs / OPTIONS[command].get("out", "model")
    before = contents(runs)
    with FileLock(folder / ".lock"):
        for force in ([], ["--force"] if command != "evaluate" else []):
            answer = call(runs, [*arguments(command), *force])
            refused(answer, 3, "another process is at work there")
    after = contents(runs)
    assert {name: after[name] for name in before} == before


def test_another_model_is_another_search(call, runs):
    before = contents(runs)
    other = arguments("train", out="other", seed=1)
    assert call(runs, other).code == 0
    refused(call(runs, arguments("search", model="other")), 3, "another model")
    record = (runs / "found" / "run.json").read_text()
    assert contents(runs).items() >= before.items()
    moved = runs / "elsewhere"
    shutil.copytree(runs / "model", moved)  # the same model is the same run, wherever it lies
    assert call(runs, arguments("search", model="elsewhere")).code == 0
    renewed = json.loads((runs / "found" / "run.json").read_text())
    assert renewed["inputs"]["model"] == str(moved)
    assert renewed["inputs_sha256"] == json.loads(record)["inputs_sha256"]
    assert call(runs, [*arguments("search", model="other"), "--force"]).code == 0
    forced = json.loads((runs / "found" / "run.json").read_text())
    assert forced["inputs_sha256"] != renewed["inputs_sha256"]


def test_a_model_that_changes_while_it_is_read(chain, monkeypatch):
    weights = iter(["0" * 64, "1" * 64])
    monkeypatch.setattr(trained, "weights_sha256", lambda folder: next(weights))
    with pytest.raises(DataError, match="model: is being trained"):
        load_trained(chain[0] / "model", chain[0] / "data", torch.device("cpu"), 1)


@pytest.mark.parametrize(
    ("command", "changes", "whole"),
    [
        ("generate", {"count": 10**9, "n": 8, "out": "new"}, "manifest.json part-[0-9]+.parquet"),
        ("train", {"epochs": 10**6, "out": "new"}, "c.*json metrics.csv model.* resume.pt"),
        ("search", {"budget": 10**9, "out": "new"}, ""),
        ("evolve", {"n": 12, "budget": 10**9, "out": "new"}, ""),
    ],
)
def test_interrupted(server, runs, command, changes, whole):
    before = contents(runs)
    process = server.start(runs, arguments(command, **changes))
    while not server.err():
        os.kill(process, 0)  # it has not ended
        time.sleep(0.02)
    os.kill(process, signal.SIGINT)
    answer = server.finish()
    assert (answer.code, answer.out) == (130, ""), answer.err
    after = "starts again" if command in ("search", "evolve") else "goes on from here"
    begun = f": the same command {after}" if (runs / "new").exists() else ""
    assert [line for line in answer.complaints() if line] == [f"Error: interrupted{begun}"]
    after = contents(runs)
    assert before.items() <= after.items()
    patterns = [re.compile(f"new/{pattern}") for pattern in whole.split()]
    for path in after.keys() - before.keys():
        assert any(pattern.fullmatch(path) for pattern in patterns), path
    assert not (runs / "new" / "run.json").exists()
