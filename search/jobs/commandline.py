"""Common behaviour of all commands: printed results, exit codes of failures."""

from __future__ import annotations

import errno
import json
import os
import sys
from functools import wraps
from io import TextIOWrapper
from typing import Any, NoReturn

import click

from automata.settings import SettingError
from data.damage import DataError
from data.terminal import printable
from search.jobs.options import Decorator

_AFTER = (
    dict.fromkeys(
        ("generate", "enumerate", "train", "discover", "series"),
        ": the same command goes on from here",
    )
    | dict.fromkeys(("search", "evolve"), ": the same command starts again")
    | {"demo": ": the same command goes on from here; its search starts again"}
)
"""What the same command does after an interruption, if its folder is there."""


class Interrupted(click.Abort):
    """An interruption of a command; its text says what the same command will do."""


class Command(click.Command):
    """A command; two options with one name are an error in its definition."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        taken: set[str | None] = set()
        for option in self.params:
            names = {option.name, *option.opts}
            if names & taken:
                raise TypeError(f"{self.name}: {option.opts[-1]} stands for two options")
            taken |= names

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a setting that is not allowed becomes a usage error."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, RuntimeError) as error:
            interrupted = error if isinstance(error, KeyboardInterrupt) else error.__cause__
            if not isinstance(interrupted, KeyboardInterrupt):
                raise
            # Python 3.11 wraps one that is raised in __set_name__ in a RuntimeError
            out = None if self.name == "series" else ctx.params.get("out")
            begun = out is None or out.exists()
            raise Interrupted(_AFTER.get(self.name or "", "") if begun else "") from interrupted
        except SettingError as error:
            raise click.UsageError(str(error)) from error


class Commands(click.Group):
    """A group of commands."""

    command_class = Command
    group_class = type


def printed(json_help: str = "Print the summary as JSON.") -> Decorator:
    """Add --json, and print the result of a command; a text or bytes are printed unchanged."""

    def add(command: Any) -> Any:
        @wraps(command)
        def printing(*, as_json: bool, **values: Any) -> None:
            result = command(**values)
            if isinstance(result, str | bytes):
                click.echo(result, nl=False)
            else:
                click.echo(json.dumps(result.as_json()) if as_json else result.text())

        return click.option("--json", "as_json", is_flag=True, help=json_help)(printing)

    return add


def run_commands(commands: click.Group) -> NoReturn:
    """Run a command line; an expected failure prints one line on stderr and sets the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a closed stream is None
            stream.reconfigure(errors="backslashreplace")  # some locales have no Č
    try:
        os.getcwd()
    except FileNotFoundError:  # no relative path works then, and torch does not load
        _fail("the current folder is gone: change into one that is there", 1)
    try:
        code = commands.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error.__cause__, EOFError):  # click reads any end of file as ^C
            raise error.__cause__ from None
        _fail(f"interrupted{error if isinstance(error, Interrupted) else ''}", 130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        message = error.format_message()
        if isinstance(error, click.NoSuchOption) and not error.option_name.strip("-")[:1].isalnum():
            message = f"{message.rstrip('.')}; put -- before an automaton that begins with a dash"
        _fail(message, error.exit_code)
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


def _fail(message: str, code: int) -> NoReturn:
    complain(message)
    sys.exit(code)


def complain(message: str) -> None:
    """Print an error as one line on stderr."""
    click.echo(f"Error: {printable(' '.join(message.split()))}", err=True)
