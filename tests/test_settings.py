"""Fields of configs: what checks them, and the options that are made of them."""

import ast
import inspect
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, dataclass, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner

import automata
import pipeline
from automata import Automaton, canonical_forms, reset_thresholds
from automata.evolution import Evolution
from automata.settings import check_settings, setting, settings_of
from automata.text.config import SolveConfig
from data.best_known import Scale
from data.configs import EnumerateConfig, GenerateConfig
from search.archive.intake import ArchiveRule
from search.archive.selection import Selection
from search.archive.series_config import SeriesConfig
from search.candidates import candidate_table
from search.configs import EvolveConfig, LatentConfig, SearchConfig
from search.discovery.arms import SOURCES
from search.discovery.config import SOURCE_NAMES, DiscoverConfig, LeapConfig, LearnConfig
from search.jobs import options
from search.jobs.commandline import Commands
from search.lecture.config import LectureConfig
from vae.config import ModelConfig, ModelOptions, TrainConfig
from vae.gaussian import GaussianConfig

ROOT = Path(__file__).parents[1]
COMMANDS: dict[str, tuple[type, ...]] = {
    "generate": (GenerateConfig,),
    "enumerate": (EnumerateConfig,),
    "train": (ModelConfig, ModelOptions, TrainConfig),
    "search": (SearchConfig, LatentConfig, ArchiveRule),
    "evolve": (EvolveConfig, ArchiveRule),
    "discover": (DiscoverConfig, LearnConfig, ModelOptions, ArchiveRule),
    "solve": (SolveConfig,),
    "archive list": (Selection,),
    "archive export": (Selection,),
    "archive series": (Selection, SeriesConfig),
    "report": (Selection,),
    "demo": (ArchiveRule,),
    "lecture": (LectureConfig,),
}
CONFIGS = [
    *(
        GenerateConfig(partial=True, ceiling=0.5),
        EnumerateConfig(at_least=9),
        TrainConfig(),
        ModelConfig(any_size=True),
    ),
    *(
        SearchConfig(),
        LatentConfig(),
        EvolveConfig(partial=True),
        LearnConfig(),
        LeapConfig(),
        Evolution(),
    ),
    *(
        DiscoverConfig(least=1, start_to=1),
        Selection(),
        SeriesConfig(),
        ArchiveRule(Path("archive.sqlite")),
    ),
    *(SolveConfig(), LectureConfig(), GaussianConfig(), ModelOptions()),
]


def command(name: str) -> Any:
    """The command of a name, or of a group and a name."""
    found: Any = pipeline.cli
    for word in name.split():
        found = found.commands[word]
    return found


def leaves(group: Any = pipeline.cli, path: str = "") -> Iterator[str]:
    """The names of all commands."""
    for name, own in group.commands.items():
        if isinstance(own, click.Group):
            yield from leaves(own, f"{path}{name} ")
        else:
            yield path + name


def help_of(name: str) -> str:
    """The help of a command, on one line."""
    answer = CliRunner().invoke(pipeline.cli, [*name.split(), "--help"])
    assert answer.exit_code == 0
    return " ".join(answer.output.split())


# --- fields -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Example:
    """One field of each kind."""

    count: int = setting(3, "A number.", low=1, high=9)
    any_count: int = setting(0, "A number without an end.", low=0)
    share: float = setting(0.5, "A share.", low=0, high=1)
    part: float = setting(0.5, "Some of it.", low=0, high=1, without=0)
    rest: float = setting(0.5, "Not all of it.", low=0, high=1, without=1)
    size: float = setting(2.0, "How large.", low=0, without=0)
    shift: float = setting(0.0, "Any number.")
    kind: str = setting("one", "Which.", choices=("one", "two"))
    flag: bool = setting(False, "Whether.")
    perhaps: int | None = setting(None, "A number, or none.", low=1, high=4)
    least: int = setting(1, "The least.", low=1, high="most", name="from")
    most: int = setting(5, "The most.", low=1, high=8, name="to")
    plain: int = 7

    def __post_init__(self) -> None:
        check_settings(self)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "count=0 is not in 1..9"),
        ({"count": 1.5}, "count=1.5 is not an integer"),
        ({"count": None}, "count=None is not an integer"),
        ({"any_count": -1}, "any-count=-1 is not at least 0"),
        ({"share": 1.5}, "share=1.5 is not in 0..1"),
        ({"share": math.nan}, "share=nan is not a finite number"),
        ({"share": "1"}, "share='1' is not a finite number"),
        ({"part": 0}, "part=0 is not in (0, 1]"),
        ({"part": 1.1}, "part=1.1 is not in (0, 1]"),
        ({"part": math.inf}, "part=inf is not a finite number"),
        ({"rest": 1}, "rest=1 is not in [0, 1)"),
        ({"rest": -0.5}, "rest=-0.5 is not in [0, 1)"),
        ({"size": 0}, "size=0 is not positive"),
        ({"size": -1}, "size=-1 is not positive"),
        ({"shift": math.inf}, "shift=inf is not a finite number"),
        ({"kind": "three"}, "unknown kind 'three': one of one, two"),
        ({"flag": 1}, "flag=1 is not True or False"),
        ({"perhaps": 5}, "perhaps=5 is not in 1..4"),
        ({"least": 6}, "from=6 is not in 1..5 (to=5)"),
        ({"least": "2"}, "from='2' is not an integer"),
        ({"least": 6, "most": 9}, "to=9 is not in 1..8"),
        ({"most": "2"}, "to='2' is not an integer"),
    ],
)
def test_what_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:
        Example(**values)
    assert str(error.value) == message


def test_values_are_plain() -> None:
    example = Example(count=np.int8(4), share=np.float32(0.5), part=1, perhaps=np.uint8(2))
    assert example == Example(count=4, share=0.5, part=1, perhaps=2)
    kinds = [type(value) for value in (example.count, example.share, example.part)]
    assert (*kinds, type(example.perhaps)) == (int, float, int, int)
    with pytest.raises(FrozenInstanceError):
        example.count = 5  # type: ignore[misc]


def test_what_a_field_says() -> None:
    own = settings_of(Example)
    assert [*own] == [field.name for field in fields(Example) if field.name != "plain"]
    assert [own[name].range for name in ("count", "any_count", "share", "part", "rest")] == [
        *("1..9", "at least 0", "0..1", "(0, 1]", "[0, 1)"),
    ]
    assert [own[name].range for name in ("size", "shift", "kind", "perhaps", "least")] == [
        *("positive", "", "", "1..4", "1..--to"),
    ]
    assert own["any_count"].flags == ("--any-count",)
    assert (own["least"].name, own["least"].flags) == ("from", ("--from",))
    assert own["perhaps"].optional and not own["count"].optional


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_ranges_are_those_that_are_checked(config: Any) -> None:
    for name, own in settings_of(type(config)).items():
        named = "^" + own.name.replace("-", "[- ]")
        for limit, away in ((own.low, -1), (own.high, 1)):
            if not isinstance(limit, int | float):
                continue
            step = 1 if own.kind is int else 1e-3 * (abs(limit) or 1)
            with pytest.raises(ValueError, match=named):
                replace(config, **{name: limit + away * step})
            if limit == own.without:
                with pytest.raises(ValueError, match=named):
                    replace(config, **{name: limit})
            else:
                assert getattr(replace(config, **{name: limit}), name) == limit
        for choice in own.choices:
            assert getattr(replace(config, **{name: choice}), name) == choice


# --- options ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_fields(name: str) -> None:
    given = {option.name: option for option in command(name).params}
    text = help_of(name)
    for config in COMMANDS[name]:
        for field, own in settings_of(config).items():
            if not own.flags:
                continue
            option = given[field]
            assert tuple(option.opts) == own.flags
            assert (option.default, option.help) == (getattr(config, field), own.help)
            assert own.range in text
            assert not own.choices or f"{own.flags[-1]} [{'|'.join(own.choices)}]" in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("generate", "--states INTEGER States of each automaton. [default: 8; 1..64]"),
        ("evolve", "--states INTEGER States of each automaton. [default: 8; 1..64]"),
        ("enumerate", "--states INTEGER States of each automaton. [default: 8; 1..11]"),
        ("discover", "--to INTEGER The largest size. [default: 16; 1..64]"),
        ("discover", "--start-to INTEGER Sizes up to this one are evolved from random automata."),
        ("archive list", "--states INTEGER Only automata with this number of states. [1..64]"),
    ],
)
def test_help_says_the_true_limits(name: str, shown: str) -> None:
    assert shown in help_of(name)


@dataclass(frozen=True)
class Other:
    """A field of the name, and one of the option, of another config."""

    count: int = setting(3, "Another number.", low=1, high=9, flags=("--other",))
    until: int = setting(3, "Another one.", low=1, high=9, flags=("--count",))


@dataclass(frozen=True)
class Alone:
    """A field that clashes with nothing."""

    size: int = setting(3, "Which.", low=1, high=9)


def make(*configs: type, option: str = "--json") -> Any:
    """Make a command of configs and one more option."""
    named = {f"config{number}": config for number, config in enumerate(configs)}

    @Commands().command("made")
    @options.of(**named)
    @click.option(option, "as_json", is_flag=True)
    def made(**given: Any) -> None:
        click.echo(given)

    return made


def test_two_options_of_one_name_are_refused() -> None:
    assert len(make(GenerateConfig, LeapConfig).params) == 11  # those of a leap are no options
    for configs in (
        (Example, Other),
        (Other, Example),
        (Alone, Alone),
        (TrainConfig, LatentConfig),
    ):
        with pytest.raises(TypeError, match="^made: --.* stands for two options$"):
            make(*configs)
    with pytest.raises(TypeError, match="^made: --size stands for two options$"):
        make(Alone, option="--size")


def test_a_command_gets_its_configs() -> None:
    answer = CliRunner().invoke(make(Alone), ["--size", "5"])
    assert answer.output == "{'as_json': False, 'config0': Alone(size=5)}\n"


def test_a_setting_that_is_not_taken_is_an_error() -> None:
    @Commands().command("made")
    @options.of(config=Alone)
    @click.option("--json", "as_json", is_flag=True)
    def made(config: Alone) -> None:
        pass

    answer = CliRunner().invoke(made, [])
    assert isinstance(answer.exception, TypeError)
    assert "as_json" in str(answer.exception)


@pytest.mark.parametrize("name", [*leaves()])
def test_commands_name_all_that_they_take(name: str) -> None:
    function = inspect.unwrap(command(name).callback)
    kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
    assert kinds == {inspect.Parameter.POSITIONAL_OR_KEYWORD}


# --- what is loaded ---------------------------------------------------------------------------


def loaded(script: str) -> set[str]:
    """Run a script in a process of its own; return the top modules that it loads."""
    whole = f"import sys\n{script}\nprint(*sys.modules, file=sys.stderr)"
    answer = subprocess.run(
        [sys.executable, "-c", whole], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in answer.stderr.split()}


HEAVY = {"torch", "numba", "numpy", "pandas", "pyarrow", "matplotlib", "networkx", "tqdm"}


def test_help_is_light() -> None:
    names = ["", "archive", *leaves()]
    script = f"""
import pipeline
for name in {names}:
    pipeline.cli.main([*name.split(), "--help"], standalone_mode=False)
"""
    assert not loaded(script) & HEAVY


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of candidates with one row."""
    path = tmp_path_factory.mktemp("candidates") / "candidates.csv"
    slow = Automaton("1 2 3 0|1 1 2 3")
    form = canonical_forms(slow.delta[None])
    thresholds = reset_thresholds(slow.delta[None])
    found = {"novel": True, "mode": "evolve", "parent_a": "", "parent_b": "", "alpha": np.nan}
    table = candidate_table(Scale(4, 2), form, thresholds, **found, round=0, repaired=0)
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("words", "unused"),
    [
        ("verify CANDIDATES", {"torch", "cmaes"}),
        (
            "solve LINES, solve LINES --json --no-words",
            {"torch", "pandas", "pyarrow", "matplotlib"},
        ),
    ],
)
def test_commands_load_what_they_need(candidates: Path, words: str, unused: set[str]) -> None:
    lines = candidates.with_name("lines")
    lines.write_text("1 2 3 0|1 1 2 3\n")
    text = words.replace("CANDIDATES", str(candidates)).replace("LINES", str(lines))
    script = "import pipeline"
    for line in text.split(", "):
        script += f"\npipeline.cli.main({line.split()}, standalone_mode=False)"
    found = loaded(script)
    assert "numba" in found
    assert not found & unused


def test_candidates_need_no_model() -> None:
    assert not loaded("import search.candidates") & {"torch", "cmaes"}


def test_sources_have_the_names_that_tables_may_have() -> None:
    assert (*SOURCES,) == SOURCE_NAMES


def test_the_list_of_commands_and_their_jobs() -> None:
    listed = re.findall(r"^    (\w+(?: \w+)?) +([a-z_.]+)\.(\w+)$", pipeline.__doc__ or "", re.M)
    assert sorted(name for name, _, _ in listed) == sorted(leaves())
    for name, module, job in listed:
        source = inspect.getsource(inspect.unwrap(command(name).callback))
        assert re.search(rf"from {re.escape(module)} import .*\b{job}\b", source), name
        assert re.search(rf"\b{job}\(", source), name
        assert callable(getattr(import_module(module), job))


def test_the_library_is_loaded_when_it_is_used() -> None:
    assert not loaded("import automata\nassert 'rank' in dir(automata)") & HEAVY
    assert "numba" in loaded("from automata import rank")


def test_names_of_the_library() -> None:
    stub = ast.parse((ROOT / "automata" / "__init__.pyi").read_text(encoding="utf-8"))
    written = [node.value for node in stub.body if isinstance(node, ast.Assign)]
    assert sorted(ast.literal_eval(written[0])) == sorted(automata.__all__) == sorted(dir(automata))
    for name in automata.__all__:
        assert getattr(automata, name) is not None
    with pytest.raises(AttributeError):
        _ = automata.nothing
    assert (ROOT / "automata" / "py.typed").exists()


@pytest.mark.parametrize(
    ("place", "config"),
    [
        ("automata.text.solve", SolveConfig),
        ("data.enumerate", EnumerateConfig),
        ("data.generate", GenerateConfig),
        ("search.archive.tables", Selection),
        ("search.discovery.engine", DiscoverConfig),
        ("search.discovery.leaps", LeapConfig),
        ("search.discovery.learner", LearnConfig),
        ("search.evolve", EvolveConfig),
        ("search.arms.modes", LatentConfig),
        ("search.run", SearchConfig),
        ("vae.model", ModelConfig),
        ("vae.train", TrainConfig),
    ],
)
def test_configs_are_found_beside_what_they_configure(place: str, config: type) -> None:
    assert getattr(__import__(place, fromlist=["x"]), config.__name__) is config


def test_threads_are_as_many_as_the_cores_that_may_be_used(monkeypatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5}, raising=False)
    assert options.cores() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert options.cores() == 64
