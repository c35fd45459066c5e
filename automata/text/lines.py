"""The lines of a stream of text as they arrive, in bounded memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from typing import Protocol

from automata.text.entries import Malformed

MOST_TEXT = 1 << 22
"""Most bytes of one record. An automaton with 5,000 states and 64 letters has 1.6 million."""

_CHUNK = 1 << 20
_HASH = ord("#")
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class Stream(Protocol):
    """A binary file that returns the available bytes without waiting for more."""

    def read1(self, size: int, /) -> bytes:
        """Return at most `size` bytes, at least one unless the stream has ended."""


Chunk = tuple[Sequence[int], list[bytes]]  # numbers of lines, and the lines


def too_long(line: int, part: str = "line") -> Malformed:
    """Return the error for a line or record over the limit."""
    return Malformed(line, f"the {part} is longer than {MOST_TEXT} bytes, the limit")


def read_lines(stream: Stream) -> Iterator[Chunk | Malformed]:
    r"""Yield whole lines as they arrive, with their numbers.

    Parameters
    ----------
    stream : binary file
        UTF-8, or UTF-16 with a byte order mark. Lines end with ``\n``, ``\r\n`` or ``\r``.

    Yields
    ------
    Chunk or Malformed
        Malformed stands for a line that is too long; its text is dropped.

    Examples
    --------
    >>> from io import BytesIO
    >>> [*read_lines(BytesIO(b"1 2 0|0 1 0\n\n0 "))]
    [(range(1, 3), [b'1 2 0|0 1 0', b'']), ([3], [b'0 '])]
    """
    number = 1
    parts: list[bytes] = []
    length, skipped = 0, False  # of the line that has not ended yet
    for block in _with_newlines(_blocks(stream)):
        whole, newline, rest = block.rpartition(b"\n")
        if newline:
            lines = b"".join([*parts, whole]).split(b"\n")
            if skipped or len(lines[0]) > MOST_TEXT:
                if not skipped:
                    yield too_long(number)
                number += 1
                del lines[0]
            if lines:
                yield range(number, number + len(lines)), lines
            number += len(lines)
            parts, length, skipped = [], 0, False
        length += len(rest)
        parts.append(rest)
        if length > MOST_TEXT:
            if not skipped:
                yield too_long(number)  # at once: the line may have no end
            parts, skipped = [], True
    if not skipped and any(parts):
        yield [number], [b"".join(parts)]


def _with_newlines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    r"""Convert the line ends ``\r\n`` and ``\r`` (of old Macs) to ``\n``."""
    after_return = False
    for block in blocks:
        if not block:
            continue
        text = block[1:] if after_return and block.startswith(b"\n") else block
        after_return = block.endswith(b"\r")
        yield text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def _blocks(stream: Stream) -> Iterator[bytes]:
    """Yield the available bytes in UTF-8, without a byte order mark."""
    start = stream.read1(_CHUNK)
    while _may_be_mark(start) and (more := stream.read1(_CHUNK)):
        start += more
    encoding = _UTF16.get(start[:2])
    if encoding is None:
        start = start.removeprefix(codecs.BOM_UTF8)
        while start:
            yield start
            start = stream.read1(_CHUNK)
        return
    decoder = codecs.getincrementaldecoder(encoding)("backslashreplace")
    block = start[2:]
    while block:
        yield decoder.decode(block).encode()
        block = stream.read1(_CHUNK)
    yield decoder.decode(b"", final=True).encode()


def _may_be_mark(start: bytes) -> bool:
    """Return whether these bytes are the beginning of a byte order mark, but not all of it."""
    return start != b"" and any(
        mark != start and mark.startswith(start) for mark in (codecs.BOM_UTF8, *_UTF16)
    )


def without_comments(chunk: Chunk) -> Chunk:
    r"""Strip the lines, and drop comments and blank lines.

    Examples
    --------
    >>> without_comments(([4, 5], [b"# none", b" 0 0|0 1"]))
    ([5], [b'0 0|0 1'])
    """
    numbers = chunk[0]
    texts = [*map(bytes.strip, chunk[1])]
    places = [place for place, text in enumerate(texts) if text and text[0] != _HASH]
    if len(places) == len(texts):
        return numbers, texts
    return [numbers[place] for place in places], [texts[place] for place in places]


def blank_comments(chunk: Chunk) -> Chunk:
    r"""Replace comments by blank lines.

    Examples
    --------
    >>> blank_comments(([4, 5], [b" # none", b" 0 0|0 1"]))
    ([4, 5], [b'', b' 0 0|0 1'])
    """
    return chunk[0], [b"" if text.lstrip().startswith(b"#") else text for text in chunk[1]]
