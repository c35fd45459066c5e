"""Every example of docs/own.md runs as it stands, and does what the page says of it.

The decoder alone learns for fewer epochs: of what it learns the page says nothing.
"""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import pipeline

pytestmark = pytest.mark.usefixtures("unrendered")

PAGE = (Path(__file__).parents[1] / "docs" / "own.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^## Your own (\w+)\n.*?```python\n(.*?)```", PAGE, re.M | re.DOTALL))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the commands at the top of the page have run."""
    folder = tmp_path_factory.mktemp("own")
    [block] = re.findall(r"```\n(python pipeline.py generate.*?)```", PAGE, re.DOTALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in block.strip().splitlines():
            words = shlex.split(line)[2:]
            answer = CliRunner().invoke(pipeline.cli, [*words, "--workers", "1"])
            assert answer.exit_code == 0, answer.output
    return folder


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_short(name: str) -> None:
    lines = [line for line in EXAMPLES[name].splitlines() if line]
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 100


@pytest.fixture
def run(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run an example; return its names and what it prints."""

    def runs(name: str, written: str = "", instead: str = "") -> tuple[dict[str, object], str]:
        monkeypatch.chdir(place)
        names: dict[str, object] = {"__name__": name}
        assert written in EXAMPLES[name]
        exec(compile(EXAMPLES[name].replace(written, instead), name, "exec"), names)
        return names, capsys.readouterr().out

    return runs


def test_all_four_are_there() -> None:
    assert [*EXAMPLES] == ["sampler", "class", "prior", "decoder"]


def test_a_sampler(run, place: Path) -> None:
    names, printed = run("sampler")
    assert (place / "runs" / "cyclic" / "manifest.json").exists()
    rows = len(names["data"])
    assert 100 < rows < 4000 and printed.startswith(f"{rows} of 4,000")
    assert (names["data"].deltas.shape[1:], names["space"].n) == ((2, 7), 7)


def test_a_class(run) -> None:
    names, printed = run("class")
    share, before, after = (int(share) for share in re.findall(r"^(\d+)%", printed, re.M))
    assert 0 < share < 100
    assert after > before + 5  # the direction brings the attribute
    admitted = int(re.findall(r"(\d+) of 1,000", printed)[0])
    assert 0 < admitted < 1000


def test_a_prior(run) -> None:
    names, printed = run("prior")
    means = [float(mean) for mean in re.findall(r"mean threshold (\S+),", printed)]
    assert len(means) == 2 and min(means) > 0
    assert names["arm"].calls == 300  # the second arm spent what the first did


def test_a_decoder(run) -> None:
    names, printed = run("decoder", "epochs=60", "epochs=6")
    assert type(names["space"].model.decoder).__name__ == "AtOnce"
    assert names["space"].sample(5, temperature=1.0).shape == (5, 2, 6)
    assert re.fullmatch(r"\d+% of the training set are reconstructed exactly\n", printed)
