"""The job behind `solve`: the automata of a file, of standard input, or of a text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import NamedTuple

from automata.errors import AutomatonError
from automata.text.config import SolveConfig
from automata.text.entries import Malformed
from automata.text.reading import read_automata
from automata.text.solve import solve
from automata.text.solved import Solved
from data.damage import DataError, NamedFile
from data.pools import pool_of


class Answers(NamedTuple):
    """Solved automata and malformed entries of one part of the input."""

    solved: list[Solved]
    malformed: list[str]
    """For each malformed entry a message with its line and its error."""

    def texts(self) -> list[str]:
        """Return a line for each automaton, for people."""
        return [line for found in self.solved for line in found.texts()]

    def jsons(self) -> list[str]:
        """Return a line for each automaton, for programs."""
        return [line for found in self.solved for line in found.jsons()]


def is_text(argument: str) -> bool:
    """Return whether an argument is the text of automata, not the name of a file.

    Examples
    --------
    >>> is_text("1 2 0|0 1 0"), is_text("automata.txt"), is_text("-")
    (True, False, False)
    """
    if argument == "-" or os.path.exists(argument):
        return False
    words = argument.split()
    numbers = len(words) > 1 and all(word.isdecimal() for word in words)
    return numbers or "\n" in argument or any(mark in argument for mark in "|[{")


def solve_argument(
    argument: str,
    form: str | None,
    config: SolveConfig,
    *,
    workers: int,
    scheduler: str | None = None,
) -> Iterator[Answers]:
    """Solve the automata of a file, of standard input ("-"), or of a text.

    Parameters
    ----------
    argument : str
        The text of automata if `is_text` holds, else a file name or "-".
    form : str, optional
        One of `automata.text.reading.FORMS`. Default: the form that fits.
    config : SolveConfig
    workers : int
        Threads.
    scheduler : str, optional
        The cluster that solves them instead; see `data.cluster.cluster`.

    Yields
    ------
    Answers
        As soon as they are solved, in the order of the input.

    Raises
    ------
    DataError
        If the file cannot be read, or if no form fits it, or two that differ.
    Lost
        When all others are solved, if automata ended their workers.
    """
    named = not is_text(argument)
    name = input_name(argument) if named else "the text"
    partial = config.partial
    try:
        with (
            open_input(Path(argument)) if named else BytesIO(os.fsencode(argument)) as stream,
            pool_of(scheduler, nullcontext()) as pool,
        ):
            automata = read_automata(stream, form, partial=partial)
            for found in solve(automata, config, workers=workers, pool=pool):
                yield Answers(
                    [item for item in found if isinstance(item, Solved)],
                    [
                        f"{name}: line {item.line}: {with_hint(item.reason, partial)}"
                        for item in found
                        if isinstance(item, Malformed)
                    ],
                )
    except AutomatonError as error:
        raise DataError(f"{name}: {with_hint(str(error), partial)}") from error


def with_hint(reason: str, partial: bool) -> str:
    """Return the reason of an error; that a transition is missing is no error with --partial.

    Examples
    --------
    >>> with_hint("line 1: letter 0, state 3: '-' is undefined, not complete", False)
    "line 1: letter 0, state 3: '-' is undefined, not complete (see --partial)"
    """
    is_partial = (
        reason.endswith("not complete") or reason.startswith("incomplete:") or "'null" in reason
    )
    return f"{reason} (see --partial)" if is_partial and not partial else reason


def input_name(argument: Path | str) -> str:
    """Return the name of a file in errors; "-" is standard input."""
    return "standard input" if str(argument) == "-" else str(argument)


def open_input(file: Path) -> BufferedReader:
    """Open a file for reading; "-" is standard input.

    Raises
    ------
    DataError
        If there is no such file, or it is a folder.
    """
    if str(file) == "-":
        return BufferedReader(NamedFile(0, input_name(file)))
    try:
        return BufferedReader(NamedFile(file, str(file)))
    except FileNotFoundError:
        raise DataError(f"{file}: no such file") from None
    except IsADirectoryError:
        raise DataError(f"{file}: a folder, not a file") from None
