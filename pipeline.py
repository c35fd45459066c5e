"""The commands: parse, build a config, call one library function, print a summary.

A command names its configs (`options`): their fields are its options, and it gets them built.
What makes them is light, so that --help answers at once; the rest is loaded by the commands.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from io import BufferedReader, BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from automata.arguments import MAX_SEED
from automata.classes import check_classes
from automata.settings import Setting, settings_of
from automata.text.config import SolveConfig
from data.configs import EnumerateConfig, GenerateConfig
from data.damage import DataError, NamedFile
from data.terminal import printable
from search.archive.intake import ArchiveRule
from search.archive.selection import Selection
from search.configs import EvolveConfig, LatentConfig, SearchConfig
from search.discovery.config import DiscoverConfig, LearnConfig
from vae.config import DEVICES, ModelConfig, TrainConfig

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from search.scoring.recall import Recall

Made = TypeVar("Made")

SOLVE_FORMS = [
    *("auto", "lines", "csv", "synchrowords", "synchrowords-1.0", "contest", "contest-letters"),
    *("table", "table-letters", "edges", "edges-target-last", "edges-letter-last"),
    *("edges-letter-first", "gap", "dot", "jff", "json", "json-states"),
]
"""What `solve` reads; named here so that --help loads nothing."""

_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and bytes that are not UTF-8."""
_STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
"""Opened by these names, a file would be written from its beginning, and cut off."""


class _PathType(click.Path):
    """A path that records and tables can hold."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the path, or refuse its name."""
        path = super().convert(value, param, ctx)
        if _UNWRITABLE.search(str(path)):
            self.fail(f"{printable(str(path))}: a name with control characters, or not in UTF-8")
        return Path("-") if self.allow_dash and str(path) in _STDOUT else path


Path_ = _PathType(path_type=Path)
_File = _PathType(path_type=Path, dir_okay=False, allow_dash=True)


class Command(click.Command):
    """A command; two of its options with one name are a mistake in this file."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        taken: set[str | None] = set()
        for option in self.params:
            names = {option.name, *option.opts}
            if names & taken:
                raise TypeError(f"{self.name}: {option.opts[-1]} stands for two options")
            taken |= names


class Commands(click.Group):
    """A group of commands."""

    command_class = Command
    group_class = type


class SettingOption(click.Option):
    """An option that is a field of a config; the config checks its range, the help shows it."""

    def __init__(self, *args: Any, setting: Setting, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.setting = setting

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return what stands in brackets behind the help."""
        extra = super().get_help_extra(ctx)
        if self.setting.range:
            extra["range"] = self.setting.range
        return extra


def size(text: str) -> int:
    """Read a number of bytes, with K, M, G or T for powers of 1024."""
    parts = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMGT]?)", text.upper())
    if parts is None:
        raise click.BadParameter(f"{text!r} is not a number of bytes such as 1000000, 500M or 2G")
    return int(float(parts[1]) * 1024 ** " KMGT".index(parts[2] or " "))


_READ = {"memory_limit": size}
"""Fields whose text is read in another way than their type reads it."""


def _option(config: type, field: str) -> Callable[[Any], Any]:
    """Add the option of a field of a config."""
    setting, default = settings_of(config)[field], getattr(config, field)
    choices = f"[{'|'.join(setting.choices)}]" if setting.choices else None
    return click.option(
        *setting.flags,
        field,
        cls=SettingOption,
        setting=setting,
        help=setting.help,
        show_default=True,
        type=_READ.get(field, setting.kind),
        default=default,
        metavar=choices,
    )


def options(**configs: type) -> Callable[[Any], Any]:
    """Make the fields of configs options, and give the command the configs by these names.

    The options stand in the order of the fields, a seed last.
    """
    fields = {
        name: sorted(
            (field for field, setting in settings_of(config).items() if setting.flags),
            key=lambda field: field == "seed",
        )
        for name, config in configs.items()
    }

    def add(command: Any) -> Any:
        @wraps(command)
        def configured(**values: Any) -> Any:
            own = {name: {field: values.pop(field) for field in fields[name]} for name in configs}
            built = {name: _build(config, **own[name]) for name, config in configs.items()}
            return command(**values, **built)

        for name, config in reversed(configs.items()):
            for field in reversed(fields[name]):
                configured = _option(config, field)(configured)
        return configured

    return add


def _common(command: Any) -> Any:
    """Add the options that all commands with results share."""
    command = click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")(
        command
    )
    return click.option(
        "--workers",
        type=click.IntRange(1, 1024),
        default=os.cpu_count() or 1,
        show_default="all cores",
        help="Threads; training repeats exactly with the same number.",
    )(command)


_REPORTED = 200
"""Automata on a page."""
_SEED = click.IntRange(0, MAX_SEED)
_classes = click.option(
    "--class",
    "classes",
    metavar="NAME",
    multiple=True,
    help="Only automata of this class count (sink, eulerian, .., see README): NAME or not-NAME.",
)
_truth = click.option(
    "--truth", type=Path_, help="Folder made by enumerate: report which share of it each arm finds."
)


def _gathering(command: Any) -> Any:
    """Add the options on what goes to which archive; the command gets an ArchiveRule."""

    @wraps(command)
    def gathered(*, archive: Path | None, archive_at_least: float, out: Path, **values: Any) -> Any:
        chosen = archive or out.resolve().parent / "archive.sqlite"
        gathering = _build(ArchiveRule, archive=chosen, archive_at_least=archive_at_least)
        return command(out=out, gathering=gathering, **values)

    return click.option(
        "--archive",
        type=Path_,
        show_default="archive.sqlite beside the run folder",
        help="Archive of the best automata of all runs.",
    )(_option(ArchiveRule, "archive_at_least")(gathered))


_force = click.option("--force", is_flag=True, help="Discard what the folder holds.")
_device = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="Where the model runs; auto takes a GPU if there is one.",
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="synchronizing-automata")
def cli() -> None:
    """Find automata whose shortest reset words are close to the Černý bound (n-1)^2.

    Commands with --out write run.json (config, seed, versions, commit) into their folders;
    the same command in the same folder resumes (search and evolve start again). Exit codes: 0 ok,
    1 failed, 2 usage, 3 corrupt or mismatched data, 130 interrupted.
    """


@cli.command()
@options(config=GenerateConfig)
@click.option("--out", type=Path_, required=True, help="Dataset folder.")
@_force
@_common
def generate(config: GenerateConfig, out: Path, force: bool, workers: int, as_json: bool) -> None:
    """Label random or evolved automata into a dataset."""
    from data.jobs import run_generate

    _print(run_generate(config, out, workers=workers, force=force), as_json)


@cli.command("enumerate")
@options(config=EnumerateConfig)
@click.option("--no-rows", is_flag=True, help="Count the automata, keep none of them.")
@click.option("--out", type=Path_, required=True, help="Dataset folder.")
@_classes
@_force
@_common
def enumerate_(
    config: EnumerateConfig,
    no_rows: bool,
    out: Path,
    classes: tuple[str, ...],
    force: bool,
    workers: int,
    as_json: bool,
) -> None:
    """Enumerate all automata of a size, up to renaming, with at least some threshold."""
    from data.jobs import run_enumerate

    config = _build(replace, config, rows=not no_rows, classes=classes)
    results = run_enumerate(config, out, workers=workers, force=force)
    _print_enumeration(results, as_json)


@cli.command()
@options(model=ModelConfig, config=TrainConfig)
@click.option("--data", type=Path_, required=True, help="Dataset folder.")
@click.option("--out", type=Path_, required=True, help="Model folder.")
@_classes
@_device
@_force
@_common
def train(
    model: ModelConfig,
    config: TrainConfig,
    data: Path,
    out: Path,
    classes: tuple[str, ...],
    device: str,
    force: bool,
    workers: int,
    as_json: bool,
) -> None:
    """Train the variational autoencoder on a dataset."""
    from data.dataset import read_dataset
    from search.jobs.models import run_train

    _check_classes(classes, data)
    dataset = read_dataset(data, classes, workers=workers)
    results = run_train(
        data,
        dataset,
        out,
        _build(replace, model, n=dataset.n, k=dataset.k),
        config,
        classes=classes,
        device=_choose(device),
        workers=workers,
        force=force,
    )
    _print(results, as_json)


@cli.command()
@click.option("--model", "folder", type=Path_, required=True, help="Model folder.")
@click.option("--data", type=Path_, help="Dataset folder; default: the one it was trained on.")
@click.option("--repair", type=click.IntRange(0), default=2, show_default=True, help="Repairs.")
@click.option("--seed", type=_SEED, default=0, show_default=True, help="Seed.")
@_classes
@_device
@_common
def evaluate(
    folder: Path,
    data: Path | None,
    repair: int,
    seed: int,
    classes: tuple[str, ...],
    device: str,
    workers: int,
    as_json: bool,
) -> None:
    """Measure a model: held-out reconstruction and 10,000 prior samples."""
    from search.jobs.models import run_evaluate
    from vae.trained import training_folder

    data = data or training_folder(folder)
    _check_classes(classes, data)
    results = run_evaluate(
        folder,
        data,
        classes=classes,
        repair=repair,
        seed=seed,
        device=_choose(device),
        workers=workers,
    )
    _print(results, as_json)


@cli.command()
@click.option("--model", "folder", type=Path_, required=True, help="Model folder.")
@click.option("--data", type=Path_, required=True, help="The dataset it was trained on.")
@click.option("--out", type=Path_, required=True, help="Run folder.")
@options(config=SearchConfig, latent=LatentConfig)
@_gathering
@_classes
@_truth
@_device
@_force
@_common
def search(
    folder: Path,
    data: Path,
    out: Path,
    config: SearchConfig,
    latent: LatentConfig,
    gathering: ArchiveRule,
    classes: tuple[str, ...],
    truth: Path | None,
    device: str,
    force: bool,
    workers: int,
    as_json: bool,
) -> None:
    """Search the latent space for new automata near the Černý bound."""
    from search.jobs.models import run_search

    config = _build(replace, config, latent=latent, classes=classes)
    _check_classes(classes, data)
    results = run_search(
        folder,
        data,
        out,
        config,
        gathering=gathering,
        truth=truth,
        device=_choose(device),
        workers=workers,
        force=force,
    )
    _print_search(results, as_json)


@cli.command()
@options(config=EvolveConfig)
@click.option("--out", type=Path_, required=True, help="Run folder.")
@_gathering
@_classes
@_truth
@_force
@_common
def evolve(
    config: EvolveConfig,
    out: Path,
    gathering: ArchiveRule,
    classes: tuple[str, ...],
    truth: Path | None,
    force: bool,
    workers: int,
    as_json: bool,
) -> None:
    """Evolve automata near the Černý bound from random ones, beside uniform sampling."""
    from search.jobs.models import run_evolve

    config = _build(replace, config, classes=classes)
    results = run_evolve(config, out, gathering, truth=truth, workers=workers, force=force)
    _print_search(results, as_json)


@cli.command()
@options(config=DiscoverConfig, learn=LearnConfig)
@click.option("--seed", type=_SEED, default=0, show_default=True, help="Seed, or the first one.")
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="How many seeds in a row.",
)
@click.option(
    "--arms", default="vae", show_default=True, help="Methods, with commas: see docs/discovery.md."
)
@click.option("--out", type=Path_, required=True, help="Folder of the run, or of all of them.")
@_gathering
@_classes
@click.option(
    "--truth", "truths", type=Path_, multiple=True, help="Folders made by enumerate, for recall."
)
@_device
@_force
@_common
def discover(
    config: DiscoverConfig,
    learn: LearnConfig,
    seed: int,
    seeds: int,
    arms: str,
    out: Path,
    gathering: ArchiveRule,
    classes: tuple[str, ...],
    truths: tuple[Path, ...],
    device: str,
    force: bool,
    workers: int,
    as_json: bool,
) -> None:
    """Learn from small automata, and find the extreme ones at larger sizes.

    Several arms or seeds are compared; each of them takes a process, --workers at a time.
    """
    from search.jobs.discovery import Plan, run_discover

    plan = _build(
        Plan,
        config=_build(replace, config, learn=learn, classes=classes),
        arms=tuple(arms.split(",")),
        seeds=tuple(range(seed, seed + seeds)),
        out=out,
        gathering=gathering,
        device=_choose(device),
        workers=workers,
    )
    results = run_discover(plan, truths, force=force)
    _print_discovery(results, as_json)


@cli.command()
@click.argument("file", type=Path_)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def verify(file: Path, as_json: bool) -> None:
    """Replay every word of a candidates.csv and prove every threshold again."""
    from search.verified import verify_candidates

    _print({"rows verified": verify_candidates(file)}, as_json)


@cli.command()
@click.argument("file", metavar="FILE|TEXT")
@options(config=SolveConfig)
@click.option("--no-words", is_flag=True, help="Thresholds alone: the fast way in bulk.")
@click.option(
    "--form",
    type=click.Choice(SOLVE_FORMS),
    default="auto",
    show_default=True,
    help="How FILE is read; auto takes the form that fits, and refuses two that differ.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    default=os.cpu_count() or 1,
    show_default="all cores",
    help="Threads.",
)
def solve(
    file: str, config: SolveConfig, no_words: bool, form: str, workers: int, as_json: bool
) -> None:
    """Solve the automata in FILE ("-": standard input) or TEXT, a line each as they are solved.

    A line is the reset threshold, a tab and a shortest reset word; "none" where there is no reset
    word; "lower..upper", a tab and a word of length upper where a limit ended the search or the
    method only bounds the threshold. With --json it is an object that has the number of the input
    line too. Limits are for each automaton.

    FILE or TEXT holds "1 2 0|0 1 0" on each line (the images under the letters), or "k n" before
    n*k entries state by state (synchrowords), CSV with a column "delta" of the first form, a table,
    edges, GAP, DOT, JFLAP or JSON; docs/formats.md shows each. What fits two forms is refused, and
    --form decides. Sizes may differ. A malformed line is named on stderr; the others are solved,
    and the exit code is 2.
    """
    from automata.automaton import AutomatonError
    from automata.text.entries import Malformed
    from automata.text.reading import read_automata
    from automata.text.solve import solve as solve_automata

    config = replace(config, words=not no_words)
    is_text = file != "-" and not os.path.exists(file) and _is_text(file)
    if not is_text and not file.strip():
        raise click.UsageError(f"{file!r} is neither a file nor an automaton")
    path = Path("-") if is_text else Path_.convert(file, None, None)
    name = "the text" if is_text else "standard input" if file == "-" else file
    malformed = False
    try:
        with BytesIO(os.fsencode(file)) if is_text else _open(path) as stream:
            automata = read_automata(stream, None if form == "auto" else form)
            for found in solve_automata(automata, config, workers=workers):
                lines = []
                for item in found:
                    if isinstance(item, Malformed):
                        malformed = True
                        reason = f"{name}: line {item.line}: {item.reason}"
                        click.echo(f"Error: {printable(' '.join(reason.split()))}", err=True)
                    else:
                        lines += item.jsons() if as_json else item.texts()
                if lines:
                    click.echo("\n".join(lines))  # flushes
    except AutomatonError as error:
        raise DataError(f"{name}: {error}") from error
    if malformed:
        click.get_current_context().exit(2)


_archive = click.option(
    "--archive",
    "path",
    type=Path_,
    default=Path("runs/archive.sqlite"),
    show_default=True,
    help="The archive.",
)


def _selection(command: Any) -> Any:
    """Add the options that choose automata of an archive; the command gets a Selection."""

    @wraps(command)
    def selected(*, selection: Selection, classes: tuple[str, ...], **values: Any) -> Any:
        return command(selection=_build(replace, selection, classes=classes), **values)

    return options(selection=Selection)(_classes(selected))


@cli.group(cls=Commands)
def archive() -> None:
    """List, export or verify the archive: all slow automata that any run ever verified."""


@archive.command("list")
@_archive
@_selection
@click.option("--automata", is_flag=True, help="List single automata, not how many there are.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Automata with --automata.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def archive_list(
    path: Path, selection: Selection, automata: bool, limit: int, as_json: bool
) -> None:
    """Count the automata for each k and n, or list them: by k, n and gap to the Černý bound."""
    from search.archive.store import Archive

    with Archive(path, create=False) as opened:
        table = opened.rows(selection, limit=limit) if automata else opened.counts(selection)
    if as_json:
        _print({"automata" if automata else "counts": table.to_dict("records")}, True)
        return
    long = ["cerny_bound", "word", "canonical", "properties", "finds"]
    table = table.drop(columns=long) if automata else table
    click.echo(table.to_string(index=False) if len(table) else "no automata")
    if automata and len(table) == limit:
        click.echo(f"The first {limit}: --limit N lists more, archive export all with words.")


@archive.command("export")
@click.argument("file", type=_File)
@_archive
@_selection
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def archive_export(file: Path, path: Path, selection: Selection, as_json: bool) -> None:
    """Write automata to FILE as CSV ("-": to standard output, without a summary)."""
    from functools import partial

    from data.cells import plain_cells
    from data.files import write_output
    from search.archive.store import Archive

    with Archive(path, create=False) as opened:
        table = plain_cells(opened.rows(selection))
    if str(file) == "-":
        click.echo(table.to_csv(index=False), nl=False)
        return
    write_output(file, partial(table.to_csv, index=False))
    _print({"automata": len(table), "file": str(file)}, as_json)


@archive.command("series")
@_archive
@_selection
@click.option("--prove", is_flag=True, help="Prove every threshold that a formula rests on.")
@click.option("--out", type=_File, help="CSV file of all series; -: standard output, alone.")
@click.option("--workers", type=click.IntRange(1, 1024), default=1, help="Threads of the solver.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def archive_series(
    path: Path,
    selection: Selection,
    prove: bool,
    out: Path | None,
    workers: int,
    as_json: bool,
) -> None:
    """Tell which automata belong to series, with a formula for their thresholds.

    An automaton is lengthened where its states in a row behave alike: three sizes give a formula,
    four further ones confirm it, and all have at least the share --at-least of the bound.
    They go up to n + 21 states: from n = 20 on that may take minutes.
    """
    from functools import partial

    from automata.automaton import SizeLimitError
    from data.cells import plain_cells
    from data.files import write_output
    from search.archive.series import find_series, summarize
    from search.archive.store import Archive

    with Archive(path, create=False) as opened:
        rows = opened.rows(selection)
    at_least = selection.at_least or 0.0
    try:
        series, sporadic = find_series(rows, at_least=at_least, prove=prove, workers=workers)
    except SizeLimitError as error:
        raise click.UsageError(f"{error}: -n chooses one size") from error
    if str(out) == "-":
        click.echo(plain_cells(series).to_csv(index=False), nl=False)
        return
    if out:
        write_output(out, partial(plain_cells(series).to_csv, index=False))
    if as_json:
        records = {"series": series, "sporadic": sporadic}
        _print({name: table.to_dict("records") for name, table in records.items()}, True)
        return
    click.echo(summarize(series).to_string(index=False) if len(series) else "no series")
    by_size = sporadic.groupby(["k", "n"]).size().items()
    counts = ", ".join(f"{count} with n={n}, k={k}" for (k, n), count in by_size)
    click.echo(f"Automata in no series: {counts or 'none'}")
    if out:
        click.echo(out)


@archive.command("verify")
@_archive
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    default=os.cpu_count() or 1,
    show_default="all cores",
    help="Processes.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def archive_verify(path: Path, workers: int, as_json: bool) -> None:
    """Replay every word, prove every threshold again, and check all else that is stored."""
    from search.archive.store import verify_archive

    _print({"automata verified": verify_archive(path, workers=workers)}, as_json)


@cli.command()
@click.argument("folder", metavar="[RUN]", type=Path_, required=False)
@click.option(
    "--archive",
    "archived",
    type=Path_,
    is_flag=False,
    flag_value="runs/archive.sqlite",
    help="Report on an archive instead; without a path: runs/archive.sqlite.",
)
@_selection
@click.option(
    "--limit",
    type=click.IntRange(1, 5000),
    default=_REPORTED,
    show_default=True,
    help="Automata at most, the best; of several sizes about equally many each.",
)
@click.option(
    "--out",
    type=_File,
    show_default="report.html in the run folder",
    help="HTML file; -: standard output.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def report(
    folder: Path | None,
    archived: Path | None,
    selection: Selection,
    limit: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Write one HTML file that shows the run in folder RUN, or an archive, and needs nothing else.

    RUN is a folder of search, evolve, discover, generate, enumerate, train or evaluate. Options
    that choose automata (-n, --family, ..) are for archives.
    """
    from search.report.job import report_archive, report_run

    if (folder is None) == (archived is None):
        raise click.UsageError("give a run folder, or --archive")
    if archived is not None:
        made = report_archive(archived, selection, out, limit)
    elif folder is not None and selection == Selection():
        made = report_run(folder, out, limit)
    else:
        raise click.UsageError("options that choose automata are for --archive")
    if made:
        _print(made, as_json)


@cli.command()
@click.option("--seed", type=_SEED, default=0, show_default=True, help="Seed.")
@click.option(
    "--out", type=Path_, default=Path("runs/demo"), show_default=True, help="Folder of the run."
)
@_gathering
@_device
@_force
@_common
def demo(
    seed: int,
    out: Path,
    gathering: ArchiveRule,
    device: str,
    force: bool,
    workers: int,
    as_json: bool,
) -> None:
    """Generate, train, search and report for n = 8, k = 2, in three minutes."""
    from data.dataset import read_dataset
    from data.jobs import run_generate
    from search.jobs.models import run_search, run_train
    from search.report.job import report_run

    data, trained, found = out / "data", out / "model", out / "search"
    generating = GenerateConfig(
        n=8, k=2, count=60_000, sampler="evolved", ceiling=0.6, calls=2_000_000, seed=seed
    )
    made = run_generate(generating, data, workers=workers, force=force)
    on: dict[str, Any] = {"device": _choose(device), "workers": workers, "force": force}
    training = TrainConfig(epochs=8, seed=seed)
    learned = run_train(
        data, read_dataset(data, workers=workers), trained, ModelConfig(), training, **on
    )
    searching = SearchConfig(budget=20_000, seed=seed)
    results = run_search(trained, data, found, searching, gathering=gathering, **on)
    page = report_run(found, out / "report.html", _REPORTED)
    if as_json:
        parts = {"generate": made, "train": learned, "search": _plain(results), "report": page}
        _print(parts, True)
        return
    _print(made, False)
    _print(learned, False)
    _print_search(results, False)
    click.echo(f"\nTo look at it all: {page['report']}")


def _check_classes(classes: tuple[str, ...], data: Path) -> None:
    """Refuse classes that there are not, or that are not decided for automata so large."""
    from data.manifest import read_manifest

    if classes:
        _build(check_classes, classes, read_manifest(data)["config"]["n"])


def _is_text(text: str) -> bool:
    """Tell whether an argument that names no file is an automaton's text."""
    words = text.split()
    numbers = len(words) > 1 and all(word.isdecimal() for word in words)
    return numbers or "\n" in text or any(mark in text for mark in "|[{")


def _open(file: Path) -> BufferedReader:
    """Open a file for reading; - is standard input."""
    if str(file) == "-":
        return BufferedReader(NamedFile(0, "standard input"))
    try:
        return BufferedReader(NamedFile(file, str(file)))
    except FileNotFoundError:
        raise DataError(f"{file}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{file}: a folder, not a file") from None


def _choose(device: str) -> torch.device:
    """Return the device of a name; one that is not there is bad usage."""
    from vae.train import choose_device

    return _build(choose_device, device)


def _build(make: Callable[..., Made], *args: Any, **settings: Any) -> Made:
    """Call what makes or checks something of settings; a bad value is bad usage."""
    try:
        return make(*args, **settings)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _print(results: dict[str, Any], as_json: bool) -> None:
    """Print a summary: JSON, or a line each; a mapping becomes a small table."""
    if as_json:
        click.echo(json.dumps(results))
        return
    for name, value in results.items():
        if isinstance(value, dict):
            click.echo(f"{name}:")
            for key, entry in value.items():
                click.echo(f"  {key:>6}  {entry}")
        else:
            shown = f"{value:.4g}" if isinstance(value, float) else value
            click.echo(f"{name.replace('_', ' ')}: {shown}")


def _print_enumeration(found: dict[str, Any], as_json: bool) -> None:
    """Print the counts by threshold and in all, then the rest."""
    if as_json:
        _print(found, True)
        return
    names = ("classes", "strongly_connected", "irreducible", "basic")
    rows = [[row["reset_threshold"], *(row[name] for name in names)] for row in found["counts"]]
    total = ["all", *(sum(row[name] for row in found["counts"]) for name in names)]
    for line in [("threshold", *names), *rows, total]:
        click.echo("  ".join(f"{str(cell).replace('_', ' '):>18}" for cell in line))
    _print({name: value for name, value in found.items() if name != "counts"}, False)


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    """Return the results of a search as plain values."""
    summary: pd.DataFrame = found["summary"]
    records = summary.astype(object).where(summary.notna(), None).to_dict("records")
    plain = {"candidates": len(found["candidates"]), "summary": records}
    recall: Recall | None = found["recall"]
    if recall is not None:
        plain["recall"] = recall.table.to_dict("records")
    files = [str(path) for path in found["files"]]
    return {k: v for k, v in found.items() if k != "recall"} | plain | {"files": files}


def _print_search(found: dict[str, Any], as_json: bool) -> None:
    """Print the head of the candidates, the comparison of the arms, and the files."""
    if as_json:
        _print(_plain(found), True)
        return
    candidates: pd.DataFrame = found["candidates"]
    summary: pd.DataFrame = found["summary"]
    recall: Recall | None = found["recall"]
    budget = summary["calls"].max()
    shown = ["rank", "reset_threshold", "gap", "novel", "family", "mode", "round", "delta"]
    click.echo("\nBest candidates (candidates.csv has all columns)")
    click.echo(candidates[shown].head(10).to_string(index=False))
    click.echo("\nArms: hits per 1,000 solver calls (summary.csv)")
    hidden = ["labelling_calls", *(name for name in summary if name.startswith("recall_"))]
    click.echo(summary.drop(columns=hidden).to_string(index=False, na_rep="-"))
    if (summary["calls"] < budget).any():
        click.echo("Arms with fewer calls ended because they proposed (almost) nothing new.")
    if recall is not None:
        click.echo("\nRecall: share of the (classes) with threshold >= T found (recall.csv)")
        click.echo(recall.compact().to_string(index=False, float_format="%.3f"))
    labelling = f"; of labelling the training set: {found['labelling calls']}"
    click.echo(f"\nSolver calls of the arms: {found['calls']}{labelling}")
    for path in found["files"]:
        click.echo(path)


def _print_discovery(found: dict[str, Any], as_json: bool) -> None:
    """Print the best candidates of each size, or the comparison of the arms, and the files."""
    files = [str(path) for path in found["files"]]
    table: pd.DataFrame = found["table"]
    if as_json:
        records = table.astype(object).where(table.notna(), None).to_dict("records")
        _print({"sizes": records, "files": files}, True)
        return
    click.echo(table.to_string(index=False, na_rep="-"))
    for path in files:
        click.echo(path)


def main() -> None:
    """Run the command line; every expected failure is one line on stderr and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # closed ones are None
            stream.reconfigure(errors="backslashreplace")  # not every locale has a Č
    try:
        os.getcwd()
    except FileNotFoundError:  # where no path has a meaning, and torch does not load
        _fail("the current folder is gone: change into one that is there", 1)
    try:
        code = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error.__cause__, EOFError):  # click takes the end of any file for ^C
            raise error.__cause__ from None
        _fail("interrupted", 130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except DataError as error:
        _fail(str(error), 3)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
        name = error.filename if isinstance(error.filename, str) else full and "the output"
        _fail(f"{name}: {error.strerror}" if name and error.strerror else str(error), 1)
    except FloatingPointError as error:
        _fail(str(error), 1)
    except MemoryError:
        _fail("not enough memory", 1)


def _fail(message: str, code: int) -> None:
    click.echo(f"Error: {printable(' '.join(message.split()))}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
