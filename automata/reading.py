"""Automata from a stream of text, each as soon as it has arrived, in any of three forms."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Protocol

from automata.automaton import AutomatonError
from automata.entries import Automata, Entry, Malformed, Size, parse_entries, parse_texts
from automata.formats import parse_size

FORMS = ("lines", "synchrowords", "csv")

_CHUNK = 1 << 20
_HASH = ord("#")
_MOST_FIELD = 1 << 22  # an automaton with 5,000 states and 64 letters has 1.6 million characters


class Stream(Protocol):
    """A binary file that can hand over what is there without waiting for more."""

    def read1(self, size: int, /) -> bytes:
        """Return at most `size` bytes, at least one unless the stream has ended."""


Chunk = tuple[Sequence[int], list[bytes]]  # numbers of lines, and what stands there
Found = list[Entry | Malformed]
Items = list[Automata | Malformed]


def read_automata(stream: Stream, form: str | None = None) -> Iterator[Items]:
    r"""Read automata of any sizes, in their order, without waiting for a line that is not needed.

    Parameters
    ----------
    stream : binary file
        Text in UTF-8. Blank lines do not count; nor do those that begin with ``#``, except in CSV
        after its header.
    form : str, optional
        ``lines`` (`format_delta`), ``synchrowords`` (`read_synchrowords`) or ``csv`` (a column
        ``delta`` of what `format_delta` writes). By default the first line decides: a header with
        a field ``delta``, else a ``|``, else numbers as synchrowords has them.

    Yields
    ------
    list of Automata or Malformed
        What was at hand, cut where the size changes. After a malformed line the next one is read;
        in synchrowords' form too if the first automaton stands on two lines, ``k n`` and entries:
        then all must, and reading goes on at the next line of two numbers. Otherwise a malformed
        automaton is the last that is read.

    Raises
    ------
    AutomatonError
        If the stream is empty, or its first line is of no known form.

    Examples
    --------
    >>> from io import BytesIO
    >>> [found] = read_automata(BytesIO(b"1 2 0|0 1 0\n1 2 0|0 3 0\n"))
    >>> for item in found:
    ...     print(item.deltas.tolist() if isinstance(item, Automata) else item)
    [[[1, 2, 0], [0, 1, 0]]]
    Malformed(line=2, reason="letter 1, state 1: '3' is outside 0..2")
    """
    chunks = _chunks(stream)
    for numbers, texts in chunks:
        kept = _kept(texts)
        if kept:
            first = kept[0]
            rest = chain([(numbers[first:], texts[first:])], chunks)
            match form or _recognise(texts[first]):
                case "lines":
                    yield from _read_lines(map(_without_comments, rest))
                case "synchrowords":
                    yield from _read_synchrowords(map(_without_comments, rest))
                case "csv":
                    yield from _read_csv(rest)
            return
    raise AutomatonError("no automaton: the text is empty")


def _chunks(stream: Stream) -> Iterator[Chunk]:
    """Yield the whole lines that are at hand, stripped, with their numbers."""
    number = 1
    parts: list[bytes] = []
    block = stream.read1(_CHUNK).removeprefix(b"\xef\xbb\xbf")  # the mark that spreadsheets write
    while block:
        whole, newline, rest = block.rpartition(b"\n")
        if newline:
            lines = [*map(bytes.strip, b"".join([*parts, whole]).split(b"\n"))]
            yield range(number, number + len(lines)), lines
            number += len(lines)
            parts = []
        parts.append(rest)
        block = stream.read1(_CHUNK)
    if any(parts):
        yield [number], [b"".join(parts).strip()]


def _kept(texts: list[bytes]) -> list[int]:
    """Return the places of the lines that are neither blank nor comments."""
    return [place for place, text in enumerate(texts) if text and text[0] != _HASH]


def _without_comments(chunk: Chunk) -> Chunk:
    numbers, texts = chunk
    kept = _kept(texts)
    if len(kept) == len(texts):
        return chunk
    return [numbers[place] for place in kept], [texts[place] for place in kept]


def _recognise(text: bytes) -> str:
    """Name the form of a text by its first line."""
    try:
        line = text.decode()
    except UnicodeDecodeError:
        raise AutomatonError("not a text in UTF-8") from None
    try:
        if "delta" in _header(text):
            return "csv"
    except csv.Error:
        pass
    if "|" in line:
        return "lines"
    if all(token.isdecimal() for token in line.split()):
        return "synchrowords"
    raise AutomatonError(
        f"{line[:40]!r} begins no known form: '1 2 0|0 1 0' on each line, "
        "'k n' before n*k entries, or CSV with a column 'delta'"
    )


def _read_lines(chunks: Iterator[Chunk]) -> Iterator[Items]:
    for numbers, texts in chunks:
        yield [*parse_texts(numbers, texts)]


def _read_csv(chunks: Iterator[Chunk]) -> Iterator[Items]:
    """Read the fields under ``delta``."""
    csv.field_size_limit(max(csv.field_size_limit(), _MOST_FIELD))
    column = None
    for records in _records(chunks):
        found: Found = []
        for number, text in zip(*records, strict=True):
            try:
                if column is None:
                    column = _header(text).index("delta")
                else:
                    found.append((number, _field(text, column), None))
            except ValueError:
                raise AutomatonError("the header has no column 'delta'") from None
            except IndexError:
                found.append(Malformed(number, "the field 'delta' is missing"))
            except csv.Error as error:
                found.append(Malformed(number, f"not a record of CSV: {error}"))
        yield [*parse_entries(found)]


def _records(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Join the lines of each record: it goes on where a line leaves a quote open."""
    start = 0
    parts: list[bytes] = []
    for chunk in chunks:
        if not parts and b'"' not in b"".join(chunk[1]) and all(chunk[1]):
            yield chunk
            continue
        numbers, records = [], []
        for number, text in zip(*chunk, strict=True):
            if not parts:
                start = number
            parts.append(text)
            if (text.count(b'"') % 2 == 1) == (len(parts) > 1):  # no quote is open now
                if len(parts) > 1 or text:
                    numbers.append(start)
                    records.append(b"\n".join(parts))
                parts = []
        yield numbers, records
    if parts:
        yield [start], [b"\n".join(parts)]


def _header(record: bytes) -> list[str]:
    return [field.strip() for field in _fields(record)]


def _field(record: bytes, column: int) -> bytes:
    """Return a field on one line."""
    quote = record.find(b'"')
    if quote < 0 or record.count(b",", 0, quote) > column:  # none is quoted so far
        return record.split(b",", column + 1)[column]
    return " ".join(_fields(record)[column].splitlines()).encode()


def _fields(record: bytes) -> list[str]:
    return next(csv.reader([_decode(record)], strict=True))


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


def _read_synchrowords(chunks: Iterator[Chunk]) -> Iterator[Items]:
    """Read pairs of lines if the first two are an automaton, else numbers, however laid out."""
    numbers: list[int] = []
    texts: list[bytes] = []
    for chunk in chunks:
        numbers += chunk[0]
        texts += chunk[1]
        if len(texts) > 1 or len(texts[0].split()) > 2:
            break
    read = _read_pairs if _is_pair(texts) else _read_numbers
    index = 0
    for items in read(chain([(numbers, texts)], chunks)):
        for place, item in enumerate(items):
            if isinstance(item, Malformed):
                items[place] = Malformed(item.line, f"automaton {index}, {item.reason}")
            index += len(item.lines) if isinstance(item, Automata) else 1
        yield items


def _is_pair(texts: list[bytes]) -> bool:
    """Tell whether the first line is ``k n`` and the second has n*k entries."""
    try:
        k, n = _size(texts[0])
    except AutomatonError:
        return False
    return len(texts) > 1 and len(texts[1].split()) == n * k


def _size(text: bytes) -> Size:
    """Read k and n."""
    tokens = text.split()
    if len(tokens) != 2:
        raise AutomatonError(f"'k n' should stand here, not {len(tokens)} numbers")
    return parse_size(_decode(tokens[0]), _decode(tokens[1]))


def _read_pairs(chunks: Iterator[Chunk]) -> Iterator[Items]:
    """Read a line ``k n``, a line of n*k entries, and so on; after an error look for ``k n``."""
    sizes: dict[bytes, Size] = {}  # of the lines ``k n`` met so far
    size: Size | None = None  # of the automaton whose entries come next
    start, lost = 0, False
    for chunk in chunks:
        found: Found = []
        for number, text in zip(*chunk, strict=True):
            if size:
                wanted = size[0] * size[1]
                if text.count(b" ") + 1 == wanted or len(text.split()) == wanted:
                    found.append((start, text, size))
                    size = None
                    continue
                reason = f"k={size[0]}, n={size[1]}: {len(text.split())} entries, not {wanted}"
                found.append(Malformed(start, reason))
                size, lost = None, True
            try:
                size = sizes.get(text) or sizes.setdefault(text, _size(text))
                start, lost = number, False
            except AutomatonError as error:
                if not lost:
                    found.append(Malformed(number, str(error)))
                lost = True
        yield [*parse_entries(found)]
    if size:
        yield [Malformed(start, f"k={size[0]}, n={size[1]}: the entries are missing")]


def _read_numbers(chunks: Iterator[Chunk]) -> Iterator[Items]:
    """Read ``k n`` and n*k entries, laid out anyhow: after an error, where to go on is unknown."""
    tokens: list[bytes] = []
    lines: list[int] = []  # of the tokens
    for chunk in chain(chunks, [None]):
        for number, text in zip(*chunk, strict=True) if chunk else []:
            tokens += text.split()
            lines += [number] * (len(tokens) - len(lines))
        found: Found = []
        at = 0
        while at + (chunk is not None) < len(tokens):
            try:
                k, n = parse_size(*map(_decode, [*tokens[at : at + 2], b""][:2]))
            except AutomatonError as error:
                found.append(Malformed(lines[at], str(error)))
                break
            end = at + 2 + n * k
            if end > len(tokens) and chunk:
                break
            found.append((lines[at], b" ".join(tokens[at + 2 : end]), (k, n)))
            at = end
        items: Items = []
        for item in parse_entries(found):
            items.append(item)
            if isinstance(item, Malformed):
                reason = f"{item.reason} (nothing after it is read)"
                yield [*items[:-1], Malformed(item.line, reason)]
                return
        yield items
        del tokens[:at], lines[:at]
