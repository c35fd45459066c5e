"""Tables with their size before them, read as lines arrive: synchrowords and similar forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain

from automata.errors import AutomatonError
from automata.text.entries import Automata, Entry, Malformed, Size, parse_entries
from automata.text.lines import Chunk
from automata.text.tables import parse_size

Items = list[Automata | Malformed]

_Read = Callable[[Iterator[Chunk | Malformed], bool], Iterator[Items]]
"""The second argument is whether the size is ``n k``; otherwise ``k n``."""


def read_synchrowords_lines(
    chunks: Iterator[Chunk | Malformed], *, states_first: bool = False, strict: bool = False
) -> Iterator[Items]:
    """Read pairs of lines if the first two are an automaton, else numbers in any layout.

    Parameters
    ----------
    chunks : iterator of Chunk or Malformed
        Without blank lines and comments.
    states_first : bool
        Whether the size is ``n k``, as in version 1.0; it is ``k n`` in 1.1.
    strict : bool
        Whether all automata must have the layout of the first: two lines, a line for each state,
        or one line.

    Yields
    ------
    list of Automata or Malformed

    Examples
    --------
    >>> [[found]] = read_synchrowords_lines(iter([([1, 2], [b"2 3", b"1 0 2 1 0 0"])]))
    >>> found.deltas.tolist()
    [[[1, 2, 0], [0, 1, 0]]]
    """
    numbers: list[int] = []
    texts: list[bytes] = []
    for chunk in chunks:
        if isinstance(chunk, Malformed):
            chunks = chain([chunk], chunks)
            break
        numbers += chunk[0]
        texts += chunk[1]
        if len(texts) > 1 or (texts and len(texts[0].split()) > 2):
            break
    read = _read_numbers
    if _is_pair(texts, states_first):
        read = _read_pairs
    elif strict:
        is_alone = len(texts[0].split()) > 2
        read = _read_single_lines if is_alone else partial(_read_rows, "state")
    return _numbered(read, chain([(numbers, texts)], chunks), states_first)


def read_contest_lines(
    chunks: Iterator[Chunk | Malformed], *, by_letter: bool = False
) -> Iterator[Items]:
    """Read ``n k`` on one line or two, then a line of k images for each state, and so on.

    Parameters
    ----------
    chunks : iterator of Chunk or Malformed
        Without blank lines and comments.
    by_letter : bool
        Whether lines of n images, one for each letter, follow the size instead.

    Yields
    ------
    list of Automata or Malformed
        Reading ends at a malformed automaton, since the start of the next one is unknown.

    Examples
    --------
    >>> [[found]] = read_contest_lines(iter([([1, 2, 3, 4], [b"3 2", b"1 0", b"2 1", b"0 0"])]))
    >>> found.deltas.tolist()
    [[[1, 2, 0], [0, 1, 0]]]
    """
    return _numbered(partial(_read_rows, "letter" if by_letter else "state"), chunks, True)


def _numbered(
    read: _Read, chunks: Iterator[Chunk | Malformed], states_first: bool
) -> Iterator[Items]:
    """Begin every error with the number of the automaton, from 0."""
    index = 0
    for items in read(chunks, states_first):
        for place, item in enumerate(items):
            if isinstance(item, Malformed):
                items[place] = Malformed(item.line, f"automaton {index}, {item.reason}")
            index += len(item.lines) if isinstance(item, Automata) else 1
        yield items


def _is_pair(texts: list[bytes], states_first: bool) -> bool:
    """Return whether the first line is a size and the second has n*k entries."""
    try:
        k, n = _size(states_first, texts[0]) if texts else (0, 0)
    except AutomatonError:
        return False
    return len(texts) > 1 and len(texts[1].split()) == n * k


def _size(states_first: bool, text: bytes) -> Size:
    """Read a line of two numbers; return k and n."""
    tokens = text.split()
    if len(tokens) != 2:
        size = "n k" if states_first else "k n"
        raise AutomatonError(f"'{size}' should stand here, not {len(tokens)} numbers")
    return _size_of(tokens, states_first)


def _size_of(tokens: list[bytes], states_first: bool) -> Size:
    first, second = (_decode(token) for token in [*tokens, b""][:2])
    return parse_size(second, first) if states_first else parse_size(first, second)


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


def _read_pairs(chunks: Iterator[Chunk | Malformed], states_first: bool) -> Iterator[Items]:
    """Read pairs of lines, a size and n*k entries; after an error go on at the next size."""
    read_size = partial(_size, states_first)
    sizes: dict[bytes, Size] = {}  # of lines read before
    size: Size | None = None  # of the automaton whose entries come next
    start, lost = 0, False
    for chunk in chunks:
        if isinstance(chunk, Malformed):
            yield [Malformed(start if size else chunk.line, chunk.reason)]
            size, lost = None, True
            continue
        found: list[Entry | Malformed] = []
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
                size = sizes.get(text) or sizes.setdefault(text, read_size(text))
                start, lost = number, False
            except AutomatonError as error:
                if not lost:
                    found.append(Malformed(number, str(error)))
                lost = True
        yield [*parse_entries(found)]
    if size:
        yield [Malformed(start, f"k={size[0]}, n={size[1]}: the entries are missing")]


def _read_numbers(chunks: Iterator[Chunk | Malformed], states_first: bool) -> Iterator[Items]:
    """Read sizes and entries in any layout, up to the first error."""
    tokens: list[bytes] = []
    lines: list[int] = []  # of the tokens
    for chunk in chain(chunks, [None]):
        if isinstance(chunk, Malformed):
            yield [_last(chunk)]
            return
        for number, text in zip(*chunk, strict=True) if chunk else []:
            tokens += text.split()
            lines += [number] * (len(tokens) - len(lines))
        found: list[Entry | Malformed] = []
        at = 0
        while at + (chunk is not None) < len(tokens):
            try:
                k, n = _size_of(tokens[at : at + 2], states_first)
            except AutomatonError as error:
                found.append(Malformed(lines[at], str(error)))
                break
            end = at + 2 + n * k
            if end > len(tokens) and chunk:
                break
            found.append((lines[at], b" ".join(tokens[at + 2 : end]), (k, n)))
            at = end
        items = _until_malformed(found)
        yield items
        if items and isinstance(items[-1], Malformed):
            return
        del tokens[:at], lines[:at]


def _read_single_lines(chunks: Iterator[Chunk | Malformed], states_first: bool) -> Iterator[Items]:
    """Read a size and its entries from each line."""
    for chunk in chunks:
        if isinstance(chunk, Malformed):
            yield [_last(chunk)]
            return
        found: list[Entry | Malformed] = []
        for number, text in zip(*chunk, strict=True):
            tokens = text.split()
            try:
                size = _size_of(tokens[:2], states_first)
            except AutomatonError as error:
                found.append(Malformed(number, str(error)))
                break
            found.append((number, b" ".join(tokens[2:]), size))
        items = _until_malformed(found)
        yield items
        if items and isinstance(items[-1], Malformed):
            return


def _read_rows(
    unit: str, chunks: Iterator[Chunk | Malformed], states_first: bool
) -> Iterator[Items]:
    """Read a size, then a line for each `unit`, "state" or "letter"."""
    by_letter = unit == "letter"
    rows: list[bytes] = []
    half = b""  # the first number of a size on two lines
    size: Size | None = None
    start = 0
    for chunk in chunks:
        if isinstance(chunk, Malformed):
            yield [_last(chunk)]
            return
        found: list[Entry | Malformed] = []
        for number, text in zip(*chunk, strict=True):
            if size is None:
                start = start if half else number
                if not half and text.isdigit():
                    half = text
                    continue
                try:
                    size = _size(states_first, half + b" " + text)
                except AutomatonError as error:
                    found.append(Malformed(start, str(error)))
                    break
                half, rows = b"", []
                continue
            (k, n), count = size, len(text.split())
            width, height = (n, k) if by_letter else (k, n)
            if count != width:
                wanted = f"n={n}" if by_letter else f"k={k}"
                reason = f"{unit} {len(rows)} has {count} entries, not {wanted}"
                found.append(Malformed(start, reason))
                break
            rows.append(text)
            if len(rows) == height:
                entry = (b"|".join(rows), None) if by_letter else (b" ".join(rows), size)
                found.append((start, *entry))
                size = None
        items = _until_malformed(found)
        yield items
        if items and isinstance(items[-1], Malformed):
            return
    if half:
        yield [Malformed(start, "one number of a size, and nothing after it")]
    if size:
        wanted = f"k={size[0]}" if by_letter else f"n={size[1]}"
        yield [Malformed(start, f"{len(rows)} {unit}s, not {wanted}")]


def _until_malformed(found: list[Entry | Malformed]) -> Items:
    """Read automata up to the first malformed one, included."""
    items: Items = []
    for item in parse_entries(found):
        items.append(_last(item) if isinstance(item, Malformed) else item)
        if isinstance(item, Malformed):
            break
    return items


def _last(item: Malformed) -> Malformed:
    return Malformed(item.line, f"{item.reason} (nothing after it is read)")
