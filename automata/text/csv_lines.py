"""Automata in the column ``delta`` of CSV as spreadsheets write it, read as it arrives."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain

from automata.errors import AutomatonError
from automata.text.entries import Automata, Entry, Malformed, parse_entries
from automata.text.lines import MOST_TEXT, Chunk, too_long

Items = list[Automata | Malformed]

_SEPARATORS = (",", ";", "\t")
_BLANKS = b" \r\v\f"  # a tab may separate fields
_SEPARATOR_LINE = re.compile(rb'"?sep=(.?)"?', re.IGNORECASE)  # a tab may have been stripped


def has_delta(record: bytes) -> bool:
    """Return whether a line is a header with the column ``delta``, or names the separator.

    Examples
    --------
    >>> has_delta(b"name;delta"), has_delta(b"sep=;"), has_delta(b"0 0|1 0")
    (True, True, False)
    """
    return bool(_SEPARATOR_LINE.fullmatch(record)) or _separator(record) is not None


def read_csv_lines(
    chunks: Iterator[Chunk | Malformed], *, partial: bool = False
) -> Iterator[Items]:
    r"""Read the automata in the column ``delta``.

    Parameters
    ----------
    chunks : iterator of Chunk or Malformed
        First the header; a line such as ``sep=;`` may precede it.
    partial : bool
        Whether letters may be undefined on states, written ``-``.

    Yields
    ------
    list of Automata or Malformed

    Raises
    ------
    AutomatonError
        If the header does not have exactly one such column, or no row follows it.

    Examples
    --------
    >>> [[], [found]] = read_csv_lines(iter([([1], [b"n\tdelta"]), ([2], [b"2\t0 0|1 0"])]))
    >>> found.deltas.tolist()
    [[[0, 0], [1, 0]]]
    """
    csv.field_size_limit(max(csv.field_size_limit(), MOST_TEXT))
    header, separator, rest = _split_header(chunks)
    columns = _columns(header, separator)
    blank = f'{separator} "\n'.encode()
    is_empty = True
    for records in _records(rest, separator):
        if isinstance(records, Malformed):
            yield [records]
            is_empty = False
            continue
        is_empty = is_empty and not records[1]
        found: list[Entry | Malformed] = []
        for number, text in zip(*records, strict=True):
            if not text.strip(blank) and not "".join(_fields(text, separator, False)).strip():
                continue  # an empty row of a spreadsheet
            try:
                found.append((number, _field(text, columns, separator), None))
            except IndexError:
                found.append(Malformed(number, "the field 'delta' is missing"))
            except (csv.Error, ValueError) as error:
                found.append(Malformed(number, f"not a record of CSV: {error}"))
        yield [*parse_entries(found, partial=partial)]
    if is_empty:
        raise AutomatonError("no automaton: the table has no rows")


def _separator(record: bytes) -> str | None:
    """Return the separator of a header with the column ``delta``, None for another line.

    Raises
    ------
    AutomatonError
        If several separators fit.
    """
    found = []
    for separator in _SEPARATORS:
        try:
            fields = _header(record, separator)
        except (csv.Error, StopIteration):
            continue
        if fields == ["delta"]:
            return separator
        if "delta" in fields:
            found.append(separator)
    if len(found) > 1:
        shown = " and ".join(map(repr, found))
        raise AutomatonError(
            f"the header has a column 'delta' by {shown}: a line before it decides, such as 'sep=,'"
        )
    return found[0] if found else None


def _named_separator(line: bytes) -> str:
    """Return the separator that a line such as ``sep=;`` names, "" for another line."""
    match = _SEPARATOR_LINE.fullmatch(line)
    if match is None:
        return ""
    separator = match[1].decode("latin-1") or "\t"
    if separator not in _SEPARATORS:
        raise AutomatonError(f"'sep=': {separator!r} separates no fields: it is one of , ; tab")
    return separator


def _columns(record: bytes, separator: str) -> list[str]:
    """Return the names in a header, one of which is ``delta``."""
    try:
        columns = _header(record, separator)
    except csv.Error as error:
        raise AutomatonError(f"not a header of CSV: {error}") from None
    if columns.count("delta") != 1:
        raise AutomatonError(
            "the header has two columns 'delta'"
            if "delta" in columns
            else "the header has no column 'delta'"
        )
    return columns


def _split_header(
    chunks: Iterator[Chunk | Malformed],
) -> tuple[bytes, str, Iterator[Chunk | Malformed]]:
    """Return the header, its separator, and the chunks after it.

    Raises
    ------
    AutomatonError
        If there is no header, or two separators fit.
    """
    separator, parts = "", list[bytes]()
    length, is_open = 0, False
    for chunk in chunks:
        if isinstance(chunk, Malformed):
            raise AutomatonError(f"line {chunk.line}: {chunk.reason}")
        for place, text in enumerate(chunk[1]):
            if not separator and not parts and (separator := _named_separator(text.strip())):
                continue
            parts.append(text.strip(_BLANKS))
            length += len(parts[-1]) + 1
            if length > MOST_TEXT:
                raise AutomatonError(f"the header is longer than {MOST_TEXT} bytes, the limit")
            line = b'"' + parts[-1] if is_open else parts[-1]
            is_open = _goes_on(line, separator or "".join(_SEPARATORS))
            if not is_open:
                header = b"\n".join(parts)
                rest = chain([(chunk[0][place + 1 :], chunk[1][place + 1 :])], chunks)
                return header, separator or _separator(header) or ",", rest
    raise AutomatonError("the header of CSV has no end")


def _goes_on(record: bytes, separators: str) -> bool:
    """Return whether a record ends within a quoted field.

    As in the module csv, a quote opens a field only at its start; elsewhere it is a character.

    Examples
    --------
    >>> _goes_on(b'a,"b', ","), _goes_on(b'a,b"', ","), _goes_on(b'"a ""b"" c",d', ",")
    (True, False, False)
    """
    found = _field_pattern(separators.encode()).finditer(record)
    return any(match["end"] == b"" for match in found)


@cache
def _field_pattern(separators: bytes) -> re.Pattern[bytes]:
    """Return the pattern of a field and its separator; the group "end" is the closing quote."""
    quoted = rb'"[^"]*(?:""[^"]*)*(?P<end>"|\Z)'
    apart = re.escape(separators)
    return re.compile(rb"(?:%b)?[^%b]*(?:[%b]|\Z)" % (quoted, apart, apart))


def _records(chunks: Iterator[Chunk | Malformed], separator: str) -> Iterator[Chunk | Malformed]:
    """Join the lines of each record: it goes on if a line leaves a quoted field open."""
    start = length = 0
    is_open = False
    parts: list[bytes] = []
    for chunk in chunks:
        if isinstance(chunk, Malformed):
            yield Malformed(start if is_open else chunk.line, chunk.reason)
            parts, is_open = [], False
            continue
        texts = [text.strip(_BLANKS) for text in chunk[1]]
        if b'"' not in b"".join(texts):
            if is_open:
                length += sum(map(len, texts)) + len(texts)
                parts = [] if length > MOST_TEXT else parts + texts
                continue
            if all(texts):
                yield chunk[0], texts
                continue
        numbers: list[int] = []
        records: list[bytes] = []
        for number, text in zip(chunk[0], texts, strict=True):
            if not is_open:
                start, length = number, 0
            parts.append(text)
            length += len(text) + 1
            if b'"' in text:
                is_open = _goes_on(b'"' + text if is_open else text, separator)
            if length > MOST_TEXT:
                parts = []  # too long: the text is dropped
            if is_open:
                continue
            if length > MOST_TEXT:
                yield numbers, records
                yield too_long(start, "record")
                numbers, records = [], []
            elif len(parts) > 1 or text:
                numbers.append(start)
                records.append(b"\n".join(parts))
            parts = []
        yield numbers, records
    if is_open:
        no_end = Malformed(start, "not a record of CSV: a quoted field has no end")
        yield too_long(start, "record") if length > MOST_TEXT else no_end


def _header(record: bytes, separator: str) -> list[str]:
    return [field.strip() for field in _fields(record, separator)]


def _field(record: bytes, columns: list[str], separator: str) -> bytes:
    """Return the field ``delta`` of a record, on one line.

    Raises
    ------
    IndexError
        If the record ends before it.
    ValueError, csv.Error
        If the record is malformed.
    """
    place, mark, quote = columns.index("delta"), separator.encode(), record.find(b'"')
    is_quoted = quote >= 0 and record.count(mark, 0, quote) <= place
    if is_quoted or b"\n" in record:  # quotes may hide separators: parse the whole record
        fields = _fields(record, separator)
        count, field = len(fields), fields[place].encode()
    else:
        count = record.count(mark) + 1 if quote < 0 else len(_fields(record, separator, False))
        field = record.split(mark, place + 1)[place]
    if count > len(columns):
        raise ValueError(f"{count} fields under a header of {len(columns)}")
    is_cut = len(field.strip(b" ").splitlines()) > 1 or b"\t" in field.strip()
    if is_cut and b"|" not in field:
        raise ValueError("rows of letters are separated by |")
    return b" ".join(field.splitlines()) if b"\n" in field else field


def _fields(record: bytes, separator: str, strict: bool = True) -> list[str]:
    text = record.decode("utf-8", "backslashreplace")
    return next(csv.reader([text], delimiter=separator, strict=strict))
