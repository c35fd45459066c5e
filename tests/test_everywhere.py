"""The commands work in any folder, language and environment, or say in one line why not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pipeline
from search.archive.store import Archive
from search.report.content import known_automata
from tests.faults.conditions import CONDITIONS, SCRIPT, prepare, run_under

AUTOMATA = "1 2 3 0|1 1 2 3\n1 0|0 1\n"
ANSWERS = b"9\tbaaabaaab\nnone\n"
CERNY = np.array([[[1, 2, 0], [0, 1, 0]]])
SILENT = {"stdout closed", "all closed"}
SOLVED = [
    "without fcntl",
    "in a C locale",
    "TMPDIR missing",
    "from the tree",
    "by a relative path",
    "all closed",
    "hardly any environment",
]
GENERATED = [
    *("without fcntl", "all closed"),
    pytest.param("in a C locale", marks=pytest.mark.exhaustive),
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


def code_and_end(answer: subprocess.CompletedProcess[bytes]) -> tuple[int, bytes]:
    return answer.returncode, answer.stderr[-1000:]


@pytest.mark.parametrize("condition", SOLVED)
def test_solve(place: Path, condition: str) -> None:
    file = place / "automata"
    file.write_text(AUTOMATA)
    answer = run_under(condition, ["solve", str(file)], place)
    assert code_and_end(answer) == (0, b"")
    assert answer.stdout == (b"" if condition in SILENT else ANSWERS)


@pytest.mark.parametrize("command", ["solve", "evolve"])
def test_a_folder_that_is_gone(place: Path, command: str) -> None:
    answer = run_under("in a folder that is gone", [command, "--out", str(place / "out")], place)
    refusal = b"Error: the current folder is gone: change into one that is there\n"
    assert (*code_and_end(answer), answer.stdout) == (1, refusal, b"")


def test_solve_from_a_pipe_in_another_language(place: Path) -> None:
    text = f"# Černý, \N{SNOWMAN}\n{AUTOMATA}1 2|\N{SNOWMAN}\n"
    answer = run_under("in a C locale, with names in ASCII", ["solve", "-"], place, text)
    assert answer.returncode == 2
    assert answer.stdout == ANSWERS
    (complaint,) = answer.stderr.splitlines()
    assert complaint.startswith(b"Error: standard input: line 4: ")


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The rows of a dataset that was made in this process."""
    out = tmp_path_factory.mktemp("home") / "data"
    pipeline.cli.main([*GENERATE, str(out)], standalone_mode=False)
    return rows(out)


GENERATE = "generate -n 4 --count 20 --shard-rows 8 --workers 1 --out".split()


def rows(folder: Path) -> dict[str, bytes]:
    names = ["manifest.json", *(path.name for path in folder.glob("*.parquet"))]
    return {name: (folder / name).read_bytes() for name in names}


@pytest.mark.parametrize("condition", GENERATED)
def test_generate(place: Path, at_home: dict[str, bytes], condition: str) -> None:
    out = place / "new" / "data"
    answer = run_under(condition, [*GENERATE, str(out)], place)
    assert answer.returncode == 0, answer.stderr
    assert rows(out) == at_home
    assert {path.suffix for path in out.iterdir()} <= {".parquet", ".json", ".png", ".svg", ""}


def test_a_folder_claimed_before_where_there_are_no_locks(place: Path) -> None:
    """A `.lock` stays where the system has locks; elsewhere it must not count as one."""
    code = "import sys\nfrom pathlib import Path\nfrom data.claim import claim\n"
    code += "with claim(Path(sys.argv[1]), 'work'):\n    print('claimed')\n"
    hidden = "import sys\nsys.modules['fcntl'] = None\n"
    for start in ("", hidden, hidden):
        words = [sys.executable, "-c", start + code, str(place / "data")]
        answer = subprocess.run(words, cwd=os.path.dirname(SCRIPT), capture_output=True)
        assert (*code_and_end(answer), answer.stdout) == (0, b"", b"claimed\n")
    assert (place / "data" / ".lock").exists() and not (place / "data" / ".held").exists()


def test_an_output_beside_the_caller(place: Path, at_home: dict[str, bytes], monkeypatch) -> None:
    monkeypatch.chdir(place)
    pipeline.cli.main([*GENERATE, "data"], standalone_mode=False)
    assert rows(place / "data") == at_home


def test_help_in_ascii() -> None:
    """Every command explains itself where Č cannot be written."""
    code = f"import sys; sys.path.insert(0, {os.path.dirname(SCRIPT)!r})\n"
    code += "import pipeline\n"
    code += "for name in [None, *pipeline.cli.commands]:\n"
    code += "    words = [name] * (name is not None) + ['--help']\n"
    code += "    pipeline.cli.main(words, standalone_mode=False)\n"
    variables = os.environ | CONDITIONS["in a C locale, with names in ASCII"].variables
    answer = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True)
    assert code_and_end(answer) == (0, b"")
    assert answer.stdout.count(b"Usage: ") == 1 + len(pipeline.cli.commands)


@pytest.mark.parametrize("name", [b"\xff", "Černý".encode()])
def test_a_folder_whose_name_cannot_be_printed(place: Path, name: bytes) -> None:
    """Either the command refuses it before it begins, or it does all of its work."""
    out = os.path.join(os.fsencode(place), name)
    words = [sys.executable, SCRIPT, *GENERATE, out]
    variables = os.environ | CONDITIONS["in a C locale"].variables
    answer = subprocess.run(words, env=variables, capture_output=True)
    assert b"Traceback" not in answer.stderr
    if answer.returncode:
        assert answer.stderr.count(b"Error: ") == len(answer.stderr.splitlines()) == 1
        assert not os.path.exists(out)
    else:
        assert os.path.exists(os.path.join(out, b"run.json"))


def test_output_on_a_full_disk() -> None:
    with open("/dev/full", "wb") as full:
        words = [sys.executable, SCRIPT, "solve", "-"]
        answer = subprocess.run(words, input=AUTOMATA.encode(), stdout=full, stderr=subprocess.PIPE)
    assert answer.returncode == 1
    (complaint,) = answer.stderr.splitlines()
    assert complaint == b"Error: the output: No space left on device"


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="has no such name")
def test_standard_output_by_its_name_is_not_cut_off(place: Path) -> None:
    with Archive(place / "archive.sqlite") as archive:
        archive.add(known_automata(CERNY, np.array([4]), mode="evolve"), run="run")
    file = place / "table.csv"
    file.write_text("before\n")
    with file.open("ab") as end:
        words = [sys.executable, SCRIPT, "archive", "export", "/dev/stdout", "--archive"]
        subprocess.run([*words, str(place / "archive.sqlite")], check=True, stdout=end)
    before, header, row = file.read_text().splitlines()
    assert before == "before" and header.startswith("n,") and row.startswith("3,2,")


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="has no file that fails")
def test_errors_of_reading_name_the_file() -> None:
    for name, shown in [("/proc/self/mem", "/proc/self/mem"), ("-", "standard input")]:
        with open("/proc/self/mem", "rb") as unreadable:
            words = [sys.executable, SCRIPT, "solve", name]
            answer = subprocess.run(words, stdin=unreadable, stderr=subprocess.PIPE)
        assert answer.returncode == 1
        assert answer.stderr == f"Error: {shown}: Input/output error\n".encode()


@pytest.mark.parametrize("stderr", ["closed", "full"])
def test_work_goes_on_when_its_progress_cannot_be_written(stderr: str) -> None:
    code = "from data.progress import progress\n"
    code += "with progress(2, 'work', 'pieces') as bar:\n"
    code += "    bar.update(2)\n    bar.set_postfix_str('well')\nprint('done')\n"
    redirection = {"closed": "2>&-", "full": "2>/dev/full"}[stderr]
    line = f'"{sys.executable}" -c "$CODE" {redirection}'
    answer = subprocess.run(
        ["bash", "-c", line], env=os.environ | {"CODE": code}, cwd=os.path.dirname(SCRIPT),
        capture_output=True,
    )  # fmt: skip
    assert (answer.returncode, answer.stdout) == (0, b"done\n")
