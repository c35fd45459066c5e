"""The form of a text: the one that fits; if two fit, an error names both and ``--form``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automata.deltas import MAX_LETTERS, MAX_STATES
from automata.errors import AutomatonError
from automata.text.csv_lines import has_delta
from automata.text.entries import Malformed
from automata.text.lines import MOST_TEXT, Chunk
from automata.text.lookalikes import lookalikes
from automata.text.number_readings import (
    FORMS_OF_NUMBERS,
    Readings,
    Table,
    describe,
    distinct,
    listed,
    row_of,
)

SIZED = ("synchrowords", "synchrowords-1.0", "contest", "contest-letters")
"""Forms of numbers with a size before each automaton; they are read as they arrive."""
TABLES = ("table", "table-letters")
_MOST_ROWS = MAX_STATES * MAX_LETTERS + 4
"""Most rows of a form that is read as a whole: all edges of an automaton, and counts."""
_NUMBERS = re.compile(r"[0-9]++(?:(?:\s*+[,;]\s*+|\s++)[0-9]++)*+")
_APART = re.compile(rb"\s*[0-9]+(?:(?:\s*,\s*[0-9]+)++|(?:\s*;\s*[0-9]+)++)\s*")
_APART_PARTIAL = re.compile(_APART.pattern.replace(b"[0-9]+", b"(?:[0-9]+|-)"))
_PARTIAL_NUMBERS = re.compile(r"(?:[0-9]+|-)(?:[\s,;]+(?:[0-9]+|-))*")
_EDGE = re.compile(r"[\w]+[\s,;]+[\w]+[\s,;]+[\w]+")
_GAP = re.compile(r"(?:\w+\s*:=|(?:Identity)?Transformation\b|Automaton\b)")
_DOT = re.compile(r'(?:strict\s+)?(?:di)?graph\b[\s\w"]*(?:\{|$)|//|/\*', re.IGNORECASE)
_KNOWN = (
    "'1 2 0|0 1 0' on each line, 'k n' before n*k entries, CSV with a column 'delta', "
    "a table, edges, GAP, DOT, JFLAP or JSON"
)


def by_first_line(text: bytes, *, partial: bool = False) -> tuple[str, ...]:
    """Return the forms that a text with this first line may have.

    Parameters
    ----------
    text : bytes
        The first line that is neither blank nor a comment.
    partial : bool
        Whether the automata may be partial. Then numbers alone are refused: what tells their forms
        apart is that no entry is missing.

    Returns
    -------
    tuple of str
        Of several, the one that fits the whole text is right. ``numbers`` stands for all forms that
        hold only numbers.

    Raises
    ------
    AutomatonError
        If the line begins no known form, or one that has to be named.

    Examples
    --------
    >>> by_first_line(b"0 0|1 0"), by_first_line(b"[[1]]"), by_first_line(b"2 3")
    (('lines',), ('json', 'json-states', 'gap'), ('numbers',))
    """
    try:
        line = text.decode()
    except UnicodeDecodeError:
        raise AutomatonError("not a text in UTF-8") from None
    if "\0" in line:
        raise AutomatonError("not a text: it has a NUL")
    if has_delta(text):
        return ("csv",)
    if line[0] == "[":
        return ("json", "json-states", "gap")
    if line[0] == "{":
        return ("json",)
    if line[0] == "<":
        return ("jff",)
    if _DOT.match(line):
        return ("dot",)
    if _GAP.match(line):
        return ("gap",)
    if "|" in line:
        return ("lines",)
    if partial and _PARTIAL_NUMBERS.fullmatch(line):
        raise AutomatonError(
            "numbers of partial automata fit several forms: --form lines, table, table-letters or "
            "one of edges names theirs"
        )
    if _NUMBERS.fullmatch(line):
        return ("numbers",)
    if _EDGE.fullmatch(line):
        return ("edges",)
    raise AutomatonError(f"{line[:40]!r} begins no known form: {_KNOWN}")


def without_commas(line: bytes, *, partial: bool = False) -> bytes:
    """Put blanks between numbers that are separated only by commas, or only by semicolons.

    In `partial` automata ``-`` counts as a number.

    Examples
    --------
    >>> without_commas(b"1, 2,0"), without_commas(b"1,,0"), without_commas(b"1,0;0,1")
    (b'1  2 0', b'1,,0', b'1,0;0,1')
    """
    apart = _APART_PARTIAL if partial else _APART
    if (b"," in line or b";" in line) and apart.fullmatch(line):
        return line.replace(b",", b" ").replace(b";", b" ").replace(b"\t", b" ")
    return line


def choose_numbers(chunks: Iterator[Chunk | Malformed]) -> tuple[str, list[Chunk]]:
    """Read numbers until only one form fits.

    Parameters
    ----------
    chunks : iterator of Chunk or Malformed
        Without comments and commas. Blank lines are skipped.

    Returns
    -------
    form : str
    seen : list of Chunk
        The chunks read so far.

    Raises
    ------
    AutomatonError
        If no form fits, or several that differ, in the whole text or in its first 4 MiB or 320,004
        lines; or if the states seem to count from 1.

    Examples
    --------
    >>> choose_numbers(iter([([1, 2], [b"2 3", b"1 0 2 1 0 0"])]))[0]
    'synchrowords'
    >>> choose_numbers(iter([([1, 2, 3, 4], [b"2 3", b"1 0", b"2 1", b"0 0"])]))
    Traceback (most recent call last):
    automata.errors.AutomatonError: the numbers fit two forms, synchrowords (n=3, k=2) and \
table (n=4, k=2): --form NAME decides
    """
    seen: list[Chunk] = []
    found, from_1 = Readings(), Readings(first=1)
    rows: list[list[int]] = []
    size = 0
    for chunk in chunks:
        if isinstance(chunk, Malformed):
            raise AutomatonError(f"line {chunk.line}: {chunk.reason}")
        seen.append(chunk)
        for number, text in zip(*chunk, strict=True):
            if not text:
                continue
            size += len(text) + 1
            if size > MOST_TEXT or len(rows) == _MOST_ROWS:
                names = " and ".join(found.so_far)
                limit = f"{MOST_TEXT} bytes" if size > MOST_TEXT else f"{_MOST_ROWS} lines"
                raise AutomatonError(f"the first {limit} fit {names}: --form NAME decides")
            row = row_of(text)
            if not row.values:
                raise _no_numbers(number, text)
            rows.append(row.values)
            found.take(row)
            from_1.take(row)
            if not found.so_far:
                raise _no_form(from_1.so_far, f"line {number}: from here on")
            if form := _only_form(found):
                return form, seen
    return _final_form(rows, found.end(), from_1.end()), seen


def _no_numbers(number: int, text: bytes) -> AutomatonError:
    words = [word for word in re.split(rb"[\s,;]+", text) if not word.isdigit()]
    shown = (words[0] if words else text)[:20].decode("utf-8", "backslashreplace")
    fault = "is no number" if words else "separates numbers in two ways"
    return AutomatonError(f"line {number}: {shown!r} {fault}: --form NAME names the form")


def _only_form(found: Readings) -> str | None:
    """Return the one form that is left, if its automata can be read as they arrive."""
    if len(found.so_far) > 1:
        return None
    [(form, tables)] = found.so_far.items()
    has_zero = any(0 in images for images in tables[-1]) if tables else False
    return form if form in SIZED and has_zero else None


def _final_form(
    rows: list[list[int]], found: dict[str, list[Table]], from_1: dict[str, list[Table]]
) -> str:
    """Return the form of a whole text, given its readings with states from 0 and from 1."""
    names = distinct(found)
    if not names:
        raise _no_form(from_1, "as a whole")
    [name, *others] = names
    if others:
        shown = listed([describe(name, found[name]) for name in names])
        raise AutomatonError(f"the numbers fit {shown}: --form NAME decides")
    if name not in FORMS_OF_NUMBERS:
        shown = describe(name, found[name])
        form = name.split()[0]
        raise AutomatonError(f"the numbers are {shown}: leave out what is no part of {form}")
    if from_1:
        shown = describe(name, found[name])
        raise AutomatonError(
            f"the numbers fit {shown}, but look 1-based, as {_shown(from_1)}: states count from 0; "
            f"--form {name} reads them as they stand"
        )
    if name in ("lines", *TABLES):
        _check_table(name, rows, found[name])
    return name


def _check_table(name: str, rows: list[list[int]], found: list[Table]) -> None:
    """Refuse a bare table that may be something else."""
    if len(found[0]) == 1:
        reason = "are of one letter"
    elif name == "table" and (others := lookalikes(rows)):
        reason = f"may be {' or '.join(others)}"
    elif rows[0] == [*range(len(rows[0]))]:
        reason = "may be rows under numbers of states"
    else:
        return
    shown = describe(name, found)
    raise AutomatonError(f"the numbers fit {shown}, but {reason}: --form {name} reads them so")


def _no_form(from_1: dict[str, list[Table]], where: str) -> AutomatonError:
    if from_1:
        shown = _shown(from_1)
        return AutomatonError(f"the numbers look 1-based (as {shown}): states count from 0")
    return AutomatonError(f"{where} the numbers fit no form: --form NAME shows the error")


def _shown(found: dict[str, list[Table]]) -> str:
    name = next(iter(found))
    return describe(name, found[name])
