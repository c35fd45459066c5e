"""Automata from a stream of text: each as soon as it has arrived, if the form allows it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate, chain

from automata.errors import AutomatonError
from automata.text.csv_lines import read_csv_lines
from automata.text.documents import PARSERS, parse_document
from automata.text.entries import Automata, Malformed, parse_texts
from automata.text.lines import (
    MOST_TEXT,
    Chunk,
    Stream,
    blank_comments,
    read_lines,
    without_comments,
)
from automata.text.recognise import SIZED, TABLES, by_first_line, choose_numbers, without_commas
from automata.text.synchrowords import read_contest_lines, read_synchrowords_lines

FORMS = ("lines", "csv", *SIZED, *PARSERS)
"""The names of the forms."""

Items = list[Automata | Malformed]


def read_automata(
    stream: Stream, form: str | None = None, *, partial: bool = False
) -> Iterator[Items]:
    r"""Read automata of any sizes, in order, each as soon as its lines have arrived.

    Parameters
    ----------
    stream : binary file
        Text in UTF-8, or in UTF-16 with a byte order mark. Blank lines and comments, which begin
        with ``#``, are skipped. CSV has no comments after its header, and a bare table has neither
        between its rows. A record, or a text that is read as a whole, has at most 4 MiB.
    form : str, optional
        One of `FORMS`; by default the one that fits.
    partial : bool
        Whether letters may be undefined on states. Forms with a size before each automaton cannot
        say so, and are refused; a text of numbers alone needs its form named.

    Yields
    ------
    list of Automata or Malformed
        The automata that have arrived, cut where the size changes. In ``lines`` and CSV reading
        goes on after a malformed line. In synchrowords' form it goes on, at the next line of two
        numbers, if the first automaton is on two lines, ``k n`` and entries; then all must be. In
        other forms a malformed automaton ends the reading.

    Raises
    ------
    AutomatonError
        If the stream is empty, no form fits, two forms fit and differ, or a text that is read as a
        whole is malformed.

    Examples
    --------
    >>> from io import BytesIO
    >>> [found] = read_automata(BytesIO(b"1 2 0|0 1 0\n1 2 0|0 3 0\n"))
    >>> for item in found:
    ...     print(item.deltas.tolist() if isinstance(item, Automata) else item)
    [[[1, 2, 0], [0, 1, 0]]]
    Malformed(line=2, reason="letter 1, state 1: '3' is outside 0..2")
    """
    if partial and form in SIZED:
        raise AutomatonError(f"{form} holds complete automata only: it has no sign for undefined")
    chunks = read_lines(stream)
    for chunk in chunks:
        if isinstance(chunk, Malformed):
            if form in (None, *PARSERS):
                raise AutomatonError(f"line {chunk.line}: {chunk.reason}")
            yield [chunk]
            continue
        numbers, texts = without_comments(chunk)
        if texts:
            skipped = chunk[0].index(numbers[0])
            rest = chain([(chunk[0][skipped:], chunk[1][skipped:])], chunks)
            forms = (form,) if form else by_first_line(texts[0], partial=partial)
            yield from _read(rest, forms, partial=partial)
            return
    raise AutomatonError("no automaton: the text is empty")


def _read(
    chunks: Iterator[Chunk | Malformed],
    forms: tuple[str, ...],
    *,
    is_named: bool = True,
    partial: bool = False,
) -> Iterator[Items]:
    """Read chunks in the one of these forms that fits; unnamed numbers must keep one layout."""
    match forms[0]:
        case "csv":
            return read_csv_lines(chunks, partial=partial)
        case "numbers":
            numbers = _each(_as_numbers, chunks)
            form, seen = choose_numbers(numbers)
            return _read(chain(seen, numbers), (form,), is_named=False)
        case "lines":
            return _read_lines(_each(without_comments, chunks), partial)
        case "synchrowords" | "synchrowords-1.0" as form:
            return read_synchrowords_lines(
                _each(_as_rows, chunks),
                states_first=form == "synchrowords-1.0",
                strict=not is_named,
            )
        case "contest" | "contest-letters" as form:
            lines = _each(_as_rows, chunks)
            return read_contest_lines(lines, by_letter=form == "contest-letters")
        case form if form in TABLES:
            as_numbers = _as_partial_numbers if partial else _as_numbers
            return _read_document(_each(as_numbers, chunks), forms, partial)
        case _:
            return _read_document(_each(blank_comments, chunks), forms, partial)


def _each(
    change: Callable[[Chunk], Chunk], chunks: Iterator[Chunk | Malformed]
) -> Iterator[Chunk | Malformed]:
    for chunk in chunks:
        yield chunk if isinstance(chunk, Malformed) else change(chunk)


def _as_rows(chunk: Chunk) -> Chunk:
    numbers, texts = without_comments(chunk)
    return numbers, [*map(without_commas, texts)]


def _as_numbers(chunk: Chunk) -> Chunk:
    numbers, texts = blank_comments(chunk)
    return numbers, [without_commas(text.strip()) for text in texts]


def _as_partial_numbers(chunk: Chunk) -> Chunk:
    numbers, texts = blank_comments(chunk)
    return numbers, [without_commas(text.strip(), partial=True) for text in texts]


def _read_lines(chunks: Iterator[Chunk | Malformed], partial: bool) -> Iterator[Items]:
    for chunk in chunks:
        if isinstance(chunk, Malformed):
            yield [chunk]
        else:
            yield [*parse_texts(*chunk, partial=partial)]


def _read_document(
    chunks: Iterator[Chunk | Malformed], forms: tuple[str, ...], partial: bool
) -> Iterator[Items]:
    """Read a whole text; comments became blank lines, so that errors name the right lines."""
    texts: list[bytes] = []
    size = 0
    for chunk in chunks:
        if isinstance(chunk, Malformed):
            raise AutomatonError(f"line {chunk.line}: {chunk.reason}")
        above = [b""] * (chunk[0][0] - 1) if chunk[1] and not texts else []
        texts += above + chunk[1]
        size += len(above) + sum(map(len, chunk[1])) + len(chunk[1])
        if size > MOST_TEXT:
            form = " or ".join(forms)
            raise AutomatonError(f"a text of {form} has at most {MOST_TEXT} bytes, the limit")
    try:
        text = b"\n".join(texts).decode()
    except UnicodeDecodeError:
        raise AutomatonError("not a text in UTF-8") from None
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    first = len(text) - len(text.lstrip())
    yield [
        Automata([bisect_right(starts, max(at, first))], delta[None])
        for at, delta in parse_document(text, forms, partial=partial)
    ]
