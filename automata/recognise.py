"""Which form a text has: the one that fits, or a refusal that names two and the option."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automata.automaton import AutomatonError
from automata.csv_text import has_delta
from automata.entries import Malformed
from automata.number_readings import Numbers, Reading, describe, distinct, listed, readings
from automata.text_lines import MOST_TEXT, Chunk

_GROWTH = 1.5  # numbers are looked at again when there are so many times as many lines
_STREAMED = ("lines", "synchrowords", "synchrowords-1.0", "contest-letters")
_NUMBERS = re.compile(r"[0-9]+(\s+[0-9]+)*")
_EDGE = re.compile(r"[\w]+[\s,;]+[\w]+[\s,;]+[\w]+")
_GAP = re.compile(r"(?:\w+\s*:=|(?:Identity)?Transformation\b|Automaton\b)")
_DOT = re.compile(r'(?:strict\s+)?(?:di)?graph\b[\s\w"]*(?:\{|$)|//|/\*', re.IGNORECASE)
_KNOWN = (
    "'1 2 0|0 1 0' on each line, 'k n' before n*k entries, CSV with a column 'delta', "
    "a table, edges, GAP, DOT, JFLAP or JSON"
)


def by_first_line(text: bytes) -> tuple[str, ...]:
    """Return the forms that a text may have whose first line is this.

    Parameters
    ----------
    text : bytes
        The first line that is neither blank nor a comment.

    Returns
    -------
    tuple of str
        Of two forms the one that fits the whole text is right; ``numbers`` stands for all forms of
        numbers alone.

    Raises
    ------
    AutomatonError
        If it begins no known form.

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
    if _NUMBERS.fullmatch(line):
        return ("numbers",)
    if _EDGE.fullmatch(line):
        return ("edges",)
    raise AutomatonError(f"{line[:40]!r} begins no known form: {_KNOWN}")


def choose_numbers(chunks: Iterator[Chunk | Malformed]) -> tuple[str, list[Chunk]]:
    """Read numbers until one form is left.

    Parameters
    ----------
    chunks : iterator of Chunk or Malformed
        Without comments. A blank line is no part of a table; elsewhere it does not count.

    Returns
    -------
    form : str
    seen : list of Chunk
        What was read.

    Raises
    ------
    AutomatonError
        If no form fits, or several that differ, in the whole text or in its first 4 MiB; or if the
        states seem to count from 1.

    Examples
    --------
    >>> choose_numbers(iter([([1, 2], [b"2 3", b"1 0 2 1 0 0"])]))[0]
    'synchrowords'
    >>> choose_numbers(iter([([1, 2, 3, 4], [b"2 3", b"1 0", b"2 1", b"0 0"])]))
    Traceback (most recent call last):
    automata.automaton.AutomatonError: the numbers fit two forms, synchrowords (n=3, k=2) and \
table (n=4, k=2): --form NAME decides
    """
    seen: list[Chunk] = []
    lines: list[bytes] = []
    size, wanted = 0, 1
    for chunk in chunks:
        if isinstance(chunk, Malformed):
            raise AutomatonError(f"line {chunk.line}: {chunk.reason}")
        seen.append(chunk)
        for text in filter(None, chunk[1]):
            lines.append(text)
            size += len(text) + 1
            if size > MOST_TEXT:
                raise _undecided(lines)
            if len(lines) >= wanted:
                form = _only_form(lines)
                if form:
                    return form, seen
                wanted = max(len(lines) + 1, int(_GROWTH * len(lines)))
    return _final_form(lines), seen


def _only_form(lines: list[bytes]) -> str | None:
    """Return the one form that is left, if its automata can be read as they arrive."""
    numbers = Numbers(lines)
    found = readings(numbers, ended=False)
    if not found:
        raise _no_form(lines, ended=False)
    if len(found) > 1:
        return None
    [(form, reading)] = found.items()
    has_zero = any(delta.min() == 0 for delta in reading)
    return form if form in _STREAMED and has_zero else None


def _final_form(lines: list[bytes]) -> str:
    """Return the form of a whole text."""
    numbers = Numbers(lines)
    found = readings(numbers, ended=True)
    names = distinct(found)
    if not names:
        raise _no_form(lines, ended=True)
    if len(names) > 1:
        raise _two_forms(names, found)
    if readings(numbers, ended=True, first=1):
        raise AutomatonError(
            f"the numbers fit {describe(names[0], found[names[0]])}, but look 1-based, for none of "
            f"them is state 0: --form {names[0]} reads them as they stand"
        )
    return names[0]


def _no_form(lines: list[bytes], *, ended: bool) -> AutomatonError:
    others = readings(Numbers(lines), ended=ended, first=1)
    if others:
        name = next(iter(others))
        return AutomatonError(f"the numbers look 1-based (as {name}): states count from 0")
    start = lines[0][:40].decode("utf-8", "backslashreplace")
    return AutomatonError(
        f"the numbers after {start!r} fit no form: with --form NAME the error is named"
    )


def _two_forms(names: list[str], found: dict[str, Reading]) -> AutomatonError:
    shown = listed([describe(name, found[name]) for name in names])
    return AutomatonError(f"the numbers fit {shown}: --form NAME decides")


def _undecided(lines: list[bytes]) -> AutomatonError:
    """Say what is left when the limit is met."""
    found = readings(Numbers(lines), ended=False)
    if len(found) > 1:
        return AutomatonError(
            f"the first {MOST_TEXT} bytes fit {' and '.join(found)}: --form NAME decides"
        )
    if not found:
        return _no_form(lines, ended=False)
    [form] = found
    reason = "look 1-based: none is state 0" if form in _STREAMED else "are over the limit"
    return AutomatonError(f"the first {MOST_TEXT} bytes, read as {form}, {reason}")
