"""Commands with --scheduler answer as without it; the units of work go through pickles."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from automata.units import Lost, Pool
from data import cluster as module
from tests.commands import Answer, call_here
from tests.folders import contents

SIZES = "--from 3 --start-to 4 --to 6 --start-budget 300 --budget 60 --latent 4 --first-look 40"
DISCOVER = f"discover {SIZES} --first-steps 3 --steps 2 --workers 1"


class Carried(Executor):
    """Runs units in this thread, as pickled copies; some units end their workers."""

    def __init__(self) -> None:
        self.calls = 0
        self.ends: Callable[[Any], bool] = lambda unit: False

    def submit(self, work: Any, unit: Any) -> Future[Any]:  # type: ignore[override]
        self.calls += 1
        future: Future[Any] = Future()
        work, unit = cloudpickle.loads(cloudpickle.dumps((work, unit)))
        try:
            if self.ends(unit):
                raise Lost("it ended 3 workers")
            future.set_result(cloudpickle.loads(cloudpickle.dumps(work(unit))))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> Carried:
    """What stands behind every scheduler."""
    executor = Carried()

    @contextmanager
    def cluster(place: str) -> Iterator[Pool]:
        yield Pool(executor, lambda: 3)

    monkeypatch.setattr(module, "cluster", cluster)
    return executor


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Answer]:
    """Runs a command line in a new folder."""
    monkeypatch.chdir(tmp_path)
    return lambda line, *more: call_here([*line.split(), *more], monkeypatch, capfd)


def errors(answer: Answer) -> list[str]:
    """The lines on stderr that are no progress."""
    return [line for line in answer.complaints() if not line.endswith(" left")]


@pytest.mark.parametrize(
    "line",
    [
        "generate -n 5 --count 300 --shard-rows 200",
        "generate -n 4 --partial --count 100 --ceiling 0.8",
        "generate -n 5 --count 100 --sampler evolved --calls 500",
        "enumerate -n 4 --at-least 6",
    ],
)
def test_the_same_files(line: str, call: Callable[..., Answer], carried: Carried) -> None:
    assert call(f"{line} --out here --workers 1").code == 0
    assert carried.calls == 0
    assert call(f"{line} --out there --scheduler x").code == 0
    assert carried.calls > 0
    assert contents(Path("here")) == contents(Path("there"))


@pytest.mark.parametrize(
    "line",
    [
        "verify {}/search/candidates.csv",
        "archive verify --archive {}/archive.sqlite",
        "archive series --archive {}/archive.sqlite -n 5 --prove --out -",
        "archive series --archive {}/archive.sqlite -n 4",
        "solve {}/texts",
        "solve {}/texts --json --method greedy",
        "solve {}/texts --no-words --time-limit 9",
    ],
)
def test_the_same_answers(
    line: str, call: Callable[..., Answer], carried: Carried, run_folders: Path, tmp_path: Path
) -> None:
    texts = ["1 2 0|0 1 0", "1 2 3 0|1 1 2 3", "nothing", "1 2 0|2 0 1", "1 0|0 0"] * 70
    (tmp_path / "texts").write_text("\n".join(texts))
    words = line.replace("{}/texts", "texts").format(run_folders)
    alone, together = call(words), call(f"{words} --scheduler x")
    assert carried.calls > 0
    assert (alone.code, alone.out) == (together.code, together.out)
    assert errors(alone) == errors(together)


def test_the_same_discovery(
    call: Callable[..., Answer], carried: Carried, run_folders: Path
) -> None:
    assert call(f"{DISCOVER} --out discover --scheduler x").code == 0
    assert carried.calls == 4
    own, theirs = (contents(folder / "discover/seed-0") for folder in (Path(), run_folders))
    assert own == theirs


@pytest.mark.parametrize("line", ["generate -n 3 --count 9", "enumerate -n 2", DISCOVER])
def test_a_place_where_nobody_is(line: str, call: Callable[..., Answer], tmp_path: Path) -> None:
    """It is refused before anything is written, or removed by --force."""
    answer = call(f"{line} --out runs/out --scheduler nowhere")
    assert (answer.code, answer.err) == (3, "Error: nowhere: no such file\n")
    assert [*tmp_path.iterdir()] == []
    record = tmp_path / "run.json"
    record.write_text("precious")
    assert call(f"{line} --out . --force --scheduler nowhere").code == 3
    assert record.read_text() == "precious"


# --- units that end their workers -------------------------------------------------------------


def test_lost_lines(call: Callable[..., Answer], carried: Carried) -> None:
    """A batch of 5 automata is lost, then one of them, which is named."""
    Path("texts").write_text("1 2 0|0 1 0\n" * 2 + "1 2 3 0|1 1 2 3\n" + "1 0|0 0\n" * 2)
    carried.ends = lambda unit: any(row[0] == 3 for row in unit[1])
    answer = call("solve texts --scheduler x")
    assert (answer.code, answer.out) == (1, "4\tbaab\n4\tbaab\n1\tb\n1\tb\n")
    assert answer.complaints() == [
        "Error: texts: line 3: not solved: it ended 3 workers",
        "Error: 1 automata are not solved",
    ]


def test_lost_rows(call: Callable[..., Answer], carried: Carried, run_folders: Path) -> None:
    carried.ends = lambda unit: any(row[0] == 20 for row in unit[1])
    table = run_folders / "search/candidates.csv"
    answer = call(f"verify {table} --scheduler x")
    assert answer.code == 1
    assert answer.complaints() == [f"Error: {table}: not proved: row 20: it ended 3 workers"]


def test_lost_automata(call: Callable[..., Answer], carried: Carried, run_folders: Path) -> None:
    file = run_folders / "archive.sqlite"
    carried.ends = lambda unit: any(record.reset_threshold == 9 for record in unit[1])
    answer = call(f"archive verify --archive {file} --scheduler x")
    assert answer.code == 1
    (said,) = answer.complaints()
    assert re.fullmatch(
        rf"Error: {file}: \d+ automata are not checked; n=4, k=2, .*: it ended 3 workers", said
    )
    carried.ends = lambda unit: True
    answer = call("generate -n 3 --count 9 --out out --scheduler x")
    assert answer.code == 1
    (said,) = answer.complaints()
    assert re.fullmatch(r"Error: the automaton \[\[.*\]\] is not solved: it ended 3 workers", said)


def test_a_lost_step(call: Callable[..., Answer], carried: Carried, run_folders: Path) -> None:
    """Its run ends there, the others go on; the same command then finishes it."""
    line = f"{DISCOVER} --arms insertion,evolve --out out --scheduler x"
    carried.ends = lambda task: (task.arm, task.n) == ("insertion", 5)
    answer = call(line)
    assert answer.code == 1
    assert answer.complaints() == [
        "Error: out: not finished: insertion with seed 0 at n=5: it ended 3 workers. "
        "The same command tries again"
    ]
    assert carried.calls == 2 + 2 + 1
    carried.ends = lambda task: False
    assert call(line).code == 0
    assert carried.calls == 5 + 2
    own, theirs = Path("out/seed-0/insertion"), run_folders / "compare/seed-0/insertion"
    assert contents(own) == contents(theirs)
