"""The commands: each reads its options, calls one job, and prints the job's result.

    generate        data.jobs.run_generate
    enumerate       data.jobs.run_enumerate
    import          data.jobs.run_import
    train           search.jobs.models.run_train
    evaluate        search.jobs.models.run_evaluate
    search          search.jobs.models.run_search
    evolve          search.jobs.models.run_evolve
    discover        search.jobs.discovery.run_discover
    verify          search.verified.verify_candidates
    solve           data.solving.solve_argument
    archive list    search.jobs.archive.list_automata
    archive export  search.jobs.archive.export_automata
    archive series  search.jobs.archive.list_series
    archive nearest search.jobs.archive.find_relatives
    archive verify  search.archive.store.verify_archive
    report          search.report.job.report_run
    atlas           search.report.job.report_atlas
    demo            search.jobs.demo.run_demo
    lecture         search.jobs.lecture.run_lecture

Jobs are imported where they are called, so that --help answers at once.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import click

from automata.arguments import MAX_SEED
from automata.text.config import SOLVE_FORMS, SolveConfig
from data.configs import PARTIAL_HELP, EnumerateConfig, GenerateConfig
from data.results import Result, Summary
from search.archive.intake import ArchiveRule
from search.archive.selection import Selection
from search.archive.series_config import SeriesConfig
from search.configs import EvolveConfig, LatentConfig, RetrainConfig, SearchConfig
from search.discovery.config import DiscoverConfig, LearnConfig
from search.jobs import options
from search.jobs.commandline import Commands, complain, printed, run_commands
from search.lecture.config import LectureConfig
from vae.config import DEVICES, ModelConfig, TrainConfig

Names = tuple[str, ...]


class _Run(TypedDict):
    """Options of every run."""

    force: bool
    workers: int


class _ModelRun(_Run):
    """Options of a run with a model."""

    device: str


class _UnitRun(_Run):
    """Options of a run in units of work."""

    scheduler: str | None


class _DiscoveryRun(_ModelRun, _UnitRun):
    """Options of a run in units of work, with a model."""


_where = "Device of the model; auto takes a GPU if there is one."
_device = options.choice("--device", DEVICES, default="auto", help=_where)
_which = "Text form of FILE; auto takes the one that fits, and refuses if two that differ fit."
_form = options.choice("--form", SOLVE_FORMS, default="auto", help=_which)
_force = options.flag("--force", help="Discard the files of an earlier run in the folder.")
_workers = options.workers("Threads of the solver; torch has one, or OMP_NUM_THREADS.")
_how = options.together("how", force=_force, workers=_workers)
_how_with_model = options.together("how", device=_device, force=_force, workers=_workers)
_how_in_units = options.together("how", force=_force, workers=_workers, scheduler=options.scheduler)
_seed = options.integer("--seed", 0, MAX_SEED, default=0, help="Seed.")
_model = options.path("--model", required=True, help="Model folder.")
_dataset = options.path("--out", required=True, help="Dataset folder.")
_run = options.path("--out", required=True, help="Run folder.")
_truth = options.path(
    "--truth", help="Folder made by enumerate: report the share of it that each arm finds."
)
_default = Path("runs/archive.sqlite")
_atlas = Path("runs/atlas.html")
_shown = "Most automata on the page, the best of each size."
_archive = options.path(
    "--archive", "file", default=_default, show_default=True, help="Archive file."
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="synchronizing-automata")
def cli() -> None:
    """Find automata whose shortest reset words are close to the Černý bound (n-1)^2.

    Commands that fill a folder (--out) write run.json there: config, seed, versions, commit. The
    same command in the same folder resumes; search and evolve start again. Exit codes: 0 ok,
    1 failed, 2 usage, 3 data missing, corrupt or mismatched, 130 interrupted.
    """


@cli.command()
@options.of(config=GenerateConfig)
@_dataset
@_how_in_units
@printed()
def generate(config: GenerateConfig, out: Path, how: _UnitRun) -> Result:
    """Make a dataset of random or evolved automata, labelled with their thresholds."""
    from data.jobs import run_generate

    if options.is_given("calls") and config.sampler != "evolved":
        raise click.UsageError(
            f"calls={config.calls} is only for evolved automata: --sampler evolved"
        )
    return run_generate(config, out, **how)


@cli.command("enumerate")
@options.of(config=EnumerateConfig)
@options.flag("--no-rows", help="Count the automata only; write no rows.")
@_dataset
@options.classes_of("config")
@_how_in_units
@printed()
def enumerate_(config: EnumerateConfig, no_rows: bool, out: Path, how: _UnitRun) -> Result:
    """Make a dataset of all automata of a size up to renaming, from a least threshold on."""
    from data.jobs import refuse_many_rows, run_enumerate

    config = replace(config, rows=not no_rows)
    if not options.is_given("at_least"):
        refuse_many_rows(config)
    return run_enumerate(config, out, **how)


@cli.command("import")
@click.argument("file", type=options.PATH)
@_form
@options.flag("--partial", help=PARTIAL_HELP)
@_dataset
@_how
@printed()
def import_(file: Path, form: str, partial: bool, out: Path, how: _Run) -> Result:
    """Make a dataset of the automata in FILE ("-": standard input), labelled with thresholds.

    FILE holds automata in any form that `solve` reads, all of one size. One of each isomorphism
    class is kept, in the order of the file. The dataset depends on the automata, not on their form.
    """
    from data.jobs import run_import

    return run_import(file, None if form == "auto" else form, out, partial=partial, **how)


@cli.command()
@options.of(model=ModelConfig, config=TrainConfig)
@options.path("--data", required=True, help="Dataset folder.")
@options.path("--out", required=True, help="Model folder.")
@options.with_classes
@_how_with_model
@printed()
def train(
    model: ModelConfig, config: TrainConfig, data: Path, out: Path, classes: Names, how: _ModelRun
) -> Result:
    """Train the variational autoencoder on a dataset."""
    from search.jobs.models import run_train

    return run_train(data, out, model, config, classes=classes, **how)


@cli.command()
@_model
@options.path("--data", help="Dataset folder; default: the one the model was trained on.")
@options.integer("--repair", 0, default=2, help="Most transitions that repair may change.")
@_seed
@options.with_classes
@options.together("how", device=_device, workers=_workers)
@printed()
def evaluate(
    model: Path, data: Path | None, repair: int, seed: int, classes: Names, how: dict[str, Any]
) -> Result:
    """Measure a model: reconstruction, 10,000 prior samples, attribute arithmetic."""
    from search.jobs.models import run_evaluate

    settings = how | {"classes": classes, "repair": repair, "seed": seed}
    return run_evaluate(model, data, **settings)


@cli.command()
@_model
@options.path("--data", required=True, help="Dataset folder that the model was trained on.")
@_run
@options.of(config=SearchConfig, latent=LatentConfig, learning=RetrainConfig)
@options.archive_rule
@options.classes_of("config")
@_truth
@_how_with_model
@printed()
def search(
    model: Path,
    data: Path,
    out: Path,
    config: SearchConfig,
    latent: LatentConfig,
    learning: RetrainConfig,
    rule: ArchiveRule,
    truth: Path | None,
    how: _ModelRun,
) -> Result:
    """Search the latent space for new automata near the Černý bound."""
    from search.jobs.models import run_search

    config = replace(config, latent=latent, learning=learning)
    return run_search(model, data, out, config, rule=rule, truth=truth, **how)


@cli.command()
@options.of(config=EvolveConfig)
@_run
@options.archive_rule
@options.classes_of("config")
@_truth
@_how
@printed()
def evolve(
    config: EvolveConfig, out: Path, rule: ArchiveRule, truth: Path | None, how: _Run
) -> Result:
    """Evolve automata near the Černý bound from random ones; compare with uniform sampling."""
    from search.jobs.models import run_evolve

    return run_evolve(config, out, rule, truth=truth, **how)


@cli.command()
@options.of(config=DiscoverConfig, learn=LearnConfig)
@options.integer("--seed", 0, MAX_SEED, default=0, help="Seed, or the first one.")
@options.integer("--seeds", 1, 1000, default=1, help="Number of consecutive seeds.")
@click.option(
    "--arms", default="mix", show_default=True, help="Arms, with commas: see docs/discovery.md."
)
@options.path("--out", required=True, help="Folder of the run or runs.")
@options.archive_rule
@options.classes_of("config")
@options.path("--truth", "truths", multiple=True, help="Folder made by enumerate, for recall.")
@options.together(
    "how",
    device=_device,
    force=_force,
    workers=options.workers(
        "Threads of the solver in one run; with several arms or seeds, processes."
    ),
    scheduler=options.scheduler,
)
@printed()
def discover(
    config: DiscoverConfig,
    learn: LearnConfig,
    seed: int,
    seeds: int,
    arms: str,
    out: Path,
    rule: ArchiveRule,
    truths: tuple[Path, ...],
    how: _DiscoveryRun,
) -> Result:
    """Learn from small automata, and find slow ones at larger sizes.

    One arm with one seed runs here, with --workers threads of the solver. Several arms or seeds are
    compared: each size of each is a unit of work in a process of its own, --workers at a time.
    """
    from search.jobs.discovery import run_discover

    config, names = options.build(replace, config, learn=learn), tuple(arms.split(","))
    numbers = tuple(range(seed, seed + seeds))
    return run_discover(config, names, numbers, out, rule, truths, **how)


@cli.command()
@click.argument("file", type=options.PATH)
@options.path("--certificates", help="File for a certificate of each row, one a line.")
@options.scheduler
@printed()
def verify(file: Path, certificates: Path | None, scheduler: str | None) -> Result:
    """Replay every word of a candidates file, or of an archive export; prove every threshold.

    FILE may also hold certificates, as --certificates writes them: each is checked again, by code
    that shares nothing with the solver.
    """
    from data.pools import pool_of
    from search.proofs import holds_certificates, verify_certificates
    from search.verified import verify_candidates

    if not holds_certificates(file):
        with pool_of(scheduler, nullcontext()) as pool:
            return Summary({"rows verified": verify_candidates(file, certificates, pool=pool)})
    for name, given in [("--certificates", certificates), ("--scheduler", scheduler)]:
        if given is not None:
            raise click.UsageError(f"{file} holds certificates itself: no {name}")
    return Summary({"certificates verified": verify_certificates(file)})


@cli.command()
@click.argument("file", metavar="FILE|TEXT")
@options.of(config=SolveConfig)
@options.flag("--no-words", help="Find thresholds only: faster for many automata.")
@_form
@options.flag("--json", "as_json", help="Print one JSON object a line.")
@options.workers("Threads.")
@options.scheduler
def solve(
    file: str,
    config: SolveConfig,
    no_words: bool,
    form: str,
    as_json: bool,
    workers: int,
    scheduler: str | None,
) -> None:
    """Solve the automata in FILE ("-": standard input) or TEXT; print a line for each once solved.

    A line is the reset threshold, a tab and a shortest reset word. It is "none" if there is no
    reset word. It is "lower..upper", a tab and a word of length upper if a limit ended the search
    or the method only bounds the threshold. --from-states, --target and --to-rank ask for other
    words than from all states to any one: states count from 0, and "lower.." says that no word is
    known. With --json it is an object, with the number of the input line. Limits hold for each
    automaton.

    With --partial letters may be undefined on states: "-", null, a missing edge, 0 in GAP. A word
    must then be careful: defined on all states that it meets. "lower.." says that no careful word
    is known, and there may be none.

    FILE or TEXT holds "1 2 0|0 1 0" on each line (the images under the letters), or "k n" before
    n*k entries state by state (synchrowords), CSV with a column "delta" of the first form, a table,
    edges, GAP, DOT, JFLAP or JSON; docs/formats.md shows each. If two forms that differ fit, choose
    one with --form. Sizes may differ. A malformed line is named on stderr; the others are solved,
    and the exit code is 2.
    """
    from data.solving import is_text, solve_argument

    if not is_text(file):
        if not file.strip():
            raise click.UsageError(f"{file!r} is neither a file nor an automaton")
        options.PATH.convert(file, None, None)
    config, malformed = replace(config, words=not no_words), False
    how: dict[str, Any] = {"workers": workers, "scheduler": scheduler}
    for found in solve_argument(file, None if form == "auto" else form, config, **how):
        for problem in found.malformed:
            malformed = True
            complain(problem)
        if lines := found.jsons() if as_json else found.texts():
            click.echo("\n".join(lines))  # echo flushes
    if malformed:
        click.get_current_context().exit(2)


@cli.group(cls=Commands)
def archive() -> None:
    """List, export or verify the archive: slow automata of all runs, each verified."""


@archive.command("list")
@_archive
@options.selection
@options.flag("--automata", help="List single automata instead of counts.")
@options.integer("--limit", 1, default=20, help="Most automata with --automata.")
@printed("Print JSON.")
def archive_list(file: Path, selection: Selection, automata: bool, limit: int) -> Result:
    """Count the automata for each k and n, or list them: by k, n and gap to the Černý bound."""
    from search.jobs.archive import list_automata

    return list_automata(file, selection, limit if automata else None)


@archive.command("export")
@click.argument("out", metavar="FILE", type=options.OUTPUT)
@_archive
@options.selection
@options.flag("--force", help="Replace FILE, whatever it holds but an archive or a run.")
@printed()
def archive_export(out: Path, file: Path, selection: Selection, force: bool) -> Result | str:
    """Write automata to FILE as CSV ("-": to standard output, without a summary).

    An earlier export is replaced, another file only with --force.
    """
    from search.jobs.archive import export_automata

    return export_automata(file, selection, out, force=force)


@archive.command("series")
@_archive
@options.selection
@options.of(config=SeriesConfig)
@options.output("--out", help="CSV file of all series; -: only CSV, to standard output.")
@options.path("--page", help="HTML file: each formula, with the first members of a series drawn.")
@options.together(
    "how",
    workers=options.workers("Threads of the solver.", default=1),
    scheduler=options.scheduler,
)
@printed("Print JSON.")
def archive_series(
    file: Path,
    selection: Selection,
    config: SeriesConfig,
    out: Path | None,
    page: Path | None,
    how: dict[str, Any],
) -> Result | str:
    """Find series of automata, with a formula for their thresholds.

    An automaton is lengthened where consecutive states behave alike. Three sizes give a formula,
    four further sizes confirm it, and all seven have at least the share --at-least of the bound, if
    no class is given. The largest has up to n + 21 states: from n = 20 on that may take hours, so
    --time-limit ends it. What is computed by then, or before Ctrl-C, is kept beside the archive.
    """
    from search.jobs.archive import list_series

    return list_series(file, selection, config, out=out, page=page, **how)


@archive.command("nearest")
@click.argument("automaton")
@printed("Print JSON.")
def archive_nearest(automaton: str) -> Result:
    """Name the known automata that AUTOMATON ("1 2 0|0 1 0") is fewest changed transitions from.

    They are the families, examples and records of its size, up to renaming states and letters. If
    many transitions would have to change, a lower bound is printed. "-" is undefined.
    """
    from search.jobs.archive import find_relatives

    return find_relatives(automaton)


@archive.command("verify")
@_archive
@options.workers("Processes.")
@options.scheduler
@printed()
def archive_verify(file: Path, workers: int, scheduler: str | None) -> Result:
    """Replay every word, prove every threshold again, and check all other values."""
    from data.pools import pool_of
    from search.archive.store import verify_archive

    with pool_of(scheduler, nullcontext()) as pool:
        return Summary({"automata verified": verify_archive(file, workers=workers, pool=pool)})


@cli.command()
@click.argument("folder", metavar="[RUN]", type=options.PATH, required=False)
@options.path(
    "--archive",
    "archived",
    is_flag=False,
    flag_value=str(_default),
    help=f"Report on an archive instead; without a path: {_default}.",
)
@options.flag("--atlas", help="Write the atlas of all records instead, as the command atlas does.")
@options.selection
@options.integer("--limit", 1, 5000, default=200, help=_shown)
@options.output(
    "--out", show_default="report.html in the run folder", help="HTML file; -: standard output."
)
@printed()
def report(
    folder: Path | None,
    archived: Path | None,
    atlas: bool,
    selection: Selection,
    limit: int,
    out: Path | None,
) -> Result | bytes:
    """Write one self-contained HTML file about the run in folder RUN, or about an archive.

    RUN is a folder of search, evolve, discover, generate, enumerate, import, train or evaluate.
    Options that select automata (-n, --family, ..) are for archives.
    """
    from search.report.job import report_archive, report_atlas, report_run

    given = sum([folder is not None, archived is not None, atlas])
    if given != 1:
        only = "only one of " if given else ""
        raise click.UsageError(f"give {only}a run folder, --archive or --atlas")
    if atlas and selection == Selection():
        return report_atlas(out or _atlas)
    if archived is not None:
        return report_archive(archived, selection, out, limit)
    if folder is None or selection != Selection():
        raise click.UsageError("options that choose automata are for --archive")
    return report_run(folder, out, limit)


@cli.command()
@options.output("--out", default=_atlas, show_default=True, help="HTML file; -: standard output.")
@options.path("--certificates", help="File for a certificate of each automaton, one a line.")
@options.path("--runs", multiple=True, help="Comparison of discover, or a folder of several.")
@options.output("--records", help="File for the records with the arms of --runs, as JSON.")
@printed()
def atlas(
    out: Path, certificates: Path | None, runs: tuple[Path, ...], records: Path | None
) -> Result | bytes:
    """Write the atlas: the longest threshold known for each landscape and size, drawn.

    It is one self-contained HTML file of the records in data/records.json. With --runs it says of
    each record that these runs met which arm did with the fewest solver calls, how many, and in how
    many seconds; --records data/records.json keeps that, for docs/records.md too.
    """
    from search.report.job import report_atlas

    if records is not None and not runs:
        raise click.UsageError("--records is for the arms of --runs, and there are none")
    return report_atlas(out, certificates, runs, records)


@cli.command()
@_seed
@options.path("--out", default=Path("runs/demo"), show_default=True, help="Folder of the run.")
@options.archive_rule
@_how_with_model
@printed()
def demo(seed: int, out: Path, rule: ArchiveRule, how: _ModelRun) -> Result:
    """Generate, train, evaluate, search and report for n = 8, k = 2, in a few minutes."""
    from search.jobs.demo import run_demo

    return run_demo(seed, out, rule, **how)


@cli.command()
@options.of(config=LectureConfig)
@options.path("--digits", help="Folder with MNIST's IDX files; default: scikit-learn's digits.")
@options.path("--model", help="Folder of a model of automata; by default one is trained.")
@click.option(
    "--between", nargs=2, metavar="A B", help="Two automata, as texts or files, to interpolate."
)
@_run
@_force
@printed()
def lecture(
    config: LectureConfig,
    digits: Path | None,
    model: Path | None,
    between: tuple[str, str] | None,
    out: Path,
    force: bool,
) -> Result:
    """Run the lecture on variational autoencoders: one page with all its pictures."""
    from search.jobs.lecture import run_lecture

    return run_lecture(config, out, digits=digits, model=model, between=between, force=force)


def main() -> None:
    """Run the command line."""
    run_commands(cli)


if __name__ == "__main__":
    main()
