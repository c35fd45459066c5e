"""The options of commands: fields of configs, paths, numbers, flags.

It imports no large library, so that --help answers at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from automata.settings import Setting, nested_of, settings_of
from data.terminal import printable
from search.archive.intake import ArchiveRule
from search.archive.selection import Selection

Made = TypeVar("Made")
Decorator = Callable[[Any], Any]

_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and bytes that are not UTF-8."""
_STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
"""Names of standard output. Opened by name, a file behind it would be truncated."""


class _PathType(click.Path):
    """A path that is not empty, and whose name can be written to records and tables."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the path; fail if it is empty, has control characters or is not UTF-8."""
        if value == "":
            self.fail("an empty path; . is the current folder", param, ctx)
        path = super().convert(value, param, ctx)
        if _UNWRITABLE.search(str(path)):
            self.fail(f"{printable(str(path))}: a name with control characters, or not in UTF-8")
        return Path("-") if self.allow_dash and str(path) in _STDOUT else path


PATH = _PathType(path_type=Path)
OUTPUT = _PathType(path_type=Path, dir_okay=False, allow_dash=True)
"""A file to write; "-" is standard output."""


class SettingOption(click.Option):
    """An option for a field of a config: the config checks its range, and the help shows it."""

    def __init__(self, *args: Any, setting: Setting, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.setting = setting

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return the default and the range, which follow the help text in brackets."""
        extra = super().get_help_extra(ctx)
        if self.setting.range:
            extra["range"] = self.setting.range
        return extra


def size(text: str | int) -> int:
    """Parse a number of bytes, with K, M, G or T for powers of 1024; a default is a number."""
    if isinstance(text, int):
        return text
    parts = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMGT]?)", text.upper())
    if parts is None:
        raise click.BadParameter(f"{text!r} is not a number of bytes such as 1000000, 500M or 2G")
    return int(float(parts[1]) * 1024 ** " KMGT".index(parts[2] or " "))


def states(text: str) -> tuple[int, ...]:
    """Parse numbers of states with commas between them."""
    if not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9})*", text):
        raise click.BadParameter(f"{printable(text)!r} is not a list of states such as 0,3,5")
    return tuple(map(int, text.split(",")))


_READ: dict[str, Callable[[str], Any]] = {"memory_limit": size, "from_states": states}
"""Parsers of fields whose type does not parse their text."""


def field(config: type, name: str) -> Decorator:
    """Add the option for a field of a config."""
    setting, default = settings_of(config)[name], getattr(config, name)
    if setting.kind is bool:
        return click.option(*setting.flags, name, is_flag=True, help=setting.help, default=default)
    return click.option(
        *setting.flags,
        name,
        cls=SettingOption,
        setting=setting,
        help=setting.help,
        show_default=True,
        type=_READ.get(name, setting.kind),
        default=default,
        metavar=f"[{'|'.join(setting.choices)}]" if setting.choices else None,
    )


def of(**configs: type) -> Decorator:
    """Add options for all fields of configs; the command gets the built configs by these names.

    The options are in the order of the fields, a seed last, then those of configs within.
    """

    def add(command: Any) -> Any:
        @wraps(command)
        def configured(**values: Any) -> Any:
            built = {name: _take(config, values) for name, config in configs.items()}
            return command(**values, **built)

        for config, key in reversed([place for own in configs.values() for place in _places(own)]):
            configured = field(config, key)(configured)
        return configured

    return add


def _keys(config: type) -> list[str]:
    """Return the names of the fields that are options, a seed last."""
    own = [key for key, setting in settings_of(config).items() if setting.flags]
    return sorted(own, key=lambda key: key == "seed")


def _places(config: type) -> list[tuple[type, str]]:
    """Return the fields that are options, each with its config, those of configs within last."""
    inner = [place for kind in nested_of(config).values() for place in _places(kind)]
    return [(config, key) for key in _keys(config)] + inner


def _take(config: type, values: dict[str, Any]) -> Any:
    """Build a config of its values, which are removed from all values."""
    inner = {name: _take(kind, values) for name, kind in nested_of(config).items()}
    return build(config, **{key: values.pop(key) for key in _keys(config)}, **inner)


def together(name: str, **given: Decorator) -> Decorator:
    """Add options; the command gets their values as one mapping, called `name`."""

    def add(command: Any) -> Any:
        @wraps(command)
        def gathered(**values: Any) -> Any:
            own = {option: values.pop(option) for option in given}
            return command(**values, **{name: own})

        for option in reversed(given.values()):
            gathered = option(gathered)
        return gathered

    return add


def build(make: Callable[..., Made], *args: Any, **settings: Any) -> Made:
    """Make a config; a value that it refuses becomes a usage error."""
    try:
        return make(*args, **settings)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def path(*names: str, **settings: Any) -> Decorator:
    """Add an option whose value is a path."""
    return click.option(*names, type=PATH, **settings)


def output(*names: str, **settings: Any) -> Decorator:
    """Add an option whose value is a file to write; "-" is standard output."""
    return click.option(*names, type=OUTPUT, **settings)


def is_given(name: str) -> bool:
    """Return whether a parameter of the running command was given on the command line."""
    source = click.get_current_context().get_parameter_source(name)
    return source is not click.core.ParameterSource.DEFAULT


def flag(*names: str, help: str) -> Decorator:
    """Add an option without a value."""
    return click.option(*names, is_flag=True, help=help)


def choice(name: str, choices: Sequence[str], **settings: Any) -> Decorator:
    """Add an option whose value is one of several words, with a default."""
    return click.option(name, type=click.Choice(choices), show_default=True, **settings)


def integer(name: str, low: int, high: int | None = None, **settings: Any) -> Decorator:
    """Add an option whose value is a whole number in low..high, with a default."""
    return click.option(name, type=click.IntRange(low, high), show_default=True, **settings)


def cores() -> int:
    """Return the number of cores that this process may use; a job on a cluster has some alone."""
    allowed = getattr(os, "sched_getaffinity", None)  # not on macOS or Windows
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def workers(help: str, default: int = 0) -> Decorator:
    """Add the option --workers; the default 0 is the number of cores."""
    return click.option(
        "--workers",
        type=click.IntRange(1, 1024),
        default=default or cores(),
        show_default=not default and "all cores",
        help=help,
    )


scheduler = click.option(
    "--scheduler",
    metavar="PLACE",
    help="Run the units of work on a Dask cluster: the address of its scheduler, its scheduler "
    "file, or local:N for N processes of this machine. See docs/cluster.md.",
)
"""Add --scheduler."""

with_classes = click.option(
    "--class",
    "classes",
    metavar="NAME",
    multiple=True,
    help="Only automata of this class count: NAME or not-NAME. All names: docs/cli.md.",
)
"""Add --class."""


def classes_of(config: str) -> Decorator:
    """Add --class; the config in the argument named `config` gets the classes."""

    def add(command: Any) -> Any:
        @wraps(command)
        def chosen(*, classes: tuple[str, ...], **values: Any) -> Any:
            values[config] = build(replace, values[config], classes=classes)
            return command(**values)

        return with_classes(chosen)

    return add


def selection(command: Any) -> Any:
    """Add the options that select automata of an archive; the command gets a Selection."""
    return of(selection=Selection)(classes_of("selection")(command))


def archive_rule(command: Any) -> Any:
    """Add the options of the archive that a run adds to; the command gets an ArchiveRule."""

    @wraps(command)
    def ruled(*, archive: Path | None, archive_at_least: float, out: Path, **values: Any) -> Any:
        chosen = archive or out.resolve().parent / "archive.sqlite"
        rule = build(ArchiveRule, archive=chosen, archive_at_least=archive_at_least)
        return command(out=out, rule=rule, **values)

    ruled = field(ArchiveRule, "archive_at_least")(ruled)
    return path(
        "--archive",
        show_default="archive.sqlite beside the run folder",
        help="Archive file, for the best automata of all runs.",
    )(ruled)
